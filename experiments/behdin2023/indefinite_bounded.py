"""Behdin & Mazumder 2023 (arXiv 2302.11836), the non-convex message on a quadratic: SAM's error stays bounded.

f(w) = 1/2 w'A w - pull'w, A symmetric and indefinite, pull = A target + noise of variance s_i^2 in the eigenbasis of A,
w_0 = 0.  With r_i = 1 - eta lam_i (1 + rho lam_i) the mean squared error of w_k in mode i is
    r_i^2k target_i^2 + s_i^2 (1 - r_i^k)^2/lam_i^2.
For lam_i < 0 gradient descent has r_i = 1 + eta |lam_i| > 1: its error grows without bound for every eta.  USAM keeps
that mode bounded iff rho |lam_i| >= 1 and eta |lam_i| (rho |lam_i| - 1) <= 2.  It is the mechanism that draws USAM to
saddle points, a virtue here because the target is the saddle.

Measured from the response of w_k to the pull, which is linear.  Conventions: un-normalised ascent, the same noise at
every step (it is in the data).
"""

import functools

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.kernel_regression import Energy
from samtheory.problems.quadratic import orthogonal
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.kernel_regression import saddle_errors

EPS, STEPS = np.finfo(float).eps, 300
STRONG, SHORT = "rho |lam| >= 1 for every lam < 0", "no mode is thrown beyond -1"


@claim(
    title="At an indefinite quadratic SAM's error stays bounded where gradient descent's explodes",
    where="The non-convex case, on a quadratic",
    kind="comparison",
    confidence="derived (that the paper argues so: memory, low)",
    statement="""E error_i^2 = r^2k target^2 + s^2 (1 - r^k)^2/lam^2; for lam < 0 it is bounded iff rho |lam| >= 1 and
        eta |lam| (rho |lam| - 1) <= 2, and never for gradient descent.""",
)
class IndefiniteBounded:
    up: int = integer(1, 4)  # positive eigenvalues
    down: int = integer(1, 4)  # negative ones
    excess: float = log_real(1, 10)  # rho * min |negative lam|
    reach: float = real(0.05, 1.99)  # the largest eta lam (1 + rho lam)
    spread: float = real(1, 3)  # of the moduli of the eigenvalues
    top: float = log_real(0.01, 100)
    noise: float = log_real(0.01, 10)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """lam, basis, target (in the basis), eta, rho."""
        rng = np.random.default_rng(self.seed)
        low = self.top / self.spread
        plus = low * self.spread ** rng.uniform(0, 1, self.up)
        minus = low * self.spread ** np.append(0, rng.uniform(0, 1, self.down - 1))
        lam = np.append(plus, -minus)
        rho = self.excess / low
        eta = self.reach / np.abs(lam * (1 + rho * lam)).max()
        return lam, orthogonal(rng, lam.size), rng.standard_normal(lam.size), eta, rho

    def assumptions(self):
        lam, _, _, eta, rho = self.data
        return [
            requires(STRONG, rho * -lam[lam < 0].max(), ">=", 1),
            requires(SHORT, (eta * lam * (1 + rho * lam)).max(), "<=", 2),
        ]

    def errors(self, rule, steps):
        """Squared bias and variance of the modes, [k, d]."""
        lam, Q, target, _, _ = self.data
        A, zero = (Q * lam) @ Q.T, np.zeros(lam.size)
        A = (A + A.T) / 2
        response = np.stack(
            [simulate(Energy(A, pull), rule, zero, steps, threads=1).states @ Q for pull in Q.T], axis=2
        )  # of mode i to the pull along mode j
        bias = (response @ (lam * target) - target) ** 2
        return bias, self.noise**2 * (response**2).sum(axis=2)

    def measure(self):
        _, _, _, eta, rho = self.data
        return self.errors(USAM(eta, rho), STEPS), self.errors(GD(eta), STEPS)[0]

    def predict(self, off=0.0, slower=0.0):
        lam, _, target, eta, rho = self.data
        k = np.arange(STEPS + 1)
        r = 1 - eta * lam * (1 + (1 + off) * rho * lam)
        lost = target**2 * (1 + (1 - slower) * eta * np.abs(lam)) ** (2 * k[:, None])  # gradient descent, where lam < 0
        return saddle_errors(r, k, target, self.noise, lam), lost, target**2

    def judge(self, measured, predicted):
        lam, _, target, _, rho = self.data
        (bias, var), gd = measured
        (want_bias, want_var), lost, start = predicted
        k = (1 + np.arange(STEPS + 1))[:, None]
        rounding = 32 * lam.size * EPS * k * self.spread * (1 + rho * np.abs(lam).max())
        size = np.linalg.norm(target) * self.spread
        bias_slack, var_slack = 4 * rounding * size**2, 8 * lam.size * rounding * (self.noise / np.abs(lam).min()) ** 2
        grown = gd[:, lam < 0] + gd.max(axis=1)[:, None]
        why = "32 d ulp a step of the largest terms"
        return [
            equals("squared bias", bias, want_bias, tolerance=bias_slack, why=why),
            equals("variance", var, want_var, tolerance=var_slack, why=why),
            at_most("squared bias of SAM", bias, start, slack=bias_slack, why=why),
            equals(
                "squared bias of GD, lam < 0", gd[:, lam < 0], lost[:, lam < 0],
                tolerance=4 * rounding * (size**2 + grown), why=why + ", relative to the largest error",
            ),
        ]  # fmt: skip

    controls = {
        "rho off by one part in a million": control(
            predict=lambda c: c.predict(off=1e-6), where={"excess": real(1.5, 5), "reach": real(0.3, 1.5)}
        ),
        "GD grows slower by one part in a million": control(
            predict=lambda c: c.predict(slower=1e-6),
            where={"reach": real(0.3, 1.9)},
            refutes="squared bias of GD, lam < 0",
        ),
        "rho |lam| = 0.99": control(
            where={"excess": 0.99, "up": 1, "down": 1, "spread": real(1, 1.001)},
            violates=STRONG,
            refutes="squared bias of SAM",
        ),
        "beyond the upper end by one per cent": control(
            where={"reach": 2.02, "excess": real(3, 10)}, violates=SHORT, refutes="squared bias of SAM"
        ),
        "gradient descent in place of SAM": control(
            measure=lambda c: (c.errors(GD(c.data[3]), STEPS), c.measure()[1]), refutes="squared bias of SAM"
        ),
    }


if __name__ == "__main__":
    script(__file__)
