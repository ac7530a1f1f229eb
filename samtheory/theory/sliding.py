"""Independent products f = (1/M) sum_k (u_k v_k - y_k)^2/2 on their minimisers: how their imbalances decay.

The imbalances Dl_k = u_k^2 - v_k^2 are coordinates there, and the curvatures are lam_k = sqrt(Dl_k^2 + 4 y_k^2)/M.
The flow dX/dtau = -(1/2) P grad lam_1 decays the top pair alone, dDl_1/dtau = -(2/M) Dl_1, until it ties with the next;
from then on the tied pairs share the descent, with weights p_k that sum to one and keep the tie: p_k Dl_k^2 is the same
for all of them, so that their Dl_k^2 fall at one rate.  Source: derived (beside Wen, Ma & Li 2023).
"""

from __future__ import annotations

import numpy as np


def tie_time(imbalance, y):
    """tau where the largest curvature meets the second: (M/4) ln(Dl_1^2/(Dl_2^2 + 4 y_2^2 - 4 y_1^2)); inf if never."""
    square, level = np.square(imbalance), np.square(imbalance) + 4 * np.square(y)
    second, first = np.argsort(level)[-2:]
    left = level[second] - 4 * y[first] ** 2
    return len(level) / 4 * np.log(square[first] / left) if left > 0 else np.inf


def sliding_imbalances(tau, imbalance, y):
    """Dl(tau), [M], of the flow of the largest curvature, through every tie.

    At (M lam_1)^2 = m the pairs that started above m are tied, and tau = (M/4) sum over them of
    ln((m_k - 4 y_k^2)/(m - 4 y_k^2)), m_k their own start; this is inverted for m by bisection.
    """
    imbalance, y = np.asarray(imbalance, dtype=float), np.asarray(y, dtype=float)
    floor, start = 4 * y**2, imbalance**2 + 4 * y**2

    def time(m):
        above = start > m
        return len(y) / 4 * np.log((start[above] - floor[above]) / (m - floor[above])).sum()

    low, high = floor[start > floor.max()].max(initial=floor.max()), start.max()
    for _ in range(200):
        m = (low + high) / 2
        if time(m) > tau:
            low = m
        else:
            high = m
    return np.copysign(np.sqrt(np.minimum(imbalance**2, np.maximum(high - floor, 0))), imbalance)


def finite_step_imbalance(tau, imbalance, y, eta, M, curvature=1.0):
    """Dl(tau) of one pair, dDl/dtau = -(2/M) (2/(2 - eta lam))^2 Dl with lam = curvature sqrt(Dl^2 + 4 y^2).

    curvature = 1/M for the top pair of full-batch SAM, 1 for every pair of SAM on one sample a step.  With
    S = sqrt(D^2 + 4 y^2) and e = eta curvature the time from Dl to D is (M/2) [F(Dl) - F(D)],
    F(D) = (1 + e^2 y^2) ln D - e (S - 2 |y| asinh(2 |y|/D)) + e^2 D^2/8; inverted for D by bisection in ln D.
    Range eta lam < 2 at the start.
    """
    e, c = eta * curvature, 2 * abs(y)
    start = abs(imbalance)
    if not 0 < e * np.hypot(start, c) < 2:
        raise ValueError(f"eta lam = {e * np.hypot(start, c)!r} is outside (0, 2)")

    def F(log):
        D = np.exp(log)
        return (1 + (e * c / 2) ** 2) * log - e * (np.hypot(D, c) - c * np.arcsinh(c / D)) + e**2 * D**2 / 8

    high = np.log(start)
    low, target = high - 100, F(high) - 2 * tau / M
    for _ in range(200):
        middle = (low + high) / 2
        if F(middle) > target:
            high = middle
        else:
            low = middle
    return float(np.copysign(np.exp(high), imbalance))
