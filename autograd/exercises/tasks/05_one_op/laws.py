"""Backward of one operation."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd.exercises.experiments import SHARED, SIGNS, data_case, graph, parents
from autograd.exercises.program import Program
from autograd.exercises.task import Case, Law, Outcome

A, B = "a = Value(3.0)", "b = Value(-2.0)"
ALL = (
    "a + b",
    "a * b",
    "a ** 2",
    "a ** 3",
    "a ** -1",
    "a.tanh()",
    "a.exp()",
    "a.log()",
    "a.relu()",
    "b.relu()",
    "b.tanh()",
    "b.exp()",
)


def program(expression: str, a: str = A, b: str = B) -> Program:
    return graph(
        *([a] if "a" in expression else []),
        *([b] if "b" in expression else []),
        f"c = {expression}",
    )


def case(p: Program, upstream: float = 1.0, before: float = 0.0) -> Case:
    """Give c a gradient and let it hand it on, with `before` in a and b already."""
    leaves = p.source.split("\n")[:-1]
    held = [f"{line[0]}.grad = {before:g}" for line in leaves if before]
    text = "\n".join([p.source, *held, f"c.grad = {upstream:g}", "c._backward()"])

    def run(value_class: Any) -> Outcome:
        nodes = p.run(value_class)
        for line in leaves:
            nodes[line[0]].grad += before
        nodes["c"].grad = upstream
        nodes["c"]._backward()
        found = {f"{line[0]}.grad": nodes[line[0]].grad for line in leaves}
        return found | {"c.grad": nodes["c"].grad}

    def expected() -> Outcome:
        nodes = p.run(autograd.Value)
        nodes["c"].backward()
        right = {f"{line[0]}.grad": before + upstream * nodes[line[0]].grad for line in leaves}
        return right | {"c.grad": upstream}

    return Case(text, run, expected, program=p)


def law(*expressions: str, **how: float) -> Callable[[random.Random], list[Case]]:
    return lambda rng: [case(program(e), **how) for e in expressions]


def computes(rng: random.Random) -> list[Case]:
    both = (*ALL, "a - b", "a / b", "-a", "2 - a", "2 / a", "2 + a", "2 * a")
    return [data_case(program(e)) for e in both]


def one_step(rng: random.Random) -> list[Case]:
    """A node between two operations: what c hands on stops there."""

    def run(value_class: Any) -> Outcome:
        nodes = p.run(value_class)
        nodes["c"].grad = 1.0
        nodes["c"]._backward()
        return {f"{name}.grad": node.grad for name, node in nodes.items()}

    p = graph(A, "b = a * a", "c = b * b")
    return [Case(f"{p.source}\nc.grad = 1\nc._backward()", run, program=p)]


BELOW = ("a = Value(-3.0)", "a = Value(-0.5)", "a = Value(0.0)")


def by_hand(p: Program) -> Case:
    """Every node hands on, the end first: what `backward()` will do in the next task."""

    def run(value_class: Any) -> Outcome:
        nodes = p.run(value_class)
        nodes["c"].grad = 1.0
        for node in reversed(below(nodes["c"])):
            if parents(node):
                node._backward()
        return {f"{name}.grad": nodes[name].grad for name in nodes if name != "c"}

    def expected() -> Outcome:
        nodes = p.reference()
        return {f"{name}.grad": nodes[name].grad for name in nodes if name != "c"}

    text = f"{p.source}\nc.grad = 1\n# then _backward() of every node, the end first"
    return Case(text, run, expected, program=p)


def below(node: Any) -> list[Any]:
    """All that the node was computed from, parents first."""
    order: list[Any] = []

    def visit(node: Any) -> None:
        if not any(node is seen for seen in order):
            for parent in parents(node):
                visit(parent)
            order.append(node)

    visit(node)
    return order


def two_nodes() -> Case:
    """Two products alive; the first hands on after the second was made."""

    def run(value_class: Any) -> Outcome:
        a, b, c, d = (value_class(x) for x in (2.0, 3.0, 5.0, 7.0))
        first, second = a * b, c * d
        first.grad = second.grad = 1.0
        first._backward()
        second._backward()
        return {f"{n}.grad": v.grad for n, v in zip("abcd", (a, b, c, d))}

    lines = "a, b, c, d = Value(2), Value(3), Value(5), Value(7)\nx, y = a * b, c * d"
    return Case(f"{lines}\nx.grad = y.grad = 1\nx._backward()\ny._backward()", run)


def kink(rng: random.Random) -> list[Case]:
    return [case(program("a.relu()", f"a = Value({x})"), upstream=10.0) for x in (0.0, 0.5)]


def anywhere(rng: random.Random) -> list[Case]:
    cases = []
    for expression in ALL:
        a, b = round(rng.uniform(0.2, 3), 2), round(rng.uniform(-3, -0.2), 2)
        p = program(expression, f"a = Value({a})", f"b = Value({b})")
        cases.append(case(p, upstream=rng.choice((-2.0, 0.5, 3.0)), before=rng.choice((0.0, 1.0))))
    return cases


LAWS = (
    Law("Every operation computes the right number.", computes),
    Law("With c.grad = 1, each parent gets the derivative of c with respect to it.", law(*ALL)),
    Law("The chain rule: what arrives is the derivative times c.grad.", law(*ALL, upstream=10.0)),
    Law("Where relu bends, at 0, nothing passes; right of it everything does.", kink),
    Law(
        "What a Value already has in `.grad` stays; the new part is added.",
        law(
            "a + b",
            "a * b",
            "a ** 2",
            "a.tanh()",
            "a.exp()",
            "a.log()",
            "a.relu()",
            before=100.0,
        ),
    ),
    Law("A Value that is used twice gets both parts.", law("a + a", "a * a")),
    Law("Only the parents get their part; nobody behind them does yet.", one_step),
    Law("Plain numbers do no harm.", law("a * 4", "4 * a", "a + 4", "-a")),
    Law("It holds for any numbers.", anywhere),
    Law(
        "It holds below 0, at 0 and between 0 and 1.",
        lambda rng: [
            *(case(program(e, a), 2.0) for a in BELOW for e in ("a * b", "a ** 2", "a ** 3")),
            *(case(program(e, "a = Value(0.25)")) for e in ("a ** 0.5", "a.log()", "a.tanh()")),
            *(case(program(e, "a = Value(0.0)"), 3.0) for e in ("a + b", "a * b", "a.exp()")),
            case(program("a + b", b="b = Value(-3.0)"), 2.0),
        ],
        SIGNS,
    ),
    Law(
        "What is made of several operations hands on through all of them.",
        lambda rng: [by_hand(program(e)) for e in ("a - b", "2 - a", "a / b", "2 / a", "a - 4")],
    ),
    Law(
        "Each Value keeps to its own parents, however many there are.",
        lambda rng: [two_nodes()],
        SHARED,
    ),
)

FORBIDDEN = ("autograd.Value",)
