"""Monzio Compagnoni et al. 2023 (arXiv 2301.08203): the SAM flow is attracted to saddles, from close by, for every rho.

X' = -HX - rho H^2 X/|HX| (full-batch SAM = DNSAM) on f = x'Hx/2.  With lam_* the negative eigenvalue closest to zero
(recalled: attraction if |HX_t| <= rho |lam_*| all along) the ball |HX| < rho |lam_*| is forward invariant, |HX| falls
strictly in it, and HX = 0 is reached in finite time (derived): g = HX obeys g_i' = -lam_i (1 + rho lam_i/|g|) g_i, so
r = |g| has r' <= -v(r), v(r) = min over lam_i of lam_i r + rho lam_i^2 > 0, and the time is at most int_0^r0 dr/v(r).
Along the eigenvector of lam it is exactly

    log(1 + |x0|/rho)/lam  (lam > 0),        log(rho/(rho - |x0|))/|lam|  (lam < 0, |x0| < rho),

and for lam < 0, |x0| > rho the flow escapes: |x(t)| = rho + (|x0| - rho) e^{|lam| t}.  No size of rho is needed, only
closeness; the ball is sharp along the eigenvector of lam_*.

The flow is followed until |HX| = rho |lam_*| / 1000, and the closed forms are taken to there.
Conventions: full batch; rho in units of parameters.
"""

import functools
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Quadratic, orthogonal
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.core import drift_at
from samtheory.sde.pushes import DNSAMPush, USAMPush

LAST = 1e-3  # |HX| at the end, over rho |lam_*|


@claim(
    title="The SAM flow reaches a saddle in finite time from the ball |Hx| < rho |lam_*|, for every rho",
    where="Theorem on the DNSAM ODE near saddles",
    kind="limit",
    confidence="memory for the statement; sharpened, derived",
    statement="""If |H X_0| < rho |lam_*| then |H X_t| falls strictly to 0 in a time at most int_0^{|HX_0|} dr/v(r),
        v(r) = min_i (lam_i r + rho lam_i^2); along an eigenvector the time is log(1 + |x0|/rho)/lam or
        log(rho/(rho - |x0|))/|lam|.""",
    cost=6,
)
class SaddleAttraction:
    negative: int = integer(1, 2)
    positive: int = integer(0, 2)
    rho: float = log_real(1e-2, 10)
    scale: float = log_real(0.1, 10)  # the largest |lam|
    share: float = real(0.1, 0.98)  # |H X_0|/(rho |lam_*|)
    seed: int = seeds()

    @functools.cached_property
    def lam(self):
        rng = np.random.default_rng([self.seed, 0])
        signs = np.append(-np.ones(self.negative), np.ones(self.positive))
        return self.scale * signs * rng.uniform(0.2, 1, signs.size)

    @property
    def flattest(self):
        return np.abs(self.lam[self.lam < 0]).min(initial=np.inf)

    def assumptions(self):
        return [requires("|H X_0| < rho |lam_*|", self.share, "<", 1)]

    def run(self, g0, push=DNSAMPush()):  # noqa: B008
        """From HX = g0: time to |HX| = LAST rho |lam_*| (inf: not within twice the bound), largest rise of |HX|."""
        basis = orthogonal(np.random.default_rng([self.seed, 1]), self.lam.size)
        H = (basis * self.lam) @ basis.T
        H = (H + H.T) / 2
        model = AdditiveSDE(Quadratic(H, 0 * g0), np.eye(g0.size), 0.0, self.rho, push)
        end = LAST * self.rho * self.flattest

        def arrived(t, x):
            return np.linalg.norm(H @ x) - end

        arrived.terminal = True
        solved = solve_ivp(
            lambda t, x: drift_at(model, x), (0, 2 * self.bound(np.linalg.norm(g0))), basis @ (g0 / self.lam),
            method="DOP853", events=arrived, rtol=1e-10, atol=1e-13 * self.rho,
        )  # fmt: skip
        norms = np.linalg.norm(H @ solved.y, axis=0)
        time = solved.t_events[0][0] if solved.t_events[0].size else np.inf
        return time, np.diff(norms).max() / norms[0]

    def bound(self, r0):
        """int dr/v(r) from the last |HX| to r0: logarithms between points where the slowest curvature changes."""
        low, high = LAST * self.rho * self.flattest, min(r0, (1 - 1e-12) * self.rho * self.flattest)
        crossings = -self.rho * (self.lam[:, None] + self.lam).ravel()
        cuts = np.unique(np.concatenate([[low, high], crossings[(crossings > low) & (crossings < high)]]))
        total = 0.0
        for r, s in pairwise(cuts):
            slowest = self.lam[np.argmin(self.lam * (r + s) / 2 + self.rho * self.lam**2)]
            total += np.log((s + self.rho * slowest) / (r + self.rho * slowest)) / slowest
        return total

    def measure(self, push=DNSAMPush(), share=None):  # noqa: B008
        """A random direction of HX, and the eigenvector of lam_*."""
        radius = (share or self.share) * self.rho * self.flattest
        g = np.random.default_rng([self.seed, 2]).standard_normal(self.lam.size)
        along = np.where(self.lam == -self.flattest, radius, 0.0)
        (time, rise), (single, _) = self.run(radius * g / np.linalg.norm(g), push), self.run(along, push)
        return time * self.scale, rise, single * self.scale

    def predict(self):
        end, start = LAST * self.rho, self.share * self.rho  # |x| along the eigenvector
        single = np.log((self.rho - end) / (self.rho - start)) / self.flattest
        return self.bound(self.share * self.rho * self.flattest) * self.scale, single * self.scale

    def judge(self, measured, predicted):
        (time, rise, single), (bound, exact) = measured, predicted
        # a local error of 1e-10 in |X| over some hundred steps, divided by the speed, at least rho lam_*^2 (1 - share)
        allowed = 1e-8 * self.scale**2 / self.flattest**2 / (1 - self.share) + 1e-8 * exact
        why = "tolerance of the solver over the slowest speed"
        return [
            at_most("scale * time to HX = 0", time, bound, slack=allowed, why=why),
            at_most("largest rise of |HX|", rise, 0, slack=1e-8, why="tolerance of the solver"),
            equals("scale * time along the eigenvector", single, exact, tolerance=allowed, why=why),
        ]

    controls = {
        "radius with the steepest negative curvature": control(
            measure=lambda c: c.measure(share=np.abs(c.lam[c.lam < 0]).max() / c.flattest), where={"negative": 2}
        ),
        "starts in the shell beyond the ball": control(
            measure=lambda c: c.measure(share=1.02), where={"share": real(0.5, 0.98)}
        ),
        "USAM needs a large rho": control(
            measure=lambda c: c.measure(push=USAMPush()), where={"rho": log_real(0.01, 0.09)}
        ),
        "time along the eigenvector as at a minimum": control(
            predict=lambda c: (c.predict()[0], c.scale * np.log((1 + c.share) / (1 + LAST)) / c.flattest)
        ),
        "time off by a thousandth": control(predict=lambda c: (c.predict()[0], 1.001 * c.predict()[1])),
        "half the bound of the time": control(
            predict=lambda c: (0.5 * c.predict()[0], c.predict()[1]), where={"negative": 1, "positive": 0}
        ),
    }


if __name__ == "__main__":
    script(__file__)
