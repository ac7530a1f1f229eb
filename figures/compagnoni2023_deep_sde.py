"""SAM on a network stays near its own SDE, not near SGD's (after Monzio Compagnoni et al. 2023)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "compagnoni2023/_deep_sde"


def draw(data):
    figure, (loss, gap) = plt.subplots(1, 2)
    t = data["t"]
    for name, style in (("SAM", "k-"), ("SAM's SDE", "C0--"), ("SGD's SDE", "C1--")):
        loss.plot(t, data[f"loss {name}"].mean(axis=0), style, label=name)
    loss.set(xlabel=r"$t=\eta k$", ylabel="mean training loss", yscale="log", xlim=(0, t[-1]))
    loss.set_title(rf"breast cancer, $\eta={float(data['eta']):g}$, $\rho=\sqrt{{\eta}}$")
    loss.legend()
    for i, name in enumerate(data["models"]):
        each = data[f"gap {name}"]
        gap.plot(t[1:], each[:, 1:].T, color=f"C{i}", lw=0.6, alpha=0.6)
        gap.plot(t[1:], each[:, 1:].mean(axis=0), color=f"C{i}", lw=2, label=str(name))
    gap.set(xlabel=r"$t=\eta k$", ylabel=r"$|X_t-x_k|$", xlim=(0, t[-1]), ylim=(0, None))
    gap.set_title("distance to SAM's iterate, same noise")
    gap.legend(loc="center right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
