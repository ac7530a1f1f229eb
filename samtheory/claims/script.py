"""A claim file as a script: one instance, its numbers, its verdict."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from samtheory.claims.claim import Control, Outcome, evaluate, instantiate, values_of
from samtheory.claims.evidence import HOLDS
from samtheory.claims.registry import load
from samtheory.claims.space import from_cube, narrowed
from samtheory.validate import writable


def script(path: str, argv: Sequence[str] | None = None) -> None:
    """Run the claim of this file on one instance and exit: 0 as declared, 1 otherwise, 2 for bad usage."""
    sys.exit(run(load(path), sys.argv[1:] if argv is None else list(argv)))


def run(cls: Any, argv: list[str]) -> int:
    """What a claim's script does; returns the exit status."""
    info = cls.info
    parser = _parser(cls)
    options = vars(parser.parse_args(argv))
    plot, control_name = options.pop("plot"), options.pop("control")
    chosen: Control | None = info.controls.get(control_name)
    try:
        if plot is not None:
            writable("--plot", pathlib.Path(plot))
        instance = _instance(cls, options, dict(chosen.where) if chosen else {})
    except ValueError as error:
        parser.error(str(error))
    outcome = evaluate(instance, chosen)
    show(outcome, chosen, control_name)
    if plot is not None:
        try:
            draw(outcome, pathlib.Path(plot))
        except (ValueError, OSError) as error:
            parser.error(f"--plot {plot}: {error}")
    return 0 if outcome.status == (chosen.expect if chosen else HOLDS) or _known_false(info, outcome) else 1


def _known_false(info: Any, outcome: Outcome) -> bool:
    """A statement that is false as published may hold or fail on a single instance; both are as declared."""
    return info.expected != HOLDS and outcome.status in (HOLDS, info.expected)


def _parser(cls: Any) -> argparse.ArgumentParser:
    info = cls.info
    parser = argparse.ArgumentParser(
        description=f"{info.id}: {info.title}",
        epilog=info.statement.replace("%", "%%"),
        prog=f"python {info.path.name}",
    )
    for name, dimension in info.space.items():
        kind = type(dimension.from_unit(0.5))
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, dest=name, help=str(dimension), metavar="X")
    parser.add_argument(
        "--control", choices=list(info.controls), help="run this negative control instead", metavar="NAME"
    )
    parser.add_argument("--plot", metavar="FILE", help="draw observed and predicted into this file")
    return parser


def _instance(cls: Any, given: dict[str, Any], where: dict[str, Any]) -> Any:
    """The first example (or the middle of the space) with the given flags in place."""
    space = narrowed(cls.info.space, where)
    values = from_cube(space, [0.5] * len(space))
    if cls.info.examples:
        values.update({k: v for k, v in cls.info.examples[0].items() if k not in where})
    values.update({name: value for name, value in given.items() if value is not None})
    return instantiate(cls, values, where)


def show(outcome: Outcome, chosen: Control | None = None, control_name: str | None = None) -> None:
    """Print statement, instance, assumptions, numbers and verdict."""
    info = outcome.instance.info
    lines = [f"{info.id}: {info.title}", f"{info.where}; confidence: {info.confidence}", "", info.statement]
    if info.caveat:
        lines.append(f"caveat: {info.caveat}")
    if control_name:
        lines.append(f"control: {control_name} (expected: {chosen and chosen.expect})")
    lines += ["", "instance"] + [f"  {name:<12} {value!r}" for name, value in values_of(outcome.instance).items()]
    lines += ["assumptions, computed on the instance"] if outcome.assumptions else []
    for a in outcome.assumptions:
        value = "" if a.value is None else f"   ({a.value:.6g})"
        lines.append(f"  {'met   ' if a.holds else 'BROKEN'}  {a.text}{value}")
    for e in outcome.evidence:
        where = f" at {list(e.at)}" if e.at else ""
        interval = f" +- {e.error:.3g}" if e.error else ""
        lines += [
            f"{e.name}{where}: {e.verdict}",
            f"  observed   {e.observed:.15g}{interval}",
            f"  {e.relation} theory  {e.predicted:.15g}",
            f"  tolerance  {e.tolerance:.3g}   ({e.why})",
            f"  tightness  {e.tightness:.6g}   ({'deviation/tolerance' if e.relation == '==' else 'observed/bound'})",
        ]
    if outcome.message:
        lines.append(outcome.message)
    print("\n".join([*lines, "", f"verdict: {outcome.status}"]))


def draw(outcome: Outcome, path: pathlib.Path) -> None:
    """Observed and predicted of every evidence: curves where it compared series, points otherwise."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    many = max(1, len(outcome.evidence))
    figure, axes = plt.subplots(1, many, figsize=(5 * many, 4), squeeze=False, layout="constrained")
    for ax, e in zip(axes[0], outcome.evidence):
        observed, predicted = (np.ravel(a) for a in e.series) if e.series else ([e.observed], [e.predicted])
        label = {"<=": "upper bound", ">=": "lower bound"}.get(e.relation, "predicted")
        ax.plot(predicted, "--" if e.series else "_", ms=14, color="C1", label=label, zorder=3)  # seen where they agree
        ax.plot(observed, "-" if e.series else "o", color="C0", label="observed")
        finite = np.concatenate([v for v in np.abs((*observed, *predicted))[:, None] if np.isfinite(v)])
        if finite.size and finite.min() > 0 and finite.max() > 100 * finite.min():
            ax.set_yscale("log" if min(*observed, *predicted) > 0 else "linear")
        elif finite.size and np.isfinite(e.predicted):  # never magnify what the tolerance forgives
            low, high = ax.get_ylim()
            reach = 2 * max(e.tolerance, 1e-9 * finite.max())
            ax.set_ylim(min(low, e.predicted - reach), max(high, e.predicted + reach))
        ax.set_title(f"{e.name}: {e.verdict}")
        ax.legend()
    figure.suptitle(outcome.instance.info.id)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(f"wrote {path}")
