"""The largest rise of a quadratic inside a ball, from its gradient in the eigenbasis."""

from __future__ import annotations

import numpy as np

from samtheory.validate import positive


def largest_rise(lam, g, radius) -> np.ndarray:
    """max over |d| <= radius of <g, d> + 1/2 sum_i lam_i d_i^2, shape [...].

    g [..., d] and lam [d] >= 0 are the gradient in the eigenbasis of the Hessian and its eigenvalues.

    By the one-dimensional dual min over nu >= lam_max of 1/2 sum_i g_i^2/(nu - lam_i) + nu radius^2/2 (no gap: trust
    region), whose derivative is increasing; bisection of nu - lam_max between 0 and |g|/radius.
    """
    lam, g, radius = np.asarray(lam, dtype=float), np.asarray(g, dtype=float), positive("radius", radius)
    gap = lam.max() - lam
    low, high = np.zeros(g.shape[:-1]), np.linalg.norm(g, axis=-1) / radius
    for _ in range(60):
        middle = (low + high) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            outside = np.nansum((g / (middle[..., None] + gap)) ** 2, axis=-1) > radius**2
        low, high = np.where(outside, middle, low), np.where(outside, high, middle)
    nu = high[..., None] + gap  # any nu gives an upper bound; the minimum is flat
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(g == 0, 0.0, g**2 / nu)
    return 0.5 * share.sum(axis=-1) + 0.5 * (high + lam.max()) * radius**2
