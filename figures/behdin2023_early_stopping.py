"""Best-stopped SAM wins where the signal sits in the top eigendirections (two-level spectra, after 2302.11836)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "behdin2023/_two_levels"


def draw(data):
    figure, axes = plt.subplots(figsize=(7.4, 4.8))
    big = 100 * np.abs(data["ratio"]).max()
    style = {"cmap": "RdBu_r", "vmin": -big, "vmax": big}
    image = axes.pcolormesh(data["q"], data["radii"], 100 * data["ratio"], shading="gouraud", **style)
    axes.scatter(*data["points"].T, c=100 * data["ran"], s=46, edgecolor="k", lw=0.8, **style, zorder=3)
    axes.contour(data["q"], data["radii"], data["ratio"], [0], colors="k", linewidths=1.2)
    axes.plot(data["kappa"], data["radii"], color="C2", lw=2)
    axes.axvline(data["kappa_gd"], color="C2", lw=2, ls="--")
    axes.set(xscale="log", yscale="log", ylim=data["radii"][[0, -1]], xlim=data["q"][[0, -1]])
    axes.set_xlabel(r"$q=\ln r^*_2/\ln r^*_1$  (signal at the top $\longleftrightarrow$ low)")
    axes.set_ylabel(r"$\rho\lambda_1$")
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5}
    axes.text(0.036, 0.15, r"$q\leq\kappa_{\rm SAM}$: SAM wins", fontsize=10, bbox=box)
    axes.text(0.37, 0.15, r"$q\geq\kappa_{\rm GD}$: GD wins", fontsize=10, bbox=box)
    axes.text(0.128, 9, "either", fontsize=10, bbox=box)
    figure.colorbar(image, label="best-stopped error, SAM over GD (log, per cent)")
    axes.set_title(
        "Optimal stopping, two levels ($\\lambda_2=0.3\\lambda_1$, $r^*_1=0.3$); $\\circ$: runs; black: equal"
    )
    return figure


if __name__ == "__main__":
    figure_script(__file__)
