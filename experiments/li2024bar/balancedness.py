"""Li, Zhang & He 2024 (arXiv 2410.14802), Theorems 1-3 together: what SAM does to B is of first order in rho.

B = (|x|^2 - |y|^2)/2.  Gradient flow keeps B.  SAM's flow has dB/dt = lead + remainder,

    f(x y')   lead = rho (|g_x|^2 - |g_y|^2)/|(g_x, g_y)|       remainder = rho^2 c + O(rho^3)
    f(x'y)    lead = -2 rho |f'| B/h                            remainder = -2 rho^2 f'' B + O(rho^3)
    c = u^2 (g_x'M y - x'M g_y),  M = l''(x y' - A) o (g_x y' + x g_y'),  u = 1/|(g_x, g_y)|

(for l = u^2/2, c = u^2 (|g_x|^2 |y|^2 - |x|^2 |g_y|^2): the lengths pull, too).  So the remainder is O(rho^2), and no
better.  Measured: dB/dt from a step of `SAM` at rho, rho/2 and rho/4; the slope of the remainder, its coefficient by
extrapolation.

Conventions: full batch; both blocks share one normalisation; time = eta times steps.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients
from samtheory.measures.balancedness import balance_rate, balancedness
from samtheory.problems.balanced import Inner, Outer, pair
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.balancedness import outer_lead

EPS, LEVELS = np.finfo(float).eps, np.array([1.0, 0.5, 0.25])
LINKS = {
    "half-square": (HalfSquare(0.0), lambda u: 1 + 0 * u),
    "log-cosh": (LogCosh(), lambda u: 1 / np.cosh(u) ** 2),
    "pseudo-huber": (PseudoHuber(), lambda u: (1 + u**2) ** -1.5),
}  # each with l''


@claim(
    title="SAM changes the balance at first order in rho, with a remainder of exactly second order",
    where="Theorems 1, 2 and 3",
    kind="order",
    confidence="text (leading terms, the order), derived (the coefficient of rho^2)",
    statement="""dB/dt = lead + rho^2 c + O(rho^3): the remainder has slope 2 in rho and the coefficient
        u^2 (g_x'M y - x'M g_y) on f(x y'), -2 f'' B on f(x'y).""",
)
class Balancedness:
    shape: str = choice("x'y", "x y'")
    link: str = choice("half-square", "log-cosh", "pseudo-huber")
    size: int = integer(1, 6)
    scale: float = log_real(0.3, 2)  # |x||y| = scale^2
    tilt: float = log_real(0.05, 20)  # |x|/|y|
    miss: float = real(0.2, 1.5)
    reach: float = log_real(1e-3, 1e-2)  # rho max(h, 1/h)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """(x, y), the problem, rho."""
        rng = np.random.default_rng(self.seed)
        z = pair(rng, (self.size, self.size), self.scale, self.tilt)
        x, y = np.split(z, 2)
        if self.shape == "x'y":
            problem = Inner(LINKS[self.link][0], [x @ y - self.miss], self.size)
        else:
            problem = Outer(
                LINKS[self.link][0], np.outer(x, y) - self.miss * rng.standard_normal((self.size, self.size))
            )
        return z, problem, self.reach / max(np.linalg.norm(z), 1 / np.linalg.norm(z))

    def assumptions(self):
        z, problem, _ = self.data
        g, c = np.linalg.norm(gradients(problem, z)), self.predict()[1]
        return [
            requires("the gradient is far from zero", g, ">", 0.05 * np.linalg.norm(z)),
            requires("the coefficient of rho^2 is far from zero", abs(c), ">", 0.05 * z @ z),
        ]

    def measure(self, rule=SAM):
        """dB/dt = y'd_y - x'd_x from the direction d of a step with eta = 1, at rho, rho/2, rho/4."""
        z, problem, rho = self.data
        rates = []
        for level in LEVELS:
            one = rule(1.0, level * rho) if rule is SAM else rule(1.0)
            rates.append(balance_rate(z, simulate(problem, one, z, 1, threads=1).x, self.size))
        return np.array(rates)

    def predict(self, sign=1.0, share=1.0):
        """Leading terms at the three radii, and the coefficient of rho^2."""
        z, problem, rho = self.data
        x, y = np.split(z, 2)
        radii, bend = sign * rho * LEVELS, LINKS[self.link][1]
        gx, gy = np.split(gradients(problem, z), 2)
        if self.shape == "x'y":
            B, h = balancedness(z, self.size), np.linalg.norm(z)
            return -2 * radii * np.linalg.norm([gx, gy]) * B / h**2, -2 * share * bend(self.miss) * B
        M = bend(np.outer(x, y) - problem.target) * (np.outer(gx, y) + np.outer(x, gy))
        c = share * (gx @ M @ y - x @ M @ gy) / (gx @ gx + gy @ gy)
        return outer_lead(radii, np.linalg.norm(gx), np.linalg.norm(gy)), c

    def judge(self, rates, predicted):
        z, _, rho = self.data
        lead, c = predicted
        left = rates - lead
        ulp = 8 * (self.size**2 + 4) * EPS * (z @ z + np.abs(z).sum() ** 2 * (1 + 5 * self.miss))
        coefficients = left / (rho * LEVELS) ** 2
        twice = (8 * coefficients[2] - 6 * coefficients[1] + coefficients[0]) / 3  # both next orders removed
        once = 2 * coefficients[2] - coefficients[1]
        # what the extrapolation makes of an ulp of the three rates: (8 x 16 + 6 x 4 + 1)/3
        slack = abs(once - coefficients[2]) / 8 + 51 * ulp / rho**2
        slopes = np.log2(np.abs(left[:-1] / left[1:]))
        return [
            equals(
                "slope of the remainder", slopes, 2.0, tolerance=0.1, why="the interval of the statement, 1.9 to 2.1"
            ),
            equals(
                "coefficient of rho^2",
                twice,
                c,
                tolerance=slack,
                why="an eighth of the first extrapolation, and 51 x 8 (d^2 + 4) ulp of the rates",
            ),
        ]

    away = {"tilt": real(3, 20), "scale": real(0.7, 2), "miss": real(0.5, 1)}
    controls = {
        "gradient descent": control(measure=lambda c: c.measure(GD), where=away, refutes="slope of the remainder"),
        "the sign of the ascent": control(
            predict=lambda c: c.predict(sign=-1.0), where=away, refutes="slope of the remainder"
        ),
        "coefficient off by one per cent": control(
            predict=lambda c: c.predict(share=1.01),
            where=away | {"reach": real(1e-3, 2e-3)},
            refutes="coefficient of rho^2",
        ),
    }


if __name__ == "__main__":
    script(__file__)
