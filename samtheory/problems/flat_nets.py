"""ReLU networks that fit their data as flatly as any can: some remember it, some know the rule behind it.

Each function gives (net, theta).  A *memoriser* has one unit for each sample, which that sample alone activates; a
*corner net* one unit for each pattern of the first s coordinates of a point of the cube, on whose label it decides.
`heights` and outgoing weights are those of equality in `samtheory.theory.flatness`, unless a radius is given.
(K. Wen, Z. Li & T. Ma 2023, Theorems 3.2, 4.1, 5.1 and Propositions 4.1-5.2, with their constants corrected.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samtheory.problems.boolean import cube, xor
from samtheory.problems.relu_nets import BatchNormReluNet, DeepReluNet, LayerNormReluNet, ReluNet, pack, with_bias
from samtheory.validate import array, between, count, positive

SQRT_HALF = math.sqrt(0.5)


def separation(X: Any, directions: Any) -> float:
    """min over i and j != i of w_i'(x_i - x_j): > 0 iff every w_i picks x_i out (inf for a single point)."""
    X, W = array(None, None)("X", X), array(None, None)("directions", directions)
    ahead = (W * X).sum(axis=1)[:, None] - W @ X.T
    return float(np.min(ahead[~np.eye(len(X), dtype=bool)], initial=np.inf))


def _labels(y, n):
    y = array(n)("y", y)
    if (y == 0).any():
        raise ValueError(f"y[{int(np.flatnonzero(y == 0)[0])}] = 0 is not allowed; such a sample wants no unit at all")
    return y


def _picking(X, directions, eps):
    """W1' that gives sample i the value 1 in unit i and 1 - w_i'(x_i - x_j)/eps in the others."""
    W = directions / eps
    return np.hstack([W, (1 - (W * X).sum(axis=1))[:, None]])


def memoriser(X: Any, y: Any, directions: Any, eps: float, depth: int = 2, guard: float = 1.0, stretch: float = 1.0):
    """The flattest net with biases in its first layer that fits y_i != 0 at X, of width n; eps < `separation`.

    u_i = |y_i| r_i^(D-1), r_i = (|x'_i|/|y_i|)^(1/D): unit i of the first layer has height u_i on its own sample, the
    middle layers have 1/r_i on the diagonal and the last sign(y_i)/r_i.  Off the diagonal they have -guard: with 0
    the units of layer 2 that are off see exactly 0, and the loss has no Hessian.  `stretch` multiplies every r_i.
    """
    X, depth = array(None, None)("X", X), count(2)("depth", depth)
    y, W = _labels(y, len(X)), array(*X.shape)("directions", directions)
    inputs = with_bias(X)
    r = positive("stretch", stretch) * (np.linalg.norm(inputs, axis=1) / np.abs(y)) ** (1 / depth)
    first = (np.abs(y) * r ** (depth - 1))[:, None] * _picking(X, W, positive("eps", eps))
    middle = np.where(np.eye(len(X), dtype=bool), 1 / r, -guard)
    theta = pack(first, *[middle] * (depth - 2), np.sign(y) / r)
    return ReluNet(inputs, y, len(X)) if depth == 2 else DeepReluNet(inputs, y, len(X), depth), theta


def layer_norm_memoriser(X: Any, y: Any, directions: Any, delta: float, eps: float, switch: float = 2.0):
    """The flattest layer-norm net with biases that fits y_i != 0 at X, of width n; delta < `separation`.

    A sample with switch |x'_i| |y_i| >= eps gets a unit of height 2 eps and W2_i = y_i; any other one a unit of height
    u_i = sqrt(eps |x'_i| |y_i|) < eps and W2_i = eps y_i/u_i.  2 is the right switch, 1 the printed one.
    """
    X = array(None, None)("X", X)
    y, W = _labels(y, len(X)), array(*X.shape)("directions", directions)
    inputs = with_bias(X)
    height, last = _layer_norm_units(np.linalg.norm(inputs, axis=1), y, positive("eps", eps), switch)
    theta = pack(height[:, None] * _picking(X, W, positive("delta", delta)), last)
    return LayerNormReluNet(inputs, y, len(X), eps), theta


def _layer_norm_units(size, y, eps, switch):
    inside = np.sqrt(eps * size * np.abs(y))
    outside = switch * size * np.abs(y) >= eps
    return np.where(outside, 2 * eps, inside), np.where(outside, y, eps * y / inside)


def corner_net(X: Any, labels: Any, radius: float | None = None):
    """The flattest net with biases whose label at a point of the cube depends on its first s coordinates.

    labels  [2^s], all +-1, in the order of `cube(s)`; xor is `xor(cube(2))`
    radius  height of the units, (d + 1)^(1/4) by default

    Unit k is (r sigma_k, 0 ... | r (1 - s)): height r on its pattern sigma_k, at most -r elsewhere; W2_k = label/r.
    """
    X, labels = array(None, None)("X", X), array(None)("labels", labels)
    r = (X.shape[1] + 1) ** 0.25 if radius is None else positive("radius", radius)
    return ReluNet(with_bias(X), _corner_labels(X, labels), len(labels)), pack(_corners(X, labels, r), labels / r)


def _patterns(labels):
    s = len(labels).bit_length() - 1
    if len(labels) != 2**s or s == 0 or (np.abs(labels) != 1).any():
        raise ValueError(f"labels = {labels!r} is not allowed; it must have 2^s entries +-1, s >= 1")
    return cube(s), s


def _corner_labels(X, labels):
    patterns, s = _patterns(labels)
    if X.shape[1] < s or (np.abs(X) != 1).any():
        raise ValueError(f"X must hold points of the cube, of {s} coordinates or more")
    return labels[np.argmax(X[:, :s] @ patterns.T, axis=1)]


def _corners(X, labels, height):
    patterns, s = _patterns(labels)
    rest = np.zeros((len(patterns), X.shape[1] - s))
    return height * np.hstack([patterns, rest, np.full((len(patterns), 1), 1.0 - s)])


def layer_norm_corner_net(X: Any, labels: Any, eps: float, switch: float = 2.0):
    """`corner_net` with layer norm: heights and outgoing weights as in `layer_norm_memoriser`."""
    X, labels = array(None, None)("X", X), array(None)("labels", labels)
    height, last = _layer_norm_units(math.sqrt(X.shape[1] + 1), labels, positive("eps", eps), switch)
    net = LayerNormReluNet(with_bias(X), _corner_labels(X, labels), len(labels), eps)
    return net, pack(_corners(X, labels, height[0]), last)


def batch_norm_corner_net(X: Any, scale: float, gamma: float = SQRT_HALF):
    """xor by four units (+-s, +-s, 0 ... | -s), gamma and W2 = +-1/(2 gamma); each pair is as frequent in X."""
    X, labels = array(None, None)("X", X), xor(cube(2))
    theta = pack(
        _corners(X, labels, positive("scale", scale)), np.full(4, gamma), labels / (2 * positive("gamma", gamma))
    )
    return BatchNormReluNet(with_bias(X), _corner_labels(X, labels), 4), theta


def unbiased_xor_net(X: Any, e: float):
    """xor without biases: units (+-(1 + e), +-(1 - e), 0 ...), 0 < e < 1, balanced so that |W1|_F^2 = d |W2|^2.

    On the cube (1+e) x_1 + (1-e) x_2 is +-2 or +-2 e, so f = x_1 x_2 exactly; e = 0 would sit on kinks.
    """
    X, e = array(None, None)("X", X), between(0, 1, open_above=True)("e", positive("e", e))
    first = np.zeros((4, X.shape[1]))
    first[:, :2] = [(1 + e, 1 - e), (1 + e, e - 1), (-1 - e, 1 - e), (-1 - e, e - 1)]
    last = np.array([1, -1, -1, 1]) / (2 - 2 * e)
    c = math.sqrt(X.shape[1] ** 0.5 * np.linalg.norm(last) / np.linalg.norm(first))
    return ReluNet(X, _corner_labels(X, xor(cube(2))), 4), pack(c * first, last / c)


def unbiased_memoriser(X: Any, y: Any, gap: float):
    """The flattest net without biases that fits y_i != 0 at n <= d independent points: w_i'x_i = 1, w_i'x_j = -gap."""
    X = array(None, None)("X", X)
    y, n = _labels(y, len(X)), len(X)
    if np.linalg.matrix_rank(X) < n:
        raise ValueError(f"X has {n} rows of rank {np.linalg.matrix_rank(X)}; they must be independent")
    seen = np.where(np.eye(n, dtype=bool), 1.0, -positive("gap", gap))
    W = np.linalg.lstsq(X, seen.T, rcond=None)[0].T
    height = np.sqrt(np.linalg.norm(X, axis=1) * np.abs(y))
    return ReluNet(X, y, n), pack(height[:, None] * W, y / height)


def flattest_unbiased_net(X: Any, y: Any, directions: Any):
    """The flattest net without biases whose first layer points along given directions u_k and that fits y at X.

    A unit along u of weight c = |W1_j| W2_j has Tr Hess L = (2/n) sum_i over its samples |x_i|^2 W2_j^2 + |W1_j|^2
    (u'x_i)^2, at best 4 |c| sqrt(A B) with A, B the means of |x_i|^2 and (u'x_i)^2 there.  So the flattest net is the
    minimum of sum_k |c_k| g_k subject to sum_k c_k relu(u_k'x_i) = y_i, a linear programme with a sparse solution.
    """
    from scipy.optimize import linprog

    X = array(None, None)("X", X)
    y, U = array(len(X))("y", y), array(None, X.shape[1])("directions", directions)
    U = U / np.linalg.norm(U, axis=1, keepdims=True)
    units = np.maximum(X @ U.T, 0)
    A = ((units > 0) * (X**2).sum(axis=1)[:, None]).mean(axis=0)
    U, units, A = U[A > 0], units[:, A > 0], A[A > 0]
    B = (units**2).mean(axis=0)
    columns = units / np.sqrt(A * B)
    found = linprog(np.ones(2 * len(U)), A_eq=np.hstack([columns, -columns]), b_eq=y, method="highs")
    if found.status != 0:
        raise ValueError(f"no net with these {len(U)} directions fits y ({found.message})")
    c = (found.x[: len(U)] - found.x[len(U) :]) / np.sqrt(A * B)
    used = c != 0
    c, U, A, B = c[used], U[used], A[used], B[used]
    size = np.sqrt(np.abs(c) * np.sqrt(A / B))  # |W1_j|, where the two terms of the trace are equal
    return ReluNet(X, y, len(c)), pack(size[:, None] * U, c / size)
