"""Which equation models USAM in which regime of the radius (after Monzio Compagnoni et al. 2023, arXiv 2301.08203).

Finite sums of quadratics f_i = (x - b_i)'H_i(x - b_i)/2, one index a step, G = mean of the gradient maps on (x, 1),
F = mean of H_i times them, U = G + rho F; E x_k is a matrix power, the mean of an equation a matrix exponential.  With
q_T = -int_0^T e^{-G(T-s)} F e^{-Gs} (x0, 1) ds and p_T(U) = -(T/2) U^2 e^{-UT} (x0, 1), as eta -> 0:

    rho = c eta        USAM equation: error/eta -> p_T(G)       SGD equation: error/eta -> p_T(G) + c q_T
    rho = c sqrt(eta)  USAM equation: error/eta -> p_T(G)       SGD equation: error/sqrt(eta) -> c q_T
    rho = c            USAM equation: error/eta -> p_T(U)       SGD equation: error -> (e^{-UT} - e^{-GT})(x0, 1)

So the plain SGD equation is of order 1, exactly 1/2, and 0.  An experiment with rho = c eta cannot support the USAM
equation; rho fixed works only because everything is quadratic (else an O(rho^2) floor remains).

Conventions: same sample in both gradients; rho in units of inverse curvature.
"""

import functools

import numpy as np
from scipy.linalg import expm

from samtheory.claims import choice, claim, control, equals, integer, real, requires, script, seeds
from samtheory.problems.quadratic import orthogonal
from samtheory.problems.quadratic_sum import QuadraticSum
from samtheory.sde.batch_moments import batches
from samtheory.sde.limits import extrapolate
from samtheory.sde.pushes import FullUSAM, USAMPush

EPS = np.finfo(float).eps
STEPS = 2 ** np.array([8, 10, 12, 14, 16])
POWER = {"c eta": 1.0, "c sqrt(eta)": 0.5, "fixed": 0.0}  # of the SGD equation's error, and rho = c eta^POWER


@claim(
    title="The SGD equation models USAM to order 1, 1/2 or 0 as rho = c eta, c sqrt(eta) or c",
    where="Remarks on the radius",
    kind="order",
    confidence="derived",
    statement="""On finite sums of quadratics the mean of the USAM equation is of order one in eta for rho = c eta,
        c sqrt(eta) and c; the error of the SGD equation is of the orders 1, 1/2 and 0, with the stated constants.""",
    cost=2,
)
class RhoScaling:
    regime: str = choice("c eta", "c sqrt(eta)", "fixed")
    c: float = real(0.2, 0.8)
    samples: int = integer(2, 8)
    dim: int = integer(1, 4)
    horizon: float = real(0.5, 1.5)
    seed: int = seeds()

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        bases = [orthogonal(rng, self.dim) for _ in range(self.samples)]
        curvature = [(q * rng.uniform(0, 3, self.dim)) @ q.T for q in bases]
        return QuadraticSum([(h + h.T) / 2 for h in curvature], rng.standard_normal((self.samples, self.dim)))

    @functools.cached_property
    def start(self):
        """(x0, 1) with |x0| = 2."""
        x = np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        return np.append(2 * x / np.linalg.norm(x), 1.0)

    @property
    def etas(self):
        return self.horizon / STEPS

    def radius(self, eta, regime=None):
        return self.c * eta ** POWER[regime or self.regime]

    def maps(self, kind=USAMPush()):  # noqa: B008
        """G and F of this push."""
        all_of_them = batches(self.problem, kind)
        return all_of_them.mean(all_of_them.gradient), all_of_them.mean(all_of_them.ascent)

    def assumptions(self):
        G, F = self.maps()
        top = np.linalg.norm((G + self.radius(self.etas[0]) * F)[:-1, :-1], 2)
        return [requires("eta |H + rho mean H_i^2| < 1", self.etas[0] * top, "<", 1)]

    def measure(self, kind=USAMPush(), sign=1.0, regime=None):  # noqa: B008
        """Limits of error/eta of the USAM equation and error/eta^p of the SGD equation."""
        (G, F), right, plain = self.maps(kind), [], []
        G, F_true = self.maps()
        for eta, k in zip(self.etas, STEPS):
            rho = self.radius(eta, regime)
            exact = np.linalg.matrix_power(np.eye(len(G)) - eta * (G + rho * F_true), int(k))
            right.append((exact - expm(-self.horizon * (G + sign * rho * F))) @ self.start / eta)
            plain.append((exact - expm(-self.horizon * G)) @ self.start / eta ** POWER[self.regime])
        return [extrapolate([v[:-1] for v in one], self.etas**0.5) for one in (right, plain)]

    def predict(self):
        (G, F), T, y = self.maps(), self.horizon, self.start
        zero = np.zeros_like(G)
        q = -expm(T * np.block([[-G, F], [zero, -G]]))[: len(G), len(G) :] @ y  # Duhamel's integral, in one block
        U = G + (self.c * F if self.regime == "fixed" else zero)
        own = -T / 2 * U @ U @ expm(-T * U) @ y
        plain = {
            "c eta": own + self.c * q,
            "c sqrt(eta)": self.c * q,
            "fixed": (expm(-T * U) - expm(-T * G)) @ y,
        }[self.regime]
        return own[:-1], plain[:-1]

    def judge(self, measured, predicted):
        power = POWER[self.regime]
        # a power of a map of norm about 1 on (x, 1), whose last column is of the size of H_i b_i
        rounding = 10 * (1 + np.abs(self.maps()[0]).max()) ** 2 * EPS * STEPS[-1]
        why = "the last three corrections of the extrapolation, and rounding of the matrix power"
        return [
            equals(
                f"{name} equation: mean error/eta^{p:g} as eta -> 0",
                got.value,
                want,
                tolerance=got.allowance + rounding / self.etas[-1] ** p,
                why=why,
            )
            for name, p, got, want in zip(("USAM", "SGD"), (1.0, power), measured, predicted)
        ]

    controls = {
        "the SGD equation is of order one for rho = c sqrt(eta)": control(
            predict=lambda c: (c.predict()[0], 0.0), where={"regime": "c sqrt(eta)"}
        ),
        "for rho = c eta both equations have the same constant": control(
            predict=lambda c: (c.predict()[0], c.predict()[0]), where={"regime": "c eta"}
        ),
        "sign of rho flipped in the equation": control(measure=lambda c: c.measure(sign=-1.0)),
        "rho doubled in the equation": control(measure=lambda c: c.measure(sign=2.0)),
        "tr Cov(g_i) dropped from the drift": control(measure=lambda c: c.measure(FullUSAM())),
        "rho of the order sqrt(eta) where it is said to be fixed": control(
            measure=lambda c: c.measure(regime="c sqrt(eta)"), where={"regime": "fixed"}
        ),
    }


if __name__ == "__main__":
    script(__file__)
