"""Oikonomou & Loizou 2025: constants of the expected-residual condition, by enumeration of every batch.

If every f_i is L_i-smooth with infimum f_i^inf and Delta = f^inf - mean_i f_i^inf, then for all x
    E|g_S|^2 <= 2 A (f - f^inf) + B |g|^2 + C,   C = 2 A Delta,

    tau without replacement  A = (n - tau)/(tau (n - 1)) L_max   B = n (tau - 1)/(tau (n - 1))
    tau with replacement     A = L_max/tau                       B = 1 - 1/tau
    tau with probabilities p A = max_i L_i/(n p_i)/tau           B = 1 - 1/tau      (weights 1/(n p_i))

because |g_i|^2 <= 2 L_i (f_i - f_i^inf) in the exact identity (row 1)
    E|g_S|^2 = (n - tau)/(tau (n - 1)) mean_i |g_i|^2 + B |g|^2
and its like for the other rows.  A is attained where all f_i = L (x - c)^2/2.  p_i = L_i/sum L has A = mean_i L_i.
Two slips of a published script are controls: batches drawn with replacement beside the constants of those without,
and importance sampling without the weights 1/(n p_i), which minimises sum p_i f_i instead of f: the fixed point moves.

Conventions: f = mean_i f_i; ridge or log(1 + r^2) losses; expectations exact over all batches.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses, sample_gradients
from samtheory.oracles import WithoutReplacement, WithReplacement, importance
from samtheory.problems.core import constants, sample_constants
from samtheory.problems.finite_sum import LeastSquares, LogSquares, regression_data
from samtheory.samplings import expected_residual, optimal_probabilities, realisations

EPS = np.finfo(float).eps
WHY = "64 + 8 n ulp of the terms"
STEEPEST = "Lipschitz constant of every g_S"


@claim(
    title="Expected-residual constants of three samplings",
    where="Section on expected residual",
    kind="bound",
    confidence="derived (row of sampling without replacement as in the authors' code)",
    statement="""E|g_S(x)|^2 <= 2A (f(x) - f^inf) + B |g(x)|^2 + 2A Delta, with A, B of the sampling, for all x;
        the identities behind it hold exactly, every g_S is as smooth as stated, and E g_S = g, so that the fixed point
        of the mean step is x*.""",
)
class ExpectedResidualConstants:
    sampling: str = choice("without replacement", "with replacement", "importance")
    loss: str = choice("ridge", "log")
    n: int = integer(2, 6)
    share: float = real(0, 1)  # of the batch size in 1..n
    dim: int = integer(1, 3)
    reg: float = log_real(1e-3, 1)
    noise: float = log_real(1e-3, 10)  # of the targets
    spread: float = log_real(0.01, 1)  # of the row norms: 1 is Gaussian rows
    scale: float = log_real(0.02, 20)  # distance of the points from x*
    seed: int = seeds()

    examples = (
        {"sampling": "without replacement", "loss": "ridge", "n": 4, "share": 0.0, "dim": 1, "reg": 0.1,
         "noise": 0.0011, "spread": 0.01, "scale": 20.0, "seed": 0},
        {"sampling": "importance", "loss": "ridge", "n": 6, "share": 0.0, "dim": 1, "reg": 0.001, "noise": 0.001,
         "spread": 1.0, "scale": 20.0, "seed": 1},
    )  # fmt: skip

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        A, b = regression_data(rng, self.n, self.dim, self.noise, self.spread)
        return LeastSquares(A, b, self.reg) if self.loss == "ridge" else LogSquares(A, b, 0.0)

    @functools.cached_property
    def oracle(self):
        tau = 1 + int(self.share * (self.n - 1) + 0.5)
        if self.sampling == "importance":
            return importance(self.problem, optimal_probabilities(sample_constants(self.problem).L), tau)
        return (WithReplacement if self.sampling == "with replacement" else WithoutReplacement)(self.problem, tau)

    @property
    def f_inf(self):
        """Of f; for the log loss the lower bound that the bound allows."""
        return constants(self.problem).f_star if self.loss == "ridge" else 0.0

    def assumptions(self):
        return [requires("every f_i is smooth", sample_constants(self.problem).L.min(), ">", 0)]

    @functools.cached_property
    def points(self):
        centre = constants(self.problem).minimiser
        away = np.random.default_rng([self.seed, 1]).standard_normal((64, self.dim))
        return (0 if centre is None else centre) + self.scale * np.geomspace(1e-3, 1, 64)[:, None] * away

    def measure(self, weighted=True):
        """E|g_S|^2 and E g_S over all batches, their largest term; without the weights 1/(n p_i) if not `weighted`."""
        every = realisations(self.oracle)
        weights = every.weights if weighted else every.weights / self.oracle.weight
        g_i = sample_gradients(self.problem, self.points)
        g = np.einsum("bi,kij->bkj", weights, g_i)
        largest = self.n * weights.max() * np.abs(g_i).max(axis=(1, 2))
        return every.mean((g**2).sum(axis=2)), every.mean(g), largest, every.mean(weights)

    def predict(self, A=1.0, oracle=None):
        """The bound, the identity, g at the points, the Lipschitz constant of every g_S."""
        oracle = self.oracle if oracle is None else oracle
        known = expected_residual(oracle, self.f_inf)
        g_i = sample_gradients(self.problem, self.points)
        g = g_i.mean(axis=1)
        gap = losses(self.problem, self.points) - self.f_inf
        scaled = oracle.weight if self.sampling == "importance" else np.ones(self.n)
        tau, n = oracle.size, self.n
        left = (n - tau) / (tau * (n - 1)) if isinstance(oracle, WithoutReplacement) else 1 / tau
        square = (g**2).sum(axis=1)
        mean = ((g_i**2).sum(axis=2) * scaled).mean(axis=1)
        return A * (2 * known.A * gap + known.C) + known.B * square, left * mean + known.B * square, g, known.lipschitz

    def judge(self, measured, predicted):
        second, mean, size, weight = measured
        bound, identity, g, lipschitz = predicted
        f = losses(self.problem, self.points) + self.f_inf
        lost = 2 * expected_residual(self.oracle, self.f_inf).A * f  # f - f^inf and Delta are differences
        slack = (64 + 8 * self.n) * EPS * self.dim * (size**2 + bound)
        evidence = [
            at_most("E|g_S|^2", second, bound, slack=slack + 64 * EPS * lost, why=WHY),
            equals("E|g_S|^2 and its identity", second, identity, tolerance=slack, why=WHY),
            equals("E g_S", mean, g, tolerance=(64 + 8 * self.n) * EPS * size[:, None], why=WHY),
        ]
        if self.loss == "ridge":  # where sum_i v_i g_i = 0, v the mean weights
            p = self.problem
            H = (p.A.T * weight) @ p.A + p.reg * weight.sum() * np.eye(self.dim)
            fixed = np.linalg.solve(H, p.A.T @ (weight * p.b))
            off = 1e3 * EPS * np.linalg.cond(H) * (1 + np.abs(losses(p, fixed)))
            every = realisations(self.oracle).weights
            curvatures = np.einsum("mi,ij,ik->mjk", every, p.A, p.A)
            steepest = (np.linalg.eigvalsh(curvatures)[:, -1] + p.reg * every.sum(axis=1)).max()
            evidence.append(at_most(STEEPEST, steepest, lipschitz, slack=64 * EPS * lipschitz, why="64 ulp"))
            evidence.append(equals("f - f* at the fixed point", losses(p, fixed), self.f_inf, tolerance=off,
                                   why="1e3 cond ulp of f"))  # fmt: skip
        return evidence

    same = {"dim": 1, "spread": 1e-9, "noise": 1e-9, "loss": "ridge", "reg": 1e-9, "share": 0.0, "scale": 20.0}
    controls = {
        "A lowered by one in a thousand where all f_i agree": control(
            predict=lambda c: c.predict(A=0.999), where=same, refutes="E|g_S|^2"
        ),
        "drawn with replacement, constants of those without": control(
            predict=lambda c: c.predict(oracle=WithoutReplacement(c.problem, c.oracle.size)),
            where={"sampling": "with replacement", "share": 1.0, "noise": real(1, 10), "scale": log_real(0.02, 0.1)},
            refutes="E|g_S|^2",
        ),
        "importance without its weights: biased": control(
            measure=lambda c: c.measure(weighted=False),
            where={"sampling": "importance", "spread": 1.0},
            refutes="E g_S",
        ),
        "importance without its weights: another fixed point": control(
            measure=lambda c: c.measure(weighted=False),
            where={"sampling": "importance", "loss": "ridge", "spread": 1.0, "noise": real(1, 10), "share": 0.0},
            refutes="f - f* at the fixed point",
        ),
        "every g_S smoother by one in a thousand": control(
            predict=lambda c: (*c.predict()[:3], 0.999 * c.predict()[3]),
            where={"loss": "ridge", "dim": 1, "sampling": choice("with replacement", "importance"), "share": 0.0},
            refutes=STEEPEST,
        ),
        "no Delta": control(
            predict=lambda c: (c.predict()[0] - expected_residual(c.oracle, c.f_inf).C, *c.predict()[1:]),
            where={"loss": "ridge", "scale": 0.02, "noise": real(1, 10), "share": 0.0, "n": integer(4, 6), "dim": 1},
            refutes="E|g_S|^2",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
