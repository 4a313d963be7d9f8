"""The jitted value and gradients are the eager engine's: on random programs, layers and losses."""

import functools
import inspect
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value, jit
from tests.jit import soak
from tests.jit.programs import Cut, disagreement, outcome, random_program
from tests.jit.soak import FINE, compare
from tests.strategies import programs

pytest.importorskip("numpy")
FLAT = Cut(structures=False)  # parameters, numbers and indices: three lists
both = pytest.mark.parametrize("backend", ["numpy", "python"])


@pytest.mark.parametrize("backend", soak.BACKENDS)
@given(seed=st.integers(1_000_000, 2_000_000))
@settings(max_examples=100)
def test_random_vector_programs(backend: str, seed: int) -> None:
    assert compare(seed, backend, FLAT) in FINE


def wrong(when: Callable[[Any], bool] = lambda f: True) -> Any:
    """A jit whose results are off in the eighth digit, for the functions that `when` names."""

    def make(f: Any, backend: str) -> Any:
        @functools.wraps(f)
        def scaled(*arguments: Any) -> Value:
            result = compiled(*arguments)
            return result * (1.0 + 1e-8) if when(f) else result

        compiled = jit(f, backend=backend)
        scaled.stats = {"programs": 1}  # type: ignore[attr-defined]
        return scaled

    return make


def test_a_small_error_is_noticed(monkeypatch: Any) -> None:
    """No excuse of rounding covers results that are wrong in the eighth digit."""
    monkeypatch.setattr(soak, "jit", wrong())
    verdicts = [compare(seed, cut=FLAT) for seed in range(40)]
    assert sum("relative error" in verdict for verdict in verdicts) >= 36


def test_a_soak_makes_a_failure_small_and_says_how_to_see_it(monkeypatch: Any, capsys: Any) -> None:
    def has_a_loop(f: Any) -> bool:
        cells = inspect.getclosurevars(inspect.getclosurevars(f).nonlocals["run"]).nonlocals
        return any(name == "loop" for name, _ in cells["steps"])

    seed = next(s for s in range(100) if "loop" in str(random_program(s, FLAT)))
    monkeypatch.setattr(soak, "jit", wrong(has_a_loop))
    tally, (failure,) = soak.soak(range(seed, seed + 1), ["numpy"], FLAT)
    assert tally == {"numpy: wrong: relative error": 1}
    assert [name for name, _ in random_program(seed, failure.cut).steps.values()] == ["loop"]
    assert failure.size == 1
    soak.report(range(seed, seed + 1), tally, [failure])
    printed = capsys.readouterr().out
    assert f"--show {seed} --backends numpy --cut" in printed
    assert f"seeds {seed} to {seed}" in printed


def test_random_programs_draw_each_kind_of_structure_and_of_step() -> None:
    drawn = " ".join([str(random_program(seed)) for seed in range(300)])
    kinds = ("record", "dict", "tuple", "pair", "array", "matrix", "hidden", "dead", "loop")
    assert [kind for kind in kinds if kind not in drawn] == []


@both
@given(drawn=programs())
@settings(max_examples=100)
def test_random_scalar_programs(backend: str, drawn: Any) -> None:
    program, point = drawn

    def f(xs: Any, data: Any, indices: Any) -> Any:
        return program(*xs) + 0.0 * xs[0]

    values = [Value(x) for x in point]
    eager = outcome(f, (values, [], []), values)
    assert disagreement(outcome(jit(f, backend=backend), (values, [], []), values), eager) < 1e-9


def rows(seed: int, *shape: int) -> Any:
    rng = random.Random(seed)

    def make(shape: tuple[int, ...]) -> Any:
        return [make(shape[1:]) for _ in range(shape[0])] if shape else rng.gauss(0, 1)

    return make(shape)


class Sequence(nn.Module):
    """Modules one after the other; lists in lists become flat between them where needed."""

    def __init__(self, *modules: Any) -> None:
        self.modules = list(modules)

    def forward(self, x: Any) -> Any:
        for module in self.modules:
            x = module(x)
        return x


def flat(x: Any) -> list[Any]:
    return [v for item in x for v in flat(item)] if isinstance(x, list) else [x]


def cross_entropy(model: Any, xs: Any, ys: Any) -> Value:
    return nn.cross_entropy([flat(model(x)) for x in xs], ys)


def regression(loss: Callable[..., Any]) -> Callable[..., Value]:
    return lambda model, xs, ys: loss([model(x) for x in xs], ys)


CASES = {
    "mlp": (lambda: nn.MLP(3, [5, 4]), cross_entropy, rows(1, 6, 3), [0, 1, 2, 3, 0, 1]),
    "one example": (lambda: nn.MLP(3, [5, 4]), cross_entropy, rows(1, 1, 3), [2]),
    "one input": (lambda: nn.MLP(1, [4, 3]), cross_entropy, rows(1, 5, 1), [0, 1, 2, 0, 1]),
    "conv": (
        lambda: Sequence(nn.Conv2d(1, 2, 3, padding=1, activation="tanh"), nn.Conv2d(2, 3, 2)),
        cross_entropy,
        rows(2, 3, 1, 4, 4),
        [0, 5, 26],
    ),
    "pool": (
        lambda: Sequence(nn.Conv2d(1, 2, 2, activation="gelu"), nn.MaxPool2d(2)),
        cross_entropy,
        rows(3, 2, 1, 5, 5),
        [0, 7],
    ),
    "rnn": (lambda: Sequence(nn.RNN(2, 3)), cross_entropy, rows(4, 2, 4, 2), [0, 11]),
    "layer norm": (lambda: Sequence(nn.LayerNorm(4)), cross_entropy, rows(5, 3, 4), [0, 1, 2]),
    "embedding": (
        lambda: Sequence(nn.Embedding(6, 3)),
        cross_entropy,
        [[0, 5], [5, 5], [1, 2]],
        [0, 5, 2],
    ),
    "mse": (lambda: nn.MLP(2, [4, 1]), regression(nn.mse_loss), rows(6, 5, 2), rows(7, 5)),
    "mae": (lambda: nn.MLP(2, [4, 1]), regression(nn.mae_loss), rows(6, 5, 2), rows(7, 5)),
    "huber": (lambda: nn.MLP(2, [4, 1]), regression(nn.huber_loss), rows(6, 5, 2), rows(7, 5)),
    "hinge": (
        lambda: nn.MLP(2, [4, 1], "softplus"),
        regression(nn.hinge_loss),
        rows(6, 4, 2),
        [1, -1, -1, 1],
    ),
    "bce": (
        lambda: nn.MLP(2, [4, 1], "sigmoid"),
        regression(nn.binary_cross_entropy_with_logits),
        rows(6, 4, 2),
        [0.0, 1.0, 0.25, 1.0],
    ),
    "penalties": (
        lambda: nn.MLP(2, [3, 1]),
        lambda m, xs, ys: (
            nn.l2_penalty(m.parameters()) + 0.1 * nn.l1_penalty(m.parameters()) + m(xs[0])
        ),
        rows(6, 1, 2),
        [],
    ),
}


@both
@pytest.mark.parametrize("case", CASES)
def test_every_layer_and_loss(backend: str, case: str) -> None:
    random.seed(0)
    make, loss, xs, ys = CASES[case]
    model = make()

    def f(parameters: Any, xs: Any, ys: Any) -> Any:
        return loss(model, xs, ys)

    parameters = model.parameters()
    eager = outcome(f, (parameters, xs, ys), parameters)
    compiled = jit(f, backend=backend)
    assert disagreement(outcome(compiled, (parameters, xs, ys), parameters), eager) < 1e-10
    assert compiled.stats["programs"] == 1


@pytest.mark.parametrize(
    "op", [op for op in autograd.ops.OPS.values() if op.numpy], ids=lambda o: o.name
)
@both
def test_every_op_on_its_samples(op: Any, backend: str) -> None:
    """Edges and all, the samples of the table one by one and side by side."""

    def together(xs: Any, data: Any, indices: Any) -> Any:
        n = len(op.samples[0])
        return autograd.sum([op(*xs[i : i + n]) for i in range(0, len(xs), n)])

    compiled = jit(together, backend=backend)
    for sample in op.samples:
        values = [Value(x) for x in sample]
        arguments = (values, [], [])
        eager = outcome(together, arguments, values)
        assert disagreement(outcome(compiled, arguments, values), eager) < 1e-10, sample
    finite = [s for s in op.samples if all(map(math.isfinite, s))]
    values = [Value(x) for sample in finite for x in sample]
    arguments = (values, [], [])
    eager = outcome(together, arguments, values)
    assert disagreement(outcome(jit(together, backend=backend), arguments, values), eager) < 1e-10
