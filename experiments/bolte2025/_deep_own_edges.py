"""Full-batch training of a tanh network on digits: GD and USAM of three radii land on their own edges (torch).

Squared error |out - onehot|^2/2 on 300 images, one hidden layer of 32.  The edge is (sqrt(1 + 8 rho/eta) - 1)/(2 rho),
at rho = 0 2/eta: lam_max rises to it and stays, 1 to 4 % above it.  A validation of bolte2025/network-edge at another
size and on real data; no run converges in these few steps, so "at most the edge" is not tested here.
"""

import functools

import numpy as np
import torch

from samtheory.theory.filters import edge
from samtheory.torch import USAM
from samtheory.torch.experiment import Options, follow, half_square, images, main, mlp, rows
from samtheory.torch.measures import Hessian, eigenvalues

ETA, RHOS, WIDTH, IMAGES, RECORDS = 0.5, (0.0, 0.05, 0.2, 0.6), 32, 300, 60


def record(pictures, net):
    hessian = Hessian.of(net, half_square, pictures.x, pictures.y)
    return {"top": eigenvalues(hessian, tol=1e-3).values[0], "grad": float(hessian.gradient.norm())}


DEFAULT = Options(steps=3000, seeds=1)


def data(options=DEFAULT):
    pictures = images(options).subset(IMAGES)
    out = {"eta": ETA, "rhos": RHOS, "edges": [float(edge("usam", ETA, rho)) for rho in RHOS]}
    for seed in range(options.seeds):
        for rho in RHOS:
            net = mlp(pictures, WIDTH, seed)
            weights = net.parameters()
            optimiser = USAM(weights, lr=ETA, rho=rho) if rho else torch.optim.SGD(weights, lr=ETA)
            run = follow(
                f"usam-{rho}-{seed}", net, optimiser, pictures, half_square, options,
                every=max(1, options.steps // RECORDS), record=functools.partial(record, pictures),
            )  # fmt: skip
            for key in ("top", "loss", "grad"):
                out.setdefault(f"{key} {rho}", []).append(run[key])
            out["step"] = run["step"]
    return out


def show(found):
    rows("last lam_max, own edge, ratio", {
        f"rho = {rho}": (np.mean(found[f"top {rho}"], axis=0)[-1], e, np.mean(found[f"top {rho}"], axis=0)[-1] / e)
        for rho, e in zip(RHOS, found["edges"])
    })  # fmt: skip


if __name__ == "__main__":
    main(__file__, data, show)
