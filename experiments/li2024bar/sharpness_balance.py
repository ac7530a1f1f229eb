"""After Li, Zhang & He 2024 (arXiv 2410.14802), Lemma 1: balance and sharpness of f(x'y) on its minimisers, repaired.

Where f'(w) = 0 and f''(w) > 0, w = x'y, the Hessian is f'' (y, x)(y, x)', so that its largest eigenvalue, the trace and
the Frobenius norm are all

    lam = f''(w)(|x|^2 + |y|^2) = f''(w)(2 |x||y| cosh 2t),    e^(2t) = |x|/|y|,  B = |x||y| sinh 2t.

    along the orbit (c x, y/c) of one solution   lam = f'' 2 sqrt(|x|^2 |y|^2 + B^2): least exactly where B = 0
    over all solutions with x'y = w              lam >= 2 f'' |w|, with equality exactly where x = +-y

B = 0 is necessary for the second minimum, not sufficient in two or more dimensions: li2024bar/sharpness-balance-iff.

Conventions: f(u) = l(u - b); the state is (x, y).
"""

import functools

import numpy as np

from samtheory.claims import (
    at_least,
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
from samtheory.evaluate import gradients, hessian
from samtheory.measures.balancedness import balancedness
from samtheory.problems.balanced import Inner, pair
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber, TanhSquare

EPS = np.finfo(float).eps
LINKS = {
    "half-square": (HalfSquare(0.0), 1.0),
    "log-cosh": (LogCosh(), 1.0),
    "pseudo-huber": (PseudoHuber(), 1.0),
    "tanh-square": (TanhSquare(0.0), 1.0),
}  # each with l''(0)


def sharpness(link, z):
    """The largest eigenvalue of the Hessian at (x, y), whose label is x'y."""
    size = z.size // 2
    w = z[:size] @ z[size:]
    return np.linalg.eigvalsh(hessian(Inner(LINKS[link][0], [w], size), z))[-1]


@claim(
    title="On the minimisers of f(x'y) the sharpness is f''(|x|^2 + |y|^2); along an orbit, least at B = 0",
    where="Lemma 1, repaired",
    kind="identity",
    confidence="text (the formula), derived (where it is least)",
    statement="""Where f' = 0, f'' > 0: lam_max = f'' 2 sqrt(|x|^2 |y|^2 + B^2) >= 2 f'' |x||y| >= 2 f'' |w|; equality
        on the left where B = 0, on both sides where x = +-y.""",
    caveat="the lemma's 'minimised iff B = 0' holds along (c x, y/c), not over all solutions in two dimensions or more",
)
class SharpnessBalance:
    link: str = choice("half-square", "log-cosh", "pseudo-huber", "tanh-square")
    size: int = integer(1, 6)
    scale: float = log_real(0.1, 3)  # |x||y| = scale^2
    tilt: float = log_real(0.02, 50)  # |x|/|y|
    seed: int = seeds()

    @functools.cached_property
    def point(self):
        return pair(np.random.default_rng(self.seed), (self.size, self.size), self.scale, self.tilt)

    def assumptions(self):
        link, z = LINKS[self.link][0], self.point
        x, y = np.split(z, 2)
        bend = hessian(Inner(link, [0.0], 1), np.array([1.0, 0.0]))[1, 1]  # f'' (y, x)(y, x)' at w = 0
        slope = np.abs(gradients(Inner(link, [x @ y], self.size), z)).max()
        return [
            requires("f' = 0", slope, "<=", 32 * self.size * EPS * (z @ z) ** 1.5),
            requires("f'' > 0", bend, ">", 0),
        ]

    def measure(self):
        """lam_max at (x, y), at the balanced point of its orbit, and at x = +-y with the same product."""
        z, size = self.point, self.size
        x, y = np.split(z, 2)
        c = np.sqrt(np.linalg.norm(y) / np.linalg.norm(x))
        arm = np.zeros(size)
        arm[0] = np.sqrt(abs(x @ y))
        corners = np.concatenate([c * x, y / c]), np.concatenate([arm, np.sign(x @ y) * arm])
        return np.array([sharpness(self.link, at) for at in (z, *corners)])

    def predict(self, share=1.0):
        x, y = np.split(self.point, 2)
        product, bend = np.linalg.norm(x) * np.linalg.norm(y), LINKS[self.link][1]
        B = share * balancedness(self.point, self.size)
        return 2 * bend * np.array([np.hypot(product, B), product, abs(x @ y)])

    def judge(self, measured, predicted):
        slack = 32 * self.size * EPS * self.point @ self.point
        why = "32 d ulp of |x|^2 + |y|^2"
        return [
            equals("lam_max at (x, y), on the orbit, at x = +-y", measured, predicted, tolerance=slack, why=why),
            at_least("lam_max over that of the orbit's balanced point", measured[0], measured[1], slack=slack, why=why),
            at_least("lam_max over that of x = +-y", measured[1], measured[2], slack=slack, why=why),
        ]

    controls = {
        "B off by one part in 10^9": control(predict=lambda c: c.predict(share=1 + 1e-9), where={"tilt": real(3, 50)}),
        "without B": control(predict=lambda c: c.predict(share=0.0), where={"tilt": real(1.1, 50)}),
    }


if __name__ == "__main__":
    script(__file__)
