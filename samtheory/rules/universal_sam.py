"""Universal SAM (Tahmasebi, Soleymani, Bahri, Jegelka & Jaillet 2024): a function of the Hessian's spectrum as penalty.

    R(x) = phi(mean_j psi(q_j)),  q_j = (f(x + rho v_j) - f(x))/rho^2 -> v_j'Hv_j/2,

Trace        phi = psi = id, v on the unit sphere           R -> tr H/(2d)         (v ~ N(0, I): tr H/2)
Frobenius    half the variance of q, v ~ N(0, I)            R -> |H|_F^2/4 + |g|^2/(2 rho^2): the second does not fade
Determinant  phi = m^-2, psi = exp(-q), v uniform in a cube of R^d (Lebesgue measure, as the cube grows)  R -> c det H
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from samtheory.kernel import generic
from samtheory.oracles import check_value
from samtheory.rules import (
    along,
    axpy,
    checked,
    count,
    direction,
    fill,
    nonnegative,
    scheduled,
    second_gradient,
    second_value,
)
from samtheory.rules.core import check_rule
from samtheory.rules.noise import Normal, check_noise, displacement, is_noise
from samtheory.validate import called, positive


class Trace(NamedTuple):
    """phi = psi = id."""


class Frobenius(NamedTuple):
    """(mean q^2 - (mean q)^2)/2, over the draws themselves: it takes two at least."""


class Determinant(NamedTuple):
    """phi(m) = 1/m^2, psi(q) = exp(-q); the constant of the paper's phi is left to lam."""


@generic
def _psi(measure, q):
    """psi(q)."""


@generic
def _weight(measure, q):
    """The weight of the j-th difference of gradients inside the mean."""


@generic
def _outer(measure, mean_psi):
    """The factor of that mean: phi'(mean psi)."""


@generic
def _plain(measure, mean_q):
    """The factor of the plain mean of the differences."""


@_psi.register(object)
def _identity(measure, q):
    return q


@_psi.register(Determinant)
def _exponential(measure, q):
    return math.exp(-q)


@_weight.register(Trace)
def _one(measure, q):
    return 1.0


@_weight.register(Frobenius)
def _linear(measure, q):
    return q


@_weight.register(Determinant)
def _negative(measure, q):
    return -math.exp(-q)


@_outer.register(object)
def _unit(measure, mean_psi):
    return 1.0


@_outer.register(Determinant)
def _cube(measure, mean_psi):
    return -2.0 / (mean_psi * mean_psi * mean_psi)


@_plain.register(object)
def _none(measure, mean_q):
    return 0.0


@_plain.register(Frobenius)
def _centred(measure, mean_q):
    return -mean_q


def _is_measure(name: str, value: Any) -> Any:
    if not _weight.supports(type(value)):
        raise TypeError(f"{name} = {called(value)} is not allowed; it must be Trace(), Frobenius() or Determinant()")
    return value


@checked(eta=scheduled(), rho=positive, lam=nonnegative, measure=_is_measure, noise=is_noise, samples=count(1))
class UniversalSAM(NamedTuple):
    """x <- x - eta grad (f + lam rho^2 R)(x),  grad = g + lam phi'(mean psi) mean_j [psi'(q_j) (g(x + rho v_j) - g)].

    1 + `samples` gradients a step.
    """

    eta: float
    rho: float = 0.01
    lam: float = 1.0
    measure: Any = Trace()
    noise: Any = Normal(1.0)
    samples: int = 1
    vectors = 4


@check_rule.register(UniversalSAM)
def _check(rule, oracle):
    check_noise(rule, oracle)
    check_value(rule, oracle)


@direction.register(UniversalSAM)
def _direction(rule, source, t, x, memory, out, ws):
    g, weighted, plain = ws[1], ws[2], ws[3]
    second_gradient(source, x, g)
    here, mean_psi, mean_q, share = second_value(source, x), 0.0, 0.0, 1.0 / rule.samples
    fill(weighted, 0.0)
    fill(plain, 0.0)
    for j in range(rule.samples):
        displacement(rule.noise, source, t * rule.samples + j, ws[0])
        along(x, rule.rho, ws[0], ws[0])
        second_gradient(source, ws[0], out)
        axpy(-1.0, g, out)
        q = (second_value(source, ws[0]) - here) / (rule.rho * rule.rho)
        mean_psi += share * _psi(rule.measure, q)
        mean_q += share * q
        axpy(share * _weight(rule.measure, q), out, weighted)
        axpy(share, out, plain)
    along(g, rule.lam * _outer(rule.measure, mean_psi), weighted, out)
    axpy(rule.lam * _plain(rule.measure, mean_q), plain, out)
    return 0
