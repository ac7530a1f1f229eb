"""The optimisers on a small network: both conventions, groups, accumulation, AMP, statistics, state, misuse."""

import copy
import io
import pickle

import pytest

pytest.importorskip("torch.optim")  # not "torch": a folder of that name on the path would pass for PyTorch

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import samtheory.torch as st
from samtheory.torch import SAM, SharpnessAware, micro_batches, module_loss, mSAM, sam_gradient
from samtheory.torch.rules import rule
from samtheory.torch.sparse import drop_rate, fisher_mask, regrown_mask
from samtheory.validate import nonnegative

OPTIMISERS = {
    each.__name__: each
    for each in (
        st.SAM, st.ASAM, st.USAM, st.UnifiedSAM, st.GSAM, st.FSAM, st.VaSSO, st.LookSAM, st.ESAM, st.StableSAM,
        st.BilateralSAM, st.TSAM, st.SparseSAM, st.WSAM,
    )
}  # fmt: skip
X = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
Y = torch.arange(12) % 3


def network(norm=False, dtype=torch.float64):
    torch.manual_seed(0)
    middle = [nn.BatchNorm1d(6)] if norm else []
    return nn.Sequential(nn.Linear(4, 6), *middle, nn.Tanh(), nn.Linear(6, 3)).to(dtype)


def closure_of(net, x=X, y=Y):
    def closure():
        loss = cross_entropy(net(x), y)
        loss.backward()
        return loss

    return closure


def flat(net):
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()])


def train(net, optimiser, steps, **options):
    return [optimiser.step(closure_of(net), **options).item() for _ in range(steps)]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_by_hand_is_the_closure_convention(name):
    nets = network(), network()
    one, two = (OPTIMISERS[name](net.parameters(), lr=0.1, momentum=0.9) for net in nets)
    if name == "TSAM":
        with pytest.raises(RuntimeError, match="no gradient at w"):
            two.first_step()
        return
    for _ in range(7):  # more than looksam's period
        loss = one.step(closure_of(nets[0]))
        assert loss == closure_of(nets[1])()
        before, more = flat(nets[1]), two.first_step()
        assert more != torch.equal(flat(nets[1]), before)  # looksam needs no second gradient between refreshes
        while more:
            closure_of(nets[1])()
            more = two.second_step()
        if two.steps < one.steps:
            two.second_step()
        assert torch.equal(flat(nets[0]), flat(nets[1]))
    assert one.omitted == 0 and one.steps == 7


@pytest.mark.parametrize("name", OPTIMISERS)
def test_state_continues_to_the_same_bits(name):
    torch.manual_seed(3)
    net = network()
    optimiser = OPTIMISERS[name](net.parameters(), torch.optim.Adam, lr=0.01, weight_decay=0.1)
    if name == "SparseSAM":
        optimiser.set_mask((torch.arange(flat(net).numel()) % 2).double())
    train(net, optimiser, 3)
    file = io.BytesIO()
    torch.save([net.state_dict(), optimiser.state_dict(), torch.get_rng_state()], file)
    expected = train(net, optimiser, 4)
    file.seek(0)
    weights, state, random = torch.load(file, weights_only=True)
    other = network()
    other.load_state_dict(weights)
    again = OPTIMISERS[name](other.parameters(), torch.optim.Adam, lr=0.5)
    again.load_state_dict(state)
    torch.set_rng_state(random)
    assert train(other, again, 4) == expected
    assert torch.equal(flat(net), flat(other)) and again.steps == optimiser.steps == 7


def test_the_state_of_a_generator_of_ones_own_is_kept():
    nets, states, losses = (network(), network()), [], []
    for net in nets:
        optimiser = st.TSAM(net.parameters(), lr=0.1, radius=0.5, generator=torch.Generator().manual_seed(len(states)))
        if states:
            net.load_state_dict(states[0][0])
            optimiser.load_state_dict(states[0][1])
        else:
            train(net, optimiser, 2)
            states.append(copy.deepcopy((net.state_dict(), optimiser.state_dict())))
        losses.append(train(net, optimiser, 3))
    assert losses[0] == losses[1] and torch.equal(flat(nets[0]), flat(nets[1]))


def test_copies_train_on_their_own():
    net = network()
    optimiser = st.FSAM(net.parameters(), lr=0.1, momentum=0.9)
    train(net, optimiser, 3)
    twin, other = pickle.loads(pickle.dumps(copy.deepcopy((net, optimiser))))
    assert other.param_groups is other.base.param_groups and other.param_groups[0]["params"][0] is next(
        twin.parameters()
    )
    before = flat(net)
    expected = train(twin, other, 3)
    assert torch.equal(flat(net), before) and optimiser.steps == 3
    assert train(net, optimiser, 3) == expected and torch.equal(flat(net), flat(twin))


def test_sam_around_a_base_instance_with_decay_is_the_published_algorithm():
    """w <- base(w, g(w + rho g/|g|)): the base's weight decay acts at w."""
    net, other = network(), network()
    optimiser = SAM(torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.3), rho=0.2)
    base = torch.optim.AdamW(other.parameters(), lr=0.01, weight_decay=0.3)
    loss = module_loss(other, cross_entropy)
    for _ in range(5):
        optimiser.step(closure_of(net))
        result = sam_gradient(loss, dict(other.named_parameters()), 0.2, batch=(X, Y))
        for name, p in other.named_parameters():
            p.grad = result.gradient[name]
        base.step()
    torch.testing.assert_close(flat(net), flat(other), rtol=0, atol=1e-13)


@pytest.mark.parametrize("base", ["Adadelta", "RMSprop", "Adagrad", "NAdam", "ASGD", "Rprop"])
def test_any_base_also_with_options_of_the_same_name(base):
    net = network()
    optimiser = st.GSAM(net.parameters(), getattr(torch.optim, base), lr=1e-3, rho=0.1, alpha=0.5)
    losses = train(net, optimiser, 20)
    assert losses[-1] < losses[0]
    group = optimiser.param_groups[0]
    assert group[optimiser.keys["rho"]] == 0.1 and group[optimiser.keys["alpha"]] == 0.5
    assert base != "Adadelta" or (group["rho"], group["sam_rho"]) == (0.9, 0.1)


# ------------------------------------------------------------------------------------ groups and masks


def test_groups_have_their_own_radius_and_rate_and_share_a_norm():
    net = network()
    w, grads = flat(net), torch.autograd.grad(cross_entropy(net(X), Y), list(net.parameters()))
    first, last = list(net[0].parameters()), list(net[2].parameters())
    optimiser = SAM([{"params": first, "rho": 0.3, "lr": 0.2}, {"params": last, "lr": 0.05}], lr=1.0, rho=0.1)
    closure_of(net)()
    optimiser.first_step()
    size = sum(g.square().sum() for g in grads) ** 0.5
    radii = [0.3, 0.3, 0.1, 0.1]
    expected = torch.cat([(rho / size * g).reshape(-1) for rho, g in zip(radii, grads)])
    torch.testing.assert_close(flat(net) - w, expected, rtol=0, atol=1e-15)
    gs = torch.autograd.grad(cross_entropy(net(X), Y), list(net.parameters()))
    closure_of(net)()
    optimiser.second_step()
    moved = torch.cat([(lr * g).reshape(-1) for lr, g in zip([0.2, 0.2, 0.05, 0.05], gs)])
    torch.testing.assert_close(w - flat(net), moved, rtol=0, atol=1e-15)
    assert optimiser.omitted == 0
    idle = nn.Parameter(torch.ones(2, dtype=torch.float64))
    optimiser.add_param_group({"params": [idle], "rho": 0.7, "weight_decay": 0.5})
    assert [group["rho"] for group in optimiser.param_groups] == [0.3, 0.1, 0.7]
    train(net, optimiser, 1)
    assert idle.grad is None and torch.equal(idle.detach(), torch.ones(2, dtype=torch.float64))  # as without SAM


def test_only_the_normalisation_layers_perturbed():
    net = network(norm=True)
    chosen = st.normalisation_parameters(net)
    assert [id(p) for p in chosen] == [id(net[1].weight), id(net[1].bias)]
    assert {id(p) for p in st.bias_parameters(net)} == {id(p) for p in (*chosen, net[0].bias, net[3].bias)}
    optimiser = SAM(st.split(net, chosen, {}, {"perturb": False}), lr=0.1, rho=0.5)
    w = copy.deepcopy(net)
    closure_of(net)()
    optimiser.first_step()
    moved = {name: (p - q).norm() for (name, p), q in zip(net.named_parameters(), w.parameters())}
    assert all((size > 0) == name.startswith("1.") for name, size in moved.items())
    assert abs(sum(size**2 for size in moved.values()) ** 0.5 - 0.5) < 1e-14  # the norm over these alone
    optimiser.abandon()
    assert torch.equal(flat(net), flat(w))
    inside = torch.cat(
        [torch.full((p.numel(),), n.startswith("1."), dtype=torch.float64) for n, p in w.named_parameters()]
    )
    with st.frozen_statistics(w):
        loss, params = module_loss(w, cross_entropy), dict(w.named_parameters())
        functional = sam_gradient(loss, params, 0.5, batch=(X, Y), support=inside).gradient
    before = flat(net)
    train(net, optimiser, 1)
    expected = torch.cat([g.reshape(-1) for g in functional.values()])
    torch.testing.assert_close(before - flat(net), 0.1 * expected, rtol=0, atol=1e-15)


def test_asam_leaves_biases_their_own_scale():
    net = network()
    before, g = flat(net), torch.autograd.grad(cross_entropy(net(X), Y), list(net.parameters()))
    optimiser = st.ASAM(st.split(net, st.bias_parameters(net), {"adaptive": False}, {}), lr=0.1, rho=0.5, eta=0.0)
    closure_of(net)()
    optimiser.first_step()
    scales = [torch.ones_like(p) if p.ndim == 1 else p.abs() for p in network().parameters()]
    size = sum((t * x).square().sum() for t, x in zip(scales, g)) ** 0.5
    expected = torch.cat([(0.5 * t * t * x / size).reshape(-1) for t, x in zip(scales, g)])
    torch.testing.assert_close(flat(net) - before, expected, rtol=0, atol=1e-15)


def test_sparse_masks():
    net, loss = network(), None
    loss = module_loss(net, cross_entropy)
    params = dict(net.named_parameters())
    mask = fisher_mask(loss, params, X, Y, sparsity=0.25)
    rows = torch.stack(
        [
            torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss(params, x, y), list(params.values()))])
            for x, y in zip(X.split(1), Y.split(1))
        ]
    )
    fisher = rows.square().sum(0)
    assert mask.sum() == 39  # ceil(0.75 * 51)
    assert fisher[mask == 1].min() >= fisher[mask == 0].max()
    optimiser = st.SparseSAM(net.parameters(), lr=0.1, rho=0.1)
    optimiser.set_mask(mask)
    before = flat(net)
    closure_of(net)()
    optimiser.first_step()
    torch.testing.assert_close(flat(net) - before, 0.1 * mask * rows.mean(0) / rows.mean(0).norm(), rtol=0, atol=1e-15)
    grown = regrown_mask(mask, rows.mean(0), 0.2, torch.Generator().manual_seed(0))
    dropped = (mask == 1) & (grown == 0)
    assert grown.sum() == 39 and dropped.sum() == 8
    assert rows.mean(0)[dropped].abs().max() <= rows.mean(0)[(mask == 1) & (grown == 1)].abs().min()
    assert drop_rate(0, 10) == 0.5 and drop_rate(10, 10) < 1e-16
    with pytest.raises(ValueError, match="mask has shape"):
        optimiser.set_mask(mask[1:])


def test_rho_follows_the_rate():
    net = network()
    optimiser = st.GSAM(net.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, 4)
    radius = st.RhoFollowsRate(optimiser, (0.02, 0.1), (0.0, 0.1))
    seen = []
    for _ in range(5):
        seen.append(optimiser.param_groups[0]["rho"])
        train(net, optimiser, 1)
        scheduler.step()
        radius.step()
    assert seen == pytest.approx([0.1, 0.08, 0.06, 0.04, 0.02])


# ------------------------------------------------------------------------------------ accumulation and clipping


@pytest.mark.parametrize("m", [1, 3, 12])
def test_accumulation_is_exactly_m_sam(m):
    net = network()
    loss = module_loss(net, cross_entropy)
    expected = sam_gradient(loss, dict(net.named_parameters()), 0.3, batch=(X, Y), m=m).gradient
    start, step = flat(net), torch.cat([g.reshape(-1) for g in expected.values()])
    closures = micro_batches(lambda x, y: cross_entropy(net(x), y), (X, Y), m)
    optimiser = mSAM(net.parameters(), lr=0.5, rho=0.3)
    assert abs(optimiser.step(closures) - cross_entropy(network()(X), Y)) < 1e-15
    torch.testing.assert_close(flat(net), start - 0.5 * step, rtol=0, atol=1e-15)
    other = network()
    by_parts = SAM(other.parameters(), lr=0.5, rho=0.3)
    for part in micro_batches(lambda x, y: cross_entropy(other(x), y), (X, Y), m):
        by_parts.accumulate(part)
    by_parts.step()
    assert torch.equal(flat(net), flat(other))


def test_clipping_between_the_steps_and_of_the_direction():
    net = network()
    before = flat(net)
    optimiser = SAM(net.parameters(), lr=1.0, rho=0.1)
    closure_of(net)()
    nn.utils.clip_grad_norm_(net.parameters(), 1e-3)
    optimiser.first_step()
    assert abs((flat(net) - before).norm() - 0.1) < 1e-14  # the ascent does not see its length
    closure_of(net)()
    nn.utils.clip_grad_norm_(net.parameters(), 1e-3)
    optimiser.second_step()
    assert abs((flat(net) - before).norm() - 1e-3) < 1e-8
    before = flat(net)
    train(net, SAM(net.parameters(), lr=1.0, rho=0.1, clip_norm=1e-3), 1)
    assert abs((flat(net) - before).norm() - 1e-3) < 1e-14


# ------------------------------------------------------------------------------------ mixed precision


@pytest.mark.parametrize("name", ["SAM", "GSAM", "FSAM", "LookSAM", "BilateralSAM", "TSAM"])
def test_autocast_with_a_scaler_follows_the_unscaled_run(name):
    """A power of two as scale changes no bit; autocast is the same in both."""
    nets, finals = (network(dtype=torch.float32), network(dtype=torch.float32)), []
    for net, enabled in zip(nets, (True, False)):
        torch.manual_seed(4)
        optimiser = OPTIMISERS[name](net.parameters(), lr=0.1, momentum=0.9)
        scaler = torch.amp.GradScaler("cpu", enabled=enabled, init_scale=2.0**12)

        def closure(net=net, scaler=scaler):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = cross_entropy(net(X.float()), Y)
            scaler.scale(loss).backward()
            return loss

        losses = []
        for _ in range(12):
            losses.append(optimiser.step(closure, scaler=scaler).item())
            scaler.update()
        assert losses[-1] < losses[0] and optimiser.steps == 12
        finals.append(flat(net))
    assert torch.equal(*finals)


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("bad_pass", [0, 1])
def test_overflow_leaves_the_step_out(bad_pass, by_hand):
    net = network(dtype=torch.float32)
    optimiser = st.FSAM(net.parameters(), lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    calls = []

    def closure(fail):
        loss = cross_entropy(net(X.float()), Y)
        scaler.scale(loss * (torch.inf if fail and len(calls) % 2 == bad_pass else 1)).backward()
        calls.append(0)
        return loss

    def step(fail):
        if not by_hand:
            optimiser.step(lambda: closure(fail), scaler=scaler)
        else:
            closure(fail)
            if optimiser.first_step(scaler=scaler):
                closure(fail)
            optimiser.second_step(scaler=scaler)
        scaler.update()
        calls.clear()

    step(False)
    before, memory = flat(net), optimiser.state_dict()["sam"]["memory"]["m"]
    step(True)
    assert torch.equal(flat(net), before) and optimiser.steps == 1 and scaler.get_scale() == 2.0**9
    assert torch.equal(optimiser.state_dict()["sam"]["memory"]["m"], memory)
    step(False)
    assert optimiser.steps == 2 and not torch.equal(flat(net), before)


def test_half_precision_parameters_come_back_bit_for_bit():
    net = network(dtype=torch.bfloat16)
    before = flat(net)
    optimiser = SAM(net.parameters(), lr=0.0, rho=1.0)
    optimiser.step(closure_of(net, X.bfloat16()))
    assert torch.equal(flat(net), before) and optimiser.perturbation_norm.dtype == torch.float32


# ------------------------------------------------------------------------------------ statistics


@pytest.mark.parametrize("by_hand", [False, True])
def test_running_statistics_follow_the_first_pass_only(by_hand):
    net, plain = network(norm=True), network(norm=True)
    optimiser = SAM(net.parameters(), lr=0.1, rho=0.5, model=net)
    plain(X)  # one pass in training mode
    if by_hand:
        closure_of(net)()
        optimiser.first_step()
        closure_of(net)()
        optimiser.second_step()
    else:
        optimiser.step(closure_of(net))
    assert net[1].num_batches_tracked == 1 and net[1].track_running_stats
    assert torch.equal(net[1].running_mean, plain[1].running_mean)
    assert torch.equal(net[1].running_var, plain[1].running_var)


def test_frozen_statistics_change_no_output():
    for layer in (nn.BatchNorm1d(4), nn.BatchNorm1d(4, momentum=None), nn.InstanceNorm1d(4, track_running_stats=True)):
        x = torch.randn(5, 4, 3)
        layer(x)
        expected, state = layer(x), copy.deepcopy(layer.state_dict())
        with st.frozen_statistics(layer):
            assert torch.equal(layer(x + 0), expected)
            layer(3 * x + 1)
        assert all(torch.equal(layer.state_dict()[key], value) for key, value in state.items())
        layer.eval()
        expected = layer(x)
        with st.frozen_statistics(layer):
            assert torch.equal(layer(x), expected)


# ------------------------------------------------------------------------------------ misuse


def test_misuse_is_explained():
    net = network()
    optimiser = SAM(net.parameters(), lr=0.1)
    with pytest.raises(RuntimeError, match="needs a closure"):
        optimiser.step()
    with pytest.raises(RuntimeError, match="second_step before first_step"):
        optimiser.second_step()
    with pytest.raises(RuntimeError, match="no parameter has a gradient"):
        optimiser.first_step()
    with pytest.raises(RuntimeError, match="closure left no gradient"):
        optimiser.step(lambda: cross_entropy(net(X), Y))
    with pytest.raises(TypeError, match="closure returned NoneType"):
        optimiser.step(lambda: closure_of(net)() and None)
    with pytest.raises(ValueError, match="empty sequence"):
        optimiser.step([])
    closure_of(net)()
    optimiser.first_step()
    for wrong in (optimiser.first_step, optimiser.step, optimiser.state_dict):
        with pytest.raises(RuntimeError, match=r"first_step|middle of a step"):
            wrong()
    optimiser.abandon()
    optimiser.step(closure_of(net))
    with pytest.raises(ValueError, match=r"rule 'sam'.*rule is 'gsam'"):
        st.GSAM(net.parameters(), lr=0.1).load_state_dict(optimiser.state_dict())
    with pytest.raises(ValueError, match="no rule"):
        optimiser.load_state_dict(torch.optim.SGD(net.parameters(), lr=0.1).state_dict())
    optimiser.param_groups[0]["rho"] = -1.0
    with pytest.raises(ValueError, match=r"rho of parameter group 0 = -1.0 is negative"):
        optimiser.step(closure_of(net))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda p: SAM(p, lr=0.1, rho=-0.05), "rho = -0.05 is negative"),
        (lambda p: SAM([{"params": p, "rho": -2}], lr=0.1), "rho of parameter group 0 = -2 is negative"),
        (lambda p: SharpnessAware(p, rule="sharp", lr=0.1), "rule = 'sharp' is not known"),
        (lambda p: SAM(p, torch.optim.LBFGS), "LBFGS is not allowed"),
        (lambda p: SAM(p, "sgd"), "must be a class of optimisers"),
        (lambda p: SAM(torch.optim.SGD(p), lr=0.1), "made already"),
        (lambda p: SAM(p, lr=0.1, clip_norm=0), "clip_norm = 0 is not positive"),
        (lambda p: SAM(p, lr=0.1, perturb="no"), "perturb = 'no'"),
        (lambda p: mSAM(p, lr=0.1).step(lambda: None), "sequence of closures"),
        (lambda p: micro_batches(None, (X, Y), 5), "m = 5 does not divide"),
        (lambda p: st.LookSAM([{"params": p[:1], "k": 2}, {"params": p[1:]}], lr=0.1), "k must be the same"),
        (lambda p: st.ESAM([{"params": p[:1], "gamma": 0.5}, {"params": p[1:]}], lr=0.1), "gamma must be the same"),
        (lambda p: st.split(network(), p, {}, {}), "4 tensors that are no parameters of the model"),
        (lambda p: rule("sam")(None), "a rule 'sam' already"),
        (lambda p: st.RhoFollowsRate(SAM(p, lr=0.1), (0.1, 0.2), (1, 0)), "lr_min < lr_max"),
        (lambda p: st.RhoFollowsRate(SAM(p, lr=0.1), (0.2, 0.1), (0, 1)), "rho_min <= rho_max"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make(list(network().parameters()))


def test_sparse_gradients_are_refused():
    table = nn.Embedding(5, 3, sparse=True)
    optimiser = SAM(table.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="gradient of parameter 0 is sparse"):
        optimiser.step(lambda: table(torch.tensor([1, 2])).square().sum(1))


def test_a_rule_of_ones_own():
    """The example of samtheory/torch/rules.py: descend from the point below."""

    @rule("mine", rho=(0.05, nonnegative))
    def mine(s, rho):
        _, g = yield
        _, gs = yield -rho * s.on(g)
        return gs

    try:
        net = network()
        loss, params = module_loss(net, cross_entropy), dict(net.named_parameters())
        expected = sam_gradient(loss, params, 0.3, batch=(X, Y), rule="mine").gradient
        grads = torch.autograd.grad(cross_entropy(net(X), Y), list(net.parameters()))
        below = {name: p.detach() - 0.3 * g for (name, p), g in zip(params.items(), grads)}
        by_hand = torch.func.grad(loss)(below, X, Y)
        before = flat(net)
        train(net, SharpnessAware(net.parameters(), rule="mine", lr=0.5, rho=0.3), 1)
        for name in params:
            torch.testing.assert_close(expected[name], by_hand[name], rtol=0, atol=1e-15)
        step = torch.cat([g.reshape(-1) for g in by_hand.values()])
        torch.testing.assert_close(before - flat(net), 0.5 * step, rtol=0, atol=1e-15)
    finally:
        del st.RULES["mine"]


def test_an_exception_in_the_second_pass_restores_the_weights():
    net = network()
    before, calls = flat(net), []
    optimiser = st.FSAM(net.parameters(), lr=0.1)

    def closure():
        calls.append(0)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return closure_of(net)()

    with pytest.raises(KeyboardInterrupt):
        optimiser.step(closure)
    assert torch.equal(flat(net), before) and optimiser.steps == 0 and not optimiser.state_dict()["sam"]["memory"]
    optimiser.step(closure)


def test_shards_share_no_memory_and_esam_needs_samples():
    net = network()
    closures = micro_batches(lambda x, y: cross_entropy(net(x), y), (X, Y), 6)
    with pytest.raises(RuntimeError, match="keeps memory"):
        st.FSAM(net.parameters(), lr=0.1).step(closures)
    optimiser = st.ESAM(net.parameters(), lr=0.1, gamma=0.5)
    for closure in (closure_of(net), closures):  # a mean loss would make of the batch one sample, always chosen
        with pytest.raises(ValueError, match="one value a sample"):
            optimiser.step(closure)
    start = flat(net)
    expected = sam_gradient(
        module_loss(net, lambda out, y: cross_entropy(out, y, reduction="none")),
        dict(net.named_parameters()), rule="esam", batch=(X, Y), gamma=0.5,
    ).gradient  # fmt: skip
    optimiser.step(lambda: cross_entropy(net(X), Y, reduction="none"))
    torch.testing.assert_close(start - flat(net), 0.1 * torch.cat([g.reshape(-1) for g in expected.values()]))


@pytest.mark.parametrize("base, cycled", [(torch.optim.SGD, "momentum"), (torch.optim.AdamW, "betas")])
def test_schedulers_that_cycle_the_momentum(base, cycled):
    net = network()
    optimiser = SAM(net.parameters(), base, lr=0.1, **({"momentum": 0.9} if cycled == "momentum" else {}))
    start = optimiser.param_groups[0][cycled]
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.1, total_steps=8)
    for _ in range(3):
        optimiser.step(closure_of(net))
        scheduler.step()
    assert optimiser.base.param_groups[0][cycled] != start


@pytest.mark.parametrize("name", OPTIMISERS)
def test_frozen_parameters_are_not_perturbed(name):
    net, seen = network(), []
    optimiser = OPTIMISERS[name](net.parameters(), lr=0.1, weight_decay=0.1)
    train(net, optimiser, 1)
    net[0].weight.requires_grad_(False)
    before = net[0].weight.clone()

    def closure():
        seen.append(torch.equal(net[0].weight, before))
        return closure_of(net)()

    optimiser.step(closure)
    assert all(seen) and torch.equal(net[0].weight, before)


def test_after_a_failure_of_the_base_the_next_step_is_a_new_one():
    class Once(torch.optim.SGD):
        failed = False

        def step(self, closure=None):
            if not self.failed:
                self.failed = True
                raise OSError("once")
            return super().step(closure)

    net, other = network(), network()
    optimiser = SAM(net.parameters(), Once, lr=0.1)
    assert optimiser.perturbation_norm == 0
    with pytest.raises(OSError, match="once"):
        optimiser.step(closure_of(net))
    assert torch.equal(flat(net), flat(other))
    train(net, optimiser, 1)
    train(other, SAM(other.parameters(), lr=0.1), 1)
    assert torch.equal(flat(net), flat(other)) and optimiser.steps == 1


def test_a_group_out_of_range_is_not_added():
    net = network()
    optimiser = SAM(net.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="rho of parameter group 1 = -1 is negative"):
        optimiser.add_param_group({"params": [nn.Parameter(torch.zeros(2, dtype=torch.float64))], "rho": -1})
    train(net, optimiser, 1)
