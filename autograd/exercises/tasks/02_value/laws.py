"""A number that remembers what it was computed from."""

import random
from typing import Any

from autograd.exercises.experiments import SHARED, data_case, graph, parents
from autograd.exercises.program import PLAIN, Program, random_program
from autograd.exercises.task import Case, Law, Outcome


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


def apart() -> Case:
    """Two leaves of the same number, and what is computed from each."""

    def run(value_class: Any) -> Outcome:
        a, b = value_class(2.0), value_class(2.0)
        c, d = a * a, b * b
        a.grad = 7.0
        return {
            "a is b": a is b,
            "c is d": c is d,
            "b.grad": b.grad,
            "parents of c hold b": any(p is b for p in parents(c)),
            "parents of d hold a": any(p is a for p in parents(d)),
            "parents of b": len(parents(b)),
        }

    return Case("a, b = Value(2.0), Value(2.0)\nc, d = a * a, b * b\na.grad = 7.0", run)


def expressions(rng: random.Random) -> list[Case]:
    programs = [random_program(rng, n, PLAIN) for n in (2, 3, 4, 5, 6)]
    return [c for program in programs for c in (data_case(program), parents_case(program))]


LAWS = (
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
    Law(
        "Every Value is one of its own, with a 0 in it or below 0, too.",
        lambda rng: [
            data_case(graph("a = Value(-2.0)", "b = Value(2.0)", "c = a + b", "d = c * a")),
            parents_case(graph("a = Value(2.0)", "b = Value(-2.0)", "c = a + b", "d = c * a")),
            apart(),
        ],
        SHARED,
    ),
)

FORBIDDEN = ("autograd.Value",)
