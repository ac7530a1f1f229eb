"""Ours: deterministic SAM on PL functions reaches a neighbourhood of size L^2 rho^2/(2 mu), for any radius.

For any L-smooth f, eta <= 1/L and |y - x| = rho, with g(y) = g + d, |d| <= L rho,
    f(x+) <= f - eta <g, g + d> + (L eta^2/2)|g + d|^2 <= f - (eta/2)|g|^2 + (eta/2)|d|^2
          <= f(x) - (eta/2)|g|^2 + (eta/2) L^2 rho^2,
(|g + d|^2 L eta <= |g + d|^2), so that under |g|^2 >= 2 mu (f - f*)
    f(x_t) - f* <= (1 - eta mu)^t (f(x_0) - f*) + L^2 rho^2/(2 mu).
Attained: 1-d quadratic, eta = 1/L, |x| = rho.  oikonomou2025/pl-constant has N = (L rho/mu)(1 + 2 eta L^2 rho), larger
by 2 (1 + 2 eta L^2 rho)/(L rho) >= 2 on all of its range rho < 1/L, and needs that range; this one has no unit problem.

Conventions: full batch; rho a length; no perturbation at a zero gradient.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms, losses
from samtheory.problems.core import constants
from samtheory.problems.quadratic import Diagonal
from samtheory.problems.separable import SinePL
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.bounds import sam_pl_bound
from samtheory.theory.unified import pl_floor
from samtheory.worst_case.sdp import available, sam_step_worst_gap

EPS = np.finfo(float).eps
STEPS = 200
SHORT = "eta L <= 1"


@claim(
    title="SAM on PL functions: a neighbourhood of L^2 rho^2/(2 mu) for any radius",
    where="rates C9",
    kind="bound",
    confidence="derived",
    statement="""f(x+) <= f(x) - (eta/2)|g|^2 + (eta/2) L^2 rho^2 for every L-smooth f and eta <= 1/L, hence
        f(x_t) - f* <= (1 - eta mu)^t (f(x_0) - f*) + L^2 rho^2/(2 mu) under PL; at most half the neighbourhood of
        oikonomou2025/pl-constant wherever that one applies.""",
)
class SharperNeighbourhood:
    family: str = choice("quadratic", "x^2 + c sin^2 x")
    h: float = real(0.02, 1)  # eta L
    rho: float = log_real(1e-3, 10)
    kappa: float = log_real(1, 100)  # of the quadratic
    L: float = log_real(0.1, 10)  # of the quadratic
    c: float = real(0, 4.5)
    dim: int = integer(1, 4)
    start: float = log_real(1e-2, 1e2)  # |x_0|/rho
    seed: int = seeds()

    examples = (
        {"family": "quadratic", "h": 1.0, "rho": 0.3, "kappa": 1.0, "L": 2.0, "c": 0.0, "dim": 1, "start": 1.0,
         "seed": 0},
        {"family": "quadratic", "h": 1.0, "rho": 1.0, "kappa": 1.5, "L": 1.0, "c": 0.0, "dim": 2, "start": 1.0,
         "seed": 0},
    )  # fmt: skip

    @functools.cached_property
    def problem(self):
        if self.family != "quadratic":
            return SinePL(self.c, self.dim)
        between = np.random.default_rng([self.seed, 0]).uniform(1 / self.kappa, 1, self.dim)
        lam = self.L * np.array([1, 1 / self.kappa, *between])[: self.dim]
        return Diagonal(lam, 0 * lam)

    @property
    def known(self):
        """mu, L, eta."""
        at = constants(self.problem)
        return min(at.pl, at.L), at.L, self.h / at.L

    def assumptions(self):
        mu, L, eta = self.known
        return [requires(SHORT, eta * L, "<=", 1.0), requires("mu > 0", mu, ">", 0)]

    @property
    def x0(self):
        away = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        return self.start * self.rho * away / np.linalg.norm(away)

    def measure(self, radius=1.0):
        """The iterates."""
        rule = SAM(self.known[2], radius * self.rho)
        return simulate(self.problem, rule, self.x0, STEPS, threads=1).states

    def predict(self, lift=1.0, rate=1.0):
        """The lift a step, the bound over time, its floor, that of Unified SAM (None out of its range)."""
        mu, L, eta = self.known
        t, gap0 = np.arange(STEPS + 1), losses(self.problem, self.x0)
        floor = lift * L**2 * self.rho**2 / (2 * mu)
        if lift == rate == 1 and eta * mu <= 1:
            bound = sam_pl_bound(t, mu, L, eta, self.rho, gap0)
        else:
            bound = max(0.0, 1 - rate * eta * mu) ** t * gap0 + floor
        other = pl_floor(mu, L, 0.0, eta, self.rho, 1.0) if self.rho < 1 / L else None
        return lift * eta / 2 * L**2 * self.rho**2, bound, floor, other

    def judge(self, x, predicted):
        lift, bound, floor, other = predicted
        eta = self.known[2]
        gap = losses(self.problem, x)
        step = gap[1:] - gap[:-1] + eta / 2 * grad_norms(self.problem, x[:-1]) ** 2
        slack = 64 * self.dim * EPS * (gap[:-1] + gap[1:] + lift)
        why = "64 d ulp of f"
        evidence = [
            at_most("f(x+) - f(x) + (eta/2)|g|^2", step, lift, slack=slack, why=why),
            at_most("f(x_t) - f*", gap, bound, slack=64 * self.dim * EPS * (gap[0] + bound), why=why),
            at_most("f(x_1) - f*", gap[1], bound[1], slack=64 * self.dim * EPS * (gap[0] + bound[1]), why=why),
        ]  # fmt: skip
        if other is not None:
            evidence.append(at_most("twice the floor, and N of oikonomou2025", 2 * floor, other,
                                    slack=1e-12 * other, why="1e-12 of it"))  # fmt: skip
        return evidence

    def exact(self):
        """The worst of one step over strongly convex functions with these mu, L from this gap."""
        mu, L, eta = self.known
        if not available() or mu >= 0.99 * L:
            return {}
        gap0 = float(losses(self.problem, self.x0))
        return {"f(x_1) - f*": sam_step_worst_gap(SAM(eta, self.rho), L=L, mu=mu, start=gap0)[0]}

    parabola = {"family": "quadratic", "dim": 1, "kappa": 1.0, "h": 1.0, "start": 1.0}
    controls = {
        "lift lowered by one per cent": control(
            predict=lambda c: c.predict(lift=0.99), where=parabola, refutes="f(x+) - f(x) + (eta/2)|g|^2"
        ),
        "neighbourhood L^2 rho^2/(8 mu)": control(
            predict=lambda c: c.predict(lift=0.25), where=parabola, refutes="f(x_t) - f*"
        ),
        "radius one per cent larger": control(
            measure=lambda c: c.measure(radius=1.01), where=parabola, refutes="f(x+) - f(x) + (eta/2)|g|^2"
        ),
        "2.5 times the rate": control(
            predict=lambda c: c.predict(rate=2.5), where=parabola | {"h": real(0.02, 0.2), "start": real(50, 100)},
            refutes="f(x_t) - f*",
        ),
        "eta L > 1": control(
            where=parabola | {"h": real(1.5, 1.9), "start": real(3, 10)}, violates=SHORT,
            refutes="f(x+) - f(x) + (eta/2)|g|^2",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
