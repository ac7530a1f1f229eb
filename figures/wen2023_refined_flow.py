"""Full-batch SAM against the flow of the top eigenvalue, plain and at its finite step (beside Wen, Ma & Li 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "wen2023/_refined_flow"


def draw(data):
    figure, (path, order) = plt.subplots(1, 2)
    tau = data["tau"]
    path.plot(tau, data["start"] * np.exp(-2 * tau), "k-", lw=1.4, label=r"$\eta\to0$: $\Delta(0)\,e^{-2\tau}$")
    for i, (eta, seen, refined) in enumerate(zip(data["shown"], data["seen"], data["refined"])):
        path.plot(tau, seen, color=f"C{i}", lw=3, alpha=0.4, label=rf"SAM, $\eta={eta:g}$, $\rho=\eta/4$")
        path.plot(tau, refined, color=f"C{i}", ls="--", lw=1.2)
    path.plot([], [], "k--", lw=1.2, label=r"speed $\times\,(2/(2-\eta\lambda_1))^2$")
    path.set(xlabel=r"slow time $\tau=\eta\rho^2t$", ylabel=r"$\Delta=u^2-v^2$", xlim=(0, 1), ylim=(0, None))
    path.set_title(r"$(uv-1)^2/2$ from $(2, 0.3)$")
    path.legend(fontsize="small")

    eta = data["etas"]
    series = (("plain", "o-", "flow of $\\lambda_1$"), ("refined", "s-", "with the factor"))
    for i, (name, style, label) in enumerate(series):
        order.loglog(eta, data[f"error {name}"], style, ms=4, color=f"C{i}", label=f"{label}, from $\\Phi(x_0)$")
    order.loglog(eta, data["error from phase II"], "^-", ms=4, color="C2", label="with the factor, from phase II on")
    for name in ("plain", "refined"):
        order.loglog(eta, data[f"error {name}"][-1] * eta / eta[-1], "k:", lw=0.8)
    order.text(eta[4], 0.4 * data["error plain"][4], "slope 1", fontsize=8)
    order.set(xlabel=r"$\eta=\rho$", ylabel=r"$|x-X(1)|$")
    order.set_title(rf"random least squares, $\lambda_1={float(data['lam']):.1f}$ at the start")
    order.legend(fontsize="small", loc="lower right")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
