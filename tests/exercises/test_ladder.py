"""Laws of the ladder: its tasks, its checkers, and its catalogues of wrong solutions."""

from pathlib import Path

import pytest
from alternates import ALTERNATES

from autograd.exercises import TASKS
from autograd.exercises.judge import judge
from autograd.exercises.mutants import mutants
from autograd.exercises.task import load

RECORDED = (Path(__file__).parent / "verdicts.txt").read_text(encoding="utf-8")
each_task = pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
MISTAKES = [(task, mistake) for task in TASKS.values() for mistake in task.mistakes]


def test_the_ladder_has_its_rungs_in_order():
    assert [task.number for task in TASKS.values()] == list(range(1, len(TASKS) + 1))
    assert len(TASKS) >= 14


@each_task
def test_a_task_has_all_its_parts(task):
    assert task.text and task.hints
    assert len(task.mistakes) >= 5
    names = [mistake.name for mistake in task.mistakes]
    causes = [mistake.cause for mistake in task.mistakes]
    assert len(set(names)) == len(names)
    assert len(set(causes)) == len(causes)


@each_task
def test_the_stub_names_its_task_and_counts_as_not_written(task):
    assert f"task {task.number}, {task.name}" in task.stub
    assert "SOLUTION" not in task.stub
    verdict = judge(task, load(task.stub, task.targets))
    assert verdict.todo
    assert not verdict.passed


@each_task
def test_the_worked_neighbour_gives_what_its_comment_says(task):
    *code, last = task.neighbour.rstrip().split("\n")
    names = {}
    exec("\n".join(code), names)
    expression, _, comment = last.rpartition("  # ")
    value = eval(expression, names)
    if isinstance(value, tuple):
        value = tuple(round(x, 9) if isinstance(x, float) else x for x in value)
    shown = repr(value)
    assert shown.startswith(comment.split("...")[0].split(" = ")[-1])


@each_task
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_reference_passes_with_any_seed(task, seed):
    verdict = judge(task, load(task.reference, task.targets), seed)
    assert verdict.passed, str(verdict)


@each_task
def test_two_differently_written_solutions_pass(task):
    files = sorted((task.folder / "alternates").glob("*.py"))
    sources = [*ALTERNATES.get(task.name, ()), *(path.read_text() for path in files)]
    assert len(sources) >= 2
    for source in sources:
        verdict = judge(task, load(source, task.targets))
        assert verdict.passed, str(verdict)


@pytest.mark.parametrize(
    ("task", "mistake"), MISTAKES, ids=[f"{t.name}-{m.name}" for t, m in MISTAKES]
)
def test_a_wrong_solution_is_rejected_and_its_cause_named(task, mistake):
    verdict = judge(task, load(task.wrong(mistake), task.targets))
    assert not verdict.passed
    assert mistake.name in verdict.mistake.split(" or "), str(verdict)
    assert mistake.cause in " ".join(str(verdict).split())
    # What a student reads, to the letter; verdicts.py writes it anew.
    assert f"=== {task.name} {mistake.name}\n{verdict}\n\n" in RECORDED


# Mutants of a reference that no checker could reject, and why.
EQUIVALENT = {
    ("slope", "1e-05 -> -1e-05"): "the formula is symmetric: from x - h to x + h or back",
    ("operators", "Mult -> Div"): "x * -1 is x / -1",
    ("one_op", "Mult -> Div"): "x * -1 is x / -1",
    ("backward", "Mult -> Div"): "x * -1 is x / -1",
    ("zeroing", "Mult -> Div"): "x * -1 is x / -1",
    ("gradcheck", "1e-05 -> -1e-05"): "the formula is symmetric: from x - h to x + h or back",
    ("gradcheck", "Gt -> GtE"): "an error that equals the tolerance to the last bit",
    ("gradcheck", "1.0 -> 2.0"): "the tolerance is the student's to choose, within a factor",
    ("mlp", "False -> True"): "the given Neuron's default: Layer always passes `linear`",
    ("attention", "1 -> 2"): "one value too many, but zip stops at the last weight",
}


@pytest.mark.slow
def test_a_change_of_one_operator_sign_or_constant_is_rejected():
    tried, survivors = 0, []
    for task in TASKS.values():
        for what, source in mutants(task.reference):
            tried += 1
            if survives(task, source):
                survivors.append((task.name, what))
    unknown = [s for s in survivors if (s[0], s[1].split("[")[-1].rstrip("]")) not in EQUIVALENT]
    assert unknown == []
    assert len(survivors) <= len(EQUIVALENT)
    assert tried > 300
    assert len(survivors) <= 0.05 * tried


def survives(task, source):
    try:
        targets = load(source, task.targets)
    except Exception:  # it does not even load: rejected
        return False
    return judge(task, targets, explain=False).passed
