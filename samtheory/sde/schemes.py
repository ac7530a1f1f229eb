"""Integrators of dX = b dt + B dW, each an update rule of a few lines; h and the increment DW come from the path.

`weak_order`, `strong_order`: for smooth coefficients (strong order for general noise; Euler-Maruyama has 1 for
additive noise).  Every scheme but `StratonovichHeun` converges to the Ito solution.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from samtheory.rules.core import step
from samtheory.sde.core import drift, noises, spread
from samtheory.vectors import along


def _scalar_noise_only(model: Any) -> str:
    """Why a scheme for one driving Brownian motion cannot take this model ('' if it can)."""
    return "" if noises(model) == 1 else f"it is for one driving Brownian motion, the model has {noises(model)}"


class EulerMaruyama(NamedTuple):
    """X + b h + B DW: strong order 1/2 (1 for additive noise), weak order 1 (Maruyama 1955)."""

    weak_order = 1.0
    strong_order = 0.5
    vectors = 2

    def refuses(self, model: Any) -> str:
        return ""


class DriftHeun(NamedTuple):
    """X + (b(X) + b(X*)) h/2 + B(X) DW, X* = X + b h + B DW: weak order 2 and strong order 1 for ADDITIVE noise.

    For state-dependent noise of size sqrt(eta) the weak error is O(h^2 + eta h): the scheme to integrate models of
    stochastic gradient methods with h well below eta.
    """

    weak_order = 1.0
    strong_order = 0.5
    vectors = 4

    def refuses(self, model: Any) -> str:
        return ""


class Milstein(NamedTuple):
    """X + b h + B DW + (B(X + B sqrt h) - B)(DW^2 - h)/(2 sqrt h): strong and weak order 1; one Brownian motion.

    The derivative-free form (Kloeden & Platen 1992, section 11.1).
    """

    weak_order = 1.0
    strong_order = 1.0
    vectors = 4

    def refuses(self, model: Any) -> str:
        return _scalar_noise_only(model)


class PlatenWeak2(NamedTuple):
    """Platen's explicit scheme of weak order 2, one Brownian motion (Kloeden & Platen 1992, section 15.1).

    With normal increments, as here, it contains Milstein's term: strong order 1.
    """

    weak_order = 2.0
    strong_order = 1.0
    vectors = 8

    def refuses(self, model: Any) -> str:
        return _scalar_noise_only(model)


class StratonovichHeun(NamedTuple):
    """X + (b + b*) h/2 + (B + B*) DW/2: converges to the STRATONOVICH solution, not the Ito one.

    With state-dependent B its limit differs from every model of this package by the drift (1/2) B'B; it is here as
    a negative control, and for equations that are meant in the sense of Stratonovich.
    """

    weak_order = 1.0
    strong_order = 0.5
    vectors = 5

    def refuses(self, model: Any) -> str:
        return ""


@step.register(EulerMaruyama)
def _euler_maruyama(rule, source, t, x, memory, ws):
    model, h, dw = source.oracle.problem, source.oracle.h, source.first.z
    drift(model, x, ws[0], source.work)
    spread(model, x, dw, ws[1], source.work)
    for i in range(x.shape[0]):
        x[i] += h * ws[0, i] + ws[1, i]
    return 0


@step.register(DriftHeun)
def _drift_heun(rule, source, t, x, memory, ws):
    model, h, dw = source.oracle.problem, source.oracle.h, source.first.z
    drift(model, x, ws[0], source.work)
    spread(model, x, dw, ws[1], source.work)
    for i in range(x.shape[0]):
        ws[2, i] = x[i] + h * ws[0, i] + ws[1, i]
    drift(model, ws[2], ws[3], source.work)
    for i in range(x.shape[0]):
        x[i] += 0.5 * h * (ws[0, i] + ws[3, i]) + ws[1, i]
    return 0


@step.register(Milstein)
def _milstein(rule, source, t, x, memory, ws):
    model, h, dw = source.oracle.problem, source.oracle.h, source.first.z
    root, increment = math.sqrt(h), dw[0]
    drift(model, x, ws[0], source.work)
    dw[0] = 1.0
    spread(model, x, dw, ws[1], source.work)
    along(x, root, ws[1], ws[2])
    spread(model, ws[2], dw, ws[3], source.work)
    dw[0] = increment
    twice = (increment * increment - h) / (2.0 * root)
    for i in range(x.shape[0]):
        x[i] += h * ws[0, i] + increment * ws[1, i] + twice * (ws[3, i] - ws[1, i])
    return 0


@step.register(PlatenWeak2)
def _platen_weak_2(rule, source, t, x, memory, ws):
    model, h, dw = source.oracle.problem, source.oracle.h, source.first.z
    root, increment = math.sqrt(h), dw[0]
    dw[0] = 1.0
    drift(model, x, ws[0], source.work)
    spread(model, x, dw, ws[1], source.work)
    for i in range(x.shape[0]):
        base = x[i] + h * ws[0, i]
        ws[2, i] = base + increment * ws[1, i]
        ws[3, i] = base + root * ws[1, i]
        ws[4, i] = base - root * ws[1, i]
    drift(model, ws[2], ws[5], source.work)
    spread(model, ws[3], dw, ws[6], source.work)
    spread(model, ws[4], dw, ws[7], source.work)
    dw[0] = increment
    skew = (increment * increment - h) / (4.0 * root)
    for i in range(x.shape[0]):
        mean = 0.25 * increment * (ws[6, i] + ws[7, i] + 2.0 * ws[1, i])
        x[i] += 0.5 * h * (ws[5, i] + ws[0, i]) + mean + skew * (ws[6, i] - ws[7, i])
    return 0


@step.register(StratonovichHeun)
def _stratonovich_heun(rule, source, t, x, memory, ws):
    model, h, dw = source.oracle.problem, source.oracle.h, source.first.z
    drift(model, x, ws[0], source.work)
    spread(model, x, dw, ws[1], source.work)
    for i in range(x.shape[0]):
        ws[2, i] = x[i] + h * ws[0, i] + ws[1, i]
    drift(model, ws[2], ws[3], source.work)
    spread(model, ws[2], dw, ws[4], source.work)
    for i in range(x.shape[0]):
        x[i] += 0.5 * h * (ws[0, i] + ws[3, i]) + 0.5 * (ws[1, i] + ws[4, i])
    return 0
