"""Data on f(x'y): balance under SGD and SAM at several levels of label noise, and where x'y settles or collapses."""

import numpy as np

from samtheory.measures.balancedness import balancedness, blocks
from samtheory.oracles import DataNoise
from samtheory.problems.balanced import Inner
from samtheory.problems.links import HalfSquare
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.balancedness import collapse_noise, noisy_balance, sliding_rate

TARGET, RHO, ETA, STEPS, MEMBERS = 0.5, 0.2, 2e-4, 100_000, 16  # loss with 1/2: the authors' eta is 1e-4 without
X0 = np.array([0.2, -0.1, 0.3])


def paths(rule, alpha, seed, steps=STEPS):
    oracle = DataNoise(Inner(HalfSquare(0.0), [TARGET], 3), [alpha])
    start = np.concatenate([X0, -3 * X0])
    return simulate(oracle, rule, start, steps, every=steps // 200, members=MEMBERS, seed=seed).states


def product(states):
    return np.prod(blocks(states, 3), axis=0).sum(axis=-1)


def data():
    alphas = (0.0, 0.5, 1.0, 1.5)
    out = {"t": ETA * np.arange(0, STEPS + 1, STEPS // 200), "alphas": alphas, "target": TARGET, "rho": RHO}
    out["sgd"] = 2 * np.median(np.abs(balancedness(paths(GD(ETA), 1.0, 0), 3)), axis=0)
    for k, alpha in enumerate(alphas):
        states = paths(SAM(ETA, RHO), alpha, k)
        out[f"sam {k}"] = 2 * np.median(np.abs(balancedness(states, 3)), axis=0)
        if k == 0:
            h = np.linalg.norm(states[0, -1])
            out["late rate"] = sliding_rate(RHO, 1.0, TARGET, h)
    levels = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0])
    longer = 3 * STEPS  # just beyond the collapse it takes its time
    late = [product(paths(SAM(ETA, RHO), a, 10 + k, longer))[:, 150:].mean(axis=1) for k, a in enumerate(levels)]
    out |= {"levels": levels, "late": [w.mean() for w in late], "late min": [w.min() for w in late]}
    out["late max"] = [w.max() for w in late]
    out["sgd late"] = [product(paths(GD(ETA), alpha, 30))[:, 150:].mean() for alpha in levels]
    out["collapse"] = collapse_noise(TARGET, RHO)
    curve = np.append(np.linspace(0.01, 0.999, 80) * out["collapse"], 0.99999 * out["collapse"])
    return out | {"curve": curve, "settled": [noisy_balance(TARGET, alpha, RHO) for alpha in curve]}
