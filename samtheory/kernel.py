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
import os
import pathlib
import pickle
import re
import shutil
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# `_nrt=False` is a private flag of Numba.  If it ever goes we lose a factor of about 1.6 and nothing else.
OPTIONS: dict[str, Any] = {"_nrt": False, "nogil": True, "error_model": "numpy", "fastmath": False}
if os.environ.get("SAMTHEORY_BOUNDSCHECK", "0") == "1":  # while writing a rule: an index outside an array is an error
    OPTIONS |= {"boundscheck": True, "_nrt": True}

_PACKAGE = pathlib.Path(__file__).parent
_KEPT_PACKAGES = 16  # states of the package's sources, and for each of them
_KEPT_CODES = 512  # combinations of classes and user code

_kernels: dict[Callable, dict[type, Callable] | None] = {}
_dispatchers: dict[tuple, Callable] = {}
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
            if object in table and any(cls in key for key in _dispatchers):
                raise ValueError(f"{stub.__name__} of {cls.__name__} has run already, with the body of object")
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
    try:
        return _compiled(driver, args)(*args)
    except Exception as error:
        if not type(error).__module__.startswith("numba.core.errors"):
            raise
        hint = "`with samtheory.kernel.interpreted():` runs the same code in Python, which says more"
        raise TypeError(f"a kernel does not compile: {_reason(str(error))}; {hint}") from None


_BOILERPLATE = re.compile(
    r"Failed in|TypingError: Failed|NumbaTypeError: Failed|No implementation of|>>>|There are|- Of which|Overload|"
    r"Operator Overload|With argument|Rejected|No match|\* \(|During:|raised from|File|\^|$"
)


def _reason(message: str) -> str:
    """The first line of Numba's message that is not about Numba itself."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", message)  # Numba colours it where colorama is installed
    lines = [line.strip() for line in plain.splitlines()]
    return next((line for line in lines if not _BOILERPLATE.match(line)), lines[0] if lines else "no reason given")


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
    from numba.core import errors
    from numba.core.types import Float
    from numba.extending import overload

    table = _kernels[function]

    def choose(*args):
        if table is None:
            return function
        cls = getattr(args[0], "instance_class", float if isinstance(args[0], Float) else object)
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
    from numba import njit

    dispatcher = njit(**OPTIONS)(driver)
    folder = _cache_folder(_digest(driver, classes))
    if folder is not None:
        dispatcher._cache = _disk(folder, classes)
    return dispatcher


def _disk(folder: pathlib.Path, classes: list[type]):
    """Numba's disk cache on our terms: a file a signature, replaced in one go, so that no two processes can mix up
    an index; and the arguments' classes stored as positions.  (Numba stores those of a script, `__main__`, by value:
    it would never find them again and would store them anew on every run.)
    """
    import numba
    from numba.core.caching import NullCache
    from numba.core.compiler import CompileResult
    from numba.core.serialize import NumbaPickler

    class Pickler(NumbaPickler):
        def persistent_id(self, thing):
            return classes.index(thing) if isinstance(thing, type) and thing in classes else None

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, position):
            return classes[position]

    def file_of(signature, context) -> pathlib.Path:
        key = repr((numba.__version__, sys.version, signature, context.codegen().magic_tuple()))
        return folder / hashlib.sha256(key.encode()).hexdigest()[:20]

    class Disk(NullCache):
        cache_path = str(folder)

        def load_overload(self, signature, context):
            context.refresh()
            try:
                with open(file_of(signature, context), "rb") as file:
                    return CompileResult._rebuild(context, *Unpickler(file).load())
            except Exception:  # not there, or not readable: compile
                return None

        def save_overload(self, signature, result):
            if result.lifted or result.library.has_dynamic_globals:
                return
            path = file_of(signature, result.target_context)
            part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
            try:
                with open(part, "wb") as file:
                    Pickler(file, protocol=pickle.HIGHEST_PROTOCOL).dump(result._reduce())
                os.replace(part, path)
            except OSError:  # disk full, folder gone: the code runs all the same
                part.unlink(missing_ok=True)

    return Disk()


# --------------------------------------------------------------------------------------------- cache


@functools.cache
def package_digest() -> str:
    """Digest of every source file of the package and of the tables that compiled code freezes."""
    sha = hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.npz") for path in _PACKAGE.rglob(kind)):
        sha.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return sha.hexdigest()


def _digest(driver: Callable, classes: list[type]) -> str:
    """Digest of everything outside the package that decides the machine code of `driver` on these classes."""
    print_of = _Fingerprint()
    print_of.value(f"{driver.__module__}.{driver.__qualname__} {OPTIONS}", ())
    print_of.function(driver)
    for cls in [*classes, float, object]:
        print_of.cls(cls)
    return print_of.sha.hexdigest()[:20]


class _Fingerprint:
    """Takes in functions of the user, what they call and the constants they freeze; classes with their bodies."""

    def __init__(self):
        self.sha = hashlib.sha256()
        self.seen: set[int] = set()

    def cls(self, cls: type) -> None:
        """A class: its fields, and its body in every generic."""
        self.sha.update(repr((cls.__module__, cls.__qualname__, getattr(cls, "_fields", ()))).encode())
        if id(cls) not in self.seen:
            self.seen.add(id(cls))
            for table in _kernels.values():
                if table and cls in table:
                    self.function(table[cls])

    def function(self, function: Callable) -> None:
        """A function: its byte code and every value it names.  Package code is in `package_digest` already."""
        code = getattr(function, "__code__", None)
        if code is None or id(function) in self.seen:
            return
        self.seen.add(id(function))
        closure = inspect.getclosurevars(function).nonlocals
        inside = pathlib.Path(code.co_filename).is_relative_to(_PACKAGE)
        if not inside:
            self.sha.update(repr(_byte_code(code)).encode())
        names = closure if inside else {**function.__globals__, **closure}
        for name in sorted(set(code.co_names) | set(code.co_freevars)):
            if name in names:
                self.sha.update(name.encode())
                self.value(names[name], code.co_names)

    def value(self, value: Any, attributes: tuple[str, ...]) -> None:
        """A value that compiled code may freeze; of a module, the attributes that the code names."""
        value = getattr(value, "py_func", value)  # a function compiled by the user
        if isinstance(value, bool | int | float | complex | str | bytes | np.generic):
            self.sha.update(f"{type(value).__name__} {value!r}".encode())
        elif isinstance(value, np.ndarray):
            self.sha.update(f"{value.dtype} {value.shape}".encode() + value.tobytes())
        elif isinstance(value, tuple):
            self.cls(type(value))
            for item in value:
                self.value(item, attributes)
        elif isinstance(value, types.ModuleType):
            for name in attributes:
                if name in vars(value) and not isinstance(vars(value)[name], types.ModuleType):
                    self.value(vars(value)[name], attributes)
        elif isinstance(value, type):
            if hasattr(value, "_fields"):
                self.cls(value)
        elif isinstance(value, types.FunctionType) and not _kernels.get(value):  # bodies go with classes
            self.function(value)


def _byte_code(code: types.CodeType) -> tuple:
    """What a function does, without file name and line numbers."""
    constants = tuple(_byte_code(c) if isinstance(c, types.CodeType) else (type(c), c) for c in code.co_consts)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return code.co_code, code.co_argcount, names, constants


def cache_root() -> pathlib.Path:
    """Where compiled code is kept: `$SAMTHEORY_CACHE`, else the user's cache folder."""
    named = os.environ.get("SAMTHEORY_CACHE")
    if named:
        return pathlib.Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (pathlib.Path(base) if base else pathlib.Path.home() / ".cache") / "samtheory"


def _cache_folder(digest: str) -> pathlib.Path | None:
    """The folder <root>/<package>/<user code>, or None where nothing can be written."""
    global _complained
    try:
        folder = cache_root() / package_digest()[:20] / digest
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        os.utime(folder)
        os.utime(folder.parent)
        for parent, kept in ((folder.parent.parent, _KEPT_PACKAGES), (folder.parent, _KEPT_CODES)):
            _prune(parent, kept)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        if not _complained:
            print(f"samtheory: compiled code is not kept on disk ({error})", file=sys.stderr)
            _complained = True
        return None
    return folder


_complained = False


@functools.cache
def _prune(parent: pathlib.Path, kept: int) -> None:
    """Drop the folders that were used longest ago; once a process."""
    folders = []
    for path in parent.iterdir():
        with contextlib.suppress(OSError):  # another process is at it too
            folders.append((path.stat().st_mtime, path))
    for _, path in sorted(folders, reverse=True)[kept:]:
        shutil.rmtree(path, ignore_errors=True)
