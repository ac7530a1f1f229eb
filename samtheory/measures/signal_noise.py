"""What a signal/noise network has learned: test error on fresh data, and its alignment with the signal and the noise.

A fresh sample is yc mu and a fresh xi ~ N(0, noise^2 I_d), for which (<w_r, xi>)_r ~ N(0, noise^2 W W'): the error is
an integral over 2m dimensions whatever d is.  Its radius is integrated in closed form, its direction by Monte Carlo.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.evaluate import gradients
from samtheory.problems.core import dim
from samtheory.problems.signal_noise_net import Reduced, SignalNoiseNet
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.sde.order import Interval, mean_interval
from samtheory.simulate import simulate
from samtheory.stopping import LossBelow, Never
from samtheory.validate import array, count, nonnegative, positive


def sam_then_gd(
    net: Reduced, eta: float, radius: float, sam_steps: int, steps: int, loss: float | None = None
) -> np.ndarray:
    """Parameters after `sam_steps` steps of SAM followed by `steps - sam_steps` of gradient descent; radius 0: all of
    it gradient descent, which stops at the training loss `loss` if there is one."""
    stop = Never() if loss is None else LossBelow(loss)
    x = net.start
    if radius > 0:
        x = simulate(net.problem, SAM(eta, radius), x, sam_steps, every=max(sam_steps, 1), threads=1).x
        steps -= sam_steps
    return simulate(net.problem, GD(eta), x, steps, every=max(steps, 1), stop=stop, threads=1).x


def products(problem: SignalNoiseNet, X: Any) -> tuple[np.ndarray, np.ndarray]:
    """<w_r, mu> [..., 2m] and <w_r, xi_i> [..., n, 2m] at parameters X [..., dim]."""
    X = np.asarray(X, dtype=np.float64)
    W = X.reshape(*X.shape[:-1], problem.signal.size, 2 * problem.width)
    return problem.signal @ W, problem.noise @ W


class Learned(NamedTuple):
    """max_r j_r <w_r, mu>, and the largest <w_r, xi_i> over pairs with j_r = y_i; each [...]."""

    signal: np.ndarray
    noise: np.ndarray


def learned(problem: SignalNoiseNet, X: Any) -> Learned:
    """The largest coefficients at parameters X [..., dim]; signal <= 0 where no filter has its sign right."""
    on_signal, on_noise = products(problem, X)
    j = np.repeat([1.0, -1.0], problem.width)
    matched = np.where(j == problem.labels[:, None], on_noise, -np.inf)
    return Learned((j * on_signal).max(axis=-1), matched.max(axis=(-2, -1)))


class Deactivated(NamedTuple):
    """Shares that the ascent of SAM switches off: noise units with j_r = y_i, those with j_r = -y_i, and signal units
    with j_r = sign <w_r, mu>."""

    noise: float
    opposite: float
    signal: float


def deactivated(net: Reduced, radius: float) -> Deactivated:
    """Of the units active at the start of `net`, how many are inactive at start + radius grad/|grad|; NaN of none."""
    problem, j = net.problem, np.repeat([1.0, -1.0], net.problem.width)
    g = gradients(problem, net.start)
    ahead = net.start + nonnegative("radius", radius) / np.linalg.norm(g) * g
    (mu, xi), (mu_ahead, xi_ahead) = products(problem, net.start), products(problem, ahead)
    same = j == problem.labels[:, None]

    def share(off, among):
        return float(off[among].mean()) if among.any() else math.nan

    return Deactivated(
        share(xi_ahead < 0, same & (xi > 0)),
        share(xi_ahead < 0, ~same & (xi > 0)),
        share(j * mu_ahead < 0, j * mu > 0),
    )


def clean_error(net: Reduced, x: Any, noise: float, rng: np.random.Generator, draws: int = 4096) -> Interval:
    """P(yc f(x) <= 0) for a fresh sample, at parameters x [dim] of `net`; by `draws` directions.

    The label that is observed is wrong with probability p + (1 - 2p) times this.
    """
    problem, noise, draws = net.problem, positive("noise", noise), count(256)("draws", draws)
    x, m, k = array(dim(problem))("x", x), problem.width, 2 * problem.width
    W = x.reshape(-1, k)
    values, vectors = np.linalg.eigh(net.rest + W.T @ W)
    root = vectors * np.sqrt(np.maximum(values, 0))
    j = np.repeat([1.0, -1.0], m)
    z = rng.standard_normal((draws, k))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    push = noise * (problem.patches - 1) / m * (np.maximum(z @ root.T, 0) @ j)  # f = signal part + radius * push
    on_signal = problem.signal @ W
    plus, minus = (j @ np.maximum(s * on_signal, 0) / m for s in (1, -1))
    return mean_interval(0.5 * (_below(push, -plus, k) + _below(-push, minus, k)))


def _below(v: np.ndarray, t: float, k: int) -> np.ndarray:
    """P(R v <= t) for every v, with R the norm of a standard normal vector of R^k."""
    from scipy.special import gammaincc

    crossing = v * t > 0
    beyond = gammaincc(k / 2, 0.5 * (t / np.where(crossing, v, math.inf)) ** 2)  # P(R > t/v)
    return np.where(crossing, beyond if t < 0 else 1 - beyond, (v <= 0) & (t >= 0))
