"""What 'order-alpha weak approximation' means, on known cases (definition of Li, Tai & E and Monzio Compagnoni et al.).

X approximates x_k to weak order alpha on [0, T] if for every phi of polynomial growth (with its derivatives)

    max_{k <= T/eta} |E phi(x_k) - E phi(X_{k eta})| <= C eta^alpha,   C independent of eta (it depends on T, phi, c).

On f = x'Hx/2 with additive noise and rho = c sqrt(eta) all expectations are Gaussian integrals.  For USAM, m(t) =
e^{-Ht} x0, phi(x) = psi(<u, x>), the constants at time t are, as eta -> 0,

    equation of USAM, its ODE   order 1     -(t/2) psi'(<u, m>) <u, H^2 m>
    equation of SGD             order 1/2   -c t psi'(<u, m>) <u, H^2 m>
    no dynamics, X = x0         order 0     psi(<u, m>) - psi(<u, x0>)

for psi(z) = z, z^2, z^3, z^4, sin z; the maximum over t converges with them, and its limit is C.  (The ODE differs
from the equation of USAM in the noise, of variance eta v(t): it has + psi''(<u, m>) v/2 in addition.)

Conventions: same noise in both gradients; rho in units of inverse curvature.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import orthogonal
from samtheory.sde.limits import extrapolate
from samtheory.sde.moments import diffusion_law, discrete_law, sgd, usam

EPS = np.finfo(float).eps
STEPS = 2 ** np.array([8, 11, 14, 17, 20])
TIMES = np.arange(1, 9) / 8  # of T
ORDERS = {"USAM": 1.0, "USAM without noise": 1.0, "SGD": 0.5, "constant": 0.0}


def integrals(m, v):
    """E psi of N(m, v) for psi = z, z^2, z^3, z^4, sin z."""
    return np.stack([m, m**2 + v, m**3 + 3 * m * v, m**4 + 6 * m**2 * v + 3 * v**2, np.sin(m) * np.exp(-v / 2)])


@claim(
    title="The definition of weak order separates the known cases, with constants that do not depend on the step",
    where="Definition of weak approximation",
    kind="order",
    confidence="memory + derived",
    statement="""max_k |E phi(x_k) - E phi(X_{k eta})|/eta^alpha converges as eta -> 0 to the largest of the stated
        constants, alpha = 1 for the USAM equation and its ODE, 1/2 for the SGD equation, 0 for X = x0.""",
    cost=4,
)
class WeakOrder:
    model: str = choice(*ORDERS)
    dim: int = integer(1, 3)
    shape: str = choice("minimum", "saddle")
    c: float = real(0.1, 1)
    horizon: float = real(0.3, 1.5)
    sigma: float = log_real(1e-2, 2)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """H, Sigma, x0, u."""
        rng = np.random.default_rng([self.seed, 0])
        lam = rng.uniform(0.3, 2, self.dim)
        if self.shape == "saddle":
            lam[-1] *= -0.75
        basis, root = orthogonal(rng, self.dim), self.sigma * rng.standard_normal((self.dim, self.dim))
        H, x0 = (basis * lam) @ basis.T, rng.standard_normal(self.dim)
        return (H + H.T) / 2, root @ root.T, x0 / np.linalg.norm(x0), orthogonal(rng, self.dim)[0]

    @property
    def etas(self):
        return self.horizon / STEPS

    def assumptions(self):
        rate = usam(self.data[0], self.data[1], self.c * self.etas[0] ** 0.5).rate
        return [requires("eta |A| < 1 at the largest step", self.etas[0] * np.linalg.norm(rate, 2), "<", 1)]

    def measure(self, model=None):
        """Limits of E phi(x_k) - E phi(X_t), over eta^alpha, [5 functions, times]."""
        H, sigma, x0, u = self.data
        rows = []
        for eta, k in zip(self.etas, STEPS):
            algorithm = usam(H, sigma, self.c * eta**0.5)
            equation = {
                "USAM": algorithm,
                "USAM without noise": algorithm._replace(noise=0 * sigma),
                "SGD": sgd(H, sigma),
                "constant": sgd(0 * H, 0 * sigma),
            }[model or self.model]
            laws = [
                (discrete_law(algorithm, eta, x0, int(k * t)), diffusion_law(equation, eta, x0, t * self.horizon))
                for t in TIMES
            ]
            values = [
                integrals(
                    np.array([u @ pair[i].mean for pair in laws]), np.array([u @ pair[i].cov @ u for pair in laws])
                )
                for i in (0, 1)
            ]
            rows.append((values[0] - values[1]) / eta ** ORDERS[self.model])
        return extrapolate(rows, self.etas**0.5)

    def predict(self, model=None):
        H, sigma, x0, u = self.data
        model, lam, V = model or self.model, *np.linalg.eigh(H)
        t = TIMES[:, None] * self.horizon
        means = np.exp(-lam * t) * (V.T @ x0)
        m, bend = means @ (V.T @ u), (lam**2 * means) @ (V.T @ u)
        if model == "constant":
            return integrals(m, 0) - integrals(u @ x0 + 0 * m, 0)
        first = np.stack([1 + 0 * m, 2 * m, 3 * m**2, 4 * m**3, np.cos(m)])
        if model == "SGD":
            return -self.c * t[:, 0] * first * bend
        second = np.stack([0 * m, 2 + 0 * m, 6 * m, 12 * m**2, -np.sin(m)])
        s = (lam[:, None] + lam)[None]
        grown = np.where(s == 0, t[..., None], -np.expm1(-s * t[..., None]) / np.where(s == 0, 1, s))
        v = np.einsum("i,ij,tij,j->t", V.T @ u, V.T @ sigma @ V, grown, V.T @ u) * (model == "USAM without noise")
        return -t[:, 0] / 2 * first * bend + second * v / 2

    def judge(self, measured, predicted):
        H, sigma, *_ = self.data
        growth = np.exp(4 * max(0.0, -np.linalg.eigvalsh(H)[0]) * self.horizon)
        rounding = 100 * self.dim * EPS * growth * (1 + np.trace(sigma)) ** 2 / self.etas[-1] ** ORDERS[self.model]
        allowed = measured.allowance + rounding
        why = "the last three corrections of the extrapolation, and rounding of the closed forms"
        largest, C = np.abs(measured.value).max(axis=1), np.abs(predicted).max(axis=1)
        return [
            equals("(E phi(x_k) - E phi(X_t))/eta^alpha", measured.value, predicted, tolerance=allowed, why=why),
            equals("C = its largest over t", largest, C, tolerance=allowed[:, 0], why=why),
        ]

    controls = {
        "the equation of SGD has order one": control(measure=lambda c: c.measure("SGD"), where={"model": "USAM"}),
        "the equation of USAM has order 1/2 only": control(measure=lambda c: c.measure("USAM"), where={"model": "SGD"}),
        "no dynamics at all has order 1/2": control(measure=lambda c: c.measure("constant"), where={"model": "SGD"}),
        "the ODE has the constants of the equation": control(
            predict=lambda c: c.predict("USAM"), where={"model": "USAM without noise", "sigma": log_real(0.1, 2)}
        ),
        "constants off by a thousandth": control(predict=lambda c: 1.001 * c.predict(), where={"dim": 1}),
    }


if __name__ == "__main__":
    script(__file__)
