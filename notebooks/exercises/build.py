"""Write all exercise notebooks (stripped) and their solutions (executed) from the tasks.

    python notebooks/exercises/build.py              # all
    python notebooks/exercises/build.py backward     # one task, or a page such as worksheet
    python notebooks/exercises/build.py ./my_task    # a task of your own: its notebooks, here

A page is a Python file beside this script with its cells after `# %%` marks.
"""

import html
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

EXERCISES = Path(__file__).resolve().parent
SOLUTIONS = EXERCISES.parent / "solutions"
ROOT = EXERCISES.parent.parent
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)  # for the kernels that run the solutions

from autograd.exercises import TASKS, read_task  # noqa: E402

PAGES = ("lab_wrong_backprop", "worksheet")


def main(names):
    SOLUTIONS.mkdir(exist_ok=True)
    for name in names or [*TASKS, *PAGES]:
        if name in PAGES or name in TASKS:
            stem = name if name in PAGES else file_stem(TASKS[name])
            write_both(name, EXERCISES / f"{stem}.ipynb", SOLUTIONS / f"{stem}.ipynb")
        else:
            task = read_task(name)
            stem = Path(f"{file_stem(task)}.ipynb")
            write_both(task, stem, stem.with_stem(f"{stem.stem}_solution"))


def write_both(what, exercise, solution):
    cells = page if what in PAGES else task_cells
    write(notebook(cells(what, solved=False)), exercise)
    solved = notebook(cells(what, solved=True))
    NotebookClient(solved, timeout=60, kernel_name="python3", record_timing=False).execute()
    write(solved, solution)
    print(exercise.stem)


def file_stem(task):
    return task.name if task.number is None else f"{task.number:02}_{task.name}"


# --- the cells of a task -------------------------------------------------------------------------


def task_cells(what, solved):
    """The cells of a task of the ladder, by its name, or of any other."""
    task = TASKS[what] if isinstance(what, str) else what
    name, targets = task.name, ", ".join(task.targets)
    called = name if isinstance(what, str) else str(task.folder)
    head = f"Task {task.number} · {task.title}" if task.number else task.title
    yield text(f"{name}-text", f"# {head}\n\n{task.text}")
    yield text(f"{name}-about", ABOUT)
    yield code(f"{name}-neighbour", task.neighbour.rstrip())
    yield text(f"{name}-your-turn", YOUR_TURN)
    source = task.solution if solved else task.stub  # the solution with nbgrader's own marks
    yield code(f"{name}-solution", source.rstrip(), solution=True)
    yield text(f"{name}-how", HOW)
    yield code(
        f"{name}-check", f'from autograd.exercises import check\n\ncheck("{called}", {targets})'
    )
    yield text(f"{name}-hints", "## Stuck?\n\n" + "\n\n".join(map(hint, count(task.hints))))
    yield text(f"{name}-graded", GRADED)
    yield code(
        f"{name}-test",
        f'verdict = check("{called}", {targets}, seed=1)\nassert verdict, verdict\nverdict',
        points=task.points,
    )
    yield text(f"{name}-next", onward(task))


ABOUT = "## A neighbour, solved\n\nSomething close to it. Run it, change it."
YOUR_TURN = """\
## Your turn

Write your code where `raise NotImplementedError` stands, and take that line out. The rest is
given. Then run the cell."""
HOW = """\
## Is it right?

Run this as often as you like. If something is wrong, it tells which law fails, shows the smallest
example, and says what the cause may be."""
GRADED = "## For your course\n\nThe same check once more, with other numbers."


def count(things):
    return enumerate(things, 1)


def hint(numbered):
    number, words = numbered
    # Markdown stops inside of HTML, so the backticks are our own business.
    words = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(words))
    return f"<details><summary>Hint {number}</summary>{words}</details>"


def onward(task):
    if task is not TASKS.get(task.name):
        return "That is all."
    later = [t for t in TASKS.values() if t.number == task.number + 1]
    if not later:
        return f"That was the last of the {len(TASKS)} tasks. Well climbed!"
    return f"**Next:** [task {later[0].number}, {later[0].title}]({file_stem(later[0])}.ipynb)"


# --- pages: cells from a Python file -------------------------------------------------------------


def page(name, solved):
    source = (EXERCISES / f"{name}.py").read_text(encoding="utf-8")
    for i, part in enumerate(source.split("# %%")[1:]):
        kind, _, body = part.partition("\n")
        if kind.strip() == "[markdown]":
            words = "\n".join(line[2:] for line in body.strip().split("\n"))
            yield text(f"{name}-{i}", words)
        else:
            yield code(f"{name}-{i}", body.strip())


# --- notebooks -----------------------------------------------------------------------------------


def text(cell_id, source):
    return mark(new_markdown_cell(source, id=cell_id.replace("_", "-")), cell_id)


def code(cell_id, source, solution=False, points=None):
    return mark(new_code_cell(source, id=cell_id.replace("_", "-")), cell_id, solution, points)


def mark(cell, cell_id, solution=False, points=None):
    """nbgrader's metadata: what students may change, what is graded, and for how many points."""
    graded = points is not None
    cell.metadata.nbgrader = {
        "grade": graded, "grade_id": cell_id, "locked": not solution, "schema_version": 3,
        "solution": solution, "task": False,
    } | ({"points": points} if graded else {})  # fmt: skip
    return cell


def notebook(cells):
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=list(cells), metadata={"kernelspec": python})


def write(book, path):
    """The notebook without what differs from machine to machine."""
    book.metadata = {"kernelspec": book.metadata.kernelspec}
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    nbformat.validate(book)
    nbformat.write(book, path)


if __name__ == "__main__":
    main(sys.argv[1:])
