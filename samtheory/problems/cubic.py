"""The third-order model of an objective about a critical point."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.problems.quadratic import Diagonal
from samtheory.validate import array, checked, same_length, together
from samtheory.vectors import axpy, dot


def _symmetric_tensor(name: str, value: Any) -> np.ndarray:
    """A d x d x d tensor that no permutation of its indices changes (above 1e-12 of its largest entry)."""
    out = array(None, None, None)(name, value)
    if len(set(out.shape)) > 1:
        raise ValueError(f"{name} has shape {out.shape}; it must be d x d x d")
    mean = _symmetrised(out)
    gap = np.abs(out - mean)
    if gap.max() > 1e-12 * np.abs(out).max():
        at = tuple(map(int, np.unravel_index(gap.argmax(), gap.shape)))
        raise ValueError(
            f"{name} is not symmetric: entry {list(at)} is {out[at]!r}, its permutations average {mean[at]!r}"
        )
    mean.flags.writeable = False
    return mean


def _symmetrised(tensor: np.ndarray) -> np.ndarray:
    """The mean over the six orders of the indices, the same bits at each of them."""
    out = np.empty_like(tensor)
    for i, j, k in itertools.combinations_with_replacement(range(tensor.shape[0]), 3):
        orders = set(itertools.permutations((i, j, k)))
        first = tensor[i, j, k]
        mean = first + sum(tensor[order] - first for order in sorted(orders)) / len(orders)  # exact if all are equal
        for order in orders:
            out[order] = mean
    return out


def symmetric_tensor(rng: np.random.Generator, d: int) -> np.ndarray:
    """A random symmetric d x d x d tensor: a standard normal one, averaged over the orders of its indices."""
    return _symmetrised(rng.standard_normal((d, d, d)))


@together(same_length("lam", "tensor"))
@checked(lam=array(None), tensor=_symmetric_tensor)
class Cubic(NamedTuple):
    """f(w) = 1/2 sum_i lam_i w_i^2 + 1/6 T[w, w, w], T = tensor fully symmetric: D^3 f = T everywhere.

    gradient lam w + 1/2 T[w, w, .],  Hessian diag(lam) + T[w, ., .].
    """

    lam: np.ndarray
    tensor: np.ndarray


@constants.register(Cubic)
def _constants(p):
    if p.tensor.any():
        return Constants(how="formula (cubic: unbounded below, gradient not Lipschitz)")
    return constants(Diagonal(p.lam, np.zeros(p.lam.size)))


@dim.register(Cubic)
def _dim(p):
    return p.lam.shape[0]


@loss.register(Cubic)
def _loss(p, x, work):
    d = x.shape[0]
    square, cube = 0.0, 0.0
    for i in range(d):
        square += p.lam[i] * x[i] * x[i]
        for j in range(d):
            cube += x[i] * x[j] * dot(p.tensor[i, j], x)
    return 0.5 * square + cube / 6.0


@grad.register(Cubic)
def _grad(p, x, out, work):
    d = x.shape[0]
    for i in range(d):
        out[i] = p.lam[i] * x[i]
    for i in range(d):
        for j in range(d):
            axpy(0.5 * x[i] * x[j], p.tensor[i, j], out)


@hess.register(Cubic)
def _hess(p, x, out, work):
    d = x.shape[0]
    for j in range(d):
        for k in range(d):
            out[j, k] = p.lam[j] if j == k else 0.0
    for i in range(d):
        for j in range(d):
            axpy(x[i], p.tensor[i, j], out[j])


@hvp.register(Cubic)
def _hvp(p, x, v, out, work):
    d = x.shape[0]
    for i in range(d):
        out[i] = p.lam[i] * v[i]
    for i in range(d):
        for j in range(d):
            axpy(x[i] * v[j], p.tensor[i, j], out)
