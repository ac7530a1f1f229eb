"""A two-layer convolutional ReLU network on patches of signal and noise, in R^d or reduced exactly to n + 1 dimensions.

The data model and the network are those of Cao, Chen, Belkin & Gu (2022) and Chen et al. (2023): one patch of a sample
is yc mu, the other P - 1 patches are one and the same noise vector xi.  Gradients lie in the span of mu and the n noise
vectors.  With an orthonormal basis Q of that span, W -> W Q keeps forward pass, gradient, its norm and hence every
step of gradient descent or SAM; what W has outside the span never moves.  `reduced` does this for given data;
`SignalNoise.draw` draws the reduced problem from its exact law, at a cost that does not depend on d.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import (
    Constants,
    constants,
    dim,
    grad,
    loss,
    sample_grad,
    sample_loss,
    samples,
    scratch,
)
from samtheory.validate import array, between, checked, count, nonnegative, positive, same_length, together
from samtheory.vectors import fill


def _signs(name: str, value: Any) -> np.ndarray:
    out = array(None)(name, value)
    if not (np.abs(out) == 1).all():
        raise ValueError(f"{name} has entries other than -1 and 1")
    return out


def _same_space(p: Any) -> None:
    if p.noise.shape[1] != p.signal.shape[0]:
        raise ValueError(f"noise has shape {p.noise.shape}, but signal has shape {p.signal.shape}")


@together(same_length("clean", "noise"), same_length("labels", "noise"), _same_space)
@checked(signal=array(None), noise=array(None, None), clean=_signs, labels=_signs, patches=count(2), width=count(1))
class SignalNoiseNet(NamedTuple):
    """L = (1/n) sum_i log(1 + exp(-y_i f_i)),
    f_i = (1/m) sum_{r < 2m} j_r [relu(yc_i <w_r, mu>) + (P - 1) relu(<w_r, xi_i>)],  j_r = 1 for r < m, else -1.

    signal mu [k], noise xi [n, k], clean yc [n] and labels y [n] of signs, P patches, m = width filters a sign; the
    second layer is fixed and relu'(0) = 0.  Parameters in the order of W [k, 2m]: row j holds coordinate j of every
    filter.  There is no Hessian: the loss is not C^2.
    """

    signal: np.ndarray
    noise: np.ndarray
    clean: np.ndarray
    labels: np.ndarray
    patches: int
    width: int


class Reduced(NamedTuple):
    """The same training in the span of mu and the xi: problem, start, and rest [2m, 2m] = W W' of what stays outside.

    At any parameters W of the problem the full network has W W' = rest + (W of the span)(its transpose).
    """

    problem: SignalNoiseNet
    start: np.ndarray
    rest: np.ndarray


def reduced(problem: SignalNoiseNet, start: Any) -> Reduced:
    """Training of `problem` from `start` [k 2m], in min(k, n + 1) dimensions.

    Q from the QR decomposition of (mu, xi_1, ...)', each column turned so that R has a positive diagonal.
    """
    W = array(dim(problem))("start", start).reshape(problem.signal.size, 2 * problem.width)
    Q, R = np.linalg.qr(np.vstack([problem.signal, problem.noise]).T)
    turn = np.where(np.diag(R) < 0, -1.0, 1.0)
    Q, R = Q * turn, R * turn[:, None]
    inside = Q.T @ W
    outside = W - Q @ inside
    smaller = problem._replace(signal=R[:, 0], noise=R[:, 1:].T)
    return Reduced(smaller, inside.ravel(), outside.T @ outside)


@dataclasses.dataclass(frozen=True)
class SignalNoise:
    """The law of the data and of the start: yc a fair sign, y = -yc with probability `flip`, xi ~ N(0, noise^2 I_d),
    |mu| = `signal`, w_r ~ N(0, init^2 I_d) with init = 1/(P noise sqrt d)."""

    d: int
    signal: float
    n: int = 20
    patches: int = 2
    flip: float = 0.1
    width: int = 10
    noise: float = 1.0

    def __post_init__(self) -> None:
        count(1)("n", self.n)
        count(self.n + 2 * self.width + 1)("d", self.d)
        count(2)("patches", self.patches)
        nonnegative("signal", self.signal)
        positive("noise", self.noise)
        between(0, 0.5)("flip", self.flip)

    @property
    def init(self) -> float:
        """Standard deviation of the weights at the start."""
        return 1 / (self.patches * self.noise * math.sqrt(self.d))

    def radius(self, c: float) -> float:
        """The radius c m sqrt(n)/(P noise sqrt d) of SAM."""
        return c * self.width * math.sqrt(self.n) * self.init

    @property
    def kappa(self) -> float:
        """n |mu|^4/(d (P - 1)^4 noise^4), which decides whether gradient descent learns the signal."""
        return self.n * self.signal**4 / (self.d * ((self.patches - 1) * self.noise) ** 4)

    def ambient(self, rng: np.random.Generator) -> tuple[SignalNoiseNet, np.ndarray]:
        """(problem, start) in R^d, mu along the first coordinate; draws yc, flips, xi and W [2m, d] in this order."""
        clean, labels = self._labels(rng)
        xi = self.noise * rng.standard_normal((self.n, self.d))
        W = self.init * rng.standard_normal((2 * self.width, self.d))
        mu = np.concatenate([[self.signal], np.zeros(self.d - 1)])
        return SignalNoiseNet(mu, xi, clean, labels, self.patches, self.width), W.T.ravel()

    def draw(self, rng: np.random.Generator) -> Reduced:
        """`reduced(*ambient(rng))` in law: Gaussian and chi entries of the triangular factors (Bartlett 1933).

        The chi-square variables come last: laws that differ in d or |mu| alone give the same signs and Gaussians.
        """
        clean, labels = self._labels(rng)
        n, k = self.n, 2 * self.width
        xi, start, rest = (rng.standard_normal(shape) for shape in ((n, n + 1), (n + 1) * k, (k, k)))
        xi = self.noise * _triangle(rng, xi, self.d, fixed=1)
        rest = self.init * _triangle(rng, rest, self.d - n - 1, fixed=0)
        mu = np.concatenate([[self.signal], np.zeros(n)])
        problem = SignalNoiseNet(mu, xi, clean, labels, self.patches, self.width)
        return Reduced(problem, self.init * start, rest @ rest.T)

    def _labels(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        clean = rng.choice([-1.0, 1.0], self.n)
        return clean, np.where(rng.random(self.n) < self.flip, -clean, clean)


def _triangle(rng: np.random.Generator, normals: np.ndarray, d: int, fixed: int) -> np.ndarray:
    """[rows, fixed + rows]: standard normal vectors of R^d, in a basis that begins with `fixed` given directions and
    goes on with the vectors themselves, orthonormalised one by one."""
    rows = np.arange(len(normals))
    out = np.tril(normals, fixed - 1)
    out[rows, fixed + rows] = np.sqrt(rng.chisquare(d - fixed - rows))
    return out


@constants.register(SignalNoiseNet)
def _constants(p):
    return Constants(how="none known (kinks of relu; inf L is 0 where the data can be fitted, and is not attained)")


@dim.register(SignalNoiseNet)
def _dim(p):
    return p.signal.shape[0] * 2 * p.width


@samples.register(SignalNoiseNet)
def _samples(p):
    return p.noise.shape[0]


@scratch.register(SignalNoiseNet)
def _scratch(p):
    return 3 * 2 * p.width  # inner products with the signal, with one noise vector, coefficients of the signal


@kernel
def _products(v, theta, width2, out):
    """out_r = <w_r, v>; zero coordinates of v (half of them after the reduction) are passed over."""
    fill(out, 0.0)
    for j in range(v.shape[0]):
        a = v[j]
        if a != 0.0:
            for r in range(width2):
                out[r] += a * theta[j * width2 + r]


@kernel
def _outer(coefficients, v, width2, out):
    """out += v (outer) coefficients."""
    for j in range(v.shape[0]):
        a = v[j]
        if a != 0.0:
            for r in range(width2):
                out[j * width2 + r] += a * coefficients[r]


@kernel
def _output(p, i, on_signal, on_noise):
    """f_i."""
    m, yc = p.width, p.clean[i]
    total = 0.0
    for r in range(2 * m):
        unit = max(yc * on_signal[r], 0.0) + (p.patches - 1) * max(on_noise[r], 0.0)
        total += unit if r < m else -unit
    return total / m


@kernel
def _softplus(z):
    """log(1 + exp z)."""
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


@kernel
def _sigmoid(z):
    """1/(1 + exp(-z))."""
    small = math.exp(-abs(z))
    return 1.0 / (1.0 + small) if z >= 0.0 else small / (1.0 + small)


@kernel
def _add_sample(p, i, theta, share, work, out):
    """out += the noise part of share grad L_i; the coefficients of the signal part are added to the third of `work`."""
    m, width2, yc = p.width, 2 * p.width, p.clean[i]
    on_signal, on_noise, signal_part = work[:width2], work[width2 : 2 * width2], work[2 * width2 : 3 * width2]
    _products(p.noise[i], theta, width2, on_noise)
    pull = -share * p.labels[i] * _sigmoid(-p.labels[i] * _output(p, i, on_signal, on_noise)) / m
    for r in range(width2):
        own = pull if r < m else -pull
        signal_part[r] += own * yc if yc * on_signal[r] > 0.0 else 0.0
        on_noise[r] = own * (p.patches - 1) if on_noise[r] > 0.0 else 0.0
    _outer(on_noise, p.noise[i], width2, out)


@kernel
def _begin(p, theta, work, out):
    """Inner products with the signal; nothing added yet."""
    width2 = 2 * p.width
    _products(p.signal, theta, width2, work[:width2])
    fill(work[2 * width2 : 3 * width2], 0.0)
    fill(out, 0.0)


@grad.register(SignalNoiseNet)
def _grad(p, x, out, work):
    width2, n = 2 * p.width, p.noise.shape[0]
    _begin(p, x, work, out)
    for i in range(n):
        _add_sample(p, i, x, 1.0 / n, work, out)
    _outer(work[2 * width2 : 3 * width2], p.signal, width2, out)


@sample_grad.register(SignalNoiseNet)
def _sample_grad(p, i, x, out, work):
    width2 = 2 * p.width
    _begin(p, x, work, out)
    _add_sample(p, i, x, 1.0, work, out)
    _outer(work[2 * width2 : 3 * width2], p.signal, width2, out)


@sample_loss.register(SignalNoiseNet)
def _sample_loss(p, i, x, work):
    width2 = 2 * p.width
    on_signal, on_noise = work[:width2], work[width2 : 2 * width2]
    _products(p.signal, x, width2, on_signal)
    _products(p.noise[i], x, width2, on_noise)
    return _softplus(-p.labels[i] * _output(p, i, on_signal, on_noise))


@loss.register(SignalNoiseNet)
def _loss(p, x, work):
    total = 0.0
    for i in range(p.noise.shape[0]):
        total += sample_loss(p, i, x, work)
    return total / p.noise.shape[0]
