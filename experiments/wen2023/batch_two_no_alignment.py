"""Wen, Ma & Li 2023 (arXiv 2211.05729), Example 5.8: with batches of two nothing aligns all gradients.

L_k = x'A_k x/2, k = 1, 2, A_k positive definite with top eigenspace V_k and condition number c_k (each the loss of a
batch of two or more: rank one would align, wen2023/rank-one-alignment).  Suppose grad L_k(x) = A_k x is within an angle
e of V_k, for both k.  Then x = A_k^{-1}(A_k x) is within atan(c_k tan e) of V_k, because A_k^{-1} divides the part in
V_k by lam_1 and the rest by lam_d or more; so theta, the least angle between V_1 and V_2, obeys
    theta <= atan(c_1 tan e) + atan(c_2 tan e):   max_k angle(A_k x, V_k) >= e* > 0 for every x != 0,
e* the root of the equality; in the plane it is attained (x between the two lines).  The spaces must meet only in 0:
that they differ is not enough, diag(2, 2, 1) and diag(1, 2, 2) share e_2 (control).

In the plane the minimum over x is enclosed by branch and bound (the angle of A_k x moves at most c_k times as fast as
that of x); in more dimensions the least value found by a search is above e*.
"""

import functools

import numpy as np

from samtheory.claims import at_least, choice, claim, control, equals, integer, real, requires, script, seeds
from samtheory.evaluate import sample_gradients
from samtheory.measures.enclosure import minimum_on_interval
from samtheory.problems.quadratic import orthogonal
from samtheory.problems.quadratic_sum import QuadraticSum

EPS = np.finfo(float).eps
ACCURACY = 1e-9  # of the enclosure in the plane


@claim(
    title="Two samples of full rank cannot both be aligned",
    where="Example 5.8",
    kind="counterexample",
    confidence="text (no x aligns both), derived (by how much)",
    statement="""A_1, A_2 > 0 whose top eigenspaces meet only in 0, at least angle theta: every x != 0 has
        max_k angle(A_k x, V_k) >= e*, atan(c_1 tan e*) + atan(c_2 tan e*) = theta; with equality in the plane.""",
    caveat="the example says 'different' top eigenspaces; they must meet only in 0",
    cost=2,
)
class BatchTwoNoAlignment:
    dim: int = integer(2, 6)
    spaces: str = choice("apart")
    first: int = integer(1, 3)  # dimension of V_1, at most half of dim
    second: int = integer(1, 3)
    gap: float = real(0.2, 0.95)  # lam_2/lam_1; the least eigenvalue is half of that
    seed: int = seeds()

    @functools.cached_property
    def model(self):
        """The two losses, bases of their top eigenspaces as columns, their condition numbers."""
        rng, d = np.random.default_rng([self.seed, 0]), self.dim
        A, spaces, conditions = [], [], []
        shared = np.eye(d)[:, :1]
        for m in (min(self.first, d // 2), min(self.second, d // 2)):
            basis = orthogonal(rng, d)
            if self.spaces == "shared":  # V_k is e_1 and directions of its own
                basis = np.linalg.qr(np.hstack([shared, basis[:, :-1]]))[0]
            lam = np.array([*np.ones(m), *rng.uniform(self.gap / 2, self.gap, d - m)])
            matrix = (basis * lam) @ basis.T
            A.append((matrix + matrix.T) / 2)
            spaces.append(basis[:, :m])
            conditions.append(1 / lam.min())
        return QuadraticSum(A, np.zeros((2, d))), spaces, np.array(conditions)

    @functools.cached_property
    def angles(self):
        """The least and the largest angle of a vector of V_2 to V_1."""
        first, second = self.model[1]
        across = np.linalg.svd(second - first @ (first.T @ second), compute_uv=False)
        along = np.linalg.svd(first.T @ second, compute_uv=False)
        return np.arctan2(across[-1], along[0]), np.arcsin(min(across[0], 1.0))

    def assumptions(self):
        least = min(np.linalg.eigvalsh(A)[0] for A in self.model[0].curvature)
        return [
            requires("A_1, A_2 are positive definite", least, ">", 0),
            requires("the top eigenspaces meet only in 0", self.angles[0], ">", 1e-6),
        ]

    def furthest(self, x):
        """max_k angle(A_k x, V_k) at every x, [...]."""
        g = sample_gradients(self.model[0], x)
        out = []
        for k, V in enumerate(self.model[1]):
            inside = g[..., k, :] @ V
            out.append(
                np.arctan2(np.linalg.norm(g[..., k, :] - inside @ V.T, axis=-1), np.linalg.norm(inside, axis=-1))
            )
        return np.max(out, axis=0)

    def measure(self):
        """The least max_k angle over x != 0: an enclosure in the plane, the best found elsewhere."""
        _, spaces, conditions = self.model
        if self.dim == 2:

            def on_the_circle(t):
                return self.furthest(np.stack([np.cos(t), np.sin(t)], axis=-1))

            return minimum_on_interval(on_the_circle, 0.0, np.pi, conditions.max(), tolerance=ACCURACY)
        rng = np.random.default_rng([self.seed, 1])
        x = rng.standard_normal((4000, self.dim))
        x[:2000] = sum(rng.standard_normal((2000, V.shape[1])) @ V.T for V in spaces)
        for spread in 0.7 ** np.arange(1, 61):
            values = self.furthest(x)
            best = x[values.argmin()] / np.linalg.norm(x[values.argmin()])
            x = np.vstack([best, best + spread * rng.standard_normal((200, self.dim))])
        return 0.0, values.min()

    def predict(self, theta=None, power=1):
        """e* by bisection: the left side increases from 0 to pi as e does from 0 to pi/2."""
        theta, low, high = self.angles[0] if theta is None else theta, 0.0, np.pi / 2
        for _ in range(100):
            e = (low + high) / 2
            low, high = (e, high) if np.arctan(self.model[2] ** power * np.tan(e)).sum() < theta else (low, e)
        return low

    def judge(self, found, floor):
        ulp = 64 * self.dim * EPS * self.model[2].max()
        why = "64 d ulp of a vector, times the condition number"
        if self.dim > 2:
            return [at_least("least angle found", found[1], floor, slack=ulp, why=why)]
        return [
            at_least("least angle, from below", found[0], floor, slack=ulp + ACCURACY, why=why + "; enclosure"),
            equals("least angle, attained", found[1], floor, tolerance=ulp + ACCURACY, why=why + "; enclosure"),
        ]

    controls = {
        "top eigenspaces that differ but share a direction": control(
            predict=lambda c: c.predict(c.angles[-1]),
            where={"spaces": choice("shared"), "dim": integer(4, 6), "first": integer(2, 3), "second": integer(2, 3)},
            violates="the top eigenspaces meet only in 0",
        ),
        "one part in a million more, in the plane": control(
            predict=lambda c: (1 + 1e-6) * c.predict(), where={"dim": 2}, refutes="least angle, from below"
        ),
        "half the angle between the spaces": control(
            predict=lambda c: c.angles[0] / 2, where={"dim": integer(3, 6), "gap": real(0.2, 0.5)}
        ),
        "the square root of the condition number": control(
            predict=lambda c: c.predict(power=0.5), where={"dim": 2, "gap": real(0.2, 0.5)}
        ),
    }


if __name__ == "__main__":
    script(__file__)
