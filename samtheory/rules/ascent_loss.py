"""Gradient descent on the ascent loss f_asc(x) = f(x + rho g(x)/|g(x)|) itself; SAM leaves out how h = g/|g| varies."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.oracles import check_curvature, curvature
from samtheory.rules import along, ascend, at, axpy, checked, direction, dot, first_gradient, norm, scheduled
from samtheory.rules.core import check_rule


@checked(eta=scheduled(), rho=scheduled())
class AscentLoss(NamedTuple):
    """x <- x - eta grad f_asc(x); rho is a length in parameter space.

    With g = grad f(x), h = g/|g|, y = x + rho h and G = grad f(y),
        grad f_asc(x) = G + (rho/|g|) H(x) (G - <h, G> h);
    SAM is the first term.  Near a minimiser the second is of size rho/|g|: the step is stiff there.  f_asc is undefined
    where g = 0: no step is taken.  Full batch only, on problems with `hvp`.  (Wen, Ma & Li 2023, Section 4.1.)
    """

    eta: float
    rho: float
    vectors = 3


check_rule.register(AscentLoss)(check_curvature)


@direction.register(AscentLoss)
def _direction(rule, source, t, x, memory, out, ws):
    g, y, across = ws[0], ws[1], ws[2]
    first_gradient(source, x, g)
    omitted = ascend(x, g, at(rule.rho, t), y)
    first_gradient(source, y, out)
    if omitted == 0:
        length = norm(g)
        along(out, -dot(g, out) / (length * length), g, across)
        curvature(source, x, across, y)
        axpy(at(rule.rho, t) / length, y, out)
    return omitted
