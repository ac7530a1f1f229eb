"""SAM's fit of 12 points is simpler than gradient descent's (after Andriushchenko & Flammarion 2022)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "andriushchenko2022/_relu_fit"


def draw(data):
    figure, (fit, bend) = plt.subplots(1, 2, width_ratios=(2.2, 1))
    for name, color in (("gradient descent", "C1"), ("SAM", "C0")):
        loss = 6 * data[f"{name}, loss"][0]  # half the sum of squares
        label = name if name != "SAM" else rf"SAM, $\rho={data['rho']:g}$"
        label += f" (training loss {loss:.1g})" if loss > 1e-12 else " (training loss 0)"
        fit.plot(data["grid"], data[f"{name}, fit"][0], color=color, label=label)
    fit.plot(data["x"], data["y"], "ko", ms=5)
    fit.set(xlabel="$x$", ylabel="network", title="One hidden layer of 100 ReLU units, from the same weights")
    fit.legend()
    low, high = data["x"][[0, -1]]
    for k, (name, color) in enumerate((("gradient descent", "C1"), ("SAM", "C0"))):
        inside = (data[f"{name}, kinks"] > low) & (data[f"{name}, kinks"] < high)
        total = np.where(inside, np.abs(data[f"{name}, bends"]), 0).sum(axis=1)
        bend.plot(k + 0.1 * np.linspace(-1, 1, total.size), total, "o", ms=5, color=color)
    bend.set_xticks([0, 1], ["gradient descent", "SAM"])
    bend.set(xlim=(-0.5, 1.5), ylim=(0, None), ylabel=r"$\sum_k |a_k w_k|$ over kinks between the points")
    bend.set_title(f"{len(total)} random starts")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
