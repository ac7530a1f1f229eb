"""Where stochastic USAM is linearly stable, and the bound that every stable step obeys (Zhou et al. 2025)."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "zhou2025/_stability_region"


def draw(data):
    figure, axes = plt.subplots(1, 2, sharey=True)
    rho = data["rho"]
    for ax, batch, two, same, bound, wrong in zip(
        axes, data["batches"], data["two_batch"], data["same_batch"], data["bound"], data["uncentred"]
    ):
        ax.fill_between(rho, 0, same, color="C0", alpha=0.25, lw=0)
        ax.plot(rho, same, color="C0", label="one batch for both gradients")
        ax.plot(rho, two, color="C1", label="two independent batches")
        ax.plot(0, two[0], "ko", ms=4, label="SGD", clip_on=False, zorder=3)
        ax.plot(rho, bound, "k-", label="necessary: Theorem 4.1")
        ax.plot(rho, wrong, color="0.6", ls="--", label="the same, noise not centred: false in general")
        ax.plot(rho, data["edge"], "k:", lw=1, label="full batch: $2/(\\lambda(1+\\rho\\lambda))$")
        ax.set(xlabel=r"$\rho$", xlim=(0, 2), ylim=(0, 2.4))
        ax.set_title(f"batches of {int(batch)}")
    axes[0].set_ylabel(r"largest stable $\eta$")
    axes[1].legend(loc="upper right", fontsize="small")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
