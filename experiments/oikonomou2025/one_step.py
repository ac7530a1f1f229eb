"""Oikonomou & Loizou 2025, the lemma behind every rate: one step of Unified SAM, in expectation over every batch.

With every g_S L-Lipschitz and Q = eta L rho (1 - mix)^2 + L eta^2 (1 + 2 L^2 rho^2 (1 - mix)^2),
    E f(x+) <= f(x) - eta (1 - L rho/2)|g|^2 + Q E|g_S|^2 + eta L rho mix^2 + 2 L^3 eta^2 rho^2 mix^2.
Descent lemma, with -<g, g_S(y) - g_S(x)> <= (L rho/2)(|g|^2 + ((1 - mix)|g_S| + mix)^2), |g_S(y)|^2 <= 2|g_S|^2 +
2 L^2 |y - x|^2 and |y - x|^2 <= 2 rho^2 ((1 - mix)^2 |g_S|^2 + mix^2).  Under non-uniform sampling L must cover every
weighted batch: max_i L_i/(n p_i), not max_i L_i.

Conventions: f = mean_i f_i; the same batch in both gradients; expectation exact over all batches; eps = 0.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients, losses, sample_gradients
from samtheory.oracles import FullBatch, OneRealisation, WithoutReplacement, WithReplacement, importance
from samtheory.problems.core import constants, sample_constants
from samtheory.problems.finite_sum import LeastSquares, LogSquares, regression_data
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.samplings import expected_residual, realisations
from samtheory.simulate import simulate
from samtheory.theory.unified import growth, one_step_bound, push

EPS = np.finfo(float).eps
POINTS = 12


@claim(
    title="One step of Unified SAM in expectation",
    where="descent lemma of the convergence theorems",
    kind="bound",
    confidence="derived",
    statement="""E f(x+) <= f(x) - eta (1 - L rho/2)|g|^2 + Q E|g_S|^2 + eta L rho mix^2 + 2 L^3 eta^2 rho^2 mix^2,
        Q = eta L rho (1 - mix)^2 + L eta^2 (1 + 2 L^2 rho^2 (1 - mix)^2), for every g_S L-Lipschitz.""",
    cost=2.0,
)
class OneStep:
    sampling: str = choice("full batch", "without replacement", "with replacement", "importance")
    loss: str = choice("ridge", "log")
    n: int = integer(1, 5)
    dim: int = integer(1, 3)
    h: float = log_real(1e-3, 3)  # eta L
    reach: float = log_real(1e-3, 3)  # rho L
    mix: float = real(0, 1)
    noise: float = log_real(1e-3, 3)
    scale: float = log_real(1e-2, 10)
    seed: int = seeds()

    examples = (
        {"sampling": "full batch", "loss": "ridge", "n": 1, "dim": 1, "h": 0.5, "reach": 0.5, "mix": 1.0, "noise": 0.01,
         "scale": 1.0, "seed": 0},
        {"sampling": "importance", "loss": "ridge", "n": 4, "dim": 2, "h": 0.1, "reach": 0.1, "mix": 0.3, "noise": 1.0,
         "scale": 1.0, "seed": 1},
    )  # fmt: skip

    @functools.cached_property
    def problem(self):
        A, b = regression_data(np.random.default_rng([self.seed, 0]), self.n, self.dim, self.noise)
        return LeastSquares(A, b, 0.1) if self.loss == "ridge" else LogSquares(A, b, 0.1)

    @functools.cached_property
    def oracle(self):
        two = min(2, self.n)
        p = np.random.default_rng([self.seed, 1]).dirichlet(np.full(self.n, 2.0)) + 0.02
        return {
            "full batch": lambda: FullBatch(self.problem),
            "without replacement": lambda: WithoutReplacement(self.problem, two),
            "with replacement": lambda: WithReplacement(self.problem, two),
            "importance": lambda: importance(self.problem, p / p.sum(), 1),
        }[self.sampling]()

    @functools.cached_property
    def L(self):
        """Of f and of every g_S."""
        lower = constants(self.problem).f_star or 0.0  # it enters C alone
        return max(constants(self.problem).L, expected_residual(self.oracle, lower).lipschitz)

    @property
    def steps(self):
        return self.h / self.L, self.reach / self.L

    def assumptions(self):
        batches = realisations(self.oracle).weights @ sample_constants(self.problem).L
        return [
            requires("f and every g_S are L-Lipschitz", max(batches.max(), constants(self.problem).L), "<=", self.L),
            requires("eta > 0", self.h, ">", 0),
        ]

    @functools.cached_property
    def points(self):
        centre = constants(self.problem).minimiser
        away = np.random.default_rng([self.seed, 2]).standard_normal((POINTS, self.dim))
        return (0 if centre is None else centre) + self.scale * away

    def measure(self):
        """E f(x+) at the points."""
        every, (eta, rho) = realisations(self.oracle), self.steps
        ends = [
            simulate(
                OneRealisation(self.problem, self.n * w), UnifiedSAM(eta, rho, self.mix), self.points, 1, threads=1
            )
            for w in every.weights
        ]
        return every.mean(losses(self.problem, np.stack([run.x for run in ends])))

    def predict(self, change=lambda L, eta, rho, mix, second: 0):
        """The bound, less what `change` says."""
        eta, rho = self.steps
        every = realisations(self.oracle)
        g_S = np.einsum("bi,kij->bkj", every.weights, sample_gradients(self.problem, self.points))
        second = every.mean((g_S**2).sum(axis=2))
        square = (gradients(self.problem, self.points) ** 2).sum(axis=1)
        at = self.L, eta, rho, self.mix
        return one_step_bound(losses(self.problem, self.points), square, second, *at) - change(*at, second)

    def judge(self, measured, bound):
        slack = 64 * self.n * EPS * (losses(self.problem, self.points) + np.abs(bound))
        return [at_most("E f(x+)", measured, bound, slack=slack, why="64 n ulp of f")]

    bowl = {"sampling": "full batch", "loss": "ridge", "n": 1, "dim": 1, "scale": real(5, 10)}
    controls = {
        "no term in E|g_S|^2": control(
            predict=lambda c: c.predict(change=lambda *at: growth(*at[:4]) * at[4]), 
            where={"noise": real(1, 3), "mix": real(0, 0.3), "h": real(0.5, 3), "loss": "ridge", "scale": real(5, 10),
                   "sampling": choice("without replacement", "with replacement", "importance"), "n": integer(2, 5)},
        ),
        "Q without L eta^2/2 x 1.02, at mix = 1": control(  # at mix = 1, rho -> 0 the lemma gives L eta^2/2 |g|^2 away
            predict=lambda c: c.predict(change=lambda L, eta, rho, mix, second: 0.51 * L * eta**2 * second),
            where=bowl | {"mix": 1.0, "reach": 1e-6, "h": real(1, 3)},
        ),
        "no push by the normalised part": control(
            predict=lambda c: c.predict(change=lambda L, eta, rho, mix, second: push(L, eta, rho, mix)),
            where=bowl | {"mix": 1.0, "scale": 1e-4, "h": real(0.3, 1), "reach": real(0.5, 3)},
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
