"""Balancedness-aware rules against their formula in NumPy, and what they refuse."""

import numpy as np
import pytest
from test_rules import both_ways

from samtheory.evaluate import gradients
from samtheory.problems.balanced import Outer
from samtheory.problems.links import LogCosh
from samtheory.rules.bar import NBAR, OBAR
from samtheory.rules.gd import GD
from samtheory.rules.momentum import HeavyBall
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import InverseTime
from samtheory.simulate import simulate

rng = np.random.default_rng(3)
PROBLEM = Outer(LogCosh(), rng.standard_normal((2, 3)))


def shrinks_x(kind, v, u):
    w = v if kind is OBAR else u
    longer = w[:2] @ w[:2] >= w[2:] @ w[2:]
    return longer if kind is OBAR else not longer


@pytest.mark.parametrize("kind", [OBAR, NBAR])
@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_scaling_uses_the_direction_at_the_unscaled_point(kind, start):
    v = np.random.default_rng(start).standard_normal(5)
    alpha, eta, rho = InverseTime(0.5, 4.0), 0.1, 0.2
    run = both_ways(PROBLEM, kind(SAM(eta, rho), alpha, 2), v, 6).states
    for t in range(6):
        g = gradients(PROBLEM, v)
        u = gradients(PROBLEM, v + rho * g / np.linalg.norm(g))
        a = 0.5 / (1 + t / 4) * (1 if shrinks_x(kind, v, u) else -1)
        v = v * np.repeat([1 - a * eta, 1 + a * eta], [2, 3]) - eta * u
        np.testing.assert_allclose(run[t + 1], v, rtol=0, atol=1e-14)


def test_refusals():
    with pytest.raises(ValueError, match="size = 5 leaves no second block of the 5"):
        simulate(PROBLEM, OBAR(GD(0.1), 0.1, 5), np.ones(5), 1)
    with pytest.raises(ValueError, match="alpha = -1"):
        NBAR(GD(0.1), -1.0, 2)
    with pytest.raises(TypeError, match="HeavyBall inside OBAR"):
        simulate(PROBLEM, OBAR(HeavyBall(GD(0.1), 0.5), 0.1, 2), np.ones(5), 1)
