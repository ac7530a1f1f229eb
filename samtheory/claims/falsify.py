"""Worst-case search: the instance of a claim's space with the largest excess over its prediction."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from samtheory.claims.claim import Outcome, evaluate, instantiate
from samtheory.claims.evidence import ERROR, HOLDS, INCONCLUSIVE, OUTSIDE, REFUTED, Evidence
from samtheory.claims.space import Fixed, Real, Usually, from_cube


@dataclasses.dataclass(frozen=True)
class Search:
    """What a search saw: the worst outcome, how many instances it evaluated, and those it could not use."""

    worst: Outcome | None
    evaluations: int
    outside: int
    failed: Outcome | None


_GRAVITY = {HOLDS: 0, INCONCLUSIVE: 1, REFUTED: 2}  # a refuted instance is never dropped for a wide interval


class _Spent(Exception):
    pass


def search(
    cls: Any,
    budget: int,
    seed: int = 0,
    start: list[Mapping[str, Any]] | None = None,
    target: str | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Search:
    """Spend `budget` evaluations: differential evolution, then Nelder-Mead from the best point.

    Instances that break an assumption are rejected; the score is `Evidence.excess`, larger is worse, of the evidence
    named `target` (default: the worst one), so that an attained bound cannot hide another.  `start`: field values of
    instances known to be bad, which join the first population.
    """
    from scipy.optimize import differential_evolution, minimize

    space = cls.info.space
    free = [name for name, dimension in space.items() if not isinstance(dimension, Fixed)]
    worst: Outcome | None = None
    best_point = np.full(len(free), 0.5)
    best_score, worst_score, gravity, spent, outside, failed = -np.inf, -np.inf, -1, 0, 0, None

    def score(point: np.ndarray) -> float:
        nonlocal worst, best_point, best_score, worst_score, gravity, spent, outside, failed
        if spent >= limit:
            raise _Spent
        spent += 1
        outcome = evaluate(instantiate(cls, from_cube(space, np.clip(point, 0, 1))))
        if progress is not None:
            progress(spent, worst_score)
        if outcome.status in (OUTSIDE, ERROR):
            outside += outcome.status == OUTSIDE
            failed = failed or (outcome if outcome.status == ERROR else None)
            return 1e6
        reached = max(map(_reach, outcome.evidence))
        if (_GRAVITY[outcome.status], reached) > (gravity, worst_score):
            worst, worst_score, gravity = outcome, reached, _GRAVITY[outcome.status]
        value = max((_reach(e) for e in outcome.evidence if target in (None, e.name)), default=-1e6)
        if value > best_score:
            best_point, best_score = np.array(point), value
        return -min(value, 1e6)

    size = max(5, min(15 * len(free), budget // 4))
    population = np.random.default_rng([seed, 1]).random((size, len(free)))
    for row, values in zip(population, start or []):
        row[:] = to_cube(space, values)
    limit = budget - budget // 3
    with contextlib.suppress(_Spent):
        differential_evolution(
            score,
            [(0, 1)] * len(free),
            init=population,
            maxiter=10**6,
            tol=0,
            polish=False,
            rng=seed,
            mutation=(0.4, 1),
        )
    limit = budget
    with contextlib.suppress(_Spent):
        while spent < limit:
            options = {"initial_simplex": _simplex(best_point, seed + spent)}
            minimize(score, best_point, method="Nelder-Mead", bounds=[(0, 1)] * len(free), options=options)
    return Search(worst, spent, outside, failed)


def _reach(evidence: Evidence) -> float:
    """The excess with the whole of the interval counted against the claim."""
    return evidence.excess + (evidence.error / evidence.scale if evidence.scale and evidence.error else 0.0)


def to_cube(space: Mapping[str, Any], values: Mapping[str, Any]) -> np.ndarray:
    """A point of the unit cube that gives these field values."""
    point = []
    for name, dimension in space.items():
        value = values[name]
        if isinstance(dimension, Usually):
            dimension = dimension.drawn
        if isinstance(dimension, Real):
            low, high = dimension.low, dimension.high
            scale = np.log if dimension.log else float
            point.append((scale(value) - scale(low)) / (scale(high) - scale(low)))
        elif isinstance(dimension, Fixed):
            point.append(0.5)
        else:
            options = getattr(dimension, "options", None)
            low, many = (0, len(options)) if options else (dimension.low, dimension.high - dimension.low + 1)
            index = options.index(value) if options else value - low
            point.append((index + 0.5) / many)
    return np.array(point)


def _simplex(centre: np.ndarray, seed: int) -> np.ndarray:
    """A simplex about a point of the cube: random signs, edges of a tenth."""
    steps = np.where(np.random.default_rng([seed, 2]).random(centre.size) < 0.5, -0.1, 0.1)
    steps = np.where((centre + steps > 1) | (centre + steps < 0), -steps, steps)
    return np.vstack([centre, centre + np.diag(steps)])
