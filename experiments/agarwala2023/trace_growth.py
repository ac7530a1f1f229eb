"""Agarwala & Dauphin 2023 (arXiv 2302.08692): one step of gradient descent raises the trace of the kernel, on average.

Quadratic regression with random symmetric Q (GOE: off-diagonal variance V, diagonal 2V) at fixed z and J, u = J'z:

    E[tr K_1] - tr K_0 = eta^2 V (P + 1) D |u|^2,   K = J J',

the discrete-step term of progressive sharpening: J_1 = J - eta Q(u,.), the cross term has mean 0, and
E |Q_a u|^2 = V (P + 1) |u|^2 for each of the D outputs.  The flow has no such term.  USAM adds 2 <J, E dJ> < 0 of first
order in eta (agarwala2023/edj), which wins for small steps.

No sampling: tr K_1 is quadratic in Q, and its mean is the sum of its even parts over an orthogonal basis of the
Gaussian Q, from coded steps of gradient descent.  Conventions: loss |z|^2/2, no 1/D; V/2 if Q = (A + A')/2.
"""

import functools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic_regression import QuadraticRegression, jacobians
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

EPS = np.finfo(float).eps


@claim(
    title="Gradient descent raises the trace of the NTK by eta^2 V (P + 1) D |u|^2 a step",
    where="Section 3, second order in the step",
    kind="identity",
    confidence="derived",
    statement="E[tr K_1] - tr K_0 = eta^2 V (P + 1) D |u|^2 over GOE Q of off-diagonal variance V, u = J'z.",
    cost=6,
)
class TraceGrowth:
    outputs: int = integer(1, 4)
    parameters: int = integer(2, 6)
    V: float = log_real(0.02, 1)
    eta: float = log_real(1e-2, 1)
    size: float = real(0.3, 2)  # of z
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        rng = np.random.default_rng([self.seed, 0])
        return self.size * rng.standard_normal(self.outputs), rng.standard_normal((self.outputs, self.parameters))

    @property
    def u(self):
        z, J = self.data
        return J.T @ z

    def assumptions(self):
        return [requires("the gradient is not zero", np.linalg.norm(self.u), ">", 1e-9)]

    def trace(self, Q, rule):
        problem = QuadraticRegression(*self.data, Q)
        x = simulate(problem, rule, np.zeros(self.parameters), 1, record={}, threads=1).x
        return (jacobians(problem, x) ** 2).sum()

    def measure(self, rule=None):
        """E[tr K_1] - tr K_0: half the second difference along every element of the basis."""
        rule, before = rule or GD(self.eta), (self.data[1] ** 2).sum()
        D, P, grown = self.outputs, self.parameters, 0.0
        for a in range(D):
            for i in range(P):
                for j in range(i + 1):
                    Q = np.zeros((D, P, P))
                    Q[a, i, j] = Q[a, j, i] = np.sqrt(2 * self.V if i == j else self.V)
                    grown += (self.trace(Q, rule) + self.trace(-Q, rule)) / 2 - before
        return grown

    def predict(self, add=1):
        return self.eta**2 * self.V * (self.parameters + add) * self.outputs * (self.u @ self.u)

    def judge(self, grown, predicted):
        D, P, j = self.outputs, self.parameters, np.linalg.norm(self.data[1])
        push = self.eta * np.sqrt(2 * self.V) * np.linalg.norm(self.u)
        slack = 4 * EPS * (D + P) * D * P * (P + 1) / 2 * (j + push) ** 2
        why = "round-off of the trace at each of the elements of the basis"
        return [equals("E[tr K_1] - tr K_0", grown, predicted, tolerance=slack, why=why)]

    controls = {
        "P for P + 1": control(predict=lambda c: c.predict(add=0)),
        "one output only": control(predict=lambda c: c.predict() / c.outputs, where={"outputs": integer(2, 4)}),
        "no growth, as in the flow": control(predict=lambda c: 0.0),
        "USAM as well": control(measure=lambda c: c.measure(USAM(c.eta, 0.1)), where={"eta": log_real(0.01, 0.1)}),
        "off by one part in ten million": control(
            predict=lambda c: (1 + 1e-7) * c.predict(), where={"eta": log_real(0.1, 1)}
        ),
    }


if __name__ == "__main__":
    script(__file__)
