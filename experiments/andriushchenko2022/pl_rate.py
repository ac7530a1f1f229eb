"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): stochastic USAM on PL functions, decreasing steps.

E|g_i - g|^2 <= sigma^2, every loss beta-smooth, f mu-PL; eta_t = min{(8t + 4)/(3 mu (t + 1)^2), 1/(2 beta)} and
rho_t = sqrt(eta_t/beta):
    E f(w_T) - f* <= 3 beta^2 (f(w_0) - f*)/(mu^2 T^2) + 22 beta sigma^2/(b mu^2 T).
Remembered, and not derived here: while eta_t = 1/(2 beta), rho_t = .71/beta, the worst decrease over all smooth
functions (samtheory/usam-nonconvex-exact) guarantees a factor 1 - .27 mu/beta a step, and T^2 (1 - .27 mu/beta)^T has
the maximum 7.4 (beta/mu)^2 > 3; the constant 3 needs 1 - .43 mu/beta, which the functions looked at beat.
On f(w) = sum w_j^2 + 3 sin^2 w_j the PL constant is mu = .17553 (folklore: 1/32, valid and 5.6 times smaller).

Conventions: f_i(w) = f(w) + <xi_i, w>, xi ~ N(0, sigma^2/d I); one batch for both gradients; un-normalised ascent.
Expectation: exact without noise, else 1280 runs.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.oracles import GaussianNoise
from samtheory.problems.core import constants
from samtheory.problems.quadratic import Diagonal
from samtheory.problems.separable import SinePL
from samtheory.rules.schedules import Table
from samtheory.rules.usam import USAM
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.unified import usam_decreasing_bound, usam_decreasing_schedule

EPS = np.finfo(float).eps
RUNS = 1280
GAP = "E f(w_T) - f*"


@claim(
    title="Stochastic USAM on PL functions with decreasing steps: O(1/T)",
    where="convergence theorem, PL",
    kind="bound",
    confidence="memory (the constants 3 and 22 are not derived)",
    caveat="constants remembered; looked at on x^2 + c sin^2 x and quadratics, where the noise term is far too large",
    statement="""E f(w_T) - f* <= 3 beta^2 (f(w_0) - f*)/(mu^2 T^2) + 22 beta sigma^2/(b mu^2 T) for
        eta_t = min{(8t + 4)/(3 mu (t + 1)^2), 1/(2 beta)}, rho_t = sqrt(eta_t/beta).""",
    cost=4.0,
)
class PlRate:
    family: str = choice("x^2 + c sin^2 x", "quadratic")
    noise: str = choice("none", "additive")
    c: float = real(0, 3.5)
    kappa: float = log_real(1, 30)
    size: int = integer(1, 8)
    sigma: float = log_real(0.1, 10)
    dim: int = integer(1, 3)
    start: float = log_real(0.1, 10)
    seed: int = seeds()

    examples = (
        {"family": "x^2 + c sin^2 x", "noise": "additive", "c": 3.0, "kappa": 1.0, "size": 1, "sigma": 1.0, "dim": 3,
         "start": 2.0, "seed": 0},
        {"family": "quadratic", "noise": "none", "c": 3.0, "kappa": 10.0, "size": 1, "sigma": 1.0, "dim": 3,
         "start": 2.0, "seed": 0},
    )  # fmt: skip

    @functools.cached_property
    def problem(self):
        if self.family == "quadratic":
            between = np.random.default_rng([self.seed, 0]).uniform(1 / self.kappa, 1, self.dim)
            lam = np.array([1 / self.kappa, 1, *between])[: self.dim]
            return Diagonal(lam, 0 * lam)
        return SinePL(self.c, self.dim)

    @property
    def known(self):
        """mu and beta, for quadratics an upper bound of it."""
        at = constants(self.problem)
        return at.pl, 1.0 if self.family == "quadratic" else at.L

    @property
    def x0(self):
        return self.start * np.random.default_rng([self.seed, 1]).standard_normal(self.dim)

    @property
    def steps(self):
        """To four times the switch of eta_t."""
        mu, beta = self.known
        return int(22 * beta / mu) + 10

    def assumptions(self):
        mu, beta = self.known
        return [
            requires("every loss is beta-smooth", constants(self.problem).L, "<=", beta),
            requires("mu > beta/100", mu, ">", beta / 100),
        ]

    def measure(self, constant=False):
        """Times, E f(w_T) - f*, half-widths; `constant`: eta and rho stay at their first values."""
        eta, rho = (Table(s) for s in usam_decreasing_schedule(self.steps, *self.known))
        rule = USAM(float(eta.values[0]), float(rho.values[0])) if constant else USAM(eta, rho)
        quiet = self.noise == "none"
        sigma = 0.0 if quiet else self.sigma / np.sqrt(self.size * self.dim)
        every = 1 if quiet else max(1, self.steps // 32)
        run = simulate(
            GaussianNoise(self.problem, sigma), rule, self.x0, self.steps, members=1 if quiet else RUNS, every=every,
            record={"gap": lambda x: losses(self.problem, x)}, seed=self.seed, threads=1,
        )  # fmt: skip
        if quiet:
            return run.t[1:], run["gap"][0, 1:], 0.0
        found = mean_interval(run["gap"][:, 1:], 1e-6 / len(run.t))
        return run.t[1:], found.estimate, found.half_width

    def predict(self, three=3.0, noise=22.0):
        """The bound as a function of T."""
        mu, beta = self.known
        sigma = 0.0 if self.noise == "none" else self.sigma
        gap0 = three / 3 * losses(self.problem, self.x0)
        return lambda T: usam_decreasing_bound(T, mu, beta, sigma * np.sqrt(noise / 22), self.size, gap0)

    def judge(self, measured, bound):
        times, gaps, half = measured
        why = "1e-12; with noise Student's interval of 1280 runs, false alarm 1e-6"
        return [at_most(GAP, gaps, bound(times), slack=1e-12 * bound(times), error=half, why=why)]

    controls = {
        "22 lowered to 0.02": control(
            predict=lambda c: c.predict(noise=0.02),
            where={"noise": "additive", "family": "quadratic", "kappa": 1.0, "dim": 1, "start": 0.1,
                   "sigma": real(1, 10)},
        ),
        "3 lowered to 0.1": control(
            predict=lambda c: c.predict(three=0.1),
            where={"noise": "none", "family": "quadratic", "kappa": real(5, 30), "dim": 1},
        ),
        "constant steps": control(
            measure=lambda c: c.measure(constant=True), predict=lambda c: c.predict(noise=0.5),
            where={"noise": "additive", "family": "quadratic", "kappa": 1.0, "dim": 1, "sigma": real(1, 10)},
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
