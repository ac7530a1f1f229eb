"""Data of the collapse: gradient descent's clean error against n |mu|^4/(d (P - 1)^4) and n |mu|^2/(d (P - 1)^2)."""

import numpy as np

from samtheory.measures.signal_noise import clean_error, sam_then_gd
from samtheory.problems.signal_noise_net import SignalNoise

SHAPES = ((20, 1000, 2), (20, 16000, 2), (20, 160000, 2), (20, 4000, 3), (40, 2000, 2), (40, 32000, 4))  # n, d, P
NETS, SCALE = 16, 0.01


def data():
    kappas = np.geomspace(1e-3, 50, 12)
    error, spread, squared = np.zeros((3, len(SHAPES), len(kappas)))
    for a, (n, d, patches) in enumerate(SHAPES):
        for b, kappa in enumerate(kappas):
            law = SignalNoise(d, (kappa * d / n) ** 0.25 * (patches - 1), n, patches)
            eta = 2 * n * law.width / ((patches - 1) ** 2 * d)
            found = []
            for k in range(NETS):
                rng = np.random.default_rng([a, b, k])
                net = law.draw(rng)
                net = net._replace(start=SCALE * net.start, rest=SCALE**2 * net.rest)
                found.append(clean_error(net, sam_then_gd(net, eta, 0.0, 0, 400, 0.02), 1.0, rng, 1024).estimate)
            error[a, b], spread[a, b] = np.mean(found), np.std(found, ddof=1) / NETS**0.5
            squared[a, b] = n * law.signal**2 / (d * (patches - 1) ** 2)
    return {"shapes": SHAPES, "kappa": kappas, "squared": squared, "error": error, "spread": spread}
