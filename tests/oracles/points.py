"""Problems for tests of the engine, kept as small as a user's own would be."""

from typing import NamedTuple

import numpy as np

from samtheory.problems.core import dim, sample_grad, samples
from samtheory.rules import step


class Points(NamedTuple):
    """f_i(x) = 1/2 sum_j w_ij (x_j - p_ij)^2: two operations an entry of a gradient, so bits can be compared."""

    point: np.ndarray  # [n, d]
    weight: np.ndarray  # [n, d]


@dim.register(Points)
def _dim(p):
    return p.point.shape[1]


@samples.register(Points)
def _samples(p):
    return p.point.shape[0]


@sample_grad.register(Points)
def _sample_grad(p, i, x, out, work):
    for j in range(x.shape[0]):
        out[j] = p.weight[i, j] * (x[j] - p.point[i, j])


class Spy(NamedTuple):
    """A rule whose iterates are the samples drawn: x = (first.idx, second.idx)."""


@step.register(Spy)
def _show_draws(rule, source, t, x, memory, ws):
    size = source.first.idx.shape[0]
    for k in range(size):
        x[k] = source.first.idx[k]
        x[size + k] = source.second.idx[k]
    return 0
