"""The results of a class for other programs: CSV, JSON, JUnit's XML, Gradescope's results.json."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from autograd.exercises.handed_in import Result
from autograd.exercises.roster import Record
from autograd.exercises.task import Task

WORDS = {"✓": "passed", "✗": "failed", "·": "not written"}

Records = Sequence[Record]
Tasks = Mapping[str, Task]


def rows(records: Records, tasks: Tasks) -> list[dict[str, Any]]:
    """One row for each student and task; a task that nobody asked for and nobody answered has
    none."""
    return [
        _row(record, tasks[name], result)
        for record in records
        for name, result in record.results.items()
    ]


def _row(record: Record, task: Task, result: Result) -> dict[str, Any]:
    return {
        "student": record.student,
        "number": task.number,
        "task": task.name,
        "result": WORDS[result.mark],
        "points": task.points if result.passed else 0,
        "out_of": task.points,
        "mistake": result.mistake,
        "cause": result.cause,
        "law": result.law,
        "case": result.case,
        "file": result.file,
        "changed": record.changed.isoformat(timespec="minutes") if record.changed else "",
    }


def as_csv(records: Records, tasks: Tasks) -> str:
    """A spreadsheet's rows. Text that a spreadsheet would take for a formula gets a ' before it."""
    table = rows(records, tasks)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(table[0]) if table else ["student"], lineterminator="\n")
    writer.writeheader()
    for row in table:
        writer.writerow({k: _no_formula(v) for k, v in row.items()})
    return out.getvalue()


def _no_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def as_json(records: Records, tasks: Tasks) -> str:
    """A list of the same rows, each with the whole report as its `text`."""
    texts = [result.text for record in records for result in record.results.values()]
    table = [row | {"text": text} for row, text in zip(rows(records, tasks), texts)]
    return json.dumps(table, indent=1) + "\n"


def as_junit(records: Records, tasks: Tasks) -> str:
    """A suite for each student, a case for each task; what is not written yet was skipped."""
    root = ElementTree.Element("testsuites")
    for record in records:
        marks = [result.mark for result in record.results.values()]
        counts = {"tests": len(marks), "failures": marks.count("✗"), "skipped": marks.count("·")}
        name = record.student or "exercises"
        suite = ElementTree.SubElement(root, "testsuite", name=name)
        suite.attrib.update({k: str(v) for k, v in counts.items()})
        for task, result in record.results.items():
            case = ElementTree.SubElement(suite, "testcase", name=task, classname=name)
            _say_why(case, result)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _say_why(case: ElementTree.Element, result: Result) -> None:
    if result.passed:
        return
    kind = "failure" if result.mark == "✗" else "skipped"
    text = _for_xml(result.text)
    ElementTree.SubElement(case, kind, message=text.split("\n")[0]).text = text


def _for_xml(text: str) -> str:
    """Without the characters that no XML may hold."""
    return re.sub("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def as_gradescope(records: Records, tasks: Tasks) -> str:
    """results.json of a Gradescope autograder, for one student.

    Raises ValueError for several: Gradescope asks for one submission at a time.
    """
    if len(records) != 1:
        raise ValueError(f"Gradescope's results are those of one student, not of {len(records)}")
    results = records[0].results
    tests = [_gradescope_test(tasks[name], result) for name, result in results.items()]
    return json.dumps({"tests": tests, "output": records[0].student}, indent=1) + "\n"


def _gradescope_test(task: Task, result: Result) -> dict[str, Any]:
    return {
        "name": task.title,
        "number": str(task.number or ""),
        "score": task.points if result.passed else 0,
        "max_score": task.points,
        "status": "passed" if result.passed else "failed",
        "output": result.text,
        "output_format": "text",
    }


FORMATS: dict[str, Callable[[Records, Tasks], str]] = {
    "csv": as_csv,
    "json": as_json,
    "junit": as_junit,
    "gradescope": as_gradescope,
}
