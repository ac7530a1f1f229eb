"""Unified SAM between USAM (lam = 0) and SAM (lam = 1): test error and loss against the radius (torch).

300 digits, 1497 for the test, tanh network, cross entropy, batches of 30; eps = rho (1 - lam + lam/|g|) g.  Oikonomou &
Loizou (2025) report that accuracy depends on lam and rho together, USAM being the more sensitive to rho.  On digits the
differences of the test error are within its scatter over seeds, so nothing is shown about it; the trace falls with rho,
the more so the larger lam (as |g| < 1, the same rho pushes USAM less).
"""

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from samtheory.torch import UnifiedSAM
from samtheory.torch.experiment import Options, follow, images, main, mlp, rows
from samtheory.torch.measures import Hessian, trace
from samtheory.torch.train import evaluate

ETA, WIDTH, IMAGES, BATCH = 0.3, 64, 300, 30
LAMS, RHOS = (0.0, 0.5, 1.0), (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)


DEFAULT = Options(steps=600, seeds=2)


def data(options=DEFAULT):
    everything, out = images(options), {"lams": LAMS, "rhos": RHOS, "eta": ETA}
    fit, test = everything.split(IMAGES / len(everything.y) + 1e-9)

    def record(net):
        hessian = Hessian.of(net, cross_entropy, fit.x, fit.y)
        return {
            "fit": float(hessian.loss), "error": 1 - evaluate(net, test)[1], "trace": trace(hessian, 30).estimate
        }  # fmt: skip

    for lam in LAMS:
        for rho in RHOS:
            for seed in range(options.seeds):
                net = mlp(fit, WIDTH, seed)
                optimiser = UnifiedSAM(net.parameters(), torch.optim.SGD, lr=ETA, rho=rho, lam=lam)
                run = follow(
                    f"unified-{lam}-{rho}-{seed}", net, optimiser, fit, cross_entropy, options, batch_size=BATCH,
                    every=options.steps, record=record, seed=seed,
                )  # fmt: skip
                for key in ("fit", "error", "trace"):
                    out.setdefault(key, []).append(run[key][-1])
    shape = len(LAMS), len(RHOS), options.seeds
    return out | {key: np.reshape(out[key], shape) for key in ("fit", "error", "trace")}


def show(found):
    for key in ("error", "fit", "trace"):
        rows(f"{key}; rho = {RHOS}", {f"lam = {lam}": found[key][i].mean(-1) for i, lam in enumerate(LAMS)})


if __name__ == "__main__":
    main(__file__, data, show)
