"""The notebooks are those of the tasks, stripped or solved, and a course can use them."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from autograd.exercises import TASKS
from autograd.exercises.judge import judge
from autograd.exercises.task import load

pytest.importorskip("nbclient")
FOLDER = Path(__file__).parent.parent.parent / "notebooks"


def load_build():
    spec = importlib.util.spec_from_file_location("build", FOLDER / "exercises" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load_build()
STEMS = {name: build.file_stem(task) for name, task in TASKS.items()} | {p: p for p in build.PAGES}
each = pytest.mark.parametrize("name", STEMS)


def cells(kind, name):
    book = json.loads((FOLDER / kind / f"{STEMS[name]}.ipynb").read_text(encoding="utf-8"))
    return book["cells"]


def sources(book):
    return ["".join(cell["source"]) for cell in book]


@each
@pytest.mark.parametrize("kind", ["exercises", "solutions"])
def test_the_notebook_is_what_build_writes(name, kind):
    made = (build.page if name in build.PAGES else build.task_cells)(name, kind == "solutions")
    made = list(made)
    found = cells(kind, name)
    assert sources(found) == [cell.source for cell in made]
    assert [c["metadata"] for c in found] == [dict(c.metadata) for c in made]


@each
def test_exercises_are_stripped_and_solutions_executed_without_errors(name):
    code = [c for c in cells("exercises", name) if c["cell_type"] == "code"]
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in code)
    solved = [c for c in cells("solutions", name) if c["cell_type"] == "code"]
    assert all(c["execution_count"] for c in solved)
    assert [o for c in solved for o in c["outputs"] if o["output_type"] == "error"] == []


@pytest.mark.parametrize("name", TASKS)
def test_the_solution_passes_its_check_and_the_exercise_hides_it(name):
    said = json.dumps([c.get("outputs") for c in cells("solutions", name)], ensure_ascii=False)
    assert f"✓ task {TASKS[name].number}, {name}: all" in said
    exercise = "\n".join(sources(cells("exercises", name)))
    assert "SOLUTION" not in exercise
    assert f"task {TASKS[name].number}, {name}: write this" in exercise


@pytest.mark.parametrize("name", TASKS)
def test_the_solutions_carry_nbgraders_marks(name):
    """What `nbgrader generate_assignment` makes of them is a stub that counts as not written."""
    (source,) = [
        "".join(c["source"])
        for c in cells("solutions", name)
        if c["metadata"]["nbgrader"]["solution"]
    ]
    region = r"^( *)### BEGIN SOLUTION\n(?:.*\n)*? *### END SOLUTION$"
    stub, n = re.subn(region, r"\1raise NotImplementedError()", source, flags=re.MULTILINE)
    assert n >= 1
    task = TASKS[name]
    assert judge(task, load(stub, task.targets)).todo


@pytest.mark.parametrize("name", TASKS)
def test_nbgraders_metadata_is_complete(name):
    marks = [c["metadata"]["nbgrader"] for c in cells("exercises", name)]
    keys = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}
    assert all(keys <= set(m) and m["schema_version"] == 3 for m in marks)
    ids = [m["grade_id"] for m in marks]
    assert len(set(ids)) == len(ids)
    assert [m["grade_id"] for m in marks if m["solution"]] == [f"{name}-solution"]
    graded = [m for m in marks if m["grade"]]
    assert [m["grade_id"] for m in graded] == [f"{name}-test"]
    assert graded[0]["points"] == TASKS[name].points
    assert all(m["locked"] for m in marks if not m["solution"])
