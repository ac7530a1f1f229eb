"""Ridgeless kernel regression by gradient descent and un-normalised SAM: filters, bias and variance, early stopping.

Convention: loss 1/2 |Phi w - y|^2 without 1/n, K = Phi Phi', y = f + noise of covariance s^2 I, w_0 = 0; in the
eigenbasis of K (eigenvalues lam_i, zero included) b_i = <u_i, f>.  One step multiplies the error of mode i by
r_i = 1 - eta lam_i (1 + rho lam_i); rho = 0 is gradient descent.  Compare the two at the same eta.
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def fitted(K, y, eta, rho, k):
    """Fitted values Phi w_k = sum_i (1 - r_i^k) <u_i, y> u_i, [..., n] for k of shape [...]; w_0 = 0.

    Source: Behdin, Mazumder 2023 (setting), derived.
    """
    lam, U = np.linalg.eigh(np.asarray(K, dtype=np.float64))
    r = 1 - eta * lam * (1 + rho * lam)
    return ((1 - r ** np.asarray(k)[..., None]) * (U.T @ np.asarray(y, dtype=np.float64))) @ U.T


def bias_variance(r, k, b, s):
    """(bias_k, var_k) = ((1/n) sum r_i^2k b_i^2, (s^2/n) sum (1 - r_i^k)^2), for k of shape [...]; n modes in all.

    Source: Behdin, Mazumder 2023 (the split: text), derived.
    """
    b, s, power = np.asarray(b, dtype=np.float64), within("s", s, "[0, inf)"), np.asarray(r) ** np.asarray(k)[..., None]
    return (power**2 * b**2).mean(axis=-1), s**2 * ((1 - power) ** 2).mean(axis=-1)


def order_number(eta, rho, lam):
    """eta lam (2 + rho lam); SAM has less bias and more variance than GD at every k if it is <= 2 at the largest lam.

    It is 1 - r_S + 1 - r_G, so the condition is r_S >= -r_G; it implies eta lam <= 1 and is sharp mode by mode.
    Source: derived.
    """
    return eta * lam * (2 + rho * lam)


def error_difference(r_sam, r_gd, k, b, s):
    """E^SAM_k - E^GD_k, mode by mode [..., n]: (rG^k - rS^k) [2 s^2 - (b^2 + s^2)(rG^k + rS^k)]/n.  Source: derived."""
    b, s, k = np.asarray(b, dtype=np.float64), within("s", s, "[0, inf)"), np.asarray(k)[..., None]
    G, S = np.asarray(r_gd) ** k, np.asarray(r_sam) ** k
    return (G - S) * (2 * s**2 - (b**2 + s**2) * (G + S)) / b.size


def wins(r_sam, r_gd, k, b, s):
    """Modes that favour SAM at step k, bool [..., n]: rG^k + rS^k >= 2 s^2/(s^2 + b^2), where rG^k > rS^k.

    Source: derived.
    """
    b, s, k = np.asarray(b, dtype=np.float64), within("s", s, "[0, inf)"), np.asarray(k)[..., None]
    return (np.asarray(r_gd) ** k + np.asarray(r_sam) ** k) * (s**2 + b**2) >= 2 * s**2


def window_end(r_gd, b, s):
    """A step from which SAM is worse in every mode (s > 0, 0 < rG < 1, |rS| <= rG): 2 rG^k <= 2 s^2/(s^2 + b^2).

    Source: derived.
    """
    s, r = within("s", s, "(0, inf)"), within("r_gd", r_gd, "(0, 1)")
    return int(np.ceil((np.log1p((np.asarray(b) / s) ** 2) / -np.log(r)).max()))


# ------------------------------------------------------------------------------------ early stopping


def best_shrinkage(B, m, s):
    """r* = m s^2/(m s^2 + B), where B r^2 + m s^2 (1 - r)^2 is least; the least is B r*.

    It does not depend on rho: with one level only, the best-stopped error is the same.  Source: textbook.
    """
    B, m, s = within("B", B, "(0, inf)"), within("m", m, "(0, inf)"), within("s", s, "(0, inf)")
    return m * s**2 / (m * s**2 + B)


def path_exponent(rho, top, low):
    """kappa with r_low = r_top^kappa along the flow: low (1 + rho low)/(top (1 + rho top)), decreasing in rho.

    Source: derived.
    """
    top, low = within("top", top, "(0, inf)"), within("low", low, "(0, inf)")
    return low * (1 + rho * low) / (top * (1 + rho * top))


def stopped_error(log_x, kappa, B, m, s):
    """sum_l [B_l r_l^2 + m_l s^2 (1 - r_l)^2] at r = (x, x^kappa), without 1/n; B and m are pairs, log x <= 0."""
    log_x = np.asarray(log_x, dtype=np.float64)
    return sum(B[i] * r**2 + m[i] * s**2 * (1 - r) ** 2 for i, r in enumerate((np.exp(log_x), np.exp(kappa * log_x))))


def best_stopped_error(kappa, B, m, s):
    """Least `stopped_error` over x in [0, 1]: optimal stopping of a two-level spectrum, t in [0, inf].

    A grid in log x between the r* of the two levels (E falls before and rises after), refined by shrinking it.
    Source: derived.
    """
    least = np.log(best_shrinkage(np.asarray(B), np.asarray(m), s))
    low, high = sorted((least[0], least[1] / kappa))
    for _ in range(12):
        grid = np.linspace(low, high, 200)
        errors = stopped_error(grid, kappa, B, m, s)
        at = int(errors.argmin())
        low, high = grid[max(at - 1, 0)], grid[min(at + 1, 199)]
    return float(errors.min())


# ------------------------------------------------------------------------------------ other settings


def saddle_errors(r, k, target, s, lam):
    """(r_i^2k target_i^2, s_i^2 (1 - r_i^k)^2/lam_i^2), [..., d]: squared bias and variance, lam of any sign.

    f = 1/2 w'A w - pull'w, pull = A target + noise of variance s_i^2 in mode i, w_0 = 0.  A mode lam < 0 stays bounded
    iff rho |lam| >= 1 and eta |lam| (rho |lam| - 1) <= 2.  Source: derived.
    """
    power = np.asarray(r) ** np.asarray(k)[..., None]
    return power**2 * np.asarray(target) ** 2, (np.asarray(s) * (1 - power) / np.asarray(lam)) ** 2


def batch_moments(X, y, size: int):
    """(E[H_B^2], E[H_B c_B]) over subsets B of `size` rows, H_B = X_B'X_B/size, c_B = X_B'y_B/size.

    (1/b^2) [(b/n) S1 + b (b-1)/(n (n-1)) (n^2 H^2 - S1)], S1 = sum |x_i|^2 x_i x_i', and alike with x_i y_i.
    Loewner: E[H_B^2] >= H^2.  Source: derived.
    """
    X, y, n, b = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64), len(X), size
    within("size", b, f"[1, {n}]")
    out = []
    for rows in (X, y[:, None]):
        one = (X.T * (X**2).sum(axis=1)) @ rows
        pairs = X.T @ X @ (X.T @ rows) - one
        out.append((b / n * one + (b * (b - 1) / (n * (n - 1)) * pairs if n > 1 else 0.0)) / b**2)
    return out[0], out[1][:, 0]
