"""The whole of backward()."""

import random

from autograd.exercises.experiments import (
    DETOURS,
    KEPT,
    SHARED,
    SIGNS,
    cases_of,
    data_case,
    gradient_case,
    graph,
    many_ways,
    twice_on_one_graph,
    two_graphs,
)
from autograd.exercises.program import EVERYTHING, PLAIN, random_program
from autograd.exercises.task import Case, Law

A, B = "a = Value(2.0)", "b = Value(3.0)"


def small(rng: random.Random) -> list[Case]:
    return [gradient_case(random_program(rng, n, PLAIN)) for n in (2, 3, 3, 4, 4, 5, 6)]


def everything(rng: random.Random) -> list[Case]:
    one = [graph(A, "b = Value(-0.5)", f"c = {t.format(a='a', b='b')}") for t in EVERYTHING]
    many = [random_program(rng, n, EVERYTHING) for n in (2, 3, 4, 5, 6, 7, 8, 9)]
    below = [
        graph("a = Value(-1.0)", "b = a.relu()"),
        graph("a = Value(0.0)", "b = a.relu()"),
        graph("a = Value(0.5)", "b = a.relu()"),
    ]
    values = [data_case(p) for p in [*one, *below]]
    return [*values, *(gradient_case(program) for program in [*one, *below, *many])]


UNEVEN = graph(A, B, "c = a * b", "d = c + a", "e = c * d", "f = e + c")


def ways(rng: random.Random) -> list[Case]:
    return [many_ways()]


LAWS = (
    Law(
        "The end of the graph changes as fast as itself: its own gradient is 1.",
        cases_of(gradient_case, [graph(A)]),
    ),
    Law(
        "One operation: each parent gets its derivative.",
        cases_of(gradient_case, [graph(A, B, "c = a + b"), graph(A, B, "c = a * b")]),
    ),
    Law(
        "A chain: gradients are handed on, step by step.",
        cases_of(
            gradient_case,
            [
                graph(A, B, "c = a * b", "d = c * 5"),
                graph(A, "b = a * 3", "c = b * 5", "d = c * 7"),
            ],
        ),
    ),
    Law(
        "A Value that is used twice gets the sum of both paths.",
        cases_of(
            gradient_case,
            [
                graph(A, "b = a + a"),
                graph(A, "b = a * a"),
                graph(A, B, "c = a * b", "d = a + c"),
            ],
        ),
    ),
    Law(
        "A node hands on only when it has received all of its gradient.",
        cases_of(
            gradient_case,
            [
                graph(A, "b = a + a", "c = b + b"),
                graph(A, "b = a * a", "c = b * b", "d = c * b"),
                graph(A, B, "c = a * b", "d = c + a", "e = c * d", "f = e + c"),
            ],
        ),
    ),
    Law("It holds for any graph of sums and products.", small),
    Law("It holds for every operation.", everything),
    Law(
        "Asked again, with all gradients set to 0 in between, it gives the same.",
        cases_of(twice_on_one_graph, [graph(A, "b = a * a", "c = b * b"), UNEVEN]),
        KEPT,
    ),
    Law(
        "Two graphs may live at the same time.",
        lambda rng: [two_graphs(graph(A, "b = a * a", "c = b + a"), graph(B, "c = b * b"))],
        SHARED,
    ),
    Law("It takes no detours: two ways into each node are a million ways in all.", ways, DETOURS),
    Law(
        "It holds below 0, at 0, and where nothing is to be handed on.",
        cases_of(
            gradient_case,
            [
                graph("a = Value(-3.0)", "b = a ** 2", "c = b * a"),
                graph("a = Value(-2.0)", "b = a ** 3"),
                graph(A, "b = Value(-2.0)", "c = a + b", "d = c * 3", "e = d + b"),
                graph("a = Value(0.0)", B, "c = a * b", "d = c + b"),
                graph("a = Value(0.25)", "b = a ** 0.5", "c = a.log()", "d = b * c"),
                graph(A, "b = a * -1", "c = a + b", "d = c * c", "e = d + a"),
            ],
        ),
        SIGNS,
    ),
)

FORBIDDEN = ("autograd.Value",)
