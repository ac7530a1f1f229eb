"""Chen et al. 2023 (arXiv 2310.07269): one SAM perturbation at the start switches noise units off, signal units less.

The key lemma, made quantitative.  At a small start l' = -1/2; half of the 2m filters are active on each noise vector,
    |grad|^2 ~ [m n (P - 1)^2 noise^2 d + m |mu|^2 (S_+^2 + S_-^2)]/(2 n m)^2,  S_+- = sum of y_i yc_i over yc_i = +-1,
so that <eps, xi_i> = -tau noise sqrt(d)/sqrt(n m (1 + q)) for j_r = y_i (and positive for j_r = -y_i), with
    q = |mu|^2 (S_+^2 + S_-^2)/(n (P - 1)^2 noise^2 d),
against <w_r, xi_i> ~ N(0, init^2 noise^2 d).  Of the active units with j_r = y_i, with reach = tau/(init sqrt(n m)) and
ratio = |mu|/((P - 1) noise sqrt d), the shares that are switched off are
    noise     E erf(reach/sqrt(2 (1 + q))),                     j_r = -y_i: none,
    signal    E erf(reach ratio max(S_+, 0)/sqrt(2 (1 + q))),
means over the law of the labels.  With the labels at their means q = n (1 - 2p)^2 |mu|^2/(2 (P - 1)^2 noise^2 d) and
S_+ = n (1 - 2p)/2; hence the window in which noise is switched off and signal is not,
    init sqrt(n m)  <<  tau  <<  2 init sqrt(m/n) (P - 1) noise sqrt(d)/((1 - 2p) |mu|).

Neglected: products between the vectors of size sqrt(n/d) relative to what is kept (they smear the shift by
reach sqrt(n/(2d)) standard deviations), fluctuations of the number of active units, and f != 0 at the start.
Conventions: full batch; normalised SAM; the data drawn from their exact law in n + 1 dimensions (chen2023/reduction).
"""

import functools
import math

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.measures.signal_noise import deactivated
from samtheory.problems.signal_noise_net import SignalNoise
from samtheory.sde.order import student_quantile
from samtheory.theory.signal_noise import deactivated_shares, noise_deactivated

NETS = 500
BEND = math.sqrt(2 / math.pi) * math.exp(-0.5)  # the largest |F''|, |x F'| of F(x) = erf(x/sqrt 2)


@claim(
    title="SAM switches off the noise units at the start, and signal units where the radius is too large",
    where="key lemma of Section 4, made quantitative",
    kind="distribution",
    confidence="derived",
    statement="""Share of the active noise units with j_r = y_i that start + tau grad/|grad| switches off:
        E erf(reach/sqrt(2 (1 + q))), of the signal units E erf(reach ratio max(S_+, 0)/sqrt(2 (1 + q))), with reach =
        tau/(init sqrt(n m)); of the noise units with j_r = -y_i none.""",
    caveat="the paper's lemma says that all of them are switched off for tau of the right order",
    cost=13,
)
class Deactivation:
    reach: float = real(0.2, 3)  # tau/(init sqrt(n m)); nearly all noise units are off beyond 2
    q: float = real(0.02, 0.7)  # the signal's part of |grad|^2 over the noise's, labels at their means
    d: float = log_real(2e4, 1e7)
    n: int = integer(10, 30)
    width: int = integer(8, 20)
    patches: int = integer(2, 4)
    flip: float = real(0, 0.25)
    scale: float = log_real(1e-3, 0.1)  # of the start, in units of 1/(P noise sqrt d)
    seed: int = seeds()

    @property
    def ratio(self):
        return math.sqrt(2 * self.q / self.n) / (1 - 2 * self.flip)

    def assumptions(self):
        return [requires("n << d: n/d", self.n / self.d, "<", 2e-3)]

    @functools.cached_property
    def shares(self):
        d = int(self.d)
        signal = self.ratio * (self.patches - 1) * math.sqrt(d)
        law = SignalNoise(d, signal, self.n, self.patches, self.flip, self.width)
        radius = self.scale * self.reach * law.init * math.sqrt(self.n * self.width)
        rng = np.random.default_rng([self.seed, 0])
        nets = (law.draw(rng) for _ in range(NETS))
        return np.array([deactivated(net._replace(start=self.scale * net.start), radius) for net in nets])

    def measure(self):
        """Shares [nets, 3] of the noise units, the noise units of the other sign, the signal units."""
        return self.shares

    def predict(self, louder=1.0, flip=None):
        noise, signal = deactivated_shares(louder * self.reach, self.ratio, self.n, self.flip if flip is None else flip)
        return noise, 0.0, signal

    def judge(self, shares, predicted):
        noise, opposite, signal = np.mean(shares, axis=0)
        half = student_quantile(NETS - 1) * np.std(shares, axis=0, ddof=1) / math.sqrt(NETS)
        part = self.q / (1 + self.q)
        smear = BEND * self.reach**2 * self.n / self.d
        active = 0.4 * (1 / (self.n * self.width) + part**2 / self.width)
        start = 0.25 * self.scale / self.width
        why = "interval of the mean at 1e-6; smear, active units and f at the start to second order"
        smaller = "none: what is neglected is smaller than the shift by sqrt(n/d)"
        return [
            equals("noise units off", noise, predicted[0], tolerance=half[0] + smear + active + start, why=why),
            equals("of the other sign", opposite, predicted[1], tolerance=0.0, why=smaller),
            equals(
                "signal units off", signal, predicted[2],
                tolerance=half[2] + smear + active + start + 0.5 * part / self.width, why=why,
            ),
        ]  # fmt: skip

    controls = {
        "the radius doubled": control(
            predict=lambda c: c.predict(louder=2), where={"reach": real(0.3, 1.5)}, refutes="noise units off"
        ),
        "the radius 10 % larger": control(
            predict=lambda c: c.predict(louder=1.1), where={"reach": real(0.7, 1.4), "q": real(0.02, 0.3)}
        ),
        "the signal's part of the gradient neglected": control(
            predict=lambda c: (noise_deactivated(c.reach), *c.predict()[1:]),
            where={"reach": real(1, 2), "q": real(0.5, 0.7)},
        ),
        "noise units of the other sign go as well": control(predict=lambda c: (c.predict()[0], *c.predict()[::2])),
        "signal units as if no label were flipped": control(
            predict=lambda c: c.predict(flip=0.0),
            where={"reach": real(0.3, 1), "q": real(0.2, 0.7), "flip": real(0.15, 0.25)},
            refutes="signal units off",
        ),
    }


if __name__ == "__main__":
    script(__file__)
