"""How fast the engine is, beside a C loop and NumPy doing the same work on the same bits.

    python benchmarks/run.py [--smallest] [--json FILE]

Every contestant takes the same steps from the same point with the same random streams.  The C program is built
twice: as fast as gcc makes it, for the times, and without contraction to fused multiply-adds, whose iterates must be
ours to the last bit, else the run fails.  Everybody is timed in turn, many times over, in processor time, and the
ratios are medians over the turns, so that a busy machine disturbs all of them alike.  One thread each.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

import samtheory
from samtheory.oracles import GaussianNoise
from samtheory.problems.quadratic import Diagonal, Quadratic, quadratic
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.streams import seed_streams

HERE = pathlib.Path(__file__).parent
ETA, RHO, SIGMA, SEED = 0.3, 0.1, 0.1, 20
FLAGS = ("-O3", "-march=native")
SAME_BITS = ("-ffp-contract=off",)


@dataclasses.dataclass(frozen=True)
class Case:
    """One workload.  `numpy_steps`: the NumPy loop is slow, so it takes fewer steps; times are per step."""

    name: str
    d: int
    members: int
    steps: int
    noisy: bool
    numpy_steps: int
    dense: bool = True
    target_c: float = 1.4
    target_numpy: float | None = None

    @property
    def every(self) -> int:
        return self.steps // 10

    @property
    def problem(self) -> Diagonal | Quadratic:
        if self.dense:
            return quadratic(np.geomspace(0.1, 1.0, self.d), rotation=np.random.default_rng(self.d))
        return quadratic(np.ones(self.d))  # equal curvatures: no coordinate dies away into slow denormal numbers

    @property
    def hessian(self) -> np.ndarray:
        """The matrix, or the diagonal alone."""
        p = self.problem
        return p.matrix if isinstance(p, Quadratic) else p.lam

    @property
    def x0(self) -> np.ndarray:
        return 1.0 + 0.1 * np.arange(self.d)


def cases(smallest: bool) -> list[Case]:
    """The workloads; `smallest` takes a second in all and its ratios mean nothing."""
    if smallest:
        return [
            Case("SAM, one run, d = 30", 30, 1, 2_000, False, 200, dense=False),
            Case("SAM, one run, d = 30, rotated", 30, 1, 2_000, False, 200),
            Case("SAM, noisy ensemble, d = 10", 10, 50, 100, True, 20),
        ]
    return [
        Case("SAM, one run, d = 30", 30, 1, 2_000_000, False, 5_000, dense=False, target_numpy=50.0),
        Case("SAM, one run, d = 30, rotated", 30, 1, 500_000, False, 5_000),
        Case("SAM, one run, d = 10, rotated", 10, 1, 1_000_000, False, 5_000),
        Case("SAM, noisy ensemble, d = 10", 10, 10_000, 1_000, True, 50),
    ]


class C:
    """The compiled yardstick; `build` gives None where there is no gcc."""

    source = "sam.c"

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    @classmethod
    def build(cls, folder: pathlib.Path) -> C | None:
        gcc = shutil.which("gcc")
        if gcc is None:
            return None
        for name, flags in (("fast", FLAGS), ("same", FLAGS + SAME_BITS)):
            subprocess.run([gcc, *flags, str(HERE / cls.source), "-o", str(folder / name), "-lm"], check=True)
        return cls(folder)

    def prepare(self, case: Case) -> None:
        p = case.problem
        self.write([case.d, case.steps, case.every, case.members, case.noisy, case.dense], [ETA, RHO, SIGMA],
                   (case.hessian, p.centre, case.x0), case.members)  # fmt: skip

    def write(self, counts: list[int], rates: list[float], arrays: Sequence[np.ndarray], members: int) -> None:
        """The program's input: counts, rates, the ziggurat tables, arrays, and the streams of the members."""
        tables = np.load(pathlib.Path(samtheory.__file__).with_name("ziggurat.npz"))
        with open(self.folder / "in", "wb") as file:
            for part in (
                np.array(counts, dtype=np.int64),
                np.array(rates),
                *(tables[name] for name in ("wi", "fi", "ki")),
                *arrays,
                seed_streams(SEED, 0, members),
            ):
                file.write(part.tobytes())

    def _run(self, program: str) -> float:
        command = [str(self.folder / name) for name in (program, "in", "out")]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def seconds(self) -> float:
        return self._run("fast")

    def iterates(self, case: Case) -> np.ndarray:
        self._run("same")
        return np.fromfile(self.folder / "out").reshape(case.members, -1, case.d)


def ours(case: Case) -> tuple[float, np.ndarray]:
    """Seconds for the whole call of `simulate`, and the iterates it recorded (without the start)."""
    source = GaussianNoise(case.problem, SIGMA) if case.noisy else case.problem
    begin = time.process_time()
    run = simulate(
        source, SAM(ETA, RHO), case.x0, case.steps, members=case.members, every=case.every, seed=SEED, threads=1
    )
    return time.process_time() - begin, run.states[:, 1:]


def numpy_loop(case: Case) -> float:
    """Seconds for the loop that one writes first: one trajectory, arrays of shape [d]."""
    hessian, centre, x = case.hessian, case.problem.centre, case.x0.copy()
    product = np.matmul if case.dense else np.multiply
    begin = time.process_time()
    for _ in range(case.numpy_steps):
        g = product(hessian, x - centre)
        length = np.linalg.norm(g)
        y = x + RHO / length * g if length > 0 else x
        x = x - ETA * product(hessian, y - centre)
    return time.process_time() - begin


def numpy_ensemble(case: Case) -> float:
    """Seconds for NumPy vectorised over the members, arrays of shape [members, d]."""
    hessian, centre, rng = case.hessian, case.problem.centre, np.random.Generator(np.random.SFC64(SEED))
    x = np.tile(case.x0, (case.members, 1))
    begin = time.process_time()
    for _ in range(case.numpy_steps):
        noise = SIGMA * rng.standard_normal(x.shape)
        g = (x - centre) @ hessian + noise
        y = x + RHO / np.linalg.norm(g, axis=1, keepdims=True) * g
        x = x - ETA * ((y - centre) @ hessian + noise)
    return time.process_time() - begin


def measure(case: Case, c: C | None, turns: int) -> dict:
    """Nanoseconds a step (median and minimum over the turns) and the median ratios of paired times."""
    _, iterates = ours(case)  # compiles
    per = 1e9 / (case.members * case.steps)
    per_numpy = 1e9 / (case.members * case.numpy_steps)
    out: dict = {"case": case.name, "d": case.d, "members": case.members, "steps": case.steps, "turns": turns}
    if c is not None:
        c.prepare(case)
        theirs = c.iterates(case)
        out["same_bits"] = bool((iterates == theirs).all())
        out["largest_difference"] = float(np.abs(iterates - theirs).max())
    times: dict[str, list[float]] = {"ours": [], "c": [], "numpy": []}
    for _ in range(turns):
        times["ours"].append(ours(case)[0] * per)
        if c is not None:
            times["c"].append(c.seconds() * per)
        times["numpy"].append((numpy_ensemble if case.members > 1 else numpy_loop)(case) * per_numpy)
    for name, values in times.items():
        if values:
            out |= {f"{name}_ns": statistics.median(values), f"{name}_ns_min": min(values)}
    if c is not None:
        out["ours_over_c"] = statistics.median(a / b for a, b in zip(times["ours"], times["c"]))
    out["numpy_over_ours"] = statistics.median(a / b for a, b in zip(times["numpy"], times["ours"]))
    return out


def table(rows: list[dict], listed: list[Case], c: C | None) -> Table:
    out = Table(title="nanoseconds of processor time a step, medians")
    for column in ("case", "ours", "C", "NumPy", "ours / C", "NumPy / ours", "bits of C"):
        out.add_column(column, justify="left" if column == "case" else "right")
    for case, row in zip(listed, rows):
        against_c = f"{row['ours_over_c']:.2f} (<= {case.target_c:g})" if c is not None else "no gcc"
        against_numpy = f"{row['numpy_over_ours']:.1f}" + (f" (>= {case.target_numpy:g})" if case.target_numpy else "")
        if case.target_numpy and c is not None:  # what is out of reach of C is out of ours
            against_numpy += f", C: {row['numpy_ns'] / row['c_ns']:.1f}"
        out.add_row(
            case.name,
            f"{row['ours_ns']:.0f}",
            f"{row['c_ns']:.0f}" if c is not None else "-",
            f"{row['numpy_ns']:.0f}",
            against_c,
            against_numpy,
            str(row["same_bits"]).lower() if c is not None else "-",
        )
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="a smoke run of about a second")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--turns", type=int, default=15, help="how many times everybody is timed")
    options = parser.parse_args()
    turns = 2 if options.smallest else options.turns
    console = Console()
    listed = cases(options.smallest)
    with tempfile.TemporaryDirectory() as folder:
        c = C.build(pathlib.Path(folder))
        if c is None:
            console.print("gcc is not installed: the C column is left out")
        rows = [measure(case, c, turns) for case in listed]
    console.print(table(rows, listed, c))
    if options.json:
        about = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
        options.json.write_text(json.dumps({"about": about, "flags": FLAGS, "rows": rows}, indent=1) + "\n")
    wrong = [row["case"] for row in rows if not row.get("same_bits", True)]
    for name in wrong:
        console.print(f"[bold red]C and ours disagree: {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
