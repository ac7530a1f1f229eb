"""Khanh, Luong, Mordukhovich & Tran 2024 (arXiv 2401.08060): SAM with constant step and radius does not converge.

On f = sum lam_i x_i^2/2, t L < 2 with L = lam_1 the largest curvature, SAM ends on the two-cycle of the top axis,
so that
    |g(x_k)| -> L A,  A = t L rho/(2 - t L),    while |g~ - g| <= L rho stays an absolute error of the gradient.
Gradient descent and USAM, whose error L rho |g| is relative, converge with the same constants (khanh2024/
usam-relative-error), and SAM does if t_k or rho_k goes to 0 (khanh2024/diminishing-converges).  Near the cycle a
deviation shrinks by |1 - t L| along the axis and by |1 - t lam_i - (lam_i/L)^2 (2 - t L)| across it.

Conventions: loss with 1/2; full batch; eigenvectors along the axes; t is the step, rho the radius.
"""

import functools

import numpy as np

from samtheory.claims import at_least, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import InverseRoot
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude, cycle_rates

EPS = np.finfo(float).eps
LAST = 50


@claim(
    title="SAM with constant step and radius keeps a gradient of a fixed length",
    where="motivating example (constant step size)",
    kind="counterexample",
    confidence="memory + derived",
    statement="""on sum lam_i x_i^2/2 with 0 < t L < 2, |g(x_k)| -> L t L rho/(2 - t L) > 0 for constant t and rho""",
)
class ConstantStepFails:
    h: float = real(0.05, 1.9)  # t L
    rho: float = log_real(1e-2, 10)
    top: float = log_real(0.1, 10)  # L
    low: float = real(0.1, 0.9)  # every other curvature is between this and 0.9, over L
    scale: float = log_real(1e-1, 1e2)  # |x_0|/rho
    dim: int = integer(1, 6)
    seed: int = seeds()

    @functools.cached_property
    def lam(self):
        between = np.random.default_rng([self.seed, 0]).uniform(self.low, 0.9, self.dim - 1)
        return self.top * np.array([1.0, *between])

    @property
    def t(self):
        return self.h / self.top

    @property
    def factor(self):
        """The slowest of the local rates."""
        return np.abs(cycle_rates(self.t, self.lam)).max()

    @property
    def steps(self):
        """e-foldings near the cycle, after a start that the smallest curvature forgets."""
        slow = min(self.t * self.lam.min(), 2 - self.h)
        return int(60 / max(1 - self.factor, 1e-3) + 2 * np.log(1e4 * self.scale + 1e4) / slow) + LAST

    def assumptions(self):
        return [
            requires("0 < t L < 2", self.h, "<", 2),
            requires("the top curvature is simple", self.lam[1:].max(initial=0.0), "<", self.top),
        ]

    def measure(self, rule=SAM):
        """The last |g(x_k)|."""
        x0 = self.scale * self.rho * np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        problem = Diagonal(self.lam, 0 * self.lam)
        run = simulate(problem, rule(self.t, self.rho), x0, self.steps, threads=1, on_divergence="report")
        return np.nan_to_num(grad_norms(problem, run.states[-LAST:]), nan=np.inf)

    def predict(self):
        return self.top * float(cycle_amplitude(self.t, self.rho, self.top))

    def judge(self, g, limit):
        # a step errs by 16 ulp of what it moves, rho + A, and forgets at the slowest local rate
        tolerance = 16 * self.dim * EPS * (self.top * self.rho * self.h + 2 * limit) / (1 - self.factor)
        why = "16 d ulp of the push a step, over the memory of the slowest local rate"
        return [
            equals("|g(x_k)|, last 50", g, limit, tolerance=tolerance, why=why),
            at_least("|g(x_k)|, over half of the limit", g.min(), limit / 2, why="it does not converge to 0"),
        ]

    controls = {
        "limit off by one part in a million": control(
            predict=lambda c: (1 + 1e-6) * c.predict(), refutes="|g(x_k)|, last 50"
        ),
        "L t L rho/2, without the step in the denominator": control(
            predict=lambda c: c.top * c.h * c.rho / 2, refutes="|g(x_k)|, last 50"
        ),
        "gradient descent converges": control(
            measure=lambda c: c.measure(lambda t, rho: GD(t)), refutes="|g(x_k)|, over half of the limit"
        ),
        "USAM converges": control(
            measure=lambda c: c.measure(lambda t, rho: USAM(t, 0.01 / c.top)), where={"h": real(0.05, 1.5)},
            refutes="|g(x_k)|, over half of the limit",
        ),
        "SAM with steps that decay": control(
            measure=lambda c: c.measure(lambda t, rho: SAM(InverseRoot(t), rho)),
            where={"h": real(0.05, 0.5), "scale": log_real(0.1, 1)},
            refutes="|g(x_k)|, over half of the limit",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
