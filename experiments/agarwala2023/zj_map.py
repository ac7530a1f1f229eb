"""Agarwala & Dauphin 2023 (arXiv 2302.08692): on quadratic regression SAM is a map of residuals and Jacobian alone.

z(theta) = y + G theta + Q(theta, theta)/2, J = G + Q theta, loss |z|^2/2, u = J'z the gradient.  With the ascent
e = rho u (USAM) or rho u/|u| (SAM), Qe = Q(e, .), one step is exactly
    gt = (J + Qe)' (z + J e + Q(e, e)/2),  delta = -eta gt,  z+ = z + J delta + Q(delta, delta)/2,  J+ = J + Q(delta, .)
and for USAM gt is a polynomial in rho without remainder:
    gt = u + rho (J'J u + Q(u,.)'z) + rho^2 (Q(u,.)'J u + J'Q(u,u)/2) + (rho^3/2) Q(u,.)'Q(u,u).
The first-order term is what the flow at small steps sees: dz/dt = -K(I + rho K) z - rho J Q(u,.)'z, K = J J'.

Each step of a run in parameter space is compared with the map from that step's (z, J); over many steps SAM amplifies
round-off once it bounces.  Conventions: no factor 1/D; loss with 1/2; Q_a symmetric; full batch.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic_regression import jacobians, random_regression, residuals
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

EPS = np.finfo(float).eps
STEPS = 50


@claim(
    title="On quadratic regression SAM and USAM close in residuals and Jacobian",
    where="Section 3, the quadratic regression model",
    kind="identity",
    confidence="derived",
    statement="""gt = (J + Q(e,.))'(z + J e + Q(e,e)/2), e = rho u or rho u/|u|, u = J'z; z+ = z - eta J gt
        + eta^2 Q(gt,gt)/2, J+ = J - eta Q(gt,.); for USAM gt is the stated cubic in rho.""",
)
class ZjMap:
    method: str = choice("usam", "sam")
    outputs: int = integer(1, 6)
    parameters: int = integer(2, 10)
    q: float = log_real(0.03, 1)
    pace: float = real(0.05, 1)  # eta lam_max(K) at the start
    reach: float = real(0.05, 1)  # rho lam_max(K) (USAM), rho (SAM)
    seed: int = seeds()

    examples = tuple(
        {"method": m, "outputs": 5, "parameters": 9, "q": 0.3, "pace": 0.2, "reach": 0.5, "seed": 0}
        for m in ("usam", "sam")
    )

    @functools.cached_property
    def problem(self):
        return random_regression(np.random.default_rng([self.seed, 0]), self.outputs, self.parameters, self.q)

    @property
    def top(self):
        return np.linalg.norm(self.problem.G, 2) ** 2

    @property
    def eta(self):
        return self.pace / self.top

    @property
    def rho(self):
        return self.reach / self.top if self.method == "usam" else self.reach

    def assumptions(self):
        return [requires("the gradient is not zero", np.linalg.norm(self.problem.G.T @ self.problem.y), ">", 1e-6)]

    def measure(self):
        """Iterates, as far as the residuals stay below twenty times the first ones."""
        rule = (USAM if self.method == "usam" else SAM)(self.eta, self.rho)
        x = simulate(
            self.problem, rule, np.zeros(self.parameters), STEPS, limit=1e6, on_divergence="report", threads=1
        ).states
        x = x[np.isfinite(x).all(axis=1)]
        size = np.linalg.norm(residuals(self.problem, x), axis=1)
        far = np.flatnonzero(size > 20 * size[0])
        return x[: max(2, far[0] if far.size else len(x))]

    def ascent(self, u, method=None):
        length = np.linalg.norm(u, axis=-1, keepdims=True)
        return self.rho * u if (method or self.method) == "usam" else self.rho * u / length

    def predict(self, method=None, bent=True, moving=True):
        """(z, J) -> (z+, J+); not `bent`: without Q(delta, delta); not `moving`: J in gt where it was."""
        Q = self.problem.Q

        def following(z, J):
            u = np.einsum("tap,ta->tp", J, z)
            e = self.ascent(u, method)
            Qe = np.einsum("apq,tq->tap", Q, e)
            zt = z + np.einsum("tap,tp->ta", J + Qe / 2, e)
            gt = np.einsum("tap,ta->tp", J + (Qe if moving else 0), zt)
            Qd = np.einsum("apq,tq->tap", Q, -self.eta * gt)
            after = z - self.eta * np.einsum("tap,tp->ta", J + (Qd / 2 if bent else 0), gt)
            return after, J + Qd

        return following, self.cubic()

    def cubic(self, slope=1.0):
        """USAM's gt as a polynomial in rho; `slope` multiplies the term Q(u,.)'z."""
        Q, rho = self.problem.Q, self.rho

        def expanded(z, J):
            u = np.einsum("tap,ta->tp", J, z)
            Qu = np.einsum("apq,tq->tap", Q, u)
            Ju, Quu = np.einsum("tap,tp->ta", J, u), np.einsum("tap,tp->ta", Qu, u)

            def back(A, b):
                return np.einsum("tap,ta->tp", A, b)

            first = back(J, Ju) + slope * back(Qu, z)
            return u + rho * first + rho**2 * (back(Qu, Ju) + back(J, Quu) / 2) + rho**3 / 2 * back(Qu, Quu)

        return expanded

    def judge(self, x, predicted):
        following, expanded = predicted
        z, J = residuals(self.problem, x), jacobians(self.problem, x)
        after, J_after = following(z[:-1], J[:-1])
        # sizes of what is summed; errors of u pass through e (over |u| for SAM), the ascent point and the step
        far, bend = np.linalg.norm(x, axis=1).max(), np.linalg.norm(self.problem.Q)
        j = np.linalg.norm(self.problem.G) + bend * far
        s = np.linalg.norm(self.problem.y) + j * far
        u = np.linalg.norm(np.einsum("tap,ta->tp", J, z), axis=1).clip(1e-300)[:-1, None]
        e = self.rho * j * s if self.method == "usam" else self.rho
        amplified = (self.rho if self.method == "usam" else 2 * self.rho / u) * j * s  # |error of e| in ulp
        lifted = j + bend * e
        pushed = lifted * (s + lifted * e) + amplified * (lifted**2 + bend * (s + lifted * e))
        slack = (
            16 * (self.outputs + self.parameters) * EPS * (s + self.eta * (j + bend * self.eta * pushed) * pushed)
            + 0 * u
        )
        why = "ulp of every sum over outputs and parameters, passed on through the ascent"
        more = bend / j
        out = [
            equals("z+", z[1:], after, tolerance=slack, why=why),
            equals("J+", J[1:], J_after, tolerance=((j + s * more) / s * slack)[:, :, None], why=why),
        ]
        if self.method == "usam":
            round_off = 16 * (self.outputs + self.parameters) * EPS * pushed
            out.append(equals("gt as a cubic in rho", (x[:-1] - x[1:]) / self.eta, expanded(z[:-1], J[:-1]),
                              tolerance=round_off + 4 * EPS * far / self.eta, why=why))  # fmt: skip
        return out

    controls = {
        "z+ without Q(delta, delta)": control(predict=lambda c: c.predict(bent=False), refutes="z+"),
        "the Jacobian of the start in the ascended gradient": control(predict=lambda c: c.predict(moving=False)),
        "SAM with the ascent of USAM": control(predict=lambda c: c.predict(method="usam"), where={"method": "sam"}),
        "the cubic without Q(u,.)'z": control(
            predict=lambda c: (c.predict()[0], c.cubic(slope=0.0)),
            where={"method": "usam", "reach": real(0.2, 1), "pace": real(0.1, 0.3)},
            refutes="gt as a cubic in rho",
        ),
    }


if __name__ == "__main__":
    script(__file__)
