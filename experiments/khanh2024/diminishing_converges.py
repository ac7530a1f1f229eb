"""Khanh, Luong, Mordukhovich & Tran 2024 (arXiv 2401.08060): SAM converges if its steps or its radii diminish.

On f = L x^2/2, with a_k = t_k L and c_k = t_k L rho_k, a step of SAM is |x+| = |(1 - a_k)|x| - c_k|.  Where the sign
changes, |x+| = c_k - (1 - a_k)|x|, so e_k = |x_k| - A_k, A_k = c_k/(2 - a_k) the amplitude of the two-cycle of
(t_k, rho_k), obeys
    e_{k+1} = -(1 - a_k) e_k + A_k - A_{k+1}.
The amplitudes change slowly and the sum alternates: by Abel's summation
    |e_k| <= W_k |e_s| + (1/2)(last + first + total variation of the weighted changes),   W_k = prod_{s<=i<k} (1 - a_i),
from the step s on from which signs alternate.  So |g(x_k)| = L A_k + (the right side) at most: it goes to 0 with
t_k rho_k if sum t_k = inf, also for a constant radius; and with rho_k that hardly falls it is 'almost constant' then.

Conventions: t_k = t0/(1 + k)^p, rho_k = rho/(1 + k)^q, p + q > 0, p < 1, L t0 <= 1; loss with 1/2; full batch.
"""

import functools

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script
from samtheory.evaluate import grad_norms
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import Table
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude, following_error

EPS = np.finfo(float).eps
FOLLOWS = "signs alternate over the second half"


@claim(
    title="With steps or radii that diminish SAM follows the shrinking cycle into the minimum",
    where="convergence with diminishing step sizes or radii",
    kind="limit",
    confidence="memory (conditions) + derived (the rate on quadratics)",
    statement="""if t_k -> 0, sum t_k = inf (rho constant), or t_k rho_k -> 0 with t constant, g(x_k) -> 0; on L x^2/2,
        ||g(x_k)| - L A_k| <= L times an alternating sum of the changes of A_k = t_k L rho_k/(2 - t_k L)""",
    caveat="the general theorem is tested on parabolas only, where more can be said",
    cost=4,
)
class DiminishingConverges:
    h: float = real(0.05, 1)  # L t0
    p: float = real(0, 0.8)
    q: float = real(0.1, 1)
    rho: float = log_real(1e-2, 10)
    L: float = log_real(0.1, 10)
    start: float = real(0.1, 3)  # |x_0|/rho
    steps: int = integer(2000, 6000)

    examples = (
        {"h": 1.0, "p": 0.5, "q": 0.1, "rho": 0.1, "L": 10.0, "start": 2.3, "steps": 6000},
        {"h": 0.5, "p": 0.0, "q": 1.0, "rho": 0.1, "L": 10.0, "start": 2.3, "steps": 6000},
    )

    @functools.cached_property
    def schedule(self):
        """t_k and rho_k."""
        k = 1.0 + np.arange(self.steps + 1)
        return self.h / self.L * k**-self.p, self.rho * k**-self.q

    @functools.cached_property
    def x(self):
        t, rho = self.schedule
        rule = SAM(Table(t), Table(rho))
        return simulate(Diagonal([self.L], [0]), rule, [self.start * self.rho], self.steps, threads=1).states

    @functools.cached_property
    def alternates(self):
        """The first step from which every sign is opposite to the one before."""
        same = np.flatnonzero(self.x[1:, 0] * self.x[:-1, 0] >= 0)
        return int(same[-1]) + 1 if same.size else 0

    def assumptions(self):
        t, rho = self.schedule
        return [
            requires("L t_0 <= 1", self.L * t[0], "<=", 1),
            requires("t_k rho_k falls to less than half", t[-1] * rho[-1], "<=", t[0] * rho[0] / 2),
            requires(FOLLOWS, self.alternates, "<=", self.steps / 2),
            requires("at last the bound is below a tenth of L A_k", self.looseness, "<=", 0.1),
        ]

    @property
    def looseness(self):
        """The largest bound over L A_k in the second half of the steps that alternate."""
        limit, error = self.predict()
        return float((error(abs(self.measure()[0] - limit[0])) / limit)[limit.size // 2 :].max())

    def measure(self):
        """|g(x_k)| from the alternation on."""
        return grad_norms(Diagonal([self.L], [0]), self.x[self.alternates :])

    def predict(self):
        """L A_k, and the bound on |e_k| for e at the start of the alternation."""
        s, (t, rho) = self.alternates, self.schedule
        A = cycle_amplitude(t[s:], rho[s:], self.L)
        return self.L * A, lambda first: self.L * following_error(A, 1 - self.L * t[s:], first / self.L)

    def judge(self, g, predicted):
        limit, error = predicted
        bound = error(abs(g[0] - limit[0]))
        t = self.schedule[0][self.alternates :]
        slack = 32 * EPS * np.maximum.accumulate(limit[::-1])[::-1] / (self.L * t)  # over the memory 1/(L t_k)
        slack = slack + 32 * EPS * limit[0] * np.cumprod(np.append(1.0, 1 - self.L * t[:-1]))
        return [
            equals("|g(x_k)|", g[1:], limit[1:], tolerance=(bound + slack)[1:],
                   why="alternating sum of the changes; 32 ulp a step"),
            at_most("|g| at the end, over that at the start", g[-1] / g[0], (limit[-1] + bound[-1]) / g[0],
                    slack=slack[-1] / g[0], why="L A_k + alternating sum"),
        ]  # fmt: skip

    controls = {
        "amplitude off by one per cent": control(
            predict=lambda c: (1.01 * c.predict()[0], c.predict()[1]), where={"p": real(0, 0.5)}, refutes="|g(x_k)|"
        ),
        "the amplitude of the first step for ever": control(
            predict=lambda c: (np.full_like(c.predict()[0], c.predict()[0][0]), c.predict()[1]), refutes="|g(x_k)|"
        ),
        "t_k rho_k/2 without the step": control(
            predict=lambda c: (c.predict()[0] * (2 - c.L * c.schedule[0][c.alternates :]) / 2, c.predict()[1]),
            where={"p": 0.0, "h": real(0.3, 1)}, refutes="|g(x_k)|",
        ),
        "constant step and radius": control(
            predict=lambda c: (c.predict()[0] * (1.0 + np.arange(c.steps + 1 - c.alternates)) ** -0.5, c.predict()[1]),
            where={"p": 0.0, "q": 0.0, "h": real(0.1, 1)},
            violates="t_k rho_k falls to less than half", refutes="|g(x_k)|",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
