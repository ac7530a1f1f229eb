"""Ours: USAM on quadratics with spectrum in [mu, L]: worst factor, best step size, best radius, saddles.

USAM multiplies the eigen-coordinate of lam by 1 - eta h(lam), h(lam) = lam (1 + rho lam), increasing on [0, inf).  So
the worst factor is at an end of the spectrum, and equalising the ends gives
    eta* = 2/(h(mu) + h(L)),  factor (h(L) - h(mu))/(h(L) + h(mu)),
i.e. condition number kappa (1 + rho L)/(1 + rho mu): at its best step size USAM is never faster than GD, while at a
fixed eta < 2/(mu + L) the radius
    rho* = (2/eta - mu - L)/(mu^2 + L^2)
makes it faster, with factor 1 - eta h(mu).  A direction of curvature -lam < 0 is left iff rho lam < 1 or
eta lam (rho lam - 1) > 2, attracted iff rho lam > 1 and eta lam (rho lam - 1) < 2.

The factors are read off one step of the rule; the optima are where the two that are read off cancel, and both sides of
that are looked at.
Conventions: loss with 1/2; full batch; rho in units of inverse curvature.
"""

import numpy as np

from samtheory.claims import at_least, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory import usam_exact

EPS = np.finfo(float).eps


def factors(lam, eta, rho):
    """What one step multiplies each eigen-coordinate by."""
    lam = np.asarray(lam, dtype=float)
    return simulate(Diagonal(lam, 0 * lam), USAM(eta, rho), np.ones(lam.size), 1, threads=1).x


def balanced(sides, low, high):
    """Where the two signed factors cancel, and whether the larger of them grows on both sides of it."""
    from scipy.optimize import brentq

    at = brentq(lambda v: sides(v).sum(), low, high, xtol=1e-300, rtol=4 * EPS)
    here, there = np.abs(sides(at)).max(), [np.abs(sides(at * (1 + move))).max() for move in (-1e-4, 1e-4)]
    return at, here, min(there) > here


@claim(
    title="USAM on quadratics: worst factor, best step size, best radius, attraction to saddles",
    where="rates C29",
    kind="identity",
    confidence="derived",
    statement="""worst factor max(|1 - eta h(mu)|, |1 - eta h(L)|); least over eta at 2/(h(mu) + h(L)), where it is
        (h(L) - h(mu))/(h(L) + h(mu)) >= (L - mu)/(L + mu); least over rho at (2/eta - mu - L)/(mu^2 + L^2); the
        direction of curvature -lam grows iff rho lam < 1 or eta lam (rho lam - 1) > 2.""",
)
class Quadratics:
    kappa: float = log_real(1.1, 1e3)  # L/mu
    L: float = log_real(0.1, 10)
    radius: float = log_real(1e-3, 10)  # rho L
    reach: float = real(0.02, 2.2)  # eta h(L)
    slow: float = real(0.02, 0.98)  # the fixed step size of the best radius, in units of 2/(mu + L)
    dim: int = integer(2, 8)
    saddle: float = log_real(0.05, 20)  # rho lam of the negative curvature
    seed: int = seeds()

    examples = (
        {"kappa": 10.0, "L": 1.0, "radius": 0.5, "reach": 1.5, "slow": 0.275, "dim": 2, "saddle": 0.8, "seed": 0},
        {"kappa": 10.0, "L": 1.0, "radius": 2.0, "reach": 1.5, "slow": 0.275, "dim": 3, "saddle": 4.0, "seed": 1},
    )

    @property
    def data(self):
        """mu, rho, eta, spectrum, the fixed step size."""
        mu, rho = self.L / self.kappa, self.radius / self.L
        between = np.random.default_rng(self.seed).uniform(mu, self.L, self.dim)
        eta = self.reach / (self.L * (1 + self.radius))
        return mu, rho, eta, np.array([mu, self.L, *between])[: self.dim], 2 * self.slow / (mu + self.L)

    def negative(self):
        """Curvature of a saddle's direction, and how far it is from the two thresholds."""
        _, rho, eta, _, _ = self.data
        lam = self.saddle / rho
        return lam, min(abs(self.saddle - 1), abs(eta * lam * (self.saddle - 1) - 2))

    def assumptions(self):
        mu = self.data[0]
        return [
            requires("0 < mu", mu, ">", 0),
            requires("mu < L", mu, "<", self.L),
            requires("the saddle is not at a threshold (1e-9)", self.negative()[1], ">", 1e-9),
        ]

    def measure(self):
        mu, rho, eta, lam, fixed = self.data
        ends = [mu, self.L]
        worst = np.abs(factors(lam, eta, rho)).max()
        best_eta, at_eta, valley_eta = balanced(lambda t: factors(ends, t, rho), 0.0, 4 / self.L)
        best_rho, at_rho, valley_rho = balanced(lambda r: factors(ends, fixed, r), 0.0, 4 / (fixed * self.L**2))
        grows = abs(float(factors([-self.negative()[0]], eta, rho)[0])) > 1
        return (
            worst, best_eta, at_eta, best_rho, at_rho, grows, valley_eta and valley_rho,
        )  # fmt: skip

    def predict(self):
        mu, rho, eta, _, fixed = self.data
        lam = self.negative()[0]
        best = usam_exact.usam_optimal_radius(mu, self.L, fixed)
        return (
            usam_exact.usam_quadratic_factor(mu, self.L, eta, rho),
            usam_exact.usam_optimal_step(mu, self.L, rho),
            usam_exact.usam_optimal_factor(mu, self.L, rho),
            best,
            1 - fixed * usam_exact.push_curvature(mu, best),
            rho * lam < 1 or eta * lam * (rho * lam - 1) > 2,
            True,
        )

    def judge(self, seen, told):
        mu, _, _, _, fixed = self.data
        ulp = 16 * EPS
        # the sum of the factors errs by 16 ulp; over its slope, h(mu) + h(L) in eta and eta (mu^2 + L^2) in rho
        kink_eta = 2 * ulp * told[1]
        kink_rho = ulp * (told[3] + 2 / (fixed * (mu**2 + self.L**2)))
        return [
            equals("worst factor", seen[0], told[0], tolerance=ulp * (1 + told[0]), why="16 ulp of 1 - eta h"),
            equals("best eta", seen[1], told[1], tolerance=kink_eta, why="16 ulp of the factors, over their slope"),
            equals("best factor", seen[2], told[2], tolerance=2 * ulp, why="32 ulp"),
            equals("best rho", seen[3], told[3], tolerance=kink_rho, why="16 ulp of the factors, over their slope"),
            equals("factor at best rho", seen[4], told[4], tolerance=2 * ulp, why="32 ulp"),
            at_least("best factor, above GD's", seen[2], (self.kappa - 1) / (self.kappa + 1), slack=2 * ulp),
            equals("saddle grows", float(seen[5]), float(told[5]), tolerance=0.5, why="two truth values"),
            equals("both optima are minima", float(seen[6]), float(told[6]), tolerance=0.5, why="two truth values"),
        ]

    controls = {
        "h = lam (1 + 1.01 rho lam)": control(
            predict=lambda c: (1 + (c.predict()[0] - 1) * (1 + 1.01 * c.radius) / (1 + c.radius), *c.predict()[1:]),
            where={"radius": log_real(0.1, 10), "reach": real(1.2, 2.2), "kappa": log_real(3, 1000)},
            refutes="worst factor",
        ),
        "GD's best step": control(
            predict=lambda c: (c.predict()[0], 2 / (c.data[0] + c.L), *c.predict()[2:]), refutes="best eta"
        ),
        "GD's condition number": control(
            predict=lambda c: (*c.predict()[:2], (c.kappa - 1) / (c.kappa + 1), *c.predict()[3:]), refutes="best factor"
        ),
        "best rho a thousandth larger": control(
            predict=lambda c: (*c.predict()[:3], 1.001 * c.predict()[3], *c.predict()[4:]),
            where={"kappa": log_real(1.1, 50)}, refutes="best rho",
        ),
        "saddles attract from rho lam = 0.9": control(
            predict=lambda c: (*c.predict()[:5], c.saddle < 0.9, True),
            where={"saddle": real(0.91, 0.99)}, refutes="saddle grows",
        ),
        "saddles attract for every eta": control(
            predict=lambda c: (*c.predict()[:5], c.saddle < 1, True),
            where={"saddle": real(10, 20), "reach": real(1, 2.2), "radius": log_real(0.5, 2)}, refutes="saddle grows",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
