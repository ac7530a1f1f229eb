"""How flat a ReLU network that fits its data can be: Tr Hess L for L = (1/n) sum_i (f(x_i) - y_i)^2 (no 1/2).

Where every f(x_i) = y_i, Tr Hess L = (2/n) sum_i |grad f(x_i)|^2, so a bound on |grad f| from |f| bounds the trace.
`size` is the norm of what the first layer sees, |x'| with x' = (x, 1) where it has a bias and |x| where not.
"""

from __future__ import annotations

import math

import numpy as np

from samtheory.validate import between, count, positive

SQRT_HALF = math.sqrt(0.5)


def gradient_bound(f, size, depth: int = 2):
    """|grad f|^2 >= D |f|^(2(D-1)/D) |x'|^(2/D) for any parameters (D = 2: 2 |x'| |f|), relu'(0) = 0.

    With z_l the layers (z_0 = x', units that are off left out) and b_l = df/dz_l, the weights between l - 1 and l have
    the gradient b_l z_{l-1}', of norm |b_l| |z_{l-1}|, and <b_l, z_l> = f, so |b_l| |z_l| >= |f|.  The product of the D
    norms is |x'| (|b_1| |z_1|) ... (|b_{D-1}| |z_{D-1}|) >= |x'| |f|^(D-1); the mean of their squares is at least its
    power 2/D.
    """
    D = count(2)("depth", depth)
    return D * np.abs(f) ** (2 * (D - 1) / D) * np.asarray(size) ** (2 / D)


def gradient_gap(f, size, active, last, units):
    """|grad f|^2 - 2 |x'| |f| of two layers, exactly: a sum of two terms >= 0, so 0 iff both are.

    sum_j (|x'| |W2_j| - a_j)^2 over the active units + 2 |x'| (sum_j |W2_j| a_j - |f|): every active unit has height
    a_j = |x'| |W2_j|, and all of them the sign of f.

    f, size [n]; active [n, m] (0 or 1), units = relu of the pre-activations [n, m]; last = W2 [m].
    """
    size = np.asarray(size)[:, None]
    heights = (active * (size * np.abs(last) - units) ** 2).sum(axis=1)
    return heights + 2 * size[:, 0] * (units @ np.abs(last) - np.abs(f))


def layer_norm_gradient_bound(f, size, norm, eps):
    """|grad f|^2 >= 1 where the units' norm is > eps (W2 alone gives 1), >= 2 |x'| |f|/eps where it is not."""
    return np.where(np.asarray(norm) > eps, 1.0, 2 * np.asarray(size) * np.abs(f) / eps)


def flattest_trace(y, size, depth: int = 2) -> float:
    """The least Tr Hess L of a ReLU net that fits y_i: (2/n) sum_i `gradient_bound`; 4 |x'| for +-1 and D = 2."""
    return 2 * float(np.mean(gradient_bound(y, size, depth)))


def layer_norm_flattest_trace(y, size, eps) -> float:
    """The least Tr Hess L with layer norm: (2/n) sum_i min(1, 2 |x'_i| |y_i|/eps).

    A sample does better inside the ball |r| <= eps exactly where 2 |x'_i| |y_i| < eps.
    """
    return 2 * float(np.mean(np.minimum(1, 2 * np.asarray(size) * np.abs(y) / positive("eps", eps))))


def corner_trace(size, radius) -> float:
    """2 (|x'|^2/r^2 + r^2): one active unit of height r and outgoing weight +-1/r a sample; least at r = sqrt|x'|."""
    return 2 * (size**2 / positive("radius", radius) ** 2 + radius**2)


def batch_norm_corner_trace(rest, scale, gamma=SQRT_HALF) -> float:
    """8 (gamma^2 + 1/(4 gamma^2)) + 2 tr Cov(S)/s^2 for xor on {-1, 1}^2 x S, by four units (+-s, +-s, 0 ...), bias -s.

    gamma = 1/sqrt 2 is best; 8 is then the infimum, approached as s grows.  Cov is the population covariance of S.
    """
    spread = float(np.var(np.asarray(rest, dtype=float), axis=0).sum())
    return 8 * (gamma**2 + 1 / (4 * gamma**2)) + 2 * spread / positive("scale", scale) ** 2


BATCH_NORM_INFIMUM = 8.0


def unbiased_cube_trace(first, last) -> float:
    """|W1|_F^2 + d |W2|^2: Tr Hess L of a net without bias on the whole cube, no pre-activation being 0.

    Of x and -x exactly one activates a unit, whatever its weights w, and the mean of (w'x)^2 is |w|^2.
    """
    first, last = np.asarray(first, dtype=float), np.asarray(last, dtype=float)
    return float((first**2).sum() + first.shape[1] * (last**2).sum())


def unbiased_xor_trace(d: int, e: float) -> float:
    """8 sqrt(2 d (1 + e^2)) / (2 - 2 e), of the balanced four units (+-(1 + e), +-(1 - e)); 4 sqrt(2 d) as e -> 0."""
    return 8 * math.sqrt(2 * count(2)("d", d) * (1 + between(0, 1, open_above=True)("e", e) ** 2)) / (2 - 2 * e)


def smoothed_logit(smoothing: float) -> float:
    """ln((1 - p)/p): the margin y f at which the logistic loss with smoothed labels is least."""
    p = between(0, 0.5, open_above=True)("smoothing", positive("smoothing", smoothing))
    return math.log((1 - p) / p)


def smoothed_curvature(smoothing: float) -> float:
    """p (1 - p): the second derivative of that loss there."""
    p = between(0, 0.5, open_above=True)("smoothing", positive("smoothing", smoothing))
    return p * (1 - p)


def rademacher_bound(norms, path: float) -> float:
    """2 C sqrt(mean |x_i|^2 / n): Rademacher complexity of {sum_j |W1_j| |W2_j| <= C}, ReLU nets without bias.

    sup over the class = C max_u |mean_i sigma_i relu(u'x_i)| over unit u; contraction costs the 2, then
    E |sum_i sigma_i x_i| <= sqrt(sum_i |x_i|^2).
    """
    norms = np.asarray(norms, dtype=float)
    return 2 * positive("path", path) * math.sqrt(float(np.mean(norms**2)) / len(norms))
