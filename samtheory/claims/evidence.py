"""Evidence: an observed number beside the predicted one, how they must compare, and to what tolerance."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

HOLDS, REFUTED, INCONCLUSIVE, OUTSIDE, ERROR = "holds", "refuted", "inconclusive", "outside", "error"


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One comparison, at its worst entry where arrays were compared.

    relation    "<=" or ">=" (a bound) or "==" (an identity or a limit)
    tolerance   what the comparison forgives, in the units of `observed`; `why` says where it comes from
    error       half-width of the interval of `observed` (Monte Carlo, fit); 0 for exact measurements
    at          index of the worst entry
    """

    name: str
    observed: float
    relation: str
    predicted: float
    tolerance: float
    why: str
    error: float = 0.0
    at: tuple[int, ...] = ()
    series: tuple[np.ndarray, np.ndarray] | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def violation(self) -> float:
        """By how much the relation fails (<= 0: satisfied), before tolerance and error."""
        if self.relation == "==":
            return abs(self.observed - self.predicted)
        gap = self.observed - self.predicted
        return gap if self.relation == "<=" else -gap

    @property
    def scale(self) -> float:
        """What the excess is measured in: |predicted| for bounds (or the tolerance, if larger), else the tolerance."""
        return self.tolerance if self.relation == "==" else max(abs(self.predicted), self.tolerance)

    @property
    def excess(self) -> float:
        """(violation - tolerance) / scale: > 0 is a violation.  NaN where NaN is compared, or nothing could fail."""
        gap = self.violation - self.tolerance
        if math.isnan(gap) or (gap < 0 and math.isinf(self.scale)):
            return math.nan
        if math.isinf(gap) or self.scale == 0.0:
            return math.copysign(math.inf, gap) if gap else 0.0
        return gap / self.scale

    @property
    def tightness(self) -> float:
        """Bounds: observed/bound (bound/observed for ">="), 1 is tight.  Identities: deviation/tolerance."""
        if self.relation == "==":
            top, bottom = self.violation, self.tolerance
        elif self.relation == "<=":
            top, bottom = self.observed, self.predicted
        else:
            top, bottom = self.predicted, self.observed
        return top / bottom if bottom else math.nan

    @property
    def verdict(self) -> str:
        if math.isnan(self.excess):
            return ERROR
        if self.violation + self.error <= self.tolerance:
            return HOLDS
        return REFUTED if self.violation - self.error > self.tolerance else INCONCLUSIVE


def _compare(name, observed, relation, predicted, tolerance, why, error, where=True) -> Evidence:
    arrays = (np.asarray(a, dtype=float) for a in (observed, predicted, tolerance, error))
    observed, predicted, tolerance, error, where = np.broadcast_arrays(*arrays, np.asarray(where, dtype=bool))
    if not where.any():
        raise ValueError(f"evidence {name!r} compares nothing: `where` is false everywhere")
    if observed.size == 0:
        raise ValueError(f"evidence {name!r} compares nothing")
    if not (tolerance >= 0).all() or not (error >= 0).all():
        raise ValueError(f"evidence {name!r} has a tolerance or error that is negative or NaN")

    def at(index: tuple[int, ...], series=None) -> Evidence:
        numbers = (float(a[index]) for a in (observed, predicted, tolerance, error))
        o, p, tol, err = numbers
        return Evidence(name, o, relation, p, tol, why, err, index, series)

    if observed.ndim == 0:
        return at(())
    with np.errstate(all="ignore"):
        gap = (
            np.abs(observed - predicted)
            if relation == "=="
            else (observed - predicted) * (1 if relation == "<=" else -1)
        )
        scale = tolerance if relation == "==" else np.maximum(np.abs(predicted), tolerance)
        score = (gap - tolerance + error) / np.where(scale > 0, scale, np.finfo(float).tiny)
    score = np.where(np.isnan(score), np.inf, np.maximum(score, -np.finfo(float).max))
    score = np.where(where, score, -np.inf)
    return at(tuple(int(i) for i in np.unravel_index(int(score.argmax()), score.shape)), (observed, predicted))


def at_most(
    name: str,
    observed: Any,
    bound: Any,
    *,
    slack: Any = 0.0,
    why: str = "exact",
    error: Any = 0.0,
    where: Any = True,
) -> Evidence:
    """observed <= bound (arrays: everywhere, or where the mask `where` says)."""
    return _compare(name, observed, "<=", bound, slack, why, error, where)


def at_least(
    name: str,
    observed: Any,
    bound: Any,
    *,
    slack: Any = 0.0,
    why: str = "exact",
    error: Any = 0.0,
    where: Any = True,
) -> Evidence:
    """observed >= bound (arrays: as in `at_most`)."""
    return _compare(name, observed, ">=", bound, slack, why, error, where)


def equals(
    name: str, observed: Any, predicted: Any, *, tolerance: Any, why: str, error: Any = 0.0, where: Any = True
) -> Evidence:
    """observed = predicted to the tolerance (arrays: as in `at_most`)."""
    return _compare(name, observed, "==", predicted, tolerance, why, error, where)


@dataclasses.dataclass(frozen=True)
class Assumption:
    """A hypothesis of the theorem, computed on the instance."""

    text: str
    holds: bool
    value: float | None = None


def requires(text: str, value: Any, relation: str = "is", limit: Any = True) -> Assumption:
    """`value relation limit` with relation <, <=, >, >= or `is` (for a truth value).

    "<=" and ">=" forgive 1e-12 relative, the round-off of computing `value` from the instance's data.
    """
    if relation == "is":
        return Assumption(text, bool(value == value) and bool(value) == limit)  # NaN is not true
    if relation not in ("<", "<=", ">", ">="):
        raise ValueError(f"relation = {relation!r} of assumption {text!r} is unknown; it must be <, <=, >, >= or is")
    slack = 1e-12 * max(abs(value), abs(limit)) if math.isfinite(value) and math.isfinite(limit) else 0.0
    met = {"<": value < limit, "<=": value <= limit + slack, ">": value > limit, ">=": value >= limit - slack}[relation]
    return Assumption(text, bool(met), float(value))
