"""Zhou et al. 2025 (arXiv 2410.10373), Proposition 4.1 (P2): SAM that leaves the bottom of a valley stays in it.

f even, f' >= 0 on (0, 2b), f'' <= A = f''(0) there ("sub-quadratic").  If rho <= 1/A and eta <= b/max f' over [0, 2b],
USAM maps (-b, b) into itself: for 0 <= z < b the ascent point is at most z + rho A z < 2b, so z >= z+ >= z - eta max f'
> -b.  At the same time a deviation from the minimum is multiplied by 1 - eta A (1 + rho A) a step: with that beyond -1
the run leaves the minimum and yet stays below b.  (The hypotheses are those of the proof; the text says sub-quadratic
and gives the two intervals.)

Conventions: full batch; no scaling; A = 1 for the two valleys here, sqrt(1 + z^2) and log cosh z.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, log_real, real, requires, script
from samtheory.problems.links import LogCosh, PseudoHuber, link_curvature, link_slope
from samtheory.problems.sub_quadratic import LinkValley, SuperQuadratic
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

EPS = np.finfo(float).eps
LINKS = {"log cosh": LogCosh(), "sqrt(1 + z^2)": PseudoHuber(), "z^2/2 + z^4/4": SuperQuadratic()}
SHARES = np.array([*np.linspace(0.01, 0.99, 12), 1 - 1e-9])  # starts, in units of b
TINY, STEPS = 1e-8, 300


@claim(
    title="USAM stays in a sub-quadratic valley whose minimum it leaves",
    where="Proposition 4.1 (P2)",
    kind="bound",
    confidence="text (sub-quadratic, the two intervals), derived (the hypotheses)",
    statement="""If f is even, f' >= 0 and f'' <= A = f''(0) on (0, 2b), rho <= 1/A and eta <= b/max f', then USAM maps
        (-b, b) into itself; near the minimum it multiplies by 1 - eta A (1 + rho A).""",
)
class ValleyInvariance:
    valley: str = choice("log cosh", "sqrt(1 + z^2)")
    b: float = log_real(0.1, 10)
    rho: float = real(0, 1)
    share: float = real(0.05, 1)  # eta max f'/b

    examples = (
        {"valley": "sqrt(1 + z^2)", "b": 2.0, "rho": 1.0, "share": 0.970142500145332},
    )  # eta = 2; ends on +-0.825

    @functools.cached_property
    def problem(self):
        return LinkValley(LINKS[self.valley])

    @functools.cached_property
    def slopes(self):
        """f' on a grid of [0, 2b]."""
        return np.array([link_slope(self.problem.link, u) for u in np.linspace(0, 2 * self.b, 201)])

    @functools.cached_property
    def bends(self):
        return np.array([link_curvature(self.problem.link, u) for u in np.linspace(0, 2 * self.b, 201)])

    @property
    def eta(self):
        return self.share * self.b / self.slopes.max()

    def assumptions(self):
        return [
            requires("f' >= 0 on [0, 2b]", self.slopes.min(), ">=", 0),
            requires("f'' <= f''(0) on [0, 2b]", self.bends.max(), "<=", self.bends[0]),
            requires("rho <= 1/f''(0)", self.rho * self.bends[0], "<=", 1),
            requires("eta <= b/max f'", self.eta * self.slopes.max(), "<=", self.b),
        ]

    def measure(self, rho=None):
        """The farthest later points of runs from all over (0, b), and the first factors near the minimum."""
        starts = np.append(SHARES * self.b, TINY)[:, None]
        rule = USAM(self.eta, self.rho if rho is None else rho)
        run = simulate(self.problem, rule, starts, STEPS, threads=1, on_divergence="report").states[..., 0]
        return np.nan_to_num(np.abs(run[:, 1:]), nan=np.inf).max(axis=1), run[-1, 1:4] / run[-1, :3]

    def predict(self):
        A = self.bends[0]
        return self.b, 1 - self.eta * A * (1 + self.rho * A)

    def judge(self, measured, predicted):
        (farthest, factors), (b, factor) = measured, predicted
        # |f'(z) - A z| <= A |z|^3 in both valleys, |z| <= 1e-8 |factor|^3 meanwhile
        far = TINY * max(1.0, abs(factor)) ** 3
        slack = (16 * EPS + 2 * far**2 * (1 + self.rho) ** 3) * (1 + abs(1 - factor))
        return [
            at_most("farthest point", farthest, b, slack=4 * EPS * self.b, why="4 ulp of b"),
            equals("first factors", factors, factor, tolerance=slack, why="|f' - A z| <= A |z|^3, and 16 ulp"),
        ]

    controls = {
        "step beyond b/max f'": control(
            where={"share": real(4.2, 8)}, violates="eta <= b/max f'", refutes="farthest point"
        ),
        "radius beyond 1/f''(0)": control(
            where={"rho": log_real(1e3, 1e4), "b": log_real(0.1, 1), "share": 1.0},
            violates="rho <= 1/f''(0)",
            refutes="farthest point",
        ),
        "a super-quadratic valley": control(
            where={"valley": "z^2/2 + z^4/4", "b": log_real(2, 10), "rho": 1.0, "share": real(0.3, 1)},
            violates="f'' <= f''(0) on [0, 2b]",
            refutes="farthest point",
        ),
        "factor of gradient descent": control(
            predict=lambda c: (c.b, 1 - c.eta * c.bends[0]), where={"rho": real(0.01, 1)}
        ),
        "gradient descent": control(
            measure=lambda c: c.measure(0.0), where={"rho": real(0.01, 1)}, refutes="first factors"
        ),
        "1 + 2 rho A": control(
            predict=lambda c: (c.b, 1 - c.eta * (1 + 2 * c.rho)), where={"rho": real(0.01, 1)}, refutes="first factors"
        ),
        "factor off by one part in 10^9": control(
            predict=lambda c: (c.b, (1 - 1e-9) * c.predict()[1]),
            where={"b": 0.1, "share": 1.0},
            refutes="first factors",
        ),
    }


if __name__ == "__main__":
    script(__file__)
