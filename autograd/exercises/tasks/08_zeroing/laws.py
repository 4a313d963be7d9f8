"""Zeroing and accumulation."""

import random
from collections.abc import Callable
from typing import Any

import autograd
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
from autograd.exercises.program import EVERYTHING, Program, random_program
from autograd.exercises.task import Case, Law, Outcome


def engine_zero_grad(values: list[autograd.Value]) -> None:
    for value in values:
        value.grad = 0.0


def steps_case(program: Program, *steps: str) -> Case:
    """Run the program, then the `steps` (Python lines); observe every gradient."""

    def run(value_class: Any, zero_grad: Callable[[Any], Any]) -> Outcome:
        nodes = program.run(value_class)
        exec("\n".join(steps), {"zero_grad": zero_grad, "Value": value_class}, nodes)
        outcome = {f"{k}.grad": v.grad for k, v in nodes.items()}
        return outcome | {f"{k}.data": v.data for k, v in nodes.items()}

    ends = [step for step in steps if step.endswith(".backward()")]
    same_end = len(set(ends)) == 1 and ends[0].startswith(
        program.root
    )  # else the drawing lacks one
    text = "\n".join([program.source, *steps])
    return Case(text, run, program=program if same_end else None)


A, B = "a = Value(2.0)", "b = Value(3.0)"
SUM = graph(A, B, "c = a + b")
SQUARES = graph(A, "b = a * a", "c = b * b")
COMMON = graph(A, B, "c = a * b", "d = c + a", "e = c * c")


def fresh(rng: random.Random) -> list[Case]:
    fixed = [SUM, graph(A, "b = a + a", "c = b + b"), COMMON]
    one = [graph(A, "b = Value(-0.5)", f"c = {t.format(a='a', b='b')}") for t in EVERYTHING]
    more = [graph("a = Value(-1.0)", "b = a.relu()"), graph("a = Value(0.0)", "b = a.relu()")]
    programs = [*fixed, *one, *more, *(random_program(rng, n) for n in (3, 5, 7))]
    return [*map(gradient_case, programs), *map(data_case, one)]


def law(*cases: tuple[Program, tuple[str, ...]]) -> Callable[[random.Random], list[Case]]:
    return lambda rng: [steps_case(program, *steps) for program, steps in cases]


def random_twice(rng: random.Random) -> list[Case]:
    cases = []
    for n in (2, 3, 4, 5, 6):
        program = random_program(rng, n)
        again = (f"{program.root}.backward()",)
        cases.append(steps_case(program, *again, *again))
        cases.append(steps_case(program, *again, "zero_grad([a, b])", *again))
    return cases


UNEVEN = graph(A, B, "c = a * b", "d = c + a", "e = c * d", "f = e + c")


def ways(rng: random.Random) -> list[Case]:
    return [many_ways()]


LAWS = (
    Law("On a fresh graph nothing changes: the gradients are those of task 7.", fresh),
    Law(
        "Two calls on one graph: the leaves have exactly twice the gradient.",
        law(
            (SUM, ("c.backward()", "c.backward()")),
            (SQUARES, ("c.backward()", "c.backward()")),
            (SQUARES, ("c.backward()", "c.backward()", "c.backward()")),
        ),
    ),
    Law(
        "Two graphs that share a leaf: its gradients add up.",
        law((graph(A, B, "c = a * b", "d = a + b"), ("c.backward()", "d.backward()"))),
    ),
    Law(
        "Two ends that share an inner node: it starts afresh, the leaves add up.",
        law((COMMON, ("d.backward()", "e.backward()"))),
    ),
    Law(
        "zero_grad sets the gradients of the given Values to 0, and only these.",
        law(
            (SUM, ("c.backward()", "zero_grad([a, b])")),
            (SUM, ("c.backward()", "zero_grad([b])")),
            (SUM, ("c.backward()", "zero_grad((a,))")),
            (SQUARES, ("c.backward()", "zero_grad([b])")),
        ),
    ),
    Law(
        "After zero_grad the next call gives what the first one gave.",
        law(
            (SQUARES, ("c.backward()", "zero_grad([a])", "c.backward()")),
            (COMMON, ("e.backward()", "zero_grad([a, b])", "e.backward()")),
        ),
    ),
    Law("It holds for any graph.", random_twice),
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

ORACLE = (autograd.Value, engine_zero_grad)

FORBIDDEN = ("autograd.Value",)
