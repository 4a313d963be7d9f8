"""Exercises: a ladder of tasks, and a checker that says which law failed and why.

from autograd.exercises import check
check("backward", Value)     # in a notebook; see notebooks/exercises
check("./my_task", f)        # a task of your own: a folder, see docs/exercises.md
"""

from pathlib import Path
from typing import Any

from autograd.exercises.task import Case, Law, Mistake, Task

# First those above, since the laws of the tasks import them from here.

# isort: split
from autograd.exercises.folder import BadTask, read_task
from autograd.exercises.judge import judge
from autograd.exercises.ladder import TASKS
from autograd.exercises.verdict import Verdict

__all__ = [
    "BadTask",
    "Case",
    "Law",
    "Mistake",
    "TASKS",
    "Task",
    "Verdict",
    "check",
    "judge",
    "progress",
    "read_task",
]

_marks: dict[str, str] = {}


def check(task: str | Path | Task, *targets: Any, seed: int = 0) -> Verdict:
    """Check your solution of a task: pass the class or the functions that you wrote.

    task: its name on the ladder, the folder of one of your own, or a Task. Another `seed` tries
    other random cases. Raises ValueError if there is no such task, BadTask (a ValueError) if its
    folder is not what it should be.
    """
    found = task if isinstance(task, Task) else _task(task)
    verdict = judge(found, targets, seed)
    _marks[found.name] = verdict.mark
    return verdict


def _task(name: str | Path) -> Task:
    if isinstance(name, str) and name in TASKS:
        return TASKS[name]
    if Path(name).is_dir():
        return read_task(name)
    tasks = ", ".join(TASKS)
    raise ValueError(f"there is no task {name!r}, nor such a folder; the tasks are: {tasks}")


def progress() -> str:
    """The ladder, and how far you have come since this Python was started.

    Over several notebooks: `python -m autograd check *.ipynb`.
    """
    return "\n".join(
        f"{_marks.get(name, '·')} {task.number:2}  {task.title}" for name, task in TASKS.items()
    )
