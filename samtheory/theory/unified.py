"""Rates of Unified SAM, x+ = x - eta g_S(x + rho (1 - mix + mix/|g_S|) g_S), the same batch S in both gradients.

Hypotheses: L is a Lipschitz constant of every g_S, E|g_S|^2 <= 2 A (f - f^inf) + B |g|^2 + C (expected residual), and
for the PL bounds |g|^2 >= 2 mu (f - f*).  mix = 0 is USAM, rho an inverse curvature; mix = 1 is SAM, rho a length: for
mix > 0 the conditions on rho compare a length with an inverse curvature, and depend on the unit of x.

With Q = eta L rho (1 - mix)^2 + L eta^2 (1 + 2 L^2 rho^2 (1 - mix)^2) everything follows from one step,

    E f(x+) <= f(x) - eta (1 - L rho/2) |g|^2 + Q E|g_S|^2 + eta L rho mix^2 + 2 L^3 eta^2 rho^2 mix^2.

If f is unbounded above, K = A + B mu >= mu (let f grow in the two hypotheses), so that eta mu <= 1/2 below.
Source: Oikonomou & Loizou 2025; constants as in the authors' code, and derived.
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within

KINDS = ("exact", "simplified")


def growth(L, eta, rho, mix):
    """Q, the coefficient of E|g_S|^2 in one step."""
    share = (1 - mix) ** 2
    return eta * L * rho * share + L * eta**2 * (1 + 2 * L**2 * rho**2 * share)


def push(L, eta, rho, mix):
    """eta L rho mix^2 + 2 L^3 eta^2 rho^2 mix^2: what the normalised part adds to f in one step."""
    return eta * L * rho * mix**2 * (1 + 2 * eta * L**2 * rho)


def one_step_bound(f, square, second, L, eta, rho, mix):
    """Bound of E f(x+) from f(x), |g|^2 = `square` and E|g_S|^2 = `second`."""
    L, eta, rho, mix = _rule(L, eta, rho, mix)
    return f - eta * (1 - L * rho / 2) * square + growth(L, eta, rho, mix) * second + push(L, eta, rho, mix)


# ------------------------------------------------------------------------------------ PL, constant steps


def pl_radius(mu, L, A, B, mix, kind="exact"):
    """rho*: rho must be below it (kind = "exact"), or may be it ("simplified").

    exact       mu/(L (mu + 2 K (1 - mix)^2)),  K = A + B mu
    simplified  min{1, mu/(2 K (1 - mix)^2)}/(4 L)
    """
    mu, L, K, share = _pl(mu, L, A, B, mix)
    if _known(kind) == "exact":
        return mu / (L * (mu + 2 * K * share))
    return mu / np.maximum(mu, 2 * K * share) / (4 * L)


def pl_step(mu, L, A, B, rho, mix, kind="exact"):
    """eta*(rho): the largest eta of the bound at this rho < rho*; it decreases with rho and is 0 at rho*.

    exact       [mu - L rho (mu + 2 K (1 - mix)^2)]/[2 L K (1 + 2 L^2 rho^2 (1 - mix)^2)]
    simplified  min{2, mu/(8 K)}/L, whatever rho <= rho*: there at most 9/16 of the exact one
    """
    mu, L, K, share = _pl(mu, L, A, B, mix)
    if _known(kind) == "simplified":
        return np.minimum(2, mu / (8 * K)) / L
    spare = mu - L * within("rho", rho, "[0, inf)") * (mu + 2 * K * share)
    if not (spare > 0).all():
        raise ValueError(f"rho = {rho} is not below rho* = {pl_radius(mu, L, A, B, mix)}; no step size is admissible")
    return spare / (2 * L * K * (1 + 2 * L**2 * rho**2 * share))


def pl_pair(mu, L, A, B, mix, kind="exact"):
    """(rho, eta) of the authors' experiments: rho*/2 and eta*(rho*/2), or the simplified pair."""
    rho = pl_radius(mu, L, A, B, mix, kind) / (2 if kind == "exact" else 1)
    return rho, pl_step(mu, L, A, B, rho, mix, kind)


def pl_floor(mu, L, C, eta, rho, mix):
    """N = (L/mu) {C [eta + rho (1 - mix)^2 (1 + 2 eta L^2 rho)] + rho mix^2 (1 + 2 eta L^2 rho)}."""
    mu, C = within("mu", mu, "(0, inf)"), within("C", C, "[0, inf)")
    L, eta, rho, mix = _rule(L, eta, rho, mix)
    return (C * growth(L, eta, rho, mix) + push(L, eta, rho, mix)) / (eta * mu)


def pl_bound(t, mu, L, A, B, C, eta, rho, mix, gap0):
    """E f(x_t) - f* <= (1 - eta mu)^t gap0 + N for rho < rho*, eta <= eta*(rho); ValueError names what fails."""
    largest = pl_step(mu, L, A, B, rho, mix)
    if not (eta <= largest * (1 + 1e-12)).all():
        raise ValueError(f"eta = {eta} is above eta*(rho) = {largest}")
    rate = within("eta * mu", eta * np.asarray(mu), "(0, 1]")
    floor = pl_floor(mu, L, C, eta, rho, mix)
    return (1 - rate) ** within("t", t, "[0, inf)") * within("gap0", gap0, "[0, inf)") + floor


# ------------------------------------------------------------------------------------ PL, decreasing steps


def decreasing_schedule(steps, mu, L, A, B, mix, kind="simplified"):
    """(rho_t, eta_t), t < steps: min{rho, 1/(2t + 1)} and min{eta, (2t + 1)/((t + 1)^2 mu)}, (rho, eta) = `pl_pair`."""
    rho, eta = pl_pair(mu, L, A, B, mix, kind)
    t = np.arange(within("steps", steps, "[0, inf)"))
    return np.minimum(rho, 1 / (2 * t + 1)), np.minimum(eta, (2 * t + 1) / ((t + 1) ** 2 * mu))


def switch_time(mu, L, A, B, mix, kind="simplified"):
    """The first t at which both minima of `decreasing_schedule` are the decreasing ones."""
    rho, eta = pl_pair(mu, L, A, B, mix, kind)
    r = eta * mu  # (2t + 1)/(t + 1)^2 <= r  <=>  t + 1 >= (1 + sqrt(1 - r))/r
    later = np.maximum((1 / rho - 1) / 2, (1 + np.sqrt(np.maximum(1 - r, 0))) / r - 1)
    return int(np.ceil(max(0.0, float(later)) - 1e-9))


def decreasing_recursion(steps, mu, L, A, B, C, mix, gap0, kind="simplified"):
    """u_0 .. u_steps with E f(x_t) - f* <= u_t: u_0 = gap0, u_{t+1} = (1 - eta_t mu) u_t + C Q_t + push_t."""
    rhos, etas = decreasing_schedule(steps, mu, L, A, B, mix, kind)
    lifts = within("C", C, "[0, inf)") * growth(L, etas, rhos, mix) + push(L, etas, rhos, mix)
    u = [float(within("gap0", gap0, "[0, inf)"))]
    for rate, lift in zip((1 - etas * mu).tolist(), lifts.tolist()):
        u.append(rate * u[-1] + lift)
    return np.array(u)


def decreasing_bound(T, mu, L, A, B, C, mix, u_switch, kind="simplified"):
    """For T > t_s = `switch_time`, with u_switch = u_{t_s}:

    (t_s/T)^2 u_{t_s} + (L/(mu T)) {C [(1-mix)^2 + (4/mu)(1 + 2 L^2 rho*^2 (1-mix)^2)]
                                    + mix^2 (1 + 2 L^2/(mu (t_s + 1)^2))},
    because 1 - eta_t mu = t^2/(t + 1)^2 after the switch.
    """
    mu, L, _, share = _pl(mu, L, A, B, mix)
    t_s, rho = switch_time(mu, L, A, B, mix, kind), pl_pair(mu, L, A, B, mix, kind)[0]
    T = within("T", T, f"({t_s}, inf)")
    noise = within("C", C, "[0, inf)") * (share + 4 / mu * (1 + 2 * L**2 * rho**2 * share))
    pushed = np.asarray(mix) ** 2 * (1 + 2 * L**2 / (mu * (t_s + 1) ** 2))
    return (t_s / T) ** 2 * u_switch + L / (mu * T) * (noise + pushed)


# ------------------------------------------------------------------------------------ without PL


def nonconvex_bound(T, L, A, B, C, eta, rho, mix, drop):
    """min_{t<T} E|g(x_t)|^2 <= [(1 + 2 A Q)^T drop/T + C Q + push]/k, with k = eta (1 - L rho/2) - B Q.

    drop = f(x_0) - f^inf; ValueError where k <= 0.  With eta and rho of order T^(-1/2) the power stays bounded; with
    constant steps the bound says nothing at large T.  Source: derived.
    """
    L, eta, rho, mix = _rule(L, eta, rho, mix)
    A, B, C = (within(name, value, "[0, inf)") for name, value in (("A", A), ("B", B), ("C", C)))
    T, Q = within("T", T, "[1, inf)"), growth(L, eta, rho, mix)
    k = within("eta (1 - L rho/2) - B Q", eta * (1 - L * rho / 2) - B * Q, "(0, inf)")
    with np.errstate(over="ignore"):  # then the bound is vacuous
        grown = (1 + 2 * A * Q) ** T
    return (grown * within("drop", drop, "[0, inf)") / T + C * Q + push(L, eta, rho, mix)) / k


def nonconvex_steps(T, L, c=8**-0.5):
    """eta = rho = c/(L sqrt T)."""
    return within("c", c, "(0, inf)") / (within("L", L, "(0, inf)") * np.sqrt(within("T", T, "[1, inf)")))


# ------------------------------------------------------------------------------------ additive noise, USAM


def usam_nonconvex_pair(T, beta):
    """(eta, rho) = (1/(beta sqrt T), 1/(beta T^(1/4))). Source: Andriushchenko & Flammarion 2022 (memory)."""
    T, beta = within("T", T, "[1, inf)"), within("beta", beta, "(0, inf)")
    return 1 / (beta * np.sqrt(T)), 1 / (beta * T**0.25)


def usam_nonconvex_bound(T, beta, sigma, batch, drop):
    """mean_{t<T} E|g(w_t)|^2 <= 4 beta drop/sqrt T + 8 sigma^2/(batch sqrt T), at `usam_nonconvex_pair`.

    Derived for T >= 49: with s = T^(-1/4) and y = w + rho g_J (J the same batch or another),
    -E<g, g_I(y)> <= -(1 - a - s)|g|^2 + s^2 sigma^2/(4 a batch), E|g_I(y)|^2 <= (1 + s)^2 (|g|^2 + sigma^2/batch), so
    k mean E|g|^2 <= [beta drop + sigma^2/batch (1/(4a) + (1 + s)^2/2)]/sqrt T, k = 1 - a - s - s^2 (1 + s)^2/2; a = .2.
    Without noise from usam_descent for T >= 4, by semidefinite programmes for T <= 3.
    Source: Andriushchenko & Flammarion 2022 (memory).
    """
    T, batch = within("T", T, "[1, inf)"), within("batch", batch, "[1, inf)")
    drop, sigma = within("drop", drop, "[0, inf)"), within("sigma", sigma, "[0, inf)")
    return (4 * beta * drop + 8 * sigma**2 / batch) / np.sqrt(T)


def usam_decreasing_schedule(steps, mu, beta):
    """(eta_t, rho_t), t < steps: min{(8t + 4)/(3 mu (t + 1)^2), 1/(2 beta)} and sqrt(eta_t/beta).

    Source: Andriushchenko & Flammarion 2022 (memory).
    """
    mu, beta = within("mu", mu, "(0, inf)"), within("beta", beta, "(0, inf)")
    within("mu / beta", mu / beta, "(0, 1.000000001]")
    t = np.arange(within("steps", steps, "[0, inf)"))
    eta = np.minimum((8 * t + 4) / (3 * mu * (t + 1) ** 2), 1 / (2 * beta))
    return eta, np.sqrt(eta / beta)


def usam_decreasing_bound(T, mu, beta, sigma, batch, gap0):
    """E f(w_T) - f* <= 3 beta^2 gap0/(mu^2 T^2) + 22 beta sigma^2/(batch mu^2 T), at `usam_decreasing_schedule`.

    Source: Andriushchenko & Flammarion 2022 (memory; the constants are not derived here).
    """
    T, batch = within("T", T, "[1, inf)"), within("batch", batch, "[1, inf)")
    mu, beta = within("mu", mu, "(0, inf)"), within("beta", beta, "(0, inf)")
    within("mu / beta", mu / beta, "(0, 1.000000001]")
    gap0, sigma = within("gap0", gap0, "[0, inf)"), within("sigma", sigma, "[0, inf)")
    return 3 * (beta / mu) ** 2 * gap0 / T**2 + 22 * beta * sigma**2 / (batch * mu**2 * T)


def _rule(L, eta, rho, mix):
    L, eta = within("L", L, "(0, inf)"), within("eta", eta, "(0, inf)")
    return L, eta, within("rho", rho, "[0, inf)"), within("mix", mix, "[0, 1]")


def _pl(mu, L, A, B, mix):
    """mu, L, K = A + B mu, (1 - mix)^2."""
    mu, L = within("mu", mu, "(0, inf)"), within("L", L, "(0, inf)")
    within("mu / L", mu / L, "(0, 1.000000001]")
    A, B = within("A", A, "[0, inf)"), within("B", B, "[0, inf)")
    return mu, L, within("A + B mu", A + B * mu, "(0, inf)"), (1 - within("mix", mix, "[0, 1]")) ** 2


def _known(kind):
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is unknown; it must be one of {', '.join(KINDS)}")
    return kind
