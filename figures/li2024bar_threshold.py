"""On f(xy') the balance goes to a threshold from either side, by SAM or by nBAR (after Li et al. 2024, figure 2)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "li2024bar/_nop"


def draw(data):
    figure, axes = plt.subplots(1, 2, sharey=True)
    t = data["t"]
    for axis, rule in zip(axes, ("SAM", "nBAR")):
        for start, color in (("long x", "C0"), ("long y", "C1")):
            name = f"{rule} {start}"
            axis.plot(
                t, data[f"balance {name}"], color=color, label=rf"$|x|^2-|y|^2$, start with a {start[:4]} ${start[5:]}$"
            )
            axis.plot(t, data[f"threshold {name}"], color=color, ls=":", lw=1.4, label=r"its threshold $2\bar B$")
        axis.axhline(0, color="k", lw=0.8)
        axis.set(xlabel=r"$\eta t$", ylim=(-1.3, 1.3))
        axis.legend(fontsize=8)
    axes[0].set_ylabel(r"$|x|^2-|y|^2$ (median of 16)")
    axes[0].set_title(rf"SAM, $\rho={data['rho']:g}$: to the threshold, not to 0 (noise $\alpha=0.5$)")
    axes[1].set_title(r"nBAR, $\alpha_t=0.05$: the same without a second gradient")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
