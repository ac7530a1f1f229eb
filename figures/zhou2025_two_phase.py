"""SAM switched on late leaves the sharp minimum exponentially and lands below its edge (Zhou et al. 2025)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script
from samtheory.theory.stability import usam_factor

DATA = "zhou2025/_two_phase"


def draw(data):
    figure = plt.figure()
    grid = figure.add_gridspec(2, 2)
    top = figure.add_subplot(grid[0, 0])
    low = figure.add_subplot(grid[1, 0], sharex=top)
    right = figure.add_subplot(grid[:, 1])
    t, switched, edge = data["t"], int(data["switched"]), float(data["edge"])
    after = np.arange(len(t)) > switched

    loss = np.where(data["loss"] > 0, data["loss"], np.nan)  # it reaches 0 exactly
    for part, color in ((~after, "C0"), (after, "C1")):
        top.semilogy(t[part], loss[part], color=color)
        low.plot(t[part], data["sharpness"][part], color=color)
    rate = abs(usam_factor(data["eta"], data["rho"], data["sharp"]))
    escape = np.arange(26)
    top.plot(switched + escape, 30 * data["loss"][after][0] * rate ** (2 * escape), "k--", lw=1)
    top.text(switched + 12, 1e-2, r"$|1-\eta\lambda(1+\rho\lambda)|^{2t}$", ha="right")
    top.text(27, 1e-31, "0 in floats, until\n$10^{-6}$ is added to $v$", color="0.4", fontsize=8)
    top.set(ylabel="loss", ylim=(1e-34, 1e3), yticks=[1e-30, 1e-20, 1e-10, 1])
    top.tick_params(labelbottom=False)
    low.axhline(edge, color="k", ls=":", lw=1)
    low.text(158, edge, "edge of USAM", ha="right", va="bottom")
    low.set(xlabel="step", ylabel=r"sharpness $\lambda$", xlim=(0, 160), ylim=(0, 14))
    low.text(2, 1, "GD", color="C0")
    low.text(switched + 2, 1, "USAM", color="C1")

    switch = np.arange(len(data["switch"]))
    right.plot(switch, data["late"], "o-", color="C1", label="GD, then USAM")
    right.plot(switch, data["early"], "s-", color="C0", label="USAM, then GD")
    right.axhline(edge, color="k", ls=":", lw=1)
    right.axhline(data["sharp"], color="0.6", ls="--", lw=1)
    right.text(switch[-1], edge, "edge of USAM", ha="right", va="bottom")
    right.text(switch[-1], data["sharp"], "GD alone", ha="right", va="bottom")
    shown = [i for i, k in enumerate(data["switch"]) if k in (0, 2, 5, 10, 20, 50, 500)]
    right.set_xticks(shown, [str(k) for k in data["switch"][shown]])
    right.set(xlabel="switch after this many steps", ylabel=r"final sharpness $\lambda$", ylim=(0, 14))
    right.legend(loc="lower right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
