"""Practical SAM: no floor on convex losses without noise, one with noise, and one on a slope without convexity."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "si2023/_floors"


def draw(data):
    figure, (rate, slope) = plt.subplots(1, 2, figsize=(11, 4.2))
    T = np.asarray(data["T"])
    rate.plot(T, data["exact"], "o-", color="C0", label="SAM, exact gradient")
    rate.plot(T, data["cycle"], "k--", lw=0.9, label=r"its cycle, $\propto(\log T/T)^2$")
    for name, values, color, mark in zip(data["noisy names"], data["noisy"], ("C3", "C1", "C2"), "s^v"):
        rate.plot(T, values, f"{mark}-", color=color, ms=5, label=name)
    rate.axhline(data["floor"], color="k", ls=":", lw=0.9)
    rate.text(
        T[-1], data["floor"] * 0.85, r"$\mu x_\infty^2/2$, $x_\infty=(1-2p)\rho$", fontsize=9, va="top", ha="right"
    )
    rate.set(xscale="log", yscale="log", xlabel="horizon $T$", ylabel=r"$E f(x_T)-f^*$")
    rate.set_title(r"parabola, $\eta=2\log T/(\mu T)$: noise $a$ w.p. $p=.8$, $-4a$ else")
    rate.legend(fontsize=8)
    for i, (name, values) in enumerate(zip(data["bend names"], data["bend"])):
        slope.plot(data["steps"], np.maximum(values, 1e-12), ":" if name.startswith("GD") else "-", color=f"C{i // 2}",
                   label=name)  # fmt: skip
    slope.axhline(1, color="k", ls="--", lw=0.9)
    slope.text(1.2, 1.25, r"$\beta^2\rho^2$, the bound", fontsize=9)
    slope.set(xscale="log", yscale="log", xlabel="step", ylabel=r"$|f'(x_t)|^2$", ylim=(1e-8, 6))
    slope.set_title(r"non-convex, no noise, $\beta=\rho=1$: SAM stops on a slope")
    slope.legend(fontsize=8, loc="lower left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
