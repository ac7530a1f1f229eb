"""What the normalisation changes in Kim et al. 2023 (arXiv 2301.06308): SAM near maxima and saddles, for every rho > 0.

(a) Maximum, f = -l x^2/2, eta l <= 1.  x+ = x + eta l (x - rho sign x): the points +-rho are fixed and repel.  From
    |x_0| < rho the iterates fall into |x| <= eta l rho, which is mapped into itself, and stay, without a limit (the map
    expands by 1 + eta l everywhere); from |x_0| > rho they escape: |x_t| - rho = (1 + eta l)^t (|x_0| - rho).
(b) Saddle of curvatures lam and -m lam, h = eta lam in (0, 2).  The 2-cycle x = +-A, A = rho h/(2 - h), in the positive
    direction, at which |g| = lam A, multiplies the negative direction by
        1 + h m (1 - rho m lam/(lam A)) = 1 + h m - m^2 (2 - h),
    of modulus below 1 iff h/(2 - h) < m < 2/(2 - h), however small rho is.  USAM's threshold rho > 1/|lam_-| does not
    apply to it.

Conventions: normalised SAM, full batch, no perturbation at a zero gradient; rho is a length.
"""

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, equals, log_real, real, requires, script
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude
from samtheory.theory.edges import normalised_saddle_window

EPS = np.finfo(float).eps


@claim(
    title="Normalised SAM is trapped by maxima, and by saddles within a window of curvature ratios, for every rho",
    where="Theorem 1, for normalised SAM",
    kind="limit",
    confidence="derived",
    statement="""(a) From |x_0| < rho beside a maximum of curvature -l, eta l <= 1, SAM ends in |x| <= eta l rho, from
        |x_0| > rho it escapes.  (b) The 2-cycle along the positive curvature lam attracts the negative one, -m lam, iff
        h/(2 - h) < m < 2/(2 - h), h = eta lam; the factor is 1 + h m - m^2 (2 - h).""",
)
class NormalisedSaddle:
    place: str = choice("maximum", "saddle")
    h: float = real(0.02, 1)  # eta l, or eta lam
    rho: float = log_real(1e-3, 10)
    curvature: float = log_real(0.1, 10)  # l, or lam
    start: float = real(0.05, 2)  # |x_0| / rho beside a maximum
    m: float = log_real(0.01, 4)

    examples = (
        {"place": "maximum", "h": 0.1, "rho": 1.0, "curvature": 1.0, "start": 0.99, "m": 1.0},  # tail .0999999
        {"place": "maximum", "h": 0.1, "rho": 1.0, "curvature": 1.0, "start": 1.01, "m": 1.0},
        {"place": "saddle", "h": 0.02, "rho": 0.3, "curvature": 2.0, "start": 1.0, "m": 0.9999},  # x^2 - y^2, .003030
    )

    @property
    def eta(self):
        return self.h / self.curvature

    @property
    def factor(self):
        """Of the negative direction on the cycle."""
        return 1 + self.h * self.m - self.m**2 * (2 - self.h)

    def assumptions(self):
        margin = abs(self.start - 1) if self.place == "maximum" else abs(abs(self.factor) - 1)
        return [
            requires("h <= 1 (maximum), h < 2 (saddle)", self.h, "<=", 1),
            requires("not marginal", margin, ">=", 2e-3 if self.place == "saddle" else 1e-9),
        ]

    def run(self, rule, lam, start, steps):
        problem = Diagonal(np.array(lam), np.zeros(len(lam)))
        states = simulate(problem, rule, start, steps, threads=1, limit=1e100, on_divergence="report").states
        return np.abs(np.nan_to_num(states, nan=np.inf))

    def measure(self, rule=SAM):
        rule, unit = rule(self.eta, self.rho), self.rho * self.h
        if self.place == "maximum":
            # |x_t| leaves rho like (1 + h)^t: 25 e-foldings more than the first distance needs
            steps = 200 + int((25 - np.log(abs(self.start - 1))) / np.log1p(self.h))
            x = self.run(rule, [-self.curvature], [self.rho * self.start], steps)[:, 0]
            return x[-100:].max() / unit, np.inf
        A = cycle_amplitude(self.eta, self.rho, self.curvature)
        steps = 1 + int(8 / np.abs(np.log(np.maximum(np.abs(self.factor), 1e-3))))
        y = self.run(rule, [self.curvature, -self.m * self.curvature], [A, 1e-6 * A], steps)[:, 1] / (1e-6 * A)
        return y[-1] if y.max() < 1e5 else np.inf, y[1]

    def predict(self):
        return self.trapped(), abs(self.factor)

    def trapped(self, low=None, high=None):
        if self.place == "maximum":
            return self.start < 1
        window = normalised_saddle_window(self.h)
        return bool((window[0] if low is None else low) < self.m < (window[1] if high is None else high))

    def judge(self, measured, predicted):
        (last, first), (trapped, factor) = measured, predicted
        name = "largest |x|/(eta l rho) in the end" if self.place == "maximum" else "|y| in the end / at the start"
        compare, slack = (at_most, 4 * EPS / self.h) if trapped else (at_least, 0.0)
        out = [compare(name, last, 1, slack=slack + 8 * EPS, why="4 ulp of x a step")]
        if self.place == "saddle":
            tolerance = 1e-12 * (2 * self.m**2 * (1 + self.m**2)) + 64 * EPS * (1 + 4 * self.m**2)
            why = "the direction of g turns by m 1e-6, |g| grows by the square of that"
            out.append(equals("|y| after a step / before", first, factor, tolerance=tolerance, why=why))
        return out

    controls = {
        "USAM's threshold, rho > 1/|lam_-|": control(
            predict=lambda c: (c.rho * c.m * c.curvature > 1, abs(c.factor)),
            where={"place": "saddle", "h": real(0.1, 0.6), "m": real(0.5, 0.95), "rho": log_real(1e-3, 0.1)},
            refutes="|y| in the end / at the start",
        ),
        "no lower end of the window": control(
            predict=lambda c: (c.trapped(low=0.0), abs(c.factor)),
            where={"place": "saddle", "h": real(0.5, 1), "m": real(0.05, 0.3)},
            refutes="|y| in the end / at the start",
        ),
        "no upper end of the window": control(
            predict=lambda c: (c.trapped(high=np.inf), abs(c.factor)),
            where={"place": "saddle", "m": real(2.05, 4)},
            refutes="|y| in the end / at the start",
        ),
        "factor 1 + h m - 2 m^2": control(
            predict=lambda c: (c.trapped(), abs(1 + c.h * c.m - 2 * c.m**2)),
            where={"place": "saddle", "m": real(0.3, 4)},
            refutes="|y| after a step / before",
        ),
        "trapped in half of eta l rho": control(
            measure=lambda c: (2 * c.measure()[0], np.inf),
            where={"place": "maximum", "start": real(0.1, 0.95), "h": real(0.02, 0.5)},
        ),
        "trapped from 1.05 rho as well": control(
            predict=lambda c: (True, 1.0), where={"place": "maximum", "start": real(1.05, 2)}
        ),
        "no maximum traps": control(
            predict=lambda c: (False, 1.0), where={"place": "maximum", "start": real(0.1, 0.95)}
        ),
        "un-normalised SAM with rho l < 1 is trapped": control(
            measure=lambda c: c.measure(USAM),
            where={"place": "maximum", "start": real(0.1, 0.95), "rho": log_real(1e-3, 0.08)},
        ),
    }


if __name__ == "__main__":
    script(__file__)
