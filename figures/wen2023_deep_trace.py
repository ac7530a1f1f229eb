"""From one fitted network: 1-SAM lowers the trace, full-batch SAM the top eigenvalue (after Wen et al. 2023)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "wen2023/_deep_trace"


def draw(data):
    figure, axes = plt.subplots(1, 3)
    labels = {"trace": r"$\mathrm{Tr}\,\nabla^2L$", "top": r"$\lambda_{\max}(\nabla^2L)$", "fit": "training loss"}
    for axis, (key, label) in zip(axes, labels.items()):
        for i, way in enumerate(data["ways"]):
            values = data[f"{key} {way}"]
            axis.plot(data[f"step {way}"], values.mean(axis=0), color=f"C{i}", label=str(way))
            if key == "trace":
                error, middle = data[f"trace error {way}"].mean(axis=0), values.mean(axis=0)
                axis.fill_between(data[f"step {way}"], middle - error, middle + error, color=f"C{i}", alpha=0.2, lw=0)
        axis.set(xlabel="step", title=label, xlim=(0, None))
    axes[0].set_ylim(0, None)
    axes[1].set_ylim(0, None)
    axes[2].set_yscale("log")
    axes[0].legend(loc="lower left")
    figure.suptitle(rf"100 digits, tanh network, $\eta={float(data['eta'])}$, $\rho={float(data['rho'])}$")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
