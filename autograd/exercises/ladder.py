"""The ladder: the tasks in the order of teaching, `TASKS` by name."""

from pathlib import Path

from autograd.exercises.folder import tasks_below
from autograd.exercises.task import Task

TASKS: dict[str, Task] = tasks_below(Path(__file__).parent / "tasks")
