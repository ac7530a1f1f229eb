"""Li, Zhang & He 2024 (arXiv 2410.14802), Corollary 1: on f(x y') SAM drives B towards a threshold, not towards 0.

With the balanced pair xb = x/c, yb = c y, c^2 = |x|/|y|, of equal lengths and the same product, G = f'(x y') and

    q = |G yb|/|G'xb|,    Bbar = (q |xb|^2 - |yb|^2/q)/2,

B = (c^2 |xb|^2 - |yb|^2/c^2)/2 is above Bbar if and only if c^2 > q, that is |g_y| = c |G'xb| > |G yb|/c = |g_x|: then,
and only then, B decreases to leading order.  How small rho must be is computed here: the leading term
rho D, D = ||g_x|^2 - |g_y|^2|/|(g_x, g_y)|, keeps its sign, and at least (1 - share) of its size, as long as the
explicit remainder of li2024bar/nop-dynamics, L h (rho h + rho^2/2), is at most share D.

Conventions: those of li2024bar/nop-dynamics; any sign of B (the paper has B > 0, and B < 0 in Corollary 2).
"""

import functools

import numpy as np

from samtheory.claims import at_least, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.measures.balancedness import balance_rate, balancedness, lengths
from samtheory.problems.balanced import Outer, pair
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.balancedness import SLOPES

EPS = np.finfo(float).eps
LINKS = {"half-square": HalfSquare(0.0), "log-cosh": LogCosh(), "pseudo-huber": PseudoHuber()}


@claim(
    title="On f(x y') SAM lowers B if and only if B is above an explicit threshold",
    where="Corollaries 1 and 2",
    kind="comparison",
    confidence="text, derived (how small rho must be)",
    statement="""For rho with L h (rho h + rho^2/2) <= share D, D = ||g_x|^2 - |g_y|^2|/|(g_x, g_y)|, along SAM's flow
        sgn(Bbar - B) dB/dt is at least (1 - share) rho D.""",
)
class Threshold:
    link: str = choice("half-square", "log-cosh", "pseudo-huber")
    rows: int = integer(1, 5)
    columns: int = integer(1, 5)
    scale: float = log_real(0.1, 3)  # |x||y| = scale^2
    place: float = real(-2, 4)  # c^2 = |x|/|y| = q^place, so 1 is the threshold
    target: float = log_real(1e-3, 3)
    share: float = log_real(1e-3, 0.99)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """(x, y), the target, G."""
        rng = np.random.default_rng(self.seed)
        x, y = np.split(pair(rng, (self.rows, self.columns), self.scale, 1.0), [self.rows])
        A = self.target * rng.standard_normal((self.rows, self.columns))
        G = SLOPES[self.link](np.outer(x, y) - A)
        c = (np.linalg.norm(G @ y) / np.linalg.norm(G.T @ x)) ** (self.place / 2)
        return np.concatenate([x * c, y / c]), A, G

    @functools.cached_property
    def drive(self):
        """D, and the largest rho with L h (rho h + rho^2/2) <= share D."""
        z, _, G = self.data
        x, y = np.split(z, [self.rows])
        gx, gy, h = np.linalg.norm(G @ y), np.linalg.norm(G.T @ x), np.linalg.norm(z)
        D = abs(gx - gy) * (gx + gy) / np.hypot(gx, gy)
        return D, 2 * self.share * D / h / (h + np.sqrt(h * h + 2 * self.share * D / h))

    def assumptions(self):
        z, _, G = self.data
        x, y = np.split(z, [self.rows])
        gx, gy = np.linalg.norm(G @ y), np.linalg.norm(G.T @ x)
        return [
            requires("g_x and g_y are not zero", min(gx, gy), ">", 1e-3 * np.linalg.norm(z)),
            requires("|g_x| and |g_y| differ by one in a thousand", abs(gx - gy), ">", 1e-3 * max(gx, gy)),
        ]

    def measure(self, sign=1.0):
        """dB/dt = y'd_y - x'd_x from the direction d of a step of the rule, with eta of the order of |z|/|d|."""
        z, A, G = self.data
        eta = 1 / (1 + np.abs(G).sum())
        after = simulate(Outer(LINKS[self.link], A), SAM(eta, self.drive[1]), z, 1, threads=1).x
        return sign * balance_rate(z, after, self.rows, eta)

    def predict(self, power=1.0, origin=False):
        """Bbar, with abar^2 to this power; `origin`: 0 in its place."""
        z, _, G = self.data
        x, y = np.split(z, [self.rows])
        c = np.sqrt(np.divide(*lengths(z, self.rows)))
        x, y = x / c, y * c
        q = (np.linalg.norm(G @ y) / np.linalg.norm(G.T @ x)) ** power
        return 0.0 if origin else (q * x @ x - y @ y / q) / 2

    def judge(self, rate, threshold):
        z, A, G = self.data
        D, rho = self.drive
        size = (np.linalg.norm(z) + rho) ** 2
        entries = (1 + np.abs(G).sum()) * (1 + (size + np.abs(A).max()) * np.linalg.norm(z) / np.linalg.norm(G))
        slack = 8 * (self.rows * self.columns + 4) * EPS * size * entries
        towards = np.sign(threshold - balancedness(z, self.rows)) * rate
        why = "8 (entries + 4) ulp of the iterates times the slopes"
        return [at_least("dB/dt towards Bbar", towards, (1 - self.share) * rho * D, slack=slack, why=why)]

    between = {"place": real(0.6, 0.9), "rows": integer(2, 5), "columns": 1}  # c^2 between sqrt(q) and q
    controls = {
        "B falls below the threshold": control(measure=lambda c: c.measure(sign=-1.0)),
        "the threshold 0": control(predict=lambda c: c.predict(origin=True), where=between),
        "q^1.02 in place of q": control(  # which one of them B is above
            predict=lambda c: c.predict(power=1.02),
            where=between | {"place": real(1.008, 1.012), "scale": real(1, 3), "target": real(1, 3), "share": 0.5},
        ),
        "abar in place of its square": control(predict=lambda c: c.predict(power=0.5), where=between),
    }


if __name__ == "__main__":
    script(__file__)
