"""Li, Shen, Zhang & He 2024 (arXiv 2405.18373): the Hessian-aware equation, exact on quadratics where it exists.

f = x'Hx/2, additive noise.  With A = H(I + rho H) and the noise N of the algorithm (rho = 0: SGD; else USAM),

    dX = (1/eta) log(I - eta A) X dt + (eta D)^{1/2} dW,   D_ij = N_ij (alpha_i + alpha_j)/(a_i + a_j - eta a_i a_j),
    alpha_i = -log(1 - eta a_i)/eta   (eigenbasis of A; D_ij = N_ij where the quotient is 0/0)

has the law of x_k at every t = k eta.  It needs eta max a_i < 1, and it needs D to be positive semidefinite: derived,
and not implied by N being so.  D is N times, entrywise, phi(s) = s/(1 - e^{-s}) at s = eta (alpha_i + alpha_j), which
is strictly log-concave; N near rank one with unequal a_i gives an indefinite D, and no such equation exists.

Conventions: loss with 1/2; rho in units of inverse curvature.  The library raises where the equation does not exist.
"""

import functools

import numpy as np
from scipy.linalg import expm

from samtheory.claims import (
    at_least,
    choice,
    claim,
    control,
    equals,
    integer,
    log_real,
    real,
    requires,
    script,
    seeds,
)
from samtheory.problems.quadratic import orthogonal
from samtheory.sde.moments import hessian_aware, modified, usam

EPS = np.finfo(float).eps


@claim(
    title="The Hessian-aware equation has exactly the law of SGD (and USAM) on quadratics, where its noise exists",
    where="exactness on quadratics",
    kind="identity",
    confidence="text + derived",
    statement="""dX = (1/eta) log(I - eta A) X dt + (eta D)^{1/2} dW has the law of the algorithm at t = k eta, if
        eta max a_i < 1 and D is positive semidefinite; for rank-one noise with unequal a_i it is not.""",
)
class ExactOnQuadratics:
    dim: int = integer(1, 4)
    noise: str = choice("commuting", "full rank", "rank one")
    rho: float = real(0, 1)
    reach: float = real(0.05, 0.95)  # eta max a
    steps: int = integer(1, 30)
    low: float = real(-0.9, 0.7)  # the smallest curvature, the largest is 1
    sigma: float = log_real(1e-2, 10)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """The algorithm, eta, x0."""
        rng = np.random.default_rng([self.seed, 0])
        lam = np.append(rng.uniform(self.low, 0.8, self.dim - 1), 1.0)
        lam[0] = self.low if self.dim > 1 else 1.0
        basis = orthogonal(rng, self.dim)
        root = {
            "commuting": lambda: basis * rng.uniform(0.1, 1, self.dim),
            "full rank": lambda: rng.standard_normal((self.dim, self.dim)),
            "rank one": lambda: (basis @ rng.uniform(0.5, 1, self.dim))[:, None],
        }[self.noise]()
        H = (basis * lam) @ basis.T
        algorithm = usam((H + H.T) / 2, self.sigma**2 * root @ root.T, self.rho)
        return algorithm, self.reach / np.linalg.eigvalsh(algorithm.rate).max(), rng.standard_normal(self.dim)

    def spectrum(self):
        """Eigenvalues of D, those that differ from zero by no more than rounding set to zero."""
        algorithm, eta, _ = self.data
        value = np.linalg.eigvalsh(hessian_aware(algorithm, eta, exists=False).noise)
        return np.where(np.abs(value) < 8 * self.dim * EPS * np.abs(value).max(), 0.0, value)

    def assumptions(self):
        algorithm, eta, _ = self.data
        return [requires("eta max a < 1", eta * np.linalg.eigvalsh(algorithm.rate).max(), "<", 1)]

    def measure(self, model=lambda algorithm, eta: hessian_aware(algorithm, eta, exists=False)):
        """Mean and covariance of the equation at t = k eta by matrix exponentials; smallest eigenvalue of D."""
        algorithm, eta, x0 = self.data
        A, D = model(algorithm, eta)
        t, one = self.steps * eta, np.eye(self.dim)
        grow = np.block([[-np.kron(A, one) - np.kron(one, A), eta * D.reshape(-1, 1)], [np.zeros((1, A.size + 1))]])
        cov = expm(t * grow)[:-1, -1].reshape(A.shape)
        spectrum = self.spectrum()
        return expm(-t * A) @ x0, cov, spectrum.min() / np.abs(spectrum).max()

    def predict(self):
        """The recursion of the algorithm, step by step."""
        algorithm, eta, x0 = self.data
        step = np.eye(self.dim) - eta * algorithm.rate
        mean, cov = x0, 0 * step
        for _ in range(self.steps):
            mean, cov = step @ mean, step @ cov @ step.T + eta**2 * algorithm.noise
        return mean, cov

    def judge(self, measured, predicted):
        (mean, cov, low), (want_mean, want_cov) = measured, predicted
        algorithm, eta, x0 = self.data
        a = np.linalg.eigvalsh(algorithm.rate)
        # the largest exponents: alpha is known to eps/(1 - eta a), and grows or decays over k steps
        exponent = self.steps * (1 - np.log1p(-self.reach) + eta * np.abs(a).max()) / (1 - self.reach)
        grown = np.exp(2 * self.steps * np.log1p(max(0.0, -eta * a[0])))
        ulps = 40 * self.dim * EPS * exponent * grown
        why = "40 d ulp of the exponents, grown along the escaping directions"
        size = np.array([np.linalg.norm(x0), eta * self.steps * eta * np.trace(algorithm.noise) / (1 - self.reach)])
        rows = [
            equals("mean of x_k", mean, want_mean, tolerance=ulps * size[0], why=why),
            equals("covariance of x_k", cov, want_cov, tolerance=ulps * size[1], why=why),
        ]
        if self.noise == "commuting":
            rows.append(at_least("least eigenvalue of D", low, 0))
        if self.noise == "rank one" and self.dim > 1:
            rows.append(equals("sign of D's least eigenvalue", np.sign(low), -1, tolerance=0.5, why="an integer"))
        return rows

    controls = {
        "first-order modified equation": control(measure=lambda c: c.measure(lambda algorithm, eta: algorithm)),
        "second-order modified equation": control(measure=lambda c: c.measure(modified)),
        "second-order modified equation with its noise": control(
            measure=lambda c: c.measure(lambda algorithm, eta: modified(algorithm, eta, noise=True))
        ),
        "right drift, noise of the algorithm": control(
            measure=lambda c: c.measure(
                lambda algorithm, eta: algorithm._replace(rate=hessian_aware(algorithm, eta, exists=False).rate)
            )
        ),
        "the equation exists for rank-one noise": control(
            measure=lambda c: (*c.measure()[:2], 0.0), where={"noise": "rank one", "dim": integer(2, 4)}
        ),
    }


if __name__ == "__main__":
    script(__file__)
