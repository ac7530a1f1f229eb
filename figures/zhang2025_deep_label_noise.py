"""Forty per cent wrong labels: SGD memorises them, SAM and infoSAM much later (after Zhang et al. 2025)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "zhang2025/_deep_label_noise"


def draw(data):
    figure, axes = plt.subplots(1, 2)
    labels = {"test": "test accuracy (clean labels)", "memorised": "share of the wrong labels that is fitted"}
    for axis, (key, label) in zip(axes, labels.items()):
        for i, way in enumerate(data["ways"]):
            each = data[f"{key} {way}"]
            axis.plot(data["step"], each.T, color=f"C{i}", lw=0.6, alpha=0.6)
            axis.plot(data["step"], each.mean(axis=0), color=f"C{i}", lw=2, label=str(way))
        axis.set(xlabel="step", title=label, xlim=(0, None))
    axes[0].set_ylim(0.5, 1)
    axes[1].set_ylim(0, 1)
    axes[1].axhline(1 / 10, color="k", ls=":", lw=1)
    axes[0].legend(loc="lower left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
