"""The training loop: what it computes, and that checkpoints and interrupts change no bit."""

import os
import random
import signal
import threading

import numpy as np
import pytest

pytest.importorskip("torch.optim")  # not "torch": a folder of that name on the path would pass for PyTorch

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import samtheory.torch as st
import samtheory.torch.train as loop
from samtheory.torch.data import Dataset
from samtheory.torch.train import Interrupted, evaluate, read_checkpoint, seed_everything, train

X = torch.randn(44, 5, generator=torch.Generator().manual_seed(0))
DATA = Dataset(X, (X[:, 0] * X[:, 1] > 0).long(), 2)


def setup(rule="FSAM"):
    seed_everything(3)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))
    optimiser = getattr(st, rule)(model.parameters(), lr=0.1, momentum=0.9, model=model)
    return model, optimiser, torch.optim.lr_scheduler.StepLR(optimiser, 2, 0.5)


def run(parts, epochs=4, **options):
    model, optimiser, scheduler = parts
    return train(model, optimiser, DATA, epochs=epochs, batch_size=8, scheduler=scheduler, test=DATA, **options)


def flat(model):
    return torch.cat([value.reshape(-1).double() for value in model.state_dict().values()])


def test_it_is_the_plain_loop():
    seed_everything(3)
    model = nn.Linear(5, 2)
    other = nn.Linear(5, 2)
    other.load_state_dict(model.state_dict())
    history = train(model, torch.optim.SGD(model.parameters(), lr=0.1), DATA, epochs=2, batch_size=8, seed=5)
    order, base = torch.Generator().manual_seed(5), torch.optim.SGD(other.parameters(), lr=0.1)
    for numbers in history:
        losses = []
        for part in torch.randperm(44, generator=order).split(8):
            base.zero_grad()
            loss = cross_entropy(other(X[part]), DATA.y[part])
            loss.backward()
            base.step()
            losses.append(loss.item())
        assert numbers["loss"] == pytest.approx(np.mean(losses), rel=1e-12)
    assert torch.equal(flat(model), flat(other))
    assert evaluate(model, DATA, batch_size=7)[0] == pytest.approx(cross_entropy(model(X), DATA.y).item(), rel=1e-6)


@pytest.mark.parametrize("rule", ["FSAM", "LookSAM", "TSAM"])
def test_resumes_to_the_same_bits(tmp_path, rule):
    whole = setup(rule)
    expected = run(whole)
    tails = [torch.rand(2), np.random.rand(2), random.random()]

    class Stop(Exception):
        pass

    file, steps = tmp_path / "run.pt", []

    def stop(model):  # after the second epoch
        steps.append(0)
        if len(steps) == 2:
            raise Stop
        return {}

    first = setup(rule)
    with pytest.raises(Stop):
        run(first, checkpoint=file, save_every=4, record=stop)
    assert (read_checkpoint(file)["epoch"], read_checkpoint(file)["done"]) == (1, 4)
    again = setup(rule)
    torch.rand(7)
    resumed = run(again, checkpoint=file, save_every=4)
    assert resumed == expected and torch.equal(flat(whole[0]), flat(again[0]))
    for ours, other in zip([torch.rand(2), np.random.rand(2), random.random()], tails):
        assert np.array_equal(ours, other)
    assert run(setup(rule), checkpoint=file) == expected  # nothing is left to do
    assert len(run(setup(rule), epochs=5, checkpoint=file)) == 5


def test_an_interrupt_ends_the_step_and_is_taken_up_again(tmp_path):
    expected, file, calls = run(setup()), tmp_path / "run.pt", []
    parts = setup()

    def criterion(out, y):
        calls.append(0)
        if len(calls) == 17:  # in the second pass of a step
            os.kill(os.getpid(), signal.SIGINT)
        return cross_entropy(out, y)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match="step 2 of epoch 1") as caught:
        run(parts, criterion=criterion, checkpoint=file)
    assert signal.getsignal(signal.SIGINT) is handler and caught.value.history == expected[:1]
    again = setup()
    assert run(again, checkpoint=file) == expected


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    file = tmp_path / "run.pt"
    run(setup(), epochs=1, checkpoint=file)
    old = file.read_bytes()

    def broken(state, stream):
        stream.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(loop.torch, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        run(setup(), epochs=2, checkpoint=file)
    assert file.read_bytes() == old and [path.name for path in tmp_path.iterdir()] == ["run.pt"]


def test_wrong_checkpoints_are_refused(tmp_path):
    file = tmp_path / "run.pt"
    run(setup(), epochs=1, checkpoint=file)
    with pytest.raises(ValueError, match="a run with seed = 0, not 1"):
        run(setup(), checkpoint=file, seed=1)
    with pytest.raises(ValueError, match=r"rule 'fsam'.*rule is 'sam'"):
        run(setup("SAM"), checkpoint=file)
    parts = setup()
    parts[1].param_groups[0]["rho"] = 0.5
    with pytest.raises(ValueError, match=r"began with rho = 0.05 in parameter group 0 of the optimiser, not 0.5"):
        run(parts, checkpoint=file)
    whole = file.read_bytes()
    at = whole.index(read_checkpoint(file)["parts"]["model"]["0.weight"].numpy().tobytes())  # one bit of one weight
    for damaged in (whole[:-50], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="is damaged"):
            run(setup(), checkpoint=file)


def test_shards_losses_by_sample_and_mixed_precision(capsys):
    for options in ({"rule": "SAM", "m": 4}, {"rule": "ESAM", "criterion": nn.CrossEntropyLoss(reduction="none")}):
        parts = setup(options.pop("rule"))
        parts[1].param_groups[0]["gamma"] = 0.5
        history = run(parts, progress=True, **options)
        assert history[-1]["loss"] < history[0]["loss"] and parts[0][1].num_batches_tracked == 4 * (
            11 if "m" in options else 6
        )
    assert "loss" in capsys.readouterr().err
    parts, scaler = setup("SAM"), torch.amp.GradScaler("cpu")
    history = run(parts, autocast=torch.bfloat16, scaler=scaler)
    assert history[-1]["loss"] < history[0]["loss"] and history[-1]["lr"] == 0.05


def test_elsewhere_than_in_the_main_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(run(setup(), epochs=1)))
    thread.start()
    thread.join()
    assert len(results[0]) == 1


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epochs": -1}, "epochs = -1"),
        ({"m": 3}, "m = 3 does not divide every batch"),
        ({"save_every": 0}, "save_every = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"device": "nowhere"}, "device = 'nowhere' cannot be used here"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        run(setup(), **options)


def test_the_same_objects_go_on_from_their_checkpoint(tmp_path):
    """Although the schedule has changed the optimiser's options since it was made."""
    parts, file = setup(), tmp_path / "run.pt"
    run(parts, epochs=3, checkpoint=file)
    assert parts[1].param_groups[0]["lr"] != 0.1
    history = run(parts, checkpoint=file)
    assert history == run(setup()) == run(setup(), checkpoint=file)


def test_a_missing_folder_is_noticed_before_training(tmp_path):
    model, *others = setup()
    before = flat(model)
    with pytest.raises(FileNotFoundError, match=r"checkpoint = .* lies in no existing folder"):
        run((model, *others), checkpoint=tmp_path / "none" / "run.pt")
    assert torch.equal(flat(model), before)


def test_divergence_and_shards_without_sam():
    model = nn.Linear(5, 2)
    plain = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="m = 4 needs an optimiser of samtheory"):
        train(model, plain, DATA, epochs=1, batch_size=8, m=4)
    with pytest.raises(FloatingPointError, match="nan at step 0 of epoch 0"):
        train(model, plain, Dataset(X * torch.nan, DATA.y, 2), epochs=1, batch_size=8)
