"""Noise lets SAM drift to the flat side of an asymmetric valley: monotone from 0 to rho (a - b)/(a + b)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "samtheory/_asymmetric_valley"


def draw(data):
    figure, (valley, drift) = plt.subplots(1, 2, width_ratios=(2, 3))
    x = np.linspace(-0.6, 1.1, 400)
    for i, (a, b) in enumerate(data["pairs"]):
        valley.plot(x, np.where(x < 0, a, b) * x**2 / 2, color=f"C{i}", label=f"$a={a:g}$, $b={b:g}$")
        rest = data["strong"][i]
        valley.plot(rest, (a if rest < 0 else b) * rest**2 / 2, "o", color=f"C{i}")
    valley.set(xlabel="$x$", ylabel="$f$", ylim=(-0.05, 1.2), title="steep left, flat right; dots: strong noise")
    valley.legend()
    for i, (a, b) in enumerate(data["pairs"]):
        drift.plot(data["sigmas"], data["rest"][i], color=f"C{i}", label=rf"$\eta\to0$, $a={a:g}$, $b={b:g}$")
        drift.errorbar(data["coarse"], data["seen"][i], data["error"][i], fmt="o", ms=4, capsize=2, color=f"C{i}")
        drift.axhline(data["strong"][i], color=f"C{i}", ls=":", lw=1)
    drift.axhline(data["worst"][0], color="C0", ls="-.", lw=0.8)
    drift.text(0.0105, data["worst"][0] + 0.006, "minimum of the worst case", color="C0", fontsize=8)
    drift.text(0.0105, data["strong"][0] + 0.006, r"$\rho(a-b)/(a+b)$", color="C0", fontsize=8)
    drift.plot(data["coarse"], data["sgd"], "k^--", ms=4, lw=0.8, label="SGD, $a=10$, $b=1$")
    drift.set(xscale="log", xlabel=r"gradient noise $\sigma$", ylabel="stationary mean of $x$", ylim=(-0.06, 0.5))
    drift.set_title(rf"SAM, $\rho={data['rho']:g}$, $\eta={data['eta']:g}$ ($\circ$ measured)")
    drift.legend(loc="center left", fontsize=8, bbox_to_anchor=(0, 0.42))
    return figure


if __name__ == "__main__":
    figure_script(__file__)
