"""Behdin & Mazumder 2023 (arXiv 2302.11836): when SAM's prediction error is the smaller one; the winning window.

E_k = E |Phi w_k - f|^2/n, w_0 = 0, y = f + noise of covariance s^2 I, r_i = 1 - eta lam_i (1 + rho lam_i):
    E^SAM_k - E^GD_k = (1/n) sum_i (rG_i^k - rS_i^k) [2 s^2 - (b_i^2 + s^2)(rG_i^k + rS_i^k)]
for any eta, rho (from a^2 b^2 + s^2 (1 - a)^2, differenced in a).  With eta lam_1 (2 + rho lam_1) < 2 the first factor
is positive where lam_i > 0, so
    s = 0: SAM is at least as good at every k (beyond the condition it is not: control);
    mode i favours SAM at step k  iff  rG^k + rS^k >= 2 s^2/(s^2 + b_i^2);
    s > 0: from k = max_i log(1 + b_i^2/s^2)/log(1/rG_i) on SAM is worse, by an amount that tends to 0.

Measured from the smoothers of the two rules, mode by mode.  Conventions: no 1/n in the loss; the same eta for both.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.measures.smoother import smoother
from samtheory.problems.kernel_regression import random_features
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.theory.kernel_regression import error_difference, order_number, window_end, wins

EPS, STEPS = np.finfo(float).eps, 100
ORDER = "eta lam_1 (2 + rho lam_1) < 2"


@claim(
    title="SAM's prediction error against gradient descent's: an identity and the window where SAM wins",
    where="Regression theorems, read mode by mode",
    kind="identity",
    confidence="derived",
    statement="""E^SAM_k - E^GD_k = (1/n) sum (rG^k - rS^k) [2 s^2 - (b^2 + s^2)(rG^k + rS^k)]; if eta lam_1 (2 + rho
        lam_1) < 2, SAM is better at every k for s = 0, mode i favours it iff rG^k + rS^k >= 2 s^2/(s^2 + b^2), and for
        s > 0 it is worse from a stated k on.""",
)
class ErrorDifference:
    n: int = integer(1, 6)
    p: int = integer(1, 6)
    reach: float = real(0.05, 0.99)  # eta lam_1 (2 + rho lam_1)/2
    radius: float = log_real(0.05, 30)  # rho lam_1
    top: float = log_real(0.01, 100)  # lam_1
    low: float = real(0.1, 1)  # the smallest non-zero lam, over lam_1
    noise: float = log_real(0.01, 100)  # s
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """Phi, eigenvectors of K, b, lam (n of them), eta, rho."""
        rng = np.random.default_rng(self.seed)
        features = random_features(rng, self.n, self.p, self.top, self.low)
        b, eta = rng.standard_normal(self.n), 2 * self.reach / (self.top * (2 + self.radius))
        return features.matrix, features.U, b, features.padded(self.n), eta, self.radius / self.top

    def assumptions(self):
        features, _, _, _, eta, rho = self.data
        return [requires(ORDER, order_number(eta, rho, np.linalg.norm(features, 2) ** 2), "<", 2)]

    def measure(self):
        """n times SAM's squared error less that of gradient descent, by mode: its bias, its variance for s = 1."""
        features, U, b, _, eta, rho = self.data
        S, G = (U.T @ smoother(features, rule, STEPS) @ U for rule in (USAM(eta, rho), GD(eta)))
        bias = (S @ b - b) ** 2 - (G @ b - b) ** 2
        return bias, (S**2).sum(axis=2) - (G**2).sum(axis=2)

    def predict(self, off=0.0):
        """n times the difference by mode, that without noise, who wins, and the step from which SAM is worse."""
        _, _, b, lam, eta, rho = self.data
        k, r_sam, r_gd = np.arange(STEPS + 1), 1 - eta * lam * (1 + (1 + off) * rho * lam), 1 - eta * lam
        moves = lam > 0
        difference, clean = (self.n * error_difference(r_sam, r_gd, k, b, s) for s in (self.noise, 0.0))
        end = window_end(r_gd[moves], b[moves], self.noise)
        return difference, clean, wins(r_sam, r_gd, k, b, self.noise), end

    def judge(self, measured, predicted):
        b, k = self.data[2], np.arange(STEPS + 1)
        difference, clean, favoured, end = predicted
        lost = 16 * (self.n + self.p) * EPS * (1 + k)[:, None]
        clean_slack = 4 * lost * (b @ b)
        slack = clean_slack + 8 * lost * self.n * self.noise**2
        why = "16 (n + p) ulp a step of the smoothers"
        modes = measured[0] + self.noise**2 * measured[1]
        late = k >= end
        out = [
            equals("difference by mode", modes, difference, tolerance=slack, why=why),
            equals("the same without noise", measured[0], clean, tolerance=clean_slack, why=why),
            at_most("SAM less GD without noise", measured[0].sum(axis=1), 0, slack=clean_slack.sum(axis=1), why=why),
            at_most("modes against the window", np.where(favoured, modes, -modes), 0, slack=slack, why=why),
        ]
        if late.any():
            total, forgiven = modes.sum(axis=1)[late], self.n * slack[late, 0]
            out.append(at_least("SAM less GD, late", total, 0, slack=forgiven, why=why))
        return out

    controls = {
        "rho off by one part in a million": control(
            predict=lambda c: c.predict(off=1e-6),
            where={"radius": real(0.5, 30), "reach": real(0.1, 0.9)},
            refutes="difference by mode",
        ),
        "SAM is better at every step, with noise": control(
            predict=lambda c: (*c.predict()[:2], np.ones((STEPS + 1, c.n), dtype=bool), 0),
            where={"noise": real(0.3, 3)},
            refutes="modes against the window",
        ),
        "SAM is worse at every step": control(
            predict=lambda c: (*c.predict()[:3], 1), where={"noise": real(0.1, 0.3)}, refutes="SAM less GD, late"
        ),
        "the window one per cent wider": control(
            predict=lambda c: (*c.predict()[:2], c.wider(1.01), c.predict()[3]),
            where={
                "noise": real(0.5, 1.5),
                "n": 6,
                "p": 6,
                "reach": real(0.01, 0.02),
                "radius": real(0.05, 1),
                "low": real(0.5, 1),
            },
            refutes="modes against the window",
        ),
        "the late steps ten per cent earlier, one mode": control(
            predict=lambda c: (*c.predict()[:3], int(0.9 * c.predict()[3])),
            where={"n": 1, "p": 1, "radius": real(0.05, 0.06), "reach": real(0.05, 0.1), "noise": real(0.3, 0.5)},
            refutes="SAM less GD, late",
        ),
        "no noise, beyond the condition, one mode": control(
            where={"n": 1, "p": 1, "radius": real(0.5, 3), "reach": real(1.001, 1.2)},
            violates=ORDER,
            refutes="SAM less GD without noise",
        ),
    }

    def wider(self, factor):
        """Who would win if the signal were `factor` times as strong."""
        _, _, b, lam, eta, rho = self.data
        factors = 1 - eta * lam * (1 + rho * lam), 1 - eta * lam
        return wins(*factors, np.arange(STEPS + 1), factor * b, self.noise)


if __name__ == "__main__":
    script(__file__)
