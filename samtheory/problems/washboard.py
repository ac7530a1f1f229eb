"""Tilted cosines in one dimension: f = (1/n) sum_i f_i, f_i(x) = tilt_i x + height_i (1 - cos(x - phase_i)).

Every derivative is periodic, so expectations of periodic functions can be had without sampling (samtheory.sde.circle).
|mean tilt| > mean height: no critical points.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import (
    Constants,
    constants,
    dim,
    grad,
    hess,
    hvp,
    loss,
    sample_grad,
    sample_hvp,
    sample_loss,
    samples,
)
from samtheory.validate import array, checked, same_length, together


@together(same_length("tilt", "height"), same_length("tilt", "phase"))
@checked(tilt=array(None), height=array(None), phase=array(None))
class Washboard(NamedTuple):
    """f_i(x) = tilt_i x + height_i (1 - cos(x - phase_i)), i = 1..n; unbounded below unless the tilts cancel."""

    tilt: np.ndarray
    height: np.ndarray
    phase: np.ndarray


@constants.register(Washboard)
def _constants(p):
    amplitude = np.abs(np.sum(p.height * np.exp(1j * p.phase))) / p.tilt.size
    return Constants(L=float(amplitude), how="amplitude of f''")


@dim.register(Washboard)
def _dim(p):
    return 1


@samples.register(Washboard)
def _samples(p):
    return p.tilt.size


@sample_loss.register(Washboard)
@kernel
def _sample_loss(p, i, x, work):
    half = math.sin(0.5 * (x[0] - p.phase[i]))
    return p.tilt[i] * x[0] + 2.0 * p.height[i] * half * half


@sample_grad.register(Washboard)
def _sample_grad(p, i, x, out, work):
    out[0] = p.tilt[i] + p.height[i] * math.sin(x[0] - p.phase[i])


@sample_hvp.register(Washboard)
def _sample_hvp(p, i, x, v, out, work):
    out[0] = p.height[i] * math.cos(x[0] - p.phase[i]) * v[0]


@loss.register(Washboard)
def _loss(p, x, work):
    total = 0.0
    for i in range(p.tilt.shape[0]):
        total += _sample_loss(p, i, x, work)
    return total / p.tilt.shape[0]


@kernel
def _bend(p, x):
    total = 0.0
    for i in range(p.tilt.shape[0]):
        total += p.height[i] * math.cos(x[0] - p.phase[i])
    return total / p.tilt.shape[0]


@grad.register(Washboard)
def _grad(p, x, out, work):
    total = 0.0
    for i in range(p.tilt.shape[0]):
        total += p.tilt[i] + p.height[i] * math.sin(x[0] - p.phase[i])
    out[0] = total / p.tilt.shape[0]


@hess.register(Washboard)
def _hess(p, x, out, work):
    out[0, 0] = _bend(p, x)


@hvp.register(Washboard)
def _hvp(p, x, v, out, work):
    out[0] = _bend(p, x) * v[0]
