"""The same flatness, any test error: nets with bias by training method, and two flattest nets written down."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "wen2023b/_same_flatness"
STYLE = {
    "GD": ("C5", "o"),
    "GD + weight decay": ("C1", "s"),
    "1-SAM": ("C0", "o"),
    "label-noise SGD": ("C2", "D"),
    "memoriser": ("k", "X"),
    "corner net": ("k", "*"),
}
NAMES = {"memoriser": "flattest memoriser (written down)", "corner net": "flattest generaliser (written down)"}


def draw(data):
    figure, ax = plt.subplots(figsize=(7.2, 4.6))
    for name, (color, marker) in STYLE.items():
        trace, error = data[name].T
        size = 130 if marker in "X*" else 38
        ax.scatter(
            trace, error, s=size, c=color, marker=marker, alpha=0.85, lw=0, label=NAMES.get(name, name), zorder=3
        )
    ax.axvline(data["least"], color="k", ls="--", lw=1)
    ax.text(data["least"] * 1.02, 0.75, r"least possible, $4\sqrt{d+1}$", fontsize=9)
    ax.set(xscale="log", xlabel=r"Tr $\nabla^2 L$", ylabel="test error", ylim=(-0.03, 1.05), xlim=(20, 230))
    ax.set_xticks([20, 30, 50, 100, 200], ["20", "30", "50", "100", "200"])
    ax.minorticks_off()
    ax.set_title("Two-layer net with bias on xor, $d=30$, $n=100$, $m=300$: all fit their data")
    ax.legend(loc="upper right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
