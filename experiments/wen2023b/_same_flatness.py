"""Data of the scatter: trace and test error of the net with bias, by training, and of two nets written down."""

import numpy as np

from samtheory.oracles import Reshuffled, WithReplacement
from samtheory.problems.boolean import cube, error_rate, xor
from samtheory.problems.flat_nets import corner_net, memoriser
from samtheory.problems.relu_nets import output_gradients, outputs
from samtheory.problems.xor_nets import label_noise, xor_task
from samtheory.rules.gd import GD
from samtheory.rules.one_sam import OneSAM
from samtheory.rules.schedules import Phases
from samtheory.rules.weight_decay import WeightDecay
from samtheory.simulate import simulate

D, N, WIDTH, SETS = 30, 100, 300, 8
FULL, SAM_STEPS, NOISY_STEPS = 2500, (40_000, 60_000), (300_000, 20_000)


def data():
    points = {name: [] for name in ("GD", "GD + weight decay", "1-SAM", "label-noise SGD", "memoriser", "corner net")}
    for number in range(SETS):
        task = xor_task("bias", [0, number], D, N, WIDTH)

        def end(oracle, rule, start, steps, number=number):
            return simulate(oracle, rule, start, steps, every=steps, record={}, seed=number, threads=1).x

        if number < 5:
            ends = {
                "GD": end(task.net, GD(0.05), task.start, FULL),
                "GD + weight decay": end(task.net, WeightDecay(GD(0.05), 0.05), task.start, FULL),
            }
        else:
            ends = {}
        sam = OneSAM(0.01, Phases((0.05, 0.1), SAM_STEPS))
        ends["1-SAM"] = end(Reshuffled(task.net, 1), sam, task.start, sum(SAM_STEPS))
        theta = task.start
        for sigma, steps in zip((0.5, 0.05), NOISY_STEPS):
            theta = end(WithReplacement(label_noise(task.net, sigma), 1), OneSAM(0.01, 0.0), theta, steps)
        ends["label-noise SGD"] = theta
        for name, theta in ends.items():
            fit = task.fit(theta)
            points[name].append((fit.trace, fit.error))
        X = np.unique(task.net.X[:, :D], axis=0)
        for name, (net, theta) in {
            "memoriser": memoriser(X, xor(X), X / np.sqrt(D), 0.9 * 2 / np.sqrt(D)),
            "corner net": corner_net(X, xor(cube(2))),
        }.items():
            trace = 2 * (output_gradients(net, theta) ** 2).sum(axis=1).mean()
            points[name].append((trace, error_rate(outputs(net, theta, task.inputs), task.labels)))
    return {name: np.array(pairs) for name, pairs in points.items()} | {"least": 4 * np.sqrt(D + 1)}
