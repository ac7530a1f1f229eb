"""Wen, Ma & Li 2023 (arXiv 2211.05729), Theorem 4.8: on a quadratic SAM ends along the top eigenvector.

A positive definite with a simple top eigenvalue lam_1, unit eigenvector v_1, eta lam_1 < 1.  From almost every x(0)
SAM on x'Ax/2 has x(t)/|x(t)| -> +-v_1, the sign alternating, and |x(t)| -> a* = eta rho lam_1/(2 - eta lam_1).
The paper's proof goes through the sets of wen2023/quadratic-invariant-sets; another one is descent on a potential
(bartlett2023/j-descent), which needs eta lam_1 < 2 only (bartlett2023/cycle): the hypothesis is sufficient, not sharp.
A matrix in rotated axes re-excites v_1 by round-off, so "almost every" is seen to fail only on the axes.

Conventions: loss with 1/2; full batch; normalised ascent; a* is the distance of the iterate from the minimum.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import quadratic
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude, cycle_rate


@claim(
    title="SAM on a quadratic converges to a two-cycle along the top eigenvector",
    where="Theorem 4.8",
    kind="limit",
    confidence="text",
    statement="""A > 0 with a simple top eigenvalue, eta lam_1 < 1: for almost every x(0), x(t)/|x(t)| -> +-v_1 with
        alternating sign and |x(t)| -> eta rho lam_1/(2 - eta lam_1).""",
    caveat="eta lam_1 < 1 is sufficient, not necessary: bartlett2023/cycle has eta lam_1 < 2",
    cost=2,
)
class QuadraticTwoCycle:
    h: float = real(0.05, 0.99)  # eta lam_1
    rho: float = log_real(1e-3, 10)
    top: float = log_real(0.1, 10)  # lam_1
    gap: float = real(0.1, 0.9)  # lam_2/lam_1
    along: float = real(0.01, 3)  # <x(0), v_1>; the rest is N(0, I)
    axes: str = choice("rotated", "given")
    dim: int = integer(2, 8)
    seed: int = seeds()

    examples = (
        {"h": 0.5, "rho": 0.1, "top": 1.0, "gap": 0.7, "along": 0.3, "axes": "given", "dim": 3, "seed": 0},
        {"h": 0.1, "rho": 0.05, "top": 1.0, "gap": 0.7, "along": 0.3, "axes": "rotated", "dim": 3, "seed": 0},
        {"h": 0.9, "rho": 1.0, "top": 1.0, "gap": 0.7, "along": 0.3, "axes": "rotated", "dim": 3, "seed": 0},
    )

    @property
    def eta(self):
        return self.h / self.top

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        lam = self.top * np.array([1, self.gap, *rng.uniform(min(0.1, self.gap), self.gap, self.dim - 2)])
        return quadratic(lam, rotation=rng if self.axes == "rotated" else None)

    @functools.cached_property
    def spectrum(self):
        """Eigenvalues, decreasing, and eigenvectors as rows, of the matrix itself."""
        matrix = self.problem.matrix if self.axes == "rotated" else np.diag(self.problem.lam)
        lam, vectors = np.linalg.eigh(matrix)
        return lam[::-1], vectors.T[::-1]

    @property
    def memory(self):
        """1/(1 - R) of the cycle, capped for the controls that have none."""
        lam = self.spectrum[0]
        return 1 / (1 - min(0.999, cycle_rate(min(self.eta, 1.9 / lam[0]), lam)))

    def assumptions(self):
        lam, _ = self.spectrum
        return [
            requires("A is positive definite", lam[-1], ">", 0),
            requires("its top eigenvalue is simple: lam_2/lam_1 < 1", lam[1] / lam[0], "<", 1),
            requires("eta lam_1 < 1", self.eta * lam[0], "<", 1),
            requires("x(0) is not orthogonal to v_1", abs(self.along), ">", 0),
        ]

    def measure(self):
        """The last 100 iterates, in the basis of eigenvectors."""
        lam, vectors = self.spectrum
        start = [self.along, *np.random.default_rng([self.seed, 1]).standard_normal(self.dim - 1)] @ vectors
        steps = int(500 + 60 * self.memory + 20 / (self.eta * abs(lam[-1])))
        run = simulate(self.problem, SAM(self.eta, self.rho), start, steps, threads=1, on_divergence="report")
        return np.nan_to_num(run.states[-100:] @ vectors.T, nan=np.inf)

    def predict(self):
        return cycle_amplitude(self.eta, self.rho, self.spectrum[0][0])

    def judge(self, x, amplitude):
        lam, _ = self.spectrum
        turned = 1 / (1 - min(0.999, lam[1] / lam[0]))
        allowed = 8 * self.dim * np.finfo(float).eps * amplitude * (self.memory + turned)
        why = "8 d ulp a step, over the memory 1/(1 - R) of the cycle; error d ulp/(1 - lam_2/lam_1) of v_1"
        return [
            equals("|x|", np.linalg.norm(x, axis=1), amplitude, tolerance=allowed, why=why),
            equals("distance from v_1", np.linalg.norm(x[:, 1:], axis=1), 0, tolerance=allowed, why=why),
            equals("|x(t+1) + x(t)|", np.linalg.norm(x[1:] + x[:-1], axis=1), 0, tolerance=allowed, why=why),
        ]

    controls = {
        "amplitude eta rho lam_1/2": control(predict=lambda c: c.rho * c.h / 2),
        "amplitude off by one part in 10^9": control(predict=lambda c: (1 + 1e-9) * c.predict()),
        "start orthogonal to v_1": control(
            where={"along": 0.0, "axes": "given"}, violates="x(0) is not orthogonal to v_1"
        ),
        "two equal top eigenvalues": control(
            where={"gap": 1.0, "axes": "given"}, violates="its top eigenvalue is simple: lam_2/lam_1 < 1"
        ),
        "a negative eigenvalue": control(
            where={"gap": real(-0.4, -0.2), "dim": 2, "h": real(0.7, 0.9)}, violates="A is positive definite"
        ),
        "eta lam_1 > 2": control(
            predict=lambda c: c.rho * c.h / (c.h - 2), where={"h": real(2.05, 3)}, violates="eta lam_1 < 1"
        ),
    }


if __name__ == "__main__":
    script(__file__)
