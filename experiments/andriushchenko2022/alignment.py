"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232), appendix lemma: the ascended gradient keeps its direction.

With g = grad L(w) and g~ = grad L(w + rho g):
    L beta-smooth         <g~, g> >= (1 - rho beta)|g|^2
    L convex              <g~, g> >= |g|^2
    L mu-strongly convex  <g~, g> >= (1 + rho mu)|g|^2
by |g~ - g| <= beta rho |g|, by monotonicity of the gradient along g, and by strong monotonicity.  Attained: at the top
of -beta x^2/2, where there is only curvature 0, and on mu x^2/2.

Conventions: un-normalised ascent, rho in units of inverse curvature; g != 0.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients
from samtheory.problems.core import constants
from samtheory.problems.finite_sum import Logistic, LogSquares, regression_data
from samtheory.problems.quadratic import Quadratic, orthogonal
from samtheory.problems.separable import SinePL

EPS = np.finfo(float).eps
POINTS = 32


@claim(
    title="The gradient at USAM's ascent point keeps the direction of the gradient",
    where="appendix lemma",
    kind="bound",
    confidence="derived, memory",
    statement="""<grad L(w + rho grad L(w)), grad L(w)> >= (1 - rho beta)|grad L(w)|^2 for L beta-smooth,
        >= |grad L|^2 if convex, >= (1 + rho mu)|grad L|^2 if mu-strongly convex.""",
)
class Alignment:
    family: str = choice(
        "x^2 + c sin^2 x", "indefinite quadratic", "log squares", "logistic", "logistic ridge", "convex quadratic"
    )
    reach: float = log_real(1e-3, 10)  # rho beta
    c: float = real(0, 10)
    spread: float = real(0, 1)  # of the curvatures, least over largest
    dim: int = integer(1, 4)
    scale: float = log_real(1e-2, 10)  # of the points
    seed: int = seeds()

    flat = {"dim": 1, "c": 3.0, "scale": 1.0, "seed": 0}
    examples = (
        flat | {"family": "indefinite quadratic", "reach": 0.7, "spread": 1.0},  # equality, -x^2/2
        flat | {"family": "convex quadratic", "reach": 0.7, "spread": 0.3},  # equality
        flat | {"family": "x^2 + c sin^2 x", "reach": 0.7, "spread": 1.0},
    )

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        if self.family == "x^2 + c sin^2 x":
            return SinePL(self.c, self.dim)
        if "quadratic" in self.family:
            lam = rng.uniform(self.spread, 1, self.dim) * (-1) ** (np.arange(self.dim) + 1)
            lam[0] = -1.0
            if self.family.startswith("convex"):
                lam = np.abs(lam)
                lam[0] = self.spread if self.dim > 1 else max(self.spread, 1e-3)
            basis = orthogonal(rng, self.dim)
            H = (basis * lam) @ basis.T
            return Quadratic((H + H.T) / 2, np.zeros(self.dim))
        A, b = regression_data(rng, 5, self.dim, 1.0)
        return (
            LogSquares(A, b)
            if self.family == "log squares"
            else Logistic(A, np.where(b > 0, 1.0, -1.0), 0.1 * ("ridge" in self.family))
        )

    @functools.cached_property
    def known(self):
        """beta, the lower bound of <g~ - g, g>/(rho |g|^2)."""
        if "quadratic" in self.family:
            lam = np.linalg.eigvalsh(self.problem.matrix)
            return np.abs(lam).max(), max(lam[0], 0.0) if self.family.startswith("convex") else -np.abs(lam).max()
        at = constants(self.problem)
        convex = self.family.startswith("logistic")
        return at.L, at.mu if at.mu is not None else 0.0 if convex else -at.L

    @property
    def rho(self):
        return self.reach / self.known[0]

    def assumptions(self):
        return [requires("beta > 0", self.known[0], ">", 0)]

    def measure(self):
        """<g~, g>/|g|^2 at the points, its round-off."""
        w = self.scale * np.random.default_rng([self.seed, 1]).standard_normal((POINTS, self.dim))
        g = gradients(self.problem, w)
        size = np.linalg.norm(g, axis=1)
        ascended = gradients(self.problem, w + self.rho * g)
        point = np.linalg.norm(w, axis=1) + 5  # gradients are differences of terms of this size times beta
        lost = 32 * self.dim * EPS * self.known[0] * (point + self.rho * size) / size
        return (ascended * g).sum(axis=1) / size**2, lost

    def predict(self, factor=1.0):
        return 1 + factor * self.rho * self.known[1]

    def judge(self, measured, bound):
        ratio, lost = measured
        slack, why = lost + 8 * EPS * abs(bound), "32 d ulp of the gradients"
        if bound < 1:
            return [at_most("1 - <g~, g>/|g|^2", 1 - ratio, 1 - bound, slack=slack, why=why)]
        return [at_least("<g~, g>/|g|^2 - 1", ratio - 1, bound - 1, slack=slack, why=why)]

    controls = {
        "1 - rho beta/2": control(
            predict=lambda c: c.predict(0.5),
            where=flat | {"family": "indefinite quadratic", "spread": 1.0, "reach": real(0.1, 10)},
        ),
        "rho beta one part in 10^6 smaller": control(
            predict=lambda c: c.predict(1 - 1e-6),
            where=flat | {"family": "indefinite quadratic", "spread": 1.0, "reach": real(0.1, 10)},
        ),
        "1 + 1.000001 rho mu": control(
            predict=lambda c: c.predict(1 + 1e-6),
            where=flat | {"family": "convex quadratic", "spread": real(0.1, 1), "reach": real(0.5, 10)},
        ),
        "a convex function is not strongly convex": control(
            predict=lambda c: c.predict() + 0.01 * c.reach,
            where={"family": "logistic", "dim": 1, "scale": real(5, 10), "reach": real(0.1, 10)},
        ),
        "convex bound on a function that is not": control(
            predict=lambda c: 1.0, where={"family": "x^2 + c sin^2 x", "c": real(5, 10), "scale": real(1, 3), "dim": 1,
                                          "reach": log_real(1e-3, 0.1)},
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
