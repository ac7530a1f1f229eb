"""Si & Yun 2023 (arXiv 2306.09850): tuned to T, SAM's gap on strongly convex losses falls like (log T/T)^2.

f = (beta x_1^2 + mu x_2^2)/2, one constant eta for the horizon.  A step eta leaves the cycle of the top curvature,
of gap beta A^2/2, A = eta rho beta/(2 - eta beta), and the start's share exp(-2 eta mu T); both are small together only
for eta of order log T/(mu T).  With the prescribed eta = 2 log T/(mu T) the second is T^-4 and the gap at T is the
cycle's; the best eta = c log T/(mu T) over a grid of c does not beat that rate: the slope on log(T/log T) is
near -2.  A gap is the largest of the last 50 steps: a single iterate may pass near 0 by accident.

The window of the slope, [-2.25, -1.8], is a choice: the range of T holds six doublings, over which the best c moves.
Conventions: loss with 1/2; full batch; normalised ascent; eta beta <= 1/2; the start is (1, 1) times `size` rho;
farther out the best c moves more, and the slope over these horizons is steeper.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, log_real, real, requires, script
from samtheory.evaluate import losses
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.constant_radius import squared_floor_sharp

EPS = np.finfo(float).eps
HORIZONS = 200 * 2 ** np.arange(7)
GRID = np.linspace(0.3, 3, 28)


@claim(
    title="Tuned to the horizon, SAM's gap falls like (log T/T)^2 on strongly convex losses",
    where="strongly convex, deterministic, upper bound",
    kind="order",
    confidence="text (order), measured",
    statement="""min over c of f(x_T) - f*, eta = c log T/(mu T), has slope in [-2.25, -1.8] against T/log T; with
        eta = 2 log T/(mu T) f(x_T) - f* = beta A^2/2, A = eta rho beta/(2 - eta beta)""",
    caveat="the window of the slope is a choice, not a theorem",
    cost=20,
)
class HorizonRate:
    condition: float = real(4, 12)  # beta/mu
    rho: float = log_real(0.1, 1)
    size: float = log_real(0.5, 2)  # of the start, over rho

    examples = ({"condition": 10.0, "rho": 0.5, "size": 2.0},)

    @property
    def problem(self):
        return Diagonal([1.0, 1 / self.condition], [0.0, 0.0])

    def steps(self, c):
        """eta = c log T/(mu T), 1/2 at most, for every horizon."""
        return np.minimum(0.5, c * np.log(HORIZONS) * self.condition / HORIZONS)

    def assumptions(self):
        eta = self.steps(2)[-5:]
        return [requires("the prescribed step is below 1/2 at the last five horizons", eta.max(), "<", 0.5)]

    def gap(self, rule, eta, steps):
        run = simulate(self.problem, rule(eta, self.rho), [self.size * self.rho] * 2, int(steps), threads=1)
        return float(losses(self.problem, run.states[-50:]).max())

    @functools.cache  # noqa: B019  (instances are frozen, and few)
    def _best(self, rule):
        return np.array([min(self.gap(rule, e, T) for e in set(self.steps(GRID[:, None])[:, k]))
                         for k, T in enumerate(HORIZONS)])  # fmt: skip

    def measure(self, rule=SAM, best=None):
        """The best gap of every horizon, and the gap with the prescribed step for the last five."""
        prescribed = [self.gap(rule, e, T) for e, T in zip(self.steps(2)[-5:], HORIZONS[-5:])]
        return self._best(rule) if best is None else best, np.array(prescribed)

    def predict(self):
        """The slope, and the gap of the cycle."""
        eta = self.steps(2)[-5:]
        return -2.0, 0.5 * (eta * self.rho / (2 - eta)) ** 2

    def judge(self, measured, predicted):
        best, prescribed = measured
        order, cycle = predicted
        slope = np.polyfit(np.log(HORIZONS / np.log(HORIZONS)), np.log(np.maximum(best, 1e-300)), 1)[0]
        eta, T = self.steps(2)[-5:], HORIZONS[-5:]
        steep, flat = (4 * self.size * self.rho * (1 - eta * lam) ** (T - 50) for lam in (1.0, 1 / self.condition))
        # the flat axis enters by its square, in f and in |g|
        tolerance = 2 * np.sqrt(2 * cycle) * (steep + 64 * EPS * self.rho / eta) + steep**2 + flat**2
        bound = squared_floor_sharp(T, 1 / self.condition, 1.0, eta, self.rho, (self.size * self.rho) ** 2)
        why = "the start's share after T - 50 steps, and 64 ulp of rho a step over the memory 1/eta"
        return [
            at_most("slope", slope, order + 0.2, why="a window of the order -2 over six doublings"),
            at_least("slope from below", slope, order - 0.25, why="a window of the order -2 over six doublings"),
            equals("gap with the prescribed step", prescribed, cycle, tolerance=tolerance, why=why),
            at_most("the same, below si2023/sc-eta-squared-floor", prescribed, bound, slack=tolerance, why=why),
        ]

    controls = {
        "a constant step does not fall": control(
            measure=lambda c: c.measure(best=np.array([c.gap(SAM, 0.1, T) for T in HORIZONS])), refutes="slope"
        ),
        "gradient descent falls exponentially": control(
            measure=lambda c: (c._best(lambda eta, rho: GD(eta)), c.measure()[1]), refutes="slope from below"
        ),
        "cycle off by one part in a million": control(
            predict=lambda c: (-2.0, (1 + 1e-6) * c.predict()[1]), refutes="gap with the prescribed step"
        ),
        "order -1": control(predict=lambda c: (-1.0, c.predict()[1]), refutes="slope from below"),
        "order -3": control(predict=lambda c: (-3.0, c.predict()[1]), refutes="slope"),
    }


if __name__ == "__main__":
    script(__file__)
