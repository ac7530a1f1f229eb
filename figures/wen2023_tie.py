"""Independent pairs: SAM lowers the largest curvature, slides along ties; one sample a step lowers them all."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "wen2023/_tie"


def draw(data):
    figure, (full, one) = plt.subplots(1, 2, sharey=True)
    tau, sliding = data["tau"], np.array(data["sliding"])
    for k, start in enumerate(data["start"]):
        color = f"C{k}"
        full.plot(tau, data["full"][:, k], color=color, lw=3, alpha=0.4, label=f"pair {k + 1}")
        full.plot(tau, sliding[:, k], color=color, ls="--", lw=1.2)
        full.plot(tau, data["frozen"][:, k], color=color, ls=":", lw=1)
        one.plot(tau, data["one"][:, k], color=color, lw=3, alpha=0.4, label=f"pair {k + 1}")
        one.plot(tau, start * np.exp(-2 * tau / 3), color=color, ls="--", lw=1.2)
    full.axvline(data["tie"], color="0.6", lw=0.8)
    full.text(data["tie"] + 0.03, 4.6, "first tie", color="0.4", fontsize=9)
    full.plot([], [], "k--", lw=1.2, label="flow of $\\lambda_1$, sliding")
    full.plot([], [], "k:", lw=1, label="no jitter: floats freeze\nthe residuals of pairs 2, 3")
    one.plot([], [], "k--", lw=1.2, label=r"flow of the trace, $e^{-2\tau/3}$")
    full.set_title("full batch")
    one.set_title("one sample a step")
    full.set_ylabel(r"imbalance $u_k^2-v_k^2$")
    for ax in (full, one):
        ax.set(xlabel=r"slow time $\tau=\eta\rho^2t$", xlim=(0, tau[-1]), ylim=(0, 5))
        ax.legend(fontsize="small", loc="upper right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
