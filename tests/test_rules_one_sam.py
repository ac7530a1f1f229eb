"""1-SAM steps of ReLU networks in one pass, against two gradients in NumPy; what wraps them."""

import numpy as np
import pytest
from oracles import naive
from oracles.points import Points

from samtheory.kernel import interpreted
from samtheory.oracles import EverySample, GaussianNoise, Reshuffled, WithReplacement
from samtheory.problems.core import dim
from samtheory.problems.relu_nets import (
    LayerNormReluNet,
    ReluNet,
    SmoothedReluNet,
    outputs,
    pack,
    weights,
    with_bias,
)
from samtheory.rules.gd import GD
from samtheory.rules.momentum import HeavyBall
from samtheory.rules.one_sam import OneSAM
from samtheory.rules.rescaled import Rescaled
from samtheory.rules.sam import SAM
from samtheory.rules.weight_decay import WeightDecay
from samtheory.simulate import simulate
from samtheory.vectors import rows_times

ETA, RHO, STEPS, WIDTH = 0.01, 0.2, 100, 21
RNG = np.random.default_rng(11)
INPUTS = RNG.choice([-1.0, 1.0], (12, 4))
LABELS = INPUTS[:, 0] * INPUTS[:, 1]
NETS = {
    "no bias": ReluNet(INPUTS, LABELS, WIDTH),
    "bias": ReluNet(with_bias(INPUTS), LABELS, WIDTH),
    "one unit": ReluNet(with_bias(INPUTS), LABELS, 1),
    "layer norm": LayerNormReluNet(with_bias(INPUTS), LABELS, WIDTH, 1e-3),
    "layer norm, often N < eps": LayerNormReluNet(with_bias(INPUTS), LABELS, WIDTH, 2.5),
}
each_net = pytest.mark.parametrize("net", NETS.values(), ids=NETS)


def start(net):
    return 0.7 * np.random.default_rng(5).standard_normal(dim(net))


def gradient(net, x, y, W, last):
    """Of (f - y)^2 at one sample, by the formulas: (with respect to W1', to W2)."""
    r = np.maximum(W @ x, 0)
    on, slope, N = r > 0, last, 1.0
    if isinstance(net, LayerNormReluNet):
        N = max(np.linalg.norm(r), net.eps)
        if np.linalg.norm(r) > net.eps:
            slope = last - (last @ r / N) * r / N
    pull = 2 * (last @ r / N - y)
    return np.outer(pull * slope * on / N, x), pull * r / N


def naive_steps(net, theta, order, rho):
    """1-SAM with two whole gradients a step; a gradient that is 0 perturbs nothing."""
    W, last = (np.array(w) for w in weights(net, theta))
    out, omitted = [], 0
    for i in order:
        x, y = net.X[i], net.y[i]
        dW, dlast = gradient(net, x, y, W, last)
        length = np.sqrt((dW**2).sum() + (dlast**2).sum())
        omitted += length == 0
        c = rho / length if length > 0 else 0.0
        dW, dlast = gradient(net, x, y, W + c * dW, last + c * dlast)
        W, last = W - ETA * dW, last - ETA * dlast
        out.append(pack(W, last))
    return np.array(out), omitted


def reshuffled(seed, n, steps):
    rng, order, out = naive.generator(seed, 0), np.arange(n), []
    while len(out) < steps:
        rng.shuffle(order)
        out += order.tolist()
    return out[:steps]


@each_net
@pytest.mark.parametrize("rho", [0.0, RHO])
def test_the_cheap_step_is_that_of_two_gradients(net, rho):
    theta, order = start(net), reshuffled(3, len(net.X), STEPS)
    run = simulate(Reshuffled(net, 1), OneSAM(ETA, rho), theta, STEPS, seed=3)
    expected, omitted = naive_steps(net, theta, order, rho)
    np.testing.assert_allclose(run.states[1:], expected, rtol=0, atol=1e-12)
    assert run.omitted.tolist() == [omitted]
    plain = simulate(Reshuffled(net, 1), SAM(ETA, rho), theta, STEPS, seed=3)
    np.testing.assert_allclose(run.x, plain.x, rtol=0, atol=1e-12)
    if net.width > 1:
        assert np.abs(run.x - theta).max() > 0.01
    if isinstance(net, LayerNormReluNet):  # both sides of eps were seen
        W = weights(net, theta)[0]
        sizes = np.linalg.norm(np.maximum(net.X @ W.T, 0), axis=1)
        assert (sizes > net.eps).any() and (net.eps < 1 or (sizes < net.eps).any())


@each_net
def test_the_interpreter_and_a_resumed_run_give_the_same_bits(net):
    def go(steps, **options):
        return simulate(Reshuffled(net, 1), OneSAM(ETA, RHO), start(net), steps, seed=4, every=steps, **options)

    run = go(30)
    with interpreted():
        assert go(30).x.tobytes() == run.x.tobytes()
    first = go(15)
    again = simulate(Reshuffled(net, 1), OneSAM(ETA, RHO), start(net), 15, every=15, resume=first)
    assert again.x.tobytes() == run.x.tobytes()


@pytest.mark.parametrize("make", [lambda X, y: ReluNet(X, y, 2), lambda X, y: LayerNormReluNet(X, y, 2, 1e-3)])
def test_a_zero_gradient_moves_nothing_and_is_counted(make):
    off = make([[1.0, -1.0]], [1.0])  # no unit is on: J = 0
    theta = pack([[-1.0, 0.5], [-2.0, 1.0]], [1.0, 2.0])
    run = simulate(WithReplacement(off, 1), OneSAM(ETA, RHO), theta, 3)
    assert (run.states == theta).all() and run.omitted.tolist() == [3]
    theta = pack([[2.0, 0.5], [-2.0, 1.0]], [0.5, 2.0])
    fits = make([[1.0, 0.0]], outputs(off, theta, [[1.0, 0.0]]))  # f = y exactly
    run = simulate(WithReplacement(fits, 1), OneSAM(ETA, RHO), theta, 3)
    assert (run.states == theta).all() and run.omitted.tolist() == [3]


def test_divergence_is_reported():
    run = simulate(Reshuffled(NETS["bias"], 1), OneSAM(10.0, RHO), start(NETS["bias"]), 50, on_divergence="report")
    assert run.diverged[0] > 0


@pytest.mark.parametrize("oracle", [lambda p: p, lambda p: Reshuffled(p, 2), lambda p: WithReplacement(p, 1, False)])
def test_one_sample_a_step(oracle):
    with pytest.raises(ValueError, match="one sample a step"):
        simulate(oracle(NETS["bias"]), OneSAM(ETA, RHO), start(NETS["bias"]), 1)


def test_problems_without_a_cheap_step_are_refused():
    net = SmoothedReluNet(INPUTS, LABELS, 2, 0.1)
    with pytest.raises(TypeError, match="SmoothedReluNet has none"):
        simulate(Reshuffled(net, 1), OneSAM(ETA, RHO), np.zeros(dim(net)), 1)


# ------------------------------------------------------------------------------------ wrappers


@pytest.mark.parametrize("size", [1, 5, 8])
def test_rescaled(size):
    p = Points(RNG.standard_normal((6, 8)), 1 + RNG.random((6, 8)))
    x0, rule = RNG.standard_normal(8), SAM(0.1, 0.05)
    ours = simulate(Reshuffled(p, 1), Rescaled(rule, size, 1.5), x0, 12, seed=1).states
    x = x0
    for i, expected in zip(reshuffled(1, 6, 12), ours[1:]):
        g = p.weight[i] * (x - p.point[i])
        x = x - 0.1 * p.weight[i] * (x + 0.05 * g / np.linalg.norm(g) - p.point[i])
        x = np.append(1.5 * x[:size] / np.linalg.norm(x[:size]), x[size:])
        np.testing.assert_allclose(expected, x, rtol=1e-12)
    with pytest.raises(ValueError, match="size = 9 is more than the 8"):
        simulate(Reshuffled(p, 1), Rescaled(rule, 9, 1.0), x0, 1)
    with pytest.raises(ValueError, match="one sample"):  # the inner rule is asked too
        simulate(EverySample(NETS["bias"]), Rescaled(OneSAM(ETA, RHO), 9, 1.0), start(NETS["bias"]), 1)


def test_a_block_that_is_zero_stays():
    p = Points(np.zeros((1, 3)), np.ones((1, 3)))
    assert not simulate(EverySample(p), Rescaled(GD(0.1), 2, 1.0), [0, 0, 1.0], 3).x[:2].any()


@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: HeavyBall(r, 0.5)])
def test_weight_decay(wrap):
    p = Points(RNG.standard_normal((1, 3)), np.ones((1, 3)))
    ours = simulate(EverySample(p), wrap(WeightDecay(GD(0.1), 0.3)), [1.0, -2.0, 0.5], 10).x
    shifted = Points(p.point / 1.3, 1.3 * p.weight)  # (x - p)^2/2 + 0.3 x^2/2, but for a constant
    np.testing.assert_allclose(ours, simulate(EverySample(shifted), wrap(GD(0.1)), [1.0, -2.0, 0.5], 10).x, rtol=1e-13)


def test_weight_decay_does_not_enter_the_ascent():
    p = Points(RNG.standard_normal((1, 3)), np.ones((1, 3)))
    x = RNG.standard_normal(3)
    step = simulate(EverySample(p), SAM(0.1, 0.2), x, 1).x - x
    ours = simulate(EverySample(p), WeightDecay(SAM(0.1, 0.2), 0.3), x, 1).x - x
    np.testing.assert_allclose(ours, step - 0.03 * x, rtol=1e-13)


@pytest.mark.parametrize("bad", [-0.1, np.nan])
def test_bad_wrappers(bad):
    with pytest.raises(ValueError, match="decay"):
        WeightDecay(GD(0.1), bad)
    with pytest.raises(ValueError, match="length"):
        Rescaled(GD(0.1), 1, bad)
    with pytest.raises(TypeError, match="no direction"):
        simulate(GaussianNoise(NETS["bias"], 0.1), WeightDecay(OneSAM(0.1, 0.1), 0.1), start(NETS["bias"]), 1)


@pytest.mark.parametrize("m", [1, 7, 8, 19])
def test_rows_times(m):
    rows, x, out = RNG.standard_normal((m, 5)), RNG.standard_normal(5), np.empty(m)
    rows_times(rows, x, out)
    np.testing.assert_array_equal(out, naive.times(rows, x))
