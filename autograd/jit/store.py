"""Where the parameters of compiled programs live: in one flat array, with another for gradients.

A parameter that a program uses stays the same object, but becomes a `Stored`: its `data` and
`grad` read and write the arrays, so they are right at any moment, whoever changed them.
"""

from collections import deque
from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np

from autograd.jit import trace
from autograd.jit.trace import DATA, GRAD
from autograd.value import Value


class Store:
    """data, grad: arrays with a number for each parameter. runs: what reads these arrays and must
    finish its backward pass before a parameter changes (see `Run.pull`)."""

    def __init__(self, data: np.ndarray, grad: np.ndarray) -> None:
        self.data, self.grad = data, grad
        self.base: tuple[Store, int] | None = None  # the larger store that took this one in
        self.inner: list[Store] = []  # those that this one took in
        self.runs: list[Any] = []

    def move(self, data: np.ndarray, grad: np.ndarray) -> None:
        """Go on in this memory, with all the stores inside."""
        self.data, self.grad = data, grad
        for store in self.inner:
            start = store.base[1] if store.base else 0
            part = slice(start, start + len(store.data))
            store.move(data[part], grad[part])

    def top(self) -> "tuple[Store, int]":
        """The largest store that these parameters are in, and where in it they begin."""
        store, offset = self, 0
        while store.base:
            store, start = store.base
            offset += start
        return store, offset

    def settle(self) -> None:
        """Before parameters change: finish the backward passes that need them as they are."""
        for run in self.top()[0].runs:
            if run.pending is not None:
                with np.errstate(all="ignore"):
                    run.pull()


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

    data = property(_get_data, _set_data)
    grad = property(_get_grad, _set_grad)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _plain, (self.data, self.grad, self.label)


trace.guarded.append(Stored)


def _plain(data: float, grad: float, label: str) -> Value:
    v = Value(data, label)
    v.grad = grad
    return v


def adopt(parameters: Sequence[Value]) -> Store:
    """One store that holds all of these leaves, with those it takes in first in their order."""
    fresh, known = [], parameters
    if set(map(type, parameters)) != {Stored}:
        fresh = [v for v in dict.fromkeys(parameters) if type(v) is not Stored]
        known = [v for v in parameters if type(v) is Stored]
    owners = set(map(DATA.__get__, known))
    stores: list[Store] = list({id(top): top for top in [own.top()[0] for own in owners]}.values())
    if len(stores) == 1 and not fresh:
        return stores[0]
    for old in stores:
        old.settle()
    start = sum([len(old.data) for old in stores])
    data = np.empty(start + len(fresh))
    grad = np.empty(start + len(fresh))
    store, at = Store(data, grad), 0
    for old in stores:
        part = slice(at, at + len(old.data))
        data[part], grad[part] = old.data, old.grad
        old.base = (store, at)
        old.move(data[part], grad[part])
        store.inner.append(old)
        store.runs += old.runs
        at = part.stop
    data[at:] = list(map(DATA.__get__, fresh))
    grad[at:] = list(map(GRAD.__get__, fresh))
    try:
        _for_all(DATA.__set__, fresh, repeat(store))
        _for_all(GRAD.__set__, fresh, range(at, at + len(fresh)))
        _for_all(setattr, fresh, repeat("__class__"), repeat(Stored))
    except BaseException:  # Ctrl-C, say: back to plain Values, none of them half moved
        _for_all(setattr, fresh, repeat("__class__"), repeat(Value))
        _for_all(DATA.__set__, fresh, data[at:].tolist())
        _for_all(GRAD.__set__, fresh, grad[at:].tolist())
        raise
    return store


def _for_all(function: Any, *columns: Any) -> None:
    """Call it for each row, at the speed of C: there may be a million parameters."""
    deque(map(function, *columns), maxlen=0)


def places(store: Store, parameters: Sequence[Value]) -> np.ndarray:
    """Where in `store` these parameters are."""
    found = np.fromiter(map(GRAD.__get__, parameters), np.int64, len(parameters))
    owners = list(map(DATA.__get__, parameters))
    offsets = {own: offset_in(own, store) for own in set(owners)}
    if len(offsets) == 1:
        return found + offsets[owners[0]]
    return found + np.array([offsets[own] for own in owners], np.int64)


def offset_in(own: Store, store: Store) -> int:
    offset = 0
    while own is not store:
        assert own.base is not None
        own, start = own.base
        offset += start
    return offset
