"""Ahn et al. 2023 (arXiv 2212.07469), restated in Dai, Ahn & Sra 2023: where gradient descent stops on l(xy).

L = l(xy), l even, convex, 1-Lipschitz, l'(u) = u - a_3 u^3 + a_5 u^5 - ...; on the minima x = 0 the sharpness is y^2.
By the imbalance identity (dai2023/imbalance-identity) y_inf^2 = (y_0^2 - x_0^2) prod(1 - eta^2 l'(x_t y_t)^2), which
is below gamma/eta, and a minimum above the edge 2/eta repels.  Sizes of the gaps:

gamma < 2   gamma/eta - y_inf^2 <= eta gamma sum_t l'(u_t)^2.  While l' is near 1, u falls by gamma a step, so the sum
            is about u_0/gamma and the gap x_0 sqrt(eta gamma).  The supremum over u_0 of gamma sum l'^2 / u_0 for the
            map u+ = u - gamma l'(u), which is the limit eta -> 0, is below 1 for gamma <= 1.5 and 1.767 at 1.8.
gamma > 2   with s = eta y^2 and q = (xy)^2 the iterates follow a slow curve q = Q(s), Q(s+) = q+; its expansion in
            eta^2 at s - 2 = O(eta^2) ends, at q = 0, in y_inf^2 = 2/eta - eta/(2 a_3) - (a_5 - a_3^2) eta^3/(4 a_3^4)
            + O(eta^5): 3/2 and 9/20 for log cosh, 1 and 1/2 for sqrt(1 + u^2).  Formal, not a proof.

Between gamma = 1.8 and 2.3 the two pass into one another (control).  The constants 1.6, 1.1 and 1.9 are rounded up
from searches: 1.589, 0.987, 1.767.  Conventions: L = l(xy) unscaled; full batch.
"""

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, equals, log_real, real, requires, script
from samtheory.problems.links import LogCosh, PseudoHuber
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.stopping import CoordinateBelow

LINKS = {"log-cosh": (LogCosh(), 1 / 3, 2 / 15), "pseudo-huber": (PseudoHuber(), 1 / 2, 3 / 8)}  # l, a_3, a_5
SMALL = 0.1  # the largest eta at which the expansion is tested


@claim(
    title="Gradient descent on l(xy) stops at sharpness min(gamma, 2)/eta, from below",
    where="Section 4, restating Ahn et al. (2023)",
    kind="limit",
    confidence="memory + derived (constants measured)",
    statement="""l = log cosh or sqrt(1 + u^2), y_0^2 - x_0^2 = gamma/eta, 0 < x_0 <= min(1, y_0), eta <= 0.3.
        gamma >= 2.3: 0 < 2/eta - y_inf^2 <= 1.6 eta, and it is eta/(2 a_3) + (a_5 - a_3^2) eta^3/(4 a_3^4) + O(eta^5).
        gamma <= 1.8: 0 < gamma/eta - y_inf^2 <= c x_0 sqrt(eta gamma), c = 1.1 up to gamma = 1.5, 1.9 above.""",
    cost=2,
)
class GDLimit:
    link: str = choice("log-cosh", "pseudo-huber")
    gamma: float = log_real(0.05, 20)
    eta: float = log_real(0.01, 0.3)
    x0: float = log_real(0.05, 1)

    examples = (
        {"link": "log-cosh", "gamma": 3.0, "eta": 0.1, "x0": 0.5},
        {"link": "log-cosh", "gamma": 1.8, "eta": 0.01, "x0": 0.0509},  # c = 1.77
    )

    @property
    def start(self):
        return np.array([self.x0, np.sqrt(self.gamma / self.eta + self.x0**2)])

    def assumptions(self):
        x, y = self.start
        gamma = self.eta * (y * y - x * x)
        return [
            requires("gamma > 0: x_0 < y_0", gamma, ">", 0),
            requires("gamma is not in the transition (1.8, 2.3)", max(1.8 - gamma, gamma - 2.3), ">=", 0),
        ]

    def run(self, rule):
        """(t, iterates) along the run until |x| <= 1e-10: from there y^2 would lose less than an ulp."""
        steps, problem = 1000 + int(40 / self.eta**2), Product(LINKS[self.link][0])
        stop = CoordinateBelow(0, 1e-10)
        run = simulate(problem, rule, self.start, steps, every=max(1, steps // 400), stop=stop, threads=1)
        return run.t, run.states

    def measure(self):
        return self.run(GD(self.eta))

    def predict(self, constant=None):
        """(ceiling, room below it, expansion of the room or None)."""
        _, a3, a5 = LINKS[self.link]
        if self.gamma > 2:
            gap = self.eta / (2 * a3) + (a5 - a3**2) * self.eta**3 / (4 * a3**4)
            return 2 / self.eta, 1.6 * self.eta, gap if self.eta <= SMALL else None
        c = constant or (1.1 if self.gamma <= 1.5 else 1.9)
        return self.gamma / self.eta, c * self.x0 * np.sqrt(self.eta * self.gamma), None

    def judge(self, measured, predicted):
        (t, states), (ceiling, room, gap) = measured, predicted
        x, y = states.T
        below = ceiling - y * y
        evidence = [
            at_most("|x| at the end", abs(x[-1]), 1e-9),
            at_least("min(gamma, 2)/eta - y_inf^2", below[-1], 0),
            at_most("min(gamma, 2)/eta - y_t^2", below, room),
        ]
        if gap is not None:
            allowed = 1.5 * self.eta**5 + t[-1] * np.finfo(float).eps * y[-1] ** 2
            why = "next term 1.5 eta^5, and an ulp of y^2 a step"
            evidence.append(equals("2/eta - y_inf^2, expansion", below[-1], gap, tolerance=allowed, why=why))
        return evidence

    controls = {
        "edge at 1.9/eta": control(
            predict=lambda c: (1.9 / c.eta, 1.6 * c.eta, None),
            where={"gamma": real(2.3, 20), "eta": log_real(0.01, 0.2)},
        ),
        "edge at 2.1/eta": control(predict=lambda c: (2.1 / c.eta, 1.6 * c.eta, None), where={"gamma": real(2.3, 20)}),
        "room 1.4 eta for log cosh": control(
            predict=lambda c: (2 / c.eta, 1.4 * c.eta, None),
            where={"gamma": real(3, 20), "eta": log_real(0.01, SMALL), "link": "log-cosh"},
        ),
        "gap eta/(2 a_3), without eta^3": control(
            predict=lambda c: (2 / c.eta, 1.6 * c.eta, c.eta / (2 * LINKS[c.link][1])),
            where={"gamma": real(2.3, 20), "eta": log_real(0.02, SMALL)},
        ),
        "c = 1.3 near gamma = 1.8": control(
            predict=lambda c: c.predict(1.3),
            where={"link": "log-cosh", "gamma": real(1.79, 1.8), "eta": 0.01, "x0": real(0.05, 0.052)},
        ),
        "in the transition": control(
            where={"link": "log-cosh", "gamma": real(1.95, 1.99), "eta": 0.01, "x0": real(0.05, 0.052)},
            violates="gamma is not in the transition (1.8, 2.3)",
        ),
        "SAM does not stop at the edge": control(
            measure=lambda c: c.run(SAM(c.eta, 0.2)), where={"gamma": real(2.3, 20)}
        ),
    }


if __name__ == "__main__":
    script(__file__)
