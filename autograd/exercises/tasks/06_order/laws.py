"""Topological order."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd.exercises.experiments import cases_of, graph
from autograd.exercises.program import PLAIN, Program, random_program
from autograd.exercises.task import Case, Law, Outcome


def case(program: Program, ask_for: str = "") -> Case:
    """Observe what is wrong with the order (any right order will do)."""
    root = ask_for or program.root

    def run(topological_order: Callable[[Any], Any]) -> Outcome:
        nodes = program.run(autograd.Value)
        names = {id(v): k for k, v in nodes.items()}
        order = list(topological_order(nodes[root]))
        found = [names.get(id(v), f"some {type(v).__name__}") for v in order]
        below = {id(v) for v in autograd.topological_order(nodes[root])}
        wanted = [k for k, v in nodes.items() if id(v) in below]
        early = [
            f"{names[id(v)]} before its parent {names[id(p)]}"
            for i, v in enumerate(order)
            if id(v) in names
            for p in {id(p): p for p in v.parents}.values()
            if names[id(p)] in found[i + 1 :] and names[id(p)] not in found[:i]
        ]
        return {
            "missing": [n for n in wanted if n not in found],
            "not below it": sorted({n for n in found if n not in wanted}),
            "listed twice": sorted({n for n in found if found.count(n) > 1}),
            "too early": early,
        }

    return Case(
        f"{program.source}\ntopological_order({root})",
        run,
        lambda: dict.fromkeys(("missing", "not below it", "listed twice", "too early"), []),
        program=program,
    )


A, B = "a = Value(2.0)", "b = Value(3.0)"
ALONE = graph(A)
SUM = graph(A, B, "c = a + b")
CHAIN = graph(A, "b = a * a", "c = b * b", "d = c * c")
TWICE = graph(A, "b = a + a", "c = b + b")
SHORTCUT = graph(A, "b = a + a", "c = b * a", "d = c + a")
DIAMOND = graph(A, "b = a * a", "c = a + a", "d = b * c")
EQUAL = graph(A, "b = Value(2.0)", "c = a * b", "d = a + b", "e = c + d")
UNEVEN = graph(A, B, "c = a + b", "d = c * c", "e = d * d", "f = e + c", "g = b * f")


def big(rng: random.Random) -> list[Case]:
    return [case(random_program(rng, n, PLAIN, n_leaves=3)) for n in (3, 4, 5, 6, 8, 10, 12)]


LAWS = (
    Law("A leaf alone is its own order; the root is always in it.", cases_of(case, [ALONE])),
    Law("Parents come before their children.", cases_of(case, [SUM, CHAIN])),
    Law("Each node is listed once, however often it is used.", cases_of(case, [TWICE, DIAMOND])),
    Law(
        "Even where a short way and a long way lead to the same node.",
        cases_of(case, [SHORTCUT, UNEVEN]),
    ),
    Law("Nodes that hold equal numbers are still different nodes.", cases_of(case, [EQUAL])),
    Law(
        "Only what the root was computed from is in the list.",
        lambda rng: [case(CHAIN, "b"), case(DIAMOND, "c")],
    ),
    Law("It holds for any graph.", big),
)

FORBIDDEN = ("autograd.topological_order",)
