"""Data of the stationary variances: USAM measured, its exact discrete law and the Lyapunov equation of its SDE."""

import numpy as np

from samtheory.oracles import GaussianNoise
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.sde.moments import diffusion_stationary, discrete_stationary, sgd, usam
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate

LAM, ETA, RUNS = (0.5, 1.0, 2.0, 4.0), 0.1, 4096


def data():
    H, sigma = np.diag(LAM), np.eye(len(LAM))
    rhos = np.linspace(0, 0.7, 101)
    curve = {
        "discrete": [np.diag(discrete_stationary(usam(H, sigma, rho), ETA)) for rho in rhos],
        "equation": [np.diag(diffusion_stationary(usam(H, sigma, rho), ETA)) for rho in rhos],
    }
    noise = GaussianNoise(Diagonal(list(LAM), [0.0] * len(LAM)), 1.0)
    coarse = np.linspace(0, 0.7, 8)
    variance, error, loss = [], [], {"USAM": [], "SAM": []}
    for seed, rho in enumerate(coarse):
        for name, rule in (("USAM", USAM(ETA, rho)), ("SAM", SAM(ETA, rho))):
            x = simulate(noise, rule, [0.0] * len(LAM), 400, members=RUNS, seed=seed, every=100).states[:, 2:]
            squares = (x**2).mean(axis=1)  # 200, 300, 400 steps
            loss[name].append(0.5 * squares.mean(axis=0) @ LAM)
            if name == "USAM":
                interval = mean_interval(squares, 1e-3)
                variance.append(interval.estimate)
                error.append(interval.half_width)
    return {
        "rhos": rhos,
        **curve,
        "coarse": coarse,
        "variance": variance,
        "error": error,
        "sgd": np.diag(diffusion_stationary(sgd(H, sigma), ETA)),
        "lam": LAM,
        "loss discrete": 0.5 * np.array(curve["discrete"]) @ LAM,
        "loss equation": 0.5 * np.array(curve["equation"]) @ LAM,
        "loss USAM": loss["USAM"],
        "loss SAM": loss["SAM"],
    }
