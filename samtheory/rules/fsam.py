"""Friendly SAM (Li, Zhou, He, Cheng & Huang 2024): the ascent follows the batch's noise, not the full gradient."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import (
    ascend,
    at,
    between,
    checked,
    direction,
    first_gradient,
    nonnegative,
    scheduled,
    second_gradient,
)
from samtheory.validate import truth


@checked(eta=scheduled(), rho=scheduled(), sigma=nonnegative, lam=between(0, 1), update_first=truth)
class FSAM(NamedTuple):
    """x <- x - eta g(x + rho d/|d|), d = g - sigma m, m <- lam m + (1 - lam) g a running mean; sigma = 0 is SAM.

    As in the authors' code d = m = g at the first step, and later d is taken with the old m.  update_first (the paper):
    m from zero, updated before d.  At sigma = 1 both give the same |d|/d for the same m.
    """

    eta: float
    rho: float
    sigma: float = 1.0
    lam: float = 0.9
    update_first: bool = False
    vectors = 1
    memories = 1


@direction.register(FSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    for i in range(x.shape[0]):
        g, old = out[i], memory[0, i]
        memory[0, i] = rule.lam * old + (1.0 - rule.lam) * g
        if rule.update_first:
            old = memory[0, i]
        elif t == 0:
            memory[0, i], old = g, 0.0
        out[i] = g - rule.sigma * old
    omitted = ascend(x, out, at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    return omitted
