"""Integration of an ordinary differential equation dy/dt = rhs(t, y) to a stated accuracy, stiff or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samtheory.validate import array, positive

RTOL, ATOL = 1e-10, 1e-13
_EVALUATIONS = 200_000  # of the right-hand side between two of the times; more means that the flow blows up or stalls


class FlowError(ArithmeticError):
    """The integrator gave up before the last time; the message has the time it reached and its own reason."""


def solve(
    rhs: Callable[[float, np.ndarray], np.ndarray],
    y0: Any,
    times: Any,
    *,
    rtol: float = RTOL,
    atol: float = ATOL,
    jac: Callable[[float, np.ndarray], np.ndarray] | None = None,
    method: str = "LSODA",
) -> np.ndarray:
    """y at `times` (increasing, the first is that of y0), shape [len(times), d].

    LSODA switches between Adams and BDF by itself; its local error a step is below rtol |y| + atol.  To state an
    error of the result, solve again with rtol a hundred times larger: the difference bounds the larger error.
    Raises FlowError where the integrator stops early, ValueError for unusable times or tolerances.
    """
    y0, times = array(None)("y0", y0), array(None)("times", times)
    if times.size < 2 or (np.diff(times) <= 0).any():
        raise ValueError(f"times = {times} is not allowed; it must be at least two increasing numbers")
    rtol, atol = positive("rtol", rtol), positive("atol", atol)
    from scipy.integrate import solve_ivp

    extra = {} if jac is None else {"jac": jac}
    left = _EVALUATIONS * times.size

    def counted(t, y):
        nonlocal left
        left -= 1
        if left < 0:
            raise FlowError(
                f"the flow stopped at t = {t:g} of {times[-1]:g}: it blows up, or is too stiff for {method}"
            )
        return rhs(t, y)

    run = solve_ivp(counted, (times[0], times[-1]), y0, method, t_eval=times, rtol=rtol, atol=atol, **extra)
    if not run.success or run.y.shape[1] != times.size or not np.isfinite(run.y).all():
        reached = run.t[-1] if run.t.size else times[0]
        raise FlowError(f"the flow stopped at t = {reached:g} of {times[-1]:g}: {run.message}")
    return run.y.T
