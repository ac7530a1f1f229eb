"""USAM diverges beyond eta = 2/(beta + rho beta^2); SAM is bounded for every rho up to 2/beta (Dai et al. 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "dai2023/_stability_map"


def draw(data):
    figure, axes = plt.subplots(1, 2, sharey=True)
    eta, rho = data["eta"], data["rho"]
    shades = plt.get_cmap("viridis").with_extremes(bad="#c9c9c9")
    for ax, key, title in zip(axes, ("usam", "sam"), ("USAM", "SAM")):
        with np.errstate(divide="ignore"):
            level = np.clip(np.log10(np.maximum(data[key], 1e-30)), -16, 6)
        level[np.isinf(data[key])] = np.nan
        image = ax.pcolormesh(eta, rho, level, vmin=-16, vmax=6, cmap=shades, rasterized=True)
        ax.set(xlabel=r"$\eta\beta$", xlim=(eta[0], eta[-1]), ylim=(0, 4))
        ax.set_title(f"{title}: loss after {int(data['steps'])} steps; grey: diverged")
        ax.grid(False)
    curve = np.linspace(0, 4, 200)
    axes[0].plot(2 / (1 + curve), curve, color="w", lw=2.2)
    axes[0].plot(2 / (1 + curve), curve, color="C4", lw=1.4, ls="--")
    axes[0].text(1.02, 1.25, r"$\eta=2/(\beta+\rho\beta^2)$", color="C4")
    axes[1].axvline(2, color="w", lw=2.2)
    axes[1].axvline(2, color="C4", lw=1.4, ls="--")
    axes[1].text(
        1.97, 0.25, r"$\eta=2/\beta$", color="C4", ha="right", bbox={"fc": "w", "ec": "none", "alpha": 0.8, "pad": 1.5}
    )
    axes[0].set_ylabel(r"$\rho$  (USAM: in units of $1/\beta$;  SAM: a length)")
    figure.colorbar(image, ax=axes, label=r"$\log_{10} f$", pad=0.01)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
