"""What a new student tries first: right attempts pass, wrong ones are told their cause.

The attempts are in `first_attempts.txt`, which says how to read it.
"""

import re
from pathlib import Path

import pytest

from autograd.exercises import TASKS
from autograd.exercises.judge import judge
from autograd.exercises.task import load

TEXT = (Path(__file__).parent / "first_attempts.txt").read_text(encoding="utf-8")
KINDS = ("RIGHT", "UNUSUAL", "NAMED", "NOT_BLAMED", "ERROR")


def entries(kind):
    """(task, what the verdict must say, {place: body}) of every entry of this kind."""
    for entry in TEXT.split("\n=== ")[1:]:
        head, _, rest = entry.partition("\n")
        what, name, says = f"{head} ".split(" ", 2)
        parts = re.split(r"^@(\d+)\n", rest, flags=re.MULTILINE)[1:]
        if what == kind:
            yield name, says.strip(), {int(k): v.strip("\n") for k, v in zip(*[iter(parts)] * 2)}


RIGHT = {name: bodies for name, _, bodies in entries("RIGHT")}


def verdict_of(name, changes):
    """The verdict on the stub with the right bodies filled in, but for the `changes`."""
    task, source = TASKS[name], TASKS[name].stub
    assert changes.keys() <= RIGHT[name].keys()
    for body in (RIGHT[name] | changes).values():
        hole = re.search(r"^( *)raise NotImplementedError.*\n", source, flags=re.MULTILINE)
        lines = (f"{hole[1]}{line}\n" if line else "\n" for line in body.split("\n"))
        source = source[: hole.start()] + "".join(lines) + source[hole.end() :]
    return judge(task, load(source, task.targets))


def each(kind):
    table = list(entries(kind))
    names = [f"{name}-{i}" for i, (name, _, _) in enumerate(table)]
    return pytest.mark.parametrize(("name", "says", "changes"), table, ids=names)


def test_there_is_a_right_and_an_unusual_and_a_wrong_attempt_for_each_task():
    for kind in ("RIGHT", "UNUSUAL", "NAMED"):
        assert {name for name, _, _ in entries(kind)} == TASKS.keys()
    assert RIGHT.keys() == TASKS.keys()


@each("RIGHT")
def test_a_plain_right_solution_passes(name, says, changes):
    verdict = verdict_of(name, changes)
    assert verdict.passed, str(verdict)


@each("UNUSUAL")
def test_an_unusual_right_solution_passes(name, says, changes):
    verdict = verdict_of(name, changes)
    assert verdict.passed, str(verdict)


@each("NAMED")
def test_a_wrong_first_attempt_is_told_its_cause(name, says, changes):
    verdict = verdict_of(name, changes)
    assert not verdict.passed
    assert verdict.mistake == says, str(verdict)


@each("NOT_BLAMED")
def test_a_mistake_that_only_happens_to_agree_is_not_blamed(name, says, changes):
    verdict = verdict_of(name, changes)
    assert not verdict.passed
    assert says in [mistake.name for mistake in TASKS[name].mistakes]
    assert verdict.mistake != says, str(verdict)
    assert verdict.cause


@each("ERROR")
def test_an_error_is_explained(name, says, changes):
    verdict = verdict_of(name, changes)
    assert not verdict.passed
    assert says in verdict.cause, str(verdict)
