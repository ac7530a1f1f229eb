"""The experiments with networks: their smallest sizes run, resume to the same bits, and are left out without torch."""

import importlib.util
import struct
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch.optim")  # not "torch": a folder of that name on the path would pass for PyTorch
pytest.importorskip("sklearn")

import torch
from torch import nn

from samtheory.claims.registry import experiments_root
from samtheory.oracles import Reshuffled
from samtheory.problems.relu_nets import ReluNet
from samtheory.rules.one_sam import OneSAM
from samtheory.simulate import simulate
from samtheory.torch import SAM, InfoSAM, sam_gradient
from samtheory.torch.experiment import Options, follow, half_square, images, main, mlp
from samtheory.torch.train import Interrupted

PRODUCERS = sorted(path for path in experiments_root().glob("*/_deep_*.py"))


def producer(path):
    spec = importlib.util.spec_from_file_location(f"deep_{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", PRODUCERS, ids=lambda path: f"{path.parent.name}{path.stem}")
def test_the_smallest_size_runs_and_resumes(path, tmp_path):
    data = producer(path).data
    first = data(Options(24, 1, folder=tmp_path))
    files = sorted(tmp_path.iterdir())
    again = data(Options(24, 1, folder=tmp_path))  # every run is finished already
    assert (files or path.stem == "_deep_sde") and first.keys() == again.keys()  # the SDE has no checkpoints
    for name, values in first.items():
        values = np.asarray(values)
        assert values.dtype.kind == "U" or np.isfinite(values).all(), name
        np.testing.assert_array_equal(values, np.asarray(again[name]), err_msg=name)


@pytest.mark.parametrize("batch_size", [None, 10])
def test_a_run_in_two_parts_is_the_run(tmp_path, batch_size):
    pictures = images(Options(1, 1)).subset(40)

    def run(steps, folder):
        net = mlp(pictures, 8, 0)
        found = follow(
            "one", net, InfoSAM(net.parameters(), lr=0.3, rho=0.1), pictures, half_square,
            Options(steps, 1, folder=folder), every=8, batch_size=batch_size,
            record=lambda net: {"norm": float(sum(p.detach().square().sum() for p in net.parameters()))},
        )  # fmt: skip
        return found, nn.utils.parameters_to_vector(net.parameters()).detach()

    whole, weights = run(32, None)
    run(16, tmp_path)
    parts, same = run(32, tmp_path)
    assert torch.equal(weights, same)
    assert list(whole["step"]) == [8, 16, 24, 32]
    np.testing.assert_array_equal(whole["norm"][[1, 3]], parts["norm"][[1, 3]])


def test_full_batch_steps_are_gradient_steps():
    pictures = images(Options(1, 1)).subset(30)
    net, other = mlp(pictures, 6, 1), mlp(pictures, 6, 1)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.2)
    follow("gd", net, optimiser, pictures, half_square, Options(5, 1), every=5, record=lambda net: {})
    for _ in range(5):
        grads = torch.autograd.grad(half_square(other(pictures.x), pictures.y).mean(), list(other.parameters()))
        with torch.no_grad():
            for p, g in zip(other.parameters(), grads):
                p -= 0.2 * g
    for p, q in zip(net.parameters(), other.parameters()):
        assert torch.allclose(p, q, atol=1e-6)


def test_the_script_stores_its_data_and_says_where_it_goes_on(tmp_path, monkeypatch, capsys):
    usual, seen = Options(steps=7, seeds=2), []

    def data(options=usual):
        seen.append(options)
        if options.steps == 3:
            raise Interrupted([], "interrupted at step 1 of epoch 0")
        return {"steps": options.steps, "seeds": options.seeds}

    monkeypatch.setattr(sys, "argv", ["_deep_one.py", "--out", str(tmp_path)])
    main("somewhere/paper/_deep_one.py", data, lambda found: print("shown", found["seeds"]))
    assert "shown 2" in capsys.readouterr().out
    assert np.load(tmp_path / "paper_deep_one.npz")["steps"] == 7
    monkeypatch.setattr(sys, "argv", ["_deep_one.py", "--out", str(tmp_path), "--steps", "3"])
    with pytest.raises(SystemExit, match="the same command goes on from"):
        main("somewhere/paper/_deep_one.py", data)
    assert seen[0].progress and seen[0].folder.is_dir() and seen[0].folder != seen[1].folder


def test_figures_without_torch_are_left_out_or_refused_by_name(tmp_path):
    code = f"""
import sys
sys.modules["torch"] = None
from samtheory.extras import MissingExtra
import samtheory.report.figures as figures
chosen = {{name: path for name, path in figures.paths().items() if name == "bolte2025_deep_own_edges"}}
figures.paths = lambda: chosen
import pathlib
assert figures.regenerate([], pathlib.Path({str(tmp_path)!r})) == []
try:
    figures.regenerate(["bolte2025_deep_own_edges"], pathlib.Path({str(tmp_path)!r}))
except MissingExtra as error:
    print("refused:", error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    left_out, refused = done.stdout.splitlines()
    assert left_out.startswith("left out bolte2025_deep_own_edges") and "pip install samtheory[torch]" in left_out
    assert refused.startswith("refused:") and "pip install samtheory[torch]" in refused


def test_one_sam_by_autograd_is_the_cheap_step():
    rng = np.random.default_rng(0)
    n, d, width, steps, eta, rho = 8, 4, 6, 100, 0.02, 0.1
    X, y = rng.standard_normal((n, d)), rng.choice([-1.0, 1.0], n)
    start = rng.standard_normal(width * (d + 1)) / 2
    cheap = simulate(Reshuffled(ReluNet(X, y, width), 1), OneSAM(eta, rho), start, steps, seed=5).states
    X, y = torch.tensor(X), torch.tensor(y)

    def loss(w, x, t):
        return (torch.relu(x @ w[: width * d].reshape(width, d).T) @ w[width * d :] - t).square()

    w = torch.tensor(start)
    for t in range(steps):  # the sample of this step is the one whose step is nearest to the cheap one's
        ends = [w - eta * sam_gradient(loss, w, rho, batch=(X[i : i + 1], y[i : i + 1])).gradient for i in range(n)]
        w = min(ends, key=lambda end: float((end - torch.tensor(cheap[t + 1])).abs().max()))
    assert np.abs(w.numpy() - cheap[-1]).max() < 1e-10
    assert np.abs(cheap[-1] - start).max() > 0.01


def test_infosam_is_sam_at_first_and_then_trusts_quiet_coordinates():
    def loss(w, scale):
        return (w * scale).sum() + w.square().sum() / 2

    w = torch.tensor([1.0, 1.0], dtype=torch.float64)
    memory, sizes = {}, []
    for t in range(40):
        noisy = torch.tensor([0.1, 0.1 + 3.0 * (-1) ** t], dtype=torch.float64)
        found = sam_gradient(loss, w, 0.1, batch=(noisy,), rule="infosam", memory=memory)
        memory = found.memory
        if t == 0:
            same = sam_gradient(loss, w, 0.1, batch=(noisy,), rule="sam")
            assert torch.equal(found.gradient, same.gradient)
        g = w + noisy
        sizes.append(((found.gradient - g) / 0.1).abs())  # the unit ascent, as Hess = I
    v = memory["v"]
    assert v[1] > 5 and v[0] < 1e-12
    last = (w + noisy) / (v + 0.1 * v.mean())
    assert torch.allclose(sizes[-1], (last / last.norm()).abs())
    assert sizes[-1][0] > 0.9


def test_sam_keeps_its_own_counts_through_follow():
    pictures = images(Options(1, 1)).subset(20)
    net = mlp(pictures, 4, 0)
    optimiser = SAM(net.parameters(), lr=0.1, rho=0.05)
    follow("s", net, optimiser, pictures, half_square, Options(6, 1), every=3, record=lambda net: {})
    assert optimiser.steps == 6


def test_images_of_a_folder_stand_in_for_digits(tmp_path):
    pixels, labels = np.arange(5 * 6, dtype=np.uint8), np.arange(5, dtype=np.uint8)
    head = bytes([0, 0, 8, 3]) + struct.pack(">3I", 5, 2, 3)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1]) + struct.pack(">I", 5) + labels.tobytes())
    data = images(Options(1, 1, source=str(tmp_path)))
    assert data.x.shape == (5, 1, 2, 3) and data.y.tolist() == [0, 1, 2, 3, 4]
    torch.testing.assert_close(data.x.mean(0), torch.zeros(1, 2, 3), atol=1e-7, rtol=0)
    assert mlp(data, 4, 0, hidden=2)(data.x).shape == (5, 10)
