"""Data of the test loss against rho on the authors' regression: gradient descent, n-SAM, 1-SAM."""

import numpy as np

from samtheory.evaluate import losses
from samtheory.oracles import EverySample
from samtheory.problems.diagonal_net import layered_net, legacy_regression
from samtheory.rules.sharded import Sharded
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

C, STEPS = 0.1, 10_001
GAMMA = {"n-SAM": 10 / 30, "1-SAM": 15 / 30}  # as in the authors' last figure


def data():
    X, held_out, target = legacy_regression(0, 20, 30, 3)
    net, test = layered_net(X, X @ target), layered_net(held_out, held_out @ target)
    start = np.repeat([C, 0.0], 30)

    def end(kind, gamma, rho):
        source, rule = (EverySample(net), Sharded(USAM(gamma, rho), 1)) if kind == "1-SAM" else (net, USAM(gamma, rho))
        run = simulate(source, rule, start, STEPS, every=STEPS, on_divergence="report")
        return float(losses(test, run.x))

    rhos = np.geomspace(1e-3, 0.9, 25)  # the authors': half of ours for 1-SAM
    return {
        "rhos": rhos,
        "n-SAM": [end("n-SAM", GAMMA["n-SAM"], rho) for rho in rhos],
        "1-SAM": [end("1-SAM", GAMMA["1-SAM"], 2 * rho) for rho in rhos],
        "plain": [end("n-SAM", gamma, 0.0) for gamma in GAMMA.values()],
    }
