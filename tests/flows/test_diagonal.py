"""The log form of the flows against the weights themselves moving down the problem's own gradients."""

import numpy as np
import pytest

from samtheory.flows.core import FlowError
from samtheory.flows.diagonal import KINDS, gradient_flow, limit, sam_flow, weight_flow
from samtheory.measures.interpolators import minimise_entropy
from samtheory.problems.diagonal_net import squared_net

N, D = 3, 5


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((N, D))
    return X, X @ [1, 0, 0, -0.5, 0], rng.uniform(0.1, 0.4, D)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rho", [-0.1, 0.0, 0.25])
def test_the_weights_move_down_the_perturbed_gradients(data, kind, rho):
    X, y, alpha = data
    net, times = squared_net(X, y), np.array([0, 0.5, 2, 8])

    w = weight_flow(net, np.tile(alpha, 2), rho, kind, times)
    path = sam_flow(X, y, alpha, rho, kind, times)
    np.testing.assert_allclose(path.beta, w[:, :D] ** 2 - w[:, D:] ** 2, atol=1e-8)
    np.testing.assert_allclose(path.alpha, np.sqrt(w[:, :D] * w[:, D:]), rtol=1e-7)


def test_integrals_along_gradient_flow(data):
    X, y, alpha = data
    times = np.linspace(0, 1, 401)
    path = gradient_flow(X, y, alpha, times)
    r = path.beta @ X.T - y
    for got, f in (
        (path.delta_n, (r @ X / N) ** 2),
        (path.delta_1, r**2 @ X**2 / N),
        (path.loss_integral, (r**2).mean(1)),
    ):
        simpson = (times[1] / 3) * (f[0] + f[-1] + 4 * f[1:-1:2].sum(axis=0) + 2 * f[2:-1:2].sum(axis=0))
        np.testing.assert_allclose(got[-1], simpson, rtol=1e-6)
    for kind in KINDS:  # rho = 0 is gradient flow, and E its delta
        same = sam_flow(X, y, alpha, 0.0, kind, times[[0, -1]])
        np.testing.assert_allclose(same.beta[-1], path.beta[-1], atol=1e-9)
        np.testing.assert_allclose(
            same.exponent[-1], (path.delta_n if kind == "n-SAM" else path.delta_1)[-1], rtol=1e-7
        )


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_interpolates_and_minimises(data, kind):
    X, y, alpha = data
    end = limit(X, y, alpha, 0.2, kind)
    assert end.residual < 1e-9
    np.testing.assert_allclose(end.beta, minimise_entropy(X, y, end.alpha).beta, atol=1e-8)


def test_refusals(data):
    X, y, alpha = data
    with pytest.raises(ValueError, match="kind = 'SAM'"):
        sam_flow(X, y, alpha, 0.1, "SAM", [0, 1])
    with pytest.raises(ValueError, match="alpha"):
        limit(X, y, -alpha)
    with pytest.raises(ValueError, match="slowest"):
        limit(np.vstack([X, X]), np.tile(y, 2), alpha)
    with pytest.raises(FlowError):
        limit(X, y, alpha, residual=1e-300)
