"""Dai, Ahn & Sra 2023 (arXiv 2305.15287), the section on PL losses: SAM goes down to a floor, and is not trapped.

f beta-smooth and alpha-PL, eta <= 1/beta, any rho.  Proof: g' = g(w + rho g/|g|) has |g' - g| <= beta rho, so that
f(w+) <= f(w) - (eta/2)(|g|^2 - |g' - g|^2) <= f(w) - eta alpha (f(w) - f*) + eta beta^2 rho^2/2.  The parabola
(alpha = beta) attains the floor at eta = 1/beta, where it jumps between w* - rho and w* + rho.

Where USAM's whole path is short (dai2023/usam-pl-trapped), SAM's is not: on l(xy), started at (x_0, y_0) with
eta y_0^2 = h <= 1 and x_0 small,

USAM   multiplies x by 1 - s, s = h k, k = 1 + rho y_0^2, and lowers y by eta k^2 x^2 y, each step: it ends at
       y_0 - y_inf = eta k^2 x_0^2 y_0/r (1 + O(x_0^2 y_0^2/r^2)), r = s (2 - s), after a path below the bound of
       that claim with alpha = beta = y_0^2, the curvature at the start (l(xy) is PL only locally);
SAM    lowers y by a factor near 1 - eta rho^2 a step, or faster (dai2023/sam-drift-to-origin), however small x_0 is:
       y_0/100 is reached within 5/(eta rho^2) steps (4.61 in searches).

Conventions: full batch; least squares (1/2n)|A w - b|^2 with A of deficient rank (but in one dimension) and b in its
range; L = l(xy) unscaled; SAM's rho is a length, USAM's multiplies the gradient: the same number here.
"""

import functools

import numpy as np

from samtheory.claims import (
    at_least,
    at_most,
    choice,
    claim,
    control,
    equals,
    integer,
    log_real,
    real,
    requires,
    script,
    seeds,
)
from samtheory.evaluate import losses
from samtheory.problems.core import constants
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.links import LogCosh, PseudoHuber
from samtheory.problems.product import Product
from samtheory.problems.quadratic import orthogonal
from samtheory.problems.separable import SinePL
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import CoordinateBelow
from samtheory.theory.bounds import sam_pl_bound, usam_path_length_sharp

LINKS = {"log-cosh": LogCosh(), "pseudo-huber": PseudoHuber()}
STEPS = 400
SHARP = "y_0^2 >= 2 on l(xy)"
PARABOLA = {"family": "least squares", "dim": 1}


@claim(
    title="SAM on PL losses comes down to a floor of order rho^2, and travels on where USAM stops",
    where="the section on PL losses",
    kind="comparison",
    confidence="derived",
    statement="""f(w_t) - f* <= (1 - alpha eta)^t (f(w_0) - f*) + beta^2 rho^2/(2 alpha) for all t, if f is beta-smooth
        and alpha-PL and eta <= 1/beta.  On l(xy), l = log cosh or sqrt(1 + u^2), from (x_0, y_0), 0 < x_0 <= 1/1000,
        y_0^2 >= 2, eta y_0^2 <= 1, rho y_0^2 < 1: USAM's path is below 2 x_0/(1 - rho y_0^2) and y falls by
        eta k^2 x_0^2 y_0/(s (2 - s)) (1 + O(x_0^2 y_0^2/(s (2 - s))^2)), k = 1 + rho y_0^2, s = eta y_0^2 k;
        SAM comes to y <= y_0/100 within 5/(eta rho^2) steps.""",
    caveat="the constants of the paper were not at hand; these are derived",
    cost=3,
)
class SamNotTrapped:
    h: float = real(0.1, 1)  # eta beta; on l(xy), eta y_0^2
    rho: float = log_real(1e-2, 3)
    dim: int = integer(1, 6)
    family: str = choice("least squares", "sine")
    condition: float = log_real(1, 30)  # least squares: beta/alpha
    c: float = real(0, 4.5)  # sine: sum x^2 + c sin^2 x, not convex for c > 1
    seed: int = seeds()
    link: str = choice("log-cosh", "pseudo-huber")
    sharpness: float = real(2, 6)  # y_0^2
    reach: float = real(0.3, 0.9)  # rho y_0^2 on l(xy)
    x0: float = log_real(1e-4, 1e-3)

    examples = tuple(
        {"h": 0.5, "rho": 0.3, "dim": 3, "family": "sine", "condition": 1.0, "c": 3.0, "seed": 0, "x0": 1e-3}
        | {"link": "log-cosh", "sharpness": 5.0, "reach": 0.5}
        | more
        for more in ({}, {"h": 1.0, "family": "least squares", "dim": 1}, {"family": "least squares", "condition": 9.0})
    )

    @functools.cached_property
    def problem(self):
        if self.family == "sine":
            return SinePL(self.c, self.dim)
        rng = np.random.default_rng([self.seed, 0])
        lam = np.array([self.condition, 1, *rng.uniform(1, self.condition, max(0, self.dim - 2))])[: self.dim]
        lam[(self.dim + 1) // 2 :] = 0  # the rest is the kernel
        A = (orthogonal(rng, self.dim) * np.sqrt(self.dim * lam)) @ orthogonal(rng, self.dim)
        return LeastSquares(A, A @ rng.standard_normal(self.dim))

    @property
    def start(self):
        """On l(xy)."""
        return np.array([self.x0, np.sqrt(self.sharpness)])

    @property
    def eta(self):
        """On the PL loss."""
        return self.h / constants(self.problem).L

    def rules(self):
        """(SAM, USAM) on l(xy)."""
        parameters = self.h / self.sharpness, self.reach / self.sharpness
        return SAM(*parameters), USAM(*parameters)

    def assumptions(self):
        known = constants(self.problem)
        return [
            requires("f is PL", known.pl is not None),
            requires("eta beta <= 1, eta y_0^2 <= 1", max(self.eta * known.L, self.h), "<=", 1),
            requires("rho y_0^2 < 1 on l(xy)", self.reach, "<", 1),
            requires("0 < x_0 <= 1/1000 on l(xy)", 0 < self.x0 <= 1e-3),
            requires(SHARP, self.sharpness, ">=", 2),
        ]

    def measure(self, mover=None):
        """f(w_t) - f* of SAM on the PL loss; iterates of USAM on l(xy); where and when SAM has y <= y_0/100."""
        known, (sam, usam) = constants(self.problem), self.rules()
        away = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        start, rule = known.minimiser + 2 * away / np.linalg.norm(away), SAM(self.eta, self.rho)
        run = simulate(self.problem, rule, start, STEPS, threads=1, on_divergence="report")
        gap = np.nan_to_num(losses(self.problem, run.states) - known.f_star, nan=np.inf)
        product, budget = Product(LINKS[self.link]), int(6 / (sam.eta * sam.rho**2))
        ends = CoordinateBelow(0, 1e-12), CoordinateBelow(1, self.start[1] / 100)
        trapped = simulate(product, usam, self.start, 1000, stop=ends[0], threads=1)
        moving = simulate(product, mover or sam, self.start, budget, every=budget, stop=ends[1], threads=1)
        return gap, trapped.states, moving.x, moving.stopped[0] if moving.stopped[0] >= 0 else np.inf

    def predict(self, alpha=None):
        """(bound on f(w_t) - f*, of f(w_0) - f*; on l(xy), USAM's fall of y, length of its path, SAM's steps)."""
        known, (_, usam), product = constants(self.problem), self.rules(), Product(LINKS[self.link])
        constant = alpha or known.pl, known.L, self.eta, self.rho
        k, y0, gap0 = 1 + self.reach, self.start[1], losses(product, self.start) - constants(product).f_star
        fall = usam.eta * (k * self.x0) ** 2 * y0 / (self.h * k * (2 - self.h * k))
        length = usam_path_length_sharp(y0**2, y0**2, usam.rho, gap0)
        steps = 5 / (usam.eta * usam.rho**2)
        return functools.partial(sam_pl_bound, np.arange(STEPS + 1), *constant), fall, length, steps

    def judge(self, measured, predicted):
        (gap, trapped, moved, when), (bound, fall, length, steps) = measured, predicted
        y0, limit, floor = self.start[1], bound(gap[0]), bound(0.0)
        fell, path = y0 - trapped[-1, 1], np.linalg.norm(np.diff(trapped, axis=0), axis=1).cumsum()
        s = self.h * (1 + self.reach)
        allowed = fall * 8 * (self.x0 * y0 / (s * (2 - s))) ** 2 + len(trapped) * np.finfo(float).eps * y0
        return [
            # attained on the parabola at h = 1, where round-off decides: |w| <= 10^3 rho, each step forgets the last
            at_most("f(w_t) - f*, less decay", gap - (limit - floor), floor, slack=1e-10 * limit, why="round-off of w"),
            at_most("USAM's path on l(xy)", path, length),
            equals("USAM's fall of y", fell, fall, tolerance=allowed, why="next order, and an ulp a step"),
            at_most("SAM's steps to y_0/100", when, steps),
            at_least("SAM's way on l(xy)", np.linalg.norm(moved - self.start), length),
        ]

    controls = {
        "floor x 0.99": control(
            predict=lambda c: c.instead(0, lambda gap0: c.predict()[0](gap0) - 0.01 * c.predict()[0](0.0)),
            where=PARABOLA | {"h": 1.0},
        ),
        "rate 2.2 alpha": control(
            predict=lambda c: c.instead(0, lambda gap0: (1 - 2.2 * c.h) ** np.arange(STEPS + 1) * gap0 + c.rho**2),
            where=PARABOLA | {"h": 0.1, "rho": 0.01},
        ),
        "eta beta > 1": control(
            where={
                "family": "least squares",
                "dim": 3,
                "condition": real(1.5, 2.5),
                "h": real(1.45, 1.53),
                "reach": 0.3,
            },
            violates="eta beta <= 1, eta y_0^2 <= 1",
            refutes="f(w_t) - f*, less decay",
        ),
        "not PL: caught in a local minimum": control(
            predict=lambda c: c.predict(alpha=0.5),
            where={"family": "sine", "c": 6.0, "dim": 1, "rho": log_real(0.01, 0.05)},
            violates="f is PL",
        ),
        "USAM's fall with k for k^2": control(predict=lambda c: c.instead(1, c.predict()[1] / (1 + c.reach))),
        "USAM's path shorter by the half": control(
            predict=lambda c: c.instead(2, 0.5 * c.predict()[2]), where={"h": 1.0, "reach": real(0.5, 0.9)}
        ),
        "USAM travels too": control(measure=lambda c: c.measure(c.rules()[1])),
        "y_0^2 < 2": control(
            where={"sharpness": real(0.2, 0.4), "reach": real(0.3, 0.5), "h": real(0.1, 0.4)},
            violates=SHARP,
            refutes="SAM's steps to y_0/100",
        ),
        "SAM within 4.3/(eta rho^2) steps": control(
            predict=lambda c: c.instead(3, 0.86 * c.predict()[3]), where={"h": real(0.1, 0.3)}
        ),
    }

    def instead(self, place, value):
        """The prediction with another value in this place."""
        return tuple(value if i == place else part for i, part in enumerate(self.predict()))


if __name__ == "__main__":
    script(__file__)
