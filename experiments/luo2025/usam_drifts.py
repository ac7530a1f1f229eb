"""Luo, Harandi, Phung & Le 2025 (arXiv 2509.18001): what the three mini-batch forms of un-normalised SAM regularise.

With V the covariance of single-sample gradients (over 1/n), the drift at first order in rho is -grad of

    n-USAM  (full-batch ascent, mini-batch descent)   f + (rho/2)|grad f|^2
    USAM    (one mini-batch of size B)                f + (rho/2)|grad f|^2 + (rho/(2B)) tr V
    m-USAM  (an ascent step for each shard of size m) f + (rho/2)|grad f|^2 + (rho/(2m)) tr V     whatever B is

for sampling with replacement; without it 1/B becomes (1/B)(n - B)/(n - 1), and 1/m likewise (derived).  The step of
m-USAM with independent shards has m/B times the covariance that it has with batches of size m, exactly; without
replacement the shards are negatively correlated and this fails.

E step is a sum over all batches of the very algorithm; (E step - grad f)/rho is extrapolated to rho = 0.
Conventions: loss with 1/n; rho in units of inverse curvature; same batch in both gradients but for n-USAM.
"""

import functools
import itertools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, real, requires, script, seeds
from samtheory.evaluate import gradients, hessian_vector, sample_gradients
from samtheory.problems.finite_sum import TanhFit
from samtheory.sde.batches import batch_sde
from samtheory.sde.core import drift_at
from samtheory.sde.limits import extrapolate
from samtheory.sde.pushes import FullUSAM, USAMPush

EPS = np.finfo(float).eps
RADII = 2.0 ** -np.arange(4, 10)


@claim(
    title="n-USAM, USAM and m-USAM regularise tr V with the coefficients 0, 1/B and 1/m",
    where="Theorems 3.3-3.5",
    kind="limit",
    confidence="second-hand + derived",
    statement="""(E step - grad f)/rho -> grad(|grad f|^2/2 + (coef/2) tr V) as rho -> 0, coef = 0, 1/B, 1/m for n-USAM,
        USAM, m-USAM with replacement, times (n - size)/(n - 1) without; the step covariance of m-USAM with
        replacement is m/B times that of batches of size m.""",
    cost=4,
)
class UsamDrifts:
    form: str = choice("n-USAM", "USAM", "m-USAM")
    replace: str = choice("with", "without")
    samples: int = integer(4, 5)
    shards: int = integer(2, 3)
    size: int = integer(1, 2)  # m; the batch is B = shards * m
    dim: int = integer(1, 3)
    spread: float = real(0.3, 1)  # of the data
    seed: int = seeds()

    examples = (
        {
            "form": "m-USAM",
            "replace": "with",
            "samples": 5,
            "shards": 2,
            "size": 2,
            "dim": 2,
            "spread": 0.8,
            "seed": 0,
        },
    )

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        rows = self.spread * rng.standard_normal((self.samples, self.dim))
        return TanhFit(rows, rng.uniform(-1, 1, self.samples))

    @property
    def point(self):
        return np.random.default_rng([self.seed, 1]).standard_normal(self.dim)

    @property
    def batch(self):
        return self.shards * self.size

    def assumptions(self):
        return [requires("B <= n", self.batch, "<=", self.samples)]

    def directions(self, rho, form=None):
        """The direction of every ordered batch of B samples, all equally likely: [batches, shards, d]."""
        form, x = form or self.form, self.point
        each = itertools.product(range(self.samples), repeat=self.batch)
        if self.replace == "without":
            each = itertools.permutations(range(self.samples), self.batch)
        index = np.array(list(each))
        index = index.reshape(len(index), self.shards if form == "m-USAM" else 1, -1)
        single = sample_gradients(self.problem, x)
        push = single[index].mean(axis=2) if form != "n-USAM" else single.mean(axis=0) + np.zeros((*index.shape[:2], 1))
        there = sample_gradients(self.problem, x + rho * push)
        return np.take_along_axis(there, index[..., None], axis=2).mean(axis=2)

    def measure(self, form=None):
        g = sample_gradients(self.problem, self.point).mean(axis=0)
        quotients = [(self.directions(rho, form).mean(axis=(0, 1)) - g) / rho for rho in RADII]
        kind, size = {"n-USAM": (FullUSAM(), 1), "USAM": (USAMPush(), self.batch), "m-USAM": (USAMPush(), self.size)}[
            form or self.form
        ]
        rho = RADII[0]
        model = batch_sde(self.problem, 0.1, rho, kind, size, self.replace == "with")
        each = self.directions(rho, form)
        covariances = [np.cov(v.T, bias=True) for v in (each.mean(axis=1), each[:, 0])]
        return extrapolate(quotients, RADII), -(drift_at(model, self.point) + g) / rho, covariances

    def coefficient(self, form=None, replace=None):
        size = {"n-USAM": np.inf, "USAM": self.batch, "m-USAM": self.size}[form or self.form]
        finite = (self.samples - size) / (self.samples - 1) if (replace or self.replace) == "without" else 1.0
        return finite / size if np.isfinite(size) else 0.0

    def predict(self, coefficient=None):
        """grad(|grad f|^2/2 + (coef/2) tr V), and the ratio of step covariances where one is claimed."""
        coefficient = self.coefficient() if coefficient is None else coefficient
        x, (rows, targets, _) = self.point, self.problem
        each = [TanhFit(rows[i : i + 1], targets[i : i + 1]) for i in range(self.samples)]
        pulled = np.mean([hessian_vector(one, x, gradients(one, x)) for one in each], axis=0)
        squared = hessian_vector(self.problem, x, gradients(self.problem, x))
        independent = self.form == "m-USAM" and self.replace == "with"
        return squared + coefficient * (pulled - squared), self.size / self.batch if independent else None

    def judge(self, measured, predicted):
        (limit, drift, (whole, shard)), (want, ratio) = measured, predicted
        # gradients of n samples of size |a_i| <= |rows|, in sums of up to a thousand batches
        size = 100 * EPS * (1 + np.abs(self.problem.A).max() ** 2) * self.samples
        why = "the last three corrections of the extrapolation, and rounding"
        rows = [
            equals("(E step - grad f)/rho", limit.value, want, tolerance=limit.allowance + size / RADII[-1], why=why),
            equals("drift of the model", drift, want, tolerance=size / RADII[0], why="rounding"),
        ]
        if ratio is not None:
            rows.append(equals("step covariance", whole, ratio * shard, tolerance=size, why="rounding of the sum"))
        return rows

    controls = {
        "no trace term": control(predict=lambda c: c.predict(0.0), where={"form": "USAM", "samples": 5}),
        "1/B for m-USAM": control(predict=lambda c: c.predict(c.coefficient("USAM")), where={"form": "m-USAM"}),
        "1/m for USAM": control(predict=lambda c: c.predict(c.coefficient("m-USAM")), where={"form": "USAM"}),
        "a trace term for n-USAM": control(predict=lambda c: c.predict(1 / c.batch), where={"form": "n-USAM"}),
        "coefficients of sampling with replacement, without it": control(
            predict=lambda c: c.predict(c.coefficient(replace="with")), where={"form": "USAM", "replace": "without"}
        ),
        "coefficient off by a thousandth": control(
            predict=lambda c: c.predict(1.001 * c.coefficient()), where={"form": "m-USAM", "replace": "with"}
        ),
        "m/B of the covariance without replacement": control(
            predict=lambda c: (c.predict()[0], c.size / c.batch), where={"form": "m-USAM", "replace": "without"}
        ),
        "USAM in place of m-USAM": control(measure=lambda c: c.measure("USAM"), where={"form": "m-USAM"}),
    }


if __name__ == "__main__":
    script(__file__)
