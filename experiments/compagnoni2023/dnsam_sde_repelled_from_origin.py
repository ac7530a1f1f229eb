"""Monzio Compagnoni et al. 2023 (arXiv 2301.08203): the noise of DNSAM's SDE throws X off a critical point.

The diffusion factor sqrt(eta) (I + rho H/|g|) S blows up like 1/|g|.  On f = x'Hx/2, V = |x|^2/2 (derived here):
    L V = -x'Hx - rho x'H^2 x/|Hx| + (eta/2) |(I + rho H/|Hx|) S|_F^2 -> +infinity,
    |x|^2 L V -> (eta rho^2/2) |H S|_F^2 |x|^2/|Hx|^2,   at minima and saddles alike.
In one dimension, lam > 0, noise s, the stationary density
    p ~ x^2 (|x| + rho)^{-2 - 2 lam rho^2/(eta s^2)} exp(-lam (x^2 - 2 rho |x|)/(eta s^2))
is zero at the minimiser and has its modes at |x| = (rho eta s^2/lam)^{1/3}.  Checked on the model's own coefficients:
no probability flux, (B^2 p)' = 2 b p.  The algorithm is bimodal too, USAM is not; its law is not p, because its
tail is heavier (claim dnsam-moment-blowup), so only more mass in a ring at 1.25 modes than in as long a window about
0 is asked for.  2^13 runs of 4/(eta lam) steps, binomial intervals with false alarm 1e-6 together; USAM has the
opposite by a factor above two, refuted with probability above 1 - 1e-6.
"""

import itertools
import math

import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.oracles import GaussianNoise
from samtheory.problems.quadratic import Diagonal, quadratic
from samtheory.rules.dnsam import DNSAM
from samtheory.rules.usam import USAM
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.core import covariance_at, drift_at
from samtheory.sde.moments import dnsam_density
from samtheory.sde.order import FALSE_ALARM, proportion_interval
from samtheory.sde.pushes import DNSAMPush, FullSAM
from samtheory.simulate import simulate

RUNS, EPS = 2**13, np.finfo(float).eps
RADII = np.geomspace(1e-7, 10, 9)  # of |x|, in units of rho


@claim(
    title="The diffusion of DNSAM repels from critical points; in one dimension its law is bimodal",
    where="Discussion of the SDE of DNSAM",
    kind="limit",
    confidence="memory + derived",
    statement="""The generator of DNSAM's SDE on |x|^2/2 tends to +infinity like 1/|x|^2 at a critical point; on
        lam x^2/2 the stationary density vanishes at 0 and has modes at (rho eta s^2/lam)^{1/3}.""",
    cost=8,
)
class DnsamSdeRepelledFromOrigin:
    h: float = log_real(0.01, 0.03)  # eta lam
    reach: float = real(0.7, 2)  # rho over the standard deviation s sqrt(eta/lam) of SGD
    lam: float = log_real(0.1, 10)
    s: float = log_real(0.1, 10)
    dim: int = integer(2, 6)  # of the quadratic on which the generator is looked at: minimum or saddle
    seed: int = seeds()

    examples = ({"h": 0.01, "reach": 1.0, "lam": 1.0, "s": 1.0, "dim": 2, "seed": 0},)  # rho = 0.1, mode 0.1

    @property
    def eta(self):
        return self.h / self.lam

    @property
    def rho(self):
        return self.reach * self.s * math.sqrt(self.eta / self.lam)

    @property
    def line(self):
        """lam x^2/2."""
        return Diagonal([self.lam], [0.0])

    def assumptions(self):
        return [requires("a minimum: lam > 0", self.lam, ">", 0), requires("rho > 0", self.rho, ">", 0)]

    def generator(self, push):
        """L V from the model's drift and covariance, and from the formula; [radii]; |x|^2 L V at the last."""
        rng = np.random.default_rng([self.seed, 0])
        curvature = self.lam * rng.uniform(0.2, 2, self.dim) * rng.choice([-1, 1], self.dim)
        problem = quadratic(curvature, rotation=rng)
        S = self.s * rng.standard_normal((self.dim, self.dim))
        u = rng.standard_normal(self.dim)
        x = self.rho * RADII[:, None] * (u / np.linalg.norm(u))
        model = AdditiveSDE(problem, S, self.eta, self.rho, push)
        value = (x * drift_at(model, x)).sum(axis=1) + np.trace(covariance_at(model, x), axis1=1, axis2=2) / 2
        H = np.array([problem.matrix @ e for e in np.eye(self.dim)]).T
        g = x @ H
        length = np.linalg.norm(g, axis=1)
        factor = (np.eye(self.dim) + self.rho * H / length[:, None, None]) @ S
        noise = self.eta / 2 * (factor**2).sum(axis=(1, 2))
        pull = (x * g).sum(axis=1), self.rho * (g**2).sum(axis=1) / length
        size = abs(pull[0]) + pull[1] + noise * np.linalg.cond(S)
        limit = self.eta * self.rho**2 / 2 * np.linalg.norm(H @ S) ** 2 / np.linalg.norm(H @ u) ** 2 * (u @ u)
        return value, noise - pull[0] - pull[1], size, value[0] * (x[0] @ x[0]) / limit

    def flux(self, density):
        """log(B^2 p) between points of (0, infinity) less the integral of 2 b/B^2; B and b of the model."""
        model = AdditiveSDE(self.line, [[self.s]], self.eta, self.rho, DNSAMPush())
        points = self.mode() * np.array([0.05, 0.3, 1, 2, 4])
        squares = covariance_at(model, points[:, None])[:, 0, 0]
        rate = [
            quad(lambda r: 2 * drift_at(model, [r])[0] / covariance_at(model, [r])[0, 0], a, b, epsrel=1e-11)[0]
            for a, b in itertools.pairwise(points)
        ]
        return np.diff(np.log(squares * density(points))) - rate

    def mode(self):
        return (self.rho * self.eta * self.s**2 / self.lam) ** (1 / 3)

    def density(self, r):
        return dnsam_density(r, self.lam, self.rho, self.eta, self.s)

    def windows(self, rule):
        """Intervals of the probability of [0, m/4] and of [1.125 m, 1.375 m] for |x|, m the mode."""
        steps = round(4 / self.h)
        source = GaussianNoise(self.line, self.s)
        x = abs(simulate(source, rule(self.eta, self.rho), [self.mode()], steps, members=RUNS, seed=self.seed,
                         every=steps).x[:, 0]) / self.mode()  # fmt: skip
        hits = (x < 0.25).sum(), ((x > 1.125) & (x < 1.375)).sum()
        return [proportion_interval(int(one), RUNS, FALSE_ALARM / 2) for one in hits]

    def measure(self, push=DNSAMPush(), rule=DNSAM, density=None):  # noqa: B008  (an empty NamedTuple)
        found = minimize_scalar(lambda r: -self.density(r), bounds=(0, 5 * self.mode()), options={"xatol": 1e-12})
        return self.generator(push), self.flux(density or self.density), found.x, self.windows(rule)

    def predict(self):
        return self.mode()

    def judge(self, measured, mode):
        (value, formula, size, ratio), flux, peak, (centre, ring) = measured
        return [
            equals("L V", value, formula, tolerance=64 * self.dim * EPS * size, why="round-off of its terms"),
            equals("|x|^2 L V/limit", ratio, 1, tolerance=1e-4, why="O(|x|/rho), |x| = 1e-7 rho"),
            equals("flux of p", flux, 0, tolerance=1e-8, why="quadrature"),
            equals("mode of p", peak, mode, tolerance=1e-6 * mode, why="a maximum is found to sqrt(eps)"),
            at_most("P(|x| < m/4), a ring as long", centre[1], ring[0], why="ends of the intervals"),
        ]  # fmt: skip

    controls = {
        "USAM is not repelled": control(measure=lambda c: c.measure(rule=USAM), where={"lam": real(0.5, 1)}),
        "without the noise's correction": control(measure=lambda c: c.measure(push=FullSAM())),
        "modes at sqrt(rho s) (eta/lam)^{1/4}": control(
            predict=lambda c: math.sqrt(c.rho * c.s) * (c.eta / c.lam) ** 0.25, where={"reach": real(1.2, 2)}
        ),
        "the Gaussian law of SGD": control(
            measure=lambda c: c.measure(density=lambda r: np.exp(-(r**2) * c.lam / (c.eta * c.s**2)))
        ),
    }


if __name__ == "__main__":
    script(__file__)
