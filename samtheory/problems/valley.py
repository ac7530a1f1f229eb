"""A curved valley of minima whose sharp direction turns along it (Bartlett, Long & Bousquet 2023, the drift)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.validate import checked, finite, positive


@checked(top=positive, swing=finite, low=positive)
class TurningValley(NamedTuple):
    """f(x1, x2, th) = 1/2 x' H(th) x,  H = lam(th) v v' + low u u',  lam(th) = top + swing sin th.

    v = (cos th, sin th), u = (-sin th, cos th), state (x1, x2, th).  With p = <v, x>, q = <u, x>:

        f = (lam p^2 + low q^2)/2,   d p/d th = q,   d q/d th = -p,
        grad_x f = lam p v + low q u,   d f/d th = lam' p^2/2 + (lam - low) p q.

    Minimisers: x = 0, any th (for top > |swing|); there the Hessian has eigenvalues lam(th), low, 0.
    """

    top: float = 2.0
    swing: float = 1.0
    low: float = 0.5


@constants.register(TurningValley)
def _constants(p):
    """|grad_x f|^2 >= 2 min(lam, low) f, with equality on an axis where lam' = 0: pl = min(top - |swing|, low)."""
    if p.top <= abs(p.swing):
        return Constants(how="formula (top <= |swing|: somewhere along the valley the minimum is lost)")
    pl = min(p.top - abs(p.swing), p.low)
    return Constants(pl=pl, f_star=0.0, minimiser=np.zeros(3), how="formula (gradient not Lipschitz)")


@dim.register(TurningValley)
def _dim(p):
    return 3


@kernel
def _frame(p, x):
    """cos th, sin th, lam, lam', p, q."""
    c, s = math.cos(x[2]), math.sin(x[2])
    return c, s, p.top + p.swing * s, p.swing * c, c * x[0] + s * x[1], c * x[1] - s * x[0]


@loss.register(TurningValley)
def _loss(p, x, work):
    _, _, lam, _, along, across = _frame(p, x)
    return 0.5 * (lam * along * along + p.low * across * across)


@grad.register(TurningValley)
def _grad(p, x, out, work):
    c, s, lam, rise, along, across = _frame(p, x)
    out[0] = lam * along * c - p.low * across * s
    out[1] = lam * along * s + p.low * across * c
    out[2] = 0.5 * rise * along * along + (lam - p.low) * along * across


@kernel
def _second(p, x):
    """The entries 00, 01, 11, 02, 12, 22 of the Hessian."""
    c, s, lam, rise, along, across = _frame(p, x)
    gap = lam - p.low
    on_v = rise * along + gap * across  # d/d th of grad_x f, in the frame (v, u)
    on_u = gap * along
    turn = 0.5 * (p.top - lam) * along * along + 2.0 * rise * along * across
    return (
        lam * c * c + p.low * s * s,
        gap * c * s,
        lam * s * s + p.low * c * c,
        on_v * c - on_u * s,
        on_v * s + on_u * c,
        turn + gap * (across * across - along * along),
    )


@hess.register(TurningValley)
def _hess(p, x, out, work):
    a, b, c, e, f, g = _second(p, x)
    out[0, 0] = a
    out[0, 1] = b
    out[0, 2] = e
    out[1, 0] = b
    out[1, 1] = c
    out[1, 2] = f
    out[2, 0] = e
    out[2, 1] = f
    out[2, 2] = g


@hvp.register(TurningValley)
def _hvp(p, x, v, out, work):
    a, b, c, e, f, g = _second(p, x)
    out[0] = a * v[0] + b * v[1] + e * v[2]
    out[1] = b * v[0] + c * v[1] + f * v[2]
    out[2] = e * v[0] + f * v[1] + g * v[2]
