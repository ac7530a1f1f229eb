"""Sparse SAM (Mi et al. 2022): only the coordinates of a mask are perturbed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.rules import along, at, checked, direction, first_gradient, norm, scheduled, second_gradient
from samtheory.rules.core import check_rule
from samtheory.rules.presam import lengths
from samtheory.validate import array, truth


def zeros_and_ones(name: str, value: Any) -> np.ndarray:
    """Masks [K, d] of zeros and ones; [d] is one of them."""
    out = array(*(None,) * max(1, min(np.ndim(value), 2)))(name, value)
    if not np.isin(out, (0, 1)).all():
        raise ValueError(f"{name} has entries other than 0 and 1")
    return np.atleast_2d(out)


@checked(eta=scheduled(), rho=scheduled(), mask=zeros_and_ones, renormalised=truth)
class SparseSAM(NamedTuple):
    """x <- x - eta g(x + rho m g/|g|), m a mask of zeros and ones, [d], or [K, d]: row t mod K at step t.

    The norm is that of the whole gradient, as in the authors' code, so that |eps| <= rho; renormalised=True divides by
    |m g| instead (preconditioned SAM with R = diag(m)).
    """

    eta: float
    rho: float
    mask: np.ndarray
    renormalised: bool = False
    vectors = 1


check_rule.register(SparseSAM)(lengths("mask"))


@direction.register(SparseSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    length, row = norm(out), t % rule.mask.shape[0]
    for i in range(x.shape[0]):
        out[i] *= rule.mask[row, i]
    if rule.renormalised:
        length = norm(out)
    along(x, at(rule.rho, t) / length if length > 0.0 else 0.0, out, ws[0])
    second_gradient(source, ws[0], out)
    return 0 if length > 0.0 else 1
