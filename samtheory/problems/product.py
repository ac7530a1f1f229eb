"""The single-neuron linear network L(x, y) = l(x y) (Dai, Ahn & Sra 2023; Ahn et al. 2023)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.problems.links import is_link, link_curvature, link_minimiser, link_slope, link_value
from samtheory.validate import checked


@checked(link=is_link)
class Product(NamedTuple):
    """L(x, y) = l(x y), state (x, y); no scaling.  The minimisers form the hyperbola (or cross) x y = argmin l.

    gradient  (l' y, l' x)
    Hessian   [[l'' y^2, l' + l'' x y], [l' + l'' x y, l'' x^2]],   all at u = x y
    """

    link: Any


@constants.register(Product)
def _constants(p):
    """The minimiser given is the flattest, |x| = |y|; there is no L, and no PL constant (a critical point at 0)."""
    u = link_minimiser(p.link)
    arm = math.sqrt(abs(u))
    minimiser = np.array([arm, math.copysign(arm, u)])
    return Constants(f_star=link_value(p.link, u), minimiser=minimiser, how="formula (gradient not Lipschitz)")


@dim.register(Product)
def _dim(p):
    return 2


@loss.register(Product)
def _loss(p, x, work):
    return link_value(p.link, x[0] * x[1])


@grad.register(Product)
def _grad(p, x, out, work):
    slope = link_slope(p.link, x[0] * x[1])
    out[0] = slope * x[1]
    out[1] = slope * x[0]


@hess.register(Product)
def _hess(p, x, out, work):
    u = x[0] * x[1]
    bend = link_curvature(p.link, u)
    across = link_slope(p.link, u) + bend * u
    out[0, 0] = bend * x[1] * x[1]
    out[0, 1] = across
    out[1, 0] = across
    out[1, 1] = bend * x[0] * x[0]


@hvp.register(Product)
def _hvp(p, x, v, out, work):
    u = x[0] * x[1]
    bend = link_curvature(p.link, u)
    across = link_slope(p.link, u) + bend * u
    out[0] = bend * x[1] * x[1] * v[0] + across * v[1]
    out[1] = across * v[0] + bend * x[0] * x[0] * v[1]
