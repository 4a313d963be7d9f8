"""A task's folder: what is read from it, and what is said if something in it is wrong."""

import shutil

import pytest

from autograd.exercises import TASKS
from autograd.exercises.folder import BadTask, read_mistakes, read_task, tasks_below


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(TASKS["slope"].folder, tmp_path / "steepness")


def test_a_folder_elsewhere_is_the_same_task_under_its_own_name(folder):
    task, there = read_task(folder), TASKS["slope"]
    assert (task.name, task.number, task.heading) == ("steepness", None, "task steepness")
    assert (task.title, task.targets, task.hints) == (there.title, ("slope",), there.hints)
    assert task.mistakes == there.mistakes
    assert "task steepness: write this" in task.stub


DIFF = """
## twice

The `b` that comes
first.

```diff
 a = 1
-b = 2
+b = 3
@@
-c = 4
```
"""


def test_a_mistake_is_read_from_its_diff():
    (mistake,) = read_mistakes(DIFF)
    assert (mistake.name, mistake.cause) == ("twice", "The `b` that comes first.")
    assert mistake.swaps == (("\na = 1\nb = 2\n", "\na = 1\nb = 3\n"), ("\nc = 4\n", "\n"))


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("task.md", "Targets: `slope`", "", "Targets: `f`"),
        ("task.md", "# The slope", "The slope", "begins with `# The title`"),
        ("laws.py", "LAWS = (", "OTHERS = (", "has no laws"),
        ("mistakes.md", "```diff", "```", "needs its cause in words"),
    ],
)
def test_what_is_wrong_in_a_folder_is_named(folder, file, old, new, words):
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadTask, match=words):
        read_task(folder)


def test_missing_files_are_named(folder):
    (folder / "laws.py").unlink()
    with pytest.raises(BadTask, match=r"has no laws\.py.*task new"):
        read_task(folder)


def test_a_swap_must_fit_in_exactly_one_place():
    task = TASKS["slope"]
    (gone,) = read_mistakes(DIFF)
    with pytest.raises(ValueError, match="is not there"):
        task.wrong(gone)


def test_a_folder_without_tasks_and_two_of_one_name_are_refused(folder):
    with pytest.raises(BadTask, match="holds no tasks"):
        tasks_below(folder)
    shutil.copytree(folder, folder.parent / "02_steepness")
    with pytest.raises(BadTask, match="two folders"):
        tasks_below(folder.parent)
