"""Loops in time: what is found, and that a trace with loops computes what the trace computed."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Value
from autograd.compiler import group, reroll
from autograd.compiler.trace import DATA, Integer, Loop, Number, Symbol, Trace, symbol, trace
from autograd.ops import OPS
from tests.jit.random_loops import random_loop
from tests.jit.recurrences import RECURRENCES


def mapped(x: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(x, dict):
        return {key: mapped(item, change) for key, item in x.items()}
    if isinstance(x, list | tuple):
        return [mapped(item, change) for item in x]
    return change(x)


def traced(f: Callable[..., Any], args: Sequence[Any]) -> tuple[Trace, dict[int, float]]:
    """The trace of f(*args), and the numbers that its symbols stand for, by id."""
    numbers: dict[int, float] = {}

    def listed(values: list[Symbol], plain: list[Symbol], x: Any) -> Symbol:
        kind = Symbol if isinstance(x, Value) else Integer if type(x) is int else Number
        new = symbol(kind)
        (values if isinstance(x, Value) else plain).append(new)
        numbers[id(new)] = found[id(x)] if isinstance(x, Value) else x
        return new

    found: dict[int, float] = {}
    mapped(args, lambda x: found.update({id(x): x.data}) if isinstance(x, Value) else None)

    def run(trace: Trace) -> Any:
        given = []
        for k, x in enumerate(args):
            values: list[Symbol] = []
            plain: list[Symbol] = []
            given.append(mapped(x, partial(listed, values, plain)))
            trace.values |= {f"V{k}": values} if values else {}
            trace.inputs |= {f"x{k}": plain} if plain else {}
        return f(*given)

    return trace(run), numbers


def no_place(parameters: list[Value]) -> np.ndarray:
    return np.arange(len(parameters))


class Run:
    """The numbers of a trace with loops, one by one, as it is written."""

    def __init__(self, trace: Trace, numbers: dict[int, float]) -> None:
        self.trace, self.numbers = trace, dict(numbers)
        self.loop_of = {id(v): loop for loop in trace.loops for v in stacked(loop)}

    def of(self, end: Value) -> float:
        todo = [end]
        while todo:
            v = todo.pop()
            if id(v) in self.numbers:
                continue
            loop = self.loop_of.get(id(v))
            needed = loop.operands() if loop else self.operands(v)
            missing = [x for x in needed if id(x) not in self.numbers]
            todo += [v, *missing] if missing else []
            if not missing and loop:
                self.run(loop)
            elif not missing:
                self.numbers[id(v)] = self.compute(v)
        return self.numbers[id(end)]

    def operands(self, v: Any) -> list[Value]:
        return [*self.trace.operands(v), *self.trace.tables.get(id(v), ())]

    def compute(self, v: Any) -> float:
        args = [self.numbers[id(x)] for x in self.trace.operands(v)]
        if v.op == "take":
            return self.numbers[id(self.trace.tables[id(v)][int(args[0])])]
        return OPS[v.op].forward(*args) if v.op else DATA.__get__(v)

    def run(self, loop: Loop) -> None:
        lists = loop.body.values | loop.body.inputs
        carried = {name: self.all(first) for name, (first, _) in loop.carried.items()}
        for t in range(loop.count):
            given = {name: self.all(rows[t]) for name, rows in loop.steps.items()}
            given |= {name: self.all(row) for name, row in loop.fixed.items()} | carried
            leaves = {id(x): y for name, row in given.items() for x, y in zip(lists[name], row)}
            body = Run(loop.body, leaves)
            carried = {name: body.all(nexts) for name, (_, nexts) in loop.carried.items()}
            for nodes, rows in loop.stacks.values():
                self.numbers |= zip(map(id, rows[t]), body.all(nodes))

    def all(self, values: list[Value]) -> list[float]:
        return [self.of(v) for v in values]


def stacked(loop: Loop) -> list[Value]:
    return [v for _, rows in loop.stacks.values() for row in rows for v in row]


def check(f: Callable[..., Value], args: Any) -> Trace:
    """A trace of f(*args) with its loops, which computes what f does, to the last bit."""
    plain, numbers = traced(f, args)
    rolled, graph = reroll.roll(plain, no_place)
    graph.order()
    assert Run(rolled, numbers).of(rolled.root) == pytest.approx(
        f(*args).data, rel=1e-13, nan_ok=True
    )
    return rolled


def size(trace: Trace) -> int:
    """How many kinds there are, in the loops, too."""
    graph = group.Graph(trace, no_place)
    return len(graph.kinds) + sum([size(loop.body) for loop in trace.loops])


@pytest.mark.parametrize("name", RECURRENCES)
def test_a_trace_with_loops_computes_the_same(name: str) -> None:
    assert check(*RECURRENCES[name](11)).loops or name == "cholesky"


@pytest.mark.parametrize("name", [name for name in RECURRENCES if name != "cholesky"])
def test_more_steps_make_no_longer_program(name: str) -> None:
    short, long = [reroll.roll(traced(*RECURRENCES[name](n))[0], no_place)[0] for n in (12, 36)]
    assert size(long) == size(short)
    assert (
        sum([loop.count for loop in long.loops]) - sum([loop.count for loop in short.loops]) >= 12
    )


def test_the_loop_of_lotka_volterra_is_the_one_that_was_written() -> None:
    (loop,) = reroll.roll(traced(*RECURRENCES["lotka_volterra"](60))[0], no_place)[0].loops
    assert loop.count == 60
    assert [len(first) for first, _ in loop.carried.values()] == [1, 1]
    assert [len(row) for row in loop.fixed.values()] == [4] and not loop.steps


@pytest.mark.parametrize("seed", range(16))
def test_random_loops(seed: int) -> None:
    check(*random_loop(seed))


def test_a_net_has_no_loop() -> None:
    model = nn.MLP(3, [4, 4, 4, 1], rng=random.Random(1))
    points = [[0.1 * i, 0.2, 0.3 - 0.1 * i] for i in range(6)]
    assert not check(lambda xs: sum(model(x) ** 2 for x in xs), (points,)).loops
