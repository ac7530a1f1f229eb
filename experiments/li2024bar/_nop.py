"""Data on f(x y'): balance and gradients under SGD, SAM and nBAR at several levels of noise of the target."""

import numpy as np

from samtheory.measures.balancedness import balancedness, lengths
from samtheory.oracles import DataNoise
from samtheory.problems.balanced import Outer
from samtheory.problems.links import HalfSquare
from samtheory.rules.bar import NBAR
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.balancedness import outer_threshold

A, NOISE = np.diag([0.5, 0.0, 0.0]), np.array([1.0, 0.8, 0.5])  # A + alpha diag(NOISE) U, U i.i.d. N(0, 1)
X0, RHO, ETA, STEPS, MEMBERS = np.array([0.2, -0.1, 0.3]), 0.1, 2e-4, 100_000, 16  # loss with 1/2: eta 1e-4 without
LONG_Y, LONG_X = np.concatenate([X0, -3 * X0]), np.concatenate([-3 * X0, X0])


def paths(rule, alpha, start, seed):
    """Iterates [members, records, 6]."""
    oracle = DataNoise(Outer(HalfSquare(0.0), A), alpha * np.repeat(NOISE, 3))
    return simulate(oracle, rule, start, STEPS, every=STEPS // 200, members=MEMBERS, seed=seed).states


def gradient_lengths(states, alpha):
    """Root mean squares of |g_x| and |g_y| over the draws of the target."""
    x, y = states[..., :3], states[..., 3:]
    G = x[..., :, None] * y[..., None, :] - A
    gx, gy = np.einsum("...ij,...j->...i", G, y), np.einsum("...ij,...i->...j", G, x)
    noise = (alpha * NOISE) ** 2
    return (
        np.sqrt((gx**2).sum(axis=-1) + noise.sum() * (y**2).sum(axis=-1)),
        np.sqrt((gy**2).sum(axis=-1) + 3 * (noise * x**2).sum(axis=-1)),
    )


def data():
    alphas = (0.0, 0.5, 1.0)
    out = {"t": ETA * np.arange(0, STEPS + 1, STEPS // 200), "alphas": alphas, "rho": RHO}
    runs = {f"SAM {alpha:g}": (SAM(ETA, RHO), alpha, LONG_Y) for alpha in alphas}
    runs["SGD 1"] = GD(ETA), 1.0, LONG_Y
    for name, start in (("long y", LONG_Y), ("long x", LONG_X)):
        runs[f"SAM {name}"] = SAM(ETA, RHO), 0.5, start
        runs[f"nBAR {name}"] = NBAR(GD(ETA), 0.05, 3), 0.5, start
    for seed, (name, (rule, alpha, start)) in enumerate(runs.items()):
        states = paths(rule, alpha, start, seed)
        gx, gy = gradient_lengths(states, alpha)
        out[f"balance {name}"] = 2 * np.median(balancedness(states, 3), axis=0)
        out[f"gradients {name}"] = np.median(gx**2 - gy**2, axis=0)
        out[f"threshold {name}"] = 2 * np.median(outer_threshold(*lengths(states, 3), gx, gy), axis=0)
    return out
