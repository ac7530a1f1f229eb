"""Bolte, Le & Pauwels 2025 (arXiv 2510.09034), Theorem 2.1: where a method converges, its filter holds.

f semialgebraic and C^2, x+ = D x - eta d(x) with D invertible.  For all but finitely many eta > 0 and almost every
start: if the iterates converge to a critical point, every eigenvalue of the Hessian there satisfies 0 <= h(lam) <= U.
No bound on eta, no isolated critical points.  "All but finitely many" cannot be dropped: bolte2025/exceptional-step;
nor can "critical": bolte2025/noncritical-limits.  The hypotheses are derived, the conclusion is the paper's.

On f = (uv - 1)^2/2 and (w_1 w_2 w_3 - 1)^2/2 the minima form a surface of unbounded sharpness.  Half of the starts are
uniform in a box; the others lie within `spread` of minima of 0.76 to 1.5 times the edge, so that a filter that is too
narrow is noticed as well as one that is too wide.

Why 1e-9: before a run is at rest (|eta d| <= 1e-12) its distance to the surface fell from 1e-6, with the sharpness
constant to 1e-11 meanwhile; it fell by a factor |1 - eta h| a step.  A jump onto the surface has probability ~ 1e-12.
Conventions: no scaling of f; rho is an inverse curvature (hess: its square); momentum starts at a random velocity, as
x_{-1} = x_0 would be a set of measure zero in (x, x_{-1}).
"""

import dataclasses

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, log_real, real, requires, script, seeds
from samtheory.evaluate import hessian
from samtheory.measures.limits import DEGENERATE, MAXIMUM, MINIMUM, SADDLE, classify
from samtheory.problems.deep_product import DeepProduct
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.gradient_penalty import GradientPenalty
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.momentum import HeavyBall, Nesterov
from samtheory.rules.two_step_usam import TwoRestartUSAM, TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import Settled
from samtheory.theory.filters import edge, limit, response

STEPS, EACH, SLACK = 20_000, 24, 1e-9
RULES = {
    "gd": lambda eta, rho: GD(eta),
    "usam": USAM,
    "penalty": GradientPenalty,
    "two_seq": TwoSeqUSAM,
    "two_restart": TwoRestartUSAM,
    "hess": HessianUSAM,
}
CASES = (*RULES, "usam heavy_ball", "usam nesterov", "usam deep")


@claim(
    title="Almost every run that converges to a critical point ends inside the filter of its method",
    where="Theorem 2.1",
    kind="limit",
    confidence="text (conclusion) + derived (hypotheses)",
    statement="""If x_k converges to a critical point then, for almost every x_0 and all but finitely many eta > 0, each
        eigenvalue lam of the Hessian there satisfies 0 <= h(lam) <= U.""",
    caveat="of limits that are critical; the direction may vanish where the gradient does not",
    cost=4,
)
class AeConvergence:
    case: str = choice(*CASES)
    eta: float = log_real(0.05, 0.3)
    rho: float = log_real(0.02, 0.3)
    beta: float = real(0.05, 0.9)
    spread: float = log_real(1e-4, 1e-2)  # deviation of the starts near the surface of minima
    seed: int = seeds()

    examples = tuple(
        {"case": case, "eta": 0.2, "rho": 0.1, "beta": 0.5, "spread": 1e-3, "seed": 0} for case in CASES
    ) + tuple({"case": case, "eta": 0.1, "rho": 0.1, "beta": 0.5, "spread": 1e-3, "seed": 0} for case in ("gd", "usam"))

    @property
    def direction(self):
        return self.case.split()[0]

    @property
    def setting(self):
        """eta, rho, beta, momentum of the filter."""
        momentum = self.case.split()[-1]
        return self.eta, self.rho, self.beta, momentum if momentum in ("heavy_ball", "nesterov") else "plain"

    @property
    def problem(self):
        return DeepProduct(3, 1.0) if "deep" in self.case else Product(HalfSquare(1.0))

    @property
    def rule(self):
        rule = RULES[self.direction](self.eta, self.rho)
        wrap = {"heavy_ball": HeavyBall, "nesterov": Nesterov}.get(self.setting[3])
        return wrap(rule, self.beta) if wrap else rule

    def minima(self, ratios):
        """Minima whose sharpness is so many times the edge: (e^t, e^-t), or (e^t, e^t, e^-2t)."""
        t = np.linspace(0, 2.5, 4001)
        points = np.exp(np.outer(t, [1, 1, -2] if "deep" in self.case else [1, -1]))
        top = np.linalg.eigvalsh(hessian(self.problem, points))[:, -1]
        wanted = float(edge(self.direction, *self.setting)) * np.asarray(ratios)
        return points[np.searchsorted(top, wanted).clip(0, t.size - 1)]

    def starts(self):
        rng = np.random.default_rng([self.seed, 0])
        if self.spread == 0:  # minima of sharpness 16.06 that are exact in floating point
            return np.array([[4.0, 0.25], [-0.25, -4.0]])
        near = self.minima(np.r_[0.78, 0.9, 0.97, rng.uniform(0.76, 1.5, EACH - 3)])
        near = near + self.spread * rng.uniform(-1, 1, near.shape)
        far = rng.uniform(-1, 1, near.shape) * (2.5 if "deep" in self.case else 4.0)
        return np.concatenate([near, far])

    def assumptions(self):
        flattest = 3.0 if "deep" in self.case else 2.0
        return [
            requires("D is invertible: 0 < b < 1", 0 < self.beta < 1),
            requires("minima below 0.75 of the edge exist", 0.75 * edge(self.direction, *self.setting), ">", flattest),
            requires("x_0 has a density", self.spread, ">", 0),
        ]

    def measure(self):
        """h(lam)/U, [limits, d], at all limits that are critical."""
        x0, rule = self.starts(), self.rule
        run = simulate(self.problem, rule, x0, 0, record={})
        if self.setting[3] != "plain":  # x_{-1} independent of x_0
            kick = 1e-3 * np.random.default_rng([self.seed, 1]).uniform(-1, 1, (len(x0), 1, x0.shape[1]))
            run = dataclasses.replace(run, state=dataclasses.replace(run.state, memory=kick))
        run = simulate(
            self.problem, rule, None, STEPS, every=STEPS, record={}, stop=Settled(), resume=run, limit=1e6,
            on_divergence="report", threads=1,
        )  # fmt: skip
        limits = classify(self.problem, rule, run)
        return self.filtered(limits.point[np.isin(limits.label, (MINIMUM, SADDLE, MAXIMUM, DEGENERATE))])

    def filtered(self, points):
        lam = np.linalg.eigvalsh(hessian(self.problem, points))
        return response(self.direction, lam, self.rho) / limit(self.eta, self.beta, self.setting[3])

    def predict(self):
        return 0.0, 1.0

    def judge(self, h, ends):
        why = "the sharpness is constant to 1e-11 while the distance to the minima falls from 1e-6 to 1e-12"
        return [
            at_most("h(lam)/U at critical limits", h, ends[1], slack=SLACK, why=why),
            at_least("h(lam)/U at critical limits, from below", h, ends[0], slack=SLACK, why=why),
        ]

    def other_upper(self, direction=None, momentum=None):
        """The same end for the filter of another method, in units of this one's U: h at its edge."""
        eta, rho, beta, mine = self.setting
        top = edge(direction or self.direction, eta, rho, beta, momentum or mine)
        return 0.0, float(response(self.direction, top, rho) / limit(eta, beta, mine))

    controls = {
        "0.75 U": control(predict=lambda c: (0.0, 0.75)),
        "0.9 U": control(predict=lambda c: (0.0, 0.9), where={"spread": log_real(1e-4, 1e-3)}),
        "every minimum passes": control(measure=lambda c: c.filtered(c.minima([0.8, 1.1, 1.4]))),
        "limits of USAM below the edge of two_seq": control(
            predict=lambda c: c.other_upper("two_seq"), where={"case": "usam", "rho": log_real(0.1, 0.3)}
        ),
        "limits of gradient descent below the edge of USAM": control(
            predict=lambda c: (0.0, float(edge("usam", *c.setting)) * c.eta / 2), where={"case": "gd"}
        ),
        "heavy ball with U = 2/eta": control(
            predict=lambda c: c.other_upper(momentum="plain"),
            where={"case": "usam heavy_ball", "beta": real(0.5, 0.9), "eta": log_real(0.05, 0.2)},
        ),
        "starts on a sharp minimum: a null set": control(
            where={"case": choice("gd", "usam", "hess"), "spread": 0.0, "eta": real(0.15, 0.3)},
            violates="x_0 has a density",
        ),
    }


if __name__ == "__main__":
    script(__file__)
