"""Gradient descent on the ascent loss: finite differences of that loss, zero gradient, and SAM as its first term."""

import numpy as np
import pytest

from samtheory.evaluate import gradients, losses
from samtheory.kernel import interpreted
from samtheory.oracles import GaussianNoise
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.problems.quadratic import quadratic
from samtheory.rules.ascent_loss import AscentLoss
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

P, ETA = Product(HalfSquare(1.0)), 0.1


def step(problem, rule, x):
    return (x - simulate(problem, rule, x, 1).x) / ETA


def ascent_loss(problem, rho, x):
    g = gradients(problem, x)
    return losses(problem, x + rho * g / np.linalg.norm(g, axis=-1, keepdims=True))


@pytest.mark.parametrize("rho", [0.01, 0.2, 0.7])
def test_direction_is_the_gradient_of_the_ascent_loss(rho):
    step_size = 1e-5  # central differences: 1e-10 times a third derivative of size 1/|g|^3, and 1e-16/1e-5
    for x in np.random.default_rng(0).uniform(0.3, 1.6, (6, 2)) * [1, -1]:
        around = step_size * np.eye(2)
        difference = (ascent_loss(P, rho, x + around) - ascent_loss(P, rho, x - around)) / (2 * step_size)
        found = step(P, AscentLoss(ETA, rho), x)
        np.testing.assert_allclose(found, difference, rtol=1e-7, atol=1e-8)
        assert np.abs(found - step(P, SAM(ETA, rho), x)).max() > 1e-3 * rho


def test_quadratic_is_the_same_interpreted():
    problem, x = quadratic([2.0, 0.5], rotation=np.random.default_rng(1)), [0.3, -0.7]
    compiled = simulate(problem, AscentLoss(ETA, 0.2), x, 20).states
    with interpreted():
        np.testing.assert_array_equal(compiled, simulate(problem, AscentLoss(ETA, 0.2), x, 20).states)


def test_along_an_eigenvector_it_is_sam():
    """<h, G> h = G: the direction of the ascent does not vary."""
    problem = quadratic([2.0, 0.5])
    run = simulate(problem, AscentLoss(ETA, 0.2), [0.0, 0.7], 30).states
    np.testing.assert_allclose(run, simulate(problem, SAM(ETA, 0.2), [0.0, 0.7], 30).states, rtol=1e-13, atol=1e-16)


def test_zero_gradient_and_refusals():
    run = simulate(quadratic([2.0, 0.5]), AscentLoss(ETA, 0.2), [0.0, 0.0], 3)
    assert run.omitted == 3 and (run.x == 0).all()
    with pytest.raises(TypeError, match="full batch"):
        simulate(GaussianNoise(P, 0.1), AscentLoss(ETA, 0.2), [1.0, 2.0], 1)
