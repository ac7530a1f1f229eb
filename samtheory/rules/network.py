"""Agents on a network (Cao, Wu, Yuan & Sayed 2024): x stacks the weights of K agents, W = (w_1, ..., w_K).

    diffusion     W <- A (W - eta U)      adapt, then combine
    consensus     W <- A W - eta U        combine and adapt at once
    centralised   diffusion with A = 11'/K from equal weights: w <- w - eta mean_k u_k

U is the direction of the inner rule on the stacked problem (`samtheory.problems.stacked.Stacked`), A doubly stochastic.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import dim
from samtheory.rules import axpy, checked, direction, step, stepsize
from samtheory.rules.around import around
from samtheory.rules.core import check_inner
from samtheory.validate import array
from samtheory.vectors import copy, fill


def doubly_stochastic(name: str, value: Any) -> np.ndarray:
    """A square matrix whose rows and columns sum to 1 (to 1e-12)."""
    out = array(None, None)(name, value)
    if out.shape[0] != out.shape[1]:
        raise ValueError(f"{name} has shape {out.shape}; it must be square")
    off = max(np.abs(out.sum(axis=k) - 1).max() for k in (0, 1))
    if off > 1e-12:
        raise ValueError(f"{name} has rows or columns whose sum is off 1 by {off:.3g}; it must be doubly stochastic")
    return out


def metropolis(links: Any) -> np.ndarray:
    """Metropolis weights of a graph [K, K] of links (symmetric, its diagonal is ignored): a_kl = 1/(1 + max degree)."""
    graph = np.asarray(links) != 0
    if graph.ndim != 2 or graph.shape[0] != graph.shape[1] or (graph != graph.T).any():
        raise ValueError(f"links of shape {graph.shape} are no symmetric matrix")
    graph = graph & ~np.eye(len(graph), dtype=bool)
    degree = graph.sum(axis=1)
    weights = graph / (1.0 + np.maximum.outer(degree, degree))
    return weights + np.diag(1 - weights.sum(axis=1))


def _check(rule, oracle):
    check_inner(rule, oracle)
    if dim(oracle.problem) % len(rule.A):
        raise ValueError(f"A has {len(rule.A)} agents; they do not divide the {dim(oracle.problem)} coordinates")


@around(check=_check)
@checked(A=doubly_stochastic)
class Diffusion(NamedTuple):
    """W <- A (W - eta U), A [K, K] doubly stochastic."""

    rule: Any
    A: np.ndarray


@around(check=_check)
@checked(A=doubly_stochastic)
class Consensus(NamedTuple):
    """W <- A W - eta U, A [K, K] doubly stochastic."""

    rule: Any
    A: np.ndarray


@kernel
def _combine(A, y, out):
    """Block k of out = sum_l A_kl (block l of y)."""
    agents = A.shape[0]
    size = y.shape[0] // agents
    fill(out, 0.0)
    for k in range(agents):
        for l in range(agents):  # noqa: E741
            for i in range(size):
                out[k * size + i] += A[k, l] * y[l * size + i]


@step.register(Diffusion)
def _diffusion(rule, source, t, x, memory, ws):
    omitted = direction(rule.rule, source, t, x, memory, ws[0], ws[1:])
    axpy(-stepsize(rule.rule, t), ws[0], x)
    copy(x, ws[0])
    _combine(rule.A, ws[0], x)
    return omitted


@step.register(Consensus)
def _consensus(rule, source, t, x, memory, ws):
    omitted = direction(rule.rule, source, t, x, memory, ws[0], ws[1:])
    _combine(rule.A, x, ws[1])
    copy(ws[1], x)
    axpy(-stepsize(rule.rule, t), ws[0], x)
    return omitted
