"""Where m-SAM without normalisation settles in one dimension (after Luo et al. 2025, arXiv 2509.18001; derived, exact).

f_i = h_i (x - b_i)^2/2, i = 1..n, sampling with replacement.  The stationary mean of m-USAM is

    x* = [ (1 + rho E h) E(h b) + (rho/m) Cov(h, h b) ] / [ (1 + rho E h) E h + (rho/m) Var h ],

averages over i; that of n-USAM is the minimiser E(h b)/E h of f.  As m falls x* moves monotonically away from it,
towards Cov(h, h b)/Var h, where the gradient variance Var h(x - b) is least.

Measured: the mean after so many steps that it has settled, by a matrix power over all batches of size m.
Conventions: loss with 1/2 and 1/n; rho in units of inverse curvature; one shard a batch (the mean does not see B).
"""

import functools

import numpy as np

from samtheory.claims import at_least, claim, control, equals, integer, log_real, requires, script, seeds
from samtheory.problems.quadratic_sum import QuadraticSum
from samtheory.sde.batch_moments import batch_discrete_law, batches
from samtheory.sde.pushes import FullUSAM, USAMPush

EPS = np.finfo(float).eps


@claim(
    title="The stationary mean of m-USAM moves monotonically with 1/m; that of n-USAM is the minimiser of f",
    where="toy consequence",
    kind="identity",
    confidence="derived",
    statement="""On f_i = h_i (x - b_i)^2/2 the stationary mean of m-USAM is
        [(1 + rho E h) E(hb) + (rho/m) Cov(h, hb)]/[(1 + rho E h) E h + (rho/m) Var h]; that of n-USAM is E(hb)/E h.""",
)
class StationaryMeanShift:
    samples: int = integer(2, 5)
    rho: float = log_real(1e-2, 3)
    scale: float = log_real(0.1, 10)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """h (the largest is `scale`) and b."""
        rng = np.random.default_rng([self.seed, 0])
        h = rng.uniform(0.1, 1, self.samples)
        return self.scale * h / h.max(), rng.standard_normal(self.samples)

    examples = ({"samples": 2, "rho": 0.5, "scale": 3.0, "seed": 0},)

    @property
    def eta(self):
        h = self.data[0].max()
        return 0.5 / (h * (1 + self.rho * h))

    def assumptions(self):
        h, _ = self.data
        return [requires("eta h (1 + rho h) < 2", self.eta * h.max() * (1 + self.rho * h.max()), "<", 2)]

    def measure(self, replace=True):
        """Stationary means of n-USAM and of m-USAM for m = 4, 3, 2, 1."""
        h, b = self.data
        problem = QuadraticSum(h[:, None, None], b[:, None])
        sizes = [(FullUSAM(), 1)] + [(USAMPush(), m) for m in (4, 3, 2, 1) if replace or m <= self.samples]
        means = []
        for kind, m in sizes:
            maps = batches(problem, kind, m, replace)
            means.append(batch_discrete_law(maps, self.rho, self.eta, [0.0], 2**14).mean[0])
        return np.array(means)

    def predict(self, inverse=(0, 1 / 4, 1 / 3, 1 / 2, 1)):
        h, b = self.data
        rho, inverse = self.rho, np.array(inverse)
        plain = 1 + rho * h.mean()
        top = plain * np.mean(h * b) + rho * inverse * (np.mean(h * h * b) - h.mean() * np.mean(h * b))
        return top / (plain * h.mean() + rho * inverse * h.var())

    def judge(self, means, predicted):
        b = self.data[1]
        # the mean map has the slope 1 - q, q = eta E h(1 + rho h) >= 0.05/(2n): rounding of its sums over 1/q steps
        allowed = 200 * EPS * np.abs(b).max() * self.samples / 0.05
        steps = np.diff(means) * np.sign(means[-1] - means[0])
        return [
            equals("stationary mean", means, predicted, tolerance=allowed, why="rounding, over the memory of the run"),
            at_least("shift from m to m - 1", steps, 0, slack=2 * allowed, why="the same"),
        ]

    controls = {
        "the minimiser of f for every m": control(predict=lambda c: c.predict(np.zeros(5))),
        "m replaced by m^2": control(predict=lambda c: c.predict((0, 1 / 16, 1 / 9, 1 / 4, 1))),
        "a shift for n-USAM": control(predict=lambda c: c.predict((1 / 5, 1 / 4, 1 / 3, 1 / 2, 1))),
        "without replacement": control(measure=lambda c: c.measure(False), where={"samples": integer(4, 5)}),
        "rho off by a millionth": control(
            predict=lambda c: c.predict((1 + 1e-6) * np.array([0, 1 / 4, 1 / 3, 1 / 2, 1]))
        ),
    }


if __name__ == "__main__":
    script(__file__)
