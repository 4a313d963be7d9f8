"""The checker: try a solution law by law, and stop at the first case that breaks one."""

from dataclasses import replace

from autograd.exercises import shield
from autograd.exercises.diagnosis import explained
from autograd.exercises.subject import Here, Key, Subject, answers
from autograd.exercises.task import Targets, Task
from autograd.exercises.verdict import Verdict


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
    for law, case, answer in answers(subject, key):
        if not answer.right:
            verdict = Verdict(task, task.laws.index(law), count, law, case, answer)
            if answer.trouble and answer.trouble.kind == shield.TODO:
                return replace(verdict, todo=True)
            return explained(verdict, subject, key) if explain else verdict
        count += 1
    return Verdict(task, len(task.laws), count)
