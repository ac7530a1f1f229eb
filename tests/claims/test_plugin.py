"""The pytest plugin: a claim file is collected, passes, and fails where it must."""

import pathlib
import subprocess
import sys

SAMPLE = (pathlib.Path(__file__).parent / "sample_claim.py").read_text()


def pytest_on(folder, *argv):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", *argv]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_a_claim_file_is_collected_with_its_controls(tmp_path):
    (tmp_path / "my_theorem.py").write_text(SAMPLE)
    done = pytest_on(tmp_path, "my_theorem.py")
    assert done.returncode == 0, done.stdout
    for part in ("::property PASSED", "::control[doubled] PASSED", "4 passed"):
        assert part in done.stdout


def test_a_wrong_theorem_fails_with_a_shrunk_instance(tmp_path):
    (tmp_path / "wrong.py").write_text(
        SAMPLE.replace("return (1 - self.eta) **", "return (1 - self.eta * self.eta) **")
    )
    done = pytest_on(tmp_path, "wrong.py")
    assert (
        done.returncode == 1 and "refuted" in done.stdout and "--steps 1 " in done.stdout and "--seed 0" in done.stdout
    )


def test_a_declared_example_is_always_looked_at(tmp_path):
    only = "at_most('x_t <= x_0', x[1:], (self.eta != 0.25) * x[0], slack=0, why='exact')"
    (tmp_path / "needle.py").write_text(
        SAMPLE.replace('at_most("x_t <= x_0", x[1:], x[0], slack=0, why="exact")', only)
    )
    done = pytest_on(tmp_path, "needle.py")
    assert done.returncode == 1 and "--eta 0.25 --steps 10 --seed 3" in done.stdout


def test_a_control_that_is_not_refuted_fails(tmp_path):
    blind = SAMPLE.replace(
        '"doubled": control(measure=lambda c: 2 * c.measure())', '"same": control(measure=lambda c: c.measure())'
    )
    (tmp_path / "blind.py").write_text(blind)
    done = pytest_on(tmp_path, "blind.py")
    assert (
        done.returncode == 1 and "control[same] FAILED" in done.stdout and "expected refuted, got holds" in done.stdout
    )


def test_a_file_that_cannot_be_loaded_is_one_line(tmp_path):
    (tmp_path / "broken.py").write_text(SAMPLE + "\nnope\n")
    done = pytest_on(tmp_path, "broken.py")
    assert done.returncode == 2 and "NameError: name 'nope' is not defined" in done.stdout
    assert "Traceback" not in done.stdout and "exec_module" not in done.stdout


def test_other_files_are_left_alone(tmp_path):
    (tmp_path / "helper.py").write_text("x = 1\n")
    (tmp_path / "test_one.py").write_text("def test_one():\n    assert True\n")
    done = pytest_on(tmp_path)
    assert done.returncode == 0 and "1 passed" in done.stdout
