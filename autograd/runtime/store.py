"""Where the parameters of compiled programs live: in one flat array, with another for gradients.

A parameter that a program uses stays the same object, but becomes a `Stored`: its `data` and
`grad` read and write the arrays, so they are right at any moment, whoever changed them.
"""

from collections import deque
from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any
from weakref import WeakSet

import numpy as np

from autograd.compiler import trace
from autograd.compiler.trace import DATA, GRAD, TraceError
from autograd.value import Value


class Store:
    """data, grad: arrays with a number for each member. pending: calls that must pull their
    gradients before a parameter changes. late: outer products (where, a, b) that belong into grad,
    but are written only if somebody reads it. moved: the larger store that took this one in, and
    where in it these members begin."""

    def __init__(self, members: list[Value]) -> None:
        self.members = members
        self.data = _aligned([v.data for v in members])
        self.written = _aligned([v.grad for v in members])
        self.late: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.pending: WeakSet[Any] = WeakSet()
        self.moved: tuple[Store, int] | None = None

    @property
    def grad(self) -> np.ndarray:
        while self.late:
            where, a, b = self.late.pop()
            np.einsum("i,j->ij", a, b, out=where)
        return self.written

    def add(self, gradient: np.ndarray) -> None:
        """Add a gradient to that of the members, wherever they are now."""
        store, at = self, 0
        while store.moved:
            store, start = store.moved
            at += start
        store.grad[at : at + len(gradient)] += gradient

    def settle(self) -> None:
        for call in list(self.pending) if self.pending else ():
            with np.errstate(all="ignore"):
                call.settle()


class Stored(Value):
    """A leaf Value whose numbers live in a store. Copies and pickles of it are plain Values."""

    __slots__ = ()

    def _get_data(self) -> float:
        return float(DATA.__get__(self).data[GRAD.__get__(self)])

    def _set_data(self, x: float) -> None:
        store = DATA.__get__(self)
        store.settle()
        store.data[GRAD.__get__(self)] = x

    def _get_grad(self) -> float:
        return float(DATA.__get__(self).grad[GRAD.__get__(self)])

    def _set_grad(self, x: float) -> None:
        DATA.__get__(self).grad[GRAD.__get__(self)] = x

    _data = property(_get_data, _set_data)
    _grad = property(_get_grad, _set_grad)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _plain, (self.data, self.grad, self.label)


trace.guarded.append(Stored)


def _aligned(numbers: list[float]) -> np.ndarray:
    """An array that begins where a line of the processor's cache does: it is a tenth faster."""
    room = np.empty(len(numbers) + 8)
    start = -room.ctypes.data % 64 // 8
    array = room[start : start + len(numbers)]
    array[:] = numbers
    return array


def _plain(data: float, grad: float, label: str) -> Value:
    v = Value(data, label)
    v.grad = grad
    return v


def adopt(parameters: Sequence[Value]) -> Store:
    """The store that holds all of these leaves: theirs if they have one, or a new, larger one."""
    kinds = set(map(type, parameters))
    if others := kinds - {Stored, Value}:
        raise TraceError(
            f"jit keeps plain Values in an array, but one is a {others.pop().__name__}, a class of "
            "its own. Use plain Values, or backend='python'."
        )
    known = parameters if kinds == {Stored} else [v for v in parameters if type(v) is Stored]
    stores: list[Store] = list(dict.fromkeys(map(DATA.__get__, known)))
    if len(stores) == 1 and known is parameters:
        return stores[0]
    for old in stores:
        old.settle()
    inside = chain.from_iterable([old.members for old in stores])
    store, at = Store(list(dict.fromkeys(chain(inside, parameters)))), 0
    for old in stores:
        old.moved, at = (store, at), at + len(old.members)
    fresh = [v for v in store.members if type(v) is not Stored]
    try:
        _for_all(DATA.__set__, store.members, repeat(store))
        _for_all(GRAD.__set__, store.members, range(len(store.members)))
        _for_all(setattr, fresh, repeat("__class__"), repeat(Stored))
    except BaseException:  # Ctrl-C, say: back to plain Values, none of them half moved
        _for_all(setattr, store.members, repeat("__class__"), repeat(Value))
        _for_all(DATA.__set__, store.members, store.data.tolist())
        _for_all(GRAD.__set__, store.members, store.grad.tolist())
        raise
    return store


def _for_all(function: Any, *columns: Any) -> None:
    """Call it for each row, at the speed of C: there may be a million parameters."""
    deque(map(function, *columns), maxlen=0)
