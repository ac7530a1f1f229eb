"""Stop conditions against the iterates of the same run without one: the first step that meets the condition."""

import numpy as np
import pytest
from oracles.points import Points

from samtheory.kernel import interpreted
from samtheory.oracles import GaussianNoise, WithReplacement
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.simulate import simulate
from samtheory.stopping import CoordinateBelow, Either, GradBelow, LossBelow, Near, Never

LAM = np.array([0.1, 0.4, 1.0])
CENTRE = np.array([0.0, 1.0, -1.0])
P = Diagonal(LAM, CENTRE)
STARTS = np.array([[3.0, 1.0, 2.0], [-1.0, 2.0, 0.5], [40.0, 0.0, 0.0], [2.0, 2.0, 2.0]])
STEPS = 60


def loss(x):
    return 0.5 * (LAM * (x - CENTRE) ** 2).sum(axis=-1)


def slope(x):
    return np.linalg.norm(LAM * (x - CENTRE), axis=-1)


CONDITIONS = {
    "never": (Never(), lambda x: np.zeros(x.shape[:-1], dtype=bool)),
    "loss": (LossBelow(0.05), lambda x: loss(x) <= 0.05),
    "slope": (GradBelow(0.1), lambda x: slope(x) <= 0.1),
    "coordinate": (CoordinateBelow(0, 0.5), lambda x: np.abs(x[..., 0]) <= 0.5),
    "near": (Near(CENTRE, 0.8), lambda x: np.linalg.norm(x - CENTRE, axis=-1) <= 0.8),
    "either": (
        Either(CoordinateBelow(1, 0.9), Either(LossBelow(0.02), GradBelow(0.3))),
        lambda x: (np.abs(x[..., 1]) <= 0.9) | (loss(x) <= 0.02) | (slope(x) <= 0.3),
    ),
}


@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize("name", CONDITIONS)
def test_stops_at_the_first_step_that_meets_the_condition(name, every):
    stop, condition = CONDITIONS[name]
    free = simulate(P, GD(0.3), STARTS, STEPS).states
    run = simulate(P, GD(0.3), STARTS, STEPS, stop=stop, every=every)
    with interpreted():
        plain = simulate(P, GD(0.3), STARTS, STEPS, stop=stop, every=every)
    np.testing.assert_array_equal(run.states, plain.states)
    np.testing.assert_array_equal(run.stopped, plain.stopped)
    met = condition(free[:, 1:])  # looked at after each step, not at the start
    expected = np.where(met.any(axis=1), 1 + met.argmax(axis=1), -1)
    assert run.stopped.tolist() == expected.tolist()
    assert (run.diverged == -1).all()
    last = np.where(expected < 0, STEPS, expected)
    for m in range(len(STARTS)):  # from then on the member stays where it stopped
        np.testing.assert_array_equal(run.states[m], free[m, np.minimum(run.t, last[m])])
        np.testing.assert_array_equal(run.x[m], free[m, last[m]])


def test_the_conditions_do_stop_some_members_and_not_others():
    stopped = simulate(P, GD(0.3), STARTS, STEPS, stop=LossBelow(0.05)).stopped
    assert (stopped == -1).any() and (stopped > 1).any()


def test_the_start_itself_does_not_stop_a_run():
    run = simulate(P, GD(0.3), CENTRE, 5, stop=GradBelow(0.0))
    assert run.stopped.tolist() == [1]


def test_a_stopped_member_draws_no_more():
    """Another condition that stops it later finds the same stream up to there."""
    noisy = GaussianNoise(P, 0.01)
    free = simulate(noisy, GD(0.3), STARTS, STEPS, seed=3)
    run = simulate(noisy, GD(0.3), STARTS, STEPS, seed=3, stop=LossBelow(0.05))
    for m, step in enumerate(run.stopped):
        if step > 0:
            np.testing.assert_array_equal(run.x[m], free.states[m, step])
    more = simulate(noisy, GD(0.3), STARTS, 10, stop=LossBelow(0.05), resume=run)
    np.testing.assert_array_equal(more.x[run.stopped > 0], run.x[run.stopped > 0])
    np.testing.assert_array_equal(more.state.streams[run.stopped > 0], run.state.streams[run.stopped > 0])


@pytest.mark.parametrize(
    "stop, message",
    [
        (CoordinateBelow(3, 0.1), "index = 3 is not below the dimension 3"),
        (Near([0.0, 1.0], 0.1), "point has 2 coordinates; the problem has 3"),
        (Either(Never(), CoordinateBelow(7, 0.1)), "index = 7"),
        (Either(Near(np.zeros(4), 0.1), Never()), "point has 4"),
    ],
)
def test_conditions_of_another_dimension(stop, message):
    with pytest.raises(ValueError, match=message):
        simulate(P, GD(0.3), STARTS, 3, stop=stop)


@pytest.mark.parametrize("stop", [0.1, None, GD(0.1), Either(Never(), 3), Either("soon", Never())])
def test_what_is_no_condition(stop):
    with pytest.raises(TypeError, match="no stop condition"):
        simulate(P, GD(0.3), STARTS, 3, stop=stop)


@pytest.mark.parametrize("stop", [LossBelow(0.1), GradBelow(0.1)])
def test_conditions_on_what_a_problem_lacks(stop):
    points = Points(np.zeros((2, 3)), np.ones((2, 3)))  # neither its loss nor its gradient is registered
    with pytest.raises(TypeError, match=f"{type(stop).__name__} needs (loss|grad); Points has none"):
        simulate(WithReplacement(points, 1), GD(0.3), STARTS, 3, stop=stop)


def test_thresholds_are_checked():
    for make in (LossBelow, GradBelow, lambda v: CoordinateBelow(0, v), lambda v: Near(CENTRE, v)):
        with pytest.raises(ValueError, match=r"value|radius"):
            make(np.nan)
    for make in (GradBelow, lambda v: CoordinateBelow(0, v), lambda v: Near(CENTRE, v)):
        with pytest.raises(ValueError, match="negative"):
            make(-1e-9)
    with pytest.raises(ValueError, match="index = -1"):
        CoordinateBelow(-1, 0.1)
    assert LossBelow(-1.0).value == -1.0  # losses may be negative


@pytest.mark.parametrize(
    "stop", [CoordinateBelow(0, 1.0), Near([0.0], 1.0), LossBelow(0.5), GradBelow(1.0), Either(Never(), GradBelow(1.0))]
)
def test_the_threshold_itself_stops(stop):
    """4, 2, 1, 1/2, ...: at step 2 every measure is exactly at its threshold."""
    assert simulate(Diagonal([1.0], [0.0]), GD(0.5), [4.0], 6, stop=stop).stopped.tolist() == [2]
