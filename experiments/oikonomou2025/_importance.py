"""Data of uniform and importance sampling of one sample, each with the steps of its theorem, on a ridge."""

import numpy as np

from samtheory.evaluate import losses
from samtheory.oracles import WithoutReplacement, importance
from samtheory.problems.core import constants, sample_constants
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.quadratic import orthogonal
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.samplings import expected_residual, optimal_probabilities
from samtheory.simulate import simulate
from samtheory.theory.unified import pl_pair

N, EPOCHS, MIXES = 100, 3000, (0.0, 0.5, 1.0)


def data():
    rng = np.random.default_rng(0)
    basis = orthogonal(rng, N)
    A = (basis * np.array([1.0, 10.0, *rng.uniform(1, 2, N - 2)])) @ basis.T
    ridge = LeastSquares(A, rng.standard_normal(N), 0.03)
    known = constants(ridge)
    L = sample_constants(ridge).L
    x0 = rng.standard_normal(N)
    gaps, rates = [], []
    for mix in MIXES:
        for seed, oracle in enumerate((WithoutReplacement(ridge, 1), importance(ridge, optimal_probabilities(L)))):
            er = expected_residual(oracle, known.f_star)
            rho, eta = pl_pair(known.pl, er.lipschitz, er.A, er.B, mix)
            run = simulate(
                oracle, UnifiedSAM(eta, rho, mix), x0, EPOCHS * N, every=10 * N, seed=seed,
                record={"gap": lambda x: losses(ridge, x) - known.f_star},
            )  # fmt: skip
            gaps.append(run["gap"])
            rates.append(eta * known.pl)
    return {
        "epochs": 10 * np.arange(EPOCHS // 10 + 1),
        "mix": MIXES,
        "gap": np.reshape(gaps, (3, 2, -1)),
        "rate": np.reshape(rates, (3, 2)),
        "ratio": (L.max() / L.mean()) ** 2,
        "n": N,
    }
