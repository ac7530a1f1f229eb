"""Unified SAM on least squares, full batch: USAM converges linearly, any normalised part ends on a cycle."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "oikonomou2025/_deterministic"


def draw(data):
    figure, (left, right) = plt.subplots(1, 2)
    start, colours = data["gap"][0, 0], plt.cm.viridis(np.linspace(0, 0.92, len(data["mix"])))
    for mix, gap, cycle, colour in zip(data["mix"], data["gap"], data["cycle"], colours):
        left.plot(
            data["steps"], gap / start, color=colour, lw=1.2, label=rf"{mix:g}" if mix in (0, 0.1, 0.5, 1) else None
        )
        if mix > 0:
            left.plot(data["steps"][-1], cycle / start, "k<", ms=5, clip_on=False)
    left.plot([], [], "k<", ms=5, ls="none", label=r"cycle $La^2/2$")
    left.set(yscale="log", xlabel="step", ylabel=r"$(f-f^*)/(f_0-f^*)$", ylim=(1e-17, 3), xlim=(0, data["steps"][-1]))
    left.set_title(r"condition number 100, mixture $\lambda=0,\,0.1,\dots,1$")
    left.legend(title=r"$\lambda$", loc="lower left")
    some = data["mix"] > 0
    right.plot(
        data["mix"][some], data["floor"][some], "s--", ms=4, color="C1", label="neighbourhood $N$ of the theorem"
    )
    right.plot(1, data["sharper"], "D", color="C2", label=r"$L^2\rho^2/(2\mu)$ ($\lambda=1$, any $\rho$)")
    right.plot(data["mix"][some], data["cycle"][some], "-", color="C0", label=r"cycle $La^2/2$")
    right.plot(data["mix"][some], data["gap"][some, -1], "o", ms=5, color="C0", label="measured after the last step")
    right.set(yscale="log", xlabel=r"$\lambda$", ylabel=r"$f-f^*$ in the end", ylim=(None, 30))
    right.set_title("where it ends, and what is guaranteed")
    right.legend(loc="center right", bbox_to_anchor=(1, 0.42))
    return figure


if __name__ == "__main__":
    figure_script(__file__)
