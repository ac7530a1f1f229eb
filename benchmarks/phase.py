"""How long a phase map takes: 20 000 starts x 20 000 steps on (x y - 1)^2/2, beside a C loop with the same bits.

    python benchmarks/phase.py [--smallest] [--json FILE]

Gradient descent and USAM at eta = 0.2, rho = 0.1, starts uniform in [-4, 4]^2.  Three times each: all steps, in
processor time beside the C program (built without contraction to fused multiply-adds its last points must be ours to
the last bit, else the run fails); all steps, by the clock on all cores; and the map itself, whose members stop once
settled, classified.  Warm: compiled code is on disk or in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from samtheory.phase import phase_map
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

HERE = pathlib.Path(__file__).parent
ETA, RHO, LIMIT, TARGET = 0.2, 0.1, 1e6, 20.0
PROBLEM = Product(HalfSquare(1.0))
RULES = {"gradient descent": GD(ETA), "USAM": USAM(ETA, RHO)}
BUILDS = {"fast": ("-O3", "-march=native"), "same": ("-O3", "-march=native", "-ffp-contract=off")}


def build(folder: pathlib.Path) -> bool:
    gcc = shutil.which("gcc")
    if gcc is None:
        return False
    for name, flags in BUILDS.items():
        subprocess.run([gcc, *flags, str(HERE / "phase.c"), "-o", str(folder / name), "-lm"], check=True)
    return True


def in_c(folder: pathlib.Path, program: str, rule, starts: np.ndarray, steps: int) -> tuple[float, np.ndarray]:
    """Seconds of processor time, and the last points."""
    head = np.array([len(starts), steps, isinstance(rule, USAM)], dtype=np.int64)
    (folder / "in").write_bytes(head.tobytes() + np.array([ETA, RHO, LIMIT]).tobytes() + starts.tobytes())
    command = [str(folder / name) for name in (program, "in", "out")]
    seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return seconds, np.fromfile(folder / "out").reshape(-1, 2)


def ours(rule, starts: np.ndarray, steps: int, threads: int | None) -> tuple[float, float, np.ndarray]:
    """Processor seconds, seconds by the clock, and the last points, of all steps."""
    clock, begin = time.perf_counter(), time.process_time()
    run = simulate(
        PROBLEM, rule, starts, steps, every=min(steps, 1000), record={}, limit=LIMIT, on_divergence="report",
        threads=threads,
    )  # fmt: skip
    return time.process_time() - begin, time.perf_counter() - clock, run.x


def mapped(rule, starts: np.ndarray, steps: int) -> tuple[float, dict[str, int]]:
    """Seconds by the clock of the map, and how many starts have each label."""
    begin = time.perf_counter()
    result = phase_map(PROBLEM, lambda eta: rule._replace(eta=eta), {"eta": [ETA]}, starts, steps, limit=LIMIT)
    seconds = time.perf_counter() - begin
    labels, numbers = np.unique(result["label"], return_counts=True)
    return seconds, dict(zip(labels.tolist(), numbers.tolist()))


def measure(name: str, rule, starts: np.ndarray, steps: int, turns: int, folder: pathlib.Path | None) -> dict:
    ours(rule, starts[:8], steps, 1)  # compiles
    mapped(rule, starts[:8], steps)
    out: dict = {"rule": name, "members": len(starts), "steps": steps, "turns": turns, "cores": os.cpu_count()}
    processor, clock, c, maps = [], [], [], []
    for _ in range(turns):
        seconds, _, last = ours(rule, starts, steps, 1)
        processor.append(seconds)
        clock.append(ours(rule, starts, steps, None)[1])
        maps.append(mapped(rule, starts, steps)[0])
        if folder is not None:
            c.append(in_c(folder, "fast", rule, starts, steps)[0])
    out |= {"processor_s": statistics.median(processor), "clock_s": statistics.median(clock)}
    out |= {"map_s": statistics.median(maps), "labels": mapped(rule, starts, steps)[1]}
    if folder is not None:
        out |= {"c_s": statistics.median(c), "ours_over_c": statistics.median(a / b for a, b in zip(processor, c))}
        out["same_bits"] = bool((in_c(folder, "same", rule, starts, steps)[1] == last).all())
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="a smoke run of about a second")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--turns", type=int, default=3, help="how many times everything is timed")
    options = parser.parse_args()
    members, steps = (200, 500) if options.smallest else (20_000, 20_000)
    starts = np.ascontiguousarray(np.random.default_rng(0).uniform(-4, 4, (2, members)).T)
    table = Table(title=f"{members} starts x {steps} steps on (x y - 1)^2/2, seconds, medians")
    for column in ("rule", "one core", "C", "ours / C", "all cores", f"map (< {TARGET:g})", "labels", "bits of C"):
        table.add_column(column, justify="left" if column in ("rule", "labels") else "right")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) if build(pathlib.Path(name)) else None
        for rule_name, rule in RULES.items():
            row = measure(rule_name, rule, starts, steps, 1 if options.smallest else options.turns, folder)
            rows.append(row)
            table.add_row(
                rule_name,
                f"{row['processor_s']:.2f}",
                f"{row['c_s']:.2f}" if folder else "no gcc",
                f"{row['ours_over_c']:.2f}" if folder else "-",
                f"{row['clock_s']:.2f}",
                f"{row['map_s']:.2f}",
                ", ".join(f"{label} {number}" for label, number in row["labels"].items()),
                str(row["same_bits"]).lower() if folder else "-",
            )
    console = Console()
    console.print(table)
    if options.json:
        about = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.processor()}
        options.json.write_text(json.dumps({"about": about, "flags": BUILDS, "rows": rows}, indent=1) + "\n")
    wrong = [row["rule"] for row in rows if not row.get("same_bits", True)]
    for rule_name in wrong:
        console.print(f"[bold red]C and ours disagree: {rule_name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
