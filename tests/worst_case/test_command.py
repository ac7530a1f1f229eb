"""`samtheory worst-case`: what it prints, valid JSON whatever the solver says, and what it refuses."""

import json

import pytest

from samtheory.__main__ import main
from samtheory.worst_case import sdp

needs_pep = pytest.mark.skipif(not sdp.available(), reason="the extra pep is not installed")


def run(capsys, *argv):
    """(exit code, stdout, stderr)."""
    with pytest.raises(SystemExit) as stop:
        main(["worst-case", *argv])
    return (stop.value.code or 0, *capsys.readouterr())


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


@needs_pep
@pytest.mark.parametrize(
    ("argv", "code", "bound"),
    [
        (("usam", "--eta", "0.5", "--rho", "0.2", "--mu", "0.1"), 0, (1 - 0.5 * 0.1 * 1.02) ** 2),
        (("usam", "--eta", "1e160", "--mu", "0.1"), 1, "inf"),
        (("usam", "--eta", "0.5", "--rho", "1.3", "--class", "smooth"), 1, None),
        (("usam", "--eta", "0.33", "--rho", "4.5", "-N", "3", "--class", "smooth-convex"), 0, None),
    ],
)
def test_json(capsys, argv, code, bound):
    told, out, _ = run(capsys, *argv, "--json")
    first = json.loads(out, parse_constant=no_constant)["theorems"][0]
    assert told == code and first["bound"] == pytest.approx(bound)
    assert (first["tightness"] == pytest.approx(1, abs=1e-5)) if code == 0 and bound else first["tightness"] is None


@needs_pep
def test_text(capsys):
    code, out, _ = run(capsys, "gd", "--eta", "1", "--mu", "0.1")
    assert code == 0 and "exact worst gap: 0.81" in out and "tightness 1.000000" in out
    code, out, _ = run(capsys, "sam", "--eta", "1.5", "--rho", "0.5", "--mu", "0.1")
    assert code == 0 and "outside: it needs eta L <= 1" in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("gd", "--eta", "1", "--rho", "0.1", "--mu", "0.1"), "gd has no radius"),
        (("gd", "--eta", "1"), "which needs mu > 0"),
        (("sam", "--eta", "1", "--rho", "1", "--mu", "0.1", "-N", "2"), "of one step"),
        (("usam", "--eta", "nan", "--mu", "0.1"), "eta = nan"),
    ],
)
def test_refusals(capsys, argv, message):
    code, _, err = run(capsys, *argv)
    assert code == 2 and message in err


def test_without_the_extra_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setattr(sdp, "available", lambda: False)
    for rule in ("usam", "sam"):
        code, _, err = run(capsys, rule, "--eta", "0.5", "--rho", "1", "--mu", "0.1")
        assert code == 2 and "pip install 'samtheory[pep]'" in err
