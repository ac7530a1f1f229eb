"""Two-layer ReLU networks at the start of their training on xor: y = x_1 x_2, x uniform on the cube {-1, 1}^d."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.problems.boolean import cube_sample, error_rate, xor
from samtheory.problems.core import dim
from samtheory.problems.relu_nets import (
    BatchNormReluNet,
    LayerNormReluNet,
    ReluNet,
    output_gradients,
    outputs,
    pack,
    with_bias,
)
from samtheory.theory.flatness import flattest_trace, layer_norm_flattest_trace
from samtheory.validate import count, nonnegative

KINDS = ("no bias", "bias", "layer norm", "batch norm")


class Fit(NamedTuple):
    """What a network has learned, each [...] for parameters of shape [..., P].

    trace    (2/n) sum_i |grad f(x_i)|^2: Tr Hess L, exactly so without normalisation, and where f(x_i) = y_i
    floor    the least it can be for any parameters that give these f(x_i) (labels +-1 for batch norm: 8)
    error    0-1 error on points that were not trained on, 1[y f <= 0]
    loss     (1/n) sum_i (f(x_i) - y_i)^2
    """

    trace: np.ndarray
    floor: np.ndarray
    error: np.ndarray
    loss: np.ndarray


class XorTask(NamedTuple):
    """A net on n points of the cube, initial parameters, and fresh points (as the net sees them) with their labels."""

    net: Any
    start: np.ndarray
    inputs: np.ndarray
    labels: np.ndarray

    @property
    def first(self) -> int:
        """How many of the parameters are those of the first layer."""
        return self.net.width * self.net.X.shape[1]

    def fit(self, theta: Any) -> Fit:
        """What these parameters have learned."""
        theta = np.asarray(theta, dtype=float)
        rows = [self._fit(one) for one in theta.reshape(-1, dim(self.net))]
        return Fit(*(np.reshape(column, theta.shape[:-1]) for column in zip(*rows)))

    def _fit(self, theta) -> tuple[float, float, float, float]:
        net, f = self.net, outputs(self.net, theta)
        size = np.linalg.norm(net.X, axis=1)
        if isinstance(net, LayerNormReluNet):
            floor = layer_norm_flattest_trace(f, size, net.eps)
        else:
            floor = 8.0 if isinstance(net, BatchNormReluNet) else flattest_trace(f, size)
        trace = 2 * float((output_gradients(net, theta) ** 2).sum(axis=1).mean())
        return trace, floor, error_rate(outputs(net, theta, self.inputs), self.labels), float(((f - net.y) ** 2).mean())


def xor_task(kind: str, seed: Any, d: int, n: int, width: int, eps: float = 1e-3, unseen: int = 4000) -> XorTask:
    """A task of one of `KINDS`; the data and the draws of the weights depend on the seed, d, n, width alone.

    Weights of the first layer (the bias too) uniform on +-1/sqrt d, of the second on +-1/sqrt(width), gamma = 1.
    Points are drawn with replacement.  NumPy's default_rng(seed) draws: points, unseen points, first layer, second,
    biases.
    """
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is not one of {', '.join(KINDS)}")
    d, width = count(2)("d", d), count(1)("width", width)
    rng = np.random.default_rng(seed)
    X, unseen_X = cube_sample(rng, n, d), cube_sample(rng, unseen, d)
    first = rng.uniform(-1, 1, (width, d)) / np.sqrt(d)
    last = rng.uniform(-1, 1, width) / np.sqrt(width)
    y, labels = xor(X), xor(unseen_X)
    if kind == "no bias":
        return XorTask(ReluNet(X, y, width), pack(first, last), unseen_X, labels)
    first = np.hstack([first, rng.uniform(-1, 1, (width, 1)) / np.sqrt(d)])
    X, unseen_X = with_bias(X), with_bias(unseen_X)
    if kind == "bias":
        return XorTask(ReluNet(X, y, width), pack(first, last), unseen_X, labels)
    if kind == "layer norm":
        return XorTask(LayerNormReluNet(X, y, width, eps), pack(first, last), unseen_X, labels)
    return XorTask(BatchNormReluNet(X, y, width), pack(first, np.ones(width), last), unseen_X, labels)


def label_noise(net: ReluNet, sigma: float) -> ReluNet:
    """The net on the 2 n samples (x_i, y_i + sigma), (x_i, y_i - sigma): L + sigma^2.

    One sample of it a step, drawn with replacement, is SGD whose labels are y_i +- sigma at random.
    """
    sigma = nonnegative("sigma", sigma)
    return ReluNet(np.vstack([net.X, net.X]), np.concatenate([net.y + sigma, net.y - sigma]), net.width)
