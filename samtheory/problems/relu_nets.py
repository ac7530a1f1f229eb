"""ReLU networks on given data, sample by sample or full batch; their outputs and Jacobian in plain NumPy beside them.

A row x' of `X` is what the first layer sees.  Give the inputs themselves for a net without bias, `with_bias(inputs)`
(a last column of ones) for one whose first layer has a bias; there is never an output bias.  Parameters are one vector

    theta = W1' (m rows of X.shape[1] entries, the bias last) | gamma (m, BatchNormReluNet only)
            | middle layers (m x m each, row by row, DeepReluNet only) | W2 (m)

The mean over samples has no 1/2: f = (1/n) sum_i (f_i - y_i)^2.  relu'(0) = 0.

    outputs(net, theta, X)            [n]      the function at the rows of X (the net's own by default)
    output_gradients(net, theta)      [n, P]   its gradient at the net's rows
    pre_activations(net, theta)       [layers, n, m]
    weights(net, theta)               the parameters of theta in their own shapes
    pack(...)                         the inverse of `weights`
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import generic, kernel
from samtheory.problems.core import (
    Constants,
    constants,
    dim,
    grad,
    loss,
    sample_grad,
    sample_loss,
    sample_sam_step,
    samples,
    scratch,
)
from samtheory.problems.relu_steps import layer_norm_sam_step, two_layer_sam_step
from samtheory.validate import array, between, checked, count, positive, same_length, together
from samtheory.vectors import fill, rows_times


def with_bias(X: Any) -> np.ndarray:
    """The rows x' = (x, 1), [n, d + 1]."""
    X = array(None, None)("X", X)
    return np.hstack([X, np.ones((len(X), 1))])


@together(same_length("X", "y"))
@checked(X=array(None, None), y=array(None), width=count(1))
class ReluNet(NamedTuple):
    """f_i = sum_j W2_j relu(<W1'_j, x'_i>)."""

    X: np.ndarray
    y: np.ndarray
    width: int


@together(same_length("X", "y"))
@checked(X=array(None, None), y=array(None), width=count(1), depth=count(2))
class DeepReluNet(NamedTuple):
    """f_i = W_D relu(W_{D-1} relu(... relu(W1' x'_i))), D = depth, hidden layers m = width wide."""

    X: np.ndarray
    y: np.ndarray
    width: int
    depth: int


@together(same_length("X", "y"))
@checked(X=array(None, None), y=array(None), width=count(1), eps=positive)
class LayerNormReluNet(NamedTuple):
    """f_i = sum_j W2_j r_j / max(|r|_2, eps),  r = relu(W1' x'_i)."""

    X: np.ndarray
    y: np.ndarray
    width: int
    eps: float


@together(same_length("X", "y"))
@checked(X=array(None, None), y=array(None), width=count(1))
class BatchNormReluNet(NamedTuple):
    """f_i = sum_j W2_j gamma_j R_ij / nu_j,  R = relu(X W1''),  nu_j^2 = (1/n) sum_i R_ij^2 over the whole data.

    A unit that is off on the whole data (nu_j = 0) gives 0 and gets no gradient.
    """

    X: np.ndarray
    y: np.ndarray
    width: int


def _labels(name: str, value: Any) -> np.ndarray:
    out = array(None)(name, value)
    if (np.abs(out) != 1).any():
        raise ValueError(f"{name} = {out!r} holds something other than +1 and -1")
    return out


@together(same_length("X", "y"))
@checked(X=array(None, None), y=_labels, width=count(1), smoothing=between(0, 0.5, open_above=True))
class SmoothedReluNet(NamedTuple):
    """f_i of `ReluNet` under the logistic loss with smoothed labels; the true class y_i = +-1 has probability 1 - p.

    f = (1/n) sum_i -(1 - p) log s(u_i) - p log s(-u_i) = (1/n) sum_i log(1 + exp(-u_i)) + p u_i,  u_i = y_i f_i, with
    s the sigmoid and p = smoothing.
    """

    X: np.ndarray
    y: np.ndarray
    width: int
    smoothing: float


NETS = (ReluNet, DeepReluNet, LayerNormReluNet, SmoothedReluNet, BatchNormReluNet)


# ------------------------------------------------------------------------------------ parameters


def weights(net: Any, theta: Any) -> tuple[np.ndarray, ...]:
    """(W1' [m, d'], W2 [m]); with gamma [m] between them (batch norm), or the middle layers [m, m] (deep)."""
    theta = array(dim(net))("theta", theta)
    m, first = net.width, net.width * net.X.shape[1]
    middle = theta[first:-m].reshape((-1, m, m) if isinstance(net, DeepReluNet) else (-1, m))
    return theta[:first].reshape(m, -1), *middle, theta[-m:]


def pack(*layers: Any) -> np.ndarray:
    """The vector theta of these weights, in the order of `weights`."""
    return np.concatenate([np.ravel(layer) for layer in layers]).astype(float)


@generic
def outputs(net: Any, theta: Any, X: Any = None) -> np.ndarray:
    """The function of the net at the rows x' of X (default: its own), [n]; batch norm keeps its data's statistics."""


@generic
def output_gradients(net: Any, theta: Any) -> np.ndarray:
    """d f_i / d theta at the net's own rows, [n, P], layer by layer."""


def pre_activations(net: Any, theta: Any, X: Any = None) -> np.ndarray:
    """What the units of each hidden layer see at the rows of X (default: the net's own), [layers, n, m]."""
    first, *middle, _ = weights(net, theta)
    out = [np.asarray(net.X if X is None else X, dtype=float) @ first.T]
    if isinstance(net, DeepReluNet):
        for W in middle:
            out.append(np.maximum(out[-1], 0) @ W.T)
    return np.array(out)


def _two_layers(net, theta, X=None):
    return np.maximum(pre_activations(net, theta, X)[0], 0) @ weights(net, theta)[-1]


outputs.register(ReluNet)(_two_layers)
outputs.register(SmoothedReluNet)(_two_layers)


@outputs.register(DeepReluNet)
def _deep_outputs(net, theta, X=None):
    return np.maximum(pre_activations(net, theta, X)[-1], 0) @ weights(net, theta)[-1]


@outputs.register(LayerNormReluNet)
def _layer_norm_outputs(net, theta, X=None):
    r = np.maximum(pre_activations(net, theta, X)[0], 0)
    return r @ weights(net, theta)[-1] / np.maximum(np.linalg.norm(r, axis=1), net.eps)


def _scales(net, theta):
    """nu_j, 1 where it is 0."""
    nu = np.sqrt((np.maximum(pre_activations(net, theta)[0], 0) ** 2).mean(axis=0))
    return np.where(nu > 0, nu, 1), nu > 0


@outputs.register(BatchNormReluNet)
def _batch_norm_outputs(net, theta, X=None):
    _, gamma, last = weights(net, theta)
    nu, alive = _scales(net, theta)
    return np.maximum(pre_activations(net, theta, X)[0], 0) @ np.where(alive, gamma * last / nu, 0)


def _jacobian(X, into_units, *rest):
    """[n, P] from d f_i / d a_ij, [n, m], and the columns of the later parameters."""
    return np.hstack([(into_units[:, :, None] * X[:, None, :]).reshape(len(X), -1), *rest])


def _two_layer_gradients(net, theta):
    a, last = pre_activations(net, theta)[0], weights(net, theta)[-1]
    return _jacobian(net.X, (a > 0) * last, np.maximum(a, 0))


output_gradients.register(ReluNet)(_two_layer_gradients)
output_gradients.register(SmoothedReluNet)(_two_layer_gradients)


@output_gradients.register(DeepReluNet)
def _deep_gradients(net, theta):
    a = pre_activations(net, theta)
    _, *middle, last = weights(net, theta)
    columns, pull = [np.maximum(a[-1], 0)], (a[-1] > 0) * last
    for level in range(len(middle) - 1, -1, -1):
        z = np.maximum(a[level], 0)
        columns.insert(0, (pull[:, :, None] * z[:, None, :]).reshape(len(z), -1))
        pull = (pull @ middle[level]) * (a[level] > 0)
    return _jacobian(net.X, pull, *columns)


@output_gradients.register(LayerNormReluNet)
def _layer_norm_gradients(net, theta):
    a, last = pre_activations(net, theta)[0], weights(net, theta)[-1]
    r = np.maximum(a, 0)
    size = np.linalg.norm(r, axis=1, keepdims=True)
    unit = r / np.maximum(size, net.eps)
    along = np.where(size > net.eps, unit @ last[:, None], 0)
    return _jacobian(net.X, (a > 0) * (last - along * unit) / np.maximum(size, net.eps), unit)


@output_gradients.register(BatchNormReluNet)
def _batch_norm_gradients(net, theta):
    a, (_, gamma, last), n = pre_activations(net, theta)[0], weights(net, theta), len(net.X)
    nu, alive = _scales(net, theta)
    unit = np.maximum(a, 0) / nu
    turn = np.eye(n)[:, :, None] - unit[:, None, :] * unit[None, :, :] / n  # d(R_k/nu)/dR_q, times nu
    into_units = turn * (gamma * last / nu * alive) * (a > 0)
    first = np.einsum("kqm,qd->kmd", into_units, net.X).reshape(n, -1)
    return np.hstack([first, unit * last * alive, unit * gamma * alive])


# ------------------------------------------------------------------------------------ compiled mathematics


@generic
def forward(p, i, theta, work):
    """The output f_i; `work` keeps what `add_output_gradient` needs."""


@generic
def add_output_gradient(p, i, theta, f, share, work, out):
    """out += share d f_i / d theta, after `forward` with the same `work`."""


@generic
def point_loss(p, i, f):
    """The loss of sample i when the output is f."""


@generic
def point_slope(p, i, f):
    """Its derivative in f."""


@point_loss.register(object)
def _square(p, i, f):
    return (f - p.y[i]) * (f - p.y[i])


@point_slope.register(object)
def _square_slope(p, i, f):
    return 2.0 * (f - p.y[i])


@point_loss.register(SmoothedReluNet)
def _smoothed(p, i, f):
    u = p.y[i] * f
    return math.log1p(math.exp(-abs(u))) + max(-u, 0.0) + p.smoothing * u


@point_slope.register(SmoothedReluNet)
def _smoothed_slope(p, i, f):
    u = p.y[i] * f
    tail = math.exp(-abs(u))
    wrong = tail / (1.0 + tail) if u > 0.0 else 1.0 / (1.0 + tail)
    return p.y[i] * (p.smoothing - wrong)


@kernel
def _first_layer(p, i, theta, out):
    """out_j = <W1'_j, x'_i>."""
    m, d = p.width, p.X.shape[1]
    rows_times(theta[: m * d].reshape((m, d)), p.X[i], out[:m])


@kernel
def _two_layer_forward(p, i, theta, work):
    _first_layer(p, i, theta, work)
    last, total = p.width * p.X.shape[1], 0.0
    for j in range(p.width):
        if work[j] > 0.0:
            total += theta[last + j] * work[j]
    return total


@kernel
def _two_layer_add(p, i, theta, f, share, work, out):
    d = p.X.shape[1]
    last = p.width * d
    for j in range(p.width):
        if work[j] > 0.0:
            out[last + j] += share * work[j]
            pull = share * theta[last + j]
            for k in range(d):
                out[j * d + k] += pull * p.X[i, k]


forward.register(ReluNet)(_two_layer_forward)
forward.register(SmoothedReluNet)(_two_layer_forward)
add_output_gradient.register(ReluNet)(_two_layer_add)
add_output_gradient.register(SmoothedReluNet)(_two_layer_add)


@forward.register(LayerNormReluNet)
def _layer_norm_forward(p, i, theta, work):
    _first_layer(p, i, theta, work)
    last, total, size = p.width * p.X.shape[1], 0.0, 0.0
    for j in range(p.width):
        if work[j] > 0.0:
            total += theta[last + j] * work[j]
            size += work[j] * work[j]
    work[p.width] = math.sqrt(size)
    return total / max(work[p.width], p.eps)


@add_output_gradient.register(LayerNormReluNet)
def _layer_norm_add(p, i, theta, f, share, work, out):
    d = p.X.shape[1]
    last, size = p.width * d, max(work[p.width], p.eps)
    along = f if work[p.width] > p.eps else 0.0
    for j in range(p.width):
        if work[j] > 0.0:
            unit = work[j] / size
            out[last + j] += share * unit
            pull = share * (theta[last + j] - along * unit) / size
            for k in range(d):
                out[j * d + k] += pull * p.X[i, k]


@forward.register(DeepReluNet)
def _deep_forward(p, i, theta, work):
    m = p.width
    _first_layer(p, i, theta, work)
    for j in range(m):
        work[j] = max(work[j], 0.0)
    for level in range(1, p.depth - 1):
        at = m * p.X.shape[1] + (level - 1) * m * m
        for j in range(m):
            total = 0.0
            for k in range(m):
                total += theta[at + j * m + k] * work[(level - 1) * m + k]
            work[level * m + j] = max(total, 0.0)
    total, last = 0.0, theta.shape[0] - m
    for j in range(m):
        total += theta[last + j] * work[(p.depth - 2) * m + j]
    return total


@add_output_gradient.register(DeepReluNet)
def _deep_add(p, i, theta, f, share, work, out):
    d, m, last = p.X.shape[1], p.width, theta.shape[0] - p.width
    pull, lower = (p.depth - 1) * m, p.depth * m  # two stretches of `work`
    for j in range(m):
        z = work[(p.depth - 2) * m + j]
        out[last + j] += share * z
        work[pull + j] = share * theta[last + j] if z > 0.0 else 0.0
    for level in range(p.depth - 2, 0, -1):
        at = m * d + (level - 1) * m * m
        for k in range(m):
            work[lower + k] = 0.0
        for j in range(m):
            for k in range(m):
                z = work[(level - 1) * m + k]
                if z > 0.0:
                    work[lower + k] += work[pull + j] * theta[at + j * m + k]
                    out[at + j * m + k] += work[pull + j] * z
        for k in range(m):
            work[pull + k] = work[lower + k]
    for j in range(m):
        for k in range(d):
            out[j * d + k] += work[pull + j] * p.X[i, k]


@kernel
def _mean_loss(p, theta, work):
    total = 0.0
    for i in range(p.X.shape[0]):
        total += point_loss(p, i, forward(p, i, theta, work))
    return total / p.X.shape[0]


@kernel
def _mean_grad(p, theta, out, work):
    fill(out, 0.0)
    for i in range(p.X.shape[0]):
        f = forward(p, i, theta, work)
        add_output_gradient(p, i, theta, f, point_slope(p, i, f) / p.X.shape[0], work, out)


@kernel
def _one_loss(p, i, theta, work):
    return point_loss(p, i, forward(p, i, theta, work))


@kernel
def _one_grad(p, i, theta, out, work):
    fill(out, 0.0)
    f = forward(p, i, theta, work)
    add_output_gradient(p, i, theta, f, point_slope(p, i, f), work, out)


for _net in (ReluNet, DeepReluNet, LayerNormReluNet, SmoothedReluNet):
    loss.register(_net)(_mean_loss)
    grad.register(_net)(_mean_grad)
    sample_loss.register(_net)(_one_loss)
    sample_grad.register(_net)(_one_grad)


# Batch norm: every output depends on every sample, so its pieces work on the whole data at once.


@kernel
def _normalised(p, theta, work):
    """work = R (n rows of m) | nu (m) | outputs (n) | pulls (n)."""
    n, m, d = p.X.shape[0], p.width, p.X.shape[1]
    nu, f = n * m, (n + 1) * m
    for j in range(m):
        work[nu + j] = 0.0
    for i in range(n):
        for j in range(m):
            total = 0.0
            for k in range(d):
                total += theta[j * d + k] * p.X[i, k]
            work[i * m + j] = max(total, 0.0)
            work[nu + j] += work[i * m + j] * work[i * m + j] / n
    for j in range(m):
        work[nu + j] = math.sqrt(work[nu + j])
    for i in range(n):
        total = 0.0
        for j in range(m):
            if work[nu + j] > 0.0:
                total += theta[m * d + j] * theta[m * (d + 1) + j] * work[i * m + j] / work[nu + j]
        work[f + i] = total


@kernel
def _pull_back(p, theta, work, out):
    """out = sum_k pull_k d f_k / d theta."""
    n, m, d = p.X.shape[0], p.width, p.X.shape[1]
    pulls = (n + 1) * m + n
    fill(out, 0.0)
    for j in range(m):
        nu = work[n * m + j]
        if nu > 0.0:
            gamma, last, along = theta[m * d + j], theta[m * (d + 1) + j], 0.0
            for i in range(n):
                along += work[pulls + i] * work[i * m + j] / nu
            out[m * d + j] = last * along
            out[m * (d + 1) + j] = gamma * along
            for i in range(n):
                R = work[i * m + j]
                if R > 0.0:
                    pull = gamma * last / nu * (work[pulls + i] - along * R / (nu * n))
                    for k in range(d):
                        out[j * d + k] += pull * p.X[i, k]


@loss.register(BatchNormReluNet)
def _batch_norm_loss(p, theta, work):
    _normalised(p, theta, work)
    n, total = p.X.shape[0], 0.0
    for i in range(n):
        total += point_loss(p, i, work[(n + 1) * p.width + i])
    return total / n


@grad.register(BatchNormReluNet)
def _batch_norm_grad(p, theta, out, work):
    _normalised(p, theta, work)
    n, f = p.X.shape[0], (p.X.shape[0] + 1) * p.width
    for i in range(n):
        work[f + n + i] = point_slope(p, i, work[f + i]) / n
    _pull_back(p, theta, work, out)


@sample_loss.register(BatchNormReluNet)
def _batch_norm_sample_loss(p, i, theta, work):
    _normalised(p, theta, work)
    return point_loss(p, i, work[(p.X.shape[0] + 1) * p.width + i])


@sample_grad.register(BatchNormReluNet)
def _batch_norm_sample_grad(p, i, theta, out, work):
    _normalised(p, theta, work)
    n, f = p.X.shape[0], (p.X.shape[0] + 1) * p.width
    for k in range(n):
        work[f + n + k] = 0.0
    work[f + n + i] = point_slope(p, i, work[f + i])
    _pull_back(p, theta, work, out)


# ------------------------------------------------------------------------------------ sizes


@dim.register(ReluNet)
def _dim(p):
    return p.width * (p.X.shape[1] + 1)


@dim.register(BatchNormReluNet)
def _batch_norm_dim(p):
    return p.width * (p.X.shape[1] + 2)


@dim.register(DeepReluNet)
def _deep_dim(p):
    return p.width * (p.X.shape[1] + 1) + (p.depth - 2) * p.width**2


dim.register(SmoothedReluNet)(_dim)
dim.register(LayerNormReluNet)(_dim)


@scratch.register(ReluNet)
def _scratch(p):
    return p.width


@scratch.register(LayerNormReluNet)
def _layer_norm_scratch(p):
    return 2 * p.width


@scratch.register(DeepReluNet)
def _deep_scratch(p):
    return (p.depth + 1) * p.width


@scratch.register(BatchNormReluNet)
def _batch_norm_scratch(p):
    return (p.X.shape[0] + 1) * p.width + 2 * p.X.shape[0]


scratch.register(SmoothedReluNet)(_scratch)


def _samples(p):
    return p.X.shape[0]


def _constants(p):
    return Constants(how="none known (the gradient jumps; what is reached depends on data and width)")


for _net in NETS:
    samples.register(_net)(_samples)
    constants.register(_net)(_constants)

sample_sam_step.register(ReluNet)(two_layer_sam_step)
sample_sam_step.register(LayerNormReluNet)(layer_norm_sam_step)
