"""Gradient descent's test error is one curve in n |mu|^4/(d (P - 1)^4), not in n |mu|^2/d (after Chen et al. 2023)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "chen2023/_collapse"


def draw(data):
    figure, (fourth, second) = plt.subplots(1, 2, sharey=True)
    for i, (n, d, patches) in enumerate(data["shapes"]):
        label = f"$n={n}$, $d={d}$, $P={patches}$"
        for ax, x in ((fourth, data["kappa"]), (second, data["squared"][i])):
            ax.errorbar(x, data["error"][i], 2 * data["spread"][i], fmt="o-", ms=4, lw=1, capsize=2, label=label)
    for ax in (fourth, second):
        ax.axhline(0.125, color="k", ls=":", lw=1)
        ax.set(xscale="log", ylim=(0, 0.52))
    fourth.text(1.1e-3, 0.13, "harmful above: $p+0.1$ with flips", fontsize=8, va="bottom")
    fourth.set(xlabel=r"$\kappa=n|\mu|^4/(d(P-1)^4)$", ylabel="clean test error")
    fourth.set_title("Gradient descent, from a small start")
    second.set(xlabel=r"$n|\mu|^2/(d(P-1)^2)$")
    second.set_title("The same errors: this is not the variable")
    second.legend(fontsize=8, loc="upper right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
