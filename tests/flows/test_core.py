"""`solve` against closed forms, stiff ones too, and its refusals."""

import numpy as np
import pytest

from samtheory.flows.core import FlowError, solve


def test_solves_a_stiff_linear_equation_to_its_tolerance():
    rates = np.array([1.0, 1e4])
    times = np.linspace(0, 2, 7)
    y = solve(lambda t, y: -rates * y, [1.0, 1.0], times)
    assert np.abs(y - np.exp(-np.outer(times, rates))).max() < 1e-8


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_blow_up_says_where_it_stopped():
    with pytest.raises(FlowError, match=r"stopped at t = .* of 2"):
        solve(lambda t, y: y * y, [1.0], [0, 2])


@pytest.mark.parametrize("times", [[0.0], [0, 0], [1, 0]])
def test_refuses_times_that_do_not_increase(times):
    with pytest.raises(ValueError, match="times"):
        solve(lambda t, y: y, [1.0], times)
