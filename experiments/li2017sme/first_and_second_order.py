"""Li, Tai & E 2017 (arXiv 1511.06251): the modified equations of SGD of first and second order, on quadratics.

f = x'Hx/2, additive noise.  At fixed T, as eta -> 0, against SGD in mean, covariance and second moment,

    SME1  dX = -grad f dt + sqrt(eta) Sigma^{1/2} dW                        order 1 (as the gradient flow)
    SME2  dX = -grad(f + (eta/4)|grad f|^2) dt + sqrt(eta) Sigma^{1/2} dW   order 2

and since the covariance itself is O(eta) both have it to O(eta^2) only; with the noise eta (Sigma + (eta/2)(H Sigma +
Sigma H)) it is right to O(eta^3).  The leading constants, in the eigenbasis with s = lam_i + lam_j, z = s T:

    mean        SME1  -(T/2) lam^2 e^{-lam T} x0 eta        SME2  -(T/3) lam^3 e^{-lam T} x0 eta^2
    covariance  SME1  Sigma [T^2 lam_i lam_j psi(z) + (T/2) s e^{-z}] eta^2,  psi(z) = (1 - e^{-z} - z e^{-z})/z^2
                SME2  Sigma (1 - e^{-z})/2 eta^2            SME2 with that noise  0 eta^2

The same holds for USAM with fixed rho, H replaced by H(I + rho H) and Sigma by (I + rho H) Sigma (I + rho H).
Conventions: loss with 1/2; rho in units of inverse curvature.
"""

import functools

import numpy as np
from scipy.special import hyp1f1

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import orthogonal
from samtheory.sde.limits import extrapolate
from samtheory.sde.moments import Linear, diffusion_law, discrete_law, modified, usam

EPS = np.finfo(float).eps
STEPS = 2 ** np.array([5, 6, 7, 8, 9, 10])
ORDERS = {"SME1": (1, 2), "SME2": (2, 2), "SME2 with its noise": (2, 2)}  # powers of eta: mean, covariance


@claim(
    title="The modified equations of SGD have weak orders one and two, with their constants",
    where="Theorem on stochastic modified equations, quadratics",
    kind="order",
    confidence="memory + derived",
    statement="""With drift -grad f the mean of SGD is matched to O(eta), with -grad(f + (eta/4)|grad f|^2) to O(eta^2);
        the covariance to O(eta^2) by both, to O(eta^3) with the noise Sigma + (eta/2)(H Sigma + Sigma H).""",
)
class ModifiedEquations:
    equation: str = choice(*ORDERS)
    dim: int = integer(1, 4)
    shape: str = choice("minimum", "saddle")
    rho: float = real(0, 0.4)
    horizon: float = real(0.3, 1.5)
    sigma: float = log_real(1e-2, 10)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """The rate and noise of the algorithm, x0."""
        rng = np.random.default_rng([self.seed, 0])
        lam = rng.uniform(0.4, 2, self.dim)
        if self.shape == "saddle":
            lam[-1] *= -0.75
        basis, root = orthogonal(rng, self.dim), self.sigma * rng.standard_normal((self.dim, self.dim))
        H = (basis * lam) @ basis.T
        return usam((H + H.T) / 2, root @ root.T, self.rho), rng.standard_normal(self.dim)

    @property
    def etas(self):
        return self.horizon / STEPS

    def assumptions(self):
        return [requires("eta |A| < 1/2", self.etas[0] * np.linalg.norm(self.data[0].rate, 2), "<", 0.5)]

    def measure(self, equation=None, drift=1.0):
        """Limits of the errors of mean and covariance over their powers of eta."""
        algorithm, x0 = self.data
        rows = []
        for eta, k in zip(self.etas, STEPS):
            exact = discrete_law(algorithm, eta, x0, int(k))
            model = {
                "flow": lambda: Linear(algorithm.rate, 0 * algorithm.noise),
                "SME1": lambda: algorithm,
                "SME2": lambda eta=eta: modified(algorithm, drift * eta)._replace(noise=algorithm.noise),
                "SME2 with its noise": lambda eta=eta: modified(algorithm, drift * eta, noise=True),
            }[equation or self.equation]()
            law = diffusion_law(model, eta, x0, self.horizon)
            mean, cov = ORDERS[self.equation]
            rows.append(((exact.mean - law.mean) / eta**mean, (exact.cov - law.cov) / eta**cov))
        return [extrapolate(column, self.etas) for column in zip(*rows)]

    def predict(self):
        (A, D), x0 = self.data
        a, V = np.linalg.eigh(A)
        T, s = self.horizon, a[:, None] + a
        left = V @ (np.exp(-a * T) * (V.T @ x0))
        mean = -T / 2 * A @ A @ left if self.equation == "SME1" else -T / 3 * A @ A @ A @ left
        factor = {
            "SME1": T**2 * np.outer(a, a) * hyp1f1(2, 3, -s * T) / 2 + T / 2 * s * np.exp(-s * T),
            "SME2": -np.expm1(-s * T) / 2,
            "SME2 with its noise": 0 * s,
        }[self.equation]
        return mean, V @ (V.T @ D @ V * factor) @ V.T

    def judge(self, measured, predicted):
        (A, D), x0 = self.data
        grown = np.exp(2 * max(0.0, -np.linalg.eigvalsh(A)[0]) * self.horizon)
        ulps = 100 * self.dim * EPS * grown
        sizes = (ulps * np.linalg.norm(x0), ulps * np.trace(D) * self.etas[-1])
        why = "the last three corrections of the extrapolation, and rounding of the closed forms"
        return [
            equals(
                f"{name} error/eta^{p}", got.value, want, tolerance=got.allowance + size / self.etas[-1] ** p, why=why
            )
            for name, p, got, want, size in zip(
                ("mean", "covariance"), ORDERS[self.equation], measured, predicted, sizes
            )
        ]

    controls = {
        "eta/2 instead of eta/4 in the drift": control(
            measure=lambda c: c.measure(drift=2.0), where={"equation": "SME2"}
        ),
        "the first-order equation is of order two": control(
            measure=lambda c: c.measure("SME1"), where={"equation": "SME2"}
        ),
        "the gradient flow has the covariance of SME1": control(
            measure=lambda c: c.measure("flow"), where={"equation": "SME1"}
        ),
        "SME2 has a better covariance than SME1": control(
            predict=lambda c: (c.predict()[0], 0.0), where={"equation": "SME2"}
        ),
        "the noise correction changes nothing": control(
            measure=lambda c: c.measure("SME2"), where={"equation": "SME2 with its noise"}
        ),
        "constants off by a hundredth": control(
            predict=lambda c: tuple(1.01 * p for p in c.predict()), where={"equation": choice("SME1", "SME2")}
        ),
    }


if __name__ == "__main__":
    script(__file__)
