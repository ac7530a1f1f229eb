"""Bolte, Le & Pauwels 2025 (arXiv 2510.09034), Theorem 2.1: why 'for all but finitely many steps'.

f in C^2, piecewise polynomial: f' = (x - 3)/a for x <= 1, a cubic on [1, 3], f' = -m (x - 3) for x >= 3.  The local
maximum 3 has the multiplier 1 + eta m > 1, yet with eta = a gradient descent takes every x_0 <= 1 there in one step,
and stays: a set of positive measure converges to an unstable point.  The map sends an interval to a point, so that
preimages of null sets are not null.  With any other step it does not happen: a start misses 3 by |1 - eta/a| |3 - x_0|,
and that grows.

In floating point a zero offset is needed: a is a power of two, starts are multiples of 1/1024, so that
x_0 - a ((x_0 - 3)/a) is exactly 3.  Conventions: no scaling; f is unbounded below.
"""

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.hermite import ExceptionalStep
from samtheory.rules.gd import GD
from samtheory.simulate import simulate

STEPS, STARTS = 300, 256


@claim(
    title="One exceptional step at which gradient descent converges to a maximum from an interval of starts",
    where="Theorem 2.1, 'all but finitely many steps'",
    kind="counterexample",
    confidence="derived",
    statement="""With eta = a every x_0 <= 1 converges to the unstable point 3 in one step; with eta != a almost none
        does.""",
)
class Exceptional:
    step: str = choice("exceptional", "other")
    a: float = real(0.125, 1)  # rounded down to a power of two
    rounded: int = integer(1, 1)  # 0: a as it is, for a control
    tilt: float = log_real(1e-3, 0.1)  # |eta/a - 1| of the other steps
    side: str = choice("longer", "shorter")
    m: float = real(0.5, 4)
    left: int = integer(-8, 0)  # starts are in [left, left + 1]
    seed: int = seeds()

    examples = tuple(
        {"step": step, "a": 0.5, "rounded": 1, "tilt": 0.01, "side": side, "m": 2.0, "left": 0, "seed": 0}
        for step, side in (("exceptional", "longer"), ("other", "longer"), ("other", "shorter"))
    )

    @property
    def slope(self):
        """a."""
        return 2.0 ** np.floor(np.log2(self.a)) if self.rounded else self.a

    @property
    def eta(self):
        if self.step == "exceptional":
            return self.slope
        return self.slope * (1 + self.tilt * (1 if self.side == "longer" else -1))

    @property
    def starts(self):
        dyadic = np.random.default_rng([self.seed, 0]).choice(1025, STARTS, replace=False) / 1024
        return (self.left + dyadic)[:, None]

    def assumptions(self):
        return [
            requires("x_0 <= 1", self.starts.max(), "<=", 1),
            requires("a is a power of two", np.log2(self.slope) % 1 == 0),
            requires("3 is unstable: 1 + eta m > 1", 1 + self.eta * self.m, ">", 1),
        ]

    def measure(self):
        """The share of the starts that are at 3 after one step, and after many."""
        problem, shares = ExceptionalStep(self.slope, self.m), []
        for steps in (1, STEPS):
            run = simulate(
                problem, GD(self.eta), self.starts, steps, every=steps, record={}, on_divergence="report", threads=1
            )
            shares.append((np.abs(run.x - 3) <= 1e-9).mean())
        return np.array(shares)

    def predict(self):
        return 1.0 if self.step == "exceptional" else 0.0

    def judge(self, shares, share):
        return [equals("share of starts at the maximum", shares, share, tolerance=0.5 / STARTS, why="half a start")]

    controls = {
        "for every step no interval of starts converges to an unstable point": control(
            predict=lambda c: 0.0, where={"step": "exceptional"}
        ),
        "a whole interval of steps is exceptional": control(predict=lambda c: 1.0, where={"step": "other"}),
        "a that is no power of two: round-off is enough to escape": control(
            where={"step": "exceptional", "a": 0.3, "rounded": 0, "left": integer(-4, -3), "m": real(2, 4)},
            violates="a is a power of two",
        ),
        "starts beyond 1": control(where={"step": "exceptional", "left": integer(1, 1)}, violates="x_0 <= 1"),
    }


if __name__ == "__main__":
    script(__file__)
