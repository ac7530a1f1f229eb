"""1-SAM after gradient descent repairs its solution, gradient descent after 1-SAM keeps it (A. & F. 2022)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "andriushchenko2022/_switch"


def draw(data):
    figure, axes = plt.subplots(1, 2, sharey=True)
    phases = (("plain first", "gradient descent", "1-SAM"), ("1-SAM first", "1-SAM", "gradient descent"))
    for ax, (name, before, after), rho in zip(axes, phases, data["rho"]):
        ax.plot(data["t"], data[f"{name}, train"], color="C7", lw=1, label="training loss")
        ax.plot(data["t"], data[f"{name}, test"], color="C0", lw=1.8, label="test loss")
        ax.axvline(data["steps"], color="k", ls=":")
        for x, text in ((0.25, before), (0.75, after)):
            ax.text(x, 1.02, text, transform=ax.transAxes, ha="center", fontsize=10)
        switch, end = data[f"{name}, test"][data["t"] <= data["steps"]][-1], data[f"{name}, test"][-1]
        ax.annotate(
            f"{switch:.2g}", (data["steps"], switch), (-4, 6), textcoords="offset points", ha="right", fontsize=9
        )
        ax.annotate(f"{end:.2g}", (data["t"][-1], end), (0, 6), textcoords="offset points", ha="right", fontsize=9)
        ax.set(yscale="log", xlabel=rf"step ($\rho={rho:g}$)", ylim=(3e-7, 3))
    axes[0].set_ylabel("loss")
    axes[0].legend(loc="upper right", bbox_to_anchor=(1, 0.95))
    return figure


if __name__ == "__main__":
    figure_script(__file__)
