"""Behdin & Mazumder 2023 (arXiv 2302.11836): in regression every iterate of SAM is less sharp than gradient descent's.

f(w) = 1/2 |Phi w - y|^2, H = Phi'Phi, and both rules start at one point.  In the eigenbasis of H the gradient is
g_i = r_i^k g_i(w_0), r_i = 1 - eta lam_i (1 + rho lam_i); if eta lam_1 (2 + rho lam_1) <= 2 then |r_S| <= r_G, so that
every |g_i| of SAM is at most GD's, pathwise: for each y, noise included.  H is constant (lam_max tells nothing), but
the rise of the loss around the iterate grows with every |g_i|; for every R > 0
    max_{|d| <= R} f(w + d) - f(w),    f(w + R g) - f(w),    |g|
are at most GD's.  (The maximum is attained with d_i g_i >= 0, where it is increasing in |g_i|.)

Conventions: no 1/n in the loss; the same eta; un-normalised ascent.
"""

import functools

import numpy as np

from samtheory.claims import at_most, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients, losses
from samtheory.measures.ball import largest_rise
from samtheory.problems.kernel_regression import random_features, ridgeless
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.kernel_regression import order_number

EPS, STEPS, AT = np.finfo(float).eps, 20, [0, 1, 2, 5, 20]
ORDER = "eta lam_1 (2 + rho lam_1) <= 2"


@claim(
    title="Around every iterate of SAM the loss rises less than around gradient descent's",
    where="Sharpness of the iterates, regression",
    kind="comparison",
    confidence="text (the direction), derived",
    statement="""If eta lam_1 (2 + rho lam_1) <= 2, then at every step, for every y and every R: |g_i| in each
        eigendirection, max_{|d| <= R} f(w + d) - f(w), f(w + R g) - f(w) and |g| are at most GD's.""",
)
class LessSharp:
    n: int = integer(1, 6)
    p: int = integer(1, 6)
    reach: float = real(0.02, 1)  # eta lam_1 (2 + rho lam_1)/2
    radius: float = log_real(0.01, 30)  # rho lam_1
    top: float = log_real(0.01, 100)  # lam_1
    low: float = log_real(1e-3, 1)  # the smallest non-zero lam, over lam_1
    ball: float = log_real(0.01, 10)  # R, in units of |w_0|
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """Phi, y, w_0, eta, rho, lam (p of them), eigenvectors of H."""
        rng = np.random.default_rng(self.seed)
        features = random_features(rng, self.n, self.p, self.top, self.low)
        eta = 2 * self.reach / (self.top * (2 + self.radius))
        y, start = np.sqrt(self.top) * rng.standard_normal(self.n), rng.standard_normal(self.p)
        return features.matrix, y, start, eta, self.radius / self.top, features.padded(self.p), features.V

    def assumptions(self):
        features, _, _, eta, rho, _, _ = self.data
        return [requires(ORDER, order_number(eta, rho, np.linalg.norm(features, 2) ** 2), "<=", 2)]

    def rises(self, rule):
        """By eigendirection, over the ball, along the gradient, and the length of the gradient."""
        features, y, start, eta, _, lam, V = self.data
        problem = ridgeless(features, y)
        w = simulate(problem, rule, start, STEPS, threads=1).states[AT]
        g, f = gradients(problem, w), losses(problem, w)
        along = losses(problem, w + self.ball * eta * g) - f
        radius = self.ball * np.linalg.norm(start)
        return np.abs(g @ V), largest_rise(lam, g @ V, radius), along, np.linalg.norm(g, axis=1), f

    def measure(self):
        _, _, _, eta, rho, _, _ = self.data
        return self.rises(USAM(eta, rho))

    def predict(self):
        return self.rises(GD(self.data[3]))

    def judge(self, sam, gd):
        _, y, start, eta, _, _, _ = self.data
        size = self.top * np.linalg.norm(start) + np.sqrt(self.top) * np.linalg.norm(y)
        slack = 16 * (self.n + self.p) * EPS * (1 + np.array(AT)) * size  # of a gradient
        radius = self.ball * np.linalg.norm(start)
        along = self.ball * eta * (2 + self.ball) * (gd[3] + slack) * slack + 8 * self.n * EPS * (sam[4] + gd[4])
        why = "16 (n + p) ulp a step of the largest gradient"
        return [
            at_most("|g_i|", sam[0], gd[0], slack=slack[:, None], why=why),
            at_most(
                "rise in a ball", sam[1], gd[1], slack=2 * radius * slack + 1e-12 * gd[1], why=why + ", 60 halvings"
            ),
            at_most("rise along the gradient", sam[2], gd[2], slack=2 * along, why=why + ", ulp of f"),
            at_most("|g|", sam[3], gd[3], slack=2 * slack, why=why),
        ]

    controls = {
        "one part in a thousand beyond the condition, one mode": control(
            where={"n": 1, "p": 1, "reach": 1.0005, "radius": real(0.1, 30)}, violates=ORDER
        ),
        "beyond the condition, in the ball": control(
            where={"n": 1, "p": 1, "reach": 1.3, "radius": real(1, 2)}, violates=ORDER, refutes="rise in a ball"
        ),
        "beyond the condition, along the gradient": control(
            where={"n": 1, "p": 1, "reach": 1.3, "radius": real(1, 2)},
            violates=ORDER,
            refutes="rise along the gradient",
        ),
        "gradient descent is the less sharp one": control(
            measure=lambda c: c.predict(), predict=lambda c: c.measure(), where={"reach": real(0.1, 0.9)}, refutes="|g|"
        ),
        "gradient descent with its step one per cent longer": control(
            predict=lambda c: c.rises(GD(1.01 * c.data[3])),
            where={"radius": real(0.01, 0.012), "low": real(1e-3, 2e-3), "reach": real(0.1, 0.5)},
            refutes="|g_i|",
        ),
    }


if __name__ == "__main__":
    script(__file__)
