"""The checker: try a solution law by law, and stop at the first case that breaks one."""

from dataclasses import replace

from autograd.exercises import shield
from autograd.exercises.diagnosis import explained
from autograd.exercises.outcome import Answer
from autograd.exercises.subject import Here, Key, Place, Subject, answer_at, case_at, simpler
from autograd.exercises.task import Case, Targets, Task
from autograd.exercises.verdict import Verdict

TRIES = 60  # simpler cases that are tried for one report


def judge(task: Task, targets: Targets, seed: int = 0, explain: bool = True) -> Verdict:
    """Try `targets` against every law of `task`; with `explain`, find the cause of a failure."""
    return verdict_on(Here(targets), Key(task, seed), explain)


def verdict_on(subject: Subject, key: Key, explain: bool = True) -> Verdict:
    """The same for any subject. What it raises when it has gone for good passes through."""
    task = key.task
    refused = subject.begin(task, key.seed)
    if refused:
        return Verdict(task, 0, refused=refused)
    count = 0
    for place, law, case in key.places():
        answer = answer_at(place, subject, key)
        if not answer.right:
            if explain:
                case, answer = shrunk(place, answer, subject, key)
            verdict = Verdict(task, task.laws.index(law), count, law, case, answer)
            if answer.trouble and answer.trouble.kind == shield.TODO:
                return replace(verdict, todo=True)
            return explained(verdict, subject, key) if explain else verdict
        count += 1
    return Verdict(task, len(task.laws), count)


def shrunk(place: Place, answer: Answer, subject: Subject, key: Key) -> tuple[Case, Answer]:
    """The simplest case that fails in the same way, and its answer: four numbers say more than
    forty. Each step takes the first of the simpler cases that fails still."""
    tries = TRIES
    while True:
        case = case_at(key.cases, place)
        for number in range(len(simpler(case))):
            if tries == 0 or not _shrinks(answer):
                return case, answer
            tries -= 1
            other = answer_at((*place, number), subject, key)
            if _alike(answer, other):
                place, answer = (*place, number), other
                break
        else:
            return case, answer


def _shrinks(answer: Answer) -> bool:
    """Not what is unwritten or endless: a second try would tell no more, or take as long."""
    return answer.trouble is None or answer.trouble.kind == shield.ERROR


def _alike(one: Answer, other: Answer) -> bool:
    if one.trouble or other.trouble:
        return bool(one.trouble and other.trouble and one.trouble.text == other.trouble.text)
    return bool(one.wrong and other.wrong)
