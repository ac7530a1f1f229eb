"""What `samtheory worst-case RULE ...` prints."""

from __future__ import annotations

import json
import math
from typing import Any

from samtheory.claims.verify import jsonable
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.worst_case.sdp import sam_step_worst_gap, worst_case
from samtheory.worst_case.theorems import Setting, applicable

CONTRACTIONS = ("gap", "distance", "gradient")  # these metrics compare x_N with x_0 by the same quantity

RULES = {
    "gd": lambda eta, rho: GD(eta),
    "usam": lambda eta, rho: USAM(eta, rho),
    "sam": lambda eta, rho: SAM(eta, rho),
}


def report(options: Any) -> dict[str, Any]:
    """The exact worst case that the options ask for, with its certificate and the tightness of every theorem."""
    rule = RULES[options.rule](options.eta, options.rho)
    if isinstance(rule, GD) and options.rho:
        raise ValueError(f"rho = {options.rho}: gd has no radius; ask for usam or sam")
    functions, metric, start = options.functions, options.metric, options.start
    given: dict[str, Any] = {"L": options.L, "mu": options.mu, "start": start}
    if isinstance(rule, SAM):
        if metric != "gap" or functions != "smooth-strongly-convex" or options.steps != 1:
            raise ValueError(
                "sam: the exact worst case is of one step (-N 1), --class smooth-strongly-convex, --metric gap"
            )
        worst_case(rule, functions, **given, gradient_norm=math.sqrt(options.L * start))  # bad input is named first
        _, norm = sam_step_worst_gap(rule, **given)
        found = worst_case(rule, functions, **given, gradient_norm=norm)
    else:
        norm = None
        found = worst_case(rule, functions, **given, steps=options.steps, metric=metric)
    setting = Setting(options.eta, options.rho, options.mu, options.L, options.steps, start)
    theorems = [
        {
            "claim": claim,
            "bound": bound,
            "tightness": found.value / bound if bound and found.solved else None,
            "outside": why or None,
        }
        for claim, bound, why in applicable(rule, functions, metric, setting)
    ]
    return {
        "rule": repr(rule),
        "class": functions,
        "metric": metric,
        "steps": options.steps,
        "worst": found.value,
        "attained": found.attained,
        "factor": (found.value / start) ** (1 / options.steps) if metric in CONTRACTIONS and found.value > 0 else None,
        "residual": found.residual,
        "status": found.status if found.solved else f"inconclusive ({found.status})",
        "solved": found.solved,
        "gradient_norm": norm,
        "seconds": found.seconds,
        "theorems": theorems,
    }


def show(options: Any) -> int:
    """Print the report; 0 where the programme was solved, 1 where it is inconclusive."""
    out = report(options)
    if options.json:
        print(json.dumps(jsonable(out), indent=1))
        return 0 if out["solved"] else 1
    print(f"{out['rule']} on {out['class']} functions, mu = {options.mu:g}, L = {options.L:g}, N = {out['steps']}")
    if not out["solved"]:
        print(f"verdict: {out['status']}")
        return 1
    at = f", at |g(x_0)| = {out['gradient_norm']:.6g}" if out["gradient_norm"] else ""
    factor = f"; factor {out['factor']:.10g} a step" if out["factor"] is not None else ""
    print(f"exact worst {out['metric']}: {out['worst']:.10g} from {options.start:g}{at}{factor}")
    print(f"certificate: residual {out['residual']:.2g}; attained {out['attained']:.10g}; solver: {out['status']}")
    for row in out["theorems"]:
        told = f"outside: it needs {row['outside']}"
        if row["bound"] is not None:
            told = f"bound {row['bound']:.10g}, tightness {row['tightness']:.6f}"
        print(f"  {row['claim']:<36} {told}")
    if not out["theorems"]:
        print("  no theorem of this rule, class and metric is in the collection")
    return 0
