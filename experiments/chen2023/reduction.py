"""Chen et al. 2023 (arXiv 2310.07269): training the signal/noise network in R^d is training in n + 1 dimensions.

V = (mu; xi_1; ..; xi_n) [n + 1, d], G = V V'.  Every patch is plus or minus a row of V, so every gradient of W [2m, d]
is A V: A_r0 = sum_i c_ri yc_i 1[yc_i Z_r0 > 0], A_ri = c_ri (P - 1) 1[Z_ri > 0], c_ri = j_r y_i l'(y_i f_i)/(n m), with
Z = W V' and l' = -1/(1 + exp).  So W_t = W_0 + C_t V, Z_t = Z_0 + C_t G,
    |grad|^2 = tr A G A',   perturbed Z + (tau/|grad|) A G,   C <- C - eta A,
    W W' = W_0 W_0' + C Z_0' + Z_0 C' + C G C',
in which d does not occur.  The metric G is Euclidean in an orthonormal basis Q of the rows of V: W Q [2m, n + 1] obeys
the ordinary rules, and is what `simulate` runs everywhere else in this paper.

Measured: `simulate` in R^d and, from W_0 Q, in n + 1 dimensions.  Predicted: the recursion for C, in NumPy.
Conventions: logistic loss, mean over the n samples; full batch; normalised SAM, then gradient descent; relu'(0) = 0.
relu jumps in slope, so no activation may come so near 0 that round-off decides its sign.
"""

import functools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms
from samtheory.problems.signal_noise_net import SignalNoise, reduced
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.signal_noise import gram_training

STEPS, EPS = 25, np.finfo(float).eps


@claim(
    title="Training in R^d is training in n + 1 dimensions, gradient norms included",
    where="definitions of Sections 2 and 4",
    kind="identity",
    confidence="derived",
    statement="""W_t = W_0 + C_t V, Z_t = Z_0 + C_t G, |grad|^2 = tr(A G A'), W W' = W_0 W_0' + C Z_0' + Z_0 C' + C G C'
        along SAM and GD; in an orthonormal basis Q of span(mu, xi) the weights W Q follow the same rules.""",
    cost=2,
)
class Reduction:
    d: int = integer(80, 500)
    n: int = integer(2, 16)
    width: int = integer(1, 8)
    patches: int = integer(2, 4)
    signal: float = log_real(0.3, 6)  # |mu|
    flip: float = real(0, 0.4)
    c: float = log_real(0.1, 3)  # tau = c m sqrt(n)/(P noise sqrt d)
    h: float = log_real(0.02, 1)  # eta (P - 1)^2 noise^2 d/(2 n m): steps of the noise's own scale
    seed: int = seeds()

    examples = (
        {"d": 500, "n": 16, "width": 8, "patches": 2, "signal": 2.0, "flip": 0.1, "c": 1.0, "h": 0.2, "seed": 0},
    )

    @property
    def eta(self):
        return self.h * 2 * self.n * self.width / ((self.patches - 1) ** 2 * self.d)

    @functools.cached_property
    def data(self):
        """Problem and start in R^d, V, W_0 [2m, d], the radii of all steps."""
        law = SignalNoise(self.d, self.signal, self.n, self.patches, self.flip, self.width)
        problem, start = law.ambient(np.random.default_rng([self.seed, 0]))
        V = np.vstack([problem.signal, problem.noise])
        return problem, start, V, start.reshape(self.d, -1).T, np.repeat([law.radius(self.c), 0.0], STEPS)

    @functools.cached_property
    def recursion(self):
        problem, _, V, W, radii = self.data
        return gram_training(V @ V.T, W @ V.T, problem.clean, problem.labels, self.patches, self.eta, radii)

    def assumptions(self):
        size = np.abs(self.recursion.Z).max()
        return [requires("no activation within 1e-9 of 0", self.recursion.nearest / size, ">", 1e-9)]

    def measure(self):
        """Z_t, |grad|, W W' at the end in R^d; and W Q in the reduced problem, with the W W' it gives."""
        problem, start, V, _, radii = self.data
        small = reduced(problem, start)

        def run(problem, start):
            first = simulate(problem, SAM(self.eta, radii[0]), start, STEPS, threads=1)
            second = simulate(problem, GD(self.eta), first.x, STEPS, threads=1)
            return np.vstack([first.states, second.states[1:]])

        X = run(problem, start)
        W = X.reshape(len(X), self.d, -1)
        inside = run(small.problem, small.start)[-1].reshape(-1, 2 * self.width)
        gram = small.rest + inside.T @ inside
        return (V @ W).transpose(0, 2, 1), grad_norms(problem, X[:-1]), W[-1].T @ W[-1], inside.T, gram

    def predict(self, **changed):
        problem, _, V, W, radii = self.data
        G, Z0 = changed.pop("G", V @ V.T), W @ V.T
        how = {"patches": self.patches, "radii": radii} | changed
        run = gram_training(G, Z0, problem.clean, problem.labels, eta=self.eta, **how)
        C = run.C[-1]
        gram = W @ W.T + C @ Z0.T + Z0 @ C.T + C @ G @ C.T
        L = np.linalg.cholesky(V @ V.T)  # W Q = W V' L^-T
        return run.Z, run.norms, gram, np.linalg.solve(L, run.Z[-1].T).T, gram

    def judge(self, measured, predicted):
        ulps = 8 * (self.d + 2 * STEPS) * EPS  # of inner products of d terms, and handed on by every step
        solve = np.linalg.cond(self.data[2]) ** 2  # G enters squared, through its Cholesky factor
        tolerances = ulps * np.array([1, 1, 1, solve, 1])
        names = "Z_t", "|grad|", "W W' at the end", "W Q at the end", "W W' of the reduced problem"
        why = "8 (d + steps) ulp; for W Q times the condition of G, 1e-10 at most"
        return [
            equals(name, one, other, tolerance=min(lost, 1e-10) * np.abs(other).max(), why=why)
            for name, one, other, lost in zip(names, measured, predicted, tolerances)
        ]

    controls = {
        "Euclidean norm of the coefficients": control(predict=lambda c: c.predict(metric=np.eye(c.n + 1))),
        "noise vectors taken as orthogonal": control(
            predict=lambda c: c.predict(G=np.diag(np.diag(c.data[2] @ c.data[2].T)))
        ),
        "the radius larger by one part in a million": control(
            predict=lambda c: c.predict(radii=c.data[4] * (1 + 1e-6)), where={"n": integer(6, 16), "c": real(0.5, 2)}
        ),
        "P noise patches in place of P - 1": control(predict=lambda c: c.predict(patches=c.patches + 1)),
        "gradient descent in place of SAM": control(predict=lambda c: c.predict(radii=0 * c.data[4])),
    }


if __name__ == "__main__":
    script(__file__)
