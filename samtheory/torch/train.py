"""A small training loop for experiments: seeded, resumable to the same bits on the CPU, safe to interrupt.

    seed_everything(0)
    model = torch.nn.Sequential(...)
    optimiser = SAM(model.parameters(), lr=0.1, momentum=0.9, rho=0.05)
    history = train(model, optimiser, digits(), epochs=20, batch_size=64, checkpoint="run.pt")

Called again with the same arguments it takes up `run.pt` where it stopped, in the middle of an epoch if need be.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import pickle
import random
import signal
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from samtheory.torch.data import Dataset
from samtheory.torch.optim import SharpnessAware, micro_batches
from samtheory.validate import count

Criterion = Callable[[Tensor, Tensor], Tensor]
_VERSION = 2


class Interrupted(KeyboardInterrupt):
    """Training was interrupted between two steps; `history` holds the finished epochs, the checkpoint the rest."""

    def __init__(self, history: list[dict[str, float]], where: str):
        super().__init__(where)
        self.history = history


def seed_everything(seed: int, *, deterministic: bool = False) -> None:
    """Seed torch, NumPy's global stream and `random`; `deterministic`: also torch.use_deterministic_algorithms."""
    seed = count()("seed", seed)
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
    if deterministic:
        torch.use_deterministic_algorithms(True)


@torch.no_grad()
def evaluate(
    model: nn.Module, data: Dataset, criterion: Criterion = cross_entropy, *, batch_size: int = 1000
) -> tuple[float, float]:
    """(mean loss, share of right classes) in evaluation mode; the model's mode is put back."""
    training, loss, right = model.training, 0.0, 0
    model.eval()
    try:
        for x, y in zip(data.x.split(batch_size), data.y.split(batch_size)):
            out = model(x)
            loss += float(criterion(out, y).mean()) * len(y)
            right += int((out.argmax(-1) == y).sum())
    finally:
        model.train(training)
    return loss / len(data.y), right / len(data.y)


def train(
    model: nn.Module,
    optimiser: Optimizer,
    data: Dataset,
    criterion: Criterion = cross_entropy,
    *,
    epochs: int,
    batch_size: int,
    m: int | None = None,
    test: Dataset | None = None,
    scheduler: Any = None,
    record: Callable[[nn.Module], Mapping[str, float]] | None = None,
    autocast: torch.dtype | None = None,
    scaler: Any = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    checkpoint: str | pathlib.Path | None = None,
    save_every: int | None = None,
    progress: bool = False,
) -> list[dict[str, float]]:
    """Train for `epochs` epochs of shuffled batches; one dictionary of numbers an epoch.

    criterion   mean loss of (outputs, labels), or per-sample losses (esam with gamma < 1)
    m           samples of a shard (m-SAM; optimisers of this package only); it must divide every batch
    test        evaluated after every epoch
    scheduler   its step() is called after every epoch
    record      model -> further numbers, after every epoch
    autocast    dtype of mixed precision; `scaler` the GradScaler that float16 needs
    seed        of the order of the samples, and of torch's default stream at the start (dropout, draws of rules)
    device      where model and data are moved (default: where the model is)
    checkpoint  file written after every epoch, every `save_every` steps if given, and at an interrupt, whole or not at
                all; an existing one is taken up if its seed, batch size, m, number of samples and the options the
                optimiser started with agree, ValueError if not
    progress    show a bar

    The numbers: loss (mean over the epoch's steps, at the weights before each), lr; test_loss and test_accuracy.
    Raises FloatingPointError where a loss is not finite (unless a scaler skips such steps), and `Interrupted` at
    Ctrl-C, after the step under way; a second Ctrl-C stops at once.
    """
    epochs, batch_size = count(0)("epochs", epochs), count(1, len(data.y))("batch_size", batch_size)
    shards = m is not None
    if shards and not isinstance(optimiser, SharpnessAware):
        raise TypeError(f"m = {m} needs an optimiser of samtheory.torch; {type(optimiser).__name__} is none")
    if shards and (batch_size % count(1)("m", m) or len(data.y) % batch_size % m):
        raise ValueError(f"m = {m} does not divide every batch ({batch_size}, last {len(data.y) % batch_size})")
    if save_every is not None:
        save_every = count(1)("save_every", save_every)
    where = usable(device) if device is not None else next(model.parameters()).device
    model.to(where)
    data, test = data.to(where), None if test is None else test.to(where)

    run = _Run(model, optimiser, scheduler, scaler, {"seed": seed, "batch_size": batch_size, "m": m, "n": len(data.y)})
    file = None if checkpoint is None else pathlib.Path(checkpoint)
    if file is not None and not file.parent.is_dir():
        raise FileNotFoundError(f"checkpoint = {str(checkpoint)!r} lies in no existing folder")
    if file is not None and file.exists():
        run.load(file)
    else:
        torch.manual_seed(count()("seed", seed))

    def save() -> None:
        if file is not None:
            _write(file, run.state())

    with _deferred_interrupt() as interrupted, _bar(progress, epochs) as show:
        while run.epoch < epochs:
            model.train()
            batches = data.batches(batch_size, run.order)
            for x, y in batches[run.done :]:
                loss = _step(model, optimiser, criterion, x, y, m, autocast, scaler)
                if scaler is None and not np.isfinite(loss):
                    raise FloatingPointError(f"the loss is {loss} at step {run.done} of epoch {run.epoch}")
                run.done += 1
                run.total += loss
                show(run.epoch + run.done / len(batches), loss)
                if interrupted():
                    save()
                    raise Interrupted(run.history, f"interrupted at step {run.done} of epoch {run.epoch}")
                if save_every is not None and run.done % save_every == 0:
                    save()
            numbers = {"loss": run.total / len(batches), "lr": float(optimiser.param_groups[0]["lr"])}
            if test is not None:
                numbers["test_loss"], numbers["test_accuracy"] = evaluate(model, test, criterion)
            if record is not None:
                numbers |= {name: float(value) for name, value in record(model).items()}
            if scheduler is not None:
                scheduler.step()
            run.finish_epoch(numbers)
            save()
    return run.history


def usable(device: str | torch.device) -> torch.device:
    """The device, if a tensor can be made there; ValueError if not."""
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:  # PyTorch built without CUDA asserts
        raise ValueError(f"device = {str(device)!r} cannot be used here: {str(error).splitlines()[0]}") from None


def _step(model, optimiser, criterion, x, y, m, autocast, scaler) -> float:
    """One step of the optimiser on one batch; the loss before it."""

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        with torch.autocast(x.device.type, dtype=autocast, enabled=autocast is not None):
            return criterion(model(x), y)

    if isinstance(optimiser, SharpnessAware):
        # the optimiser runs the backward pass of losses that have an axis
        closures = micro_batches(loss_of, (x, y), len(y) if m is None else m)
        loss = optimiser.step(closures, scaler=scaler)
    else:
        optimiser.zero_grad()
        loss = loss_of(x, y).mean()
        (loss if scaler is None else scaler.scale(loss)).backward()
        optimiser.step() if scaler is None else scaler.step(optimiser)
    if scaler is not None:
        scaler.update()
    return float(loss.detach())


# ------------------------------------------------------------------------------------ checkpoints


class _Run:
    """What a run depends on from here on, and its way to a file and back."""

    def __init__(self, model, optimiser, scheduler, scaler, identity: dict[str, Any]):
        self.parts = {"model": model, "optimiser": optimiser, "scheduler": scheduler, "scaler": scaler}
        self.parts = {name: part for name, part in self.parts.items() if part is not None}
        self.identity = identity
        self.start = _group_options(optimiser)
        self.order = torch.Generator().manual_seed(identity["seed"])
        self.history: list[dict[str, float]] = []
        self.epoch = 0
        self._begin()

    def _begin(self) -> None:
        self.before, self.done, self.total = self.order.get_state(), 0, 0.0

    def finish_epoch(self, numbers: dict[str, float]) -> None:
        self.history.append({"epoch": self.epoch, **numbers})
        self.epoch += 1
        self._begin()

    def state(self) -> dict[str, Any]:
        kind, keys, *rest = np.random.get_state()
        return {
            "version": _VERSION,
            "identity": self.identity,
            "start": self.start,
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "random": {
                "torch": torch.get_rng_state(),
                "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
                "numpy": (kind, keys.tolist(), *rest),
                "python": random.getstate(),
            },
            "order": self.before,
            "epoch": self.epoch,
            "done": self.done,
            "total": self.total,
            "history": self.history,
        }

    def load(self, file: pathlib.Path) -> None:
        state = read_checkpoint(file)
        for name, value in self.identity.items():
            if state["identity"][name] != value:
                raise ValueError(f"checkpoint {file} is of a run with {name} = {state['identity'][name]}, not {value}")
        if set(state["parts"]) != set(self.parts):
            raise ValueError(f"checkpoint {file} has the state of {sorted(state['parts'])}, not {sorted(self.parts)}")
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        if self.start != _group_options(state["parts"]["optimiser"]):  # then not the one that went as far as the file
            for i, (mine, theirs) in enumerate(zip(self.start, state["start"])):
                for name in mine.keys() | theirs.keys():
                    if (found := theirs.get(name)) != (value := mine.get(name)):
                        raise ValueError(
                            f"checkpoint {file} is of a run that began with {name} = {found!r} in parameter group {i} "
                            f"of the optimiser, not {value!r}"
                        )
        self.start = state["start"]
        draws = state["random"]
        torch.set_rng_state(draws["torch"])
        if draws["cuda"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(draws["cuda"])
        kind, keys, *rest = draws["numpy"]
        np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
        version, words, gauss = draws["python"]
        random.setstate((version, tuple(words), gauss))
        self.order.set_state(state["order"])
        self.epoch, self.history = state["epoch"], state["history"]
        self._begin()
        self.done, self.total = state["done"], state["total"]


def _group_options(optimiser: Optimizer | Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the parameter groups of an optimiser, or of its state, say besides their parameters."""
    groups = optimiser["param_groups"] if isinstance(optimiser, Mapping) else optimiser.param_groups
    return [{name: value for name, value in group.items() if name != "params"} for group in groups]


def read_checkpoint(file: str | pathlib.Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU; ValueError where it is damaged.  Runs no code from the file."""
    if not pathlib.Path(file).is_file():
        raise FileNotFoundError(f"checkpoint {file} does not exist")
    try:
        with zipfile.ZipFile(file) as archive:  # torch.load looks at no checksum
            if (record := archive.testzip()) is not None:
                raise ValueError(f"the checksum of {record} is wrong")
        state = torch.load(file, map_location="cpu", weights_only=True)
        if state["version"] == _VERSION:
            return state
    except (
        RuntimeError, OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, pickle.UnpicklingError
    ) as error:  # fmt: skip
        raise ValueError(f"checkpoint {file} is damaged, or no checkpoint of this package: {error}") from None
    raise ValueError(f"checkpoint {file} has version {state['version']}; this package reads {_VERSION}")


def _write(file: pathlib.Path, state: dict[str, Any]) -> None:
    """All of it or nothing: a neighbour is written, flushed to the disk and renamed."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        pathlib.Path(name).unlink(missing_ok=True)
        raise


# ------------------------------------------------------------------------------------ interrupts and progress


@contextlib.contextmanager
def _deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Yields a question: was Ctrl-C pressed?  A second press interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    pressed, old = [], signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, old)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, old)


@contextlib.contextmanager
def _bar(wanted: bool, epochs: int) -> Iterator[Callable[[float, float], None]]:
    """Yields show(epochs done, loss)."""
    if not wanted:
        yield lambda done, loss: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch {task.completed:.1f}/{task.total}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.4g}"),
    )
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("train", total=epochs, loss=float("nan"))
        yield lambda done, loss: bar.update(task, completed=done, loss=loss)
