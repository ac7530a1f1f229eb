"""SAM trades bias for variance along the iterations of kernel regression (after Behdin & Mazumder 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "behdin2023/_regression"


def draw(data):
    figure, grid = plt.subplots(2, 2, figsize=(10, 7), sharex=True)
    panels = grid.ravel()
    names = ["GD", *(f"SAM {radius:g}" for radius in data["radii"])]
    at = np.unique(np.geomspace(1, data["step"][-1], 16).astype(int))
    for i, name in enumerate(names):
        bias, variance = data[name]
        ran = data[f"{name} run"]
        label = "gradient descent" if name == "GD" else rf"SAM, $\rho\lambda_1={data['radii'][i - 1]:g}$"
        style = {"color": f"C{i}", "ls": "--" if name == "GD" else "-", "label": label, "lw": 1.4}
        for panel, curve, points in zip(panels, (bias, variance, bias + variance), (ran[0], ran[1], ran.sum(axis=0))):
            panel.plot(data["k"], curve, **style)
            panel.plot(at, points[at], "o", ms=3, color=f"C{i}", alpha=0.7)
        if i:
            panels[3].plot(data["k"], 1000 * (data[name] - data["GD"]).sum(axis=0), color=f"C{i}", lw=1.4)
            panels[3].plot(at, 1000 * (ran - data["GD run"]).sum(axis=0)[at], "o", ms=3, color=f"C{i}", alpha=0.7)
    panels[0].set(yscale="log", title="Bias: SAM below")
    panels[1].set(title="Variance: SAM above")
    panels[2].set(ylim=(0.033, 0.062), title="Prediction error: best at about the same step and height")
    panels[3].set(yscale="symlog", ylim=(-200, 3), title="SAM less gradient descent: ahead, then behind (times 1000)")
    panels[3].axhline(0, color="k", lw=0.9)
    k = data["k"]
    crossing = k[np.flatnonzero(data["SAM 1"].sum(axis=0) > data["GD"].sum(axis=0))[0]]
    panels[3].axvline(crossing, color="0.4", ls=":", lw=1)
    panels[3].text(crossing * 1.15, -30, rf"$\rho\lambda_1=1$: behind from $k={crossing}$", fontsize=9)
    for panel in panels:
        panel.set(xscale="log", xlim=(1, k[-1]))
    for panel in grid[1]:
        panel.set(xlabel="step $k$")
    panels[0].legend(loc="lower left", fontsize=8)
    figure.suptitle(
        r"Gaussian kernel, 30 points, $f=\sin 2\pi x$, $s=0.5$, $\eta\lambda_1=1/2$ (lines: formula, $\circ$: run)",
        fontsize=10.5,
    )
    return figure


if __name__ == "__main__":
    figure_script(__file__)
