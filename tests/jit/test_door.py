"""The door: `jit` above functions, with and without arguments."""

from typing import Any

import pytest

import autograd
from autograd import Value

pytest.importorskip("numpy")


@pytest.mark.parametrize("options", [None, {}, {"backend": "numpy"}, {"backend": "python"}])
def test_as_a_decorator(options: Any) -> None:
    decorate = autograd.jit if options is None else autograd.jit(**options)

    @decorate
    def squares(ws: Any) -> Any:
        return autograd.sum([w * w for w in ws])

    ws = [Value(2.0), Value(3.0)]
    squares(ws).backward()
    assert [w.grad for w in ws] == [4.0, 6.0]


def test_none_is_no_function() -> None:
    with pytest.raises(TypeError, match="jit takes a function, but got None"):
        autograd.jit(None)  # type: ignore[arg-type]


def test_the_listing_of_a_native_step() -> None:
    pytest.importorskip("llvmlite")
    step = autograd.jit(lambda ws: autograd.sum([w * w for w in ws]), backend="native")
    step([Value(1.0), Value(2.0)])
    assert step.native_source.startswith("kernel1(")
    plain = autograd.jit(lambda ws: autograd.sum([w * w for w in ws]))
    plain([Value(1.0), Value(2.0)])
    with pytest.raises(AttributeError, match="native_source"):
        plain.native_source  # noqa: B018


@pytest.mark.parametrize("terms, audits", [(10, 2), (1_200, 0)])
def test_large_programs_are_audited_later(terms: int, audits: int, monkeypatch: Any) -> None:
    monkeypatch.setattr("autograd.runtime.compiled.LARGE", 1_000)
    dotted = autograd.jit(lambda ws, xs: autograd.dot(ws, xs))
    ws, xs = [Value(1.0)] * terms, [0.5] * terms
    for _ in range(5):
        dotted(ws, xs)
    assert dotted.stats["audits"] == audits
