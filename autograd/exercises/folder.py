"""A task is a folder; this reads it.

    07_backward/        the number is its place on the ladder; a folder of your own needs none
        task.md         the title, what to write, the hints
        neighbour.py    something close to it, solved
        solution.py     what the student writes stands between the SOLUTION marks
        mistakes.md     known mistakes: a name, the cause in words, the change as a diff; where two
                        give the same numbers, "Only where the code has: `this`" (or lacks:)
        laws.py         LAWS; ORACLE if the right objects are not those of the solution; FORBIDDEN,
                        what the package has for this and no solution may use

Mistakes are diffs because a wrong solution reads best as what is changed in the right one, in red
and green wherever Markdown is shown; and a diff needs no parser that Python 3.10 lacks.
"""

import re
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from autograd.exercises.task import Mistake, Task

FILES = ("task.md", "neighbour.py", "solution.py", "mistakes.md", "laws.py")


class BadTask(ValueError):
    """A task's folder is not what it should be; the text says where, and what to write there."""


def read_task(folder: str | Path) -> Task:
    """The task in this folder. Raises BadTask, which names the file and the remedy."""
    folder = Path(folder).resolve()
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise BadTask(
            f"{folder} is no task: it has no {', no '.join(missing)}. "
            "`python -m autograd task new NAME` writes a folder to start from."
        )
    number, name = _number_and_name(folder)
    title, header, text, hints = _read_text(folder / "task.md")
    laws = _run_laws(folder / "laws.py", name)
    oracle = getattr(laws, "ORACLE", None)
    return Task(
        number=number,
        name=name,
        title=title,
        targets=tuple(re.findall(r"\w+", header["Targets"])),
        text=text,
        neighbour=_read(folder / "neighbour.py"),
        hints=hints,
        solution=_read(folder / "solution.py"),
        laws=tuple(laws.LAWS),
        mistakes=tuple(read_mistakes(_read(folder / "mistakes.md"))),
        oracle=(lambda: tuple(oracle)) if oracle else None,
        forbidden=tuple(getattr(laws, "FORBIDDEN", ())),
        points=int(header.get("Points", 1)),
        folder=folder,
    )


def tasks_below(folder: str | Path) -> dict[str, Task]:
    """All tasks in the folders below this one, by name, in the order of the folders' names.

    Raises BadTask if there is none, or if two have one name.
    """
    folders = sorted(path.parent for path in Path(folder).glob("*/task.md"))
    if not folders:
        raise BadTask(f"{folder} holds no tasks: a task is a folder in it with a task.md.")
    tasks: dict[str, Task] = {}
    for task in map(read_task, folders):
        if task.name in tasks:
            raise BadTask(f"two folders in {folder} are called {task.name}; names tell them apart.")
        tasks[task.name] = task
    return tasks


def _number_and_name(folder: Path) -> tuple[int | None, str]:
    match = re.fullmatch(r"(?:(\d+)_)?([A-Za-z]\w*)", folder.name)
    if not match:
        raise BadTask(
            f"{folder.name!r} can't be a task's name: letters, digits and _, with a number before "
            "it if there is an order, as in 07_backward."
        )
    return (int(match[1]) if match[1] else None), match[2]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _read_text(path: Path) -> tuple[str, dict[str, str], str, tuple[str, ...]]:
    """The title, the header's lines, the text and the hints of a task.md."""
    match = re.fullmatch(
        r"# (.+)\n\n((?:[A-Z]\w+: .+\n)+)\n((?:.*\n)*)", _read(path).rstrip() + "\n"
    )
    header = dict(line.split(": ", 1) for line in match[2].splitlines()) if match else {}
    if not match or "Targets" not in header:
        raise BadTask(
            f"{path} begins with `# The title`, an empty line, and a line that names what the "
            "student defines: Targets: `f`, `g`"
        )
    text, _, hints = match[3].partition("\n## Hints\n")
    items = re.split(r"^- ", hints.strip(), flags=re.MULTILINE)[1:]
    return match[1], header, text.strip(), tuple(" ".join(item.split()) for item in items)


def _run_laws(path: Path, name: str) -> ModuleType:
    """laws.py as a module of its own: it counts as part of this package, wherever it lies."""
    spec = spec_from_file_location(f"autograd.exercises.tasks.{name}", path)
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if not getattr(module, "LAWS", ()):
        raise BadTask(f"{path} has no laws: write LAWS = (Law(says, cases), ...)")
    return module


def read_mistakes(text: str) -> Iterator[Mistake]:
    """The mistakes of a mistakes.md. Raises BadTask for a section without a cause or a diff."""
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = section.partition("\n")
        cause, _, diff = rest.partition("```diff\n")
        has, lacks = (_spans(cause, word) for word in ("has", "lacks"))
        cause = re.sub(r"^Only where the code (has|lacks): .*$", "", cause, flags=re.MULTILINE)
        diff = re.split(r"^```", diff, flags=re.MULTILINE)[0]
        if not cause.strip() or not diff:
            raise BadTask(
                f"the mistake {name.strip()!r} needs its cause in words, and below it a block "
                "```diff with the lines that go (-) and those that come (+)"
            )
        yield Mistake(name.strip(), " ".join(cause.split()), tuple(_swaps(diff)), has, lacks)


def _spans(text: str, word: str) -> tuple[str, ...]:
    """What is quoted on the lines "Only where the code has: `this`, `that`"."""
    lines = re.findall(rf"^Only where the code {word}: (.*)$", text, flags=re.MULTILINE)
    return tuple(span for line in lines for span in re.findall(r"`([^`]+)`", line))


def _swaps(diff: str) -> Iterator[tuple[str, str]]:
    """(old lines, new lines) of each hunk; lines of `@@` stand between hunks."""
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE):
        lines = [line or " " for line in hunk.split("\n")[:-1]]
        old = [line[1:] for line in lines if line[0] != "+"]
        new = [line[1:] for line in lines if line[0] != "-"]
        # The line ends around it make whole lines of it: `x = 1` is no part of `max = 1`.
        yield "\n".join(["", *old, ""]), "\n".join(["", *new, ""])
