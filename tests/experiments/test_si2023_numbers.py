"""Reference numbers of si2023: SAM with a constant radius, deterministic and stochastic."""

import numpy as np
import pytest

from samtheory.evaluate import grad_norms, losses
from samtheory.oracles import WithReplacement
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.links import HalfSquare
from samtheory.problems.piecewise import PiecewiseQuadratic
from samtheory.problems.product import Product
from samtheory.problems.quadratic import Diagonal
from samtheory.problems.washboard import Washboard
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.constant_radius import convex_gradient_bound, squared_floor_bound, two_point_limit


def test_the_floor_on_the_cycle_is_a_fraction_of_the_stated_one():
    for h, fraction in ((0.05, 0.131), (0.5, 0.222)):
        cycle = 0.5 * (h * 0.5 / (2 - h)) ** 2
        np.testing.assert_allclose(cycle / squared_floor_bound(0, 1, 1, h, 0.5, 0.0), fraction, atol=6e-4)


def test_the_best_gap_over_the_horizon():
    """From T = 800 on, within the digits that are given."""
    f, gaps = Diagonal([1, 0.1], [0, 0]), {800: 2.01e-5, 3200: 1.80e-6, 12800: 1.54e-7}
    for T, gap in gaps.items():
        etas = np.minimum(0.5, np.linspace(0.3, 3, 28) * np.log(T) / (0.1 * T))
        best = min(float(losses(f, simulate(f, SAM(e, 0.5), [1, 1], T, every=T, threads=1).x)) for e in etas)
        np.testing.assert_allclose(best, gap, rtol=5e-3)


def test_beyond_the_step_the_mean_gradient_exceeds_the_bound():
    f, eta = Diagonal([1], [0]), 1.5
    run = simulate(f, SAM(eta, 1.0), [3.0], 500, threads=1)
    np.testing.assert_allclose((grad_norms(f, run.states) ** 2).mean(), 9, rtol=1e-12)
    np.testing.assert_allclose(convex_gradient_bound(1e12, 1, eta, 1, 4.5), 1.5, rtol=1e-9)


@pytest.mark.parametrize("x0, end", [(-0.3, 0.0), (0.2, 0.0), (0.32, 0.0), (0.34, 2 / 3)])
def test_where_sam_stops_on_the_sine(x0, end):
    unit = 1.5 * np.pi  # the sine's length; its beta = 2, rho = 1, eta = 0.25
    f = Washboard([0.0], [2.0], [-np.pi / 2])
    run = simulate(f, SAM(0.25, unit), [x0 * unit], 400, threads=1)
    np.testing.assert_allclose(run.x / unit, end, atol=1e-12)
    np.testing.assert_allclose(grad_norms(f, run.x) ** 2 / (2 * unit) ** 2, 0.04503163717437, rtol=1e-12)


@pytest.mark.parametrize("m, square", [(0.3, 0.16), (0.1, 0.64), (0.01, 0.9604)])
def test_where_sam_stops_on_the_bend(m, square):
    f = PiecewiseQuadratic([-m, 1 - m], [1, -1, 1], 1 - m)
    run = simulate(f, SAM(0.25, 1.0), [m / 2], 400, threads=1)
    np.testing.assert_allclose([run.x[0], grad_norms(f, run.x) ** 2], [0, square], atol=1e-13)


@pytest.mark.parametrize("k, a, limit", [(15, 1, -0.5), (15, 0.2, -0.2), (18, 1, -0.8)])
def test_where_noise_stops_sam(k, a, limit):
    p, eta = k / 20, 0.002
    np.testing.assert_allclose(two_point_limit(1, 1, a, p), limit)
    xi = np.where(np.arange(20) < k, a, -a * p / (1 - p))
    f = LeastSquares(np.ones((20, 1)), -xi)
    for shared in (False, True):
        oracle = WithReplacement(f, 1, shared)
        record = {"x": lambda x: x[..., 0]}
        run = simulate(oracle, SAM(eta, 1.0), [0], 30_000, members=8, every=50, record=record, threads=1)
        late = run["x"][:, run.t > 5000]
        assert abs(late.mean() - limit) < 0.02


def test_sam_does_not_settle_on_the_hyperbola():
    """f = (x y - 1)^2: eta = .02 ends on a two-cycle; at eta = .05 steps differ, 8.97e-3 is half of the shortest."""
    f = Product(HalfSquare(1.0))  # half of the loss, so twice the step
    for eta, rho, start, steps in ((0.02, 0.03, [2, 0.7], 1_100_000), (0.05, 0.1, [3, 0.4], 100_000)):
        last = simulate(f, SAM(2 * eta, rho), start, steps, every=steps, threads=1).x
        tail = simulate(f, SAM(2 * eta, rho), last, 100, threads=1).states
        np.testing.assert_allclose(tail[:, 0], tail[:, 1], atol=1e-5)
        half = np.linalg.norm(np.diff(tail, axis=0), axis=1) / 2
        if eta == 0.02:
            np.testing.assert_allclose(half, 1.2475e-3, rtol=1e-4)
        else:
            np.testing.assert_allclose([half.min(), half.max()], [8.97e-3, 1.330e-2], rtol=1e-3)
