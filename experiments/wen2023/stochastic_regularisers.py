"""Wen, Ma & Li 2023 (arXiv 2211.05729), Theorem 5.3: with one sample a batch every notion of sharpness is the trace.

L = (1/M) sum_k L_k, L_k = f_k^2/2.  Where all f_k = 0 the Hessian of L_k is grad f_k grad f_k', of rank one, so its
largest and its smallest non-zero eigenvalue are one number, |grad f_k|^2, its trace.  Hence, as rho -> 0,
    E_k R_max,k/rho^2 -> tr Hess L/2,   lim inf E_k R_asc,k/rho^2 -> tr Hess L/2,   E_k R_avg,k/rho^2 -> tr Hess L/(2D),
each within rho/6 times the mean Lipschitz constant C of the Hess L_k (wen2023/limiting-regularisers).  The ascent of
L_k goes along +-grad f_k only, the sign that of f_k: the infimum over approaches is one over 2^M signs.

The minimiser looked at is x = 0 of f_k = b_k'x + x'Q_k x/2: no loss of generality, and floats keep their digits there.
Conventions: L is the mean of the L_k; the same sample in both gradients.
"""

import functools
import itertools

import numpy as np

from samtheory.claims import claim, control, equals, integer, real, requires, script, seeds
from samtheory.evaluate import dense_hessian, losses, sample_gradients
from samtheory.measures.sharpness import ascent_direction, average_direction, per_sample, worst_direction
from samtheory.problems.core import dim, hessian_lipschitz
from samtheory.problems.quadratic_regression import mean_square_regression
from samtheory.problems.sample import each_sample

RHOS, NEAR = 10.0 ** -np.arange(1, 7), 1e-10  # x' is at distance NEAR * rho


@claim(
    title="With one sample a batch, worst and ascent direction both penalise the trace",
    where="Theorem 5.3",
    kind="limit",
    confidence="text + derived (the rate)",
    statement="""At an interpolating minimiser the mean over samples of R/rho^2 tends to tr Hess L/2 for the worst and
        for the ascent direction, to tr Hess L/(2D) for the average one, within rho/6 times the mean Lipschitz constant
        of the Hessians.""",
    cost=8,
)
class StochasticRegularisers:
    samples: int = integer(2, 3)
    extra: int = integer(0, 2)  # dimensions beyond one a sample
    bend: float = real(0.0, 1.0)  # size of the Q_k
    seed: int = seeds()

    examples = ({"samples": 2, "extra": 2, "bend": 0.4, "seed": 3},)

    @functools.cached_property
    def problem(self):
        rng, d = np.random.default_rng(self.seed), self.samples + self.extra
        Q = self.bend * rng.standard_normal((self.samples, d, d))
        B = rng.standard_normal((self.samples, d)) * rng.uniform(0.5, 1.5, (self.samples, 1))
        return mean_square_regression(np.zeros(self.samples), B, (Q + Q.transpose(0, 2, 1)) / 2)

    @property
    def x(self):
        return np.zeros(dim(self.problem))

    def assumptions(self):
        spectra = [np.linalg.eigvalsh(dense_hessian(one, self.x)) for one in each_sample(self.problem)]
        rest = max(np.abs(lam[:-1]).max() / lam[-1] for lam in spectra)
        slopes = np.linalg.svd(self.problem.G, compute_uv=False)
        return [
            requires("x interpolates: every f_k = 0", float(losses(self.problem, self.x)), "<=", 0),
            requires("every Hess L_k has rank one", rest, "<=", 1e-13),
            requires("the grad f_k are independent", slopes[-1] / slopes[0], ">", 1e-6),
        ]

    def near(self, rho):
        """Points at distance about NEAR rho where the f_k have each choice of signs."""
        inverse = np.linalg.pinv(self.problem.G)
        for signs in itertools.product((-1, 1), repeat=self.samples):
            step = inverse @ signs
            yield self.x + NEAR * rho * step / np.linalg.norm(step)

    def measure(self, sharpness=per_sample):
        """R/rho^2 of the three notions at every rho, [3, 6]."""
        p, x = self.problem, self.x
        return np.array(
            [
                [sharpness(worst_direction, p, x, rho, starts=2).value / rho**2 for rho in RHOS],
                [min(sharpness(ascent_direction, p, y, rho).value for y in self.near(rho)) / rho**2 for rho in RHOS],
                [sharpness(average_direction, p, x, rho).value / rho**2 for rho in RHOS],
            ]
        )

    def predict(self):
        trace = np.trace(dense_hessian(self.problem, self.x))
        return np.array([trace / 2, trace / 2, trace / (2 * self.x.size)])

    def judge(self, quotient, limit):
        C = np.array([hessian_lipschitz(self.problem, self.x, rho) for rho in RHOS])  # a sum over samples: the mean C_k
        floor = C * RHOS / 6 + 64 * self.x.size * np.finfo(float).eps * limit[0]
        steep = np.linalg.norm([sample_gradients(self.problem, y) for rho in RHOS for y in self.near(rho)], axis=2)
        slope = steep.mean(axis=1).reshape(len(RHOS), -1).max(axis=1)
        near = floor + slope / RHOS + C * NEAR * RHOS
        why = "Taylor's remainder C rho/6, 64 d ulp"
        return [
            equals("worst direction", quotient[0], limit[0], tolerance=floor, why=why),
            equals("direction of ascent", quotient[1], limit[1], tolerance=near, why=why + ", distance of x'"),
            equals("average direction", quotient[2], limit[2], tolerance=floor, why=why),
        ]

    controls = {
        **{
            f"{name}, batches of all samples": control(
                measure=lambda c: c.measure(lambda sharpness, *args, **options: sharpness(*args, **options)),
                where={"samples": 2},
                refutes=name,
            )
            for name in ("worst direction", "direction of ascent")
        },
        "the largest eigenvalue of the mean": control(
            predict=lambda c: c.predict() * np.linalg.eigvalsh(dense_hessian(c.problem, c.x))[-1] / 2 / c.predict()[0]
        ),
        "the sum of the L_k": control(predict=lambda c: c.samples * c.predict()),
        "tr/2 for the average direction": control(
            predict=lambda c: c.predict()[[0, 1, 0]], refutes="average direction"
        ),
        **{
            f"{name} off by one part in 10^5": control(predict=lambda c: (1 + 1e-5) * c.predict(), refutes=name)
            for name in ("worst direction", "direction of ascent", "average direction")
        },
    }


if __name__ == "__main__":
    script(__file__)
