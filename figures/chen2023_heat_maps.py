"""Gradient descent needs a signal that grows as d^(1/4), SAM and then gradient descent do not (Chen et al. 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "chen2023/_heat_maps"


def draw(data):
    figure, axes = plt.subplots(1, 2, sharey=True)
    d, signal = data["d"], data["signal"]
    curve = np.geomspace(d[0], d[-1], 50)
    titles = "Gradient descent", "SAM, then gradient descent"
    for ax, error, title in zip(axes, (data["gd"], data["sam"]), titles):
        image = ax.pcolormesh(d, signal, error, vmin=0, vmax=0.5, cmap="viridis", shading="nearest", rasterized=True)
        lines = ax.contour(d, signal, error, levels=[0.05, 0.125, 0.25, 0.4], colors="w", linewidths=0.9)
        ax.clabel(lines, fmt="%g", fontsize=8)
        for kappa in (0.1, 1.0):
            (line,) = ax.plot(curve, (kappa * curve / data["n"]) ** 0.25, color="k", lw=1.6, ls="--")
        line.set_label(r"$n|\mu|^4/d=0.1,\ 1$")
        ax.set(xscale="log", yscale="log", xlabel="dimension $d$", ylim=(signal[0], signal[-1]), xlim=(d[0], d[-1]))
        ax.set_xticks([500, 1000, 2000, 4000, 8000], ["500", "1000", "2000", "4000", "8000"], minor=False)
        ax.set_yticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"], minor=False)
        ax.minorticks_off()
        ax.set_title(title)
        ax.grid(False)
    axes[0].set_ylabel(r"signal $|\mu|$  (noise: 1 in every direction)")
    axes[0].legend(loc="lower right", fontsize=9, frameon=True, framealpha=0.9)
    figure.colorbar(image, ax=axes, label="clean test error", pad=0.01)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
