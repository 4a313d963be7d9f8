"""Check a student's file with pytest, one test and one marker for each task:

    pytest -p autograd.exercises.pytest_plugin student.py
    pytest -p autograd.exercises.pytest_plugin student.py -m "backward or zeroing"

Only files named on the command line are taken for students' files, and they are never imported
here: each runs in a process of its own.
"""

from pathlib import Path
from typing import Any

import pytest

from autograd.exercises.handed_in import check_files, tasks_in
from autograd.exercises.ladder import TASKS


def pytest_configure(config: pytest.Config) -> None:
    for task in TASKS.values():
        config.addinivalue_line("markers", f"{task.name}: task {task.number}, {task.title}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Notebooks too; a Python file comes in below, in the place of pytest's own module."""
    if file_path.suffix == ".ipynb":
        return StudentFile.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Collector | None:
    if module_path.name.startswith("test_") or module_path.stem.endswith("_test"):
        return None
    return StudentFile.from_parent(parent, path=module_path)


class StudentFile(pytest.File):
    """A student's file; its tests are run together, when the first of them is."""

    results: dict[str, Any] | None = None

    def collect(self) -> list[pytest.Item]:
        return [TaskItem.from_parent(self, name=name) for name in tasks_in(self.path)]

    def result(self, name: str) -> Any:
        if self.results is None:
            names = [item.name for item in self.session.items if item.parent is self]
            self.results = check_files([self.path], names)
        return self.results[name]


class TaskItem(pytest.Item):
    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.add_marker(self.name)

    def runtest(self) -> None:
        assert isinstance(self.parent, StudentFile)
        result = self.parent.result(self.name)
        if result.mark == "·":
            pytest.skip(result.text)
        if not result.passed:
            raise TaskFailed(result.text)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, TaskFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"task {TASKS[self.name].number}: {self.name}"


class TaskFailed(Exception):
    pass
