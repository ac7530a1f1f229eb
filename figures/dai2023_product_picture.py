"""GD stops at the edge 2/eta, USAM below it, SAM drifts on to the flat end of the valley (after Dai et al. 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "dai2023/_product_picture"
NAMES = {"gd": "GD", "usam": "USAM", "sam": "SAM"}


def draw(data):
    figure, (plane, time) = plt.subplots(1, 2, width_ratios=(1, 1.25))
    top = 1.06 * data["start"][1]
    x, y = np.meshgrid(np.linspace(-2.2, 2.2, 240), np.linspace(-0.15, top, 240))
    u = np.abs(x * y)
    loss = u + np.log1p(np.exp(-2 * u)) - np.log(2)
    plane.pcolormesh(x, y, np.log10(loss + 1e-3), cmap="Greys", alpha=0.55, rasterized=True, linewidth=0)
    notes = {
        "gd": (2.45, r"GD stops below $2/\eta$"),
        "usam": (1.35, "USAM stops lower"),
        "sam": (0.3, "SAM: to the origin"),
    }
    for colour, (key, name) in enumerate(NAMES.items()):
        path, (height, text) = data[key], notes[key]
        plane.plot(*path.T, ".-", lw=0.5, ms=3, color=f"C{colour}", alpha=0.8)
        plane.plot(*path[-1], "o", ms=8, mec="white", color=f"C{colour}", zorder=5)
        plane.annotate(text, path[-1], (2.1, height), color=f"C{colour}", fontsize=9, va="center", ha="right", zorder=6,
                       arrowprops={"arrowstyle": "-", "color": f"C{colour}", "lw": 0.9},
                       bbox={"fc": "w", "ec": "none", "alpha": 0.75, "pad": 1})  # fmt: skip
        time.plot(data[key][:, 1] ** 2, color=f"C{colour}", label=name)
    plane.plot(*data["start"], "k*", ms=9)
    plane.set(xlabel="$x$", ylabel="$y$", xlim=(-2.2, 2.2), ylim=(-0.15, top))
    plane.set_title(r"Iterates on $\log\cosh(xy)$; minima: the axes")
    plane.grid(False)
    for key, colour, text in (
        ("gd_edge", "C0", r"$\lambda=2/\eta$"),
        ("usam_edge", "C1", r"$(1+\rho\lambda)\lambda=2/\eta$"),
    ):
        time.axhline(data[key], color=colour, ls="--", lw=1, label=text)
    time.set(xlabel="step", ylabel="sharpness on the valley, $y^2$", xlim=(0, data["shown"]), ylim=(0, 22))
    time.set_title(rf"Same start, $\eta={float(data['eta'])}$, $\rho={float(data['rho'])}$")
    time.legend(loc="upper right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
