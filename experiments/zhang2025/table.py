"""Zhang, Li & Giannakis 2025 (arXiv 2501.06603), the table: SAM's relatives as preconditioned SAM.

eps = argmax over |P eps| <= rho of <R g, eps> = rho P^{-1} P^{-T} R g/|P^{-T} R g|, of value rho |P^{-T} R g|, with
    SAM         P = I                 R = I
    ASAM        P = diag(|x| + s)^-1  R = I           eps = rho T^2 g/|T g|, T = diag(|x| + s)
    Fisher SAM  P = F^{1/2}           R = I           eps = rho F^{-1} g/sqrt(g' F^{-1} g), F = diag(max(g^2, floor))
    sparse SAM  P = I                 R = diag(m)     eps = rho m g/|m g| (the authors' code divides by |g|: shorter)
    VaSSO       P = I                 R g := d_t, the running mean of the gradients; no fixed matrix
    infoSAM     P = I                 R = diag(1/variance)
and any P, R, diagonal or full.  The perturbation that a rule really uses is read off a step on
f = sum lam_i (x_i - c_i)^2/2, where x+ = x - eta lam (x + eps - c); the table's side solves with P and R as matrices.

Conventions: eps = 0 where the norm is 0; R may be singular, and its scale cancels.
"""

import functools

import numpy as np

from samtheory.claims import (
    at_least,
    at_most,
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
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.asam import ASAM
from samtheory.rules.fisher_sam import FisherSAM
from samtheory.rules.info_sam import InfoSAM
from samtheory.rules.presam import PreSAM, matrix_presam
from samtheory.rules.sam import SAM
from samtheory.rules.sparse_sam import SparseSAM
from samtheory.rules.vasso import VaSSO
from samtheory.simulate import simulate

EPS = np.finfo(float).eps
STEPS = 4


@claim(
    title="SAM, ASAM, Fisher SAM, sparse SAM, VaSSO and infoSAM are preconditioned SAM",
    where="the table of special cases",
    kind="identity",
    confidence="derived (content of the table partly memory)",
    statement="""every rule of the table perturbs by rho P^{-1} P^{-T} R g/|P^{-T} R g|; |P eps| = rho,
        |eps| <= rho |P^{-1}|, and no eps' with |P eps'| <= rho has a larger <R g, eps'>""",
    caveat="infoSAM's exponent, the inverse variance, was not read but derived",
    cost=2,
)
class Table:
    method: str = choice("sam", "asam", "fisher", "sparse", "vasso", "info", "diagonal", "full")
    rho: float = log_real(1e-2, 3)
    eta: float = real(0.2, 1)
    spread: float = log_real(1, 10)  # of the preconditioners' entries
    theta: float = real(0.1, 1)  # VaSSO
    shift: float = real(0.01, 1)  # ASAM
    dim: int = integer(2, 6)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """Start, centre, positive entries, a mask with at least one 1 and one 0, two matrices."""
        rng = np.random.default_rng(self.seed)
        d = self.dim
        entries = np.exp(rng.uniform(0, np.log(self.spread) + 0.1, d))
        mask = rng.permutation(np.arange(d) < 1 + rng.integers(d - 1)).astype(float)
        full = np.eye(d) + 0.5 * rng.standard_normal((d, d)) / d, rng.standard_normal((d, d))
        return rng.standard_normal(d), rng.standard_normal(d), entries, mask, full

    @property
    def rule(self):
        e, r, (_, _, entries, mask, full) = self.eta, self.rho, self.data
        return {
            "sam": lambda: SAM(e, r),
            "asam": lambda: ASAM(e, r, self.shift),
            "fisher": lambda: FisherSAM(e, r, 1 / self.spread),
            "sparse": lambda: SparseSAM(e, r, mask, renormalised=True),
            "vasso": lambda: VaSSO(e, r, self.theta),
            "info": lambda: InfoSAM(e, r, entries),
            "diagonal": lambda: PreSAM(e, r, entries, -entries[::-1]),
            "full": lambda: matrix_presam(e, r, *full),
        }[self.method]()

    def assumptions(self):
        P = self.data[-1][0]
        return [requires("P is invertible, of condition below 1e3", np.linalg.cond(P), "<", 1e3)]

    def run(self, rule):
        """x_t, g(x_t) and the perturbation of each step."""
        x0, centre, *_ = self.data
        lam = np.linspace(1, 2, self.dim)  # different curvatures, or the gradients would all be parallel
        x = simulate(Diagonal(lam, centre), rule, x0, STEPS, threads=1).states
        away = x[:-1] - centre
        return x[:-1], lam * away, (x[:-1] - x[1:]) / (self.eta * lam) - away

    def measure(self):
        return self.run(self.rule)

    def predict(self, power=1.0):
        """(P, R g) of a step from (x, all gradients so far); `power` bends the table."""
        _, _, entries, mask, full = self.data
        eye = np.eye(self.dim)

        def running_mean(g):
            d = g[0]
            for later in g[1:]:
                d = (1 - self.theta**power) * d + self.theta**power * later
            return d

        return {
            "sam": lambda x, g: (eye, g[-1]),
            "asam": lambda x, g: (np.diag((np.abs(x) + self.shift) ** -power), g[-1]),
            "fisher": lambda x, g: (np.diag(np.maximum(g[-1] ** 2, 1 / self.spread) ** (power / 2)), g[-1]),
            "sparse": lambda x, g: (eye, mask * g[-1]),
            "vasso": lambda x, g: (eye, running_mean(g)),
            "info": lambda x, g: (eye, g[-1] / entries**power),
            "diagonal": lambda x, g: (np.diag(entries**power), -entries[::-1] * g[-1]),
            "full": lambda x, g: (full[0], full[1] @ g[-1]),
        }[self.method]

    def judge(self, measured, table):
        x, g, eps = measured
        rng = np.random.default_rng([self.seed, 1])
        off, length, reach, better, tolerance, wide = [], [], [], [], [], []
        for k in range(STEPS):
            P, Rg = table(x[k], g[: k + 1])
            v = np.linalg.solve(P.T, Rg)
            best = self.rho * np.linalg.solve(P, v) / np.linalg.norm(v)
            off.append(np.abs(eps[k] - best).max())
            length.append(np.linalg.norm(P @ eps[k]))
            reach.append(np.linalg.norm(eps[k]) * np.linalg.norm(P, -2))
            others = rng.standard_normal((50, self.dim)) @ np.linalg.inv(P).T
            others *= self.rho / np.linalg.norm(others @ P.T, axis=1)[:, None]
            better.append((others @ Rg).max() / np.linalg.norm(v) - eps[k] @ Rg / np.linalg.norm(v))
            # (d + 8) ulp of the solves and of the terms that eps is the small difference of
            scale = np.abs(x[k]).max() + np.abs(g[k]).max() + self.rho * np.linalg.norm(np.linalg.inv(P), 2)
            tolerance.append(8 * (self.dim + 8) * EPS * np.linalg.cond(P) ** 2 * scale / self.eta)
            wide.append(tolerance[-1] * np.linalg.norm(P, 2) * self.dim**0.5)
        tolerance, wide = np.array(tolerance), np.array(wide)
        why = "8 (d + 8) ulp of x, g and eps over eta, times cond(P)^2"
        return [
            equals("eps", np.array(off), 0.0, tolerance=tolerance, why=why),
            equals("|P eps|", np.array(length), self.rho, tolerance=wide, why=why + ", times |P| sqrt d"),
            at_most("|eps|/|P^-1|", np.array(reach), self.rho, slack=wide, why=why),
            at_least("<R g, eps> over that of others", -np.array(better), 0.0, slack=wide, why=why),
        ]

    controls = {
        "radius off by one part in a million": control(
            measure=lambda c: c.run(c.rule._replace(rho=(1 + 1e-6) * c.rho)), refutes="|P eps|"
        ),
        "sparse SAM as in the authors' code is shorter": control(
            measure=lambda c: c.run(SparseSAM(c.eta, c.rho, c.data[3])), where={"method": "sparse"}, refutes="|P eps|"
        ),
        "ASAM with T in place of T^2": control(
            predict=lambda c: c.predict(power=0.5), where={"method": "asam"}, refutes="eps"
        ),
        "Fisher SAM with F^{-1/2}": control(
            predict=lambda c: c.predict(power=0.5), refutes="eps",
            where={"method": "fisher", "spread": real(5, 10), "dim": integer(4, 6)},
        ),
        "infoSAM with the inverse deviation": control(
            predict=lambda c: c.predict(power=0.5), where={"method": "info", "spread": real(3, 10)}, refutes="eps"
        ),
        "VaSSO with another memory": control(
            predict=lambda c: c.predict(power=0.9), where={"method": "vasso", "theta": real(0.2, 0.8)}, refutes="eps"
        ),
        "SAM's perturbation is not the best on ASAM's ellipsoid": control(
            measure=lambda c: c.run(SAM(c.eta, c.rho)), where={"method": "asam"}, refutes="eps"
        ),
        "reversed": control(
            measure=lambda c: (*c.measure()[:2], -c.measure()[2]), refutes="<R g, eps> over that of others"
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
