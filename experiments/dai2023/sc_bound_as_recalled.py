"""Dai, Ahn & Sra 2023 (arXiv 2305.15287), Theorem 1 on SAM as it is recalled, with eta < 2/beta: false beyond 1/beta.

On the parabola f = beta w^2/2 (alpha = beta) SAM ends on the cycle of amplitude A = eta rho beta/(2 - h), h = eta beta,
where f = beta A^2/2 is h/(2 - h) times the floor of the bound: above it for every h > 1.  From afar the cross
term beta A |w_0| (h - 1)^t exceeds the floor by any factor at first: a larger floor alone would not do.  The proof is
sound for h <= 1 (dai2023/sc-bound), with a slower rate and another floor for h < 2 (dai2023/sc-bound-large-step), and
without the perturbation, that is for gradient descent, for h < 2.  Those are the controls: the check that refutes the
statement must find nothing wrong there.  The text of the paper was not at hand: the wording is recalled.

Conventions: loss with 1/2; full batch; normalised ascent; eigenvectors along the axes.
"""

import functools

import numpy as np

from samtheory.claims import REFUTED, at_most, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.problems.core import constants
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.bounds import sam_bound, sam_bound_large_step

EPS = np.finfo(float).eps
STEPS = np.arange(301)


@claim(
    title="SAM on strongly convex losses stays within the same floor for every step below 2/beta",
    where="Theorem 1 (SAM), as recalled",
    kind="bound",
    confidence="memory",
    statement="""f(w_t) - f* <= (1 - alpha eta (2 - eta beta))^t (f(w_0) - f*)
        + eta beta^3 rho^2/(2 alpha (2 - eta beta)) for all t, if f is alpha-strongly convex and beta-smooth
        and eta < 2/beta.""",
    expected=REFUTED,
    repaired="dai2023/sc-bound",
    caveat="recalled wording; a parabola exceeds the floor by the factor h/(2 - h) for every h = eta beta in (1, 2)",
)
class AsRecalled:
    h: float = real(0.05, 1.95)  # eta beta
    rho: float = log_real(1e-2, 3)
    beta: float = log_real(0.5, 8)
    condition: float = log_real(1, 30)  # beta/alpha
    size: float = log_real(1e-2, 1e2)  # |w_0|
    dim: int = integer(1, 6)
    seed: int = seeds()

    examples = (
        {"h": 1.5, "rho": 0.5, "beta": 4.0, "condition": 1.0, "size": 1.0, "dim": 1, "seed": 0},  # 4.5 against 1.5
        {"h": 1.8, "rho": 0.5, "beta": 4.0, "condition": 4.0, "size": 3.6, "dim": 2, "seed": 0},  # 40.5 against 18
        {"h": 1.5, "rho": 0.5, "beta": 4.0, "condition": 4.0, "size": 3.6, "dim": 2, "seed": 0},  # within it
    )

    @functools.cached_property
    def problem(self):
        alpha = self.beta / self.condition
        inner = np.random.default_rng([self.seed, 0]).uniform(alpha, self.beta, max(0, self.dim - 2))
        lam = np.array([self.beta, alpha, *inner])[: self.dim]
        return Diagonal(lam, 0 * lam)

    @property
    def eta(self):
        return self.h / self.beta

    def assumptions(self):
        known = constants(self.problem)
        return [
            requires("f is strongly convex", known.mu, ">", 0),
            requires("eta beta < 2", self.eta * known.L, "<", 2),
        ]

    def run(self, rule):
        """f(w_t) - f* along the run, and the largest |w_t|."""
        start = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        start *= self.size / np.linalg.norm(start)
        w = simulate(self.problem, rule, start, STEPS[-1], threads=1).states
        return losses(self.problem, w), np.linalg.norm(w, axis=1).max()

    def measure(self):
        return self.run(SAM(self.eta, self.rho))

    def predict(self, bound=sam_bound):
        known = constants(self.problem)
        return functools.partial(bound, STEPS, known.mu, known.L, self.eta, self.rho)

    def judge(self, measured, bound):
        gap, farthest = measured
        limit, floor = bound(gap[0]), bound(0.0)
        above = gap - (limit - floor)  # what the contraction does not explain, to compare with the floor
        # a step errs by (d + 8) ulp of |w|, and f by its gradient sqrt(2 beta (f - f*)) times that
        step = np.sqrt(2 * constants(self.problem).L * limit) * farthest
        slack = (self.dim + 8) * EPS * (STEPS * step + limit)
        why = "(d + 8) ulp of w a step, and of f at the end"
        return [at_most("f(w_t) - f* above the contraction", above, floor, slack=slack, why=why)]

    controls = {
        "eta beta <= 1": control(where={"h": real(0.05, 1)}, expect="holds"),
        "gradient descent, eta beta < 2": control(measure=lambda c: c.run(GD(c.eta)), expect="holds"),
        "the constants of dai2023/sc-bound-large-step": control(
            predict=lambda c: c.predict(sam_bound_large_step), expect="holds"
        ),
        "every parabola with eta beta > 1": control(where={"h": real(1.001, 1.95), "dim": 1}),
        "eta beta <= 1, floor off by one part in a million": control(
            predict=lambda c: lambda gap: c.predict()(gap) - 1e-6 * c.predict()(0.0), where={"h": 1.0, "dim": 1}
        ),
    }


if __name__ == "__main__":
    script(__file__)
