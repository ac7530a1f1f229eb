"""Oikonomou & Loizou 2025: importance sampling allows (L_max/L_avg)^2 larger steps than uniform sampling.

One sample a step, B = 0.  Uniform: A = L = L_max.  Probabilities p_i = L_i/sum L, weights 1/(n p_i): A = L = L_avg.
At rho = rho*/2 of oikonomou2025/pl-constant eta* = mu/(4 L^2 (1 + 2 (L rho)^2 (1 - mix)^2)), L rho <= mu/(4L), so
    eta*_importance/eta*_uniform = (L_max/L_avg)^2 (1 - e),   0 <= e <= 2 (L_avg rho_importance)^2,
one factor from A and one from the Lipschitz constant, and the guaranteed rate eta mu is larger by as much.
With interpolation (C = 0) one step of USAM lowers E f by at least eta (1 - L rho/2)|g|^2 - Q (A/mu)|g|^2 >= (5/12) eta
|g|^2, and on a convex f by at most eta |g| E|(1 + rho H_S) g_S| <= (5/4) eta |g|^2, so that from the same point the
decrease of importance is at least eta*_importance/(3 eta*_uniform) times that of uniform.  The gaps are exact.
Without its weights importance sampling minimises sum p_i f_i instead: a control of oikonomou2025/er-constants.

Conventions: f = mean_i f_i, consistent least squares for the gaps; the same sample in both gradients; mix = 0 measured.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.oracles import WithoutReplacement, importance
from samtheory.problems.core import constants, sample_constants
from samtheory.problems.finite_sum import LeastSquares
from samtheory.samplings import expected_residual, optimal_probabilities
from samtheory.sde.batch_moments import expected_gaps
from samtheory.theory.unified import pl_pair

EPS = np.finfo(float).eps
AHEAD = "decrease of E f in a step, importance over uniform"


@claim(
    title="Importance sampling allows (L_max/L_avg)^2 larger steps",
    where="Section on importance sampling",
    kind="comparison",
    confidence="derived",
    statement="""eta*_importance/eta*_uniform = (L_max/L_avg)^2 up to a relative 2 (L_avg rho)^2, so the guaranteed
        rate eta mu is larger; with interpolation a step of USAM lowers E f at least a third of this ratio as much.""",
)
class ImportanceBeatsUniform:
    n: int = integer(3, 6)
    dim: int = integer(1, 3)
    spread: float = real(0.3, 3)  # standard deviation of the log row norms
    reg: float = log_real(1e-3, 1)  # of the ridge whose constants are compared
    mix: float = real(0, 1)
    seed: int = seeds()

    @functools.cached_property
    def rows(self):
        rng = np.random.default_rng([self.seed, 0])
        a = rng.standard_normal((self.n, self.dim))
        a /= np.linalg.norm(a, axis=1, keepdims=True)
        norms = self.spread * rng.standard_normal(self.n)
        return a * np.exp(norms - norms.mean())[:, None]

    def pairs(self, reg, mix, power=1.0):
        """[(eta, rho)] for uniform sampling and for p_i ~ L_i^power, the two oracles, mu."""
        rng = np.random.default_rng([self.seed, 1])
        problem = LeastSquares(self.rows, self.rows @ rng.standard_normal(self.dim), reg)
        L = sample_constants(problem).L
        oracles = [WithoutReplacement(problem, 1), importance(problem, optimal_probabilities(L**power))]
        known = [expected_residual(oracle, constants(problem).f_star) for oracle in oracles]
        mu = constants(problem).pl
        return [pl_pair(mu, er.lipschitz, er.A, er.B, mix)[::-1] for er in known], oracles, mu

    def assumptions(self):
        L = (self.rows**2).sum(axis=1)
        return [requires("the samples are not equally smooth", L.max() / L.mean(), ">", 1 + 1e-9)]

    def measure(self, power=1.0):
        """eta ratio and rates on the ridge; ratio of etas and of the decreases of E f on consistent data."""
        (uniform, weighted), _, mu = self.pairs(self.reg, self.mix, power)
        pairs, oracles, _ = self.pairs(0.0, 0.0, power)
        problem = oracles[0].problem
        along = self.rows.T @ np.random.default_rng([self.seed, 2]).standard_normal(self.n)
        x0 = constants(problem).minimiser + along / np.linalg.norm(along)
        start = losses(problem, x0)
        falls = [start - expected_gaps(o, x0, *pair, [1])[0] for o, pair in zip(oracles, pairs)]
        lost = 64 * EPS * start * (falls[0] + falls[1]) / falls[0] ** 2  # of their ratio: falls are differences
        rates = uniform[0] * mu, weighted[0] * mu
        return weighted[0] / uniform[0], rates, (falls[1] / falls[0], pairs[1][0] / pairs[0][0]), lost

    def predict(self, power=2):
        """(L_max/L_avg)^power, how far below it the ratio may be, the share of it that a step is ahead."""
        L = (self.rows**2).sum(axis=1) + self.reg
        (_, weighted), _, _ = self.pairs(self.reg, self.mix)
        return (L.max() / L.mean()) ** power, 2 * (L.mean() * weighted[1]) ** 2 * (1 - self.mix) ** 2, 1 / 3

    def judge(self, measured, predicted):
        ratio, rates, (falls, etas), lost = measured
        leading, below, third = predicted
        return [
            equals("eta*_importance/eta*_uniform, over its leading order", ratio / leading, 1 - below / 2,
                   tolerance=below / 2 + 1e-12, why="the second order of rho; 1e-12 of the constants"),
            at_most("guaranteed rate of uniform, and of importance", *rates, slack=16 * EPS * rates[1], why="16 ulp"),
            at_least(AHEAD, falls, third * etas, slack=lost, why="64 ulp of f in both decreases"),
        ]  # fmt: skip

    controls = {
        "one power of L_max/L_avg": control(
            predict=lambda c: c.predict(power=1), refutes="eta*_importance/eta*_uniform, over its leading order"
        ),
        "power 2.01": control(
            predict=lambda c: c.predict(power=2.01), where={"spread": real(1, 3), "mix": 1.0},
            refutes="eta*_importance/eta*_uniform, over its leading order",
        ),
        "uniform steps as large as importance": control(
            measure=lambda c: (c.measure()[0], c.measure()[1][::-1], *c.measure()[2:]),
            refutes="guaranteed rate of uniform, and of importance",
        ),
        "p_i inversely to L_i": control(
            measure=lambda c: c.measure(power=-1.0), refutes="guaranteed rate of uniform, and of importance"
        ),
        "ahead by more than the ratio of the steps": control(
            predict=lambda c: (*c.predict()[:2], 1.3), refutes=AHEAD
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
