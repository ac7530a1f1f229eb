"""What rules around another rule share: its scratch and memory beside their own, its step size, its checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samtheory.rules.core import check_inner, check_rule, memories_of, stepsize, vectors_of


def around(vectors: int = 0, memories: int = 0, check: Callable[[Any, Any], None] = check_inner) -> Callable:
    """Class decorator for a rule with a field `rule`: rows of its own, before those of the inner rule.

    `check(rule, oracle)` refuses what cannot run.  An attribute that the class defines itself is left alone.
    """

    def decorate(cls: type) -> type:
        rows = {
            "vectors": property(lambda self: vectors + vectors_of(self.rule)),
            "memories": property(lambda self: memories + memories_of(self.rule)),
        }
        for name in rows.keys() - vars(cls).keys():
            setattr(cls, name, rows[name])
        check_rule.register(cls)(check)
        stepsize.register(cls)(_of_the_inner_rule)
        return cls

    return decorate


def _of_the_inner_rule(rule, t):
    return stepsize(rule.rule, t)
