"""SAM for the last part of training only: sharpness and test error against the share of SAM (torch).

600 digits, 1197 for the test, tanh network, |out - onehot|^2/2, batches of 50.  SGD, then SAM for the last share of the
steps, from none to all, and the other way round.  Zhou et al. (2025): a short late phase of SAM reaches about the
solution of SAM throughout.  Here a last phase of 5 % takes two thirds of the fall of lam_max, of 25 % nearly all; that
early SAM is forgotten does not show: no run has converged, and SGD after SAM has not the time to sharpen again.  The
test error of SAM is no lower than that of SGD (two seeds, differences of the order of their scatter).
"""

import numpy as np
import torch

from samtheory.torch import SAM
from samtheory.torch.experiment import Options, follow, half_square, images, main, mlp, rows
from samtheory.torch.measures import Hessian, eigenvalues
from samtheory.torch.train import evaluate

ETA, RHO, WIDTH, IMAGES, BATCH = 0.3, 0.2, 64, 600, 50
SHARES = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)


DEFAULT = Options(steps=1200, seeds=2)


def data(options=DEFAULT):
    everything, out = images(options), {"shares": SHARES, "eta": ETA, "rho": RHO}
    fit, test = everything.split(IMAGES / len(everything.y) + 1e-9)
    epochs = max(2, options.steps * BATCH // len(fit.y))

    def record(net):
        hessian = Hessian.of(net, half_square, fit.x, fit.y)
        accuracy = evaluate(net, test, half_square)[1]
        return {"fit": float(hessian.loss), "top": eigenvalues(hessian, tol=1e-3).values[0], "error": 1 - accuracy}

    for order in ("SGD, then SAM", "SAM, then SGD"):
        for share in SHARES:
            for seed in range(options.seeds):
                net = mlp(fit, WIDTH, seed)
                sam = round(share * epochs)
                phases = [("SGD", epochs - sam), ("SAM", sam)]
                for stage, (way, number) in enumerate(phases if order == "SGD, then SAM" else phases[::-1]):
                    if not number:
                        continue
                    weights = net.parameters()
                    optimiser = SAM(weights, lr=ETA, rho=RHO) if way == "SAM" else torch.optim.SGD(weights, lr=ETA)
                    steps = number * (len(fit.y) // BATCH)
                    run = follow(
                        f"{order}-{share}-{seed}-{stage}", net, optimiser, fit, half_square, options, batch_size=BATCH,
                        every=steps, record=record, seed=2 * seed + stage, steps=steps,
                    )  # fmt: skip
                for key in ("fit", "top", "error"):
                    out.setdefault(f"{key} {order}", []).append(run[key][-1])
    for key in [key for key in out if key.partition(" ")[0] in ("fit", "top", "error")]:
        out[key] = np.reshape(out[key], (len(SHARES), options.seeds))
    return out


def show(found):
    for order in ("SGD, then SAM", "SAM, then SGD"):
        rows(f"{order}: share of SAM, lam_max, test error, loss", {
            f"share {share}": [found[f"{key} {order}"][i].mean() for key in ("top", "error", "fit")]
            for i, share in enumerate(SHARES)
        })  # fmt: skip


if __name__ == "__main__":
    main(__file__, data, show)
