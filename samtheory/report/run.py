"""Running many claims in processes, with progress; the JSON file; falsification of one claim."""

from __future__ import annotations

import functools
import json
import pathlib
import platform
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from samtheory import __version__
from samtheory.claims.claim import command_of
from samtheory.claims.falsify import search
from samtheory.claims.registry import find
from samtheory.claims.verify import Result, verify
from samtheory.report.processes import in_processes
from samtheory.report.table import results_table, wide_console


def _one(identifier: str, effort: str, seed: int) -> Result:
    return verify(find(identifier), effort, seed)


def verify_all(
    identifiers: list[str], effort: str, seed: int, jobs: int, file: pathlib.Path | None = None
) -> list[Result]:
    """Verify these claims in `jobs` processes; print a table; write `file` after every claim."""
    ordered = run_all(identifiers, effort, seed, jobs, file)
    _print(ordered)
    return ordered


def run_all(
    identifiers: list[str], effort: str, seed: int, jobs: int, file: pathlib.Path | None = None
) -> list[Result]:
    """Verify these claims in `jobs` processes with progress; on an interrupt the finished results are kept, written."""
    results: dict[str, Result] = {}
    progress = _progress()
    try:
        with progress:
            task = progress.add_task("verifying", total=len(identifiers))
            one = functools.partial(_one, effort=effort, seed=seed)
            for identifier, result in in_processes(one, identifiers, min(jobs, len(identifiers))):
                results[identifier] = result
                progress.update(task, advance=1, description=result.id)
                if file is not None:
                    write_json(file, list(results.values()), effort, seed)
    except KeyboardInterrupt:
        print(f"interrupted: {len(results)} of {len(identifiers)} claims are done", file=sys.stderr)
    ordered = [results[name] for name in identifiers if name in results]
    if file is not None:
        write_json(file, ordered, effort, seed)
    return ordered


def _progress() -> Progress:
    columns = (TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def write_json(file: pathlib.Path, results: list[Result], effort: str, seed: int) -> None:
    """The results with what is needed to repeat them; replaced in one move."""
    import numba
    import numpy

    platform_line = f"{platform.platform()}, Python {platform.python_version()}, numpy {numpy.__version__}"
    content = {
        "version": __version__,
        "platform": f"{platform_line}, numba {numba.__version__}",
        "seed": seed,
        "effort": effort,
        "results": [r.as_json() for r in results],
    }
    part = file.with_name(file.name + ".part")
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    part.replace(file)


def _print(results: list[Result]) -> None:
    console = wide_console()
    console.print(results_table(results))
    for r in results:
        if not r.as_declared:
            console.print(f"\n[red]{r.id}: {r.verdict}[/], declared {r.expected}", highlight=False)
            for text in (r.error, f"worst instance: {r.command}" if r.command else None):
                if text:
                    console.print(text, markup=False, highlight=False, soft_wrap=True)
            for name, c in r.controls.items():
                if c.verdict != c.expected:
                    reason = c.message.strip().splitlines()[-1:] or [f"power {c.power:.2g}"]
                    line = f"control {name!r}: {c.verdict}, expected {c.expected}; {reason[0]}"
                    console.print(line, markup=False, highlight=False, soft_wrap=True)
    good = sum(r.as_declared for r in results)
    console.print(f"\n{good} of {len(results)} claims as declared", highlight=False)


def falsify_one(cls: Any, budget: int, seed: int) -> int:
    """Search one claim's space, print the worst instance as a command; 0 where the claim came out as declared."""
    with _progress() as progress:
        task = progress.add_task(cls.info.id, total=budget)
        found = search(cls, budget, seed, progress=lambda done, _: progress.update(task, completed=done))
    print(f"{cls.info.id}: {found.evaluations} instances, {found.outside} of them outside the assumptions")
    if found.failed is not None:
        print(f"an instance could not be evaluated:\n{found.failed.message}\n{command_of(found.failed.instance)}")
        return 1
    if found.worst is None or found.worst.worst is None:
        print("no instance met the assumptions")
        return 1
    one = found.worst.worst
    print(f"worst: {one.name}: observed {one.observed:.12g} {one.relation} {one.predicted:.12g}")
    print(f"tolerance {one.tolerance:.3g} ({one.why}), margin {-one.excess:.6g}, tightness {one.tightness:.9g}")
    print(f"verdict on it: {found.worst.status}")
    print(command_of(found.worst.instance))
    return 0 if found.worst.status == cls.info.expected else 1
