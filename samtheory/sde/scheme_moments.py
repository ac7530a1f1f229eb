"""Exact moments of an integrator on a linear equation: weak errors without sampling.

On dX = A X dt + sum_j (C_j X + c_j) dW_j a step is affine in X with coefficients that are polynomials of the
increments, so Gauss-Hermite quadrature over the increments gives the map of E (X, 1)(X, 1)' exactly.  The step that is
evaluated is the one that `integrate` runs.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from samtheory.kernel import call
from samtheory.oracles import Batch, Source
from samtheory.problems.core import dim, scratch
from samtheory.rules.core import step, vectors_of
from samtheory.sde.core import Brownian, noises
from samtheory.sde.linear import LinearSDE


def one_step(model: Any, scheme: Any, x: Any, dw: Any, h: float) -> np.ndarray:
    """The scheme's step of size h from every row of x [n, d] with the increments in the rows of dw [n, noises]."""
    out = np.array(x, dtype=np.float64, order="C")
    dw = np.array(dw, dtype=np.float64, order="C")
    if out.shape != (len(dw), dim(model)) or dw.shape != (len(out), noises(model)):
        raise ValueError(
            f"x {out.shape} and dw {dw.shape} do not fit the model: [n, {dim(model)}], [n, {noises(model)}]"
        )
    batch = Batch(np.empty(noises(model)), np.empty(0, dtype=np.int64))
    source = Source(Brownian(model, h), batch, batch, np.empty(scratch(model)))
    call(_steps, source, scheme, out, dw, np.empty((0, dim(model))), np.empty((vectors_of(scheme) + 2, dim(model))))
    return out


def _steps(source, scheme, x, dw, memory, ws):
    """Driver: one step from every row of x with the increments in the same row of dw."""
    for m in range(x.shape[0]):
        for j in range(dw.shape[1]):
            source.first.z[j] = dw[m, j]
        step(scheme, source, 0, x[m], memory, ws)


def normal_nodes(noises: int, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [n, noises] and weights [n] that integrate against N(0, I) polynomials of degree 2 nodes - 1."""
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    points = np.array(list(itertools.product(z, repeat=noises)))
    weights = np.array([math.prod(one) for one in itertools.product(w / w.sum(), repeat=noises)])
    return points, weights


def affine_maps(model: LinearSDE, scheme: Any, dw: np.ndarray, h: float) -> np.ndarray:
    """The steps with increments dw [n, noises] as matrices on (X, 1), [n, d + 1, d + 1]."""
    d = dim(model)
    at_zero = one_step(model, scheme, np.zeros((len(dw), d)), dw, h)
    maps = np.zeros((len(dw), d + 1, d + 1))
    for i in range(d):
        maps[:, :d, i] = one_step(model, scheme, np.tile(np.eye(d)[i], (len(dw), 1)), dw, h) - at_zero
    maps[:, :d, d], maps[:, d, d] = at_zero, 1.0
    return maps


def scheme_moments(
    model: LinearSDE, scheme: Any, x0: Any, t: float, steps: int, nodes: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """E X_n and E X_n X_n' after `steps` steps to time t from X_0 = x0; compare `model.moments(x0, t)`."""
    if not isinstance(model, LinearSDE):
        raise TypeError(f"model = {type(model).__name__}; the moments close for a LinearSDE alone")
    h, d = t / steps, dim(model)
    z, weights = normal_nodes(noises(model), nodes)
    maps = affine_maps(model, scheme, math.sqrt(h) * z, h)
    pairs = np.einsum("n,nij,nkl->ikjl", weights, maps, maps).reshape((d + 1) ** 2, (d + 1) ** 2)
    y = np.append(np.asarray(x0, dtype=float), 1.0)
    second = (np.linalg.matrix_power(pairs, steps) @ np.outer(y, y).ravel()).reshape(d + 1, d + 1)
    return second[:d, d], second[:d, :d]
