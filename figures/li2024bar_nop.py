"""On f(xy') SAM balances the two gradients, not the two factors (after Li, Zhang & He 2024, figure 1a)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "li2024bar/_nop"


def draw(data):
    figure, (left, right) = plt.subplots(1, 2)
    t = data["t"]
    for name, color in (("SGD 1", "C5"), ("SAM 0", "C0"), ("SAM 0.5", "C1"), ("SAM 1", "C2")):
        rule, alpha = name.split()
        label = rf"{rule}, $\alpha={alpha}$"
        left.plot(t, np.abs(data[f"balance {name}"]), color=color, label=label)
        right.plot(t, np.abs(data[f"gradients {name}"]), color=color, label=label)
        if rule == "SAM" and alpha != "0":
            left.plot(t, np.abs(data[f"threshold {name}"]), color=color, ls=":", lw=1.2)
    left.plot([], [], "k:", lw=1.2, label="threshold $2|\\bar B|$ along the run")
    left.set(xlabel=r"$\eta t$", ylabel=r"$|\,|x|^2-|y|^2|$", ylim=(0, 1.5))
    left.set_title("The factors: SGD keeps, SAM goes to its threshold")
    left.legend(fontsize=8, ncols=2, loc="upper right")
    right.set(xlabel=r"$\eta t$", ylabel=r"$|E|g_x|^2-E|g_y|^2|$", yscale="log", ylim=(1e-5, 10))
    right.set_title(rf"The gradients ($\rho={data['rho']:g}$): SAM evens them out, with noise")
    right.legend(fontsize=8, loc="lower left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
