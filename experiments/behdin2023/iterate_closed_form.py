"""Behdin & Mazumder 2023 (arXiv 2302.11836): the iterates of USAM on kernel regression in closed form.

With f(w) = 1/2 |Phi w - y|^2 and H = Phi'Phi the gradient at the ascent point is (I + rho H)(H w - Phi'y), so
    w_k - w_LS = (I - eta H (I + rho H))^k (w_0 - w_LS)
for any least-squares solution w_LS; the part of w_0 in ker H does not move.  From w_0 = 0 the fitted values are
<u_i, Phi w_k> = (1 - r_i^k) <u_i, y>, r_i = 1 - eta lam_i (1 + rho lam_i), with K = Phi Phi' = sum lam_i u_i u_i'.
In coefficients w = Phi' alpha the step is alpha - eta (I + rho K)(K alpha - y): USAM on 1/2 alpha'K alpha - y'alpha,
not on 1/2 |K alpha - y|^2 (control).

Conventions: loss with 1/2 and no 1/n (control); full batch; un-normalised ascent.
"""

import functools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.kernel_regression import Energy, random_features, ridgeless
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.kernel_regression import fitted

EPS, STEPS = np.finfo(float).eps, 200


@claim(
    title="USAM on kernel regression is a spectral filter, in features and in coefficients",
    where="Setting of the regression theorems",
    kind="identity",
    confidence="derived",
    statement="""w_k - w_LS = (I - eta H (I + rho H))^k (w_0 - w_LS), and from w_0 = 0 the fitted values are
        (1 - r_i^k) <u_i, y>, r_i = 1 - eta lam_i (1 + rho lam_i).""",
)
class ClosedForm:
    n: int = integer(1, 8)
    p: int = integer(1, 8)
    reach: float = real(0.05, 1.95)  # eta lam_1 (1 + rho lam_1)
    radius: float = log_real(0.01, 30)  # rho lam_1
    top: float = log_real(0.01, 100)  # lam_1
    low: float = real(0.02, 1)  # the smallest non-zero lam, over lam_1
    scale: float = log_real(0.01, 100)  # of w_0
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """Phi, y, w_0, eta, rho."""
        rng = np.random.default_rng(self.seed)
        features = random_features(rng, self.n, self.p, self.top, self.low).matrix
        eta = self.reach / (self.top * (1 + self.radius))
        start = self.scale * rng.standard_normal(self.p)
        return features, rng.standard_normal(self.n), start, eta, self.radius / self.top

    def assumptions(self):
        features, _, _, eta, rho = self.data
        lam = np.linalg.norm(features, 2) ** 2
        return [requires("eta lam_1 (1 + rho lam_1) < 2", eta * lam * (1 + rho * lam), "<", 2)]

    def measure(self, problem=ridgeless, coefficients=Energy):
        """w_k from w_0, and K alpha_k from 0."""
        features, y, start, eta, rho = self.data
        rule, K = USAM(eta, rho), features @ features.T
        w = simulate(problem(features, y), rule, start, STEPS, threads=1).states
        return w, simulate(coefficients(K, y), rule, np.zeros(self.n), STEPS, threads=1).states @ K

    def predict(self, sign=1.0, off=0.0):
        features, y, start, eta, rho = self.data
        _, root, V = np.linalg.svd(features)
        lam = np.zeros(self.p)
        lam[: root.size] = root**2
        rho = sign * rho * (1 + off)
        powers = (1 - eta * lam * (1 + rho * lam)) ** np.arange(STEPS + 1)[:, None]
        best = np.linalg.lstsq(features, y, rcond=None)[0]
        return best + (powers * (V @ (start - best))) @ V, fitted(
            features @ features.T, y, eta, rho, np.arange(STEPS + 1)
        )

    def judge(self, measured, predicted):
        _, y, start, _, _ = self.data
        steps = 16 * (self.n + self.p) * EPS * (1 + np.arange(STEPS + 1))[:, None]
        size = np.linalg.norm(start) + np.linalg.norm(y) / np.sqrt(self.top) / np.sqrt(self.low)
        why = "16 (n + p) ulp a step of the largest terms"
        return [
            equals("w_k", measured[0], predicted[0], tolerance=steps * size, why=why),
            equals("K alpha_k", measured[1], predicted[1], tolerance=steps * np.linalg.norm(y) / self.low, why=why),
        ]

    controls = {
        "descent at the descended point, 1 - rho lam": control(predict=lambda c: c.predict(sign=-1.0)),
        "gradient descent": control(predict=lambda c: c.predict(sign=0.0)),
        "rho off by one part in a million": control(
            predict=lambda c: c.predict(off=1e-6), where={"radius": real(0.5, 30), "reach": real(0.3, 1.9)}
        ),
        "coefficients by USAM on |K alpha - y|^2/2": control(
            measure=lambda c: c.measure(coefficients=ridgeless),
            where={"top": real(0.1, 0.9), "n": integer(2, 8)},
            refutes="K alpha_k",
        ),
        "the mean over the samples, with 1/n": control(
            measure=lambda c: c.measure(problem=LeastSquares), where={"n": integer(2, 8)}, refutes="w_k"
        ),
    }


if __name__ == "__main__":
    script(__file__)
