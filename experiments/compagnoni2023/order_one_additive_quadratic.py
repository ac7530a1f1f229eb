"""Monzio Compagnoni et al. 2023 (arXiv 2301.08203): the USAM equation is of weak order one, on quadratics and exactly.

f = x'Hx/2 (a saddle is allowed), g_b(x) = Hx + Z, Z ~ N(0, Sigma) one draw a step for both gradients,
rho = c sqrt(eta).  USAM x+ = x - eta g_b(x + rho g_b(x)) and

    dX = -grad(f + rho/2 |grad f|^2) dt + sqrt(eta) (I + rho H) Sigma^{1/2} dW

both have Gaussian laws in closed form, so the errors at T are known without sampling.  Order one is checked with its
constants: in the eigenbasis of H, as eta -> 0,

    (E x_k - E X_T)_i / eta      -> -(T/2) lam_i^2 e^{-lam_i T} x0_i
    (Cov x_k - Cov X_T)_ij/eta^2 -> Sigma_ij [T^2 lam_i lam_j psi(s T) + (T/2) s e^{-s T}],
    s = lam_i + lam_j,  psi(z) = (1 - e^{-z} - z e^{-z})/z^2.

Half a power of eta more or less, or any wrong term of size rho, makes the extrapolated limits miss these numbers.
The mean of the algorithm is its run without noise (everything is linear), compared with the closed form at the
largest step; rate and noise of the equation are read off the model.  An Euler-Maruyama path of step eta *is* the
algorithm, so comparing with one shows nothing: control.

Conventions: loss with 1/2; rho in units of inverse curvature; same noise in both gradients.
"""

import functools

import numpy as np
from scipy.special import hyp1f1

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Quadratic, orthogonal
from samtheory.rules.usam import USAM
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.limits import extrapolate
from samtheory.sde.moments import diffusion_law, discrete_law, linear_of, usam
from samtheory.sde.pushes import NoPush, USAMPush
from samtheory.simulate import simulate

EPS = np.finfo(float).eps
STEPS = 2 ** np.array([8, 11, 14, 17, 20])


@claim(
    title="The USAM equation is an order-one weak approximation of USAM, with its constants",
    where="Theorem on USAM, quadratics",
    kind="order",
    confidence="memory + derived",
    statement="""On f = x'Hx/2 with additive noise and rho = c sqrt(eta), mean and covariance/eta of USAM and of
        dX = -grad(f + rho/2 |grad f|^2) dt + sqrt(eta)(I + rho H) Sigma^{1/2} dW differ at T by C eta + o(eta),
        C = -(T/2) H^2 e^{-HT} x0 for the mean.""",
    cost=2,
)
class OrderOne:
    dim: int = integer(1, 4)
    shape: str = choice("minimum", "saddle")
    c: float = real(0.1, 1)  # rho/sqrt(eta)
    horizon: float = real(0.3, 1.5)  # T
    sigma: float = log_real(1e-2, 10)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """H, a factor of Sigma, x0, and the eigenpairs of H."""
        rng = np.random.default_rng([self.seed, 0])
        lam = rng.uniform(0.3, 2, self.dim)
        if self.shape == "saddle":
            lam[-1] *= -0.75
        basis = orthogonal(rng, self.dim)
        H = (basis * lam) @ basis.T
        return (H + H.T) / 2, self.sigma * rng.standard_normal((self.dim, self.dim)), rng.standard_normal(self.dim)

    @property
    def etas(self):
        return self.horizon / STEPS

    def assumptions(self):
        rate = usam(self.data[0], 0 * self.data[0], self.radius(self.etas[0])).rate
        return [requires("eta |A| < 1 at the largest step", self.etas[0] * np.linalg.norm(rate, 2), "<", 1)]

    def radius(self, eta):
        return self.c * eta**0.5

    def measure(self, drift=USAMPush(), factor=1.0, diffusion=None, circular=False):  # noqa: B008
        """Limits of (mean error)/eta and (covariance error)/eta^2; `diffusion` replaces the noise of the equation."""
        H, S, x0 = self.data
        problem, means, covs = Quadratic(H, 0 * x0), [], []
        for eta, k in zip(self.etas, STEPS):
            rho = self.radius(eta)
            algorithm = usam(H, S @ S.T, rho)
            exact = discrete_law(algorithm, eta, x0, int(k))
            if circular:
                law = discrete_law(linear_of(AdditiveSDE(problem, S, eta, rho, drift)), eta, x0, int(k))
            else:
                equation = linear_of(AdditiveSDE(problem, S, eta, factor * rho, drift))
                noise = equation.noise if diffusion is None else usam(H, S @ S.T, rho, diffusion=diffusion).noise
                law = diffusion_law(equation._replace(noise=noise), eta, x0, self.horizon)
            means.append((exact.mean - law.mean) / eta)
            covs.append((exact.cov - law.cov) / eta**2)
        eta, k = self.etas[0], int(STEPS[0])
        run = simulate(problem, USAM(eta, self.radius(eta)), x0, k, every=k, threads=1).x
        form = discrete_law(usam(H, S @ S.T, self.radius(eta)), eta, x0, k).mean
        return extrapolate(means, self.etas**0.5), extrapolate(covs, self.etas**0.5), run - form

    def predict(self):
        H, S, x0 = self.data
        lam, V = np.linalg.eigh(H)
        T, s = self.horizon, lam[:, None] + lam
        mean = -T / 2 * V @ (lam**2 * np.exp(-lam * T) * (V.T @ x0))
        growth = T**2 * np.outer(lam, lam) * hyp1f1(2, 3, -s * T) / 2 + T / 2 * s * np.exp(-s * T)
        return mean, V @ ((V.T @ S @ S.T @ V) * growth) @ V.T

    def judge(self, measured, predicted):
        (mean, cov, run), (H, S, x0) = measured, self.data
        # a run errs by (2d + 8) ulp a step, a closed form by about as much in all; both grow with the flow
        grown = np.exp(2 * max(0.0, -np.linalg.eigvalsh(H)[0]) * self.horizon)
        ulps = (2 * self.dim + 8) * EPS * grown
        why = "the last three corrections of the extrapolation, and rounding of the closed forms"
        return [
            equals(
                f"{name} error/eta as eta -> 0",
                got.value,
                want,
                tolerance=got.allowance + 2 * ulps * size / self.etas[-1],
                why=why,
            )
            for name, got, want, size in zip(
                ("mean", "covariance/eta"), (mean, cov), predicted, (np.linalg.norm(x0), np.sum(S * S))
            )
        ] + [
            equals("E x_k of the run - r^k x0", run, 0, tolerance=STEPS[0] * ulps * np.linalg.norm(x0), why="rounding"),
        ]

    controls = {
        "drift without the rho term": control(measure=lambda c: c.measure(NoPush())),
        "rho doubled": control(measure=lambda c: c.measure(factor=2.0)),
        "rho term left out of the diffusion": control(measure=lambda c: c.measure(diffusion="plain")),
        "diffusion cut at first order in rho has another constant": control(
            measure=lambda c: c.measure(diffusion="truncated"), where={"c": real(0.3, 1)}
        ),
        "no diffusion": control(measure=lambda c: c.measure(diffusion="none")),
        "Euler-Maruyama of step eta is the algorithm": control(measure=lambda c: c.measure(circular=True)),
        "constants off by a thousandth": control(predict=lambda c: tuple(1.001 * p for p in c.predict())),
    }


if __name__ == "__main__":
    script(__file__)
