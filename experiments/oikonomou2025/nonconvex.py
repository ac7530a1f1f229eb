"""Oikonomou & Loizou 2025, Theorem 3.7 (derived substitute): Unified SAM reaches small gradients without PL.

From oikonomou2025/one-step and E|g_S|^2 <= 2A (f - f^inf) + B|g|^2 + C, with k = eta (1 - L rho/2) - BQ > 0,
    E f_{t+1} - f^inf <= (1 + 2AQ)(E f_t - f^inf) - k E|g_t|^2 + QC + P,   P = eta L rho mix^2 (1 + 2 eta L^2 rho),
and, weighted by (1 + 2AQ)^(-t-1),
    min_{t<T} E|g(x_t)|^2 <= [(1 + 2AQ)^T (f(x_0) - f^inf)/T + QC + P]/k.
With eta = rho = c/(L sqrt T) the power is bounded and the rest is O(T^(-1/2)): E|g| <= eps after O(eps^-4) steps.
With constant steps the bound is vacuous at large T, and false without the power (control).

Conventions: f = mean_i log(1 + (<a_i, x> - b_i)^2), L_i = 2|a_i|^2, f_i^inf = 0; the same batch in both gradients.
The expectation is exact for the full batch, otherwise the mean of 1280 runs.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms, losses
from samtheory.oracles import FullBatch, WithoutReplacement, importance
from samtheory.problems.core import constants, sample_constants
from samtheory.problems.finite_sum import LogSquares, regression_data
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.samplings import expected_residual, optimal_probabilities
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.unified import growth, nonconvex_bound, nonconvex_steps, push

RUNS = 1280
LEAST = "min E|g(x_t)|^2"


@claim(
    title="Unified SAM on smooth functions: the least gradient is O(T^-1/2)",
    where="Theorem 3.7",
    kind="bound",
    confidence="stand-in, derived (the statement of the theorem was not read)",
    caveat="stand-in for Theorem 3.7: same rate O(eps^-4), constants derived here",
    statement="""min_{t<T} E|g(x_t)|^2 <= [(1 + 2AQ)^T (f(x_0) - f^inf)/T + QC + P]/k, k = eta (1 - L rho/2) - BQ > 0;
        with eta = rho = c/(L sqrt T) this is O(T^-1/2).""",
    cost=5.0,
)
class Nonconvex:
    sampling: str = choice("full batch", "uniform", "importance")
    n: int = integer(1, 8)
    dim: int = integer(1, 3)
    steps: int = integer(1, 300)  # T
    c: float = log_real(0.02, 0.7)  # eta = rho = c/(L sqrt T)
    mix: float = real(0, 1)
    noise: float = log_real(0.01, 3)
    start: float = log_real(0.1, 10)
    seed: int = seeds()

    examples = (
        {"sampling": "uniform", "n": 8, "dim": 3, "steps": 300, "c": 8**-0.5, "mix": 0.5, "noise": 1.0, "start": 3.0,
         "seed": 0},
        {"sampling": "full batch", "n": 1, "dim": 1, "steps": 1, "c": 0.2, "mix": 0.0, "noise": 1.0, "start": 0.3,
         "seed": 0},
    )  # fmt: skip

    @functools.cached_property
    def problem(self):
        return LogSquares(*regression_data(np.random.default_rng([self.seed, 0]), self.n, self.dim, self.noise))

    @functools.cached_property
    def oracle(self):
        return {
            "full batch": lambda: FullBatch(self.problem),
            "uniform": lambda: WithoutReplacement(self.problem, 1),
            "importance": lambda: importance(self.problem, optimal_probabilities(sample_constants(self.problem).L)),
        }[self.sampling]()

    @functools.cached_property
    def known(self):
        """L, A, B, C with the lower bound 0 of f."""
        er = expected_residual(self.oracle, 0.0)
        return max(constants(self.problem).L, er.lipschitz), er.A, er.B, er.C

    @property
    def step(self):
        """eta = rho."""
        return float(nonconvex_steps(self.steps, self.known[0], self.c))

    @property
    def k(self):
        L, _, B, _ = self.known
        return self.step * (1 - L * self.step / 2) - B * growth(L, self.step, self.step, self.mix)

    @functools.cached_property
    def x0(self):
        fit = np.linalg.lstsq(self.problem.A, self.problem.b, rcond=None)[0]
        return fit + self.start * np.random.default_rng([self.seed, 1]).standard_normal(self.dim)

    def assumptions(self):
        return [requires("k > 0", self.k, ">", 0)]

    def measure(self, runs=RUNS):
        """E|g(x_t)|^2 for t < T and the half-widths of the intervals, false alarm 1e-6 in all."""
        exact = self.sampling == "full batch"
        run = simulate(
            self.oracle, UnifiedSAM(self.step, self.step, self.mix), self.x0, self.steps - 1,
            members=1 if exact else runs, record={"square": lambda x: grad_norms(self.problem, x) ** 2},
            seed=self.seed, threads=1,
        )  # fmt: skip
        if exact:
            return run["square"][0], 0.0
        found = mean_interval(run["square"], 1e-6 / self.steps)
        return found.estimate, found.half_width

    def predict(self, drop=1.0, C=1.0, power=1.0, pushed=1.0):
        """The bound, and its slope in log T; factors on f(x_0), C, A in the power, and the push."""
        (L, A, B, noise), step = self.known, self.step
        at = (B, C * noise, step, step, self.mix, drop * float(losses(self.problem, self.x0)))
        large = np.array([1e8, 1e10])
        along = nonconvex_steps(large, L, min(self.c, 0.7))
        bounds = nonconvex_bound(large, L, A, B, noise, along, along, self.mix, 1.0)
        bound = nonconvex_bound(self.steps, L, power * A, *at)
        bound -= (1 - pushed) * push(L, step, step, self.mix) / self.k
        return float(bound), float(np.log(bounds[1] / bounds[0]) / np.log(large[1] / large[0]))

    def judge(self, measured, predicted):
        squares, half = measured
        best = int(np.argmin(squares + half))
        error = float(np.broadcast_to(half, squares.shape)[best])
        return [
            at_most(LEAST, squares[best], predicted[0], slack=1e-12 * predicted[0], error=error,
                    why="1e-12 of the bound; Student's interval, false alarm 1e-6"),
            equals("exponent of the bound in T", predicted[1], -0.5, tolerance=1e-3,
                   why="its terms of order 1/T, T >= 1e8"),
        ]  # fmt: skip

    single = {"sampling": "full batch", "n": 1, "dim": 1, "noise": 0.01, "start": 0.1}
    controls = {
        "f(x_0)/10, one step": control(
            predict=lambda c: c.predict(drop=0.1), where=single | {"steps": 1, "c": real(0.15, 0.25), "mix": 0.0},
            refutes=LEAST,
        ),
        "constant steps, without the power and C": control(
            measure=lambda c: c.measure(runs=128),
            predict=lambda c: c.predict(power=0.0, C=0.0),
            where={"sampling": "uniform", "n": 8, "dim": 3, "steps": 32_000, "c": 0.3 * 32_000**0.5, "mix": 0.0,
                   "noise": 1.0, "start": 0.5},
            refutes=LEAST,
        ),
        "no push by the normalised part": control(
            predict=lambda c: c.predict(pushed=0.0),
            where=single | {"mix": 1.0, "dim": 3, "steps": 100_000, "c": 0.5 * 100_000**0.5}, refutes=LEAST,
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
