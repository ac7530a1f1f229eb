"""Preconditioned SAM (Zhang, Li & Giannakis 2025): the ascent step over an ellipsoid, of a preconditioned objective.

    eps = argmax over |P eps| <= rho of <R g, eps> = rho P^{-1} P^{-T} R g / |P^{-T} R g|,
    x <- x - eta g(x + eps),

P the constraint's preconditioner (invertible), R the objective's (it may be singular; its scale cancels).  SAM is
P = R = I; ASAM, Fisher SAM, sparse SAM and infoSAM have files of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import dim
from samtheory.rules import along, at, checked, direction, first_gradient, norm, scheduled, second_gradient
from samtheory.rules.core import check_rule
from samtheory.validate import array, same_length, together
from samtheory.vectors import combination, rows_times


def nonzero(name: str, value: Any) -> np.ndarray:
    """An array [d] without zeros."""
    out = array(None)(name, value)
    if (out == 0).any():
        raise ValueError(f"{name}[{int(np.flatnonzero(out == 0)[0])}] = 0; every entry must be different from 0")
    return out


def positive_entries(name: str, value: Any) -> np.ndarray:
    """An array [d] of positive numbers."""
    out = array(None)(name, value)
    if (out <= 0).any():
        raise ValueError(f"{name}[{int(out.argmin())}] = {out.min()}; every entry must be > 0")
    return out


@together(same_length("constraint", "objective"))
@checked(eta=scheduled(), rho=scheduled(), constraint=nonzero, objective=array(None))
class PreSAM(NamedTuple):
    """x <- x - eta g(x + eps), eps as above with P = diag(constraint), R = diag(objective), both of shape [d].

    objective = -1 everywhere is SAM with its perturbation reversed.
    """

    eta: float
    rho: float
    constraint: np.ndarray
    objective: np.ndarray
    vectors = 2


@checked(eta=scheduled(), rho=scheduled(), inverse=array(None, None), objective=array(None, None))
class MatrixPreSAM(NamedTuple):
    """The same with full matrices [d, d]: `inverse` is P^{-1}.  Build it with `matrix_presam`."""

    eta: float
    rho: float
    inverse: np.ndarray
    objective: np.ndarray
    vectors = 2


def matrix_presam(eta, rho, constraint, objective) -> MatrixPreSAM:
    """Preconditioned SAM with matrices P = constraint (invertible) and R = objective, both [d, d]."""
    P = array(None, None)("constraint", constraint)
    if P.shape[0] != P.shape[1] or np.linalg.matrix_rank(P) < len(P):
        raise ValueError(f"constraint of shape {P.shape} is no invertible matrix")
    return MatrixPreSAM(eta, rho, np.linalg.inv(P), array(*P.shape)("objective", objective))


def check_length(oracle: Any, name: str, values: np.ndarray) -> None:
    """The last axis of a rule's array must be the coordinates of the problem."""
    d = dim(oracle.problem)
    if values.shape[-1] != d:
        raise ValueError(f"{name} has {values.shape[-1]} entries; the problem has {d} coordinates")


def lengths(*names: str) -> Callable[[Any, Any], None]:
    """A check of a rule: these arrays of it have the coordinates of the problem along their last axis."""

    def check(rule: Any, oracle: Any) -> None:
        for name in names:
            check_length(oracle, name, getattr(rule, name))

    return check


check_rule.register(PreSAM)(lengths("constraint", "objective"))
check_rule.register(MatrixPreSAM)(lengths("inverse", "objective"))


@kernel
def ascend_scaled(x, g, scale, rho, out):
    """out = x + rho S^2 g/|S g|, S = diag(scale); returns 1, with out = x, where S g = 0 exactly."""
    total = 0.0
    for i in range(x.shape[0]):
        v = scale[i] * g[i]
        total += v * v
    factor = rho / math.sqrt(total) if total > 0.0 else 0.0
    for i in range(x.shape[0]):
        out[i] = x[i] + factor * (scale[i] * (scale[i] * g[i]))
    return 0 if total > 0.0 else 1


@direction.register(PreSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    for i in range(x.shape[0]):
        out[i] *= rule.objective[i]
        ws[1, i] = 1.0 / rule.constraint[i]
    omitted = ascend_scaled(x, out, ws[1], at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    return omitted


@direction.register(MatrixPreSAM)
def _matrix_direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    rows_times(rule.objective, out, ws[0])
    combination(ws[0], rule.inverse, out)  # P^{-T} R g
    length = norm(out)
    rows_times(rule.inverse, out, ws[1])
    along(x, at(rule.rho, t) / length if length > 0.0 else 0.0, ws[1], ws[0])
    second_gradient(source, ws[0], out)
    return 0 if length > 0.0 else 1
