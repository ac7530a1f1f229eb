"""The curvatures that each method lets through at a limit, with USAM's band of negative ones (Bolte et al. 2025)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "bolte2025/_filter_curves"
LABELS = {
    "gd": "GD",
    "usam": "USAM",
    "two_restart": "two-step (restart)",
    "two_seq": "two-step (in sequence)",
    "hess": "Hessian USAM",
}


def draw(data):
    figure, (curves, bars) = plt.subplots(1, 2, gridspec_kw={"width_ratios": [1.35, 1]})
    names = [str(name) for name in data["names"]]
    for k in range(len(names)):
        curves.plot(data["lam"], data["radius"][k], color=f"C{k}")
        bars.barh(k, data["edges"][k], color=f"C{k}", height=0.55)
        bars.text(data["edges"][k] + 0.5, k, f"{data['edges'][k]:.2f}", va="center", fontsize=9)
        low, high = data["bands"][k]
        if np.isfinite(low) and high > low:
            curves.axvspan(low, high, color=f"C{k}", alpha=0.12, lw=0)
            bars.barh(k, high - low, left=low, color=f"C{k}", height=0.55, hatch="//", edgecolor="w", lw=0)
            bars.text(low, k - 0.34, "negative band", fontsize=9, color=f"C{k}", va="bottom")
        elif np.isfinite(low):
            bars.plot(low, k, marker="o", ms=5, color=f"C{k}")
            bars.text(low, k - 0.14, r"$-1/\rho$, marginal", fontsize=9, color=f"C{k}", va="bottom", ha="center")
    curves.axhline(1, color="k", lw=0.9, ls="--")
    curves.set(ylim=(0, 2.2), xlim=(-24, 24), xlabel=r"curvature $\lambda$", ylabel=r"$|1-\eta h(\lambda)|$")
    curves.set_title(rf"spectral radius of a step, $\eta={data['eta']:g}$, $\rho={data['rho']:g}$")
    bars.axvline(0, color="k", lw=0.9)
    bars.set(xlim=(-24, 27), ylim=(len(names) - 0.5, -0.6), yticks=range(len(names)), xlabel=r"curvature $\lambda$")
    bars.set_yticklabels([LABELS[name] for name in names])
    bars.set_title("curvatures that pass")
    bars.grid(axis="y", visible=False)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
