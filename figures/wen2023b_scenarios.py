"""Equally flat, not alike: sharpness and test error along 1-SAM (after Wen, Li & Ma 2023, Figures 1, 4, 6)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "wen2023b/_scenarios"
OTHER = {"no bias": "GD + weight decay", "bias": "GD + weight decay", "layer norm": "SGD"}
POINT = {
    "no bias": "No bias: flat, generalises",
    "bias": "Bias: at the bound, memorises",
    "layer norm": "Layer norm: at the bound, generalises",
}


def draw(data):
    figure, axes = plt.subplots(2, 3, figsize=(10.5, 5.6), sharex=True, sharey="row")
    for (kind, other), least, (top, bottom) in zip(OTHER.items(), data["least"], axes.T):
        for way, color, label in (("other", "C1", other), ("1-SAM", "C0", "1-SAM")):
            trace, _, error, _ = data[f"{kind}: {way}"].transpose(1, 0, 2)
            style = {"color": color, "lw": 1.2}
            top.plot(data["epochs"], trace.T, **style)
            bottom.plot(data["epochs"], error.T, **style)
            top.plot([], [], **style, label=label)
        top.axhline(least, color="k", ls="--", lw=1)
        name = {"no bias": r"$4\sqrt{d}$", "bias": r"$4\sqrt{d+1}$", "layer norm": "2"}[kind]
        top.text(1, least * 0.93, f"least possible, {name}", ha="left", va="top", fontsize=8.5)
        top.set(xscale="log", yscale="log", title=POINT[kind], ylim=(1.3, 300))
        top.legend(loc="upper right" if kind == "layer norm" else "lower left")
        bottom.set(xlabel="epochs", ylim=(-0.01, 0.52))
    axes[0, 0].set_ylabel(r"Tr $\nabla^2 L$")
    axes[1, 0].set_ylabel("test error")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
