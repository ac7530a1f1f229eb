"""Luo, Harandi, Phung & Le 2025 (arXiv 2509.18001): what the mini-batch forms of SAM regularise.

The drift at first order in rho is -grad of

    n-SAM  f + rho |grad f|        SAM  f + rho E|g_B|, B the batch        m-SAM  f + rho E|g_I|, I a shard of size m

and E|g_B| does not increase with the batch size, with or without replacement.  (Reported with a log-concavity
condition; derived here without any: g_B is the mean over its members j of the batches without j, and a norm is convex.)

E step is a sum over all batches; (E step - grad f)/rho is extrapolated to rho = 0 and compared with difference
quotients of E|g_I|.
Conventions: loss with 1/n; rho in units of parameters; same batch in both gradients but for n-SAM.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, real, requires, script, seeds
from samtheory.evaluate import sample_gradients
from samtheory.problems.finite_sum import TanhFit
from samtheory.samplings import every_batch
from samtheory.sde.batches import batch_sde
from samtheory.sde.core import drift_at
from samtheory.sde.limits import extrapolate
from samtheory.sde.pushes import FullSAM, SAMPush

EPS = np.finfo(float).eps
SHARES = 2.0 ** -np.arange(4, 11)  # rho and difference steps, in units of the smallest batch gradient


@claim(
    title="SAM and m-SAM regularise the mean norm of batch and shard gradients, which falls with their size",
    where="Theorems 3.6-3.8, Proposition 3.9",
    kind="limit",
    confidence="second-hand + derived",
    statement="""(E step - grad f)/rho -> grad |grad f|, grad E|g_B|, grad E|g_I| as rho -> 0 for n-SAM, SAM, m-SAM;
        E|g_B| is non-increasing in B, with and without replacement.""",
    cost=4,
)
class SamDrifts:
    form: str = choice("n-SAM", "SAM or m-SAM")  # m-SAM with shards of size m has the mean step of SAM with B = m
    replace: str = choice("with", "without")
    samples: int = integer(3, 6)
    size: int = integer(1, 3)
    dim: int = integer(1, 3)
    spread: float = real(0.3, 1)
    seed: int = seeds()

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        rows = self.spread * rng.standard_normal((self.samples, self.dim))
        return TanhFit(rows, rng.uniform(-1, 1, self.samples))

    @property
    def point(self):
        return np.random.default_rng([self.seed, 1]).standard_normal(self.dim)

    def batch_gradients(self, points, size=None, form=None):
        """g_I at the points [..., batches, d] and the probabilities; n-SAM has the full gradient for all."""
        index, weights = every_batch(self.samples, size or self.size, self.replace == "with")
        if (form or self.form) == "n-SAM" and size is None:
            index = np.repeat(np.arange(self.samples)[None], len(index), axis=0)
        return sample_gradients(self.problem, points)[..., index, :].mean(axis=-2), weights

    @functools.cached_property
    def smallest(self):
        """The smallest norm of a batch gradient over a scale of parameters: how far rho may go."""
        g, _ = self.batch_gradients(self.point)
        return min(1.0, np.linalg.norm(g, axis=1).min())

    def assumptions(self):
        return [
            requires("no batch gradient vanishes", self.smallest, ">", 1e-2),
            requires("batches are no larger than n", self.size, "<=", self.samples),
        ]

    def measure(self, form=None, normalised=True):
        x = self.point
        index, weights = every_batch(self.samples, self.size, self.replace == "with")
        g, _ = self.batch_gradients(x, form=form)
        push = g / np.linalg.norm(g, axis=1, keepdims=True) if normalised else g
        descent = np.zeros((SHARES.size, self.dim))
        for row, rho in zip(descent, SHARES * self.smallest):
            there = sample_gradients(self.problem, x + rho * push)
            row[:] = weights @ np.take_along_axis(there, index[..., None], axis=1).mean(axis=1)
        full = sample_gradients(self.problem, x).mean(axis=0)
        rho = SHARES * self.smallest
        kind = FullSAM() if (form or self.form) == "n-SAM" else SAMPush()
        model = batch_sde(self.problem, 0.1, 0.5, kind, self.size, self.replace == "with")
        drift = -(drift_at(model, x) + full) / 0.5
        return extrapolate((descent - full) / rho[:, None], rho), drift, self.lengths()

    def lengths(self):
        """E|g_B| for B = 1, 2, ..., 6 (at most n without replacement)."""
        last = min(5, self.samples) if self.replace == "without" else 5
        pairs = [self.batch_gradients(self.point, size) for size in range(1, last + 1)]
        return np.array([weights @ np.linalg.norm(g, axis=1) for g, weights in pairs])

    def predict(self):
        """grad E|g_I| by central differences, extrapolated in the square of their step; and E|g_B| one B before."""
        steps = SHARES * self.smallest
        moved = self.point + steps[:, None, None, None] * np.array([1.0, -1.0])[:, None, None] * np.eye(self.dim)
        g, weights = self.batch_gradients(moved)
        values = np.linalg.norm(g, axis=-1) @ weights  # [steps, signs, d]
        slopes = (values[:, 0] - values[:, 1]) / (2 * steps[:, None])
        return extrapolate(slopes, steps**2), self.lengths()[:-1]

    def judge(self, measured, predicted):
        (limit, drift, lengths), (slope, before) = measured, predicted
        size = 100 * EPS * (1 + np.abs(self.problem.A).max() ** 2) * self.samples / self.smallest
        allowed = slope.allowance + size / (SHARES[-1] * self.smallest)
        why = "the last three corrections of both extrapolations, and rounding"
        return [
            equals("(E step - grad f)/rho", limit.value, slope.value, tolerance=limit.allowance + 2 * allowed, why=why),
            equals("drift of the model", drift, slope.value, tolerance=allowed, why=why),
            at_most("E|g_B|", lengths[1:], before, slack=size, why="rounding"),
        ]

    controls = {
        "SAM in place of n-SAM": control(
            measure=lambda c: c.measure("SAM or m-SAM"), where={"form": "n-SAM", "dim": 3}
        ),
        "n-SAM in place of SAM": control(
            measure=lambda c: c.measure("n-SAM"), where={"form": "SAM or m-SAM", "dim": 3, "samples": integer(4, 6)}
        ),
        "without the normalisation": control(measure=lambda c: c.measure(normalised=False)),
        "E|g_B| grows with B": control(
            predict=lambda c: (c.predict()[0], c.lengths()[1:]),
            measure=lambda c: (*c.measure()[:2], c.lengths()[[0, *range(len(c.lengths()) - 1)]]),
        ),
    }


if __name__ == "__main__":
    script(__file__)
