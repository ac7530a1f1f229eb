"""Where a rule's gradients come from: the full batch, additive noise, mini-batches.

An oracle is a `NamedTuple` around a problem.  Each step it draws a realisation into a `Batch`; the rule asks for
gradients with the step's *first* realisation (ascent) and its *second* one (descent).  `shared=True` means that
the two are one and the same draw, which is what practice does; `shared=False` draws them independently.

Draws come from the member's own stream, in the order: first realisation, then the second if independent, then
whatever the rule itself draws (from `source.rng`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import generic, kernel
from samtheory.problems.core import data_size, dim, grad, hvp, loss, moved_grad, sample_grad, sample_loss, samples
from samtheory.streams import integer, normals, shuffle, uniform
from samtheory.validate import array, checked, count, nonnegative, together, truth
from samtheory.vectors import axpy, dot, fill


class Batch(NamedTuple):
    """One realisation: z are noise values or sample weights, idx the samples drawn."""

    z: np.ndarray
    idx: np.ndarray


NO_STREAM = np.zeros(6, dtype=np.uint64)
NO_STREAM.flags.writeable = False  # a rule that draws from it does not compile


class Source(NamedTuple):
    """What a rule may ask for gradients during one step, and the member's stream for draws of its own."""

    oracle: Any
    first: Batch
    second: Batch
    work: np.ndarray
    rng: np.ndarray = NO_STREAM


@generic
def draw(oracle, t, rng, order, batch):
    """Draw the realisation of step t into `batch`; `order` is int64 memory that belongs to the member."""


@generic
def gradient(oracle, x, batch, out, work):
    """out = gradient at x with this realisation."""


@generic
def value(oracle, x, batch, work):
    """The function whose gradient `gradient` is, at x with this realisation."""


@generic
def shape(oracle) -> tuple[int, int, int]:
    """(floats in Batch.z, indices in Batch.idx, integers of memory a member keeps)."""


@kernel
def first_gradient(source, x, out):
    """out = gradient at x with the step's first realisation (ascent)."""
    gradient(source.oracle, x, source.first, out, source.work)


@kernel
def second_gradient(source, x, out):
    """out = gradient at x with the step's second realisation (descent)."""
    gradient(source.oracle, x, source.second, out, source.work)


@kernel
def second_value(source, x):
    """The objective at x with the step's second realisation (descent)."""
    return value(source.oracle, x, source.second, source.work)


@kernel
def full_gradient(source, x, out):
    """out = gradient of the whole objective at x, whatever the oracle draws."""
    grad(source.oracle.problem, x, out, source.work)


@kernel
def curvature(source, x, v, out):
    """out = Hessian of the whole objective at x, times v; the full batch only (`check_curvature`)."""
    hvp(source.oracle.problem, x, v, out, source.work)


# ------------------------------------------------------------------------------------ full batch


class FullBatch(NamedTuple):
    """The exact gradient; draws nothing."""

    problem: Any
    shared: bool = True


@shape.register(FullBatch)
def _full_shape(oracle):
    return 0, 0, 0


@draw.register(FullBatch)
def _full_draw(oracle, t, rng, order, batch):
    pass


@gradient.register(FullBatch)
def _full_gradient(oracle, x, batch, out, work):
    grad(oracle.problem, x, out, work)


@value.register(FullBatch)
def _full_value(oracle, x, batch, work):
    return loss(oracle.problem, x, work)


def check_value(rule: Any, oracle: Any) -> None:
    """Raise TypeError where a rule that compares losses cannot have them."""
    name, problem = type(rule).__name__, type(oracle.problem).__name__
    if not value.supports(type(oracle)):
        raise TypeError(f"{name} takes values of the loss; {type(oracle).__name__} gives none")
    piece = sample_loss if type(oracle) in MINI_BATCHES else loss
    if not piece.supports(type(oracle.problem)):
        raise TypeError(f"{name} needs `samtheory.problems.core.{piece.__name__}`; {problem} has none registered")


def check_curvature(rule: Any, oracle: Any) -> None:
    """Raise TypeError where a rule that takes Hessian-vector products cannot have them."""
    name, problem = type(rule).__name__, type(oracle.problem).__name__
    if not isinstance(oracle, FullBatch):
        raise TypeError(f"{name} takes Hessian-vector products of the full batch; {type(oracle).__name__} gives none")
    if not hvp.supports(type(oracle.problem)):
        raise TypeError(
            f"{name} needs `samtheory.problems.core.hvp`; {problem} has none registered (an objective that is not C^2 "
            "must not have one: the theory of this rule does not apply to it)"
        )


# ------------------------------------------------------------------------------------ additive noise


@checked(sigma=nonnegative, shared=truth)
class GaussianNoise(NamedTuple):
    """grad f(x) + sigma z, z ~ N(0, I): the noise of f_xi(x) = f(x) + sigma <z, x>."""

    problem: Any
    sigma: float
    shared: bool = True


@checked(factor=array(None, None), shared=truth)
class FactorNoise(NamedTuple):
    """grad f(x) + factor z, z ~ N(0, I_k), factor of shape [d, k]: noise covariance factor factor'."""

    problem: Any
    factor: np.ndarray
    shared: bool = True


@checked(scale=array(None), shared=truth)
class DataNoise(NamedTuple):
    """The gradient with entry k of the data moved by scale_k z_k, z ~ N(0, I): label noise."""

    problem: Any
    scale: np.ndarray
    shared: bool = True


@shape.register(GaussianNoise)
def _gaussian_shape(oracle):
    return dim(oracle.problem), 0, 0


@shape.register(FactorNoise)
def factor_shape(oracle):
    """One normal for each column of `factor`, whose rows must be those of the problem."""
    if oracle.factor.shape[0] != dim(oracle.problem):
        raise ValueError(f"factor has {oracle.factor.shape[0]} rows; the problem has dimension {dim(oracle.problem)}")
    return oracle.factor.shape[1], 0, 0


@shape.register(DataNoise)
def _data_shape(oracle):
    problem = type(oracle.problem)
    if not moved_grad.supports(problem):
        raise TypeError(f"problem = {problem.__name__} has no `samtheory.problems.core.moved_grad` registered")
    if oracle.scale.shape != (data_size(oracle.problem),):
        raise ValueError(
            f"scale has shape {oracle.scale.shape}; the problem has {data_size(oracle.problem)} entries of data"
        )
    return oracle.scale.shape[0], 0, 0


@draw.register(DataNoise)
def _data_draw(oracle, t, rng, order, batch):
    normals(rng, batch.z)
    for k in range(batch.z.shape[0]):
        batch.z[k] *= oracle.scale[k]


@gradient.register(DataNoise)
def _moved_gradient(oracle, x, batch, out, work):
    moved_grad(oracle.problem, x, batch.z, out, work)


@draw.register(GaussianNoise)
@draw.register(FactorNoise)
def _normal_draw(oracle, t, rng, order, batch):
    normals(rng, batch.z)


@gradient.register(GaussianNoise)
def _gaussian_gradient(oracle, x, batch, out, work):
    grad(oracle.problem, x, out, work)
    axpy(oracle.sigma, batch.z, out)


@value.register(GaussianNoise)
def _gaussian_value(oracle, x, batch, work):
    return loss(oracle.problem, x, work) + oracle.sigma * dot(batch.z, x)


@value.register(FactorNoise)
def _factor_value(oracle, x, batch, work):
    total = loss(oracle.problem, x, work)
    for i in range(x.shape[0]):
        for j in range(batch.z.shape[0]):
            total += x[i] * oracle.factor[i, j] * batch.z[j]
    return total


@gradient.register(FactorNoise)
def factor_gradient(oracle, x, batch, out, work):
    """out = grad f(x) + factor z."""
    grad(oracle.problem, x, out, work)
    for i in range(x.shape[0]):
        for j in range(batch.z.shape[0]):
            out[i] += oracle.factor[i, j] * batch.z[j]


# ------------------------------------------------------------------------------------ mini-batches


@checked(size=count(1), shared=truth)
class WithReplacement(NamedTuple):
    """Mean gradient over `size` samples drawn i.i.d. uniformly."""

    problem: Any
    size: int
    shared: bool = True


@checked(size=count(1), shared=truth)
class WithoutReplacement(NamedTuple):
    """Mean gradient over a uniformly random subset of `size` samples, afresh each step ('tau-nice')."""

    problem: Any
    size: int
    shared: bool = True


@checked(size=count(1), shared=truth)
class Reshuffled(NamedTuple):
    """Mean gradient over consecutive blocks of a random order of the data, drawn anew every epoch.

    The remainder of n modulo size is dropped.  Both realisations of a step are the same block, so `shared` stays True.
    """

    problem: Any
    size: int
    shared: bool = True


def _one_a_sample(made: Any) -> None:
    n = samples(made.problem)
    for name in ("cumulative", "weight"):
        if getattr(made, name).shape != (n,):
            raise ValueError(f"{name} has shape {getattr(made, name).shape}; the problem has {n} samples")


@together(_one_a_sample)
@checked(cumulative=array(None), weight=array(None), size=count(1), shared=truth)
class Importance(NamedTuple):
    """Mean over `size` i.i.d. samples with probabilities p of grad f_i / (n p_i): unbiased.

    Build it with `importance(problem, p, size)`.
    """

    problem: Any
    cumulative: np.ndarray
    weight: np.ndarray
    size: int
    shared: bool = True


@checked(shared=truth)
class EverySample(NamedTuple):
    """All samples, in order: the mean is the full gradient, and shards of it are data shards (m-SAM)."""

    problem: Any
    shared: bool = True


def _weight_a_sample(made: Any) -> None:
    n = samples(made.problem)
    if made.weight.shape != (n,):
        raise ValueError(f"weight has shape {made.weight.shape}; the problem has {n} samples")


@together(_weight_a_sample)
@checked(weight=array(None), shared=truth)
class OneRealisation(NamedTuple):
    """The same realisation every step, (1/n) sum_i weight_i grad f_i: what an expectation over batches is taken of."""

    problem: Any
    weight: np.ndarray
    shared: bool = True


def importance(problem, p, size: int = 1, shared: bool = True) -> Importance:
    """Importance sampling with probabilities p, shape [n]; p_i > 0 and sum p = 1 to 1e-12."""
    n = samples(problem)
    p = array(n)("p", p)
    if (p <= 0).any():
        raise ValueError(f"p[{int(p.argmin())}] = {p.min()}; every probability must be > 0")
    if abs(p.sum() - 1) > 1e-12:
        raise ValueError(f"p sums to {p.sum()}; it must sum to 1")
    cumulative = np.cumsum(p)
    cumulative[-1] = 1.0
    return Importance(problem, cumulative, 1.0 / (n * p), size, shared)


@shape.register(WithReplacement)
@shape.register(Importance)
def _iid_shape(oracle):
    samples(oracle.problem)  # raises where there are none
    return oracle.size, oracle.size, 0


@shape.register(WithoutReplacement)
@shape.register(Reshuffled)
def _subset_shape(oracle):
    n = samples(oracle.problem)
    if isinstance(oracle, Reshuffled) and not oracle.shared:
        raise ValueError("Reshuffled has one block a step: shared = False is not possible")
    if oracle.size > n:
        raise ValueError(f"size = {oracle.size} is more than the {n} samples there are to draw without replacement")
    return oracle.size, oracle.size, n


@shape.register(EverySample)
@shape.register(OneRealisation)
def _every_shape(oracle):
    n = samples(oracle.problem)
    return n, n, 0


@draw.register(WithReplacement)
def _with_replacement(oracle, t, rng, order, batch):
    n = samples(oracle.problem)
    for k in range(batch.idx.shape[0]):
        batch.idx[k] = integer(rng, n)
        batch.z[k] = 1.0


@draw.register(WithoutReplacement)
def _without_replacement(oracle, t, rng, order, batch):
    n = order.shape[0]
    if t == 0:
        _identity(order)
    for k in range(batch.idx.shape[0]):  # the first steps of a Fisher-Yates shuffle, from whatever order it left
        j = k + integer(rng, n - k)
        kept = order[k]
        order[k] = order[j]
        order[j] = kept
        batch.idx[k] = order[k]
        batch.z[k] = 1.0


@draw.register(Reshuffled)
def _reshuffled(oracle, t, rng, order, batch):
    size = batch.idx.shape[0]
    position = t % (order.shape[0] // size)
    if t == 0:
        _identity(order)
    if position == 0:
        shuffle(rng, order)
    for k in range(size):
        batch.idx[k] = order[position * size + k]
        batch.z[k] = 1.0


@draw.register(Importance)
def _importance_draw(oracle, t, rng, order, batch):
    for k in range(batch.idx.shape[0]):
        u = uniform(rng)
        low, high = 0, oracle.cumulative.shape[0] - 1
        while low < high:  # the first i with u < cumulative_i
            middle = (low + high) // 2
            if u < oracle.cumulative[middle]:
                high = middle
            else:
                low = middle + 1
        batch.idx[k] = low
        batch.z[k] = oracle.weight[low]


@draw.register(EverySample)
def _every_draw(oracle, t, rng, order, batch):
    _identity(batch.idx)
    fill(batch.z, 1.0)


@draw.register(OneRealisation)
def _one_draw(oracle, t, rng, order, batch):
    _identity(batch.idx)
    for k in range(batch.z.shape[0]):
        batch.z[k] = oracle.weight[k]


@kernel
def _identity(idx):
    for k in range(idx.shape[0]):
        idx[k] = k


@gradient.register(WithReplacement)
@gradient.register(WithoutReplacement)
@gradient.register(Reshuffled)
@gradient.register(Importance)
@gradient.register(EverySample)
@gradient.register(OneRealisation)
def _batch_gradient(oracle, x, batch, out, work):
    """out = mean over the batch of z_k grad f_{idx_k}(x); the tail of `work` holds one sample's gradient."""
    d = x.shape[0]
    if batch.idx.shape[0] == 1:  # no mean to take: 1-SAM is a fifth faster
        sample_grad(oracle.problem, batch.idx[0], x, out, work)
        if batch.z[0] != 1.0:
            for j in range(d):
                out[j] *= batch.z[0]
        return
    one = work[work.shape[0] - d :]
    fill(out, 0.0)
    share = 1.0 / batch.idx.shape[0]
    for k in range(batch.idx.shape[0]):
        sample_grad(oracle.problem, batch.idx[k], x, one, work)
        axpy(share * batch.z[k], one, out)


MINI_BATCHES = (WithReplacement, WithoutReplacement, Reshuffled, Importance, EverySample)


@value.register(WithReplacement)
@value.register(WithoutReplacement)
@value.register(Reshuffled)
@value.register(Importance)
@value.register(EverySample)
def _batch_value(oracle, x, batch, work):
    """The mean over the batch of z_k f_{idx_k}(x)."""
    total = 0.0
    for k in range(batch.idx.shape[0]):
        total += batch.z[k] * sample_loss(oracle.problem, batch.idx[k], x, work)
    return total / batch.idx.shape[0]
