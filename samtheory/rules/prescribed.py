"""A perturbation that looks at no gradient: given directions, one after the other (a worst case, or a control)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.rules import along, at, checked, direction, scheduled, second_gradient
from samtheory.rules.core import check_rule
from samtheory.rules.presam import lengths
from samtheory.validate import array


def _short(name: str, value: Any) -> np.ndarray:
    out = array(None, None)(name, value)
    length = np.linalg.norm(out, axis=1)
    if length.max() > 1 + 1e-12:
        raise ValueError(f"{name}[{int(length.argmax())}] has length {length.max()}; every row must be 1 long at most")
    return out


@checked(eta=scheduled(), rho=scheduled(), directions=_short)
class Prescribed(NamedTuple):
    """x <- x - eta g(x + rho u), u = directions[t mod K], `directions` of shape [K, d], |u| <= 1."""

    eta: float
    rho: float
    directions: np.ndarray
    vectors = 1


check_rule.register(Prescribed)(lengths("directions"))


@direction.register(Prescribed)
def _direction(rule, source, t, x, memory, out, ws):
    along(x, at(rule.rho, t), rule.directions[t % rule.directions.shape[0]], ws[0])
    second_gradient(source, ws[0], out)
    return 0
