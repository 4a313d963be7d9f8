"""`python -m autograd check`: one student's files, or those of a class."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from autograd.exercises.class_page import class_page
from autograd.exercises.formats import FORMATS
from autograd.exercises.handed_in import Result, check_files
from autograd.exercises.roster import Order, Record, check_class, students
from autograd.exercises.task import Task
from autograd.exercises.verdict import printable

__all__ = ["check_files", "command", "write"]

MARKS = {"✓": "[ok]", "✗": "[x]", "·": "[ ]", "×": "x"}  # for terminals that lack these


def command(
    paths: Sequence[str | Path],
    names: Sequence[str] = (),
    seed: int = 0,
    *,
    tasks: str | Path | None = None,
    student: str = "",
    form: str = "text",
    report: str | Path | None = None,
    jobs: int | None = None,
) -> int:
    """Print the results; 0 if all that was asked for, or handed in, holds, 1 if not, 2 if it was
    called wrongly.

    tasks: a folder of tasks of your own. student: whose a file is (see `roster.students`). form:
    text, or one of FORMATS. report: where to write the page of the class.
    """
    order = Order(tuple(names), seed, Path(tasks) if tasks else None)
    try:
        known = order.all_tasks()
        for name in names:
            if name not in known:
                raise ValueError(f"there is no task {name!r}; the tasks are: {', '.join(known)}")
        one = form == "gradescope" and not student  # it sends one submission at a time
        files = {"": students(paths, "all", order)[""]} if one else students(paths, student, order)
        records = check_class(files, order, jobs)
        text = FORMATS[form](records, known) if form in FORMATS else as_text(records, order, known)
        if report:
            Path(report).write_text(class_page(records, known), encoding="utf-8")
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    write(text, as_data=form in FORMATS)
    results = [result for record in records for result in record.results.values()]
    return 0 if results and all(result.passed for result in results) else 1


def as_text(records: Sequence[Record], order: Order, tasks: Mapping[str, Task]) -> str:
    """For a terminal: every report and the ladder of one student, or a line for each of a class."""
    if [record.student for record in records] == [""]:
        return _one(records[0].results, order, tasks)
    width = max((len(record.student) for record in records), default=0)
    lines = [_line(record, width) for record in records]
    right = sum(all(r.passed for r in record.results.values()) for record in records)
    return "\n".join(
        [*lines, f"{right} of {len(records)} students: all that they handed in holds."]
    )


def _one(results: Mapping[str, Result], order: Order, tasks: Mapping[str, Task]) -> str:
    unwritten = order.names or not any(r.mark != "·" for r in results.values())
    reports = dict.fromkeys(  # what ails a whole file is said once
        r.text for r in results.values() if r.mark == "✗" or (r.mark == "·" and unwritten)
    )
    shown = order.names or tasks
    missing = {name: Result("·", "") for name in shown if name not in results}
    return "\n".join([*(f"{text}\n" for text in reports), ladder({**results, **missing}, tasks)])


def ladder(results: Mapping[str, Result], tasks: Mapping[str, Task]) -> str:
    """The ladder with a mark for each task, and how many hold."""
    names = [name for name in tasks if name in results]
    rows = [
        f"{results[n].mark} {tasks[n].number or '':2}  {n:<10}  {tasks[n].title}" for n in names
    ]
    held = sum(results[name].passed for name in names)
    return "\n".join([*rows, f"{held} of {len(names)} tasks hold."])


def _line(record: Record, width: int) -> str:
    marks = "  ".join(f"{name} {result.mark}" for name, result in record.results.items())
    return f"{record.student:<{width}}  {marks}"


def write(text: str, as_data: bool = False) -> None:
    """To the standard output, whatever it can show; what students wrote steers no terminal."""
    if as_data:
        _bytes(text, "utf-8")
        return
    text = printable(text)
    coding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(coding)
    except UnicodeEncodeError:
        for mark, word in MARKS.items():
            text = text.replace(mark, word)
        text = text.encode(coding, "replace").decode(coding)
    print(text)


def _bytes(text: str, coding: str) -> None:
    """A data format has an encoding of its own, whatever that of the terminal is."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    buffer.write(text.encode(coding, "backslashreplace"))
    buffer.flush()
