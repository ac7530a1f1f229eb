"""Piecewise quadratics against numerical integration of their second derivative."""

import numpy as np
import pytest
from scipy.integrate import quad

from samtheory.evaluate import gradients, hessian, losses
from samtheory.problems.core import constants
from samtheory.problems.piecewise import PiecewiseQuadratic, two_sided

RNG = np.random.default_rng(3)


def second(p, x):
    return float(p.curvatures[np.searchsorted(p.knots, x, side="right")])


@pytest.mark.parametrize("seed", range(6))
def test_value_and_slope_integrate_the_curvature(seed):
    rng = np.random.default_rng(seed)
    p = PiecewiseQuadratic(np.sort(rng.standard_normal(3)), rng.standard_normal(4), rng.standard_normal())
    for x in rng.uniform(-3, 3, 5):
        inside = [k for k in p.knots if min(x, p.knots[0]) < k < max(x, p.knots[0])]
        slope = lambda t: p.slope + quad(lambda s: second(p, s), p.knots[0], t, points=inside or None)[0]  # noqa: B023, E731
        assert gradients(p, [x])[0] == pytest.approx(slope(x), abs=1e-7)
        value = quad(lambda t: gradients(p, [t])[0], p.knots[0], x, points=inside or None)[0]
        assert losses(p, [x]) == pytest.approx(value, abs=1e-7)
        assert hessian(p, [x])[0, 0] == second(p, x)


@pytest.mark.parametrize("seed", range(8))
def test_the_minimiser_is_the_least_point_of_a_grid(seed):
    rng = np.random.default_rng(seed)
    p = PiecewiseQuadratic(np.sort(rng.uniform(-1, 1, 3)), np.append(rng.uniform(-2, 2, 3), 1.0), rng.standard_normal())
    p = p._replace(curvatures=np.abs(p.curvatures) * [1, np.sign(p.curvatures[1]), np.sign(p.curvatures[2]), 1])
    grid = np.linspace(-20, 20, 400_001)
    known = constants(p)
    assert known.f_star <= losses(p, grid[:, None]).min() + 1e-9
    assert gradients(p, known.minimiser)[0] == pytest.approx(0, abs=1e-12)


def test_unbounded_and_flat_functions_have_no_minimiser():
    assert constants(two_sided(-1.0, 1.0)).f_star is None
    assert constants(PiecewiseQuadratic([0.0], [0.0, 1.0], 1.0)).f_star is None  # a half-line that falls to the left
    valley = constants(two_sided(10.0, 1.0))
    assert (valley.L, valley.mu, valley.f_star, valley.minimiser[0]) == (10.0, 1.0, 0.0, 0.0)


def test_refuses_knots_that_do_not_increase_and_missing_curvatures():
    with pytest.raises(ValueError, match="must increase"):
        PiecewiseQuadratic([1.0, 0.0], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="one curvature more"):
        PiecewiseQuadratic([1.0], [1.0])
