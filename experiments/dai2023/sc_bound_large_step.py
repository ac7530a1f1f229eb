"""Ours, repairing Dai, Ahn & Sra 2023 (arXiv 2305.15287), Theorem 1: SAM stays bounded for every eta < 2/beta and rho.

f beta-smooth and alpha-PL (|g|^2 >= 2 alpha (f - f*); no convexity), h = eta beta < 2.  Proof:
delta = g(w + rho g/|g|) - g(w) has |delta| <= beta rho, so the descent lemma gives
f(w+) <= f(w) - eta (1 - h/2) |g|^2 + eta (h - 1) <g, delta> + beta^3 eta^2 rho^2/2, where
eta |h - 1| |g| beta rho <= eta (2 - h)/4 |g|^2 + eta (h - 1)^2 beta^2 rho^2/(2 - h), and PL closes it.  It is meant for
h >= 1, where dai2023/sc-bound fails, and is true below.  A parabola ends at h^2/(2 h^2 - 4 h + 4) times the floor:
tight as h -> 2.

Conventions: full batch; normalised ascent; no perturbation at a zero gradient.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.problems.core import constants
from samtheory.problems.quadratic import Diagonal
from samtheory.problems.separable import SinePL
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.bounds import sam_bound_large_step

EPS = np.finfo(float).eps
STEPS = np.arange(301)
PARABOLA = {"dim": 1, "family": "quadratic"}


@claim(
    title="SAM on PL losses is bounded for every step below 2/beta and every rho",
    where="beside Theorem 1 (SAM)",
    kind="bound",
    confidence="derived",
    statement="""f(w_t) - f* <= (1 - alpha eta (2 - h)/2)^t (f(w_0) - f*)
        + [beta^3 eta^2 rho^2/2 + eta (h - 1)^2 beta^2 rho^2/(2 - h)]/[alpha eta (2 - h)/2] for all t,
        if f is beta-smooth and alpha-PL and h = eta beta is in (0, 2).""",
)
class LargeStepBound:
    h: float = real(0.05, 1.95)  # eta beta
    rho: float = log_real(1e-2, 3)
    size: float = log_real(1e-2, 1e2)  # |w_0|
    dim: int = integer(1, 6)
    family: str = choice("quadratic", "sine")
    condition: float = log_real(1, 30)  # quadratic: beta/alpha
    c: float = real(0, 4.5)  # sine: sum x^2 + c sin^2 x, not convex for c > 1
    seed: int = seeds()

    examples = (
        {"h": 1.8, "rho": 0.5, "size": 3.6, "condition": 4.0, "c": 0.0, "family": "quadratic", "dim": 2, "seed": 0},
        {"h": 1.8, "rho": 0.5, "size": 3.6, "condition": 1.0, "c": 0.0, "family": "quadratic", "dim": 1, "seed": 0},
        {"h": 1.5, "rho": 0.5, "size": 3.6, "condition": 1.0, "c": 3.0, "family": "sine", "dim": 2, "seed": 0},
    )

    @functools.cached_property
    def problem(self):
        if self.family == "sine":
            return SinePL(self.c, self.dim)
        inner = np.random.default_rng([self.seed, 0]).uniform(1, self.condition, max(0, self.dim - 2))
        lam = np.array([self.condition, 1, *inner])[: self.dim]
        return Diagonal(lam, 0 * lam)

    @property
    def eta(self):
        return self.h / constants(self.problem).L

    def assumptions(self):
        known = constants(self.problem)
        return [requires("f is PL", known.pl is not None), requires("eta beta < 2", self.eta * known.L, "<", 2)]

    def measure(self):
        """f(w_t) - f* along the run, and the largest |w_t|."""
        start = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        start *= self.size / np.linalg.norm(start)
        w = simulate(self.problem, SAM(self.eta, self.rho), start, STEPS[-1], threads=1).states
        return losses(self.problem, w), np.linalg.norm(w, axis=1).max()

    def predict(self, alpha=None):
        known = constants(self.problem)
        return functools.partial(sam_bound_large_step, STEPS, alpha or known.pl, known.L, self.eta, self.rho)

    def judge(self, measured, bound):
        gap, farthest = measured
        limit, floor = bound(gap[0]), bound(0.0)
        above = gap - (limit - floor)  # what the contraction does not explain, to compare with the floor
        # a step errs by (d + 8) ulp of |w| + sqrt(d), and f by its gradient sqrt(2 beta (f - f*)) times that
        step = np.sqrt(2 * constants(self.problem).L * limit) * (farthest + np.sqrt(self.dim))
        slack = (self.dim + 8) * EPS * (STEPS * step + limit)
        why = "(d + 8) ulp of w a step, and of f at the end"
        return [at_most("f(w_t) - f* above the contraction", above, floor, slack=slack, why=why)]

    def recalled_rate(self, gap):
        return self.predict()(0.0) + (1 - self.h * (2 - self.h)) ** STEPS * gap

    controls = {
        "floor off by one per cent": control(
            predict=lambda c: lambda gap: c.predict()(gap) - 0.01 * c.predict()(0.0),
            where=PARABOLA | {"h": real(1.86, 1.9)},
        ),
        "floor without (h - 1)^2": control(
            predict=lambda c: (
                lambda gap: c.predict()(gap) - c.predict()(0.0) + c.condition * c.h * c.rho**2 / (2 - c.h)
            ),
            where=PARABOLA | {"h": real(1.4, 1.9)},
        ),
        "rate alpha eta (2 - h)": control(
            predict=lambda c: c.recalled_rate,
            where=PARABOLA | {"h": real(1.2, 1.9), "size": 100.0, "rho": 0.01},
        ),
        "eta beta > 2": control(
            predict=lambda c: lambda gap: np.full(STEPS.size, 1e6 * (gap + c.condition * c.rho**2)),
            where=PARABOLA | {"h": real(2.05, 3)},
            violates="eta beta < 2",
        ),
        "not PL: caught in a local minimum": control(
            predict=lambda c: c.predict(alpha=0.5),
            where={"family": "sine", "c": 6.0, "dim": 1, "size": real(2.4, 2.9), "rho": 0.01, "h": real(0.5, 1)},
            violates="f is PL",
        ),
    }


if __name__ == "__main__":
    script(__file__)
