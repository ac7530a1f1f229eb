"""Wen, Ma & Li 2023 (arXiv 2211.05729), Lemma 5.5: the gradient of one sample is aligned wherever it is not zero.

L_k = f_k^2/2 and p with f_k(p) = 0, where Hess L_k = grad f_k(p) grad f_k(p)' has rank one.  Since grad L_k(x) = f_k(x)
grad f_k(x) exactly, with s = sign f_k(x) and C_k the Lipschitz constant of grad f_k (here |Q_k|)
    grad L_k(x)/|grad L_k(x)| = s grad f_k(x)/|grad f_k(x)|,
    |grad L_k(x)/|grad L_k(x)| - s grad f_k(p)/|grad f_k(p)|| <= 2 C_k |x - p|/(|grad f_k(x)| + |grad f_k(p)|),
by |a/|a| - b/|b|| <= 2 |a - b|/(|a| + |b|) (Dunkl & Williams).  So one sample's ascent is along the top eigenvector of
its own Hessian up to O(|x - p|) from every side, with no need to wait for the dynamics to align it: for L itself the
direction of grad L(x) next to p is arbitrary (control).

f_k = b_k'x + x'Q_k x/2, p = 0: no loss of generality, and floats keep their digits there.
"""

import functools

import numpy as np

from samtheory.claims import at_most, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients, losses, sample_gradients
from samtheory.problems.quadratic_regression import jacobians, mean_square_regression, residuals

EPS = np.finfo(float).eps
HALVINGS = 2.0 ** -np.arange(12)


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


@claim(
    title="Near an interpolating minimiser each sample's gradient is along its own top eigenvector",
    where="Lemma 5.5",
    kind="bound",
    confidence="text (O(|x - p|)), derived (its constant, and the exact parallel)",
    statement="""grad L_k(x) is parallel to grad f_k(x), and |grad L_k/|grad L_k| - s grad f_k(p)/|grad f_k(p)|| <=
        2 C_k |x - p|/(|grad f_k(x)| + |grad f_k(p)|), s = sign f_k(x), wherever grad L_k(x) is not zero.""",
)
class RankOneAlignment:
    samples: int = integer(1, 4)
    extra: int = integer(0, 3)  # dimensions beyond one a sample
    bend: float = real(0.05, 2.0)  # size of the Q_k
    reach: float = log_real(1e-8, 1)  # the largest |x - p|
    seed: int = seeds()

    examples = ({"samples": 1, "extra": 1, "bend": 0.8582139833465334, "reach": 1e-3, "seed": 4007390185},)  # tight

    @functools.cached_property
    def problem(self):
        rng, d = np.random.default_rng([self.seed, 0]), self.samples + self.extra
        Q = self.bend * rng.standard_normal((self.samples, d, d))
        return mean_square_regression(
            np.zeros(self.samples), rng.standard_normal((self.samples, d)), (Q + Q.transpose(0, 2, 1)) / 2
        )

    @functools.cached_property
    def x(self):
        """Ever nearer to p = 0 on one ray, [12, d]."""
        ray = unit(np.random.default_rng([self.seed, 1]).standard_normal(self.samples + self.extra))
        return self.reach * HALVINGS[:, None] * ray

    def assumptions(self):
        g, slopes = sample_gradients(self.problem, self.x), jacobians(self.problem, 0 * self.x[0])
        return [
            requires("p interpolates", float(losses(self.problem, 0 * self.x[0])), "<=", 0),
            requires("grad L_k(x) is not zero", np.linalg.norm(g, axis=-1).min(), ">", 0),
            requires("grad f_k(p) is not zero", np.linalg.norm(slopes, axis=-1).min(), ">", 0),
        ]

    def measure(self, direction=None):
        """The direction of every sample's gradient, with the sign of f_k: [12, M, d]."""
        g = sample_gradients(self.problem, self.x) if direction is None else direction(self)
        return unit(g) * np.sign(residuals(self.problem, self.x))[..., None]

    def predict(self, power=1):
        """Direction of grad f_k at x and at p, the bound of what lies between, round-off of the direction at x."""
        here, there = jacobians(self.problem, self.x), self.problem.G
        size = np.linalg.norm(here, axis=-1)
        bend = np.abs(np.linalg.eigvalsh(self.problem.Q)).max(axis=-1)
        distance = np.linalg.norm(self.x, axis=-1, keepdims=True)
        bound = 2 * bend * distance**power / (size + np.linalg.norm(there, axis=-1))
        terms = np.linalg.norm(there, axis=-1) + bend * distance  # of the sum grad f_k = b_k + Q_k x
        return unit(here), unit(there), bound, 8 * self.x.shape[1] * EPS * terms / size

    def judge(self, direction, predicted):
        here, there, bound, ulp = predicted
        why = "8 d ulp of the terms of grad f_k"
        return [
            at_most("angle to grad f_k(x)", np.linalg.norm(direction - here, axis=-1), 0, slack=ulp, why=why),
            at_most("distance to grad f_k(p)", np.linalg.norm(direction - there, axis=-1), bound, slack=ulp, why=why),
        ]

    controls = {
        "|x - p|^2 for |x - p|": control(
            predict=lambda c: c.predict(power=2), where={"reach": log_real(1e-4, 1e-2), "extra": integer(1, 3)}
        ),
        "a constant one per cent smaller, where Q x is nearly across b": control(
            predict=lambda c: (*c.predict()[:2], 0.99 * c.predict()[2], c.predict()[3]),
            where={
                "samples": 1,
                "extra": 1,
                "bend": 0.8582139833465334,
                "seed": 4007390185,
                "reach": log_real(1e-6, 1e-3),
            },
        ),
        "the gradient of the whole loss": control(
            measure=lambda c: c.measure(lambda c: np.repeat(gradients(c.problem, c.x)[:, None], c.samples, axis=1)),
            where={"samples": integer(2, 4), "reach": log_real(1e-8, 1e-2)},
            refutes="distance to grad f_k(p)",
        ),
        "another sample's slope": control(
            measure=lambda c: c.measure(lambda c: sample_gradients(c.problem, c.x)[:, ::-1]),
            where={"samples": integer(2, 4), "reach": log_real(1e-8, 1e-2)},
            refutes="distance to grad f_k(p)",
        ),
    }


if __name__ == "__main__":
    script(__file__)
