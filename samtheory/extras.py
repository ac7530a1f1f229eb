"""What a part of the package needs beyond the core install."""

from __future__ import annotations


class MissingExtra(ModuleNotFoundError):
    """A part of the package needs an optional dependency; `extra` is the name to install it by.

    Producers of figure data may raise it: `samtheory figures` then leaves their figures out and says so.
    """

    def __init__(self, what: str, needs: str, extra: str, name: str | None = None):
        super().__init__(f"{what} needs {needs}, which is not installed: pip install samtheory[{extra}]", name=name)
        self.extra = extra
        self._made_of = what, needs, extra, name

    def __reduce__(self):
        return MissingExtra, self._made_of  # it comes back from other processes


def missing(error: ModuleNotFoundError, what: str) -> ModuleNotFoundError:
    """`error` as a MissingExtra of `what`, where it is of a module that an extra brings; else itself."""
    needs = {"torch": ("PyTorch", "torch"), "sklearn": ("scikit-learn", "torch")}
    top = (error.name or "").split(".")[0]
    if isinstance(error, MissingExtra) or top not in needs:
        return error
    return MissingExtra(what, *needs[top], error.name)
