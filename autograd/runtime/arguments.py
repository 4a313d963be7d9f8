"""A call's arguments: what in them is input, and what makes a program.

Numbers and Values are inputs, wherever they are in nested lists, tuples, dicts, arrays and data
classes. All else is static: it makes the program, and is compared by type and content, or by
identity where content can't be told.
"""

import copy
import dataclasses
import functools
import inspect
import re
import types
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from autograd.compiler.trace import Integer, Number, Symbol, argument, symbol
from autograd.number import number
from autograd.ops import OPS
from autograd.value import Value

IsFixed = Callable[[Value], bool]
_BY_CONTENT = (str, bytes, bool, complex, type(None), type(...), range, slice)


class Same:
    """An object in a signature: equal to nothing but itself. It does not keep a model alive."""

    def __init__(self, x: Any) -> None:
        self.get = weak(x)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.get() is other.get()

    __hash__ = None  # type: ignore[assignment]


class Signature:
    """Reads one call's arguments. numbers, values: the inputs of an argument, in order."""

    def __init__(self, is_fixed: IsFixed) -> None:
        self.is_fixed = is_fixed
        self.numbers: list[Any] = []
        self.values: list[Value] = []

    def of(self, x: Any) -> Any:
        """What of `x` makes the program. Its numbers and Values are collected."""
        kind = type(x)
        if kind is float or kind is int:
            self.numbers.append(x)
            return float
        if kind is list or kind is tuple:
            if set(map(type, x)) <= _PLAIN:  # usual, and so the fast case
                self.numbers.extend(x)
                return kind, len(x)
            return (kind, *map(self.of, x))
        if isinstance(x, Value):
            if self.is_fixed(x):
                return Same(x)
            self.values.append(x)
            return Value
        return self.of_other(x, kind)

    def of_other(self, x: Any, kind: type) -> Any:
        if isinstance(x, list | tuple):
            return (kind, *map(self.of, x), self.of_attributes(x))
        if isinstance(x, dict):  # the order counts: in it the numbers are collected
            pairs = [(self.static(key), self.of(item)) for key, item in x.items()]
            return (kind, *pairs) if kind is dict else (kind, *pairs, self.of_attributes(x))
        if is_array(x):
            return self.of_array(x) if x.shape else self.of_scalar(x)
        if is_record(x):
            return (kind, *[(name, self.of(item)) for name, item in vars(x).items()])
        if is_number(x):
            self.numbers.append(number(x))
            return kind
        return self.static(x)

    def of_attributes(self, x: Any) -> Any:
        """A container of a class of its own may have attributes, too."""
        return tuple([(n, self.static(v)) for n, v in getattr(x, "__dict__", {}).items()])

    def of_scalar(self, x: Any) -> Any:
        """NumPy's number, or an array without dimensions."""
        item = x.item()
        return (type(x), self.of(item)) if type(item) in _PLAIN else (type(x), self.static(item))

    def of_array(self, x: Any) -> Any:
        kind = x.dtype.kind
        if kind == "O":
            return (type(x), x.shape, *map(self.of, x.reshape(-1).tolist()))
        if kind not in "fiub":
            raise TypeError(f"jit takes arrays of floats or ints, not of {x.dtype}.")
        if kind == "b":
            return type(x), x.shape, x.tobytes()
        self.numbers.extend(x.reshape(-1).tolist())
        return type(x), x.shape, x.dtype

    def static(self, x: Any) -> Any:
        return (type(x), x) if isinstance(x, _BY_CONTENT) else Same(x)


_PLAIN = {float, int}


def is_array(x: Any) -> bool:
    """Whether it is an array or a number of NumPy's: told without NumPy."""
    return any(cls.__module__ == "numpy" for cls in type(x).__mro__) and hasattr(x, "tolist")


def is_record(x: Any) -> bool:
    """Whether it is data with names: of a data class, or a namespace; no module."""
    if hasattr(x, "parameters") or isinstance(x, type):
        return False
    is_plain = hasattr(x, "__dict__") and not hasattr(type(x), "__slots__")
    return isinstance(x, types.SimpleNamespace) or dataclasses.is_dataclass(x) and is_plain


def is_number(x: Any) -> bool:
    """Whether it stands for a number: a fraction, say. Bools and members of enums do not."""
    return hasattr(x, "__float__") and not isinstance(x, int | Value) and not hasattr(x, "__len__")


class Substitute:
    """Makes the arguments of a trace: the same nesting with a symbol for each input.

    numbers, values: the symbols of an argument, in order. One Value gets one symbol, wherever it
    appears. made: the containers with what was put into them, to see what the function changes.
    """

    def __init__(self, is_fixed: IsFixed) -> None:
        self.is_fixed = is_fixed
        self.numbers: list[Symbol] = []
        self.values: list[Symbol] = []
        self.known: dict[int, Symbol] = {}
        self.made: list[tuple[Any, Any]] = []

    def of(self, x: Any) -> Any:
        kind = type(x)
        if kind is float or kind is int:
            return self.of_number(Integer if kind is int else Number)
        if isinstance(x, Value):
            return x if self.is_fixed(x) else self.of_value(x)
        if isinstance(x, list | tuple):
            return self.of_sequence(x, kind)
        if isinstance(x, dict):
            return self.kept(_refilled(x, dict(zip(x, map(self.of, x.values())))))
        if is_array(x):
            return self.of_array(x)
        if is_record(x):
            twin = copy.copy(x)
            vars(twin).update({name: self.of(item) for name, item in vars(x).items()})
            self.kept(vars(twin))
            return twin
        return self.of_number(Number) if is_number(x) else x

    def of_number(self, kind: type[Symbol]) -> Symbol:
        self.numbers.append(s := symbol(kind))
        return s

    def of_value(self, v: Value) -> Symbol:
        if id(v) in self.known:  # its place among the inputs is kept, but nobody reads it there
            self.values.append(symbol(Symbol))
            return self.known[id(v)]
        self.values.append(s := argument(v))
        self.known[id(v)] = s
        return s

    def of_sequence(self, x: Any, kind: type) -> Any:
        items = list(map(self.of, x))
        if kind is list:
            return self.kept(items)
        if kind is tuple:
            return tuple(items)
        if hasattr(x, "_make"):  # a namedtuple
            return x._make(items)
        if isinstance(x, tuple):
            return kind(items)
        twin: Any = copy.copy(x)
        twin[:] = items
        return self.kept(twin)

    def of_array(self, x: Any) -> Any:
        if not x.shape:
            item = x.item()
            return self.of(item) if type(item) in _PLAIN else x
        if x.dtype.kind not in "fiuO":
            return x
        array = x.astype(object, order="C")
        flat = array.reshape(-1)
        flat[:] = list(map(self.of, x.reshape(-1).tolist()))
        return self.kept(array)

    def kept(self, container: Any) -> Any:
        self.made.append((container, contents(container)))
        return container

    def is_changed(self) -> bool:
        """Whether the function has written into its arguments."""
        return any(not alike(contents(c), before) for c, before in self.made)


def _refilled(x: Any, items: dict[Any, Any]) -> Any:
    if type(x) is dict:
        return items
    twin = copy.copy(x)
    twin.update(items)
    return twin


def contents(container: Any) -> list[Any]:
    """The keys and items of a dict, the items of a list or an array, as they are now."""
    if isinstance(container, dict):
        return [*container, *container.values()]
    return container.reshape(-1).tolist() if hasattr(container, "reshape") else list(container)


def alike(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """The very same items."""
    return len(a) == len(b) and all(x is y for x, y in zip(a, b))


def repeats(values: list[Value]) -> tuple[int, ...]:
    """Which of the Values are one: for each the place of its first appearance; () if all differ."""
    ids = list(map(id, values))
    if len(set(ids)) == len(ids):
        return ()
    first = {i: place for place, i in reversed(list(enumerate(ids)))}
    return tuple(map(first.__getitem__, ids))


def names(fn: Any, n: int, kwargs: Any) -> list[str]:
    """What the program calls the arguments: as the function does, if it can."""
    code = getattr(fn, "__code__", None)
    own = list(code.co_varnames[: code.co_argcount][inspect.ismethod(fn) :]) if code else []
    wanted = [*own[:n], *[f"arg{i}" for i in range(len(own[:n]), n)], *kwargs]
    taken = {*_RESERVED}
    found = []
    for name in wanted:
        while name in taken or _CLASHES(name):
            name = f"arg_{name}" if name.startswith("V_") else f"{name}_"
        taken.add(name)
        found.append(name)
    return found


_RESERVED = {"P", "G", "np", "check", "outer", "step", "program", "computed", "update", "upstream"}
_RESERVED |= {op.name for op in OPS.values()}
_CLASHES = re.compile(r"\w+_i|V_\w+|mask\d+|d?v\d+|g\d+").fullmatch


def weak(x: Any) -> Callable[[], Any]:
    """A function that gives `x`, but does not keep a model alive."""
    if hasattr(x, "parameters"):
        try:
            return weakref.ref(x)
        except TypeError:
            pass
    return functools.partial(_identity, x)


def _identity(x: Any) -> Any:
    return x
