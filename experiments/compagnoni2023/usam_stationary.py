"""Monzio Compagnoni et al. 2023 (arXiv 2301.08203): stationary laws of USAM and of its equation on a quadratic.

f = x'Hx/2, additive noise of covariance Sigma, b_i = 1 + rho lam_i, a_i = lam_i b_i > 0 (a minimum, or a saddle with
rho > 1/|lam_i| for every negative lam_i), eta a_i < 2.  In the eigenbasis of H the stationary covariances are

    equation   P_ij = eta b_i b_j Sigma_ij/(a_i + a_j)                      (lam = i = j: (eta/2) Sigma_ii b_i/lam_i)
    USAM       P_ij = eta b_i b_j Sigma_ij/(a_i + a_j - eta a_i a_j)

and E f = (eta/4) sum_i Sigma_ii (1 + rho lam_i) for the equation: above SGD's (eta/4) tr Sigma at a minimum, the more
the sharper.  At an attracting saddle the law is proper although f is unbounded below.

USAM's covariance is measured by squaring its own one-step map and noise response, both read off the rule; the
equation's by a general Lyapunov solver on the coefficients of the model.
Conventions: loss with 1/2; same noise in both gradients; rho in units of inverse curvature.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Quadratic, orthogonal
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.moments import linear_of
from samtheory.sde.pushes import FullUSAM, USAMPush
from samtheory.simulate import simulate

EPS = np.finfo(float).eps


@claim(
    title="Stationary covariance of USAM and of its equation, and the loss they end at",
    where="Stationary distribution on quadratics",
    kind="distribution",
    confidence="memory + derived",
    statement="""P_ij = eta b_i b_j Sigma_ij/(a_i + a_j - eta a_i a_j) for USAM, without the last term for its equation,
        b = 1 + rho lam, a = lam b; E f = (eta/4) sum Sigma_ii (1 + rho lam_i) under the equation's.""",
)
class Stationary:
    shape: str = choice("minimum", "saddle")
    dim: int = integer(1, 5)
    reach: float = real(0.1, 1.9)  # eta max a
    radius: float = log_real(0.05, 4)  # rho * max lam; at a saddle rho = (1 + radius)/min |negative lam|
    scale: float = log_real(0.1, 10)  # of the curvatures
    sigma: float = log_real(1e-3, 1e3)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """H, a factor of Sigma, rho, eta."""
        rng = np.random.default_rng([self.seed, 0])
        lam = self.scale * rng.uniform(0.2, 1, self.dim)
        rho = self.radius / lam.max()
        if self.shape == "saddle":
            lam[: 1 + self.dim // 2] *= -1
            rho = (1 + self.radius) / np.abs(lam[lam < 0]).min()
        basis = orthogonal(rng, self.dim)
        H = (basis * lam) @ basis.T
        eta = self.reach / (lam * (1 + rho * lam)).max()
        return (H + H.T) / 2, self.sigma * rng.standard_normal((self.dim, self.dim)), rho, eta

    @property
    def pairs(self):
        """Eigenvalues and eigenvectors of H, b = 1 + rho lam, Sigma in the eigenbasis."""
        H, S, rho, _ = self.data
        lam, V = np.linalg.eigh(H)
        return lam, V, 1 + rho * lam, V.T @ S @ S.T @ V

    def assumptions(self):
        lam, _, b, _ = self.pairs
        return [
            requires("every rate a_i is positive", (lam * b).min(), ">", 0),
            requires("eta a_i < 2", self.data[3] * (lam * b).max(), "<", 2),
        ]

    def measure(self, rule=USAM, push=USAMPush()):  # noqa: B008
        H, S, rho, eta = self.data
        step = rule(eta, rho) if rule is USAM else rule(eta)
        one = np.eye(self.dim)

        def moved(centre, start):  # additive noise z moves the centre of the parabola by -H^{-1} z
            return simulate(Quadratic(H, centre), step, start, 1, every=1, threads=1).x

        R = moved(0 * one[0], one).T
        noise = np.stack([moved(-np.linalg.solve(H, column), 0 * column) for column in S.T], axis=1)
        P = noise @ noise.T
        while 1e-30 < np.abs(R).max() < 1e30:  # P = sum_j R^j N R'^j, twice as many terms a pass
            P, R = P + R @ P @ R.T, R @ R
        from scipy.linalg import solve_continuous_lyapunov

        equation = linear_of(AdditiveSDE(Quadratic(H, 0 * one[0]), S, eta, rho, push))
        Q = solve_continuous_lyapunov(equation.rate, eta * equation.noise)
        return P, Q, np.sum(H * Q) / 2

    def predict(self, discrete=True):
        lam, V, b, sigma = self.pairs
        eta, a = self.data[3], lam * b
        noise, total = eta * np.outer(b, b) * sigma, a[:, None] + a
        P = V @ (noise / (total - eta * np.outer(a, a) * discrete)) @ V.T
        return P, V @ (noise / total) @ V.T, eta / 4 * np.sum(np.diag(sigma) * b)

    def judge(self, measured, predicted):
        lam, _, b, sigma = self.pairs
        eta, a = self.data[3], lam * b
        # rates are known to 10 d ulp of the largest |lam| max |b|, and enter as eta a_i, 2 - eta a_i and a_i + a_j
        lost = 10 * self.dim * EPS * np.abs(lam).max() * np.abs(b).max()
        solve = 10 * self.dim * EPS * np.abs(lam).max() / np.abs(lam).min()  # of H^{-1} z
        size = eta * np.abs(sigma).max() * np.abs(b).max() ** 2 / 2
        gap, least = np.abs(np.minimum(a, 2 / eta - a)).min(), np.abs(a).min()
        noise = lost / np.abs(b).min() / np.abs(lam).max()
        discrete = 8 * self.dim * size / gap * (lost / gap + solve + noise)
        smooth = 8 * self.dim * size / least * (lost / least + noise)
        why = "10 d ulp of the rates, through the smallest denominator"
        return [
            equals("Cov of USAM", measured[0], predicted[0], tolerance=discrete, why=why),
            equals("Cov of the equation", measured[1], predicted[1], tolerance=smooth, why=why),
            equals("E f", measured[2], predicted[2], tolerance=self.dim * np.abs(lam).max() * smooth, why=why),
        ]

    controls = {
        "the equation's covariance for USAM itself": control(predict=lambda c: c.predict(discrete=False)),
        "the loss of SGD, (eta/4) tr Sigma": control(
            predict=lambda c: (*c.predict()[:2], c.data[3] / 4 * np.sum(c.data[1] ** 2)), where={"shape": "minimum"}
        ),
        "a lower loss, 1/(1 + rho lam)": control(
            predict=lambda c: (*c.predict()[:2], c.data[3] / 4 * np.sum(np.diag(c.pairs[3]) / c.pairs[2]))
        ),
        "gradient descent in place of USAM": control(measure=lambda c: c.measure(GD), where={"shape": "minimum"}),
        "noise in the descent step only": control(measure=lambda c: c.measure(push=FullUSAM())),
        "covariances off by one part in a million": control(
            predict=lambda c: tuple((1 + 1e-6) * p for p in c.predict())
        ),
        "a saddle with rho below 1/|lam|": control(
            where={"shape": "saddle", "radius": real(-0.9, -0.05), "dim": integer(3, 5)},
            violates="every rate a_i is positive",
        ),
    }


if __name__ == "__main__":
    script(__file__)
