"""Linear equations dX = A X dt + sum_j (C_j X + c_j) dW_j, whose moments are known exactly.

Geometric Brownian motion, Ornstein-Uhlenbeck processes and d x d state-dependent noise: what integrators are tested on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samtheory.problems.core import dim
from samtheory.sde.core import drift, noises, spread
from samtheory.validate import array, checked


@checked(drift=array(None, None), slopes=array(None, None, None), offsets=array(None, None))
class LinearSDE(NamedTuple):
    """drift A [d, d], slopes C_j [k, d, d], offsets c_j [k, d]."""

    drift: np.ndarray
    slopes: np.ndarray
    offsets: np.ndarray

    def moments(self, x0, t: float) -> tuple[np.ndarray, np.ndarray]:
        """E X_t and E X_t X_t' from X_0 = x0: one matrix exponential of the second-moment equation of (X, 1)."""
        from scipy.linalg import expm

        d = self.drift.shape[0]
        a = np.zeros((d + 1, d + 1))
        a[:d, :d] = self.drift
        noise = np.zeros((len(self.slopes), d + 1, d + 1))
        noise[:, :d, :d], noise[:, :d, d] = self.slopes, self.offsets
        one = np.eye(d + 1)
        generator = np.kron(a, one) + np.kron(one, a) + sum(np.kron(c, c) for c in noise)
        y = np.append(np.asarray(x0, dtype=float), 1.0)
        second = (expm(t * generator) @ np.outer(y, y).ravel()).reshape(d + 1, d + 1)
        return second[:d, d], second[:d, :d]


def geometric_brownian(a: float, b: float) -> LinearSDE:
    """dX = a X dt + b X dW."""
    return LinearSDE([[a]], [[[b]]], [[0.0]])


def ornstein_uhlenbeck(matrix, factor) -> LinearSDE:
    """dX = -matrix X dt + factor dW."""
    factor = np.atleast_2d(np.asarray(factor, dtype=float))
    d, k = factor.shape
    return LinearSDE(-np.atleast_2d(matrix), np.zeros((k, d, d)), factor.T)


@dim.register(LinearSDE)
def _dim(model):
    return model.drift.shape[0]


@noises.register(LinearSDE)
def _noises(model):
    d, k = model.drift.shape[0], model.slopes.shape[0]
    if model.drift.shape != (d, d) or model.slopes.shape != (k, d, d) or model.offsets.shape != (k, d):
        shapes = f"drift {model.drift.shape}, slopes {model.slopes.shape}, offsets {model.offsets.shape}"
        raise ValueError(f"the shapes do not fit: {shapes}; they must be (d, d), (k, d, d), (k, d)")
    return k


@drift.register(LinearSDE)
def _drift(model, x, out, work):
    d = x.shape[0]
    for i in range(d):
        out[i] = 0.0
    for j in range(d):
        for i in range(d):
            out[i] += model.drift[i, j] * x[j]


@spread.register(LinearSDE)
def _spread(model, x, dw, out, work):
    d = x.shape[0]
    for i in range(d):
        out[i] = 0.0
    for k in range(dw.shape[0]):
        for i in range(d):
            total = model.offsets[k, i]
            for j in range(d):
                total += model.slopes[k, i, j] * x[j]
            out[i] += total * dw[k]
