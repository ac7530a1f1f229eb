"""Readers against tiny files in the published formats, and what they say about damaged ones."""

import gzip
import pickle
import struct

import numpy as np
import pytest

pytest.importorskip("torch.optim")  # not "torch": a folder of that name on the path would pass for PyTorch

import torch

from samtheory.torch.data import Dataset, breast_cancer, cifar10, cifar100, digits, mnist, with_label_noise

rng = np.random.default_rng(0)
IMAGES, LABELS = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8), np.array([3, 0, 9, 1, 1], dtype=np.uint8)
PIXELS = rng.integers(0, 256, (4, 3072), dtype=np.uint8)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_mnist(folder, images=IMAGES, labels=LABELS, packed=False):
    for name, array in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
        raw = idx(array)
        file = folder / f"train-{name}{'.gz' if packed else ''}"
        file.write_bytes(gzip.compress(raw) if packed else raw)
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_mnist(tmp_path, packed):
    data = mnist(write_mnist(tmp_path, packed=packed))
    assert torch.equal((data.x[:, 0] * 255).round().byte(), torch.tensor(IMAGES)) and data.classes == 10
    assert data.x.shape == (5, 1, 4, 3) and data.y.tolist() == LABELS.tolist() and data.y.dtype == torch.int64
    with pytest.raises(FileNotFoundError, match=r"neither t10k-images-idx3-ubyte nor .*\.gz"):
        mnist(tmp_path, train=False)


def damaged(raw, packed):
    yield "cut short", raw[:-3]
    yield "too long", raw if packed else raw + b"x"
    yield "another type", b"\x00\x00\x0d\x03" + raw[4:]
    yield "empty", b""


@pytest.mark.parametrize("name, raw", [*damaged(idx(IMAGES), False)])
def test_damaged_mnist(tmp_path, name, raw):
    (write_mnist(tmp_path) / "train-images-idx3-ubyte").write_bytes(raw)
    with pytest.raises(ValueError, match="train-images-idx3-ubyte"):
        mnist(tmp_path)


def test_damaged_gzip_and_mismatched_labels(tmp_path):
    file = write_mnist(tmp_path, packed=True) / "train-labels-idx1-ubyte.gz"
    whole = file.read_bytes()
    for raw in (whole[:-9], b"not gzip", whole[:12] + b"\xff\xff" + whole[14:]):
        file.write_bytes(raw)
        with pytest.raises(ValueError, match="not a whole gzip file"):
            mnist(tmp_path)
    write_mnist(tmp_path, labels=LABELS[:4])
    with pytest.raises(ValueError, match="5 images, but 4 labels"):
        mnist(tmp_path)
    write_mnist(tmp_path, labels=LABELS + 5)
    with pytest.raises(ValueError, match="labels from 5 to 14"):
        mnist(tmp_path)


@pytest.mark.parametrize("protocol", [2, 4])
def test_cifar(tmp_path, protocol):
    for i in range(1, 6):
        content = {b"data": PIXELS, b"labels": [i, 0, 9, 2], b"batch_label": b"training", b"filenames": [b"a.png"] * 4}
        (tmp_path / f"data_batch_{i}").write_bytes(pickle.dumps(content, protocol))
    data = cifar10(tmp_path)
    assert data.x.shape == (20, 3, 32, 32) and data.y[::4].tolist() == [1, 2, 3, 4, 5]
    assert torch.equal((data.x[4:8] * 255).round().byte(), torch.tensor(PIXELS).reshape(4, 3, 32, 32))
    content = {"data": PIXELS, "fine_labels": [99, 0, 5, 7], "coarse_labels": [19, 0, 1, 2]}
    (tmp_path / "test").write_bytes(pickle.dumps(content, protocol))
    assert cifar100(tmp_path, train=False).y.tolist() == [99, 0, 5, 7]
    assert cifar100(tmp_path, train=False, coarse=True).classes == 20
    with pytest.raises(FileNotFoundError, match="has no train"):
        cifar100(tmp_path)


def test_cifar_as_python_2_wrote_it(tmp_path):
    """The published files, opcode by opcode: protocol 2, texts as byte strings, arrays by numpy.core.multiarray."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    dtype = (
        b"cnumpy\ndtype\n"
        + text(b"u1")
        + b"K\x00K\x01\x87R(K\x03"
        + text(b"|")
        + b"NNN"
        + 2 * b"J\xff\xff\xff\xff"
        + b"K\x00tb"
    )
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    state = b"(K\x01K\x04M\x00\x0c\x86" + dtype + b"\x89T" + struct.pack("<I", PIXELS.size) + PIXELS.tobytes() + b"tb"
    labels = b"](K\x01K\x02K\x03K\x04e"
    raw = b"\x80\x02}(" + text(b"data") + array + state + text(b"labels") + labels + b"u."
    (tmp_path / "test_batch").write_bytes(raw)
    data = cifar10(tmp_path, train=False)
    assert data.y.tolist() == [1, 2, 3, 4]
    assert torch.equal((data.x * 255).round().byte(), torch.tensor(PIXELS).reshape(4, 3, 32, 32))


class Evil:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize(
    "content, message",
    [
        (Evil(), r"refers to __builtin__\.print"),
        ({b"data": Evil(), b"labels": []}, r"refers to __builtin__\.print"),
        ({b"data": PIXELS}, "no entry 'labels'"),
        ([1, 2], "no entry 'data'; it is a list of length 2"),
        ({b"data": PIXELS[:, :100], b"labels": [1, 2, 3, 4]}, r"it is an array of uint8 of shape \(4, 100\)"),
        ({b"data": PIXELS.astype(float), b"labels": [1, 2, 3, 4]}, "an array of float64"),
        ({b"data": PIXELS, b"labels": [1, 2, 3]}, "a list of 4 labels; it is a list of length 3"),
        ({b"data": PIXELS, b"labels": [1, 2, 3, 10]}, "labels from 1 to 10"),
        (None, "not a whole file"),
    ],
)
def test_damaged_and_hostile_cifar(tmp_path, capsys, content, message):
    raw = pickle.dumps({b"data": PIXELS})[:-20] if content is None else pickle.dumps(content, 2)
    (tmp_path / "test_batch").write_bytes(raw)
    with pytest.raises(ValueError, match=message):
        cifar10(tmp_path, train=False)
    assert capsys.readouterr().out == ""


def test_sets_of_scikit_learn():
    pytest.importorskip("sklearn")
    for data, shape, classes in ((digits(), (1797, 1, 8, 8), 10), (breast_cancer(), (569, 30), 2)):
        assert data.x.shape == shape and data.x.dtype == torch.float32
        assert data.y.unique().tolist() == list(range(classes)) and data.classes == classes
    assert digits().x.min() >= 0 and digits().x.max() == 1
    assert breast_cancer().x.double().std(0, correction=0).sub(1).abs().max() < 1e-5


def test_splits_batches_and_noise():
    data = Dataset(torch.arange(100.0)[:, None], torch.arange(100) % 10, 10)
    first, second = data.split(0.73, seed=4)
    assert len(first.y) == 73 and sorted(torch.cat([first.x, second.x])[:, 0].tolist()) == list(range(100))
    assert torch.equal(first.x[:, 0].long() % 10, first.y)
    assert len(data.subset(7).y) == 7 and not torch.equal(data.subset(7, 1).x, data.subset(7).x)
    batches = data.batches(32, torch.Generator().manual_seed(0))
    assert [len(y) for _, y in batches] == [32, 32, 32, 4]
    assert sorted(torch.cat([x for x, _ in batches])[:, 0].tolist()) == list(range(100))
    noisy, wrong = with_label_noise(data, 0.4, seed=2)
    assert wrong.sum() == 40 and torch.equal(noisy.y != data.y, wrong) and noisy.y.min() >= 0 and noisy.y.max() < 10
    assert torch.equal(with_label_noise(data, 0.4, seed=2)[0].y, noisy.y) and len(noisy.y[wrong].unique()) > 5
    for wrong_use in (lambda: with_label_noise(data, 1.5), lambda: data.subset(101), lambda: data.split(-0.1)):
        with pytest.raises(ValueError, match=r"fraction = |n = 101"):
            wrong_use()
