"""The example of the README's section on torch runs and prints what it says."""

import pathlib
import re

import pytest

pytest.importorskip("torch.optim")  # not "torch": a folder of that name on the path would pass for PyTorch
pytest.importorskip("sklearn")


def test_example(capsys):
    section = (pathlib.Path(__file__).parents[2] / "README.md").read_text().split("\n## Torch\n")[1]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    claimed = re.search(r"test_accuracy\"\]\)  # ([\d.]+)", code)[1]
    assert abs(float(printed[0]) - float(claimed)) < 0.02
