"""Wen, Ma & Li 2023 (arXiv 2211.05729), Theorem 4.2: whoever minimises L + R_type to O(rho^2) has a small S_type.

R_type, S_type, type = max, asc, avg, as in wen2023/limiting-regularisers.  If u is within gap = Delta rho^2 of the
infimum of L + R_type near the manifold G of minimisers, then with e(rho) -> 0
    L(u) - inf L <= (Delta + e) rho^2,     -e <= S_type(u) - inf_G S_type <= Delta + e.
Derived here with an explicit e.  C(u) the Lipschitz constant of the Hessian on the ball of radius r + rho about u, r
the distance of u from G, m the minimiser of S_type on G:
    R_type(u) >= rho^2 (S_type(u) - t) - C(u) rho^3/6,     inf (L + R_type) <= rho^2 S_type(m) + C(m) rho^3/6,
    so L/rho^2 + S_type(u) - S_type(m) <= Delta + (C(u) + C(m)) rho/6 + t,     S_type(u) >= S_type(m) - C(u) r/2,
t = 0 but for asc: C r + S_asc q^2, q = C r/(2 lam_M - C r) a bound of the part of g/|g| along G; and r = O(rho) by the
first conclusion.  For the best u, Delta = 0.

Instances: F0 c^2 + F1 d^2, G = {c = d = 0}; S_max = F0, S_asc = F1, S_avg = (F0 + F1)/4 on G.  The u are drawn at r
from rho/100 to 3 rho, together with the u that minimises L + R_type on G (asc: next to it, at d = 1e-9 rho).
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.measures.sharpness import (
    ascent_direction,
    average_direction,
    least_nonzero_eigenvalue,
    top_eigenvalue,
    trace,
    worst_direction,
)
from samtheory.problems.core import hessian_lipschitz
from samtheory.problems.two_bowls import TwoBowls

DRAWS, NEAR = 12, 1e-9
SHARPNESS = {
    "max": lambda problem, x, rho: worst_direction(problem, x, rho, starts=0).value,
    "asc": lambda problem, x, rho: ascent_direction(problem, x, rho).value,
    "avg": lambda problem, x, rho: average_direction(problem, x, rho).value,
}
LIMIT = {
    "max": lambda problem, x: top_eigenvalue(problem, x).value / 2,
    "asc": lambda problem, x: least_nonzero_eigenvalue(problem, x, rank=2).value / 2,
    "avg": lambda problem, x: trace(problem, x).value / 8,
}


@claim(
    title="Near-minimisers of the loss plus a sharpness are near-minimisers of its limiting regulariser",
    where="Theorem 4.2",
    kind="bound",
    confidence="text (right-hand side from memory), derived (explicit e)",
    statement="""L(u) + R_type(u) <= inf + Delta rho^2 implies L(u) - inf L <= (Delta + e) rho^2 and
        -e <= S_type(u) - inf S_type <= Delta + e, e = O(rho): minimisers of L + R_type minimise S_type.""",
    cost=8,
)
class ExplicitBias:
    type: str = choice("max", "asc", "avg")
    top: float = real(4, 6)  # the least F0
    low: float = real(0.7, 1.5)  # the least F1
    bend0: float = real(0.5, 1.5)  # F0 = top + bend0 (a - 1)^2 + b^2
    bend1: float = real(0.3, 0.5)  # F1 = low + bend1 (a + 1)^2 + b^2
    rho: float = log_real(1e-5, 3e-3)
    seed: int = seeds()

    examples = tuple(
        {"type": one, "top": 4, "low": 1, "bend0": 1, "bend1": 0.5, "rho": 1e-4, "seed": 0}
        for one in ("max", "asc", "avg")
    )

    @property
    def problem(self):
        return TwoBowls([self.top, self.low], [self.bend0, self.bend1], [1.0, -1.0])

    @functools.cached_property
    def points(self):
        """u, [DRAWS + 1, 4]: the minimiser of L + R_type on G, then those drawn."""
        from scipy.optimize import minimize

        rng = np.random.default_rng(self.seed)
        options = {"xatol": 1e-4, "fatol": 1e-8, "maxiter": 80}  # S is quadratic there: to 1e-8
        start = rng.uniform(-1, 1, 2)
        best = minimize(
            lambda ab: self.value(self.beside(ab)) / self.rho**2, start, method="Nelder-Mead", options=options
        )
        angle, r = rng.uniform(0, 2 * np.pi, DRAWS), self.rho * 10 ** rng.uniform(-2, 0.5, DRAWS)
        a, b = rng.uniform(-1.4, 1.4, DRAWS), rng.uniform(-1, 1, DRAWS)
        return np.vstack([self.beside(best.x), np.stack([a, b, r * np.cos(angle), r * np.sin(angle)], axis=1)])

    def beside(self, ab):
        """The point of G; for the ascent direction, which G itself does not have, one beside it."""
        return np.array([*ab, 0.0, NEAR * self.rho if self.type == "asc" else 0.0])

    def value(self, x):
        """L + R_type."""
        return float(losses(self.problem, x)) + SHARPNESS[self.type](self.problem, x, self.rho)

    @property
    def best(self):
        """Where S_type is smallest on G, and its value there."""
        weights = {"max": (1, 0), "asc": (0, 1), "avg": (0.25, 0.25)}[self.type]
        pull = np.array(weights) * [self.bend0, self.bend1]
        m = np.array([pull @ [1.0, -1.0] / pull.sum(), 0.0])
        F = [self.top + self.bend0 * (m[0] - 1) ** 2, self.low + self.bend1 * (m[0] + 1) ** 2]
        return m, float(np.dot(weights, F))

    def assumptions(self):
        F0 = self.top + self.bend0 * (self.points[:, 0] - 1) ** 2
        F1 = self.low + self.bend1 * (self.points[:, 0] + 1) ** 2
        return [requires("F0 > F1 > 0 at every u", min((F0 - F1).min(), F1.min()), ">", 0)]

    def measure(self, power=2):
        """Delta, L/rho^2 and S_type of every u; the gap is Delta rho^power."""
        values = np.array([self.value(u) for u in self.points])
        infimum = min(values.min(), self.value(self.beside(self.best[0])))
        limit = np.array([LIMIT[self.type](self.problem, u) for u in self.points])
        return (values - infimum) / self.rho**power, losses(self.problem, self.points) / self.rho**2, limit

    def predict(self, infimum=None):
        """inf S_type on G, and the two e of the docstring."""
        m, least = self.best
        u, rho = self.points, self.rho
        r = np.linalg.norm(u[:, 2:], axis=1)
        C = np.array([hessian_lipschitz(self.problem, one, far + rho) for one, far in zip(u, r)])
        above = (C + hessian_lipschitz(self.problem, self.beside(m), rho)) * rho / 6
        if self.type == "asc":
            F1 = self.low + self.bend1 * (u[:, 0] + 1) ** 2 + u[:, 1] ** 2
            above += C * r + F1 * (C * r / (4 * F1 - C * r)) ** 2
        return least if infimum is None else infimum, above, C * r / 2

    def judge(self, measured, predicted):
        (Delta, loss, S), (least, above, below) = measured, predicted
        ulp, why = 1e-12 * (1 + S + Delta + loss), "round-off: 1e-12 of the terms"
        return [
            at_most("S - inf S", S - least, Delta + above, slack=ulp, why=why),
            at_most("(L + R - inf)/rho^2 from below", S - least + loss, Delta + above, slack=ulp, why=why),
            at_least("S - inf S, from below", S - least, -below, slack=ulp, why=why),
            at_most("(L - inf L)/rho^2", loss, Delta + above + below, slack=ulp, why=why),
        ]

    controls = {
        "a gap of Delta rho instead of Delta rho^2": control(measure=lambda c: c.measure(power=1)),
        "the worst direction penalises lam_M": control(
            predict=lambda c: (c.low, *c.predict()[1:]), where={"type": "max"}
        ),
        "the direction of ascent penalises lam_1": control(
            predict=lambda c: (c.top, *c.predict()[1:]), where={"type": "asc"}
        ),
        "inf S one part in a thousand lower": control(
            predict=lambda c: c.predict(c.best[1] * 0.999), where={"rho": log_real(1e-5, 1e-4)}
        ),
        "inf S one part in a thousand higher": control(
            predict=lambda c: c.predict(c.best[1] * 1.001), where={"rho": log_real(1e-5, 1e-4)}
        ),
    }


if __name__ == "__main__":
    script(__file__)
