"""Wen, Ma & Li 2023 (arXiv 2211.05729), beside Theorem 4.8: what a step does to every mode near the cycle of one.

The cycle of mode j is w = +-A_j e_j with A_j = eta rho lam_j/(2 - eta lam_j).  With m_i = lam_i/lam_j and
N = |Lam w|/(lam_j A_j) the step w_i+ = (1 - eta lam_i - eta rho lam_i^2/|Lam w|) w_i is w_i+ = (f_i + k_i) w_i,
    f_i = 1 - eta lam_i - m_i^2 (2 - eta lam_j),      k_i = m_i^2 (2 - eta lam_j) (1 - 1/N) -> 0,
and on the axis |w_j| - A_j is multiplied by exactly eta lam_j - 1.  For m_i > 0 f_i is below 1; it is above
1 - 2 m_i > -1 if m_i < 1, below 1 - 2 m_i < -1 if m_i > 1.  So the modes sharper than j grow and the others shrink:
only the cycle of the top mode is stable.

Conventions: loss with 1/2; full batch; normalised ascent; no perturbation at a zero gradient.
"""

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude, mode_cycle_factors


@claim(
    title="What a step of SAM does to every mode near the two-cycle of one of them",
    where="beside Theorem 4.8",
    kind="rate",
    confidence="derived",
    statement="""Near the two-cycle of mode j, eta lam_j < 2, a step multiplies component i by
        f_i = 1 - eta lam_i - (lam_i/lam_j)^2 (2 - eta lam_j) and |w_j| - A_j by eta lam_j - 1; |f_i| > 1 iff
        lam_i > lam_j, for i != j and lam > 0.""",
)
class QuadraticRates:
    h: float = real(0.05, 1.95)  # eta lam_j
    rho: float = log_real(1e-3, 10)
    lam_j: float = log_real(0.1, 10)
    above: int = integer(0, 3)  # modes with larger curvature,
    sharp: float = real(1.02, 5)  # between this and 1, over lam_j
    below: int = integer(1, 4)  # modes with smaller curvature,
    near: float = real(0.5, 0.98)  # between this
    low: float = real(0.02, 0.49)  # and this, over lam_j

    examples = (  # lam = (1, .7, .3): f = (.085, .715)
        {"h": 0.5, "rho": 0.1, "lam_j": 1.0, "above": 0, "sharp": 2.0, "below": 2, "near": 0.7, "low": 0.3},
        {"h": 0.5, "rho": 0.1, "lam_j": 1.0, "above": 2, "sharp": 2.0, "below": 2, "near": 0.7, "low": 0.3},
    )

    @property
    def eta(self):
        return self.h / self.lam_j

    @property
    def lam(self):
        over = np.linspace(self.sharp, 1, self.above, endpoint=False)
        return self.lam_j * np.array([*over, 1, *np.linspace(self.near, self.low, self.below)])

    def assumptions(self):
        return [
            requires("eta lam_j < 2", self.eta * self.lam[self.above], "<", 2),
            requires("every curvature is positive", self.lam.min(), ">", 0),
        ]

    def measure(self):
        """w_t over A_j, from a start off the cycle along e_j by a tenth, and from one off it in all other modes."""
        axis = np.eye(self.lam.size)[self.above]
        A, f = cycle_amplitude(self.eta, self.rho, self.lam_j), mode_cycle_factors(self.eta, self.lam, self.above)
        steps = int(min(40, 16 / np.log(max(np.abs(f).max(), 1.1))))  # no mode grows by more than 10^7
        starts = A * np.array([1.1 * axis, axis + 1e-9 * (1 - axis)])
        return simulate(Diagonal(self.lam, 0 * self.lam), SAM(self.eta, self.rho), starts, steps, threads=1).states / A

    def predict(self):
        """f, its entry j the radial factor; which modes grow."""
        f = mode_cycle_factors(self.eta, self.lam, self.above)
        f[self.above] = self.h - 1
        return f, self.lam > self.lam_j

    def judge(self, w, predicted):
        (f, grow), j, m, ulp = predicted, self.above, self.lam / self.lam_j, np.finfo(float).eps
        radial = np.abs(w[0, :, j]) - 1
        away = np.linalg.norm(m * (np.abs(w[1]) - np.eye(m.size)[j]), axis=1)[:-1, None] + 8 * ulp  # >= |N - 1|
        bend = m**2 * (2 - self.h) * away / (1 - away) + 8 * ulp * (1 + self.h * m + m**2 * 2)
        others = np.delete(w[1], j, axis=1)
        f_i, allowed = np.delete(f, j), np.delete(bend, j, axis=1) * np.abs(others[:-1]) + 1e-300
        grew, why = np.abs(others[-1]) > np.abs(others[0]), "|k_i| from |N - 1| of the iterate, 8 ulp of the terms"
        return [
            equals("w_i(t+1)", others[1:], f_i * others[:-1], tolerance=allowed, why=why),
            equals(
                "(|w_j| - A)/A", radial[1:], f[j] * radial[:-1], tolerance=16 * ulp, why="exact on the axis; 16 ulp"
            ),
            equals("mode i grows", grew, np.delete(grow, j), tolerance=0.5, why="a truth value"),
        ]

    controls = {
        "factor of gradient descent": control(predict=lambda c: (1 - c.eta * c.lam, c.predict()[1])),
        "2 for 2 - eta lam_j": control(
            predict=lambda c: (1 - c.eta * c.lam - 2 * (c.lam / c.lam_j) ** 2, c.predict()[1])
        ),
        "radial factor 1 - eta lam_j/2": control(
            predict=lambda c: (np.where(c.lam == c.lam_j, c.h / 2 - 1, c.predict()[0]), c.predict()[1])
        ),
        "factors off by one part in 10^9": control(predict=lambda c: ((1 + 1e-9) * c.predict()[0], c.predict()[1])),
        "every cycle is stable": control(predict=lambda c: (c.predict()[0], 0 * c.lam), where={"above": integer(1, 3)}),
        "a negative curvature grows": control(
            where={"low": real(-0.5, -0.1), "h": real(1.5, 1.9)}, violates="every curvature is positive"
        ),
    }


if __name__ == "__main__":
    script(__file__)
