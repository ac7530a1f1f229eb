"""Dai, Ahn & Sra 2023 (arXiv 2305.15287), the section on PL losses: USAM stays close to where it starts.

f beta-smooth and alpha-PL (|g|^2 >= 2 alpha (f - f*); no convexity), eta <= 1/beta, rho < 1/beta.  Proof: the gradient
g' at w + rho g has |g' - g| <= beta rho |g|, so f(w+) <= f(w) - (eta/2)(|g|^2 - |g' - g|^2) <= f(w) - (eta/2)
(1 - rho^2 beta^2)|g|^2, and PL gives the rate.  As |w+ - w| <= eta (1 + rho beta)|g| and |g| >= sqrt(2 alpha (f - f*)),
that decrease also pays, in sqrt(f - f*), for the way: the whole path is at most 2 sqrt(2 (f(w_0) - f*)/alpha)/
(1 - rho beta) long, whatever eta is.  The length recalled from the paper is longer by sqrt(beta/alpha).

The parabola (alpha = beta) at eta = 1/beta attains both: the rate for every rho, the length as rho -> 1/beta.

Conventions: full batch; rho in units of inverse curvature; least squares (1/2n)|A w - b|^2 with A of deficient rank and
b in its range.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.problems.core import constants
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.quadratic import Diagonal, orthogonal
from samtheory.problems.separable import SinePL
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.bounds import usam_path_length_sharp, usam_pl_bound

EPS = np.finfo(float).eps
STEPS = 1000
PARABOLA = {"family": "quadratic", "dim": 1}
STEEP = {"family": "quadratic", "dim": 2, "condition": real(3, 30)}


@claim(
    title="USAM converges linearly on PL losses, along a short path",
    where="the section on PL losses",
    kind="bound",
    confidence="derived",
    statement="""f(w_t) - f* <= (1 - alpha eta (1 - rho^2 beta^2))^t (f(w_0) - f*) for all t, and
        sum_t |w_{t+1} - w_t| <= 2 sqrt(2 (f(w_0) - f*)/alpha)/(1 - rho beta), if f is beta-smooth and alpha-PL,
        eta <= 1/beta and rho < 1/beta.""",
    caveat="the constants of the paper were not at hand; these are derived",
)
class UsamTrapped:
    h: float = real(0.05, 1)  # eta beta
    reach: float = real(0.01, 0.99)  # rho beta
    size: float = log_real(1e-2, 1e2)  # |w_0 - w*|
    dim: int = integer(1, 6)
    family: str = choice("quadratic", "least squares", "sine")
    condition: float = log_real(1, 30)  # quadratic, least squares: beta/alpha
    c: float = real(0, 4.5)  # sine: sum x^2 + c sin^2 x, not convex for c > 1
    seed: int = seeds()

    examples = (
        {"h": 1, "reach": 0.5, "size": 1, "dim": 1, "family": "quadratic", "condition": 1, "c": 0, "seed": 0},
        {"h": 1, "reach": 0.5, "size": 3, "dim": 1, "family": "sine", "condition": 1, "c": 3, "seed": 0},
        {"h": 0.5, "reach": 0.5, "size": 3, "dim": 4, "family": "least squares", "condition": 9, "c": 0, "seed": 0},
    )

    @functools.cached_property
    def problem(self):
        if self.family == "sine":
            return SinePL(self.c, self.dim)
        rng = np.random.default_rng([self.seed, 0])
        inner = rng.uniform(1, self.condition, max(0, self.dim - 2))
        lam = np.array([self.condition, 1, *inner])[: self.dim]
        if self.family == "quadratic":
            return Diagonal(lam, 0 * lam)
        lam[(self.dim + 1) // 2 :] = 0  # the rest is the kernel
        A = (orthogonal(rng, self.dim) * np.sqrt(self.dim * lam)) @ orthogonal(rng, self.dim)
        return LeastSquares(A, A @ rng.standard_normal(self.dim))

    @property
    def eta(self):
        return self.h / constants(self.problem).L

    @property
    def rho(self):
        return self.reach / constants(self.problem).L

    def assumptions(self):
        known = constants(self.problem)
        return [
            requires("f is PL", known.pl is not None),
            requires("eta beta <= 1", self.eta * known.L, "<=", 1),
            requires("rho beta < 1", self.rho * known.L, "<", 1),
        ]

    def measure(self, rule=USAM):
        """f(w_t) - f* and the way gone up to w_t; |w_0|."""
        away = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        start = constants(self.problem).minimiser + self.size * away / np.linalg.norm(away)
        w = simulate(
            self.problem, rule(self.eta, self.rho), start, STEPS, threads=1, limit=1e100, on_divergence="report"
        ).states
        gap = losses(self.problem, w) - constants(self.problem).f_star
        way = np.linalg.norm(np.diff(w, axis=0), axis=1).cumsum()
        return np.nan_to_num(gap, nan=np.inf), np.nan_to_num(way, nan=np.inf), np.linalg.norm(start)

    def predict(self, alpha=None):
        """The factor of f - f* a step, and the length of the path by the square root of f(w_0) - f*."""
        known = constants(self.problem)
        known = alpha or known.pl, known.L
        return usam_pl_bound(1, *known, self.eta, self.rho, 1.0), usam_path_length_sharp(*known, self.rho, 1.0)

    def judge(self, measured, predicted):
        (gap, way, size), (factor, length) = measured, predicted
        t, start = np.arange(1, STEPS + 1), np.sqrt(gap[0])
        # a step errs by 2 d (d + 2) ulp of |w| at most, which raises sqrt(f - f*) by sqrt(beta/2) times that
        why = "2 d (d + 2) ulp of |w| a step, in sqrt(f - f*)"
        error = t * 2 * self.dim * (self.dim + 2) * EPS * (size + min(way[-1], length * start))
        raised = np.sqrt(constants(self.problem).L / 2) * error
        root = start * factor ** (t / 2)
        seen = raised < root  # the rest is round-off
        folds = np.log(gap[0]) - np.log(np.maximum(gap[1:], np.finfo(float).tiny))[seen]
        slack = 2 * np.log1p(raised[seen] / root[seen])
        return [
            at_least("log (f(w_0) - f*)/(f(w_t) - f*)", folds, -np.log(factor) * t[seen], slack=slack, why=why),
            at_most("path up to w_t", way, length * start, slack=error + length * raised, why=why),
        ]

    controls = {
        "rate off by one part in a million": control(
            predict=lambda c: rate(c, (1 + 1e-6) * (1 - c.reach**2)),
            where=PARABOLA | {"h": 1.0, "reach": real(0.1, 0.9)},
        ),
        "length off by one per cent": control(
            predict=lambda c: (c.predict()[0], 0.99 * c.predict()[1]), where=PARABOLA | {"h": 1.0, "reach": 0.99}
        ),
        "3 for 1 - rho^2 beta^2": control(predict=lambda c: rate(c, 3), where=PARABOLA | {"h": 0.01, "reach": 0.1}),
        "2.05 for 1 - rho^2 beta^2": control(
            predict=lambda c: rate(c, 2.05), where=PARABOLA | {"h": 0.01, "reach": 0.01}
        ),
        "SAM is not trapped": control(
            measure=lambda c: c.measure(SAM),
            where={"family": "quadratic", "h": real(0.3, 1), "reach": real(0.1, 0.5), "condition": log_real(1, 5)},
        ),
        "eta beta > 1": control(where=STEEP | {"h": real(1.4, 2), "reach": real(0.5, 0.9)}, violates="eta beta <= 1"),
        "rho beta > 1": control(
            predict=lambda c: (1 - (1 - c.reach**2) / c.condition, 1e6),
            where=STEEP | {"h": 1.0, "reach": real(1.1, 3)},
            violates="rho beta < 1",
        ),
        "not PL: caught in a local minimum": control(
            predict=lambda c: c.predict(alpha=0.5),
            where={"family": "sine", "c": 6.0, "dim": 1, "size": real(2.4, 2.9)},
            violates="f is PL",
        ),
    }


def rate(c, constant):
    """The prediction on the parabola with this constant for 1 - rho^2 beta^2."""
    return 1 - constant * c.h, c.predict()[1]


if __name__ == "__main__":
    script(__file__)
