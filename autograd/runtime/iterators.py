"""Iterators that a function can reach: a trace reads a twin of each, so that no item is lost."""

import types
import warnings
from collections.abc import Iterable
from typing import Any


def is_iterator(x: Any) -> bool:
    """Whether it gives another item whenever it is read. (A file is for printing.)"""
    return hasattr(type(x), "__next__") and not hasattr(x, "write")


def state(x: Any) -> Any:
    """Where it is: equal as long as nobody has read it."""
    if isinstance(x, types.GeneratorType):
        return x.gi_frame and x.gi_frame.f_lasti
    return _state(x, 3)


def _state(x: Any, depth: int) -> Any:
    if isinstance(x, tuple):
        return tuple([_state(item, depth) for item in x])
    if is_iterator(x) and depth:
        return _state(_reduced(x), depth - 1)
    return (list, len(x), id(x)) if isinstance(x, list) else x if isinstance(x, int) else id(x)


def _reduced(x: Any) -> tuple[Any, ...]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # itertools say that they will not do it for ever
            return tuple(x.__reduce__())
    except TypeError:  # no way to tell
        return ()


def twin(x: Any) -> Any:
    """An iterator that gives the same items, or `x` itself if it can't be copied."""
    function, arguments, *rest = _reduced(x) or (None, None)
    if function is None or isinstance(x, types.GeneratorType):
        return x
    copied = function(*map(_copied, arguments))
    if rest and rest[0] is not None:
        given = rest[0]
        copied.__setstate__(tuple(map(_copied, given)) if isinstance(given, tuple) else given)
    return copied


def _copied(x: Any) -> Any:
    return twin(x) if is_iterator(x) else x


class Twins:
    """Puts twins into the place of iterators in containers and attributes."""

    def __init__(self, containers: Iterable[Any]) -> None:
        self.put: list[tuple[Any, Any, Any, Any]] = []  # container, key, the iterator, its twin
        for container in containers:
            pairs: Any = container.items() if isinstance(container, dict) else ()
            pairs = enumerate(container) if isinstance(container, list) else pairs
            for key, x in list(pairs):
                if is_iterator(x):
                    self.put.append((container, key, x, twin(x)))
        self.states = [state(x) for _, _, x, _ in self.put]
        for container, key, _, copied in self.put:
            container[key] = copied

    def back(self) -> list[str]:
        """The iterators are back. Returns the names of those that were read."""
        read = []
        for (container, key, x, copied), before in zip(self.put, self.states):
            if container.get(key) is copied if isinstance(container, dict) else True:
                container[key] = x
            if state(copied) != (state(twin(x)) if copied is not x else before):
                read.append(str(key) if isinstance(key, str) else "an item of a list")
        return read
