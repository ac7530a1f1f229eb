"""Minima of known functions, and what is refused."""

import numpy as np
import pytest

from samtheory.measures.enclosure import minimum_on_interval


@pytest.mark.parametrize(
    ("f", "least", "lipschitz"),
    [
        (lambda t: np.abs(t - 0.3) + 1, 1.0, 1.0),
        (lambda t: np.maximum(np.sin(7 * t), np.cos(3 * t)), None, 7.0),
        (lambda t: t, -1.0, 1.0),
    ],
)
def test_minimum_is_enclosed(f, least, lipschitz):
    below, above = minimum_on_interval(f, -1.0, 2.0, lipschitz, tolerance=1e-9)
    if least is None:
        least = f(np.linspace(-1, 2, 2_000_001)).min()
        assert below - 1e-12 <= least <= above + 1e-5
    else:
        assert below <= least <= above + 1e-15
    assert above - below == pytest.approx(1e-9, rel=1e-6)


def test_refusals():
    with pytest.raises(ValueError, match="below high"):
        minimum_on_interval(np.sin, 1.0, 1.0, 1.0)
    with pytest.raises(ArithmeticError, match="flat"):
        minimum_on_interval(np.zeros_like, 0.0, 1.0, 1.0, tolerance=1e-12)
