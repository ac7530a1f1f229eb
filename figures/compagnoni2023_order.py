"""USAM's own equation is of order one, SGD's of order 1/2; the noise shows in Cov/eta alone (after MC et al. 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "compagnoni2023/_order"


def reference(ax, etas, order, anchor, text):
    """A dotted line of this slope through (largest eta, anchor)."""
    ax.plot(etas, anchor * (etas / etas[0]) ** order, color="k", ls=":", lw=0.9, zorder=0)
    ax.text(etas[-1] * 0.93, anchor * (etas[-1] / etas[0]) ** order, text, ha="right", va="center", fontsize=9)


def draw(data):
    figure, (mean, sam, cov) = plt.subplots(1, 3, figsize=(13, 4.2))
    etas = data["etas"]
    for i, (name, mark) in enumerate((("USAM's", "o"), ("SGD's", "s"))):
        mean.loglog(etas, data[f"mean {name}"], mark + "-", ms=4, color=f"C{i}", label=f"{name} equation")
    for order, anchor, text in ((1, data["mean USAM's"][0] * 0.6, r"$\eta$"), (0.5, 0.16, r"$\sqrt{\eta}$")):
        reference(mean, etas, order, anchor, text)
    mean.set_title("USAM on a quadratic: error of the mean (exact)")
    values = data["sam"]
    for i, name in enumerate(("SAM's", "SGD's")):
        sam.errorbar(data["sam_etas"], values[:, 2 * i], 5 * values[:, 2 * i + 1], fmt="os"[i] + "-", ms=4, capsize=3,
                     color=f"C{i}", label=f"{name} equation")  # fmt: skip
        reference(
            sam, data["sam_etas"], (1, 0.5)[i], values[0, 2 * i] * (0.6, 1.35)[i], (r"$\eta$", r"$\sqrt{\eta}$")[i]
        )
    sam.set(xscale="log", yscale="log")
    sam.set_title(r"SAM on $x^2/2+1-\cos x$: mean, $\pm 5$ s.e.")
    labels = {
        "full": r"$(I+\rho H)\Sigma(I+\rho H)$",
        "truncated": r"truncated at $\rho$",
        "plain": r"$\Sigma$ (SGD's noise)",
        "none": "no noise at all",
    }
    for (name, label), mark, color in zip(labels.items(), "o^sd", ("C0", "C2", "C1", "C5")):
        cov.loglog(etas, data[f"cov {name}"], mark + "-", ms=4, color=color, label=label)
    for order, name, shift, text in ((1, "full", 0.15, r"$\eta$"), (0.5, "plain", 1.6, r"$\sqrt{\eta}$")):
        reference(cov, etas, order, data[f"cov {name}"][0] * shift, text)
    cov.set_title(r"the same USAM, drift right: error of Cov$/\eta$")
    for ax in (mean, sam, cov):
        low, high = ax.get_xlim()
        ax.set(xlabel=r"$\eta$ ($\rho=\sqrt{\eta}/2$)", xlim=(low / (2.2 if ax is not sam else 1.4), high))
        ax.legend(loc="lower right" if ax is not cov else "center left")
    cov.set_ylim(top=2.5)
    cov.legend(loc="lower right", fontsize=8)
    assert np.isfinite(values).all()
    return figure


if __name__ == "__main__":
    figure_script(__file__)
