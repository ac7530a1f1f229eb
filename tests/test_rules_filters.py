"""Two-step and Hessian USAM and the gradient penalty against their formulas in NumPy, on a function that is no
quadratic; refusals."""

from typing import NamedTuple

import numpy as np
import pytest
from oracles import naive
from oracles.points import Points

from samtheory.kernel import interpreted
from samtheory.oracles import EverySample, GaussianNoise, WithReplacement
from samtheory.problems.core import dim, grad
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gradient_penalty import GradientPenalty
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.momentum import HeavyBall, Nesterov
from samtheory.rules.schedules import Table
from samtheory.rules.sharded import Sharded
from samtheory.rules.two_step_usam import TwoRestartUSAM, TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

ETA, BETA, STEPS, X0 = 0.1, 0.6, 20, np.array([0.7, -0.4])
RHO = np.array([0.2, 0.1, 0.0, 0.3])
P = Product(HalfSquare(1.0))


class Kinked(NamedTuple):
    """|x_1| + x_2^2/2: not C^2, hence no `hvp`."""


@dim.register(Kinked)
def _dim(p):
    return 2


@grad.register(Kinked)
def _grad(p, x, out, work):
    out[0] = 1.0 if x[0] > 0.0 else -1.0
    out[1] = x[1]


def radius(t):
    return RHO[min(t, 3)]


def gradient(x):
    return (x[0] * x[1] - 1) * x[::-1]


def hessian(x):
    across = 2 * x[0] * x[1] - 1
    return np.array([[x[1] ** 2, across], [across, x[0] ** 2]])


def two_seq(first, second, t, x):
    z = x + radius(t) * first(x)
    return second(z + radius(t) * first(z))


def two_restart(first, second, t, x):
    return second(x + radius(t) * first(x + radius(t) * first(x)))


def hess(first, second, t, x):
    return second(x + radius(t) * hessian(x) @ first(x))


def penalty(first, second, t, x):
    return first(x) + radius(t) * hessian(x) @ first(x)


DIRECTIONS = {
    "two_seq": (TwoSeqUSAM, two_seq),
    "two_restart": (TwoRestartUSAM, two_restart),
    "hess": (HessianUSAM, hess),
    "penalty": (GradientPenalty, penalty),
}
WRAPPERS = {
    "plain": (lambda rule: rule, lambda u: naive.plain(lambda t: ETA, u)),
    "heavy ball": (lambda rule: HeavyBall(rule, BETA), lambda u: naive.heavy_ball(lambda t: ETA, BETA, u)),
    "nesterov": (lambda rule: Nesterov(rule, BETA), lambda u: naive.nesterov(lambda t: ETA, BETA, u)),
}


def run_of(name, wrapper, radii=RHO):
    return WRAPPERS[wrapper][0](DIRECTIONS[name][0](ETA, Table(radii)))


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("name", DIRECTIONS)
def test_the_iterates_are_those_of_the_formula(name, wrapper):
    rule = run_of(name, wrapper)
    if wrapper == "heavy ball":  # the others: the same compiled pieces
        ours = simulate(P, rule, X0, STEPS).states
        with interpreted():
            np.testing.assert_array_equal(ours, simulate(P, rule, X0, STEPS).states)
    with interpreted():
        ours = simulate(P, rule, X0, STEPS).states

    def following(direction):
        return naive.run(WRAPPERS[wrapper][1](direction), naive.exact(gradient), X0, STEPS)

    np.testing.assert_allclose(ours, following(DIRECTIONS[name][1]), rtol=0, atol=1e-13)
    for other in set(DIRECTIONS) - {name}:
        assert np.abs(ours - following(DIRECTIONS[other][1])).max() > 1e-3


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", ["two_seq", "two_restart"])
def test_both_ascents_see_the_first_batch(name, shared):
    rng = np.random.default_rng(1)
    points = Points(rng.standard_normal((6, 2)), 0.2 + rng.random((6, 2)))
    with interpreted():
        ours = simulate(WithReplacement(points, 2, shared), run_of(name, "plain"), X0, STEPS, seed=4).states

    def sample(i, x):
        return points.weight[i] * (x - points.point[i])

    noise = naive.with_replacement(naive.generator(4, 0), sample, 6, 2, shared)
    expected = naive.run(naive.plain(lambda t: ETA, DIRECTIONS[name][1]), noise, X0, STEPS)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-13)


def test_radius_zero_is_gradient_descent():
    with interpreted():
        runs = [simulate(P, run_of(name, "plain", [0.0]), X0, STEPS).x for name in DIRECTIONS]
        for x in runs:
            np.testing.assert_array_equal(x, simulate(P, USAM(ETA, 0.0), X0, STEPS).x)


@pytest.mark.parametrize("rule", [HessianUSAM(0.1, 0.1), GradientPenalty(0.1, 0.1)], ids=["hess", "penalty"])
@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: HeavyBall(r, 0.5), lambda r: Nesterov(r, 0.5)])
def test_rules_of_second_order_refuse_what_has_no_hessian(rule, wrap):
    points = Points(np.zeros((3, 2)), np.ones((3, 2)))
    with pytest.raises(TypeError, match=f"{type(rule).__name__} needs .*hvp.*Kinked has none.*not C"):
        simulate(Kinked(), wrap(rule), X0, 1)
    for oracle in (GaussianNoise(P, 0.1), WithReplacement(points, 1), EverySample(points)):
        with pytest.raises(TypeError, match=f"full batch; {type(oracle).__name__} gives none"):
            simulate(oracle, wrap(rule), X0, 1)
    with pytest.raises(TypeError, match="full batch"):
        simulate(EverySample(points), Sharded(rule, 1), X0, 1)


@pytest.mark.parametrize("cls", [TwoSeqUSAM, TwoRestartUSAM, HessianUSAM, GradientPenalty])
def test_bad_numbers(cls):
    for bad in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="rho"):
            cls(0.1, bad)
        with pytest.raises(ValueError, match="eta"):
            cls(bad, 0.1)
    assert simulate(Diagonal([1.0], [0.0]), cls(0.1, 0.1), [0.0], 3).x == 0.0
