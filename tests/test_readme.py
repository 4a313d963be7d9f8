"""What README.md and CONTRIBUTING.md say is true: numbers, sizes, commands, links, figures."""

import contextlib
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def claimed(code: str) -> list[str]:
    """What the comments beside the print calls say will be printed."""
    return re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)


def test_the_example_prints_the_numbers_beside_it_and_draws_its_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pygraphviz")
    code = blocks(README, "python")[0]
    assert len(code.splitlines()) == 8
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {"__name__": "readme"})
    assert claimed(code)
    assert printed.getvalue().splitlines() == claimed(code)
    made, committed = (words(p) for p in (tmp_path / "graph.svg", ROOT / "docs" / "graph.svg"))
    assert made == committed, "the picture is an old one: run `python docs/graph.py`"


def words(svg: Path) -> list[str]:
    """The text in a picture. (Where Graphviz puts it differs a little by version.)"""
    return sorted(re.findall(r"<text[^>]*>([^<]*)", svg.read_text(encoding="utf-8")))


def test_the_network_of_the_readme_trains() -> None:
    names: dict[str, Any] = {"xs": [[0.0, 1.0], [1.0, 0.0]], "ys": [1, -1]}
    code = blocks(README, "python")[1]
    exec(code, names)
    before = names["loss"].data
    again = code[code.index("loss =") :]
    for _ in range(20):
        names["model"].zero_grad()
        exec(again, names)
    assert names["loss"].data < before


def test_the_sizes_in_the_first_sentences_are_true() -> None:
    core, total = re.findall(r"under (\d+) lines.*about ([\d,]+) lines in all", README)[0]
    (exercises,) = re.findall(r"exercises.*about ([\d,]+) lines more", README)
    assert lines("autograd/ops.py", "autograd/graph.py", "autograd/value.py") < int(core)
    of_exercises = lines("autograd/exercises/**/*.*")
    measured = lines("autograd/**/*.*", "nn/**/*.*") - of_exercises
    assert about(total, measured), f"now {measured} lines"
    assert about(exercises, of_exercises), f"now {of_exercises} lines"


def about(said: str, measured: int) -> bool:
    return abs(measured - int(said.replace(",", ""))) < 0.1 * measured


def lines(*patterns: str) -> int:
    files = {p for pattern in patterns for p in ROOT.glob(pattern)}
    code = (".py", ".js", ".html", ".css", ".md")
    return sum(len(p.read_text(encoding="utf-8").splitlines()) for p in files if p.suffix in code)


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_link_to_a_file_leads_somewhere(text: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_two_commands_are_one_line_each() -> None:
    commands = [block.splitlines() for block in blocks(README, "sh")]
    assert [len(command) for command in commands] == [1, 1]
    assert commands[0][0].endswith(" -m autograd demo")
    assert commands[1][0].endswith(" -m pytest")


def test_every_figure_of_the_speed_table_is_in_the_full_report() -> None:
    table = re.findall(r"^\|.*\|$", README[README.index("## Speed") :], re.MULTILINE)
    report = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    assert len(table) > 5
    assert [row for row in table if row not in report] == []


def with_one_more_row(folder: Path, row: str) -> None:
    """A copy of the engine and of its battery of tests in `folder`, with `row` below tanh's."""
    shutil.copytree(ROOT / "autograd", folder / "autograd")
    (folder / "tests").mkdir()
    for name in ("conftest.py", "strategies.py", "test_ops.py"):
        shutil.copy(ROOT / "tests" / name, folder / "tests" / name)
    table = folder / "autograd" / "ops.py"
    before, after = table.read_text(encoding="utf-8").split("sigmoid: Op = _row", 1)
    table.write_text(f"{before}{row}sigmoid: Op = _row{after}", encoding="utf-8")


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def battery(folder: Path) -> subprocess.CompletedProcess[str]:
    return python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "atan")


def test_an_op_added_in_one_edit_works_and_passes_the_battery(tmp_path: Path) -> None:
    row, use = blocks(CONTRIBUTING, "python")
    with_one_more_row(tmp_path, row)
    done = python(tmp_path, "-c", use)
    assert done.stdout.splitlines() == claimed(use), done.stderr
    done = battery(tmp_path)
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 5


def test_the_battery_catches_the_wrong_derivative_that_contributing_plants(tmp_path: Path) -> None:
    row = blocks(CONTRIBUTING, "python")[0]
    wrong = row.replace("1.0 + x * x", "1.0 + x")
    assert wrong != row
    with_one_more_row(tmp_path, wrong)
    done = battery(tmp_path)
    assert done.returncode == 1
    assert "test_each_partial_agrees_with_finite_differences[atan]" in done.stdout
