"""Si & Yun 2023 (arXiv 2306.09850): upper bounds of stochastic SAM with a constant radius, with their floors.

f beta-smooth, eta <= 1/beta, E|grad l - grad f|^2 <= sigma^2.  With independent samples (n-SAM) the descent gradient
is unbiased at the perturbed point, and |g(y) - g(x)| <= beta rho gives
    E f(x+) <= f(x) - (eta/2)|g|^2 + (eta/2) beta^2 rho^2 + (beta/2) eta^2 sigma^2;
with the same sample twice (m-SAM, every l beta-smooth) the noise term is beta eta^2 (sigma^2 + beta^2 rho^2).  Summed,
or with PL contracted:
    (1/T) sum E|g|^2 <= 2 gap_0/(eta T) + beta^2 rho^2 + noise,
    E f(x_t) - f*    <= (1 - eta mu)^t gap_0 + (beta^2 rho^2 + noise)/(2 mu),
noise = beta eta sigma^2 (n) or 2 beta eta (sigma^2 + beta^2 rho^2) (m).  For one-dimensional quadratics, n-SAM and
eta = 1/beta the second is an equality for t >= 1.

Monte Carlo: Student's intervals of batch means, false alarm 1e-6/8 each; refuted only if the interval is past it.
Conventions: l(x; i) = beta (x - c)^2/2 + xi_i . x with n equally likely xi_i (mean 0); one sample a gradient.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms, losses, sample_gradients
from samtheory.oracles import WithReplacement
from samtheory.problems.core import constants
from samtheory.problems.finite_sum import LeastSquares, TanhFit
from samtheory.rules.sam import SAM
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.constant_radius import nonconvex_gradient_bound, stochastic_gap_bound

RUNS, STEPS, ALARM = 16_384, 40, 1e-6 / 8
LINE = {"family": "line", "samples": "independent"}


@claim(
    title="Upper bounds of stochastic SAM with a constant radius",
    where="stochastic, PL and non-convex",
    kind="bound",
    confidence="derived",
    statement="""E f(x_t) - f* <= (1 - eta mu)^t gap_0 + (beta^2 rho^2 + noise)/(2 mu) under PL, and
        (1/T) sum E|g|^2 <= 2 gap_0/(eta T) + beta^2 rho^2 + noise, noise = beta eta sigma^2 for independent samples,
        2 beta eta (sigma^2 + beta^2 rho^2) for shared ones, eta <= 1/beta; equal for parabolas, n-SAM, eta = 1/beta""",
    cost=6,
)
class StochasticUpper:
    family: str = choice("line", "plane", "neuron")  # parabola; strongly convex, rank 2; not convex
    samples: str = choice("independent", "shared")
    h: float = real(0.05, 1)  # eta beta
    rho: float = log_real(0.05, 2)
    sigma: float = log_real(0.1, 3)  # size of the labels' noise
    count: int = integer(2, 10)  # samples
    start: float = real(0, 3)
    seed: int = seeds()

    examples = ({"family": "line", "samples": "independent", "h": 1.0, "rho": 0.5, "sigma": 1.0, "count": 4,
                 "start": 2.0, "seed": 0},)  # fmt: skip

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        noise = self.sigma * rng.standard_normal(self.count)
        if self.family == "line":
            return LeastSquares(np.ones((self.count, 1)), noise)
        if self.family == "plane":  # orthogonal rows of one length each: the noise does not grow with x
            rows = np.array([[1.0, 0.3], [1.0, 0.3]])
            return LeastSquares(np.repeat(rows, self.count, axis=0)[: self.count], noise, 0.5)
        return TanhFit(rng.standard_normal((self.count, 2)), np.tanh(noise))

    @functools.cached_property
    def data(self):
        """beta (of every sample), PL constant or None, f*, sigma^2 as an upper bound over all x."""
        p = self.problem
        if self.family == "neuron":  # |phi'| <= 2, |phi''| < 4 with |y| < 1; f >= 0
            rows = (p.A**2).sum(axis=1)
            return 4 * rows.max(), None, 0.0, 4 * rows.mean()
        known, x = (
            constants(p),
            np.zeros(p.A.shape[1]),
        )  # the samples' Hessians are equal, so the noise is the same everywhere
        spread = sample_gradients(p, x)
        sigma2 = ((spread - spread.mean(axis=0)) ** 2).sum(axis=1).mean()
        return known.L, known.pl, known.f_star, sigma2

    def assumptions(self):
        beta, each = self.data[0], (self.problem.A**2).sum(axis=1).max()
        return [
            requires("eta beta <= 1", self.h, "<=", 1),
            requires("every sample is beta-smooth", each * (1 if self.family != "neuron" else 4) + self.problem.reg,
                     "<=", beta),
        ]  # fmt: skip

    @property
    def point(self):
        return self.start * np.ones(self.problem.A.shape[1])

    def measure(self):
        """E f(x_t) - f* for t = 1, ..., and the mean of E|g|^2, as intervals."""
        oracle = WithReplacement(self.problem, 1, self.samples == "shared")
        rule = SAM(self.h / self.data[0], self.rho)
        run = simulate(oracle, rule, self.point, STEPS, members=RUNS, seed=self.seed, threads=1)
        gap = losses(self.problem, run.states[:, [1, 2, 5, 10, STEPS]]) - self.data[2]
        mean = (grad_norms(self.problem, run.states[:, :-1]) ** 2).mean(axis=1)
        return mean_interval(gap, ALARM), mean_interval(mean, ALARM)

    def predict(self):
        beta, pl, low, sigma2 = self.data
        gap0, shared = float(losses(self.problem, self.point)) - low, self.samples == "shared"
        common = self.h / beta, self.rho, gap0, np.sqrt(sigma2), shared
        mean = nonconvex_gradient_bound(STEPS, beta, *common)
        if pl is None:
            return None, mean
        return stochastic_gap_bound(np.array([1, 2, 5, 10, STEPS]), pl, beta, *common), mean

    def judge(self, measured, predicted):
        (gap, mean), (bound, slope) = measured, predicted
        why = "Monte Carlo alone, false alarm 1e-6"
        evidence = [upper("mean E|g|^2", mean, slope, why)]
        if bound is not None:
            evidence.append(upper("E f(x_t) - f*", gap, bound, why))
            if self.family == "line" and self.samples == "independent" and self.h == 1:
                evidence.append(equals("E f(x_t) - f* at eta = 1/beta", gap.estimate, bound,
                                       tolerance=gap.half_width + 1e-12 * bound, why=why))  # fmt: skip
        return evidence

    controls = {
        "floor off by five per cent": control(
            predict=lambda c: (0.95 * c.predict()[0], c.predict()[1]),
            where=LINE | {"h": 1.0, "count": 2}, refutes="E f(x_t) - f*",
        ),
        "no beta^2 rho^2": control(
            predict=lambda c: (c.predict()[0] - c.rho**2 / 2, c.predict()[1]),
            where=LINE | {"h": real(0.8, 1), "rho": real(1, 2), "sigma": real(0.1, 0.5)}, refutes="E f(x_t) - f*",
        ),
        "no noise": control(
            predict=lambda c: (c.predict()[0] - c.h * c.data[3] / 2, c.predict()[1]),
            where=LINE | {"h": real(0.8, 1), "rho": real(0.05, 0.2), "sigma": real(1, 3)}, refutes="E f(x_t) - f*",
        ),
        "no noise in the mean of E|g|^2": control(
            predict=lambda c: (None, c.predict()[1] - c.h * c.data[3] - 2 * c.start**2 / c.h / STEPS),
            where=LINE | {"h": real(0.8, 1), "rho": real(0.05, 0.2), "sigma": real(1, 3), "start": real(0, 0.1)},
        ),
        "eta = 1.5/beta": control(
            predict=lambda c: (np.full(5, (c.rho**2 + c.h * c.data[3]) / 2), None), 
            where=LINE | {"h": real(1.4, 1.7), "rho": real(0.05, 0.2), "sigma": real(1, 3), "start": real(0, 0.1)},
            violates="eta beta <= 1", refutes="E f(x_t) - f*",
        ),
    }  # fmt: skip


def upper(name, interval, bound, why):
    """Refuted only where the whole interval is above the bound."""
    bound = np.inf if bound is None else bound
    slack = interval.half_width + 1e-12 * np.abs(interval.estimate)
    return at_most(name, interval.estimate, bound, slack=slack, why=why)


if __name__ == "__main__":
    script(__file__)
