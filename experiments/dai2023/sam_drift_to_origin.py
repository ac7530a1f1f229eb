"""Dai, Ahn & Sra 2023 (arXiv 2305.15287), section 4: normalised SAM on l(xy) never stops; it slides to the origin.

The paper is recalled to say that y^2 falls to order rho^2; it tends to 0.  Let R = |(x, y)| and let (a, b) be the
perturbed point: |a| = |x| + rho y/R, b = y + rho |x|/R, and y+ = y - eta l'(|a| b) |a|.

every step  |a| b >= rho R and l'(v) >= v/(1 + v), true of both l here, give y+ <= (1 - eta rho^2/(1 + rho R)) y where
            x y is not 0; as |x| < y, it takes log(y_0/y)/(eta rho^2) + sqrt(2) (y_0 - y)/(eta rho) + 1 steps at most.
on the way  on the cycle |x| = eta rho y^2/(2 - eta y^2) the step is -4 eta rho^2 y/(2 - eta y^2)^2.  With the cubic
            term of l'(u) = u - a_3 u^3 + ... a step takes 1 + a_3 v^2 (2 + h)/(2 - h) times as long, h = eta y^2,
            v = 2 rho y/(2 - h), so that from h_a to h_b SAM needs, up to O(1) steps and O(a_3^2 rho^2/eta^3),
            F(y_a) - F(y_b) + (a_3/(2 eta^2)) (4 log((2 - h_b)/(2 - h_a)) - h_a + h_b) steps   (formal).
at the end  x = +-(-1)^t z y^2/rho, y+ = q y is invariant for y -> 0 iff eta rho^2 = q (1 - q^2)/(1 + q^2): to first
            order log y falls by eta rho^2 a step.  The right side has the maximum g^(-5/2) = 0.30028, g the golden
            ratio, at q = g^(-3/2); for larger eta rho^2 runs end on the diagonals |x| = |y| (control).

The recalled range (no rho > 0.85) is replaced by that condition; eta <= 1/2 and |x| < y throughout come from runs, as
do the sizes of what is left out.  0 < x_0 < y_0 is not enough: from close to the diagonal a step can overshoot y = 0,
and the run ends on a diagonal (control).

Conventions: L = l(xy) unscaled, l even, convex, 1-Lipschitz, l''(0) = 1; full batch.
"""

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, equals, log_real, real, requires, script
from samtheory.problems.links import LogCosh, PseudoHuber
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import CoordinateBelow
from samtheory.theory.cycles import cycle_amplitude
from samtheory.theory.drift import steps_down_the_valley

LINKS = {"log-cosh": (LogCosh(), 1 / 3), "pseudo-huber": (PseudoHuber(), 1 / 2)}  # l, a_3
LARGEST = ((1 + np.sqrt(5)) / 2) ** -2.5
AWAY = "eta (y_0^2 - x_0^2) >= 1/2"
HIGH, LOW = 1.2, 0.3  # eta y^2 where the timed run starts and ends
FAST = {"eta": log_real(0.2, 0.5), "pull": log_real(0.01, 0.2), "reach": log_real(0.06, 0.1)}


@claim(
    title="SAM on l(xy) descends all the way to the origin, at a known speed",
    where="Section 4 (SAM)",
    kind="limit",
    confidence="limit: memory; rate, condition and constants: derived",
    statement="""l = log cosh or sqrt(1 + u^2).  If 0 < x_0 <= 1, eta (y_0^2 - x_0^2) >= 1/2, eta <= 1/2 and
        eta rho^2 < 0.30028 = golden ratio^(-5/2): |x_t| < y_t, y_{t+1} <= (1 - eta rho^2/(1 + rho |w_t|)) y_t, so
        y_t -> 0, and y_{t+1}/y_t -> q where eta rho^2 = q (1 - q^2)/(1 + q^2).  From eta y^2 = 1.2 to 0.3 on the
        cycle it takes F(y_a) - F(y_b) + 1.06 a_3/eta^2 + O(1) steps,
        F(y) = (4 ln y - 2 eta y^2 + eta^2 y^4/4)/(4 eta rho^2).""",
    caveat="recalled as y^2 = O(rho^2); the limit is 0",
    cost=2,
)
class DriftToOrigin:
    link: str = choice("log-cosh", "pseudo-huber")
    eta: float = log_real(0.03, 0.5)
    pull: float = log_real(3e-4, 0.285)  # eta rho^2
    gamma: float = real(0.5, 6)  # eta (y_0^2 - x_0^2)
    x0: float = log_real(0.05, 1)
    reach: float = log_real(0.04, 0.1)  # rho sqrt(2/eta) of the timed run

    examples = (
        {"link": "log-cosh", "eta": 0.1, "pull": 0.001, "gamma": 3.0, "x0": 0.5, "reach": 0.02 * 20**0.5},
        {"link": "log-cosh", "eta": 0.4, "pull": 0.001, "gamma": 3.0, "x0": 0.5, "reach": 0.02 * 5**0.5},
    )

    @property
    def rho(self):
        return np.sqrt(self.pull / self.eta)

    @property
    def start(self):
        return np.array([self.x0, np.sqrt(self.gamma / self.eta + self.x0**2)])

    def assumptions(self):
        x, y = self.start
        return [
            requires("0 < x_0 <= 1", 0 < x <= 1),
            requires(AWAY, self.eta * (y * y - x * x), ">=", 0.5),
            requires("eta <= 1/2", self.eta, "<=", 0.5),
            requires("eta rho^2 < golden ratio^(-5/2)", self.eta * self.rho**2, "<", LARGEST),
        ]

    def run(self, rule, start, steps, low):
        """Iterates until y <= low, `steps` at most."""
        problem, stop = Product(LINKS[self.link][0]), CoordinateBelow(1, low)
        run = simulate(problem, rule, start, steps, stop=stop, threads=1, on_divergence="report")
        end = max(run.stopped[0], run.diverged[0])
        return np.nan_to_num(run.states if end < 0 else run.states[: end + 1], nan=np.inf)

    def measure(self, rule=SAM):
        """(a run down to y = 1e-4 rho, or 1e-4; number of steps of a run down the valley)."""
        down = self.run(rule(self.eta, self.rho), self.start, int(1.1 * self.longest) + 2, self.low)
        rho, (high, low) = self.reach * np.sqrt(self.eta / 2), np.sqrt(np.array([HIGH, LOW]) / self.eta)
        cycle = np.array([cycle_amplitude(self.eta, rho, high**2), high])
        return down, len(self.run(rule(self.eta, rho), cycle, int(3 * self.valley(0)), low)) - 1

    @property
    def low(self):
        return 1e-4 * min(self.rho, 1)

    @property
    def longest(self):
        """Steps to y = low at most."""
        y0 = self.start[1]
        return np.log(y0 / self.low) / self.pull + np.sqrt(2) * (y0 - self.low) / (self.eta * self.rho) + 1

    def valley(self, a3):
        """Steps from HIGH to LOW."""
        high, low = np.sqrt(np.array([HIGH, LOW]) / self.eta)
        leading = steps_down_the_valley(high, low, self.eta, self.reach * np.sqrt(self.eta / 2))
        return leading + a3 / (2 * self.eta**2) * (4 * np.log((2 - LOW) / (2 - HIGH)) - HIGH + LOW)

    def predict(self):
        """(q, steps)."""
        return np.roots([1, self.pull, -1, self.pull]).real.max(), self.valley(LINKS[self.link][1])

    def judge(self, measured, predicted):
        (down, steps), (q, valley) = measured, predicted
        x, y = down.T
        least = self.pull / (1 + self.rho * np.hypot(x, y)[:-1])
        late = int(np.argmax(y <= 100 * y[-1]))
        fall = 1 - (abs(y[-1]) / abs(y[late])) ** (1 / (len(y) - 1 - late))
        spread = 4 + 4 * (LINKS[self.link][1] * self.reach / self.eta) ** 2
        ulp = np.finfo(float).eps
        return [
            at_most("|x_t|", abs(x), y),
            at_least("1 - y_{t+1}/y_t", 1 - y[1:] / y[:-1], least, slack=4 * ulp, why="round-off of one step"),
            at_most("steps to y = low", len(y) - 1, self.longest),
            equals("1 - q, late", fall, 1 - q, tolerance=0.02 * self.pull * (1 - q), why="approach to the late phase"),
            equals("steps down the valley", steps, valley, tolerance=spread, why="O(1) and O(a_3^2 rho^2/eta^3)"),
        ]

    controls = {
        "small-step speed (eta rho^2/2) grad lam": control(
            predict=lambda c: (c.predict()[0], np.log(HIGH / LOW) / (c.eta**2 * c.reach**2))
        ),
        "speed 2% lower": control(
            predict=lambda c: (c.predict()[0], 1.02 * c.predict()[1]), where={"reach": log_real(0.04, 0.06)}
        ),
        "steps without a_3": control(
            predict=lambda c: (c.predict()[0], c.valley(0)), where={"eta": log_real(0.03, 0.1)}
        ),
        "q = 1 - eta rho^2": control(predict=lambda c: (1 - c.pull, c.predict()[1])),
        "gradient descent stops": control(measure=lambda c: c.measure(lambda eta, rho: GD(eta)), where=FAST),
        "un-normalised SAM stops": control(measure=lambda c: c.measure(USAM), where=FAST),
        "start close to the diagonal": control(
            where={"gamma": log_real(1e-4, 1e-3), "pull": log_real(0.01, 0.1)}, violates=AWAY, refutes="|x_t|"
        ),
        "eta rho^2 beyond 0.30028": control(where={"pull": real(0.4, 0.6)}, violates="eta rho^2 < golden ratio^(-5/2)"),
        "eta beyond 1/2": control(
            where={"eta": real(1.6, 1.9), "pull": real(0.1, 0.285), "gamma": real(2, 6)}, violates="eta <= 1/2"
        ),
    }


if __name__ == "__main__":
    script(__file__)
