"""Linear equations dX = A X dt + sum_j (C_j X + c_j) dW_j, whose moments are known exactly.

Geometric Brownian motion, Ornstein-Uhlenbeck processes and d x d state-dependent noise: what integrators are tested on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.problems.core import dim, scratch
from samtheory.sde.core import drift, noises, spread
from samtheory.validate import array, checked
from samtheory.vectors import combination, dot


def _columns(name: str, value: Any) -> np.ndarray:
    """A finite matrix whose columns are contiguous: a product goes column by column."""
    out = np.asfortranarray(array(None, None)(name, value))
    out.flags.writeable = False
    return out


@checked(drift=_columns, slopes=array(None, None, None), offsets=array(None, None))
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


@checked(drift=_columns, factor=_columns)
class ConstantSDE(NamedTuple):
    """dX = A X dt + B dW with drift A [d, d] and a constant factor B [d, k]: `LinearSDE` without its slopes."""

    drift: np.ndarray
    factor: np.ndarray


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


@scratch.register(LinearSDE)
def _scratch(model):
    return model.drift.shape[0] ** 2


@drift.register(LinearSDE)
@drift.register(ConstantSDE)
def _drift(model, x, out, work):
    combination(x, model.drift.T, out)


@spread.register(LinearSDE)
def _spread(model, x, dw, out, work):
    """out = sum_k dw_k c_k + (sum_k dw_k C_k) x; the matrix in brackets is in `work`, row after row."""
    k, d = dw.shape[0], x.shape[0]
    matrix = work[: d * d]
    combination(dw, model.slopes.reshape(k, d * d), matrix)
    combination(dw, model.offsets, out)
    for i in range(d):
        out[i] += dot(matrix[i * d : (i + 1) * d], x)


@dim.register(ConstantSDE)
def _constant_dim(model):
    return model.drift.shape[0]


@noises.register(ConstantSDE)
def _constant_noises(model):
    d = model.drift.shape[0]
    if model.drift.shape[1] != d or model.factor.shape[0] != d:
        shapes = f"drift {model.drift.shape}, factor {model.factor.shape}"
        raise ValueError(f"the shapes do not fit: {shapes}; they must be (d, d), (d, k)")
    return model.factor.shape[1]


@spread.register(ConstantSDE)
def _constant_spread(model, x, dw, out, work):
    combination(dw, model.factor.T, out)
