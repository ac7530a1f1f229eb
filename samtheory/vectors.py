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
def scale(a, out):
    """out *= a."""
    for i in range(out.shape[0]):
        out[i] *= a


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
    """out = matrix x for a symmetric matrix (row j is column j)."""
    combination(x, matrix, out)


@kernel
def combination(x, rows, out):
    """out = sum_j x_j rows_j, the rows taken in order, several a pass: the n mod 4 odd ones, eights, fours.

    Eights only from n = 16 on; below, they cost more than they save.
    """
    n, d = x.shape[0], out.shape[0]
    odd = n % 4
    if odd == 0:
        fill(out, 0.0)
    elif odd == 1:
        a = x[0]
        for i in range(d):
            out[i] = a * rows[0, i]
    elif odd == 2:
        a, b = x[0], x[1]
        for i in range(d):
            out[i] = a * rows[0, i] + b * rows[1, i]
    else:
        a, b, c = x[0], x[1], x[2]
        for i in range(d):
            out[i] = a * rows[0, i] + b * rows[1, i] + c * rows[2, i]
    eights = odd + 8 * (n // 8) if n >= 16 else odd
    for j in range(odd, eights, 8):
        a, b, c, e = x[j], x[j + 1], x[j + 2], x[j + 3]
        p, q, r, s = x[j + 4], x[j + 5], x[j + 6], x[j + 7]
        for i in range(d):
            half = out[i] + a * rows[j, i] + b * rows[j + 1, i] + c * rows[j + 2, i] + e * rows[j + 3, i]
            out[i] = half + p * rows[j + 4, i] + q * rows[j + 5, i] + r * rows[j + 6, i] + s * rows[j + 7, i]
    for j in range(eights, n, 4):
        a, b, c, e = x[j], x[j + 1], x[j + 2], x[j + 3]
        for i in range(d):
            out[i] = out[i] + a * rows[j, i] + b * rows[j + 1, i] + c * rows[j + 2, i] + e * rows[j + 3, i]


@kernel
def rows_times(rows, x, out):
    """out_j = <rows_j, x>, j = 1, ..., len(out), each sum from left to right.

    Eight rows a pass, so that no addition waits for the last one: 1.6 x faster than a row at a time.
    """
    m, d = out.shape[0], x.shape[0]
    whole = m - m % 8
    for j in range(0, whole, 8):
        a, b, c, e, p, q, r, s = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(d):
            v = x[i]
            a += rows[j, i] * v
            b += rows[j + 1, i] * v
            c += rows[j + 2, i] * v
            e += rows[j + 3, i] * v
            p += rows[j + 4, i] * v
            q += rows[j + 5, i] * v
            r += rows[j + 6, i] * v
            s += rows[j + 7, i] * v
        out[j], out[j + 1], out[j + 2], out[j + 3] = a, b, c, e
        out[j + 4], out[j + 5], out[j + 6], out[j + 7] = p, q, r, s
    for j in range(whole, m):
        a = 0.0
        for i in range(d):
            a += rows[j, i] * x[i]
        out[j] = a
