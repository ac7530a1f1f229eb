"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): SAM's limit is gradient flow's from a smaller, computed alpha.

Diagonal network beta = w_+^2 - w_-^2 from w_+- = alpha, f = (1/4n)|r|^2, r = X beta - y, un-normalised ascent,
infinitesimal steps (`flows.diagonal`).  Both flows have d ln w_+-/dt = -+ G - rho D with G in the range
of X', so that for all t

    sqrt(w_+ w_-) = alpha exp(-rho int D) =: alpha_eff,    asinh(beta/(2 alpha_eff^2)) = -2 int G in the range of X',

and a limit of zero residual is argmin {phi_{alpha_eff}(beta): X beta = y} with no O(rho^2) left over.  The paper states
alpha exp(-rho Delta + O(rho^2)), Delta along gradient flow; a control shows that second order.

Measured: the weights themselves, moved down the problem's own (perturbed) gradients.  Predicted: int D by the log form
of the flow, and the convex programme by Newton's method on its dual.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.flows.core import FlowError
from samtheory.flows.diagonal import limit, weight_flow
from samtheory.measures.interpolators import minimise_entropy
from samtheory.problems.diagonal_net import effective, sparse_regression, squared_net

INTERPOLATES = "the flow reaches zero residual"


@claim(
    title="The limit of n-SAM's and 1-SAM's flow minimises the hyperbolic entropy of an effective alpha, exactly",
    where="Theorem on diagonal linear networks",
    kind="identity",
    confidence="memory (the theorem), derived (exact in rho)",
    statement="""lim beta = argmin {phi_a(beta): X beta = y}, a = alpha exp(-rho int D dt), for any rho and any vector
        alpha, if the residual goes to zero; sqrt(w_+ w_-) = a.""",
    cost=8,
)
class EffectiveAlpha:
    kind: str = choice("n-SAM", "1-SAM")
    design: str = choice("gaussian", "sign", "orthogonal")
    n: int = integer(1, 4)
    extra: int = integer(2, 5)  # d - n
    alpha: float = log_real(0.05, 0.5)
    spread: float = real(0, 0.5)  # ln of a coordinate's alpha over it, at most
    rho: float = log_real(0.01, 0.3)
    seed: int = seeds()

    examples = tuple(  # the largest rho, where every order of it counts
        {"kind": k, "design": "gaussian", "n": 4, "extra": 3, "alpha": 0.3, "spread": 0.3, "rho": 0.3, "seed": 2}
        for k in ("n-SAM", "1-SAM")
    )

    @functools.cached_property
    def data(self):
        """X, y, alpha."""
        rng = np.random.default_rng(self.seed)
        d = self.n + self.extra
        X, target = sparse_regression(rng, self.design, self.n, d, min(d, 1 + self.n // 2))
        return X, X @ target, self.alpha * np.exp(self.spread * rng.uniform(-1, 1, d))

    @functools.cached_property
    def flow(self):
        try:
            return limit(*self.data, self.rho, self.kind, residual=1e-11, rtol=1e-12, atol=1e-15)
        except FlowError:
            return None

    def assumptions(self):
        s = np.linalg.svd(self.data[0], compute_uv=False)
        return [
            requires("X has full row rank", s[-1], ">", 0.1 * s[0]),
            requires(INTERPOLATES, s[-1] > 0.1 * s[0] and self.flow is not None),
        ]

    def measure(self):
        """alpha_eff and beta at the end, at two accuracies, and the residual."""
        X, y, alpha = self.data
        net, d = squared_net(X, y), X.shape[1]
        out = []
        for rtol, atol in ((1e-12, 1e-15), (1e-10, 1e-13)):
            w = weight_flow(net, np.tile(alpha, 2), self.rho, self.kind, [0, self.flow.times], rtol=rtol, atol=atol)[-1]
            out.append(np.stack([np.sqrt(w[:d] * w[d:]), effective(net, w)]))
        return out

    def predict(self, a=None):
        a = self.flow.alpha if a is None else a
        return np.stack([a, minimise_entropy(*self.data[:2], a).beta])

    def judge(self, measured, predicted):
        X, y, _ = self.data
        fine, coarse = measured
        residual = np.abs(X @ fine[1] - y).max()
        slack = 1e-9 + np.abs(fine - coarse).max(axis=1)
        why = "a thousand steps of 1e-12, and what a hundred times the integrator's tolerance changes"
        return [
            equals("alpha_eff", fine[0], predicted[0], tolerance=slack[0], why=why),
            equals("beta", fine[1], predicted[1], tolerance=slack[1] + 20 * residual, why=why + ", 20 residuals"),
        ]

    visible = {"rho": real(0.1, 0.3), "n": integer(2, 4)}
    controls = {
        "alpha itself": control(predict=lambda c: c.predict(c.data[2]), where=visible),
        "exp(-2 rho int D)": control(predict=lambda c: c.predict(c.flow.alpha**2 / c.data[2]), where=visible),
        "int D off by one part in a thousand": control(
            predict=lambda c: c.predict(c.flow.alpha * (c.flow.alpha / c.data[2]) ** 1e-3), where=visible
        ),
        "the first order alone, n-SAM": control(
            predict=lambda c: c.predict(c.data[2] * np.exp(-c.rho * limit(*c.data).delta_n)),
            where=visible | {"kind": "n-SAM"},
        ),
        "the first order alone, 1-SAM": control(
            predict=lambda c: c.predict(c.data[2] * np.exp(-c.rho * limit(*c.data).delta_1)),
            where=visible | {"kind": "1-SAM"},
        ),
        "the limit with alpha in its place": control(
            predict=lambda c: np.stack([c.flow.alpha, minimise_entropy(*c.data[:2], c.data[2]).beta]),
            where=visible | {"design": "gaussian"},
            refutes="beta",
        ),
    }


if __name__ == "__main__":
    script(__file__)
