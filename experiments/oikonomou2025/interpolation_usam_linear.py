"""Oikonomou & Loizou 2025, corollary of Theorem 3.2: with interpolation USAM converges linearly, SAM does not.

If C = 0 (all f_i share a minimiser) and mix = 0, the neighbourhood N of oikonomou2025/pl-constant is 0: with a constant
rho and a constant eta stochastic USAM reaches the minimum itself,
    E f(x_t) - f* <= (1 - eta mu)^t (f(x_0) - f*).
For mix > 0 the bound keeps N >= L rho mix^2/mu without any noise; on a parabola Unified SAM indeed ends on the
cycle of samtheory/sam-cycle, f - f* = L a^2/2, a = eta L rho mix/(2 - eta L (1 + rho L (1 - mix))), below N.

Conventions: consistent least squares, possibly rank deficient (mu: least non-zero eigenvalue); f = mean_i f_i; exact
expectations; the same batch in both gradients.
"""

import functools

import numpy as np

from samtheory.claims import (
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
    usually,
)
from samtheory.evaluate import losses
from samtheory.oracles import FullBatch, WithoutReplacement, importance
from samtheory.problems.core import constants, sample_constants
from samtheory.problems.finite_sum import LeastSquares, regression_data
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.samplings import expected_residual, optimal_probabilities
from samtheory.sde.batch_moments import expected_gaps
from samtheory.simulate import simulate
from samtheory.theory.cycles import unified_cycle_amplitude
from samtheory.theory.unified import pl_bound, pl_floor, pl_pair, pl_radius, pl_step

EPS = np.finfo(float).eps
COMMON = "the samples share a minimiser"
END = "gap of Unified SAM in the end"


@claim(
    title="Interpolation: stochastic USAM converges linearly to the minimum, Unified SAM stays on its cycle",
    where="corollary of Theorem 3.2",
    kind="bound",
    confidence="constants as in the authors' code, derived",
    statement="""C = 0, mix = 0: E f(x_t) - f* <= (1 - eta mu)^t (f(x_0) - f*), rho < rho*, eta <= eta*(rho);
        mix > 0: on a parabola the gap ends at L a^2/2 <= N, a the amplitude of the cycle.""",
)
class Interpolation:
    sampling: str = choice("full batch", "without replacement", "importance")
    n: int = integer(1, 5)
    dim: int = integer(1, 3)
    spread: float = log_real(0.05, 1)
    noisy: int = usually(integer(0, 0), integer(0, 1))  # 1: the samples do not share a minimiser
    part: float = real(0.01, 0.99)  # rho/rho*
    share: float = real(0.1, 1)  # eta/eta*(rho)
    mix: float = real(0.01, 1)  # of the run on the parabola
    seed: int = seeds()

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        return LeastSquares(*regression_data(rng, self.n, self.dim, 0.5 * self.noisy, self.spread))

    @functools.cached_property
    def oracle(self):
        return {
            "full batch": lambda: FullBatch(self.problem),
            "without replacement": lambda: WithoutReplacement(self.problem, 1),
            "importance": lambda: importance(self.problem, optimal_probabilities(sample_constants(self.problem).L)),
        }[self.sampling]()

    @functools.cached_property
    def known(self):
        """mu, L, A, B."""
        at = constants(self.problem)
        er = expected_residual(self.oracle, 0.0)
        return at.pl, max(at.L, er.lipschitz), er.A, er.B

    @functools.cached_property
    def steps(self):
        """eta, rho."""
        rho = self.part * pl_radius(*self.known, 0.0)
        return self.share * pl_step(*self.known, rho, 0.0), rho

    def assumptions(self):
        scale = float((self.problem.b**2).mean())
        return [
            requires(COMMON, constants(self.problem).f_star, "<=", 1e-26 * scale),
            requires("rho < rho*", self.steps[1], "<", pl_radius(*self.known, 0.0)),
        ]

    @functools.cached_property
    def x0(self):
        A = self.problem.A  # what is orthogonal to all rows never moves
        along = A.T @ np.random.default_rng([self.seed, 1]).standard_normal(self.n)
        return constants(self.problem).minimiser + along / np.linalg.norm(along)

    @property
    def times(self):
        end = min(1e8, np.log(1e22) / (self.steps[0] * self.known[0]))  # the bound falls to 1e-22
        return np.unique(np.geomspace(1, end, 40).astype(int))

    def measure(self):
        """E f(x_t) - f* of stochastic USAM; the end of Unified SAM on a parabola."""
        L = self.known[1]
        eta, rho = pl_pair(L, L, 0.0, 1.0, self.mix)[::-1]
        bowl = Diagonal([L], [0.0])
        steps = int(np.log(1e16) / -np.log1p(-eta * L)) + 100
        end = simulate(bowl, UnifiedSAM(eta, rho, self.mix), [1.2345 / L], steps, every=steps, threads=1).x
        return expected_gaps(self.oracle, self.x0, *self.steps, self.times), float(losses(bowl, end))

    def predict(self, rate=1.0):
        """The bound at the times; the gap on the cycle; N."""
        mu, L, A, B = self.known
        gap0 = losses(self.problem, self.x0)
        if rate == 1:
            bound = pl_bound(self.times, mu, L, A, B, 0.0, *self.steps, 0.0, gap0)
        else:
            bound = max(0.0, 1 - rate * self.steps[0] * mu) ** self.times * gap0
        rho, eta = pl_pair(L, L, 0.0, 1.0, self.mix)
        cycle = L * unified_cycle_amplitude(eta, rho, L, self.mix) ** 2 / 2
        return bound, cycle, pl_floor(L, L, 0.0, eta, rho, self.mix)

    def judge(self, measured, predicted):
        gaps, end = measured
        bound, cycle, floor = predicted
        scale = float(losses(self.problem, self.x0))
        slack = 1e-11 * bound + 1e-27 * scale
        return [
            at_most("E f(x_t) - f*", gaps, bound, slack=slack, why="1e-11 of the bound, 1e-27 of the start"),
            equals(END, end, cycle, tolerance=1e-12 * cycle, why="settled to 1e-16, 1e-12 of round-off"),
            at_most(f"{END}, and N", end, floor, slack=1e-12 * floor, why="1e-12 of N"),
        ]

    controls = {
        "2.5 times the rate": control(
            predict=lambda c: c.predict(rate=2.5),
            where={"sampling": "full batch", "dim": 1, "part": real(0.01, 0.1)}, refutes="E f(x_t) - f*",
        ),
        "no interpolation": control(
            where={"noisy": 1, "n": 5, "dim": 2, "spread": real(0.5, 1), "sampling": "importance"},
            violates=COMMON, refutes="E f(x_t) - f*",
        ),
        "Unified SAM ends at the minimum too": control(
            predict=lambda c: (c.predict()[0], 0.0 * c.predict()[1], 0.0), refutes=f"{END}, and N"
        ),
        "cycle off by one part in 10^9": control(
            predict=lambda c: (c.predict()[0], (1 + 1e-9) * c.predict()[1], c.predict()[2]), refutes=END
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
