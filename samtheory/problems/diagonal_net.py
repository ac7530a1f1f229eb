"""Diagonal linear networks: linear regression X beta = y with beta a product of weights, coordinate by coordinate.

Three objectives, r = X beta - y, X of shape [n, d], the state the layers one after the other:

    SquaredNet    beta = w_+^2 - w_-^2,          f = (1/4n) |r|^2,   x = (w_+, w_-)
    LayeredNet    beta = w_1 * w_2 * ... * w_D,  f = (1/2n) |r|^2,   x = (w_1, ..., w_D)
    MarginalNet   the mean of LayeredNet's f over independent N(0, noise^2) on every weight

SquaredNet is LayeredNet of depth 2 in the coordinates u = w_+ + w_-, v = w_+ - w_-: the same gradient flow, in the same
time.  Full-batch SAM on them ('n-SAM') is `USAM`; with an ascent step of every sample's own ('1-SAM') it is
`Sharded(USAM(eta, rho), 1)` on `EverySample(problem)`, the loss of a sample being r_i^2/4 or r_i^2/2.
Un-normalised SAM moves w_+- to w_+-(1 +- rho z), z = X'r/n (1-SAM: z = r_i x_i), in both parametrisations.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import generic, kernel
from samtheory.problems.core import (
    Constants,
    constants,
    dim,
    grad,
    hess,
    hvp,
    loss,
    sample_grad,
    sample_loss,
    samples,
    scratch,
)
from samtheory.validate import array, checked, count, nonnegative, same_length, together
from samtheory.vectors import combination, dot


def _transposed(made: Any) -> None:
    if made.columns.shape != made.X.shape[::-1] or (made.columns != made.X.T).any():
        raise ValueError(f"columns of shape {made.columns.shape} is not the transpose of X, of shape {made.X.shape}")


@together(same_length("X", "y"), _transposed)
@checked(X=array(None, None), columns=array(None, None), y=array(None))
class SquaredNet(NamedTuple):
    """beta = w_+^2 - w_-^2, f = (1/4n) |X beta - y|^2; build it with `squared_net(X, y)`."""

    X: np.ndarray
    columns: np.ndarray
    y: np.ndarray


@together(same_length("X", "y"), _transposed)
@checked(X=array(None, None), columns=array(None, None), y=array(None), depth=count(1))
class LayeredNet(NamedTuple):
    """beta = w_1 * ... * w_depth, f = (1/2n) |X beta - y|^2; build it with `layered_net(X, y, depth)`."""

    X: np.ndarray
    columns: np.ndarray
    y: np.ndarray
    depth: int


@together(same_length("X", "y"), _transposed)
@checked(X=array(None, None), columns=array(None, None), y=array(None), depth=count(1), noise=nonnegative)
class MarginalNet(NamedTuple):
    """The mean loss of a LayeredNet whose weights all carry independent N(0, e^2), e = noise:

        f = (1/2n) |X beta - y|^2 + 1/2 sum_j s_j [prod_l (w_lj^2 + e^2) - prod_l w_lj^2],   s_j = (1/n) sum_i x_ij^2,

    since E prod (w + noise) = prod w and E prod (w + noise)^2 = prod (w^2 + e^2).  Build it with `marginal_net`.
    """

    X: np.ndarray
    columns: np.ndarray
    y: np.ndarray
    depth: int
    noise: float


def squared_net(X, y) -> SquaredNet:
    """The SquaredNet of data X [n, d] and y [n]."""
    return SquaredNet(X, _columns(X), y)


def layered_net(X, y, depth: int = 2) -> LayeredNet:
    """The LayeredNet of data X [n, d] and y [n]."""
    return LayeredNet(X, _columns(X), y, depth)


def marginal_net(X, y, noise: float, depth: int = 2) -> MarginalNet:
    """The MarginalNet of data X [n, d] and y [n], Gaussian noise of standard deviation `noise` on every weight."""
    return MarginalNet(X, _columns(X), y, depth, noise)


def _columns(X: Any) -> np.ndarray:
    return array(None, None)("X", X).T


DESIGNS = ("gaussian", "sign", "normalised", "orthogonal")


def sparse_regression(
    rng: np.random.Generator, design: str, n: int, d: int, support: int
) -> tuple[np.ndarray, np.ndarray]:
    """X [n, d] and a target of unit length, |N(0, 1)| on its first `support` coordinates and zero elsewhere.

    design   "gaussian" rows; entries +-1 ("sign"); Gaussian rows of length sqrt(d) ("normalised"); X X' = d I
             ("orthogonal", which needs n <= d)
    """
    n, d = count(1)("n", n), count(1)("d", d)
    support = count(1, d)("support", support)
    X = rng.standard_normal((n, d))
    if design == "sign":
        X = np.where(X < 0, -1.0, 1.0)
    elif design == "normalised":
        X *= np.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True)
    elif design == "orthogonal":
        count(1, d)("n", n)
        X = np.sqrt(d) * np.linalg.qr(X.T)[0].T
    elif design != "gaussian":
        raise ValueError(f"design = {design!r} is unknown; it must be one of {', '.join(DESIGNS)}")
    target = np.zeros(d)
    target[:support] = np.abs(rng.standard_normal(support))
    return X, target / np.linalg.norm(target)


def legacy_regression(seed: int, n: int, d: int, support: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X [n, d], X_test [1000, d] and a target, standard normal, drawn in this order from NumPy's legacy generator.

    The target keeps the absolute values of its first `support` entries and has unit length: the data of the published
    experiment on SAM and diagonal networks (seed 0).
    """
    count(1, d)("support", support)
    legacy = np.random.RandomState(seed)
    X, held_out = (legacy.multivariate_normal(np.zeros(d), np.eye(d), rows) for rows in (n, 1000))
    target = np.abs(legacy.randn(d))
    target[support:] = 0
    return X, held_out, target / np.linalg.norm(target)


def effective(p: Any, x: Any) -> np.ndarray:
    """beta of the weights x [..., dim] of any of the networks, [..., d]."""
    x, d = np.asarray(x, dtype=float), p.X.shape[1]
    if x.ndim == 0 or x.shape[-1] != dim(p):
        raise ValueError(f"x has shape {x.shape}; its last axis must have the dimension {dim(p)} of the problem")
    layers = x.reshape(*x.shape[:-1], -1, d)
    if isinstance(p, SquaredNet):
        return layers[..., 0, :] ** 2 - layers[..., 1, :] ** 2
    return layers.prod(axis=-2)


# ------------------------------------------------------------------------------------ what the networks differ in


@generic
def _product(p, x, beta):
    """beta of the weights x."""


@generic
def _pull_back(p, x, z, out):
    """out = the gradient in the weights where the gradient in beta is z (SquaredNet: 2 z)."""


@generic
def _product_slope(p, x, v, beta):
    """The derivative of beta along v (SquaredNet: of beta, too)."""


@generic
def _pull_back_slope(p, x, v, z, turn, out):
    """The derivative of `_pull_back` along v, when that of z is `turn`."""


@generic
def _share(p):
    """f_i = share r_i^2."""


@_share.register(SquaredNet)
def _quarter(p):
    return 0.25


@_share.register(LayeredNet)
def _half(p):
    return 0.5


@_product.register(SquaredNet)
def _squared_product(p, x, beta):
    d = beta.shape[0]
    for j in range(d):
        beta[j] = x[j] * x[j] - x[d + j] * x[d + j]


@_pull_back.register(SquaredNet)
def _squared_pull_back(p, x, z, out):
    d = z.shape[0]
    for j in range(d):
        out[j] = z[j] * x[j]
        out[d + j] = -z[j] * x[d + j]


@_product_slope.register(SquaredNet)
def _squared_slope(p, x, v, beta):
    d = beta.shape[0]
    for j in range(d):
        beta[j] = 2.0 * (x[j] * v[j] - x[d + j] * v[d + j])


@_pull_back_slope.register(SquaredNet)
def _squared_pull_back_slope(p, x, v, z, turn, out):
    d = z.shape[0]
    for j in range(d):
        out[j] = turn[j] * x[j] + z[j] * v[j]
        out[d + j] = -turn[j] * x[d + j] - z[j] * v[d + j]


@_product.register(LayeredNet)
@kernel
def _layered_product(p, x, beta):
    d = beta.shape[0]
    for j in range(d):
        beta[j] = x[j]
    for k in range(1, p.depth):
        for j in range(d):
            beta[j] *= x[k * d + j]


@_pull_back.register(LayeredNet)
@kernel
def _layered_pull_back(p, x, z, out):
    d = z.shape[0]
    if p.depth == 2:  # the common case in one pass
        for j in range(d):
            out[j] = z[j] * x[d + j]
            out[d + j] = z[j] * x[j]
        return
    for k in range(p.depth):
        for j in range(d):
            out[k * d + j] = z[j]
        for m in range(p.depth):
            if m != k:
                for j in range(d):
                    out[k * d + j] *= x[m * d + j]


@kernel
def _without(p, x, d, j, k, m):
    """The product of coordinate j of all layers but k and m."""
    total = 1.0
    for layer in range(p.depth):
        if layer != k and layer != m:
            total *= x[layer * d + j]
    return total


@_product_slope.register(LayeredNet)
def _layered_slope(p, x, v, beta):
    d = beta.shape[0]
    for j in range(d):
        beta[j] = 0.0
        for k in range(p.depth):
            beta[j] += _without(p, x, d, j, k, k) * v[k * d + j]


@_pull_back_slope.register(LayeredNet)
def _layered_pull_back_slope(p, x, v, z, turn, out):
    d = z.shape[0]
    for j in range(d):
        for k in range(p.depth):
            total = turn[j] * _without(p, x, d, j, k, k)
            for m in range(p.depth):
                if m != k:
                    total += z[j] * _without(p, x, d, j, k, m) * v[m * d + j]
            out[k * d + j] = total


# ------------------------------------------------------------------------------------ what they share


@constants.register(SquaredNet)
@constants.register(LayeredNet)
def _constants(p):
    """The minimiser given has the beta of least norm, its layers equally large (SquaredNet: one of the two is zero)."""
    beta = np.linalg.lstsq(p.X, p.y, rcond=None)[0]
    miss = p.X @ beta - p.y
    if isinstance(p, SquaredNet):
        minimiser = np.sqrt(np.maximum([beta, -beta], 0.0)).ravel()
    else:
        layers = np.tile(np.abs(beta) ** (1 / p.depth), (p.depth, 1))
        layers[-1] *= np.sign(beta)
        minimiser = layers.ravel()
    f_star = (0.25 if isinstance(p, SquaredNet) else 0.5) * float(miss @ miss) / p.y.size
    return Constants(f_star=f_star, minimiser=minimiser, how="least squares (the gradient is not Lipschitz)")


@dim.register(SquaredNet)
def _squared_dim(p):
    return 2 * p.X.shape[1]


@dim.register(LayeredNet)
@dim.register(MarginalNet)
def _layered_dim(p):
    return p.depth * p.X.shape[1]


@samples.register(SquaredNet)
@samples.register(LayeredNet)
def _samples(p):
    return p.X.shape[0]


@scratch.register(SquaredNet)
@scratch.register(LayeredNet)
@scratch.register(MarginalNet)
def _scratch(p):
    """r, beta and z; their derivatives, or one weight vector and one column of the Hessian."""
    return p.X.shape[0] + 3 * p.X.shape[1] + 2 * dim(p)


@kernel
def _residual(p, beta, r):
    """r = X beta - y."""
    combination(beta, p.columns, r)
    for i in range(r.shape[0]):
        r[i] -= p.y[i]


@kernel
def _gather(p, r, z):
    """z = X'r/n."""
    combination(r, p.X, z)
    n = r.shape[0]
    for j in range(z.shape[0]):
        z[j] /= n


@loss.register(SquaredNet)
@loss.register(LayeredNet)
def _loss(p, x, work):
    n, d = p.X.shape
    r, beta = work[:n], work[n : n + d]
    _product(p, x, beta)
    _residual(p, beta, r)
    return _share(p) * dot(r, r) / n


@grad.register(SquaredNet)
@grad.register(LayeredNet)
def _grad(p, x, out, work):
    n, d = p.X.shape
    r, beta, z = work[:n], work[n : n + d], work[n + d : n + 2 * d]
    _product(p, x, beta)
    _residual(p, beta, r)
    _gather(p, r, z)
    _pull_back(p, x, z, out)


@hvp.register(SquaredNet)
@hvp.register(LayeredNet)
@kernel
def _hvp(p, x, v, out, work):
    n, d = p.X.shape
    r, beta = work[:n], work[n : n + d]
    z, turn = work[n + d : n + 2 * d], work[n + 2 * d : n + 3 * d]
    _product(p, x, beta)
    _residual(p, beta, r)
    _gather(p, r, z)
    _product_slope(p, x, v, beta)
    combination(beta, p.columns, r)
    _gather(p, r, turn)
    _pull_back_slope(p, x, v, z, turn, out)


@hess.register(SquaredNet)
@hess.register(LayeredNet)
def _hess(p, x, out, work):
    size, used = x.shape[0], p.X.shape[0] + 3 * p.X.shape[1]
    unit, column = work[used : used + size], work[used + size : used + 2 * size]
    for k in range(size):
        for j in range(size):
            unit[j] = 1.0 if j == k else 0.0
        _hvp(p, x, unit, column, work)
        for j in range(k + 1):  # one half, mirrored: symmetric to the bit
            out[j, k] = column[j]
            out[k, j] = column[j]


@sample_loss.register(SquaredNet)
@sample_loss.register(LayeredNet)
def _sample_loss(p, i, x, work):
    beta = work[: p.X.shape[1]]
    _product(p, x, beta)
    miss = dot(p.X[i], beta) - p.y[i]
    return _share(p) * miss * miss


@sample_grad.register(SquaredNet)
def _squared_sample_grad(p, i, x, out, work):
    d, miss = p.X.shape[1], -p.y[i]
    for j in range(d):
        miss += p.X[i, j] * (x[j] * x[j] - x[d + j] * x[d + j])
    for j in range(d):
        z = miss * p.X[i, j]
        out[j] = z * x[j]
        out[d + j] = -z * x[d + j]


@sample_grad.register(LayeredNet)
def _layered_sample_grad(p, i, x, out, work):
    d = p.X.shape[1]
    z = work[:d]
    if p.depth == 2:  # without a pass over memory for beta and z
        miss = -p.y[i]
        for j in range(d):
            miss += p.X[i, j] * (x[j] * x[d + j])
        for j in range(d):
            pull = miss * p.X[i, j]
            out[j] = pull * x[d + j]
            out[d + j] = pull * x[j]
        return
    _layered_product(p, x, z)
    miss = dot(p.X[i], z) - p.y[i]
    for j in range(d):
        z[j] = miss * p.X[i, j]
    _layered_pull_back(p, x, z, out)


# ------------------------------------------------------------------------------------ the mean over Gaussian weights


@kernel
def _scale(p, j):
    """s_j = (1/n) sum_i x_ij^2."""
    n = p.X.shape[0]
    return dot(p.columns[j], p.columns[j]) / n


@kernel
def _spread(p, x, d, j, k):
    """prod_l (w_lj^2 + e^2) - prod_l w_lj^2 over all layers but k."""
    noisy, plain = 1.0, 1.0
    for layer in range(p.depth):
        if layer != k:
            square = x[layer * d + j] * x[layer * d + j]
            noisy *= square + p.noise * p.noise
            plain *= square
    return noisy - plain


@loss.register(MarginalNet)
def _marginal_loss(p, x, work):
    n, d = p.X.shape
    r, beta = work[:n], work[n : n + d]
    _layered_product(p, x, beta)
    _residual(p, beta, r)
    total = 0.0
    for j in range(d):
        total += _scale(p, j) * _spread(p, x, d, j, -1)
    return 0.5 * (dot(r, r) / n + total)


@grad.register(MarginalNet)
def _marginal_grad(p, x, out, work):
    n, d = p.X.shape
    r, beta, z = work[:n], work[n : n + d], work[n + d : n + 2 * d]
    _layered_product(p, x, beta)
    _residual(p, beta, r)
    _gather(p, r, z)
    _layered_pull_back(p, x, z, out)
    for j in range(d):
        s = _scale(p, j)
        for k in range(p.depth):
            # the derivative of prod (w^2 + e^2) - prod w^2 is 2 w_k times the same without layer k
            out[k * d + j] += s * x[k * d + j] * _spread(p, x, d, j, k)
