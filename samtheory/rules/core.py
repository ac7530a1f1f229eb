"""What an update rule is, and the plain step.

A rule is a `NamedTuple` of hyper-parameters.  Its mathematics is one generic:

    direction(rule, source, t, x, memory, out, ws) -> int

writes the vector that replaces the gradient (for SAM, the gradient at the perturbed point) and returns how many
perturbations it left out because a norm was exactly zero.  `source` gives gradients (`first_gradient` for the
ascent, `second_gradient` for the descent), the loss (`second_value`) and the member's stream (`source.rng`); `ws` is
scratch of `vectors` rows of length d; `memory` is `memories` rows of length d that persist from step to step and start
at zero.  The step is then

    x <- x - eta_t * out,

unless the rule registers `step` as well (momentum does).  Conventions of the whole package: no epsilon is ever
added to a norm; where a norm is exactly zero the perturbation is zero, and that is counted.
"""

from __future__ import annotations

from typing import Any

from samtheory.kernel import generic, kernel
from samtheory.rules.schedules import at
from samtheory.validate import called
from samtheory.vectors import along, axpy, norm


@generic
def direction(rule, source, t, x, memory, out, ws):
    """out = what replaces the gradient at x; returns the number of perturbations left out (zero norm)."""


@generic
def step(rule, source, t, x, memory, ws):
    """Advance x (and memory) by one step; returns the number of perturbations left out."""


@generic
def stepsize(rule, t):
    """eta at step t."""


@generic
def check_rule(rule, oracle) -> None:
    """Raise ValueError or TypeError, in plain Python, where the rule cannot run on this oracle."""


@check_rule.register(object)
def _has_a_step(rule, oracle):
    if not isinstance(rule, tuple) or not (direction.supports(type(rule)) or type(rule) in step.registered):
        raise TypeError(f"rule = {called(rule)} has no direction registered (samtheory.rules.core.direction)")


def vectors_of(rule) -> int:
    """Rows of scratch that `direction` of this rule uses."""
    return getattr(rule, "vectors", 0)


def memories_of(rule) -> int:
    """Rows of memory that this rule keeps from step to step."""
    return getattr(rule, "memories", 0)


def check_inner(outer: Any, oracle: Any) -> None:
    """The rule inside `outer` must give a direction, and run on the oracle."""
    inner = outer.rule
    if not isinstance(inner, tuple) or not direction.supports(type(inner)):
        raise TypeError(f"rule = {type(inner).__name__} inside {type(outer).__name__} has no direction registered")
    check_rule(inner, oracle)


@stepsize.register(object)
def _own_stepsize(rule, t):
    return at(rule.eta, t)


@step.register(object)
def _plain(rule, source, t, x, memory, ws):
    """x <- x - eta_t direction."""
    omitted = direction(rule, source, t, x, memory, ws[0], ws[1:])
    axpy(-stepsize(rule, t), ws[0], x)
    return omitted


@kernel
def ascend(x, g, rho, out):
    """out = x + rho g/|g|; returns 1, with out = x, where g = 0 exactly."""
    length = norm(g)
    if length == 0.0:
        along(x, 0.0, g, out)
        return 1
    along(x, rho / length, g, out)
    return 0
