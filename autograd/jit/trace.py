"""Stage 1: call the user's function on symbols, and keep what it computed as a `Trace`.

A symbol stands for a number that the program will be given later. It has no `data`, and while a
trace runs no Value has: whatever looks at a number raises `TraceError`, so none can freeze into
the program unseen.
"""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from autograd import value as engine
from autograd.number import number
from autograd.ops import Op
from autograd.value import Constant, Value, as_value

DATA, GRAD = Value.__dict__["data"], Value.__dict__["grad"]  # the slots, whatever hides them


class TraceError(TypeError):
    """The function can't be traced: it looks at a number that is known only when it runs."""


def _refuse(what: str, instead: str) -> Any:
    def refuse(self: Any, *args: Any) -> Any:
        frame: Any = sys._getframe(1)
        while frame.f_back and frame.f_globals.get("__name__", "").startswith(("autograd.", "nn.")):
            frame = frame.f_back
        raise TraceError(
            f"{frame.f_code.co_filename}, line {frame.f_lineno}, in {frame.f_code.co_name}: {what} "
            "needs a number, but jit traces the function once, on symbols, for all numbers to "
            f"come. {instead}"
        )

    return refuse


_BRANCH = (
    "For a choice that depends on data write ops: autograd.maximum(a, b), minimum, relu, abs; "
    "or run this function without jit."
)
_NUMBER = (
    "To go on computing use operators and ops, v.exp() and not math.exp(v); a number that stays "
    "the same may come from outside the function's arguments, as in lambda xs: f(xs, n=3)."
)
LEAKED = (
    "jit met a symbol of another trace: the function keeps a Value from an earlier call (in an "
    "attribute or a global). Return it, and pass it back in."
)
_look = _refuse("reading .data", _NUMBER)


class Symbol(Value):
    """A number known only when the program runs: an argument, or what was computed from one."""

    __slots__ = ()
    data = property(_look, _refuse("assigning .data", "Make a new Value instead."))
    grad = property(*[_refuse("a gradient", "Call backward() on the result, outside.")] * 2)
    partials = property(_refuse("a partial derivative", "Use autograd.grad outside of jit."))
    __lt__ = __le__ = __gt__ = __ge__ = _refuse("a comparison", _BRANCH)
    __bool__ = _refuse("`if`, `and`, `or` or `not` on a Value", _BRANCH)
    __float__ = __int__ = __round__ = __floor__ = __ceil__ = __trunc__ = _refuse("this", _NUMBER)
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = __divmod__ = _refuse("this", _NUMBER)
    __format__ = _refuse("formatting a Value", "Print what the jitted function returns.")
    __hash__ = Value.__hash__

    def __repr__(self) -> str:
        return f"<symbol of a {self.op or 'number'}>"


class Number(Symbol):
    """A float argument. It would be compared by data, so it can't be compared at all."""

    __slots__ = ()
    __eq__ = __ne__ = _refuse("== on an argument", _BRANCH)
    __hash__ = Value.__hash__


class Integer(Number):
    """An int argument: an index, for `take` (`Embedding`, a target), or a number like others."""

    __slots__ = ()
    __index__ = _refuse(
        "an index, range() or a key",
        "To look up write autograd.take(values, i); for a size use len(values), or keep it out of "
        "the arguments, as in lambda xs: f(xs, n=3).",
    )

    def take_from(self, values: Sequence[Any]) -> Any:
        tracer = tracers[-1]
        table = tuple([as_value(v) for v in values])
        chosen = record(_Take, (self,))
        ids = tuple(map(id, table))
        index = tracer.table_of.setdefault(ids, len(tracer.tables))
        if index == len(tracer.tables):
            tracer.tables.append(table)
        tracer.chosen[id(chosen)] = index
        return chosen


class _Take:
    symbol = "take"


@dataclass
class Trace:
    """What a function computed. `nodes` are in the order in which they were made."""

    nodes: list[Symbol] = field(default_factory=list)
    tables: list[tuple[Value, ...]] = field(default_factory=list)  # what `take` chooses from
    chosen: dict[int, int] = field(default_factory=dict)  # id of a take's node: its table
    table_of: dict[tuple[int, ...], int] = field(default_factory=dict)
    inputs: dict[str, list[Symbol]] = field(default_factory=dict)  # numbers, by argument
    values: dict[str, list[Symbol]] = field(default_factory=dict)  # Values among the arguments
    masks: dict[str, Callable[[int], list[float]]] = field(default_factory=dict)  # inputs to draw
    created: set[int] = field(default_factory=set)  # ids of the leaves made on the way
    kept: list[Value] = field(default_factory=list)  # these leaves: no id may be used twice
    root: Any = None


tracers: list[Trace] = []
guarded: list[type] = [Value]  # the classes whose `data` nobody may read while a trace runs
_assign = _refuse("assigning .data", "Change parameters outside of the jitted function.")


def record(op: Op | type[_Take], parents: tuple[Any, ...]) -> Any:
    """Stands in for `value.apply` while tracing."""
    if op.symbol == "take" and not (type(parents[0]) is Integer and op is _Take):
        return parents[0]  # the index was no argument: nothing to look up
    s = _new(Symbol)
    s.op, s.parents, s.label = op.symbol, parents, ""
    tracers[-1].nodes.append(s)
    return s


def record_nary(op: Op, parents: tuple[Any, ...]) -> Any:
    """Stands in for `Value.apply_op` while tracing: a neuron has hundreds of parents."""
    if not all(issubclass(kind, Value) for kind in set(map(type, parents))):
        parents = tuple(map(as_value, parents))
    return record(op, parents)


_new: Any = Value.__new__


def symbol(kind: type[Symbol]) -> Symbol:
    s: Symbol = _new(kind)
    s.op, s.parents, s.label = "", (), ""
    return s


def trace(run: Callable[[Trace], Any], modules: Sequence[Any] = ()) -> Trace:
    """Call `run(trace)`, which calls the user's function, and keep its result as the root.

    modules: those with a method `mask(n)` (Dropout) get n fresh numbers at each later call.
    """
    found = Trace()

    def set_data(self: Value, x: Any) -> None:
        if not hasattr(self, "op"):  # Value.__init__, at its first line
            found.created.add(id(self))
            found.kept.append(self)
        elif id(self) not in found.created:
            _assign(self)
        DATA.__set__(self, x)

    earlier, state = engine.recorder, random.getstate()
    hidden = [cls.__dict__["data"] for cls in guarded]
    with _masks(modules, found):
        try:
            tracers.append(found)
            engine.recorder = record
            Value.apply_op = staticmethod(record_nary)
            type.__setattr__(Constant, "data", DATA)  # what a number in the code was, can be read
            for cls in guarded:
                type.__setattr__(cls, "data", property(_look, set_data))
            root = run(found)
        finally:  # also after Ctrl-C
            for cls, slot in zip(guarded, hidden):
                type.__setattr__(cls, "data", slot)
            if "data" in vars(Constant):
                type.__delattr__(Constant, "data")
            engine.recorder = earlier
            Value.apply_op = staticmethod(engine.apply)
            tracers[:] = [t for t in tracers if t is not found]
    if random.getstate() != state:
        raise TraceError(
            "the function draws random numbers, and jit would repeat the same ones forever: draw "
            "them outside and pass them as an argument. (nn.Dropout works under jit.)"
        )
    if not isinstance(root, Value):
        raise TraceError(
            f"a jitted function returns one Value, but this one returned a {type(root).__name__}: "
            "reduce a list with autograd.sum(values), and don't forget the `return`."
        )
    found.root = root
    return found


@contextmanager
def _masks(modules: Sequence[Any], found: Trace) -> Iterator[None]:
    for i, module in enumerate(modules):

        def mask(n: int, name: str = f"mask{i + 1}") -> list[Symbol]:
            new: list[Symbol] = [symbol(Number) for _ in range(n)]
            found.inputs.setdefault(name, []).extend(new)
            return new

        found.masks[f"mask{i + 1}"] = module.mask
        module.mask = mask
    try:
        yield
    finally:
        for module in modules:
            del module.mask


# --- arguments -----------------------------------------------------------------------------------


def signature(x: Any, fixed: Callable[[Value], bool], numbers: list[Any], values: list[Any]) -> Any:
    """What of an argument makes the program; its numbers and Values are collected in order.

    Floats are "f", ints "i", Values "v", except those that are `fixed`, parameters that the
    program knows by identity. Modules and everything else stand for themselves.
    """
    kind = type(x)
    if kind is float:
        numbers.append(x)
        return "f"
    if kind is int:
        numbers.append(x)
        return "i"
    if isinstance(x, Value):
        if fixed(x):
            return ("fixed", id(x))
        values.append(x)
        return "v"
    if kind in (list, tuple):
        return (kind, *[signature(item, fixed, numbers, values) for item in x])
    if kind is dict:
        signs = [signature(item, fixed, numbers, values) for item in x.values()]
        return (kind, tuple(x), *signs)
    if hasattr(x, "dtype") and hasattr(x, "tolist"):  # NumPy's scalars and arrays, without NumPy
        if x.dtype.kind in "fiu":
            items = x.reshape(-1).tolist() if x.shape else [x.item()]
            numbers += items
            return ("array", x.shape, "f" if x.dtype.kind == "f" else "i")
        if x.dtype.kind != "b":
            raise TypeError(f"jit takes arrays of floats or ints, but this one holds {x.dtype}.")
        return ("bools", x.shape, x.tobytes())
    if hasattr(x, "parameters"):
        return ("module", id(x))
    try:
        hash(x)
    except TypeError:
        return ("object", id(x))
    if hasattr(x, "__float__") and not isinstance(x, bool):
        numbers.append(number(x))
        return "f"
    return ("static", kind, x)


def symbols(x: Any, sign: Any, numbers: Iterator[Symbol], values: Iterator[Symbol]) -> Any:
    """The argument with symbols for its numbers and Values, in the same nesting."""
    if sign in ("f", "i"):
        return next(numbers)
    if sign == "v":
        return next(values)
    if sign[0] in (list, tuple):
        return sign[0]([symbols(a, s, numbers, values) for a, s in zip(x, sign[1:])])
    if sign[0] is dict:
        return {k: symbols(x[k], s, numbers, values) for k, s in zip(x, sign[2:])}
    if sign[0] == "array":
        if not x.shape:
            return next(numbers)
        array = x.astype(object)
        for i in range(array.size):
            array.flat[i] = next(numbers)
        return array
    return x
