"""Data of the trajectories: largest signal and noise coefficients, training loss and test error, on one draw."""

import numpy as np

from samtheory.evaluate import losses
from samtheory.measures.signal_noise import clean_error, learned
from samtheory.problems.signal_noise_net import SignalNoise, reduced
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import Table
from samtheory.simulate import simulate

STEPS, SAM_STEPS, EVERY = 2000, 1000, 10


def data():
    law = SignalNoise(1000, 2.0)
    net = reduced(*law.ambient(np.random.default_rng(0)))
    radii = Table([law.radius(1)] * SAM_STEPS + [0.0])
    out = {"t": np.arange(0, STEPS + 1, EVERY), "sam_steps": SAM_STEPS}
    for name, rule in (("gd", GD(0.1)), ("sam", SAM(0.1, radii))):
        x = simulate(net.problem, rule, net.start, STEPS, every=EVERY, threads=1).states
        signal, noise = learned(net.problem, x)
        errors = [clean_error(net, one, law.noise, np.random.default_rng(1)).estimate for one in x]
        out |= {f"{name} signal": signal, f"{name} noise": noise, f"{name} loss": losses(net.problem, x)}
        out[f"{name} error"] = np.array(errors)
    return out
