"""Wen, Ma & Li 2023 (arXiv 2211.05729), Figure 1 and Section 4.1: SAM is no descent on the loss its ascent step sees.

L = F0 c^2 + F1 d^2, F0 > F1 > 0 functions of (a, b), minimised where c = d = 0.  SAM drifts to the least F0 = lam_1/2.
Gradient descent on L_asc(x) = L(x + rho g/|g|), g = grad L, by its true gradient, is biased towards the smallest F1
(S_asc = lam_2/2, wen2023/limiting-regularisers), but its step is stiff: next to d = 0 the curvature of L_asc along c is
~rho^2/d^2, without bound.  It does not stop at argmin F1; derived here, and seen from every start tried:

    it ends in the two-cycle c -> -c, (a, b, d) fixed.  L_asc is even in c, so these are the points with
        dL_asc/da = dL_asc/db = dL_asc/dd = 0,   dL_asc/dc = 2 c/eta:   critical points of L_asc - c^2/eta.

With tan(th) = F1 d/(F0 c), L_asc = rho^2 (F1 + (F0 - F1) cos^2 th) + 2 rho F1 d + ... for c << d << rho, which gives
cos^2 th = F0 sqrt(eta/(F0 - F1)) and, with F1'' and F0' < 0 along a, at the minimum a1 of F1,
    a - a1 = C sqrt(eta) + O(eta),   C = F0 |F0'| (1 + 2 (F0 - F1)/F0)/(F1'' sqrt(F0 - F1)),   independent of rho.

The claim: a at rest is that of the two-cycle, decreases with eta, tends to argmin F1 like sqrt(eta), and is below that
of SAM, argmin F0.  Conventions: full batch; no step where g = 0.  c = 0 is invariant, and in floats c can underflow to
it on the way in, if the run comes from afar with a small eta: starts have c and d of the cycle's size, rho sqrt(eta).
"""

import numpy as np

from samtheory.claims import at_most, claim, control, equals, log_real, real, requires, script
from samtheory.measures.sharpness import ascent_loss_gradient
from samtheory.problems.two_bowls import TwoBowls
from samtheory.rules.ascent_loss import AscentLoss
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

ETAS, SLOW = np.array([2e-3, 5e-4, 2e-4]), 14  # runs last SLOW/F1'' in the time eta rho^2 t
TINY = 1e-10  # eta at which the cycle is only solved for
LEFT, RIGHT = -1.0, 1.0  # argmin F1, argmin F0


@claim(
    title="Descent on the ascent loss goes to the least small eigenvalue, SAM to the least large one",
    where="Figure 1 and Section 4.1",
    kind="comparison",
    confidence="text (the two biases), derived (the two-cycle, its limit and rate)",
    statement="""On F0 c^2 + F1 d^2 gradient descent on L(x + rho g/|g|) rests in the two-cycle c -> -c at a critical
        point of L_asc - c^2/eta; its a decreases with eta to argmin F1, a - argmin F1 ~ C sqrt(eta); SAM rests at
        argmin F0.""",
    caveat="at fixed eta the descent on the ascent loss does not reach argmin F1: it chatters in a two-cycle",
    cost=16,
)
class SamIsNotAscentLoss:
    top: float = real(4, 6)  # the least F0
    low: float = real(0.7, 1.5)  # the least F1
    bend0: float = real(0.5, 1.5)  # F0 = top + bend0 (a - 1)^2 + b^2
    bend1: float = real(0.3, 0.5)  # F1 = low + bend1 (a + 1)^2 + b^2
    rho: float = log_real(0.4, 0.6)
    a: float = real(-1, 1)  # start
    b: float = real(-0.5, 0.5)
    c: float = log_real(0.3, 1)  # start, in units of rho sqrt(eta); d starts at 2 of them

    examples = ({"top": 4, "low": 1, "bend0": 1, "bend1": 0.5, "rho": 0.4, "a": -0.3, "b": 0.4, "c": 0.5},)

    @property
    def problem(self):
        return TwoBowls([self.top, self.low], [self.bend0, self.bend1], [RIGHT, LEFT])

    def bowls(self, a):
        """F0, F1, dF0/da, dF1/da at b = 0."""
        F0, F1 = self.top + self.bend0 * (a - RIGHT) ** 2, self.low + self.bend1 * (a - LEFT) ** 2
        return F0, F1, 2 * self.bend0 * (a - RIGHT), 2 * self.bend1 * (a - LEFT)

    def assumptions(self):
        F0, F1, _, _ = self.bowls(np.linspace(LEFT, RIGHT, 201))
        return [
            requires("F0 > F1 > 0 between their minima", min((F0 - F1).min(), F1.min()), ">", 0),
            requires("the start has c != 0", abs(self.c), ">", 0),
        ]

    def measure(self, rule=AscentLoss):
        """a at the end and a tenth before it for every eta, and of SAM from the same start."""

        def rest(rule):
            size = self.rho * rule.eta**0.5
            steps = 10 * int(SLOW / (rule.eta * self.rho**2 * 2 * min(self.bend0, self.bend1)) / 10)
            start = [self.a, self.b, size * self.c, 2 * size]
            return simulate(self.problem, rule, start, steps, every=steps // 10, threads=1).states[-2:, 0]

        return np.array([rest(rule(eta, self.rho)) for eta in ETAS]), rest(SAM(0.01, self.rho))

    def predict(self, factor=1.0, step=1.0):
        """a of the two-cycle for every eta, C measured at TINY, C."""
        F0, F1, slope, _ = self.bowls(LEFT)
        C = F0 * abs(slope) * (1 + 2 * (F0 - F1) / F0) / (2 * self.bend1 * (F0 - F1) ** 0.5)
        far = (self.cycle(TINY) - LEFT) / TINY**0.5
        return np.array([self.cycle(step * eta) for eta in ETAS]), far, factor * C

    def cycle(self, eta):
        """a at the critical point of L_asc - c^2/eta, b = 0, from the approximation of small eta."""
        from scipy.optimize import brentq, root

        def turned(a):  # cos^2 of th
            F0, F1, _, _ = self.bowls(a)
            return F0 * (eta / (F0 - F1)) ** 0.5

        def pull(a):
            F0, F1, D0, D1 = self.bowls(a)
            return D1 + turned(a) * (D0 - D1 + 2 * (F0 - F1) * (D0 / F0 - D1 / F1))

        a = brentq(pull, LEFT, RIGHT)
        F0, F1, _, _ = self.bowls(a)
        d = self.rho * F0 * (eta * (F0 - F1)) ** 0.5 / F1
        c = F1 * d * min(turned(a), 0.5) ** 0.5 / F0

        def equations(z):
            x = np.array([z[0], 0.0, c * z[1], d * z[2]])
            G = ascent_loss_gradient(self.problem, x, self.rho)
            return [G[0] / self.rho**2, eta * G[2] / c - 2 * z[1], G[3] / self.rho]

        found = root(equations, [a, 1.0, 1.0], tol=1e-13)
        if np.abs(equations(found.x)).max() > 1e-9:
            raise ArithmeticError(f"no critical point of L_asc - c^2/eta found for eta = {eta}: {found.message}")
        return float(found.x[0])

    def judge(self, measured, predicted):
        (ends, sam), (cycle, far, C) = measured, predicted
        a, moved = ends[:, 1], np.abs(ends[:, 1] - ends[:, 0])
        why = "how far a still moved in the last tenth; 1e-8: the equations are solved to 1e-9"
        return [
            equals("a at rest", a, cycle, tolerance=10 * moved + 1e-8, why=why),
            at_most("a falls with eta", a[1:], a[:-1]),
            at_most("a is below SAM's", a, sam[1]),
            equals("a of SAM", sam[1], RIGHT, tolerance=10 * abs(sam[1] - sam[0]) + 1e-8, why=why),
            equals("(a - argmin F1)/sqrt(eta)", far, C, tolerance=C * C * TINY**0.5, why="a - argmin F1, relative"),
        ]

    controls = {
        "SAM in place of descent on the ascent loss": control(measure=lambda c: c.measure(SAM), refutes="a at rest"),
        "a = argmin F1 at fixed eta": control(predict=lambda c: (LEFT, *c.predict()[1:]), refutes="a at rest"),
        "the two-cycle of a step one part in a thousand larger": control(
            predict=lambda c: c.predict(step=1.001), refutes="a at rest"
        ),
        "C one per cent larger": control(predict=lambda c: c.predict(1.01), refutes="(a - argmin F1)/sqrt(eta)"),
        "a start on c = 0, which no step leaves": control(
            where={"c": 0.0}, violates="the start has c != 0", refutes="a at rest"
        ),
    }


if __name__ == "__main__":
    script(__file__)
