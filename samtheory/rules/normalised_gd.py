"""Normalised gradient descent: the gradient over the loss, or over its own norm."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.oracles import check_value
from samtheory.rules import checked, direction, norm, scheduled, second_gradient, second_value
from samtheory.rules.core import check_rule
from samtheory.validate import truth


@checked(eta=scheduled(), by_norm=truth)
class NormalisedGD(NamedTuple):
    """x <- x - eta g/f(x), which is gradient descent on log f; by_norm: x <- x - eta g/|g|.

    Where what is divided by is exactly zero no step is taken, and that is counted.
    """

    eta: float
    by_norm: bool = False


@check_rule.register(NormalisedGD)
def _check(rule, oracle):
    if not rule.by_norm:
        check_value(rule, oracle)


@direction.register(NormalisedGD)
def _direction(rule, source, t, x, memory, out, ws):
    second_gradient(source, x, out)
    size = norm(out) if rule.by_norm else second_value(source, x)
    for i in range(x.shape[0]):
        out[i] = out[i] / size if size != 0.0 else 0.0
    return 0 if size != 0.0 else 1
