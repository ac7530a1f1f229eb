"""Euler-Maruyama on ensembles, beside a C loop on the same bits, NumPy, torchsde and diffrax.

    python benchmarks/sde.py [--smallest] [--json FILE]

Three equations in ten dimensions driven by ten Brownian motions: constant noise, noise X_i (S dW)_i written by a user
in ten lines, and dense linear noise sum_k (C_k X + c_k) dW_k.  torchsde and diffrax (compiled, mapped over paths) take
part where they are installed, in double precision; nothing but C shares our streams.  Everybody is timed in turn in
processor time, so that the ratios are per core; the slow ones take fewer steps.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib.util
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np
import run as base
from rich.console import Console
from rich.table import Table

from samtheory.problems.core import dim
from samtheory.sde.core import drift, integrate, noises, spread
from samtheory.sde.linear import ConstantSDE, LinearSDE
from samtheory.sde.schemes import EulerMaruyama
from samtheory.vectors import combination

D, TARGET_C = 10, 1.4
_rng = np.random.default_rng(D)
A = -np.eye(D) + 0.1 * _rng.standard_normal((D, D))
S = 0.3 * _rng.standard_normal((D, D))
C = 0.05 * _rng.standard_normal((D, D, D))  # [noise, row, column]
X0 = 1.0 + 0.1 * np.arange(D)


class ScaledSDE(NamedTuple):
    """dX = A X dt + diag(X) S dW; the matrices by columns: what a user writes for a model of their own."""

    drift_columns: np.ndarray
    factor_columns: np.ndarray


@dim.register(ScaledSDE)
@noises.register(ScaledSDE)
def _dim(model):
    return model.drift_columns.shape[0]


@drift.register(ScaledSDE)
def _drift(model, x, out, work):
    combination(x, model.drift_columns, out)


@spread.register(ScaledSDE)
def _spread(model, x, dw, out, work):
    combination(dw, model.factor_columns, out)
    for i in range(x.shape[0]):
        out[i] *= x[i]


def _columns(matrix: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(matrix.T)


@dataclasses.dataclass(frozen=True)
class Case:
    """One equation: our model, what C reads, and the noise B(x) dw for arrays of one library, [n, d], [n, d]."""

    name: str
    kind: int
    model: Any
    for_c: tuple[np.ndarray, ...]
    noise: Callable[[Any, np.ndarray, np.ndarray], np.ndarray]
    members: int
    steps: int
    slow_steps: int
    d: int = D

    @property
    def every(self) -> int:
        return self.steps // 10

    @property
    def h(self) -> float:
        return 1.0 / 1000


def cases(smallest: bool) -> list[Case]:
    size = (50, 100, 4) if smallest else (10_000, 1_000, 40)
    return [
        Case("constant noise", 0, ConstantSDE(A, S), (_columns(S),), lambda xp, x, dw: dw @ xp.asarray(S.T), *size),
        Case("noise X_i (S dW)_i", 1, ScaledSDE(_columns(A), _columns(S)), (_columns(S),),
             lambda xp, x, dw: x * (dw @ xp.asarray(S.T)), *size),
        Case("dense linear noise", 2, LinearSDE(A, C, S.T), (C, np.ascontiguousarray(S.T)),
             lambda xp, x, dw: dw @ xp.asarray(S.T)
             + ((dw @ xp.asarray(C.reshape(D, D * D))).reshape(-1, D, D) @ x[:, :, None])[:, :, 0], *size),
    ]  # fmt: skip


class Yardstick(base.C):
    source = "sde.c"

    def prepare(self, case: Case) -> None:  # type: ignore[override]
        counts = [case.d, case.steps, case.every, case.members, case.kind]
        self.write(counts, [case.h], (_columns(A), *case.for_c, X0), case.members)


def ours(case: Case) -> tuple[float, np.ndarray]:
    """Seconds for the whole call of `integrate`, and the states it recorded (without the start)."""
    begin = time.process_time()
    run = integrate(case.model, EulerMaruyama(), X0, case.h * case.steps, case.steps, paths=case.members,
                    every=case.every, seed=base.SEED, threads=1)  # fmt: skip
    return time.process_time() - begin, run.states[:, 1:]


def numpy_ensemble(case: Case) -> float:
    """Seconds for NumPy over all paths at once."""
    rng = np.random.Generator(np.random.SFC64(base.SEED))
    x, root = np.tile(X0, (case.members, 1)), np.sqrt(case.h)
    begin = time.process_time()
    for _ in range(case.slow_steps):
        x = x + case.h * (x @ A.T) + case.noise(np, x, root * rng.standard_normal(x.shape))
    return time.process_time() - begin


def torchsde_ensemble(case: Case) -> float:
    import torch
    import torchsde

    torch.set_num_threads(1)
    a, s, c = (torch.tensor(one) for one in (A.T.copy(), S, C.transpose(1, 2, 0).copy()))

    class Model(torch.nn.Module):
        noise_type, sde_type = "additive" if case.kind == 0 else "general", "ito"

        def f(self, t, x):
            return x @ a

        def g(self, t, x):
            if case.kind == 0:
                return s.expand(len(x), D, D)
            return x[:, :, None] * s if case.kind == 1 else s + torch.einsum("ijk,nj->nik", c, x)

    x0 = torch.tensor(np.tile(X0, (case.members, 1)))
    times = torch.tensor([0.0, case.h * case.slow_steps], dtype=torch.float64)
    begin = time.process_time()
    with torch.no_grad():
        torchsde.sdeint(Model(), x0, times, method="euler", dt=case.h)
    return time.process_time() - begin


@functools.cache
def _diffrax(kind: int, h: float, steps: int):
    """A compiled function of the keys of the paths."""
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    a, s, c = jnp.asarray(A), jnp.asarray(S), jnp.asarray(C.transpose(1, 2, 0))
    factor = [
        lambda t, x, args: s,
        lambda t, x, args: x[:, None] * s,
        lambda t, x, args: s + jnp.einsum("ijk,j->ik", c, x),
    ][kind]

    def path(key):
        noise = diffrax.UnsafeBrownianPath(shape=(D,), key=key)  # its fastest, for fixed steps
        terms = diffrax.MultiTerm(diffrax.ODETerm(lambda t, x, args: a @ x), diffrax.ControlTerm(factor, noise))
        return diffrax.diffeqsolve(
            terms, diffrax.Euler(), 0.0, h * steps, h, jnp.asarray(X0), max_steps=steps + 2,
            saveat=diffrax.SaveAt(t1=True), adjoint=diffrax.ForwardMode(),
        ).ys  # fmt: skip

    return jax.jit(jax.vmap(path))


def diffrax_ensemble(case: Case) -> float:
    import jax

    jax.config.update("jax_enable_x64", True)
    run = _diffrax(case.kind, case.h, case.slow_steps)
    keys = jax.random.split(jax.random.PRNGKey(0), case.members)
    run(keys).block_until_ready()  # compiles
    begin = time.process_time()
    run(keys).block_until_ready()
    return time.process_time() - begin


OTHERS = {"NumPy": ("numpy", numpy_ensemble), "torchsde": ("torchsde", torchsde_ensemble),
          "diffrax": ("diffrax", diffrax_ensemble)}  # fmt: skip


def measure(case: Case, c: Yardstick | None, turns: int) -> dict:
    """Median nanoseconds a step of a path, and median ratios of paired times."""
    _, states = ours(case)  # compiles
    per, per_slow = 1e9 / (case.members * case.steps), 1e9 / (case.members * case.slow_steps)
    out: dict = {"case": case.name, "members": case.members, "steps": case.steps}
    if c is not None:
        c.prepare(case)
        theirs = c.iterates(case)  # type: ignore[arg-type]
        out["same_bits"] = bool((states == theirs).all())
        out["largest_difference"] = float(np.abs(states - theirs).max())
    here = {name: f for name, (module, f) in OTHERS.items() if importlib.util.find_spec(module)}
    times: dict[str, list[float]] = {name: [] for name in ("ours", *(["C"] if c else []), *here)}
    for _ in range(turns):
        times["ours"].append(ours(case)[0] * per)
        if c is not None:
            times["C"].append(c.seconds() * per)
        for name, f in here.items():
            times[name].append(f(case) * per_slow)
    out["ns"] = {name: statistics.median(values) for name, values in times.items()}
    out["over_ours"] = {
        name: statistics.median(a / b for a, b in zip(values, times["ours"])) for name, values in times.items()
    }
    return out


def table(rows: list[dict]) -> Table:
    out = Table(title="Euler-Maruyama: nanoseconds of processor time a step of a path, medians (times ours)")
    names = ("ours", "C", *OTHERS)
    for column in ("equation", *names, "ours / C", "bits of C"):
        out.add_column(column, justify="left" if column == "equation" else "right")
    for row in rows:
        cells = [f"{row['ns'][n]:.0f} ({row['over_ours'][n]:.2f})" if n in row["ns"] else "-" for n in names]
        against_c = f"{1 / row['over_ours']['C']:.2f} (<= {TARGET_C:g})" if "C" in row["ns"] else "no gcc"
        out.add_row(row["case"], *cells, against_c, str(row.get("same_bits", "-")).lower())
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="a smoke run whose ratios mean nothing")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--turns", type=int, default=5, help="how many times everybody is timed")
    options = parser.parse_args()
    console = Console(width=130)
    with tempfile.TemporaryDirectory() as folder:
        c = Yardstick.build(pathlib.Path(folder))
        rows = [measure(case, c, 2 if options.smallest else options.turns) for case in cases(options.smallest)]
    console.print(table(rows))
    if options.json:
        options.json.write_text(json.dumps({"flags": base.FLAGS, "rows": rows}, indent=1) + "\n")
    wrong = [row["case"] for row in rows if not row.get("same_bits", True)]
    for name in wrong:
        console.print(f"[bold red]C and ours disagree: {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
