"""One term of a finite sum as a problem of its own: the loss that a step with batches of one sees."""

from __future__ import annotations

from typing import Any, NamedTuple

from samtheory.problems.core import dim, grad, hvp, loss, sample_grad, sample_hvp, sample_loss, samples, scratch
from samtheory.validate import together


def _is_sample(made: Any) -> None:
    n = samples(made.problem)
    if isinstance(made.index, bool) or made.index != int(made.index) or not 0 <= made.index < n:
        raise ValueError(f"index = {made.index!r} is no sample; they are 0, ..., {n - 1}")


@together(_is_sample)
class Sample(NamedTuple):
    """f_index of f = (1/n) sum_i f_i; `hvp` where the problem has `sample_hvp`."""

    problem: Any
    index: int


def each_sample(problem: Any) -> list[Sample]:
    """f_0, ..., f_(n-1)."""
    return [Sample(problem, i) for i in range(samples(problem))]


@dim.register(Sample)
def _dim(p):
    return dim(p.problem)


@scratch.register(Sample)
def _scratch(p):
    return scratch(p.problem)


@loss.register(Sample)
def _loss(p, x, work):
    return sample_loss(p.problem, p.index, x, work)


@grad.register(Sample)
def _grad(p, x, out, work):
    sample_grad(p.problem, p.index, x, out, work)


@hvp.register(Sample)
def _hvp(p, x, v, out, work):
    sample_hvp(p.problem, p.index, x, v, out, work)
