"""Data of the switch: gradient descent, then 1-SAM from where it stopped, and the other way round."""

import numpy as np

from samtheory.evaluate import losses
from samtheory.oracles import EverySample
from samtheory.problems.diagonal_net import layered_net, legacy_regression
from samtheory.rules.sharded import Sharded
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

C, GAMMA, STEPS, EVERY = 0.1, 1 / 30, 10_001, 20
RHO = {"plain first": 20.0, "1-SAM first": 0.35}  # twice the authors'


def data():
    X, held_out, target = legacy_regression(0, 20, 30, 3)
    net, test = layered_net(X, X @ target), layered_net(held_out, held_out @ target)

    def phase(rho, start):
        source, rule = (EverySample(net), Sharded(USAM(GAMMA, rho), 1)) if rho else (net, USAM(GAMMA, 0.0))
        run = simulate(source, rule, start, STEPS, every=EVERY)
        return run.t, run.states, run.x

    out = {"steps": STEPS, "rho": list(RHO.values())}
    for name, rho in RHO.items():
        first, second = (0.0, rho) if name == "plain first" else (rho, 0.0)
        t, early, end = phase(first, np.repeat([C, 0.0], 30))
        _, late, _ = phase(second, end)
        states = np.concatenate([early, late])
        out |= {"t": np.concatenate([t, STEPS + t]), f"{name}, train": losses(net, states)}
        out[f"{name}, test"] = losses(test, states)
    return out
