"""The named families start near minimisers, and refuse an unknown name."""

import numpy as np
import pytest

from samtheory.evaluate import losses
from samtheory.flows.gradient import project
from samtheory.problems.interpolating import KINDS, interpolating


@pytest.mark.parametrize("kind", KINDS)
def test_a_family_has_minimisers_of_loss_zero_and_is_drawn_from_the_generator(kind):
    problem, start = interpolating(kind, np.random.default_rng(3))
    again = interpolating(kind, np.random.default_rng(3))[1]
    assert (start == again).all()
    assert losses(problem, project(problem, start).point) < 1e-20


def test_an_unknown_family():
    with pytest.raises(ValueError, match="kind = 'bowl' is unknown"):
        interpolating("bowl", np.random.default_rng(0))
