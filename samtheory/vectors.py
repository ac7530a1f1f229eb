"""Vector kernels shared by problems and rules.  Matrix products go column by column: 1.1 x C, row dots 3.4 x."""

from __future__ import annotations

import math

from samtheory.kernel import kernel


@kernel
def dot(x, y):
    """<x, y>."""
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] * y[i]
    return total


@kernel
def norm(x):
    """|x| (Euclidean)."""
    return math.sqrt(dot(x, x))


@kernel
def copy(x, out):
    """out = x."""
    for i in range(x.shape[0]):
        out[i] = x[i]


@kernel
def fill(out, value):
    """out = value."""
    for i in range(out.shape[0]):
        out[i] = value


@kernel
def axpy(a, x, out):
    """out += a x."""
    for i in range(x.shape[0]):
        out[i] += a * x[i]


@kernel
def along(x, a, v, out):
    """out = x + a v."""
    for i in range(x.shape[0]):
        out[i] = x[i] + a * v[i]


@kernel
def symmetric_product(matrix, x, out):
    """out = matrix x for a symmetric matrix (row j is column j).

    The columns are taken in order, several a pass: the d mod 4 odd ones, then eights (from d = 16 on: below, they
    cost more than they save), then fours.
    """
    d = x.shape[0]
    odd = d % 4
    if odd == 0:
        fill(out, 0.0)
    elif odd == 1:
        a = x[0]
        for i in range(d):
            out[i] = a * matrix[0, i]
    elif odd == 2:
        a, b = x[0], x[1]
        for i in range(d):
            out[i] = a * matrix[0, i] + b * matrix[1, i]
    else:
        a, b, c = x[0], x[1], x[2]
        for i in range(d):
            out[i] = a * matrix[0, i] + b * matrix[1, i] + c * matrix[2, i]
    eights = odd + 8 * (d // 8) if d >= 16 else odd
    for j in range(odd, eights, 8):
        a, b, c, e = x[j], x[j + 1], x[j + 2], x[j + 3]
        p, q, r, s = x[j + 4], x[j + 5], x[j + 6], x[j + 7]
        for i in range(d):
            half = out[i] + a * matrix[j, i] + b * matrix[j + 1, i] + c * matrix[j + 2, i] + e * matrix[j + 3, i]
            out[i] = half + p * matrix[j + 4, i] + q * matrix[j + 5, i] + r * matrix[j + 6, i] + s * matrix[j + 7, i]
    for j in range(eights, d, 4):
        a, b, c, e = x[j], x[j + 1], x[j + 2], x[j + 3]
        for i in range(d):
            out[i] = out[i] + a * matrix[j, i] + b * matrix[j + 1, i] + c * matrix[j + 2, i] + e * matrix[j + 3, i]
