"""How long SAM takes on a diagonal network, d = 30, n = 20: 10^5 steps, beside a C loop with the same bits and NumPy.

    python benchmarks/diagonal.py [--smallest] [--json FILE]

One ascent step of the full batch ('n-SAM'), and one of every sample's own ('1-SAM').  The manner is that of `run.py`.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np
import run as base
from rich.console import Console
from rich.table import Table

from samtheory.oracles import EverySample
from samtheory.problems.diagonal_net import layered_net
from samtheory.rules.sharded import Sharded
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

N, D, TARGET = 20, 30, 1.5
ETA = 1 / D
RHO = {"n-SAM": 0.3, "1-SAM": 0.02}


class Yardstick(base.C):
    """The C program."""

    source = "diagonal.c"

    def prepare(self, name: str, steps: int) -> None:
        p, x0 = problem()
        head = np.array([N, D, steps, name == "1-SAM"], dtype=np.int64)
        arrays = (head, np.array([ETA, RHO[name]]), p.X, p.columns, p.y, x0)
        (self.folder / "in").write_bytes(b"".join(a.tobytes() for a in arrays))

    def last(self) -> np.ndarray:
        self._run("same")
        return np.fromfile(self.folder / "out")


def problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, D))
    target = np.zeros(D)
    target[:3] = 0.6, 0.7, 0.4
    return layered_net(X, X @ target), np.repeat([0.1, 0.02], D)


def ours(name: str, steps: int) -> tuple[float, np.ndarray]:
    p, x0 = problem()
    rule = USAM(ETA, RHO[name])
    source, rule = (EverySample(p), Sharded(rule, 1)) if name == "1-SAM" else (p, rule)
    begin = time.process_time()
    run = simulate(source, rule, x0, steps, every=steps, threads=1)
    return time.process_time() - begin, run.x


def in_numpy(name: str, steps: int) -> float:
    """Seconds for the loop that one writes first; 1-SAM vectorised over the samples."""
    p, x0 = problem()
    X, y, rho = p.X, p.y, RHO[name]
    u, v = x0[:D].copy(), x0[D:].copy()
    begin = time.process_time()
    for _ in range(steps):
        r = X @ (u * v) - y
        if name == "1-SAM":
            own = r[:, None] * X
            U, V = u + rho * own * v, v + rho * own * u
            pull = ((U * V * X).sum(axis=1) - y)[:, None] * X
            u, v = u - ETA * (pull * V).mean(axis=0), v - ETA * (pull * U).mean(axis=0)
        else:
            z = X.T @ r / N
            U, V = u + rho * z * v, v + rho * z * u
            z = X.T @ (X @ (U * V) - y) / N
            u, v = u - ETA * z * V, v - ETA * z * U
    return time.process_time() - begin


def measure(name: str, steps: int, turns: int, c: Yardstick | None) -> dict:
    _, last = ours(name, steps)  # compiles
    out: dict = {"case": name, "n": N, "d": D, "steps": steps, "turns": turns}
    if c is not None:
        c.prepare(name, steps)
        out["same_bits"] = bool((c.last() == last).all())
    few = max(1, steps // 50)
    times: dict[str, list[float]] = {"ours": [], "c": [], "numpy": []}
    for _ in range(turns):
        times["ours"].append(ours(name, steps)[0])
        if c is not None:
            times["c"].append(c.seconds())
        times["numpy"].append(in_numpy(name, few) * steps / few)
    out |= {f"{who}_seconds": statistics.median(values) for who, values in times.items() if values}
    if c is not None:
        out["ours_over_c"] = statistics.median(a / b for a, b in zip(times["ours"], times["c"]))
    out["numpy_over_ours"] = statistics.median(a / b for a, b in zip(times["numpy"], times["ours"]))
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="a smoke run of about a second")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--turns", type=int, default=11, help="how many times everybody is timed")
    options = parser.parse_args()
    steps, turns = (1_000, 2) if options.smallest else (100_000, options.turns)
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        c = Yardstick.build(pathlib.Path(folder))
        if c is None:
            console.print("gcc is not installed: the C column is left out")
        rows = [measure(name, steps, turns, c) for name in RHO]
    out = Table(title=f"{steps} steps, d = {D}, n = {N}: seconds of processor time, medians")
    for column in ("rule", "ours", "C", "NumPy", f"ours / C (<= {TARGET})", "NumPy / ours", "bits of C"):
        out.add_column(column, justify="left" if column == "rule" else "right")
    for row in rows:
        in_c = [f"{row['c_seconds']:.4f}", f"{row['ours_over_c']:.2f}", str(row["same_bits"])] if c else ["-"] * 3
        ours_, theirs = f"{row['ours_seconds']:.4f}", f"{row['numpy_seconds']:.3f}"
        out.add_row(row["case"], ours_, in_c[0], theirs, in_c[1], f"{row['numpy_over_ours']:.0f}", in_c[2])
    console.print(out)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    wrong = [row["case"] for row in rows if not row.get("same_bits", True)]
    for name in wrong:
        console.print(f"[bold red]C and ours disagree: {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
