"""Monzio Compagnoni et al. 2023 (arXiv 2301.08203): the equation of DNSAM under additive noise is of weak order one.

    x+ = x - eta g_b(x + rho g_b(x)/|grad f(x)|),  g_b = grad f + Z,  Z ~ N(0, Sigma)
    dX = -grad(f + rho |grad f|) dt + sqrt(eta) (I + rho H(X)/|grad f(X)|) Sigma^{1/2} dW

A condition is missing from the statement as recalled (derived): iterates must stay away from critical points.  With
Gaussian noise P(|x_k| > u) falls only like u^-d after an approach to one, so E|x_k|^p is infinite for p >= d, and no
order can hold for test functions of polynomial growth (compagnoni2023/dnsam-moment-blowup).  Here |f'| > 0.

One dimension, f(x) = tilt x + height (1 - cos x), which has no critical points: every coefficient is periodic, and
E phi of the algorithm and of the equation are known to round-off for all starts at once (samtheory.sde.circle).  With
rho = c sqrt(eta), phi = sin, cos and every start x, as eta -> 0,

    (E phi(x_k) - E phi(X_T))/sqrt(eta)        -> 0          (Var phi(x_k) - Var phi(X_T))/eta^{3/2} -> 0
    mean error of the SGD equation/sqrt(eta)   -> -c int_0^T e^{(T-s)L} q d/dx e^{sL} phi ds,  L = -f' d/dx,

with q = f'' sgn f': its order is exactly 1/2.  A diffusion without its rho term is seen in the
variance, at the order eta^{3/2}.

Conventions: rho in units of parameters; same noise in both gradients.
"""

import functools

import numpy as np
from scipy.linalg import expm

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script
from samtheory.evaluate import gradients
from samtheory.problems.washboard import Washboard
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.circle import gaussian_nodes, generator, moments, points, repeated, semigroup, transfer
from samtheory.sde.limits import extrapolate
from samtheory.sde.pushes import DNSAMPush, FullSAM, NoPush, USAMPush

EPS = np.finfo(float).eps
STEPS = 2 ** np.array([4, 6, 8, 10, 12])


@claim(
    title="The DNSAM equation is of weak order one away from critical points",
    where="Theorem on DNSAM",
    kind="order",
    confidence="memory + derived",
    statement="""If |grad f| is bounded away from 0 and rho = c sqrt(eta), E phi of DNSAM and of
        dX = -grad(f + rho |grad f|) dt + sqrt(eta) (I + rho H/|grad f|) Sigma^{1/2} dW differ by O(eta), and so do
        their variances over eta; the equation of SGD is of order exactly 1/2.""",
    caveat="needs iterates bounded away from critical points: moments of DNSAM are infinite otherwise",
    cost=10,
)
class DnsamEquation:
    tilt: float = real(0.8, 2)
    ratio: float = real(0.1, 0.6)  # height/tilt
    sigma: float = log_real(0.2, 1)
    c: float = real(0.2, 1)  # rho/sqrt(eta)
    horizon: float = real(0.3, 0.8)
    n: int = integer(24, 28)  # of 2n + 1 points

    @functools.cached_property
    def problem(self):
        return Washboard([self.tilt], [self.ratio * self.tilt], [0.0])

    @property
    def points(self):
        return points(2 * self.n + 1)

    def slope(self, x):
        """f'."""
        return gradients(self.problem, x[..., None])[..., 0]

    def assumptions(self):
        return [requires("no critical point: f' > 0", self.slope(self.points).min(), ">", 0)]

    def step(self, eta, rho):
        """By how much one step of DNSAM moves the points, and with what probabilities."""
        x = self.points[:, None]
        g = self.slope(x)
        z, weights = gaussian_nodes(24)
        push = (g + self.sigma * z) / np.abs(g)
        return -eta * (self.slope(x + rho * push) + self.sigma * z), weights

    def measure(self, push=None, factor=1.0, noise=None, noise_rate=1.0, power=0.5):
        """Limits of the mean error, the variance error, and the mean error of the SGD equation."""
        phi = np.stack([np.sin(self.points), np.cos(self.points)], axis=1)
        push = self.push if push is None else push
        rows = []
        for eta, k in zip(self.horizon / STEPS, STEPS):
            rho = self.c * eta**power

            def equation(kind, radius=rho, rate=1.0, eta=eta):
                return AdditiveSDE(self.problem, [[self.sigma * rate**0.5]], eta, radius, kind)

            algorithm = repeated(transfer(*self.step(eta, rho)), int(k))
            other = equation(push if noise is None else noise, rate=noise_rate)
            model = semigroup(equation(push, factor * rho), len(phi), self.horizon, noise_of=other)
            plain = semigroup(equation(NoPush()), len(phi), self.horizon)
            (mean, var), (model_mean, model_var) = moments(algorithm, phi), moments(model, phi)
            rows.append(((mean - model_mean) / eta**0.5, (var - model_var) / eta**1.5, (mean - plain @ phi) / eta**0.5))
        return [extrapolate(column, (self.horizon / STEPS) ** 0.5) for column in zip(*rows)]

    @property
    def push(self):
        return DNSAMPush()

    def predict(self):
        x, T = self.points, self.horizon
        g, bend = self.tilt * (1 + self.ratio * np.sin(x)), self.tilt * self.ratio * np.cos(x)
        L, miss = generator(-g, 0 * g), generator(-self.c * bend * 1.0, 0 * g)
        both = expm(T * np.block([[L, miss], [0 * L, L]]))[: x.size, x.size :]  # Duhamel's integral, in one block
        return 0.0, 0.0, both @ np.stack([np.sin(x), np.cos(x)], axis=1)

    def judge(self, measured, predicted):
        smallest = self.horizon / STEPS[-1]
        rounding = 10 * len(self.points) ** 2 * EPS / smallest ** np.array([0.5, 1.5, 0.5])
        names = ("mean error/sqrt(eta)", "variance error/eta^{3/2}", "SGD equation: mean error/sqrt(eta)")
        why = "the last three corrections of the extrapolation, and rounding of the matrix exponential"
        return [
            equals(name, got.value, want, tolerance=got.allowance + extra, why=why)
            for name, got, want, extra in zip(names, measured, predicted, rounding)
        ]

    controls = {
        "drift of SGD": control(measure=lambda c: c.measure(NoPush())),
        "rho doubled in the drift": control(measure=lambda c: c.measure(factor=2.0)),
        "the equation of USAM": control(measure=lambda c: c.measure(USAMPush()), where={"tilt": real(1.5, 2)}),
        "rho term left out of the diffusion": control(
            measure=lambda c: c.measure(noise=NoPush()), where={"sigma": real(0.6, 1), "tilt": real(0.8, 1.2)}
        ),
        "no diffusion": control(measure=lambda c: c.measure(noise_rate=0.0)),
        "the equation of SGD is of order one": control(predict=lambda c: (0.0, 0.0, 0.0)),
        "constant of the SGD equation off by a hundredth": control(predict=lambda c: (0.0, 0.0, 1.01 * c.predict()[2])),
        "for rho = c eta the equation of SGD is not refuted": control(
            measure=lambda c: c.measure(NoPush(), power=1.0), predict=lambda c: (0.0, 0.0, 0.0), expect="holds"
        ),
        "noise in the descent step only": control(measure=lambda c: c.measure(FullSAM())),
        "critical points": control(
            where={"ratio": real(1.2, 2), "sigma": real(0.5, 1)}, violates="no critical point: f' > 0"
        ),
    }


if __name__ == "__main__":
    script(__file__)
