"""All stages together: golden programs, other targets, and what only a trace can ask for."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, jit
from autograd.compiler import pipeline, targets
from autograd.compiler.ir import Block
from autograd.compiler.targets import Printed, Target
from autograd.compiler.trace import Number, Symbol, Trace, symbol, trace

GOLDEN = Path(__file__).parent / "golden"
Call = Callable[..., Any]


def moons() -> tuple[Call, Any]:
    """A small perceptron with a hinge loss and a penalty."""
    model = nn.MLP(2, [4, 1], rng=random.Random(0))

    def loss(model: Any, xs: Any, ys: Any) -> Any:
        outputs = [model(x) for x in xs]
        return nn.hinge_loss(outputs, ys) + 1e-4 * nn.l2_penalty(model.parameters())

    return loss, (model, [[0.1 * i, 0.3 - 0.2 * i] for i in range(5)], [1, -1, 1, 1, -1])


def classes() -> tuple[Call, Any]:
    """Cross-entropy: a logsumexp, and a look-up of the targets."""
    model = nn.MLP(3, [4, 3], rng=random.Random(0))

    def loss(model: Any, xs: Any, ys: Any) -> Any:
        return nn.cross_entropy([model(x) for x in xs], ys)

    return loss, (model, [[0.1 * i, 0.2, 0.3 - 0.1 * i] for i in range(4)], [0, 2, 1, 1])


def convolution() -> tuple[Call, Any]:
    """Filters times patches, which a gather makes."""
    model = nn.Conv2d(1, 2, 2, activation="tanh", rng=random.Random(0))

    def loss(model: Any, image: Any) -> Any:
        return sum(v * v for plane in model(image) for row in plane for v in row)

    return loss, (model, [[[0.1 * i * j for j in range(4)] for i in range(4)]])


def prefixes() -> tuple[Call, Any]:
    """Ragged sums, by segments."""

    def loss(ws: Any, xs: Any) -> Any:
        sums = [autograd.dot(ws[: i + 1], xs[: i + 1]) for i in range(len(ws))]
        return autograd.logsumexp(sums) + sum(s.exp() for s in sums)

    return loss, ([Value(0.1 * i) for i in range(4)], [0.5, -1.0, 2.0, 0.25])


def recurrence() -> tuple[Call, Any]:
    """A parameter that is used in many steps: its gradients are one product."""
    model = nn.RNN(2, 3, rng=random.Random(0))

    def loss(model: Any, rows: Any) -> Any:
        return sum(v * v for xs in rows for v in model(xs)[-1])

    rng = random.Random(1)
    rows = [[[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(5)] for _ in range(3)]
    return loss, (model, rows)


PROGRAMS = [moons, classes, convolution, prefixes, recurrence]


@pytest.mark.parametrize("make", PROGRAMS, ids=lambda make: make.__name__)
def test_golden_programs(make: Any, request: Any) -> None:
    """What five programs are, and how NumPy says it. To write them again: GOLDEN=1 pytest ..."""
    import os

    f, arguments = make()
    compiled = jit(f)
    compiled(*arguments)
    found = f"{compiled.ir}\n\n{compiled.source}"
    path = GOLDEN / f"{make.__name__}.txt"
    if os.environ.get("GOLDEN"):
        path.write_text(found)
    assert found == path.read_text()
    compiled.ir.check()


@pytest.mark.parametrize("make", PROGRAMS, ids=lambda make: make.__name__)
def test_golden_programs_compute_what_the_engine_does(make: Any) -> None:
    f, arguments = make()
    parameters = arguments[0] if isinstance(arguments[0], list) else arguments[0].parameters()
    results = []
    for call in (f, jit(f), jit(f, backend="python")):
        for p in parameters:
            p.grad = 0.0
        y = call(*arguments)
        y.backward()
        results.append([y.data, *[p.grad for p in parameters]])
    assert results[1] == pytest.approx(results[0], rel=1e-12)
    assert results[2] == pytest.approx(results[0], rel=1e-12)


# --- a target of one's own ----------------------------------------------------------------------


def interpreted(block: Block, runtime: Mapping[str, Any]) -> Printed:
    """A toy target: no text but the block's own, run by its reference interpreter."""

    def make(data: Any, gradient: Any) -> Any:
        def step(*inputs: Any) -> Any:
            names = [name for name in block.inputs if block[name].op == "data"]
            given = dict(zip(names, inputs))
            loss, gradient[...], *others = block.evaluate({**given, "P": data})
            yield loss
            yield others

        return step

    return Printed(str(block), make, len(block.insts))


def test_a_target_is_registered_without_editing_a_file(monkeypatch: Any) -> None:
    monkeypatch.setattr(targets, "TARGETS", dict(targets.TARGETS))
    targets.register(Target("toy", "ir", interpreted))
    f, arguments = classes()
    y = jit(f, backend="toy")(*arguments)
    y.backward()
    gradients = [p.grad for p in arguments[0].parameters()]
    for p in arguments[0].parameters():
        p.grad = 0.0
    wanted = f(*arguments)
    wanted.backward()
    assert y.data == pytest.approx(wanted.data, rel=1e-12)
    assert gradients == pytest.approx([p.grad for p in arguments[0].parameters()], rel=1e-12)
    with pytest.raises(ValueError, match="'numpy', 'python', 'toy'"):
        jit(f, backend="joy")
    with pytest.raises(ValueError, match="not 'text'"):
        targets.register(Target("joy", "text", interpreted))


# --- what only a trace can ask for ------------------------------------------------------------


@np.errstate(all="ignore")
def run(found: Trace, backend: str, numbers: Mapping[str, Any], upstream: Any = None) -> Any:
    """(results, gradients of the Values in V_x) of a trace without parameters."""
    target = targets.find(backend)
    if target.stage == "trace":
        steps = target.emit(found, {}).make(P=[], **numbers)
    else:
        sizes = {name: len(row) for name, row in (found.inputs | found.values).items()}
        program = pipeline.compile(found, lambda _: [], lambda: sizes | {"P": 0}, target, {})
        program.ir.check()
        given = [np.array(numbers[name], kind) for name, kind in program.inputs]
        steps = program.printed.make(np.zeros(0), np.zeros(0))(*given)
    results = next(steps)
    gradients = next(steps) if upstream is None else steps.send(np.array(upstream))
    return np.array(results).tolist(), np.ravel(np.array(gradients)).tolist()


def traced(f: Call, n: int) -> Trace:
    def call(found: Trace) -> Any:
        found.values["V_x"] = [symbol(Symbol) for _ in range(n)]
        return f(*found.values["V_x"])

    return trace(call)


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_nothing_goes_back_through_detach(backend: str) -> None:
    def f(x: Any, y: Any) -> Any:
        return (x * y).detach() * x

    assert run(traced(f, 2), backend, {"V_x": [3.0, 5.0]}) == (45.0, [15.0, 0.0])


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_several_results_each_have_an_upstream_gradient(backend: str) -> None:
    found = traced(lambda x, y: x * y, 2)
    x, y = found.values["V_x"]
    found.results = (found.root, x, found.root)
    results = run(found, backend, {"V_x": [3.0, 5.0]}, [1.0, 10.0, 100.0])
    assert results == ([15.0, 3.0, 15.0], [101 * 5.0 + 10.0, 101 * 3.0])


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_an_argument_may_hold_an_index_and_a_number_below_zero(backend: str) -> None:
    ws = [Value(2.0), Value(3.0)]
    compiled = jit(lambda ws, x: autograd.take(ws, x[0]) * x[1], backend=backend)
    assert compiled(ws, (1, -4)).data == -12.0
    with pytest.raises(IndexError, match="2 values"):
        compiled(ws, (-1, 7))
    with pytest.raises(IndexError, match="2 values"):
        compiled(ws, (2, -1))


def test_a_list_that_changes_between_two_dots_is_another_row() -> None:
    def f(ws: Any, xs: Any) -> Any:
        row = list(xs)
        first = autograd.dot(ws, row)
        row[1] = row[0] * ws[0]
        second = autograd.dot(ws, row)
        row[0], row[1] = row[1], xs[1]
        return first * second * autograd.dot(ws, row)

    ws, xs = [Value(2.0), Value(3.0)], [5.0, 7.0]
    wanted = f(ws, xs).data
    assert jit(f)(ws, xs).data == wanted == 31.0 * 40.0 * 41.0


def test_a_row_that_many_dots_read_is_kept_once() -> None:
    weights = [[Value(0.1 * i * j) for i in range(50)] for j in range(30)]
    rows: list[Trace] = []

    def call(found: Trace) -> Any:
        rows.append(found)
        batch = [[symbol(Number) for _ in range(50)] for _ in range(20)]
        found.inputs["xs"] = [v for xs in batch for v in xs]
        return autograd.sum([autograd.dot(ws, xs) for xs in batch for ws in weights])

    trace(call)
    assert len(rows[0].rows) == 600
    assert len({id(row) for pair in rows[0].rows.values() for row in pair}) == 50


def test_a_name_that_a_module_gives_itself_is_never_run() -> None:
    class Layer(nn.Layer):
        def __repr__(self) -> str:
            return "a layer\n        raise SystemExit('run!')\r# \u2028\x0c'''\\"

    model = Layer(2, 3, "tanh", rng=random.Random(0))
    compiled = jit(lambda model, xs: autograd.sum([v for x in xs for v in model(x)]))
    compiled(model, [[1.0, 2.0], [0.5, 0.1]]).backward()
    assert "raise SystemExit" in compiled.source, "it is there, in a comment"
    assert all("#" in line for line in compiled.source.splitlines() if "raise" in line)


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_a_closed_gate_passes_nothing_on(backend: str) -> None:
    """Not even what is infinite: log(relu(x)) has the slope 0 at -1."""

    def f(x: Any, y: Any) -> Any:
        return autograd.log(autograd.relu(x)) + 1.0 / autograd.maximum(y, 0.0)

    assert run(traced(f, 2), backend, {"V_x": [-1.0, -2.0]})[1] == [0.0, 0.0]
