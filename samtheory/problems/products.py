"""Independent products: f(u, v) = (1/M) sum_k (u_k v_k - y_k)^2/2, minimisers u_k v_k = y_k (Wen, Ma & Li 2023)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import (
    Constants,
    constants,
    dim,
    grad,
    hess,
    hessian_lipschitz,
    hvp,
    loss,
    sample_grad,
    sample_hvp,
    sample_loss,
    samples,
    third,
)
from samtheory.validate import array, checked
from samtheory.vectors import fill


@checked(y=array(None))
class Products(NamedTuple):
    """f = (1/M) sum_k f_k, f_k = (u_k v_k - y_k)^2/2, state (u_1, ..., u_M, v_1, ..., v_M).

    Where f = 0 the non-zero eigenvalues of the Hessian are (u_k^2 + v_k^2)/M, one a pair.  One pair is the product
    loss of `samtheory.problems.product` with the half-square link.  In floats the residual of a pair stands still
    once its update is below one ulp of u_k or v_k.
    """

    y: np.ndarray


@constants.register(Products)
def _constants(p):
    """The minimiser given is the flattest, |u_k| = |v_k|."""
    arm = np.sqrt(np.abs(p.y))
    how = "formula (quartic: gradient not Lipschitz, critical point at 0)"
    return Constants(f_star=0.0, minimiser=np.concatenate([arm, np.copysign(arm, p.y)]), how=how)


@dim.register(Products)
def _dim(p):
    return 2 * p.y.shape[0]


@samples.register(Products)
def _samples(p):
    return p.y.shape[0]


@kernel
def _pair_grad(p, k, x, share, out):
    M = p.y.shape[0]
    u, v = x[k], x[M + k]
    pull = share * (u * v - p.y[k])
    out[k] = pull * v
    out[M + k] = pull * u


@kernel
def _pair_hvp(p, k, x, w, share, out):
    M = p.y.shape[0]
    u, v = x[k], x[M + k]
    across = (u * v - p.y[k]) + u * v
    out[k] = share * (v * v * w[k] + across * w[M + k])
    out[M + k] = share * (across * w[k] + u * u * w[M + k])


@hessian_lipschitz.register(Products)
def _hessian_lipschitz(p, x, radius):
    """D^3 f[w, w, w] = (1/M) sum_k 6 a b (v_k a + u_k b), (a, b) the entries of w at the pair, 2 |a b| <= a^2 + b^2."""
    return float(3 * (np.hypot(*np.reshape(x, (2, -1))).max() + radius) / p.y.shape[0])


@sample_loss.register(Products)
@kernel
def _sample_loss(p, i, x, work):
    miss = x[i] * x[p.y.shape[0] + i] - p.y[i]
    return 0.5 * miss * miss


@sample_grad.register(Products)
def _sample_grad(p, i, x, out, work):
    fill(out, 0.0)
    _pair_grad(p, i, x, 1.0, out)


@sample_hvp.register(Products)
def _sample_hvp(p, i, x, v, out, work):
    fill(out, 0.0)
    _pair_hvp(p, i, x, v, 1.0, out)


@loss.register(Products)
def _loss(p, x, work):
    M = p.y.shape[0]
    total = 0.0
    for k in range(M):
        total += _sample_loss(p, k, x, work)
    return total / M


@grad.register(Products)
def _grad(p, x, out, work):
    M = p.y.shape[0]
    for k in range(M):
        _pair_grad(p, k, x, 1.0 / M, out)


@hvp.register(Products)
def _hvp(p, x, v, out, work):
    M = p.y.shape[0]
    for k in range(M):
        _pair_hvp(p, k, x, v, 1.0 / M, out)


@hess.register(Products)
def _hess(p, x, out, work):
    M = p.y.shape[0]
    for i in range(2 * M):
        fill(out[i], 0.0)
    for k in range(M):
        u, v = x[k], x[M + k]
        across = (2.0 * u * v - p.y[k]) / M
        out[k, k] = v * v / M
        out[k, M + k] = across
        out[M + k, k] = across
        out[M + k, M + k] = u * u / M


@third.register(Products)
def _third(p, x, v, out, work):
    """v' H v = (1/M) sum_k [v_k^2 a^2 + u_k^2 b^2 + 2 (2 u_k v_k - y_k) a b], (a, b) the entries of v at the pair."""
    M = p.y.shape[0]
    for k in range(M):
        a, b = v[k], v[M + k]
        out[k] = (2.0 * x[k] * b * b + 4.0 * x[M + k] * a * b) / M
        out[M + k] = (2.0 * x[M + k] * a * a + 4.0 * x[k] * a * b) / M
