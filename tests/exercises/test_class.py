"""A class: whose files are whose, formats for other programs, the page."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autograd.exercises import TASKS
from autograd.exercises.class_page import class_page, misconceptions, stuck
from autograd.exercises.files import command
from autograd.exercises.roster import Order, check_class, students

ROOT = Path(__file__).parent.parent.parent
SLOPE, ORDER = TASKS["slope"], TASKS["order"]


def wrong(task, name):
    return task.wrong(next(m for m in task.mistakes if m.name == name))


@pytest.fixture
def school(tmp_path):
    """Four students, a folder each."""
    handed_in = {
        "Ann": {"01_slope.py": SLOPE.reference, "06_order.py": ORDER.wrong(ORDER.mistakes[0])},
        "Ben": {"slope.py": wrong(SLOPE, "sign"), "order.py": ORDER.reference},
        "Cem": {"slope.py": wrong(SLOPE, "sign")},
        "<Di>": {"slope.py": SLOPE.stub},
    }
    for student, files in handed_in.items():
        (tmp_path / student).mkdir()
        for name, source in files.items():
            (tmp_path / student / name).write_text(source, encoding="utf-8")
    return tmp_path


@pytest.fixture
def records(school):
    order = Order()
    return check_class(students([school], "folder", order), order, jobs=1)


def marks(records):
    return {r.student: {k: v.mark for k, v in r.results.items()} for r in records}


EXPECTED = {
    "<Di>": {"slope": "·"},
    "Ann": {"slope": "✓", "order": "✗"},
    "Ben": {"slope": "✗", "order": "✓"},
    "Cem": {"slope": "✗"},
}


def test_each_student_gets_a_mark_for_each_task_that_was_handed_in(records):
    assert marks(records) == EXPECTED


def test_several_at_a_time_give_the_same_as_one_after_another(school, records):
    order = Order()
    together = check_class(students([school], "folder", order), order, jobs=2)
    assert marks(together) == marks(records)
    assert [r.results for r in together] == [r.results for r in records]


@pytest.mark.parametrize(
    ("pattern", "path", "student"),
    [
        ("file", "a/b/ann.py", "ann"),
        ("folder", "a/ann/slope.ipynb", "ann"),
        ("{student}_*.py", "a/ann_slope.py", "ann"),
        ("submitted/{student}/*/*.ipynb", "x/submitted/ann/ps1/slope.ipynb", "ann"),
        (
            "{student}_*_assignsubmission_file_/*",
            "Ann Lee_12_assignsubmission_file_/s.py",
            "Ann Lee",
        ),
        ("exercise-1-{student}/*.py", "exercise-1-ann-lee/slope.py", "ann-lee"),
    ],
)
def test_a_pattern_says_whose_a_file_is(tmp_path, pattern, path, student):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("", encoding="utf-8")
    assert students([file], pattern, Order()) == {student: [file]}


def test_a_file_that_fits_no_pattern_is_named(school):
    with pytest.raises(ValueError, match=r"slope\.py does not fit.*whose is it"):
        students([school], "{student}/homework/*.py", Order())


def test_files_that_answer_the_same_task_are_listed_apart(school, capsys):
    """They were counted as one student, and the best of all answers won."""
    paths = [school / name / "slope.py" for name in ("Ben", "Cem")]
    right = school / "right.py"
    right.write_text(SLOPE.reference, encoding="utf-8")
    assert command([*paths[:1], right], jobs=1) == 1
    out = capsys.readouterr().out
    assert re.search(r"^right +slope ✓", out, flags=re.MULTILINE)
    assert re.search(r"^slope +slope ✗", out, flags=re.MULTILINE)
    assert "1 of 2 students" in out


def test_two_answers_of_one_student_to_one_task_are_both_named(school, capsys):
    (school / "Ann" / "slope.py").write_text(SLOPE.reference, encoding="utf-8")
    order = Order()
    (ann,) = check_class(students([school / "Ann"], "folder", order), order)
    assert ann.results["slope"].mark == "✗"
    assert "01_slope.py and slope.py both answer it" in ann.results["slope"].text
    assert ann.results["order"].mark == "✗"


# --- formats ------------------------------------------------------------------------------------


def test_csv_has_a_row_for_each_student_and_task_with_its_mistake(school, capsysbinary):
    assert command([school], student="folder", form="csv", jobs=1) == 1
    table = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert len(table) == 6
    ben = next(row for row in table if (row["student"], row["task"]) == ("Ben", "slope"))
    assert (ben["result"], ben["mistake"], ben["points"]) == ("failed", "sign", "0")
    assert "flipped" in ben["cause"]


def test_no_cell_is_a_formula_for_a_spreadsheet(tmp_path, capsysbinary):
    file = tmp_path / "=1+1.py"
    file.write_text(SLOPE.reference, encoding="utf-8")
    assert command([file], student="file", form="csv") == 0
    table = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert table[0]["student"] == "'=1+1"


def test_json_has_the_whole_report(school, capsysbinary):
    command([school], student="folder", form="json", jobs=1)
    table = json.loads(capsysbinary.readouterr().out)
    assert {row["student"] for row in table} == EXPECTED.keys()
    assert all(row["text"].startswith(("✓", "✗", "·")) for row in table)


def test_junit_counts_what_is_not_written_as_skipped(school, capsysbinary):
    command([school], student="folder", form="junit", jobs=1)
    suites = ElementTree.fromstring(capsysbinary.readouterr().out)
    counts = {s.get("name"): (s.get("failures"), s.get("skipped")) for s in suites}
    assert counts == {"<Di>": ("0", "1"), "Ann": ("1", "0"), "Ben": ("1", "0"), "Cem": ("1", "0")}


def test_gradescope_gets_a_score_for_each_task_of_one_student(school, capsysbinary):
    assert command([school / "Ben"], form="gradescope") == 1
    tests = json.loads(capsysbinary.readouterr().out)["tests"]
    assert [(t["score"], t["max_score"], t["status"]) for t in tests] == [
        (0, 1, "failed"),
        (1, 1, "passed"),
    ]
    assert "the sign is flipped" in " ".join(tests[0]["output"].split())
    assert command([school], student="folder", form="gradescope", jobs=1) == 2


# --- the page -----------------------------------------------------------------------------------


def test_the_commonest_misconception_comes_first_with_its_smallest_case(records):
    first = misconceptions(records, TASKS)[0]
    assert (first.task.name, first.mistake, len(first.found)) == ("slope", "sign", 2)
    assert first.found[0][1].case.startswith("f = lambda x:")


def test_who_is_stuck_where(records):
    by_name = {r.student: stuck(r, TASKS) for r in records}
    assert by_name == {"Ann": ORDER, "Ben": None, "Cem": SLOPE, "<Di>": None}


def test_the_page_holds_all_and_names_nobody_beside_their_code(records):
    page = class_page(records, TASKS)
    assert "<Di>" not in page
    assert "&lt;Di&gt;" in page
    assert "http" not in page  # it asks nothing of any network
    code = re.findall(r"<pre>(.*?)</pre>", page, flags=re.DOTALL)
    assert any("def slope" in part for part in code)
    assert not any(name in part for part in code for name in EXPECTED)


# --- the terminal -------------------------------------------------------------------------------


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "autograd", "check", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, **environment},
    )


def test_a_terminal_that_lacks_our_marks_gets_others(school):
    done = run(school / "Ben", PYTHONIOENCODING="cp1252")
    assert done.returncode == 1
    assert done.stderr == b""
    assert b"[x]" in done.stdout and b"[ok]" in done.stdout


def test_a_pipe_that_is_closed_early_is_no_error(school):
    line = f"{sys.executable} -m autograd check {school / 'Ben'} | head -1"
    done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True)
    assert done.stderr == b""


def test_what_students_print_steers_no_terminal(school):
    file = school / "loud.py"
    file.write_text("def slope(f, x):\n    print('\\x1b[2J\\x07')\n    return 'a\\x1b]0;b'")
    out = run(file).stdout
    assert b"\x1b" not in out and b"\x07" not in out
    assert b"\\x1b[2J" in out
