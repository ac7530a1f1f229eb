"""What a stochastic differential equation is here, and how it is integrated.

A model dX = drift(X) dt + spread(X) dW is a `NamedTuple` with two generics,

    drift(model, x, out, work)        out = b(x), shape [d]
    spread(model, x, dw, out, work)   out = B(x) dw, from [noises] to [d]

and `dim`, `noises` and `scratch` (floats of `work`) in plain Python.  The diffusion matrix is only ever used in the
factored form B: the covariance B B' cannot become indefinite.  All equations are Ito equations.

A scheme is an update rule whose step takes the increments of a Brownian path instead of gradients, so `simulate`
runs it: ensembles, threads, streams, statistics, divergence and resumption are those of every other rule.
Path m of `integrate(..., seed)` uses the same stream as member m of `simulate(..., seed)`:
    Brownian(model, h, refine=q)     one increment = the sum of q increments of step h/q
    CoupledNoise(problem, factor, q) the additive noise Z = -DW/sqrt(eta) of a discrete algorithm with step eta = q h
give the same Brownian path when q h agrees, to the last bit of the normals drawn.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import call, generic, kernel
from samtheory.oracles import draw, factor_gradient, factor_shape, gradient, shape
from samtheory.problems.core import dim, scratch
from samtheory.simulate import Statistic, Trajectory, simulate
from samtheory.streams import normal
from samtheory.validate import array, checked, count, finite, positive


@generic
def drift(model, x, out, work):
    """out = drift at x."""


@generic
def spread(model, x, dw, out, work):
    """out = B(x) dw, B B' the covariance of the noise per unit of time."""


@generic
def noises(model) -> int:
    """Number of independent Brownian motions that drive the model."""


# ------------------------------------------------------------------------------------ Brownian paths


@checked(h=positive, refine=count(1))
class Brownian(NamedTuple):
    """Increments of a Brownian path over steps h, each the sum of `refine` finer ones; sign = -1: the mirrored path."""

    problem: Any  # the model
    h: float
    refine: int = 1
    sign: float = 1.0
    shared: bool = True


@checked(factor=array(None, None), refine=count(1))
class CoupledNoise(NamedTuple):
    """grad f(x) + factor Z with Z = -DW/sqrt(eta): the additive noise that an SDE's own Brownian path makes.

    The step subtracts eta Z, which is why Z carries the minus sign.  `refine` is the number of the SDE's steps to a
    step of the algorithm.
    """

    problem: Any
    factor: np.ndarray
    refine: int = 1
    sign: float = 1.0
    shared: bool = True


@shape.register(Brownian)
def _brownian_shape(oracle):
    return noises(oracle.problem), 0, 0


shape.register(CoupledNoise)(factor_shape)
gradient.register(CoupledNoise)(factor_gradient)


@kernel
def _sum_of_normals(rng, refine, scale, out):
    for j in range(out.shape[0]):
        out[j] = 0.0
    for _ in range(refine):
        for j in range(out.shape[0]):
            out[j] += normal(rng)
    for j in range(out.shape[0]):
        out[j] *= scale


@draw.register(Brownian)
def _brownian_draw(oracle, t, rng, order, batch):
    _sum_of_normals(rng, oracle.refine, oracle.sign * math.sqrt(oracle.h / oracle.refine), batch.z)


@draw.register(CoupledNoise)
def _coupled_draw(oracle, t, rng, order, batch):
    _sum_of_normals(rng, oracle.refine, -oracle.sign / math.sqrt(float(oracle.refine)), batch.z)


# ------------------------------------------------------------------------------------ integration


def integrate(
    model: Any,
    scheme: Any,
    x0: Any,
    t1: float,
    steps: int,
    *,
    paths: int | None = None,
    seed: int = 0,
    refine: int = 1,
    sign: float = 1.0,
    t0: float = 0.0,
    every: int = 1,
    record: Mapping[str, Statistic] | None = None,
    resume: Trajectory | None = None,
    **options: Any,
) -> Trajectory:
    """Integrate `model` from x0 at t0 to t1 in `steps` equal steps of `scheme` (an instance, e.g. EulerMaruyama()).

    x0, every, record and the other options (limit, on_divergence, threads, chunk, progress, ...) are those of
    `simulate`; `paths` is its `members`; `resume` finishes the same call that was interrupted.  Returns a trajectory
    whose `t` is time; `diverged` counts steps.
    Raises ValueError for t1 <= t0, steps < 1, a model whose diffusion does not fit its dimension, or a scheme
    beyond its reach (`scheme.refuses(model)`), before any step.
    """
    t0, t1 = finite("t0", t0), finite("t1", t1)
    if t1 <= t0:
        raise ValueError(f"t1 = {t1!r} must be above t0 = {t0!r}")
    steps = count(1)("steps", steps)
    if sign not in (1.0, -1.0):
        raise ValueError(f"sign = {sign!r} must be 1 or -1")
    if not (drift.supports(type(model)) and spread.supports(type(model))):
        raise TypeError(f"model = {type(model).__name__} has no drift and spread registered (samtheory.sde.core)")
    reason = scheme.refuses(model)
    if reason:
        raise ValueError(f"scheme = {type(scheme).__name__} cannot integrate {type(model).__name__}: {reason}")
    factor_at(model, np.zeros(dim(model)) + 0.5)  # a diffusion of the wrong shape fails here, by name
    h = (t1 - t0) / steps
    oracle = Brownian(model, h, refine, float(sign))
    if resume is not None:
        resume = dataclasses.replace(resume, t=every * np.arange(len(resume.t)))
        options |= {"resume": resume}
        steps -= resume.state.t
    run = simulate(oracle, scheme, x0, steps, members=paths, seed=seed, every=every, record=record, **options)
    return dataclasses.replace(run, t=t0 + h * run.t)


def _evaluate(model, points, vectors, drifts, spreads, work):
    """Driver: drift at every row of `points`, spread applied to every row of `vectors`."""
    for m in range(points.shape[0]):
        drift(model, points[m], drifts[m], work)
        for j in range(vectors.shape[0]):
            spread(model, points[m], vectors[j], spreads[m, j], work)


def _coefficients(model: Any, x: Any) -> tuple[np.ndarray, np.ndarray]:
    points = np.ascontiguousarray(np.atleast_2d(np.asarray(x, dtype=np.float64)))
    d, k = dim(model), noises(model)
    if points.shape[-1] != d or points.ndim != 2:
        raise ValueError(f"x has shape {np.shape(x)}; it must be ({d},) or (n, {d})")
    drifts, spreads = np.empty_like(points), np.empty((points.shape[0], k, d))
    call(_evaluate, model, points, np.eye(k), drifts, spreads, np.empty(scratch(model)))
    return drifts.reshape(np.shape(x)), spreads.transpose(0, 2, 1).reshape(*np.shape(x), k)


def drift_at(model: Any, x: Any) -> np.ndarray:
    """Drift at x, shape [d] or [n, d]."""
    return _coefficients(model, x)[0]


def factor_at(model: Any, x: Any) -> np.ndarray:
    """Diffusion factor B at x, shape [d, noises] or [n, d, noises]."""
    return _coefficients(model, x)[1]


def covariance_at(model: Any, x: Any) -> np.ndarray:
    """Covariance of the noise per unit of time, B B'."""
    factor = factor_at(model, x)
    return factor @ np.swapaxes(factor, -1, -2)


def deterministic_flow(model: Any, x0: Any, times: Any, rtol: float = 1e-11, events: Callable | None = None):
    """The ordinary differential equation X' = drift(X) through scipy's DOP853; [len(times), d] at these times."""
    from scipy.integrate import solve_ivp

    start = array(dim(model))("x0", x0)
    times = np.asarray(times, dtype=np.float64)
    solved = solve_ivp(
        lambda _, x: drift_at(model, x), (0.0, times[-1]), start, method="DOP853", t_eval=times, rtol=rtol,
        atol=1e-14 * max(1.0, float(np.abs(start).max())), events=events,
    )  # fmt: skip
    if solved.status == -1:
        raise ArithmeticError(f"the flow could not be integrated: {solved.message}")
    return solved.y.T
