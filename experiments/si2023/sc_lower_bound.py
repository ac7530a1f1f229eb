"""Si & Yun 2023 (arXiv 2306.09850): no constant step size beats T^-2 over the strongly convex class.

For every horizon T and every eta in (0, 1/beta] a function of the class (mu-strongly convex, beta-smooth) and a start
keep
    f(x_t) - f* >= beta^3 rho^2/(8 mu^2 T^2)   for every t <= T:
eta >= 1/(mu T)   f = beta x^2/2 on its 2-cycle, |x_t| = A = eta rho beta/(2 - eta beta), hence a gap of beta A^2/2 at
                  every step, which is >= beta^3 rho^2 eta^2/8;
eta < 1/(mu T)    f = mu x^2/2, |x_t| >= |x_0| (1 - eta mu)^t - rho >= |x_0|/4 - rho, from x_0 large enough.
The cycle start matters: a start off the cycle may pass near 0 on its way.

Conventions: loss with 1/2; full batch; normalised ascent; constant rho.
"""

import numpy as np

from samtheory.claims import at_least, claim, control, equals, integer, log_real, real, requires, script
from samtheory.evaluate import losses
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.constant_radius import horizon_lower_bound

EPS = np.finfo(float).eps
LONG, SHORT = {"reach": real(1, 30)}, {"reach": real(0.01, 0.999)}


@claim(
    title="For every constant step size a parabola on which SAM stays T^-2 away",
    where="lower bound, strongly convex",
    kind="counterexample",
    confidence="text (order) + derived",
    statement="""for every eta <= 1/beta and T >= 2 there are f, x_0 in the class with
        f(x_t) - f* >= beta^3 rho^2/(8 mu^2 T^2) for all t <= T; on the cycle f(x_t) - f* = beta A^2/2 exactly""",
)
class HorizonLowerBound:
    reach: float = log_real(0.01, 30)  # eta mu T
    horizon: int = integer(2, 3000)  # T
    h: float = log_real(1e-3, 1)  # eta beta; beta/mu follows
    mu: float = log_real(0.01, 10)
    rho: float = log_real(1e-2, 10)

    examples = ({"reach": 1.0, "horizon": 1000, "h": 0.001, "mu": 1.0, "rho": 0.5},)  # 1/8 is attained as h -> 0

    @property
    def eta(self):
        return self.reach / (self.mu * self.horizon)

    @property
    def beta(self):
        return max(self.h / self.eta, self.mu)

    def assumptions(self):
        return [
            requires("eta beta <= 1", self.eta * self.beta, "<=", 1),
            requires("mu <= beta", self.mu, "<=", self.beta),
        ]

    def measure(self, rule=SAM, start=None):
        """f(x_t) of the counterexample for t <= T, and the curvature it has."""
        lam, x = self.mu, 4 * (self.rho + (self.beta / self.mu) ** 1.5 * self.rho / (2 * self.horizon))
        if self.reach >= 1:
            lam, x = self.beta, self.eta * self.rho * self.beta / (2 - self.eta * self.beta)
        problem = Diagonal([lam], [0])
        start = x if start is None else start
        return losses(problem, simulate(problem, rule(self.eta, self.rho), [start], self.horizon, threads=1).states)

    def predict(self):
        """The bound, and the gap on the cycle."""
        A = self.eta * self.rho * self.beta / (2 - self.eta * self.beta)
        return horizon_lower_bound(self.horizon, self.mu, self.beta, self.rho), 0.5 * self.beta * A**2

    def judge(self, gap, predicted):
        bound, cycle = predicted
        h = self.eta * self.beta
        slack = 64 * EPS * gap.max() * min(self.horizon, 1 / h + 1) / min(h, 1) if self.reach >= 1 else 0.0
        why = "64 ulp of x and of the push, 1/h times as large, a step over the memory 1/h of the cycle"
        evidence = [at_least("f(x_t) - f*", gap.min(), bound, slack=slack, why=why)]
        if self.reach >= 1:
            evidence.append(equals("f(x_t) - f* on the cycle", gap, cycle, tolerance=slack, why=why))
        return evidence

    controls = {
        "1/8 raised by one per cent": control(
            predict=lambda c: (1.01 * c.predict()[0], c.predict()[1]),
            where={"reach": 1.0, "h": real(0.001, 0.004), "horizon": integer(1000, 3000)}, refutes="f(x_t) - f*",
        ),
        "cycle off by one part in a million": control(
            predict=lambda c: (c.predict()[0], (1 + 1e-6) * c.predict()[1]),
            where=LONG | {"h": log_real(0.05, 1), "horizon": integer(30, 3000)}, refutes="f(x_t) - f* on the cycle",
        ),
        "a start off the cycle passes near 0": control(
            measure=lambda c: c.measure(start=c.eta * c.beta * c.rho * (1 + 1e-3) / (1 - c.eta * c.beta)),
            where={"reach": real(1, 3), "h": real(0.3, 0.9), "horizon": integer(30, 3000)}, refutes="f(x_t) - f*",
        ),
        "gradient descent goes to the minimum": control(
            measure=lambda c: c.measure(rule=lambda eta, rho: GD(eta)),
            where={"reach": real(2, 30), "h": real(0.3, 1), "horizon": integer(100, 3000)}, refutes="f(x_t) - f*",
        ),
        "the parabola of large steps, for small ones": control(
            measure=lambda c: losses(Diagonal([c.mu], [0]), np.zeros((2, 1))), where=SHORT
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
