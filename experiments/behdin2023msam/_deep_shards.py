"""mSAM: the smaller the shards, the flatter: lam_max, Tr Hess L and tr V against their size m (torch).

600 digits with a tenth of the labels wrong (so that gradients do not vanish), tanh network, cross entropy, batches of
40, m = 40 (SAM), 10, 4, beside SGD; the same order of samples for all.  Behdin et al. (2023): mSAM ends flatter than
SAM; Luo et al. (2025): tr V, V the covariance of single-sample gradients, falls with m.  All three fall from SGD to SAM
to smaller m in both seeds; the runs are short (the noise is not fitted yet), and the loss rises a little with 1/m.
"""

import functools

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from samtheory.torch import SAM, module_loss
from samtheory.torch.data import with_label_noise
from samtheory.torch.experiment import Options, follow, images, main, mlp, rows
from samtheory.torch.measures import Hessian, eigenvalues, noise_trace, trace
from samtheory.torch.train import evaluate

ETA, RHO, WIDTH, IMAGES, BATCH, NOISE = 0.3, 0.1, 32, 600, 40, 0.1
SIZES = (0, 40, 10, 4)  # 0: SGD
KEYS = ("fit", "error", "top", "trace", "V")


def record(fit, test, net):
    hessian = Hessian.of(net, cross_entropy, fit.x, fit.y)
    single = module_loss(net, lambda a, b: cross_entropy(a, b, reduction="none"))
    return {
        "fit": float(hessian.loss),
        "error": 1 - evaluate(net, test)[1],
        "top": eigenvalues(hessian, tol=1e-3).values[0],
        "trace": trace(hessian, 60).estimate,
        "V": noise_trace(single, dict(net.named_parameters()), fit.x, fit.y)[0],
    }


DEFAULT = Options(steps=900, seeds=2)


def data(options=DEFAULT):
    everything, out = images(options), {"sizes": SIZES, "eta": ETA, "rho": RHO}
    clean, test = everything.split(IMAGES / len(everything.y) + 1e-9)
    for size in SIZES:
        for seed in range(options.seeds):
            fit, _ = with_label_noise(clean, NOISE, seed)

            net = mlp(fit, WIDTH, seed)
            weights = net.parameters()
            optimiser = SAM(weights, lr=ETA, rho=RHO) if size else torch.optim.SGD(weights, lr=ETA)
            run = follow(
                f"m-{size}-{seed}", net, optimiser, fit, cross_entropy, options, batch_size=BATCH, m=size or None,
                every=options.steps, record=functools.partial(record, fit, test), seed=seed,
            )  # fmt: skip
            for key in KEYS:
                out.setdefault(key, []).append(run[key][-1])
    return out | {key: np.reshape(out[key], (len(SIZES), options.seeds)) for key in KEYS}


def show(found):
    rows(f"mean over seeds: {', '.join(KEYS)}", {
        "SGD" if size == 0 else f"m = {size}": [found[key][i].mean() for key in KEYS] for i, size in enumerate(SIZES)
    })  # fmt: skip


if __name__ == "__main__":
    main(__file__, data, show)
