"""Whose answers are judged. The judge asks for one case after another, and never sees the code."""

import linecache
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from autograd.exercises.outcome import Answer, Observation, compared, observe, plain
from autograd.exercises.refusal import refusal, written
from autograd.exercises.task import Case, Law, Outcome, Targets, Task

# Which law, which of its cases, and from there which of the simpler cases, step by step.
Place = tuple[int, ...]
Cases = list[tuple[Law, list[Case]]]


def case_at(cases: Cases, place: Place) -> Case:
    law, number, *path = place
    case = cases[law][1][number]
    for step in path:
        case = simpler(case)[step]
    return case


def simpler(case: Case) -> list[Case]:
    return list(case.simpler()) if case.simpler else []


class Subject(Protocol):
    """A solution that can be asked: in this process, or in one of its own (see `files.py`)."""

    def begin(self, task: Task, seed: int) -> str:
        """Make all cases anew; why the solution is not tried at all, or ""."""

    def answer(self, place: Place) -> Observation:
        """Try one case."""

    def source(self) -> str:
        """The solution's text, or "" if nobody has it."""


@dataclass
class Here:
    """Objects of this process, as in a notebook."""

    targets: Targets
    cases: Cases = field(default_factory=list)

    def begin(self, task: Task, seed: int) -> str:
        self.cases = task.cases(seed)
        return refusal(task, self.targets)

    def answer(self, place: Place) -> Observation:
        return observe(case_at(self.cases, place), self.targets)

    def source(self) -> str:
        files = dict.fromkeys(code.co_filename for code, _ in written(*self.targets))
        return "".join(line for name in files for line in linecache.getlines(name))


@dataclass
class Key:
    """The right answer to each case, worked out when it is asked for.

    In a notebook that is after the student's code has returned, and nothing is kept: so no answer
    exists while that code runs. `keep` is for a judge that shares no process with it.
    """

    task: Task
    seed: int
    keep: bool = False
    kept: dict[Place, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cases = self.task.cases(self.seed)
        self.oracle = self.task.right()

    def places(self) -> list[tuple[Place, Law, Case]]:
        return [
            ((i, k), law, case)
            for i, (law, cases) in enumerate(self.cases)
            for k, case in enumerate(cases)
        ]

    def expected(self, place: Place) -> Outcome:
        if place in self.kept:
            return self.kept[place]
        case = case_at(self.cases, place)
        outcome: Outcome = plain(case.expected() if case.expected else case.run(*self.oracle))
        if self.keep:
            self.kept[place] = outcome
        return outcome


def answers(subject: Subject, key: Key) -> Iterator[tuple[Law, Case, Answer]]:
    """What the subject makes of each case, the first law first, each as it is asked for."""
    for place, law, case in key.places():
        yield law, case, answer_at(place, subject, key)


def answer_at(place: Place, subject: Subject, key: Key) -> Answer:
    observation = subject.answer(place)
    expected = {} if observation.trouble else key.expected(place)
    return compared(observation, expected, case_at(key.cases, place).tolerance)
