"""Bartlett, Long & Bousquet 2023 (arXiv 2210.01513): how fast SAM on a quadratic settles on its two-cycle.

Write w = +-A (1 + a, b), m_i = lam_i/lam_1, h = eta lam_1, e = (a, b), N = |(1 + a, m b)|.  One step is exactly
    a+ = (h - 1) a - (2 - h) (1 - (1 + a)/N),      -b_i+ = b_i (1 - h m_i - (2 - h) m_i^2/N),
so e+ = F e + r, F diagonal with moduli |1 - h| and |1 - h m_i - (2 - h) m_i^2|, all below 1 if 0 < h < 2 and m_i < 1,
and |r| <= 1.2 (2 - h) |e|^2 for |e| <= 0.01.  With R = max |F|: the distance E = |e| never shrinks by less than
R + 1.2 (2 - h) E, and along the slowest direction by that much exactly, to the same order.  So nothing is fitted,
and factors that are nearly equal need not be excluded.

Conventions: loss with 1/2; full batch; normalised ascent; no perturbation at a zero gradient.
"""

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude, cycle_rates


@claim(
    title="Rate at which SAM on a quadratic approaches its two-cycle",
    where="Section on quadratics",
    kind="rate",
    confidence="derived",
    statement="""On 1/2 w' diag(lam) w, lam_1 > lam_2 >= ... > 0, the distance to the two-cycle is multiplied per step
        by at most R + O(distance), R = max(|1 - h|, max_{i>1} |1 - eta lam_i - (lam_i/lam_1)^2 (2 - h)|) < 1,
        h = eta lam_1 in (0, 2), with equality along the slowest direction.""",
)
class LocalRate:
    h: float = real(0.05, 1.95)  # eta lam_1
    rho: float = log_real(1e-3, 10)
    top: float = log_real(0.1, 10)  # lam_1
    gap: float = real(0.1, 0.98)  # lam_2 / lam_1
    dim: int = integer(2, 8)
    seed: int = seeds()

    examples = (
        {"h": 0.8, "rho": 0.3, "top": 1.0, "gap": 0.9, "dim": 2, "seed": 0},  # R = 0.692
        {"h": 0.1, "rho": 0.3, "top": 2.0, "gap": 0.63, "dim": 3, "seed": 0},  # R = 0.9
    )

    @property
    def eta(self):
        return self.h / self.top

    @property
    def lam(self):
        below = np.random.default_rng([self.seed, 0]).uniform(0.2, 1, self.dim - 2)
        return self.top * np.array([1, self.gap, *(self.gap * below)])

    @property
    def factors(self):
        return np.abs(cycle_rates(self.eta, self.lam))

    def assumptions(self):
        lam = np.sort(self.lam)[::-1]
        return [
            requires("eta lam_1 < 2", self.eta * lam[0], "<", 2),
            requires("lam_1 is simple: lam_2/lam_1 < 1", lam[1] / lam[0], "<", 1),
            requires("every curvature is positive", lam[-1], ">", 0),
        ]

    def measure(self):
        """|e_t|, [2, steps, d], from |e_0| = 1e-6: along the slowest direction, and along a random one."""
        A, axes = cycle_amplitude(self.eta, self.rho, self.top), np.eye(self.dim)
        random = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        starts = A * (axes[0] + 1e-6 * np.array([axes[self.factors.argmax()], random / np.linalg.norm(random)]))
        steps = 2 + int(10 / -np.log(np.clip(self.factors.max(), 1e-6, 0.999)))
        run = simulate(Diagonal(self.lam, 0 * self.lam), SAM(self.eta, self.rho), starts, steps, threads=1)
        return np.abs(np.abs(run.states) / A - axes[0])

    def predict(self):
        return self.factors.max()

    def judge(self, e, R):
        E, slowest = np.linalg.norm(e, axis=-1), e[0, :, self.factors.argmax()]
        slack = 1.2 * (2 - self.h) * E[:, :-1] ** 2 + 32 * np.finfo(float).eps
        why = "remainder 1.2 (2 - h) E^2 of the linearisation, 32 ulp of A"
        return [
            at_most("E_t+1 from a random start", E[1, 1:], R * E[1, :-1], slack=slack[1], why=why),
            equals("e_t+1 along the slowest direction", slowest[1:], R * slowest[:-1], tolerance=slack[0], why=why),
            at_most("E after the run / E before", E[:, -1] / E[:, 0], 1e-3, why="R^steps < e^-10, and to spare"),
        ]

    controls = {
        "rate of gradient descent": control(
            predict=lambda c: np.abs(1 - c.eta * c.lam).max(),
            where={"h": real(0.6, 1), "gap": real(0.8, 0.95), "dim": 2},
        ),
        "2 for 2 - h in the transverse factor": control(
            predict=lambda c: np.abs(1 - c.eta * c.lam - 2 * (c.lam / c.top) ** 2)[1:].max(),
            where={"h": real(0.5, 1.5), "gap": real(0.9, 0.95)},
        ),
        "radial factor only": control(
            predict=lambda c: c.factors[0], where={"h": real(0.5, 1.5), "gap": real(0.9, 0.95)}
        ),
        "transverse factors only": control(
            predict=lambda c: c.factors[1:].max(), where={"h": real(1.7, 1.9), "gap": 0.5, "dim": 2}
        ),
        "R off by one part in a million": control(
            predict=lambda c: (1 - 1e-6) * c.predict(), where={"h": real(0.05, 0.5)}
        ),
        "two equal top curvatures: no contraction": control(
            where={"gap": 1.0}, violates="lam_1 is simple: lam_2/lam_1 < 1"
        ),
    }


if __name__ == "__main__":
    script(__file__)
