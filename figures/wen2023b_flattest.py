"""Equally flat networks that remember and that generalise (after KW, ZL & TM 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "wen2023b/_flattest"


def draw(data):
    figure, (plane, scatter) = plt.subplots(1, 2, gridspec_kw={"width_ratios": [1, 1.5]})
    grid = data["grid"]
    outside = np.hypot(*np.meshgrid(grid, grid)) > 1.08
    f = np.ma.array(data["f"], mask=outside | (data["f"] == 0))
    plane.pcolormesh(grid, grid, f, cmap="RdBu_r", vmin=-2, vmax=2, rasterized=True)
    round_it = np.linspace(0, 2 * np.pi, 400)
    plane.plot(np.cos(round_it), np.sin(round_it), color="0.4", lw=0.8)
    for w1, w2, b in data["units"]:
        size = np.hypot(w1, w2)
        foot, along = -b / size**2 * np.array([w1, w2]), np.array([-w2, w1]) / size
        half = np.sqrt(max(1 - foot @ foot, 0))
        ends = np.array([foot - half * along, foot + half * along])
        plane.plot(*ends.T, color="k", lw=0.8)
    for label, color in ((1, "#b2182b"), (-1, "#2166ac")):
        plane.plot(*data["circle"][data["labels"] == label].T, "o", color=color, mec="k", ms=6, label=f"$y={label:+d}$")
    plane.set(aspect="equal", xlim=(-1.12, 1.12), ylim=(-1.12, 1.12))
    plane.axis("off")
    plane.set_title("One cap a sample: a flattest net with bias")
    plane.text(
        0, 0, f"$f=0$ here and on\n{100 * data['silent']:.0f} % of the circle", ha="center", va="center", fontsize=9
    )
    plane.legend(loc="lower right", fontsize=8, handletextpad=0.1)

    for i, n in enumerate(data["n"]):
        bias = np.array(data["memoriser"][i])
        scatter.plot(*bias.T, "o-", color=f"C{i}", ms=4, lw=1, mfc="w")
        scatter.plot(*bias[-1], "o", color=f"C{i}", ms=8, label=f"memoriser of $n={n}$")
        scatter.plot(*data["layer norm memoriser"][i], "s", color=f"C{i}", ms=7)
    corner = np.array(data["corner"])
    scatter.plot(*corner.T, "*-", color="k", ms=6, lw=1, mfc="w")
    scatter.plot(*corner[-1], "*", color="k", ms=13, label=r"four units, $r=(d+1)^{1/4}$")
    scatter.plot(*data["printed"], "x", color="#b2182b", ms=9, mew=2, label=r"$r=(d^2+1)^{1/4}$, as printed")
    scatter.plot(*data["layer norm corner"], "*", color="k", ms=13)
    scatter.plot([], [], "o-", color="0.4", ms=4, lw=1, mfc="w", label="heights up to 45 % off")
    scatter.plot([], [], "s", color="0.4", ms=7, label="with layer norm")
    for bound, text in ((data["layer norm bound"], "layer norm: 2"), (data["bound"], r"bias: $4\sqrt{d+1}$")):
        scatter.axvline(bound, color="0.4", ls="--", lw=1, zorder=0)
        scatter.text(bound * 0.96, 0.5, text, rotation=90, ha="right", va="center", fontsize=9)
    scatter.set(xscale="log", xlim=(1.4, 40), ylim=(-0.06, 1.04), xlabel=r"$\mathrm{Tr}\,\nabla^2 L$ (all fit: $L=0$)")
    scatter.set(ylabel="0-1 error on the cube", xticks=[2, 5, 10, 20], xticklabels=["2", "5", "10", "20"])
    scatter.minorticks_off()
    scatter.set_title(rf"As flat as can be, and any test error ($d={data['d']}$)")
    scatter.legend(loc="upper left", bbox_to_anchor=(0.17, 0.9), fontsize=8)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
