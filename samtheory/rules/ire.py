"""IRE (Wang et al. 2024): the step of any rule, enlarged along the flat directions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.rules import checked, direction, nonnegative
from samtheory.rules.around import around
from samtheory.rules.core import check_inner
from samtheory.rules.presam import lengths
from samtheory.rules.sparse_sam import zeros_and_ones


def _check(rule, oracle):
    check_inner(rule, oracle)
    lengths("flat")(rule, oracle)


@around(check=_check)
@checked(kappa=nonnegative, flat=zeros_and_ones)
class IRE(NamedTuple):
    """x <- x - eta (u + kappa P u), u the direction of `rule`, P = diag(flat) the coordinates that count as flat.

    flat: zeros and ones, [d], or [K, d]: row t mod K at step t (in practice the coordinates of small diagonal Fisher
    information, found again every 10 steps).  The rule itself is not changed: SAM inside IRE ascends as SAM does.
    """

    rule: Any
    kappa: float
    flat: np.ndarray


@direction.register(IRE)
def _direction(rule, source, t, x, memory, out, ws):
    omitted = direction(rule.rule, source, t, x, memory, out, ws)
    row = t % rule.flat.shape[0]
    for i in range(x.shape[0]):
        out[i] *= 1.0 + rule.kappa * rule.flat[row, i]
    return omitted
