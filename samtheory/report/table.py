"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

LOOSE = 0.01  # a bound that nothing reaches to a hundredth is flagged

_COLOURS = {"holds": "green", "refuted": "red", "inconclusive": "yellow", "error": "bold red"}


def wide_console() -> Console:
    """A console as wide as the terminal; 120 columns where the output is a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def claims_table(infos: Iterable[Any]) -> None:
    """One line a claim: id, kind, confidence, title."""
    table = Table(box=None, header_style="bold")
    for name in ("claim", "kind", "controls", "confidence", "title"):
        table.add_column(name, no_wrap=name == "claim")
    for info in infos:
        title = info.title if info.expected == "holds" else f"{info.title} [red](false as stated)[/]"
        table.add_row(info.id, info.kind, str(len(info.controls)), info.confidence, title)
    wide_console().print(table)


def results_table(results: Iterable[Any]) -> Table:
    """One row a result; where the terminal is narrow the names wrap, never the numbers."""
    table = Table(box=None, header_style="bold")
    for name in ("claim", "verdict", "instances", "margin", "tightness", "controls", "seconds"):
        words = name in ("claim", "verdict")
        table.add_column(name, justify="left" if words else "right", no_wrap=not words)
    for r in results:
        right = sum(c.verdict == c.expected for c in r.controls.values())
        controls = f"{right}/{len(r.controls)}"
        table.add_row(
            r.id,
            f"[{_COLOURS.get(r.verdict, 'white')}]{r.verdict}[/]" + _remark(r),
            str(r.instances),
            _number(r.worst_margin),
            _number(r.tightness),
            controls if right == len(r.controls) else f"[red]{controls}[/]",
            f"{r.seconds:.1f}",
        )
    return table


def _remark(result: Any) -> str:
    """What a reader must know beside the verdict."""
    remarks = ["as declared"] * (result.expected != "holds") + ["stand-in"] * ("stand-in" in result.confidence)
    return f" ({', '.join(remarks)})" if remarks else ""


def tightness_table(rows: Iterable[dict[str, Any]]) -> Table:
    """One row a bound: observed/bound over sampled instances, over those of a search, and in the exact worst case."""
    table = Table(box=None, header_style="bold")
    for name in ("claim", "bound", "sampled", "searched", "exact"):
        words = name in ("claim", "bound")
        table.add_column(name, justify="left" if words else "right", no_wrap=not words)
    for row in rows:
        loose = max((row[k] for k in ("sampled", "searched", "exact") if row[k] is not None), default=1.0) < LOOSE
        numbers = [_number(row[k]) for k in ("sampled", "searched", "exact")]
        table.add_row(row["claim"], row["bound"] + (" [yellow](loose)[/]" if loose else ""), *numbers)
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
