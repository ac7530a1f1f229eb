"""A ReLU teacher: SAM's test error is lower early, and higher late if the labels are noisy (a stand-in, 2302.11836)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "behdin2023/_teacher_student"


def draw(data):
    figure, (error, ratio) = plt.subplots(1, 2)
    for i, s in enumerate(data["noise"]):
        gd, sam = data["errors"][i].swapaxes(0, 1)
        error.plot(data["k"], gd.mean(axis=0), "--", color=f"C{i}", lw=1.3)
        error.plot(data["k"], sam.mean(axis=0), color=f"C{i}", label=f"$s={s:g}$")
        gap = np.log(sam / gd)
        mean, spread = gap.mean(axis=0), gap.std(axis=0, ddof=1) / len(gap) ** 0.5
        ratio.plot(data["k"], 100 * mean, color=f"C{i}", label=f"$s={s:g}$")
        ratio.fill_between(
            data["k"], 100 * (mean - 2 * spread), 100 * (mean + 2 * spread), color=f"C{i}", alpha=0.2, lw=0
        )
    error.plot([], [], "k-", label="SAM")
    error.plot([], [], "k--", lw=1.3, label="gradient descent")
    error.set(xscale="log", yscale="log", xlabel="step $k$", ylabel="test error against the teacher")
    error.set_title("5 ReLU units, 40 samples; mean of 20 teachers")
    error.legend(fontsize=8.5)
    ratio.axhline(0, color="k", lw=0.9)
    ratio.set(xscale="log", xlabel="step $k$", ylabel="SAM over gradient descent (log, per cent)")
    ratio.set_title(r"Paired difference, $\pm$ 2 standard errors")
    ratio.legend(fontsize=8.5)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
