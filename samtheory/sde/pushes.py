"""Which way the ascent step pushes: x + rho p, with g the full gradient and g_b that of the mini-batch b.

    NoPush      p = 0             SGD
    USAMPush    p = g_b           SAM without normalisation
    SAMPush     p = g_b/|g_b|     SAM, normalised by the batch's own gradient
    DNSAMPush   p = g_b/|g|       normalised by the full gradient
    FullUSAM    p = g             full-batch ascent, mini-batch descent ('n-USAM')
    FullSAM     p = g/|g|         the same, normalised ('n-SAM')

For mini-batches a push is `push(kind, g_b, g, out)`.  For additive Gaussian noise g_b = g + S z it enters the
models through its mean and through the derivative D of z -> p that correlates with the noise (Stein's lemma):
`mean_push(kind, g, out)` and `push_slope(kind, g, v, out)` = D v, to first order in rho.  Where a norm is zero the
push is zero.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from samtheory.kernel import generic, kernel
from samtheory.validate import checked, positive
from samtheory.vectors import copy, dot, fill, norm


@generic
def push(kind, g_batch, g, out):
    """out = p for a batch gradient g_batch and the full gradient g."""


@generic
def mean_push(kind, g, out):
    """out = E p under g_batch = g + Gaussian noise."""


@generic
def push_slope(kind, g, v, out):
    """out = D v, Cov(noise, p) = Sigma D' under g_batch = g + N(0, Sigma)."""


class NoPush(NamedTuple):
    """p = 0 (SGD)."""


class USAMPush(NamedTuple):
    """p = g_b."""


class SAMPush(NamedTuple):
    """p = g_b/|g_b|, on mini-batches."""


@checked(sigma=positive)
class GaussianSAMPush(NamedTuple):
    """p = g_b/|g_b| under additive noise N(0, sigma^2 I): mean and slope are derivatives of phi(g) = E|g + sigma z|."""

    sigma: float


class DNSAMPush(NamedTuple):
    """p = g_b/|g|."""


class FullUSAM(NamedTuple):
    """p = g."""


class FullSAM(NamedTuple):
    """p = g/|g|."""


@kernel
def _scaled(v, scale, out):
    for i in range(v.shape[0]):
        out[i] = scale * v[i]


@kernel
def _over_norm(v, g, out):
    """out = v/|g|, zero where g = 0."""
    length = norm(g)
    _scaled(v, 1.0 / length if length > 0.0 else 0.0, out)


@push.register(NoPush)
def _push_none(kind, g_batch, g, out):
    fill(out, 0.0)


@push.register(USAMPush)
def _push_usam(kind, g_batch, g, out):
    copy(g_batch, out)


@push.register(SAMPush)
def _push_sam(kind, g_batch, g, out):
    _over_norm(g_batch, g_batch, out)


@push.register(DNSAMPush)
def _push_dnsam(kind, g_batch, g, out):
    _over_norm(g_batch, g, out)


@push.register(FullUSAM)
def _push_full_usam(kind, g_batch, g, out):
    copy(g, out)


@push.register(FullSAM)
def _push_full_sam(kind, g_batch, g, out):
    _over_norm(g, g, out)


@mean_push.register(NoPush)
def _mean_none(kind, g, out):
    fill(out, 0.0)


@mean_push.register(USAMPush)
@mean_push.register(FullUSAM)
def _mean_usam(kind, g, out):
    copy(g, out)


@mean_push.register(DNSAMPush)
@mean_push.register(FullSAM)
def _mean_dnsam(kind, g, out):
    _over_norm(g, g, out)


@mean_push.register(GaussianSAMPush)
def _mean_sam(kind, g, out):
    _scaled(g, expected_direction(dot(g, g), kind.sigma, g.shape[0]), out)


@push_slope.register(NoPush)
@push_slope.register(FullUSAM)
@push_slope.register(FullSAM)
def _slope_none(kind, g, v, out):
    fill(out, 0.0)


@push_slope.register(USAMPush)
def _slope_usam(kind, g, v, out):
    copy(v, out)


@push_slope.register(DNSAMPush)
def _slope_dnsam(kind, g, v, out):
    _over_norm(v, g, out)


@push_slope.register(GaussianSAMPush)
def _slope_sam(kind, g, v, out):
    square, d = dot(g, g), g.shape[0]
    along_g = expected_direction_slope(square, kind.sigma, d) * dot(g, v)
    straight = expected_direction(square, kind.sigma, d)
    for i in range(d):
        out[i] = straight * v[i] + along_g * g[i]


# ---------------------------------------------------------------- E|v + sigma z|, z ~ N(0, I_d)
# phi(v) = sigma m_d 1F1(-1/2; d/2; -q), q = |v|^2/(2 sigma^2), m_d = E|z|; hence
# grad phi = v c,  c = (m_d/(d sigma)) 1F1(1/2; d/2 + 1; -q), and Hess phi = c I + c2 v v' with
# c2 = -(m_d/(d (d + 2) sigma^3)) 1F1(3/2; d/2 + 2; -q).


@kernel
def mean_length(d):
    """m_d = E|z|, z ~ N(0, I_d) = sqrt 2 Gamma((d+1)/2)/Gamma(d/2), by m_d = m_{d-2} (d-1)/(d-2)."""
    low = 2 - d % 2
    length = math.sqrt(2.0 / math.pi) if low == 1 else math.sqrt(0.5 * math.pi)
    for k in range(low + 2, d + 1, 2):
        length *= (k - 1.0) / (k - 2.0)
    return length


@kernel
def kummer(a, b, q):
    """1F1(a; b; -q), q >= 0, 0 < a < b: e^{-q} 1F1(b - a; b; q), all terms positive; for large q asymptotic."""
    if q < 50.0 + 10.0 * b:
        term, total, scale, k = 1.0, 1.0, -q, 0
        while term > 1e-17 * total:
            term *= (b - a + k) * q / ((b + k) * (k + 1.0))
            total += term
            k += 1
            if total > 1e200:
                term *= 1e-200
                total *= 1e-200
                scale += 200.0 * math.log(10.0)
        return math.exp(scale) * total
    term, total = 1.0, 1.0
    for k in range(40):  # Gamma(b)/Gamma(b-a) q^-a sum (a)_k (a-b+1)_k/(k! q^k), until it stops falling
        following = term * (a + k) * (a - b + 1.0 + k) / ((k + 1.0) * q)
        if abs(following) >= abs(term) or abs(following) < 1e-17 * abs(total):
            break
        term = following
        total += term
    return math.exp(math.lgamma(b) - math.lgamma(b - a) - a * math.log(q)) * total


@kernel
def expected_direction(square, sigma, d):
    """c with E[u] = c v, u = (v + sigma z)/|v + sigma z|, square = |v|^2."""
    return mean_length(d) / (d * sigma) * kummer(0.5, 0.5 * d + 1.0, square / (2.0 * sigma * sigma))


@kernel
def expected_direction_slope(square, sigma, d):
    """c2 with Hess phi = c I + c2 v v'."""
    scale = -mean_length(d) / (d * (d + 2.0) * sigma * sigma * sigma)
    return scale * kummer(1.5, 0.5 * d + 2.0, square / (2.0 * sigma * sigma))
