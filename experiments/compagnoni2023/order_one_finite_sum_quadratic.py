"""Monzio Compagnoni et al. 2023 (arXiv 2301.08203): the USAM equation, now under multiplicative noise.

f_i = (x - b_i)'H_i(x - b_i)/2, one index a step, uniform with replacement, rho = c sqrt(eta).  USAM and

    dX = -grad(f + rho/2 E|g_i|^2) dt + sqrt(eta) Cov(g_i + rho H_i g_i)^{1/2} dW

have first and second moments in closed form (a matrix power, a matrix exponential): no sampling.  As eta -> 0

    (E x_k - E X_T)/eta              -> -(T/2) H^2 e^{-HT} (x0 - x*),   H = mean H_i, x* the minimiser of f
    (Cov x_k - Cov X_T)/eta^{3/2}    -> 0.

An equation that misses a term of size rho in the drift has a mean error of order sqrt(eta); one that misses it in
the diffusion is only seen in the covariance, at the order eta^{3/2}.  Dropping the trace of the gradient covariance,
f + rho/2 |grad f|^2, is such a miss.  The covariance cut at first order in rho is of order one as well.

Conventions: loss with 1/2; same sample in both gradients; rho in units of inverse curvature.
"""

import functools

import numpy as np
from scipy.linalg import expm

from samtheory.claims import claim, control, equals, integer, real, requires, script, seeds
from samtheory.problems.quadratic import orthogonal
from samtheory.problems.quadratic_sum import QuadraticSum
from samtheory.sde.batch_moments import batch_diffusion_law, batch_discrete_law, batches
from samtheory.sde.limits import extrapolate
from samtheory.sde.pushes import FullUSAM, NoPush, USAMPush

EPS = np.finfo(float).eps
STEPS = 2 ** np.array([7, 9, 11, 13, 15])


@claim(
    title="The USAM equation is of order one under multiplicative noise; without tr Cov(g_i) in the drift it is not",
    where="Theorem on USAM, finite sums of quadratics",
    kind="order",
    confidence="memory + derived",
    statement="""On finite sums of quadratics with rho = c sqrt(eta), mean and covariance/eta of one-sample USAM and of
        dX = -grad(f + rho/2 E|g_i|^2) dt + sqrt(eta) Cov(g_i + rho H_i g_i)^{1/2} dW agree at T up to O(eta).""",
    cost=4,
)
class OrderOneFiniteSum:
    samples: int = integer(3, 8)
    dim: int = integer(1, 3)
    c: float = real(0.2, 0.8)  # rho/sqrt(eta)
    horizon: float = real(0.5, 1.5)  # T
    seed: int = seeds()

    @functools.cached_property
    def problem(self):
        """H_i with random eigenvectors and curvatures in [0, 3], b_i ~ N(0, 1)."""
        rng = np.random.default_rng([self.seed, 0])
        bases = [orthogonal(rng, self.dim) for _ in range(self.samples)]
        curvature = [(q * rng.uniform(0, 3, self.dim)) @ q.T for q in bases]
        return QuadraticSum([(h + h.T) / 2 for h in curvature], rng.standard_normal((self.samples, self.dim)))

    @property
    def start(self):
        x = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        return 2 * x / np.linalg.norm(x)

    @property
    def etas(self):
        return self.horizon / STEPS

    def assumptions(self):
        rho = self.c * self.etas[0] ** 0.5
        top = max(np.linalg.norm(h + rho * h @ h, 2) for h in self.problem.curvature)
        return [requires("eta |H_i (I + rho H_i)| < 1", self.etas[0] * top, "<", 1)]

    def measure(self, kind=USAMPush(), factor=1.0, diffusion="full"):  # noqa: B008
        """Limits of (mean error)/eta and (covariance error)/eta^{3/2}; `kind` and `factor` are the equation's drift."""
        algorithm, drift = batches(self.problem, USAMPush()), batches(self.problem, kind)
        means, covs = [], []
        for eta, k in zip(self.etas, STEPS):
            rho = self.c * eta**0.5
            exact = batch_discrete_law(algorithm, rho, eta, self.start, int(k))
            law = batch_diffusion_law(drift, factor * rho, eta, self.start, self.horizon, diffusion=diffusion)
            means.append((exact.mean - law.mean) / eta)
            covs.append((exact.cov - law.cov) / eta**1.5)
        return extrapolate(means, self.etas**0.5), extrapolate(covs, self.etas**0.5)

    def predict(self):
        maps = batches(self.problem, NoPush())
        G, y = maps.mean(maps.gradient), np.append(self.start, 1.0)
        return (-self.horizon / 2 * G @ G @ expm(-self.horizon * G) @ y)[:-1], 0.0

    def judge(self, measured, predicted):
        # powers of maps on (x, 1) of norm about 1, with entries of size |H_i b_i|^2: a few ulp a squared step
        size = 10 * (1 + np.abs(batches(self.problem, USAMPush()).gradient).max()) ** 2 * EPS * STEPS[-1]
        why = "the last three corrections of the extrapolation, and rounding of the matrix power"
        names = ("mean error/eta", "covariance error/eta^{3/2}")
        units = (self.etas[-1], self.etas[-1] ** 0.5)  # the covariance is of the order eta
        return [
            equals(f"{name} as eta -> 0", got.value, want, tolerance=got.allowance + size / unit, why=why)
            for name, got, want, unit in zip(names, measured, predicted, units)
        ]

    controls = {
        "drift of SGD": control(measure=lambda c: c.measure(NoPush())),
        "tr Cov(g_i) dropped from the drift": control(measure=lambda c: c.measure(FullUSAM())),
        "rho doubled": control(measure=lambda c: c.measure(factor=2.0)),
        "sign of rho flipped": control(measure=lambda c: c.measure(factor=-1.0)),
        "rho term left out of the diffusion": control(measure=lambda c: c.measure(diffusion="plain")),
        "no diffusion": control(measure=lambda c: c.measure(diffusion="none")),
        "diffusion cut at first order in rho is of order one too": control(
            measure=lambda c: c.measure(diffusion="truncated"), expect="holds"
        ),
        "constant of the mean off by a hundredth": control(
            predict=lambda c: (1.01 * c.predict()[0], 0.0), where={"dim": 1}
        ),
    }


if __name__ == "__main__":
    script(__file__)
