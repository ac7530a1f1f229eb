"""Data of the teacher-student picture: exact test error of gradient descent and USAM along the steps, 20 teachers."""

import numpy as np

from samtheory.problems.lazy_relu import HeadlessReLU, doubled, tangent_kernel
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.relu_moments import network_error, relu_mean, relu_products

TEACHERS, UNITS, STUDENT, D, N, STEPS = 20, 5, 100, 10, 40, 400
NOISES = (0.0, 0.5, 1.0)
AT = np.unique(np.geomspace(1, STEPS, 22).astype(int))


def errors(seed, s):
    """Test errors of gradient descent and of USAM, [2, k]."""
    rng = np.random.default_rng([2302, seed])
    V, signs = rng.standard_normal((D, UNITS)), rng.choice([-1.0, 1.0], UNITS)
    x, eps = rng.standard_normal((N, D)) / D**0.5, rng.standard_normal(N)
    heads, start = doubled(rng.standard_normal((D, STUDENT)), STUDENT**-0.5)
    teacher = signs / (signs @ relu_products(V, V, 1 / D) @ signs - (signs @ relu_mean(V, 1 / D)) ** 2) ** 0.5
    problem = HeadlessReLU(x, np.maximum(x @ V, 0) @ teacher + s * eps, heads)
    top = np.linalg.eigvalsh(tangent_kernel(problem, start))[-1]
    rules = GD(0.4 / top), USAM(0.4 / top, 1 / top)
    runs = (simulate(problem, rule, start, STEPS, threads=1).states[AT] for rule in rules)
    return [[network_error(theta.reshape(D, -1), heads, V, teacher, 1 / D) for theta in run] for run in runs]


def data():
    return {
        "k": AT,
        "noise": np.array(NOISES),
        "errors": np.array([[errors(seed, s) for seed in range(TEACHERS)] for s in NOISES]),
    }
