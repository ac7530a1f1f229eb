"""Why n-SAM hurts sparse recovery and 1-SAM helps: where each shrinks the effective alpha (not in the paper)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "andriushchenko2022/_effective_alpha"


def draw(data):
    figure, (path, ends, errors) = plt.subplots(1, 3, figsize=(12, 3.8))
    r = int(data["support"])
    for kind, color, rho in (("n-SAM", "C1", data["rho"][0]), ("1-SAM", "C0", data["rho"][1])):
        alpha = data[f"{kind}, alpha"]
        path.plot(data["times"], alpha[:, :r], color=color, lw=1.6)
        path.plot(data["times"], alpha[:, r:], color=color, lw=0.6, alpha=0.35)
        path.plot([], [], color=color, lw=1.6, label=rf"{kind}, $\rho={rho:g}$")
    path.plot([], [], color="0.4", lw=0.6, label="off the support (thin)")
    path.set(xscale="log", yscale="log", xlabel="time", ylabel=r"$\alpha_{\mathrm{eff},j}/\alpha$")
    path.set(xlim=(1, data["times"][-1]), title="One draw, every coordinate")
    ticks = [0.15, 0.2, 0.3, 0.5, 0.7, 1]
    path.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    path.set_yticks([], minor=True)
    path.set_ylim(0.14, 1.05)
    path.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.22))

    for k, (kind, color) in enumerate((("n-SAM", "C1"), ("1-SAM", "C0"))):
        shrunk = data[f"{kind}, ends"]
        for half, values in enumerate((shrunk[:, :r].ravel(), shrunk[:, r:].ravel())):
            spread = 0.24 * (np.arange(values.size) * 0.618 % 1 - 0.5)
            at = 2.3 * k + half
            ends.plot(at + spread, values, ".", ms=3, color=color, alpha=0.4 if half else 0.9)
            ends.plot([at - 0.3, at + 0.3], 2 * [np.exp(np.log(values).mean())], color="k", lw=1.6)
    ends.set_xticks([0, 1, 2.3, 3.3], ["$n$-SAM\non", "$n$-SAM\noff", "1-SAM\non", "1-SAM\noff"])
    ends.set(
        yscale="log", ylabel=r"$\alpha_{\mathrm{eff},j}/\alpha$ at the limit", title="24 draws, on and off the support"
    )

    ratio = data["log ratio"]
    for k, (kind, color) in enumerate((("n-SAM", "C1"), ("1-SAM", "C0"))):
        steps = np.arange(1, 1 + len(ratio)) / len(ratio)
        errors.plot(steps, ratio[:, :, k], color=color, lw=0.5, alpha=0.35)
        label = rf"{kind}, $\rho\leq{data['grids'][k][-1]:g}$"
        errors.plot(steps, ratio[:, :, k].mean(axis=1), "o-", ms=4, color=color, label=label)
    errors.axhline(0, color="k", ls=":")
    errors.set(xlabel=r"$\rho$ over its largest value", ylabel="ln (error / error of gradient flow)")
    errors.set(ylim=(-1.9, 2.6), title="24 draws (thin), mean (thick)")
    errors.legend(fontsize=8, loc="upper left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
