"""InfoSAM (Zhang, Li & Giannakis 2025): coordinates with noisy gradients count less in the ascent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samtheory.rules import ascend, at, checked, direction, first_gradient, scheduled, second_gradient
from samtheory.rules.core import check_rule
from samtheory.rules.presam import lengths, positive_entries


@checked(eta=scheduled(), rho=scheduled(), variance=positive_entries)
class InfoSAM(NamedTuple):
    """x <- x - eta g(x + rho R g/|R g|), R = diag(1/variance), `variance` [d] that of the gradient's noise.

    Given, not estimated; that R is the inverse variance (and not its root) is derived, the paper's text was not read.
    """

    eta: float
    rho: float
    variance: np.ndarray
    vectors = 1


check_rule.register(InfoSAM)(lengths("variance"))


@direction.register(InfoSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    for i in range(x.shape[0]):
        out[i] /= rule.variance[i]
    omitted = ascend(x, out, at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    return omitted
