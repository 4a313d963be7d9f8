"""Exercises: a ladder of tasks, and a checker that says which law failed and why.

from autograd.exercises import check
check("backward", Value)     # in a notebook; see notebooks/exercises
"""

from typing import Any

from autograd.exercises.judge import Verdict, judge
from autograd.exercises.ladder import TASKS
from autograd.exercises.task import Task

__all__ = ["TASKS", "Task", "Verdict", "check", "progress"]

_passed: dict[str, bool] = {}


def check(name: str, *targets: Any, seed: int = 0) -> Verdict:
    """Check your solution of the task `name`: pass the class or the functions that you wrote.

    Another `seed` tries other random cases. Raises ValueError if there is no such task.
    """
    if name not in TASKS:
        raise ValueError(f"there is no task {name!r}; the tasks are: {', '.join(TASKS)}")
    verdict = judge(TASKS[name], targets, seed)
    _passed[name] = verdict.passed
    return verdict


def progress() -> str:
    """The ladder, and how far you have come since this Python was started."""
    marks = {True: "✓", False: "✗", None: "·"}
    return "\n".join(f"{marks[_passed.get(t.name)]} {t.number:2} {t.title}" for t in TASKS.values())
