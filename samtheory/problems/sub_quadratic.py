"""One-dimensional valleys f(x) = l(x) of any link l, sub-quadratic ones among them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.problems.links import is_link, link_curvature, link_minimiser, link_slope, link_value
from samtheory.validate import checked


class SuperQuadratic(NamedTuple):
    """The link l(u) = u^2/2 + u^4/4, l' = u + u^3: steeper than its quadratic, a valley that catches nothing."""


@link_minimiser.register(SuperQuadratic)
def _at_zero(link):
    return 0.0


@link_value.register(SuperQuadratic)
def _value(link, u):
    return u * u * (0.5 + 0.25 * u * u)


@link_slope.register(SuperQuadratic)
def _slope(link, u):
    return u * (1.0 + u * u)


@link_curvature.register(SuperQuadratic)
def _curvature(link, u):
    return 1.0 + 3.0 * u * u


@checked(link=is_link)
class LinkValley(NamedTuple):
    """f(x) = l(x) in one dimension.  Sub-quadratic (l'' <= l''(0) = 1) for `PseudoHuber()` and `LogCosh()`.

    `PseudoHuber` is sqrt(1 + x^2): its minimum is 1, not 0 (`constants(...).f_star`).
    """

    link: Any


@constants.register(LinkValley)
def _constants(p):
    u = link_minimiser(p.link)
    return Constants(f_star=link_value(p.link, u), minimiser=np.array([u]), how="formula")


@dim.register(LinkValley)
def _dim(p):
    return 1


@loss.register(LinkValley)
def _loss(p, x, work):
    return link_value(p.link, x[0])


@grad.register(LinkValley)
def _grad(p, x, out, work):
    out[0] = link_slope(p.link, x[0])


@hess.register(LinkValley)
def _hess(p, x, out, work):
    out[0, 0] = link_curvature(p.link, x[0])


@hvp.register(LinkValley)
def _hvp(p, x, v, out, work):
    out[0] = link_curvature(p.link, x[0]) * v[0]
