"""SAM on a network beside its own SDE and that of SGD: breast-cancer data, additive gradient noise, one Brownian path.

A tanh network of 6 units on 120 patients (30 features, labels +-1), loss mean r^2/2; every gradient carries the noise
N(0, sigma^2 I), the same in both gradients of a step.  The equations are
    dX = -(g + rho H E[p]) dt + sqrt(eta) (I + rho H D) sigma dW
with the push p of each (`samtheory.sde.additive`), rho = sqrt(eta).  Recorded is the distance of a path to the iterates
with the same noise, so that Monte Carlo noise does not enter the comparison (the theorem is of the weak error, which
this distance bounds for Lipschitz test functions).
The package's integrators do the work; only the data need scikit-learn (the extra `torch`).  Runs on the CPU whatever
--device says; an interrupted run starts again.
"""

import numpy as np

from samtheory.evaluate import losses
from samtheory.problems.tanh_mlp import TanhMLP
from samtheory.rules.sam import SAM
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.core import CoupledNoise, integrate
from samtheory.sde.pushes import GaussianSAMPush, NoPush
from samtheory.sde.schemes import DriftHeun
from samtheory.simulate import simulate
from samtheory.torch.data import breast_cancer
from samtheory.torch.experiment import Options, main, rows

ETA, SIGMA, WIDTH, PATIENTS, REFINE, EVERY = 0.04, 0.02, 6, 120, 2, 10
MODELS = {"SAM's SDE": GaussianSAMPush(SIGMA), "SGD's SDE": NoPush()}
DEFAULT = Options(steps=300, seeds=6)


def data(options=DEFAULT):
    chosen = breast_cancer().subset(PATIENTS)
    X, y = chosen.x.double().numpy(), 2.0 * chosen.y.numpy() - 1
    problem, rho = TanhMLP(X, y, WIDTH), np.sqrt(ETA)
    d = (X.shape[1] + 2) * WIDTH
    every = min(EVERY, options.steps)
    steps = options.steps - options.steps % every
    factor = SIGMA * np.eye(d)
    rng = np.random.default_rng(0)
    start = np.concatenate([rng.standard_normal(X.shape[1] * WIDTH) / np.sqrt(X.shape[1]), np.zeros(WIDTH),
                            rng.standard_normal(WIDTH) / np.sqrt(WIDTH)])  # fmt: skip
    discrete = simulate(
        CoupledNoise(problem, factor, REFINE, 1.0), SAM(ETA, rho), start, steps, members=options.seeds, every=every
    ).states
    out = {"t": ETA * np.arange(0, steps + 1, every), "eta": ETA, "rho": rho, "models": list(MODELS),
           "loss SAM": losses(problem, discrete)}  # fmt: skip
    for name, kind in MODELS.items():
        model = AdditiveSDE(problem, factor, ETA, rho, kind)
        paths = integrate(
            model, DriftHeun(), start, ETA * steps, REFINE * steps, paths=options.seeds, every=REFINE * every
        ).states
        out[f"loss {name}"] = losses(problem, paths)
        out[f"gap {name}"] = np.linalg.norm(paths - discrete, axis=-1)
        out["travelled"] = np.linalg.norm(discrete - start, axis=-1)
    return out


def show(found):
    rows("end: |X - x| and loss, means over paths", {
        name: (found[f"gap {name}"][:, -1].mean(), found[f"loss {name}"][:, -1].mean()) for name in MODELS
    } | {"SAM": (found["travelled"][:, -1].mean(), found["loss SAM"][:, -1].mean())})  # fmt: skip


if __name__ == "__main__":
    main(__file__, data, show)
