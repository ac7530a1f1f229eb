"""Monzio Compagnoni et al. 2023 (arXiv 2301.08203): USAM leaves a saddle later than SGD, the later the larger rho.

f = x'Hx/2 with negative curvatures, additive noise; b = 1 + rho lam, a = lam b, in the eigenbasis of H

    E f(X_t) = 1/2 sum_i lam_i [ x0_i^2 e^{-2 a_i t} + eta Sigma_ii b_i^2 (1 - e^{-2 a_i t})/(2 a_i) ].

For lam < 0 and rho < 1/|lam| both the growth rate 2 |a| and the noise b^2 fall with rho, so E f reaches a level below
f(x0) later; it never does once rho >= 1/|lam| for all negative lam.  That the time increases with rho needs a start
without positive components (derived: they decay faster for larger rho, which can lower E f at first).

E f is measured by a matrix exponential on the coefficients of the model, the time by bisection of it.
Conventions: loss with 1/2; same noise in both gradients; rho in units of inverse curvature.
"""

import functools

import numpy as np
from scipy.linalg import expm

from samtheory.claims import at_least, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Quadratic, orthogonal
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.moments import diffusion_law, escape_time, expected_loss, linear_of, usam
from samtheory.sde.pushes import FullUSAM, NoPush, USAMPush

EPS = np.finfo(float).eps
GRID = np.arange(1, 4) / 3  # times in units of 2/(largest rate), and radii in units of `reach`/|lam|


@claim(
    title="Expected loss near a saddle under the USAM equation; the time to escape increases with rho",
    where="Saddle points of quadratics",
    kind="comparison",
    confidence="memory; numbers derived",
    statement="""E f(X_t) = sum_i (lam_i/2)[x0_i^2 e^{-2 a_i t} + eta Sigma_ii (1 + rho lam_i)^2 (1 - e^{-2 a_i t})
        /(2 a_i)]; for a start without positive components the time at which it falls to a level increases with rho,
        to infinity for rho >= 1/|lam|.""",
    cost=4,
)
class EscapeTime:
    negative: int = integer(1, 2)  # negative curvatures
    positive: int = integer(1, 2)
    reach: float = real(0.1, 0.95)  # rho times the largest |negative lam|
    eta: float = log_real(1e-3, 0.1)
    start: float = log_real(1e-3, 0.3)  # |x0|, along the negative curvatures
    level: float = log_real(0.5, 10)  # E f is to fall to -level
    sigma: float = log_real(0.1, 3)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """H, a factor of Sigma, x0."""
        rng = np.random.default_rng([self.seed, 0])
        lam = np.append(-rng.uniform(0.4, 1.5, self.negative), rng.uniform(0.2, 2, self.positive))
        basis = orthogonal(rng, lam.size)
        x0 = basis[:, : self.negative] @ rng.standard_normal(self.negative)
        H = (basis * lam) @ basis.T
        return (H + H.T) / 2, self.sigma * rng.standard_normal(H.shape), self.start * x0 / np.linalg.norm(x0)

    @property
    def steepest(self):
        """The largest |negative curvature|."""
        return -np.linalg.eigvalsh(self.data[0])[0]

    @property
    def rho(self):
        return self.reach / self.steepest

    def assumptions(self):
        H, _, x0 = self.data
        lam, V = np.linalg.eigh(H)
        return [
            requires("some curvature is negative", lam[0], "<", 0),
            requires("rho |lam| < 1 for every negative lam", self.rho * self.steepest, "<", 1),
            requires("the start has no positive component", np.abs(V.T @ x0)[lam > 0].max(initial=0), "<=", 1e-13),
        ]

    def measure(self, push=USAMPush()):  # noqa: B008
        """E f at a few times, and the escape times for rising rho (rho = 0 first)."""
        H, S, x0 = self.data
        A, D = linear_of(AdditiveSDE(Quadratic(H, 0 * x0), S, self.eta, self.rho, push))
        one = np.eye(len(H))
        grow = np.block(
            [[-np.kron(A, one) - np.kron(one, A), self.eta * D.reshape(-1, 1)], [np.zeros((1, A.size + 1))]]
        )
        second = [expm(t * grow) @ np.append(np.outer(x0, x0), 1.0) for t in 2 * GRID / self.steepest]
        losses = np.array([np.sum(H * v[:-1].reshape(H.shape)) / 2 for v in second])
        radii = np.append(0.0, GRID * self.rho)
        times = [escape_time(H, S @ S.T, rho, self.eta, x0, -self.level) for rho in radii]
        reached = [
            expected_loss(H, diffusion_law(usam(H, S @ S.T, rho), self.eta, x0, t)) for rho, t in zip(radii, times)
        ]
        never = escape_time(H, S @ S.T, 1.01 / -np.linalg.eigvalsh(H)[self.negative - 1], self.eta, x0, -self.level)
        return losses, np.array(times), np.array(reached), 1 / never

    def predict(self, power=2, drift=1.0):
        H, S, x0 = self.data
        lam, V = np.linalg.eigh(H)
        b, t = 1 + self.rho * lam, 2 * GRID[:, None] / self.steepest
        a = lam * (1 + drift * self.rho * lam)
        decay = np.exp(-2 * a * t)
        noise = self.eta * np.diag(V.T @ S @ S.T @ V) * b**power
        return ((V.T @ x0) ** 2 * decay + noise * (1 - decay) / (2 * a)) @ lam / 2, -self.level

    def judge(self, measured, predicted):
        (losses, times, reached, never), (want, level) = measured, predicted
        H, S, x0 = self.data
        grown = np.exp(4) * np.linalg.norm(H, 2) * (x0 @ x0 + self.eta * np.sum(S * S) / self.steepest)
        allowed = 100 * len(H) * EPS * grown * (1 + np.linalg.norm(H, 2) / self.steepest)
        least = np.abs(np.linalg.eigvalsh(usam(H, 0 * H, self.rho).rate)).min()
        return [
            equals("E f(X_t)", losses, want, tolerance=allowed, why="rounding, grown by e^4 over the times"),
            equals("E f at the escape time", reached, level, tolerance=1e-9 * self.level, why="bisection of the time"),
            at_least("rise of the escape time with rho", np.diff(times) * self.steepest, 0, slack=1e-12 / least),
            equals("1/escape time for rho >= 1/|lam|", never, 0, tolerance=1e-300, why="E f stays above the level"),
        ]

    controls = {
        "noise of SGD, without (1 + rho lam)^2": control(predict=lambda c: c.predict(power=0)),
        "noise with one factor 1 + rho lam": control(predict=lambda c: c.predict(power=1)),
        "drift of SGD": control(predict=lambda c: c.predict(drift=0.0)),
        "rho doubled in the drift": control(predict=lambda c: c.predict(drift=1.9), where={"reach": real(0.1, 0.5)}),
        "full-batch ascent in place of USAM": control(measure=lambda c: c.measure(FullUSAM())),
        "SGD in place of USAM": control(measure=lambda c: c.measure(NoPush())),
        "USAM escapes sooner": control(measure=lambda c: (c.measure()[0], c.measure()[1][::-1], *c.measure()[2:])),
    }


if __name__ == "__main__":
    script(__file__)
