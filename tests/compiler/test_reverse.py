"""Each transposition rule against finite differences, by the interpreter alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd.compiler import reverse
from autograd.compiler.build import Builder
from autograd.compiler.operations import Inst, View
from autograd.compiler.passes import RULES
from autograd.ops import OPS

Make = Callable[[Builder, Inst, Inst], Inst]
AT = np.array([0, 5, 5, 2])
ONE_AND_SIX = (np.array([6, 7, 8]), np.arange(6).reshape(2, 3))
CASES: dict[str, Make] = {  # from x (2x3) and v (3), an array of any shape
    "map": lambda b, x, v: b.map("*", b.map("sin", x), v),
    "map of a number": lambda b, x, v: b.map("/", b.map("exp", v), 3.0),
    "map used twice": lambda b, x, v: b.map("*", x, b.map("+", x, x)),
    "view": lambda b, x, v: b.view(b.map("tanh", x), View(1, (3, 1), (2, 2))),
    "gather": lambda b, x, v: b.gather(b.map("tanh", x), AT),
    "reshape": lambda b, x, v: b.map("*", b.reshape(x, (3, 2)), b.reshape(v, (3, 1))),
    "spread": lambda b, x, v: b.map("*", b.spread(v, (2, 3)), x),
    "spread, summed": lambda b, x, v: b.map("sin", b.reduce(b.spread(v, (2, 3)), [0, 1])),
    "parts side by side": lambda b, x, v: both_parts(b, b.map("tanh", x), [0, 1], [2]),
    "parts side by side, in another order": lambda b, x, v: both_parts(
        b, b.map("tanh", x), [2, 0], [1]
    ),
    "parts that overlap": lambda b, x, v: both_parts(b, b.map("tanh", x), [0, 1], [1, 2]),
    "parts that leave something out": lambda b, x, v: both_parts(b, b.map("tanh", x), [0], [2]),
    "parts, one after the other": lambda b, x, v: b.map(
        "*",
        b.view(b.map("tanh", x), View(0, (1,), (2,))),
        b.view(b.map("exp", b.view(b.map("tanh", x), View(2, (1,), (4,)))), View(1, (1,), (2,))),
    ),
    "concat": lambda b, x, v: b.map("sin", b.concat([x, b.map("exp", x), x], 1)),
    "scatter": lambda b, x, v: b.map(
        "sin", b.emit("scatter", [x, v], "", (7,), places=(np.arange(6).reshape(2, 3), AT[:3]))
    ),
    "concat, summed": lambda b, x, v: b.map(
        "sin", b.reduce(b.concat([x, b.map("exp", x)], 1), [0])
    ),
    "scatter of one": lambda b, x, v: b.map(
        "sin", b.emit("scatter", [b.view(v, View(1, (), ())), x], "", (9,), places=ONE_AND_SIX)
    ),
    "reduce": lambda b, x, v: b.map("sin", b.reduce(b.map("*", x, v), [0])),
    "reduce all": lambda b, x, v: b.map("sin", b.reduce(b.map("*", x, x), [0, 1])),
    "segment_reduce": lambda b, x, v: b.map(
        "sin", b.emit("segment_reduce", [b.reshape(x, (6,))], fn="sum", counts=np.array([1, 3, 2]))
    ),
    "vecdot": lambda b, x, v: b.map("sin", b.emit("vecdot", [x, v])),
    "vecdot of one": lambda b, x, v: b.emit("vecdot", [x, x]),
    "matmul": lambda b, x, v: b.map("sin", b.matmul(x, b.map("exp", x), (False, True))),
    "matmul, a turned": lambda b, x, v: b.map("sin", b.matmul(x, b.map("exp", x), (True, False))),
    "matmul, both turned": lambda b, x, v: b.matmul(x, b.reshape(x, (3, 2)), (True, True)),
    "matmul, none turned": lambda b, x, v: b.matmul(x, b.map("sin", b.reshape(x, (3, 2)))),
    "matrix times vector": lambda b, x, v: b.map("sin", b.matmul(x, v)),
    "turned matrix times vector": lambda b, x, v: b.matmul(b.reshape(x, (3, 2)), v, (True, False)),
    "vector times matrix": lambda b, x, v: b.matmul(v, b.map("sin", b.reshape(x, (3, 2)))),
    "vector times turned matrix": lambda b, x, v: b.matmul(v, x, (False, True)),
    "vectors": lambda b, x, v: b.matmul(v, b.map("exp", v)),
    "a vector with itself": lambda b, x, v: b.map("sin", b.matmul(v, v)),
    "batch of matrices": lambda b, x, v: b.matmul(
        b.reshape(x, (2, 1, 3)), b.map("sin", b.reshape(x, (2, 1, 3))), (False, True)
    ),
    "outer": lambda b, x, v: b.map("sin", b.emit("outer", [v, b.reshape(x, (6,))])),
    "lookup": lambda b, x, v: b.map("sin", b.emit("lookup", [b.reshape(x, (6,)), b.const(AT)])),
    "bincount": lambda b, x, v: b.map(
        "sin", b.emit("bincount", [v, b.const(AT[:3])], "", (6,))
    ),
    "bincount of one": lambda b, x, v: b.map(
        "sin", b.emit("bincount", [b.reduce(v, [0]), b.const(AT)], "", (6,))
    ),
}  # fmt: skip


def both_parts(b: Builder, t: Inst, columns: list[int], others: list[int]) -> Inst:
    """Something of some columns of t, times something of others."""
    places = np.arange(6).reshape(2, 3)
    first = b.reduce(b.map("sin", b.gather(t, places[:, columns])), [1])
    second = b.reduce(b.map("exp", b.gather(t, places[:, others])), [1])
    return b.map("*", first, second)


@pytest.mark.parametrize("case", CASES)
def test_a_transpose_agrees_with_finite_differences(case: str) -> None:
    b = Builder(RULES)
    p = b.input("param", "P", (9,))
    x, v = b.view(p, View(0, (3, 1), (2, 3))), b.view(p, View(6, (1,), (3,)))
    y = CASES[case](b, x, v)
    weights = np.random.default_rng(3).normal(size=y.shape)
    weighted = b.map("*", y, b.const(weights) if y.shape else float(weights))
    forward = b.block([b.reduce(weighted, range(len(y.shape))) if y.shape else weighted]).check()
    block = reverse.Reverse(forward).block.check()
    at = np.random.default_rng(4).uniform(0.3, 1.2, 9)
    value, gradient = block.evaluate({"P": at})
    assert value == forward.evaluate({"P": at})[0]
    for i, step in enumerate(np.eye(9) * 1e-5):
        high, low = [forward.evaluate({"P": at + s})[0] for s in (step, -step)]
        assert gradient[i] == pytest.approx((high - low) / 2e-5, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.numpy], ids=lambda op: op.name)
def test_the_partials_of_every_op_as_instructions(op: Any) -> None:
    n = len(op.samples[0])
    b = Builder(RULES)
    p = b.input("param", "P", (n,))
    args = [b.view(p, View(i, (), ())) for i in range(n)]
    block = reverse.Reverse(b.block([b.map(op.symbol, *args)])).block.check()
    for sample in op.samples:
        with np.errstate(all="ignore"):
            _, gradient = block.evaluate({"P": np.array(sample)})
        wanted = op.partials(op.forward(*sample), *sample)
        assert np.allclose(gradient, wanted, rtol=1e-14, equal_nan=True), sample


def test_a_gradient_with_a_fault_is_found(monkeypatch: Any) -> None:
    """The test above can fail: half a sine is no cosine."""

    def half(r: Any, y: Inst, g: Inst) -> Any:
        yield from [(x, r.b.map("*", 0.5, part)) for x, part in rule(r, y, g)]

    rule = reverse.TRANSPOSES["map"]
    monkeypatch.setitem(reverse.TRANSPOSES, "map", half)
    with pytest.raises(AssertionError):
        test_a_transpose_agrees_with_finite_differences("map")


def test_every_operation_that_computes_has_a_transpose() -> None:
    from autograd.compiler.operations import OPERATIONS

    without = {"param", "data", "const", "scan", "item"}
    assert set(OPERATIONS) - without <= set(reverse.TRANSPOSES)
