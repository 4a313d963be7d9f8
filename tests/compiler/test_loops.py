"""Loops: their transpose against finite differences, and as NumPy's `for`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd.compiler import targets
from autograd.compiler.build import Builder
from autograd.compiler.ir import Block
from autograd.compiler.operations import Inst, View
from autograd.compiler.passes import RULES
from autograd.compiler.reverse import Reverse

N, WIDTH = 4, 3


def body_of(make: Callable[..., Any], *shapes: tuple[int, ...]) -> Block:
    """make(builder, *inputs) -> (next carries and results)."""
    b = Builder(RULES)
    inputs = [b.input("data", f"x{k}", shape) for k, shape in enumerate(shapes)]
    return b.block(make(b, *inputs))


def recurrent(b: Builder, h: Inst, w: Inst, x: Inst) -> Any:
    new = b.map("tanh", b.map("+", b.matmul(h, w, (False, True)), x))
    return new, b.map("*", new, h)


def scan(b: Builder, body: Block, args: Any, carries: int, fixed: int, reverse: bool) -> Inst:
    return b.emit("scan", args, body=body, length=N, carries=carries, fixed=fixed, reverse=reverse)


def cell(reverse: bool) -> Any:
    """An RNN cell with a batch of two; its weights, what it starts from and what it reads are
    trained, and both its last state and all its results are used."""

    def program(b: Builder, p: Inst) -> Inst:
        h, w = b.view(p, View(0, (3, 1), (2, 3))), b.view(p, View(6, (3, 1), (3, 3)))
        xs = b.map("sin", b.view(p, View(0, (3, 0, 1), (N, 2, 3))))
        body = body_of(recurrent, (2, 3), (3, 3), (2, 3))
        loop = scan(b, body, [h, w, xs], 1, 1, reverse)
        last, all_ = [b.emit("item", [loop], index=k) for k in (0, 1)]
        squares = b.reduce(b.map("*", all_, b.map("cos", all_)), [0, 1, 2])
        return b.map("+", b.reduce(b.map("*", last, last), [0, 1]), squares)

    return program


def scalars(b: Builder, p: Inst) -> Inst:
    """Two carried numbers of which each makes the other's next, with a fixed one."""

    def step(b: Builder, x: Inst, y: Inst, rate: Inst) -> Any:
        product = b.map("*", rate, b.map("*", x, y))
        return b.map("+", x, product), b.map("-", b.map("*", 0.9, y), product)

    x, y, rate = [b.view(p, View(k, (), ())) for k in range(3)]
    loop = scan(b, body_of(step, (), (), ()), [x, y, rate], 2, 1, False)
    ends = [b.emit("item", [loop], index=k) for k in (0, 1)]
    return b.map("*", ends[0], b.map("exp", ends[1]))


def nested(b: Builder, p: Inst) -> Inst:
    """A loop in a loop: what the inner one keeps, the outer one keeps for all its steps."""

    def outer(b: Builder, h: Inst, w: Inst, x: Inst) -> Any:
        body = body_of(recurrent, (3,), (3, 3), (3,))
        steps = b.map("*", b.spread(x, (N, 3)), 0.5)
        loop = scan(b, body, [h, w, steps], 1, 1, False)
        kept = b.emit("item", [loop], index=1)
        return b.emit("item", [loop], index=0), b.reduce(b.map("*", kept, kept), [0])

    h, w = b.view(p, View(0, (1,), (3,))), b.view(p, View(3, (3, 1), (3, 3)))
    xs = b.map("sin", b.view(p, View(0, (3, 1), (N, 3))))
    loop = scan(b, body_of(outer, (3,), (3, 3), (3,)), [h, w, xs], 1, 1, False)
    last, kept = [b.emit("item", [loop], index=k) for k in (0, 1)]
    return b.map("+", b.reduce(last, [0]), b.reduce(b.map("*", kept, kept), [0, 1]))


def only_kept(b: Builder, p: Inst) -> Inst:
    """A loop of which only a kept result is used, and which reads numbers nobody trains."""

    def step(b: Builder, h: Inst, x: Inst) -> Any:
        return b.map("*", h, x), b.map("sin", b.map("+", h, x))

    start = b.view(p, View(2, (), ()))
    loop = scan(b, body_of(step, (), ()), [start, b.const(np.arange(1.0, N + 1))], 1, 0, False)
    return b.reduce(b.emit("item", [loop], index=1), [0])


CASES = {"cell": cell(False), "scalars": scalars, "nested": nested,
         "only kept": only_kept}  # fmt: skip


def built(case: str) -> tuple[Block, Reverse]:
    b = Builder(RULES)
    forward = b.block([CASES[case](b, b.input("param", "P", (15,)))]).check()
    return forward, Reverse(forward)


@pytest.mark.parametrize("case", CASES)
def test_the_transpose_of_a_loop_agrees_with_finite_differences(case: str) -> None:
    forward, reverse = built(case)
    reverse.block.check()
    at = np.random.default_rng(5).uniform(0.2, 0.9, 15)
    value, gradient = reverse.block.evaluate({"P": at})
    assert value == pytest.approx(forward.evaluate({"P": at})[0], rel=1e-14)
    for i, step in enumerate(np.eye(15) * 1e-5):
        high, low = [forward.evaluate({"P": at + s})[0] for s in (step, -step)]
        assert gradient[i] == pytest.approx((high - low) / 2e-5, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_a_loop_prints_as_a_loop_that_computes_the_same(case: str) -> None:
    _, reverse = built(case)
    printed = targets.find("numpy").emit(reverse.block, {})
    at = np.random.default_rng(6).uniform(0.2, 0.9, 15)
    gradient = np.zeros(15)
    steps = printed.make(at, gradient)()
    value, _ = next(steps), next(steps)
    wanted = reverse.block.evaluate({"P": at})
    assert value == pytest.approx(wanted[0], rel=1e-13)
    assert np.allclose(gradient, wanted[1], rtol=1e-12, atol=1e-14)
    assert printed.source.count("for ") == (4 if case == "nested" else 2)
    assert f"reversed(range({N}))" in printed.source


def test_the_weights_of_a_cell_get_one_product_of_all_steps() -> None:
    """a.T @ x, added up over the steps, is one product of all rows, outside of the loop."""
    _, reverse = built("cell")
    loops = [inst for inst in reverse.block.insts if inst.op == "scan"]
    inside = [x for x in loops[1].attrs["body"].insts if x.op == "matmul"]
    assert len(inside) == 1 and "matmul" in {x.op for x in reverse.block.insts}


def test_what_has_no_transpose_says_so() -> None:
    """Lowering makes loops that run forwards; only their transposes run backwards."""
    b = Builder(RULES)
    with pytest.raises(NotImplementedError, match="backwards"):
        Reverse(b.block([cell(True)(b, b.input("param", "P", (15,)))]))
