"""Signal and noise in a two-layer convolutional ReLU network (Chen et al. 2023, Cao et al. 2022): exact training
through the Gram matrix of the data, and what one SAM perturbation switches off at the start.

L = (1/n) sum_i log(1 + exp(-y_i f_i)), f_i = (1/m) sum_{r<2m} j_r [relu(yc_i <w_r, mu>) + (P - 1) relu(<w_r, xi_i>)].
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.validate import array, between, count, nonnegative, positive


class GramRun(NamedTuple):
    """Z [T + 1, 2m, n + 1] inner products with (mu, xi_1, ...), C [T + 1, 2m, n + 1] with W_t = W_0 + C_t V,
    norms [T] of the gradients, and the smallest |Z| that any step has looked at."""

    Z: np.ndarray
    C: np.ndarray
    norms: np.ndarray
    nearest: float


def gram_training(
    G: Any, Z0: Any, clean: Any, labels: Any, patches: int, eta: float, radii: Any, metric: Any = None
) -> GramRun:
    """Gradient descent and SAM in coefficients: V = (mu; xi_1; ...), G = V V', Z = W V' = Z_0 + C G.

    With A the coefficients of the gradient in V: perturbed Z + (tau/sqrt(tr A G A')) A G, step C <- C - eta A of there.
    radii: tau of every step (0: gradient descent).  `metric` replaces G in the norm.
    """
    G, Z0 = array(None, None)("G", G), array(None, None)("Z0", Z0)
    clean, labels, radii = (array(None)(name, a) for name, a in (("clean", clean), ("labels", labels), ("tau", radii)))
    weight, eta, metric = count(2)("patches", patches) - 1, positive("eta", eta), G if metric is None else metric
    m, n = Z0.shape[0] // 2, labels.size
    j = np.repeat([1.0, -1.0], m)[:, None]

    def coefficients(Z):
        on_signal, on_noise = Z[:, :1] * clean, Z[:, 1:]
        f = (j * (np.maximum(on_signal, 0) + weight * np.maximum(on_noise, 0))).sum(axis=0) / m
        c = -j * labels / (1 + np.exp(labels * f)) / (n * m)
        return np.hstack([(c * clean * (on_signal > 0)).sum(axis=1, keepdims=True), weight * c * (on_noise > 0)])

    C, states, norms, nearest = np.zeros_like(Z0), [np.zeros_like(Z0)], [], math.inf
    for tau in radii:
        Z = Z0 + C @ G
        A = coefficients(Z)
        norms.append(math.sqrt((A @ metric * A).sum()))
        nearest = min(nearest, np.abs(Z).min())
        if tau > 0 and norms[-1] > 0:
            Z = Z + tau / norms[-1] * A @ G
            A, nearest = coefficients(Z), min(nearest, np.abs(Z).min())
        C = C - eta * A
        states.append(C)
    states = np.array(states)
    return GramRun(Z0 + states @ G, states, np.array(norms), nearest)


# ------------------------------------------------------------------------------------ deactivation at the start


def noise_deactivated(reach: Any, signal_share: Any = 0.0) -> np.ndarray:
    """Share of the active pairs (filter r, sample i), j_r = y_i, whose noise unit one perturbation switches off.

    erf(reach/sqrt(2 (1 + q))), reach = tau/(init sqrt(n m)); q = `signal_share` is the signal's part of |grad|^2 over
    the noise's, by default neglected.  From <eps, xi_i> = -tau noise sqrt(d)/sqrt(n m (1 + q)) against <w_r, xi_i> ~
    N(0, init^2 noise^2 d); as n/d -> 0.
    """
    from scipy.special import erf

    return erf(np.asarray(reach) / np.sqrt(2 * (1 + np.asarray(signal_share))))


class Shares(NamedTuple):
    """Mean shares switched off: of noise units with j_r = y_i, and of signal units with j_r = sign <w_r, mu>."""

    noise: float
    signal: float


def deactivated_shares(reach: float, ratio: float, n: int, flip: float) -> Shares:
    """The same shares averaged over the law of the labels, exact as n/d -> 0 and m -> inf with reach and ratio kept.

    With S_+ (S_-) the sum of y_i yc_i over the samples with yc_i = 1 (-1):  q = ratio^2 (S_+^2 + S_-^2)/n,
        noise    E erf(reach/sqrt(2 (1 + q))),
        signal   E erf(reach ratio max(S_+, 0)/sqrt(2 (1 + q))).
    At E S_+ = n (1 - 2p)/2, q = n (1 - 2p)^2 ratio^2/2; its mean is 1 + 1/n + 8 p (1 - p)/(n (1 - 2p)^2) times that.
    """
    from scipy.special import erf

    reach, ratio = nonnegative("reach", reach), nonnegative("ratio", ratio)
    n, flip = count(1)("n", n), between(0, 0.5)("flip", flip)
    noise = signal = 0.0
    for positive_samples, weight in enumerate(_binomial(n, 0.5)):
        plus = positive_samples - 2.0 * np.arange(positive_samples + 1)[:, None]
        minus = n - positive_samples - 2.0 * np.arange(n - positive_samples + 1)
        chance = weight * np.outer(_binomial(positive_samples, flip), _binomial(n - positive_samples, flip))
        argument = reach / np.sqrt(2 * (1 + ratio**2 * (plus**2 + minus**2) / n))
        noise += (chance * erf(argument)).sum()
        signal += (chance * erf(argument * ratio * np.maximum(plus, 0))).sum()
    return Shares(float(noise), float(signal))


def _binomial(n: int, p: float) -> np.ndarray:
    """P(k of n), k = 0..n."""
    return np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])
