"""How fast 1-SAM trains two-layer ReLU networks, beside the same loop in C, in NumPy, and beside two gradients a step.

    python benchmarks/relu_nets.py [--smallest] [--json FILE]

The nets of xor with n = 100 points in d = 30 dimensions, from their start, eta = 0.01. The C program does as little
work a step as we do (one product with the first layer) and is built twice: as fast as gcc makes it, for the times,
and without contraction to fused multiply-adds, whose weights must be ours to the last bit, else the run fails.
Everybody is timed in turn, in processor time on one thread; the ratios are medians over the turns.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from samtheory.oracles import Reshuffled
from samtheory.problems.xor_nets import XorTask, xor_task
from samtheory.rules.one_sam import OneSAM
from samtheory.rules.rescaled import Rescaled
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.streams import seed_streams

HERE = pathlib.Path(__file__).parent
D, N, ETA, LENGTH, SEED, TARGET = 30, 100, 0.01, 10.0, 3, 40.0
BUILDS = {"fast": ("-O3", "-march=native"), "same": ("-O3", "-march=native", "-ffp-contract=off")}
CASES = {  # kind of net, width, rho
    "bias, m = 500": ("bias", 500, 0.05),
    "bias, m = 100": ("bias", 100, 0.05),
    "layer norm on a sphere, m = 500": ("layer norm", 500, 0.1),
}


def build(folder: pathlib.Path) -> bool:
    gcc = shutil.which("gcc")
    if gcc is None:
        return False
    for name, flags in BUILDS.items():
        subprocess.run([gcc, *flags, str(HERE / "relu_nets.c"), "-o", str(folder / name), "-lm"], check=True)
    return True


def in_c(folder: pathlib.Path, program: str, task: XorTask, rho: float, steps: int) -> tuple[float, np.ndarray]:
    """Seconds of processor time, and the last weights."""
    net, eps = task.net, getattr(task.net, "eps", 0.0)
    with open(folder / "in", "wb") as file:
        for part in (
            np.array([*net.X.shape, net.width, steps, eps > 0], dtype=np.int64),
            np.array([ETA, rho, eps, LENGTH]),
            net.X,
            net.y,
            task.start,
            seed_streams(SEED, 0, 1),
        ):
            file.write(np.ascontiguousarray(part).tobytes())
    command = [str(folder / name) for name in (program, "in", "out")]
    seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return seconds, np.fromfile(folder / "out")


def ours(task: XorTask, rule: Any, steps: int) -> tuple[float, np.ndarray]:
    """Seconds of processor time, and the last weights."""
    if hasattr(task.net, "eps"):
        rule = Rescaled(rule, task.first, LENGTH)
    oracle, begin = Reshuffled(task.net, 1), time.process_time()
    run = simulate(oracle, rule, task.start, steps, every=steps, record={}, seed=SEED, threads=1)
    return time.process_time() - begin, run.x


def in_numpy(task: XorTask, rho: float, steps: int) -> tuple[float, np.ndarray]:
    """Seconds of the loop one would write in NumPy, with as few products, and the last weights."""
    net, rng = task.net, np.random.Generator(np.random.SFC64(np.random.SeedSequence(SEED, spawn_key=(0, 0))))
    W, last = task.start[: task.first].reshape(net.width, -1).copy(), task.start[task.first :].copy()
    eps, order = getattr(net, "eps", None), np.arange(N)
    squares = (net.X**2).sum(axis=1)

    def unit(r, weights):  # the units' values, their slopes, the output
        if eps is None:
            return r, weights * (r > 0), weights @ r
        size = np.sqrt(r @ r)
        h = r / max(size, eps)
        f = weights @ h
        return h, (weights - f * h * (size > eps)) / max(size, eps) * (r > 0), f

    begin = time.process_time()
    for t in range(steps):
        if t % N == 0:
            rng.shuffle(order)
        i = order[t % N]
        x, y, q = net.X[i], net.y[i], squares[i]
        a = W @ x
        h, v, f = unit(np.maximum(a, 0), last)
        length = np.sqrt(q * (v @ v) + h @ h)
        if f == y or length == 0:
            continue
        c = np.copysign(rho / length, f - y)
        h, v, f = unit(np.maximum(a + c * q * v, 0), last + c * h)
        W -= np.outer(2 * ETA * (f - y) * v, x)
        last -= 2 * ETA * (f - y) * h
        if eps is not None:
            W *= LENGTH / np.linalg.norm(W)
    return time.process_time() - begin, np.concatenate([W.ravel(), last])


def measure(name: str, steps: int, turns: int, folder: pathlib.Path | None) -> dict:
    """Microseconds a step, and the ratios."""
    kind, width, rho = CASES[name]
    task = xor_task(kind, 0, D, N, width, unseen=1)
    few = max(1, steps // 40)
    short = ours(task, OneSAM(ETA, rho), few)[1]  # compiles
    two = ours(task, SAM(ETA, rho), few)[1]
    out: dict = {"case": name, "steps": steps, "turns": turns}
    out["difference_from_two_gradients"] = float(np.abs(short - two).max())
    out["difference_from_numpy"] = float(np.abs(short - in_numpy(task, rho, few)[1]).max())
    times: dict[str, list[float]] = {"ours": [], "two gradients": [], "c": [], "numpy": []}
    for _ in range(turns):
        seconds, last = ours(task, OneSAM(ETA, rho), steps)
        times["ours"].append(seconds / steps)
        times["two gradients"].append(ours(task, SAM(ETA, rho), steps // 4)[0] / (steps // 4))
        times["numpy"].append(in_numpy(task, rho, few)[0] / few)
        if folder is not None:
            times["c"].append(in_c(folder, "fast", task, rho, steps)[0] / steps)
    for key, values in times.items():
        if values:
            out[f"{key.replace(' ', '_')}_us"] = 1e6 * statistics.median(values)
    out["numpy_over_ours"] = statistics.median(a / b for a, b in zip(times["numpy"], times["ours"]))
    if folder is not None:
        out["ours_over_c"] = statistics.median(a / b for a, b in zip(times["ours"], times["c"]))
        out["same_bits"] = bool((in_c(folder, "same", task, rho, steps)[1] == last).all())
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="a smoke run of about a second")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--turns", type=int, default=7, help="how many times everything is timed")
    options = parser.parse_args()
    steps, turns = (400, 1) if options.smallest else (40_000, options.turns)
    table = Table(title=f"microseconds of processor time a step of 1-SAM (target for us: {TARGET:g}), medians")
    for column in ("net", "ours", "C", "NumPy", "two gradients", "ours / C", "NumPy / ours", "bits of C"):
        table.add_column(column, justify="left" if column == "net" else "right")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) if build(pathlib.Path(name)) else None
        for case in CASES:
            row = measure(case, steps, turns, folder)
            rows.append(row)
            table.add_row(
                case,
                f"{row['ours_us']:.2f}",
                f"{row['c_us']:.2f}" if folder else "no gcc",
                f"{row['numpy_us']:.1f}",
                f"{row['two_gradients_us']:.1f}",
                f"{row['ours_over_c']:.2f}" if folder else "-",
                f"{row['numpy_over_ours']:.1f}",
                str(row["same_bits"]).lower() if folder else "-",
            )
    console = Console()
    console.print(table)
    if options.json:
        about = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
        options.json.write_text(json.dumps({"about": about, "flags": BUILDS, "rows": rows}, indent=1) + "\n")
    wrong = [row["case"] for row in rows if not row.get("same_bits", True)]
    for case in wrong:
        console.print(f"[bold red]C and ours disagree: {case}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
