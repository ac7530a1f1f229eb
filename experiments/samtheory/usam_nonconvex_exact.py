"""Ours: the exact descent of USAM on smooth functions that need not be convex.

With g = grad f(x), y = x + rho g, g' = grad f(y) and L rho < 1, L eta <= 1:
    f(x+) <= f(x) - c |g|^2,   c = eta (1 - L rho)(1 - L eta (1 - L rho)/2).
For x+ = x - eta g' the descent lemma gives f(x+) <= f(x) - eta <g, g'> + (L eta^2/2)|g'|^2, convex in g'; over the ball
|g' - g| <= L rho |g| its largest value is at g' = (1 - L rho) g when L eta <= 1.  Attained by f' = g0 + L x left of 0,
g0 - L x right of it, at x = 0: the ascent enters the side that bends down.  So
    min_{k < N} |g(x_k)|^2 <= (f(x_0) - f(x_N))/(N c)   (exact for N = 1),
and at eta = 1/L the constant 1/c = 2L/(1 - L^2 rho^2) blows up at the radius rho = 1/L: beyond it a step can ascend.
Under PL, gap+ <= (1 - 2 mu c) gap.

Functions of one variable with piecewise constant curvature, which a search can shape; where the extra `pep` is
installed also the semidefinite programme over all smooth functions, for N = 1 (equal) and N = 2, 3 (below).
Conventions: full batch; rho in units of inverse curvature.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, integer, log_real, real, requires, script
from samtheory.evaluate import gradients, losses
from samtheory.problems.piecewise import PiecewiseQuadratic
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.usam_exact import usam_descent, usam_least_gradient, usam_relative_descent
from samtheory.worst_case.sdp import available, worst_case

EPS = np.finfo(float).eps
NEAR, SHORT = "L rho < 1", "L eta <= 1"


@claim(
    title="Exact descent of USAM on smooth functions, and the radius at which it is lost",
    where="rates C31",
    kind="bound",
    confidence="derived",
    statement="""f(x+) <= f(x) - eta (1 - L rho)(1 - L eta (1 - L rho)/2) |grad f(x)|^2 for every L-smooth f, L rho < 1,
        L eta <= 1; attained; min_{k<N} |g_k|^2 <= (f(x_0) - f(x_N))/(N c), exact over the class for N = 1""",
    cost=1.5,
)
class Descent:
    L: float = log_real(0.1, 10)
    radius: float = real(0, 0.999)  # L rho
    step: float = log_real(0.01, 1)  # L eta
    left: float = real(-1, 1)  # curvatures of the pieces, in units of L
    middle: float = real(-1, 1)
    right: float = real(-1, 1)
    width: float = log_real(0.01, 10)
    slope: float = real(0.01, 3)  # f' at the first knot, over L
    start: float = real(-2, 2)
    steps: int = integer(1, 3)

    examples = (
        {"L": 1.0, "radius": 0.5, "step": 0.5, "left": 1.0, "middle": -1.0, "right": -1.0, "width": 1.0, "slope": 1.0,
         "start": 0.0, "steps": 1},  # f(x+) - f = -.21875
        {"L": 2.0, "radius": 0.4, "step": 0.8, "left": 1.0, "middle": -1.0, "right": -1.0, "width": 1.0, "slope": 0.5,
         "start": 0.0, "steps": 2},  # -.1824
        {"L": 1.0, "radius": 0.9, "step": 1.0, "left": 1.0, "middle": -1.0, "right": -1.0, "width": 1.0, "slope": 1.0,
         "start": 0.0, "steps": 3},
        {"L": 10.0, "radius": 0.999, "step": 1.0, "left": 1.0, "middle": -1.0, "right": -1.0, "width": 0.01,
         "slope": 3.0, "start": 0.0, "steps": 1},
    )  # fmt: skip

    @property
    def rule(self):
        return USAM(self.step / self.L, self.radius / self.L)

    @functools.cached_property
    def problem(self):
        bend = self.L * np.array([self.left, self.middle, self.right])
        return PiecewiseQuadratic(np.array([0.0, self.width]), bend, self.slope * self.L)

    def assumptions(self):
        return [
            requires("|curvature| <= L", np.abs(self.problem.curvatures).max(), "<=", self.L * (1 + 4 * EPS)),
            requires(NEAR, self.radius, "<", 1),
            requires(SHORT, self.step, "<=", 1),
        ]

    def measure(self):
        """f(x_0) - f(x_1), |g(x_0)|^2, their round-off, and the programme's largest min |g_k|^2."""
        x = simulate(self.problem, self.rule, [self.start], 1, threads=1).states
        f, g = losses(self.problem, x), gradients(self.problem, x)[:, 0]
        scale = np.abs(f).max() + np.abs(x).max() * (abs(g[0]) + self.L * np.abs(x).max())
        terms = abs(g[0]) + self.L * (abs(x[0, 0]) + self.rule.rho * abs(g[0]))  # of grad f(y), which cancel near 1/L
        scale += abs(g[0]) * self.rule.eta * terms
        found = None
        if available() and not 0.99 < self.radius < 1:  # there 1/c is too large for the solver
            found = worst_case(self.rule, "smooth", L=self.L, steps=self.steps, metric="least-gradient")
        return f[0] - f[1], g[0] ** 2, EPS * scale, found

    def predict(self):
        return usam_descent(self.L, *self.rule), usam_least_gradient(self.L, *self.rule, self.steps)

    def judge(self, measured, predicted):
        drop, square, ulp, found = measured
        c, least = predicted
        slack = 32 * ulp + 64 * EPS * c * square
        evidence = [
            at_least(
                "f(x) - f(x+)", drop, c * square, slack=slack, why="32 ulp of the terms of f and of its gradient at y"
            ),
            at_least("c, over Khanh's", c, usam_relative_descent(self.L, *self.rule), slack=8 * EPS * abs(c)),
        ]
        if found is not None:
            known = found.error < 0.01 * least  # the error is in the tolerance; beyond that nothing is decided
            value, error = (found.value, 0.0) if known else (least, np.inf)
            off = 1e-6 * abs(least) + (found.error if known else 0.0)
            why = f"1e-6 and the certificate's own error; solver: {found.status}"
            evidence.append(at_most("min |g_k|^2 over the class", value, least, slack=off, error=error, why=why))
            if self.steps == 1:
                evidence.append(equals("|g_0|^2 over the class", value, least, tolerance=off, error=error, why=why))
        return evidence

    controls = {
        "c larger by one part in a million": control(
            predict=lambda c: ((1 + 1e-6) * c.predict()[0], c.predict()[1]),
            where={"left": 1.0, "middle": -1.0, "right": -1.0, "start": 0.0, "radius": real(0.05, 0.9), "width": 10.0},
            refutes="f(x) - f(x+)",
        ),
        "Khanh's c without its square, (eta/2)(1 - L rho)(1 + 2 L rho)": control(
            predict=lambda c: (c.rule.eta / 2 * (1 - c.radius) * (1 + 2 * c.radius), c.predict()[1]),
            where={"left": 1.0, "middle": -1.0, "right": -1.0, "start": 0.0, "radius": real(0.3, 0.9),
                   "step": real(0.9, 1), "width": 10.0}, refutes="f(x) - f(x+)",
        ),
        "a radius of 1.2/L ascends": control(
            predict=lambda c: (0.0, c.predict()[1]),
            where={"radius": real(1.1, 1.5), "left": 1.0, "middle": -1.0, "right": -1.0, "start": 0.0, "width": 10.0},
            violates=NEAR, refutes="f(x) - f(x+)",
        ),
        "a step of 1.5/L": control(
            where={"step": real(1.4, 1.9), "left": 1.0, "middle": 1.0, "right": 1.0, "start": real(0, 1),
                   "radius": real(0.3, 0.9)},
            violates=SHORT, refutes="f(x) - f(x+)",
        ),
        "curvature above L": control(
            where={"left": 1.0, "middle": -1.3, "right": -1.3, "start": 0.0, "radius": real(0.2, 0.9), "width": 10.0},
            violates="|curvature| <= L", refutes="f(x) - f(x+)",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
