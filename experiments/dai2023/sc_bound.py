"""Dai, Ahn & Sra 2023 (arXiv 2305.15287), Theorem 1, the part on SAM: a floor of order eta for every radius.

f alpha-strongly convex and beta-smooth, eta <= 1/beta, any rho >= 0.  Proof: delta = g(w + rho g/|g|) - g(w) has
|delta| <= beta rho and <g, delta> >= 0, so the descent lemma gives
f(w+) <= f(w) - eta(1 - eta beta/2)|g|^2 - eta(1 - eta beta)<g, delta> + eta^2 beta^3 rho^2/2,
and strong convexity closes it.  The middle term has the good sign only for eta beta <= 1: the paper is recalled as
saying eta < 2/beta, where the bound is false (control, and dai2023/sc-bound-as-recalled).  At eta = 1/beta a
one-dimensional quadratic attains it.

Conventions: full batch; normalised ascent; no perturbation at a zero gradient.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.problems.core import constants
from samtheory.problems.quadratic import orthogonal, quadratic
from samtheory.problems.separable import LogCoshRidge
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.bounds import sam_bound

EPS = np.finfo(float).eps
STEPS = np.arange(301)
PARABOLA = {"dim": 1, "family": "quadratic"}


@claim(
    title="SAM on strongly convex losses stays within a floor of order eta rho^2, for every rho",
    where="Theorem 1 (SAM)",
    kind="bound",
    confidence="memory + derived",
    statement="""f(w_t) - f* <= (1 - alpha eta (2 - eta beta))^t (f(w_0) - f*)
        + eta beta^3 rho^2/(2 alpha (2 - eta beta)) for all t, if f is alpha-strongly convex and beta-smooth
        and eta <= 1/beta.""",
    caveat="recalled with eta < 2/beta; false for eta beta in (1, 2), see dai2023/sc-bound-as-recalled",
)
class StronglyConvexBound:
    h: float = real(0.05, 1.0)  # eta beta
    rho: float = log_real(1e-2, 3)
    beta: float = log_real(0.5, 8)
    condition: float = log_real(1, 30)  # beta/alpha
    size: float = log_real(1e-2, 1e2)  # |w_0|
    dim: int = integer(1, 6)
    family: str = choice("quadratic", "log-cosh")
    seed: int = seeds()

    examples = (
        {"h": 0.8, "rho": 0.5, "beta": 4.0, "condition": 4.0, "size": 3.6, "dim": 2, "family": "quadratic", "seed": 0},
        {"h": 1.0, "rho": 0.5, "beta": 4.0, "condition": 1.0, "size": 3.6, "dim": 1, "family": "quadratic", "seed": 0},
    )  # the second attains the bound

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        alpha = self.beta / self.condition
        if self.family == "quadratic":
            inner = rng.uniform(alpha, self.beta, max(0, self.dim - 2))
            return quadratic(np.array([self.beta, alpha, *inner])[: self.dim])
        return LogCoshRidge(orthogonal(rng, self.dim), rng.uniform(-1, 1, self.dim), alpha, self.beta)

    @property
    def eta(self):
        return self.h / self.beta

    def assumptions(self):
        known = constants(self.problem)
        return [
            requires("f is strongly convex", known.mu, ">", 0),
            requires("eta beta <= 1", self.eta * known.L, "<=", 1),
        ]

    def measure(self):
        """f(w_t) - f* along the run, and the largest |w_t|."""
        start = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        start *= self.size / np.linalg.norm(start)
        w = simulate(self.problem, SAM(self.eta, self.rho), start, STEPS[-1], threads=1).states
        return losses(self.problem, w) - constants(self.problem).f_star, np.linalg.norm(w, axis=1).max()

    def predict(self):
        known = constants(self.problem)
        return functools.partial(sam_bound, STEPS, known.mu, known.L, self.eta, self.rho)

    def judge(self, measured, bound):
        (gap, farthest), known = measured, constants(self.problem)
        limit, floor = bound(gap[0]), bound(0.0)
        above = gap - (limit - floor)  # what the contraction does not explain, to compare with the floor
        # a step errs by (d + 8) ulp of |w| + |shift| + sqrt(d), and f by its gradient sqrt(2 beta (f - f*)) times that
        step = np.sqrt(2 * known.L * limit) * (farthest + 2 * np.sqrt(self.dim))
        slack = (self.dim + 8) * EPS * (STEPS * step + limit + 2 * known.f_star)
        why = "(d + 8) ulp of w a step, and of f at the end"
        return [at_most("f(w_t) - f* above the contraction", above, floor, slack=slack, why=why)]

    controls = {
        "floor off by one part in a million": control(
            predict=lambda c: lambda gap: c.predict()(gap) - 1e-6 * c.predict()(0.0), where=PARABOLA | {"h": 1.0}
        ),
        "rate off by one per cent": control(
            predict=lambda c: lambda gap: c.predict()(0.0) + gap * (1 - 1.01 * c.h * (2 - c.h)) ** STEPS,
            where=PARABOLA | {"h": real(0.05, 0.9), "rho": 0.01, "size": 100.0},
        ),
        "no floor": control(
            predict=lambda c: lambda gap: c.predict()(gap) - c.predict()(0.0),
            where={"h": real(0.3, 1), "condition": log_real(1, 5)},
        ),
        "eta beta in (1, 2)": control(where=PARABOLA | {"h": real(1.001, 1.95)}, violates="eta beta <= 1"),
    }


if __name__ == "__main__":
    script(__file__)
