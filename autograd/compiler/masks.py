"""Random masks (Dropout's) as data: who runs a module may hand its masks in.

A module with a method `mask(n)` that has the mark `draws` draws nowhere else. So a trace takes
symbols for the mask's numbers, and a call of the program draws them, in the order of plain code.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from threading import RLock
from typing import Any

Draw = Callable[[int, int], Any]  # the module's number in the list, how many numbers -> the mask

_NOTHING: dict[int, tuple[Draw, int]] = {}
_replaced: ContextVar[dict[int, tuple[Draw, int]]] = ContextVar("autograd.masks", default=_NOTHING)
_lock = RLock()


@dataclass
class _Patch:
    """A module whose method stands aside. users: how many blocks, of all threads, want that."""

    module: Any
    own: Any  # a method of this one object, or None
    users: int = 0


_patches: dict[int, _Patch] = {}  # by the module's id


def draws(module: Any) -> bool:
    """Whether it has such a method."""
    return hasattr(getattr(module, "mask", None), "draws")


@contextmanager
def masked(modules: Sequence[Any], draw: Draw) -> Iterator[None]:
    """Inside, in this thread or task alone, `draw(i, n)` gives the masks of modules[i]."""
    token = _replaced.set(_replaced.get() | {id(m): (draw, i) for i, m in enumerate(modules)})
    for module in modules:
        _patch(module)
    try:
        yield
    finally:
        _replaced.reset(token)
        for module in modules:
            _restore(module)


def _patch(module: Any) -> None:
    with _lock:
        patch = _patches.setdefault(id(module), _Patch(module, vars(module).get("mask")))
        patch.users += 1
        if patch.users == 1:
            stand_in = partial(_mask, patch)
            stand_in.draws = True  # type: ignore[attr-defined]
            vars(module)["mask"] = stand_in


def _restore(module: Any) -> None:
    with _lock:
        patch = _patches[id(module)]
        patch.users -= 1
        if not patch.users:
            del _patches[id(module)], vars(module)["mask"]
            if patch.own is not None:
                vars(module)["mask"] = patch.own


def _mask(patch: _Patch, n: int) -> Any:
    """Whoever has not replaced it gets the module's own."""
    draw, i = _replaced.get().get(id(patch.module), (None, 0))
    return original(patch.module)(n) if draw is None else draw(i, n)


def original(module: Any) -> Callable[[int], list[float]]:
    """The module's own method, inside of a block, too."""
    patch = _patches.get(id(module))
    if patch is None:
        return module.mask  # type: ignore[no-any-return]
    return patch.own or partial(type(module).mask, module)
