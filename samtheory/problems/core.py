"""The mathematics of a problem: generics that a problem's class registers its bodies on.

A problem is a `NamedTuple` of arrays and floats; it knows no update rule.  Kernels get a scratch array `work` of
`scratch(problem)` floats, which belongs to the calling thread.  Needed: `dim` and `grad`; everything else is
optional (a rule or a measure that asks for a missing piece says which one is missing).

    loss(p, x, work)                 f(x)
    grad(p, x, out, work)            out = grad f(x), shape [d]
    hess(p, x, out, work)            out = Hessian, shape [d, d]
    hvp(p, x, v, out, work)          out = Hessian @ v, shape [d]
    sample_loss(p, i, x, work)       f_i(x),   f = (1/n) sum_i f_i
    sample_grad(p, i, x, out, work)  out = grad f_i(x)
    sample_hvp(p, i, x, v, out, work)  out = Hessian of f_i @ v
    sample_sam_step(p, i, x, eta, rho, work)  x <- x - eta grad f_i(x + rho grad f_i(x)/|grad f_i(x)|)
    third(p, x, v, out, work)        out = gradient in x of v' Hessian(x) v, shape [d]
    moved_grad(p, x, z, out, work)   out = grad f(x) with the data of f moved by z, shape [data_size(p)]

and in plain Python `dim(p)`, `samples(p)`, `data_size(p)`, `scratch(p)`, `constants(p)`, `sample_constants(p)`,
`hessian_lipschitz(p, x, radius)`.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from samtheory.kernel import generic


@generic
def loss(p, x, work):
    """f(x), a float."""


@generic
def grad(p, x, out, work):
    """out = grad f(x)."""


@generic
def hess(p, x, out, work):
    """out = Hessian of f at x."""


@generic
def hvp(p, x, v, out, work):
    """out = Hessian of f at x, times v."""


@generic
def sample_loss(p, i, x, work):
    """f_i(x), with f = (1/n) sum_i f_i."""


@generic
def sample_grad(p, i, x, out, work):
    """out = grad f_i(x)."""


@generic
def sample_hvp(p, i, x, v, out, work):
    """out = Hessian of f_i at x, times v."""


@generic
def third(p, x, v, out, work):
    """out = gradient in x of v' Hessian(x) v: the third derivative with v twice."""


@generic
def moved_grad(p, x, z, out, work):
    """out = grad f(x) with the data (labels, target) of f moved by z, shape [data_size(p)]."""


@generic
def sample_sam_step(p, i, x, eta, rho, work):
    """x <- x - eta grad f_i(x + rho grad f_i(x)/|grad f_i(x)|) in place; returns 1 where grad f_i(x) = 0, else 0.

    For problems whose second gradient costs less after the first.
    """


@generic
def dim(p) -> int:
    """Number of coordinates of x."""


@generic
def samples(p) -> int:
    """Number n of terms of the mean f = (1/n) sum_i f_i."""


@generic
def data_size(p) -> int:
    """Number of entries of the data that `moved_grad` moves."""


@generic
def scratch(p) -> int:
    """How many floats of scratch the kernels of this problem need (0 unless registered)."""


@scratch.register(object)
def _no_scratch(p) -> int:
    return 0


@generic
def constants(p) -> Constants:
    """The constants of the problem, computed from its data."""


@generic
def hessian_lipschitz(p, x, radius) -> float:
    """An upper bound of the Lipschitz constant of the Hessian (spectral norm) on the ball |y - x| <= radius."""


@hessian_lipschitz.register(object)
def _none_known(p, x, radius) -> float:
    return math.inf


@generic
def sample_constants(p) -> SampleConstants:
    """The constants of every f_i, computed from the data."""


@dataclasses.dataclass(frozen=True)
class SampleConstants:
    """L [n]: the gradient of f_i is L_i-Lipschitz; f_inf [n]: the infimum of f_i, or a lower bound of it."""

    L: np.ndarray
    f_inf: np.ndarray


@dataclasses.dataclass(frozen=True)
class Constants:
    """Constants of an objective f; None where there is none, or none is known.

    L          smoothness: the gradient is L-Lipschitz on the whole space
    mu         strong convexity
    pl         Polyak-Lojasiewicz: |grad f|^2 >= 2 pl (f - f_star)
    f_star     infimum of f
    minimiser  a point where f_star is attained
    how        how they were obtained (spectrum, formula, certified enclosure, ...)
    """

    L: float | None = None
    mu: float | None = None
    pl: float | None = None
    f_star: float | None = None
    minimiser: np.ndarray | None = None
    how: str = ""
