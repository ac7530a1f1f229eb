"""Label noise on f(x'y) and f(x y'): the oracle against NumPy's generator and the problem with moved data."""

import numpy as np
import pytest

from samtheory.evaluate import gradients
from samtheory.oracles import DataNoise
from samtheory.problems.balanced import Inner, Outer
from samtheory.problems.links import HalfSquare, LogCosh, TanhSquare
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

rng = np.random.default_rng(2)
LABELS, TARGET = rng.standard_normal(2), rng.standard_normal((2, 3))
INNER, OUTER = Inner(LogCosh(), LABELS, 2), Outer(LogCosh(), TARGET)


@pytest.mark.parametrize(("problem", "data"), [(INNER, LABELS), (OUTER, TARGET.ravel())], ids=["inner", "outer"])
def test_one_draw_a_step_moves_the_data_of_both_gradients(problem, data):
    scale = np.arange(1.0, 1 + data.size)
    x0, eta, rho = rng.standard_normal(4 if problem is INNER else 5), 0.1, 0.3
    run = simulate(DataNoise(problem, scale), SAM(eta, rho), x0, 3, seed=7).states
    draws = np.random.Generator(np.random.SFC64(np.random.SeedSequence(7, spawn_key=(0, 0))))
    x = x0
    for t in range(3):
        z = scale * draws.standard_normal(data.size)
        moved = Inner(LogCosh(), LABELS + z, 2) if problem is INNER else Outer(LogCosh(), TARGET + z.reshape(2, 3))
        g = gradients(moved, x)
        x = x - eta * gradients(moved, x + rho * g / np.linalg.norm(g))
        np.testing.assert_allclose(run[t + 1], x, rtol=0, atol=1e-14)


def test_refusals():
    with pytest.raises(ValueError, match="has 2 entries of data"):
        simulate(DataNoise(INNER, [1.0]), GD(0.1), np.ones(4), 1)
    with pytest.raises(TypeError, match=r"Diagonal has no .*moved_grad"):
        simulate(DataNoise(Diagonal([1.0], [0.0]), [1.0]), GD(0.1), [1.0], 1)
    with pytest.raises(ValueError, match="is no link"):
        Inner("square", [0.0], 1)
    with pytest.raises(ValueError, match=r"outside \(-1, 1\)"):
        TanhSquare(1.0)


def test_both_problems_agree_where_x_and_y_are_numbers():
    X = rng.standard_normal((5, 2))
    inner, outer = (gradients(p, X) for p in (Inner(HalfSquare(0.5), [0.2], 1), Outer(HalfSquare(0.0), [[0.7]])))
    np.testing.assert_allclose(inner, outer, rtol=0, atol=1e-15)
