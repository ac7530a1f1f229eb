"""Bartlett, Long & Bousquet 2023 (arXiv 2210.01513): SAM drifts along a curved valley to where it is widest.

f(x, th) = 1/2 x' H(th) x, H = lam v v' + low u u', lam = top + swing sin th, v = (cos th, sin th), u orthogonal to v: a
valley of minima x = 0 whose sharp direction turns.  SAM bounces across it along v; by bartlett2023/drift-one-step th
then moves by -(2 eta rho^2/(2 - eta lam)^2) lam'(th) a step, so it follows, in slow time tau = eta rho^2 t, the flow
    d th/d tau = -2 lam'(th)/(2 - eta lam(th))^2.
In x = rho xi a step depends on rho through rho^2 alone (grad_x f is rho times, d f/d th rho^2 times a function of xi
and th), so the distance to the flow after a given tau is a series in rho^2.  It is extrapolated to rho -> 0 from rho,
rho/2 and rho/4, which removes its terms rho^2 and rho^4; one of order rho, or of order 1, would stay.

Conventions: full batch; normalised ascent; the flow starts from the run: after a burn-in, then anew at every interval.
"""

import numpy as np
from scipy.integrate import solve_ivp

from samtheory.claims import claim, control, equals, log_real, real, requires, script
from samtheory.problems.valley import TurningValley
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_rate
from samtheory.theory.drift import drift_step, small_step_drift

TIMES = 5  # intervals that are compared, after one for the burn-in


@claim(
    title="In a curved valley SAM follows a descent flow of the top curvature, faster than its small-step limit",
    where="Section on the non-quadratic case",
    kind="limit",
    confidence="derived",
    statement="""After a burn-in th_{t+1} - th_t ~ -(2 eta rho^2/(2 - eta lam)^2) lam'(th) as rho -> 0, at fixed
        eta rho^2 t, for eta lam < 2 and lam the top curvature; the distance to the flow is O(rho^2).""",
    cost=2,
)
class ValleyDrift:
    h: float = real(0.1, 1.8)  # eta max lam
    rho: float = real(0.02, 0.05)  # the largest rho, over 1 - h/2
    top: float = log_real(0.5, 4)
    swing: float = real(0.1, 0.5)  # over top
    low: float = real(0.3, 0.9)  # over min lam
    th: float = real(-1, 4)
    start: float = log_real(0.01, 10)  # |x_0|/rho

    examples = (  # lam = 2 + sin th, low = 1/2, eta = .2 and .6
        {"h": 0.6, "rho": 0.05, "top": 2.0, "swing": 0.5, "low": 0.5, "th": 0.0, "start": 0.01},
        {"h": 1.8, "rho": 0.05, "top": 2.0, "swing": 0.5, "low": 0.5, "th": 0.0, "start": 0.01},
    )

    @property
    def problem(self):
        swing = self.swing * self.top
        return TurningValley(self.top, swing, self.low * (self.top - swing))

    @property
    def eta(self):
        return self.h / (self.problem.top + self.problem.swing)

    @property
    def fastest(self):
        """Largest d th/d tau, over lam'."""
        return drift_step(1.0, 1.0, self.h)

    def assumptions(self):
        p = self.problem
        return [
            requires("eta lam < 2 all along the valley", self.eta * (p.top + p.swing), "<", 2),
            requires("lam is the top curvature all along it", (p.top - p.swing) / p.low, ">", 1),
        ]

    def measure(self, ascend=1.0):
        """An interval tau of slow time, and th at tau (after the burn-in), 2 tau, ... for rho, rho/2, rho/4."""
        p, rhos = self.problem, self.rho * (1 - self.h / 2) / 2.0 ** np.arange(3)
        ends = np.sort([[p.top - p.swing, p.low], [p.top + p.swing, p.low]])[:, ::-1]
        settled = 30 / -np.log(cycle_rate(self.eta, ends).max())
        slow = min(0.05, 0.3 / (p.swing * self.fastest))  # th moves by 0.3 or less
        every = int(max(settled, slow / (self.eta * rhos[0] ** 2)))
        angles = []
        for n, rho in zip(every * np.array([1, 4, 16]), rhos):
            start = [*(self.start * rho * np.array([np.cos(self.th + 0.5), np.sin(self.th + 0.5)])), self.th]
            run = simulate(p, SAM(self.eta, ascend * rho), start, n * (1 + TIMES), every=n, threads=1)
            angles.append(run.states[1:, 2])
        return self.eta * rhos[0] ** 2 * every, np.array(angles)

    def predict(self):
        """d th/d tau over -lam', a function of lam."""
        return lambda lam: drift_step(self.eta, 1.0, lam) / self.eta

    def judge(self, measured, speed):
        (tau, th), p = measured, self.problem

        def flow(_, y):
            return -speed(p.top + p.swing * np.sin(y)) * p.swing * np.cos(y)

        solved = solve_ivp(flow, (0, tau), th[:, :-1].ravel(), method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
        unit, solved = tau * p.swing * self.fastest, solved.reshape(3, TIMES)
        away = (th[:, 1:] - solved) / unit
        once = (4 * away[1:] - away[:-1]) / 3
        twice = (16 * once[1] - once[0]) / 15
        drift = (solved - th[:, :-1])[2] / unit
        why = "round-off of 10^5 steps and of the flow; interval: the last extrapolation"
        return [
            equals("drift as rho -> 0", drift + twice, drift, tolerance=1e-6, why=why, error=np.abs(twice - once[1]))
        ]

    controls = {
        "step eta rho^2/2": control(predict=lambda c: lambda lam: small_step_drift(c.eta, 1.0) / c.eta),
        "2/(2 - eta lam) not squared": control(predict=lambda c: lambda lam: 1 / (2 - c.eta * lam)),
        "drift off by one part in 10^4": control(
            predict=lambda c: lambda lam: (1 + 1e-4) * c.predict()(lam), where={"th": real(-1, 1)}
        ),
        "gradient descent does not drift": control(measure=lambda c: c.measure(ascend=0.0)),
        "lam is the lower curvature": control(
            where={"low": real(4, 5), "swing": real(0.1, 0.2), "h": real(0.1, 0.3)},
            violates="lam is the top curvature all along it",
        ),
    }


if __name__ == "__main__":
    script(__file__)
