"""Samplings of a finite sum: every batch with its probability, exact expectations, and expected-residual constants.

A sampling is an oracle of `samtheory.oracles`; its realisation S is a vector of weights v with
g_S = sum_i v_i grad f_i, E v_i = 1/n.  `FullBatch` and `EverySample` have one realisation, `WithoutReplacement` the
subsets, `WithReplacement` and `Importance` the multisets.  Where there are too many to enumerate, expectations are
Monte Carlo with an interval.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from samtheory.oracles import EverySample, FullBatch, GaussianNoise, Importance, WithoutReplacement, WithReplacement
from samtheory.problems.core import dim, sample_constants, samples
from samtheory.sde.order import Interval, mean_interval
from samtheory.validate import array, called, count, nonnegative

MOST = 10**6  # batches that are enumerated
EXACT = 50_000  # batches over which an expectation is exact; beyond, it is sampled


class Realisations(NamedTuple):
    """Every realisation of a sampling: probability [M] and weights [M, n], g_S = sum_i weights[S, i] grad f_i."""

    probability: np.ndarray
    weights: np.ndarray

    def mean(self, values: Any) -> np.ndarray:
        """E over the realisations of values [M, ...]."""
        return np.tensordot(self.probability, np.asarray(values, dtype=float), axes=1)


def every_batch(n: int, size: int, replace: bool) -> tuple[np.ndarray, np.ndarray]:
    """All batches of `size` of n samples, with their probabilities: (int64[M, size], float64[M]).

    replace=True: multisets with their multinomial probabilities; replace=False: subsets, equally likely.
    """
    n, size = count(1)("n", n), count(1)("size", size)
    if not replace and size > n:
        raise ValueError(f"size = {size} is more than the {n} samples there are to draw without replacement")
    many = _many(n, size, replace)
    if many > MOST:
        raise ValueError(f"size = {size} of n = {n} gives {many} batches; at most 10^6 can be enumerated")
    chosen = itertools.combinations_with_replacement if replace else itertools.combinations
    batches = np.array(list(chosen(range(n), size)), dtype=np.int64)
    if not replace:
        return batches, np.full(many, 1.0 / many)
    return batches, _ways(batches, n) / float(n) ** size


def _many(n: int, size: int, replace: bool) -> int:
    return math.comb(n + size - 1, size) if replace else math.comb(n, size)


def _ways(batches: np.ndarray, n: int) -> np.ndarray:
    """In how many orders each multiset can be drawn."""
    repeats = np.stack([(batches == i).sum(axis=1) for i in range(n)], axis=1)
    return math.factorial(batches.shape[1]) / np.prod(np.vectorize(math.factorial)(repeats).astype(float), axis=1)


def _weights(batches: np.ndarray, each: np.ndarray) -> np.ndarray:
    """Weights [M, n] of the mean over a batch of each_i grad f_i."""
    rows = np.zeros((len(batches), each.size))
    for column in batches.T:
        np.add.at(rows, (np.arange(len(batches)), column), 1.0)
    return rows * each / batches.shape[1]


@functools.singledispatch
def realisations(oracle: Any) -> Realisations:
    """All realisations of a sampling; TypeError where it has infinitely many, ValueError where they are too many."""
    raise TypeError(f"oracle = {called(oracle)} cannot be enumerated; the samplings of a finite sum can")


@realisations.register(FullBatch)
@realisations.register(EverySample)
def _all(oracle) -> Realisations:
    n = samples(oracle.problem)
    return Realisations(np.ones(1), np.full((1, n), 1.0 / n))


@realisations.register(WithoutReplacement)
@realisations.register(WithReplacement)
def _uniform(oracle) -> Realisations:
    n = samples(oracle.problem)
    batches, probability = every_batch(n, oracle.size, isinstance(oracle, WithReplacement))
    return Realisations(probability, _weights(batches, np.ones(n)))


@realisations.register(Importance)
def _importance(oracle) -> Realisations:
    n = samples(oracle.problem)
    batches, _ = every_batch(n, oracle.size, replace=True)
    return Realisations(
        _ways(batches, n) * np.prod(probabilities(oracle)[batches], axis=1), _weights(batches, oracle.weight)
    )


def probabilities(oracle: Importance) -> np.ndarray:
    """The p_i of an importance sampling, from its weights 1/(n p_i)."""
    return 1.0 / (oracle.weight * oracle.weight.size)


def sampled(oracle: Any, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Weights [draws, n] of independent realisations."""
    n = samples(oracle.problem)
    if isinstance(oracle, FullBatch | EverySample):
        return np.full((draws, n), 1.0 / n)
    if isinstance(oracle, WithoutReplacement):
        return _weights(rng.random((draws, n)).argsort(axis=1)[:, : oracle.size], np.ones(n))
    if isinstance(oracle, WithReplacement):
        return _weights(rng.integers(n, size=(draws, oracle.size)), np.ones(n))
    if isinstance(oracle, Importance):
        return _weights(rng.choice(n, size=(draws, oracle.size), p=probabilities(oracle)), oracle.weight)
    raise TypeError(f"oracle = {called(oracle)} is no sampling of a finite sum")


def expectation(oracle: Any, f: Callable[[np.ndarray], np.ndarray], *, draws: int = 100_000, seed: int = 0) -> Interval:
    """E_S f(weights of S), f: [M, n] -> [M, ...].

    Exact, with half-width 0, for up to 50 000 realisations; otherwise `draws` of them and the interval of
    `mean_interval` (false alarm 1e-6 an entry).
    """
    n = samples(oracle.problem)
    size = getattr(oracle, "size", 1)
    if (
        isinstance(oracle, FullBatch | EverySample)
        or _many(n, size, not isinstance(oracle, WithoutReplacement)) <= EXACT
    ):
        every = realisations(oracle)
        mean = every.mean(f(every.weights))
        return Interval(mean, 0 * mean, 0 * mean, 0.0)
    return mean_interval(f(sampled(oracle, count(1)("draws", draws), np.random.default_rng(seed))))


# ------------------------------------------------------------------------------------ expected residual


@dataclasses.dataclass(frozen=True)
class ExpectedResidual:
    """E|g_S(x)|^2 <= 2 A (f(x) - f^inf) + B |g(x)|^2 + C for all x, and a Lipschitz constant of every g_S.

    Source: Khaled & Richtarik 2023 for the condition; the constants are derived.
    """

    A: float
    B: float
    C: float
    lipschitz: float


def expected_residual(oracle: Any, f_inf: float, *, L: Any = None, sample_inf: Any = None) -> ExpectedResidual:
    """The constants of a sampling, from the smoothness L_i and the infima f_i^inf of its samples.

    f_inf        infimum of f
    L            [n], default `sample_constants(problem).L`
    sample_inf   [n], lower bounds of the f_i, default `sample_constants(problem).f_inf`

    With Delta = f^inf - mean_i f_i^inf >= 0:

        full batch                A = 0                               B = 1                        C = 0
        tau without replacement   (n - tau)/(tau (n - 1)) L_max       n (tau - 1)/(tau (n - 1))    2 A Delta
        tau with replacement      L_max/tau                           1 - 1/tau                    2 A Delta
        tau, probabilities p      max_i L_i/(n p_i)/tau               1 - 1/tau                    2 A Delta
        additive noise sigma z    0                                   1                            sigma^2 d

    Raises ValueError where f_inf is below the mean of the sample infima.
    """
    problem = oracle.problem
    if isinstance(oracle, GaussianNoise):
        return ExpectedResidual(0.0, 1.0, oracle.sigma**2 * dim(problem), math.nan)
    n = samples(problem)
    known = sample_constants(problem) if L is None or sample_inf is None else None
    smooth = array(n)("L", known.L if L is None else L)
    lowest = array(n)("sample_inf", known.f_inf if sample_inf is None else sample_inf)
    nonnegative("min L", smooth.min())
    gap = f_inf - lowest.mean()
    if gap < -1e-12 * max(1.0, abs(f_inf)):
        raise ValueError(f"f_inf = {f_inf!r} is below {lowest.mean()}, the mean of the infima of the samples")
    gap = max(gap, 0.0)
    if isinstance(oracle, FullBatch | EverySample):
        return ExpectedResidual(0.0, 1.0, 0.0, float(smooth.mean()))
    tau = oracle.size
    if isinstance(oracle, WithoutReplacement):
        share = (n - tau) / (tau * (n - 1)) if n > 1 else 0.0
        A, B = share * smooth.max(), (n * (tau - 1) / (tau * (n - 1)) if n > 1 else 1.0)
        steepest = np.sort(smooth)[n - tau :].mean()
    elif isinstance(oracle, WithReplacement | Importance):
        scaled = smooth * oracle.weight if isinstance(oracle, Importance) else smooth
        A, B, steepest = scaled.max() / tau, 1 - 1 / tau, scaled.max()
    else:
        raise TypeError(f"oracle = {called(oracle)} is no sampling of a finite sum")
    return ExpectedResidual(float(A), float(B), float(2 * A * gap), float(steepest))


def optimal_probabilities(L: Any) -> np.ndarray:
    """p_i = L_i/sum_j L_j, which minimise max_i L_i/(n p_i): A becomes the mean of the L_i instead of their maximum."""
    L = array(None)("L", L)
    if (L <= 0).any():
        raise ValueError(f"L[{int(L.argmin())}] = {L.min()}; every smoothness constant must be > 0")
    return L / L.sum()
