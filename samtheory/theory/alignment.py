"""How well a preconditioned noisy gradient points along the true one; and where noise pushes SAM in a bent valley.

g = a + xi with independent xi_i ~ N(0, s_i^2); R = diag(c).
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def expected_cosine(a, s, c, nodes=400):
    """E cos(a, R g) = E <a, z>/(|a||z|), z = R g ~ N(m, V), m = c a, V = diag(c^2 s^2), by one quadrature.

    1/|z| = pi^{-1/2} int_0^inf u^{-1/2} exp(-u |z|^2) du, and the expectation under the integral is a product; the
    trapezoidal rule in log u converges exponentially. Source: derived.
    """
    a, s, c = (np.asarray(v, dtype=float) for v in (a, s, c))
    length = within("|a|", np.linalg.norm(a), "(0, inf)")
    m, v = c * a, (c * within("s", s, "[0, inf)")) ** 2
    total = v.sum() + m @ m
    log_u = np.linspace(-60, 40 + 2 * np.log(len(a)), nodes)  # in units of 1/total
    u = np.exp(log_u)[:, None] / total
    wide = 1 + 2 * u * v
    log_product = -0.5 * np.log(wide).sum(axis=1) - (u * m**2 / wide).sum(axis=1)
    integrand = np.exp(0.5 * log_u + log_product) * (a * m / wide).sum(axis=1)
    return float(integrand.sum() * (log_u[1] - log_u[0]) / np.sqrt(np.pi * total) / length)


def cosine_bracket(a, s, c):
    """(low, high) of E cos(a, R g), for c > 0:

    low   sum c_i a_i^2/sqrt(V + |m|^2 + 2 v_i) / |a|,                V = sum v_i, v_i = c_i^2 s_i^2, m = c a
    high  sum c_i a_i^2/(|a| sqrt(2 v_max)) Gamma((k - 1)/2)/Gamma(k/2),   k = V/v_max > 1.

    From 1 + x <= e^x, and from log(1 + x)/x being decreasing. Both tend to sum c_i a_i^2/(|a| sqrt V) as k -> inf and
    |m|^2/V -> 0: maximal, for equal |a_i|, at c_i = 1/s_i^2. Source: derived.
    """
    from scipy.special import gammaln

    a, s = np.asarray(a, dtype=float), within("s", s, "(0, inf)")
    c = within("c", c, "(0, inf)")
    v, pull = (c * s) ** 2, c * a**2 / within("|a|", np.linalg.norm(a), "(0, inf)")
    k = within("sum v_i / max v_i", v.sum() / v.max(), "(1, inf)")
    low = (pull / np.sqrt(v.sum() + ((c * a) ** 2).sum() + 2 * v)).sum()
    return float(low), float(pull.sum() / np.sqrt(2 * v.max()) * np.exp(gammaln((k - 1) / 2) - gammaln(k / 2)))


def precision_gain(s, power=2):
    """Ratio of the limits, R = diag(s^-power) over R = I, for equal |a_i|: mean(s^-p) sqrt(mean s^2/mean s^(2-2p)).

    power = 2: sqrt(mean s^2 mean s^-2) >= 1, equal iff s is constant. Source: derived.
    """
    s = within("s", s, "(0, inf)")
    return np.mean(s**-power) * np.sqrt(np.mean(s**2) / np.mean(s ** (2 - 2 * power)))


def valley_drift(x, left, right, rho, sigma):
    """E f'(x + rho s), s the sign of f'(x) + sigma z, z ~ N(0, 1); f'' = left below 0, right above."""
    from scipy.special import ndtr

    def slope(y):
        return np.where(y < 0, left * y, right * y)

    up = ndtr(slope(x) / within("sigma", sigma, "(0, inf)"))
    return up * slope(x + rho) + (1 - up) * slope(x - rho)


def valley_rest(left, right, rho, sigma):
    """The root of `valley_drift`, where SAM's mean rests as eta -> 0; unique, for the drift rises at least by
    min(left, right) per unit of x. From 0 (no noise) to `valley_rest_noisy` as sigma -> inf. Source: derived."""
    left, right = within("left", left, "(0, inf)"), within("right", right, "(0, inf)")
    rho, sigma = within("rho", rho, "(0, inf)"), within("sigma", sigma, "(0, inf)")
    low, high = -float(rho), float(rho)
    for _ in range(100):
        middle = 0.5 * (low + high)
        if valley_drift(middle, left, right, rho, sigma) < 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def valley_rest_noisy(left, right, rho):
    """rho (left - right)/(left + right): the sign of the ascent is a fair coin. Source: derived."""
    left, right = within("left", left, "(0, inf)"), within("right", right, "(0, inf)")
    return rho * (left - right) / (left + right)


def valley_rest_worst_case(left, right, rho):
    """The minimiser of max over |e| <= rho of f(x + e): rho (sqrt left - sqrt right)/(sqrt left + sqrt right)."""
    left, right = within("left", left, "(0, inf)"), within("right", right, "(0, inf)")
    return valley_rest_noisy(np.sqrt(left), np.sqrt(right), rho)


def valley_bend(left, right, rho, sigma):
    """(D', K) of the drift D of `valley_drift` at x* = `valley_rest`: |D(x) - D' (x - x*)| <= K (x - x*)^2 for all x.

    K is the largest ratio on a grid, one per cent added; beyond the grid D is linear up to a constant. Source: derived.
    """
    rest, M = valley_rest(left, right, rho, sigma), max(left, right)
    step = 1e-6 * rho
    at = valley_drift(rest + step * np.array([-1, 1]), left, right, rho, sigma)
    slope = (at[1] - at[0]) / (2 * step)
    away = np.linspace(0, 5 * (rho + sigma / M), 4001)[1:]
    away = np.concatenate([-away[::-1], away])
    return slope, 1.01 * np.abs((valley_drift(rest + away, left, right, rho, sigma) - slope * away) / away**2).max()


def valley_spread(left, right, rho, sigma, eta):
    """An upper bound of the stationary E(x - x*)^2, x* = `valley_rest`: eta B/(2 m - eta A), m = min(left, right).

    The gradient G = f'(x + rho s) + sigma z of a step has E[G|x](x - x*) >= m (x - x*)^2, and
    E[G^2|x] <= A (x - x*)^2 + B with A = 2 max(left, right)^2 and B the largest difference, on a grid,
    one per cent added. Source: derived.
    """
    from scipy.special import ndtr

    M, m = max(left, right), min(left, right)
    A, rest = 2 * M**2, valley_rest(left, right, rho, sigma)
    spare = within("2 m - eta A", 2 * m - eta * A, "(0, inf)")
    far = 2.5 * (abs(rest) + rho + sigma / M)  # beyond, A (x - x*)^2 alone is larger
    x = rest + np.linspace(-far, far, 4001)

    def slope(y):
        return np.where(y < 0, left * y, right * y)

    edge = slope(x) / sigma
    up, density = ndtr(edge), np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi)
    high, low = slope(x + rho), slope(x - rho)
    square = up * high**2 + (1 - up) * low**2 + sigma**2 + 2 * sigma * density * (high - low)
    return eta * 1.01 * (square - A * (x - rest) ** 2).max() / spare
