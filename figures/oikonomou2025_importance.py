"""Importance sampling with weights allows (L_max/L_avg)^2 larger steps: Unified SAM on a ridge, one sample a step."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "oikonomou2025/_importance"


def draw(data):
    figure, panels = plt.subplots(1, 3, figsize=(12.5, 4.2), sharey=True)
    for panel, mix, gaps, rates in zip(panels, data["mix"], data["gap"], data["rate"]):
        for name, colour, gap, rate in zip(("uniform", r"importance, $p_i\propto L_i$"), ("C1", "C0"), gaps, rates):
            panel.plot(data["epochs"], gap / gap[0], color=colour, lw=1.3, label=name)
            guaranteed = np.exp(data["epochs"] * data["n"] * np.log1p(-rate))
            panel.plot(data["epochs"], guaranteed, color=colour, ls="--", lw=1, label=r"$(1-\eta\mu)^t$")
        panel.set(yscale="log", xlabel="epoch")
        panel.set_title(rf"$\lambda={mix:g}$: steps {rates[1] / rates[0]:.3g} times as large")
    panels[0].set_ylabel("$(f(x_t)-f^*)/(f(x_0)-f^*)$")
    panels[2].legend(loc="lower left")
    panels[1].text(0.97, 0.45, rf"$(L_\max/L_{{avg}})^2={float(data['ratio']):.3g}$", ha="right", va="top",
                   transform=panels[1].transAxes)  # fmt: skip
    return figure


if __name__ == "__main__":
    figure_script(__file__)
