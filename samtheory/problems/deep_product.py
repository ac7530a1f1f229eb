"""The deep scalar network f(w) = (w_1 w_2 ... w_D - target)^2/2."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.validate import checked, count, finite


@checked(depth=count(1), target=finite)
class DeepProduct(NamedTuple):
    """f(w) = (w_1 ... w_D - target)^2/2, no scaling; depth 2 is `Product(HalfSquare(target))`.

    With p = w_1 ... w_D, p_i and p_ij the products without w_i, and without w_i and w_j:

        gradient_i (p - target) p_i,   Hessian_ij  p_i p_j + (p - target) p_ij  (i != j),   p_i^2  (i = j).

    Minima: p = target, of sharpness sum p_i^2 and otherwise flat.  From depth 3 on the points where two or more
    coordinates vanish are degenerate critical points.
    """

    depth: int
    target: float


@constants.register(DeepProduct)
def _constants(p):
    """The minimiser given is the flattest: all |w_i| alike."""
    size = abs(p.target) ** (1 / p.depth)
    minimiser = np.full(p.depth, size)
    minimiser[-1] = math.copysign(size, p.target)
    return Constants(f_star=0.0, minimiser=minimiser, how="formula (gradient not Lipschitz)")


@kernel
def _without(x, i, j):
    """The product of all coordinates but i and j."""
    total = 1.0
    for k in range(x.shape[0]):
        if k != i and k != j:
            total *= x[k]
    return total


@dim.register(DeepProduct)
def _dim(p):
    return p.depth


@loss.register(DeepProduct)
def _loss(p, x, work):
    miss = _without(x, -1, -1) - p.target
    return 0.5 * miss * miss


@grad.register(DeepProduct)
def _grad(p, x, out, work):
    miss = _without(x, -1, -1) - p.target
    for i in range(x.shape[0]):
        out[i] = miss * _without(x, i, i)


@hess.register(DeepProduct)
def _hess(p, x, out, work):
    miss = _without(x, -1, -1) - p.target
    for i in range(x.shape[0]):
        one = _without(x, i, i)
        for j in range(i):
            out[i, j] = one * _without(x, j, j) + miss * _without(x, i, j)
            out[j, i] = out[i, j]
        out[i, i] = one * one


@hvp.register(DeepProduct)
def _hvp(p, x, v, out, work):
    miss, slope = _without(x, -1, -1) - p.target, 0.0
    for i in range(x.shape[0]):
        slope += _without(x, i, i) * v[i]
    for i in range(x.shape[0]):
        out[i] = slope * _without(x, i, i)
        for j in range(x.shape[0]):
            if j != i:
                out[i] += miss * _without(x, i, j) * v[j]
