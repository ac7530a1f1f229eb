"""Second moments of ReLU units under Gaussian inputs in closed form (the arc-cosine kernel), and errors of networks."""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def relu_products(U, V, variance):
    """E[max(<u_i, x>, 0) max(<v_j, x>, 0)], x ~ N(0, variance I): |u||v| (sin t + (pi - t) cos t) variance/(2 pi).

    U [d, a] and V [d, b] have the units as columns, t is the angle between them.  Source: Cho, Saul 2009 (textbook).
    """
    U, V = np.asarray(U, dtype=np.float64), np.asarray(V, dtype=np.float64)
    lengths = np.outer(np.linalg.norm(U, axis=0), np.linalg.norm(V, axis=0))
    cosine = np.clip(np.divide(U.T @ V, lengths, out=np.ones_like(lengths), where=lengths > 0), -1, 1)
    angle = np.arccos(cosine)
    scale = lengths * within("variance", variance, "(0, inf)") / (2 * np.pi)
    return scale * (np.sqrt(1 - cosine**2) + (np.pi - angle) * cosine)


def relu_mean(U, variance):
    """E max(<u_i, x>, 0) = |u_i| sqrt(variance/(2 pi)), x ~ N(0, variance I).  Source: textbook."""
    return np.linalg.norm(U, axis=0) * np.sqrt(within("variance", variance, "(0, inf)") / (2 * np.pi))


def network_error(W, heads, V, teacher, variance):
    """E (sum_k heads_k max(<w_k, x>, 0) - sum_j teacher_j max(<v_j, x>, 0))^2, x ~ N(0, variance I).  Derived."""
    units = np.concatenate([np.asarray(W, dtype=np.float64), np.asarray(V, dtype=np.float64)], axis=1)
    signed = np.concatenate([heads, -np.asarray(teacher)])
    return float(signed @ relu_products(units, units, variance) @ signed)
