"""Full-batch SAM on digits: the top Hessian eigenvalue beside the edge of the current gradient norm (torch).

A tanh network, |out - onehot|^2/2 on 300 images, two radii.  Recorded are lam_max, |g|, the edge
(|g|/(2 rho)) (sqrt(1 + 8 rho/(eta |g|)) - 1), and the squared cosines of the gradient and of SAM's gradient with the
top eigenvector.  lam_max follows the edge within 0 to 6 %.  That SAM's gradient is the better aligned of the two (Long
& Bartlett 2024; their networks are larger) shows by a hair only, at this size and these radii.
"""

import functools

import numpy as np
import torch

from samtheory.theory.edges import sam_edge
from samtheory.torch import SAM
from samtheory.torch.experiment import Options, follow, half_square, images, main, mlp, rows
from samtheory.torch.measures import Hessian, eigenvalues

ETA, RHOS, WIDTH, IMAGES, RECORDS = 0.5, (0.02, 0.1), 32, 300, 80


def record(pictures, rho, net):
    hessian = Hessian.of(net, half_square, pictures.x, pictures.y)
    pair, g = eigenvalues(hessian, tol=1e-3), hessian.gradient
    _, there = hessian.value_and_gradient(hessian.point + rho * g / g.norm())
    v = pair.vectors[:, 0]
    return {
        "top": pair.values[0],
        "grad": float(g.norm()),
        "cos": float((v @ g) ** 2 / (g @ g)),
        "cos SAM": float((v @ there) ** 2 / (there @ there)),
    }


DEFAULT = Options(steps=4000, seeds=1)


def data(options=DEFAULT):
    pictures, out = images(options).subset(IMAGES), {"eta": ETA, "rhos": RHOS}
    for rho in RHOS:
        for seed in range(options.seeds):
            net = mlp(pictures, WIDTH, seed)

            run = follow(
                f"sam-{rho}-{seed}", net, SAM(net.parameters(), torch.optim.SGD, lr=ETA, rho=rho), pictures,
                half_square, options, every=max(1, options.steps // RECORDS),
                record=functools.partial(record, pictures, rho),
            )  # fmt: skip
            run["edge"] = sam_edge(ETA, rho, run["grad"])
            for key in ("top", "edge", "loss", "cos", "cos SAM"):
                out.setdefault(f"{key} {rho}", []).append(run[key])
            out["step"] = run["step"]
    return out


def show(found):
    table = {}
    for rho in RHOS:
        ratio = np.array(found[f"top {rho}"]) / np.array(found[f"edge {rho}"])
        late = ratio[:, ratio.shape[1] // 2 :]
        table[f"rho = {rho}"] = (np.median(late), late.min(), late.max(), np.median(found[f"top {rho}"]) * ETA / 2)
    rows("lam_max/edge, second half: median, least, most; median of lam_max/(2/eta)", table)


if __name__ == "__main__":
    main(__file__, data, show)
