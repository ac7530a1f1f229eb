"""Sharpness measures against brute force, finite differences, moments of the sphere and the published numbers."""

import math
from typing import NamedTuple

import numpy as np
import pytest

from samtheory.evaluate import dense_hessian, gradients, hessian, hessian_vector, losses, sample_gradients
from samtheory.kernel import interpreted
from samtheory.measures.sharpness import (
    ascent_direction,
    ascent_loss_gradient,
    average_direction,
    ball_maximum,
    least_nonzero_eigenvalue,
    per_sample,
    sphere_rule,
    top_eigenvalue,
    trace,
    worst_direction,
)
from samtheory.problems.core import dim, grad, hessian_lipschitz, loss
from samtheory.problems.finite_sum import TanhFit
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.problems.products import Products
from samtheory.problems.quadratic import quadratic
from samtheory.problems.quadratic_regression import random_regression
from samtheory.problems.sample import Sample, each_sample
from samtheory.problems.two_bowls import two_bowls

RNG = np.random.default_rng(5)
TANH = TanhFit(RNG.standard_normal((4, 8)), RNG.uniform(-0.8, 0.8, 4))  # hvp and samples; eight dimensions
REGRESSION = random_regression(np.random.default_rng(2), 2, 3, 0.7)
ON_THE_PLANE = np.array([0.3, -0.4, 0, 0])


class Cosines(NamedTuple):
    """sum cos x_i: no Hessian registered."""


@dim.register(Cosines)
def _dim(p):
    return 2


@loss.register(Cosines)
def _loss(p, x, work):
    return math.cos(x[0]) + math.cos(x[1])


@grad.register(Cosines)
def _grad(p, x, out, work):
    out[0] = -math.sin(x[0])
    out[1] = -math.sin(x[1])


@pytest.mark.parametrize("lam", [[3.0, 1.0], [2.0, -1.0], [-1.0, -2.0], [1.0, 1.0], [0.0, 0.0], [5.0, 0.0]])
@pytest.mark.parametrize("g", [[0.3, -0.7], [0.0, 0.4], [0.2, 0.0], [0.0, 0.0], [1e-9, 0.3], [40.0, 1.0]])
def test_maximum_of_a_quadratic_on_a_disc(lam, g):
    g, lam, rho = np.array(g), np.array(lam), 0.8
    angle = np.linspace(0, 2 * np.pi, 20001)
    disc = rho * np.linspace(0, 1, 41)[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    brute = (disc @ g + disc**2 @ lam / 2).max()
    s, low, high = ball_maximum(g, lam, rho)
    size = np.abs(lam).max() * rho**2 + np.abs(g).max() * rho + 1e-300
    assert np.linalg.norm(s) <= rho * (1 + 1e-15)
    assert abs(g @ s + lam @ s**2 / 2 - low) <= 1e-15 * size
    assert abs(high - low) <= 1e-13 * size
    assert brute - 1e-15 * size <= high <= brute + 2e-3 * size


@pytest.mark.parametrize("rho", [0.05, 0.4])
@pytest.mark.parametrize("problem", [Product(HalfSquare(1.0)), Cosines()], ids=["product", "no Hessian"])
def test_worst_direction_by_scanning_the_disc(problem, rho):
    x = np.array([0.7, 1.1])
    angle = np.linspace(0, 2 * np.pi, 4001)
    disc = rho * np.linspace(0, 1, 201)[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    brute = (losses(problem, x + disc) - losses(problem, x)).max()
    found = worst_direction(problem, x, rho)
    assert brute - 1e-15 <= found.value <= brute * (1 + 1e-5)
    assert found.low == found.value and found.high == math.inf
    if isinstance(problem, Product):  # the third derivatives on the ball are below 6 (|x| + rho)
        enclosed = worst_direction(problem, x, rho, lipschitz=3 * (np.hypot(*x) + rho))
        assert found.value <= enclosed.high <= found.value + rho**3 * (np.hypot(*x) + rho)


def test_worst_direction_finds_the_maximum_inside_the_ball():
    found = worst_direction(Cosines(), [0.3, 0.1], 1.0)
    assert found.value == pytest.approx(2 - math.cos(0.3) - math.cos(0.1), rel=1e-12)


def test_quadratics_are_exact():
    rng = np.random.default_rng(0)
    problem, x, rho = quadratic(rng.standard_normal(5), rng.standard_normal(5), rotation=rng), np.ones(5), 0.7
    worst, mean = worst_direction(problem, x, rho), average_direction(problem, x, rho)
    climbed = worst_direction(problem, x, rho, lipschitz=1e-300)
    assert worst.error <= 1e-14 and abs(worst.value - climbed.value) <= 1e-13
    assert mean.value == pytest.approx(rho**2 * np.trace(problem.matrix) / 10, rel=1e-14)
    assert abs(average_direction(problem, x, rho, draws=1280).value - mean.value) <= 1e-14
    g = problem.matrix @ (x - problem.centre)
    exact = rho * np.linalg.norm(g) + rho**2 / 2 * g @ problem.matrix @ g / (g @ g)
    assert ascent_direction(problem, x, rho).value == pytest.approx(exact, rel=1e-13)
    assert ascent_direction(problem, problem.centre, rho).value == 0


@pytest.mark.parametrize(("rho", "worst"), [(0.1, 4.651400), (0.01, 4.65001398), (0.001, 4.65000014)])
def test_published_numbers_on_the_plane_of_minimisers(rho, worst):
    problem = two_bowls()
    found = worst_direction(problem, ON_THE_PLANE, rho)
    assert found.value / rho**2 == pytest.approx(worst, abs=5e-7 if rho > 0.05 else 5e-9)
    assert found.value <= found.high <= found.value + rho**3
    mean = average_direction(problem, ON_THE_PLANE, rho)  # F_k + E (bend_k a^2 + b^2) c^2: fourth moments 1/24
    assert mean.value / rho**2 == pytest.approx(1.66375 + rho**2 * 3.5 / 24, rel=1e-13) and mean.error < 1e-14
    drawn = average_direction(problem, ON_THE_PLANE, rho, draws=2560)
    assert drawn.low <= mean.value <= drawn.high and drawn.error < 1e-2 * rho**4
    near = ON_THE_PLANE + 1e-7 * rho * np.array([0, 0, 0, 1.0])
    assert ascent_direction(problem, near, rho).value / rho**2 == pytest.approx(2.005, rel=1e-6)


def test_gradient_of_the_ascent_loss():
    problem, rho, step = two_bowls(), 0.3, 1e-5
    for x in np.random.default_rng(3).uniform(0.2, 1.0, (4, 4)) * [1, -1, 1, 1]:
        rises = [
            [ascent_direction(problem, y, rho).value + losses(problem, y) for y in (x + step * e, x - step * e)]
            for e in np.eye(4)
        ]
        difference = np.diff(rises, axis=1)[:, 0] / (-2 * step)
        np.testing.assert_allclose(ascent_loss_gradient(problem, x, rho), difference, rtol=1e-7, atol=1e-7)
    assert np.isnan(ascent_loss_gradient(problem, [[0.3, 0.1, 0, 0], x], rho)).all(axis=1).tolist() == [True, False]


def test_eigenvalues_and_trace():
    problem, x = two_bowls(), ON_THE_PLANE
    for found, exact in (
        (top_eigenvalue(problem, x), 9.3),
        (top_eigenvalue(problem, x, iterative=True), 9.3),
        (trace(problem, x), 13.31),
        (least_nonzero_eigenvalue(problem, x), 4.01),
        (least_nonzero_eigenvalue(problem, x, rank=1), 9.3),
    ):
        assert found.low <= exact <= found.high and found.error < 1e-13
    spectrum = np.linalg.eigvalsh(dense_hessian(TANH, np.full(8, 0.2)))
    lanczos = top_eigenvalue(TANH, np.full(8, 0.2), iterative=True)
    assert lanczos.low <= spectrum[-1] <= lanczos.high and lanczos.error < 1e-10
    drawn = trace(TANH, np.full(8, 0.2), probes=1280)
    assert drawn.low <= spectrum.sum() <= drawn.high and 0 < drawn.error < 0.6


@pytest.mark.parametrize("d", [1, 2, 3, 4, 6])
def test_sphere_rule_integrates_polynomials(d):
    points, weights = sphere_rule(d, 6)
    assert np.abs(np.linalg.norm(points, axis=1) - 1).max() < 1e-14
    moment = 1.0
    for k in range(1, 6):  # E u_1^(2k) = product of (2j - 1)/(d + 2j - 2)
        moment *= (2 * k - 1) / (d + 2 * k - 2)
        for i in range(d):
            assert weights @ points[:, i] ** (2 * k) == pytest.approx(moment, rel=1e-12)
    if d > 1:
        assert weights @ (points[:, 0] ** 2 * points[:, -1] ** 2) == pytest.approx(1 / (d * (d + 2)), rel=1e-12)
        assert abs(weights @ (points[:, 0] ** 3 * points[:, -1] ** 2)) < 1e-15


def test_average_in_more_dimensions_and_without_a_hessian():
    x, rho = np.full(8, 0.2), 0.5
    u = np.random.default_rng(9).standard_normal((400_000, 8))
    rise = losses(TANH, x + rho * u / np.linalg.norm(u, axis=1, keepdims=True)) - losses(TANH, x)
    found = average_direction(TANH, x, rho)
    assert abs(found.value - rise.mean()) <= found.error + 6 * rise.std() / math.sqrt(len(u))
    assert found.error < 0.1 * found.value
    exact = average_direction(Cosines(), [0.3, 0.1], 0.6)
    drawn = average_direction(Cosines(), [0.3, 0.1], 0.6, draws=2560)
    assert exact.error < 1e-8 and drawn.low <= exact.value <= drawn.high


@pytest.mark.parametrize(
    ("problem", "x"),
    [
        (two_bowls(0.5), np.array([0.3, -0.4, 0.2, 0.5])),
        (Products([1.0, -0.5]), np.array([1.2, 0.4, 0.9, -0.7])),
        (REGRESSION, np.array([0.5, -0.2, 0.8])),
    ],
    ids=["two bowls", "products", "regression"],
)
def test_hessian_is_lipschitz_with_the_registered_constant(problem, x):
    rng, radius = np.random.default_rng(1), 0.3
    bound = hessian_lipschitz(problem, x, radius)
    v = rng.standard_normal((2000, x.size))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    y = x + radius * v
    quotient = np.linalg.norm(hessian(problem, y) - hessian(problem, y - 1e-4 * v[::-1]), ord=2, axis=(1, 2)) / 1e-4
    assert bound / 4 < quotient.max() <= bound * (1 + 1e-3)


def test_samples_are_problems_whose_mean_is_the_problem():
    x, v = np.array([0.5, -0.2, 0.8]), np.array([1.0, 2.0, -1.0])
    each = each_sample(REGRESSION)
    assert len(each) == 2
    for whole, part in (
        (losses(REGRESSION, x), [losses(s, x) for s in each]),
        (gradients(REGRESSION, x), [gradients(s, x) for s in each]),
        (hessian_vector(REGRESSION, x, v), [hessian_vector(s, x, v) for s in each]),
    ):
        np.testing.assert_allclose(np.mean(part, axis=0), whole, rtol=1e-13)
    np.testing.assert_array_equal(gradients(each[1], x), sample_gradients(REGRESSION, x)[1])
    with interpreted():
        np.testing.assert_array_equal(gradients(Sample(REGRESSION, 1), x), sample_gradients(REGRESSION, x)[1])
    with pytest.raises(ValueError, match="index = 2 is no sample"):
        Sample(REGRESSION, 2)


def test_per_sample_sharpness():
    problem, rho = two_bowls(0.5), 1e-3  # samples F_0 c^2 and F_1 d^2
    for found, exact in (
        (per_sample(worst_direction, problem, ON_THE_PLANE, rho), rho**2 * 13.31 / 4),
        (per_sample(average_direction, problem, ON_THE_PLANE, rho), rho**2 * 13.31 / 16),
        (per_sample(top_eigenvalue, problem, ON_THE_PLANE), 13.31 / 2),
        (per_sample(trace, problem, ON_THE_PLANE), 13.31 / 2),
    ):
        assert found.value == pytest.approx(exact, rel=1e-6) and found.low <= found.value <= found.high


def test_refusals():
    with pytest.raises(ValueError, match="rho = 0"):
        worst_direction(TANH, np.zeros(8), 0.0)
    with pytest.raises(ValueError, match="x has shape"):
        trace(TANH, np.zeros(3))
    with pytest.raises(ValueError, match="Hessian is zero"):
        least_nonzero_eigenvalue(quadratic([0.0, 0.0]), [1.0, 2.0])
    with pytest.raises(ValueError, match="rank = 3"):
        least_nonzero_eigenvalue(quadratic([1.0, 0.0]), [1.0, 2.0], rank=3)
    with pytest.raises(ValueError, match="starts = 0"):
        worst_direction(Cosines(), [0.0, 0.0], 0.1, starts=0)
    with pytest.raises(ValueError, match="draws = 10"):
        average_direction(TANH, np.zeros(8), 0.1, draws=10)
