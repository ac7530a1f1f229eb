"""What the members of a run have come to: minimum, saddle, maximum, a point that is not critical, a cycle, or nothing.

A limit is judged by what the rule does from there on, not by how little the loss still changes: `classify` lets every
member go on for a few steps.  It stands still only if its increments *and* the direction are negligible (with momentum
either can be small in passing), it is critical only if the gradient of f vanishes (USAM also stops where
grad f(x + rho grad f(x)) = 0 while grad f(x) is not), and the Hessian decides the rest.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from samtheory.evaluate import dense_hessian, grad_norms
from samtheory.kernel import call
from samtheory.oracles import Batch, EverySample, FullBatch, Source, draw, shape
from samtheory.problems.core import dim, hess, hvp, scratch
from samtheory.rules.core import check_rule, memories_of, step, vectors_of
from samtheory.simulate import Trajectory
from samtheory.stopping import push
from samtheory.validate import count, nonnegative

MINIMUM, SADDLE, MAXIMUM, DEGENERATE, NONCRITICAL, CYCLE, DIVERGED, UNSETTLED = LABELS = (
    "minimum",
    "strict saddle",
    "local maximum",
    "degenerate",
    "non-critical point",
    "cycle",
    "diverged",
    "unsettled",
)

_HESSIAN_BYTES = 2**26  # Hessians held at a time


@dataclasses.dataclass(frozen=True)
class Limits:
    """What became of each member; arrays over the members (one for a single run).

    label      one of `LABELS`
    point      [members, d], where the member is (NaN if diverged)
    grad_norm  |grad f| there: state it beside the label
    lam_min, lam_max   ends of the spectrum of the Hessian there (NaN if diverged)
    period     1 at a point, the period of a cycle, 0 otherwise
    increment  largest max_i |x+_i - x_i| over the steps that were looked at
    push       max_i |eta d_i(x)|
    """

    label: np.ndarray
    point: np.ndarray
    grad_norm: np.ndarray
    lam_min: np.ndarray
    lam_max: np.ndarray
    period: np.ndarray
    increment: np.ndarray
    push: np.ndarray

    def counts(self) -> dict[str, int]:
        """How many members have each label; every label is there."""
        return {label: int((self.label == label).sum()) for label in LABELS}


def classify(
    problem: Any,
    rule: Any,
    trajectory: Trajectory,
    *,
    increment: float = 1e-11,
    direction: float = 1e-12,
    gradient: float = 1e-8,
    curvature: float = 1e-6,
    cycle: float = 1e-8,
    max_period: int = 16,
) -> Limits:
    """Label every member of a finished run of `rule` on `problem` (full batch), by 2 max_period further steps.

    diverged            the trajectory says so, or the further steps do
    at rest             all increments <= `increment` and |eta d(x)| <= `direction` (largest coordinate); then
      non-critical point  |grad f| > `gradient`
      strict saddle       some eigenvalue < -c, c = `curvature` * the largest |eigenvalue|, and one above c
      local maximum       all eigenvalues < -c
      minimum             none < -c, some > c; where others vanish this is the second-order test, not a proof
      degenerate          whatever the Hessian does not decide: it is zero, or it is <= 0 with eigenvalues 0
    cycle               |x_{k+p} - x_k| <= `cycle` * the largest increment, for the smallest such p in 2..max_period
    unsettled           the rest: not there yet, drifting, chaotic; near an edge of stability convergence is slow

    Raises TypeError where the problem has no Hessian, or the oracle is not deterministic.
    """
    for name, value in (
        *(("increment", increment), ("direction", direction), ("gradient", gradient)),
        *(("curvature", curvature), ("cycle", cycle)),
    ):
        nonnegative(name, value)
    max_period = count(1)("max_period", max_period)
    oracle = problem if draw.supports(type(problem)) else FullBatch(problem)
    objective = oracle.problem
    _check(oracle, rule, trajectory)

    orbit, pushes = _orbit(oracle, rule, trajectory, 2 * max_period)
    alive = (trajectory.diverged < 0) & np.isfinite(orbit).all(axis=(1, 2))
    orbit[~alive], pushes[~alive] = np.nan, np.nan
    with np.errstate(invalid="ignore"):
        steps = np.abs(np.diff(orbit, axis=1)).max(axis=(1, 2))
        still = (steps <= increment) & (pushes <= direction)
        period = np.where(still, 1, _periods(orbit, steps, cycle, max_period))
    point = orbit[:, 0].copy()
    grad_norm = grad_norms(objective, point)
    low, high = _spectra(objective, point)

    label = np.full(len(point), UNSETTLED, dtype=f"<U{max(map(len, LABELS))}")
    label[~alive] = DIVERGED
    label[period > 1] = CYCLE
    label[still & ~(grad_norm <= gradient)] = NONCRITICAL
    critical, margin = still & (grad_norm <= gradient), curvature * np.maximum(np.abs(low), np.abs(high))
    falls, rises = low < -margin, high > margin
    label[critical & falls & rises] = SADDLE
    label[critical & ~falls & rises] = MINIMUM
    label[critical & (high < -margin)] = MAXIMUM
    label[critical & ~rises & ~(high < -margin)] = DEGENERATE
    return _read_only(Limits(label, point, grad_norm, low, high, period, steps, pushes))


def _check(oracle: Any, rule: Any, trajectory: Trajectory) -> None:
    if not isinstance(oracle, FullBatch | EverySample):
        raise TypeError(f"classify needs deterministic gradients; {type(oracle).__name__} draws noise or batches")
    if not (hess.supports(type(oracle.problem)) or hvp.supports(type(oracle.problem))):
        raise TypeError(
            f"classify needs a Hessian; {type(oracle.problem).__name__} has neither hess nor hvp registered"
        )
    check_rule(rule, oracle)
    mine, theirs = (dim(oracle.problem), memories_of(rule)), trajectory.state.memory.shape[:0:-1]
    if mine != theirs:
        raise ValueError(
            f"trajectory is a run of another problem or rule: its (coordinates, memories of the rule) are {theirs}, "
            f"here they are {mine}"
        )


def _orbit(oracle: Any, rule: Any, trajectory: Trajectory, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The next `length` iterates of every member after its last one, [members, length + 1, d], and the first push."""
    state = trajectory.state
    total, d = state.x.shape
    floats, indices, _ = shape(oracle)
    batch = Batch(np.empty(floats), np.empty(indices, dtype=np.int64))
    source = Source(oracle, batch, batch, np.empty(scratch(oracle.problem) + d))
    orbit, pushes = np.empty((total, length + 1, d)), np.empty(total)
    ws = np.empty((vectors_of(rule) + 2, d))
    order, streams = np.empty(0, dtype=np.int64), np.zeros(6, dtype=np.uint64)
    call(_go_on, source, rule, state.x.copy(), state.memory.copy(), streams, order, state.t, orbit, pushes, ws)
    return orbit, pushes


def _go_on(source, rule, x, memory, stream, order, start, orbit, pushes, ws):
    """Driver: from x on, writing every iterate."""
    for m in range(x.shape[0]):
        draw(source.oracle, start, stream, order, source.first)
        pushes[m] = push(rule, source, start, x[m], memory[m], ws)
        for k in range(orbit.shape[1]):
            for i in range(x.shape[1]):
                orbit[m, k, i] = x[m, i]
            if k + 1 < orbit.shape[1]:
                step(rule, source, start + k, x[m], memory[m], ws)


def _periods(orbit: np.ndarray, steps: np.ndarray, tolerance: float, most: int) -> np.ndarray:
    """The smallest period p >= 2 with |x_{k+p} - x_k| <= tolerance * steps for all k looked at; 0 where none."""
    period = np.zeros(len(orbit), dtype=np.int64)
    for p in range(2, most + 1):
        gap = np.abs(orbit[:, p:] - orbit[:, :-p]).max(axis=(1, 2))
        period[(period == 0) & (steps > 0) & (gap <= tolerance * steps)] = p
    return period


def _spectra(problem: Any, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest eigenvalue of the Hessian at every point."""
    total, d = points.shape
    low, high = np.full(total, np.nan), np.full(total, np.nan)
    rows = max(1, _HESSIAN_BYTES // (8 * d * d))
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    for first in range(0, finite.size, rows):
        some = finite[first : first + rows]
        spectrum = np.linalg.eigvalsh(dense_hessian(problem, points[some]))
        low[some], high[some] = spectrum[:, 0], spectrum[:, -1]
    return low, high


def _read_only(limits: Limits) -> Limits:
    for field in dataclasses.fields(limits):
        getattr(limits, field.name).flags.writeable = False
    return limits
