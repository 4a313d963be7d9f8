"""Check what a student hands in: Python files and notebooks, run in a process of their own.

Whatever is in such a file, an endless loop in C or an `os._exit` even, the answer comes within
seconds, and it is decided here: the student's process says only what its code gave (`student.py`).
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autograd.exercises.judge import verdict_on
from autograd.exercises.ladder import TASKS
from autograd.exercises.process import Gone, Process
from autograd.exercises.student import cells, source_of
from autograd.exercises.subject import Key
from autograd.exercises.task import Task
from autograd.exercises.verdict import Verdict

SECONDS = 8.0  # for a whole file; each single experiment has 1 to 3 seconds


@dataclass(frozen=True)
class Result:
    """What became of one task: its mark (✓ passed, ✗ failed, · not written) and the report."""

    mark: str
    text: str
    law: str = ""  # that failed
    case: str = ""  # the smallest on which it failed
    cause: str = ""
    mistake: str = ""  # its name in the catalogue
    file: str = ""
    code: str = ""  # what failed, without comments

    @property
    def passed(self) -> bool:
        return self.mark == "✓"

    @staticmethod
    def of(verdict: Verdict, path: Path) -> "Result":
        law = verdict.law.says if verdict.law else ""
        case = verdict.case.text if verdict.case else ""
        about = law, case, verdict.cause or verdict.refused, verdict.mistake
        code = "" if verdict.passed or verdict.todo else excerpt(path, verdict.task.targets)
        return Result(verdict.mark, str(verdict), *about, str(path), code)


def check_files(
    paths: Sequence[str | Path],
    names: Iterable[str] = (),
    seed: int = 0,
    seconds: float = SECONDS,
    tasks: Mapping[str, Task] = TASKS,
) -> dict[str, Result]:
    """A result for each task, in the order of the ladder; all files are one student's.

    names: the tasks to check; without them, each file is checked for those that it answers. Raises
    ValueError for an unknown task, and if two files answer the same one; OSError for a missing
    file.
    """
    names = list(names)
    for name in names:
        if name not in tasks:
            raise ValueError(f"there is no task {name!r}; the tasks are: {', '.join(tasks)}")
    wanted = {Path(path): answered(Path(path), tasks, names) for path in paths}
    for name, files in rivals(wanted).items():
        both = " and ".join(str(path) for path in files)
        raise ValueError(
            f"{both} both answer {name!r}. Are they of several "
            "students? `--student file` lists each file apart, `--student folder` each folder."
        )
    found = check_each(wanted, tasks, seed, seconds)
    missing = {
        name: Result("·", f"· {tasks[name].heading}: not handed in.")
        for name in names or tasks
        if name not in found
    }
    return {name: (found | missing)[name] for name in tasks if name in (names or tasks)}


def check_each(
    wanted: Mapping[Path, Sequence[str]],
    tasks: Mapping[str, Task],
    seed: int = 0,
    seconds: float = SECONDS,
) -> dict[str, Result]:
    """A result for each task that is wanted of a file."""
    found: dict[str, Result] = {}
    with _Processes(seconds, len(wanted)) as processes:
        for path, inside in wanted.items():
            found |= _check_file(path, [tasks[name] for name in inside], seed, processes)
    return found


def rivals(wanted: Mapping[Path, Sequence[str]]) -> dict[str, list[Path]]:
    """The tasks that several of the files answer, and those files."""
    files: dict[str, list[Path]] = {}
    for path, names in wanted.items():
        for name in names:
            files.setdefault(name, []).append(path)
    return {name: paths for name, paths in files.items() if len(paths) > 1}


# --- which tasks a file answers -----------------------------------------------------------------


def tasks_in(path: Path, tasks: Mapping[str, Task] = TASKS) -> list[str]:
    """The tasks that a file may answer: a notebook says so in its cells, a Python file may any."""
    if path.suffix != ".ipynb":
        return list(tasks)
    ids = {cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "") for cell in cells(path)}
    return [name for name in tasks if f"{name}-solution" in ids]


def answered(path: Path, tasks: Mapping[str, Task], names: Sequence[str] = ()) -> list[str]:
    """The tasks to check a file for: of `names`, if there are any, those that may be in it.

    Without names: those that the cells of a notebook name, or the one that the file is called
    after (value.py, 02_value.py), or those whose targets it defines. All, if it defines none, or
    is no Python: so that somebody says what is wrong. Raises OSError if there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        marked = tasks_in(path, tasks) if path.suffix == ".ipynb" else []
    except ValueError:
        return list(names or tasks)
    if names:
        return [name for name in tasks if name in names and (not marked or name in marked)]
    called = [name for name in tasks if name == re.sub(r"^\d+_", "", path.stem)]
    defined = _defined(path)
    written = [name for name, task in tasks.items() if defined >= {*task.targets}]
    return marked or called or written or list(tasks)


def _defined(path: Path) -> set[str]:
    """The names that a file defines at its top level, as far as that can be read."""
    try:
        body = ast.parse(source_of(path)).body
    except (SyntaxError, ValueError):
        return set()
    return {name for statement in body for name in _names(statement)}


def excerpt(path: Path, names: Sequence[str]) -> str:
    """The source of these functions and classes, without comments and docstrings."""
    try:
        body = ast.parse(source_of(path)).body
    except (SyntaxError, ValueError):
        return ""
    found = [s for s in body if names and {*_names(s)} & {*names}]
    for node in (node for statement in found for node in ast.walk(statement)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return "\n\n".join(map(ast.unparse, found))


def _names(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        yield statement.name
    elif isinstance(statement, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name for alias in statement.names)
    elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.If, ast.Try, ast.With)):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                yield node.name


# --- a file in its process ----------------------------------------------------------------------


class _Processes:
    """One process for all files of a student, and a new one after each that has ended."""

    def __init__(self, seconds: float, files: int) -> None:
        self.seconds, self.files = seconds, files
        self.stack = ExitStack()
        self.process: Process | None = None

    def __enter__(self) -> "_Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def alive(self) -> Process:
        if self.process is None or self.process.gone:
            self.stack.close()
            self.process = self.stack.enter_context(Process(self.seconds, self.files))
        return self.process


def _check_file(
    path: Path, tasks: Sequence[Task], seed: int, processes: _Processes
) -> dict[str, Result]:
    """A result for each of the tasks that the file has begun."""
    session = _Session(path, seed)
    waiting, left = list(tasks), processes.seconds
    while waiting and left > 0:
        process = processes.alive()
        process.left = left
        session.go_on(process, waiting)
        left = process.left
        waiting = [task for task in waiting if task.name not in session.results]
    for task in waiting:
        why = f"not tried, since task {session.ended!r} came to no end"
        session.failed(task, f"{task.heading}: {why}")
    if len(tasks) > 1:
        session.leave_what_is_not_begun(tasks)
    return session.results


class _Session:
    """What is known so far of one file."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path, self.seed = path, seed
        self.results: dict[str, Result] = {}
        self.ended = ""  # the task that ended its process last
        self.lacking: set[str] = set()  # tasks whose first law failed for want of a method

    def failed(self, task: Task, why: str) -> None:
        self.results[task.name] = Result("✗", f"✗ {why}.", cause=why, file=str(self.path))

    def go_on(self, process: Process, tasks: Sequence[Task]) -> None:
        """Check the file for these tasks, one after another, until the process ends."""
        try:
            loaded = process.load(self.path)
        except Gone as gone:
            for task in tasks:
                self.failed(task, f"{task.heading}: {gone}")
            return
        for task in tasks:
            try:
                self.check(process, task, loaded)
            except Gone as gone:
                self.failed(task, f"{task.heading}: {gone}")
                self.ended = task.name
                return

    def check(self, process: Process, task: Task, loaded: dict[str, Any]) -> None:
        missing = [name for name in task.targets if name not in loaded.get("names", ())]
        if loaded.get("problem"):
            self.failed(task, f"{self.path.name}: {loaded['problem']}")
        elif missing:
            text = f"· {task.heading}: {self.path.name} defines no {', no '.join(missing)}."
            self.results[task.name] = Result("·", text, file=str(self.path))
        else:
            verdict = verdict_on(process, _key(task, self.seed))
            self.results[task.name] = Result.of(verdict, self.path)
            if _lacks_a_method(verdict):
                self.lacking.add(task.name)

    def leave_what_is_not_begun(self, tasks: Sequence[Task]) -> None:
        """The class of one task is the beginning of the next; what it lacks there is no failure."""
        held = {task.targets for task in tasks if self.results[task.name].passed}
        for task in tasks:
            if task.name in self.lacking and task.targets in held:
                del self.results[task.name]


def _lacks_a_method(verdict: Verdict) -> bool:
    """Does the first law fail because there is no method, or no operator, for it?"""
    trouble = verdict.answer.trouble if verdict.answer else None
    if trouble is None or verdict.laws_held:
        return False
    return trouble.text.startswith(("AttributeError", "TypeError: unsupported operand"))


@cache
def _key(task: Task, seed: int) -> Key:
    return Key(task, seed, keep=True)  # the student's process can't see it
