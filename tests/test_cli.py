"""The command line: what it prints, writes and exits with."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

from samtheory.__main__ import main
from samtheory.claims import literature, registry
from samtheory.rules import table

ROOT = pathlib.Path(__file__).parent.parent
SAMPLE = str(ROOT / "tests" / "claims" / "sample_claim.py")


def run(capsys, *argv):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    captured = capsys.readouterr()
    return exit_.value.code or 0, captured.out, captured.err


def test_list_json_has_what_readers_rely_on(capsys):
    code, out, _ = run(capsys, "list", "--json")
    rows = json.loads(out)
    assert code == 0 and [r["id"] for r in rows] == list(registry.paths())
    for row in rows:
        assert {"id", "paper", "title", "where", "kind", "statement", "confidence", "controls"} <= set(row)
        assert row["controls"] and row["id"].startswith(row["paper"] + "/")
        assert row["expected"] == "holds" or row["repaired"] in registry.paths()


def test_list_rules_has_every_entry_and_its_parameters(capsys):
    code, out, _ = run(capsys, "list", "--rules", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0 and set(rows) == {e.name for e in table.entries()}
    assert rows["GSAM"]["parameters"]["alpha"] == {"default": 0.4, "source": "library"}
    assert run(capsys, "list", "--rules")[1] == table.markdown() + "\n"
    assert run(capsys, "list", "--rules", "--papers")[0] == 2


def test_list_and_show_print_every_claim(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0 and all(name in out for name in registry.paths())
    code, out, _ = run(capsys, "show", "bartlett2023/cycle")
    assert code == 0
    for part in ("eta lam_1 < 2", "confidence: memory + derived", "instance space", "negative controls", "2210.01513"):
        assert part in out


def test_verify_writes_the_results(capsys, tmp_path):
    file = tmp_path / "out.json"
    code, out, _ = run(capsys, "verify", SAMPLE, "--json", str(file), "--jobs", "1", "--seed", "5")
    content = json.loads(file.read_text())
    assert code == 0 and "1 of 1 claims as declared" in out
    assert {"version", "platform", "seed", "effort", "results"} <= set(content) and content["seed"] == 5
    (result,) = content["results"]
    wanted = {"id", "verdict", "instances", "worst_margin", "tightness", "controls", "seconds", "error"}
    assert wanted <= set(result) and set(result["controls"].values()) == {"refuted"}


def test_processes_and_one_process_agree(capsys, tmp_path):
    files = [tmp_path / "1.json", tmp_path / "2.json"]
    for jobs, file in enumerate(files, start=1):
        run(capsys, "verify", SAMPLE, "wen2023/quadratic-rates", "--jobs", str(jobs), "--json", str(file))
    first, second = ([r | {"seconds": 0} for r in json.loads(f.read_text())["results"]] for f in files)
    assert first == second


def test_a_refuted_claim_exits_with_1_and_prints_the_worst_instance(capsys, tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        pathlib.Path(SAMPLE).read_text().replace("return (1 - self.eta) **", "return (1 - 1.01 * self.eta) **")
    )
    code, out, _ = run(capsys, "verify", str(wrong), "--jobs", "1")
    assert code == 1 and "0 of 1 claims as declared" in out and "worst instance: python" in out
    line = re.search(r"worst instance: python (\S+) (.*)", out)
    again = subprocess.run(
        [sys.executable, line[1], *line[2].split()], capture_output=True, text=True, cwd=pathlib.Path.cwd()
    )
    assert again.returncode == 1 and "verdict: refuted" in again.stdout
    code, out, _ = run(capsys, "falsify", str(wrong), "--budget", "50")
    assert code == 1 and "verdict on it: refuted" in out


def test_falsify_prints_a_command(capsys):
    code, out, _ = run(capsys, "falsify", SAMPLE, "--budget", "60")
    assert code == 0 and "60 instances" in out and re.search(r"^python .*--eta \S+ --steps \d+ --seed \d+$", out, re.M)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["verify", "dai2023/sc-bond"], "did you mean dai2023/sc-bound"),
        (["verify", "nobody2024"], "unknown claim or paper 'nobody2024'"),
        (["show", "x/y"], "unknown claim 'x/y'"),
        (["falsify", SAMPLE, "--budget", "0"], "'0' is not an integer >= 1"),
        (["verify", SAMPLE, "--effort", "lazy"], "invalid choice"),
        (["verify", SAMPLE, "--seed", "-1"], "'-1' is not an integer >= 0"),
        (["verify", SAMPLE, "--json", "/no/such/folder/x.json"], "does not exist"),
        (["verify", SAMPLE, "--json", "/"], "is a folder"),
        (["figures", "--out", "/dev/null/x"], "Not a directory"),
        (["figures", "nothing"], "unknown figure 'nothing'"),
        ([], ""),
    ],
)
def test_bad_usage_exits_with_2_and_one_line(capsys, argv, message):
    code, _, err = run(capsys, *argv)
    assert code == 2 and message in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def (", "broken.py: SyntaxError: invalid syntax"),
        ("x = 1\nnope", "broken.py, line 2: NameError: name 'nope' is not defined"),
        ("x = 1", "declares 0 claims"),
    ],
)
@pytest.mark.parametrize("command", ["show", "verify", "falsify"])
def test_a_broken_claim_file_is_one_line(capsys, tmp_path, command, text, message):
    file = tmp_path / "broken.py"
    file.write_text(text)
    more = [SAMPLE] if command == "verify" else []
    code, out, err = run(capsys, command, *more, str(file))
    assert code == 2 and message in err and err.count("\n") == 1 and not out


def test_an_interrupt_is_one_line(capsys, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "paths", interrupted)
    code, _, err = run(capsys, "list")
    assert code == 130 and err == "samtheory: interrupted\n"


def script(*argv):
    return subprocess.run([sys.executable, SAMPLE, *argv], capture_output=True, text=True)


def test_scripts_print_instance_numbers_and_verdict(tmp_path):
    done = script("--eta", "0.5", "--plot", str(tmp_path / "p.png"))
    assert done.returncode == 0 and "verdict: holds" in done.stdout and "eta          0.5" in done.stdout
    assert (tmp_path / "p.png").stat().st_size > 5000
    assert script("--control", "doubled").returncode == 0
    for name, message in ((str(tmp_path), "is a folder"), (str(tmp_path / "no" / "p.png"), "does not exist")):
        refused = script("--plot", name)
        assert refused.returncode == 2 and message in refused.stderr and not refused.stdout
    refused = script("--plot", str(tmp_path / "p.xyz"))
    assert refused.returncode == 2 and "'xyz' is not supported" in refused.stderr
    outside = script("--eta", "1.5")
    assert outside.returncode == 2 and "eta = 1.5 is outside [0.01, 0.9]" in outside.stderr


def test_help_and_list_of_commands_stay_light():
    code = "import sys, samtheory.__main__ as m\ntry: m.main(['--help'])\nfinally: print(sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("'numba'", "'scipy'", "'sympy'", "'matplotlib'", "'rich'", "'numpy'"):
        assert heavy not in out


def test_the_readme_shows_the_table_of_papers_that_the_claims_give():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.split("<!-- papers -->\n")[1].split("\n<!-- /papers -->")[0]
    assert shown == literature.markdown(), "run `samtheory list --papers` and paste its output into README.md"


def test_the_readme_examples_run(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Torch\n")[0]  # an extra, with its own test
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    library, equation, manifold, theorem, rule = blocks
    files = {"library.py": library, "equation.py": equation, "manifold.py": manifold, "my_rule.py": rule}
    files["my_theorem.py"] = theorem
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        done = subprocess.run([sys.executable, str(tmp_path / name)], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "verdict: holds" in done.stdout
    command = [sys.executable, "-m", "samtheory", "falsify", "my_theorem.py", "--budget", "600"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and "verdict on it: holds" in done.stdout, done.stdout


def test_figures_store_their_data_and_notice_damage(capsys, tmp_path):
    code, _, _ = run(capsys, "figures", "bartlett2023_two_cycle", "--out", str(tmp_path))
    assert code == 0 and (tmp_path / "bartlett2023_two_cycle.png").stat().st_size > 20_000
    data = tmp_path / "data" / "bartlett2023_two_cycle.npz"
    stamp = data.stat().st_mtime_ns
    run(capsys, "figures", "bartlett2023_two_cycle", "--out", str(tmp_path))
    assert data.stat().st_mtime_ns == stamp
    data.write_bytes(b"not an archive")
    code, _, err = run(capsys, "figures", "bartlett2023_two_cycle", "--out", str(tmp_path))
    assert code == 0 and "computing it again" in err and data.stat().st_size > 1000
