"""`simulate`: run an update rule on a problem, one trajectory or an ensemble, and record what is asked for.

The compiled driver advances a chunk of members over a segment of steps and writes every k-th iterate; statistics
are evaluated on the iterates of a segment, which are then dropped.  Each member has its own stream and its own
memory, so the bits do not depend on threads, chunks or segments, and `resume` continues a run exactly.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from samtheory.kernel import call, is_interpreted
from samtheory.oracles import Batch, FullBatch, Source, draw, gradient, shape
from samtheory.problems.core import dim, grad, scratch
from samtheory.rules.core import check_rule, memories_of, step, vectors_of
from samtheory.stopping import Never, check_stop, halt_moving
from samtheory.streams import seed_streams
from samtheory.validate import array, called, count, positive

Statistic = Callable[[np.ndarray], np.ndarray]

_SEGMENT_BYTES = 2**26  # iterates held at a time
_SEGMENT_WORK = 5e7  # coordinates x steps x members between two looks at progress and interrupts
_LONGEST = 2**62  # compiled code counts steps in 64 bits
_RUNNING, _STOPPED, _DIVERGED = 0, 1, 2


class Divergence(ArithmeticError):
    """Members left the ball |x_i| <= limit; `trajectory` holds everything up to there."""

    def __init__(self, trajectory: Trajectory, limit: float):
        gone = np.flatnonzero(trajectory.diverged >= 0)
        first = gone[trajectory.diverged[gone].argmin()]
        super().__init__(
            f"{gone.size} of {trajectory.diverged.size} members diverged (some |x_i| > {limit:g}); the first is "
            f"member {first} at step {trajectory.diverged[first]}"
        )
        self.trajectory = trajectory


class Interrupted(KeyboardInterrupt):
    """A run was interrupted; `trajectory` holds the finished part: `simulate(..., resume=trajectory)` goes on."""

    def __init__(self, trajectory: Trajectory):
        super().__init__(f"interrupted after {int(trajectory.t[-1])} steps")
        self.trajectory = trajectory


@dataclasses.dataclass(frozen=True)
class _State:
    """All that the next step depends on."""

    t: int
    x: np.ndarray  # [members, d]
    memory: np.ndarray  # [members, rows, d]
    streams: np.ndarray  # uint64[members, 6]
    order: np.ndarray  # int64[members, n]
    info: np.ndarray  # int64[members, 3]: status, step of the status, perturbations left out


@dataclasses.dataclass(frozen=True)
class _Part:
    """A finished segment: the state at its end and what was recorded on the way."""

    state: _State
    t: np.ndarray
    data: Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """A run; its arrays are read-only.  Those of an ensemble have the members as their first axis, of a single run not.

    t         int[K], the recorded steps: 0, every, 2 every, ...
    data      name -> array [(members,) K, ...]; the iterates are under "x", shape [(members,) K, d]
    x         last iterate, [(members,) d]
    stopped   int[members], step at which the stop condition was met (-1: never)
    diverged  int[members], step at which |x_i| left the limit or became NaN (-1: never); recorded rows from there
              on are NaN
    omitted   int[members], perturbations left out because a norm was exactly zero
    seed      seed of the streams
    """

    t: np.ndarray
    data: Mapping[str, np.ndarray]
    x: np.ndarray
    stopped: np.ndarray
    diverged: np.ndarray
    omitted: np.ndarray
    seed: int
    state: _State = dataclasses.field(repr=False)

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self.data[name]
        except KeyError:
            raise KeyError(f"{name!r} was not recorded; there are {sorted(self.data)}") from None

    @property
    def states(self) -> np.ndarray:
        """The recorded iterates, [(members,) K, d]."""
        return self["x"]


def states(x: np.ndarray) -> np.ndarray:
    """The statistic that records the iterates themselves."""
    return x


def simulate(
    problem: Any,
    rule: Any,
    x0: Any,
    steps: int,
    *,
    every: int = 1,
    record: Mapping[str, Statistic] | None = None,
    stop: Any = Never(),  # noqa: B008  (an empty NamedTuple)
    members: int | None = None,
    seed: int = 0,
    limit: float = 1e150,
    on_divergence: str = "raise",
    threads: int | None = None,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    resume: Trajectory | None = None,
) -> Trajectory:
    """Run `rule` on `problem` for `steps` steps from `x0`.

    problem   a problem, or an oracle around one (`GaussianNoise(problem, sigma)`, `WithReplacement(problem, 8)`, ...)
    x0        shape [d]: one run, or `members` runs from the same point; shape [members, d]: an ensemble
    every     record every this many steps (step 0 is always recorded)
    record    name -> function of the iterates [..., K, d] giving [..., K, ...]; default {"x": states}
    stop      a condition of `samtheory.stopping`
    seed      member m draws from the stream (seed, spawn_key=(0, m)); deterministic oracles draw nothing
    limit     a member with some |x_i| > limit, or NaN, has diverged
    on_divergence   "raise" a `Divergence`, or "report" it in the trajectory
    threads   worker threads (default: all cores); the result does not depend on it, nor on `chunk` (members a task)
    progress  called with (steps done, steps in all)
    resume    continue this trajectory (same problem, rule, recording) by `steps` steps; x0, members, seed are its own

    Raises ValueError or TypeError for unusable arguments before any step is taken.
    """
    oracle = problem if draw.supports(type(problem)) else FullBatch(problem)
    steps, every = count(0, _LONGEST)("steps", steps), count(1, _LONGEST)("every", every)
    seed, limit = count(0)("seed", seed), positive("limit", limit)
    if on_divergence not in ("raise", "report"):
        raise ValueError(f"on_divergence = {on_divergence!r} is unknown; it must be 'raise' or 'report'")
    _check_supported(oracle, rule, stop)
    record = {"x": states} if record is None else _statistics(record)
    threads = _threads() if threads is None else count(1)("threads", threads)
    if progress is not None and not callable(progress):
        raise TypeError(f"progress = {progress!r} is not allowed; it must be a function of (steps done, steps in all)")

    if resume is None:
        start, single = _start(oracle, rule, x0, members, seed)
        part = _Part(start, np.zeros(1, dtype=np.int64), _evaluate(record, start.x[:, None, :]))
    else:
        _check_resume(resume, oracle, rule, record)
        start, single, seed = resume.state, resume.x.ndim == 1, resume.seed
        part = _Part(start, resume.t, {name: a[None] if single else a for name, a in resume.data.items()})

    total, d = start.x.shape
    chunk = count(1)("chunk", max(1, min(256, -(-total // threads))) if chunk is None else chunk)
    span = _segment(total, d, steps, every)
    parts, end = [part], start.t + steps
    with ThreadPoolExecutor(threads) if threads > 1 else contextlib.nullcontext() as pool:
        try:
            while (state := parts[-1].state).t < end:
                length = min(span, end - state.t)
                new, iterates = _advance(pool, oracle, rule, stop, state, length, every, limit, chunk)
                times = state.t + every * np.arange(1, 1 + length // every)
                parts.append(_Part(new, times, _evaluate(record, iterates)))  # all of it, or nothing if interrupted
                if progress is not None:
                    progress(new.t - start.t, steps)
        except KeyboardInterrupt:
            raise Interrupted(_finish(parts, single, seed)) from None
    trajectory = _finish(parts, single, seed)
    if on_divergence == "raise" and (trajectory.diverged >= 0).any():
        raise Divergence(trajectory, limit)
    return trajectory


def _statistics(record: Any) -> dict[str, Statistic]:
    if not isinstance(record, Mapping) or not all(map(callable, record.values())):
        raise TypeError(f"record = {record!r} is not allowed; it must map names to functions of the iterates")
    return dict(record)


def _threads() -> int:
    """$SAMTHEORY_THREADS, or every core where it is unset or 0."""
    named = os.environ.get("SAMTHEORY_THREADS") or "0"
    if not named.isdecimal():
        raise ValueError(f"SAMTHEORY_THREADS = {named!r} is not allowed; it must be an integer >= 0 (0: every core)")
    return int(named) or os.cpu_count() or 1


def _check_supported(oracle: Any, rule: Any, stop: Any) -> None:
    objective, own_step = oracle.problem, type(rule) in step.registered  # type: ignore[attr-defined]
    if not dim.supports(type(objective)):
        hint = "; an oracle goes around a problem, not around another oracle" if draw.supports(type(objective)) else ""
        raise TypeError(f"problem = {called(objective)} has no `samtheory.problems.core.dim` registered{hint}")
    if isinstance(oracle, FullBatch) and not grad.supports(type(objective)):
        raise TypeError(f"problem = {type(objective).__name__} has no `samtheory.problems.core.grad` registered")
    if not (gradient.supports(type(oracle)) or own_step):
        raise TypeError(f"oracle = {type(oracle).__name__} has no gradient registered (samtheory.oracles.gradient)")
    shape(oracle)  # raises where the oracle does not suit its problem
    check_rule(rule, oracle)
    check_stop(stop, objective)


def _check_resume(run: Trajectory, oracle: Any, rule: Any, record: Mapping[str, Statistic]) -> None:
    if not isinstance(run, Trajectory):
        raise TypeError(f"resume = {run!r} is not allowed; it must be a Trajectory that `simulate` returned")
    state = run.state
    if run.t[-1] != state.t:
        raise ValueError(f"resume ended at step {state.t}, but its last record is of step {run.t[-1]}")
    if set(record) != set(run.data):
        raise ValueError(f"resume recorded {sorted(run.data)}; this call records {sorted(record)}")
    mine = dim(oracle.problem), memories_of(rule), shape(oracle)[2]
    theirs = state.x.shape[1], state.memory.shape[1], state.order.shape[1]
    if mine != theirs:
        raise ValueError(
            "resume is a run of another problem, oracle or rule: its (coordinates, memories of the rule, samples in "
            f"order) are {theirs}, here they are {mine}"
        )


def _evaluate(record: Mapping[str, Statistic], iterates: np.ndarray) -> dict[str, np.ndarray]:
    """Every statistic at these iterates, [members, K, d]."""
    out: dict[str, np.ndarray] = {}
    if iterates.shape[1] == 0:  # the last steps of a run whose length is no multiple of `every`
        return out
    iterates = iterates.view()
    iterates.flags.writeable = False  # a statistic that wrote into them would change the run
    for name, f in record.items():
        value = np.asarray(f(iterates))
        if value.shape[:2] != iterates.shape[:2]:
            raise ValueError(
                f"record[{name!r}] gave an array of shape {value.shape} for iterates of shape {iterates.shape}; "
                f"its first axes must be {iterates.shape[:2]} too: members, recorded steps"
            )
        out[name] = value
    return out


def _start(oracle: Any, rule: Any, x0: Any, members: int | None, seed: int) -> tuple[_State, bool]:
    d = dim(oracle.problem)
    try:
        axes = np.ndim(x0)
    except ValueError:  # ragged; `array` says so
        axes = 1
    if axes == 2 and members is None:
        x = array(None, d)("x0", x0)
    else:
        x = array(d)("x0", x0)
        x = np.repeat(x[None], count(1)("members", 1 if members is None else members), axis=0)
    single = axes == 1 and members is None
    total = x.shape[0]
    state = _State(
        t=0,
        x=np.array(x),
        memory=np.zeros((total, memories_of(rule), d)),
        streams=seed_streams(seed, 0, total),
        order=np.zeros((total, shape(oracle)[2]), dtype=np.int64),
        info=np.tile(np.array([_RUNNING, -1, 0], dtype=np.int64), (total, 1)),
    )
    return state, single


def _segment(total: int, d: int, steps: int, every: int) -> int:
    """Steps a segment: a multiple of `every`, bounded in memory and in time (slower when interpreted)."""
    rows = max(1, _SEGMENT_BYTES // (8 * total * d))
    work = _SEGMENT_WORK / (1000 if is_interpreted() else 1)
    wanted = max(1, int(min(rows * every, work // (total * d), max(steps, 1))))
    return -(-wanted // every) * every


def _advance(pool, oracle, rule, stop, state, length, every, limit, chunk) -> tuple[_State, np.ndarray]:
    total, d = state.x.shape
    new = dataclasses.replace(
        state,
        t=state.t + length,
        x=state.x.copy(),
        memory=state.memory.copy(),
        streams=state.streams.copy(),
        order=state.order.copy(),
        info=state.info.copy(),
    )
    out = np.empty((total, length // every, d))
    floats, indices, _ = shape(oracle)

    def task(low: int) -> None:
        part = slice(low, min(low + chunk, total))
        first = Batch(np.empty(floats), np.empty(indices, dtype=np.int64))
        second = first if oracle.shared else Batch(np.empty(floats), np.empty(indices, dtype=np.int64))
        # the spare d floats are where a mini-batch keeps one sample's gradient
        source = Source(oracle, first, second, np.empty(scratch(oracle.problem) + d))
        ws = np.empty((vectors_of(rule) + 2, d))
        call(
            _drive, source, rule, stop, oracle.shared, new.x[part], new.memory[part], new.streams[part],
            new.order[part], new.info[part], out[part], state.t, length, every, limit, ws,
        )  # fmt: skip

    list((pool.map if pool else map)(task, range(0, total, chunk)))
    return new, out


def _drive(source, rule, stop, shared, x, memory, streams, order, info, out, start, length, every, limit, ws):
    """Driver: advance every member of the chunk by `length` steps, writing every `every`-th iterate to `out`."""
    d = x.shape[1]
    for m in range(x.shape[0]):
        status = info[m, 0]
        mine = Source(source.oracle, source.first, source.second, source.work, streams[m])
        for k in range(length):
            t = start + k
            if status == 0:
                draw(source.oracle, t, streams[m], order[m], source.first)
                if not shared:
                    draw(source.oracle, t, streams[m], order[m], source.second)
                info[m, 2] += step(rule, mine, t, x[m], memory[m], ws)
                for i in range(d):
                    if not abs(x[m, i]) <= limit:
                        status = 2
                if status == 0 and halt_moving(stop, rule, mine, t, x[m], memory[m], ws):
                    status = 1
                if status != 0:
                    info[m, 0] = status
                    info[m, 1] = t + 1
            if (k + 1) % every == 0:
                row = (k + 1) // every - 1
                for i in range(d):
                    out[m, row, i] = x[m, i] if status != 2 else math.nan


def _finish(parts: list[_Part], single: bool, seed: int) -> Trajectory:
    state = parts[-1].state
    data = {name: np.concatenate([part.data[name] for part in parts if part.data], axis=1) for name in parts[0].data}
    status, at_step = state.info[:, 0], state.info[:, 1]
    for a in (*data.values(), state.x, state.memory, state.streams, state.order, state.info):
        a.flags.writeable = False
    return Trajectory(
        t=np.concatenate([part.t for part in parts]),
        data={name: a[0] if single else a for name, a in data.items()},
        x=state.x[0] if single else state.x,
        stopped=np.where(status == _STOPPED, at_step, -1),
        diverged=np.where(status == _DIVERGED, at_step, -1),
        omitted=state.info[:, 2],
        seed=seed,
        state=state,
    )
