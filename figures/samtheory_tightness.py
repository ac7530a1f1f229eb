"""How tight the bounds on rates are: observed/bound over the instances looked at, and over whole classes."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script
from samtheory.report.table import LOOSE

DATA = "samtheory/_tightness"


def draw(data):
    places = -np.arange(len(data["claim"]), dtype=float)
    for i in range(1, len(places)):  # a gap between claims
        places[i:] -= 0.4 * (data["claim"][i] != data["claim"][i - 1])
    figure, axis = plt.subplots(figsize=(10.5, 0.27 * len(places) + 1.4))
    sampled, searched, exact = data["ratio"].T
    low = min(0.5 * LOOSE, 0.5 * np.nanmin(data["ratio"]))
    best = np.fmax(sampled, searched)
    axis.barh(places, best - low, left=low, height=0.8, color=["C3" if b < LOOSE else "C0" for b in best], alpha=0.45)
    axis.plot(sampled, places, "|", ms=9, mew=1.6, color="C0", label="sampled instances")
    axis.plot(searched, places, ".", ms=7, color="C1", label="search for the worst")
    axis.plot(exact, places, "D", ms=6, mfc="none", mew=1.5, color="k", label="exact worst case at the examples")
    axis.axvline(1, color="k", lw=0.9)
    axis.axvline(LOOSE, color="C3", ls=":", lw=1)
    axis.text(LOOSE * 1.05, places[-1] - 0.9, "loose below", color="C3", fontsize=8, va="center")
    axis.set(xscale="log", xlim=(low, 1.5), ylim=(places[-1] - 1.3, 0.8), xlabel="observed / bound")
    axis.set_yticks(
        places, [f"{claim}   {_shown(bound)}" for claim, bound in zip(data["claim"], data["bound"])], fontsize=7.5
    )
    axis.grid(axis="y", visible=False)
    axis.set_title("bounds on rates: what reaches them")
    figure.legend(loc="outside lower right", ncols=3)
    return figure


def _shown(name):
    """As it stands: the names of bounds are plain text, not mathematics."""
    return str(name).replace("$", r"\$")


if __name__ == "__main__":
    figure_script(__file__)
