"""A finite sum of quadratics with curvatures of their own: f = (1/n) sum_i 1/2 (x - b_i)' H_i (x - b_i)."""

from __future__ import annotations

from typing import Any, NamedTuple

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
    scratch,
)
from samtheory.validate import array, checked, symmetric
from samtheory.vectors import axpy, dot, fill, symmetric_product


def _stack(name: str, value: Any) -> np.ndarray:
    out = array(None, None, None)(name, value)
    out = np.stack([symmetric(f"{name}[{i}]", one) for i, one in enumerate(out)])
    out.flags.writeable = False
    return out


@checked(curvature=_stack, centre=array(None, None))
class QuadraticSum(NamedTuple):
    """f_i(x) = 1/2 (x - centre_i)' curvature_i (x - centre_i); curvature [n, d, d] symmetric, centre [n, d]."""

    curvature: np.ndarray
    centre: np.ndarray


@constants.register(QuadraticSum)
def _constants(p):
    mean = p.curvature.mean(axis=0)
    lam = np.linalg.eigvalsh(mean)
    if lam[0] <= lam.size * np.finfo(float).eps * abs(lam[-1]):
        return Constants(L=float(np.abs(lam).max()), how="spectrum (not strongly convex)")
    pulled = np.einsum("nij,nj->ni", p.curvature, p.centre)
    x = np.linalg.solve(mean, pulled.mean(axis=0))
    away = x - p.centre
    f_star = 0.5 * float(np.einsum("ni,nij,nj->", away, p.curvature, away)) / len(p.centre)
    return Constants(L=float(lam[-1]), mu=float(lam[0]), pl=float(lam[0]), f_star=f_star, minimiser=x, how="spectrum")


@dim.register(QuadraticSum)
def _dim(p):
    return p.centre.shape[1]


@samples.register(QuadraticSum)
def _samples(p):
    return p.centre.shape[0]


@scratch.register(QuadraticSum)
def _scratch(p):
    return 2 * p.centre.shape[1]


@kernel
def _away(p, i, x, out):
    for j in range(x.shape[0]):
        out[j] = x[j] - p.centre[i, j]


@hessian_lipschitz.register(QuadraticSum)
def _constant_hessian(p, x, radius):
    return 0.0


@sample_loss.register(QuadraticSum)
@kernel
def _sample_loss(p, i, x, work):
    d = x.shape[0]
    _away(p, i, x, work[:d])
    symmetric_product(p.curvature[i], work[:d], work[d : 2 * d])
    return 0.5 * dot(work[:d], work[d : 2 * d])


@sample_grad.register(QuadraticSum)
def _sample_grad(p, i, x, out, work):
    _away(p, i, x, work[: x.shape[0]])
    symmetric_product(p.curvature[i], work[: x.shape[0]], out)


@sample_hvp.register(QuadraticSum)
def _sample_hvp(p, i, x, v, out, work):
    symmetric_product(p.curvature[i], v, out)


@loss.register(QuadraticSum)
def _loss(p, x, work):
    total = 0.0
    for i in range(p.centre.shape[0]):
        total += _sample_loss(p, i, x, work)
    return total / p.centre.shape[0]


@grad.register(QuadraticSum)
def _grad(p, x, out, work):
    d, n = x.shape[0], p.centre.shape[0]
    fill(out, 0.0)
    for i in range(n):
        _away(p, i, x, work[:d])
        symmetric_product(p.curvature[i], work[:d], work[d : 2 * d])
        axpy(1.0 / n, work[d : 2 * d], out)


@hvp.register(QuadraticSum)
def _hvp(p, x, v, out, work):
    d, n = x.shape[0], p.centre.shape[0]
    fill(out, 0.0)
    for i in range(n):
        symmetric_product(p.curvature[i], v, work[:d])
        axpy(1.0 / n, work[:d], out)


@hess.register(QuadraticSum)
def _hess(p, x, out, work):
    n = p.centre.shape[0]
    for j in range(x.shape[0]):
        fill(out[j], 0.0)
        for i in range(n):
            axpy(1.0 / n, p.curvature[i, j], out[j])
