"""The margin to the nearest kink against brute force, and traces against Jacobians."""

import numpy as np
import pytest

from samtheory.measures.flatness import kink_margin, net_trace, output_terms
from samtheory.problems.core import dim
from samtheory.problems.relu_nets import (
    BatchNormReluNet,
    DeepReluNet,
    LayerNormReluNet,
    ReluNet,
    SmoothedReluNet,
    output_gradients,
    outputs,
    pre_activations,
    with_bias,
)

RNG = np.random.default_rng(5)
X, Y = with_bias(RNG.standard_normal((4, 2))), RNG.standard_normal(4)
NETS = {
    "two layers": ReluNet(X, Y, 3),
    "four layers": DeepReluNet(X, Y, 3, 4),
    "layer norm": LayerNormReluNet(X, Y, 3, 1.0),
    "batch norm": BatchNormReluNet(X, Y, 3),
}


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
@pytest.mark.parametrize("seed", range(5))
def test_no_unit_flips_inside_the_margin(net, seed):
    theta = np.random.default_rng(seed).standard_normal(dim(net))
    margin = kink_margin(net, theta)
    assert margin > 0

    def pattern(t):
        a = pre_activations(net, t).copy()
        a[1:][~(a[:-1] > 0).any(axis=2)] = 0  # below a layer that is off altogether there is nothing to flip
        beyond = np.linalg.norm(np.maximum(a[0], 0), axis=1) > 1.0
        return np.append(a > 0, beyond if isinstance(net, LayerNormReluNet) else [])

    here = pattern(theta)
    moves = [s * margin * e for e in np.eye(len(theta)) for s in (-0.999, 0.999)]
    assert all((pattern(theta + move) == here).all() for move in moves)
    if not isinstance(net, DeepReluNet | LayerNormReluNet):  # exact for the sample of the largest |x'|
        assert not all((pattern(theta + 20 * move) == here).all() for move in moves)


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_traces(net):
    theta = np.random.default_rng(9).standard_normal(dim(net))
    fitted = net._replace(y=outputs(net, theta))
    found = net_trace(fitted, theta)
    exact = 2 / 4 * (output_gradients(net, theta) ** 2).sum()
    assert abs(found.value - exact) < found.tolerance < 1e-3 * exact
    assert (output_terms(net, theta) >= np.abs(outputs(net, theta)) * (1 - 1e-12)).all()


def test_steep_outputs_under_the_logistic_loss():
    X, y = np.array([[1.0, 0.5], [-0.3, 1.0]]), np.array([1.0, -1.0])
    net = SmoothedReluNet(X, y, 1, 0.2)
    theta = np.array([5e3, 5e3, 1e-4])  # 1e-3 of the last weight moves f_1 by 7.5
    found, f, J = net_trace(net, theta), outputs(net, theta), output_gradients(net, theta)
    s = 1 / (1 + np.exp(-f))
    exact = (s * (1 - s) * (J**2).sum(axis=1)).mean()  # f is linear along each parameter
    assert abs(found.value - exact) <= found.tolerance < 1e-3 * exact


def test_on_a_kink():
    with pytest.raises(ValueError, match="on a kink"):
        net_trace(ReluNet(X, Y, 1), [0, 0, 0, 1.0])
