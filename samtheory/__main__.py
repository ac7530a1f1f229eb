"""The command line: list, show, verify, tightness, falsify, worst-case, figures."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Sequence

from samtheory import __version__


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point; exit status 0 as declared, 1 a verdict or control is not as declared, 2 bad usage."""
    parser = _parser()
    options = parser.parse_args(argv)
    if not hasattr(options, "run"):
        parser.print_help()
        sys.exit(2)
    try:
        sys.exit(options.run(options))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (ValueError, OSError, ImportError) as error:
        print(f"samtheory: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("samtheory: interrupted", file=sys.stderr)
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="samtheory", description="The theory of Sharpness-Aware Minimization, put to the test."
    )
    parser.add_argument("--version", action="version", version=f"samtheory {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    one = commands.add_parser("list", help="the claims, the papers they come from, or the update rules")
    one.add_argument("--json", action="store_true", help="an array of objects")
    what = one.add_mutually_exclusive_group()
    what.add_argument("--papers", action="store_true", help="the works, as a Markdown table or with --json")
    what.add_argument("--rules", action="store_true", help="the update rules, as a Markdown table or with --json")
    one.set_defaults(run=_list)

    one = commands.add_parser("show", help="statement, assumptions, source and confidence of a claim")
    one.add_argument("id")
    one.set_defaults(run=_show)

    one = commands.add_parser("verify", help="check claims and their negative controls")
    one.add_argument("ids", nargs="*", metavar="ID", help="claims, papers or claim files (default: every claim)")
    one.add_argument("--effort", choices=("quick", "standard", "thorough"), default="quick")
    one.add_argument("--seed", type=_natural, default=0, help="seed of the sampled instances (default 0)")
    one.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    one.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the results to this file")
    one.set_defaults(run=_verify)

    one = commands.add_parser("tightness", help="observed/bound of every bound: sampled, searched, exact worst case")
    one.add_argument("ids", nargs="*", metavar="ID", help="claims, papers or claim files (default: every claim)")
    one.add_argument("--effort", choices=("quick", "standard", "thorough"), default="quick")
    one.add_argument("--seed", type=_natural, default=0)
    one.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    one.add_argument("--json", action="store_true", help="an array of objects")
    one.set_defaults(run=_tightness)

    one = commands.add_parser("falsify", help="search for the worst instance of a claim")
    one.add_argument("id")
    one.add_argument("--budget", type=_positive, default=2000, metavar="N", help="evaluations (default 2000)")
    one.add_argument("--seed", type=_natural, default=0)
    one.set_defaults(run=_falsify)

    one = commands.add_parser("worst-case", help="exact worst case of a rule over a class of functions (extra `pep`)")
    one.add_argument("rule", choices=("gd", "usam", "sam"))
    classes = ("smooth-strongly-convex", "smooth-convex", "smooth")
    one.add_argument("--class", dest="functions", choices=classes, default=classes[0])
    metrics = ("gap", "distance", "gap-from-distance", "gradient", "least-gradient", "mean-gradient")
    one.add_argument(
        "--metric", choices=metrics, help="default: gap, gap-from-distance, least-gradient of the three classes"
    )
    one.add_argument("--mu", type=float, default=0.0, help="strong convexity (default 0)")
    one.add_argument("--L", type=float, default=1.0, help="smoothness (default 1)")
    one.add_argument("--eta", type=float, required=True, help="step size")
    one.add_argument("--rho", type=float, default=0.0, help="radius (default 0)")
    one.add_argument("-N", dest="steps", type=_positive, default=1, help="steps (default 1)")
    one.add_argument("--start", type=float, default=1.0, help="bound of the initial gap, distance^2, |g|^2 (default 1)")
    one.add_argument("--json", action="store_true")
    one.set_defaults(run=_worst_case)

    one = commands.add_parser("figures", help="regenerate the figures of the papers")
    one.add_argument("names", nargs="*", metavar="NAME", help="figures (default: every one)")
    one.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out"), metavar="DIR", help="default: out")
    one.add_argument("--fresh", action="store_true", help="compute the data again although it is stored")
    one.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes (default: all cores)")
    one.set_defaults(run=_figures)
    return parser


def _natural(text: str) -> int:
    return _at_least(text, 0)


def _positive(text: str) -> int:
    return _at_least(text, 1)


def _at_least(text: str, low: int) -> int:
    if not text.isdecimal() or int(text) < low:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer >= {low}")
    return int(text)


def _list(options: argparse.Namespace) -> int:
    from samtheory.claims import literature, registry
    from samtheory.rules import table

    if options.papers or options.rules:
        rows = map(dataclasses.asdict, literature.papers() if options.papers else table.entries())
        markdown = literature.markdown if options.papers else table.markdown
        print(json.dumps(list(rows), indent=1) if options.json else markdown())
        return 0

    infos = [registry.find(name).info for name in registry.paths()]
    if options.json:
        fields = ("id", "paper", "title", "where", "kind", "statement", "confidence", "expected", "repaired", "caveat")
        rows = [{name: getattr(i, name) for name in fields} | {"controls": list(i.controls)} for i in infos]
        print(json.dumps(rows, indent=1))
        return 0
    from samtheory.report.table import claims_table

    claims_table(infos)
    return 0


def _show(options: argparse.Namespace) -> int:
    from samtheory.claims import registry
    from samtheory.report.show import describe

    print(describe(registry.find(options.id)))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from samtheory.claims import registry
    from samtheory.report.run import verify_all
    from samtheory.validate import writable

    chosen = registry.select(options.ids)
    for name in chosen:
        registry.find(name)  # a file that declares no claim is reported before anything runs
    if options.json is not None:
        writable("--json", options.json)
    results = verify_all(chosen, options.effort, options.seed, options.jobs, options.json)
    return 0 if len(results) == len(chosen) and all(r.as_declared for r in results) else 1


def _tightness(options: argparse.Namespace) -> int:
    from samtheory.claims import registry
    from samtheory.report.run import run_all
    from samtheory.report.table import tightness_table, wide_console
    from samtheory.report.tightness import rows

    chosen = registry.select(options.ids)
    found = rows(run_all(chosen, options.effort, options.seed, options.jobs))
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        wide_console().print(tightness_table(found))
    return 0


def _falsify(options: argparse.Namespace) -> int:
    from samtheory.claims import registry
    from samtheory.report.run import falsify_one

    return falsify_one(registry.find(options.id), options.budget, options.seed)


def _worst_case(options: argparse.Namespace) -> int:
    from samtheory.worst_case.command import show

    usual = {"smooth-strongly-convex": "gap", "smooth-convex": "gap-from-distance", "smooth": "least-gradient"}
    options.metric = options.metric or usual[options.functions]
    return show(options)


def _figures(options: argparse.Namespace) -> int:
    from samtheory.report.figures import regenerate

    regenerate(options.names, options.out, options.fresh, options.jobs)
    return 0


if __name__ == "__main__":
    main()
