"""The one room that knows Numba's internals: `kernel`, `generic`, `call`, and a cache keyed by source.

A *kernel* is a plain Python function that compiled code may call; a *generic* is a kernel whose body is
chosen by the class of its first argument.  Both stay plain Python functions: `call(driver, *args)` runs the
driver compiled, and `with interpreted():` runs the very same source in the interpreter with the same bits.
That second way is the oracle of the tests and the path that coverage and mutation tools see.

What a kernel may contain, so that both ways agree to the last bit: `+ - * /`, comparisons, `abs`, functions
of `math`, loops and array elements.  No `**`, no NumPy reductions, no allocation (`_nrt=False` turns an
allocating kernel into a compile error), no division by something that may be zero.

Numba is imported at the first compiled call, never at import.  Compiled code is kept on disk under a digest
of every source of the package plus whatever user code the call reaches (function bodies and the scalar
globals they freeze), because Numba itself does not notice that a callee in another file was edited.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import marshal
import os
import pathlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# `_nrt=False` is a private flag of Numba.  If it ever goes we lose a factor of about 1.6 and nothing else.
OPTIONS: dict[str, Any] = {"_nrt": False, "nogil": True, "error_model": "numpy", "fastmath": False}

_PACKAGE = pathlib.Path(__file__).parent
_KEPT_DIGESTS = 64

_kernels: dict[Callable, dict[type, Callable] | None] = {}
_lock = threading.RLock()
_active = False
_interpreted = os.environ.get("SAMTHEORY_JIT", "1") == "0" or os.environ.get("NUMBA_DISABLE_JIT", "0") == "1"


def kernel(function: Callable) -> Callable:
    """Let compiled code call `function`; returned unchanged."""
    with _lock:
        _kernels[function] = None
        if _active:
            _teach_numba(function)
    return function


def generic(stub: Callable) -> Callable:
    """Turn a documented stub into a generic: `stub.register(Class)` adds the body used for that class.

    `register(object)` gives the body for every other class.  Registering a class twice is refused: Numba
    would silently keep the body that it has compiled already.
    """
    table: dict[type, Callable] = {}

    def dispatch(first, *rest):
        body = table.get(type(first)) or table.get(object)
        if body is None:
            raise TypeError(f"{stub.__name__} is not registered for {type(first).__name__} ({_known(table)})")
        return body(first, *rest)

    def register(cls: type) -> Callable[[Callable], Callable]:
        def decorate(body: Callable) -> Callable:
            if cls in table:
                raise ValueError(f"{stub.__name__} is registered for {cls.__name__} already")
            table[cls] = body
            return body

        return decorate

    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(dispatch, name, getattr(stub, name))
    dispatch.__wrapped__ = stub  # type: ignore[attr-defined]
    dispatch.register = register  # type: ignore[attr-defined]
    dispatch.registered = table  # type: ignore[attr-defined]
    dispatch.supports = lambda cls: cls in table or object in table  # type: ignore[attr-defined]
    with _lock:
        _kernels[dispatch] = table
        if _active:
            _teach_numba(dispatch)
    return dispatch


def _known(table: dict[type, Callable]) -> str:
    return "registered: " + (", ".join(sorted(cls.__name__ for cls in table)) or "nothing yet")


def call(driver: Callable, *args):
    """Run `driver(*args)`, compiled unless interpretation is asked for."""
    if _interpreted:
        with np.errstate(all="ignore"):
            return driver(*args)
    return _compiled(driver, args)(*args)


@contextlib.contextmanager
def interpreted() -> Iterator[None]:
    """Run every driver called inside the block as plain Python (slow, same bits)."""
    global _interpreted
    before, _interpreted = _interpreted, True
    try:
        yield
    finally:
        _interpreted = before


def is_interpreted() -> bool:
    """Whether drivers currently run as plain Python."""
    return _interpreted


# --------------------------------------------------------------------------------------------- Numba


def _teach_numba(function: Callable) -> None:
    from numba.core import errors, types
    from numba.extending import overload

    table = _kernels[function]

    def choose(*args):
        if table is None:
            return function
        cls = getattr(args[0], "instance_class", float if isinstance(args[0], types.Float) else object)
        body = table.get(cls) or table.get(object)
        if body is None:
            raise errors.TypingError(f"{function.__name__} is not registered for {args[0]} ({_known(table)})")
        return body

    overload(function, jit_options=OPTIONS, strict=False)(choose)


def _activate() -> None:
    global _active
    if not _active:
        import numba

        numba.config.DISABLE_INTEL_SVML = True  # one mathematical library, whatever is installed
        for function in list(_kernels):
            _teach_numba(function)
        _active = True


_dispatchers: dict[tuple, Callable] = {}


def _classes(value: Any, into: list) -> None:
    if isinstance(value, tuple):
        into.append(type(value))
        for item in value:
            _classes(item, into)


def _compiled(driver: Callable, args: tuple) -> Callable:
    classes: list[type] = []
    _classes(args, classes)
    key = (driver, *classes)
    found = _dispatchers.get(key)
    if found is None:
        with _lock:
            found = _dispatchers.get(key)
            if found is None:
                _activate()
                found = _dispatchers[key] = _dispatcher(driver, classes)
    return found


def _dispatcher(driver: Callable, classes: list[type]) -> Callable:
    from numba import config, njit

    dispatcher = njit(**OPTIONS)(driver)
    folder = _cache_folder(_digest(driver, classes))
    if folder is not None:
        before = config.CACHE_DIR
        config.CACHE_DIR = str(folder)
        try:
            dispatcher.enable_caching()
        finally:
            config.CACHE_DIR = before
    return dispatcher


# --------------------------------------------------------------------------------------------- cache


@functools.cache
def package_digest() -> str:
    """Digest of every source file of the package."""
    sha = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        sha.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return sha.hexdigest()


def _digest(driver: Callable, classes: list[type]) -> str:
    """Digest of everything that decides the machine code of `driver` on arguments of these classes."""
    sha = hashlib.sha256(package_digest().encode())
    seen: set[int] = set()
    for table in _kernels.values():
        for cls in set(classes) & set(table or ()):
            _feed(sha, table[cls], classes, seen)
    _feed(sha, driver, classes, seen)
    return sha.hexdigest()[:20]


def _feed(sha, function: Callable, classes: list[type], seen: set[int]) -> None:
    """Add the code of a user's function, of what it calls and of the constants it freezes."""
    code = getattr(function, "__code__", None)
    if code is None or id(function) in seen or _inside_package(code.co_filename):
        return
    seen.add(id(function))
    sha.update(marshal.dumps(code))
    names = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    for name in sorted(set(code.co_names) | set(code.co_freevars)):
        value = names.get(name)
        if isinstance(value, bool | int | float | str | tuple):
            sha.update(f"{name}={value!r}".encode())
        elif isinstance(value, np.ndarray):
            sha.update(name.encode() + value.tobytes())
        elif callable(value) and value in _kernels:
            table = _kernels[value]
            if table is None:
                _feed(sha, value, classes, seen)
            for cls in set(classes) & set(table or ()):
                _feed(sha, table[cls], classes, seen)


def _inside_package(filename: str) -> bool:
    return pathlib.Path(filename).is_relative_to(_PACKAGE)


def cache_root() -> pathlib.Path:
    """Where compiled code is kept: `$SAMTHEORY_CACHE`, else the user's cache folder."""
    named = os.environ.get("SAMTHEORY_CACHE")
    if named:
        return pathlib.Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (pathlib.Path(base) if base else pathlib.Path.home() / ".cache") / "samtheory"


def _cache_folder(digest: str) -> pathlib.Path | None:
    folder = cache_root() / digest
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        os.utime(folder)
    except OSError as error:
        print(f"samtheory: compiled code is not kept on disk ({error})", file=sys.stderr)
        return None
    _prune(folder)
    return folder


def _prune(keep: pathlib.Path) -> None:
    """Drop the digests that were used longest ago."""
    folders = [path for path in keep.parent.iterdir() if path.is_dir() and path != keep]
    folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in folders[_KEPT_DIGESTS:]:
        shutil.rmtree(path, ignore_errors=True)
