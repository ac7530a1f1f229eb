"""Data of constant against decaying radii: full-batch SAM on log-squares losses, and |g| on a quadratic."""

import numpy as np

from samtheory.evaluate import grad_norms, losses
from samtheory.problems.core import constants
from samtheory.problems.log_squares import LogSquares
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import Table
from samtheory.simulate import simulate

SIZES, STEPS, RHO, POWER = (2, 20, 50, 100), 2000, 0.1, 0.001
LONG = 100_000


def data():
    k = 1.0 + np.arange(STEPS + 1)
    decaying = Table(RHO * k**-POWER)
    curves = []
    for n in SIZES:
        rng = np.random.default_rng(n)
        A = rng.standard_normal((n, n)) / n**0.5
        problem = LogSquares(A, rng.standard_normal(n))
        eta = 0.5 / constants(problem).L
        rows = []
        for rule in (SAM(eta, RHO), SAM(eta, decaying), GD(eta)):
            states = simulate(problem, rule, np.zeros(n), STEPS, every=10).states
            rows.append((losses(problem, states), grad_norms(problem, states)))
        curves.append(rows)
    bowl, start = Diagonal([1.0, 3.0, 10.0], [0.0] * 3), [1.1, -0.7, 0.9]
    long = np.arange(1.0, LONG + 1)
    rules = {
        "constant $t=.05$, $\\rho=.1$": SAM(0.05, RHO),
        "$t=.05$, $\\rho_k=.1/k^{.001}$": SAM(0.05, Table(RHO * long**-POWER)),
        "$t_k=.1/\\sqrt{k}$, $\\rho=.1$": SAM(Table(0.1 / np.sqrt(long)), RHO),
        "$t_k=\\min(.1,1/k)$, $\\rho=.1$": SAM(Table(np.minimum(0.1, 1 / long)), RHO),
        "$t=.05$, $\\rho_k=.1/k$": SAM(0.05, Table(RHO / long)),
        "gradient descent": GD(0.05),
    }
    marks = np.unique(np.geomspace(1, LONG, 120).astype(int))
    sizes = {n: grad_norms(bowl, simulate(bowl, r, start, LONG).states[marks]) for n, r in rules.items()}
    return {
        "sizes": SIZES, "k": k[::10], "loss": [[f for f, _ in rows] for rows in curves],
        "marks": marks, "names": list(sizes), "norms": list(sizes.values()),
    }  # fmt: skip
