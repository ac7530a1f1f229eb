"""Wen, Ma & Li 2023 (arXiv 2211.05729), Definitions 4.1, 4.3 and Theorem 4.2: three notions of sharpness, three limits.

On a manifold of minimisers where the Hessian H has rank M and non-zero eigenvalues lam_1 >= ... >= lam_M, D = dim x,
    R_max(x) = max_|v|<=1 L(x + rho v) - L(x),          R_max/rho^2 -> lam_1/2
    R_asc(x') = L(x' + rho g/|g|) - L(x'), g = grad L,   lim_(x'->x) inf R_asc/rho^2 -> lam_M/2
    R_avg(x) = E L(x + rho u) - L(x), |u| = 1,           R_avg/rho^2 -> tr H/(2 D).
On the manifold itself R_asc is +infinity by convention; at x' = x + r n, g/|g| -> H n/|H n| as r -> 0, any unit vector
h of the range of H, where R_asc/rho^2 -> h'Hh/2 >= lam_M/2.  How fast: with C the Lipschitz constant of H on the ball,
    |L(x + rho v) - L(x) - rho^2 v'Hv/2| <= C rho^3/6,
so that each quotient is within C rho/6 of its limit (asc: + |g|/rho + C r/2 at distance r).

Here M = 2; x = 0 is a point of the manifold of (1/2M) sum_k (b_k'x + x'Q_k x/2)^2, and (a, b, 0, 0) one of the two
bowls: near both, floats have their full relative accuracy.  Conventions: L as given; normalised ascent.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, real, requires, script, seeds
from samtheory.evaluate import dense_hessian, gradients
from samtheory.measures.sharpness import ascent_direction, average_direction, worst_direction
from samtheory.problems.core import dim, hessian_lipschitz
from samtheory.problems.quadratic_regression import mean_square_regression
from samtheory.problems.two_bowls import two_bowls

RHOS, NEAR = 10.0 ** -np.arange(1, 7), 1e-10  # x' is at distance NEAR * rho
ROUNDS = 4  # of 33 angles, each about the best of the last


@claim(
    title="What each notion of sharpness becomes on the minimisers",
    where="Definitions 4.1 and 4.3, Theorem 4.2",
    kind="limit",
    confidence="text + derived (the rate)",
    statement="""At a minimiser with Hessian of rank M: lim R/rho^2 = lam_1/2 for the worst direction, lam_M/2 for the
        direction of ascent (infimum over approaches), tr H/(2D) for the average over the sphere; each within
        rho/6 times the Lipschitz constant of the Hessian.""",
    cost=6,
)
class LimitingRegularisers:
    family: str = choice("bowls", "regression")
    a: float = real(-1.5, 1.5)  # of the bowls
    b: float = real(-1.5, 1.5)
    dim: int = integer(2, 6)  # of the regression
    bend: float = real(0.0, 1.0)  # size of its Q_k
    seed: int = seeds()

    examples = (
        {"family": "bowls", "a": 0.3, "b": -0.4, "dim": 2, "bend": 0.5, "seed": 0},  # 4.65, 2.005, 1.66375
        {"family": "bowls", "a": 1.0, "b": 0.5, "dim": 2, "bend": 0.5, "seed": 0},  # 4.25, 3.25, 1.875
    )

    @functools.cached_property
    def model(self):
        """The loss and the minimiser."""
        if self.family == "bowls":
            return two_bowls(), np.array([self.a, self.b, 0.0, 0.0])
        rng = np.random.default_rng(self.seed)
        Q = self.bend * rng.standard_normal((2, self.dim, self.dim))
        B = rng.standard_normal((2, self.dim)) * [[1.5], [1.0]]
        return mean_square_regression([0.0, 0.0], B, (Q + Q.transpose(0, 2, 1)) / 2), np.zeros(self.dim)

    @functools.cached_property
    def spectrum(self):
        """Of the Hessian, decreasing, and its eigenvectors as rows."""
        lam, V = np.linalg.eigh(dense_hessian(*self.model))
        return lam[::-1], V.T[::-1]

    def assumptions(self):
        lam = self.spectrum[0]
        rest = np.abs(lam[2:]).max(initial=0)
        return [
            requires("x is a critical point", np.linalg.norm(gradients(*self.model)), "<=", 0),
            requires("the Hessian has rank 2", lam[1] > 1e-3 * lam[0] and rest <= 1e-13 * lam[0]),
        ]

    def measure(self):
        """R/rho^2 of the three notions at every rho, [3, 6]."""
        problem, x = self.model
        return np.array(
            [
                [worst_direction(problem, x, rho).value / rho**2 for rho in RHOS],
                [self.least_ascent(rho) / rho**2 for rho in RHOS],
                [average_direction(problem, x, rho).value / rho**2 for rho in RHOS],
            ]
        )

    def least_ascent(self, rho):
        """The least R_asc over approaches in the range of the Hessian."""
        problem, x = self.model
        middle, reach = np.pi, np.pi
        for _ in range(ROUNDS):
            angle = middle + reach * np.linspace(-1, 1, 33)
            near = x + NEAR * rho * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ self.spectrum[1][:2]
            values = [ascent_direction(problem, one, rho).value for one in near]
            best = int(np.argmin(values))
            middle, reach = angle[best], reach / 16
        return values[best]

    def predict(self):
        lam = self.spectrum[0]
        return np.array([lam[0] / 2, lam[1] / 2, lam.sum() / (2 * dim(self.model[0]))])

    def judge(self, quotient, limit):
        lam = self.spectrum[0]
        C = np.array([hessian_lipschitz(*self.model, rho) for rho in RHOS])
        floor = C * RHOS / 6 + 64 * np.finfo(float).eps * lam[0]
        # the gradient at distance r is at most lam_1 r + C r^2/2; the angle is found to reach/16
        found = floor + 2 * lam[0] * NEAR + C * NEAR * RHOS + lam[0] ** 2 / lam[1] * (np.pi / 16**ROUNDS) ** 2
        why = "Taylor's remainder C rho/6, 64 ulp"
        return [
            equals("worst direction", quotient[0], limit[0], tolerance=floor, why=why),
            equals("direction of ascent", quotient[1], limit[1], tolerance=found, why=why + ", distance, angle"),
            equals("average direction", quotient[2], limit[2], tolerance=floor, why=why),
        ]

    controls = {
        "worst and ascent direction exchanged": control(
            predict=lambda c: c.predict()[[1, 0, 2]], where={"family": "bowls", "a": real(0.5, 1.5)}
        ),
        "tr H/2: perturbations N(0, rho^2 I) instead of the sphere": control(
            predict=lambda c: c.predict() * [1, 1, dim(c.model[0])], refutes="average direction"
        ),
        "the mean eigenvalue on the normal space": control(
            predict=lambda c: c.predict() * [1, 1, dim(c.model[0]) / 2],
            where={"dim": integer(3, 6)},
            refutes="average direction",
        ),
        **{
            f"{name} off by one part in 10^5": control(predict=lambda c: (1 + 1e-5) * c.predict(), refutes=name)
            for name in ("worst direction", "direction of ascent", "average direction")
        },
        "the least eigenvalue of all, 0": control(
            predict=lambda c: c.predict() * [1, 0, 1], where={"dim": integer(3, 6)}, refutes="direction of ascent"
        ),
    }


if __name__ == "__main__":
    script(__file__)
