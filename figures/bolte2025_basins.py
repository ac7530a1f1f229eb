"""Basins of USAM on the double well: the maximum attracts, the minima are lost, spurious limits appear."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from samtheory.report.figures import figure_script

DATA = "bolte2025/_basins"
COLORS = {
    "minimum": "#2f6fb2",
    "local maximum": "#b3273b",
    "non-critical point": "#d1662b",
    "cycle": "#3b9461",
    "unsettled": "#8a5aa8",
    "diverged": "#dddddd",
}


def draw(data):
    figure, (ax, ends) = plt.subplots(1, 2, gridspec_kw={"width_ratios": [1.5, 1]}, sharex=True)
    labels, rho = [str(label) for label in data["labels"]], data["rho"]
    table = np.full(len(labels), list(COLORS).index("diverged"))
    for k, name in enumerate(COLORS):
        table[labels.index(name)] = k
    kind = table[data["kind"]]
    ax.pcolormesh(
        rho, data["start"], kind.T, cmap=ListedColormap(list(COLORS.values())), vmin=-0.5, vmax=len(COLORS) - 0.5,
        rasterized=True,
    )  # fmt: skip
    ax.set(xlabel=r"$\rho$", ylabel=r"$x_0$", xlim=(0, 5), ylim=(-1.5, 1.5))
    ax.set_title(rf"USAM on $(x^2-1)^2/4$, $\eta={data['eta']:g}$: what becomes of $x_0$")
    ax.grid(False)
    lost = (1 / data["eta"] - 1) / 2
    marks = ((1, "maximum attracts"), (lost, "minima lost"), (4, "spurious limits"))
    for where, text in marks:
        for panel in (ax, ends):
            panel.axvline(where, color="k", lw=0.9, ls="--")
        ends.text(where - 0.06, 0.93, text, fontsize=9, va="top", ha="right", rotation=90)
    used = [k for k in range(len(COLORS)) if (kind == k).any()]
    names = list(COLORS)
    handles = [Patch(color=COLORS[names[k]], label=names[k]) for k in used]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(used))
    for k in used:
        if names[k] not in ("diverged", "unsettled"):
            row, column = np.nonzero(kind == k)
            ends.plot(rho[row], data["point"][row, column], ".", ms=1.6, mew=0, color=COLORS[names[k]])
    ends.set(xlabel=r"$\rho$", ylabel="where it ends", ylim=(-1.5, 1.5))
    ends.set_title("limits and cycles")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
