"""Three algorithms, one start, three notions of sharpness minimised (after KW, TM & ZL 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "wen2023/_end_points"
NAMES = {"full": "SAM, full batch", "one": "SAM, one sample a step", "ascent": "Descent on the ascent loss"}


def draw(data):
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.4), layout="constrained")
    panels = (
        ("full", data["F0"], (1, 0), r"$F_0=\lambda_1/2$", "top flow"),
        ("one", np.array(data["F0"]) + data["F1"], (1 / 3, 0), r"$F_0+F_1=\mathrm{tr}$", "trace flow"),
        ("ascent", data["F1"], (-1, 0), r"$F_1=\lambda_2/2$", None),
    )
    for i, (axis, (name, regulariser, best, label, flow)) in enumerate(zip(axes.flat, panels)):
        axis.contour(data["a"], data["b"], regulariser, 14, colors="0.75", linewidths=0.7)
        for k, other in enumerate(NAMES):
            mine = other == name
            axis.plot(*np.transpose(data[other]), color=f"C{k}", lw=2 if mine else 0.9, alpha=1 if mine else 0.45)
        if flow:
            axis.plot(*np.transpose(data[flow]), "k--", lw=1, label="limiting flow")
        axis.plot(*data[name][0], "o", color="k", ms=4)
        axis.plot(*data[name][-1], "s", color=f"C{i}", ms=6, label="end of the run")
        axis.plot(*best, "*", color="k", ms=11, mfc="w", label=f"least {label}")
        axis.set(xlabel="$a$", ylabel="$b$", xlim=(-1.5, 1.5), ylim=(-0.4, 1))
        axis.set_title(f"{NAMES[name]}: contours of {label}", fontsize=10)
        axis.legend(fontsize=8, loc="upper right")
    rest = axes[1, 1]
    rest.loglog(data["etas"], np.array(data["rests"]) + 1, "s", color="C2", ms=5, label="$a$ at rest, measured")
    rest.loglog(data["etas"], data["constant"] * np.sqrt(data["etas"]), "k--", lw=1,
                label=rf"${data['constant']:.2f}\,\sqrt{{\eta}}$, two-cycle as $\eta\to0$")  # fmt: skip
    rest.axhline(2, color="C0", lw=1, label="SAM")
    rest.set(xlabel=r"$\eta$", ylabel=r"$a-\mathrm{argmin}\,F_1$")
    rest.set_title("Descent on the ascent loss chatters short of its target", fontsize=10)
    rest.legend(fontsize=8, loc="lower right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
