"""1-SAM, fused: a step on one sample done in place by the problem itself, where it knows a cheaper way than two
gradients (Wen, Li & Ma 2023 train their networks with it)."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.oracles import Reshuffled, WithoutReplacement, WithReplacement
from samtheory.problems.core import sample_sam_step
from samtheory.rules import at, checked, scheduled, step
from samtheory.rules.core import check_rule


@checked(eta=scheduled(), rho=scheduled())
class OneSAM(NamedTuple):
    """x <- x - eta grad f_i(x + rho grad f_i(x)/|grad f_i(x)|), one sample i a step; rho = 0 is SGD.

    What `SAM` does under the same oracle, to round-off; batches of one, on problems with `sample_sam_step`.
    """

    eta: float
    rho: float


@check_rule.register(OneSAM)
def _check(rule, oracle):
    kind, problem = type(oracle), type(oracle.problem)
    if kind not in (Reshuffled, WithReplacement, WithoutReplacement) or oracle.size != 1 or not oracle.shared:
        raise ValueError(
            f"OneSAM takes one sample a step, the same in both gradients: Reshuffled, WithReplacement or "
            f"WithoutReplacement of size 1, not {kind.__name__}"
        )
    if not sample_sam_step.supports(problem):
        raise TypeError(
            f"OneSAM needs `samtheory.problems.core.sample_sam_step`; {problem.__name__} has none registered (SAM "
            "under the same oracle takes the same steps by two gradients)"
        )


@step.register(OneSAM)
def _step(rule, source, t, x, memory, ws):
    i = source.first.idx[0]
    return sample_sam_step(source.oracle.problem, i, x, at(rule.eta, t), at(rule.rho, t), source.work)
