"""When a run may stop early, looked at after every step inside the compiled loop.

A member that stops keeps its last iterate for the rest of the run; `Trajectory.stopped` has the step.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import generic, kernel
from samtheory.problems.core import dim, grad, loss
from samtheory.rules.core import direction, stepsize
from samtheory.rules.momentum import HeavyBall, Nesterov
from samtheory.validate import array, called, checked, count, finite, nonnegative
from samtheory.vectors import dot


@generic
def halt(stop, source, t, x, ws):
    """Whether to stop after step t, now at x; `ws` is scratch, shape [rows, d]."""


@generic
def halt_moving(stop, rule, source, t, x, memory, ws):
    """The same for a condition on the motion of the rule itself, whose memory it sees; every other one: `halt`."""


@halt_moving.register(object)
def _not_moving(stop, rule, source, t, x, memory, ws):
    return halt(stop, source, t, x, ws)


@generic
def check_stop(stop, problem) -> None:
    """Raise ValueError or TypeError, in plain Python, where the condition makes no sense for this problem."""


@check_stop.register(object)
def _is_a_condition(stop, problem):
    if not halt.supports(type(stop)):
        raise TypeError(f"stop = {called(stop)} is no stop condition (samtheory.stopping)")


class Never(NamedTuple):
    """Run all steps."""


@halt.register(Never)
def _never(stop, source, t, x, ws):
    return False


@checked(value=finite)
class LossBelow(NamedTuple):
    """Stop once f(x) <= value."""

    value: float


@check_stop.register(LossBelow)
def _check_loss(stop, problem):
    _check_has(loss, problem, stop)


@halt.register(LossBelow)
def _loss_below(stop, source, t, x, ws):
    return loss(source.oracle.problem, x, source.work) <= stop.value


@checked(value=nonnegative)
class GradBelow(NamedTuple):
    """Stop once |grad f(x)| <= value."""

    value: float


@check_stop.register(GradBelow)
def _check_grad(stop, problem):
    _check_has(grad, problem, stop)


def _check_has(piece, problem, stop) -> None:
    if not piece.supports(type(problem)):
        raise TypeError(f"{type(stop).__name__} needs {piece.__name__}; {type(problem).__name__} has none registered")


@halt.register(GradBelow)
def _grad_below(stop, source, t, x, ws):
    grad(source.oracle.problem, x, ws[0], source.work)
    return math.sqrt(dot(ws[0], ws[0])) <= stop.value


@checked(index=count(0), value=nonnegative)
class CoordinateBelow(NamedTuple):
    """Stop once |x[index]| <= value."""

    index: int
    value: float


@check_stop.register(CoordinateBelow)
def _check_index(stop, problem):
    if stop.index >= dim(problem):
        raise ValueError(f"index = {stop.index} is not below the dimension {dim(problem)} of the problem")


@halt.register(CoordinateBelow)
def _coordinate_below(stop, source, t, x, ws):
    return abs(x[stop.index]) <= stop.value


@checked(point=array(None), radius=nonnegative)
class Near(NamedTuple):
    """Stop once |x - point| <= radius."""

    point: np.ndarray
    radius: float


@check_stop.register(Near)
def _check_point(stop, problem):
    if stop.point.size != dim(problem):
        raise ValueError(f"point has {stop.point.size} coordinates; the problem has {dim(problem)}")


@halt.register(Near)
def _near(stop, source, t, x, ws):
    return _square_distance(x, stop.point) <= stop.radius * stop.radius


@kernel
def _square_distance(x, y):
    total = 0.0
    for i in range(x.shape[0]):
        total += (x[i] - y[i]) * (x[i] - y[i])
    return total


class Either(NamedTuple):
    """Stop once one of two conditions holds."""

    first: Any
    second: Any


@check_stop.register(Either)
def _check_both(stop, problem):
    check_stop(stop.first, problem)
    check_stop(stop.second, problem)


@halt.register(Either)
def _either(stop, source, t, x, ws):
    return halt(stop.first, source, t, x, ws) or halt(stop.second, source, t, x, ws)


@halt_moving.register(Either)
def _either_moving(stop, rule, source, t, x, memory, ws):
    return halt_moving(stop.first, rule, source, t, x, memory, ws) or halt_moving(
        stop.second, rule, source, t, x, memory, ws
    )


# ------------------------------------------------------------------------------------ the rule's own motion


@generic
def push(rule, source, t, x, memory, ws) -> float:
    """max_i |eta_t d_i(x)|: how far the rule would go from x if it came there at rest."""


@generic
def speed(rule, memory) -> float:
    """max_i |v_i| of the velocity that the rule has: its last increment; 0 for a rule without momentum."""


@push.register(object)
def _plain_push(rule, source, t, x, memory, ws):
    direction(rule, source, t, x, memory, ws[0], ws[1:])
    return stepsize(rule, t) * _largest(ws[0])


@push.register(HeavyBall)
@push.register(Nesterov)
def _momentum_push(rule, source, t, x, memory, ws):
    direction(rule.rule, source, t, x, memory[1:], ws[0], ws[1:])
    return stepsize(rule.rule, t) * _largest(ws[0])


@speed.register(object)
def _no_speed(rule, memory):
    return 0.0


@speed.register(HeavyBall)
@speed.register(Nesterov)
def _momentum_speed(rule, memory):
    return _largest(memory[0])


@kernel
def _largest(v):
    """max |v_i|; NaN counts as infinite."""
    top = 0.0
    for i in range(v.shape[0]):
        if not abs(v[i]) <= top:
            top = abs(v[i]) if abs(v[i]) >= 0.0 else math.inf
    return top


@checked(tolerance=nonnegative, every=count(1))
class Settled(NamedTuple):
    """Stop where the rule stands still: max |eta d(x)| <= tolerance and its velocity <= 10 tolerance.

    Both, because with momentum either can be small in passing.  Looked at every `every` steps, as it costs a
    direction.  It says nothing about the gradient: `samtheory.measures.limits.classify` does.
    """

    tolerance: float = 1e-12
    every: int = 16


@check_stop.register(Settled)
def _check_settled(stop, problem):
    pass


@halt_moving.register(Settled)
def _settled(stop, rule, source, t, x, memory, ws):
    if (t + 1) % stop.every != 0 or speed(rule, memory) > 10.0 * stop.tolerance:
        return False
    return push(rule, source, t + 1, x, memory, ws) <= stop.tolerance
