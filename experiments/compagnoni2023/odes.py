"""Monzio Compagnoni et al. 2023 (arXiv 2301.08203): the equations of full-batch USAM and SAM are gradient flows.

    USAM             X' = -(I + rho H) grad f          = -grad f~,   f~ = f + (rho/2)|grad f|^2
    SAM = DNSAM      X' = -(I + rho H/|grad f|) grad f = -grad f~,   f~ = f + rho |grad f|

so f~ never increases along them, at the rate |X'|^2; f itself may.  Checked on a bowl 1/2 lam x^2 + beta(1 - cos x), a
tanh neuron and quadratic saddles: the drift of the model against difference quotients of f~, and
f~(X_0) - f~(X_T) = int |X'|^2 dt along the integrated flow.

Conventions: full batch; USAM's rho in units of inverse curvature, SAM's of parameters; away from zero gradients.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, log_real, requires, script, seeds
from samtheory.evaluate import grad_norms, losses
from samtheory.problems.core import constants
from samtheory.problems.cosine_bowl import CosineBowl
from samtheory.problems.finite_sum import TanhFit
from samtheory.problems.quadratic import quadratic
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.core import deterministic_flow, drift_at
from samtheory.sde.limits import extrapolate
from samtheory.sde.pushes import DNSAMPush, NoPush, USAMPush

EPS = np.finfo(float).eps
STEPS = 2.0 ** -np.arange(3, 9)  # of the difference quotients, in units of the radius of the start
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
PUSHES = {"USAM": USAMPush(), "SAM": DNSAMPush(), "GD": NoPush()}


@claim(
    title="The equations of full-batch USAM and SAM are gradient flows of f + (rho/2)|grad f|^2 and f + rho |grad f|",
    where="Ordinary equations",
    kind="identity",
    confidence="memory",
    statement="""drift = -grad f~, and f~(X_0) - f~(X_T) = int |X'|^2 dt, with f~ = f + (rho/2)|grad f|^2 for USAM,
        f + rho |grad f| for SAM and DNSAM.""",
    cost=4,
)
class Odes:
    method: str = choice("USAM", "SAM")
    family: str = choice("cosine bowl", "tanh neuron", "saddle")
    rho: float = log_real(0.03, 1)
    dim: int = integer(1, 3)
    seed: int = seeds()

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        if self.family == "cosine bowl":
            return CosineBowl(1.0, rng.uniform(-2, 2))
        if self.family == "tanh neuron":
            return TanhFit(rng.standard_normal((5, self.dim)), rng.uniform(-1, 1, 5))
        return quadratic(np.append(rng.uniform(-1, 2, self.dim - 1), -1.0), rotation=rng)

    @functools.cached_property
    def start(self):
        d = 1 if self.family == "cosine bowl" else self.dim
        return 1.5 * np.random.default_rng([self.seed, 1]).standard_normal(d)

    @functools.cached_property
    def bound(self):
        """A bound of the curvature near the start (the known constant, or a crude one for the neuron)."""
        known = constants(self.problem).L if self.family != "tanh neuron" else None
        return known or 2 * np.max(np.sum(self.problem.A**2, axis=1))

    @property
    def horizon(self):
        """Half the time in which |grad f| >= ((1 + rho L/|g|) e^{-Lt} - rho L/|g|) |g| could vanish under SAM."""
        return 0.5 * np.log1p(grad_norms(self.problem, self.start) / (self.rho * self.bound)) / self.bound

    def assumptions(self):
        return [requires("|grad f(X_0)| > 0.01", float(grad_norms(self.problem, self.start)), ">", 0.01)]

    def modified(self, x, method=None):
        """f~ at x."""
        g = grad_norms(self.problem, x)
        return (
            losses(self.problem, x)
            + {"USAM": self.rho * g**2 / 2, "SAM": self.rho * g, "GD": 0 * g}[method or self.method]
        )

    def measure(self, push=None):
        """Drift at the start; f~ along the flow; int |X'|^2 dt by Gauss's formula."""
        d = self.start.size
        model = AdditiveSDE(self.problem, np.eye(d), 0.0, self.rho, PUSHES[push or self.method])
        times = self.horizon * np.concatenate([[0], (1 + NODES) / 2, [1]])
        path = deterministic_flow(model, self.start, times, rtol=1e-12)
        speed = np.sum(drift_at(model, path[1:-1]) ** 2, axis=1)
        return drift_at(model, self.start), path, self.horizon / 2 * WEIGHTS @ speed

    def predict(self, method=None):
        """-grad f~ by central differences, extrapolated in the square of their step; and f~ itself."""
        steps = STEPS * min(1.0, float(grad_norms(self.problem, self.start)) / self.bound)
        moved = self.start + steps[:, None, None, None] * np.array([1.0, -1.0])[:, None, None] * np.eye(self.start.size)
        values = self.modified(moved, method)
        slopes = (values[:, 0] - values[:, 1]) / (2 * steps[:, None])
        rounding = 20 * EPS * (1 + np.abs(values).max()) / steps[-1]
        return extrapolate(-slopes, steps**2), rounding, lambda x: self.modified(x, method)

    def judge(self, measured, predicted):
        (drift, path, dissipated), (slope, rounding, modified) = measured, predicted
        values = modified(path)
        speed = np.linalg.norm(drift) + np.sqrt(dissipated / self.horizon)  # |grad f~| on the way
        size = 1 + np.abs(path).max()
        away = 1e-10 * size * speed + 20 * EPS * size**2 * self.bound  # errors of the flow of 1e-10, and of f~
        why = "the last three corrections of the extrapolation, and rounding"
        return [
            equals("drift", drift, slope.value, tolerance=slope.allowance + rounding, why=why),
            at_most("f~ along the flow", np.diff(values), 0, slack=away, why="local errors of the flow"),
            equals("decrease of f~", values[0] - values[-1], dissipated, tolerance=away, why="errors of the flow"),
        ]

    controls = {
        "f itself in place of f~": control(predict=lambda c: c.predict("GD")),
        "f~ of the other method": control(predict=lambda c: c.predict({"USAM": "SAM", "SAM": "USAM"}[c.method])),
        "the flow of gradient descent": control(measure=lambda c: c.measure("GD")),
        "the flow of the other method": control(measure=lambda c: c.measure({"USAM": "SAM", "SAM": "USAM"}[c.method])),
        "f never increases": control(
            predict=lambda c: (*c.predict()[:2], lambda x: c.modified(x, "GD")),
            where={"family": "saddle", "method": "USAM", "rho": log_real(1.5, 3), "dim": 1},
        ),
    }


if __name__ == "__main__":
    script(__file__)
