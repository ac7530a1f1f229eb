"""Li, Zhang & He 2024 (arXiv 2410.14802), Theorem 2: SAM on f(x y') balances the gradients of the two factors.

G = f'(x y'), g_x = G y, g_y = G'x, u = 1/|(g_x, g_y)|, (x~, y~) = (x, y) + rho u (g_x, g_y), B = (|x|^2 - |y|^2)/2.
As x'(G~ y~) - y'(G~'x~) = rho u (x'G~ g_y - y'G~'g_x) only the ascent changes B to first order in eta:

    a step   B+ = B + eta rho u (<G~ y, g_x> - <G~'x, g_y>) + (eta^2/2)(|G~ y~|^2 - |G~'x~|^2)          exactly
    flow     dB/dt = rho (|g_x|^2 - |g_y|^2)/|(g_x, g_y)| + A,   |A| <= rho L h (rho h + rho^2/2),   h = |(x, y)|
             rho | |g_x| - |g_y| | - |A| <= |dB/dt| <= rho sqrt(| |g_x|^2 - |g_y|^2 |) + |A|

for an L-Lipschitz f'.  The bound on A (ours; the paper has O(rho^2 L)) is Cauchy's inequality, twice:
|x~ y~' - x y'| <= rho u (|g_x||y| + |x||g_y|) + rho^2 u^2 |g_x||g_y|, and the same weights stand before |G~ - G|.

Conventions: full batch; f a sum of 1-smooth losses of the entries; no perturbation where the gradient is 0.
"""

import functools

import numpy as np

from samtheory.claims import (
    at_least,
    at_most,
    choice,
    claim,
    control,
    equals,
    integer,
    log_real,
    real,
    requires,
    script,
    seeds,
)
from samtheory.measures.balancedness import balance_rate, balancedness
from samtheory.problems.balanced import Outer, pair
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.balancedness import SLOPES, outer_lead, outer_rate, outer_remainder, outer_step

EPS = np.finfo(float).eps
LINKS = {"half-square": HalfSquare(0.0), "log-cosh": LogCosh(), "pseudo-huber": PseudoHuber()}


@claim(
    title="SAM on f(x y') drives B by the difference of the two gradients; a step, exactly",
    where="Theorem 2",
    kind="identity",
    confidence="text (leading term, sandwich), derived (exact step, explicit remainder)",
    statement="""B+ = B + eta rho u (<G~ y, g_x> - <G~'x, g_y>) + (eta^2/2)(|G~ y~|^2 - |G~'x~|^2), and the flow's
        dB/dt is within rho L h (rho h + rho^2/2) of rho (|g_x|^2 - |g_y|^2)/|(g_x, g_y)|.""",
)
class OuterDynamics:
    link: str = choice("half-square", "log-cosh", "pseudo-huber")
    rows: int = integer(1, 5)
    columns: int = integer(1, 5)
    scale: float = log_real(0.1, 3)  # |x||y| = scale^2
    tilt: float = log_real(0.02, 50)  # |x|/|y|
    target: float = log_real(1e-3, 3)  # size of the entries of the target
    rho: float = log_real(1e-3, 3)
    eta: float = log_real(1e-3, 1)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """(x, y), the target, and G and G~ in NumPy."""
        rng = np.random.default_rng(self.seed)
        z = pair(rng, (self.rows, self.columns), self.scale, self.tilt)
        A = self.target * rng.standard_normal((self.rows, self.columns))
        slope, (x, y) = SLOPES[self.link], np.split(z, [self.rows])
        G = slope(np.outer(x, y) - A)
        g = np.concatenate([G @ y, G.T @ x])
        length = np.linalg.norm(g)
        ahead, right = np.split(z + self.rho * g / length if length else z, [self.rows])
        return z, A, G, slope(np.outer(ahead, right) - A)

    @property
    def normalised_alone(self):
        """|(g_x, g_y)|/|g_x|."""
        z, _, G, _ = self.data
        x, y = np.split(z, [self.rows])
        return np.hypot(1, np.linalg.norm(G.T @ x) / np.linalg.norm(G @ y))

    def assumptions(self):
        z, _, G, _ = self.data
        x, y = np.split(z, [self.rows])
        length = np.hypot(np.linalg.norm(G @ y), np.linalg.norm(G.T @ x))
        return [requires("the gradient is far from zero", length, ">", 1e-3 * np.linalg.norm(z))]

    def measure(self, rule=SAM):
        """B after a step, and dB/dt = y'd_y - x'd_x from the direction d of a step with eta = 1."""
        z, A = self.data[:2]
        after, far = (
            simulate(Outer(LINKS[self.link], A), rule(eta, self.rho) if rule is SAM else rule(eta), z, 1, threads=1).x
            for eta in (self.eta, 1)
        )
        return balancedness(after, self.rows), balance_rate(z, far, self.rows)

    def predict(self, sign=1.0, remainder=1.0, step=1.0):
        """B+, dB/dt, its leading term, the remainder, and the two ends of the sandwich."""
        z, _, G, G_plus = self.data
        x, y = np.split(z, [self.rows])
        gx, gy = np.linalg.norm(G @ y), np.linalg.norm(G.T @ x)
        ends = self.rho * np.array([abs(gx - gy), np.sqrt(abs(gx**2 - gy**2))])
        return (
            outer_step(balancedness(z, self.rows), x, y, G, G_plus, step * self.eta, sign * self.rho),
            outer_rate(x, y, G, G_plus, sign * self.rho),
            outer_lead(sign * self.rho, gx, gy),
            remainder * outer_remainder(self.rho, 1.0, np.linalg.norm(z)),
            ends,
        )

    def judge(self, measured, predicted):
        z, A, G, G_plus = self.data
        after, rate = measured
        exact_after, exact_rate, lead, A_t, (low, high) = predicted
        x, y = np.split(z, [self.rows])
        far = np.linalg.norm(z) + self.rho
        entries = np.abs(G_plus).max() + np.abs(G).max() + far**2 + np.abs(A).max()  # what an ulp of G is taken of
        # an ulp of G turns the perturbation by about |G| ulp/|g|, at most 1000 |G|/h ulp by the assumption
        turn = 1 + entries * np.linalg.norm(z) / np.hypot(np.linalg.norm(G @ y), np.linalg.norm(G.T @ x))
        count = 8 * (self.rows * self.columns + 4)
        ulp = count * EPS * far**2 * (1 + entries) * turn
        grown = far * (1 + self.eta * np.abs(G_plus).sum())
        why = "8 (entries + 4) ulp of the iterates times the slopes, the turn of the ascent included"
        return [
            equals(
                "B after a step", after, exact_after, tolerance=count * EPS * grown**2 * (1 + entries) * turn, why=why
            ),
            equals("dB/dt", rate, exact_rate, tolerance=ulp, why=why),
            at_most("distance to the leading term", abs(rate - lead), A_t, slack=ulp, why=why),
            at_least("|dB/dt| over rho ||g_x| - |g_y||", abs(rate), low - A_t, slack=ulp, why=why),
            at_most("|dB/dt| under rho sqrt||g_x|^2 - |g_y|^2|", abs(rate), high + A_t, slack=ulp, why=why),
        ]

    away = {"tilt": real(3, 20), "scale": real(1, 3), "target": real(1, 3), "rho": real(0.2, 1), "eta": real(0.2, 1)}
    alone = {"rows": 1, "columns": 1, "target": 1e-3, "link": "half-square", "tilt": real(40, 50), "rho": 1e-3}
    controls = {
        "gradient descent": control(measure=lambda c: c.measure(GD), where=away, refutes="dB/dt"),
        "the sign of the ascent": control(predict=lambda c: c.predict(sign=-1.0), where=away, refutes="dB/dt"),
        "the ascent normalised by |g_x| alone": control(
            predict=lambda c: c.predict(sign=c.normalised_alone), where=away, refutes="dB/dt"
        ),
        "eta off by one part in a million": control(
            predict=lambda c: c.predict(step=1 + 1e-6), where=away, refutes="B after a step"
        ),
        "a remainder smaller by one per cent": control(
            predict=lambda c: c.predict(remainder=0.99),
            where=alone | {"scale": real(0.5, 3)},
            refutes="distance to the leading term",
        ),
    }


if __name__ == "__main__":
    script(__file__)
