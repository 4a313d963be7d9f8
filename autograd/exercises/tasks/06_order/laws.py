"""Topological order."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd.exercises.experiments import (
    DETOURS,
    DOUBLED,
    DOUBLED_TEXT,
    KEPT,
    cases_of,
    graph,
    parents,
)
from autograd.exercises.program import PLAIN, Program, random_program
from autograd.exercises.task import Case, Law, Outcome


class Node:
    """A Value as the student knows it, on which marks can be made; there are sums and products."""

    def __init__(self, data: float, parents: tuple["Node", ...] = ()) -> None:
        self.data, self.grad, self.parents = data, 0.0, parents

    def __add__(self, other: "Node") -> "Node":
        return Node(self.data + other.data, (self, other))

    def __mul__(self, other: "Node") -> "Node":
        return Node(self.data * other.data, (self, other))


Node.__name__ = "Value"  # as reports call it


def case(program: Program, ask_for: str = "") -> Case:
    """Observe what is wrong with the order (any right order will do)."""
    root = ask_for or program.root

    def run(topological_order: Callable[[Any], Any]) -> Outcome:
        nodes = program.run(Node)
        names = {id(v): k for k, v in nodes.items()}
        order = list(topological_order(nodes[root]))
        found = [names.get(id(v), f"some {type(v).__name__}") for v in order]
        below = {id(v) for v in autograd.topological_order(nodes[root], parents=parents)}
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


def twice(program: Program) -> Case:
    """The same nodes, asked for a second time."""

    def run(topological_order: Callable[[Any], Any]) -> Outcome:
        nodes = program.run(Node)
        root = nodes[program.root]
        before = {k: {**vars(v)} for k, v in nodes.items()}
        first = [id(v) for v in topological_order(root)]
        after = {k: {**vars(v)} for k, v in nodes.items()}
        second = [id(v) for v in topological_order(root)]
        names = {id(v): k for k, v in nodes.items()}
        return {
            "missing the second time": [k for k, v in nodes.items() if id(v) not in second],
            "listed twice": sorted(names[i] for i in {*second} if second.count(i) > 1),
            "the order has as many nodes": len(first) == len(second),
            "changed in the graph": [k for k in nodes if before[k] != after[k]],
        }

    names = ("missing the second time", "listed twice", "changed in the graph")
    right: Outcome = dict.fromkeys(names, []) | {"the order has as many nodes": True}
    call = f"topological_order({program.root})"
    return Case(f"{program.source}\n{call}\n{call}", run, lambda: right, program=program)


def many_ways(rng: random.Random) -> list[Case]:
    def run(topological_order: Callable[[Any], Any]) -> Outcome:
        return {"number of nodes": len(list(topological_order(DOUBLED.run(Node)["b"])))}

    return [Case(f"{DOUBLED_TEXT}\ntopological_order(b)", run, lambda: {"number of nodes": 41})]


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
    Law(
        "Asked twice, it answers the same, and the graph is as it was.",
        lambda rng: [twice(SHORTCUT), twice(UNEVEN)],
        KEPT,
    ),
    Law(
        "It takes no detours: two ways into each node are a million ways in all.",
        many_ways,
        DETOURS,
    ),
)

FORBIDDEN = ("autograd.topological_order",)
