"""Agarwala & Dauphin 2023 (arXiv 2302.08692): USAM shrinks every singular value of the Jacobian, far from any minimum.

Quadratic regression with random symmetric Q (GOE: off-diagonal variance V, diagonal 2V) at fixed z and J, u = J'z, per
unit of eta: dJ/dt = -Q(gt, .), gt the gradient at theta + rho u.  Averaged over Q, exactly and for all rho (derived),

    E[dJ/dt] = -rho V [(P + 1) z u' + rho (P + 2) (J u) u'],
    E[d sigma_k/dt] = -rho V (w_k.z)^2 sigma_k [(P + 1) + rho (P + 2) sigma_k^2],   J = sum sigma_k w_k v_k'.

d lambda/dt = -2 rho P V (w.z)^2 lambda, lambda = sigma^2, is the leading order (recalled).  Proof: gt = u + rho (J'J u
+ Q(u,.)'z) + rho^2 (Q(u,.)'J u + J'Q(u,u)/2) + a cubic term, E Q_a A Q_b = delta_ab V (A' + tr(A) I), and odd orders
vanish.

No sampling: dJ/dt is a cubic polynomial in Q, so that its mean is the sum of its even parts over an orthogonal basis of
the Gaussian Q, D P (P + 1)/2 elements, each from two evaluations of the coded gradient.
Conventions: loss |z|^2/2, no 1/D.  Independent entries symmetrised by (A + A')/2 have V -> V/2.
"""

import functools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients
from samtheory.problems.quadratic_regression import QuadraticRegression

EPS = np.finfo(float).eps


def goe_basis(outputs, parameters, V):
    """Elements E_k with Q = sum_k xi_k E_k, xi_k independent standard normal: D P (P + 1)/2 arrays [D, P, P]."""
    for a in range(outputs):
        for i in range(parameters):
            for j in range(i + 1):
                E = np.zeros((outputs, parameters, parameters))
                E[a, i, j] += np.sqrt(V / 2 if i == j else V)
                E[a, j, i] += np.sqrt(V / 2 if i == j else V)
                yield E


@claim(
    title="USAM shrinks every NTK eigenvalue in proportion to its size and to the residual in its mode",
    where="Section 3, theorem on the NTK eigenvalues",
    kind="identity",
    confidence="memory (leading order) + derived (exact constants)",
    statement="""E[dJ/dt] = -rho V [(P+1) z u' + rho (P+2) (J u) u'] for every rho; hence E[d sigma_k/dt] = -rho V
        (w_k.z)^2 sigma_k [(P+1) + rho (P+2) sigma_k^2].""",
    cost=3,
    caveat="per unit of eta, for small steps; the paper's statement is recalled, to leading order in P and rho",
)
class Edj:
    outputs: int = integer(1, 3)
    parameters: int = integer(2, 5)
    V: float = log_real(0.05, 1)
    rho: float = log_real(1e-2, 1)
    size: float = real(0.3, 2)  # of z
    seed: int = seeds()

    examples = ({"outputs": 2, "parameters": 3, "V": 1 / 3, "rho": 0.3, "size": 1.0, "seed": 0},)

    @functools.cached_property
    def data(self):
        rng = np.random.default_rng([self.seed, 0])
        return self.size * rng.standard_normal(self.outputs), rng.standard_normal((self.outputs, self.parameters))

    def assumptions(self):
        z, J = self.data
        return [requires("the gradient is not zero", np.linalg.norm(J.T @ z), ">", 1e-9)]

    def slope(self, Q, rho):
        """dJ/dt of the coded gradients, [D, P]."""
        z, J = self.data
        problem, origin = QuadraticRegression(z, J, Q), np.zeros(self.parameters)
        gt = gradients(problem, origin + rho * gradients(problem, origin))
        return -Q @ gt

    def measure(self, rho=1.0, V=1.0):
        """E dJ/dt, and E d sigma_k/dt = w_k' E[dJ/dt] v_k."""
        rho, mean = rho * self.rho, np.zeros((self.outputs, self.parameters))
        for E in goe_basis(self.outputs, self.parameters, V * self.V):
            mean += (self.slope(E, rho) + self.slope(-E, rho)) / 2
        w, _, v = np.linalg.svd(self.data[1], full_matrices=False)
        return mean, np.einsum("dk,dp,kp->k", w, mean, v)

    def predict(self, first=1, second=2):
        (z, J), P, rho = self.data, self.parameters, self.rho
        u = J.T @ z
        mean = -rho * self.V * ((P + first) * np.outer(z, u) + rho * (P + second) * np.outer(J @ u, u))
        w, sigma, _ = np.linalg.svd(J, full_matrices=False)
        return mean, -rho * self.V * (w.T @ z) ** 2 * sigma * ((P + first) + rho * (P + second) * sigma**2)

    def judge(self, measured, predicted):
        (z, J), P = self.data, self.parameters
        # terms of the sum, taken positive: |Q(e)| <= sqrt(2 V) |e|, D P (P + 1)/2 of them, two evaluations each
        z, j, bend = np.linalg.norm(z), np.linalg.norm(J), np.sqrt(2 * self.V)
        e = self.rho * j * z
        gt = (j + bend * e) * (z + j * e + bend * e**2)
        slack = 8 * EPS * (self.outputs + P) * self.outputs * P * (P + 1) / 2 * bend * gt
        why = "round-off of the sum over the basis, all terms taken positive"
        names = ("E dJ/dt", "E d sigma/dt")
        return [equals(n, a, b, tolerance=slack, why=why) for n, a, b in zip(names, measured, predicted)]

    controls = {
        "P and P for P + 1 and P + 2": control(predict=lambda c: c.predict(0, 0)),
        "P + 1 twice": control(predict=lambda c: c.predict(1, 1)),
        "only the first order in rho": control(predict=lambda c: c.predict(1, -c.parameters)),
        "gradient descent does the same": control(measure=lambda c: c.measure(rho=0.0)),
        "entries symmetrised by (A + A')/2 with the same V": control(measure=lambda c: c.measure(V=0.5)),
        "rho off by one part in ten million": control(measure=lambda c: c.measure(rho=1 + 1e-7)),
    }


if __name__ == "__main__":
    script(__file__)
