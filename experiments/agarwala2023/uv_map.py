"""Agarwala & Dauphin 2023 (arXiv 2302.08692): USAM on (uv - 1)^2/2 closes in the residual and the curvature.

The smallest quadratic regression, one output and two parameters: z = uv - 1, lam = u^2 + v^2 (the kernel J J'),
w = 1 + z.  USAM has the ascent point (u + rho z v, v + rho z u), of residual zt, and with
    zt = w + rho z lam + rho^2 z^2 w - 1,   p = zt + 1,   c = 2 w + rho z lam,
    q = lam + 4 rho z w + rho^2 z^2 lam,    e = lam + 2 rho z w
one step is exactly   z+ = w - eta zt e + eta^2 zt^2 p - 1,   lam+ = lam - 2 eta zt c + eta^2 zt^2 q.
(c = <(u, v), gradient at the ascent point>/zt, q = |ascent point|^2, e = v b + u a for the ascent point (a, b).)

Each step of a run is compared with the map started from that step's (z, lam): no error accumulates.
Conventions: loss z^2/2; rho in units of inverse curvature.
"""

import numpy as np

from samtheory.claims import claim, control, equals, log_real, real, requires, script
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

EPS = np.finfo(float).eps
STEPS = 60


def step(eta, rho, z, lam, second=1.0):
    """(z+, lam+); `second` multiplies the terms in eta^2."""
    w = 1 + z
    zt = w + rho * z * lam + rho**2 * z**2 * w - 1
    c, q = 2 * w + rho * z * lam, lam + 4 * rho * z * w + rho**2 * z**2 * lam
    e = lam + 2 * rho * z * w
    after = w - eta * zt * e + second * eta**2 * zt**2 * (zt + 1) - 1
    return np.array([after, lam - 2 * eta * zt * c + second * eta**2 * zt**2 * q])


@claim(
    title="USAM on (uv - 1)^2/2 is a map of the residual and the curvature alone",
    where="Section 3, one output and two parameters",
    kind="identity",
    confidence="derived",
    statement="""With z = uv - 1, lam = u^2 + v^2, w = 1 + z, zt = w + rho z lam + rho^2 z^2 w - 1:
        z+ = w - eta zt (lam + 2 rho z w) + eta^2 zt^2 (zt + 1) - 1,
        lam+ = lam - 2 eta zt (2 w + rho z lam) + eta^2 zt^2 (lam + 4 rho z w + rho^2 z^2 lam).""",
)
class UvMap:
    u: float = real(-2, 2)
    v: float = real(-2, 2)
    eta: float = log_real(1e-2, 0.5)
    rho: float = log_real(1e-2, 1)

    examples = ({"u": 1.5, "v": 0.5, "eta": 0.1, "rho": 0.2},)  # (-.1586444379, 2.6058897996), (-.0968228530, ...)

    def assumptions(self):
        return [requires("the gradient is not zero", abs(self.u * self.v - 1) * np.hypot(self.u, self.v), ">", 1e-9)]

    def measure(self, rule=USAM):
        rule = rule(self.eta) if rule is GD else rule(self.eta, self.rho)
        run = simulate(Product(HalfSquare(1.0)), rule, [self.u, self.v], STEPS, on_divergence="report", threads=1)
        u, v = run.states.T
        with np.errstate(over="ignore", invalid="ignore"):
            inside = np.flatnonzero(~(np.abs(u) + np.abs(v) < 1e3))
        end = inside[0] if inside.size else u.size
        return u[: max(end, 2)], v[: max(end, 2)]

    def predict(self, second=1.0, rho=1.0):
        return lambda z, lam: step(self.eta, rho * self.rho, z, lam, second)

    def judge(self, run, following):
        u, v = run
        z, lam = u * v - 1, u * u + v * v
        # every term of the map is a polynomial in |u|, |v|, |z|: the same with all signs positive bounds them
        size = np.abs(z) + 2 + lam
        push = self.eta * size * (1 + self.rho * size) ** 2 * (1 + size)
        slack = 64 * EPS * (size * (1 + push) * (1 + push))[:-1]
        why = "64 ulp of the terms of the map, taken positive"
        after = following(z[:-1], lam[:-1])
        return [
            equals("z+", z[1:], after[0], tolerance=slack, why=why),
            equals("lam+", lam[1:], after[1], tolerance=slack, why=why),
        ]

    calm = {"u": real(1.1, 1.6), "v": real(0.3, 0.6), "eta": real(0.05, 0.2), "rho": real(0.05, 0.5)}
    controls = {
        "gradient descent": control(measure=lambda c: c.measure(GD), where=calm),
        "normalised SAM": control(measure=lambda c: c.measure(SAM), where=calm),
        "without the terms in eta^2": control(predict=lambda c: c.predict(second=0.0), where=calm),
        "rho off by one part in ten million": control(predict=lambda c: c.predict(rho=1 + 1e-7), where=calm),
        "an ascent point of first order, without rho^2 z^2 w": control(
            predict=lambda c: (
                lambda z, lam: c.predict()(z, lam) + np.array([c.eta * lam * c.rho**2 * z**2 * (1 + z), 0 * z])
            ),
            where=calm,
            refutes="z+",
        ),
    }


if __name__ == "__main__":
    script(__file__)
