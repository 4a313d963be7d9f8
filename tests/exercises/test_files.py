"""Students' files and notebooks: always an answer, in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from autograd.exercises import TASKS
from autograd.exercises.files import check_files, command
from autograd.exercises.judge import judge
from autograd.exercises.task import load

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


FOOLS = {  # what once passed, or kept the checker waiting
    "json.dumps replaced": """
import json
old = json.dumps
json.dumps = lambda o, **k: old(dict(o, mark="✓", text="ok", outcome={}) if "mark" in o else o, **k)
def slope(f, x): return 0.0
""",
    "the judge of the main module replaced": """
import sys
for module in list(sys.modules.values()):
    if hasattr(module, "judge"):
        module.judge = lambda *a, **k: True
def slope(f, x): return 0.0
""",
    "answers written ahead": """
import os
for fd in range(3, 20):
    try:
        os.write(fd, b'{"to": 1, "refused": "", "outcome": {"slope": 0.0}}\\n' * 50)
    except OSError:
        pass
def slope(f, x): return 0.0
""",
    "the answer looked up in a caller, by names put together": """
def slope(f, x):
    import sys
    frame = getattr(sys, "_get" + "frame")()
    while frame:
        case = getattr(frame, "f_" + "locals").get("case")
        if getattr(case, "expected", None):
            return case.expected()["slope"]
        frame = getattr(frame, "f_" + "back")
    return 0.0
""",
    "a forked child": """
import os, time
if os.fork() == 0:
    time.sleep(25)
    os._exit(0)
def slope(f, x): return 0.0
""",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows")
@pytest.mark.parametrize("kind", FOOLS)
def test_the_mark_is_decided_outside_of_the_students_process(kind, student):
    start = time.monotonic()
    result = check_files([student(FOOLS[kind])], ["slope"])["slope"]
    assert result.mark == "✗"
    assert time.monotonic() - start < 6


def ended_within(seconds, status):
    """The process has been told to end; a busy machine takes a moment for it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if "Z (zombie)" in Path(status).read_text():
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="Linux")
def test_nothing_is_left_of_a_student(student, tmp_path):
    """No process, though it left its group; no file in the folder for temporary ones."""
    note = tmp_path / "pid"
    source = f"""
import os, tempfile, time
open(tempfile.mkstemp()[1], "w").write("x")
if os.fork() == 0:
    os.setsid()
    open({str(note)!r}, "w").write(str(os.getpid()))
    time.sleep(60)
while not os.path.exists({str(note)!r}):
    time.sleep(0.01)
def slope(f, x): return 0.0
"""
    before = set(Path(tempfile.gettempdir()).iterdir())
    check_files([student(source)], ["slope"])
    assert ended_within(10, f"/proc/{note.read_text()}/status")
    left = set(Path(tempfile.gettempdir()).iterdir()) - before
    assert not [path for path in left if path.name.startswith("student-")]


@pytest.mark.skipif(sys.platform != "linux", reason="limits differ")
def test_a_file_that_fills_the_disk_is_stopped(student):
    source = "def slope(f, x):\n    open('big', 'wb').write(b'0' * 2**26)\n    return 0.0"
    path = student(source)
    result = check_files([path], ["slope"])["slope"]
    assert "OSError" in result.text
    assert (path.parent / "big").stat().st_size <= 2**24


def test_an_answer_without_end_is_no_answer(student):
    source = "def slope(f, x):\n    return [1.0] * 10**6"
    assert "holds more than" in check_files([student(source)], ["slope"])["slope"].text


def test_after_a_task_that_ends_its_process_the_others_are_still_checked(student):
    source = f"{GOOD}\nimport os\ndef topological_order(root):\n    os._exit(3)\n"
    results = check_files([student(source)], ["slope", "order"])
    assert results["slope"].passed
    assert "Python itself ended (status 3)" in results["order"].text
    source = f"{TASKS['order'].reference}\nimport os\ndef slope(f, x):\n    os._exit(3)\n"
    results = check_files([student(source)], ["slope", "order"])
    assert results["order"].passed


def test_an_exported_notebook_may_check_itself_and_call_its_page(student):
    source = f"""
get_ipython().system("pip install nothing")
{GOOD}
from autograd.exercises import check
verdict = check("slope", slope, seed=1)
assert verdict, verdict
"""
    assert check_files([student(source)], ["slope"])["slope"].passed


def test_a_file_is_checked_for_what_it_answers(student):
    assert [k for k, r in check_files([student(GOOD)]).items() if r.passed] == ["slope"]
    value = TASKS["value"].reference
    assert command([student(value)]) == 0  # `operators` wants a Value as well: not begun
    assert command([student(value)], ["operators"]) == 1
    assert command([student(value, "02_value.py")]) == 0
    assert command([student("x = 1")]) == 1


def test_the_failing_case_is_made_small_in_a_process_too(student):
    """A random case of attention shows four matrices; what fails in it needs less."""
    task = TASKS["attention"]
    source = task.reference.replace("return out", "return [[v * 2 for v in r] for r in out]")
    source = source.replace("return [[v", "return out if len(values[0]) < 2 else [[v")
    here = judge(task, load(source, task.targets))
    there = check_files([student(source)], ["attention"])["attention"]
    assert here.case.text == there.case
    assert "values = [[1.0, 1.0]]" in there.case or there.case.count(",") < 12, there.case


def test_a_notebook_without_marks_is_checked_for_what_it_defines(student):
    cell = {"cell_type": "code", "metadata": {}, "source": ["%matplotlib inline\n", GOOD]}
    path = student(json.dumps({"cells": [cell]}), "mine.ipynb")
    assert command([path]) == 0
    assert command([student("[1]", "broken.ipynb")]) == 1


def test_two_answers_to_one_task_are_refused(student):
    paths = [student(GOOD, "a.py"), student(GOOD, "b.py")]
    with pytest.raises(ValueError, match=r"both answer 'slope'.*--student"):
        check_files(paths)


def test_what_ails_the_whole_file_is_said_once(student, capsys):
    assert command([student("(")], [], seed=0) == 1
    assert capsys.readouterr().out.count("this is not Python") == 1


def test_the_command_line_answers_by_its_exit_status(student):
    def status(*arguments):
        call = [sys.executable, "-m", "autograd", "check", *map(str, arguments)]
        return subprocess.run(call, cwd=ROOT, capture_output=True).returncode

    path = student(GOOD)
    assert status(path, "--task", "slope", "--seed", "3") == 0
    assert status(path) == 0  # the one task that it answers holds
    assert status(path, "--task", "slope", "--task", "order") == 1
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
