"""Exact worst cases of USAM: quadratics over strongly convex functions, where the convex formula ends, the blow-up."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "samtheory/_worst_cases"


def draw(data):
    figure, (strong, convex, smooth) = plt.subplots(1, 3, figsize=(13.5, 4.2))
    for i, eta in enumerate(data["etas"]):
        strong.plot(data["rhos"], data["strong"][i], color=f"C{i}", label=rf"$\eta L={eta:g}$")
        strong.plot(data["dots_at"], data["strong_dots"][i], "o", color=f"C{i}", ms=4)
    strong.set(
        xscale="log", yscale="log", xlabel=r"$\rho L$", ylabel=r"worst $f(x_N)-f^*$ over $f(x_0)-f^*$", ylim=(0.6, 30)
    )
    strong.set_title(rf"strongly convex, $\mu={data['mu']:g}L$, $N={data['steps']}$: quadratics are worst")
    strong.plot([], [], "ko", ms=4, ls="none", label="semidefinite programme")
    strong.legend()
    convex.plot(data["rhos"], data["convex"], color="C0", label="formula")
    convex.plot(data["convex_at"], data["convex_dots"], "o", color="C3", ms=4, label="semidefinite programme")
    convex.axvline(1.5, color="k", ls=":", lw=0.9)
    convex.text(1.42, max(data["convex"]) * 0.97, r"$\rho L=1.5$", ha="right", fontsize=9)
    convex.set(xscale="log", xlim=(0.4, 11), xlabel=r"$\rho L$", ylabel=r"worst $f(x_N)-f^*$ from $|x_0-x^*|=1$")
    convex.set_title(rf"convex, $\eta h(L)={data['reach']:g}$, $N={data['convex_steps']}$: the formula ends")
    convex.legend(loc="center left")
    labels = [*data["etas"], 1.0]
    for i, eta in enumerate(labels):
        smooth.plot(data["near"], data["smooth"][i], color=f"C{i}", label=rf"$\eta L={eta:g}$")
        smooth.plot(data["near_at"], data["smooth_dots"][i], "o", color=f"C{i}", ms=4)
    smooth.axvline(1, color="k", ls=":", lw=0.9)
    smooth.set(yscale="log", xlabel=r"$\rho L$", ylabel=r"worst $|g(x_0)|^2/2$ over $f(x_0)-f(x_1)$", xlim=(0, 1.03))
    smooth.set_title(r"smooth, one step: descent is lost at $\rho=1/L$")
    smooth.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
