"""The trace of the Hessian of a ReLU network's loss, with steps that cross no kink and a bound on the round-off."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.measures.trace import hessian_trace
from samtheory.problems.relu_nets import (
    BatchNormReluNet,
    DeepReluNet,
    LayerNormReluNet,
    ReluNet,
    SmoothedReluNet,
    output_gradients,
    outputs,
    pre_activations,
    weights,
)
from samtheory.validate import positive


def kink_margin(net: Any, theta: Any) -> float:
    """No unit turns on or off at any of the net's samples while one parameter changes by less than this; 0 on a kink.

    A lower bound: layer by layer the least |pre-activation| over the most that a change of one parameter can do to it.
    With layer norm the switch at |r| = eps counts as a kink.
    """
    a, (_, *middle, _) = pre_activations(net, theta), weights(net, theta)
    rate = np.abs(net.X).max()
    margin = np.abs(a[0]).min() / rate
    if isinstance(net, DeepReluNet):
        for level, W in enumerate(middle):
            rate = max(np.maximum(a[level], 0).max(), np.abs(W).sum(axis=1).max() * rate)
            on = (a[level] > 0).any(axis=1)  # where a whole layer is off, the next sees 0 whatever its weights
            if on.any():
                margin = min(margin, np.abs(a[level + 1][on]).min() / rate)
    if isinstance(net, LayerNormReluNet):
        margin = min(margin, np.abs(np.linalg.norm(np.maximum(a[0], 0), axis=1) - net.eps).min() / rate)
    return float(margin)


def output_terms(net: Any, theta: Any) -> np.ndarray:
    """What the round-off of f_i is relative to, [n]: the sum of its |terms|, those of units that are off left out."""
    (first, *middle, last), a = weights(net, theta), pre_activations(net, theta)
    z = np.abs(net.X) @ np.abs(first).T * (a[0] > 0)
    r = np.maximum(a[0], 0)
    if isinstance(net, DeepReluNet):
        for W, seen in zip(middle, a[1:]):
            z = z @ np.abs(W).T * (seen > 0)
    elif isinstance(net, LayerNormReluNet):
        size = np.maximum(np.linalg.norm(r, axis=1, keepdims=True), net.eps)
        z = z / size * (1 + np.linalg.norm(z, axis=1, keepdims=True) / size)
    elif isinstance(net, BatchNormReluNet):
        nu = np.sqrt((r**2).mean(axis=0))
        nu = np.where(nu > 0, nu, np.inf)
        z = z / nu * (1 + np.sqrt((z**2).mean(axis=0)) / nu) * np.abs(middle[0])
    return z @ np.abs(last)


class NetTrace(NamedTuple):
    """A trace and what differences and round-off can have added to it."""

    value: float
    tolerance: float


def net_trace(net: Any, theta: Any, step: float | None = None) -> NetTrace:
    """Tr Hess L from values of the loss alone, with the step or half the `kink_margin`, whichever is smaller.

    The default step is 1e-3, or 0.05 where the loss is quadratic along each parameter (`ReluNet`, `DeepReluNet`);
    with the logistic loss (`SmoothedReluNet`) it moves no output by more than 0.3, so that the differences are in
    their asymptotic regime.
    Tolerance: the truncation of `hessian_trace`, and errors of k ulp in each f_i, k = m + d' a layer: twice the
    residual and the change of f_i along each parameter carry them into the loss, 1/h^2 into its second difference.
    """
    margin = kink_margin(net, theta)
    if margin == 0:
        raise ValueError("theta is on a kink: a pre-activation is 0, the loss has no Hessian there")
    slopes = np.abs(output_gradients(net, theta))
    usual = 0.05 if isinstance(net, ReluNet | DeepReluNet) else 1e-3
    if isinstance(net, SmoothedReluNet):
        usual = min(usual, 0.3 / slopes.max(initial=1e-300))
    h = min(usual if step is None else positive("step", step), margin / 2)
    found = hessian_trace(net, theta, h)
    f, J = outputs(net, theta), slopes.sum(axis=1)
    slope = 1.0 if isinstance(net, SmoothedReluNet) else 2 * np.abs(f - net.y)
    ulp = (net.width + net.X.shape[1]) * getattr(net, "depth", 2) * np.finfo(float).eps
    carried = ulp * output_terms(net, theta) * (8 * slope * np.size(theta) / h**2 + 16 * J / h)
    return NetTrace(found.value, found.truncation + found.round_off + float(carried.mean()))
