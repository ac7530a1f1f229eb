"""The double well f(x) = scale (x^2 - 1)^2/4."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.validate import checked, positive


@checked(scale=positive)
class DoubleWell(NamedTuple):
    """f(x) = scale (x^2 - 1)^2/4, one dimension: f' = scale (x^3 - x), f'' = scale (3 x^2 - 1).

    Minima +-1 of curvature 2 scale, a local maximum 0 of curvature -scale.
    """

    scale: float = 1.0


@constants.register(DoubleWell)
def _constants(p):
    return Constants(f_star=0.0, minimiser=np.ones(1), how="formula (gradient not Lipschitz; -1 is a minimiser too)")


@dim.register(DoubleWell)
def _dim(p):
    return 1


@loss.register(DoubleWell)
def _loss(p, x, work):
    gap = x[0] * x[0] - 1.0
    return 0.25 * p.scale * gap * gap


@grad.register(DoubleWell)
def _grad(p, x, out, work):
    out[0] = p.scale * (x[0] * x[0] * x[0] - x[0])


@hess.register(DoubleWell)
def _hess(p, x, out, work):
    out[0, 0] = p.scale * (3.0 * x[0] * x[0] - 1.0)


@hvp.register(DoubleWell)
def _hvp(p, x, v, out, work):
    out[0] = p.scale * (3.0 * x[0] * x[0] - 1.0) * v[0]
