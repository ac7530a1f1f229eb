"""Figures of the papers: data first (computed once, stored), then a drawing that only reads the data.

`figures/<paper>_<name>.py` declares `DATA = "<paper>/_<producer>"` and `draw(data) -> Figure`; the producer
`experiments/<paper>/_<producer>.py` has `data() -> dict of arrays`.  Stored data carry a digest of the package's
sources and of the producer, and are computed again when it changes.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import hashlib
import importlib.util
import pathlib
import sys
import zipfile
from types import ModuleType

import numpy as np

from samtheory.claims.registry import experiments_root
from samtheory.extras import MissingExtra, missing
from samtheory.kernel import package_digest
from samtheory.report.processes import in_processes


def figures_root() -> pathlib.Path:
    """The folder of figure scripts, beside the folder of claims."""
    return experiments_root().parent / "figures"


def paths() -> dict[str, pathlib.Path]:
    """name -> file of every figure."""
    return {p.stem: p for p in sorted(figures_root().glob("*.py"))}


def regenerate(names: list[str], out: pathlib.Path, fresh: bool = False, jobs: int = 1) -> list[pathlib.Path]:
    """Draw these figures (all of them when none is named) as PNG into `out`, in `jobs` processes; data in `out/data`.

    Where data need an extra that is not installed: of all figures these are left out, with a line that says so; a
    figure that was named raises MissingExtra.
    """
    known = paths()
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise ValueError(f"unknown figure {name!r}; there are {', '.join(close or known)}")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is not a folder")
    (out / "data").mkdir(parents=True, exist_ok=True)
    wanted, written = names or list(known), []
    for name, drawn in in_processes(functools.partial(_one, out=out, fresh=fresh), wanted, min(jobs, len(wanted))):
        if isinstance(drawn, MissingExtra):
            if names:
                raise drawn
            print(f"left out {name}: {drawn}")
        else:
            written.append(drawn)
            print(f"wrote {drawn}", flush=True)
    return written


def _one(name: str, out: pathlib.Path, fresh: bool) -> pathlib.Path | MissingExtra:
    """Draw one figure; an extra that its data lack is returned, not raised, so that the others go on."""
    module = _module(paths()[name])
    try:
        data = stored(module.DATA, out / "data" / f"{name}.npz", fresh)
    except MissingExtra as error:
        return error
    return render(module, data, out / f"{name}.png")


def stored(producer: str, file: pathlib.Path, fresh: bool = False) -> dict[str, np.ndarray]:
    """The producer's data from `file`, computed and stored there if missing, stale or asked for afresh."""
    source = experiments_root() / f"{producer}.py"
    digest = hashlib.sha256(package_digest().encode() + source.read_bytes()).hexdigest()
    if not fresh and file.exists():
        try:
            with np.load(file) as kept:
                if str(kept["digest"]) == digest:
                    return {name: kept[name] for name in kept.files if name != "digest"}
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            print(f"{file} cannot be read ({error}); computing it again", file=sys.stderr)
    try:
        data = {name: np.asarray(value) for name, value in _module(source).data().items()}
    except ModuleNotFoundError as error:
        raise missing(error, f"the data of {producer}") from error
    part = file.with_name(f".{file.name}.part.npz")
    np.savez_compressed(part, digest=digest, **data)
    part.replace(file)
    return data


def render(module: ModuleType, data: dict[str, np.ndarray], file: pathlib.Path) -> pathlib.Path:
    """Draw with the shared style, without a screen."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.style.context(figures_root() / "samtheory.mplstyle"):
        figure = module.draw(data)
        figure.savefig(file)
        plt.close(figure)
    return file


def figure_script(path: str) -> None:
    """Make a figure file a script: `python figures/NAME.py [--out DIR] [--fresh]`."""
    parser = argparse.ArgumentParser(description=f"draw {pathlib.Path(path).stem}")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out"), metavar="DIR")
    parser.add_argument("--fresh", action="store_true", help="compute the data again although it is stored")
    options = parser.parse_args()
    regenerate([pathlib.Path(path).stem], options.out, options.fresh)


def _module(path: pathlib.Path) -> ModuleType:
    name = f"samtheory_figures.{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
