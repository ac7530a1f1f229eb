"""Where methods converge on (uv - 1)^2/2: below their own edge, and USAM at the strict saddle (Bolte et al. 2025)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "bolte2025/_limits"
NAMES = {
    "gd": "GD",
    "usam": "USAM",
    "two_restart": "two-step\n(restart)",
    "two_seq": "two-step\n(sequence)",
    "hess": "Hessian\nUSAM",
    "penalty": "gradient\npenalty",
}
KINDS = (("strict saddle", "C4"), ("minimum", "C0"), ("non-critical point", "C1"), ("other", "C5"))


def draw(data):
    figure = plt.figure(figsize=(9.6, 5.2))
    left, right = figure.subfigures(1, 2, width_ratios=[1.15, 1])
    names = [str(name) for name in data["names"]]
    rows = left.subplots(len(names), 1, sharex=True)
    bins = np.arange(1.95, 10.4, 0.1)
    for k, (ax, name) in enumerate(zip(rows, names)):
        lam = data[f"sharpness_{name}"]
        ax.hist(lam, bins=bins, color=f"C{k}")
        ax.axvline(data["edges"][k], color="k", lw=1.1, ls="--")
        ax.set_yscale("log")
        ax.set_ylim(0.7, 2000)
        label = NAMES[name].replace("\n", " ")
        text = f"{label}: {lam.size} minima, largest {lam.max():.3f}, edge {data['edges'][k]:.3f}"
        ax.text(0.99, 0.9, text, transform=ax.transAxes, ha="right", va="top", fontsize=9,
                bbox={"fc": "w", "ec": "none", "alpha": 0.85, "pad": 1})  # fmt: skip
    rows[0].set_title(rf"sharpness of limits, 5000 starts, $\eta={data['eta']:g}$, $\rho={data['rho']:g}$")
    rows[-1].set_xlabel(r"$\lambda_{\max}$ at the limit (dashed: edge of the method)")
    ax = right.subplots()
    labels, total = [str(label) for label in data["labels"]], int(data["starts"])
    methods = [str(name) for name in data["methods"]]
    base = np.zeros(len(methods))
    for kind, color in KINDS:
        share = 100 - base if kind == "other" else 100 * data["counts"][:, labels.index(kind)] / total
        ax.bar(range(len(methods)), share, bottom=base, color=color, width=0.7,
               label="diverged, unsettled" if kind == "other" else kind)  # fmt: skip
        for k in np.flatnonzero(share > 4):
            ax.text(k, base[k] + share[k] / 2, f"{share[k]:.0f} %", ha="center", va="center", color="w", fontsize=9)
        base = base + share
    ax.set(ylim=(0, 100), ylabel="share of starts, %", xticks=range(len(methods)))
    ax.set_xticklabels([NAMES[name] for name in methods], fontsize=8)
    ax.set_title(rf"limits from $|x_i|\leq 0.5$, $\eta={data['saddle_eta']:g}$, $\rho={data['saddle_rho']:g}$")
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
