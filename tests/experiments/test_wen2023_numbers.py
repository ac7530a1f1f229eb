"""Reference numbers of the manifold claims of Wen, Ma & Li 2023, each to the digits in which it was written down."""

import numpy as np
import pytest

from samtheory.evaluate import gradients, hessian, losses
from samtheory.flows.cycle import last_two
from samtheory.flows.gradient import gradient_flow, project
from samtheory.flows.manifold import manifold_flow, refined_top, top_eigenvalue, trace
from samtheory.measures.sharpness import worst_direction
from samtheory.oracles import GaussianNoise, WithReplacement
from samtheory.problems.interpolating import interpolating
from samtheory.problems.products import Products
from samtheory.problems.two_bowls import two_bowls
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude
from samtheory.theory.sliding import finite_step_imbalance, sliding_imbalances, tie_time

PAIR, PAIR_START = Products([1.0]), [2.0, 0.3]
BOWLS, BOWLS_START = two_bowls(), [-0.3, 0.8, 0.2, 0.3]


@pytest.fixture(scope="module")
def least_squares():
    """Two residuals on R^5, the start, and Phi of it."""
    problem, start = interpolating("regression", np.random.default_rng(3))
    return problem, start, project(problem, start).point


def imbalance(x):
    half = x.shape[-1] // 2
    return x[..., :half] ** 2 - x[..., half:] ** 2


def run(problem, eta, rho, start, tau, oracle=None, **options):
    steps = int(np.ceil(tau / (eta * rho**2)))
    return simulate(oracle or problem, SAM(eta, rho), start, steps, every=steps, threads=1, **options).x


def test_phi_and_both_flows_of_least_squares(least_squares):
    problem, _, phi = least_squares
    assert phi == pytest.approx([-0.718362, -0.670905, -0.636601, 0.219076, -0.438811], abs=6e-7)
    assert np.linalg.eigvalsh(hessian(problem, phi))[3:] == pytest.approx([6.77122, 13.17763], abs=6e-6)
    X = manifold_flow(problem, phi, [0, 1], top_eigenvalue)[1]
    assert np.abs(X - [-0.387269, -0.335451, 0.074553, 0.189364, -0.169387]).max() < 6e-7
    assert np.linalg.eigvalsh(hessian(problem, X))[4] == pytest.approx(11.5700, abs=6e-5)
    X = manifold_flow(problem, phi, [0, 1], trace)[1]
    assert np.abs(X - [-0.370613, -0.347514, 0.549293, 0.464713, -0.107063]).max() < 6e-7
    assert np.trace(hessian(problem, X)) == pytest.approx(16.3343, abs=6e-5)


@pytest.mark.parametrize(
    ("eta", "rho", "plain", "refined", "angle"),
    [(0.08, 0.02, 1.658, 0.0209, 0.371), (0.04, 0.01, 0.599, 0.0122, 0.240), (0.02, 0.005, 0.2529, 0.00609, 0.184)],
)
def test_errors_of_both_flows_and_the_angle(least_squares, eta, rho, plain, refined, angle):
    problem, start, phi = least_squares
    x = run(problem, eta, rho, start, 1.0)
    for slope, error in ((top_eigenvalue, plain), (refined_top(eta), refined)):
        X = manifold_flow(problem, phi, [0, 1], slope)[1]
        assert np.linalg.norm(x - X) == pytest.approx(error, rel=0.01)
    along = np.linalg.eigh(hessian(problem, x))[1].T @ gradients(problem, x)
    assert np.arctan2(np.linalg.norm(along[:-1]), abs(along[-1])) / rho == pytest.approx(angle, rel=0.01)


def test_imbalance_of_a_product():
    tau = [0, 0.5, 1.0]
    flow = manifold_flow(PAIR, project(PAIR, PAIR_START).point, tau, top_eigenvalue)
    assert imbalance(flow)[1:, 0] == pytest.approx([1.438409, 0.529161], abs=6e-7)
    for eta, first, second in ((0.08, 1.071398, 0.325179), (0.04, 1.252789, 0.420385)):
        x = [run(PAIR, eta, eta / 10, PAIR_START, time) for time in tau[1:]]
        assert imbalance(np.array(x))[:, 0] == pytest.approx([first, second], abs=2e-4)


def test_two_bowls_under_the_top_eigenvalue_and_the_trace():
    phi = project(BOWLS, BOWLS_START).point
    assert phi[:2] == pytest.approx([-0.304315, 0.778472], abs=6e-7)
    X = manifold_flow(BOWLS, phi, [0, 0.3], top_eigenvalue)[1]
    assert X[:2] == pytest.approx([0.284177, 0.427234], abs=6e-7)
    for eta, error in ((0.04, 0.2412), (0.02, 0.1145)):
        assert np.linalg.norm(run(BOWLS, eta, eta / 4, BOWLS_START, 0.3) - X) == pytest.approx(error, rel=0.01)
    mean = two_bowls(0.5)
    X = manifold_flow(mean, project(mean, BOWLS_START).point, [0, 0.5], trace)[1]
    assert X[:2] == pytest.approx([0.032130, 0.286384], abs=6e-7)
    x = run(mean, 0.04, 0.01, BOWLS_START, 0.5, WithReplacement(mean, 1), members=4)
    assert (x - X).mean(axis=0)[:2] == pytest.approx([0.1734, -0.0906], abs=0.005)  # 7 standard errors


def test_phase_one_on_least_squares(least_squares):
    problem, start, phi = least_squares
    flow = gradient_flow(problem, start, [0, 1.0])[1]
    lam = np.linalg.eigvalsh(hessian(problem, phi))[4]
    for eta, error, steps in ((0.02, 0.260, 20), (0.01, 0.235, 52), (0.005, 0.229, 127)):
        path = simulate(problem, SAM(eta, eta), start, round(1 / eta), threads=1).states
        assert np.linalg.norm(path[-1] - flow) / (2 * eta) == pytest.approx(error, rel=0.01)
        near = np.sqrt(2 * losses(problem, path)) <= 2 * cycle_amplitude(eta, eta, lam) * lam**0.5
        assert near.argmax() == steps


def test_distance_and_worst_direction_on_least_squares(least_squares):
    problem, start, _ = least_squares
    pair = last_two(problem, 0.02, 0.005, start, round(1 / (0.02 * 0.005**2)))
    lam = np.linalg.eigvalsh(hessian(problem, project(problem, pair.mean(axis=0)).point))[4]
    residual = np.sqrt(4 * losses(problem, pair)).mean()  # L = |f|^2/4
    assert residual == pytest.approx(cycle_amplitude(0.02, 0.005, lam) * np.sqrt(2 * lam), rel=1e-3)
    assert worst_direction(problem, pair[0], 0.005).value / 0.005**2 == pytest.approx(6.9771, rel=1e-3)


def test_three_pairs_before_and_after_the_tie():
    u = np.array([2.2, 1.8, 1.5])
    problem, start, y = Products(np.ones(3)), np.concatenate([u, 1.1 / u]), np.ones(3)
    first = imbalance(start)
    assert first == pytest.approx([4.59, 2.866543, 1.712222], abs=6e-7)
    assert tie_time(first, y) == pytest.approx(0.7062, abs=6e-5)
    x = run(problem, 0.05, 0.01, start, 0.5)
    assert imbalance(x) / first == pytest.approx([0.698521, 0.999793, 0.999637], abs=2e-5)
    assert sliding_imbalances(1.0, first, y) / first == pytest.approx([0.5662, 0.9067, 1], abs=6e-5)
    x = run(problem, 0.025, 0.01, start, 1.0, GaussianNoise(problem, 1e-13 / 0.025))
    assert imbalance(x) / first == pytest.approx([0.5599, 0.8966, 0.9997], abs=1e-4)
    assert imbalance(run(problem, 0.05, 0.01, start, 1.0))[1] / first[1] == pytest.approx(0.9998, abs=6e-5)  # frozen
    one = [finite_step_imbalance(1.0, Dl, 1.0, 0.025, 3) for Dl in first] / first
    assert one == pytest.approx([0.47931, 0.48807, 0.49276], abs=6e-6)
