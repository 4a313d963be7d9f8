"""The native target: its functions to their error bounds, its programs against the interpreter."""

import copy
import math
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("llvmlite")

import autograd  # noqa: E402
import nn  # noqa: E402
from autograd import Value  # noqa: E402
from autograd.compiler import targets  # noqa: E402
from autograd.compiler.ir import Block  # noqa: E402
from autograd.compiler.operations import Inst  # noqa: E402
from autograd.compiler.targets.native import loops, schedule  # noqa: E402
from autograd.compiler.targets.native.llvm import FUNCTIONS, compiled  # noqa: E402
from autograd.compiler.targets.native.program import NativeCode, NativeProgram  # noqa: E402
from autograd.compiler.targets.native.target import Update  # noqa: E402
from autograd.ops import OPS  # noqa: E402
from autograd.runtime.update import rule_of  # noqa: E402
from tests.compiler.blocks import random_block  # noqa: E402

WIDE = np.longdouble  # more digits than a double: for the true value of a function


def applied(symbol: str, *inputs: Any, dtype: str = "float64") -> Any:
    """The native function of an op, on arrays."""
    x = [np.ascontiguousarray(column, dtype) for column in inputs]
    out = np.empty_like(x[0])
    buffers = [loops.Buffer(f"x{k}", out.size) for k in range(len(x))]
    target, i = loops.Buffer("y", out.size), loops.Index(counters=(("i", 1),))
    value = loops.Apply(symbol, tuple([loops.Load(b, i) for b in buffers]))
    body = loops.Loop("i", out.size, (loops.Store(target, i, value),))
    kernel = loops.Kernel("f", (*buffers, target), (body,))
    compiled(kernel, dtype)([column.ctypes.data for column in (*x, out)])()
    return out


def points() -> Any:
    """From tiny to huge, of both signs, with many where the functions bend."""
    rng = np.random.default_rng(0)
    sizes = 10.0 ** rng.uniform(-300, 300, 20_000)
    parts = [rng.uniform(-750, 720, 50_000), rng.normal(0, 1, 50_000), rng.normal(1, 1e-3, 20_000)]
    return np.concatenate([*parts, sizes, -sizes, rng.normal(0, 1e-6, 5_000)])


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


BOUNDS: dict[str, tuple[Callable[[Any], Any], float]] = {
    "exp": (np.exp, 1.0),
    "log": (np.log, 1.0),
    "tanh": (np.tanh, 3.0),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 3.0),
    "softplus": (softplus, 3.0),
    "sqrt": (np.sqrt, 0.51),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_functions_keep_their_error_bounds(name: str) -> None:
    function, bound = BOUNDS[name]
    x = points()
    with np.errstate(all="ignore"):
        true = function(x.astype(WIDE))
        rounded = true.astype(float)
        is_normal = np.isfinite(rounded) & (np.abs(rounded) > 2.3e-308)
        found = applied(name, x)
        ulps = np.abs((found - true)[is_normal] / np.spacing(np.abs(rounded[is_normal])))
    assert ulps.max() < bound
    assert ulps.max() > 0.3  # so many points show an error of rounding at the least


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.symbol in FUNCTIONS], ids=str)
def test_every_op_on_its_samples(op: Any) -> None:
    """Edges and all, as in the table."""
    columns = list(zip(*op.samples))
    found = applied(op.symbol, *[list(column) * 5 for column in columns])  # whole vectors, a rest
    for sample, y in zip(list(op.samples) * 5, found):
        true = op.forward(*sample)
        same = true == y or (math.isnan(true) and math.isnan(y))
        assert same or math.isclose(true, y, rel_tol=1e-14), sample
        if true == 0.0:
            assert math.copysign(1.0, true) == math.copysign(1.0, y), sample


@pytest.mark.parametrize("seed", range(40))
def test_random_blocks_as_the_interpreter(seed: int) -> None:
    compare(*random_block(seed), "float64", 1e-9)


@pytest.mark.parametrize("seed", range(100, 110))
def test_random_blocks_in_single_precision(seed: int) -> None:
    compare(*random_block(seed), "float32", 2e-4)


def compare(block: Block, inputs: dict[str, Any], dtype: str, tolerance: float) -> None:
    program = NativeProgram(NativeCode(block, schedule.schedule(block), dtype))
    for name, numbers in inputs.items():
        program.inputs[name][...] = numbers.reshape(program.inputs[name].shape)
    for _ in (1, 2):  # a second run finds memory as the first one left it
        program.run()
        for found, true in zip(program.outputs, block.evaluate(inputs)):
            np.testing.assert_allclose(found, true, rtol=tolerance, atol=tolerance)


SIZES = [(1, 1, 300), (4, 8, 16), (5, 9, 7), (7, 3, 40), (16, 13, 5), (33, 20, 11), (3, 1, 90)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("m, n, depth", SIZES)
def test_products_of_all_shapes(m: int, n: int, depth: int, turned: Any, dtype: str) -> None:
    a = (depth, m) if turned[0] else (m, depth)
    b = (n, depth) if turned[1] else (depth, n)
    inputs = [Inst("a", "data", (), a), Inst("b", "data", (), b)]
    product = Inst("c", "matmul", ("a", "b"), (m, n), {"turned": turned})
    rng = np.random.default_rng(0)
    given = {"a": rng.normal(size=a), "b": rng.normal(size=b)}
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    compare(Block((*inputs, product), ("c",)), given, dtype, tolerance)


def test_a_large_product_is_left_to_blas() -> None:
    inputs = [Inst("a", "data", (), (100, 110)), Inst("b", "data", (), (110, 120))]
    product = Inst("c", "matmul", ("a", "b"), (100, 120), {"turned": (False, False)})
    more = Inst("d", "map", ("c", "c"), (100, 120), {"fn": "+"})
    block = Block((*inputs, product, more), ("d",))
    kinds = [type(segment) for segment in schedule.schedule(block).segments]
    assert kinds == [schedule.LargeProduct, loops.Kernel]
    rng = np.random.default_rng(0)
    compare(block, {name: rng.normal(size=block[name].shape) for name in "ab"}, "float64", 1e-12)


def test_the_listing_is_loops_to_read() -> None:
    x, w = Inst("x", "data", (), (5, 3)), Inst("w", "param", (), (3,))
    s = Inst("s", "map", ("x", "w"), (5, 3), {"fn": "*"}, "Layer(3, 3)")
    t = Inst("t", "map", ("s",), (5, 3), {"fn": "tanh"})
    total = Inst("total", "reduce", ("t",), (), {"fn": "sum", "axes": (0, 1)})
    source = str(schedule.schedule(Block((x, w, s, t, total), ("total",))))
    assert source == (
        "kernel1(x[15], w[3], total[9]):\n"
        "    total_2 = 0.0\n"
        "    for i in range(5):  # Layer(3, 3)\n"
        "        for j in range(3):\n"
        "            total_2 += tanh(x[3 * i + j] * w[j])\n"
        "    total[0] = total_2\n"
    )


def test_an_op_without_a_spelling_is_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "KNOWN", schedule.KNOWN - {"tanh"})
    x = Inst("x", "data", (), (5,))
    s = Inst("s", "map", ("x", "x"), (5,), {"fn": "*"})
    t = Inst("t", "map", ("s",), (5,), {"fn": "tanh"})
    y = Inst("y", "map", ("t", "s"), (5,), {"fn": "+"})
    block = Block((x, s, t, y), ("y",))
    assert "NumPy: t = tanh(s)" in str(schedule.schedule(block))
    compare(block, {"x": np.linspace(-1, 1, 5)}, "float64", 1e-12)


def test_updates_overwrite_what_they_read() -> None:
    """v = 0.9 v + g; p = p - lr (g + 0.9 v): both from the old p and v, as the optimiser says."""
    rng = np.random.default_rng(0)
    p, g, v = rng.normal(size=(3, 10))
    optimizer = nn.optim.SGD([Value(0.0)], 0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
    block = rule_of(copy.copy(optimizer), ["state1"])
    assert block is not None
    update = Update(block, ["state1"])
    expected = [optimizer.update(*row) for row in zip(p, g, v)]
    piece = [p.copy(), g, v.copy()]
    update([piece], 0.1, 1)
    np.testing.assert_allclose(np.transpose([piece[0], piece[2]]), expected, rtol=1e-13)


@pytest.mark.parametrize("clip", [None, 0.5])
def test_training_is_as_with_numpy(clip: float | None) -> None:
    losses = []
    for backend in ("numpy", "native"):
        model = nn.MLP(2, [8, 3], "tanh", rng=random.Random(0))
        optimizer = nn.optim.Adam(model.parameters(), 0.05)
        xs, ys = [[0.1, 0.2], [0.5, -0.3], [-1.0, 0.7]], [0, 2, 1]

        def loss(model: Any, xs: Any, ys: Any) -> Any:
            return nn.cross_entropy([model(x) for x in xs], ys)

        step = autograd.jit(loss, optimizer, backend=backend, clip_norm=clip)
        losses.append([step(model, xs, ys) for _ in range(20)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    assert losses[0][-1] < losses[0][0]


def test_without_llvmlite_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(targets.__name__ + ".native")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(targets.TARGETS, "native", raising=False)
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    with pytest.raises(ImportError, match=r"needs llvmlite: pip install \"glassgrad\[native\]\""):
        autograd.jit(lambda w: w, backend="native")
