"""A class: whose files are whose, and the results of all, several students at a time."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from autograd.exercises.folder import tasks_below
from autograd.exercises.handed_in import Result, answered, check_each, rivals
from autograd.exercises.ladder import TASKS
from autograd.exercises.task import Task

SKIPPED = {"__pycache__", ".ipynb_checkpoints", "node_modules"}


@dataclass(frozen=True)
class Record:
    """What one student handed in, and what became of it."""

    student: str
    files: tuple[Path, ...]
    results: dict[str, Result]
    changed: datetime | None = None  # the newest of the files


@dataclass(frozen=True)
class Order:
    """What is to be checked, as it can be sent to another process."""

    names: tuple[str, ...] = ()
    seed: int = 0
    tasks: Path | None = None  # a folder of tasks; None: the ladder

    def all_tasks(self) -> Mapping[str, Task]:
        return tasks_below(self.tasks) if self.tasks else TASKS


def students(paths: Iterable[str | Path], pattern: str, order: Order) -> dict[str, list[Path]]:
    """The files of each student, by name.

    pattern: "all" (all files are one student's), "file" (each file is), "folder" (each folder is),
    a path's shape with {student} in it, such as "submitted/{student}/*/*.ipynb" or
    "{student}_*.py", or "": all, unless several answer the same task, which makes them a class of
    files.
    Raises ValueError if a file does not fit the pattern, and OSError if there is no such file.
    """
    files = list(_files(paths))
    if pattern == "all":
        return {"": files}
    if not pattern:
        tasks = order.all_tasks()
        wanted = {path: answered(path, tasks, order.names) for path in files}
        if not rivals(wanted):
            return {"": files}
        pattern = "file"
    found: dict[str, list[Path]] = {}
    for path in files:
        found.setdefault(_student(path, pattern), []).append(path)
    return dict(sorted(found.items()))


def _files(paths: Iterable[str | Path]) -> Iterator[Path]:
    """The files, and all Python files and notebooks in the folders."""
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"there is no file {path}")
        if path.is_file():
            yield path
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix in (".py", ".ipynb"))
        for file in inside:
            if not SKIPPED & {*file.relative_to(path).parts} and file.is_file():
                yield file


def _student(path: Path, pattern: str) -> str:
    if pattern == "file":
        return path.stem
    if pattern == "folder":
        return path.resolve().parent.name
    if "{student}" not in pattern:
        raise ValueError(
            f"--student is all, file, folder, or a path with {{student}}, not {pattern!r}"
        )
    shape = re.escape(pattern).replace(r"\*", "[^/]*").replace(r"\{student\}", "([^/]+?)", 1)
    match = re.search(f"(?:^|/){shape}$", path.resolve().as_posix())
    if not match:
        raise ValueError(f"{path} does not fit --student {pattern!r}: whose is it?")
    return match[1]


def check_class(
    files: Mapping[str, Sequence[Path]], order: Order, jobs: int | None = None
) -> list[Record]:
    """A record for each student, in the order of their names; `jobs` at a time (None: as many as
    there are processors). A bar on the terminal shows how far it is.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(files))
    if jobs < 2:
        return [check_student(name, paths, order) for name, paths in files.items()]
    records = {}
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [pool.submit(check_student, n, paths, order) for n, paths in files.items()]
        bar = Bar(len(waiting))
        for done in as_completed(waiting):
            record = done.result()
            records[record.student] = record
            bar.step()
    return [records[name] for name in files]


def check_student(name: str, paths: Sequence[Path], order: Order) -> Record:
    """The record of one student. A task that two of the files answer is nobody's guess: both are
    named, and neither counts."""
    tasks = order.all_tasks()
    wanted = {path: answered(path, tasks, order.names) for path in paths}
    twice = rivals(wanted)
    wanted = {path: [n for n in inside if n not in twice] for path, inside in wanted.items()}
    results = check_each(wanted, tasks, order.seed)
    for task, both in twice.items():
        files = " and ".join(path.name for path in both)
        text = f"✗ {tasks[task].heading}: {files} both answer it; hand in one of them."
        results[task] = Result("✗", text, cause="Two files answer this task.", file=str(both[0]))
    in_order = {k: results[k] for k in tasks if k in results}
    times = [datetime.fromtimestamp(path.stat().st_mtime) for path in paths]
    return Record(name, tuple(paths), in_order, max(times, default=None))


class Bar:
    """How far it is, on a terminal; nothing where nobody looks."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.start = total, 0, monotonic()
        self.shown = sys.stderr.isatty()

    def step(self) -> None:
        self.done += 1
        if not self.shown:
            return
        full = 30 * self.done // self.total
        left = (monotonic() - self.start) / self.done * (self.total - self.done)
        line = (
            f"\r[{'#' * full}{'.' * (30 - full)}] {self.done} of {self.total}, {left:.0f} s left "
        )
        print(line, end="" if self.done < self.total else "\n", file=sys.stderr, flush=True)
