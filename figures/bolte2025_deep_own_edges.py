"""A network on digits: GD and USAM of three radii climb to their own edges and stay (after Bolte et al. 2025)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "bolte2025/_deep_own_edges"


def draw(data):
    figure, (time, last) = plt.subplots(1, 2, width_ratios=(1.7, 1))
    for i, (rho, edge) in enumerate(zip(data["rhos"], data["edges"])):
        top, color = data[f"top {rho}"].mean(axis=0), f"C{i}"
        time.plot(data["step"], top, color=color, label="GD" if rho == 0 else rf"USAM, $\rho={rho:g}$")
        time.axhline(edge, color=color, ls="--", lw=1)
        ratio = np.median(top[len(top) // 2 :]) / edge
        last.bar(i, ratio, color=color, width=0.6)
        last.text(i, ratio + 0.015, f"{ratio:.3f}", ha="center", fontsize=9)
        last.bar(i, ratio * edge / data["edges"][0], color="w", width=0.25, alpha=0.55)
    time.set(xlabel="step", ylabel=r"top Hessian eigenvalue $\lambda_{\max}$", xlim=(0, None), ylim=(0, 5.6))
    time.set_title(rf"tanh network, 300 digits, $\eta={float(data['eta'])}$; dashed: own edges")
    time.legend(loc="upper right", ncols=2)
    last.axhline(1, color="k", lw=1, ls="--")
    last.set(xticks=range(len(data["rhos"])), ylim=(0, 1.2), ylabel=r"$\lambda_{\max}$ / own edge")
    last.set_xticklabels(["GD", *(rf"$\rho={rho:g}$" for rho in data["rhos"][1:])])
    last.set_title(r"2nd half (pale: against $2/\eta$)")
    last.grid(axis="x", visible=False)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
