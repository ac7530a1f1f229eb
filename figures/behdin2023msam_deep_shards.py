"""mSAM on digits: curvature and gradient variance against the size of the shards (after Behdin et al. 2023)."""

import matplotlib.pyplot as plt
import numpy as np

from samtheory.report.figures import figure_script

DATA = "behdin2023msam/_deep_shards"
TITLES = {"top": r"$\lambda_{\max}$", "trace": r"$\mathrm{Tr}\,\nabla^2L$", "V": r"$\mathrm{tr}\,V$",
          "error": "test error"}  # fmt: skip


def draw(data):
    figure, axes = plt.subplots(1, len(TITLES))
    names = ["SGD" if size == 0 else f"m={size}" for size in data["sizes"]]
    where = np.arange(len(names))
    for axis, (key, title) in zip(axes, TITLES.items()):
        axis.plot(where, data[key], "o", color="C0", ms=4, alpha=0.6)
        axis.plot(where, data[key].mean(axis=1), "k_", ms=18, mew=2)
        axis.set(title=title, ylim=(0, None), xlim=(-0.5, len(names) - 0.5), xticks=where)
        axis.set_xticklabels(names, fontsize=8)
    return figure


if __name__ == "__main__":
    figure_script(__file__)
