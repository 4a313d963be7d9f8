"""The student's process: it runs what the judge asks for, and says what came out.

It knows no right answer and decides nothing, so nothing that a student's code may do in here can
turn a wrong number into a mark. The judge (`files.py`) asks in lines of JSON on the standard
input; each answer carries the number of its question, and is on the standard output, to which
what the code prints does not go.
"""

import json
import linecache
import os
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from autograd.exercises import shield
from autograd.exercises.folder import read_task
from autograd.exercises.refusal import peeks
from autograd.exercises.subject import Here
from autograd.exercises.task import Case

LARGEST_FILE = 2**24  # bytes that a file written here may have
MEMORY = 4 * 2**30  # bytes that this process may ask for


class Student:
    """One student's file at a time, and the task that it is asked about."""

    def __init__(self) -> None:
        self.path = Path()
        self.names: dict[str, Any] = {}
        self.subject = Here(())

    def load(self, path: str) -> dict[str, Any]:
        """Run the file: what is wrong with it, or "", and the names that it defines."""
        self.path = Path(path)
        self.names, problem = run_file(self.path)
        return {"problem": problem, "names": [str(name) for name in self.names]}

    def begin(self, folder: str, seed: int) -> dict[str, Any]:
        task = read_task(folder)
        self.subject = Here(tuple(self.names[name] for name in task.targets))
        refused = self.subject.begin(task, seed)
        # What is right stays with the judge: code that finds its way in here finds no answers.
        self.subject.cases = [
            (replace(law, says=""), [unanswered(case) for case in cases])
            for law, cases in self.subject.cases
        ]
        return {"refused": refused}

    def answer(self, *place: int) -> dict[str, Any]:
        return asdict(self.subject.answer(place))


def unanswered(case: Case) -> Case:
    """The case without what should come out, and so are those that are simpler."""
    more = case.simpler
    rest = (lambda: [unanswered(c) for c in more()]) if more else None
    return replace(case, expected=None, simpler=rest)


def main(memory: int, processes: int, seconds: int) -> None:
    questions, answers = _private_lines()
    _limit(memory, processes, seconds)
    sys.dont_write_bytecode = True
    student, encode = Student(), json.JSONEncoder().encode
    for line in questions:
        question = json.loads(line)
        reply = getattr(student, question["do"])(*question["with"])
        answers.write(encode({"to": question["number"], **reply}) + "\n")
        answers.flush()


def _private_lines() -> tuple[Any, Any]:
    """The judge's lines, in and out; the standard streams lead nowhere from now on."""
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "r+") as nowhere:
        for stream in (0, 1):
            os.dup2(nowhere.fileno(), stream)
    return questions, answers


def _limit(memory: int, processes: int, seconds: int) -> None:
    """Memory, processes, sizes of files, time of the processor: where the system has limits."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {
        "RLIMIT_AS": memory,
        "RLIMIT_NPROC": processes,
        "RLIMIT_FSIZE": LARGEST_FILE,
        "RLIMIT_CPU": seconds,
        "RLIMIT_CORE": 0,
    }
    for name, limit in limits.items():
        try:
            which = getattr(resource, name)
            resource.setrlimit(which, (limit, limit))
        except (AttributeError, ValueError, OSError):
            pass  # macOS has not all of them; the judge's clock stops what grows, too


# --- a file as a module -------------------------------------------------------------------------


def run_file(path: Path) -> tuple[dict[str, Any], str]:
    """Run the student's file: the names that it defines, and what is wrong with it, or ""."""
    try:
        source = source_of(path)
        linecache.cache[path.name] = len(source), None, source.splitlines(True), path.name
        code = compile(source, path.name, "exec")
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte, a broken notebook
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        return {}, f"this is not Python: {error.args[0]}{line}"
    name = peeks(code)
    if name:
        return {}, f"it uses {name!r} to look into the checker; take that out"
    module = sys.modules["student"] = ModuleType("student")
    vars(module)["get_ipython"] = lambda: _Page()
    vars(module)["display"] = lambda *things, **how: None
    sys.path.append(str(path.parent))
    os.chdir(path.parent)
    _, trouble, _ = shield.run(lambda: exec(code, vars(module)), 2.0)
    if trouble:
        where = f" ({trouble.where})" if trouble.where else ""
        return {}, f"it cannot be run: {trouble.text}{where}"
    return vars(module), ""


class _Page:
    """A notebook's shell for what was exported from one: `!pip` and `%matplotlib` do nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def source_of(path: Path) -> str:
    """The student's code: a Python file, or all cells of a notebook that students may change."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8-sig")
    code = []
    for cell in cells(path):
        ours = cell.get("metadata", {}).get("nbgrader", {"solution": True})
        if cell.get("cell_type") == "code" and ours.get("solution"):
            source = "".join(cell.get("source", ""))
            if not source.startswith("%%"):
                code.append(re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE))
    return "\n\n".join(code)


def cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook. Raises ValueError if the file holds none."""
    try:
        book = json.loads(path.read_text(encoding="utf-8-sig"))
        return list(book.get("cells", []))
    except (AttributeError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name} is no notebook ({error})") from None


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
