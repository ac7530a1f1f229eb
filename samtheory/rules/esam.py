"""ESAM (Du et al. 2022): ascend in random coordinates, descend on the samples whose loss rose most."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from samtheory.kernel import generic
from samtheory.oracles import MINI_BATCHES, Importance
from samtheory.problems.core import sample_loss
from samtheory.rules import along, at, between, checked, direction, first_gradient, norm, scheduled, second_gradient
from samtheory.rules.core import check_rule
from samtheory.rules.noise import Bernoulli, check_noise, displacement, is_noise


@checked(eta=scheduled(), rho=scheduled(), mask=is_noise, gamma=between(0, 1))
class ESAM(NamedTuple):
    """x <- x - eta g_S(x + rho m g/|g|), S the floor(gamma n) of the batch's n samples with the largest increase
    f_i(x + rho m g/|g|) - f_i(x) (at least one), m a mask of entries 0 and 1/beta (`Bernoulli(beta)`, or `Given`).

    gamma < 1 needs a batch of samples.  `Bernoulli(1)` and gamma = 1 are SAM.  (The authors' code keeps one less.)
    """

    eta: float
    rho: float
    mask: Any = Bernoulli(1.0)
    gamma: float = 1.0
    vectors = 1


@check_rule.register(ESAM)
def _check(rule, oracle):
    check_noise(rule, oracle)
    kind, problem = type(oracle), type(oracle.problem)
    if rule.gamma < 1 and (kind not in MINI_BATCHES or kind is Importance or not oracle.shared):
        raise ValueError(
            f"gamma = {rule.gamma} chooses among the samples of one batch for both gradients; {kind.__name__} "
            "draws none such: wrap the problem in EverySample or in a mini-batch oracle"
        )
    if kind in MINI_BATCHES and not sample_loss.supports(problem):
        raise TypeError(f"ESAM needs `samtheory.problems.core.sample_loss`; {problem.__name__} has none registered")


@direction.register(ESAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    length = norm(out)
    displacement(rule.mask, source, t, ws[0])
    for i in range(x.shape[0]):
        out[i] *= ws[0, i]
    along(x, at(rule.rho, t) / length if length > 0.0 else 0.0, out, ws[0])
    if rule.gamma < 1.0:
        _weigh(source.oracle, source, x, ws[0], max(1, int(rule.gamma * source.first.idx.shape[0] * (1.0 + 1e-12))))
    second_gradient(source, ws[0], out)
    if rule.gamma < 1.0:
        for k in range(source.first.z.shape[0]):
            source.first.z[k] = 1.0
    return 0 if length > 0.0 else 1


@generic
def _weigh(oracle, source, x, y, chosen):
    """The batch's weights z: n/chosen for the `chosen` samples with the largest f_i(y) - f_i(x), 0 for the others."""


@_weigh.register(object)
def _no_samples(oracle, source, x, y, chosen):
    pass


def _weigh_samples(oracle, source, x, y, chosen):
    batch, problem, work = source.first, source.oracle.problem, source.work
    n = batch.z.shape[0]
    for k in range(n):
        batch.z[k] = sample_loss(problem, batch.idx[k], y, work) - sample_loss(problem, batch.idx[k], x, work)
    for _ in range(chosen):
        best = 0
        for k in range(n):  # a chosen one is marked by inf
            if batch.z[best] == math.inf or (batch.z[k] > batch.z[best] and batch.z[k] < math.inf):
                best = k
        batch.z[best] = math.inf
    for k in range(n):
        batch.z[k] = n / chosen if batch.z[k] == math.inf else 0.0


for kind in MINI_BATCHES:
    _weigh.register(kind)(_weigh_samples)
