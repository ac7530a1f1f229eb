"""Imbalances of independent products against plain integration of their flows."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from samtheory.theory.sliding import finite_step_imbalance, sliding_imbalances, tie_time

START, Y = np.array([4.59, -3.1, 1.9]), np.array([1.0, 0.6, 0.8])


def test_before_the_tie_only_the_top_pair_decays():
    end = tie_time(START, Y)
    assert sliding_imbalances(0.9 * end, START, Y) == pytest.approx(START * [np.exp(-0.6 * end), 1, 1], rel=1e-12)
    Dl = sliding_imbalances(end, START, Y)
    assert Dl[0] ** 2 + 4 * Y[0] ** 2 == pytest.approx(Dl[1] ** 2 + 4 * Y[1] ** 2, rel=1e-12)
    assert tie_time([3.0, 0.1], [1.0, 0.2]) == np.inf


def test_tied_pairs_keep_the_tie_and_share_one_descent():
    """d Dl_k/dtau = -(2/M) p_k Dl_k, sum p = 1, p_k Dl_k^2 equal: by hand past both ties."""
    for tau in (1.3, 3.0):
        Dl = sliding_imbalances(tau, START, Y)
        later = sliding_imbalances(tau + 1e-5, START, Y)
        p = -(later - Dl) / 1e-5 * 3 / 2 / Dl
        level = Dl**2 + 4 * Y**2
        tied = level > level.max() * (1 - 1e-9)
        assert tied.sum() == (2 if tau == 1.3 else 3)
        assert p.sum() == pytest.approx(1, abs=1e-4)
        assert np.ptp((p * Dl**2)[tied]) < 1e-4
        assert np.abs(p[~tied]).max(initial=0) < 1e-9
        assert (np.sign(Dl) == np.sign(START)).all()


@pytest.mark.parametrize("curvature", [1.0, 1 / 3])
def test_finite_steps_agree_with_integration(curvature):
    eta, y, M = 0.3, 0.7, 3

    def rhs(t, D):
        return -(2 / M) * (2 / (2 - eta * curvature * np.sqrt(D**2 + 4 * y**2))) ** 2 * D

    want = solve_ivp(rhs, (0, 1.2), [-4.0], rtol=1e-11, atol=1e-13).y[0, -1]
    assert finite_step_imbalance(1.2, -4.0, y, eta, M, curvature) == pytest.approx(want, rel=1e-8)
    with pytest.raises(ValueError, match="outside"):
        finite_step_imbalance(1.0, 8.0, y, eta, M, 1.0)
