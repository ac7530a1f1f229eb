"""`phase_map`: a grid over named axes (eta, rho, ...) times initialisations, run in parallel, resumable.

    phase_map(problem, USAM, {"eta": [0.1, 0.2], "rho": np.linspace(0.1, 3, 30)}, starts, 20_000)

runs every rule `USAM(eta=..., rho=...)` from every start and says what became of each.  The outcome has one array a
quantity, its first axes those of the grid, then the starts: basin maps, fractions, limit sharpness.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import os
import pathlib
import threading
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from samtheory.kernel import _Fingerprint, package_digest
from samtheory.measures.limits import classify
from samtheory.simulate import Trajectory, simulate
from samtheory.stopping import Settled
from samtheory.validate import array, count, positive

Statistic = Callable[[Any, Any, Trajectory], Mapping[str, Any]]

_LOOK = 1000  # steps between two looks at whether to stop
_START = "start"  # name of the axis of the initialisations


def limits_of(problem: Any, rule: Any, trajectory: Trajectory) -> dict[str, np.ndarray]:
    """The default statistic: every field of `samtheory.measures.limits.Limits`."""
    limits = classify(problem, rule, trajectory)
    return {field.name: getattr(limits, field.name) for field in dataclasses.fields(limits)}


@dataclasses.dataclass(frozen=True)
class PhaseMap:
    """The outcome; arrays are read-only.

    axes     name -> values, in the order of the axes of every array
    starts   [members, d]
    data     name -> array [*axes, ...]; where a cell is not finished NaN, -1 or ""
    done     bool[*axes]
    """

    axes: Mapping[str, np.ndarray]
    starts: np.ndarray
    data: Mapping[str, np.ndarray]
    done: np.ndarray

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self.data[name]
        except KeyError:
            raise KeyError(f"{name!r} is not among {sorted(self.data)}") from None

    def fraction(self, label: str) -> np.ndarray:
        """The share of the starts with this label, [*axes]; NaN where a cell is not finished."""
        share = (self["label"] == label).mean(axis=-1)
        return np.where(self.done, share, np.nan)

    def to_xarray(self) -> Any:
        """An `xarray.Dataset` with the axes as coordinates; an axis as long as `starts` is called "start"."""
        try:
            import xarray
        except ImportError:
            raise ImportError("to_xarray needs xarray, which is not installed: pip install xarray") from None
        variables = {}
        for name, values in {**self.data, "done": self.done}.items():
            rest = values.shape[len(self.axes) :]
            dims = [_START if k == 0 and n == len(self.starts) else f"{name}_{k}" for k, n in enumerate(rest)]
            variables[name] = ((*self.axes, *dims), values)
        return xarray.Dataset(variables, coords=dict(self.axes))


class Interrupted(KeyboardInterrupt):
    """A map was interrupted; `map` has the finished cells, and so has `store`: the same call goes on from there."""

    def __init__(self, partial: PhaseMap):
        super().__init__(f"interrupted with {int(partial.done.sum())} of {partial.done.size} cells finished")
        self.map = partial


def phase_map(
    problem: Any,
    rule_of: Callable[..., Any],
    axes: Mapping[str, Any],
    starts: Any,
    steps: int,
    statistic: Statistic = limits_of,
    *,
    stop: Any = Settled(),  # noqa: B008  (an immutable NamedTuple)
    seed: int = 0,
    limit: float = 1e6,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    store: str | os.PathLike | None = None,
    may_be_zero: Collection[str] = ("beta",),
) -> PhaseMap:
    """Run `rule_of(**cell)` on `problem` from every start, for every cell of the grid.

    problem     a problem or an oracle, or a function of the cell giving one
    rule_of     a rule's class, or a function of the cell giving a rule
    axes        name -> values: finite and positive, those named in `may_be_zero` also zero
    starts      [members, d], the same in every cell
    statistic   (problem, rule, trajectory) -> {name: array}, of the same shapes in every cell
    stop, seed, limit   as for `simulate`
    threads     at most so many cells at a time, or members of one cell where there are fewer cells
    progress    called with (cells finished, cells in all) as they finish
    store       a folder; every finished cell is kept there, under a digest of all that decides it (the package's
                sources, the code of problem, rule and statistic, all numbers), and never run again

    Every rule is made, and an argument that cannot be used refused, before the first cell runs.
    """
    grid = _axes(axes, may_be_zero)
    steps, limit = count(1)("steps", steps), positive("limit", limit)
    if threads is None:
        threads = int(os.environ.get("SAMTHEORY_THREADS", 0)) or os.cpu_count() or 1
    threads = count(1)("threads", threads)
    cells = [dict(zip(grid, values)) for values in itertools.product(*(axis.tolist() for axis in grid.values()))]
    tasks = [((problem(**cell) if callable(problem) else problem), rule_of(**cell)) for cell in cells]
    starts = array(None, None)("starts", starts)
    for objective, rule in tasks:
        _check(objective, rule, starts, stop, limit)
    files = [None] * len(tasks) if store is None else _files(store, tasks, starts, steps, statistic, stop, seed, limit)

    found = [None if file is None else _load(file) for file in files]
    todo = [k for k, result in enumerate(found) if result is None]
    within = threads if len(todo) < threads else 1
    halted = threading.Event()

    def run(k: int) -> None:
        objective, rule = tasks[k]
        run = simulate(
            objective, rule, starts, steps, every=min(steps, _LOOK), record={}, stop=stop, seed=seed, limit=limit,
            on_divergence="report", threads=within, progress=functools.partial(_give_up, halted),
        )  # fmt: skip
        result = {name: np.asarray(value) for name, value in statistic(objective, rule, run).items()}
        if files[k] is not None:
            _save(files[k], result)
        found[k] = result

    try:
        if progress is not None:
            progress(len(tasks) - len(todo), len(tasks))
        with contextlib.closing(_in_parallel(run, todo, 1 if within > 1 else threads, halted)) as running:
            for left in running:
                if progress is not None:
                    progress(len(tasks) - left, len(tasks))
    except KeyboardInterrupt:
        raise Interrupted(_assemble(grid, starts, found)) from None
    return _assemble(grid, starts, found)


class _Halted(Exception):
    """Another thread asked this one to leave."""


def _give_up(halted: threading.Event, *_: int) -> None:
    if halted.is_set():
        raise _Halted


def _in_parallel(run: Callable[[int], None], todo: list[int], workers: int, halted: threading.Event) -> Iterator[int]:
    """Run all; yields how many are left each time some have finished.  On an error or an interrupt the others leave."""
    with ThreadPoolExecutor(workers) as pool:
        waiting = {pool.submit(run, k) for k in todo}
        try:
            while waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                yield len(waiting)
        except BaseException:
            halted.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _axes(axes: Mapping[str, Any], may_be_zero: Collection[str]) -> dict[str, np.ndarray]:
    if not axes:
        raise ValueError("axes is empty; it must name at least one parameter and its values")
    out = {}
    for name, values in axes.items():
        if np.size(values) == 0:
            raise ValueError(f"axes[{name!r}] is empty; it must have at least one value")
        out[name] = axis = array(None)(f"axes[{name!r}]", np.atleast_1d(values))
        bad = axis < 0 if name in may_be_zero else axis <= 0
        if bad.any():
            wanted = ">= 0" if name in may_be_zero else "> 0 (or name it in may_be_zero)"
            raise ValueError(f"axes[{name!r}] has the value {float(axis[bad][0])!r}; it must be {wanted}")
        if np.unique(axis).size < axis.size:
            raise ValueError(f"axes[{name!r}] has a value twice")
    return out


def _check(problem: Any, rule: Any, starts: np.ndarray, stop: Any, limit: float) -> None:
    """Raise what `simulate` would raise."""
    simulate(problem, rule, starts[:1], 0, record={}, stop=stop, limit=limit)


def _files(store, tasks, starts, steps, statistic, stop, seed, limit) -> list[pathlib.Path]:
    if not hasattr(statistic, "__code__"):
        raise TypeError(f"statistic = {statistic!r} is no plain function: its stored results could not be told apart")
    folder = pathlib.Path(store)
    folder.mkdir(parents=True, exist_ok=True)
    shared = _digest(f"{statistic.__module__}.{statistic.__qualname__}", statistic, starts, steps, stop, seed, limit)
    return [folder / f"{_digest(shared, *task)}.npz" for task in tasks]


def _digest(*values: Any) -> str:
    """Of the values, of the code of the functions among them, and of the package."""
    print_of = _Fingerprint()
    for value in (package_digest(), *values):
        print_of.value(value, ())
    return print_of.sha.hexdigest()[:32]


def _load(file: pathlib.Path) -> dict[str, np.ndarray] | None:
    """A stored cell; None where there is none, or it cannot be read."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _save(file: pathlib.Path, result: Mapping[str, np.ndarray]) -> None:
    """In one go: there is the whole file or none."""
    part = file.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    with open(part, "wb") as out:
        np.savez(out, **result)
    os.replace(part, file)


def _assemble(grid: Mapping[str, np.ndarray], starts: np.ndarray, found: list) -> PhaseMap:
    lengths = tuple(axis.size for axis in grid.values())
    known, data = [result for result in found if result is not None], {}
    for name in known[0] if known else ():
        shapes = {result[name].shape for result in known}
        if len(shapes) > 1:
            raise ValueError(f"statistic gave {name!r} of shapes {sorted(shapes)}; they must be the same in every cell")
        kind = np.result_type(*(result[name].dtype for result in known))
        blank = {"f": np.nan, "c": np.nan, "i": -1, "U": "", "b": False}.get(kind.kind, 0)
        values = np.full((len(found), *shapes.pop()), blank, dtype=kind)
        for k, result in enumerate(found):
            if result is not None:
                values[k] = result[name]
        data[name] = values.reshape(*lengths, *values.shape[1:])
    done = np.array([result is not None for result in found]).reshape(lengths)
    for values in (*data.values(), done):
        values.flags.writeable = False
    return PhaseMap(dict(grid), starts, data, done)
