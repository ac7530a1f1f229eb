"""Worst functions of USAM: a parabola with a half-line, a bend on the side of the ascent, and one in the plane."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "samtheory/_worst_functions"


def draw(data):
    figure, (line, bent, plane) = plt.subplots(1, 3, figsize=(13.5, 4.2))

    x, f, side = data["convex x"][:, 0], data["convex value"], np.sign(data["convex x"][1, 0])
    t, kink = data["grid"], data["kink"]
    line.plot(
        t, np.where(np.abs(t) < kink, t**2 / 2, kink * np.abs(t) - kink**2 / 2), "C0", label="parabola, half-line"
    )
    _marks(line, side * x[1:], f[1:])
    line.axvline(kink, color="k", ls=":", lw=0.8)
    line.set(xlabel="$x$", ylabel="$f$", ylim=(-0.02, 0.4))
    line.set_title(rf"convex, $\rho L={data['convex rule'][1]:g}$: the ascent sees the same slope")
    line.legend(loc="upper left")

    x, g, f = data["bent x"][:, 0], data["bent gradient"][:, 0], data["bent value"]
    x, g = x * np.sign(g[0]), g * np.sign(g[0])  # the slope at x_0 = 0 is positive
    t = np.linspace(x.min() - 0.3, x.max() + 0.3, 200)
    bent.plot(t, g[0] * t - np.sign(t) * t**2 / 2, "C0", label=r"curvature $+L$ left of $x_0$, $-L$ right")
    bent.plot(t, g[0] * t + t**2 / 2, color="0.6", ls="--", lw=1, label="the parabola that descends most")
    _marks(bent, x, f)
    bent.set(xlabel="$x$", ylabel="$f-f(x_0)$")
    bent.set_title(r"smooth, one step, $\rho L=0.5$: it bends down ahead")
    bent.legend(loc="upper left")

    x, f = data["wild x"], data["wild value"]
    plane.plot(*x[1::2].T, "-", color="C0", lw=1)
    for start, end in zip(x[1:-1:2], x[2:-1:2]):
        plane.plot(*np.array([start, end]).T, ":", color="C1", lw=1)
    plane.plot(*x[1::2].T, "o", color="C0", label="$x_t$, $f-f^*$: " + ", ".join(f"{v:.3f}" for v in f[1::2]))
    plane.plot(*x[2::2].T, "^", color="C1", label=r"$x_t+\rho g(x_t)$")
    plane.plot(*x[0], "k*", ms=11, label="$x^*$")
    for i, point in enumerate(x[1::2]):
        away = (8, 4) if i in (1, 3) else (-16, -12)
        plane.annotate(f"$x_{i}$", point, textcoords="offset points", xytext=away, fontsize=10)
    plane.set(xlabel="first coordinate", ylabel="second coordinate")
    over = data["wild found"] / data["formula"] - 1
    plane.set_title(rf"convex, $\rho L=4.5$: {100 * over:.1f} % above the formula")
    plane.legend(loc="lower left", bbox_to_anchor=(0.0, 0.2))
    return figure


def _marks(axes, x, f):
    """x_t as discs, the perturbed points between them as triangles."""
    axes.plot(x[::2], f[::2], "o", color="C0", ms=6)
    axes.plot(x[1::2], f[1::2], "^", color="C1", ms=6)
    for i, (at, height) in enumerate(zip(x[::2], f[::2])):
        axes.annotate(f"$x_{i}$", (at, height), textcoords="offset points", xytext=(4, -13), fontsize=10)


if __name__ == "__main__":
    figure_script(__file__)
