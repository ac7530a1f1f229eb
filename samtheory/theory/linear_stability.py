"""Linear stability of SGD and of stochastic USAM at an interpolating minimum of the squared loss.

At a minimum of (1/2n) sum_i (f_i - y_i)^2 that fits every sample, with g_i = grad f_i, the linearised deviation delta
sees the batch Hessian H_S = mean over i in S of g_i g_i':

    sgd         delta+ = (I - eta H_S) delta
    two_batch   delta+ = (I - eta H_S2 (I + rho H_S1)) delta,  S1, S2 independent
    same_batch  the same with S1 = S2 (what is run in practice)

H = (1/n) sum g_i g_i', loss L = delta' H delta/2, stable iff E L_t stays bounded.  Everything is exact: second moments
evolve by the linear operator `transfer`, computed on range(H).  Batches of B samples are drawn with replacement
unless said.  mu is the alignment of noise and curvature with the noise covariance *centred*: with the uncentred one
the bounds are false.  Gradients g: [n, d].  Normalised SAM is not linear, and none of this applies to it.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from samtheory.theory.ranges import within

MODES = ("sgd", "two_batch", "same_batch")


def alignment(g, centred: bool = True) -> float:
    """mu = min over delta of tr(H Sigma(delta))/(2 L(delta) |H|_F^2), Sigma the covariance of the sample gradients.

    The least eigenvalue of the pencil (M - H^3, H) on range(H) over |H|_F^2, M = (1/n) sum (g_i' H g_i) g_i g_i';
    uncentred: without - H^3, that is with Sigma = (1/n) sum (g_i' delta)^2 g_i g_i'.
    Source: Wu, Wang, Su 2022 (definition: text), derived.
    """
    g = _on_range(g)
    n = g.shape[0]
    curvature = g.T @ g / n
    moment = (g * np.einsum("ni,ij,nj->n", g, curvature, g)[:, None]).T @ g / n
    if centred:
        moment = moment - curvature @ curvature @ curvature
    scale, basis = np.linalg.eigh(curvature)
    whitened = basis / np.sqrt(scale)
    return float(np.linalg.eigvalsh(whitened.T @ moment @ whitened)[0] / np.sum(curvature**2))


def sgd_step_bound(frobenius, mu, batch):
    """SGD is stable only for eta <= sqrt(B/mu)/|H|_F; no bound (inf) at mu = 0.

    frobenius = |H|_F.  Attained by g = (1, 0), d = 1.  Source: Wu, Wang, Su 2022 (order: text; constant: memory,
    proof derived).
    """
    return usam_step_bound(frobenius, mu, batch, 0.0)


def usam_step_bound(frobenius, mu, batch, rho):
    """Two-batch USAM is stable only for eta <= sqrt(B/(mu F (1 + rho^2 mu F/B))), F = |H|_F^2; inf at mu = 0.

    Same-batch: proved for d = 1 only.  Source: Zhou et al. 2025, Theorem 4.1 (constant: memory), proof derived.
    """
    square, mu, batch, rho = _noise(frobenius, mu, batch, rho)
    with np.errstate(divide="ignore"):
        return np.sqrt(batch / (mu * square * (1 + rho**2 * mu / batch * square)))


def usam_frobenius_bound(eta, mu, batch, rho):
    """The same bound read for |H|_F: |H|_F^2 (1 + (rho^2 mu/B) |H|_F^2) <= B/(eta^2 mu).  Range eta, mu > 0."""
    eta, mu = within("eta", eta, "(0, inf)"), within("mu", mu, "(0, inf)")
    _, _, batch, rho = _noise(1.0, mu, batch, rho)
    c = batch / (eta**2 * mu)
    return np.sqrt(2 * c / (1 + np.sqrt(1 + 4 * rho**2 * mu / batch * c)))


def escape_constant(eta, rho, frobenius, mu, batch):
    """E L_{t+1} >= C E L_t, C = (eta^2 mu/B)|H|_F^2 (1 + (rho^2 mu/B)|H|_F^2): escapes exponentially where C > 1.

    True for SGD (rho = 0) and two-batch USAM; for same-batch in d = 1 only.  Source: Zhou et al. 2025, Theorem 4.2
    (text; constant derived).
    """
    eta = within("eta", eta, "(0, inf)")
    square, mu, batch, rho = _noise(frobenius, mu, batch, rho)
    return eta**2 * mu / batch * square * (1 + rho**2 * mu / batch * square)


def transfer(g, eta: float, rho: float = 0.0, batch: int = 1, mode: str = "sgd", replacement: bool = True):
    """T with vec(E delta+ delta+') = T vec(E delta delta'), in an orthonormal basis of range(H); [r^2, r^2].

    C = (1/n) sum (g_i g_i' kron g_i g_i') - H kron H, M = I + rho H, k = B, or B (n-1)/(n-B) without replacement:
        T = I - eta (I kron HM + HM kron I) + eta^2 (H kron H + C/k)(M kron M + rho^2 C/k)    (sgd: rho = 0)
    and for same_batch the mean of A kron A, A = I - eta H_S (I + rho H_S), over all batches.
    """
    eta, rho = float(within("eta", eta, "(0, inf)")), float(within("rho", rho, "[0, inf)"))
    g = _on_range(g)
    first, second = _push_moments(g, rho, batch, mode, replacement)
    return _transfer(first, second, eta)


def growth(g, eta: float, rho: float = 0.0, batch: int = 1, mode: str = "sgd", replacement: bool = True) -> float:
    """Spectral radius of `transfer`: E L_t ~ growth^t; linearly stable iff <= 1 (up to Jordan blocks at 1)."""
    return _radius(transfer(g, eta, rho, batch, mode, replacement))


def stability_limit(g, rho: float = 0.0, batch: int = 1, mode: str = "sgd", replacement: bool = True) -> float:
    """The step eta* up to which the method is stable, by bisection to 1e-13.

    The stable steps are an interval (0, eta*]: with a Lyapunov matrix P stability reads eta E[K'PK] <= E[K]'P + P E[K]
    for the push K of delta+ = (I - eta K) delta, and what holds for one eta holds for every smaller one.  It is never
    above 2/lam(E K), where the mean is lost.
    """
    rho = float(within("rho", rho, "[0, inf)"))
    g = _on_range(g)
    first, second = _push_moments(g, rho, batch, mode, replacement)
    low, high = 0.0, 2 / float(np.linalg.eigvalsh((first + first.T) / 2)[-1])
    if _radius(_transfer(first, second, high)) <= 1 + 1e-12:
        return high
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _radius(_transfer(first, second, middle)) <= 1 else (low, middle)
    return low


def expected_losses(g, delta, eta, rho=0.0, batch=1, mode: str = "sgd", steps: int = 1, replacement: bool = True):
    """E L_0, ..., E L_steps of the linearised dynamics from delta, exactly; shape [steps + 1]."""
    g = np.asarray(g, dtype=np.float64)
    basis = _range_basis(g)
    start = basis.T @ np.asarray(delta, dtype=np.float64)  # the kernel of H does not enter
    weight = (basis.T @ (g.T @ g / len(g)) @ basis).ravel() / 2
    operator = transfer(g, eta, rho, batch, mode, replacement)
    second = np.outer(start, start).ravel()
    out = [weight @ second]
    for _ in range(steps):
        second = operator @ second
        out.append(weight @ second)
    return np.array(out)


def nonuniformity_factor(eta, curvature, batch: int, rho=0.0) -> float:
    """Factor of E delta^2 in a step in one dimension, curvatures c_i, batches without replacement, S1 = S2.

    E (1 - eta c (1 + rho c))^2 over the batch means c, by enumeration.  At rho = 0 it is
    (1 - eta m)^2 + eta^2 (n-B)/(B (n-1)) s^2, m and s^2 mean and variance of the c_i: stability asks for flatness m
    and uniformity s.  Source: Wu, Ma, E 2018 (memory), derived.
    """
    eta, rho = within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    curvature = np.asarray(curvature, dtype=np.float64)
    _check_batch(batch, curvature.size, False)
    means = np.array([np.mean(chosen) for chosen in itertools.combinations(curvature, batch)])
    return float(np.mean((1 - eta * means * (1 + rho * means)) ** 2))


def nonuniformity_bound(eta, hessians, batch: int) -> float:
    """lam_max{(I - eta H)^2 + eta^2 (n-B)/(B (n-1)) Sigma_H} <= 1 suffices for E|delta|^2 to fall under SGD.

    hessians H_i [n, d, d], H their mean, Sigma_H = mean H_i^2 - H^2, without replacement.  Source: Wu, Ma, E 2018
    (memory), derived.
    """
    eta = within("eta", eta, "(0, inf)")
    hessians = np.asarray(hessians, dtype=np.float64)
    n, d = hessians.shape[:2]
    mean = hessians.mean(axis=0)
    spread = np.einsum("nij,njk->ik", hessians, hessians) / n - mean @ mean
    left = np.eye(d) - eta * mean
    return float(np.linalg.eigvalsh(left @ left + eta**2 / _effective(batch, n, False) * spread)[-1])


def usam_pl_rate(eta, rho, beta, m):
    """Full-batch USAM: f(x+) - f* <= (1 - eta m (1 - beta rho)) (f(x) - f*).

    beta-smooth, |grad f|^2 >= 2 m (f - f*), rho beta < 1, eta <= `usam_pl_step`.  Source: Zhou et al. 2025, Theorem 4.3
    (text qualitatively, constants derived).
    """
    reach = _reach(rho, beta, m)
    return 1 - within("eta", eta, "(0, inf)") * np.asarray(m) * (1 - reach)


def usam_pl_step(rho, beta):
    """The largest step of `usam_pl_rate`: (1 - beta rho)/(beta (1 + beta rho)^2).  Source: derived."""
    reach = _reach(rho, beta, beta)
    return (1 - reach) / (np.asarray(beta) * (1 + reach) ** 2)


def stochastic_usam_pl_rate(eta, rho, beta, m):
    """Same-batch USAM, interpolation, every L_i >= 0 beta-smooth: factor of E L in a step.

    1 - 2 eta m (1 - beta rho sqrt(beta/m)) + eta^2 beta^2 (1 + beta rho)^2, proved for beta rho sqrt(beta/m) <= 2,
    below 1 for small eta iff rho < sqrt(m/beta)/beta.  Source: derived.
    """
    eta, rho = within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    beta, m = within("beta", beta, "(0, inf)"), within("m", m, "(0, inf)")
    within("m / beta", m / beta, "(0, 1]")
    return 1 - 2 * eta * m * (1 - beta * rho * np.sqrt(beta / m)) + (eta * beta * (1 + beta * rho)) ** 2


# ------------------------------------------------------------------------------------ batches


def _on_range(g) -> np.ndarray:
    """The gradients in an orthonormal basis of their span, [n, r]."""
    g = np.asarray(g, dtype=np.float64)
    return g @ _range_basis(g)


def _range_basis(g: np.ndarray) -> np.ndarray:
    if g.ndim != 2 or not g.size or not np.isfinite(g).all() or not g.any():
        raise ValueError(f"g must be a finite array [n, d] of gradients, not all zero; its shape is {g.shape}")
    _, s, vt = np.linalg.svd(g, full_matrices=False)
    return vt[s > max(g.shape) * np.finfo(float).eps * s[0]].T


def _push_moments(g: np.ndarray, rho: float, batch: int, mode: str, replacement: bool):
    """E K and E K kron K of the push K in delta+ = (I - eta K) delta."""
    n, d = g.shape
    _check_batch(batch, n, replacement)
    curvature = g.T @ g / n
    if mode == "same_batch":
        first, second = np.zeros((d, d)), np.zeros((d * d, d * d))
        for chosen, weight in _batches(n, batch, replacement):
            one = g[list(chosen)]
            push = one.T @ one / batch
            push = push + rho * push @ push
            first += weight * push
            second += weight * np.kron(push, push)
        return first, second
    if mode not in MODES:
        raise ValueError(f"mode = {mode!r} is unknown; there are {', '.join(MODES)}")
    radius = rho if mode == "two_batch" else 0.0
    outer = np.einsum("ni,nj->nij", g, g).reshape(n, d * d)
    # (g g') kron (g g') has entry [(i, k), (j, l)] = g_i g_j g_k g_l
    fourth = np.einsum("na,nb->ab", outer, outer).reshape(d, d, d, d).transpose(0, 2, 1, 3).reshape(d * d, d * d) / n
    both = np.kron(curvature, curvature)
    noise = (fourth - both) / _effective(batch, n, replacement)
    ascent = np.eye(d) + radius * curvature
    return curvature @ ascent, (both + noise) @ (np.kron(ascent, ascent) + radius**2 * noise)


def _transfer(first: np.ndarray, second: np.ndarray, eta: float) -> np.ndarray:
    one = np.eye(len(first))
    return np.kron(one, one) - eta * (np.kron(one, first) + np.kron(first, one)) + eta**2 * second


def _radius(operator: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(operator)).max())


def _batches(n: int, batch: int, replacement: bool):
    """Every batch as a sorted tuple of samples, with its probability."""
    if not replacement:
        for chosen in itertools.combinations(range(n), batch):
            yield chosen, 1 / math.comb(n, batch)
        return
    for chosen in itertools.combinations_with_replacement(range(n), batch):
        repeats = math.prod(math.factorial(chosen.count(i)) for i in set(chosen))
        yield chosen, math.factorial(batch) / repeats / n**batch


def _effective(batch: int, n: int, replacement: bool) -> float:
    """The size of a batch with replacement of the same covariance; infinite for the full batch."""
    if replacement:
        return float(batch)
    return math.inf if batch == n else batch * (n - 1) / (n - batch)


def _check_batch(batch: int, n: int, replacement: bool) -> None:
    if batch < 1 or (not replacement and batch > n):
        raise ValueError(f"batch = {batch!r} is not possible; it must be >= 1, and <= n = {n} without replacement")


def _noise(frobenius, mu, batch, rho):
    """|H|_F^2, mu, B, rho, checked; mu may be a hair below 0 by round-off."""
    square = within("frobenius", frobenius, "(0, inf)") ** 2
    mu = np.maximum(within("mu", mu, "(-1e-12, inf)"), 0.0)
    return square, mu, within("batch", batch, "[1, inf)"), within("rho", rho, "[0, inf)")


def _reach(rho, beta, m):
    beta, m = within("beta", beta, "(0, inf)"), within("m", m, "(0, inf)")
    within("m / beta", m / beta, "(0, 1]")
    return within("rho * beta", np.asarray(rho) * beta, "[0, 1)")
