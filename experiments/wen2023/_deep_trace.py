"""From one fitted network: SGD, 1-SAM and full-batch SAM, the trace of the Hessian and its top eigenvalue (torch).

100 digits, tanh network, |out - onehot|^2/2.  Gradient descent first fits the data; then each method goes on from the
same weights: SGD and 1-SAM one image a step, full-batch SAM with all.  Wen et al. (2023): along minima 1-SAM
follows the flow that lowers Tr Hess L, full-batch SAM one that lowers lam_max; SGD without label noise hardly moves.
The theorems are of eta, rho -> 0 on the minima; this is one network at finite ones, near them: 1-SAM lowers both the
trace (by a quarter) and lam_max; full-batch SAM lowers lam_max and leaves the trace.
"""

import numpy as np
import torch

from samtheory.torch import SAM
from samtheory.torch.experiment import Options, follow, half_square, images, main, mlp, rows
from samtheory.torch.measures import Hessian, eigenvalues, trace

ETA, RHO, WIDTH, IMAGES, WARM, RECORDS = 0.05, 0.05, 32, 100, 3000, 25
WAYS = {"SGD": (False, 1), "1-SAM": (True, 1), "full-batch SAM": (True, None)}


DEFAULT = Options(steps=8000, seeds=1)


def data(options=DEFAULT):
    pictures, out = images(options).subset(IMAGES), {"ways": list(WAYS), "eta": ETA, "rho": RHO}

    def record(net):
        hessian = Hessian.of(net, half_square, pictures.x, pictures.y)
        interval = trace(hessian, 60)
        return {
            "fit": float(hessian.loss),
            "trace": interval.estimate,
            "trace error": interval.half_width,
            "top": eigenvalues(hessian, tol=1e-3).values[0],
        }

    for seed in range(options.seeds):
        start = mlp(pictures, WIDTH, seed)
        descent = torch.optim.SGD(start.parameters(), lr=0.3)
        warm = min(WARM, 4 * options.steps)
        follow(f"fit-{seed}", start, descent, pictures, half_square, options, every=warm, record=record, steps=warm)
        for way, (sharp, size) in WAYS.items():
            net = mlp(pictures, WIDTH, seed)
            net.load_state_dict(start.state_dict())
            optimiser = SAM(net.parameters(), lr=ETA, rho=RHO) if sharp else torch.optim.SGD(net.parameters(), lr=ETA)
            begin = record(net)
            run = follow(
                f"{way}-{seed}", net, optimiser, pictures, half_square, options, batch_size=size,
                every=max(1, options.steps // RECORDS), record=record, seed=seed,
            )  # fmt: skip
            for key, first in begin.items():
                out.setdefault(f"{key} {way}", []).append(np.concatenate([[first], run[key]]))
            out[f"step {way}"] = np.concatenate([[0], run["step"]])
    return out


def show(found):
    keys = ("fit", "trace", "top")
    rows("loss, trace, lam_max: first and last", {
        way: [np.mean(found[f"{key} {way}"], axis=0)[i] for key in keys for i in (0, -1)] for way in WAYS
    })  # fmt: skip


if __name__ == "__main__":
    main(__file__, data, show)
