"""Two vectors that only meet in a product: f(x'y) and f(x y'), both unchanged by (x, y) -> (c x, y/c).

The state is (x, y), x first.  `link` is a scalar loss of `samtheory.problems.links`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import (
    Constants,
    constants,
    data_size,
    dim,
    grad,
    hess,
    hvp,
    loss,
    moved_grad,
    sample_grad,
    sample_hvp,
    sample_loss,
    samples,
    scratch,
)
from samtheory.problems.links import is_link, link_curvature, link_slope, link_value
from samtheory.validate import array, checked, count


@checked(link=is_link, labels=array(None), size=count(1))
class Inner(NamedTuple):
    """f(x, y) = (1/n) sum_i l(x'y - b_i), x and y of `size` entries, labels b [n]; the samples are the labels.

    grad = f' (y, x),  Hessian = f'' (y, x)(y, x)' + f' [[0, 1], [1, 0]].  `moved_grad` moves label i by z_i.
    """

    link: Any
    labels: np.ndarray
    size: int


@checked(link=is_link, target=array(None, None))
class Outer(NamedTuple):
    """f(x, y) = sum_ij l(x_i y_j - A_ij), target A of shape [size of x, size of y].

    With G_ij = l'(x_i y_j - A_ij): grad = (G y, G'x).  `moved_grad` moves A, row after row.
    """

    link: Any
    target: np.ndarray


@constants.register(Inner)
@constants.register(Outer)
def _constants(p):
    """None: no L and no PL constant (the gradient is not Lipschitz, 0 is critical); the infimum depends on the data."""
    return Constants(how="formula (gradient not Lipschitz)")


def pair(rng: np.random.Generator, sizes: tuple[int, int], scale: float, tilt: float) -> np.ndarray:
    """(x, y) of these sizes in random directions, |x| = scale sqrt(tilt), |y| = scale/sqrt(tilt)."""
    x, y = (rng.standard_normal(size) for size in sizes)
    return np.concatenate([x * (scale * tilt**0.5 / np.linalg.norm(x)), y * (scale / tilt**0.5 / np.linalg.norm(y))])


# ------------------------------------------------------------------------------------ f(x'y)


@dim.register(Inner)
def _inner_dim(p):
    return 2 * p.size


@samples.register(Inner)
@data_size.register(Inner)
def _labels(p):
    return p.labels.shape[0]


@kernel
def _product(p, x):
    total = 0.0
    for i in range(p.size):
        total += x[i] * x[p.size + i]
    return total


@kernel
def _swap(p, slope, x, out):
    """out = slope (y, x)."""
    for i in range(p.size):
        low, high = x[i], x[p.size + i]
        out[i] = slope * high
        out[p.size + i] = slope * low


@kernel
def _mean_slope(p, w):
    total = 0.0
    for i in range(p.labels.shape[0]):
        total += link_slope(p.link, w - p.labels[i])
    return total / p.labels.shape[0]


@kernel
def _mean_curvature(p, w):
    total = 0.0
    for i in range(p.labels.shape[0]):
        total += link_curvature(p.link, w - p.labels[i])
    return total / p.labels.shape[0]


@kernel
def _second(p, slope, bend, x, v, out):
    """out = bend (y, x) <(y, x), v> + slope (swapped v)."""
    across = 0.0
    for i in range(p.size):
        across += x[p.size + i] * v[i] + x[i] * v[p.size + i]
    for i in range(p.size):
        out[i] = bend * across * x[p.size + i] + slope * v[p.size + i]
        out[p.size + i] = bend * across * x[i] + slope * v[i]


@loss.register(Inner)
def _inner_loss(p, x, work):
    w, total = _product(p, x), 0.0
    for i in range(p.labels.shape[0]):
        total += link_value(p.link, w - p.labels[i])
    return total / p.labels.shape[0]


@grad.register(Inner)
def _inner_grad(p, x, out, work):
    _swap(p, _mean_slope(p, _product(p, x)), x, out)


@moved_grad.register(Inner)
def _inner_moved(p, x, z, out, work):
    w, total = _product(p, x), 0.0
    for i in range(p.labels.shape[0]):
        total += link_slope(p.link, w - (p.labels[i] + z[i]))
    _swap(p, total / p.labels.shape[0], x, out)


@hvp.register(Inner)
def _inner_hvp(p, x, v, out, work):
    w = _product(p, x)
    _second(p, _mean_slope(p, w), _mean_curvature(p, w), x, v, out)


@hess.register(Inner)
def _inner_hess(p, x, out, work):
    w, n = _product(p, x), p.size
    slope, bend = _mean_slope(p, w), _mean_curvature(p, w)
    for i in range(2 * n):
        for j in range(2 * n):
            out[i, j] = bend * (x[(i + n) % (2 * n)] * x[(j + n) % (2 * n)])
        out[i, (i + n) % (2 * n)] += slope


@sample_loss.register(Inner)
def _inner_sample_loss(p, i, x, work):
    return link_value(p.link, _product(p, x) - p.labels[i])


@sample_grad.register(Inner)
def _inner_sample_grad(p, i, x, out, work):
    _swap(p, link_slope(p.link, _product(p, x) - p.labels[i]), x, out)


@sample_hvp.register(Inner)
def _inner_sample_hvp(p, i, x, v, out, work):
    u = _product(p, x) - p.labels[i]
    _second(p, link_slope(p.link, u), link_curvature(p.link, u), x, v, out)


# ------------------------------------------------------------------------------------ f(x y')


@dim.register(Outer)
def _outer_dim(p):
    return p.target.shape[0] + p.target.shape[1]


@data_size.register(Outer)
def _entries(p):
    return p.target.shape[0] * p.target.shape[1]


@scratch.register(Outer)
def _outer_scratch(p):
    return p.target.shape[0] * p.target.shape[1]


@loss.register(Outer)
def _outer_loss(p, x, work):
    rows, total = p.target.shape[0], 0.0
    for i in range(rows):
        for j in range(p.target.shape[1]):
            total += link_value(p.link, x[i] * x[rows + j] - p.target[i, j])
    return total


@kernel
def _outer_gradient(p, x, z, out):
    """out = (G y, G'x), the target moved by z."""
    rows, columns = p.target.shape[0], p.target.shape[1]
    for k in range(rows + columns):
        out[k] = 0.0
    for i in range(rows):
        for j in range(columns):
            slope = link_slope(p.link, x[i] * x[rows + j] - (p.target[i, j] + z[i * columns + j]))
            out[i] += slope * x[rows + j]
            out[rows + j] += slope * x[i]


@grad.register(Outer)
def _outer_grad(p, x, out, work):
    for k in range(p.target.shape[0] * p.target.shape[1]):
        work[k] = 0.0
    _outer_gradient(p, x, work, out)


@moved_grad.register(Outer)
def _outer_moved(p, x, z, out, work):
    _outer_gradient(p, x, z, out)


@hvp.register(Outer)
def _outer_hvp(p, x, v, out, work):
    rows, columns = p.target.shape[0], p.target.shape[1]
    for k in range(rows + columns):
        out[k] = 0.0
    for i in range(rows):
        for j in range(columns):
            u = x[i] * x[rows + j] - p.target[i, j]
            slope, along = link_slope(p.link, u), v[i] * x[rows + j] + x[i] * v[rows + j]
            bend = link_curvature(p.link, u) * along
            out[i] += bend * x[rows + j] + slope * v[rows + j]
            out[rows + j] += bend * x[i] + slope * v[i]


@hess.register(Outer)
def _outer_hess(p, x, out, work):
    rows, columns = p.target.shape[0], p.target.shape[1]
    for k in range(rows + columns):
        for m in range(rows + columns):
            out[k, m] = 0.0
    for i in range(rows):
        for j in range(columns):
            a, b = x[i], x[rows + j]
            bend = link_curvature(p.link, a * b - p.target[i, j])
            cross = bend * (a * b) + link_slope(p.link, a * b - p.target[i, j])
            out[i, i] += bend * (b * b)
            out[rows + j, rows + j] += bend * (a * a)
            out[i, rows + j] = cross
            out[rows + j, i] = cross
