"""Exercises: a ladder of tasks, and a checker that says which law failed and why.

from autograd.exercises import check
check("backward", Value)     # in a notebook; see notebooks/exercises
"""

from typing import Any

from autograd.exercises.judge import Verdict, judge
from autograd.exercises.ladder import TASKS
from autograd.exercises.task import Task

__all__ = ["TASKS", "Task", "Verdict", "check", "progress"]

_marks: dict[str, str] = {}


def check(name: str, *targets: Any, seed: int = 0) -> Verdict:
    """Check your solution of the task `name`: pass the class or the functions that you wrote.

    Another `seed` tries other random cases. Raises ValueError if there is no such task.
    """
    if name not in TASKS:
        raise ValueError(f"there is no task {name!r}; the tasks are: {', '.join(TASKS)}")
    verdict = judge(TASKS[name], targets, seed)
    _marks[name] = verdict.mark
    return verdict


def progress() -> str:
    """The ladder, and how far you have come since this Python was started.

    Over several notebooks: `python -m autograd check *.ipynb`.
    """
    return "\n".join(
        f"{_marks.get(name, '·')} {task.number:2}  {task.title}" for name, task in TASKS.items()
    )
