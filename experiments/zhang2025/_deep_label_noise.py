"""Forty per cent wrong labels: SGD, SAM and infoSAM on digits, test accuracy along training (torch).

600 digits of which 240 have a wrong label, 1197 clean ones for the test, tanh network, cross entropy, batches of 30.
SGD fits the wrong labels and its accuracy falls after an early peak; SAM (rho = 1) fits them much later.  The best
accuracies along the way are alike.  InfoSAM, whose estimator of the noise is ours (`samtheory.torch.rules.infosam`; the
paper's text was not read), lies between the two here: not the improvement on SAM that the paper reports.
"""

import functools

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from samtheory.torch import SAM, InfoSAM
from samtheory.torch.data import with_label_noise
from samtheory.torch.experiment import Options, follow, images, main, mlp, rows
from samtheory.torch.train import evaluate

ETA, RHO, WIDTH, IMAGES, BATCH, NOISE, RECORDS = 0.2, 1.0, 64, 600, 30, 0.4, 50
WAYS = {
    "SGD": lambda weights: torch.optim.SGD(weights, lr=ETA),
    "SAM": lambda weights: SAM(weights, lr=ETA, rho=RHO),
    "infoSAM": lambda weights: InfoSAM(weights, lr=ETA, rho=RHO),
}


def record(noisy, wrong, test, net):
    with torch.no_grad():
        right = net(noisy.x).argmax(1) == noisy.y
    return {"test": evaluate(net, test)[1], "memorised": float(right[wrong].float().mean())}


DEFAULT = Options(steps=3000, seeds=2)


def data(options=DEFAULT):
    everything, out = images(options), {"ways": list(WAYS), "rho": RHO, "noise": NOISE}
    clean, test = everything.split(IMAGES / len(everything.y) + 1e-9)
    for seed in range(options.seeds):
        noisy, wrong = with_label_noise(clean, NOISE, seed)

        for way, make in WAYS.items():
            net = mlp(noisy, WIDTH, seed)
            run = follow(
                f"{way}-{seed}", net, make(net.parameters()), noisy, cross_entropy, options, batch_size=BATCH,
                every=max(1, options.steps // RECORDS), record=functools.partial(record, noisy, wrong, test), seed=seed,
            )  # fmt: skip
            for key in ("test", "memorised"):
                out.setdefault(f"{key} {way}", []).append(run[key])
            out["step"] = run["step"]
    return out


def show(found):
    rows("test accuracy: best, last; wrong labels memorised at the end", {
        way: (np.max(found[f"test {way}"], axis=1).mean(), np.mean(found[f"test {way}"], axis=0)[-1],
              np.mean(found[f"memorised {way}"], axis=0)[-1])
        for way in WAYS
    })  # fmt: skip


if __name__ == "__main__":
    main(__file__, data, show)
