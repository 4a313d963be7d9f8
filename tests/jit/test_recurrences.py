"""Loops in time: the jitted value and gradients are the eager engine's."""

from typing import Any

import pytest

from autograd import Value, jit
from benchmarks.scalar import leaves
from tests.jit.programs import disagreement
from tests.jit.recurrences import RECURRENCES

pytest.importorskip("numpy")


def outcome(f: Any, arguments: Any) -> list[float]:
    """[value, gradient in each Value among the arguments]"""
    trained = [v for v in leaves(list(arguments)) if isinstance(v, Value)]
    for p in trained:
        p.grad = 0.0
    result = f(*arguments)
    result.backward()
    return [result.data, *[p.grad for p in trained]]


@pytest.mark.parametrize("backend", ["numpy", "python"])
@pytest.mark.parametrize("name", RECURRENCES)
def test_a_recurrence_has_the_eager_value_and_gradients(name: str, backend: str) -> None:
    f, arguments = RECURRENCES[name](6)
    eager = outcome(f, arguments)
    assert any(eager[1:])
    assert disagreement(outcome(jit(f, backend=backend), arguments), eager) < 1e-10
