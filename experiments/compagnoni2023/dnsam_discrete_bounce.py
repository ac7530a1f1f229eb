"""Full-batch SAM with a finite step does not converge to a saddle: it bounces, and may leave (on arXiv 2301.08203).

f = 1/2 sum_i lam_i x_i^2.  On the axis of lam_j > 0 SAM has the two-cycle |x_j| = eta lam_j rho/(2 - eta lam_j), and a
small component along lam_i is multiplied there by

    1 - eta lam_i - lam_i^2 (2 - eta lam_j)/lam_j^2.

So 'attracted to the saddle' holds up to O(eta rho) only if the cycle attracts the negative directions: for lam_i < 0
the factor is below 1 iff eta lam_j^2/(2 - eta lam_j) < |lam_i|, that is iff the cycle lies in the ball rho |lam_i| of
the flow's attraction.  A negative direction flatter than that escapes although |H x_0| < rho |lam_i| (derived).  Along
a negative eigenvector alone, starts with |x_0| < rho end in |x| <= eta |lam| rho and starts with |x_0| > rho escape,
if eta |lam| < 1.

Conventions: full batch; normalised ascent; rho in units of parameters; no perturbation at a zero gradient.
"""

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, equals, log_real, real, requires, script
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

EPS = np.finfo(float).eps
PAIRS = 10  # pairs of steps over which the factor is measured


@claim(
    title="Discrete SAM bounces across a saddle; the bounce attracts a negative direction iff it is steep enough",
    where="Remark on the discrete algorithm",
    kind="identity",
    confidence="derived",
    statement="""On the two-cycle |x_j| = eta lam_j rho/(2 - eta lam_j) a component along lam_i < 0 is multiplied by
        1 - eta lam_i - lam_i^2 (2 - eta lam_j)/lam_j^2: attracted iff eta lam_j^2/(2 - eta lam_j) < |lam_i|.
        Alone, |x_0| < rho is trapped in |x| <= eta |lam_i| rho and |x_0| > rho escapes, if eta |lam_i| < 1.""",
    cost=2,
)
class DiscreteBounce:
    h: float = real(0.02, 1.5)  # eta lam_j
    top: float = log_real(0.1, 10)  # lam_j
    ratio: float = log_real(0.02, 5)  # |lam_i| over the threshold eta lam_j^2/(2 - eta lam_j)
    rho: float = log_real(1e-2, 10)
    start: float = real(0.02, 0.98)  # of the run along the negative axis, over rho
    side: str = choice("inside", "outside")

    examples = ({"h": 0.2, "top": 2.0, "ratio": 0.45, "rho": 0.4, "start": 0.1, "side": "inside"},)  # it escapes

    @property
    def eta(self):
        return self.h / self.top

    @property
    def low(self):
        """|lam_i|."""
        return self.ratio * self.h * self.top / (2 - self.h)

    def assumptions(self):
        return [
            requires("0 < eta lam_j < 2", self.h, "<", 2),
            requires("eta |lam_i| < 1", self.eta * self.low, "<", 1),
        ]

    def measure(self, rule=SAM):
        lam = np.array([self.top, -self.low])
        step = rule(self.eta, self.rho)
        cycle = self.rho * self.h / (2 - self.h)
        tiny = 1e-60 * self.rho  # so that what a hundred factors make of it is still negligible
        pairs = simulate(Diagonal(lam, 0 * lam), step, [cycle, tiny], 2 * PAIRS, threads=1).states
        x0 = self.rho * (self.start if self.side == "inside" else 2 - self.start)
        alone = simulate(Diagonal(lam[1:], [0.0]), step, [x0], 400, threads=1, on_divergence="report").states[:, 0]
        return np.abs(pairs[:, 0]) / cycle, pairs[1:, 1] / pairs[:-1, 1], np.nan_to_num(np.abs(alone), nan=np.inf)

    def predict(self):
        factor = 1 + self.eta * self.low - self.low**2 * (2 - self.h) / self.top**2
        return 1.0, factor, self.eta * self.low * self.rho, float(self.ratio > 1 and factor > -1)

    def judge(self, measured, predicted):
        (bounce, factors, alone), (one, factor, ball, attracted) = measured, predicted
        h = self.eta * self.low
        loss = 16 * EPS * 2 * PAIRS * max(1.0, (2 - self.h) / self.h)  # of the cycle, in units of its amplitude
        slope = self.low**2 * (2 - self.h) / self.top**2
        rows = [
            equals("|x_j| over the amplitude", bounce, one, tolerance=loss, why="rounding of the neutral run"),
            equals(
                "factor of x_i a step", factors, factor, tolerance=8 * EPS * (1 + h) + slope * loss, why="the same"
            ),
            equals(
                "attracted", float(np.all(np.abs(factors) < 1)), attracted,
                tolerance=0.5, why="a truth value",
            ),
        ]  # fmt: skip
        if abs(self.ratio - 1) * h < 1e-9 or abs(factor + 1) < 1e-9:
            rows.pop()
        if self.side == "inside":
            # |x| = rho - e, e growing by the factor 1 + eta |lam|, until it jumps across 0
            caught = np.flatnonzero(alone <= ball * (1 + 8 * EPS))
            rows.append(at_most("largest |x| on the way", alone.max(), max(alone[0], ball), slack=8 * EPS * alone[0]))
            if caught.size:
                left = alone[caught[0] :]
                rows.append(at_most("|x| once trapped", left, ball, slack=32 * EPS * self.rho, why="rounding a step"))
            elif (1 + h) ** 400 * (1 - self.start) > 2:
                rows.append(at_most("|x| at the end", alone[-1], ball, why="must have been trapped by then"))
        else:
            grown = self.rho + (alone[0] - self.rho) * (1 + h) ** np.arange(50)
            slack = 400 * EPS * self.rho * (1 + h) ** np.arange(50)
            rows.append(at_least("|x| when started outside", alone[:50], grown, slack=slack, why="rounding, grown"))
        return rows

    controls = {
        "the flow's criterion: |H x_0| < rho |lam_i| is attracted": control(
            predict=lambda c: (*c.predict()[:3], 1.0), where={"ratio": log_real(0.02, 0.9)}
        ),
        "transverse factor without the bounce, 1 - eta lam_i": control(
            predict=lambda c: (1.0, 1 + c.eta * c.low, *c.predict()[2:])
        ),
        "converges to the saddle": control(predict=lambda c: (0.0, *c.predict()[1:])),
        "factor with the amplitude eta rho lam_j/2": control(
            predict=lambda c: (1.0, 1 + c.eta * c.low - 2 * c.low**2 / c.top**2, *c.predict()[2:]),
            where={"ratio": log_real(0.5, 5)},
        ),
        "trapped in half the ball": control(
            predict=lambda c: (*c.predict()[:2], 0.5 * c.predict()[2], c.predict()[3]),
            where={"side": "inside", "h": real(0.3, 1), "ratio": real(0.5, 1)},
        ),
        "USAM in place of SAM": control(measure=lambda c: c.measure(USAM)),
    }


if __name__ == "__main__":
    script(__file__)
