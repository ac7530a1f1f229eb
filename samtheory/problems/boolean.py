"""Points of the Boolean cube {-1, 1}^d with labels that few of their coordinates decide."""

from __future__ import annotations

import numpy as np

from samtheory.validate import array, count


def cube(d: int) -> np.ndarray:
    """All 2^d points, [2^d, d], d <= 20."""
    d = count(1, 20)("d", d)
    return 1.0 - 2.0 * (np.arange(2**d)[:, None] >> np.arange(d)[::-1] & 1)


def xor(X: np.ndarray) -> np.ndarray:
    """The labels y = x_1 x_2 of the rows, [n]."""
    return np.prod(np.asarray(X, dtype=float)[:, :2], axis=1)


def cube_sample(rng: np.random.Generator, n: int, d: int, distinct: bool = False) -> np.ndarray:
    """n points drawn uniformly from the cube, [n, d]; `distinct`: without replacement (then n <= 2^d, d <= 20)."""
    if not distinct:
        return rng.choice([-1.0, 1.0], (count(1)("n", n), count(1)("d", d)))
    return cube(d)[rng.choice(2**d, count(1, 2**d)("n", n), replace=False)]


def complete_set(rest: np.ndarray) -> np.ndarray:
    """{-1, 1}^2 x S for the rows S of `rest`, [4 |S|, 2 + d_rest], each of the four pairs with all of S in turn."""
    rest = array(None, None)("rest", rest)
    return np.vstack([np.hstack([np.tile(pair, (len(rest), 1)), rest]) for pair in cube(2)])


def error_rate(f: np.ndarray, y: np.ndarray) -> float:
    """The 0-1 error mean[y f <= 0]: an output of 0 decides nothing and counts as an error."""
    return float(np.mean(np.asarray(f) * np.asarray(y) <= 0))
