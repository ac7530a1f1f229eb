"""Models of stochastic SAM on finite sums, the batches enumerated: exact drift and exact covariance.

With u_b = g_b + rho H_b p_b for batch b (probability w_b) and m = sum_b w_b u_b,

    dX = -m(X) dt + sqrt(eta) sum_b sqrt(w_b) (u_b - m) dW_b,

so the covariance is eta Cov(u_b), never indefinite.  For p_b = g_b (USAM) the drift is -grad(f + rho/2 E|g_b|^2);
for p_b = g_b/|g_b| (SAM) it is -grad(f + rho E|g_b|).  `shrink` scales the covariance: m-SAM with batch size B and
independent shards of size m has the drift of batch size m and m/B times its covariance (Luo et al. 2025).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import dim, sample_grad, sample_hvp, samples, scratch
from samtheory.samplings import every_batch
from samtheory.sde.core import drift, noises, spread
from samtheory.sde.pushes import push
from samtheory.vectors import axpy, fill


class BatchSDE(NamedTuple):
    """dX = -E[u_b] dt + sqrt(eta shrink) sum_b sqrt(w_b) (u_b - E u_b) dW_b; build it with `batch_sde`."""

    problem: Any
    batches: np.ndarray  # int64[M, size]
    weights: np.ndarray  # float64[M], sums to 1
    eta: float
    rho: float
    kind: Any
    shrink: float


def batch_sde(
    problem: Any, eta: float, rho: float, kind: Any, size: int = 1, replace: bool = True, shrink: float = 1.0
) -> BatchSDE:
    """The model of mini-batches of `size` samples drawn with or without replacement."""
    for name, value in (("eta", eta), ("rho", rho), ("shrink", shrink)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} = {value!r} must be finite and >= 0")
    batches, weights = every_batch(samples(problem), size, replace)
    return BatchSDE(problem, batches, weights, float(eta), float(rho), kind, float(shrink))


@dim.register(BatchSDE)
def _dim(model):
    return dim(model.problem)


@noises.register(BatchSDE)
def _noises(model):
    return model.batches.shape[0]


@scratch.register(BatchSDE)
def _scratch(model):
    return scratch(model.problem) + 7 * dim(model.problem)


@kernel
def _batch_direction(model, b, x, g, out, work):
    """out = u_b; `work` holds three vectors and the problem's scratch."""
    d = x.shape[0]
    one, g_batch, p, rest = work[:d], work[d : 2 * d], work[2 * d : 3 * d], work[3 * d :]
    share = 1.0 / model.batches.shape[1]
    fill(g_batch, 0.0)
    for k in range(model.batches.shape[1]):
        sample_grad(model.problem, model.batches[b, k], x, one, rest)
        axpy(share, one, g_batch)
    push(model.kind, g_batch, g, p)
    for i in range(d):
        out[i] = g_batch[i]
    for k in range(model.batches.shape[1]):
        sample_hvp(model.problem, model.batches[b, k], x, p, one, rest)
        axpy(model.rho * share, one, out)


@kernel
def _mean_direction(model, x, g, u, out, work):
    """g = full gradient; out = E u_b; u is scratch."""
    n = samples(model.problem)
    fill(g, 0.0)
    for i in range(n):
        sample_grad(model.problem, i, x, u, work)
        axpy(1.0 / n, u, g)
    fill(out, 0.0)
    for b in range(model.batches.shape[0]):
        _batch_direction(model, b, x, g, u, work)
        axpy(model.weights[b], u, out)


@drift.register(BatchSDE)
def _drift(model, x, out, work):
    d = x.shape[0]
    _mean_direction(model, x, work[:d], work[d : 2 * d], out, work[2 * d :])
    for i in range(d):
        out[i] = -out[i]


@spread.register(BatchSDE)
def _spread(model, x, dw, out, work):
    d = x.shape[0]
    g, u, mean = work[:d], work[d : 2 * d], work[2 * d : 3 * d]
    _mean_direction(model, x, g, u, mean, work[3 * d :])
    fill(out, 0.0)
    for b in range(model.batches.shape[0]):
        _batch_direction(model, b, x, g, u, work[3 * d :])
        scale = math.sqrt(model.eta * model.shrink * model.weights[b]) * dw[b]
        for i in range(d):
            out[i] += scale * (u[i] - mean[i])
