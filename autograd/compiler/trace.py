"""Stage 1: call the user's function on symbols, and keep what it computed as a `Trace`.

A symbol stands for a number that the program will be given later (see symbols.py). While a trace
runs, no Value has a number either, in that thread or task: whatever looks at one raises
`TraceError`, so none can freeze into the program unseen. Other threads notice nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from threading import RLock
from typing import Any

from autograd.compiler.masks import masked
from autograd.compiler.symbols import (
    _NUMBER,
    AFTERWARDS,
    ASSIGN,
    COMPUTED,
    LEAKED,
    LOOK,
    OUTSIDE,
    READ_GRAD,
    WRITE_GRAD,
    Argument,
    Integer,
    Number,
    Symbol,
    TraceError,
    argument,
    refusal,
    running,
    symbol,
)
from autograd.ops import Op
from autograd.recording import recording
from autograd.value import Constant, Value, as_value, compute_only

__all__ = [
    "COMPUTED", "DATA", "GRAD", "LEAKED", "Argument", "Integer", "Loop", "Number", "Row", "Symbol",
    "Trace", "TraceError", "argument", "guarded", "running", "symbol", "trace",
]  # fmt: skip

DATA, GRAD = Value.__dict__["_data"], Value.__dict__["_grad"]  # the slots, whatever hides them
_KNOWN = {
    Number,
    Integer,
    Constant,
}  # what is computed from these alone is a number of the arguments


Row = tuple[Value, ...]


@dataclass(eq=False)
class Trace:
    """What a function computed. `nodes` are in the order in which they were made.

    tables: of each look-up, and rows: of each dot the two rows of its factors, by the node's id.
    interned: each table and row once; lists: those that were made rows, by id. inputs: the numbers,
    by argument. values: the Values among the arguments. draws: (input, how many numbers), in the
    order in which masks are drawn. computed: ints, (symbol, function, operands), that each call
    computes first; they are inputs. created: the leaves made on the way, by id. aliases: who stands
    for another Value, by id. observed: (what, id of an argument's symbol): what the function has
    seen of its arguments. refusal: the first TraceError, even if the function swallowed it.
    returned: what the function did. root, results: the Value in it, or all if there are several
    (of a loop's body, too). floats: those that are plain numbers in plain code, by id. loops: what
    reroll.py found; first come, first run.
    """

    nodes: list[Symbol] = field(default_factory=list)
    tables: dict[int, Row] = field(default_factory=dict)
    rows: dict[int, tuple[Row, Row]] = field(default_factory=dict)
    interned: dict[Any, Row] = field(default_factory=dict)
    lists: dict[int, tuple[Any, Any, Row]] = field(default_factory=dict)
    inputs: dict[str, list[Symbol]] = field(default_factory=dict)
    values: dict[str, list[Symbol]] = field(default_factory=dict)
    draws: list[tuple[str, int]] = field(default_factory=list)
    computed: list[tuple[Symbol, Callable[..., int], tuple[Any, ...]]] = field(default_factory=list)
    created: dict[int, Value] = field(default_factory=dict)
    aliases: dict[int, Any] = field(default_factory=dict)
    observed: set[tuple[str, int]] = field(default_factory=set)
    refusal: TraceError | None = None
    root: Any = None
    returned: Any = None
    floats: set[int] = field(default_factory=set)
    results: tuple[Any, ...] = ()
    loops: list["Loop"] = field(default_factory=list)

    # --- while the function runs: this is the recorder ---------------------------------------

    def __call__(self, op: Op, parents: tuple[Any, ...]) -> Any:
        """Stands in for `value.record` while tracing."""
        if op.symbol == "take":  # the index was no argument: nothing to look up
            return self.alias(parents[0])
        is_known = type(parents[0]) in _KNOWN and all(type(p) in _KNOWN for p in parents)
        self.nodes.append(s := symbol(Number if is_known else Symbol, op.symbol, parents))
        return s

    def dot(self, ws: Sequence[Any], xs: Sequence[Any], bias: Any) -> Any:
        """Stands in for the body of `value.dot`: its operands are two rows."""
        self.nodes.append(s := symbol(Symbol, "dot", () if bias is None else (as_value(bias),)))
        self.rows[id(s)] = self.row(ws), self.row(xs)
        return s

    def row(self, values: Sequence[Any]) -> Row:
        """The values as a tuple: the same one for the same values. A list that was seen before,
        and holds what it held then, costs one comparison at the speed of C."""
        _, before, row = self.lists.get(id(values), (None, None, ()))
        if before is None or not self.is_same(values, before):
            found = tuple([as_value(v) for v in values])
            row = self.interned.setdefault(tuple(map(id, found)), found)
            if type(values) in (list, tuple):
                copy = values if type(values) is tuple else list(values)
                self.lists[id(values)] = values, copy, row  # keeps the list alive, and so its id
        return row

    def is_same(self, values: Any, before: Any) -> bool:
        refusal = self.refusal
        try:
            return bool(values is before or values == before)
        except TraceError:  # numbers that are not the same refuse to be compared
            self.refusal = refusal
            return False

    def within(self, own: Any) -> Any:
        """Who records inside of a block, such as no_grad, that the function enters."""
        if own is compute_only:
            return Constants(self)
        return self if own is None else own

    def stop(self, v: Any) -> Any:
        """The same number, but no gradient goes back through it."""
        self.nodes.append(s := symbol(Symbol, "detach", (v,)))
        return s

    def alias(self, v: Value) -> Symbol:
        """Another node that stands for the same number, and hands on its gradient."""
        kind: Any = type(v) if type(v) in (Number, Integer) else Symbol
        s = symbol(kind)
        self.aliases[id(s)] = v
        self.created[id(s)] = s  # it stays alive, and so its id is its own
        return s

    def compute(self, function: Callable[..., int], operands: tuple[Any, ...]) -> Symbol:
        """An int from ints."""
        self.observed |= {("type", id(x)) for x in operands if isinstance(x, Integer)}
        s = symbol(Integer)
        self.computed.append((s, function, operands))
        self.inputs.setdefault("computed", []).append(s)
        return s

    def look_up(self, values: list[Value], index: Symbol) -> Symbol:
        """values[index]."""
        table = tuple(values)
        self.nodes.append(chosen := symbol(Symbol, "take", (index,)))
        self.tables[id(chosen)] = self.interned.setdefault(tuple(map(id, table)), table)
        return chosen

    def finish(self, root: Any) -> None:
        """The function has returned: no alias stays."""
        self.returned = root
        ends = {id(v): v for v in map(self.resolved, leaves_of(root))}
        if not ends:
            raise TraceError(
                f"a jitted function returns a Value, or several, but this one returned {root!r:.60}"
                ": compute the result with operators and ops, and don't forget the `return`."
            )
        self.root, *others = ends.values()
        self.results = (self.root, *others) if others else ()
        if self.aliases:
            for s in self.nodes:
                s.parents = self.resolved_row(s.parents)
            tables, rows = self.tables.items(), self.rows.items()
            self.tables = {i: self.resolved_row(table) for i, table in tables}
            self.rows = {i: (self.resolved_row(a), self.resolved_row(b)) for i, (a, b) in rows}

    def forget(self) -> None:
        """Once the program is made: let go of the modules and lists that the function used."""
        self.lists.clear()
        for s in self.nodes:
            s.module = None  # type: ignore[attr-defined]

    def resolved_row(self, row: Row) -> Row:
        if self.aliases.keys().isdisjoint(map(id, row)):
            return row
        found = tuple(map(self.resolved, row))
        return self.interned.setdefault(tuple(map(id, found)), found)

    def resolved(self, v: Any) -> Any:
        while id(v) in self.aliases:
            v = self.aliases[id(v)]
        return v

    # --- what was computed -------------------------------------------------------------------

    @property
    def ends(self) -> tuple[Any, ...]:
        """What is computed for others: the results of a loop's body, or the root."""
        return self.results or (self.root,)

    def operands(self, s: Symbol) -> Row:
        """What a node is computed from, in the engine's order; of a look-up its index alone."""
        return (*chain.from_iterable(self.rows.get(id(s), ())), *s.parents)

    def __str__(self) -> str:
        """A line for each node, in the order in which they were made."""
        names = {id(s): f"{name}[{i}]" for name, row in (self.inputs | self.values).items()
                 for i, s in enumerate(row)}  # fmt: skip
        names |= {id(s): f"v{i + 1}" for i, s in enumerate(self.nodes)}
        lines = []
        for s in self.nodes:
            read = [*self.operands(s), *self.tables.get(id(s), ())]
            listed = [names.get(id(v)) or v.label or f"{DATA.__get__(v):.4g}" for v in read]
            lines.append(f"{names[id(s)]} = {s.op} {', '.join(listed)}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Constants:
    """Stands in for `compute_only`, the recorder of no_grad, inside of a trace."""

    trace: Trace

    def __call__(self, op: Op, parents: tuple[Any, ...]) -> Any:
        return self.trace.stop(self.trace(op, parents))

    def dot(self, ws: Sequence[Any], xs: Sequence[Any], bias: Any) -> Any:
        return self.trace.stop(self.trace.dot(ws, xs, bias))

    def within(self, own: Any) -> Any:
        return self.trace.within(own)


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


def trace(run: Callable[[Trace], Any], modules: Sequence[Any] = ()) -> Trace:
    """Call `run(trace)`, which calls the user's function, and keep its result as the root.

    modules: those with a method `mask(n)` (Dropout) get n fresh numbers at each later call.
    """
    found = Trace()

    def draw(i: int, n: int) -> list[Symbol]:
        name = f"mask{i + 1}"
        found.draws.append((name, n))
        found.inputs.setdefault(name, []).extend(new := [symbol(Number) for _ in range(n)])
        return new

    token = running.set(found)
    try:
        with hidden_numbers(), masked(modules, draw), recording(found):
            root = run(found)
    except Exception as error:
        if found.refusal is not None and error is not found.refusal:
            raise found.refusal from error  # the function caught it, and stumbled later
        raise
    finally:
        running.reset(token)
    if found.refusal is not None:
        raise found.refusal
    found.finish(root)
    return found


def leaves_of(x: Any) -> list[Value]:
    """The Values in what a function returned: one, or lists, tuples and dicts of them."""
    if isinstance(x, Value):
        return [x]
    if isinstance(x, list | tuple | dict):
        items = x.values() if isinstance(x, dict) else x
        return [v for item in items for v in leaves_of(item)]
    if isinstance(x, str | float | int) or x is None:
        return []
    raise TraceError(
        f"a jitted function returns Values, one or lists, tuples and dicts of them, but there is a "
        f"{type(x).__name__}: {x!r:.60}"
    )


# --- what hides the numbers of Values ------------------------------------------------------------

guarded: list[type] = [Value]  # the classes whose numbers nobody may read while a trace runs
_hidden: dict[type, dict[str, Any]] = {}  # what the guards stand in for
_lock = RLock()
_traces = 0  # how many run now, in all threads


@contextmanager
def hidden_numbers() -> Iterator[None]:
    """Inside, a trace that runs in this thread or task refuses whoever looks at a number."""
    global _traces
    with _lock:
        _traces += 1
        if _traces == 1:
            _hide()
    try:
        yield
    finally:  # also after Ctrl-C
        with _lock:
            _traces -= 1
            if not _traces:
                _show()


def _hide() -> None:
    for cls in guarded:
        data, grad = cls.__dict__["_data"], cls.__dict__["_grad"]
        _hidden[cls] = {"_data": data, "_grad": grad}
        type.__setattr__(cls, "_data", property(_reader(data, LOOK, _NUMBER), _data_writer(data)))
        reader = _reader(grad, READ_GRAD, AFTERWARDS)
        type.__setattr__(cls, "_grad", property(reader, _writer(grad)))
    _hidden[Value]["detach"] = Value.detach
    type.__setattr__(Value, "detach", _detach)
    type.__setattr__(Constant, "_data", DATA)  # what a number in the code was, can be read


def _show() -> None:
    for cls, attributes in _hidden.items():
        for name, attribute in attributes.items():
            type.__setattr__(cls, name, attribute)
    _hidden.clear()
    type.__delattr__(Constant, "_data")


def _reader(slot: Any, what: str, instead: str) -> Callable[[Value], float]:
    def read(self: Value) -> float:
        found = running.get()
        if found is not None and (id(self) not in found.created or id(self) in found.aliases):
            raise refusal(what, instead)
        number: float = slot.__get__(self)
        return number

    return read


def _data_writer(slot: Any) -> Callable[[Value, Any], None]:
    def write(self: Value, x: Any) -> None:
        found = running.get()
        if found is not None:
            if not hasattr(self, "op"):  # Value.__init__, at its first line
                found.created[id(self)] = self
            elif id(self) not in found.created:
                raise refusal(ASSIGN, OUTSIDE)
            if isinstance(x, Symbol):  # Value(x) of a number of the arguments
                found.aliases[id(self)] = x
                x = 0.0
        slot.__set__(self, x)

    return write


def _writer(slot: Any) -> Callable[[Value, Any], None]:
    def write(self: Value, x: Any) -> None:
        found = running.get()
        if found is not None and hasattr(self, "op") and id(self) not in found.created:
            raise refusal(WRITE_GRAD, AFTERWARDS)
        slot.__set__(self, x)

    return write


def _detach(self: Value) -> Any:
    found = running.get()
    return _hidden[Value]["detach"](self) if found is None else found.stop(self)
