"""Small experiments with networks: the command line of a script, and runs that are recorded and resumable.

A producer of figure data, `experiments/<paper>/_deep_<name>.py`, has `data(options=Options(steps=..., seeds=...))` and
ends with `main(__file__, data)`.  Run as a script it takes --steps, --seeds, --device, --data and --out, shows its
progress, keeps checkpoints in OUT and, started again, goes on where it stopped.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import pathlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from samtheory.torch.data import Dataset, cifar10, digits, mnist
from samtheory.torch.train import Criterion, Interrupted, train, usable
from samtheory.validate import count


class Options(NamedTuple):
    """What a script is asked for.

    steps, seeds   of every run, and how many runs
    device         "cpu", "cuda", ...
    source         folder of MNIST or CIFAR-10 files in place of digits
    folder         where checkpoints are kept (None: nowhere)
    progress       whether to show a bar
    """

    steps: int
    seeds: int
    device: str = "cpu"
    source: str | None = None
    folder: pathlib.Path | None = None
    progress: bool = False


def images(options: Options, train: bool = True) -> Dataset:
    """Digits, or the data set in `source`, on the device, the mean over samples taken off."""
    if options.source is None:
        data = digits()
    elif (pathlib.Path(options.source) / "test_batch").exists():
        data = cifar10(options.source, train)
    else:
        data = mnist(options.source, train)
    return data._replace(x=data.x - data.x.mean(0)).to(options.device)


def mlp(data: Dataset, width: int, seed: int, hidden: int = 1) -> nn.Sequential:
    """Tanh layers of this width over flattened inputs, PyTorch's initialisation from `seed`, on the data's device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sizes = [data.x[0].numel(), *[width] * hidden]
        layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), nn.Tanh())]
        net = nn.Sequential(nn.Flatten(), *layers, nn.Linear(sizes[-1], data.classes))
    return net.to(data.x.device)


def half_square(out: Tensor, y: Tensor) -> Tensor:
    """Per-sample squared error |out - onehot(y)|^2/2."""
    return (out - nn.functional.one_hot(y, out.shape[1])).square().sum(1) / 2


class _WholeBatch(nn.Module):
    """The net on all its data whatever the input: one "sample" of the loop is one full-batch step."""

    def __init__(self, net: nn.Module, data: Dataset):
        super().__init__()
        self.net, self._data = net, data

    def forward(self, ticket: Tensor) -> Tensor:
        return self.net(self._data.x)


def follow(
    name: str,
    net: nn.Module,
    optimiser: Optimizer,
    data: Dataset,
    criterion: Criterion,
    options: Options,
    *,
    every: int,
    record: Callable[[nn.Module], Mapping[str, float]],
    batch_size: int | None = None,
    m: int | None = None,
    seed: int = 0,
    steps: int | None = None,
) -> dict[str, np.ndarray]:
    """Train for `options.steps` steps (or `steps`) and record every `every`; name -> values [records], and `step`.

    batch_size   None: every step takes the whole data.  Otherwise shuffled epochs; `every` is then rounded to epochs
    name         of the checkpoint in `options.folder`; runs that differ need names that differ
    """
    steps, every = count(1)("steps", options.steps if steps is None else steps), count(1)("every", every)
    if batch_size is None:
        every = min(every, steps)
        tickets = Dataset(torch.zeros(every, 1), torch.zeros(every, dtype=torch.int64), 1)
        model, loss = _WholeBatch(net, data), lambda out, _: criterion(out, data.y).mean()
        batches, size = tickets, 1
    else:
        model, loss, batches, size = net, criterion, data, batch_size
        if len(data.y) % size:
            raise ValueError(f"batch_size = {size} does not divide the {len(data.y)} samples")
    per_epoch = len(batches.y) // size
    epochs, apart = max(1, steps // per_epoch), max(1, every // per_epoch)
    clock = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)  # its count of epochs is in the checkpoint

    def record_at_times(_: nn.Module) -> Mapping[str, float]:
        epoch = clock.last_epoch + 1
        return {"recorded": 1.0, **record(net)} if epoch % apart == 0 or epoch == epochs else {}

    file = None if options.folder is None else options.folder / f"{name}.pt"
    history = train(
        model, optimiser, batches, loss, epochs=epochs, batch_size=size, m=m, scheduler=clock, record=record_at_times,
        seed=seed, device=options.device, checkpoint=file, progress=options.progress,
    )  # fmt: skip
    kept = [row for row in history if "recorded" in row]
    skipped = {"recorded", "epoch", "lr"}
    out = {key: np.array([row[key] for row in kept]) for key in kept[0] if key not in skipped}
    return out | {"step": per_epoch * (1 + np.array([row["epoch"] for row in kept]))}


def rows(title: str, table: Mapping[str, Any]) -> None:
    """Print a table of numbers: one line a name."""
    print(title)
    for name, values in table.items():
        print(f"  {name:24s}", *(f"{value:12.5g}" for value in np.atleast_1d(values)))


def main(path: str, data: Callable[..., dict[str, Any]], show: Callable[[dict[str, Any]], None] | None = None) -> None:
    """The script of a producer: reads the flags, computes, stores OUT/<name>.npz, and prints what `show` says."""
    usual: Options = inspect.signature(data).parameters["options"].default
    parser = argparse.ArgumentParser(description=(sys.modules[data.__module__].__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=usual.steps, help=f"default {usual.steps}")
    parser.add_argument("--seeds", type=int, default=usual.seeds, help=f"default {usual.seeds}")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ...")
    parser.add_argument("--data", metavar="FOLDER", help="MNIST or CIFAR-10 files in place of scikit-learn's digits")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out"), metavar="DIR")
    given = parser.parse_args()
    try:
        usable(given.device)
    except ValueError as error:
        parser.error(str(error))
    name = "_".join((pathlib.Path(path).parent.name, pathlib.Path(path).stem.lstrip("_")))
    identity = f"{given.steps}-{given.seeds}-{pathlib.Path(given.data).name if given.data else 'usual'}"
    folder = given.out / "checkpoints" / name / identity
    folder.mkdir(parents=True, exist_ok=True)
    options = Options(given.steps, given.seeds, given.device, given.data, folder, progress=True)
    try:
        found = data(options)
    except Interrupted as interrupt:
        sys.exit(f"{interrupt}; the same command goes on from {folder}")
    np.savez_compressed(given.out / f"{name}.npz", **{key: np.asarray(value) for key, value in found.items()})
    if show is not None:
        show(found)
    print(f"wrote {given.out / f'{name}.npz'}")
