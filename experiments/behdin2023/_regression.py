"""Data of the bias-variance picture: kernel regression on a sine by gradient descent and by USAM, run and predicted."""

import numpy as np

from samtheory.measures.smoother import bias_and_variance, smoother
from samtheory.problems.kernel_regression import gaussian_kernel
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.theory.kernel_regression import bias_variance

N, WIDTH, NOISE, STEPS = 30, 0.2, 0.5, 300
RADII = (0.3, 1.0, 2.0)  # rho lam_1; with eta lam_1 = 1/2 the last is the end of the condition


def design():
    """Features, target, eigenvalues of K and the target in its eigenbasis."""
    x = (np.arange(N) + 0.5) / N
    lam, U = np.linalg.eigh(gaussian_kernel(x, WIDTH))
    lam = np.maximum(lam, 0)  # the smallest are zero to round-off
    f = np.sin(2 * np.pi * x)
    return U * np.sqrt(lam), f, lam, U.T @ f


def data():
    features, f, lam, b = design()
    top = lam[-1]
    k = np.unique(np.geomspace(1, 20_000, 300).astype(int))
    out = {"k": k, "radii": np.array(RADII), "step": np.arange(STEPS + 1)}
    for name, radius in (("GD", 0.0), *((f"SAM {radius:g}", radius) for radius in RADII)):
        eta, rho = 0.5 / top, radius / top
        rule = USAM(eta, rho) if radius else GD(eta)
        out[f"{name} run"] = np.array(bias_and_variance(smoother(features, rule, STEPS), f, NOISE))
        out[name] = np.array(bias_variance(1 - eta * lam * (1 + rho * lam), k, b, NOISE))
    return out
