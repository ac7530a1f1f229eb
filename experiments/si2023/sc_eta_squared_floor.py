"""Si & Yun 2023 (arXiv 2306.09850): on strongly convex losses SAM's floor is of order eta^2, not eta.

f mu-strongly convex and beta-smooth, h = eta beta.  With delta = g(x + rho g/|g|) - g(x), strong convexity gives
<g, delta> >= mu rho |g|, so the descent lemma
f(x+) <= f(x) - eta(1 - h/2)|g|^2 - eta(1 - h)<g, delta> + eta^2 beta^3 rho^2/2
is a contraction by 1 - 2 mu eta (1 - h/2) while |g| >= G = beta^3 eta rho/(2 mu (1 - h)); below, f - f* <= G^2/(2 mu)
and a step adds beta^3 eta^2 rho^2/2 at most.  Hence for h < 1
    f(x_t) - f* <= max{(1 - 2 mu eta (1 - h/2))^t (f(x_0) - f*), G^2/(2 mu) + beta^3 eta^2 rho^2/2},
and for h <= 1/2 that is at most max{(1 - 1.5 mu eta)^t (f(x_0) - f*), beta^6 eta^2 rho^2/mu^3}.
The floor of dai2023/sc-bound is of order eta: with eta of order 1/T up to a logarithm this one gives T^-2.

Conventions: full batch; normalised ascent; constant rho; no perturbation at a zero gradient.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.problems.core import constants
from samtheory.problems.quadratic import orthogonal, quadratic
from samtheory.problems.separable import LogCoshRidge
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.constant_radius import squared_floor_bound, squared_floor_sharp

EPS = np.finfo(float).eps
STEPS = np.arange(301)
PARABOLA = {"dim": 1, "family": "quadratic"}
SETTLED = PARABOLA | {"condition": 1.0, "rho": real(1, 3), "size": 1.0}


@claim(
    title="SAM on strongly convex losses: a floor of order eta^2 rho^2",
    where="strongly convex, deterministic",
    kind="bound",
    confidence="derived",
    statement="""f(x_t) - f* <= max{(1 - 1.5 mu eta)^t (f(x_0) - f*), beta^6 eta^2 rho^2/mu^3} for eta <= 1/(2 beta),
        and <= max{(1 - 2 mu eta (1 - h/2))^t (f(x_0) - f*), G^2/(2 mu) + beta^3 eta^2 rho^2/2} for h = eta beta < 1,
        G = beta^3 eta rho/(2 mu (1 - h))""",
)
class SquaredFloor:
    h: float = real(0.05, 0.5)  # eta beta
    rho: float = log_real(1e-2, 3)
    beta: float = log_real(0.5, 8)
    condition: float = log_real(1, 30)  # beta/mu
    size: float = log_real(1e-2, 1e2)  # |x_0|
    dim: int = integer(1, 6)
    family: str = choice("quadratic", "log-cosh")
    seed: int = seeds()

    examples = (
        {"h": 0.5, "rho": 0.5, "beta": 4.0, "condition": 4.0, "size": 3.6, "dim": 2, "family": "quadratic", "seed": 0},
        {"h": 0.5, "rho": 0.01, "beta": 4.0, "condition": 1.0, "size": 100, "dim": 1, "family": "quadratic", "seed": 0},
    )  # the second attains the rate

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        mu = self.beta / self.condition
        if self.family == "quadratic":
            return quadratic(np.array([self.beta, mu, *rng.uniform(mu, self.beta, max(0, self.dim - 2))])[: self.dim])
        return LogCoshRidge(orthogonal(rng, self.dim), rng.uniform(-1, 1, self.dim), mu, self.beta)

    def assumptions(self):
        known = constants(self.problem)
        return [
            requires("f is strongly convex", known.mu, ">", 0),
            requires("eta beta <= 1/2", self.h / self.beta * known.L, "<=", 0.5),
        ]

    def measure(self, rule=SAM):
        """f(x_t) - f* along the run, and the largest |x_t|."""
        start = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        start *= self.size / np.linalg.norm(start)
        x = simulate(self.problem, rule(self.h / self.beta, self.rho), start, STEPS[-1], threads=1).states
        return losses(self.problem, x) - constants(self.problem).f_star, np.linalg.norm(x, axis=1).max()

    def predict(self):
        """Both bounds, as functions of (step, f(x_0) - f*)."""
        known = constants(self.problem)
        data = known.mu, known.L, self.h / self.beta, self.rho
        return (
            lambda t, gap: squared_floor_bound(t, *data, gap),
            lambda t, gap: squared_floor_sharp(t, *data, gap),
        )

    def judge(self, measured, predicted):
        (gap, farthest), known = measured, constants(self.problem)
        # a step errs by (d + 8) ulp of |x| + |shift| + sqrt(d), and f by its gradient sqrt(2 beta (f - f*)) times that
        step = np.sqrt(2 * known.L * gap.max()) * (farthest + 2 * np.sqrt(self.dim))
        slack = (self.dim + 8) * EPS * (np.minimum(STEPS, 4 / self.h * self.condition) * step + gap + 2 * known.f_star)
        why = "(d + 8) ulp of x a step over the memory of the contraction, and of f at the end"
        names = "f(x_t) - f*", "f(x_t) - f*, sharper"
        return [at_most(name, gap, bound(STEPS, gap[0]), slack=slack, why=why) for name, bound in zip(names, predicted)]

    controls = {
        "a tenth of the floor": control(
            predict=lambda c: (scaled(c, floor=0.1)[0], c.predict()[1]), where=SETTLED, refutes="f(x_t) - f*"
        ),
        "a floor of order eta^3, for small steps": control(
            predict=lambda c: (scaled(c, floor=c.h)[0], c.predict()[1]),
            where=SETTLED | {"h": real(0.05, 0.12)}, refutes="f(x_t) - f*",
        ),
        "a sixth of the sharper floor": control(
            predict=lambda c: (c.predict()[0], scaled(c, floor=1 / 6)[1]), where=SETTLED, refutes="f(x_t) - f*, sharper"
        ),
        "1.5 mu eta off by one per cent": control(
            predict=lambda c: (scaled(c, rate=1.515)[0], c.predict()[1]),
            where=PARABOLA | {"h": 0.5, "rho": 0.01, "size": 100.0, "condition": 1.0}, refutes="f(x_t) - f*",
        ),
        "sharper rate off by one per cent": control(
            predict=lambda c: (c.predict()[0], scaled(c, rate=1.01 * (2 - c.h))[1]),
            where=PARABOLA | {"rho": 0.01, "size": 100.0, "condition": 1.0}, refutes="f(x_t) - f*, sharper",
        ),
        "no floor": control(predict=lambda c: scaled(c, floor=0.0), where=SETTLED | {"h": real(0.3, 0.5)}),
    }  # fmt: skip


def scaled(c, floor=1.0, rate=None):
    """Both bounds with the floor scaled, or with another rate times mu eta."""
    contraction = [1.5, 2 - c.h] if rate is None else [rate, rate]
    return [
        lambda t, gap, b=b, r=r: np.maximum((1 - r * c.h / c.condition) ** t * gap, floor * b(STEPS[-1], 0.0))
        for b, r in zip(c.predict(), contraction)
    ]


if __name__ == "__main__":
    script(__file__)
