"""Bartlett, Long & Bousquet 2023 (arXiv 2210.01513): the potential of bartlett2023/j-descent never rises.

With u_t = (-1)^t Lam w_t, J(u) = 1/2 u' C u - |u|, C = diag((2 - eta lam_i)/(eta rho lam_i^2)) and G = grad J(u_t),
u+ = u - eta rho Lam^2 G.  The quadratic part of J is expanded exactly, with eta rho Lam^2 C = 2 I - eta Lam, and
-|u| is concave; the first-order expansion of |u+| misses exactly |u+| - <u, u+>/|u|.  Hence, for any eta > 0,
    J(u) - J(u+) = (eta^2 rho/2) G' Lam^3 G + |u+| - <u, u+>/|u|  >=  (eta^2 rho/2) G' Lam^3 G,
with equality iff u+ is a non-negative multiple of u, so 1/2 is the best constant; the right side is >= 0 if lam_i > 0.

Conventions: loss with 1/2; full batch; normalised ascent; no perturbation at a zero gradient (J = grad J = 0 there).
"""

import numpy as np

from samtheory.claims import at_least, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import potential, potential_curvature, potential_descent

STEPS = 60


@claim(
    title="Every step of SAM on a quadratic lowers the potential, by at least a stated amount",
    where="Section on quadratics",
    kind="bound",
    confidence="derived",
    statement="""J(u_t) - J(u_{t+1}) >= (eta^2 rho/2) grad J' Lam^3 grad J >= 0 for every eta > 0 and lam_i > 0; the
        left side exceeds the middle by exactly |u_{t+1}| - <u_t, u_{t+1}>/|u_t|.""",
)
class PotentialFalls:
    h: float = log_real(0.02, 4)  # eta lam_1
    rho: float = log_real(1e-3, 10)
    top: float = log_real(0.1, 10)  # lam_1
    low: float = real(0.01, 1)  # the smallest curvature, over lam_1
    scale: float = log_real(1e-3, 1e3)  # of w_0, in units of rho
    dim: int = integer(1, 8)
    seed: int = seeds()

    examples = (
        {"h": 0.5, "rho": 0.2, "top": 1.0, "low": 0.3, "scale": 5.0, "dim": 3, "seed": 0},
        {"h": 1.5, "rho": 0.2, "top": 1.0, "low": 1.0, "scale": 5.0, "dim": 1, "seed": 0},  # equality
    )

    @property
    def model(self):
        """eta, rho, lam."""
        between = np.random.default_rng([self.seed, 0]).uniform(self.low, 1, self.dim)
        return self.h / self.top, self.rho, self.top * np.array([1, self.low, *between])[: self.dim]

    def assumptions(self):
        return [requires("every curvature is positive", self.model[2].min(), ">", 0)]

    def measure(self, radius=None):
        """u_t."""
        eta, rho, lam = self.model
        start = self.scale * rho * np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        rule = SAM(eta, rho if radius is None else radius)
        run = simulate(Diagonal(lam, 0 * lam), rule, start, STEPS, threads=1)
        return (-1.0) ** np.arange(STEPS + 1)[:, None] * lam * run.states

    def predict(self):
        """The bound, and what the inequality gives away, as functions of u_t and u_t+1."""

        def given_away(u, after):
            size = np.linalg.norm(u, axis=1)
            return np.linalg.norm(after, axis=1) - (u * after).sum(axis=1) / np.where(size > 0, size, 1)

        return lambda u: potential_descent(u, *self.model), given_away

    def judge(self, u, predicted):
        bound, given_away = predicted[0](u[:-1]), predicted[1](u[:-1], u[1:])
        J = potential(u, *self.model)
        terms = 0.5 * u**2 @ np.abs(potential_curvature(*self.model)) + np.linalg.norm(u, axis=1)
        slack = (16 + self.dim) * np.finfo(float).eps * (terms[:-1] + terms[1:]) + 1e-300
        why = "16 + d ulp of the terms of J before and after the step"
        return [
            at_least("J(u_t) - J(u_t+1)", J[:-1] - J[1:], np.maximum(bound, 0), slack=slack, why=why),
            equals("the same, exactly", J[:-1] - J[1:], bound + given_away, tolerance=slack, why=why),
        ]

    controls = {
        "constant 1/2 raised by one part in a million": control(
            predict=lambda c: (lambda u: (1 + 1e-6) * c.predict()[0](u), c.predict()[1]),
            where={"dim": 1, "h": real(1, 1.9)},
        ),
        "nothing given away": control(
            predict=lambda c: (c.predict()[0], lambda u, after: 0.0),
            where={"dim": integer(2, 8), "low": real(0.01, 0.9)},
        ),
        "gradient descent instead": control(
            measure=lambda c: c.measure(radius=0.0), where={"dim": 1, "h": real(0.5, 1.5)}
        ),
        "a negative curvature": control(
            where={"low": real(-1, -0.5), "dim": integer(2, 8), "h": real(1.2, 1.9)},
            violates="every curvature is positive",
        ),
    }


if __name__ == "__main__":
    script(__file__)
