"""The rules of the table: reference traces, the same iterates as the compiled rules, corners."""

import pathlib
import re

import numpy as np
import pytest

pytest.importorskip("torch.optim")  # not "torch": a folder of that name on the path would pass for PyTorch

import torch
from torch.nn.functional import softplus

from samtheory.kernel import interpreted
from samtheory.oracles import EverySample, FullBatch
from samtheory.problems.finite_sum import Logistic
from samtheory.problems.links import LogCosh
from samtheory.problems.product import Product
from samtheory.problems.quadratic import Quadratic
from samtheory.problems.tanh_mlp import sign_network
from samtheory.rules.asam import ASAM
from samtheory.rules.bilateral_sam import BilateralSAM
from samtheory.rules.esam import ESAM
from samtheory.rules.fsam import FSAM
from samtheory.rules.gsam import GSAM
from samtheory.rules.looksam import LookSAM
from samtheory.rules.momentum import HeavyBall, Nesterov
from samtheory.rules.noise import Given
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import InverseRoot
from samtheory.rules.sharded import Sharded
from samtheory.rules.sparse_sam import SparseSAM
from samtheory.rules.stable_sam import StableSAM
from samtheory.rules.tsam import TSAM
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.rules.usam import USAM
from samtheory.rules.vasso import VaSSO
from samtheory.rules.weight_decay import WeightDecay
from samtheory.rules.wsam import WSAM
from samtheory.simulate import simulate
from samtheory.torch import RULES, SharpnessAware, micro_batches, module_loss, per_sample_gradients, sam_gradient


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


# ------------------------------------------------------------------------------------ reference traces

A = vector(4, 1, 1, 1).reshape(2, 2)
Z = vector(1, 0.5, 0.8, -0.3, -0.6, 1.2, -1.1, -0.4, 0.3, -0.9, -0.2, 0.7).reshape(6, 2)
Y = vector(1, 1, 1, -1, -1, -1)
BATCHES = [[0, 1, 2], [3, 4, 5], [0, 2, 4], [1, 3, 5], [0, 1, 5]]
LOSSES = {  # problem -> (loss, w0, step size)
    "quad": (lambda w: w @ A @ w / 2, vector(1, -0.5), 0.1),
    "prod": (lambda w: (w[0] * w[1] - 1) ** 2 / 2, vector(2, 0.3), 0.1),
    "logit": (lambda w, z, y: softplus(-y * (z @ w)), vector(0.2, -0.1), 0.5),
}
TRACED = {  # name of a trace -> (rule, options other than rho = 0.1)
    "gd": ("sam", {"rho": 0.0}),
    "sam": ("sam", {}),
    "usam": ("usam", {}),
    "asam": ("asam", {"rho": 0.5, "eta": 0.0}),
    "asam_eta0.01": ("asam", {"rho": 0.5, "eta": 0.01}),
    "gsam": ("gsam", {"alpha": 0.4}),
    "looksam": ("looksam", {"k": 2, "alpha": 0.7}),
    "fsam": ("fsam", {"sigma": 1.0, "lam": 0.9}),
    "fsam_s0.5_l0.6": ("fsam", {"sigma": 0.5, "lam": 0.6}),
    "fsam_paper": ("fsam", {"update_first": True}),
    "vasso": ("vasso", {"theta": 0.2}),
    "stablesam": ("stable", {}),
    "bilateral": ("bilateral", {"rho_min": 0.05}),
    "wsam": ("wsam", {"gamma": 0.9}),
    "tsam": ("tsam", {"rho": 0.05, "tilt": 5.0, "draws": [vector(0.1, 0), vector(0, 0.1), vector(-0.05, -0.05)]}),
    "sparse10": ("sparse", {"memory": {"mask": vector(1, 0)}}),
    "msam3": ("sam", {"m": 2}),
    "msam6": ("sam", {"m": 1}),
    "esam": ("esam", {"beta": 0.5, "gamma": 0.5, "draws": [vector(1, 0)]}),
}


def traces():
    text = (pathlib.Path(__file__).parents[1] / "oracles" / "traces.txt").read_text()
    for name, problem, row in re.findall(r"^([\w.]+)/([\w-]+) +(\(.*)$", text, re.MULTILINE):
        if name in TRACED:
            yield name, problem, [[float(v) for v in point.split(",")] for point in re.findall(r"\((.*?)\)", row)]


@pytest.mark.parametrize("name, problem, expected", [pytest.param(*row, id=f"{row[0]}/{row[1]}") for row in traces()])
def test_reference_trace(name, problem, expected):
    rule, options = TRACED[name]
    options = {"rho": 0.1, **options} | ({"gamma": 0.6} if (name, problem) == ("wsam", "prod") else {})
    loss, w, rate = LOSSES[problem.removesuffix("-mb")]
    every = BATCHES if problem == "logit-mb" else [slice(None)] * 5
    for batch, point in zip(every, expected):
        data = (Z[batch], Y[batch]) if problem.startswith("logit") else ()
        result = sam_gradient(loss, w, rule=rule, batch=data, **options)
        options |= {"memory": result.memory}
        w = w - rate * result.gradient
        assert (w - vector(*point)).abs().max() <= 1e-12  # 13 digits are printed


# ------------------------------------------------------------------------------------ the compiled rules

rng = np.random.default_rng(11)
SPECTRUM, ROTATION = np.linspace(0.1, 2.0, 6), np.linalg.qr(rng.standard_normal((6, 6)))[0]
MATRIX = (ROTATION * SPECTRUM) @ ROTATION.T
MATRIX = (MATRIX + MATRIX.T) / 2
CENTRE, FEATURES = rng.standard_normal(6), rng.standard_normal((8, 6))
LABELS = np.sign(FEATURES @ rng.standard_normal(6) + 0.5 * rng.standard_normal(8))
NETWORK, START = sign_network(3, n=8, d=3, width=5)


def as_tensor(a):
    return torch.tensor(np.array(a))


def quadratic_loss(w):
    return (w - as_tensor(CENTRE)) @ as_tensor(MATRIX) @ (w - as_tensor(CENTRE)) / 2


def logistic_loss(w, a, y):
    return softplus(-y * (a @ w)) + 0.05 * (w @ w)


def network_loss(w, x, y):
    d, width = x.shape[1], NETWORK.width
    weights, bias, out = w.split([d * width, width, width])
    return (torch.tanh(bias + x @ weights.reshape(d, width)) @ out - y) ** 2 / 2


SHARED = {  # problem -> (compiled problem, loss, batch, w0)
    "quadratic": (Quadratic(MATRIX, CENTRE), quadratic_loss, (), rng.standard_normal(6)),
    "product": (Product(LogCosh()), lambda w: torch.log(torch.cosh(w[0] * w[1])), (), np.array([1.5, 0.7])),
    "logistic": (Logistic(FEATURES, LABELS, 0.1), logistic_loss, (FEATURES, LABELS), rng.standard_normal(6)),
    "network": (NETWORK, network_loss, (NETWORK.X, NETWORK.y), START),
}
ETA, RHO, BETA = 0.1, 0.15, 0.6
SLOW = 0.02  # where 0.1 comes so close to g = 0 that g/|g| multiplies round-off a thousand times
COMPILED = {  # name -> (compiled rule, torch rule, options, base options, m)
    "sam": (SAM(ETA, RHO), "sam", {"rho": RHO}, {}, None),
    "usam": (USAM(ETA, RHO), "usam", {"rho": RHO}, {}, None),
    "unified": (UnifiedSAM(ETA, RHO, 0.3), "unified", {"rho": RHO, "lam": 0.3}, {}, None),
    "2-sam": (Sharded(SAM(ETA, RHO), 2), "sam", {"rho": RHO}, {}, 2),
    "1-usam": (Sharded(USAM(ETA, RHO), 1), "usam", {"rho": RHO}, {}, 1),
    "decay": (WeightDecay(SAM(SLOW, RHO), 0.05), "sam", {"rho": RHO}, {"lr": SLOW, "weight_decay": 0.05}, None),
    "heavy ball": (HeavyBall(SAM(SLOW, RHO), BETA), "sam", {"rho": RHO}, {"lr": SLOW, "momentum": BETA}, None),
    "nesterov": (
        Nesterov(SAM(SLOW, RHO), BETA),
        "sam",
        {"rho": RHO},
        {"lr": SLOW, "momentum": BETA, "nesterov": True},
        None,
    ),
}


def shifts(d):
    return 0.1 * np.random.default_rng(d).standard_normal((3, d))


def half(d):
    return np.arange(d)[None] % 2.0


VARIANTS = {  # name -> (compiled rule, given the number d of coordinates; torch rule; its options beside rho)
    "asam": (lambda d: ASAM(ETA, RHO, 0.01), "asam", {"eta": 0.01}),
    "gsam": (lambda d: GSAM(ETA, RHO, 0.4), "gsam", {"alpha": 0.4}),
    "fsam": (lambda d: FSAM(SLOW, RHO, 0.5, 0.6), "fsam", {"sigma": 0.5, "lam": 0.6}),
    "fsam late": (lambda d: FSAM(SLOW, RHO, 0.5, 0.6, True), "fsam", {"sigma": 0.5, "lam": 0.6, "update_first": True}),
    "vasso": (lambda d: VaSSO(ETA, RHO, 0.3), "vasso", {"theta": 0.3}),
    "looksam": (lambda d: LookSAM(SLOW, RHO, 3, 0.2), "looksam", {"k": 3, "alpha": 0.2}),
    "stable": (lambda d: StableSAM(ETA, RHO), "stable", {}),
    "stable unnormalised": (lambda d: StableSAM(ETA, RHO, False), "stable", {"normalised": False}),
    "bilateral": (lambda d: BilateralSAM(ETA, RHO, 0.05), "bilateral", {"rho_min": 0.05}),
    "bilateral c = 1": (
        lambda d: BilateralSAM(SLOW, RHO, 0.05, False),
        "bilateral",
        {"rho_min": 0.05, "match": False},
    ),
    "wsam": (lambda d: WSAM(SLOW, RHO, 0.6), "wsam", {"gamma": 0.6}),
    "tsam": (lambda d: TSAM(ETA, RHO, 2.0, 3, Given(shifts(d))), "tsam", {"tilt": 2.0, "draws": shifts}),
    "esam": (
        lambda d: ESAM(ETA, RHO, Given(2 * half(d)), 0.5),
        "esam",
        {"beta": 0.5, "gamma": 0.5, "draws": half},
    ),
    "sparse": (lambda d: SparseSAM(ETA, RHO, half(d)), "sparse", {"mask": half}),
}


@pytest.mark.parametrize("problem", SHARED)
@pytest.mark.parametrize("name", COMPILED)
def test_same_iterates_as_the_compiled_rule(name, problem):
    """100 steps in float64 to 1e-12; the optimiser and, without momentum, the functional form."""
    compiled, rule, options, base, m = COMPILED[name]
    objective, loss, batch, w0 = SHARED[problem]
    batch = tuple(map(as_tensor, batch))
    if m is not None and not batch:
        pytest.skip("no samples to cut up")
    with interpreted():  # the bits of the compiled code (tests/test_rules.py), without its compilation
        expected = simulate(FullBatch(objective) if m is None else EverySample(objective), compiled, w0, 100).states

    w, functional = torch.nn.Parameter(as_tensor(w0)), as_tensor(w0)
    optimiser = SharpnessAware([w], rule=rule, **{"lr": ETA, **options, **base})

    def closures():
        whole = [lambda: loss(w, *batch).reshape(-1)]
        return whole if m is None else micro_batches(lambda *part: loss(w, *part), batch, m)

    for t in range(100):
        optimiser.step(closures())
        ours = w.detach()
        if base.get("nesterov"):  # PyTorch's iterates are the points x + beta v where the gradient is taken
            ours = ours + BETA * SLOW * optimiser.state[w]["momentum_buffer"]
        assert np.abs(ours.numpy() - expected[t + 1]).max() <= 1e-12
        if not base:
            functional -= ETA * sam_gradient(loss, functional, rule=rule, batch=batch, m=m, **options).gradient
            assert np.abs(functional.numpy() - expected[t + 1]).max() <= 1e-12


@pytest.mark.parametrize("problem", SHARED)
@pytest.mark.parametrize("name", VARIANTS)
def test_same_iterates_as_the_compiled_variant(name, problem):
    """The same of the variants; the optimiser where nothing is given in place of its own draws and masks."""
    objective, loss, batch, w0 = SHARED[problem]
    make, rule, options = VARIANTS[name]
    compiled, options, batch = make(len(w0)), {"rho": RHO, **options}, tuple(map(as_tensor, batch))
    if name == "esam" and not batch:
        pytest.skip("no samples to choose from")
    with interpreted():
        oracle = EverySample(objective) if name == "esam" else FullBatch(objective)
        expected = simulate(oracle, compiled, w0, 100).states

    mask, draws = options.pop("mask", None), options.pop("draws", None)
    memory = {} if mask is None else {"mask": as_tensor(mask(len(w0))[0])}
    given = {} if draws is None else {"draws": as_tensor(draws(len(w0)))}
    w, functional = torch.nn.Parameter(as_tensor(w0)), as_tensor(w0)
    optimiser = SharpnessAware([w], rule=rule, lr=compiled.eta, **options)
    for t in range(100):
        result = sam_gradient(loss, functional, rule=rule, batch=batch, memory=memory, **options, **given)
        functional, memory = functional - compiled.eta * result.gradient, result.memory
        assert np.abs(functional.numpy() - expected[t + 1]).max() <= 1e-12
        if mask is None and draws is None:
            optimiser.step(lambda: loss(w, *batch).reshape(-1))
            assert np.abs(w.detach().numpy() - expected[t + 1]).max() <= 1e-12


def test_schedules_of_the_groups():
    """rho and lr that change every step, set in the parameter groups as schedulers do."""
    objective, loss, _, w0 = SHARED["quadratic"]
    with interpreted():
        expected = simulate(objective, SAM(InverseRoot(0.2), InverseRoot(0.3)), w0, 50).x
    w = torch.nn.Parameter(as_tensor(w0))
    optimiser = SharpnessAware([w], lr=0.2, rho=0.3)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda t: 1 / (1 + t) ** 0.5)
    for t in range(50):
        optimiser.param_groups[0]["rho"] = 0.3 / (1 + t) ** 0.5
        optimiser.step(lambda: loss(w).reshape(-1))
        scheduler.step()
    assert np.abs(w.detach().numpy() - expected).max() <= 1e-12


# ------------------------------------------------------------------------------------ corners

LOGIT = LOSSES["logit"][0]
W = vector(0.2, -0.1)
IDENTITIES = {  # two rules that are one
    "unified 0": (("unified", {"lam": 0.0}), ("usam", {})),
    "unified 1": (("unified", {"lam": 1.0}), ("sam", {})),
    "gsam 0": (("gsam", {"alpha": 0.0}), ("sam", {})),
    "looksam k = 1": (("looksam", {"k": 1}), ("sam", {})),
    "vasso 1": (("vasso", {"theta": 1.0}), ("sam", {})),
    "fsam 0": (("fsam", {"sigma": 0.0}), ("sam", {})),
    "esam 1 1": (("esam", {}), ("sam", {})),
    "sparse": (("sparse", {}), ("sam", {})),
    "wsam 1/2": (("wsam", {"gamma": 0.5}), ("sam", {})),
    "tsam": (("tsam", {"radius": 0.0, "samples": 2}), ("sam", {})),
    "m = n": (("sam", {"m": 6}), ("sam", {})),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities(name):
    (one, options), (two, others) = IDENTITIES[name]
    ours = sam_gradient(LOGIT, W, 0.1, batch=(Z, Y), rule=one, **options)
    other = sam_gradient(LOGIT, W, 0.1, batch=(Z, Y), rule=two, **others)
    torch.testing.assert_close(ours.gradient, other.gradient, rtol=0, atol=1e-15)
    if name.startswith("unified"):
        assert torch.equal(ours.gradient, other.gradient)


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"usam"}))
def test_zero_gradient_is_not_perturbed_but_counted(rule):
    def flat(w):
        return ((w - 1) ** 2).sum()

    result = sam_gradient(
        flat, torch.ones(3, dtype=torch.float64), 0.1, rule=rule, **({"radius": 0.0} if rule == "tsam" else {})
    )
    assert result.omitted >= 1 and result.perturbation_norm == 0
    assert torch.equal(result.gradient, torch.zeros(3, dtype=torch.float64))
    poisoned = sam_gradient(lambda w: flat(w) * torch.nan, torch.ones(3), 0.1, rule=rule)
    assert poisoned.gradient.isnan().all()


@pytest.mark.parametrize("structure", ["tensor", "list", "dict"])
def test_structures_dtypes_and_norms(structure):
    parts = [torch.ones(2, 2, dtype=torch.float64), torch.full((3,), 2.0, dtype=torch.float64)]
    params = {"tensor": parts[0], "list": parts, "dict": dict(zip("ab", parts))}[structure]

    def loss(p):
        tensors = [p] if structure == "tensor" else (p.values() if structure == "dict" else p)
        return sum((t**4).sum() for t in tensors)

    result = sam_gradient(loss, params, 0.1)
    got = result.gradient if structure != "tensor" else [result.gradient]
    got = list(got.values()) if structure == "dict" else list(got)
    used = parts if structure != "tensor" else parts[:1]
    size = sum((4 * p**3).square().sum() for p in used) ** 0.5
    for ours, p in zip(got, used):
        torch.testing.assert_close(ours, 4 * (p + 0.1 * 4 * p**3 / size) ** 3, rtol=1e-14, atol=0)
    assert abs(result.perturbation_norm - 0.1) < 1e-15
    halves = torch.full((70_000,), 1.0, dtype=torch.bfloat16)  # a bfloat16 sum of squares would stop at 256
    norm = sam_gradient(lambda w: w.float().square().sum(), halves, 0.1).perturbation_norm
    assert norm.dtype == torch.float32 and abs(norm - 0.1) < 1e-5
    assert sam_gradient(lambda w: w.square().sum(), halves[:9].half(), 0.1).perturbation_norm.dtype == torch.float32


def test_per_sample_gradients_and_shards():
    gradients = per_sample_gradients(LOGIT, W, Z, Y)
    by_hand = torch.stack([sam_gradient(LOGIT, W, 0.0, batch=(z, y)).gradient for z, y in zip(Z.split(1), Y.split(1))])
    torch.testing.assert_close(gradients, by_hand, rtol=1e-14, atol=0)
    away = W + 0.1 * gradients / gradients.norm(dim=1, keepdim=True)
    one = torch.stack([per_sample_gradients(LOGIT, w, z, y)[0] for w, z, y in zip(away, Z.split(1), Y.split(1))])
    for options in ({}, {"chunk": 4}, {"vectorised": False}):
        result = sam_gradient(LOGIT, W, 0.1, batch=(Z, Y), m=1, **options)
        torch.testing.assert_close(result.gradient, one.mean(0), rtol=1e-14, atol=0)
        assert result.perturbation_norm.shape == (6,) and result.omitted == 0
    zero = Z * torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0, 1.0])[:, None]
    assert sam_gradient(LOGIT, W, 0.1, batch=(zero, Y), m=1).omitted == 2
    for rule in set(RULES) - {"fsam", "vasso", "infosam", "looksam", "esam", "tsam"}:
        fast, slow = (sam_gradient(LOGIT, W, 0.1, batch=(Z, Y), m=3, rule=rule, vectorised=v) for v in (True, False))
        torch.testing.assert_close(fast.gradient, slow.gradient, rtol=1e-13, atol=1e-15)
    sam_gradient(LOGIT, W, 0.1, batch=(Z, Y), m=3, rule="tsam")  # random draws differ between shards


def test_esam_takes_the_samples_that_rose_most():
    result = sam_gradient(LOGIT, W, 0.1, batch=(Z, Y), rule="esam", gamma=0.5)
    away = W + 0.1 * per_sample_gradients(LOGIT, W, Z, Y).mean(0) / per_sample_gradients(LOGIT, W, Z, Y).mean(0).norm()
    most = (LOGIT(away, Z, Y) - LOGIT(W, Z, Y)).argsort(descending=True)[:3]
    torch.testing.assert_close(result.gradient, per_sample_gradients(LOGIT, away, Z, Y)[most].mean(0))


def test_esam_masks_are_unbiased_and_tsam_draws_stay_in_the_ball():
    generator = torch.Generator().manual_seed(5)
    g = sam_gradient(LOGIT, W, 0.0, batch=(Z, Y)).gradient
    norms = [
        sam_gradient(LOGIT, W, 0.1, batch=(Z, Y), rule="esam", beta=0.5, generator=generator).perturbation_norm
        for _ in range(400)
    ]
    squares = torch.stack(norms).square() / 0.01
    expected = 2 * torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 2) @ (g / g.norm()).square()
    assert all((square - 2 * expected).abs().min() < 1e-12 for square in squares)
    assert abs(squares.mean() - 2) < 5 * squares.std() / 20
    draws = [
        sam_gradient(LOGIT, W, 0.0, batch=(Z, Y), rule="tsam", radius=0.2, generator=generator).perturbation_norm.item()
        for _ in range(50)
    ]
    assert 0 < min(draws) < 0.15 and abs(max(draws) - 0.2) < 1e-15  # some reach the sphere


@pytest.mark.parametrize(
    "options, message",
    [
        ({"rho": -0.1}, "rho = -0.1 is negative"),
        ({"rho": float("nan")}, "not finite"),
        ({"rule": "sma"}, "rule = 'sma' is not known"),
        ({"rule": "gsam", "alhpa": 1}, "no option alhpa"),
        ({"support": torch.ones(3)}, "support has shape (3,)"),
        ({"m": 4}, "m = 4 does not divide the batch of 6 samples"),
        ({"m": 0}, "m = 0"),
        ({"m": 2, "batch": ()}, "common length"),
        ({"m": 2, "rule": "fsam"}, "keeps memory"),
        ({"rule": "esam", "gamma": 0.0}, "gamma = 0.0"),
        ({"rule": "wsam", "gamma": 1.0}, "gamma = 1.0"),
        ({"rule": "looksam", "k": 0}, "k = 0"),
        ({"rule": "tsam", "draws": [W]}, "draws is exhausted"),
        ({"params": torch.zeros(2, dtype=torch.int64)}, "dtype torch.int64"),
        ({"params": []}, "params is empty"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        sam_gradient(LOGIT, **{"params": W, "batch": (Z, Y), **options})


def test_esam_needs_per_sample_losses():
    with pytest.raises(ValueError, match="one value a sample"):
        sam_gradient(lambda w, z, y: LOGIT(w, z, y).mean(), W, batch=(Z, Y), rule="esam", gamma=0.5)


def test_losses_of_a_module_leave_its_running_statistics():
    """And so can be differentiated and mapped over shards, each normalised by its own statistics."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6), torch.nn.Linear(6, 3)).double()
    x, y = torch.randn(8, 4, dtype=torch.float64), torch.arange(8) % 3
    loss, params = module_loss(net, torch.nn.functional.cross_entropy), dict(net.named_parameters())
    before = {name: value.clone() for name, value in net.named_buffers()}
    shards = [sam_gradient(loss, params, 0.1, batch=(x[i : i + 4], y[i : i + 4])).gradient for i in (0, 4)]
    both = sam_gradient(loss, params, 0.1, batch=(x, y), m=4).gradient
    for name in params:
        torch.testing.assert_close(both[name], (shards[0][name] + shards[1][name]) / 2, rtol=0, atol=1e-13)
    assert all(torch.equal(value, before[name]) for name, value in net.named_buffers()) and net[1].track_running_stats
