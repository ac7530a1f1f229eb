"""SAM learns the signal; the flipped labels are fitted once gradient descent takes over (after Chen et al. 2023)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "chen2023/_trajectories"


def draw(data):
    figure, (coefficients, outcome) = plt.subplots(1, 2)
    t = data["t"]
    for name, color, label in (("gd", "C0", "GD"), ("sam", "C1", r"SAM$\to$GD")):
        coefficients.plot(t, data[f"{name} signal"], color=color, label=rf"{label}: $\max_r j_r\langle w_r,\mu\rangle$")
        noise = rf"{label}: $\max_{{j_r=y_i}}\langle w_r,\xi_i\rangle$"
        coefficients.plot(t, data[f"{name} noise"], color=color, ls="--", label=noise)
        outcome.plot(t, data[f"{name} error"], color=color, label=f"{label}: clean test error")
        outcome.plot(t, data[f"{name} loss"], color=color, ls="--", label=f"{label}: training loss")
    for ax in (coefficients, outcome):
        ax.axvline(data["sam_steps"], color="k", ls=":", lw=1)
        ax.set(xlabel="step")
    coefficients.set(yscale="log", ylim=(0.008, 50), ylabel="largest coefficient")
    coefficients.set_title("What is learned: signal and noise")
    coefficients.legend(fontsize=8, loc="lower right")
    outcome.text(data["sam_steps"] + 20, 0.42, "SAM ends", fontsize=9)
    outcome.set(ylim=(0, 0.72), ylabel="error, loss")
    outcome.set_title("Flipped labels are fitted only at the end")
    outcome.legend(fontsize=8, loc="upper right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
