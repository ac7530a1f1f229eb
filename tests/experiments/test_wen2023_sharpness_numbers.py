"""Reference numbers of the claims of wen2023 on sharpness notions, alignment and the ascent loss."""

import numpy as np
import pytest

from samtheory.evaluate import gradients, hessian, sample_gradients
from samtheory.flows.gradient import project
from samtheory.measures.sharpness import (
    ascent_direction,
    average_direction,
    least_nonzero_eigenvalue,
    per_sample,
    top_eigenvalue,
    trace,
    worst_direction,
)
from samtheory.problems.quadratic_regression import mean_square_regression
from samtheory.problems.quadratic_sum import QuadraticSum
from samtheory.problems.two_bowls import two_bowls
from samtheory.rules.ascent_loss import AscentLoss
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

START = [-0.3, 0.8, 0.2, 0.3]


def reference():
    """The residuals b_k'x + x'A_k x/2 and the start of the published draws."""
    rng = np.random.default_rng(3)
    B, A = rng.normal(size=(2, 5)), rng.normal(size=(2, 5, 5)) * 0.4
    return mean_square_regression([0, 0], B * [[1.3], [1]], (A + A.transpose(0, 2, 1)) / 2), rng.normal(size=5) * 0.6


@pytest.mark.parametrize(("ab", "limits"), [((0.3, -0.4), (4.65, 2.005, 1.66375)), ((1.0, 0.5), (4.25, 3.25, 1.875))])
def test_three_notions_on_the_two_bowls(ab, limits):
    problem, x, rho = two_bowls(), np.array([*ab, 0, 0]), 1e-3
    near = x + 1e-7 * rho * np.array([0, 0, 0, 1])
    found = worst_direction(problem, x, rho), ascent_direction(problem, near, rho), average_direction(problem, x, rho)
    assert [one.value / rho**2 for one in found] == pytest.approx(limits, rel=1e-6)


def test_perturbations_of_the_whole_space_see_the_trace():
    """E L(x + rho z), z ~ N(0, I), as the sphere's average over |z|^2 ~ chi^2_4: D times as much."""
    problem, x, rho = two_bowls(), np.array([0.3, -0.4, 0, 0]), 1e-2
    radius2, weights = np.polynomial.laguerre.laggauss(8)  # chi^2_4 = 2 t with density t e^-t
    mean = sum(w * t * average_direction(problem, x, rho * (2 * t) ** 0.5).value for t, w in zip(radius2, weights))
    assert mean / rho**2 == pytest.approx(4.65 + 2.005 + 3.5 * rho**2, rel=1e-10)


def test_trace_of_the_reference_regression():
    problem, start = reference()
    point, rho = project(problem, start).point, 1e-4
    assert point == pytest.approx([-0.718362, -0.670905, -0.636601, 0.219076, -0.438811], abs=6e-7)
    assert top_eigenvalue(problem, point).value == pytest.approx(13.17763, abs=5e-6)
    assert least_nonzero_eigenvalue(problem, point).value == pytest.approx(6.77122, abs=5e-6)
    assert per_sample(worst_direction, problem, point, rho).value / rho**2 == pytest.approx(19.94885 / 2, rel=1e-3)
    assert per_sample(average_direction, problem, point, rho).value / rho**2 == pytest.approx(19.94885 / 10, rel=1e-6)
    assert trace(problem, point).value == pytest.approx(19.94885, abs=1e-5)


def test_alignment_ends_where_rho_is_large_over_eta():
    problem, start = reference()

    def angle(x):
        g, v = gradients(problem, x), np.linalg.eigh(hessian(problem, x))[1][..., -1]
        along = np.sum(g * v, axis=-1)
        return np.arctan2(np.linalg.norm(g - along[..., None] * v, axis=-1), np.abs(along))

    for eta, rho, low, high in ((0.01, 0.05, 0.009, 0.0095), (0.01, 0.1, 0.0205, 0.0215), (0.002, 0.1, 0.9, 1.5)):
        steps = int(np.ceil(1 / (eta * rho**2)))
        seen = simulate(problem, SAM(eta, rho), start, steps, record={"angle": angle}, threads=1)["angle"]
        assert low < seen[steps // 2 :].max() < high


@pytest.mark.parametrize(("eta", "rho", "rest"), [(1e-2, 0.1, 0.4266), (1e-3, 0.1, -0.218), (1e-4, 0.3, -0.688)])
def test_rest_of_descent_on_the_ascent_loss(eta, rho, rest):
    steps = int(25 / (eta * rho**2))
    run = simulate(two_bowls(), AscentLoss(eta, rho), START, steps, every=steps, threads=1)
    assert run.x[0] == pytest.approx(rest, abs=6e-4) and run.x[2] != 0


def test_sam_from_the_same_start():
    run = simulate(two_bowls(), SAM(0.02, 0.1), START, 80_000, every=80_000, threads=1)
    assert run.x[0] == pytest.approx(1, abs=1e-9) and abs(run.x[3]) < 1e-12


def test_in_floats_the_ascent_loss_can_lose_the_direction_it_chatters_in():
    """From d far above the cycle's rho sqrt(eta), c falls below the least float and stays 0: a goes to argmin F1."""
    run = simulate(two_bowls(), AscentLoss(1e-4, 0.1), [-0.61, 0.05, 0.02, 0.03], 4_000_000, every=4_000_000, threads=1)
    assert run.x[2] == 0 and run.x[0] < -0.95


def test_matrices_that_differ_but_share_a_top_direction():
    pair = QuadraticSum([np.diag([2.0, 2, 1]), np.diag([1.0, 2, 2])], np.zeros((2, 3)))
    assert (sample_gradients(pair, [0.0, 1, 0]) == [[0, 2, 0], [0, 2, 0]]).all()
