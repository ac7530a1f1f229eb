"""Flows of diagonal linear networks beta = w_+^2 - w_-^2 from w_+- = alpha: gradient flow, n-SAM and 1-SAM.

Conventions of `problems.diagonal_net`: f = (1/4n)|r|^2, r = X beta - y, z = X'r/n; un-normalised ascent,
infinitesimal steps.  With r~ the residuals at the perturbed weights (n-SAM: w_+-(1 +- rho z); 1-SAM:
w_+-(1 +- rho r_i x_i) for r~_i),

    d ln w_+-/dt = -+ X'r~/n - rho D,    n-SAM: D = z~ z, z~ = X'r~/n,    1-SAM: D = (1/n) sum_i r~_i r_i x_i^2.

So w_+- = alpha exp(-+ X's - rho E) with s' = r~/n and E' = D: s in R^n and E in R^d are what is integrated, and

    alpha_eff = sqrt(w_+ w_-) = alpha exp(-rho E),    beta = -2 alpha_eff^2 sinh(2 X's).

A limit of zero residual is therefore argmin {phi_{alpha_eff}(b): X b = y} (`measures.interpolators`), for any rho.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from samtheory.evaluate import gradients, sample_gradients
from samtheory.flows.core import ATOL, RTOL, FlowError, solve
from samtheory.validate import array, finite, positive

KINDS = ("n-SAM", "1-SAM")
_LONGER = 6  # times that the horizon is made ten times longer before a limit is given up


@dataclasses.dataclass(frozen=True)
class DiagonalPath:
    """A flow at `times`; every array has the times as its first axis.

    beta, alpha   [K, d], alpha the effective one, sqrt(w_+ w_-)
    residual      [K], max |X beta - y|
    exponent      [K, d], E = the integral of D
    delta_n, delta_1, loss_integral   of gradient flow alone (`gradient_flow`): the integrals of z^2, of
                  (1/n) sum_i r_i^2 x_i^2 and of |r|^2/n; None otherwise
    """

    times: np.ndarray
    beta: np.ndarray
    alpha: np.ndarray
    residual: np.ndarray
    exponent: np.ndarray
    delta_n: np.ndarray | None = None
    delta_1: np.ndarray | None = None
    loss_integral: np.ndarray | None = None


def sam_flow(
    X: Any, y: Any, alpha: Any, rho: float, kind: str, times: Any, *, rtol: float = RTOL, atol: float = ATOL
) -> DiagonalPath:
    """n-SAM or 1-SAM (`kind`) from w_+- = alpha (scalar or [d]) at `times`; any real rho, 0 is gradient flow."""
    X, y, alpha = _data(X, y, alpha)
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is unknown; it must be one of {', '.join(KINDS)}")
    (n, d), rho = X.shape, finite("rho", rho)
    square, cube = X**2, X**3
    twice = -2.0 * X.T

    def look(state):
        up, scale = twice @ state[:n], alpha**2 * np.exp(-2 * rho * state[n:])
        plus, minus = scale * np.exp(up), scale * np.exp(-up)
        beta, size = plus - minus, plus + minus
        return beta, size, X @ beta - y

    def full(t, state):
        beta, size, r = look(state)
        z = r @ X / n
        moved = r + X @ (z * (2 * rho * size + rho**2 * z * beta))
        return np.concatenate([moved / n, (moved @ X / n) * z])

    def full_jac(t, state):
        beta, size, r = look(state)
        z = r @ X / n
        moved = r + X @ (z * (2 * rho * size + rho**2 * z * beta))
        slope, size_slope = _slopes(twice, beta, size, rho)
        turn = X @ slope
        z_turn = X.T @ turn / n
        inner = (2 * rho * size + 2 * rho**2 * z * beta)[:, None] * z_turn
        inner += (2 * rho * z)[:, None] * size_slope + (rho * z)[:, None] ** 2 * slope
        moved_turn = turn + X @ inner
        D_turn = z[:, None] * (X.T @ moved_turn / n) + (moved @ X / n)[:, None] * z_turn
        return np.concatenate([moved_turn / n, D_turn])

    def own(t, state):
        beta, size, r = look(state)
        moved = r * (1 + 2 * rho * (square @ size) + rho**2 * r * (cube @ beta))
        return np.concatenate([moved / n, (moved * r) @ square / n])

    def own_jac(t, state):
        beta, size, r = look(state)
        a, b = 2 * rho * (square @ size), rho**2 * (cube @ beta)
        moved = r * (1 + a + r * b)
        slope, size_slope = _slopes(twice, beta, size, rho)
        turn = X @ slope
        moved_turn = (1 + a + 2 * r * b)[:, None] * turn
        moved_turn += (2 * rho * r)[:, None] * (square @ size_slope) + ((rho * r) ** 2)[:, None] * (cube @ slope)
        D_turn = square.T @ (r[:, None] * moved_turn + moved[:, None] * turn) / n
        return np.concatenate([moved_turn / n, D_turn])

    rhs, jac = (full, full_jac) if kind == "n-SAM" else (own, own_jac)
    with np.errstate(over="ignore", invalid="ignore"):  # a flow that blows up is a FlowError, not a warning
        states = solve(rhs, np.zeros(n + d), times, rtol=rtol, atol=atol, jac=jac)
    beta, alphas = _effective(states[:, :n], alpha * np.exp(-rho * states[:, n:]), X)
    return DiagonalPath(np.asarray(times, dtype=float), beta, alphas, _miss(X, y, beta), states[:, n:])


def weight_flow(problem: Any, x0: Any, rho: float, kind: str, times: Any, **accuracy: float) -> np.ndarray:
    """The weights [K, dim] of any finite sum f = (1/n) sum_i f_i under un-normalised SAM's flow from x0, at `times`:

        n-SAM  x' = -grad f(x + rho grad f(x)),    1-SAM  x' = -(1/n) sum_i grad f_i(x + rho grad f_i(x)).

    By the problem's own gradients; `sam_flow` is faster, and keeps what only diagonal networks have.
    """
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is unknown; it must be one of {', '.join(KINDS)}")

    def full(t, x):
        return -gradients(problem, x + rho * gradients(problem, x))

    def own(t, x):
        moved = sample_gradients(problem, x + rho * sample_gradients(problem, x))
        return -moved[np.arange(len(moved)), np.arange(len(moved))].mean(axis=0)

    return solve(full if kind == "n-SAM" else own, x0, times, **accuracy)


def gradient_flow(X: Any, y: Any, alpha: Any, times: Any, *, rtol: float = RTOL, atol: float = ATOL) -> DiagonalPath:
    """Gradient flow from w_+- = alpha at `times`, with the integrals delta_n, delta_1 and that of |r|^2/n."""
    X, y, alpha = _data(X, y, alpha)
    n, d = X.shape
    square, twice = X**2, -2.0 * X.T

    def rhs(t, state):
        r = X @ (2 * alpha**2 * np.sinh(twice @ state[:n])) - y
        z = r @ X / n
        return np.concatenate([r / n, z * z, r * r @ square / n, [r @ r / n]])

    def jac(t, state):
        up = twice @ state[:n]
        r = X @ (2 * alpha**2 * np.sinh(up)) - y
        turn = (X * (2 * alpha**2 * np.cosh(up))) @ twice
        out = np.zeros((state.size, state.size))
        out[:, :n] = np.concatenate(
            [
                turn / n,
                2 * (r @ X / n)[:, None] * (X.T @ turn / n),
                2 * square.T @ (r[:, None] * turn) / n,
                2 * (r @ turn)[None] / n,
            ]
        )
        return out

    states = solve(rhs, np.zeros(n + 2 * d + 1), times, rtol=rtol, atol=atol, jac=jac)
    beta, alphas = _effective(states[:, :n], np.tile(alpha, (len(states), 1)), X)
    parts = states[:, n : n + d], states[:, n + d : -1], states[:, -1]
    return DiagonalPath(np.asarray(times, dtype=float), beta, alphas, _miss(X, y, beta), 0 * beta, *parts)


def limit(
    X: Any,
    y: Any,
    alpha: Any,
    rho: float = 0.0,
    kind: str | None = None,
    *,
    residual: float = 1e-9,
    rtol: float = RTOL,
    atol: float = ATOL,
) -> DiagonalPath:
    """The flow (`kind` None: gradient flow) when max |X beta - y| is below `residual` times max |y|: one time.

    The first horizon is 40 over the slowest rate at the start, 4 lam_min(X diag(alpha^2) X')/n; it is made ten times
    longer while the residual is above.  FlowError where it stays there (X not of full row rank, rho too large).
    """
    X, y, alpha = _data(X, y, alpha)
    slowest = 4 * np.linalg.eigvalsh((X * alpha**2) @ X.T)[0] / len(y)
    horizon = 40 / positive("the slowest rate 4 lam_min(X diag(alpha^2) X')/n", slowest)
    for _ in range(_LONGER):
        if kind is None:
            path = gradient_flow(X, y, alpha, [0, horizon], rtol=rtol, atol=atol)
        else:
            path = sam_flow(X, y, alpha, rho, kind, [0, horizon], rtol=rtol, atol=atol)
        if path.residual[-1] <= residual * np.abs(y).max():
            last = {f.name: getattr(path, f.name) for f in dataclasses.fields(path)}
            return DiagonalPath(**{name: a if a is None else a[-1] for name, a in last.items()})
        horizon *= 10
    raise FlowError(f"at t = {horizon / 10:g} max |X beta - y| is still {path.residual[-1]:g}")


def _data(X, y, alpha) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, y = array(None, None)("X", X), array(None)("y", y)
    if len(X) != len(y):
        raise ValueError(f"y has {len(y)} entries; X has {len(X)} rows")
    alpha = np.broadcast_to(array(*np.shape(alpha))("alpha", alpha), X.shape[1:])
    positive("alpha", alpha.min())
    return X, y, alpha


def _slopes(twice, beta, size, rho):
    """The derivatives of beta and of w_+^2 + w_-^2 in the state (s, E), [d, n + d]."""
    return (
        np.hstack([size[:, None] * twice, np.diag(-2 * rho * beta)]),
        np.hstack([beta[:, None] * twice, np.diag(-2 * rho * size)]),
    )


def _effective(s, alphas, X):
    return -2 * alphas**2 * np.sinh(2 * s @ X), alphas


def _miss(X, y, beta):
    return np.abs(beta @ X.T - y).max(axis=1)
