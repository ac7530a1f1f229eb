"""A radius that decays like k^-0.001 is constant for all that can be seen; what makes SAM converge, and how fast."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "khanh2024/_constant_radius"


def draw(data):
    figure, (loss, norm) = plt.subplots(1, 2, figsize=(11, 4.2))
    for i, n in enumerate(data["sizes"]):
        constant, decaying, plain = (np.asarray(row) for row in data["loss"][i])
        loss.plot(data["k"], constant / constant[0], color=f"C{i}", lw=3, alpha=0.35, label=f"$n={n}$")
        loss.plot(data["k"], decaying / constant[0], color=f"C{i}", lw=1, ls="--")
        loss.plot(data["k"], plain / constant[0], color=f"C{i}", lw=1, ls=":")
    loss.plot([], [], color="k", lw=3, alpha=0.35, label=r"SAM, $\rho=.1$")
    loss.plot([], [], color="k", ls="--", lw=1, label=r"SAM, $\rho_k=.1/k^{.001}$")
    loss.plot([], [], color="k", ls=":", lw=1, label="gradient descent")
    loss.set(xscale="log", yscale="log", xlabel="$k$", ylabel=r"$f(x_k)/f(x_0)$")
    loss.set_title(r"$\sum_i \log(1+(Ax-b)_i^2)$: the two radii coincide")
    loss.legend(fontsize=8)
    styles = ["-", "--", "-", "-", "-", ":"]
    for name, values, style in zip(data["names"], data["norms"], styles):
        norm.plot(data["marks"], values, style, lw=2.5 if name.startswith("constant") else 1.3, label=name)
    norm.set(xscale="log", yscale="log", xlabel="$k$", ylabel=r"$|g(x_k)|$", ylim=(3e-6, 30))
    norm.set_title(r"quadratic, $\lambda=1,3,10$: $t_k\rho_k\to0$ is needed")
    norm.legend(fontsize=8, loc="lower left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
