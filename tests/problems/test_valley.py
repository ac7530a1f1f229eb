"""The turning valley: its flat direction, its PL constant, and the drift run of the theory notes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samtheory.evaluate import gradients, hessian, losses
from samtheory.problems.core import constants
from samtheory.problems.valley import TurningValley
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate


@settings(max_examples=50, deadline=None)
@given(top=st.floats(1.1, 10), swing=st.floats(-1, 1), low=st.floats(0.01, 10), th=st.floats(-10, 10))
def test_hessian_on_the_valley_floor(top, swing, low, th):
    p = TurningValley(top, swing, low)
    H = hessian(p, [0, 0, th])
    wanted = sorted([0.0, low, top + swing * math.sin(th)])
    np.testing.assert_allclose(np.linalg.eigvalsh(H), wanted, rtol=1e-13, atol=1e-14 * top)
    v = np.array([math.cos(th), math.sin(th), 0])
    np.testing.assert_allclose(H @ v, (top + swing * math.sin(th)) * v, rtol=1e-12, atol=1e-14 * top)
    assert losses(p, [0, 0, th]) == 0


@settings(max_examples=50, deadline=None)
@given(top=st.floats(1.1, 10), swing=st.floats(-1, 1), low=st.floats(0.01, 10), r=st.floats(0.1, 3))
def test_pl_constant_is_attained(top, swing, low, r):
    """At th = -+ pi/2, on the axis of lam or of low."""
    p = TurningValley(top, swing, low)
    th = -math.copysign(math.pi / 2, swing)
    X = np.array([[0, r, th], [r, 0, th]])
    ratios = (gradients(p, X) ** 2).sum(-1) / (2 * losses(p, X))
    assert math.isclose(ratios.min(), constants(p).pl, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("eta", "rho", "steps", "move"),
    [(0.2, 0.1, 250, -0.258780), (0.2, 0.01, 25000, -0.364052), (0.6, 0.01, 8333, -0.754822)],
)
def test_sam_drifts_as_far_as_the_notes_say(eta, rho, steps, move):
    run = simulate(TurningValley(), SAM(eta, rho), [0.01 * rho, 0.005 * rho, 0.0], 400 + steps)
    assert abs(run.states[-1, 2] - run.states[400, 2] - move) < 1e-6


def test_a_swing_above_the_top_promises_nothing():
    known = constants(TurningValley(1.0, 2.0, 0.5))
    assert known.pl is known.f_star is known.minimiser is None


@pytest.mark.parametrize(
    ("field", "value"), [("top", 0.0), ("top", math.nan), ("swing", math.inf), ("low", -1.0), ("low", "deep")]
)
def test_bad_valleys_are_refused(field, value):
    with pytest.raises(ValueError, match=f"^{field} = "):
        TurningValley(**{field: value})
