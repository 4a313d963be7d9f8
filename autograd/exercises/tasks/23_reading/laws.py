"""Gradients read off a graph, from its end to its leaves."""

import random
from collections.abc import Callable
from typing import Any

from autograd.exercises.experiments import graph
from autograd.exercises.task import Case, Law, Outcome

GRAPH = graph("a = Value(2.0)", "b = Value(-3.0)", "c = a * b", "d = a + c", "e = d * c")


def asks(*names: str) -> Callable[[random.Random], list[Case]]:
    def case(name: str) -> Case:
        def run(gradients: Any) -> Outcome:
            answers = dict(gradients())
            return {f"{name}.grad": answers.get(name)}

        def expected() -> Outcome:
            return {f"{name}.grad": GRAPH.reference()[name].grad}

        return Case(f"{GRAPH.source}\ne.backward()\ngradients()[{name!r}]", run, expected)

    return lambda rng: [case(name) for name in names]


LAWS = (
    Law("The end changes as fast as itself.", asks("e")),
    Law("In a product each gets the number of the other, times what arrives.", asks("d")),
    Law("What is used twice gets the sum of both: c, in d and in e.", asks("c")),
    Law("A leaf that is used once gets its part alone.", asks("b")),
    Law("A leaf that is used twice gets the sum of both: a, in c and in d.", asks("a")),
)

FORBIDDEN = ("autograd.Value",)
