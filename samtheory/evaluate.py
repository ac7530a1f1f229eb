"""A problem's mathematics at many points at once, compiled: values, gradients, Hessians, one sample at a time.

    losses(problem, X)                 [...]           f
    gradients(problem, X)              [..., d]        grad f
    grad_norms(problem, X)             [...]           |grad f|
    hessian(problem, X)                [..., d, d]     Hessian
    dense_hessian(problem, X)          [..., d, d]     Hessian, column by column where there is only `hvp`
    hessian_vector(problem, X, V)      [..., d]        Hessian @ v (V of shape [d], or of X's shape)
    third_derivative(problem, X, V)    [..., d]        gradient of v' Hessian v (V as above)
    sample_losses(problem, X)          [..., n]        f_i
    sample_gradients(problem, X)       [..., n, d]     grad f_i

X has shape [..., d], so that each is a statistic: `simulate(..., record={"loss": partial(losses, problem)})`.
Where a point has an entry that is not finite (a member that diverged) the result is NaN.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samtheory.kernel import call, kernel
from samtheory.problems.core import dim, grad, hess, hvp, loss, sample_grad, sample_loss, samples, scratch, third
from samtheory.vectors import norm


def losses(problem: Any, X: Any) -> np.ndarray:
    """f at every point, [...]."""
    points, lead, out = _prepare(problem, X, loss)
    call(_losses, problem, points, out, _work(problem))
    return out.reshape(lead)


def gradients(problem: Any, X: Any) -> np.ndarray:
    """grad f at every point, [..., d]."""
    points, lead, out = _prepare(problem, X, grad, dim)
    call(_gradients, problem, points, out, _work(problem))
    return out.reshape(*lead, *out.shape[1:])


def grad_norms(problem: Any, X: Any) -> np.ndarray:
    """|grad f| (Euclidean) at every point, [...]."""
    points, lead, out = _prepare(problem, X, grad)
    call(_grad_norms, problem, points, out, np.empty(dim(problem)), _work(problem))
    return out.reshape(lead)


def hessian(problem: Any, X: Any) -> np.ndarray:
    """The Hessian at every point, [..., d, d]; [d, d] at a single one."""
    points, lead, out = _prepare(problem, X, hess, dim, dim)
    call(_hessians, problem, points, out, _work(problem))
    return out.reshape(*lead, *out.shape[1:])


def dense_hessian(problem: Any, X: Any) -> np.ndarray:
    """The Hessian at every point, [..., d, d], from `hess` or else from `hvp` of the unit vectors."""
    if hess.supports(type(problem)) or not hvp.supports(type(problem)):
        return hessian(problem, X)
    return np.stack([hessian_vector(problem, X, e) for e in np.eye(dim(problem))], axis=-1)


def hessian_vector(problem: Any, X: Any, V: Any) -> np.ndarray:
    """The Hessian at every point times v, [..., d]; V is one vector, or one for each point."""
    return _with_vectors(_hessian_vectors, problem, X, V, hvp)


def third_derivative(problem: Any, X: Any, V: Any) -> np.ndarray:
    """The gradient of v' Hessian v at every point, [..., d]; V is one vector, or one for each point."""
    return _with_vectors(_third_derivatives, problem, X, V, third)


def sample_losses(problem: Any, X: Any) -> np.ndarray:
    """Every f_i at every point, [..., n]; their mean over n is f."""
    points, lead, out = _prepare(problem, X, sample_loss, samples)
    call(_sample_losses, problem, points, out, _work(problem))
    return out.reshape(*lead, *out.shape[1:])


def sample_gradients(problem: Any, X: Any) -> np.ndarray:
    """Every grad f_i at every point, [..., n, d]; their mean over n is the gradient."""
    points, lead, out = _prepare(problem, X, sample_grad, samples, dim)
    call(_sample_gradients, problem, points, out, _work(problem))
    return out.reshape(*lead, *out.shape[1:])


def _with_vectors(driver: Any, problem: Any, X: Any, V: Any, needed: Any) -> np.ndarray:
    points, lead, out = _prepare(problem, X, needed, dim)
    vectors = np.asarray(V, dtype=np.float64)
    if vectors.shape not in (points.shape[1:], (*lead, *points.shape[1:])):
        raise ValueError(f"V has shape {vectors.shape}; it must be {points.shape[1:]} or that of X")
    vectors = np.array(np.broadcast_to(vectors, (*lead, dim(problem))), order="C").reshape(points.shape)
    call(driver, problem, points, vectors, out, _work(problem))
    return out.reshape(*lead, *out.shape[1:])


def _prepare(problem: Any, X: Any, needed: Any, *sizes: Any) -> tuple[np.ndarray, tuple[int, ...], np.ndarray]:
    """The points as rows, the leading shape of X, and NaN for results of these sizes at every row."""
    for piece in (needed, dim, *sizes):
        if not piece.supports(type(problem)):
            raise TypeError(
                f"problem = {type(problem).__name__} has no `samtheory.problems.core.{piece.__name__}` registered"
            )
    try:
        points = np.array(X, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise ValueError(f"X is not an array of numbers: {X!r}") from None
    d = dim(problem)
    if points.ndim == 0 or points.shape[-1] != d:
        raise ValueError(f"X has shape {points.shape}; its last axis must have the dimension {d} of the problem")
    rows = points.reshape(-1, d)
    return rows, points.shape[:-1], np.full((len(rows), *(size(problem) for size in sizes)), math.nan)


def _work(problem: Any) -> np.ndarray:
    return np.empty(scratch(problem))


@kernel
def _is_finite(x):
    finite = True
    for i in range(x.shape[0]):
        if not abs(x[i]) < math.inf:
            finite = False
    return finite


# ------------------------------------------------------------------------------------ drivers


def _losses(p, points, out, work):
    for r in range(points.shape[0]):
        if _is_finite(points[r]):
            out[r] = loss(p, points[r], work)


def _gradients(p, points, out, work):
    for r in range(points.shape[0]):
        if _is_finite(points[r]):
            grad(p, points[r], out[r], work)


def _grad_norms(p, points, out, g, work):
    for r in range(points.shape[0]):
        if _is_finite(points[r]):
            grad(p, points[r], g, work)
            out[r] = norm(g)


def _hessians(p, points, out, work):
    for r in range(points.shape[0]):
        if _is_finite(points[r]):
            hess(p, points[r], out[r], work)


def _hessian_vectors(p, points, vectors, out, work):
    for r in range(points.shape[0]):
        if _is_finite(points[r]):
            hvp(p, points[r], vectors[r], out[r], work)


def _third_derivatives(p, points, vectors, out, work):
    for r in range(points.shape[0]):
        if _is_finite(points[r]):
            third(p, points[r], vectors[r], out[r], work)


def _sample_losses(p, points, out, work):
    for r in range(points.shape[0]):
        if _is_finite(points[r]):
            for i in range(out.shape[1]):
                out[r, i] = sample_loss(p, i, points[r], work)


def _sample_gradients(p, points, out, work):
    for r in range(points.shape[0]):
        if _is_finite(points[r]):
            for i in range(out.shape[1]):
                sample_grad(p, i, points[r], out[r, i], work)
