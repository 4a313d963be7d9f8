"""What an exercise is made of: a `Task` with its laws, its solution and the known mistakes.

A task is one object in one place. What else is needed comes from it: the stub is the solution
without its marked lines, and each wrong solution of the catalogue is the solution with a few
words exchanged. So the exercise, its notebook, its checker and its tests cannot drift apart.
"""

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from autograd.exercises.program import Program

Outcome = dict[str, Any]  # what a case observed: a name for each number, truth or text
Targets = tuple[Any, ...]  # the objects under test, in the order of Task.targets


@dataclass(frozen=True)
class Case:
    """One experiment: `run(*targets)` does it and says what it observed.

    expected: what a right solution gives; None: what the task's oracle gives in the same `run`.
    It is called only when the student's code has returned, so nobody can look it up earlier.
    """

    text: str  # the experiment, as a student would type it
    run: Callable[..., Outcome]
    expected: Callable[[], Outcome] | None = None
    tolerance: float = 1e-6  # relative; absolute for numbers below 1
    program: Program | None = None  # the graph, if there is one to draw
    seconds: float = 1.0  # what one run may take


@dataclass(frozen=True)
class Law:
    """A sentence that must hold, and the cases that try it, the smallest first."""

    says: str
    cases: Callable[[random.Random], Iterable[Case]]


@dataclass(frozen=True)
class Mistake:
    """A wrong solution: the right one with `swaps` (old text, new text) made in it."""

    name: str
    cause: str  # in plain words, with the remedy
    swaps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Task:
    number: int
    name: str
    title: str
    targets: tuple[str, ...]  # the names that the student must define
    text: str  # what to write (Markdown)
    neighbour: str  # a worked example of something close to it, as runnable code
    hints: tuple[str, ...]
    solution: str  # source; what the student writes stands between the SOLUTION marks
    laws: tuple[Law, ...]
    mistakes: tuple[Mistake, ...]
    oracle: Callable[[], Targets] | None = None  # right objects; None: those of the solution
    points: int = field(default=1)

    @property
    def stub(self) -> str:
        """The solution with every marked region replaced by an error that names the task."""
        blank = rf'\1raise NotImplementedError("task {self.number}, {self.name}: write this")\n'
        region = r"^([ ]*)### BEGIN SOLUTION\n(?:.*\n)*?[ ]*### END SOLUTION\n"
        return re.sub(region, blank, self.solution, flags=re.MULTILINE)

    @property
    def reference(self) -> str:
        """The solution without its marks."""
        return re.sub(r"^ *### (?:BEGIN|END) SOLUTION\n", "", self.solution, flags=re.MULTILINE)

    def wrong(self, mistake: Mistake) -> str:
        """The source of a wrong solution. Raises ValueError if a swap finds nothing to change."""
        source = self.reference
        for old, new in mistake.swaps:
            if old not in source:
                raise ValueError(f"{self.name}, {mistake.name}: the solution has no {old!r}")
            source = source.replace(old, new)
        return source

    def right(self) -> Targets:
        return self.oracle() if self.oracle else load(self.reference, self.targets)

    def cases(self, seed: int) -> list[tuple[Law, list[Case]]]:
        """Every law with its cases; equal seeds give equal cases."""
        return [
            (law, list(law.cases(random.Random(f"{seed} {self.name} {i}"))))
            for i, law in enumerate(self.laws)
        ]


def load(source: str, targets: Iterable[str], filename: str = "<solution>") -> Targets:
    """Run `source` as a module of its own and take the `targets` out of it."""
    namespace: dict[str, Any] = {"__name__": "solution"}
    exec(compile(source, filename, "exec"), namespace)
    return tuple(namespace[name] for name in targets)
