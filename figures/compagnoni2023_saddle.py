"""A saddle attracts SAM from a ball of radius rho |lam_*| and delays USAM's escape (after MC et al. 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "compagnoni2023/_saddle"


def portrait(ax, data, name, title):
    """Trajectories in the plane from both rings of starts; dots where they start."""
    for where, color in (("in", "C0"), ("out", "C1")):
        runs = data[f"{name} {where}"]
        ax.plot(runs[:, :, 0].T, runs[:, :, 1].T, color=color, lw=0.9)
        ax.plot(runs[:, 0, 0], runs[:, 0, 1], ".", color=color, ms=5)
    angle = np.linspace(0, 2 * np.pi, 200)
    rho = float(data["rho"])
    ax.plot(rho * np.cos(angle), rho * np.sin(angle), "k--", lw=0.9)
    ax.plot(0, 0, "k+", ms=7)
    ax.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    ax.set_title(title)


def draw(data):
    figure, (gd, sam, usam, escape) = plt.subplots(1, 4, figsize=(15, 4), width_ratios=(1, 1, 1, 1.2))
    portrait(gd, data, "GD", r"GD on $(x_1^2-x_2^2)/2$ escapes")
    sam.pcolormesh(data["grid"], data["grid"], np.where(data["attracted"], 1.0, np.nan), cmap="Blues", vmin=0, vmax=6)
    portrait(sam, data, "SAM", r"SAM, $\rho=1/2$: shaded starts are attracted")
    portrait(usam, data, "USAM", r"USAM, $\rho=3/2>1/|\lambda|$: all attracted")
    escape.semilogy(data["rhos"], data["escape"], color="C0", label="USAM equation")
    escape.semilogy(data["coarse"], data["escape_algorithm"], "o", ms=5, color="C1", label="USAM, exact moments")
    escape.axvline(1, color="k", ls="--", lw=0.9)
    escape.text(0.985, 3.3, r"$\rho=1/|\lambda|$: never", rotation=90, ha="right", va="bottom", fontsize=9)
    escape.set(xlabel=r"$\rho$", xlim=(0, 1.04), ylim=(2, 150))
    escape.set_title(r"Time until $E f=-1$, noise $\sigma=1$, $\eta=0.01$")
    escape.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
