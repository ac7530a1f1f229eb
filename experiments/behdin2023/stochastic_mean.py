"""Behdin & Mazumder 2023 (arXiv 2302.11836), the stochastic extension: the mean step of mini-batch USAM.

Batches B of b rows without replacement, f = (1/2n) |X w - y|^2 and f_B = (1/2b) |X_B w - y_B|^2, the same batch in
both gradients.  With H_B = X_B'X_B/b, c_B = X_B'y_B/b, H and c their means,
    E[w+ | w] = w - eta [(H + rho E[H_B^2]) w - (c + rho E[H_B c_B])],
    E[H_B^2] = (1/b^2) [(b/n) S1 + b (b - 1)/(n (n - 1)) (n^2 H^2 - S1)],    S1 = sum_i |x_i|^2 x_i x_i',
and E[H_B c_B] alike with x_i y_i.  E[H_B^2] >= H^2 (Loewner): the mean contracts faster than under full-batch USAM.
The mean rests where (H + rho E[H_B^2]) w = c + rho E[H_B c_B].  At least squares, with residuals r, the mean step is
    eta rho (b/n - b (b - 1)/(n (n - 1)))/b^2 sum_i |x_i|^2 r_i x_i,
so that it rests there iff b = n or that sum is 0: where the data are interpolated, but also where all |x_i| are equal.

Measured: the rule on every batch, and a streamed ensemble whose mean after several steps obeys the same recursion.
Conventions: mean over the batch in the loss; un-normalised ascent.
"""

import functools
import itertools

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
from samtheory.oracles import WithoutReplacement, WithReplacement
from samtheory.problems.finite_sum import LeastSquares
from samtheory.rules.usam import USAM
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.kernel_regression import batch_moments

EPS, STEPS, MEMBERS = np.finfo(float).eps, 5, 1280


@claim(
    title="The mean step of mini-batch USAM, and where it rests",
    where="Stochastic extension (announced in versions 1 and 2)",
    kind="identity",
    confidence="derived",
    statement="""E[w+ | w] = w - eta [(H + rho E H_B^2) w - (c + rho E H_B c_B)] with E H_B^2 = (1/b^2)[(b/n) S1 +
        b(b-1)/(n(n-1)) (n^2 H^2 - S1)] >= H^2; it rests at least squares iff b = n or sum |x_i|^2 r_i x_i = 0.""",
)
class StochasticMean:
    data: str = choice("interpolated", "noisy", "noisy, on a sphere")
    n: int = integer(4, 7)
    dim: int = integer(1, 3)
    batch: int = integer(1, 7)  # at most n
    reach: float = real(0.05, 1)  # eta L (1 + rho L), L the largest |x_i|^2
    radius: float = log_real(0.05, 5)  # rho L
    seed: int = seeds()

    examples = ({"data": "noisy", "n": 7, "dim": 3, "batch": 3, "reach": 0.5, "radius": 1.0, "seed": 0},)

    @functools.cached_property
    def model(self):
        """X, y, w, size of the batch, eta, rho."""
        rng = np.random.default_rng(self.seed)
        X, w = rng.standard_normal((self.n, self.dim)), rng.standard_normal(self.dim)
        if self.data == "noisy, on a sphere":
            X /= np.linalg.norm(X, axis=1)[:, None]
        y = X @ rng.standard_normal(self.dim) + (self.data != "interpolated") * rng.standard_normal(self.n)
        L = (X**2).sum(axis=1).max()
        eta, rho = self.reach / (L * (1 + self.radius)), self.radius / L
        return X, y, w, min(self.batch, self.n), eta, rho

    def assumptions(self):
        return [requires("the features determine w", np.linalg.matrix_rank(self.model[0]), ">=", self.dim)]

    @property
    def batches(self):
        """The rows of every batch."""
        return [list(rows) for rows in itertools.combinations(range(self.n), self.model[3])]

    def mean_step(self, w):
        """Mean over every batch of one step of the rule from w."""
        X, y, _, _, eta, rho = self.model
        steps = [simulate(LeastSquares(X[B], y[B]), USAM(eta, rho), w, 1, threads=1).x for B in self.batches]
        return np.mean(steps, axis=0)

    def measure(self, oracle=WithoutReplacement, shared=True):
        """Mean step from w, where the mean is to rest and least squares; mean of the ensemble after some steps."""
        X, y, w, size, eta, rho = self.model
        streamed = oracle(LeastSquares(X, y), size, shared)
        run = simulate(streamed, USAM(eta, rho), w, STEPS, members=MEMBERS, seed=self.seed, threads=1)
        drawn = mean_interval(run.x, 1e-6 / self.dim)
        best = np.linalg.lstsq(X, y, rcond=None)[0]
        square = np.mean([np.linalg.matrix_power(X[B].T @ X[B] / size, 2) for B in self.batches], axis=0)
        return self.mean_step(w), self.mean_step(self.rest()), self.mean_step(best) - best, square, drawn

    def rest(self):
        X, y, _, size, _, rho = self.model
        square, cross = batch_moments(X, y, size)
        return np.linalg.solve(X.T @ X / self.n + rho * square, X.T @ y / self.n + rho * cross)

    def predict(self, off=0.0, square=None):
        """Mean step, mean after some steps, H^2, and the mean step from least squares."""
        X, y, w, size, eta, rho = self.model
        second, cross = batch_moments(X, y, size) if square is None else square
        A = X.T @ X / self.n + rho * (1 + off) * second
        v = X.T @ y / self.n + rho * (1 + off) * cross
        path = [w]
        for _ in range(STEPS):
            path.append(path[-1] - eta * (A @ path[-1] - v))
        residual = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
        share = (size / self.n - size * (size - 1) / (self.n * (self.n - 1))) / size**2
        drift = eta * rho * (1 + off) * share * (X.T @ ((X**2).sum(axis=1) * residual))
        return path[1], path[-1], np.linalg.matrix_power(X.T @ X / self.n, 2), drift

    def independent(self):
        """E[H_B]E[H_B] and E[H_B]E[c_B]: two batches, one for each gradient."""
        X, y, *_ = self.model
        H = X.T @ X / self.n
        return H @ H, H @ (X.T @ y) / self.n

    def replaced(self):
        """The moments of a batch drawn with replacement: (n^2 H^2 (b - 1)/n^2 + S1/n)/b."""
        X, y, _, b, _, _ = self.model
        S1, T1 = (X.T * (X**2).sum(axis=1)) @ X, (X.T * (X**2).sum(axis=1)) @ y
        H, c = X.T @ X / self.n, X.T @ y / self.n
        return ((b - 1) * H @ H + S1 / self.n) / b, ((b - 1) * H @ c + T1 / self.n) / b

    def judge(self, measured, predicted):
        X, y, w, _, _, _ = self.model
        one, rested, moved, square, drawn = measured
        step, later, least, drift = predicted
        rest = self.rest()
        L = (X**2).sum(axis=1).max()
        slack = 64 * self.n * EPS * (np.linalg.norm(w) + np.linalg.norm(rest) + np.linalg.norm(y) / np.sqrt(L))
        lost = slack * np.linalg.cond(X)
        why = "64 n ulp of w and of y/sqrt(L)"
        return [
            equals("mean of a step", one, step, tolerance=slack, why=why),
            equals("mean of a step from where it rests", rested, rest, tolerance=2 * slack, why=why),
            equals("mean after some steps, drawn", drawn.estimate, later, tolerance=drawn.half_width + 2 * slack,
                   why="batch means of 1280 runs, missed with probability 1e-6"),
            at_least("least eigenvalue of E H_B^2 - H^2", np.linalg.eigvalsh(square - least)[0], 0,
                     slack=64 * self.n * EPS * L**2, why="64 n ulp of L^2"),
            equals("mean step from least squares", moved, drift, tolerance=lost, why=f"{why}, times cond X"),
        ]  # fmt: skip

    controls = {
        "moments with replacement": control(
            predict=lambda c: c.predict(square=c.replaced()),
            where={"n": integer(5, 7), "batch": integer(2, 4)},
            refutes="mean of a step",
        ),
        "a batch for each gradient": control(
            predict=lambda c: c.predict(square=c.independent()),
            where={"batch": integer(1, 2)},
            refutes="mean of a step",
        ),
        "full-batch USAM": control(
            predict=lambda c: c.predict(square=batch_moments(*c.model[:2], c.n)),
            where={"n": integer(5, 7), "batch": integer(1, 3)},
            refutes="mean of a step",
        ),
        "rho off by one part in a million": control(
            predict=lambda c: c.predict(off=1e-6), where={"radius": real(0.3, 5)}, refutes="mean of a step"
        ),
        "one per cent above E H_B^2": control(
            predict=lambda c: (*c.predict()[:2], 1.01 * batch_moments(*c.model[:2], c.model[3])[0], 0.0),
            refutes="least eigenvalue of E H_B^2 - H^2",
        ),
        "at rest at least squares": control(
            predict=lambda c: (*c.predict()[:3], 0.0),
            where={"data": "noisy", "batch": integer(1, 2), "radius": real(0.3, 5)},
            refutes="mean step from least squares",
        ),
        "drawn independently for the two gradients": control(
            measure=lambda c: c.measure(shared=False),
            where={"batch": 1, "dim": 1, "radius": real(2, 5), "reach": real(0.5, 1)},
            refutes="mean after some steps, drawn",
        ),
        "drawn with replacement": control(
            measure=lambda c: c.measure(WithReplacement),
            where={"n": 4, "batch": 4, "dim": 1, "radius": real(2, 5), "reach": real(0.5, 1)},
            refutes="mean after some steps, drawn",
        ),
    }


if __name__ == "__main__":
    script(__file__)
