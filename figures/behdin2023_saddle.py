"""At an indefinite quadratic USAM's error stays bounded from rho |lam| = 1 on; gradient descent's explodes."""

import matplotlib.pyplot as plt

from samtheory.report.figures import figure_script

DATA = "behdin2023/_saddle"


def draw(data):
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    for i, radius in enumerate(data["radii"]):
        label = "gradient descent" if radius == 0 else rf"SAM, $\rho|\lambda_-|={radius:g}$"
        axes.plot(data["k"], data[f"{radius:g}"], color=f"C{i}", label=label)
    axes.set(xscale="symlog", yscale="log", ylim=(0.05, 1e6), xlim=(0, data["k"][-1]), xlabel="step $k$",
             ylabel=r"$E|w_k-\bar w|^2$")  # fmt: skip
    axes.set_title(r"Target at a saddle, $\lambda=(2,1,0.3,-0.5)$, $\eta=0.1$, $s=0.1$")
    axes.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    figure_script(__file__)
