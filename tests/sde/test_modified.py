"""The modified equations as models: drift against difference quotients of the modified loss."""

import numpy as np
import pytest

from samtheory.evaluate import gradients, losses
from samtheory.problems.finite_sum import Logistic
from samtheory.sde.core import drift_at, factor_at
from samtheory.sde.modified import first_order, second_order

ETA = 0.3
RNG = np.random.default_rng(5)
PROBLEM = Logistic(RNG.standard_normal((7, 3)), np.sign(RNG.standard_normal(7)), 0.1)
FACTOR = RNG.standard_normal((3, 2))


@pytest.mark.parametrize(("model", "strength"), [(first_order, 0.0), (second_order, ETA / 4)])
def test_the_drift_descends_the_modified_loss(model, strength):
    def modified(x):
        return losses(PROBLEM, x) + strength * (gradients(PROBLEM, x) ** 2).sum(axis=-1)

    x, h = RNG.standard_normal(3), 1e-5
    slope = [(modified(x + h * e) - modified(x - h * e)) / (2 * h) for e in np.eye(3)]
    equation = model(PROBLEM, FACTOR, ETA)
    np.testing.assert_allclose(drift_at(equation, x), -np.array(slope), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(factor_at(equation, x), np.sqrt(ETA) * FACTOR, rtol=1e-14)


def test_the_two_orders_differ():
    x = np.ones(3)
    first, second = (drift_at(model(PROBLEM, FACTOR, ETA), x) for model in (first_order, second_order))
    assert np.abs(first - second).max() > 1e-3
