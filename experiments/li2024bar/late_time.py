"""Beside Li, Zhang & He 2024 (arXiv 2410.14802), Theorem 3: SAM without noise balances f(x'y), at the rate 2 rho^2 f''.

Once x'y has reached the minimiser w of f, |f'| is 0 and the leading term of the theorem is silent.  But SAM does not
rest there: for either sign s of f' the step moves x'y back across w.  In the limit eta -> 0 x'y slides along w, the two
signs in the proportion p_+ : p_- that keeps it there (Filippov).  On f = l'' (u - w)^2/2, with h = |(x, y)|,
q = (rho w/h^3)^2 and the exact rates of li2024bar/op-dynamics for s = +-1,

    d log|B|/dt = -2 rho^2 l'' (1 - q)/(1 + 2 q)  ->  -2 rho^2 l''      (q -> 0),

so that B goes to 0 exponentially: noise makes it faster (li2024bar/noise-speeds-balance), it is not what makes it.

Measured: log B over a run that starts beside a minimiser, at steps eta and eta/2, extrapolated to 0; predicted: the
integral of the rate along the recorded h.
Conventions: full batch; time = eta times steps.
"""

import functools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.measures.balancedness import balancedness
from samtheory.problems.balanced import Inner, pair
from samtheory.problems.links import HalfSquare
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.balancedness import sliding_rate

RECORDS = 200


@claim(
    title="After convergence noiseless SAM balances f(x'y) exponentially, at the rate 2 rho^2 f''",
    where="beside Theorem 3",
    kind="rate",
    confidence="derived",
    statement="""On (x'y - w)^2/2 from x'y = w, as eta -> 0: d log|B|/dt = -2 rho^2 (1 - q)/(1 + 2 q),
        q = (rho w/h^3)^2.""",
    caveat="the paper credits noise with balancing at the end; a full batch does it too",
    cost=2,
)
class LateTime:
    size: int = integer(1, 3)
    w: float = real(0.2, 1)
    tilt: float = real(1.2, 4)  # |x|/|y|
    rho: float = log_real(0.02, 0.3)
    decays: float = real(0.2, 1.5)  # time times 2 rho^2
    eta: float = log_real(0.002, 0.01)
    seed: int = seeds()

    @functools.cached_property
    def start(self):
        """One part in 10^6 beside a minimiser (at one SAM would rest), y parallel to x up to a random part."""
        z = pair(np.random.default_rng(self.seed), (self.size, self.size), 1.0, self.tilt)
        x, y = np.split(z, 2)
        y = y + x * (2 + abs(x @ y)) / (x @ x)  # x'y > 0
        return np.concatenate([x, y]) * np.sqrt(self.w / (x @ y) * (1 + 1e-6))

    def assumptions(self):
        z = self.start
        h2 = z @ z
        return [
            requires("B is not 0", abs(balancedness(z, self.size)), ">", 1e-3 * h2),
            requires("eta h^2 is small", self.eta * h2, "<", 0.2),
            requires("both signs of the ascent move x'y back", self.rho, "<", 0.5 * self.w**0.5),
        ]

    def measure(self, rule=SAM):
        """log|B(T)/B(0)| at steps eta and eta/2, and h at the records of the second run."""
        T = self.decays / (2 * self.rho**2)
        logs = []
        for eta in (self.eta, self.eta / 2):
            every = int(np.ceil(T / eta / RECORDS))
            run = rule(eta, self.rho) if rule is SAM else rule(eta)
            problem = Inner(HalfSquare(0.0), [self.w], self.size)
            states = simulate(problem, run, self.start, every * RECORDS, every=every, threads=1).states
            B = np.abs(balancedness(states, self.size))
            logs.append(np.log(B[-1] / B[0]) / (eta * every * RECORDS))
        return np.array(logs), np.linalg.norm(states, axis=-1)

    def predict(self, share=1.0, first_order=False):
        """The rate of decay, given h along the way."""

        def rate(h):
            here = sliding_rate(share * self.rho, 1.0, 0.0 if first_order else self.w, h)
            return -np.mean((here[1:] + here[:-1]) / 2) if np.ndim(here) else -here

        return rate

    def judge(self, measured, predicted):
        (coarse, fine), h = measured
        # the error is of first order in eta, its second order below an eighth of it; the record ends within a few steps
        # of the end of a period of signs, each step worth 2 eta rho^2 of log|B|
        slack = abs(coarse - fine) / 8 + 8 * self.eta * self.rho**2 / (self.decays / (2 * self.rho**2))
        return [
            equals(
                "d log|B|/dt",
                2 * fine - coarse,
                predicted(h),
                tolerance=slack,
                why="an eighth of what the extrapolation in eta removes, and four steps at the end",
            )
        ]

    strong = {"rho": real(0.15, 0.2), "eta": 0.002, "w": real(0.3, 0.5), "decays": real(1, 1.5), "tilt": real(1.2, 1.5)}
    controls = {
        "gradient descent": control(measure=lambda c: c.measure(GD)),
        "rho off by four parts in a thousand": control(predict=lambda c: c.predict(share=1.004)),
        "without q": control(predict=lambda c: c.predict(first_order=True), where=strong),
    }


if __name__ == "__main__":
    script(__file__)
