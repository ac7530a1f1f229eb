"""Constant steps end on a plateau, decreasing steps go on like 1/t: Unified SAM on a ridge, one sample a step."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "oikonomou2025/_decreasing"


def draw(data):
    figure, panels = plt.subplots(1, 3, figsize=(12.5, 4.2), sharey=True)
    t = data["steps"][1:]
    for panel, mix, constant, decreasing, bound, floor, switch in zip(
        panels, data["mix"], data["constant"], data["decreasing"], data["bound"], data["floor"], data["switch"]
    ):
        panel.plot(t, constant[1:], color="C1", lw=1, label="constant steps")
        panel.plot(t, decreasing[1:], color="C0", lw=1, label="decreasing steps")
        panel.plot(t, bound[1:], color="C0", ls="--", lw=1.2, label="bound, decreasing")
        panel.axhline(floor, color="C1", ls="--", lw=1.2, label="neighbourhood, constant")
        panel.axvline(switch, color="k", ls=":", lw=0.9)
        late = t > 1.5 * switch
        end = decreasing[-20:].mean() * t[-1]
        panel.plot(t[late], 3 * end / t[late], color="k", lw=1.2, label=r"slope $-1$")
        panel.set(xscale="log", yscale="log", xlabel="step $t$")
        panel.set_title(rf"$\lambda={mix:g}$")
    panels[0].text(data["switch"][0] * 1.05, panels[0].get_ylim()[0] * 1.5, "$t_s$", fontsize=9)
    panels[0].set_ylabel("$f(x_t)-f^*$")
    panels[0].legend(loc="lower left", fontsize=8)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
