"""Projections and flows on minimisers against closed forms, invariants and plain differences of the spectrum."""

import numpy as np
import pytest

from samtheory.evaluate import gradients, hessian
from samtheory.flows.core import FlowError
from samtheory.flows.gradient import gradient_flow, project, retract
from samtheory.flows.manifold import manifold_flow, refined_top, third_twice, top_eigenvalue, trace
from samtheory.problems.links import HalfSquare, LogCosh
from samtheory.problems.product import Product
from samtheory.problems.products import Products
from samtheory.problems.quadratic import Quadratic
from samtheory.problems.quadratic_regression import mean_square_regression
from samtheory.problems.two_bowls import two_bowls

BOWLS, PAIR = two_bowls(), Products([1.0])


@pytest.fixture(scope="module")
def regression():
    rng = np.random.default_rng(5)
    A = rng.normal(size=(2, 5, 5)) * 0.4
    return mean_square_regression([0.1, -0.2], rng.normal(size=(2, 5)), A + A.transpose(0, 2, 1))


def test_projection_of_a_product_conserves_the_imbalance():
    u, v = 2.0, 0.3
    limit = project(PAIR, [u, v])
    imbalance = u * u - v * v
    square = (imbalance + np.hypot(imbalance, 2)) / 2
    assert limit.rank == 1
    assert limit.error < 1e-9
    assert np.abs(limit.point - [square**0.5, square**-0.5]).max() <= limit.error


def test_projection_is_constant_along_the_gradient_flow_and_a_minimiser(regression):
    x0 = np.full(5, 0.2)
    later = gradient_flow(regression, x0, [0.0, 0.05, 0.4])
    limits = [project(regression, x) for x in later]
    for one in limits:
        assert np.linalg.norm(gradients(regression, one.point)) < 1e-13
        assert np.linalg.norm(one.point - limits[0].point) < one.error + limits[0].error + 1e-9


def test_projection_refuses_a_saddle():
    saddle = Quadratic(np.diag([1.0, -1.0]), np.zeros(2))
    with pytest.raises(FlowError):
        project(saddle, [1.0, 0.0])


def test_retraction_meets_the_minimisers_quadratically():
    assert retract(BOWLS, [0.3, 0.2, 1e-3, -1e-3])[2:] == pytest.approx([0, 0], abs=1e-15)


@pytest.mark.parametrize("problem", [PAIR, Product(HalfSquare(1.0))], ids=["third", "differences"])
def test_the_imbalance_of_a_product_decays_as_e_to_minus_two_tau(problem):
    times = np.linspace(0, 1.5, 4)
    X = manifold_flow(problem, project(problem, [2.0, 0.3]).point, times, top_eigenvalue)
    assert np.abs(X.prod(axis=1) - 1).max() < 1e-13
    assert np.abs(X[:, 0] ** 2 - X[:, 1] ** 2 - 3.91 * np.exp(-2 * times)).max() < 1e-8
    assert np.abs(manifold_flow(problem, X[0], times, trace) - X).max() < 1e-8  # one non-zero eigenvalue


def test_refined_flow_of_a_product():
    """d Dl/dtau = -2 (2/(2 - eta lam))^2 Dl: Gauss-Legendre of dtau over Dl."""
    eta, start = 0.2, [2.0, 0.5]
    X = manifold_flow(PAIR, start, [0, 0.4], refined_top(eta))
    ends = X[:, 0] ** 2 - X[:, 1] ** 2
    node, weight = np.polynomial.legendre.leggauss(40)
    imbalance = ends[1] + (ends[0] - ends[1]) * (node + 1) / 2
    tau = (1 - eta * np.hypot(imbalance, 2) / 2) ** 2 / (2 * imbalance) @ weight * (ends[0] - ends[1]) / 2
    assert tau == pytest.approx(0.4, abs=1e-9)


def test_flow_falls_along_the_projected_gradient_of_the_spectrum(regression):
    """d S/dtau = -|P grad S|^2/2, grad S by differences of the spectrum along minimisers."""
    start = project(regression, np.full(5, 0.2)).point
    V = np.linalg.eigh(hessian(regression, start))[1]
    for slope, value in ((top_eigenvalue, lambda s: s[..., -1]), (trace, lambda s: s.sum(axis=-1))):
        h = 1e-4
        moved = [[retract(regression, start + s * h * t) for s in (1, -1)] for t in V.T[:3]]
        ahead, behind = np.moveaxis(value(np.linalg.eigvalsh(hessian(regression, np.array(moved)))), 1, 0)
        speed = ((ahead - behind) / (2 * h)) @ V.T[:3] / -2
        X = manifold_flow(regression, start, [0, 1e-4, 2e-4], slope)
        assert (4 * X[1] - X[2] - 3 * X[0]) / 2e-4 == pytest.approx(speed, abs=1e-5)


def test_differences_of_the_hessian_give_the_third_derivative():
    x, v = np.array([0.7, -0.4]), np.array([0.6, 0.8])
    u, w = x.prod(), 2 * v.prod()  # d^2 u/dx^2 [v, v] = w
    s = v @ x[::-1]  # du/dx [v]
    tanh, bend = np.tanh(u), 1 / np.cosh(u) ** 2
    want = (-2 * tanh * bend * s * s + bend * w) * x[::-1] + 2 * bend * s * v[::-1]
    assert third_twice(Product(LogCosh()), x, v) == pytest.approx(want, abs=1e-11)


def test_a_tie_of_the_top_eigenvalue_has_no_flow():
    with pytest.raises(FlowError, match="tied"):
        manifold_flow(Products([1.0, 1.0]), [2.0, 2.0, 0.5, 0.5], [0, 1], top_eigenvalue)
