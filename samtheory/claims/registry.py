"""Finding claims: `experiments/<paper>/<claim>.py`, id = path with dashes."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import pathlib
import sys
import traceback
from typing import Any


def experiments_root() -> pathlib.Path:
    """The folder of claims: inside the installed package, or beside it in a checkout."""
    package = pathlib.Path(__file__).parent.parent
    inside = package / "experiments"
    return inside if inside.is_dir() else package.parent / "experiments"


def load(path: pathlib.Path | str) -> Any:
    """The claim that a file declares."""
    path = pathlib.Path(path).resolve()
    name = f"samtheory_claims.{path.parent.name}.{path.stem}".replace("-", "_")
    module = sys.modules.get(name)
    if module is None or pathlib.Path(module.__file__ or "") != path:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ValueError(f"{path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[name]
            if not isinstance(error, Exception):
                raise
            raise ValueError(f"{path}{_line(error, path)}: {type(error).__name__}: {error}") from error
    found = [v for v in vars(module).values() if isinstance(v, type) and hasattr(v, "info") and v.__module__ == name]
    if len(found) != 1:
        raise ValueError(f"{path} declares {len(found)} claims; a claim file declares exactly one")
    return found[0]


def _line(error: Exception, path: pathlib.Path) -> str:
    """The line of this file where loading it failed."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""


def paths() -> dict[str, pathlib.Path]:
    """id -> file, sorted by id."""
    files = (p for p in experiments_root().glob("*/*.py") if not p.stem.startswith("_"))
    return dict(sorted((f"{p.parent.name}/{p.stem}".replace("_", "-"), p) for p in files))


@functools.cache
def find(identifier: str) -> Any:
    """The claim with this id, or in this file."""
    known = paths()
    if identifier in known:
        return load(known[identifier])
    if identifier.endswith(".py") and pathlib.Path(identifier).is_file():
        return load(identifier)
    raise ValueError(f"unknown claim {identifier!r}{_hint(identifier, list(known))}")


def select(identifiers: list[str]) -> list[str]:
    """Ids named by these ids, papers or files; all of them when none is named."""
    known = paths()
    papers = {name.split("/")[0] for name in known}
    chosen: list[str] = []
    for one in identifiers or sorted(papers):
        if one in papers:
            chosen += [name for name in known if name.startswith(one + "/")]
        elif one in known or (one.endswith(".py") and pathlib.Path(one).is_file()):
            chosen.append(one)
        else:
            raise ValueError(f"unknown claim or paper {one!r}{_hint(one, [*known, *papers])}")
    return list(dict.fromkeys(chosen))


def _hint(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else "; `samtheory list` shows them all"
