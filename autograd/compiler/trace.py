"""Stage 1: call the user's function on symbols, and keep what it computed as a `Trace`.

A symbol stands for a number that the program will be given later. It has no `data`, and while a
trace runs no Value has: whatever looks at a number raises `TraceError`, so none can freeze into
the program unseen.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

from autograd.ops import Op
from autograd.recording import recording
from autograd.value import Constant, Value, as_value

DATA, GRAD = Value.__dict__["_data"], Value.__dict__["_grad"]  # the slots, whatever hides them


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
COMPUTED = (
    "the function reads a Value that was computed outside of it, and what that was computed from "
    "would get no gradient: compute it inside, or pass it as an argument."
)
_look = _refuse("reading .data", _NUMBER)


class Symbol(Value):
    """A number known only when the program runs: an argument, or what was computed from one."""

    __slots__ = ()
    _data = property(_look, _refuse("assigning .data", "Make a new Value instead."))
    _grad = property(*[_refuse("a gradient", "Call backward() on the result, outside.")] * 2)
    partials = property(_refuse("a partial derivative", "Use autograd.grad outside of jit."))
    __lt__ = __le__ = __gt__ = __ge__ = _refuse("a comparison", _BRANCH)
    __bool__ = _refuse("`if`, `and`, `or` or `not` on a Value", _BRANCH)
    __float__ = __int__ = __round__ = __floor__ = __ceil__ = __trunc__ = _refuse("this", _NUMBER)
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = __divmod__ = _refuse("this", _NUMBER)
    __format__ = _refuse("formatting a Value", "Print what the jitted function returns.")
    __str__ = _refuse("the text of a Value", "Print what the jitted function returns.")
    __hash__ = Value.__hash__

    def __repr__(self) -> str:
        return f"<symbol of a {self.op or 'number'}>"


class Number(Symbol):
    """A float argument. It would be compared by data, so it can't be compared at all."""

    __slots__ = ()
    __eq__ = __ne__ = _refuse("== on an argument", _BRANCH)
    __hash__ = _refuse("a set or a key of a dict", _BRANCH)


class Integer(Number):
    """An int argument: an index, for `take` (`Embedding`, a target), or a number like others."""

    __slots__ = ()
    __index__ = _refuse(
        "an index, range() or a key",
        "To look up write autograd.take(values, i); for a size use len(values), or keep it out of "
        "the arguments, as in lambda xs: f(xs, n=3).",
    )

    def take_from(self, values: Sequence[Any]) -> Any:
        table, found = tuple([as_value(v) for v in values]), tracers[-1]
        found.nodes.append(chosen := symbol(Symbol, "take", (self,)))
        found.tables[id(chosen)] = found.interned.setdefault(tuple(map(id, table)), table)
        return chosen


Row = tuple[Value, ...]


@dataclass
class Trace:
    """What a function computed. `nodes` are in the order in which they were made."""

    nodes: list[Symbol] = field(default_factory=list)
    tables: dict[int, Row] = field(default_factory=dict)  # by id of the take's node
    rows: dict[int, tuple[Row, Row]] = field(default_factory=dict)  # by id of the dot's node
    interned: dict[Any, Row] = field(default_factory=dict)  # each table and each row once
    lists: dict[int, tuple[Any, Any, Row]] = field(default_factory=dict)  # those made rows, by id
    inputs: dict[str, list[Symbol]] = field(default_factory=dict)  # numbers, by argument
    values: dict[str, list[Symbol]] = field(default_factory=dict)  # Values among the arguments
    masks: dict[str, Callable[[int], list[float]]] = field(default_factory=dict)  # inputs to draw
    created: dict[int, Value] = field(default_factory=dict)  # leaves made on the way, by id
    root: Any = None
    results: tuple[Any, ...] = ()  # of a loop's body, which has several
    loops: list["Loop"] = field(default_factory=list)  # what reroll.py found; first come, first run

    @property
    def ends(self) -> tuple[Any, ...]:
        """What is computed for others: the results of a loop's body, or the root."""
        return self.results or (self.root,)

    def operands(self, s: Symbol) -> Row:
        """What a node is computed from, in the engine's order; of a look-up its index alone."""
        return (*chain.from_iterable(self.rows.get(id(s), ())), *s.parents)

    def row(self, values: Sequence[Any]) -> Row:
        """The values as a tuple: the same one for the same values. A list that was seen before,
        and holds what it held then, costs one comparison at the speed of C."""
        _, before, row = self.lists.get(id(values), (None, None, ()))
        if before is None or not _is_same(values, before):
            found = tuple([as_value(v) for v in values])
            row = self.interned.setdefault(tuple(map(id, found)), found)
            if type(values) in (list, tuple):
                copy = values if type(values) is tuple else list(values)
                self.lists[id(values)] = values, copy, row  # keeps the list alive, and so its id
        return row


@dataclass(eq=False)
class Loop:
    """A recurrence: `body` run `count` times, a function of what the lists in its `values` and
    `inputs` hold. Each list is given by its name, in one of three ways.

    carried: name -> (values before the first step, nodes of the body that are the next ones).
    steps: name -> for each step, the values that it reads. fixed: name -> values for all steps.
    stacks: name -> (nodes of the body, for each step the nodes outside that they stand for).
    """

    count: int
    body: Trace
    carried: dict[str, tuple[list[Value], list[Value]]] = field(default_factory=dict)
    steps: dict[str, list[list[Value]]] = field(default_factory=dict)
    fixed: dict[str, list[Value]] = field(default_factory=dict)
    stacks: dict[str, tuple[list[Value], list[list[Value]]]] = field(default_factory=dict)
    graph: Any = None  # the kinds of the body

    def operands(self) -> list[Value]:
        """All the values outside that it reads."""
        found = [v for first, _ in self.carried.values() for v in first]
        found += [v for rows in self.steps.values() for row in rows for v in row]
        return found + [v for row in self.fixed.values() for v in row]


tracers: list[Trace] = []
guarded: list[type] = [Value]  # the classes whose `data` nobody may read while a trace runs
_assign = _refuse("assigning .data", "Change parameters outside of the jitted function.")


def record(op: Op, parents: tuple[Any, ...]) -> Any:
    """Stands in for `value.apply` while tracing."""
    if op.symbol == "take":
        return parents[0]  # the index was no argument: nothing to look up
    tracers[-1].nodes.append(s := symbol(Symbol, op.symbol, parents))
    return s


def record_dot(ws: Sequence[Any], xs: Sequence[Any], bias: Any) -> Any:
    """Stands in for the body of `value.dot` while tracing: its operands are two rows."""
    found = tracers[-1]
    found.nodes.append(s := symbol(Symbol, "dot", () if bias is None else (as_value(bias),)))
    found.rows[id(s)] = found.row(ws), found.row(xs)
    return s


record.dot = record_dot  # type: ignore[attr-defined]


def _is_same(values: Any, before: Any) -> bool:
    try:
        return bool(values is before or values == before)
    except TraceError:  # numbers that are not the same refuse to be compared
        return False


def symbol(kind: type[Symbol], op: str = "", parents: tuple[Any, ...] = ()) -> Symbol:
    s: Symbol = Value.__new__(kind)
    s.op, s.parents = op, parents
    return s


def trace(run: Callable[[Trace], Any], modules: Sequence[Any] = ()) -> Trace:
    """Call `run(trace)`, which calls the user's function, and keep its result as the root.

    modules: those with a method `mask(n)` (Dropout) get n fresh numbers at each later call.
    """
    found = Trace()

    def set_data(self: Value, x: Any) -> None:
        if not hasattr(self, "op"):  # Value.__init__, at its first line
            found.created[id(self)] = self
        elif id(self) not in found.created:
            _assign(self)
        DATA.__set__(self, x)

    hidden = [cls.__dict__["_data"] for cls in guarded]
    try:
        for i, module in enumerate(modules):
            found.masks[f"mask{i + 1}"] = module.mask
            module.mask = partial(_mask, found.inputs.setdefault(f"mask{i + 1}", []))
        tracers.append(found)
        type.__setattr__(Constant, "_data", DATA)  # what a number in the code was, can be read
        for cls in guarded:
            type.__setattr__(cls, "_data", property(_look, set_data))
        with recording(record):
            root = run(found)
    finally:  # also after Ctrl-C
        for cls, slot in zip(guarded, hidden):
            type.__setattr__(cls, "_data", slot)
        if "_data" in vars(Constant):
            type.__delattr__(Constant, "_data")
        tracers[:] = [t for t in tracers if t is not found]
        for module in modules:
            vars(module).pop("mask", None)
    if not isinstance(root, Value):
        raise TraceError(
            f"a jitted function returns one Value, but this one returned a {type(root).__name__}: "
            "reduce a list with autograd.sum(values), and don't forget the `return`."
        )
    found.root = root
    return found


def _mask(inputs: list[Symbol], n: int) -> list[Symbol]:  # in the place of a method `mask`
    inputs += (new := [symbol(Number) for _ in range(n)])
    return new
