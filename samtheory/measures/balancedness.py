"""How balanced two blocks of a state are: statistics of points [..., d], the first `size` coordinates being x."""

from __future__ import annotations

from typing import Any

import numpy as np

from samtheory.evaluate import gradients
from samtheory.theory.balancedness import outer_threshold
from samtheory.validate import count


def blocks(X: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """x [..., size] and y [..., d - size]."""
    X, size = np.asarray(X, dtype=float), count(1)("size", size)
    if X.ndim == 0 or size >= X.shape[-1]:
        raise ValueError(f"size = {size} leaves no second block in points of shape {X.shape}")
    return X[..., :size], X[..., size:]


def lengths(X: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """|x| and |y|, [...]."""
    x, y = blocks(X, size)
    return np.linalg.norm(x, axis=-1), np.linalg.norm(y, axis=-1)


def balancedness(X: Any, size: int) -> np.ndarray:
    """B = (|x|^2 - |y|^2)/2, [...]; for blocks of one size as <x - y, x + y>/2, which keeps its digits near 0."""
    x, y = blocks(X, size)
    if x.shape == y.shape:
        return ((x - y) * (x + y)).sum(axis=-1) / 2
    return ((x**2).sum(axis=-1) - (y**2).sum(axis=-1)) / 2


def balance_rate(start: Any, after: Any, size: int, eta: float = 1.0) -> float:
    """dB/dt = y'd_y - x'd_x of the flow dz/dt = -d, from the step `after` = start - eta d of a rule."""
    start = np.asarray(start, dtype=float)
    x, y = blocks(start * (start - after) / eta, size)
    return float(y.sum() - x.sum())


def gradient_balance(problem: Any, X: Any, size: int) -> np.ndarray:
    """(|g_x|^2 - |g_y|^2)/2 of the gradient, [...]."""
    return balancedness(gradients(problem, X), size)


def balance_threshold(problem: Any, X: Any, size: int) -> np.ndarray:
    """Where B tends to under SAM on f(x y'), [...]: `samtheory.theory.balancedness.outer_threshold`."""
    return outer_threshold(*lengths(X, size), *lengths(gradients(problem, X), size))
