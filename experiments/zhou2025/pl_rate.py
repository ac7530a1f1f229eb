"""Zhou et al. 2025 (arXiv 2410.10373), Theorem 4.3 (P4): USAM converges exponentially on smooth PL losses.

L >= 0 is beta-smooth with |grad L|^2 >= 2 m L.  Full batch, p = rho beta < 1, eta <= (1 - p)/(beta (1 + p)^2):
    L(x+) <= (1 - eta m (1 - p)) L(x),
because <g, g(x + rho g)> >= (1 - p)|g|^2 and |g(x + rho g)| <= (1 + p)|g| in the descent lemma.  One sample for both
gradients, every L_i >= 0 beta-smooth (so that all vanish together), p sqrt(beta/m) <= 2:
    E L(x+) <= (1 - 2 eta m (1 - p sqrt(beta/m)) + eta^2 beta^2 (1 + p)^2) L(x),
because E|g_i|^2 <= 2 beta L and t^2 - p s t increases for t >= p s/2.  Gradient descent has the same rate with p = 0:
this is no advantage of SAM.  (For the full batch dai2023/usam-pl-trapped has a better rate and step.)

Conventions: full batch, or B = 1 and the same sample twice; rho in units of inverse curvature; min L = 0.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.problems.core import constants
from samtheory.problems.quadratic import Diagonal
from samtheory.problems.separable import SinePL
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.linear_stability import (
    expected_losses,
    stochastic_usam_pl_rate,
    transfer,
    usam_pl_rate,
    usam_pl_step,
)

EPS = np.finfo(float).eps
GRID = np.linspace(0.05, 6, 120)  # starts of the sine loss, which is least steep near 2
SINGLE = {"family": "one sample of a least-squares problem", "dim": 1}
SMALL = "eta <= (1 - p)/(beta (1 + p)^2)"


@claim(
    title="USAM converges exponentially on smooth PL losses, full batch or with interpolation",
    where="Theorem 4.3 (P4)",
    kind="rate",
    confidence="text (exponential convergence), derived (the constants)",
    statement="""L(x+) <= (1 - eta m (1 - p)) L(x) for L >= 0 beta-smooth and m-PL, p = rho beta < 1 and
        eta <= (1 - p)/(beta (1 + p)^2); with one sample for both gradients and every L_i >= 0 beta-smooth,
        E L(x+) <= (1 - 2 eta m (1 - p sqrt(beta/m)) + eta^2 beta^2 (1 + p)^2) L(x) if p sqrt(beta/m) <= 2.""",
)
class PlRate:
    family: str = choice("quadratic", "x^2 + 3 sin^2 x", "one sample of a least-squares problem")
    p: float = log_real(1e-3, 0.99)  # rho beta; for one sample times sqrt(m/beta)
    share: float = real(0.05, 1)  # of the largest step; for one sample eta beta
    flat: float = log_real(1e-3, 1)  # m/beta of the quadratic, which has a curvature 0 as well if dim > 2
    tilt: float = log_real(1e-6, 1e3)  # x_0 along its top curvature, in units of the rest
    dim: int = integer(1, 5)
    n: int = integer(1, 5)  # samples of the least-squares problem
    seed: int = seeds()

    @functools.cached_property
    def problem(self):
        if self.family == "x^2 + 3 sin^2 x":
            return SinePL(3.0)
        others = np.random.default_rng([self.seed, 0]).uniform(self.flat, 1, self.dim)
        lam = np.array([1.0, self.flat, 0.0, *others])[: self.dim]
        return Diagonal(lam, 0 * lam)

    @property
    def stochastic(self):
        return self.family.startswith("one sample")

    @functools.cached_property
    def g(self):
        """Gradients of the predictions of the least-squares problem."""
        return np.random.default_rng([self.seed, 1]).standard_normal((self.n, self.dim))

    @property
    def spectrum(self):
        s = np.linalg.svd(self.g, compute_uv=False) ** 2
        return s[s > 1e-13 * s[0]] / len(self.g)

    @property
    def known(self):
        """beta and m."""
        if self.stochastic:
            beta = np.sum(self.g**2, axis=1).max()
            return beta, min(beta, self.spectrum[-1])
        return constants(self.problem).L, constants(self.problem).pl

    @property
    def rho(self):
        beta, m = self.known
        return self.p / beta * (np.sqrt(m / beta) if self.stochastic else 1)

    @property
    def eta(self):
        beta, _ = self.known
        return self.share * (1 / beta if self.stochastic else float(usam_pl_step(self.rho, beta)))

    def assumptions(self):
        beta, m = self.known
        p = self.rho * beta
        if self.stochastic:
            return [requires("p sqrt(beta/m) <= 2", p * np.sqrt(beta / m), "<=", 2), requires("m > 0", m, ">", 0)]
        return [
            requires("p < 1", p, "<", 1),
            requires(SMALL, self.eta * beta * (1 + p) ** 2, "<=", 1 - p),
            requires("m > 0", m, ">", 0),
        ]

    def measure(self):
        """L(x+)/L(x), and the round-off in it."""
        rng = np.random.default_rng([self.seed, 2])
        if self.stochastic:
            at = self.eta, self.rho, 1, "same_batch"
            run = expected_losses(self.g, rng.standard_normal(self.dim), *at, 4)
            cond = self.spectrum[0] / self.spectrum[-1]
            return run[1:] / run[:-1], 64 * EPS * np.linalg.norm(transfer(self.g, *at), 2) * cond
        if self.family == "quadratic":
            x = np.array([self.tilt, *rng.standard_normal(self.dim - 1)])[None]
        else:
            x = GRID[:, None]
        run = losses(self.problem, simulate(self.problem, USAM(self.eta, self.rho), x, 20, threads=1).states)
        # once L has fallen to the round-off of the point, its ratios say nothing
        return (run[:, 1:] / run[:, :-1])[run[:, :-1] > 1e-20 * run[:, :1]], 64 * EPS

    def predict(self, beta=1.0, m=1.0):
        """The rate, with beta and m times these factors."""
        beta, m = beta * self.known[0], m * self.known[1]
        return (stochastic_usam_pl_rate if self.stochastic else usam_pl_rate)(self.eta, self.rho, beta, min(m, beta))

    def judge(self, measured, rate):
        ratios, slack = measured
        return [
            at_most("L(x+)/L(x)", ratios, rate, slack=slack, why="64 ulp (of the matrix of second moments, cond(H))")
        ]

    controls = {
        "five times m": control(
            predict=lambda c: c.predict(m=5.0),
            where={
                "family": "quadratic",
                "dim": 2,
                "p": log_real(1e-3, 0.3),
                "flat": log_real(1e-3, 0.1),
                "tilt": 1e-6,
            },
        ),
        "m of the convex part": control(
            predict=lambda c: c.predict(m=2 / c.known[1]), where={"family": "x^2 + 3 sin^2 x", "p": log_real(1e-3, 0.3)}
        ),
        "twice the rate": control(
            predict=lambda c: 2 * c.predict() - 1,
            where={"family": "quadratic", "dim": 1, "p": log_real(1e-3, 0.1), "share": real(0.9, 1)},
        ),
        "step beyond the limit": control(
            where={"family": "quadratic", "dim": 1, "p": log_real(1e-3, 0.1), "share": real(2, 4)}, violates=SMALL
        ),
        "one sample: rate off by one per cent": control(
            predict=lambda c: 1.01 * c.predict() - 0.01, where=SINGLE | {"n": 1, "p": 1e-3, "share": real(0.05, 0.5)}
        ),
        "one sample: beta of the mean": control(
            predict=lambda c: c.predict(beta=c.known[1] / c.known[0]), where=SINGLE | {"n": 5, "p": 1e-3, "share": 1.0}
        ),
        "one sample: the rate of the full batch": control(
            predict=lambda c: usam_pl_rate(c.eta, c.rho, *c.known) ** 2,
            where=SINGLE | {"n": 5, "p": 1e-3, "share": 1.0},
        ),
    }


if __name__ == "__main__":
    script(__file__)
