"""Data of the flattest nets: traces and test errors of memorisers and corner nets; a memoriser of the circle."""

import numpy as np

from samtheory.problems.boolean import cube, cube_sample, error_rate, xor
from samtheory.problems.flat_nets import (
    corner_net,
    layer_norm_corner_net,
    layer_norm_memoriser,
    memoriser,
    separation,
)
from samtheory.problems.relu_nets import output_gradients, outputs, weights, with_bias
from samtheory.theory.flatness import flattest_trace, layer_norm_flattest_trace

D, SAMPLES, STRETCHES, EPS, CIRCLE = 10, (64, 256, 512, 768), np.geomspace(0.55, 1, 8), 0.1, 9


def data():
    rng, points, rule = np.random.default_rng(0), cube(D), xor(cube(2))

    def looked_at(net, theta):
        """Tr Hess L by the Jacobian, 0-1 error on the whole cube; the loss is 0."""
        trace = 2 / len(net.y) * (output_gradients(net, theta) ** 2).sum()
        return trace, error_rate(outputs(net, theta, with_bias(points)), xor(points))

    bias, norm = [], []
    for n in SAMPLES:
        X = cube_sample(rng, n, D, distinct=True)
        y, W, eps = xor(X), X / D**0.5, 1 / D**0.5
        bias.append([looked_at(*memoriser(X, y, W, eps, stretch=s)) for s in STRETCHES])
        norm.append(looked_at(*layer_norm_memoriser(X, y, W, eps, EPS)))
    best = (D + 1) ** 0.25
    size = np.array([(D + 1) ** 0.5])
    return {
        "d": D,
        "n": SAMPLES,
        "stretch": STRETCHES,
        "memoriser": bias,  # [n, stretch, (trace, error)]
        "corner": [looked_at(*corner_net(points, rule, best * s)) for s in STRETCHES],
        "printed": looked_at(*corner_net(points, rule, (D**2 + 1) ** 0.25)),
        "layer norm memoriser": norm,
        "layer norm corner": looked_at(*layer_norm_corner_net(points, rule, EPS)),
        "bound": flattest_trace(np.ones(1), size),
        "layer norm bound": layer_norm_flattest_trace(np.ones(1), size, EPS),
        **circle(rng),
    }


def circle(rng):
    """The flattest memoriser of points on the unit circle, seen on a grid, with the line where each unit turns on."""
    angle = 2 * np.pi * (np.arange(CIRCLE) + rng.uniform(-0.25, 0.25, CIRCLE)) / CIRCLE
    X, y = np.stack([np.cos(angle), np.sin(angle)], axis=1), rng.permutation([-1, 1] * CIRCLE)[:CIRCLE].astype(float)
    net, theta = memoriser(X, y, X, 0.12 * separation(X, X))
    grid = np.linspace(-1.12, 1.12, 401)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    round_it = np.linspace(0, 2 * np.pi, 2001)
    on_circle = np.stack([np.cos(round_it), np.sin(round_it)], axis=1)
    return {
        "circle": X,
        "labels": y,
        "grid": grid,
        "f": outputs(net, theta, with_bias(plane)).reshape(len(grid), -1),
        "units": weights(net, theta)[0],
        "silent": float(np.mean(outputs(net, theta, with_bias(on_circle)) == 0)),
        "circle trace": 2 / CIRCLE * (output_gradients(net, theta) ** 2).sum(),
    }
