"""Random smoothing (Ahn, Jadbabaie & Sra 2024): where the gradient is small, walk across it down E f(x + rho s)."""

from __future__ import annotations

from typing import Any, NamedTuple

from samtheory.rules import along, at, axpy, checked, dot, nonnegative, scheduled, second_gradient, step
from samtheory.rules.core import check_rule
from samtheory.rules.noise import Sphere, check_noise, displacement, is_noise


@checked(eta=scheduled(), rho=scheduled(), threshold=nonnegative, eta_flat=scheduled(), noise=is_noise)
class RandomSmoothing(NamedTuple):
    """|g| >= threshold:  x <- x - eta g
    otherwise:         x <- x - eta_flat (v - <v, g> g/|g|^2), v = g(x + rho s), s of `noise` (on the unit sphere)

    Over s the mean of v is g + (rho^2/(2d)) grad tr H + O(rho^4).
    """

    eta: float
    rho: float
    threshold: float
    eta_flat: float
    noise: Any = Sphere(1.0)
    vectors = 1


check_rule.register(RandomSmoothing)(check_noise)


@step.register(RandomSmoothing)
def _step(rule, source, t, x, memory, ws):
    g, v, point = ws[0], ws[1], ws[2]
    second_gradient(source, x, g)
    square = dot(g, g)
    if square >= rule.threshold * rule.threshold:
        axpy(-at(rule.eta, t), g, x)
        return 0
    displacement(rule.noise, source, t, point)
    along(x, at(rule.rho, t), point, point)
    second_gradient(source, point, v)
    overlap = dot(v, g) / square if square > 0.0 else 0.0
    rate = at(rule.eta_flat, t)
    for i in range(x.shape[0]):
        x[i] -= rate * (v[i] - overlap * g[i])
    return 0
