"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): Delta measures the integral of the loss.

Along gradient flow of beta = w_+^2 - w_-^2 on f = (1/4n)|r|^2 from w_+- = alpha, grad phi_alpha(beta) = X'nu with
nu = -int r/n, and

    int_0^inf |r|^2/n dt = phi_alpha(beta_inf)        (|r|^2/n = 4 f; = 2 f for beta = u v, f = (1/2n)|r|^2).

Proof: d/dt <nu, r> = -|r|^2/n + <X'nu, beta'> = -|r|^2/n + d phi/dt, and <nu, r> is zero at both ends.
It asks no more of X than full row rank.  Hence if |x_i|^2 = d for every row, |Delta_1|_1 = d phi_alpha(beta_inf)
exactly; if X X' = d I as well, |Delta_n|_1 = (d/n) phi_alpha(beta_inf): the paper's "n times stronger for 1-SAM" is
exact there, and only there (control).

Measured: the integrals along the flow.  Predicted: phi at the solution of the convex programme.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, requires, script, seeds
from samtheory.flows.diagonal import limit
from samtheory.measures.interpolators import minimise_entropy
from samtheory.problems.diagonal_net import sparse_regression
from samtheory.theory.potentials import hyperbolic_entropy


@claim(
    title="The loss integrated along gradient flow is the potential at its limit; Delta of n-SAM is 1/n of 1-SAM's",
    where="Theorem on diagonal linear networks (its remark on the sizes of Delta)",
    kind="identity",
    confidence="memory (the remark, approximate), derived (exact)",
    statement="""int |r|^2/n dt = phi_alpha(beta_inf); |Delta_1|_1 = d phi_alpha(beta_inf) if |x_i|^2 = d, and
        |Delta_n|_1 = (d/n) phi_alpha(beta_inf) if X X' = d I.""",
    caveat="the paper's ratio n needs orthogonal rows of equal length; Gaussian rows of n = 20, d = 30 give 12 to 25",
    cost=2,
)
class LossIntegral:
    design: str = choice("orthogonal", "normalised", "gaussian")
    n: int = integer(1, 8)
    extra: int = integer(0, 8)  # d - n
    support: int = integer(1, 4)
    alpha: float = log_real(0.02, 1)
    seed: int = seeds()

    examples = ({"design": "orthogonal", "n": 8, "extra": 4, "support": 3, "alpha": 0.05, "seed": 0},)

    @functools.cached_property
    def data(self):
        """X, y, alpha."""
        rng = np.random.default_rng(self.seed)
        d = self.n + self.extra
        X, target = sparse_regression(rng, self.design, self.n, d, min(self.support, d))
        return X, X @ target, np.full(d, self.alpha)

    def assumptions(self):
        X, y, _ = self.data
        gram, d = X @ X.T, X.shape[1]
        s = np.linalg.svd(X, compute_uv=False)
        out = [
            requires("X has full row rank", s[-1], ">", 0.1 * s[0]),
            requires("there is something to learn", np.abs(y).max(), ">", 1e-3),
        ]
        if self.known >= 2:
            out.append(requires("every row has |x|^2 = d", np.abs(np.diag(gram) - d).max(), "<=", 1e-12 * d))
        if self.known >= 3:
            out.append(requires("the rows are orthogonal", np.abs(gram - d * np.eye(len(y))).max(), "<=", 1e-12 * d))
        return out

    @property
    def known(self):
        """How many of the three integrals the statement gives for this design."""
        return {"gaussian": 1, "normalised": 2, "orthogonal": 3}[self.design]

    def measure(self):
        """int |r|^2/n, |Delta_1|_1, |Delta_n|_1, at two accuracies."""
        out = []
        for rtol in (1e-10, 1e-8):
            end = limit(*self.data, rtol=rtol, atol=1e-3 * rtol, residual=1e-8)
            out.append(np.array([end.loss_integral, end.delta_1.sum(), end.delta_n.sum()]))
        return out

    def predict(self, factor=1.0, ratio=None, known=None):
        """The first `known` of the three integrals."""
        X, y, alpha = self.data
        n, d = X.shape
        phi = factor * hyperbolic_entropy(minimise_entropy(X, y, alpha).beta, alpha)
        return phi * np.array([1.0, d, d / (n if ratio is None else ratio)])[: known or self.known]

    def judge(self, measured, predicted):
        fine, coarse = measured
        slack = np.abs(fine - coarse)[: predicted.size] + 1e-7 * np.abs(predicted)
        why = "a thousand steps of 1e-10, and what a hundred times the integrator's tolerance changes"
        names = ("int |r|^2/n", "|Delta_1|_1", "|Delta_n|_1")
        return [equals(name, *pair, tolerance=tol, why=why) for name, *pair, tol in zip(names, fine, predicted, slack)]

    controls = {
        "off by one part in ten thousand": control(predict=lambda c: c.predict(1.0001)),
        "the integral of the loss itself": control(predict=lambda c: c.predict(0.25)),
        "n-SAM as strong as 1-SAM": control(
            predict=lambda c: c.predict(ratio=1), where={"design": "orthogonal", "n": integer(2, 8)}
        ),
        "ratio n - 1": control(
            predict=lambda c: c.predict(ratio=c.n - 1), where={"design": "orthogonal", "n": integer(2, 8)}
        ),
        "ratio n for rows of length sqrt d that are not orthogonal": control(
            predict=lambda c: c.predict(known=3),
            where={"design": "normalised", "n": integer(3, 6), "extra": integer(4, 8)},
            refutes="|Delta_n|_1",
        ),
        "rows of any length": control(
            predict=lambda c: c.predict(known=2),
            where={"design": "gaussian", "n": integer(1, 6)},
            refutes="|Delta_1|_1",
        ),
    }


if __name__ == "__main__":
    script(__file__)
