"""The program as data: it prints, refuses what is no program, and runs by its definitions."""

from typing import Any

import numpy as np
import pytest

from autograd.compiler.ir import Block, Inst, View


def inst(name: str, op: str, args: str = "", shape: Any = (), note: str = "", **attrs: Any) -> Inst:
    return Inst(name, op, tuple(args.split()), shape, attrs, note)


LAYER = Block(
    (
        inst("P", "param", shape=(48,)),
        inst("xs", "data", shape=(100, 2)),
        inst("w1", "view", "P", (16, 2), view=View(0, (3, 1), (16, 2))),
        inst("s1", "matmul", "xs w1", (100, 16), "Layer(2, 16, relu)", turned=(False, True)),
        inst("r1", "map", "s1", (100, 16), fn="relu"),
    ),
    ("r1",),
)


def test_a_block_prints_for_people() -> None:
    assert str(LAYER.check()) == (
        "P = param                         : 48\n"
        "xs = data                         : 100x2\n"
        "w1 = view P, from 0 by 3, 1       : 16x2\n"
        "s1 = matmul xs[100,2], w1[16,2].T : 100x16   # Layer(2, 16, relu)\n"
        "r1 = map relu s1                  : 100x16\n"
        "return r1"
    )


def test_a_note_ends_no_line() -> None:
    text = str(Block((inst("x", "data", note="one\nimport os\r\x0b\u2028two"),), ("x",)))
    assert len(text.splitlines()) == 2 and "# one import os" in text


def test_it_computes_what_the_ops_say() -> None:
    rng = np.random.default_rng(0)
    xs, p = rng.normal(size=(100, 2)), rng.normal(size=48)
    (found,) = LAYER.evaluate({"xs": xs, "P": p})
    assert np.allclose(found, np.maximum(xs @ p.reshape(16, 3)[:, :2].T, 0.0), rtol=1e-14)


X = inst("x", "data", shape=(4, 3))
AT = inst("at", "data", shape=(2,), dtype="int")
ONE = [  # an instruction on x (4x3: 0 .. 11), and what it computes
    (inst("y", "view", "x", (2, 2), view=View(11, (-6, -1), (2, 2))), [[11, 10], [5, 4]]),
    (inst("y", "gather", "x", (3,), index=np.array([7, 7, 0])), [7, 7, 0]),
    (inst("y", "reshape", "x", (12,)), range(12)),
    (inst("y", "spread", "x", (1, 4, 3)), [[[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]]),
    (inst("y", "concat", "x x", (4, 6), axis=1), np.hstack([np.arange(12).reshape(4, 3)] * 2)),
    (inst("y", "reduce", "x", (3,), fn="sum", axes=(0,)), [18, 22, 26]),
    (inst("y", "reduce", "x", (), fn="max", axes=(0, 1)), 11),
    (inst("y", "vecdot", "x x", (4,)), [5, 50, 149, 302]),
    (inst("y", "matmul", "x x", (3, 3), turned=(True, False)),
     [[126, 144, 162], [144, 166, 188], [162, 188, 214]]),
    (inst("y", "map", "x x", (4, 3), fn="<"), np.zeros((4, 3))),
    (inst("y", "map", "at at", (2,), fn="+"), [2, 4]),
    (inst("y", "lookup", "x at", (2,)), [1, 2]),
    (inst("y", "bincount", "at at", (4,)), [0, 1, 2, 0]),
    (inst("y", "outer", "at at", (2, 2)), [[1, 2], [2, 4]]),
    (inst("y", "const", "", (1,), value=np.array([2.5])), [2.5]),
    (inst("y", "scatter", "at at", (5,), places=(View(0, (3,), (2,)), np.array([0, 0]))),
     [4, 0, 0, 2, 0]),
]  # fmt: skip


@pytest.mark.parametrize("made, wanted", ONE, ids=lambda x: getattr(x, "op", ""))
def test_each_op_by_its_definition(made: Inst, wanted: Any) -> None:
    block = Block((X, AT, made), ("y",)).check()
    (found,) = block.evaluate({"x": np.arange(12.0), "at": [1, 2]})
    assert np.array_equal(found, np.array(wanted, float).reshape(made.shape))


def test_segments_may_have_any_lengths() -> None:
    y = inst("y", "segment_reduce", "x", (3,), fn="sum", counts=np.array([1, 3, 2]))
    (found,) = Block((inst("x", "data", shape=(6,)), y), ("y",)).check().evaluate({"x": range(6)})
    assert found.tolist() == [0, 6, 9]


def test_a_look_up_out_of_range_raises_like_take() -> None:
    block = Block((X, AT, inst("y", "lookup", "x at", (2,))), ("y",))
    with pytest.raises(IndexError, match="12 values"):
        block.evaluate({"x": np.zeros(12), "at": [0, -1]})


WRONG = [  # an instruction on x (4x3) that is none, and what the error says
    (inst("x", "reshape", "x", (12,)), "assigned twice"),
    (inst("y", "reshape", "z", (12,)), "z was not"),
    (inst("y", "reshape", "x", (13,)), "12 elements"),
    (inst("y", "view", "x", (2,), view=View(11, (1,), (2,))), "within 0 .. 11"),
    (inst("y", "view", "x", (3,), view=View(0, (1,), (2,))), "the shape (2,), not (3,)"),
    (inst("y", "gather", "x", (1,), index=np.array([-1])), "within 0 .. 11"),
    (inst("y", "map", "x", (4, 3), fn="+"), "2 arguments"),
    (inst("y", "map", "x x", (4,), fn="+"), "the shape (4, 3), not (4,)"),
    (inst("y", "matmul", "x x", (4, 4), turned=(False, False)), "rows of a as long"),
    (inst("y", "reduce", "x", (4,), fn="sum", axes=(2,)), "axes from 0 to 1"),
    (inst("y", "reduce", "x", (4,), fn="sum"), "the attributes fn axes"),
    (inst("y", "reshape", "x", (12,), axis=3), "no attribute axis"),
    (inst("y", "frob", "x"), "not frob"),
    (inst("y; import os", "reshape", "x", (12,)), "an identifier"),
    (inst("y", "scatter", "x", (11,), places=(np.arange(12).reshape(4, 3),)), "within 0 .. 10"),
    (inst("y", "item", "x", (), index=0), "a scan"),
]


@pytest.mark.parametrize("made, message", WRONG, ids=lambda x: x if isinstance(x, str) else "")
def test_what_is_no_program_is_refused(made: Inst, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Block((X, made), (made.name,)).check()
    assert message in str(caught.value) and f"{made.name} = {made.op}" in str(caught.value)


def test_a_result_that_nobody_computes_is_refused() -> None:
    with pytest.raises(ValueError, match="the results y are not computed"):
        Block((X,), ("y",)).check()


STEP = Block(  # h -> a * h + x, and it keeps h * h
    (
        inst("h", "data"),
        inst("a", "data"),
        inst("x", "data"),
        inst("ah", "map", "a h", fn="*"),
        inst("next", "map", "ah x", fn="+"),
        inst("square", "map", "h h", fn="*"),
    ),
    ("next", "square"),
)


def loop(reverse: bool = False, body: Block = STEP, **attrs: Any) -> Block:
    attrs = {"length": 3, "carries": 1, "fixed": 1, "reverse": reverse} | attrs
    return Block(
        (
            inst("h0", "data"),
            inst("a", "data"),
            inst("xs", "data", shape=(3,)),
            inst("t", "scan", "h0 a xs", body=body, **attrs),
            inst("last", "item", "t", index=0),
            inst("squares", "item", "t", (3,), index=1),
        ),
        ("last", "squares"),
    )


def test_a_scan_carries_and_keeps() -> None:
    last, squares = loop().check().evaluate({"h0": 1.0, "a": 2.0, "xs": [1.0, 2.0, 3.0]})
    assert (last, squares.tolist()) == (19.0, [1.0, 9.0, 64.0])


def test_a_scan_backwards_keeps_each_result_at_its_step() -> None:
    last, squares = loop(True).check().evaluate({"h0": 1.0, "a": 2.0, "xs": [1.0, 2.0, 3.0]})
    assert (last, squares.tolist()) == (25.0, [144.0, 25.0, 1.0])


def test_a_scan_prints_its_body_indented() -> None:
    text = str(loop(reverse=True))
    assert "t = scan 3 steps; backwards; carries h0; fixed a; by step xs" in text
    assert "    ah = map * a, h" in text and "    return next, square" in text


def test_a_scan_in_a_scan() -> None:
    inner = (*loop().insts[:5],)  # its last carry is what the outer one carries
    outer = Block(
        (
            inst("h0", "data"),
            inst("a", "data"),
            inst("xss", "data", shape=(2, 3)),
            inst("t", "scan", "h0 a xss", body=Block(inner, ("last",)),
                 length=2, carries=1, fixed=1, reverse=False),
            inst("end", "item", "t", index=0),
        ),
        ("end",),
    )  # fmt: skip
    (end,) = outer.check().evaluate({"h0": 1.0, "a": 2.0, "xss": [[1.0, 2, 3], [1, 2, 3]]})
    assert end == 19 * 8 + 4 + 4 + 3


WIDE = Block((*STEP.insts, inst("wide", "spread", "next", (2,))), ("wide", "square"))


@pytest.mark.parametrize(
    "attrs, message",
    [
        ({"length": 4}, "4 steps in what is given by step"),
        ({"fixed": 2}, "args that fit"),
        ({"body": WIDE}, "whose first results are the next carries"),
        ({"body": Block(STEP.insts[1:], ("next",))}, "h was not"),
        ({"length": 0}, "at least one step"),
    ],
    ids=str,
)
def test_a_loop_that_does_not_fit_its_body_is_refused(attrs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loop(**attrs).check()
