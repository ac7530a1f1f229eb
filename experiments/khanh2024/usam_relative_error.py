"""Khanh, Luong, Mordukhovich & Tran 2024 (arXiv 2401.08060): USAM is gradient descent with a relative error.

|g(x + rho g) - g(x)| <= L rho |g|, so for L rho < 1 and eta <= 1/L
    f(x+) <= f(x) - (eta/2)(1 - L^2 rho^2)|g|^2;  under PL gap+ <= (1 - eta mu (1 - L^2 rho^2)) gap:
constant steps and radii suffice, unlike for SAM (khanh2024/constant-step-fails).  From f(x+) <= f(x) - eta <g, g'> +
(L eta^2/2)|g'|^2 <= f(x) - (eta/2)(|g|^2 - |g' - g|^2), which used eta <= 1/L; equality at eta = 1/L for f' = g0 + L x
left of 0, g0 - L x right of it, at x = 0.  samtheory/usam-nonconvex-exact has the exact constant for smaller steps.

Where the extra `pep` is installed, `exact` gives the least descent over all L-smooth functions.
Conventions: full batch; rho in units of inverse curvature.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms, losses
from samtheory.problems.core import constants
from samtheory.problems.log_squares import LogSquares
from samtheory.problems.piecewise import PiecewiseQuadratic
from samtheory.problems.separable import SinePL
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.usam_exact import usam_descent, usam_relative_descent
from samtheory.worst_case.sdp import available, worst_case

EPS = np.finfo(float).eps
NEAR, SHORT = "L rho < 1", "L eta <= 1"
BENT = {"family": "bent", "start": 0.0, "step": 1.0}
STEPS = 100


@claim(
    title="USAM descends as gradient descent with a relative error; constant steps and radii suffice",
    where="unnormalised SAM as an inexact gradient method",
    kind="bound",
    confidence="derived",
    statement="""f(x+) <= f(x) - (eta/2)(1 - L^2 rho^2)|grad f(x)|^2 for L rho < 1, eta <= 1/L, attained at eta = 1/L;
        under PL gap+ <= (1 - eta mu (1 - L^2 rho^2)) gap""",
)
class RelativeError:
    family: str = choice("bent", "log squares", "sine")
    radius: float = real(0, 0.99)  # L rho
    step: float = log_real(0.02, 1)  # L eta
    start: float = real(-2, 2)
    size: float = log_real(0.2, 5)  # L of the bent function, the scale of the data
    seed: int = seeds()

    examples = ({"family": "bent", "radius": 0.5, "step": 1.0, "start": 0.0, "size": 1.0, "seed": 0},)

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        if self.family == "bent":  # up again at 2, so that it is bounded below
            return PiecewiseQuadratic(np.array([0.0, 4.0]), self.size * np.array([1.0, -1.0, 1.0]), self.size)
        if self.family == "sine":
            return SinePL(rng.uniform(0, 4.5), 3)
        A = self.size * rng.standard_normal((6, 3))
        return LogSquares(A, A @ rng.standard_normal(3))

    @property
    def rates(self):
        """L, eta, rho."""
        L = constants(self.problem).L
        return L, self.step / L, self.radius / L

    def assumptions(self):
        return [requires(NEAR, self.radius, "<", 1), requires(SHORT, self.step, "<=", 1)]

    def measure(self, rule=USAM):
        """f(x_k), |g(x_k)|^2, and the size of the terms of f."""
        away = self.start * np.ones(1 if self.family == "bent" else 3)
        if self.family == "log squares":
            away = away + constants(self.problem).minimiser
        run = simulate(self.problem, rule(*self.rates[1:]), away, 1 if self.family == "bent" else STEPS, threads=1,
                       on_divergence="report")  # fmt: skip
        f, g = losses(self.problem, run.states), grad_norms(self.problem, run.states)
        scale = np.abs(f) + np.abs(run.states).max() * (g + EPS * self.rates[0] * np.abs(run.states).max())
        return f, g**2, scale

    def predict(self):
        """c of the descent, and the factor of the gap under PL."""
        c = usam_relative_descent(*self.rates)
        mu = constants(self.problem).pl if self.family == "sine" else None
        return c, None if mu is None else 1 - 2 * mu * c

    def judge(self, measured, predicted):
        f, square, scale = measured
        c, factor = predicted
        slack = 64 * EPS * (scale[:-1] + scale[1:] + c * square[:-1])
        why = "64 ulp of f, and of x times |g|"
        evidence = [at_least("f(x) - f(x+)", f[:-1] - f[1:], c * square[:-1], slack=slack, why=why)]
        if factor is not None:
            evidence.append(at_most("gap under PL", f[1:], factor * f[:-1], slack=slack, why=why))
        return evidence

    def exact(self):
        """The least f(x) - f(x+) over |g|^2: the inverse of the largest |g|^2 for a descent of 1."""
        if not available():
            return {}
        L, eta, rho = self.rates
        found = worst_case(USAM(eta, rho), "smooth", L=L, steps=1, metric="least-gradient")
        square = self.measure()[1][0]
        return {"f(x) - f(x+)": square / found.value} if found.solved else {}

    controls = {
        "descent larger by one part in a million": control(
            predict=lambda c: ((1 + 1e-6) * c.predict()[0], None), where=BENT | {"radius": real(0.01, 0.9)}
        ),
        "1 - L rho squared left out": control(
            predict=lambda c: (c.rates[1] / 2, None), where=BENT | {"radius": real(0.1, 0.9)}
        ),
        "more than the exact descent": control(
            predict=lambda c: ((1 + 1e-6) * usam_descent(*c.rates), None),
            where=BENT | {"step": log_real(0.05, 1), "radius": real(0.05, 0.9)},
        ),
        "a PL rate of 8 L c for 2 mu c": control(
            predict=lambda c: (c.predict()[0], 1 - 8 * constants(c.problem).L * c.predict()[0]),
            where={"family": "sine", "step": real(0.02, 0.2), "start": real(0.5, 1), "radius": real(0, 0.5)},
            refutes="gap under PL",
        ),
        "SAM in place of USAM": control(
            measure=lambda c: c.measure(lambda eta, rho: SAM(eta, 0.5)), where={"family": "sine", "step": real(0.5, 1)},
            refutes="f(x) - f(x+)",
        ),
        "L rho > 1": control(
            predict=lambda c: (0.0, None), where=BENT | {"radius": real(1.05, 1.9)}, violates=NEAR
        ),
        "eta = 2.5/L": control(
            predict=lambda c: (0.0, None), violates=SHORT,
            where=BENT | {"step": real(2.2, 3), "start": real(-0.5, -0.1), "radius": real(0, 0.05)},
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
