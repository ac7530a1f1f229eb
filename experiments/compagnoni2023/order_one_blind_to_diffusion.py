"""What an order-one test of a stochastic model of SAM can and cannot see (derived; on arXiv 2301.08203).

With T fixed the noise of step size eta has variance O(eta): the ordinary equation X' = -grad f~ with no noise at all
is of weak order one too, as is one with a wrong diffusion.  |E phi(x_k) - E phi(X_T)| = O(eta) verifies the drift
correction only.  On f = x'Hx/2 with additive noise, rho = c sqrt(eta), in the eigenbasis of H, s = lam_i + lam_j,
m = e^{-HT} x0, as eta -> 0:

    ODE     (E x - m)/eta       -> -(T/2) H^2 m
            (E x x' - m m')/eta -> -(T/2)(H^2 m m' + m m' H^2) + Sigma_ij (1 - e^{-sT})/s
    Cov(x_k) - Cov(X_T) over    full diffusion   truncated    Sigma only                     none
            eta^{3/2}           0                0            c Sigma_ij (1 - e^{-sT})       infinite
            eta                 0                0            0                              Sigma_ij (1 - e^{-sT})/s

so the covariance on the scale eta tells them apart: orders 1, 1, 1/2 and 0 of |Cov - Cov|/eta.  With the noise kept at
eta Sigma = S (noise Z of covariance S/eta) the miss is visible in the covariance itself, at the order sqrt(eta).

Conventions: same noise in both gradients; rho in units of inverse curvature.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import orthogonal
from samtheory.sde.limits import extrapolate
from samtheory.sde.moments import diffusion_law, discrete_law, usam

EPS = np.finfo(float).eps
STEPS = 2 ** np.array([8, 11, 14, 17, 20])
KINDS = {"full": 0.5, "truncated": 0.5, "plain": 0.5, "none": 0.0}  # power of eta that |Cov - Cov|/eta is divided by


@claim(
    title="An equation without noise has weak order one as well; only the covariance shows the diffusion",
    where="Remark on the test of the order",
    kind="order",
    confidence="derived",
    statement="""With rho = c sqrt(eta), E phi of USAM and of the ODE X' = -grad(f + rho/2 |grad f|^2) differ by O(eta),
        while |Cov x_k - Cov X_T|/eta is of the order eta, eta, sqrt(eta), 1 for the full, truncated, plain and
        no diffusion.""",
)
class BlindToDiffusion:
    dim: int = integer(1, 4)
    shape: str = choice("minimum", "saddle")
    c: float = real(0.1, 1)
    horizon: float = real(0.3, 1.5)
    sigma: float = log_real(1e-1, 10)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """H, Sigma, x0."""
        rng = np.random.default_rng([self.seed, 0])
        lam = rng.uniform(0.3, 2, self.dim)
        if self.shape == "saddle":
            lam[-1] *= -0.75
        basis, root = orthogonal(rng, self.dim), self.sigma * rng.standard_normal((self.dim, self.dim))
        H = (basis * lam) @ basis.T
        return (H + H.T) / 2, root @ root.T, rng.standard_normal(self.dim)

    @property
    def etas(self):
        return self.horizon / STEPS

    def assumptions(self):
        rate = usam(self.data[0], self.data[1], self.c * self.etas[0] ** 0.5).rate
        return [requires("eta |A| < 1 at the largest step", self.etas[0] * np.linalg.norm(rate, 2), "<", 1)]

    def measure(self, powers=KINDS, drift=1.0, sign=1.0):
        """Extrapolated limits: ODE mean, ODE second moment, the covariance of each diffusion, and with S fixed."""
        H, sigma, x0 = self.data
        rows = []
        for eta, k in zip(self.etas, STEPS):
            rho = self.c * eta**0.5
            exact = discrete_law(usam(H, sigma, rho), eta, x0, int(k))
            rate = usam(H, sigma, drift * rho).rate
            row = []
            for kind, power in powers.items():
                noise = usam(H, sigma, sign * rho, diffusion=kind).noise
                law = diffusion_law(usam(H, sigma, rho)._replace(rate=rate, noise=noise), eta, x0, self.horizon)
                row.append((exact.cov - law.cov) / eta ** (1 + power))
                if kind == "none":
                    row.insert(0, np.outer(exact.mean, exact.mean) + exact.cov - np.outer(law.mean, law.mean))
                    row[0] /= eta
                    row.insert(0, (exact.mean - law.mean) / eta)
                if kind == "plain":  # eta Sigma = S: covariances are those above over eta
                    row.append((exact.cov - law.cov) / eta**1.5)
            rows.append(row)
        return [extrapolate(column, self.etas**0.5) for column in zip(*rows)]

    def predict(self):
        H, sigma, x0 = self.data
        lam, V = np.linalg.eigh(H)
        s = lam[:, None] + lam
        mean = V @ (np.exp(-lam * self.horizon) * (V.T @ x0))
        lost = -np.expm1(-s * self.horizon)
        grown = V @ (V.T @ sigma @ V * np.where(s == 0, self.horizon, lost / np.where(s == 0, 1, s))) @ V.T
        missed = self.c * V @ (V.T @ sigma @ V * lost) @ V.T
        bend = -self.horizon / 2 * H @ H @ mean
        second = np.outer(bend, mean) + np.outer(mean, bend) + grown
        return bend, second, 0 * grown, 0 * grown, missed, missed, grown

    def judge(self, measured, predicted):
        H, sigma, x0 = self.data
        growth = np.exp(4 * max(0.0, -np.linalg.eigvalsh(H)[0]) * self.horizon)
        rounding = 50 * self.dim * EPS * growth * (1 + np.trace(sigma) + x0 @ x0) / self.etas[-1]
        names = ("ODE: mean error/eta", "ODE: second moment error/eta")
        names += ("full: covariance error/eta^{3/2}", "truncated: the same", "Sigma only: the same")
        names += ("Sigma only, eta Sigma fixed: covariance error/sqrt(eta)", "no noise: covariance error/eta")
        why = "the last three corrections of the extrapolation, and rounding of the closed forms"
        return [
            equals(name, got.value, want, tolerance=got.allowance + rounding, why=why)
            for name, got, want in zip(names, measured, predicted)
        ]

    controls = {
        "the diffusion of SGD is of order one in covariance/eta": control(
            predict=lambda c: (*c.predict()[:4], 0.0, 0.0, c.predict()[6])
        ),
        "the ODE has the covariance of USAM to the order eta": control(predict=lambda c: (*c.predict()[:6], 0.0)),
        "the ODE is of order one only in the mean": control(
            predict=lambda c: (c.predict()[0], np.inf, *c.predict()[2:])
        ),
        "second moments off by a hundredth": control(
            predict=lambda c: (c.predict()[0], 1.01 * c.predict()[1], *c.predict()[2:])
        ),
        "drift of SGD": control(measure=lambda c: c.measure(drift=0.0)),
        "rho doubled in the drift": control(measure=lambda c: c.measure(drift=2.0)),
        "sign of rho flipped in the diffusion": control(measure=lambda c: c.measure(sign=-1.0)),
        "|Cov - Cov|/eta of the right model is of order 1/2 only": control(
            measure=lambda c: c.measure(powers=KINDS | {"full": 1.0})
        ),
    }


if __name__ == "__main__":
    script(__file__)
