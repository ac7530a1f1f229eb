"""Unified SAM on digits: test error, fit and trace against the radius (after Oikonomou & Loizou 2025)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "oikonomou2025/_deep_lambda"


def draw(data):
    figure, axes = plt.subplots(1, 3)
    titles = {"error": "test error", "fit": "training loss", "trace": r"$\mathrm{Tr}\,\nabla^2L$"}
    for axis, (key, title) in zip(axes, titles.items()):
        for i, lam in enumerate(data["lams"]):
            middle, spread = data[key][i].mean(axis=-1), data[key][i].std(axis=-1)
            axis.errorbar(data["rhos"], middle, spread, fmt="o-", ms=4, capsize=2, label=rf"$\lambda={lam:g}$")
        axis.set(xlabel=r"$\rho$", title=title)
        axis.set_ylim(0, None)
    axes[0].legend(loc="lower left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
