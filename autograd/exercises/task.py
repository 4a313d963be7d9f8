"""What an exercise is made of: a `Task` with its laws, its solution and the known mistakes.

A task is one folder (see `folder.py`). What else is needed comes from it: the stub is the solution
without its marked lines, and each wrong solution of the catalogue is the solution with a few
lines exchanged. So the exercise, its notebook, its checker and its tests cannot drift apart.
"""

import linecache
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
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
    simpler: Callable[[], Iterable["Case"]] | None = None  # to be shown instead, if they fail too


@dataclass(frozen=True)
class Law:
    """A sentence that must hold, and the cases that try it, the smallest first."""

    says: str
    cases: Callable[[random.Random], Iterable[Case]]
    cause: str = ""  # to name where no known mistake explains the failure, or it has no end


@dataclass(frozen=True)
class Mistake:
    """A wrong solution: the right one with `swaps` (old text, new text) made in it, each in the
    one place where the old text stands."""

    name: str
    cause: str  # in plain words, with the remedy
    swaps: tuple[tuple[str, str], ...]
    has: tuple[str, ...] = ()  # text that stands in any code with this mistake
    lacks: tuple[str, ...] = ()  # text that doesn't


@dataclass(frozen=True, eq=False)
class Task:
    number: int | None  # its place on the ladder, if it has one
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
    points: int = 1
    forbidden: tuple[str, ...] = ()  # the package's own answers, "nn.Neuron": no solution uses them
    folder: Path | None = None  # where it was read from

    @property
    def heading(self) -> str:
        """As in "task 7, backward"."""
        return f"task {self.name}" if self.number is None else f"task {self.number}, {self.name}"

    @property
    def stub(self) -> str:
        """The solution with every marked region replaced by an error that names the task."""
        blank = rf'\1raise NotImplementedError("{self.heading}: write this")\n'
        region = r"^([ ]*)### BEGIN SOLUTION\n(?:.*\n)*?[ ]*### END SOLUTION\n"
        return re.sub(region, blank, self.solution, flags=re.MULTILINE)

    @property
    def written_lines(self) -> frozenset[int]:
        """The numbers of the lines of `reference` that a student writes."""
        written, number, found = False, 0, set()
        for line in self.solution.split("\n"):
            if line.strip() in ("### BEGIN SOLUTION", "### END SOLUTION"):
                written = line.strip() == "### BEGIN SOLUTION"
                continue
            number += 1
            if written:
                found.add(number)
        return frozenset(found)

    @property
    def reference(self) -> str:
        """The solution without its marks."""
        return re.sub(r"^ *### (?:BEGIN|END) SOLUTION\n", "", self.solution, flags=re.MULTILINE)

    def wrong(self, mistake: Mistake) -> str:
        """The source of a wrong solution. Raises ValueError unless each swap's old text stands in
        exactly one place of the solution."""
        source = f"\n{self.reference}"  # so that the first line, too, begins after a line's end
        places = []
        for old, new in mistake.swaps:
            count = source.count(old)
            if count != 1:
                found = "is not there" if count == 0 else f"stands in {count} places: add a line"
                raise ValueError(f"{self.name}, {mistake.name}: in the solution {old!r} {found}")
            places.append((source.index(old), old, new))
        for place, old, new in sorted(places, reverse=True):
            source = source[:place] + new + source[place + len(old) :]
        return source[1:]

    def right(self) -> Targets:
        return self.oracle() if self.oracle else load(self.reference, self.targets)

    def cases(self, seed: int) -> list[tuple[Law, list[Case]]]:
        """Every law with its cases; equal seeds give equal cases."""
        return [
            (law, list(law.cases(random.Random(f"{seed} {self.name} {i}"))))
            for i, law in enumerate(self.laws)
        ]


_numbers = count(1)


def load(source: str, targets: Iterable[str], filename: str = "") -> Targets:
    """Run `source` as a module of its own and take the `targets` out of it.

    Reports can quote its lines, as they do those of a file.
    """
    filename = filename or f"<solution {next(_numbers)}>"
    linecache.cache[filename] = len(source), None, source.splitlines(True), filename
    namespace: dict[str, Any] = {"__name__": "solution"}
    exec(compile(source, filename, "exec"), namespace)
    return tuple(namespace[name] for name in targets)
