"""Step sizes and radii that change with the step t = 0, 1, 2, ...; a plain number is the constant schedule."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import generic
from samtheory.validate import Check, array, checked, nonnegative, positive, same_length, together


@generic
def at(schedule, t):
    """The value of the schedule at step t."""


@at.register(float)
def _constant(schedule, t):
    return schedule


@checked(start=nonnegative, delay=positive)
class InverseTime(NamedTuple):
    """start / (1 + t / delay)   (delay > 0, in steps)."""

    start: float
    delay: float


@at.register(InverseTime)
def _inverse_time(schedule, t):
    return schedule.start / (1.0 + t / schedule.delay)


@checked(start=nonnegative)
class InverseRoot(NamedTuple):
    """start / sqrt(1 + t)."""

    start: float


@at.register(InverseRoot)
def _inverse_root(schedule, t):
    return schedule.start / math.sqrt(1.0 + t)


@checked(start=nonnegative, ratio=positive)
class Geometric(NamedTuple):
    """start ratio^t."""

    start: float
    ratio: float


@at.register(Geometric)
def _geometric(schedule, t):
    return schedule.start * math.pow(schedule.ratio, float(t))


@checked(values=array(None))
class Table(NamedTuple):
    """values[t], the last value for ever after: any schedule, tabulated."""

    values: np.ndarray


@at.register(Table)
def _table(schedule, t):
    return schedule.values[min(t, schedule.values.shape[0] - 1)]


@together(same_length("values", "steps"))
@checked(values=array(None), steps=array(None))
class Phases(NamedTuple):
    """values[k] for steps[k] steps, k = 0, 1, ..., one after the other; the last value for ever after."""

    values: np.ndarray
    steps: np.ndarray


@at.register(Phases)
def _phases(schedule, t):
    end, last = 0.0, schedule.values.shape[0] - 1
    for k in range(last):
        end += schedule.steps[k]
        if t < end:
            return schedule.values[k]
    return schedule.values[last]


def scheduled(check: Check = nonnegative) -> Check:
    """A number that passes `check`, or a schedule: all values of a table or of phases, else that at step 0."""

    def accept(name: str, value: Any) -> Any:
        if isinstance(value, tuple) and at.supports(type(value)):  # type: ignore[attr-defined]
            values = np.atleast_1d(value.values if isinstance(value, Table | Phases) else at(value, 0))
            for t in (values.argmin(), values.argmax()):  # what is allowed is an interval
                check(f"{name} {'in phase' if isinstance(value, Phases) else 'at step'} {t}", float(values[t]))
            return value
        return check(name, value)

    return accept
