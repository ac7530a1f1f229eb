"""The trace from values of the loss against traces known in closed form."""

import numpy as np
import pytest

from samtheory.evaluate import hessian
from samtheory.measures.trace import hessian_trace
from samtheory.problems.quadratic import Quadratic
from samtheory.problems.relu_nets import ReluNet, output_gradients
from samtheory.problems.tanh_mlp import sign_network


def test_quadratic_and_smooth_problems():
    A = np.random.default_rng(0).standard_normal((4, 4))
    found = hessian_trace(Quadratic(A + A.T, np.zeros(4)), np.arange(4.0), 0.5)
    assert abs(found.value - 2 * np.trace(A)) < found.round_off < 1e-10
    net, start = sign_network(0)
    found = hessian_trace(net, start, 1e-2)
    assert abs(found.value - np.trace(hessian(net, start))) < 1e-7 < found.truncation < 1e-3


def test_a_relu_net_off_interpolation_has_no_truncation():
    rng = np.random.default_rng(1)
    net = ReluNet(rng.standard_normal((5, 3)), rng.standard_normal(5), 4)
    theta = rng.standard_normal(16)
    found = hessian_trace(net, theta, 1e-3)
    assert found.value == pytest.approx(2 / 5 * (output_gradients(net, theta) ** 2).sum(), abs=found.round_off)
    assert found.truncation < found.round_off < 1e-5
    with pytest.raises(ValueError, match="step = 0"):
        hessian_trace(net, theta, 0)
