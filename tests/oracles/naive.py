"""The update rules and the noise of stochastic oracles, written down a second time, in NumPy and from the formulas.

Nothing of the package is used here.  A rule is a function (first, second, t, x, memory) -> x, where `first` and
`second` are the gradients that the step sees in its ascent and in its descent; `run` iterates it.

Sums go from left to right (`in_order`), as they do in compiled loops, because `numpy.sum` adds pairwise and a test of
bits has to add alike.
"""

import functools
import operator

import numpy as np


def in_order(terms):
    """The sum of the terms from left to right."""
    return functools.reduce(operator.add, list(terms))


def norm(v):
    return np.sqrt(in_order(v * v))


def times(matrix, x):
    """matrix @ x, the terms of each entry added from left to right."""
    return in_order(matrix[:, j] * x[j] for j in range(len(x)))


# ------------------------------------------------------------------------------------ rules


def gd(eta):
    return lambda first, second, t, x, memory: x - eta(t) * second(x)


def sam_direction(rho):
    def direction(first, second, t, x):
        g = first(x)
        return second(x + rho(t) / norm(g) * g if norm(g) > 0 else x)

    return direction


def usam_direction(rho):
    return lambda first, second, t, x: second(x + rho(t) * first(x))


def unified_direction(rho, lam):
    def direction(first, second, t, x):
        g = first(x)
        inverse = 1 / norm(g) if norm(g) > 0 else 0.0
        return second(x + rho(t) * (1 - lam(t) + lam(t) * inverse) * g)

    return direction


def gd_direction():
    return lambda first, second, t, x: second(x)


def plain(eta, direction):
    return lambda first, second, t, x, memory: x - eta(t) * direction(first, second, t, x)


def heavy_ball(eta, beta, direction):
    def step(first, second, t, x, memory):
        v = beta * memory.get("v", np.zeros_like(x)) - eta(t) * direction(first, second, t, x)
        memory["v"] = v
        return x + v

    return step


def nesterov(eta, beta, direction):
    def step(first, second, t, x, memory):
        v = memory.get("v", np.zeros_like(x))
        v = beta * v - eta(t) * direction(first, second, t, x + beta * v)
        memory["v"] = v
        return x + v

    return step


def sharded_direction(m, direction):
    """`first` and `second` here are functions (x, low, high): the mean over samples low..high-1 of the batch."""

    def mean(first, second, t, x):
        shards = []
        for low in range(0, first.size, m):
            part = {"low": low, "high": low + m}
            shards.append(direction(functools.partial(first, **part), functools.partial(second, **part), t, x))
        return in_order(shards) / len(shards)

    return mean


def run(step, noise, x0, steps):
    """The iterates, [steps + 1, d]; `noise(t)` gives the two gradients of step t."""
    x, memory, out = np.array(x0, dtype=float), {}, [np.array(x0, dtype=float)]
    for t in range(steps):
        first, second = noise(t)
        x = step(first, second, t, x, memory)
        out.append(x)
    return np.array(out)


# ------------------------------------------------------------------------------------ noise


def generator(seed, member, purpose=0):
    """NumPy's own generator over the stream of this member."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(purpose, member))))


def exact(gradient):
    return lambda t: (gradient, gradient)


def _two(realise, shared):
    """First and second realisation of each step."""

    def noise(t):
        first = realise(t)
        return first, first if shared else realise(t)

    return noise


def additive(rng, gradient, d, sigma, shared=True):
    def realise(t):
        z = rng.standard_normal(d)
        return lambda x: gradient(x) + sigma * z

    return _two(realise, shared)


def factor(rng, gradient, matrix, shared=True):
    def realise(t):
        z = rng.standard_normal(matrix.shape[1])
        return lambda x: in_order([gradient(x), *(matrix[:, j] * z[j] for j in range(len(z)))])

    return _two(realise, shared)


class Mean:
    """x -> mean over the batch (or over part of it) of weight_k grad f_{idx_k}(x)."""

    def __init__(self, sample_gradient, idx, weight=None):
        self.sample_gradient, self.idx, self.size = sample_gradient, list(idx), len(idx)
        self.weight = np.ones(self.size) if weight is None else weight

    def __call__(self, x, low=0, high=None):
        chosen = range(self.size)[low:high]
        return in_order(self.weight[k] * self.sample_gradient(self.idx[k], x) for k in chosen) / len(chosen)


def with_replacement(rng, sample_gradient, n, size, shared=True):
    return _two(lambda t: Mean(sample_gradient, [rng.integers(n) for _ in range(size)]), shared)


def without_replacement(rng, sample_gradient, n, size, shared=True):
    """The first `size` steps of a Fisher-Yates shuffle of whatever order the last draw left."""
    order = np.arange(n)

    def realise(t):
        if t == 0:
            order[:] = np.arange(n)
        for k in range(size):
            j = k + rng.integers(n - k)
            order[[k, j]] = order[[j, k]]
        return Mean(sample_gradient, order[:size])

    return _two(realise, shared)


def reshuffled(rng, sample_gradient, n, size):
    order = np.arange(n)

    def realise(t):
        block = t % (n // size)
        if block == 0:
            rng.shuffle(order)
        return Mean(sample_gradient, order[block * size : (block + 1) * size])

    return _two(realise, True)


def importance(rng, sample_gradient, p, size, shared=True):
    cumulative = np.append(np.cumsum(p)[:-1], 1.0)

    def realise(t):
        idx = [int(np.flatnonzero(rng.random() < cumulative)[0]) for _ in range(size)]
        return Mean(sample_gradient, idx, 1 / (len(p) * p[idx]))

    return _two(realise, shared)


def every_sample(sample_gradient, n):
    return exact(Mean(sample_gradient, range(n)))
