"""What a compiled function reads of optimisers, and whether one steps in its own way."""

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autograd.compiler.symbols import is_ours, running


@contextmanager
def fields_read(optimizers: Sequence[Any]) -> Iterator[list[tuple[Any, list[str]]]]:
    """Gives, at the end, each optimiser with the names of its attributes that a trace has read."""
    read: list[tuple[Any, set[str]]] = [(optimizer, set()) for optimizer in optimizers]
    found: list[tuple[Any, list[str]]] = []
    classes = [type(optimizer) for optimizer in optimizers]
    for optimizer, names in read:
        optimizer.__class__ = _spy(type(optimizer), names)
    try:
        yield found
    finally:
        for optimizer, cls in zip(optimizers, classes):
            optimizer.__class__ = cls
        found += [(o, sorted(names & vars(o).keys())) for o, names in read if names]


def _spy(cls: type, names: set[str]) -> type:
    """A class like `cls` that notes which attributes the traced function reads."""

    def get(self: Any, name: str) -> Any:
        if running.get() is not None and not is_ours(sys._getframe(1)):
            names.add(name)
        return cls.__getattribute__(self, name)  # type: ignore[call-arg]

    return type(cls.__name__, (cls,), {"__getattribute__": get, "__slots__": ()})


def update(optimizer: Any, clip: tuple[Any, Any]) -> None:
    """Clip the gradients, as nn.optim does, and make the step."""
    max_norm, limit = clip
    if max_norm is not None:
        norm = math.hypot(*[p.grad for p in optimizer.params])
        for p in optimizer.params if norm > max_norm else ():
            p.grad *= max_norm / norm
    if limit is not None:
        for p in optimizer.params:
            p.grad = min(max(p.grad, -limit), limit)
    optimizer.step()


def methods(optimizer: Any) -> tuple[Any, ...]:
    """What makes its steps, to be compared: its class, its methods, and whether it has its own."""
    cls, own = type(optimizer), vars(optimizer)
    return (
        *(cls, cls.step, cls.zero_grad, getattr(cls, "update", None)),
        *(own.get("step"), own.get("zero_grad"), own.get("update")),
    )


def is_usual(optimizer: Any, name: str) -> bool:
    """Whether the method is that of nn.optim's Optimizer: not another, nor wrapped or replaced."""
    base = next((c for c in type(optimizer).__mro__ if c.__qualname__ == "Optimizer"), None)
    function = getattr(getattr(optimizer, name, None), "__func__", None)
    if base is None or base.__module__ != "nn.optim" or function is not vars(base).get(name):
        return False
    file = getattr(sys.modules["nn.optim"], "__file__", None)
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename == file and not hasattr(function, "__wrapped__")
