"""Zhou et al. 2025 (arXiv 2410.10373), P1-P3 on f = (uv - 1)^2/2: SAM leaves a sharp minimum, lands on a flat one.

Minima are uv = 1, of sharpness lam = u^2 + v^2; q = uv - 1.  One step of USAM is, with p = q (1 + rho lam +
rho^2 q (1 + q)) the residual at the ascent point,
    q+ = q - eta p (lam + 2 rho q (1 + q)) + eta^2 p^2 (1 + p),    |lam+ - lam| <= 4 eta |p| (1 + O(q)),
so a small residual is multiplied by 1 - eta lam (1 + rho lam).  Gradient descent runs first, the residual is made
`kick` * u (in floats it is often exactly 0, and USAM would stay for ever), then USAM runs.  If lam is above USAM's edge
e, e (1 + rho e) = 2/eta, |q| grows at that rate until it is large, and where the run converges again lam <= e.
If lam is below the edge nothing happens.  Whether an escape is caught depends on the valley: much further above the
edge USAM diverges (control).  A figure of the paper shows this for networks; this model of it is ours.

Conventions: loss with 1/2; full batch; un-normalised ascent, rho in units of inverse curvature.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, log_real, real, requires, script
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.stability import usam_edge, usam_factor

EPS = np.finfo(float).eps
LOSS, ETA, V0 = Product(HalfSquare(1.0)), 0.1, 0.3
BEFORE, AFTER, SMALL = 2000, 4000, 1e-4
CAUGHT = "USAM converges in the end"


def sharpness(x):
    return (x**2).sum(axis=-1)


@claim(
    title="SAM leaves a minimum above its edge exponentially and lands on one below it",
    where="P1-P3, on a two-parameter model",
    kind="rate",
    confidence="text (the phases, qualitatively), derived (rate and edge)",
    statement="""On (uv - 1)^2/2 USAM multiplies a small residual at a minimum of sharpness lam by
        1 - eta lam (1 + rho lam); from lam > edge it escapes at that rate and, if it converges, ends at lam <= edge;
        from lam < edge it stays. edge (1 + rho edge) = 2/eta.""",
)
class TwoPhase:
    u: float = real(2.6, 4.0)  # gradient descent with eta = 0.1 starts at (u, 0.3)
    excess: float = real(0.85, 1.35)  # lam/edge after it
    kick: float = log_real(1e-8, 1e-6)

    examples = (
        {"u": 3.5, "excess": 1.2323058909346, "kick": 1e-6},  # rho = 0.1, growth 1.7509, ends at 5.66
        {"u": 4.0, "excess": 1.1393726, "kick": 1e-6},  # rho = 0.03, ends at 11.41
        {"u": 3.0, "excess": 0.913, "kick": 1e-6},  # rho = 0.1, growth 0.7468
    )

    @functools.cached_property
    def sharp(self):
        """Where gradient descent stops, and the kick."""
        end = simulate(LOSS, GD(ETA), [self.u, V0], BEFORE, every=BEFORE, threads=1).x
        return end + np.array([0, self.kick])

    @property
    def lam(self):
        return float(sharpness(self.sharp))

    @property
    def rho(self):
        edge = self.lam / self.excess
        return (2 / (ETA * edge) - 1) / edge

    @functools.cached_property
    def usam(self):
        return self.run(USAM(ETA, self.rho))

    def run(self, rule):
        run = simulate(LOSS, rule, self.sharp, AFTER, limit=1e6, on_divergence="report", threads=1).states
        return np.nan_to_num(run, nan=1e6)

    def assumptions(self):
        return [
            requires("the residual at the switch is not 0", abs(self.sharp.prod() - 1), ">", 1e-12),
            requires("lam is not within one per cent of the edge", abs(self.excess - 1), ">", 0.01),
            requires("eta lam < 2 for gradient descent", ETA * self.lam, "<", 2),
            requires(CAUGHT, abs(self.usam[-1].prod() - 1), "<=", 1e-9),
        ]

    def measure(self, rule=None):
        return self.usam if rule is None else self.run(rule)

    def predict(self):
        return usam_factor(ETA, self.rho, self.lam), usam_edge(ETA, self.rho)

    def judge(self, states, predicted):
        factor, edge = predicted
        q = states.prod(axis=-1) - 1
        large = np.abs(q) > SMALL
        stretch = slice(0, max(1, int(large.argmax() if large.any() else np.argmax(np.abs(q) < 1e-10))))
        before, after = q[stretch], q[1:][stretch]
        c = 1 + self.rho * self.lam
        bend = 1.1 * ETA * (self.rho**2 * self.lam + 2 * self.rho * c + ETA * c**2)  # of q+ in q
        drift = 1.1 * 4 * ETA * c * np.cumsum(np.abs(before))  # of lam
        slope = ETA * (1 + 2 * self.rho * self.lam)  # of the factor in lam
        rounding = 16 * EPS * (1 + abs(1 - factor)) / np.maximum(np.abs(before), EPS)
        slack = bend * np.abs(before) + slope * drift + rounding
        why = "bend of q+ in q, drift of lam, 16 ulp of uv"
        out = [equals("q+/q", after / np.where(before == 0, EPS, before), factor, tolerance=slack, why=why)]
        end = sharpness(states[-1])
        if self.lam < edge:
            total = 1.1 * 4 * ETA * c * abs(q[0]) / (1 - abs(usam_factor(ETA, self.rho, self.lam)))
            return [*out, equals("lam at the end", end, self.lam, tolerance=total, why="drift of lam, summed")]
        return [
            *out,
            at_least("largest |q|", np.abs(q).max(), SMALL, why="at one per cent above the edge the drift is less"),
            at_most("lam at the end, above the edge before", end, edge, slack=1e-9 * edge, why="|q| <= 1e-9 there"),
        ]

    controls = {
        "growth of gradient descent": control(predict=lambda c: (1 - ETA * c.lam, c.predict()[1]), refutes="q+/q"),
        "1 + 2 rho lam": control(
            predict=lambda c: (1 - ETA * c.lam * (1 + 2 * c.rho * c.lam), c.predict()[1]), refutes="q+/q"
        ),
        "growth off by one part in a thousand": control(
            predict=lambda c: (1.001 * c.predict()[0], c.predict()[1]),
            where={"kick": 1e-8, "excess": real(1.1, 1.2)},
            refutes="q+/q",
        ),
        "gradient descent goes on": control(
            measure=lambda c: c.measure(GD(ETA)),
            where={"excess": real(1.05, 1.3)},
            refutes="lam at the end, above the edge before",
        ),
        "USAM flattens from below its edge": control(
            predict=lambda c: (c.predict()[0], 0.8 * c.predict()[1]),
            where={"excess": real(0.85, 0.95)},
            refutes="lam at the end, above the edge before",
        ),
        "three quarters of the edge": control(
            predict=lambda c: (c.predict()[0], 0.75 * c.predict()[1]),
            where={"excess": real(1.05, 1.1)},
            refutes="lam at the end, above the edge before",
        ),
        "no residual at the switch": control(
            where={"u": 3.5, "kick": 0.0, "excess": real(1.05, 1.3)},
            violates="the residual at the switch is not 0",
            refutes="lam at the end, above the edge before",
        ),
        "too far above the edge to be caught": control(
            where={"u": 3.5, "excess": 1.848458, "kick": log_real(9e-7, 1.1e-6)},  # rho = 0.3
            violates=CAUGHT,
            refutes="lam at the end, above the edge before",
        ),
    }


if __name__ == "__main__":
    script(__file__)
