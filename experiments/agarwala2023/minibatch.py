"""Agarwala & Dauphin 2023 (arXiv 2302.08692): with mini-batches USAM regularises more, and in every mode.

Quadratic regression with GOE Q (off-diagonal variance V, diagonal 2V) at fixed z and J; a batch S of outputs has the
loss sum_{a in S} z_a^2/2 (not rescaled), z_S = M z, M = diag(1_S), in ascent and descent.  Per unit of eta, averaged
over Q and S (formula derived; that such a theorem exists is recalled):

    E[dJ/dt] = -rho V [(P + 1) E[z_S z_S'] J + rho (P + 2) E[(M K z_S) z_S'] J],       K = J J',
    E[z_S z_S'] = p_2 z z' + (p_1 - p_2) diag(z^2),     E[(M K z_S) z_S']_ab = z_b sum_c K_ac z_c p_{|{a, b, c}|},

p_k the probability that k given outputs are all in S: q^k (each with probability q), or B(B-1).../(D(D-1)...) (B of D
without replacement).  The diagonal term acts also on modes w with w.z = 0; with gradients rescaled by 1/q its weight
relative to the full-batch term is (1 - q)/q: small batches regularise more.

No sampling: all batches are enumerated and dJ/dt, a cubic in Q, is summed in even parts over a basis of the Gaussian Q.
Conventions: the same batch in both gradients; loss with 1/2, no 1/D.
"""

import dataclasses
import functools
import itertools
import math

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients
from samtheory.problems.quadratic_regression import QuadraticRegression

EPS = np.finfo(float).eps


@claim(
    title="Mini-batch USAM on quadratic regression: mean change of the Jacobian",
    where="Section 3, stochastic SAM",
    kind="identity",
    confidence="memory (that there is such a theorem) + derived",
    statement="""E[dJ/dt] = -rho V [(P+1) E[z_S z_S'] J + rho (P+2) E[(M K z_S) z_S'] J] with E[z_S z_S'] = p_2 z z' +
        (p_1 - p_2) diag(z^2), p_k = q^k, or B(B-1).../(D(D-1)...).""",
    cost=8,
)
class Minibatch:
    batches: str = choice("bernoulli", "fixed size")
    outputs: int = integer(2, 4)
    parameters: int = integer(2, 4)
    share: float = real(0.05, 1)  # q, or B/D rounded up
    V: float = log_real(0.05, 1)
    rho: float = log_real(1e-2, 1)
    seed: int = seeds()

    examples = (
        {"batches": "fixed size", "outputs": 4, "parameters": 4, "share": 0.5, "V": 0.125, "rho": 0.3, "seed": 0},
        {"batches": "bernoulli", "outputs": 3, "parameters": 3, "share": 1.0, "V": 0.3, "rho": 0.3, "seed": 0},
    )

    @functools.cached_property
    def data(self):
        rng = np.random.default_rng([self.seed, 0])
        return rng.standard_normal(self.outputs), rng.standard_normal((self.outputs, self.parameters))

    @property
    def size(self):
        return max(1, math.ceil(self.share * self.outputs - 1e-9))

    def assumptions(self):
        return [requires("0 < q <= 1", 0 < self.share <= 1)]

    def subsets(self):
        """(S, probability), S not empty."""
        D = self.outputs
        for k in range(1, D + 1) if self.batches == "bernoulli" else [self.size]:
            weight = self.share**k * (1 - self.share) ** (D - k) if self.batches == "bernoulli" else 1 / math.comb(D, k)
            for S in itertools.combinations(range(D), k):
                yield list(S), weight

    def measure(self):
        """Sum over batches and over the basis elements of Q_a, a in S (the others do not enter the gradient)."""
        (z, J), P, origin = self.data, self.parameters, np.zeros(self.parameters)
        mean = np.zeros_like(J)
        for S, weight in self.subsets():
            for place, a in enumerate(S):
                for i, j in itertools.combinations_with_replacement(range(P), 2):
                    Q = np.zeros((len(S), P, P))
                    Q[place, i, j] = Q[place, j, i] = np.sqrt(2 * self.V if i == j else self.V)
                    for E in (Q, -Q):
                        problem = QuadraticRegression(z[S], J[S], E)
                        gt = gradients(problem, self.rho * gradients(problem, origin))
                        mean[a] -= weight / 2 * E[place] @ gt
        return mean

    def inclusion(self, k):
        """Probability that k given outputs are in the batch."""
        if self.batches == "bernoulli":
            return self.share**k
        return math.comb(self.outputs - k, self.size - k) / math.comb(self.outputs, self.size) if k <= self.size else 0

    def predict(self, diagonal=1.0, add=1):
        (z, J), P, D = self.data, self.parameters, self.outputs
        one, two = self.inclusion(1), self.inclusion(2)
        first = two * np.outer(z, z) + diagonal * (one - two) * np.diag(z**2)
        K, third = J @ J.T, np.zeros((D, D))
        for a, b, c in itertools.product(range(D), repeat=3):
            third[a, b] += z[b] * K[a, c] * z[c] * self.inclusion(len({a, b, c}))
        return -self.rho * self.V * ((P + add) * first @ J + self.rho * (P + 2) * third @ J)

    def full_batch(self, factor):
        (z, J), P = self.data, self.parameters
        zz = np.outer(z, z)
        return -factor * self.rho * self.V * ((P + 1) * zz @ J + self.rho * (P + 2) * J @ J.T @ zz @ J)

    def judge(self, mean, predicted):
        (z, J), P = self.data, self.parameters
        z, j, bend = np.linalg.norm(z), np.linalg.norm(J), np.sqrt(2 * self.V)
        e = self.rho * j * z
        gt = (j + bend * e) * (z + j * e + bend * e**2)
        slack = 8 * EPS * (self.outputs + P) * P * (P + 1) / 2 * bend * gt
        why = "round-off of the sum over the basis, all terms taken positive"
        return [equals("E dJ/dt", mean, predicted, tolerance=slack, why=why)]

    controls = {
        "q^2 times the full batch": control(
            predict=lambda c: c.full_batch(c.share**2), where={"batches": "bernoulli", "share": real(0.1, 0.9)}
        ),
        "q times the full batch": control(
            predict=lambda c: c.full_batch(c.share), where={"batches": "bernoulli", "share": real(0.1, 0.9)}
        ),
        "without the diagonal term": control(
            predict=lambda c: c.predict(diagonal=0.0), where={"share": real(0.1, 0.7)}
        ),
        "batches of fixed size as if independent": control(
            predict=lambda c: dataclasses.replace(c, batches="bernoulli", share=c.size / c.outputs).predict(),
            where={"batches": "fixed size", "share": real(0.1, 0.6), "outputs": integer(3, 4)},
        ),
        "P for P + 1": control(predict=lambda c: c.predict(add=0)),
    }


if __name__ == "__main__":
    script(__file__)
