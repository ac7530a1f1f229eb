"""SAM bounces across the ravine with amplitude eta rho lam/(2 - eta lam) (after Bartlett et al. 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "bartlett2023/_two_cycle"


def draw(data):
    figure, (time, amplitude) = plt.subplots(1, 2)
    a, run = float(data["amplitude"]), data["run"]
    for i, label in enumerate((r"$w_1$ ($\lambda=1$)", r"$w_2$ ($\lambda=0.6$)", r"$w_3$ ($\lambda=0.3$)")):
        time.plot(run[:, i], ".-", ms=5, lw=1, color=f"C{i}", label=label, zorder=3 - i)
    for sign in (1, -1):
        time.axhline(sign * a, color="k", ls="--", lw=1)
    time.text(40, a * 1.15, r"$\pm\eta\rho\lambda_1/(2-\eta\lambda_1)$", ha="right", va="bottom", fontsize=9)
    time.set(xlabel="step", ylim=(-0.45, 0.45), xlim=(0, 40))
    time.set_title(rf"SAM on a quadratic, $\eta={float(data['eta'])}$, $\rho={float(data['rho'])}$")
    time.legend(loc="upper right", ncols=3, columnspacing=1)
    rho = float(data["rho"])
    amplitude.plot(data["curve_h"], data["curve"] / rho, color="k", lw=1, label=r"$h/(2-h)$")
    amplitude.plot(data["h"], data["measured"] / rho, "o", ms=4.5, color="C0", label="measured")
    amplitude.plot(data["curve_h"], data["curve_h"] / 2, color="C4", ls=":", label=r"$h/2$ (small steps)")
    amplitude.set(xlabel=r"$h=\eta\lambda_1$", ylabel=r"amplitude of the cycle, in units of $\rho$", yscale="log")
    amplitude.set(ylim=(0.02, 30), xlim=(0, 1.95))
    worst = np.abs(data["measured"] / rho / (data["h"] / (2 - data["h"])) - 1).max()
    amplitude.set_title(f"Amplitude: largest deviation from the formula {worst:.0e}")
    amplitude.legend(loc="lower right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
