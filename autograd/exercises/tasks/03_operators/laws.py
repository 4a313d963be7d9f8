"""The rest of the operators, with plain numbers on either side."""

import random
from typing import Any

from autograd.exercises.experiments import SIGNS, cases_of, data_case, graph, parents
from autograd.exercises.program import ARITHMETIC, WITH_NUMBERS, Program, random_program
from autograd.exercises.task import Case, Law, Outcome

A, B = "a = Value(3.0)", "b = Value(4.0)"


def reaches(program: Program) -> Case:
    """Observe which of the program's leaves can be reached from its root along the parents."""

    def run(value_class: Any, *_: Any) -> Outcome:
        nodes = program.run(value_class)
        ahead, seen = [nodes[program.root]], set()
        while ahead:
            node = ahead.pop()
            if id(node) not in seen:
                seen.add(id(node))
                ahead.extend(parents(node))
        leaves = [name for name in nodes if f"{name} = Value(" in program.source]
        found = [n for n in leaves if id(nodes[n]) in seen]
        grads = {f"{k}.grad": v.grad for k, v in nodes.items()}  # 0: nobody has asked for them
        return {f"{program.root} was computed from": found} | grads

    return Case(program.source, run)


def anything(rng: random.Random) -> list[Case]:
    programs = [random_program(rng, n, (*ARITHMETIC, *WITH_NUMBERS)) for n in (2, 3, 4, 5, 6)]
    return [c for program in programs for c in (data_case(program), reaches(program))]


def below(expression: str, a: float = -3.0) -> Case:
    return data_case(graph(f"a = Value({a})", f"c = {expression}"))


def one(*expressions: str) -> list[Program]:
    return [graph(A, *([B] if "b" in e else []), f"c = {e}") for e in expressions]


LAWS = (
    Law(
        "Values combine with Values.",
        cases_of(data_case, one("a + b", "a * b", "a - b", "a / b", "a ** 2", "-a")),
    ),
    Law(
        "A plain number may stand on the right.",
        cases_of(data_case, one("a + 2", "a * 2", "a - 2", "a / 2", "a + 0.5", "a * 1.5")),
    ),
    Law(
        "A plain number may stand on the left.",
        cases_of(data_case, one("2 + a", "2 * a", "2 - a", "2 / a", "0.5 - a", "1.5 / a")),
    ),
    Law(
        "Powers may be negative or broken, and sum() works.",
        cases_of(data_case, one("a ** -1", "a ** 0.5", "a ** 3", "0 + a + b")),
    ),
    Law(
        "Whatever the operator, the Values it was computed from can be reached from the result.",
        cases_of(
            reaches,
            one(
                "a + b",
                "a * b",
                "a - b",
                "a / b",
                "a ** 2",
                "-a",
                "2 - a",
                "2 / a",
                "a + 2",
                "2 * a",
            ),
        ),
    ),
    Law("It works for expressions of any size.", anything),
    Law(
        "It works below 0, at 0 and between 0 and 1, and the Values stay what they were.",
        lambda rng: [
            *(below(e) for e in ("a ** 2", "a ** 3", "a ** -1", "2 - a", "2 / a", "-a", "a - 4")),
            *(below(e, 0.0) for e in ("a + 2", "a * 2", "2 - a", "a ** 2", "0 * a")),
            *(below(e, 0.25) for e in ("a ** 0.5", "1 / a", "1 - a")),
        ],
        SIGNS,
    ),
)

FORBIDDEN = ("autograd.Value",)
