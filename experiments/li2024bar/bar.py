"""Li, Zhang & He 2024 (arXiv 2410.14802), section 4: oBAR and nBAR, balancedness without a second gradient.

A step of the rule with the rate r = +-alpha, gradients at the unscaled point, h = |(x, y)|, gain = x'g_x = y'g_y:

    x+ = (1 - eta r) x - eta g_x,    y+ = (1 + eta r) y - eta g_y,
    B+ = B (1 + eta^2 r^2) - eta r h^2 + (eta^2/2)(|g_x|^2 - |g_y|^2) + 2 eta^2 r gain       exactly,

so that dB/dt = -r h^2: oBAR (r = alpha sgn B) gives -alpha sgn(B) h^2, nBAR alpha sgn(|g_x| - |g_y|) h^2.  On f(x'y)

    alpha = 2 rho |f'| |B|/h^3

is SAM's leading -2 rho |f'| B/h, and SAM's own rate, which is the faster (convex f, rho < 2 h), within
2 |B| rho^2 (1 + rho/(2 h)).  The paper's
alpha = O(|f'|/h) leaves out the factor |B|/h^2 <= 1/2: with an alpha that does not vanish with B oBAR does not follow
SAM's exponential tail.  On an orbit of minimisers it multiplies |x|/|y| by e^(-2 alpha t), is balanced at
t* = log(|x|/|y|)/(2 alpha), and from there jumps across B = 0, by alpha eta h^2 a step, for ever.

Conventions: the base optimiser is gradient descent; full batch; f a sum of 1-smooth losses; time = eta times steps.
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
from samtheory.measures.balancedness import balancedness
from samtheory.problems.balanced import Inner, Outer, pair
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber
from samtheory.rules.bar import NBAR, OBAR
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.balancedness import SLOPES, inner_remainder, matching_rate, reweighted_step

EPS, STEPS = np.finfo(float).eps, 1000
LINKS = {"half-square": HalfSquare(0.0), "log-cosh": LogCosh(), "pseudo-huber": PseudoHuber()}


@claim(
    title="oBAR and nBAR: a step, exactly; which rate makes oBAR SAM; and how oBAR ends",
    where="Section 4, algorithms 1 and 2",
    kind="identity",
    confidence="text (algorithms), derived (identities, the matching rate, the end)",
    statement="""B+ = B (1 + eta^2 r^2) - eta r h^2 + (eta^2/2)(|g_x|^2 - |g_y|^2) + 2 eta^2 r gain; at
        alpha = 2 rho |f'| |B|/h^3 oBAR's dB/dt on f(x'y) is SAM's within 2 |B| rho^2 (1 + rho/(2 h)); at a constant
        alpha oBAR is balanced at log(|x|/|y|)/(2 alpha) and then jumps about 0.""",
    caveat="the paper's alpha = O(|f'|/sqrt(|x|^2 + |y|^2)) lacks the factor |B|/(|x|^2 + |y|^2) of an exact match",
)
class BalancednessAware:
    link: str = choice("half-square", "log-cosh", "pseudo-huber")
    size: int = integer(1, 4)
    scale: float = log_real(0.2, 2)  # |x||y| = scale^2
    tilt: float = log_real(0.05, 20)  # |x|/|y|
    miss: float = real(0.3, 3)  # of x'y and its label, or of the entries of x y'
    reach: float = log_real(1e-3, 1.9)  # rho/h
    eta: float = log_real(1e-3, 0.5)
    alpha: float = log_real(1e-2, 1)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """(x, y), the two problems, rho."""
        rng = np.random.default_rng(self.seed)
        z = pair(rng, (self.size, self.size), self.scale, self.tilt)
        x, y = np.split(z, 2)
        target = np.outer(x, y) - self.miss * rng.standard_normal((self.size, self.size))
        link = LINKS[self.link]
        return z, Inner(link, [x @ y - self.miss], self.size), Outer(link, target), self.reach * np.linalg.norm(z)

    def assumptions(self):
        z, _, outer, _ = self.data
        G = SLOPES[self.link](np.outer(*np.split(z, 2)) - outer.target)
        gx, gy = np.linalg.norm(G @ z[self.size :]), np.linalg.norm(G.T @ z[: self.size])
        return [
            requires("|x| and |y| differ", abs(np.log(self.tilt)), ">", 1e-3),
            requires("|g_x| and |g_y| differ", abs(gx - gy), ">", 1e-6 * max(gx, gy)),
        ]

    def end(self):
        """B along an orbit of minimisers of (x'y - w)^2/2 at t*/2 and, step by step, after t*; alpha times its step."""
        z = self.data[0]
        eta = 0.2 / (z @ z)
        alpha = abs(np.log(self.tilt)) / (2 * STEPS * eta)
        problem = Inner(HalfSquare(0.0), [z[: self.size] @ z[self.size :]], self.size)
        run = simulate(problem, OBAR(GD(eta), alpha, self.size), z, STEPS + 40, threads=1).states
        B = balancedness(run, self.size)
        return B[STEPS // 2], B[STEPS + 20 :], alpha * eta

    def measure(self, unscaled=True, alpha=matching_rate):
        """B after a step of oBAR on f(x'y) and of nBAR on f(x y'); dB/dt of oBAR and of SAM; how oBAR ends."""
        z, inner, outer, rho = self.data
        steps = []
        for problem, rule in ((inner, OBAR), (outer, NBAR)):
            start = z
            if not unscaled:  # first the scaling, then the gradient
                start = simulate(problem, rule(GD(self.eta), self.alpha, self.size), z, 1, threads=1).x
                start = start - simulate(problem, GD(self.eta), z, 1, threads=1).x + z
                steps.append(balancedness(simulate(problem, GD(self.eta), start, 1, threads=1).x, self.size))
            else:
                after = simulate(problem, rule(GD(self.eta), self.alpha, self.size), z, 1, threads=1).x
                steps.append(balancedness(after, self.size))
        slope = float(SLOPES[self.link](self.miss))
        rate = alpha(rho, slope, balancedness(z, self.size), np.linalg.norm(z))
        drives = []
        for rule in (OBAR(GD(1.0), float(rate), self.size), SAM(1.0, rho)):
            moves = z * (z - simulate(inner, rule, z, 1, threads=1).x)
            drives.append(moves[self.size :].sum() - moves[: self.size].sum())
        return np.array(steps), drives, self.end()

    def predict(self, share=1.0):
        """B after the two steps; the remainder of SAM's rate; B at t*/2 (cosh and sinh of the orbit)."""
        z, _, outer, rho = self.data
        x, y = np.split(z, 2)
        B, h, slope = balancedness(z, self.size), np.linalg.norm(z), SLOPES[self.link]
        s, G = slope(self.miss), slope(np.outer(x, y) - outer.target)
        gx, gy = np.linalg.norm(G @ y), np.linalg.norm(G.T @ x)
        r = share * self.alpha
        one = reweighted_step(
            B, h, self.eta, np.sign(B) * r, abs(s) * np.linalg.norm(y), abs(s) * np.linalg.norm(x), s * (x @ y)
        )
        two = reweighted_step(B, h, self.eta, -np.sign(gx - gy) * r, gx, gy, x @ G @ y)
        half = np.linalg.norm(x) * np.linalg.norm(y) * np.sinh(np.log(self.tilt) / 2)
        return np.array([one, two]), inner_remainder(B, h, rho, 1.0), half

    def judge(self, measured, predicted):
        steps, (bar, sam), (half, tail, jump) = measured
        exact, remainder, middle = predicted
        z, _, _, rho = self.data
        h2, product = z @ z, self.scale**2
        entries = 1 + h2 + self.size * (5 * self.miss + h2)  # the slopes, and what an ulp of them is taken of
        ulp = 32 * (self.size**2 + 4) * EPS * h2 * (1 + self.eta * (entries + self.alpha)) ** 2
        far = 32 * (self.size + 4) * EPS * (h2 + rho**2) * (1 + entries)
        # a step takes x'y off w by (alpha eta)^2 w and descent brings it back, which mixes as much of x and y
        drift = 4 * STEPS * jump**2 * h2
        size = np.abs(tail[1:]) + np.abs(tail[:-1])
        return [
            equals("B after a step", steps, exact, tolerance=ulp, why="32 (d^2 + 4) ulp of iterates and slopes"),
            at_most("oBAR's dB/dt from SAM's", abs(bar - sam), remainder, slack=far, why="ulp of the iterates"),
            at_least("SAM's |dB/dt| over oBAR's", abs(sam), abs(bar), slack=far, why="ulp of the iterates"),
            equals("B at t*/2", half, middle, tolerance=drift, why="(alpha eta)^2 a step"),
            at_most("|B| after t*", np.abs(tail).max(), 2.5 * jump * product, why="one step from 0"),
            at_least("two steps of |B| after t*", size.min(), 1.5 * jump * product, why="it jumps by alpha eta h^2"),
        ]

    away = {"eta": real(0.1, 0.5), "alpha": real(0.2, 1), "scale": real(0.7, 2), "tilt": real(1.5, 5)}
    close = {"reach": log_real(1e-3, 2e-3), "scale": real(0.2, 0.5), "tilt": real(1.5, 5), "miss": real(0.3, 1)}
    controls = {
        "alpha off by one part in a million": control(
            predict=lambda c: c.predict(share=1 + 1e-6), where=away, refutes="B after a step"
        ),
        "gradients after the scaling": control(
            measure=lambda c: c.measure(unscaled=False), where=away, refutes="B after a step"
        ),
        "alpha = rho |f'|/h, whatever B": control(
            measure=lambda c: c.measure(alpha=lambda rho, slope, B, h: rho * slope / h),
            where={"tilt": real(1.05, 1.5), "reach": real(1e-3, 0.1), "scale": real(0.2, 0.5)},
            refutes="oBAR's dB/dt from SAM's",
        ),
        "a matching rate one per cent lower": control(
            measure=lambda c: c.measure(alpha=lambda *at: 0.99 * matching_rate(*at)),
            where=close,
            refutes="oBAR's dB/dt from SAM's",
        ),
        "a matching rate one per cent higher": control(
            measure=lambda c: c.measure(alpha=lambda *at: 1.01 * matching_rate(*at)),
            where=close,
            refutes="SAM's |dB/dt| over oBAR's",
        ),
    }


if __name__ == "__main__":
    script(__file__)
