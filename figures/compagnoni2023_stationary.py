"""USAM ends at a higher loss in sharper directions: stationary variances and Lyapunov (after MC et al. 2023)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "compagnoni2023/_stationary"


def draw(data):
    figure, (variance, loss) = plt.subplots(1, 2)
    for i, lam in enumerate(data["lam"]):
        color = f"C{i}"
        variance.plot(data["rhos"], data["discrete"][:, i], color=color, lw=1.4)
        variance.plot(data["rhos"], data["equation"][:, i], color=color, ls="--", lw=1)
        variance.errorbar(data["coarse"], data["variance"][:, i], data["error"][:, i], fmt="o", ms=4, capsize=2,
                          color=color, label=rf"$\lambda={lam:g}$")  # fmt: skip
    variance.plot([], [], "k-", lw=1.4, label="discrete Lyapunov")
    variance.plot([], [], "k--", lw=1, label="Lyapunov of the SDE")
    variance.set(xlabel=r"$\rho$", ylabel="stationary variance of $x_i$", yscale="log", ylim=(0.008, 1))
    variance.set_title(r"USAM on a quadratic, $\sigma=1$, $\eta=0.1$ ($\circ$ measured)")
    variance.legend(ncols=3, loc="upper left", fontsize=8)
    loss.plot(data["rhos"], data["loss discrete"], color="C0", label="USAM, discrete Lyapunov")
    loss.plot(data["rhos"], data["loss equation"], color="C0", ls="--", lw=1, label="USAM, Lyapunov of the SDE")
    loss.plot(data["coarse"], data["loss USAM"], "o", ms=5, color="C0", label="USAM, measured")
    loss.plot(data["coarse"], data["loss SAM"], "s-", ms=4, lw=1, color="C1", label="SAM, measured")
    loss.axhline(data["loss discrete"][0], color="k", ls=":", lw=0.9)
    loss.text(0.7, data["loss discrete"][0] * 0.97, "SGD", ha="right", va="top", fontsize=9)
    loss.set(xlabel=r"$\rho$", ylabel="stationary $E f$", ylim=(0, None))
    loss.set_title("The price of the radius at the end")
    loss.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
