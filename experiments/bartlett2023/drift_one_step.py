"""Bartlett, Long & Bousquet 2023 (arXiv 2210.01513): one step of SAM off a quadratic, the drift to wide minima.

At a critical point w*: v a unit eigenvector of H with eigenvalue lam, T = D^3 f(w*), grad lam = T[v, v, .] (gradient of
the eigenvalue, where simple), P = I - v v', h = eta lam, A = eta rho lam/(2 - h).  From w* + s A v, s = +-1, the
ascent direction is s v + (A/(2 lam)) P grad lam + O(rho^2), and one step gives
    w+ = w* - s A v - (2 eta rho^2/(2 - h)^2) [I + (eta (2 - h)/4) H P] grad lam + O(rho^3).
Along a valley of minima (H tau = 0) the bracket is the identity: SAM descends lam with step 2 eta rho^2/(2 - h)^2.

If f is cubic and x = s A grad lam/(2 lam), the ascent ends within z = rho |P x|/(1 - |x|) of w* + s (A + rho) v, so the
remainder along the valley is at most eta ((A + rho) |T[v]| z + |T| z^2/2).  The component of the remainder along v is
-s eta rho A (3 A + 4 rho) |P grad lam|^2/(8 lam) + O(rho^4), so its order is 3 exactly unless P grad lam = 0.

Conventions: full batch; normalised ascent; w* = 0 and f cubic; the other eigenvalues of H may have any sign.
"""

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.cubic import Cubic, symmetric_tensor
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude
from samtheory.theory.drift import drift_step, one_step_drift, small_step_drift


@claim(
    title="One step of SAM off a quadratic: descent on the top curvature, with a correction across the valley",
    where="Section on the non-quadratic case",
    kind="order",
    confidence="derived",
    statement="""From w* + s A v, s = +-1: w+ = w* - s A v - (2 eta rho^2/(2 - h)^2) [I + (eta (2 - h)/4) H P] grad lam
        + O(rho^3), h = eta lam in (0, 2); along a valley of minima (H tau = 0) the bracket is the identity.""",
    caveat="the paper's form is recalled without the H P term, which vanishes along the valley",
)
class OneStepDrift:
    h: float = real(0.05, 1.9)  # eta lam
    top: float = log_real(0.1, 10)  # lam
    bend: float = log_real(0.1, 10)  # size of the third derivative
    scale: float = log_real(4e-3, 2e-2)  # largest rho, in units of (2 - h) lam/|T|
    dim: int = integer(2, 5)
    flat: int = integer(0, 2)  # zero eigenvalues of H
    seed: int = seeds()

    examples = (
        {"h": 1.0, "top": 2.0, "bend": 1.0, "scale": 1e-2, "dim": 4, "flat": 0, "seed": 0},
        {"h": 1.0, "top": 2.0, "bend": 1.0, "scale": 1e-2, "dim": 4, "flat": 2, "seed": 0},
    )

    @property
    def eta(self):
        return self.h / self.top

    @property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        lam = self.top * np.array([1, *rng.uniform(-1, 1, self.dim - 1)])
        lam[1 : 1 + self.flat] = 0
        return Cubic(lam, self.bend * symmetric_tensor(rng, self.dim))

    @property
    def rhos(self):
        return self.scale * (2 - self.h) * self.top / np.linalg.norm(self.problem.tensor) / 2.0 ** np.arange(4)

    def assumptions(self):
        slope = self.problem.tensor[0, 0]
        across = np.linalg.norm(slope[1:]) / np.linalg.norm(slope)
        return [
            requires("eta lam < 2", self.eta * self.problem.lam[0], "<", 2),
            requires("P grad lam is not 0, to 2 %", across, ">", 0.02),
        ]

    def measure(self):
        """w+ + s A v for every rho of the ladder and s = 1, -1: [4, 2, d]."""
        v, moved = np.eye(self.dim)[0], []
        for rho in self.rhos:
            start = cycle_amplitude(self.eta, rho, self.top) * np.array([v, -v])
            moved.append(simulate(self.problem, SAM(self.eta, rho), start, 1, threads=1).x + start)
        return np.array(moved)

    def predict(self):
        """The drift for every rho."""
        p, v = self.problem, np.eye(self.dim)[0]
        return np.array([one_step_drift(self.eta, rho, np.diag(p.lam), v, p.tensor[0, 0]) for rho in self.rhos])

    def judge(self, moved, drift):
        rest, T, rho = moved - drift[:, None], self.problem.tensor, self.rhos
        A = cycle_amplitude(self.eta, rho, self.top)
        round_off = 32 * np.finfo(float).eps * (A + rho)[:, None]
        size = np.linalg.norm(rest, axis=-1)
        slopes = np.log2(size[:-1] / size[1:])  # order + O(rho), which the last two cancel
        spread = np.abs(slopes[-1] - slopes[-2]) + 3 * round_off[-1] / size[-1]
        x = A[:, None] * T[0, 0] / (2 * self.top)
        z = rho * np.linalg.norm(x[:, 1:], axis=1) / (1 - np.linalg.norm(x, axis=1))
        bound = self.eta * ((A + rho) * np.linalg.norm(T[0], 2) * z + np.linalg.norm(T) * z**2 / 2)[:, None]
        valley = np.linalg.norm(rest[..., self.problem.lam == 0], axis=-1)
        why = "an integer; interval: the last two slopes, round-off"
        return [
            equals("order in rho", 2 * slopes[-1] - slopes[-2], 3, tolerance=0.02, why=why, error=spread),
            at_most("remainder along the valley", valley, bound, slack=round_off, why="32 ulp of A + rho"),
        ]

    def only_slope(self, step, flat=False):
        """The drift -step(rho) grad lam without the H P term, everywhere or (flat) along the valley only."""
        other = -np.array([step(self.eta, rho) for rho in self.rhos])[:, None] * self.problem.tensor[0, 0]
        return np.where(self.problem.lam == 0, other, self.predict()) if flat else other

    controls = {
        "without the H P term": control(
            predict=lambda c: c.only_slope(lambda eta, rho: drift_step(eta, rho, c.top)),
            where={"h": real(0.3, 1.9), "dim": integer(3, 5), "flat": 0},
        ),
        "step eta rho^2/2": control(predict=lambda c: c.only_slope(small_step_drift)),
        "step eta rho^2/2 along the valley only": control(
            predict=lambda c: c.only_slope(small_step_drift, flat=True), where={"flat": integer(1, 2)}
        ),
        "drift off by 1 %": control(predict=lambda c: 1.01 * c.predict()),
    }


if __name__ == "__main__":
    script(__file__)
