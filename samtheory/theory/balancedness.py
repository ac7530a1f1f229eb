"""Closed forms of the balancedness B = (|x|^2 - |y|^2)/2 under SAM, for losses f(x y') and f(x'y) of two vectors.

Time is eta times steps.  h = |(x, y)|, g_x and g_y are the two blocks of the gradient, u = 1/|(g_x, g_y)|; a tilde is
the perturbed point.  The factor of a step on f(x'y) is `samtheory.theory.product.imbalance_factor`.

Sources: the leading terms and the threshold are Theorems 2 and 3 and Corollary 1 of Li, Zhang & He 2024
(arXiv 2410.14802); exact forms, explicit remainders, late-time law and noisy balance are derived.
"""

from __future__ import annotations

import math

import numpy as np

from samtheory.theory.ranges import within
from samtheory.validate import nonnegative, positive

SLOPES = {  # l' of the losses of one prediction, by name; each is 1-Lipschitz but for the last
    "half-square": lambda u: u,
    "log-cosh": np.tanh,
    "pseudo-huber": lambda u: u / np.hypot(1, u),
    "tanh-square": lambda u: np.tanh(u) * (1 - np.tanh(u) ** 2),
}


def outer_step(B, x, y, G, G_plus, eta, rho):
    """B after a step of SAM on f(x y'), exactly; G [size x, size y] = f' at x y', G_plus at the perturbed product.

    B + eta rho u (<G~ y, G y> - <G~'x, G'x>) + eta^2/2 (|G~ y~|^2 - |G~'x~|^2).
    """
    gx, gy = G @ y, G.T @ x
    push = rho / _length(gx, gy)
    down, right = G_plus @ (y + push * gy), G_plus.T @ (x + push * gx)
    return B + eta * outer_rate(x, y, G, G_plus, rho) + eta**2 / 2 * (down @ down - right @ right)


def outer_rate(x, y, G, G_plus, rho):
    """dB/dt of SAM's flow on f(x y'), exactly: rho u (<G~ y, G y> - <G~'x, G'x>)."""
    gx, gy = G @ y, G.T @ x
    return rho / _length(gx, gy) * ((G_plus @ y) @ gx - (G_plus.T @ x) @ gy)


def outer_lead(rho, gx, gy):
    """rho (|g_x|^2 - |g_y|^2)/sqrt(|g_x|^2 + |g_y|^2) from the lengths |g_x|, |g_y|: dB/dt to first order in rho."""
    return rho * (gx - gy) * (gx + gy) / within("|(g_x, g_y)|", np.hypot(gx, gy), "(0, inf)")


def _length(gx, gy):
    return math.sqrt(within("|(g_x, g_y)|^2", gx @ gx + gy @ gy, "(0, inf)"))


def outer_remainder(rho, L, h):
    """|dB/dt - outer_lead| is at most rho L h (rho h + rho^2/2) if G is L-Lipschitz in x y' (Frobenius).

    |x~ y~' - x y'| <= rho h + rho^2/2, and `outer_rate` weighs |G~ - G| by u (|g_x||y| + |g_y||x|) <= h.
    """
    return rho * L * h * (rho * h + rho**2 / 2)


def outer_threshold(x, y, gx, gy):
    """The balancedness that B tends to on f(x y') while |g_x|/|g_y| stays: from the lengths of x, y, g_x, g_y.

    (|x||y|/2) (q - 1/q), q = |x||g_x|/(|y||g_y|): with the balanced pair x/c, c y, c^2 = |x|/|y|, of
    equal lengths, q is |G c y|/|G' x/c|.  B is above it if and only if |g_x| < |g_y|.
    """
    x, y, gx, gy = (within(n, v, "(0, inf)") for n, v in {"|x|": x, "|y|": y, "|g_x|": gx, "|g_y|": gy}.items())
    q = x * gx / (y * gy)
    return x * y / 2 * (q - 1 / q)


def inner_rate(B, h, rho, pull):
    """dB/dt of SAM's flow on f(x'y), exactly: -2 rho B pull/h, pull = mean over shards of sgn(f_j') f_j'(x~_j'y~_j)."""
    return -2 * rho * B * pull / within("h", h, "(0, inf)")


def inner_remainder(B, h, rho, L):
    """How far `inner_rate` can be from its value at pull = mean |f_j'(x'y)|: 2 |B| L rho^2 (1 + rho/(2 h)).

    |x~'y~ - x'y| = |rho h + rho^2 s x'y/h^2| and |x'y| <= h^2/2; f' is L-Lipschitz.
    """
    return 2 * np.abs(B) * L * rho**2 * (1 + rho / (2 * within("h", h, "(0, inf)")))


def sliding_rate(rho, bend, w, h):
    """-d log|B|/dt on f = bend (x'y - w)^2/2 once x'y slides along w: 2 rho^2 bend (1 - q)/(1 + 2 q).

    q = (rho w/h^3)^2: both signs of the perturbation, in the proportion that keeps x'y at w (Filippov).
    2 rho^2 bend to first order.
    """
    q = (rho * w / within("h", h, "(0, inf)") ** 3) ** 2
    return 2 * rho**2 * bend * (1 - q) / (1 + 2 * q)


def reweighted_step(B, h, eta, rate, gx, gy, gain):
    """B after a step x <- (1 - eta rate) x - eta g_x, y <- (1 + eta rate) y - eta g_y, gain = x'g_x = y'g_y, exactly.

    B (1 + eta^2 rate^2) - eta rate h^2 + (eta^2/2)(|g_x|^2 - |g_y|^2) + 2 eta^2 rate gain; h = |(x, y)|.
    """
    return B * (1 + (eta * rate) ** 2) - eta * rate * h**2 + eta**2 * ((gx - gy) * (gx + gy) / 2 + 2 * rate * gain)


def matching_rate(rho, slope, B, h):
    """alpha of the balancedness-aware rule with SAM's leading dB/dt on f(x'y): 2 rho |f'| |B|/h^3.

    Its own flow is dB/dt = -alpha sgn(B) h^2.
    """
    return 2 * rho * np.abs(slope) * np.abs(B) / within("h", h, "(0, inf)") ** 3


def noisy_rate(w, h, target, alpha, rho, eta=0.0):
    """Mean over the labels of -d log|B|/dt on (x'y - target - alpha n)^2/2, n ~ N(0, 1), to first order in eta.

    With m = w - target, k = E|m - alpha n|, e = E sgn(m - alpha n), c = rho^2 w/h^2:

        (2 rho/h)(k + rho h + c e) + eta (1 + rho^2/h^2) E f~'^2,
        E f~'^2 = m^2 + alpha^2 + rho^2 h^2 + c^2 + 2 rho h k + 2 c m + 2 rho h c e.
    """
    h = within("h", h, "(0, inf)")
    m, b, c = w - target, rho * h, rho**2 * w / h**2
    k, e = _folded(m, alpha)
    square = m**2 + alpha**2 + b**2 + c**2 + 2 * b * k + 2 * c * m + 2 * b * c * e
    return 2 * rho / h * (k + b + c * e) + eta * (1 + rho**2 / h**2) * square


def _folded(m, alpha):
    """E|m - alpha n| and E sgn(m - alpha n), n ~ N(0, 1)."""
    from scipy.special import erf

    alpha = within("alpha", alpha, "(0, inf)")
    e = erf(m / (alpha * math.sqrt(2)))
    return alpha * math.sqrt(2 / math.pi) * np.exp(-((m / alpha) ** 2) / 2) + m * e, e


def noisy_drift(w, target, alpha, rho):
    """Mean over the labels of -d log|x|/dt at x = y, w = x'y > 0, on (x'y - target - alpha n)^2/2, n ~ N(0, 1).

    With p = sqrt(w), m = w - target, e = E sgn(m - alpha n), k = E|m - alpha n|:

        m + sqrt(2) rho p e + 3 rho^2/2 + rho k/(sqrt(2) p) + rho^3 e/(2 sqrt(2) p).
    """
    p, m = np.sqrt(within("w", w, "(0, inf)")), w - target
    k, e = _folded(m, alpha)
    return m + math.sqrt(2) * rho * p * e + 1.5 * rho**2 + (k + rho**2 * e / 2) * rho / (math.sqrt(2) * p)


def noisy_balance(target, alpha, rho):
    """The x'y in (0, target) where `noisy_drift` vanishes stably, or NaN where it never does (SAM falls to 0)."""
    from scipy.optimize import brentq, minimize_scalar

    target, alpha, rho = positive("target", target), positive("alpha", alpha), nonnegative("rho", rho)

    def drift(p):
        return float(noisy_drift(p * p, target, alpha, rho))

    top = math.sqrt(target)
    grid = np.linspace(1e-3, 1, 400) * top
    k = int(np.argmin([drift(p) for p in grid]))
    around = grid[max(k - 1, 0)], grid[min(k + 1, grid.size - 1)]
    least = minimize_scalar(drift, bounds=around, method="bounded")
    if least.fun >= 0:
        return math.nan
    return brentq(drift, least.x, 2 * top, xtol=1e-14) ** 2


def collapse_noise(target, rho):
    """The alpha beyond which `noisy_balance` has no answer: more label noise, and SAM ends at the saddle x = y = 0."""
    target, rho = positive("target", target), positive("rho", rho)
    low, high = 1e-3 * target, 1.0
    if math.isnan(noisy_balance(target, low, rho)):
        return 0.0
    while not math.isnan(noisy_balance(target, high, rho)):
        high *= 2
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if math.isnan(noisy_balance(target, middle, rho)) else (middle, high)
    return (low + high) / 2
