"""Shrinkage and thresholding by diagonal networks under Gaussian weight noise, and the weighted lasso.

Depth D, noise e, one coordinate with regression coefficient b, all layers of size c (Clara, Langer & Schmidt-Hieber
2025; derived): the marginal loss is stationary away from 0 where

    |b| = c^(2-D) (c^2 + e^2)^(D-1),    |beta| = c^D = |b| (c^2/(c^2 + e^2))^(D-1).

D = 1 shrinks nothing, D = 2 is the soft threshold (|b| - e^2)_+, and from D = 3 on |beta| jumps.
"""

from __future__ import annotations

import math

import numpy as np

from samtheory.theory.ranges import within
from samtheory.validate import count

_SWEEPS = 100_000


def shrinkage_threshold(noise: float, depth: int) -> float:
    """The least |b| with a stationary point other than 0: at c^2 = e^2 (D-2)/D; 0 for D = 1, e^2 for D = 2."""
    noise, depth = float(within("noise", noise, "[0, inf)")), count(1)("depth", depth)
    if depth <= 2:
        return noise**2 if depth == 2 else 0.0
    c = noise * math.sqrt((depth - 2) / depth)
    return c ** (2 - depth) * (c * c + noise * noise) ** (depth - 1) if noise > 0 else 0.0


def shrunk(b, noise: float, depth: int) -> np.ndarray:
    """sign(b) c^D with the largest root c, 0 below the threshold; by bisection to an ulp, shape of b."""
    b = np.asarray(b, dtype=float)
    least = shrinkage_threshold(noise, depth)
    return np.reshape([_shrink(float(x), float(noise), depth, least) for x in b.flat], b.shape)


def _shrink(b: float, noise: float, depth: int, least: float) -> float:
    if abs(b) <= least or b == 0:
        return 0.0
    low = noise * math.sqrt(max(depth - 2, 0) / depth)
    high = abs(b) ** (1 / depth)  # without noise c^D = |b|; noise only shrinks
    for _ in range(200):
        c = 0.5 * (low + high)
        if c in (low, high):
            break
        # in logarithms: c^(2-D) overflows for a small c
        above = (2 - depth) * math.log(c) + (depth - 1) * math.log(c * c + noise * noise) > math.log(abs(b))
        low, high = (low, c) if above else (c, high)
    return math.copysign(high**depth, b)


def weighted_lasso(X: np.ndarray, y: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """argmin (1/2n)|X beta - y|^2 + sum_j penalty_j |beta_j|, by coordinate descent until only round-off moves.

    Raises ArithmeticError where 100 000 sweeps do not suffice.
    """
    n, d = X.shape
    s, beta, r = (X**2).mean(axis=0), np.zeros(d), -np.asarray(y, dtype=float)
    # a step is a sum of n terms of this size over s_j: a small beta is what their cancellation leaves
    terms = np.abs(X).T @ np.abs(r) / n
    ulp = (4 + n) * np.finfo(float).eps * max(terms[j] / s[j] if s[j] else 0.0 for j in range(d))
    for _ in range(_SWEEPS):
        moved = 0.0
        for j in range(d):
            if s[j] == 0:
                continue
            pull = s[j] * beta[j] - X[:, j] @ r / n
            new = math.copysign(max(abs(pull) - penalty[j], 0.0), pull) / s[j]
            r += (new - beta[j]) * X[:, j]
            moved = max(moved, abs(new - beta[j]))
            beta[j] = new
        if moved <= ulp:
            return beta
    raise ArithmeticError(f"coordinate descent still moves by {moved:g} after {_SWEEPS} sweeps")
