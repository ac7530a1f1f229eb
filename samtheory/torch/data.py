"""Data sets as tensors: two that scikit-learn carries, and readers of MNIST and CIFAR files the user has.

Nothing is downloaded.  MNIST is read from its idx files, gzipped or not; CIFAR from the Python pickles of its
archive, by an unpickler that builds nothing but arrays, numbers, text and containers.
"""

from __future__ import annotations

import gzip
import math
import pathlib
import pickle
import struct
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from samtheory.extras import MissingExtra
from samtheory.validate import between, count


class Dataset(NamedTuple):
    """x float32 [n, ...], y int64 [n] in 0 .. classes-1."""

    x: Tensor
    y: Tensor
    classes: int

    def subset(self, n: int, seed: int = 0) -> Dataset:
        """n samples drawn without replacement."""
        chosen = _permutation(len(self.y), seed)[: count(1, len(self.y))("n", n)]
        return Dataset(self.x[chosen], self.y[chosen], self.classes)

    def split(self, fraction: float, seed: int = 0) -> tuple[Dataset, Dataset]:
        """(first, second) at random, floor(fraction n) samples in the first."""
        at, order = math.floor(between(0, 1)("fraction", fraction) * len(self.y)), _permutation(len(self.y), seed)
        first, second = order[:at], order[at:]
        return Dataset(self.x[first], self.y[first], self.classes), Dataset(
            self.x[second], self.y[second], self.classes
        )

    def batches(self, size: int, generator: torch.Generator | None = None) -> list[tuple[Tensor, Tensor]]:
        """One epoch: blocks of `size` of a fresh random order (the last may be smaller)."""
        order = torch.randperm(len(self.y), generator=generator).to(self.y.device)
        return [(self.x[part], self.y[part]) for part in order.split(count(1)("size", size))]

    def to(self, *args: Any, **options: Any) -> Dataset:
        """x as Tensor.to does it, y on the same device."""
        x = self.x.to(*args, **options)
        return Dataset(x, self.y.to(x.device), self.classes)


def _permutation(n: int, seed: int) -> Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(count()("seed", seed)))


# ------------------------------------------------------------------------------------ scikit-learn


def digits() -> Dataset:
    """1797 images of 8 x 8, [n, 1, 8, 8] in [0, 1], 10 classes (scikit-learn's copy of the UCI set)."""
    bunch = _sklearn().load_digits()
    return Dataset(torch.tensor(bunch.images / 16).float()[:, None], torch.tensor(bunch.target).long(), 10)


def breast_cancer() -> Dataset:
    """569 samples of 30 features, each of mean 0 and variance 1, 2 classes (scikit-learn's copy of the UCI set)."""
    bunch = _sklearn().load_breast_cancer()
    x = (bunch.data - bunch.data.mean(0)) / bunch.data.std(0)
    return Dataset(torch.tensor(x).float(), torch.tensor(bunch.target).long(), 2)


def _sklearn() -> Any:
    try:
        import sklearn.datasets
    except ModuleNotFoundError:
        raise MissingExtra("this data set", "scikit-learn", "torch", "sklearn") from None
    return sklearn.datasets


# ------------------------------------------------------------------------------------ MNIST


def mnist(folder: str | pathlib.Path, train: bool = True) -> Dataset:
    """MNIST, or a set in its format (Fashion-MNIST, KMNIST): [n, 1, rows, columns] in [0, 1], 10 classes.

    Reads {train,t10k}-images-idx3-ubyte and -labels-idx1-ubyte in `folder`, with or without .gz.
    Raises FileNotFoundError for a missing file, ValueError for one that is not in the format.
    """
    stem = "train" if train else "t10k"
    images = _idx(_existing(folder, f"{stem}-images-idx3-ubyte"), 3)
    labels = _idx(_existing(folder, f"{stem}-labels-idx1-ubyte"), 1)
    if len(images) != len(labels):
        raise ValueError(f"{folder}: {len(images)} images, but {len(labels)} labels")
    return Dataset(torch.tensor(images).float()[:, None] / 255, _labels(folder, labels, 10), 10)


def _existing(folder: str | pathlib.Path, name: str) -> pathlib.Path:
    for file in (pathlib.Path(folder) / name, pathlib.Path(folder) / f"{name}.gz"):
        if file.is_file():
            return file
    raise FileNotFoundError(f"{folder} has neither {name} nor {name}.gz; samtheory reads data sets but fetches none")


def _idx(file: pathlib.Path, axes: int) -> np.ndarray:
    """The array of unsigned bytes in an idx file: 0, 0, type 8, number of axes, their lengths, the bytes."""
    try:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file} is not a whole gzip file: {error}") from None
    if len(raw) < 4 + 4 * axes or raw[:4] != bytes([0, 0, 8, axes]):
        raise ValueError(
            f"{file} is no idx file of unsigned bytes with {axes} axes; it begins with {raw[:4].hex(' ')!r}"
        )
    shape = struct.unpack(f">{axes}I", raw[4 : 4 + 4 * axes])
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * axes)
    if values.size != math.prod(shape):
        raise ValueError(f"{file} has {values.size} bytes of data; its header says {' x '.join(map(str, shape))}")
    return values.reshape(shape)


def _labels(source: Any, labels: Sequence[int] | np.ndarray, classes: int) -> Tensor:
    y = torch.tensor(np.asarray(labels, dtype=np.int64))
    if len(y) and not (y.min() >= 0 and y.max() < classes):
        raise ValueError(f"{source} has labels from {y.min()} to {y.max()}; they must lie in 0 .. {classes - 1}")
    return y


# ------------------------------------------------------------------------------------ CIFAR


def cifar10(folder: str | pathlib.Path, train: bool = True) -> Dataset:
    """CIFAR-10 from cifar-10-batches-py: [n, 3, 32, 32] in [0, 1], 10 classes.

    Raises FileNotFoundError for a missing file, ValueError for one that is not in the format.
    """
    names = [f"data_batch_{i}" for i in range(1, 6)] if train else ["test_batch"]
    return _cifar(folder, names, "labels", 10)


def cifar100(folder: str | pathlib.Path, train: bool = True, coarse: bool = False) -> Dataset:
    """CIFAR-100 from cifar-100-python: [n, 3, 32, 32] in [0, 1]; 100 classes, or the 20 coarse ones."""
    key, classes = ("coarse_labels", 20) if coarse else ("fine_labels", 100)
    return _cifar(folder, ["train" if train else "test"], key, classes)


def _cifar(folder: str | pathlib.Path, names: Sequence[str], key: str, classes: int) -> Dataset:
    pixels, labels = [], []
    for name in names:
        file = pathlib.Path(folder) / name
        if not file.is_file():
            raise FileNotFoundError(f"{folder} has no {name}; samtheory reads data sets but fetches none")
        content = _unpickled(file)
        data, values = (_entry(file, content, wanted) for wanted in ("data", key))
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
            raise ValueError(f"{file}: data must be an array of unsigned bytes [n, 3072]; it is {_described(data)}")
        if not isinstance(values, list | np.ndarray) or len(values) != len(data):
            raise ValueError(f"{file}: {key} must be a list of {len(data)} labels; it is {_described(values)}")
        pixels.append(data)
        labels.append(_labels(file, values, classes))
    x = torch.tensor(np.concatenate(pixels)).reshape(-1, 3, 32, 32).float() / 255
    return Dataset(x, torch.cat(labels), classes)


def _entry(file: pathlib.Path, content: Any, name: str) -> Any:
    """The entry of this name, which Python 2 wrote as bytes."""
    if isinstance(content, dict):
        for key in (name, name.encode()):
            if key in content:
                return content[key]
    raise ValueError(f"{file} has no entry {name!r}; it is {_described(content)}")


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    if isinstance(value, dict):
        return f"a dictionary with the entries {', '.join(sorted(map(str, value)))}"
    return f"a {type(value).__name__}" + (f" of length {len(value)}" if hasattr(value, "__len__") else "")


_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): str.encode,
}


class _ArraysOnly(pickle.Unpickler):
    """Builds NumPy arrays and plain values; any other name in the file raises UnpicklingError."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}, which a file of arrays has no need of")
        return _ALLOWED[module, name]


def _unpickled(file: pathlib.Path) -> Any:
    try:
        with file.open("rb") as stream:
            return _ArraysOnly(stream, encoding="bytes").load()
    except Exception as error:  # whatever a damaged file makes pickle or numpy say
        raise ValueError(f"{file} is not a whole file of the published format: {error}") from None


# ------------------------------------------------------------------------------------ label noise


def with_label_noise(data: Dataset, fraction: float, seed: int = 0) -> tuple[Dataset, Tensor]:
    """(data with wrong labels, bool [n] of which): round(fraction n) samples, each given another class at random."""
    number = round(between(0, 1)("fraction", fraction) * len(data.y))
    if number and data.classes < 2:
        raise ValueError("fraction > 0 needs at least two classes")
    generator = torch.Generator().manual_seed(count()("seed", seed))
    chosen = torch.randperm(len(data.y), generator=generator)[:number].to(data.y.device)
    shift = torch.randint(1, max(data.classes, 2), (number,), generator=generator).to(data.y.device)
    y, wrong = data.y.clone(), torch.zeros_like(data.y, dtype=torch.bool)
    y[chosen] = (y[chosen] + shift) % data.classes
    wrong[chosen] = True
    return Dataset(data.x, y, data.classes), wrong
