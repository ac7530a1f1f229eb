"""1-SAM takes the test loss to zero and then diverges, n-SAM raises it (after Andriushchenko & Flammarion 2022)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "andriushchenko2022/_rho_sweep"


def draw(data):
    figure, axes = plt.subplots()
    rhos, one = data["rhos"], data["1-SAM"]
    axes.axhline(data["plain"][0], color="k", ls=":", label=r"gradient descent, $\gamma=10/d$")
    axes.axhline(data["plain"][1], color="0.5", ls="--", lw=1, label=r"gradient descent, $\gamma=15/d$")
    axes.plot(rhos, data["n-SAM"], "o-", ms=4, color="C1", label=r"$n$-SAM, $\gamma=10/d$")
    axes.plot(rhos, one, "s-", ms=4, color="C0", label=r"1-SAM, $\gamma=15/d$")
    gone = rhos[~np.isfinite(one) | (one > 0.04)]
    if gone.size:
        axes.axvspan(gone[0] / (rhos[1] / rhos[0]) ** 0.5, rhos[-1] * 1.05, color="C0", alpha=0.12, lw=0)
        axes.text(gone[0], 0.0325, "1-SAM\ndiverges", color="C0", fontsize=9, va="top")
    axes.set(xscale="log", xlabel=r"$\rho$ (the authors': 1-SAM perturbs by $2\rho\,r_i x_i$)", ylabel="test loss")
    axes.set(ylim=(-0.0005, 0.035), xlim=(rhos[0] / 1.05, rhos[-1] * 1.05))
    axes.set_title(r"Diagonal network, $n=20$, $d=30$, 3 relevant coordinates")
    axes.legend(loc="lower left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
