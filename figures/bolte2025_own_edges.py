"""Full-batch training of a small tanh network: each method's sharpness settles on its own edge (after Bolte et al.)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "bolte2025/_own_edges"
NAMES = {"gd": "GD", "usam": "USAM", "two_seq": "two-step USAM", "hess": "Hessian USAM"}


def draw(data):
    figure, (time, last) = plt.subplots(1, 2, width_ratios=(1.7, 1))
    for colour, (key, name) in enumerate(NAMES.items()):
        time.plot(data["t"], data[f"{key}_top"], color=f"C{colour}", label=name)
        time.axhline(data[f"{key}_edge"], color=f"C{colour}", ls="--", lw=1)
        ratio = float(data[f"{key}_top"][-1] / data[f"{key}_edge"])
        last.bar(colour, ratio, color=f"C{colour}", width=0.6)
        last.text(colour, ratio + 0.015, f"{ratio:.4f}", ha="center", fontsize=9)
        last.bar(colour, float(data[f"{key}_top"][-1] / data["gd_edge"]), color="w", width=0.25, alpha=0.55)
    time.set(xlabel="step", ylabel=r"top Hessian eigenvalue $\lambda_{\max}$", xlim=(0, data["t"][-1]), ylim=(0, 6.4))
    time.set_title(rf"tanh network, $\eta={float(data['eta'])}$, $\rho={float(data['rho'])}$; dashed: own edges")
    time.legend(loc="lower right", ncols=2)
    last.axhline(1, color="k", lw=1, ls="--")
    last.set(xticks=range(len(NAMES)), ylim=(0, 1.2), ylabel=r"final $\lambda_{\max}$ / own edge")
    last.set_xticklabels([name.replace(" ", "\n") for name in NAMES.values()])
    last.set_title(r"At the end (pale: against GD's $2/\eta$)")
    last.grid(axis="x", visible=False)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
