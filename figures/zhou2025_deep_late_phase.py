"""SAM for a share of the training, at its end or at its beginning (after Zhou et al. 2025)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "zhou2025/_deep_late_phase"


def draw(data):
    figure, axes = plt.subplots(1, 3)
    titles = {"top": r"$\lambda_{\max}$ at the end", "fit": "training loss", "error": "test error"}
    for axis, (key, title) in zip(axes, titles.items()):
        for i, order in enumerate(("SGD, then SAM", "SAM, then SGD")):
            each = data[f"{key} {order}"]
            axis.plot(data["shares"], each, "o", color=f"C{i}", ms=3, alpha=0.5)
            axis.plot(data["shares"], each.mean(axis=1), color=f"C{i}", label=order)
        axis.set(xlabel="share of the steps taken by SAM", title=title, ylim=(0, None))
    axes[0].legend()
    return figure


if __name__ == "__main__":
    figure_script(__file__)
