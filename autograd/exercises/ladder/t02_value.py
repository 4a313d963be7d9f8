"""Task 2: a number that remembers what it was computed from."""

import random
from typing import Any

from autograd.exercises.ladder.common import data_case, graph, parents
from autograd.exercises.program import PLAIN, Program, random_program
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task


def keeps(rng: random.Random) -> list[Case]:
    return [data_case(graph(f"a = Value({x})")) for x in (2.0, -1.5, 0.0)]


def computes(rng: random.Random) -> list[Case]:
    two = ("a = Value(2.0)", "b = Value(5.0)")
    return [data_case(graph(*two, "c = a + b")), data_case(graph(*two, "c = a * b"))]


def starts_at_zero(rng: random.Random) -> list[Case]:
    program = graph("a = Value(2.0)", "b = Value(3.0)", "c = a + b", "d = a * b")

    def run(value_class: Any) -> Outcome:
        return {f"{k}.grad": v.grad for k, v in program.run(value_class).items()}

    return [Case(program.source, run)]


def remembers(rng: random.Random) -> list[Case]:
    leaf = graph("a = Value(2.0)")
    two = ("a = Value(2.0)", "b = Value(3.0)")
    programs = [
        leaf,
        graph(*two, "c = a + b"),
        graph(*two, "c = a * b"),
        graph("a = Value(2.0)", "b = a + a"),
        graph(*two, "c = a * b", "d = c + a"),
    ]
    return [parents_case(program) for program in programs]


def parents_case(program: Program) -> Case:
    """Observe whose child each node is, by identity; in any order, since a set is fine here."""

    def run(value_class: Any) -> Outcome:
        nodes = program.run(value_class)
        names = {id(v): k for k, v in nodes.items()}
        return {
            f"parents of {k}": sorted(
                {names.get(id(p), f"some {type(p).__name__}") for p in parents(v)}
            )
            for k, v in nodes.items()
        }

    return Case(program.source, run, program=None)


def expressions(rng: random.Random) -> list[Case]:
    programs = [random_program(rng, n, PLAIN) for n in (2, 3, 4, 5, 6)]
    return [c for program in programs for c in (data_case(program), parents_case(program))]


TASK = Task(
    number=2,
    name="value",
    title="A number that remembers where it came from",
    targets=("Value",),
    text="""\
Write a class `Value` that holds one number and remembers what it was computed from.

- `Value(2.0)` has `.data` (the number), `.grad` (0.0 for now) and `.parents`, an empty tuple.
- `a + b` and `a * b` give a **new** Value: its `.data` is the sum or product, and its
  `.parents` are the Values `a` and `b` themselves.

Python calls `a.__add__(b)` for `a + b`, and `a.__mul__(b)` for `a * b`.""",
    neighbour="""\
# A neighbour: a length in metres that can be added, and keeps its history as text.
class Length:
    def __init__(self, metres, story=""):
        self.metres = metres
        self.story = story or f"{metres} m"

    def __add__(self, other):
        return Length(self.metres + other.metres, f"({self.story} + {other.story})")

total = Length(2) + Length(3)
total.metres, total.story  # (5, '(2 m + 3 m)')
""",
    hints=(
        "Give `__init__` a second parameter with a default: `parents=()`.",
        "`__add__` makes a Value from `self.data + other.data`; what are its parents?",
        "Parents are the Values, not their numbers: `(self, other)`.",
    ),
    solution='''\
class Value:
    """A number that remembers the Values it was computed from."""

    def __init__(self, data, parents=()):
        ### BEGIN SOLUTION
        self.data = data
        self.grad = 0.0
        self.parents = parents
        ### END SOLUTION

    def __add__(self, other):  # self + other
        ### BEGIN SOLUTION
        return Value(self.data + other.data, (self, other))
        ### END SOLUTION

    def __mul__(self, other):  # self * other
        ### BEGIN SOLUTION
        return Value(self.data * other.data, (self, other))
        ### END SOLUTION
''',
    laws=(
        Law("A Value keeps the number that it is given, in `.data`.", keeps),
        Law(
            "`a + b` and `a * b` hold the sum and the product, and a and b stay what they were.",
            computes,
        ),
        Law("Every `.grad` starts at 0.", starts_at_zero),
        Law(
            "`.parents` holds the Values that a result was computed from; a leaf has none.",
            remembers,
        ),
        Law("It works for expressions of any size.", expressions),
    ),
    mistakes=(
        Mistake(
            "mul_adds",
            "`*` adds: the line was copied from `+` and its operator was left as it was.",
            (("self.data * other.data", "self.data + other.data"),),
        ),
        Mistake(
            "bare_number",
            "`a + b` gives a plain number; it must give a new Value that holds this number.",
            (("Value(self.data + other.data, (self, other))", "self.data + other.data"),),
        ),
        Mistake(
            "in_place",
            "`a + b` changes `a` itself. Leave the two as they are and return a new Value.",
            (
                (
                    "return Value(self.data + other.data, (self, other))",
                    "self.data += other.data; self.parents = (self, other); return self",
                ),
            ),
        ),
        Mistake(
            "mul_forgets_parents",
            "`*` forgets its parents: pass `(self, other)` to the new Value, as `+` does.",
            (("self.data * other.data, (self, other)", "self.data * other.data"),),
        ),
        Mistake(
            "never_kept",
            "No parents are kept. Either `__init__` leaves out `self.parents = parents`, or the "
            "parents *of* a and b are passed on; it must be a and b themselves, `(self, other)`.",
            (("self.parents = parents", "self.parents = ()"),),
        ),
        Mistake(
            "numbers_as_parents",
            "The parents are plain numbers; keep the Values themselves: `(self, other)`.",
            ((", (self, other))", ", (self.data, other.data))"),),
        ),
        Mistake(
            "one_parent",
            "Only `other` is remembered: an operation on two Values has two parents.",
            ((", (self, other))", ", (other,))"),),
        ),
        Mistake(
            "own_parent",
            "A leaf is its own parent: it was not computed from anything, so it has none.",
            (("self.parents = parents", "self.parents = parents or (self,)"),),
        ),
        Mistake(
            "grad_one",
            "`.grad` starts at 1. It must start at 0; only the end of a graph gets 1, later.",
            (("self.grad = 0.0", "self.grad = 1.0"),),
        ),
        Mistake(
            "integer",
            "The number is cut down to a whole one: keep `data` as it is given.",
            (("self.data = data", "self.data = int(data)"),),
        ),
        Mistake(
            "tuple_in_tuple",
            "`parents` is a tuple already, and it is put into another one: `self.parents = "
            "parents`.",
            (("self.parents = parents", "self.parents = (parents,)"),),
        ),
        Mistake(
            "noted_in_parents",
            "The result is noted in a and b. It must be the other way round: the result keeps a "
            "and b as its parents, and a and b stay what they were.",
            (
                (
                    "return Value(self.data + other.data, (self, other))",
                    "out = Value(self.data + other.data)\n"
                    "        self.parents = other.parents = (out,)\n        return out",
                ),
            ),
        ),
    ),
)
