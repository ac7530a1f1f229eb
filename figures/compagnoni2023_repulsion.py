"""DNSAM's noise throws the iterates off the minimiser: two modes, and tails of index d (after MC et al. 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "compagnoni2023/_repulsion"


def draw(data):
    figure, (law, tail) = plt.subplots(1, 2)
    for name, color in (("USAM", "C1"), ("DNSAM", "C0")):
        law.stairs(data[f"hist {name}"], data["edges"], color=color, fill=True, alpha=0.35, label=f"{name}, 400 steps")
    law.plot(data["grid"], data["gauss"], color="C1", lw=1, label="USAM, exact stationary law")
    law.plot(data["grid"], data["density"], color="k", lw=1.2, label="equation of DNSAM, stationary")
    mode = float(data["mode"])
    for sign in (1, -1):
        law.axvline(sign * mode, color="k", ls=":", lw=0.9)
    law.text(mode + 0.02, 6.2, r"$(\rho\eta\sigma^2/\lambda)^{1/3}$", fontsize=9)
    law.set(xlabel=r"$x$", ylabel="density", xlim=(-0.6, 0.6), ylim=(0, 8.5))
    law.set_title(r"$f=x^2/2$, $\sigma=1$, $\rho=0.1$, $\eta=0.01$")
    law.legend(loc="upper left", fontsize=8)
    for dim in (1, 2, 3):
        tail.loglog(data["u"], data[f"DNSAM {dim}"], color=f"C{dim - 1}", label=f"DNSAM, $d={dim}$")
        tail.loglog(data["u"], data[f"USAM {dim}"], color=f"C{dim - 1}", ls="--", lw=1)
        heavy = data[f"DNSAM {dim}"]
        at = np.flatnonzero(np.isfinite(heavy) & (heavy < 1e-2))[0]
        u = data["u"]
        tail.plot(u, 1.6 * heavy[at] * (u / u[at]) ** -dim, color="k", ls=":", lw=0.9)
    tail.plot([], [], "k--", lw=1, label="USAM, the same noise")
    tail.plot([], [], "k:", lw=0.9, label="slope $-d$")
    tail.set(xlabel="$u$", ylabel=r"$P(\|x_2\|>u)$", ylim=(2e-5, 1.5), xlim=(0.02, 100))
    tail.set_title("After two steps: the $d$-th moment is infinite")
    tail.legend(loc="upper right", fontsize=8)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
