"""Behdin & Mazumder 2023 (arXiv 2302.11836): along the iterations SAM has less bias and more variance than GD.

y = f + noise of covariance s^2 I, w_0 = 0, loss 1/2 |Phi w - y|^2, r_i = 1 - eta lam_i (1 + rho lam_i), b_i = <u_i, f>:
    bias_k = (1/n) sum r_i^2k b_i^2,    var_k = (s^2/n) sum (1 - r_i^k)^2.
If eta lam_1 (2 + rho lam_1) <= 2, which says r_S >= -r_G (and implies eta lam_1 <= 1), then |r_S| <= r_G in every mode,
so bias^SAM_k <= bias^GD_k and var^SAM_k >= var^GD_k at every k.  It is sharp: with one mode the order of the bias needs
it.  Values of eta lam (1 + rho lam) in (1, 2), where r_S < 0, are allowed.

Measured from the smoothers S_k, Phi w_k = S_k y, that the two rules make of each unit target: |S_k f - f|^2/n and
s^2 |S_k|_F^2/n.  Conventions: no 1/n in the loss; same eta for both; un-normalised ascent.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.measures.smoother import bias_and_variance, smoother
from samtheory.problems.kernel_regression import random_features
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.theory.kernel_regression import bias_variance, order_number

EPS, STEPS = np.finfo(float).eps, 100
ORDER = "eta lam_1 (2 + rho lam_1) <= 2"


@claim(
    title="SAM has less bias and more variance than gradient descent at every step",
    where="Main theorem of versions 1 and 2",
    kind="comparison",
    confidence="text (the direction), derived (constants and condition)",
    statement="""bias_k = (1/n) sum r_i^2k b_i^2 and var_k = (s^2/n) sum (1 - r_i^k)^2; if
        eta lam_1 (2 + rho lam_1) <= 2, SAM's bias is at most GD's and its variance at least GD's, for every k.""",
)
class BiasVariance:
    n: int = integer(1, 6)
    p: int = integer(1, 6)
    reach: float = real(0.02, 1)  # eta lam_1 (2 + rho lam_1)/2
    radius: float = log_real(0.01, 30)  # rho lam_1
    top: float = log_real(0.01, 100)  # lam_1
    low: float = log_real(1e-4, 1)  # the smallest non-zero lam, over lam_1
    noise: float = log_real(0.01, 100)  # s
    seed: int = seeds()

    examples = (  # r_S = -r_G
        {"n": 1, "p": 1, "reach": 1.0, "radius": 1.0, "top": 1.0, "low": 1.0, "noise": 1.0, "seed": 0},
    )

    @functools.cached_property
    def data(self):
        """Phi, f, b, lam (n of them), eta, rho."""
        rng = np.random.default_rng(self.seed)
        features = random_features(rng, self.n, self.p, self.top, self.low)
        b, eta = rng.standard_normal(self.n), 2 * self.reach / (self.top * (2 + self.radius))
        return features.matrix, features.U @ b, b, features.padded(self.n), eta, self.radius / self.top

    def assumptions(self):
        features, _, _, _, eta, rho = self.data
        return [requires(ORDER, order_number(eta, rho, np.linalg.norm(features, 2) ** 2), "<=", 2)]

    def measure(self, sam=USAM):
        """(bias, variance) of SAM, then of gradient descent, [k]."""
        features, f, _, _, eta, rho = self.data
        rules = sam(eta, rho) if sam is USAM else sam(eta), GD(eta)
        return [bias_and_variance(smoother(features, rule, STEPS), f, self.noise) for rule in rules]

    def predict(self, off=0.0):
        _, _, b, lam, eta, rho = self.data
        factors = (1 - eta * lam * (1 + (1 + off) * rho * lam), 1 - eta * lam)
        return [bias_variance(r, np.arange(STEPS + 1), b, self.noise) for r in factors]

    def judge(self, measured, predicted):
        _, f, _, _, _, _ = self.data
        lost = 16 * (self.n + self.p) * EPS * (1 + np.arange(STEPS + 1))  # of S_k, relative to |S_k| <= 2
        bias_slack = 4 * lost * (f @ f) / self.n
        var_slack = 8 * lost * self.noise**2
        why = "16 (n + p) ulp a step of the smoother"
        (bias, var), (gd_bias, gd_var) = measured
        return [
            equals("bias", bias, predicted[0][0], tolerance=bias_slack, why=why),
            equals("variance", var, predicted[0][1], tolerance=var_slack, why=why),
            equals("bias of GD", gd_bias, predicted[1][0], tolerance=bias_slack, why=why),
            equals("variance of GD", gd_var, predicted[1][1], tolerance=var_slack, why=why),
            at_most("bias, SAM against GD", bias, gd_bias, slack=2 * bias_slack, why=why),
            at_least("variance, SAM against GD", var, gd_var, slack=2 * var_slack, why=why),
        ]

    controls = {
        "rho off by one part in a million": control(
            predict=lambda c: c.predict(off=1e-6), where={"radius": real(0.5, 30), "reach": real(0.1, 0.8)}
        ),
        "gradient descent in place of SAM": control(measure=lambda c: c.measure(GD), refutes="bias"),
        "one part in a thousand beyond the condition, one mode": control(
            where={"n": 1, "p": 1, "reach": 1.0005, "radius": real(0.1, 30)},
            violates=ORDER,
            refutes="bias, SAM against GD",
        ),
        "the two exchanged": control(
            measure=lambda c: c.measure()[::-1], where={"reach": real(0.1, 0.9)}, refutes="variance, SAM against GD"
        ),
    }


if __name__ == "__main__":
    script(__file__)
