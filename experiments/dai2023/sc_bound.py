"""Dai, Ahn & Sra 2023 (arXiv 2305.15287), Theorem 1, the part on SAM: a floor of order eta for every radius.

f alpha-strongly convex and beta-smooth, eta <= 1/beta, any rho >= 0.  Proof: delta = g(w + rho g/|g|) - g(w) has
|delta| <= beta rho and <g, delta> >= 0, so the descent lemma gives
f(w+) <= f(w) - eta(1 - eta beta/2)|g|^2 - eta(1 - eta beta)<g, delta> + eta^2 beta^3 rho^2/2,
and strong convexity closes it.  The middle term has the good sign only for eta beta <= 1: the paper is recalled as
saying eta < 2/beta, where the bound is false (control, and dai2023/sc-bound-as-recalled).

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

STEPS = 300


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
    condition: float = log_real(1, 30)  # beta / alpha
    dim: int = integer(1, 6)
    family: str = choice("quadratic", "log-cosh")
    seed: int = seeds()

    examples = (
        {"h": 0.8, "rho": 0.5, "beta": 4.0, "condition": 4.0, "dim": 2, "family": "quadratic", "seed": 0},
        {"h": 1.0, "rho": 0.5, "beta": 4.0, "condition": 1.0, "dim": 1, "family": "quadratic", "seed": 0},  # tight
    )

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        alpha = self.beta / self.condition
        if self.family == "quadratic":
            inner = rng.uniform(alpha, self.beta, max(0, self.dim - 2))
            return quadratic(np.array([self.beta, alpha, *inner])[: self.dim], rotation=rng)
        return LogCoshRidge(orthogonal(rng, self.dim), rng.standard_normal(self.dim), alpha, self.beta)

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
        """f(w_t) - f* along the run."""
        start = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        run = simulate(self.problem, SAM(self.eta, self.rho), start, STEPS, threads=1)
        return losses(self.problem, run.states) - constants(self.problem).f_star

    def predict(self):
        known = constants(self.problem)
        return functools.partial(sam_bound, np.arange(STEPS + 1), known.mu, known.L, self.eta, self.rho)

    def judge(self, gap, bound):
        limit = bound(gap[0])
        # the bound is attained (h = 1, d = 1), so round-off decides: 1e-10 relative is 10^5 ulp for 300 steps
        return [at_most("f(w_t) - f*", gap, limit, slack=1e-10 * limit, why="round-off of 300 steps at equality")]

    controls = {
        "floor x 0.95": control(
            predict=lambda c: lambda gap: np.full(STEPS + 1, 0.95 * c.predict()(0.0)) + (c.predict()(gap) - c.predict()(0.0)),
            where={"h": 1.0, "dim": 1, "family": "quadratic", "condition": 1.0},
        ),
        "eta beta in (1, 2)": control(
            where={"h": real(1.2, 1.8), "dim": 1, "family": "quadratic", "condition": 1.0}, violates="eta beta <= 1"
        ),
    }


if __name__ == "__main__":
    script(__file__)
