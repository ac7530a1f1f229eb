"""Clara, Langer & Schmidt-Hieber 2025 (arXiv 2503.11891): under weight noise diagonal networks shrink and threshold.

Minimising E f of depth 2 over the factorisations of beta leaves (1/2n)|X beta - y|^2 + e^2 sum_j s_j |beta_j| + const
(u^2 + v^2 >= 2 |u v|, with equality where balanced): a lasso with weights s_j = (1/n) sum_i x_ij^2, for any X.  Where
X'X/n = diag(s) its solution is the soft threshold sign(b)(|b| - e^2)_+ of the regression coefficients b.

At depth D, with X'X/n = diag(s) and layers of one size c, the stationary points other than 0 solve

    |b| = c^(2-D) (c^2 + e^2)^(D-1),    beta/b = (c^2/(c^2 + e^2))^(D-1),

which has a root iff |b| is at least its least value, at c^2 = e^2 (D-2)/D.  The flow reaches the largest root from
large balanced layers, and 0 where there is none: hard thresholding from D = 3 on.

Measured: where gradient flow on the marginal loss ends (depth 2 from random layers, else from balanced ones).
Predicted: the root, the lasso by coordinate descent.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms, gradients
from samtheory.flows.core import solve
from samtheory.problems.diagonal_net import effective, marginal_net
from samtheory.problems.quadratic import orthogonal
from samtheory.theory.thresholding import shrinkage_threshold, shrunk, weighted_lasso


@claim(
    title="The limit under weight noise: the soft threshold (lasso) at depth 2, a shrinkage with a jump from depth 3",
    where="Shrinkage-thresholding",
    kind="limit",
    confidence="text (abstract), derived (the formulas)",
    statement="""Gradient flow on the marginal loss ends at sign(b)(|b| - e^2)_+ for depth 2 and X'X/n = diag(s), at
        the lasso with penalty e^2 s_j for any X, and at depth D from large balanced layers at sign(b) c^D,
        c the largest root of |b| = c^(2-D) (c^2 + e^2)^(D-1), or at 0.""",
    cost=4,
)
class SoftThreshold:
    depth: int = integer(2, 4)
    design: str = choice("orthogonal", "correlated")  # correlated: at depth 2 only
    d: int = integer(1, 4)
    noise: float = log_real(0.1, 0.7)
    edge: float = real(0.5, 2)  # the first coefficient over the threshold
    seed: int = seeds()

    examples = tuple(
        {"depth": 2, "design": "correlated", "d": d, "noise": 0.3, "edge": 1.5, "seed": d} for d in (2, 3, 4)
    )

    @functools.cached_property
    def data(self):
        """X, y, the regression coefficients b, and the start."""
        rng = np.random.default_rng(self.seed)
        d, n = self.d, self.d + 1
        s, b = rng.uniform(0.5, 2, d), 2 * rng.standard_normal(d)
        b[0] = self.edge * shrinkage_threshold(self.noise, self.depth)
        X = orthogonal(rng, n)[:, :d] * np.sqrt(n * s)
        if self.design == "correlated" and self.depth == 2:
            X = rng.standard_normal((4 * d, d))
        if self.depth == 2:
            start = rng.standard_normal(2 * d)
        else:
            layers = np.tile(1.5 * (np.abs(b) + self.noise) ** (1 / self.depth), (self.depth, 1))
            layers[-1] *= np.sign(b)
            start = layers.ravel()
        return X, X @ b, b, start

    def assumptions(self):
        X, _, b, start = self.data
        away = np.abs(np.abs(b) / shrinkage_threshold(self.noise, self.depth) - 1).min()
        s = np.linalg.svd(X, compute_uv=False)
        return [
            requires("no coefficient is within two per cent of the threshold", away, ">", 0.02),
            requires("X is not nearly singular", s[-1], ">", 0.1 * s[0]),
            requires("no layer starts near 0", np.abs(start).min(), ">", 1e-2),
        ]

    def measure(self):
        """beta and E f at the end of the flow, and |grad E f| there."""
        X, y, _, start = self.data
        net = marginal_net(X, y, self.noise, self.depth)
        slowest = (X**2).mean(axis=0).min() * self.noise ** (2 * (self.depth - 1))
        end = solve(lambda t, x: -gradients(net, x), start, [0, 1e5 / slowest], rtol=1e-9, atol=1e-12)[-1]
        return effective(net, end), float(grad_norms(net, end))

    def predict(self, noise=None, depth=None):
        X, y, b, _ = self.data
        e = self.noise if noise is None else noise
        if self.design == "correlated" and self.depth == 2:
            return weighted_lasso(X, y, e**2 * (X**2).mean(axis=0))
        return shrunk(b, e, depth or self.depth)

    def judge(self, measured, predicted):
        X, y, b, _ = self.data
        beta, slope = measured
        # near the fold of the root the curvature is at least sqrt(2 %) of its scale; correlated: lam_min of the lasso
        least = (X**2).mean(axis=0).min() * self.noise ** (2 * (self.depth - 1)) * 0.02
        if self.depth == 2:
            least = min(least, np.linalg.svd(X, compute_uv=False)[-1] ** 2 / len(y) * 0.02)
        slack = 1e-9 * (1 + np.abs(b).max()) + slope / least
        return [
            equals("beta", beta, predicted, tolerance=slack, why="accuracy of the flow, |grad|/curvature at its end")
        ]

    controls = {
        "noise off by one part in a thousand": control(
            predict=lambda c: c.predict(noise=1.001 * c.noise),
            where={"noise": log_real(0.2, 0.4), "d": 4, "design": "orthogonal", "depth": integer(2, 3)},
        ),
        "penalty of the lasso off by one part in a thousand": control(
            predict=lambda c: c.predict(noise=1.0005 * c.noise),
            where={"noise": log_real(0.2, 0.7), "d": integer(2, 4), "design": "correlated", "depth": 2},
        ),
        "a threshold ten per cent higher": control(
            predict=lambda c: c.predict() * (np.arange(c.d) > 0),
            where={"edge": real(1.03, 1.1), "depth": integer(3, 4)},
        ),
        "a threshold ten per cent lower": control(
            predict=lambda c: np.where(np.arange(c.d) > 0, c.predict(), c.data[2]),
            where={"edge": real(0.9, 0.97), "depth": integer(3, 4)},
        ),
        "noise e/sqrt 2": control(
            predict=lambda c: c.predict(noise=c.noise / 2**0.5), where={"noise": log_real(0.2, 0.5), "d": 4}
        ),
        "no shrinkage": control(predict=lambda c: c.data[2], where={"noise": log_real(0.2, 0.7)}),
        "the soft threshold at depth 3": control(
            predict=lambda c: c.predict(depth=2), where={"depth": 3, "noise": log_real(0.2, 0.5), "d": 4}
        ),
    }


if __name__ == "__main__":
    script(__file__)
