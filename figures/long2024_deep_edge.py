"""Full-batch SAM on digits: lam_max lies on the edge of the current gradient norm (after Long & Bartlett 2024)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "long2024/_deep_edge"


def draw(data):
    rhos = data["rhos"]
    figure, axes = plt.subplots(1, len(rhos) + 1, width_ratios=(1.2, 1.2, 1))
    for axis, rho in zip(axes, rhos):
        axis.plot(data["step"], data[f"top {rho}"][0], color="C0", label=r"$\lambda_{\max}$")
        axis.plot(data["step"], data[f"edge {rho}"][0], color="C1", ls="--", label=r"SAM's edge at $|g_t|$")
        axis.axhline(2 / data["eta"], color="k", ls=":", lw=1, label=r"$2/\eta$")
        axis.set(xlabel="step", ylim=(0, 4.6), xlim=(0, None), title=rf"$\rho={rho:g}$, $\eta={float(data['eta'])}$")
        axis.legend(loc="lower right")
    axes[0].set_ylabel("curvature")
    for i, rho in enumerate(rhos):
        plain, sharp = data[f"cos {rho}"][0], data[f"cos SAM {rho}"][0]
        axes[-1].plot(plain, sharp, "o", ms=3, color=f"C{2 + i}", label=rf"$\rho={rho:g}$")
    axes[-1].plot([0, 1], [0, 1], "k:", lw=1)
    axes[-1].set(xlabel="gradient", ylabel="SAM's gradient", xlim=(0, 1), ylim=(0, 1.02))
    axes[-1].set_title(r"cos$^2$ with the top eigenvector")
    axes[-1].legend(loc="lower right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
