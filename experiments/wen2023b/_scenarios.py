"""Data of the scenarios: trace and test error along 1-SAM and along what it is compared with, for three nets."""

import numpy as np

from samtheory.oracles import Reshuffled
from samtheory.problems.xor_nets import Fit, xor_task
from samtheory.rules.gd import GD
from samtheory.rules.one_sam import OneSAM
from samtheory.rules.rescaled import Rescaled
from samtheory.rules.schedules import Phases
from samtheory.rules.weight_decay import WeightDecay
from samtheory.simulate import simulate

D, N, WIDTH, SETS, NORM = 30, 100, 300, 3, 10.0
EPOCHS = np.unique(np.geomspace(1, 2000, 24).astype(int))
RADII = {  # rho, for so many epochs
    "no bias": ((0.05, 0.1), (600, 1400)),
    "bias": ((0.05, 0.1), (600, 1400)),
    "layer norm": ((0.1, 0.5, 1.0), (100, 100, 1800)),
}


def curve(task, oracle, rule, start, epoch):
    """`Fit` at every one of EPOCHS, an epoch being so many steps."""
    run, thetas = None, [start]
    for length in np.diff(EPOCHS, prepend=0) * epoch:
        run = simulate(oracle, rule, start, int(length), every=int(length), record={}, threads=1, resume=run)
        thetas.append(run.x)
    return np.array(task.fit(np.array(thetas[1:])))


def data():
    out = {"epochs": EPOCHS, "least": [4 * np.sqrt(D), 4 * np.sqrt(D + 1), 2], "quantities": Fit._fields}
    for kind, (radii, epochs) in RADII.items():
        ways = {"1-SAM": [], "other": []}
        for number in range(SETS):
            task = xor_task(kind, [0, number], D, N, WIDTH)
            start = task.start.copy()
            sam, sgd = OneSAM(0.01, Phases(radii, N * np.array(epochs))), OneSAM(0.01, 0.0)
            if kind == "layer norm":
                start[: task.first] *= NORM / np.linalg.norm(start[: task.first])
                sam, sgd = Rescaled(sam, task.first, NORM), Rescaled(sgd, task.first, NORM)
            one = Reshuffled(task.net, 1)
            ways["1-SAM"].append(curve(task, one, sam, start, N))
            other = (one, sgd, start, N) if kind == "layer norm" else (task.net, WeightDecay(GD(0.05), 0.05), start, 1)
            ways["other"].append(curve(task, *other))
        out |= {f"{kind}: {way}": np.array(curves) for way, curves in ways.items()}  # [sets, quantities, epochs]
    return out
