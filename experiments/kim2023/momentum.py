"""Kim, Park, Choi & Lee 2023 (arXiv 2301.06308), Theorem 3: momentum and batch size against diffusion near a saddle.

Heavy ball with noise of covariance |H|/B in the descent gradient, ascent on the full batch, from rest at the saddle:
    b+ = gamma b - eta (kappa w + noise),  w+ = w + b+,  kappa = lam (1 + rho lam).
After k steps, exactly,   V = (eta^2 |lam|/B) sum_{j<k} s_j^2,   s_j = (mu_1^{j+1} - mu_2^{j+1})/(mu_1 - mu_2),
mu the roots of mu^2 - (1 + gamma - eta kappa) mu + gamma.  Hence V is proportional to 1/B, and for lam < 0,
rho |lam| < 1 increasing in gamma (the s_j are) and decreasing in rho.

The paper's expression (second-hand),
    C1 (1 - e^{-C2 (1-gamma)})^2/((1-gamma)^3 B) + C3 (1 - e^{-C4/(1-gamma)})/((1-gamma) B),
    C1 = eta^2 |lam|/2,  C2 = t/eta,  C3 = eta |lam|/(2 lam (1 + rho lam)^2),  C4 = 2 lam (1 + rho lam)^2 t,
is over-damped: it needs eta |lam| << (1 - gamma)^2 and has a drift that is not SAM's (kim2023/diffusion).  Only the
comparisons are tested, with the exact covariance; the expression is a control.

kappa and gamma are read off two steps of the coded rule, and the covariance of (w, b) is iterated.
Conventions: the paper's SAM is USAM; loss with 1/2; t = eta k.
"""

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, integer, log_real, real, requires, script
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.momentum import HeavyBall
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

EPS = np.finfo(float).eps


@claim(
    title="Near a saddle momentum speeds diffusion up, rho and the batch slow it down",
    where="Theorem 3",
    kind="comparison",
    confidence="second-hand; exact recursion derived",
    statement="""Var after k steps is (eta^2 |lam|/B) sum_{j<k} s_j^2, s_j the impulse response of heavy ball with drift
        lam (1 + rho lam): proportional to 1/B, increasing in gamma, decreasing in rho for 0 < rho < 1/|lam|.""",
    caveat="the printed expression is an over-damped approximation, off by two orders at eta .01, gamma .9, 50 steps",
)
class Momentum:
    lam: float = real(-2, -0.2)
    pace: float = log_real(1e-3, 0.05)  # eta |lam|
    reach: float = real(0.05, 0.9)  # rho |lam|
    gamma: float = real(0, 0.95)
    batch: float = log_real(1, 100)
    steps: int = integer(5, 100)

    examples = tuple(
        {"lam": -1.0, "pace": 0.01, "reach": 0.2, "gamma": gamma, "batch": 1.0, "steps": 50}
        for gamma in (0.0, 0.5, 0.9, 0.95)  # V = .0075851, .0441280, 4.9178697, 21.6736394
    )

    @property
    def eta(self):
        return self.pace / -self.lam

    def assumptions(self):
        return [
            requires("the curvature is negative", self.lam, "<", 0),
            requires("rho |lam| < 1", self.reach, "<", 1),
            requires("0 <= gamma < 1", 0 <= self.gamma < 1),
        ]

    def variance(self, rho=1.0, gamma=0.0, batch=1.0):
        """V/eta^2, with rho and the batch multiplied, and gamma moved towards 1, by these."""
        gamma = self.gamma + gamma * (1 - self.gamma)
        rule = HeavyBall(USAM(self.eta, rho * self.reach / -self.lam), gamma)
        x = simulate(Diagonal([self.lam], [0.0]), rule, [1.0], 2, threads=1).states[:, 0]
        push = 1 - x[1]  # eta kappa
        held = (x[2] - (1 - push) * x[1]) / (x[1] - 1)  # gamma
        M = np.array([[1 - push, held], [-push, held]])  # of (w, b)
        cov = np.zeros((2, 2))
        for _ in range(self.steps):
            cov = M @ cov @ M.T - self.lam / (batch * self.batch)
        return cov[0, 0]

    def measure(self):
        value = self.variance()
        others = (self.variance(batch=3.0) * 3, self.variance(gamma=0.1), self.variance(rho=1.1))
        return value, *(other / value for other in others)

    def predict(self, square=1):
        """The closed form; `square` = 2 has the drift lam (1 + rho lam)^2."""
        push = self.eta * self.lam * (1 - self.reach) ** square
        a, b = np.roots([1, -(1 + self.gamma - push), self.gamma])
        j = np.arange(1, self.steps + 1)
        return -self.lam / self.batch * (((a**j - b**j) / (a - b)) ** 2).sum()

    def printed(self):
        lam, left, t = self.lam, 1 - self.gamma, self.eta * self.steps
        rate = lam * (1 - self.reach) ** 2
        first = self.eta**2 * -lam / 2 * (1 - np.exp(-self.steps * left)) ** 2 / left**3
        second = self.eta * -lam / (2 * rate) * -np.expm1(-2 * rate * t / left) / left
        return (first + second) / self.batch / self.eta**2

    def judge(self, measured, V):
        value, batch, gamma, rho = measured
        # gamma is read off a quotient by eta kappa, and every step of the recursion errs by a few ulp of cov
        small = self.pace * (1 - self.reach)
        tolerance = 64 * EPS * self.steps * (1 + 1 / small) / (1 - self.gamma)
        return [
            equals("V/eta^2", value, V, tolerance=tolerance * abs(V), why="gamma is read off to eps/(eta kappa)"),
            equals("B V(3 B) 3/V", batch, 1, tolerance=8 * EPS * self.steps, why="ulp of a step"),
            at_least("V at a larger gamma / V", gamma, 1, slack=tolerance, why="as of V"),
            at_most("V at a larger rho / V", rho, 1, slack=tolerance, why="as of V"),
        ]

    controls = {
        "the printed expression at strong momentum": control(
            predict=lambda c: c.printed(), where={"gamma": real(0.8, 0.95)}, refutes="V/eta^2"
        ),
        "the drift lam (1 + rho lam)^2": control(
            predict=lambda c: c.predict(square=2), where={"pace": log_real(1e-2, 0.05)}, refutes="V/eta^2"
        ),
        "momentum slows diffusion": control(
            measure=lambda c: (c.measure()[0], 1.0, 1 / c.measure()[2], 0.5),
            where={"pace": log_real(1e-2, 0.05), "gamma": real(0.2, 0.9)},
            refutes="V at a larger gamma / V",
        ),
        "rho speeds diffusion up": control(
            measure=lambda c: (*c.measure()[:3], 1 / c.measure()[3]),
            where={"pace": log_real(1e-2, 0.05), "reach": real(0.3, 0.8)},
            refutes="V at a larger rho / V",
        ),
        "V off by one part in ten million": control(
            predict=lambda c: (1 + 1e-7) * c.predict(), where={"pace": log_real(1e-2, 0.05), "gamma": real(0, 0.5)}
        ),
    }


if __name__ == "__main__":
    script(__file__)
