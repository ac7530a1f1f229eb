"""Ours: exact worst cases of USAM over convex functions, and where the second one ends.

Over all mu-strongly convex L-smooth functions quadratics are extremal for the gap,
    f(x_N) - f* <= max(|1 - eta h(mu)|, |1 - eta h(L)|)^(2N) (f(x_0) - f*),   h(lam) = lam (1 + rho lam),
and over all convex L-smooth functions, for rho L <= 1.5,
    f(x_N) - f* <= (L |x_0 - x*|^2/2) max(1/(1 + 2 N eta L), (1 - eta h(L))^(2N)):
while the first term is the larger the radius does not matter, the extremal function is a parabola with a half-line.
There is no closed proof.  Looked at: functions of one variable with piecewise constant curvature, which a search can
shape; the extremal functions, which attain both; and, where the extra `pep` is installed, the semidefinite
programme over the whole class.

The second bound was stated for every rho (rates.md, C30).  The programme refutes that: at rho L = 4.5, eta h(L) = 1.82,
N = 3 the worst convex function, in two dimensions, ends 7.8 % above the formula; the excess begins between
rho L = 1.5 and 1.75, for eta h(L) near 1.8 and N >= 2.  Nor does the squared distance behave like the gap: it grows by
1.587 in a step at mu = 1e-3, rho L = 10, eta h(L) = 1.9, where the gap falls by 0.99965.  Both are controls.

Conventions: full batch; rho in units of inverse curvature.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, log_real, real, requires, script
from samtheory.evaluate import losses
from samtheory.problems.piecewise import PiecewiseQuadratic
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory import usam_exact
from samtheory.worst_case.sdp import available, worst_case

EPS = np.finfo(float).eps
NEAR = "rho L <= 1.5 where only convex"
CLASS = "whole class (semidefinite programme)"


PROGRAMME = {  # controls that only the programme over the whole class can decide
    "convex, beyond rho L = 1.5": control(
        where={"functions": "convex", "radius": real(20, 40), "reach": real(1.75, 1.82), "steps": 3},
        violates=NEAR, refutes=CLASS,
    ),
    "the squared distance instead of the gap": control(
        measure=lambda c: c.measure("distance"),
        where={"functions": "strongly convex", "kappa": log_real(100, 1000), "radius": real(5, 10),
               "reach": real(1.7, 1.95)},
        refutes=CLASS,
    ),
}  # fmt: skip


@claim(
    title="Worst gap of USAM: quadratics over strongly convex functions, parabola and half-line over convex ones",
    where="rates C30",
    kind="bound",
    confidence="derived (semidefinite programmes; no closed proof)",
    caveat="""certified over the whole class where the extra pep is installed, else searched over functions of one
        variable; the bound over convex functions was stated for every rho and is false beyond rho L = 1.5""",
    statement="""f(x_N) - f* <= max(|1 - eta h(mu)|, |1 - eta h(L)|)^(2N) (f(x_0) - f*) for strongly convex, and
        <= (L|x_0 - x*|^2/2) max(1/(1 + 2 N eta L), (1 - eta h(L))^(2N)) for convex functions and rho L <= 1.5;
        both are attained""",
    cost=1.5,
)
class WorstCase:
    functions: str = choice("strongly convex", "convex")
    kappa: float = log_real(1.25, 1e3)  # L/mu of the strongly convex ones
    L: float = log_real(0.1, 10)
    radius: float = log_real(0.01, 10)  # rho L of the strongly convex ones, 0.15 of it for the others
    reach: float = real(0.05, 2.1)  # eta h(L)
    steps: int = integer(1, 3)
    left: float = real(0, 1)  # curvatures of the three pieces, between mu and L
    middle: float = real(0, 1)
    right: float = real(0, 1)
    width: float = log_real(0.01, 10)  # of the middle piece
    start: float = real(-3, 3)  # from the minimiser
    tilt: float = real(0, 1)  # where in the middle piece the minimiser is

    examples = (
        {"functions": "strongly convex", "kappa": 10.0, "L": 1.0, "radius": 1 / 6, "reach": 0.2763, "steps": 3,
         "left": 0.0, "middle": 0.0, "right": 0.0, "width": 1.0, "start": 1.0, "tilt": 0.5},
        {"functions": "strongly convex", "kappa": 10.0, "L": 1.0, "radius": 0.5, "reach": 2.1, "steps": 2,
         "left": 1.0, "middle": 1.0, "right": 1.0, "width": 1.0, "start": 1.0, "tilt": 0.5},
        {"functions": "convex", "kappa": 10.0, "L": 1.0, "radius": 1 / 0.15, "reach": 1.0, "steps": 2,
         "left": 1.0, "middle": 1.0, "right": 0.0, "width": 1 / 3, "start": 1.0, "tilt": 0.0},  # a half-line
        {"functions": "convex", "kappa": 10.0, "L": 1.0, "radius": 1.0, "reach": 2.1, "steps": 3,
         "left": 1.0, "middle": 1.0, "right": 1.0, "width": 1.0, "start": 1.0, "tilt": 0.5},
    )  # fmt: skip

    @property
    def mu(self):
        return self.L / self.kappa if self.functions == "strongly convex" else 0.0

    @property
    def rule(self):
        radius = self.radius if self.functions == "strongly convex" else 0.15 * self.radius
        return USAM(self.reach / (self.L * (1 + radius)), radius / self.L)

    @functools.cached_property
    def problem(self):
        """Its minimiser is 0."""
        bend = self.mu + (self.L - self.mu) * np.array([self.left, self.middle, self.right])
        low = -self.tilt * self.width
        return PiecewiseQuadratic(np.array([low, low + self.width]), bend, low * bend[1])

    def assumptions(self):
        bend = self.problem.curvatures
        return [
            requires("curvature >= mu", bend.min(), ">=", self.mu * (1 - 4 * EPS)),
            requires("curvature <= L", bend.max(), "<=", self.L * (1 + 4 * EPS)),
            requires("the minimiser is in the middle piece", bend[1], ">", 0),
            requires(NEAR, self.rule.rho * self.L if self.functions == "convex" else 0.0, "<=", 1.5 * (1 + 4 * EPS)),
            requires("x_0 is no minimiser (1e-6)", abs(self.start), ">", 1e-6),
        ]

    def measure(self, metric="gap"):
        """The gap (or squared distance) after N steps on this function, and the programme's value."""
        run = simulate(self.problem, self.rule, [self.start], self.steps, threads=1, on_divergence="report")
        f = losses(self.problem, run.states) - losses(self.problem, np.zeros(1))
        reached = run.x[0] ** 2 if metric == "distance" else f[-1]
        first = run.states[0, 0] ** 2 if metric == "distance" or self.functions == "convex" else f[0]
        found = None
        if available():
            names = {"gap": ("gap", "gap-from-distance"), "distance": ("distance", "distance")}
            convex = self.functions == "convex"
            kind = "smooth-convex" if convex else "smooth-strongly-convex"
            one = {"mu": self.mu, "L": self.L, "steps": self.steps, "metric": names[metric][convex]}
            found = worst_case(self.rule, kind, **one)
        return reached / first, found, EPS * np.abs(f).max() / first

    def predict(self, rho=None):
        rule = self.rule if rho is None else self.rule._replace(rho=rho)
        if self.functions == "convex":
            return usam_exact.usam_convex_gap(self.L, *rule, self.steps)
        return usam_exact.usam_strongly_convex_gap(self.mu, self.L, *rule, self.steps)

    def judge(self, measured, bound):
        seen, found, ulp = measured
        evidence = [at_most("this function", seen, bound, slack=64 * ulp * self.steps, why="64 ulp a step of the gaps")]
        if found is not None:
            why = f"2e-6 and the certificate's own error; solver: {found.status}"
            known = found.error < 0.01 * bound  # the error is in the tolerance; beyond that nothing is decided
            value, error = (found.value, 0.0) if known else (bound, np.inf)
            off = 2e-6 * max(1.0, bound) + (found.error if known else 0.0)
            evidence.append(equals(CLASS, value, bound, tolerance=off, error=error, why=why))
        return evidence

    def exact(self):
        """The worst of the class, in units of `this function`; {} where the extra is missing or the solver fails."""
        found = self.measure()[1]
        return {"this function": found.value} if found is not None and found.solved else {}

    controls = {
        "rho 1 % smaller, unstable": control(
            predict=lambda c: c.predict(rho=0.99 * c.rule.rho),
            where={"reach": real(2.0, 2.1), "left": 1.0, "middle": 1.0, "right": 1.0, "radius": real(1, 10)},
            refutes="this function",
        ),
        "1/(1 + 2.04 N eta L)": control(
            predict=lambda c: c.L / 2 / (1 + 2.04 * c.steps * c.rule.eta * c.L),
            where={"functions": "convex", "reach": 1.0, "radius": 1 / 0.15, "left": 1.0, "middle": 1.0, "right": 0.0,
                   "tilt": 0.0, "steps": 2, "width": 1 / 3, "start": 1.0},
            refutes="this function",
        ),
        "curvature above L": control(
            where={"left": 1.2, "middle": 1.2, "right": 1.2, "reach": real(1.9, 2.1), "radius": real(0.5, 10)},
            violates="curvature <= L", refutes="this function",
        ),
        "GD's factor": control(
            predict=lambda c: c.predict(rho=0.0),
            where={"functions": "strongly convex", "reach": real(1.9, 2.1), "radius": real(1, 10), "left": 1.0,
                   "middle": 1.0, "right": 1.0},
            refutes="this function",
        ),
    } | (PROGRAMME if available() else {})  # fmt: skip


if __name__ == "__main__":
    script(__file__)
