"""A teacher's own task: written from the skeleton, tested, used like one of the ladder."""

import subprocess
import sys
from pathlib import Path

import pytest

from autograd.exercises import TASKS, Case, Law, Mistake, Task, check, judge, read_task
from autograd.exercises.files import command
from autograd.exercises.workshop import findings, new
from autograd.exercises.workshop import test as try_task

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "my_task"
    assert new(path) == 0
    return path


def test_a_new_task_passes_its_tests_and_says_what_is_missing(folder, capsys):
    assert try_task(folder) == 0
    out = capsys.readouterr().out
    assert "2 of at least 5" in out
    assert "1 of at least 2 other right solutions" in out
    assert "✗" not in out


def test_what_is_there_is_not_overwritten(folder, capsys):
    (folder / "laws.py").write_text("mine", encoding="utf-8")
    assert new(folder) == 2
    assert (folder / "laws.py").read_text(encoding="utf-8") == "mine"


def test_it_is_checked_by_its_folder_or_as_an_object(folder):
    assert check(str(folder), lambda x: 3 * x).passed
    verdict = check(read_task(folder), lambda x: 2 * x)
    assert verdict.mistake == "doubled"
    assert "task my_task" in str(verdict)
    with pytest.raises(ValueError, match="there is no task 'nothing', nor such a folder"):
        check("nothing", abs)


def test_the_command_line_takes_a_folder_of_tasks(folder, tmp_path, capsys):
    student = tmp_path / "student.py"
    student.write_text("def triple(x):\n    return x + x + x", encoding="utf-8")
    assert command([student], tasks=tmp_path) == 0
    assert "1 of 1 tasks hold." in capsys.readouterr().out
    assert command([student], ["slope"], tasks=tmp_path) == 2


def test_a_weak_law_is_shown_by_the_mutant_that_it_lets_pass(folder, capsys):
    laws = (folder / "laws.py").read_text(encoding="utf-8")
    head = laws[: laws.index("LAWS =")]
    weak = head + 'LAWS = (Law("Nothing.", lambda rng: [case(0.0)]),)\n'
    (folder / "laws.py").write_text(weak, encoding="utf-8")
    assert try_task(folder) == 1  # its mistakes pass, too
    out = capsys.readouterr().out
    assert "the mistake 'doubled' passes: a law is missing" in out
    assert "-    return 3 * x" in out
    assert "+    return 4 * x" in out


@pytest.mark.parametrize(
    ("file", "old", "new_text", "words"),
    [
        ("solution.py", "3 * x", "4 * x", "solution.py itself is rejected"),
        ("solution.py", "    ### BEGIN SOLUTION\n", "", "no `### BEGIN SOLUTION`"),
        ("neighbour.py", "double(4)", "treble(4)", "neighbour.py cannot be run"),
        ("mistakes.md", "+    return x**3", "+    return (", "is no code"),
        ("mistakes.md", "-    return 3 * x", "-    return 5 * x", "is not there"),
        ("alternates/by_adding.py", "x + x + x", "x + x", "by_adding.py is rejected"),
    ],
)
def test_each_fault_of_a_task_is_found(folder, file, old, new_text, words):
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new_text)
    (folder / file).write_text(text.replace("    ### END SOLUTION\n", "") if not new_text else text)
    faults = [f.text for f in findings(read_task(folder)) if f.fault]
    assert any(words in fault for fault in faults), faults


def test_a_task_of_objects_alone_can_be_judged():
    law = Law("It is one more.", lambda rng: [Case("f(1)", lambda f: {"f(1)": f(1)})])
    off = Mistake("twice", "That is twice.", (("x + 1", "x * 3"),))
    source = "def f(x):\n    return x + 1\n"
    task = Task(None, "more", "One more", ("f",), "", "", (), source, (law,), (off,))
    assert judge(task, (lambda x: x + 1,)).passed
    assert judge(task, (lambda x: x * 3,)).mistake == "twice"


def test_the_exercises_come_only_when_they_are_asked_for():
    line = "import sys, autograd, nn; print([m for m in sys.modules if 'exercises' in m])"
    done = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_the_ladder_is_made_of_the_same_folders():
    assert all(read_task(task.folder).mistakes == task.mistakes for task in TASKS.values())
