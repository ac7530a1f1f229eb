"""Si & Yun 2023 (arXiv 2306.09850): on non-convex losses SAM may stop on a slope of up to beta rho.

f beta-smooth, eta <= 1/beta.  |g(y) - g(x)| <= beta rho and the descent lemma give f(x+) <= f(x) - (eta/2)|g|^2 +
(eta/2) beta^2 rho^2, so
    (1/T) sum_{t<T} |g(x_t)|^2 <= 2 (f(x_0) - f*)/(eta T) + beta^2 rho^2,
and the constant 1 of the floor is the best:
sine   f' = (beta/k) cos(k x), k rho = 3 pi/2: at 0 the perturbed point is a minimum, so SAM stops there, with
       |f'|^2 = 4 beta^2 rho^2/(9 pi^2); it attracts |x| < rho/3 for eta <= 1/beta, by 1 - eta beta a step near 0.
bend   f' = beta (x + rho), beta rho - 2m - beta x, -m + beta (x - rho + m/beta), joints at -m/beta, rho - m/beta:
       SAM stops at 0 with |f'|^2 = (beta rho - 2m)^2, from |x_0| < m/beta, where x+ = (1 - eta beta) x
       exactly.

The bound alone is also measured on sum log(1 + (Ax - b)_i^2), 2 |A|^2-smooth, in three dimensions.
Conventions: full batch; normalised ascent; constant rho.  The unit of length is that of k = 1 in the sine.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms, losses
from samtheory.problems.core import constants
from samtheory.problems.log_squares import LogSquares
from samtheory.problems.piecewise import PiecewiseQuadratic
from samtheory.problems.washboard import Washboard
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.constant_radius import nonconvex_gradient_bound

EPS = np.finfo(float).eps
STEP = "eta beta <= 1"
BEND = {"family": "bend", "start": real(0.2, 0.9)}


@claim(
    title="SAM with a constant radius may stop on a slope: the floor beta^2 rho^2, and its best constant",
    where="non-convex, deterministic",
    kind="bound",
    confidence="memory (order) + derived (constants, tightness)",
    statement="""(1/T) sum_{t<T} |g(x_t)|^2 <= 2 (f(x_0) - f*)/(eta T) + beta^2 rho^2 for eta <= 1/beta; SAM stops where
        |f'|^2 = 4 beta^2 rho^2/(9 pi^2) on a sine and (beta rho - 2m)^2 on a bend, for every m in (0, beta rho/2)""",
    cost=1.5,
)
class NonconvexFloor:
    family: str = choice("sine", "bend", "log squares")
    h: float = real(0.02, 1)  # eta beta
    beta: float = log_real(0.1, 10)
    radius: float = log_real(1e-2, 1e2)  # rho of the bend; on the sine it is 3 pi/2
    m: float = log_real(1e-4, 0.3)  # over beta rho
    start: float = real(0.05, 0.95)  # over the reach of the basin, rho/3 or m/beta
    length: float = log_real(100, 1e5)  # steps
    seed: int = seeds()  # of the log squares

    examples = (
        {"family": "sine", "h": 0.5, "beta": 2.0, "radius": 1.0, "m": 0.1, "start": 0.9, "length": 500, "seed": 0},
        {"family": "bend", "h": 1.0, "beta": 1.0, "radius": 1.0, "m": 1e-4, "start": 0.5, "length": 1e5, "seed": 0},
    )

    @property
    def rho(self):
        return 1.5 * np.pi if self.family == "sine" else self.radius

    @property
    def steps(self):
        return int(min(self.length, 5000 if self.family == "log squares" else np.inf))

    @functools.cached_property
    def problem(self):
        if self.family == "sine":
            return Washboard([0.0], [self.beta], [-np.pi / 2])
        if self.family == "log squares":
            A = np.random.default_rng([self.seed, 0]).standard_normal((5, 3))
            A *= np.sqrt(self.beta / 2) / np.linalg.norm(A, 2)
            return LogSquares(A, A @ np.ones(3))
        s = self.m * self.rho
        bends = self.beta * np.array([1.0, -1.0, 1.0])
        return PiecewiseQuadratic(np.array([-s, self.rho - s]), bends, self.beta * (self.rho - s))

    @property
    def lowest(self):
        return 0.0 if self.family != "bend" else constants(self.problem).f_star

    @property
    def reach(self):
        return self.rho / 3 if self.family == "sine" else self.m * self.rho

    def assumptions(self):
        return [requires(STEP, self.h / self.beta * constants(self.problem).L, "<=", 1)]

    def measure(self, rule=SAM):
        """mean |g|^2 over the run, f(x_0) - f*, |x_t|, |g(x_T)|^2."""
        x0 = [self.start * self.reach]
        if self.family == "log squares":
            x0 = np.random.default_rng([self.seed, 1]).standard_normal(3) * 5 * self.start
        x = simulate(self.problem, rule(self.h / self.beta, self.rho), x0, self.steps, threads=1).states
        g = grad_norms(self.problem, x) ** 2
        return (g[:-1]).mean(), losses(self.problem, x[0]) - self.lowest, np.abs(x[:, 0]), g[-1]

    def predict(self):
        """The bound as a function of f(x_0) - f*, and where SAM stops: |f'|^2 there."""
        slope = self.beta * (1.0 if self.family == "sine" else self.rho * (1 - 2 * self.m))
        return lambda gap: nonconvex_gradient_bound(self.steps, self.beta, self.h / self.beta, self.rho, gap), slope**2

    def judge(self, measured, predicted):
        mean, gap, x, last = measured
        bound, slope = predicted
        ulp = 64 * EPS * (self.beta * self.rho) ** 2
        evidence = [at_most("mean |g|^2", mean, bound(gap), slack=ulp * 100, why="6400 ulp of beta^2 rho^2")]
        if self.family == "log squares":
            return evidence
        # the round-off of a push, ulp of x + rho, is repeated over the memory 1/h of the contraction
        rest = 8 * EPS * (self.rho + x[0]) / self.h
        if self.family == "bend":
            t = np.arange(x.size)
            away = abs(1 - self.h) ** t * x[0]
            evidence.append(equals("|x_t|", x, away, tolerance=rest, why="8 ulp of rho a step, over the memory 1/h"))
        else:  # |x| falls by sin x/x >= sin(rho/3)/(rho/3) = 2/pi of h a step at least
            away = np.array([(1 - 2 / np.pi * self.h) ** self.steps * x[0]])
            evidence.append(at_most("|x_T|", x[-1], away[-1] + rest, why="8 ulp of rho a step, over the memory"))
        tolerance = ulp + 4 * self.beta**2 * self.rho * (away[-1] + rest)
        evidence.append(equals("|f'|^2 where it stops", last, slope, tolerance=tolerance, why="distance left to 0"))
        return evidence

    controls = {
        "floor 0.9 beta^2 rho^2": control(
            predict=lambda c: floor(c, 0.9), where=BEND | {"m": log_real(1e-4, 0.01), "length": log_real(5e4, 1e5),
            "h": real(0.3, 1)}, refutes="mean |g|^2",
        ),
        "floor smaller by a thousandth": control(
            predict=lambda c: floor(c, 0.999), where=BEND | {"m": 1e-4, "length": 1e5, "h": real(0.3, 1)},
            refutes="mean |g|^2",
        ),
        "slope off by one part in a million": control(
            predict=lambda c: (c.predict()[0], (1 + 1e-6) * c.predict()[1]),
            where={"h": real(0.1, 1), "length": log_real(1000, 1e4), "family": choice("sine", "bend")},
            refutes="|f'|^2 where it stops",
        ),
        "gradient descent goes to a minimum": control(
            measure=lambda c: c.measure(lambda eta, rho: GD(eta)),
            where={"h": real(0.1, 1), "length": log_real(1000, 1e4), "m": log_real(1e-3, 0.3),
                   "family": choice("sine", "bend")},
            refutes="|f'|^2 where it stops",
        ),
        "from outside the basin": control(
            where={"start": real(1.01, 1.4), "h": real(0.1, 1), "length": log_real(1e4, 1e5), "family": "sine"},
            refutes="|x_T|",
        ),
        "eta = 2.1/beta to 3/beta": control(
            where=BEND | {"h": real(2.1, 3), "m": log_real(0.01, 0.3), "length": log_real(100, 300)},
            violates=STEP, refutes="|x_t|",
        ),
    }  # fmt: skip


def floor(c, factor):
    """The prediction with `factor` times the floor."""
    less = (1 - factor) * (c.beta * c.rho) ** 2
    return lambda gap: c.predict()[0](gap) - less, c.predict()[1]


if __name__ == "__main__":
    script(__file__)
