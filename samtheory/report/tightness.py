"""How tight the bounds are: observed/bound by sampling, by search, and in the exact worst case where there is one.

A claim may have a method `exact(self) -> dict[str, float]`: for its evidence of that name, the largest value that the
observed quantity takes over the *whole class of functions* of the theorem at this instance's parameters, by
semidefinite programming (extra `pep`).  It is asked on the claim's examples.
"""

from __future__ import annotations

from typing import Any

from samtheory.claims.claim import evaluate, instantiate
from samtheory.claims.registry import find
from samtheory.claims.verify import Result


def rows(results: list[Result], exact: bool = True) -> list[dict[str, Any]]:
    """One row a bound of these results: claim, bound, sampled, searched, exact (None where there is none)."""
    out = []
    for result in results:
        known = exact_ratios(find(result.id)) if exact else {}
        for name, part in result.parts.items():
            if part["relation"] in ("<=", ">="):
                out.append(
                    {
                        "claim": result.id,
                        "bound": name,
                        "sampled": part["sampled"],
                        "searched": part["searched"],
                        "exact": known.get(name),
                    }
                )
    return out


def exact_ratios(cls: Any) -> dict[str, float]:
    """name -> largest exact worst case / bound over the claim's examples; {} where the claim has no `exact`."""
    if not hasattr(cls, "exact"):
        return {}
    ratios: dict[str, float] = {}
    for values in cls.info.examples:
        instance = instantiate(cls, values)
        bounds = {e.name: e.predicted for e in evaluate(instance).evidence}
        for name, worst in instance.exact().items():
            ratios[name] = max(ratios.get(name, 0.0), worst / bounds[name])
    return ratios
