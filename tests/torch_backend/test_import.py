"""torch is an extra: importing the package never imports it, and its absence is explained."""

import subprocess
import sys

import pytest


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_package_does_not_import_torch():
    pytest.importorskip("torch.optim")
    code = (
        "import sys, samtheory, samtheory.simulate, samtheory.claims, samtheory.__main__; print('torch' in sys.modules)"
    )
    assert run(code) == "False\n"


def test_a_missing_torch_is_named():
    code = """
import sys
sys.modules["torch"] = None
try:
    import samtheory.torch
except ModuleNotFoundError as error:
    print(error)
"""
    assert "pip install samtheory[torch]" in run(code)
