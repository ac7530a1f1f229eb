"""m-SAM: every shard of the batch takes its own ascent step (Foret et al. 2021, section 4.1)."""

from __future__ import annotations

from typing import Any, NamedTuple

from samtheory.oracles import Batch, Source, shape
from samtheory.rules.around import around
from samtheory.rules.core import check_inner, direction, memories_of
from samtheory.validate import checked, count
from samtheory.vectors import axpy, fill


def _check(rule, oracle):
    check_inner(rule, oracle)
    batch = shape(oracle)[1]
    if batch == 0:
        raise ValueError(
            f"Sharded has no batch to cut up: {type(oracle).__name__} draws no samples; "
            "wrap the problem in EverySample or in a mini-batch oracle"
        )
    if batch % rule.m:
        raise ValueError(f"m = {rule.m} does not divide the batch of {batch} samples")


@around(vectors=1, check=_check)
@checked(m=count(1))
class Sharded(NamedTuple):
    """The mean over shards of `m` samples each of the rule's direction on that shard alone.

    m is the shard *size* ('m-sharpness'), and must divide the batch: m = 1 is 1-SAM, m = batch is plain.
    The inner rule must keep no memory.
    """

    rule: Any
    m: int

    @property
    def memories(self) -> int:
        if memories_of(self.rule):
            raise ValueError(f"rule = {type(self.rule).__name__} keeps memory; its shards would share it")
        return 0


@direction.register(Sharded)
def _direction(rule, source, t, x, memory, out, ws):
    shards = source.first.idx.shape[0] // rule.m
    omitted = 0
    fill(out, 0.0)
    for s in range(shards):
        low, high = s * rule.m, (s + 1) * rule.m
        first = Batch(source.first.z[low:high], source.first.idx[low:high])
        second = Batch(source.second.z[low:high], source.second.idx[low:high])
        shard = Source(source.oracle, first, second, source.work, source.rng)
        omitted += direction(rule.rule, shard, t, x, memory, ws[0], ws[1:])
        axpy(1.0 / shards, ws[0], out)
    return omitted
