"""Cheap laws of the lessons. `python notebooks/run.py --check` runs them; nothing here does."""

import ast
import json
import re
from pathlib import Path

import pytest

import autograd
import nn
from autograd.exercises import TASKS

FOLDER = Path(__file__).parent.parent / "notebooks"
LESSONS = sorted(FOLDER.glob("[0-9][0-9]-*.ipynb"))
TEXT_AND_SVG = {"text/plain", "image/svg+xml", "text/latex"}
STEPPER = {"text/plain", "text/html"}  # a page of its own inside an iframe: never beside an SVG
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name[:2])


def cells(path, kind=None):
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if kind in (None, cell["cell_type"])]


def source(cell):
    return "".join(cell["source"])


def tree(cell):
    """The cell's Python (without the lines that speak to IPython)."""
    return ast.parse(re.sub(r"^%.*$", "", source(cell), flags=re.MULTILINE))


def test_there_are_lessons():
    assert LESSONS


@each_lesson
def test_a_lesson_opens_with_its_number_a_title_and_a_question(path):
    first, question = [line for line in source(cells(path)[0]).splitlines() if line.strip()][:2]
    assert first.startswith(f"# {path.name[:2]} · ")
    assert question.endswith("?")


@each_lesson
def test_a_cell_has_at_most_15_lines(path):
    assert [source(c) for c in cells(path, "code") if len(source(c).splitlines()) > 15] == []


@each_lesson
def test_code_lines_fit_the_page(path):
    lines = [line for c in cells(path, "code") for line in source(c).splitlines()]
    assert [line for line in lines if len(line) > 100] == []


@each_lesson
def test_each_code_cell_has_prose_before_it(path):
    kinds = [cell["cell_type"] for cell in cells(path)]
    assert ("code", "code") not in list(zip(kinds, kinds[1:]))


@each_lesson
def test_nothing_of_the_package_is_defined_again(path):
    public = {*dir(autograd), *dir(nn)} - {"annotations"}
    defined = {
        node.name
        for cell in cells(path, "code")
        for node in ast.walk(tree(cell))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assert defined & public == set()


@each_lesson
def test_no_lesson_imports_from_another_or_from_a_file_beside_it(path):
    beside = {p.stem for p in FOLDER.iterdir() if p.suffix in (".py", ".ipynb")}
    for cell in cells(path, "code"):
        for node in ast.walk(tree(cell)):
            names = [alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")]
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "."]
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert not {name.split(".")[0] for name in names} & {*beside, ""}
        assert "%run" not in source(cell)


@each_lesson
def test_the_story_holds_asserts(path):
    asserts = [
        n for c in cells(path, "code") for n in ast.walk(tree(c)) if isinstance(n, ast.Assert)
    ]
    assert len(asserts) >= 3


@each_lesson
def test_a_lesson_is_committed_executed_in_order_and_without_errors(path):
    counts = [cell["execution_count"] for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in cells(path, "code") for output in cell["outputs"]]
    assert outputs
    assert {o["output_type"] for o in outputs} <= {"stream", "display_data", "execute_result"}
    assert {o.get("name") for o in outputs} <= {None, "stdout"}  # nothing on stderr


@each_lesson
def test_outputs_are_text_and_svg(path):
    for cell in cells(path, "code"):
        for output in cell["outputs"]:
            kinds = set(output.get("data", {}))
            assert kinds <= TEXT_AND_SVG or kinds == STEPPER


@each_lesson
def test_one_cell_gives_the_picture_of_the_table(path):
    tagged = [c for c in cells(path, "code") if "picture" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    image = FOLDER / "pictures" / f"{path.name[:2]}.svg"
    svgs = ["".join(o["data"]["image/svg+xml"]) for o in tagged[0]["outputs"] if "data" in o]
    assert image.read_text(encoding="utf-8") == svgs[0]
    assert image.stat().st_size < 100_000


@each_lesson
def test_no_absolute_path_and_no_memory_address_appears(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"/(?:home|root|tmp|usr|Users|work)/|[A-Z]:\\\\|\bat 0x[0-9a-f]+", text) == []


@each_lesson
def test_clocks_are_read_only_in_cells_tagged_timing(path):
    for cell in cells(path, "code"):
        if re.search(r"perf_counter|time\(\)|timeit", source(cell)):
            assert "timing" in cell["metadata"].get("tags", [])


@each_lesson
def test_a_lesson_ends_with_two_or_three_exercises(path):
    last = cells(path)[-1]
    assert last["cell_type"] == "markdown"
    assert source(last).startswith("## Exercises")
    assert len(re.findall(r"^\d\. ", source(last), re.MULTILINE)) in (2, 3)


@each_lesson
def test_the_tasks_that_a_lesson_names_exist(path):
    named = re.findall(r"Tasks?: ((?:`\w+`(?:, )?)+)", source(cells(path)[-1]))
    assert {task for names in named for task in re.findall(r"\w+", names)} <= set(TASKS)


@each_lesson
def test_the_file_holds_nothing_that_changes_from_run_to_run(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert "version" not in notebook["metadata"]["language_info"]
    for number, cell in enumerate(notebook["cells"], 1):
        assert cell["id"] == f"cell-{number:02}"
        assert set(cell["metadata"]) <= {"tags"}
    assert "<dc:date>" not in path.read_text(encoding="utf-8")


def test_the_table_of_contents_is_complete():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in LESSONS:
        title = source(cells(path)[0]).splitlines()[0].removeprefix("# ")
        assert f"[{title}]({path.name})" in readme
        assert f'src="pictures/{path.name[:2]}.svg"' in readme
    assert readme.count("<img ") == len(LESSONS)
