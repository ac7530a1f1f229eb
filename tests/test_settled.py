"""`Settled` against the motion of the same run without it, for plain rules and with momentum."""

import numpy as np
import pytest

from samtheory.kernel import interpreted
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.momentum import HeavyBall, Nesterov
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import CoordinateBelow, Either, Settled

P = Product(HalfSquare(1.0))
STARTS = np.array([[1.5, 0.3], [-0.4, 0.9], [2.0, 1.0], [1.0, 1.0]])


def gradient(x):
    return (x[..., :1] * x[..., 1:] - 1) * x[..., ::-1]


def usam(x):
    return gradient(x + 0.1 * gradient(x))


RULES = {
    "usam": (USAM(0.2, 0.1), lambda x, v: usam(x)),
    "heavy ball": (HeavyBall(GD(0.1), 0.5), lambda x, v: gradient(x)),
    "nesterov": (Nesterov(GD(0.1), 0.5), lambda x, v: gradient(x)),
}


@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize("name", RULES)
def test_stops_where_direction_and_velocity_are_small(name, every):
    rule, direction = RULES[name]
    tolerance, eta = 1e-6, 0.2 if name == "usam" else 0.1
    with interpreted():
        free = simulate(P, rule, STARTS, 300).states
        run = simulate(P, rule, STARTS, 300, stop=Settled(tolerance, every))
    velocity = np.abs(np.diff(free, axis=1)).max(-1)
    pushes = eta * np.abs(direction(free[:, 1:], velocity)).max(-1)
    met = (pushes <= tolerance) & ((velocity <= 10 * tolerance) | (name == "usam"))
    met &= np.arange(1, 301) % every == 0
    assert met.any(axis=1).all()
    assert run.stopped.tolist() == (1 + met.argmax(axis=1)).tolist()
    for m, step in enumerate(run.stopped):
        np.testing.assert_array_equal(run.x[m], free[m, step])


def test_compiled_and_interpreted_agree():
    stop = Either(CoordinateBelow(0, 0.1), Settled(1e-9))
    runs = [simulate(P, HeavyBall(GD(0.1), 0.5), STARTS, 400, stop=stop)]
    with interpreted():
        runs.append(simulate(P, HeavyBall(GD(0.1), 0.5), STARTS, 400, stop=stop))
    assert runs[0].stopped.tolist() == runs[1].stopped.tolist() and (runs[0].stopped > 0).all()
    np.testing.assert_array_equal(runs[0].x, runs[1].x)


def test_a_turning_point_is_no_rest():
    """Heavy ball at the bottom of its bowl with full speed: no push, but it moves on."""
    with interpreted():
        p = Diagonal([1.0], [0.0])
        run = simulate(p, HeavyBall(GD(0.25), 0.999), [1.0], 400, stop=Settled(1e-2, 1))
        small = np.abs(run.states[1:, 0]) * 0.25 <= 1e-2
    assert run.stopped[0] == -1 and small.any()


def test_bad_arguments():
    with pytest.raises(ValueError, match="tolerance"):
        Settled(-1.0)
    with pytest.raises(ValueError, match="every"):
        Settled(1e-9, 0)
