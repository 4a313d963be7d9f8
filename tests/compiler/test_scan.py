"""Loops in the IR: values and gradients, by the interpreter and by NumPy; and what is printed."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autograd import Value, jit
from autograd.compiler import reroll
from autograd.compiler.build import Builder
from autograd.compiler.ir import Block, Inst
from autograd.compiler.lower import Lowering
from autograd.compiler.passes import RULES
from autograd.compiler.reverse import Reverse
from autograd.compiler.scan import Carry, Split
from benchmarks.scalar import leaves
from tests.compiler.test_reroll import no_place, traced
from tests.jit.random_loops import random_loop
from tests.jit.recurrences import RECURRENCES

LOOPS = [name for name in RECURRENCES if name != "cholesky"]


def eager(f: Callable[..., Value], args: Sequence[Any]) -> list[float]:
    """[value, gradients of the Values among the arguments]"""
    trained = [v for v in leaves(list(args)) if isinstance(v, Value)]
    for v in trained:
        v.grad = 0.0
    result = f(*args)
    result.backward()
    return [result.data, *[v.grad for v in trained]]


def program(f: Callable[..., Value], args: Sequence[Any]) -> tuple[Block, dict[str, Any]]:
    """The block of f(*args) with its gradients, and its inputs."""
    plain, numbers = traced(f, args)
    trace, graph = reroll.roll(plain, no_place)
    lists = trace.inputs | trace.values
    lowering = Lowering(graph, {name: len(row) for name, row in lists.items()} | {"P": 0})
    given: dict[str, Any] = {name: [numbers[id(x)] for x in row] for name, row in lists.items()}
    given |= {f"{name}_i": row for name, row in given.items()} | {"P": []}
    block = Reverse(lowering.block, list(trace.values)).block.check()
    return block, {name: row for name, row in given.items() if name in block.inputs}


def disagreement(found: Sequence[float], right: Sequence[float]) -> float:
    a, b = np.array(found), np.array(right)
    return float(np.max(np.abs(a - b) / (1 + np.abs(b))))


def interpreted(f: Callable[..., Value], args: Sequence[Any]) -> list[float]:
    block, given = program(f, args)
    loss, _, *gradients = block.evaluate(given)
    return [float(loss), *[float(x) for row in gradients for x in row]]


@pytest.mark.parametrize("name", LOOPS)
def test_the_interpreter_has_the_eager_value_and_gradients(name: str) -> None:
    f, args = RECURRENCES[name](11)
    assert disagreement(interpreted(f, args), eager(f, args)) < 1e-10


@pytest.mark.parametrize("seed", range(12))
def test_random_loops_have_the_eager_value_and_gradients(seed: int) -> None:
    f, args = random_loop(seed)
    right = eager(f, args)
    assert disagreement(eager(jit(f), args), right) < 1e-10
    if seed % 4 == 0:
        assert disagreement(interpreted(f, args), right) < 1e-10


@pytest.mark.parametrize("name", LOOPS)
def test_the_source_has_loops_and_more_steps_make_it_no_longer(name: str) -> None:
    sources = []
    for steps in (12, 36):
        f, args = RECURRENCES[name](steps)
        step = jit(f)
        step(*args)
        sources.append(step.source.splitlines())
    assert len(sources[0]) == len(sources[1])
    assert any(line.strip().startswith("for t") for line in sources[0])


def test_in_a_gru_only_what_goes_round_is_in_the_loop() -> None:
    block, _ = program(*RECURRENCES["gru"](9))
    forward, backward = [inst.attrs["body"] for inst in block.insts if inst.op == "scan"]
    products = [inst for inst in forward.insts if inst.op == "matmul"]
    assert len(products) == 2  # of the state; those of the inputs are one, before the loop
    assert not [inst for inst in backward.insts if inst.attrs.get("turned") == (True, False)]
    outside = [inst for inst in block.insts if inst.attrs.get("turned") == (True, False)]
    assert len(outside) == 3  # gradients of weights: one product each, after the loop


@pytest.mark.parametrize("reverse", [False, True])
def test_what_only_reads_a_carried_value_is_done_outside(reverse: bool) -> None:
    body = Block(
        (
            Inst("c", "data"),
            Inst("x", "data"),
            Inst("k", "const", attrs={"value": np.array(3.0)}),
            Inst("n", "map", ("c", "x"), attrs={"fn": "*"}),
            Inst("y", "map", ("c", "x"), attrs={"fn": "+"}),
        ),
        ("n", "y"),
    )
    b = Builder(RULES)
    first, xs = b.input("data", "first", ()), b.input("data", "xs", (4,))
    values = {"x": (xs, True)}
    split = Split(b, body, [Carry("c", "n", first)], values, values.__getitem__, 4, reverse)
    split.emit(["y"])
    ends = [split.stack("y"), split.total("y"), split.total("k"), split.last(0)]
    block = b.block(ends).check()
    (scan,) = [inst for inst in block.insts if inst.op == "scan"]
    assert "y" not in scan.attrs["body"].by_name
    stack, total, constants, last = block.evaluate({"first": 2.0, "xs": [1.0, 3.0, 5.0, 7.0]})
    carried = [210.0, 70.0, 14.0, 2.0] if reverse else [2.0, 2.0, 6.0, 30.0]
    assert stack.tolist() == [c + x for c, x in zip(carried, (1.0, 3.0, 5.0, 7.0))]
    assert (total, constants, last) == (stack.sum(), 12.0, 210.0)
