"""Bolte, Le & Pauwels 2025 (arXiv 2510.09034): a condition under which limits are critical at all.  Needed.

The filter speaks of the Hessian where grad f = 0, but a method stops where its direction vanishes: USAM also where
grad f(x + rho grad f(x)) = 0 != grad f(x).  What rules that out (derived), with L a bound of |H| on the segments
between x and its ascent points:

    rho L < 1     USAM: |g(x)| = |g(x) - g(z)| <= rho L |g(x)|, and likewise two_seq, two_restart (to the third power of
                  rho L) and the penalty, where (I + rho H) g = 0
    rho L^2 < 1   Hessian USAM: |g| <= L rho |H g|.  rho L < 1 is not enough: f = 10 (x^2 - 1)^2/4, rho = .04 stops at
                  x = 1/sqrt(2), where f' = -3.54, rho L = .4, rho L^2 = 4.

On f = s (x^2 - 1)^2/4 the spurious point (1 + sqrt(1 - 4/rho s))/2 of USAM attracts for rho s > 4 and small steps, and
x^2 = 1 - 1/(rho s), whose ascent point is 0, repels USAM and shows that the condition is sharp (rho L -> 1 from above).
In two dimensions two_seq stops at such a point of (uv - 1)^2/2 for rho > 1.

Looked at: every root of d on a grid of [-1.3, 1.3] (in two dimensions: of u = v), and all limits of 24 runs.
Conventions: rho is an inverse curvature, for Hessian USAM an inverse square curvature; reach is rho s, or rho s^2.
"""

import numpy as np

from samtheory.claims import at_most, choice, claim, control, real, requires, script, seeds
from samtheory.evaluate import gradients, hessian
from samtheory.measures.limits import NONCRITICAL, classify
from samtheory.problems.double_well import DoubleWell
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gradient_penalty import GradientPenalty
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.two_step_usam import TwoRestartUSAM, TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import Settled

RULES = {
    "usam": USAM,
    "penalty": GradientPenalty,
    "two_seq": TwoSeqUSAM,
    "two_restart": TwoRestartUSAM,
    "hess": HessianUSAM,
}
STEPS, PIECES = 4000, 256


@claim(
    title="Where the ascent is short against the curvature, a method stops only at critical points",
    where="missing condition of the filter theorem",
    kind="bound",
    confidence="derived",
    statement="""If d(x) = 0 and grad f(x) != 0 then rho L >= 1 (Hessian USAM: rho L^2 >= 1), L = max |H| on the
        segments between x and its ascent points.  Beyond, limits that are not critical exist and attract.""",
    caveat="'every limit is critical' without the condition is refuted by the control of that name",
    cost=2,
)
class NoncriticalLimits:
    place: str = choice("double well", "product")
    direction: str = choice(*RULES)
    pace: float = real(0.01, 0.3)  # eta s
    reach: float = real(0.2, 8)  # rho s, for Hessian USAM rho s^2
    scale: float = real(0.5, 10)  # s of the double well; 1 for the product
    seed: int = seeds()

    examples = (
        {"place": "double well", "direction": "usam", "pace": 0.25, "reach": 5.0, "scale": 1.0, "seed": 0},  # +-0.7236
        {"place": "double well", "direction": "usam", "pace": 0.27, "reach": 5.0, "scale": 1.0, "seed": 0},  # a 2-cycle
        {"place": "double well", "direction": "hess", "pace": 0.05, "reach": 4.0, "scale": 10.0, "seed": 0},
        {"place": "product", "direction": "two_seq", "pace": 0.15, "reach": 1.2, "scale": 1.0, "seed": 0},  # .4082
        {"place": "double well", "direction": "usam", "pace": 0.1, "reach": 1.02, "scale": 1.0, "seed": 0},  # sharp
    )

    @property
    def s(self):
        return self.scale if self.place == "double well" else 1.0

    @property
    def eta(self):
        return self.pace / self.s

    @property
    def rho(self):
        return self.reach / self.s ** (2 if self.direction == "hess" else 1)

    @property
    def problem(self):
        return DoubleWell(self.s) if self.place == "double well" else Product(HalfSquare(1.0))

    def assumptions(self):
        return [requires("rho > 0", self.rho, ">", 0)]

    def ascent(self, x):
        """d(x), and x with its ascent points."""
        g = gradients(self.problem, x)
        if self.direction in ("hess", "penalty"):
            hg = np.einsum("...ij,...j", hessian(self.problem, x), g)
            if self.direction == "penalty":
                return g + self.rho * hg, [x]
            z = x + self.rho * hg
            return gradients(self.problem, z), [x, z]
        z = x + self.rho * g
        if self.direction == "usam":
            return gradients(self.problem, z), [x, z]
        second = (z if self.direction == "two_seq" else x) + self.rho * gradients(self.problem, z)
        return gradients(self.problem, second), [x, z, second]

    def roots(self):
        """Zeros of d on the line of x = t, or u = v = t, to the last bits."""
        ones = np.ones(1 if self.place == "double well" else 2)
        t = np.linspace(-1.3, 1.3, 4002)  # avoids the critical points
        d = self.ascent(t[:, None] * ones)[0][:, 0]
        k = np.flatnonzero(d[1:] * d[:-1] < 0)
        low, high, sign = t[k], t[k + 1], np.sign(d[k])
        for _ in range(60):
            middle = (low + high) / 2
            left = self.ascent(middle[:, None] * ones)[0][:, 0] * sign > 0
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        return low[:, None] * ones

    def lengths(self, x):
        """1/(rho L), or 1/(rho L^2), at points that are not critical; never more than the truth."""
        x = x[np.abs(gradients(self.problem, x)).max(axis=-1, initial=0) > 1e-6 * self.s]
        if not x.size:
            return np.zeros(1)
        z, share, top = self.ascent(x)[1], np.linspace(0, 1, PIECES + 1)[:, None, None], 0.0
        for i, a in enumerate(z):
            for b in z[i:]:
                inner = np.abs(np.linalg.eigvalsh(hessian(self.problem, a + share * (b - a)))).max(axis=(0, -1))
                top = np.maximum(top, inner)
        # between neighbours on a segment |H| is larger by less than the change of H over half their distance
        size, far = max(np.abs(p).max() for p in z), max(np.abs(p - x).max() for p in z)
        top = top + 6 * self.s * size * 2 * far / (2 * PIECES)
        return 1 / (self.rho * top ** (2 if self.direction == "hess" else 1))

    def limits(self):
        """Limits of runs that are not critical."""
        starts = np.random.default_rng([self.seed, 0]).uniform(-1.2, 1.2, (24, 1 if self.place == "double well" else 2))
        if self.place == "product":
            starts[:12, 1] = starts[:12, 0] * (1 + 0.1 * starts[:12, 1])
        rule = RULES[self.direction](self.eta, self.rho)
        run = simulate(
            self.problem, rule, starts, STEPS, every=STEPS, record={}, stop=Settled(), limit=1e6,
            on_divergence="report", threads=1,
        )  # fmt: skip
        found = classify(self.problem, rule, run)
        return found.point[found.label == NONCRITICAL]

    def measure(self):
        return self.lengths(self.roots()), self.lengths(self.limits())

    def predict(self):
        return 1.0

    def judge(self, measured, most):
        why = "round-off of L"
        names = ("1/(rho L) at zeros of d that are not critical", "1/(rho L) at limits that are not critical")
        return [at_most(name, value, most, slack=1e-9, why=why) for name, value in zip(names, measured)]

    def without_square(self):
        """Hessian USAM judged by rho L instead of rho L^2."""
        return tuple(np.sqrt(v / self.rho) for v in self.measure())

    controls = {
        "every limit is critical (no condition)": control(
            predict=lambda c: 0.0,
            where={"place": "double well", "direction": "usam", "reach": real(4.3, 6), "pace": real(0.02, 0.15)},
            refutes="1/(rho L) at limits that are not critical",
        ),
        "every limit of two_seq is critical": control(
            predict=lambda c: 0.0,
            where={"place": "product", "direction": "two_seq", "reach": real(1.3, 1.5), "pace": real(0.05, 0.2)},
            refutes="1/(rho L) at limits that are not critical",
        ),
        "rho L < 1 is enough for Hessian USAM": control(
            measure=lambda c: c.without_square(),
            where={
                "place": "double well",
                "direction": "hess",
                "scale": real(8, 10),
                "reach": real(3, 5),
                "pace": real(0.02, 0.1),
            },
            refutes="1/(rho L) at limits that are not critical",
        ),
        "rho L >= 1.1 already at zeros of d": control(
            predict=lambda c: 1 / 1.1,
            where={"place": "double well", "direction": "usam", "reach": real(1.01, 1.05)},
            refutes="1/(rho L) at zeros of d that are not critical",
        ),
    }


if __name__ == "__main__":
    script(__file__)
