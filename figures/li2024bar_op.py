"""On f(x'y) label noise speeds SAM's balancing, and beyond a critical noise SAM collapses (after Li et al. 2024)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "li2024bar/_op"


def draw(data):
    figure, (left, right) = plt.subplots(1, 2)
    t = data["t"]
    left.plot(t, data["sgd"], color="C5", label=r"SGD, $\alpha=1$")
    for k, alpha in enumerate(data["alphas"]):
        left.plot(t, data[f"sam {k}"], color=f"C{k}", label=rf"SAM, $\alpha={alpha:g}$")
    late = t > t[-1] / 3
    left.plot(t[late], 1.6 * data["sam 0"][late][0] * np.exp(-data["late rate"] * (t[late] - t[late][0])), "k--", lw=1,
              label=r"slope $2\rho^2f''$: no noise at all")  # fmt: skip
    left.set(xlabel=r"$\eta t$", ylabel=r"$|\,|x|^2-|y|^2|$ (median of 16)", yscale="log", ylim=(1e-9, 10))
    left.set_title(rf"More noise, faster balance ($\rho={data['rho']:g}$)")
    left.legend(fontsize=8, loc="lower right")
    right.plot(data["levels"], data["sgd late"], "o", ms=4, color="C5", label="SGD, measured")
    spread = [data["late"] - data["late min"], data["late max"] - data["late"]]
    right.errorbar(data["levels"], data["late"], spread, fmt="o", ms=5, capsize=2, color="C1", label="SAM, measured")
    right.plot(data["curve"], data["settled"], color="C1", lw=1.2, label=r"zero of the mean step, $\eta\to0$")
    right.axvline(data["collapse"], color="k", ls=":", lw=1)
    right.annotate(rf"$\alpha_c={data['collapse']:.3f}$", (data["collapse"], 0.3), (6, 0), textcoords="offset points")
    right.annotate("collapse to $x=y=0$", (1.55, 0.0), (0, 14), textcoords="offset points", ha="center")
    right.axhline(data["target"], color="k", lw=0.8)
    right.set(xlabel=r"label noise $\alpha$", ylabel="late mean of $x^\\top y$", ylim=(-0.03, 0.58))
    right.set_title("The price: SAM misses the target 0.5, then collapses")
    right.legend(fontsize=8, loc="upper right", bbox_to_anchor=(1, 0.85))
    return figure


if __name__ == "__main__":
    figure_script(__file__)
