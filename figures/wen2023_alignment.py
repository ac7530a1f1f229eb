"""SAM's gradient lies along the top eigenvector only while rho/eta is moderate (after KW, TM & ZL 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "wen2023/_alignment"


def draw(data):
    figure, (runs, worst) = plt.subplots(1, 2, gridspec_kw={"width_ratios": [1.4, 1]})
    for i in reversed(range(len(data["ratios"]))):
        low, high = np.transpose(data["angle"][i])
        runs.fill_between(data["tau"], low, high, color=f"C{i}", alpha=0.35, lw=0)
        runs.plot(data["tau"], high, color=f"C{i}", lw=1.2, label=rf"$\rho/\eta={data['ratios'][i]}$")
        runs.plot(data["tau"], data["tilt"][i], color="k", ls="--", lw=0.9)
    runs.plot([], [], "k--", lw=0.9, label=r"tilt of the two-cycle, $O(\rho)$")
    runs.axhline(np.pi / 2, color="0.6", lw=0.8)
    runs.text(0.99, 1.5, "orthogonal", ha="right", va="top", fontsize=8, color="0.4")
    runs.set(yscale="log", xlabel=r"slow time $\eta\rho^2t$", xlim=(0, 1), ylim=(1e-5, 3))
    runs.set_ylabel(r"angle of $\nabla L$ to $v_1$ (least to largest)")
    runs.set_title(rf"Two quadratic residuals in $R^5$, $\eta={data['eta']:g}$")
    runs.legend(fontsize=8, loc="lower right")
    for i, eta in enumerate(data["etas"]):
        worst.plot(data["many"], data["worst"][i], "o-", ms=3.5, lw=1, color=f"C{i + 3}", label=rf"$\eta={eta:g}$")
    worst.set(xscale="log", yscale="log", xlabel=r"$\rho/\eta$", ylabel=r"largest angle$\,/\rho$ for $\eta\rho^2t>1/2$")
    worst.set_title(r"Alignment to $O(\rho)$ ends near $\rho/\eta=40$ here")
    worst.legend(fontsize=8, loc="upper left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
