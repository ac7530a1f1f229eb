"""Data of the heat maps: clean test error over (d, |mu|) of gradient descent and of SAM and then gradient descent."""

import numpy as np

from samtheory.measures.signal_noise import clean_error, sam_then_gd
from samtheory.problems.signal_noise_net import SignalNoise

DIMENSIONS = np.round(np.geomspace(500, 8000, 9)).astype(int)
SIGNALS = np.geomspace(0.5, 8, 13)
NETS, ETA = 4, 0.1


def data():
    errors = np.zeros((2, len(SIGNALS), len(DIMENSIONS)))
    for a, signal in enumerate(SIGNALS):
        for b, d in enumerate(DIMENSIONS):
            law = SignalNoise(int(d), float(signal))
            for k in range(NETS):
                net = law.draw(np.random.default_rng([k, a]))
                sam_steps = int(np.clip(60 / (ETA * signal**2), 100, 1500))  # three signal times 2m/(eta |mu|^2)
                for which, (c, steps) in enumerate(((0.0, 400), (1.0, sam_steps + 400))):
                    x = sam_then_gd(net, ETA, law.radius(c), sam_steps, steps, loss=0.01)
                    found = clean_error(net, x, law.noise, np.random.default_rng([k, a, b]), 1024)
                    errors[which, a, b] += found.estimate / NETS
    return {"d": DIMENSIONS, "signal": SIGNALS, "gd": errors[0], "sam": errors[1], "n": law.n}
