"""Students' files and notebooks: always an answer, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autograd.exercises import TASKS
from autograd.exercises.files import check_files, command

ROOT = Path(__file__).parent.parent.parent
GOOD = TASKS["slope"].reference


@pytest.fixture
def student(tmp_path):
    def write(source, name="student.py"):
        path = tmp_path / name
        path.write_text(source, encoding="utf-8")
        return path

    return write


def test_the_references_of_the_whole_ladder_hold_in_one_file(student, capsys):
    path = student("\n\n".join(task.reference for task in TASKS.values()))
    assert command([path], [], seed=0) == 0
    assert f"{len(TASKS)} of {len(TASKS)} tasks hold." in capsys.readouterr().out


HOSTILE = {
    "endless loop": ("while True:\n    pass", "still running"),
    "endless loop in a function": ("def slope(f, x):\n    while True: pass", "still running"),
    "endless recursion": ("def slope(f, x):\n    return slope(f, x)", "RecursionError"),
    "recursion at the top": ("def g():\n    g()\ng()", "RecursionError"),
    "exit": ("import sys\nsys.exit(0)", "it called exit()"),
    "exit in a function": ("def slope(f, x):\n    exit(0)", "it called exit()"),
    "hard exit": ("import os\nos._exit(0)", "Python itself ended (status 0)"),
    "hard exit in a function": (
        "import os\ndef slope(f, x):\n    os._exit(0)",
        "Python itself ended",
    ),
    "killed": ("import os\nos.kill(os.getpid(), 9)", "Python itself ended"),
    "wrong signature": ("def slope(f):\n    return 1", "takes 1 positional argument"),
    "syntax error": ("def slope(f, x:\n    return", "'(' was never closed in line 1"),
    "null bytes": ("slope = 1\0", "not Python"),
    "nothing at all": ("", "student.py defines no slope"),
    "another name": ("def Slope(f, x):\n    return 1", "student.py defines no slope"),
    "a number": ("slope = 3", "must be a function or a class"),
    "error at the top": ("1 / 0", "ZeroDivisionError"),
    "no such module": ("import nonsense_module", "ModuleNotFoundError"),
    "input": ("name = input()", "EOFError"),
    "a look at the answers": ("from autograd.exercises import TASKS", "look into the checker"),
    "a false report": (
        f"print({json.dumps({'task': 'slope', 'mark': '✓', 'text': ''})!r})\n"
        "import os\nos._exit(0)",
        "Python itself ended",
    ),
}


USUAL = {
    "endless loop in a function",
    "endless recursion",
    "exit",
    "hard exit",
    "wrong signature",
    "syntax error",
    "nothing at all",
    "a look at the answers",
}


@pytest.mark.parametrize(
    "kind", [k if k in USUAL else pytest.param(k, marks=pytest.mark.slow) for k in HOSTILE]
)
def test_a_hostile_file_gets_a_clear_answer(kind, student, capsys):
    source, words = HOSTILE[kind]
    path = student(source)
    assert command([path], ["slope"], seed=0) == 1
    assert words in capsys.readouterr().out


def test_a_loop_inside_of_c_is_ended_by_the_parent(student):
    path = student("import itertools\ndef slope(f, x):\n    return sum(itertools.count())\n")
    result = check_files([path], ["slope", "value"], seconds=2)
    assert "so there must be an endless loop" in result["slope"].text
    assert "not tried" in result["value"].text


def test_what_ails_the_whole_file_is_said_once(student, capsys):
    assert command([student("(")], [], seed=0) == 1
    assert capsys.readouterr().out.count("this is not Python") == 1


def test_the_command_line_answers_by_its_exit_status(student):
    def status(*arguments):
        call = [sys.executable, "-m", "autograd", "check", *map(str, arguments)]
        return subprocess.run(call, cwd=ROOT, capture_output=True).returncode

    path = student(GOOD)
    assert status(path, "--task", "slope", "--seed", "3") == 0
    assert status(path) == 1  # the other tasks are missing
    assert status(path, "--task", "nonsense") == 2


def test_notebooks_are_checked_for_the_tasks_that_they_hold():
    folder = ROOT / "notebooks" / "solutions"
    results = check_files([folder / "01_slope.ipynb", folder / "07_backward.ipynb"])
    assert [name for name, r in results.items() if r.passed] == ["slope", "backward"]
    stub = check_files([ROOT / "notebooks" / "exercises" / "01_slope.ipynb"])
    assert stub["slope"].mark == "·"


def run_pytest(path, *arguments):
    call = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "autograd.exercises.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        path.parent,
        path,
        *arguments,
    ]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True).stdout


def test_pytest_has_a_test_and_a_marker_for_each_task(student):
    path = student(GOOD + "\ndef gradcheck(f, xs):\n    return True\n")
    out = run_pytest(path, "-m", "slope or gradcheck", "-v", "-o", "addopts=")
    assert "student.py::slope PASSED" in out
    assert "student.py::gradcheck FAILED" in out
    assert "It says True whatever happens" in out
    assert f"{len(TASKS) - 2} deselected" in out
