"""pytest collects claim files: one hypothesis property and every control of each.

    pytest my_theorem.py            a file of your own
    pytest experiments              the project's claims

A file counts as a claim file when a line of it starts with `@claim(`.  The property runs the active hypothesis
profile; `--hypothesis-profile thorough` looks at 1000 instances a claim instead of 50.
"""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest

_DECLARES = re.compile(r"^@claim\(", re.MULTILINE)


@pytest.hookimpl(tryfirst=True)  # before hypothesis loads the profile named on its command line
def pytest_configure(config: pytest.Config) -> None:
    """Declare the profiles where hypothesis is installed."""
    try:
        from hypothesis import HealthCheck, settings
    except ImportError:
        return
    common: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("samtheory", max_examples=50, derandomize=True, **common)
    settings.register_profile("thorough", max_examples=1000, **common)
    chosen = config.getoption("--hypothesis-profile", None)
    if chosen is None:
        settings.load_profile("samtheory")


def pytest_collect_file(file_path: pathlib.Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A collector for a claim file."""
    if file_path.suffix != ".py" or file_path.name.startswith(("test_", "conftest")):
        return None
    if not _DECLARES.search(file_path.read_text(encoding="utf-8", errors="replace")):
        return None
    return ClaimFile.from_parent(parent, path=file_path)


class ClaimFile(pytest.File):
    """One claim: its property and its controls."""

    def collect(self):
        from samtheory.claims.registry import load

        try:
            cls = load(self.path)
        except ValueError as error:
            raise self.CollectError(str(error)) from None
        yield ClaimProperty.from_parent(self, name="property", claim=cls)
        for name in cls.info.controls:
            yield ClaimControl.from_parent(self, name=f"control[{name}]", claim=cls, control_name=name)


class ClaimProperty(pytest.Item):
    """The claim holds on every instance that hypothesis finds (or is refuted, where it is declared false)."""

    def __init__(self, *, claim: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.claim = claim

    def runtest(self) -> None:
        from hypothesis import given, note, reject, settings, target
        from hypothesis import strategies as st

        from samtheory.claims.claim import command_of, evaluate, instantiate
        from samtheory.claims.evidence import HOLDS, OUTSIDE
        from samtheory.claims.verify import verify

        info = self.claim.info
        if info.expected != HOLDS:
            result = verify(self.claim)
            if result.verdict != info.expected:
                raise ClaimFailure(
                    f"{info.id} is declared {info.expected} but came out {result.verdict}: {result.error}"
                )
            return

        usual = settings.default.max_examples
        examples = min(usual, max(10, round(usual / info.cost)))  # a costly claim is looked at less often, as in verify

        @settings(max_examples=examples)
        @given(st.builds(self.claim, **{name: dimension.strategy() for name, dimension in info.space.items()}))
        def property_holds(instance):
            outcome = evaluate(instance)
            if outcome.status == OUTSIDE:
                reject()
            note(command_of(instance))
            if outcome.status != HOLDS:
                raise _unexpected(outcome)
            target(max(outcome.worst.excess, -1e9))

        property_holds()
        for values in info.examples:
            outcome = evaluate(instantiate(self.claim, values))
            if outcome.status != HOLDS:
                raise _unexpected(outcome)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, ClaimFailure):
            return f"{self.claim.info.id}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, 0, f"{self.claim.info.id} property"


class ClaimControl(pytest.Item):
    """A control comes out as it must."""

    def __init__(self, *, claim: Any, control_name: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.claim, self.control_name = claim, control_name

    def runtest(self) -> None:
        from samtheory.claims.verify import check_control

        result = check_control(self.claim, self.control_name)
        if result.verdict != result.expected:
            raise ClaimFailure(f"expected {result.expected}, got {result.verdict} ({result.message})")

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, ClaimFailure):
            return f"{self.claim.info.id}, control {self.control_name!r}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, 0, f"{self.claim.info.id} control {self.control_name}"


class ClaimFailure(AssertionError):
    """A verdict that is not the declared one."""


def _unexpected(outcome: Any) -> ClaimFailure:
    from samtheory.claims.claim import command_of

    return ClaimFailure(f"{outcome.status}: {outcome.worst or outcome.message}\n{command_of(outcome.instance)}")
