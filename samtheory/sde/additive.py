"""Models of stochastic SAM under additive noise: g_b(x) = grad f(x) + S z, one z a step, used in both gradients.

    dX = -(g + rho H E[p]) dt + sqrt(eta) (I + rho H D) S dW,      g = grad f(X), H = Hess f(X)

with the push p and its slope D of `samtheory.sde.pushes`.  For USAM (p = g + S z, D = I) this is
dX = -grad(f + rho/2 |g|^2) dt + sqrt(eta) (I + rho H) S dW, the equation of Monzio Compagnoni et al. (2023) in
factored form: its covariance is eta (I + rho H) Sigma (I + rho H), which never is indefinite, where the truncation
at first order in rho (`truncated_covariance`) can be.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.evaluate import gradients, hessian
from samtheory.kernel import call
from samtheory.oracles import factor_shape
from samtheory.problems.core import dim, grad, hvp, scratch
from samtheory.sde.core import drift, noises, spread
from samtheory.sde.pushes import mean_push, push_slope
from samtheory.validate import array, checked, nonnegative
from samtheory.vectors import axpy, fill


@checked(factor=array(None, None), eta=nonnegative, rho=nonnegative)
class AdditiveSDE(NamedTuple):
    """dX = -(g + rho H E[p]) dt + sqrt(eta) (I + rho H D) factor dW; eta = 0 gives the ordinary equation.

    problem has grad and hvp; factor S has shape [d, k], noise covariance S S'; kind is a push.
    """

    problem: Any
    factor: np.ndarray
    eta: float
    rho: float
    kind: Any


@dim.register(AdditiveSDE)
def _dim(model):
    return dim(model.problem)


@noises.register(AdditiveSDE)
def _noises(model):
    return factor_shape(model)[0]


@scratch.register(AdditiveSDE)
def _scratch(model):
    return scratch(model.problem) + 3 * dim(model.problem)


@drift.register(AdditiveSDE)
def _drift(model, x, out, work):
    d = x.shape[0]
    g, p, hp, rest = work[:d], work[d : 2 * d], work[2 * d : 3 * d], work[3 * d :]
    grad(model.problem, x, g, rest)
    mean_push(model.kind, g, p)
    hvp(model.problem, x, p, hp, rest)
    for i in range(d):
        out[i] = -(g[i] + model.rho * hp[i])


@spread.register(AdditiveSDE)
def _spread(model, x, dw, out, work):
    d = x.shape[0]
    g, v, dv, rest = work[:d], work[d : 2 * d], work[2 * d : 3 * d], work[3 * d :]
    fill(v, 0.0)
    for i in range(d):
        for j in range(dw.shape[0]):
            v[i] += model.factor[i, j] * dw[j]
    grad(model.problem, x, g, rest)
    push_slope(model.kind, g, v, dv)
    hvp(model.problem, x, dv, g, rest)
    axpy(model.rho, g, v)
    root = math.sqrt(model.eta)
    for i in range(d):
        out[i] = root * v[i]


def _slopes(kind, g, out, v):
    """Driver: column j of the slope matrix D at g."""
    for j in range(g.shape[0]):
        fill(v, 0.0)
        v[j] = 1.0
        push_slope(kind, g, v, out[j])


def truncated_covariance(model: AdditiveSDE, x: Any) -> np.ndarray:
    """eta [Sigma + rho (Sigma D' H + H D Sigma)]: the covariance cut at first order in rho, which may be indefinite."""
    g, h = gradients(model.problem, np.asarray(x, dtype=np.float64)), hessian(model.problem, x)
    slope = np.empty((g.size, g.size))
    call(_slopes, model.kind, g, slope, np.empty(g.size))
    sigma = model.factor @ model.factor.T
    cross = h @ slope.T @ sigma
    return model.eta * (sigma + model.rho * (cross + cross.T))
