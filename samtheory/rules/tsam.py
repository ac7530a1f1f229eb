"""Tilted SAM (Li, Zhou & Bilmes 2025): descend on (1/tilt) log E exp(tilt f(x + eps)), eps a random perturbation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from samtheory.oracles import check_value
from samtheory.rules import (
    ascend,
    at,
    axpy,
    checked,
    count,
    direction,
    fill,
    first_gradient,
    nonnegative,
    scheduled,
    second_gradient,
    second_value,
)
from samtheory.rules.core import check_rule
from samtheory.rules.noise import ClippedNormal, check_noise, displacement, is_noise
from samtheory.vectors import scale


@checked(eta=scheduled(), rho=scheduled(), tilt=nonnegative, samples=count(1), noise=is_noise)
class TSAM(NamedTuple):
    """x <- x - eta sum_j q_j g(v_j), q = softmax_j(tilt f(v_j)), v_j = y_j + rho g(y_j)/|g(y_j)|, y_j = x + eps_j,
    eps_1, ..., eps_`samples` of `noise`; two gradients a sample.

    With rho = 0 and given eps this is the gradient of (1/tilt) log mean_j exp(tilt f(x + eps_j)).
    """

    eta: float
    rho: float
    tilt: float = 1.0
    samples: int = 3
    noise: Any = ClippedNormal(0.05)
    vectors = 2


@check_rule.register(TSAM)
def _check(rule, oracle):
    check_noise(rule, oracle)
    check_value(rule, oracle)


@direction.register(TSAM)
def _direction(rule, source, t, x, memory, out, ws):
    point, g = ws[0], ws[1]
    fill(out, 0.0)
    omitted, top, total = 0, -math.inf, 0.0
    for j in range(rule.samples):
        displacement(rule.noise, source, t * rule.samples + j, point)
        axpy(1.0, x, point)
        first_gradient(source, point, g)
        omitted += ascend(point, g, at(rule.rho, t), point)
        second_gradient(source, point, g)
        exponent = rule.tilt * second_value(source, point)
        if exponent > top:  # weights relative to the largest so far: no exponential overflows
            shrink = math.exp(top - exponent)
            total *= shrink
            scale(shrink, out)
            top = exponent
        weight = math.exp(exponent - top)
        total += weight
        axpy(weight, g, out)
    for i in range(x.shape[0]):
        out[i] /= total
    return omitted
