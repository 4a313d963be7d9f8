"""Loops over memory, as data: what the native target makes of a program before LLVM sees it.

A `Kernel` is buffers and statements; an index is a constant plus a stride for each loop counter.
`print(kernel)` lists it as the loops that a C programmer would write: that is the listing which
`step.native_source` shows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Buffer:
    """`size` numbers in memory. kind: "float" (float64 or float32, as the kernel says) or "int"."""

    name: str
    size: int
    kind: str = "float"


# --- expressions ---


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Local:
    """What a `Let` or a `Total` has named."""

    name: str


@dataclass(frozen=True)
class Index:
    """start + stride * counter + ... + stride * looked-up integer + ..."""

    start: int = 0
    counters: tuple[tuple[str, int], ...] = ()
    looked_up: tuple[tuple["Load", int], ...] = ()

    def __add__(self, other: "Index") -> "Index":
        strides = dict(self.counters)
        for counter, stride in other.counters:
            strides[counter] = strides.get(counter, 0) + stride
        counters = tuple([item for item in strides.items() if item[1]])
        return Index(self.start + other.start, counters, self.looked_up + other.looked_up)

    def times(self, stride: int) -> "Index":
        if stride == 0:
            return Index()
        counters = tuple([(counter, n * stride) for counter, n in self.counters])
        looked_up = tuple([(load, n * stride) for load, n in self.looked_up])
        return Index(self.start * stride, counters, looked_up)


@dataclass(frozen=True)
class Load:
    buffer: Buffer
    index: Index


@dataclass(frozen=True)
class Apply:
    """An op of the table by its symbol, or a comparison ("<", "<=", ...), which is 1.0 or 0.0."""

    op: str
    args: tuple["Expression", ...]


Expression = Number | Local | Load | Apply

# --- statements ---


@dataclass(frozen=True)
class Let:
    """A name for a number that is used more than once."""

    name: str
    value: Expression


@dataclass(frozen=True)
class Total:
    """A number that `Grow` statements add to (or maximise), until its scope ends."""

    name: str
    start: Expression


@dataclass(frozen=True)
class Grow:
    """name += value, or name = op(name, value). Sums may be added up in another order."""

    name: str
    value: Expression
    op: str = "+"


@dataclass(frozen=True)
class Store:
    buffer: Buffer
    index: Index
    value: Expression


@dataclass(frozen=True)
class StoreInteger:
    """buffer[index] = value, a sum of integers, in a buffer of ints."""

    buffer: Buffer
    index: Index
    value: Index


@dataclass(frozen=True)
class Increase:
    """buffer[index] += value."""

    buffer: Buffer
    index: Index
    value: Expression


@dataclass(frozen=True)
class Loop:
    """for counter in range(count). note: whose numbers these are, for people."""

    counter: str
    count: int
    body: tuple["Statement", ...]
    note: str = ""


@dataclass(frozen=True)
class Matrix:
    """rows x columns numbers of a buffer: (i, j) is at start + row_stride * i + stride * j."""

    buffer: Buffer
    rows: int
    columns: int
    row_stride: int
    stride: int
    start: Index = field(default_factory=Index)


@dataclass(frozen=True)
class Product:
    """out = a @ b, or out += a @ b; out and b have columns next to each other (stride 1)."""

    out: Matrix
    a: Matrix
    b: Matrix
    adds: bool = False
    note: str = ""


Statement = Let | Total | Grow | Store | StoreInteger | Increase | Loop | Product


@dataclass(frozen=True)
class Kernel:
    """buffers: what the kernel is given, in this order. body: what it does with them."""

    name: str
    buffers: tuple[Buffer, ...]
    body: tuple[Statement, ...]

    def __str__(self) -> str:
        head = f"{self.name}({', '.join([f'{b.name}[{b.size}]' for b in self.buffers])}):"
        return "\n".join([head, *listing(self.body, "    ")]) + "\n"


def walk(x: Any) -> Iterator[Any]:
    """x and all that is in it: statements, expressions, indices and buffers."""
    yield x
    parts = x if isinstance(x, tuple) else _fields(x)
    for part in parts:
        if isinstance(part, tuple) or is_dataclass(part):
            yield from walk(part)


def rewritten(x: Any, change: Callable[[Any], Any]) -> Any:
    """The same with change(part) for each part, from the inside out."""
    if isinstance(x, tuple):
        return tuple([rewritten(part, change) for part in x])
    if not is_dataclass(x):
        return x
    parts = {f.name: rewritten(getattr(x, f.name), change) for f in fields(x)}
    return change(replace(x, **parts))  # type: ignore[type-var]


def _fields(x: Any) -> list[Any]:
    return [getattr(x, f.name) for f in fields(x)]


# --- the listing ---

_SIGNS = {"+": 1, "-": 1, "*": 2, "/": 2, "<": 0, "<=": 0, ">": 0, ">=": 0, "==": 0, "!=": 0}


def listing(body: Iterable[Statement], indent: str = "") -> Iterator[str]:
    """The statements, a line each, loops indented."""
    for statement in body:
        note = getattr(statement, "note", "")
        comment = f"  # {note}" if note else ""
        if isinstance(statement, Loop):
            yield f"{indent}for {statement.counter} in range({statement.count}):{comment}"
            yield from listing(statement.body, indent + "    ")
        else:
            yield f"{indent}{_line(statement)}{comment}"


def _line(statement: Statement) -> str:
    if isinstance(statement, Let):
        return f"{statement.name} = {spell(statement.value)}"
    if isinstance(statement, Total):
        return f"{statement.name} = {spell(statement.start)}"
    if isinstance(statement, Grow) and statement.op == "+":
        return f"{statement.name} += {spell(statement.value)}"
    if isinstance(statement, Grow):
        return f"{statement.name} = {statement.op}({statement.name}, {spell(statement.value)})"
    if isinstance(statement, Store | Increase):
        sign = "=" if isinstance(statement, Store) else "+="
        target = f"{statement.buffer.name}[{spell_index(statement.index)}]"
        return f"{target} {sign} {spell(statement.value)}"
    if isinstance(statement, StoreInteger):
        target = f"{statement.buffer.name}[{spell_index(statement.index)}]"
        return f"{target} = {spell_index(statement.value)}"
    assert isinstance(statement, Product)
    out, sign = statement.out, "+=" if statement.adds else "="
    return f"{_matrix(out)} {sign} {_matrix(statement.a)} @ {_matrix(statement.b)}"


def _matrix(m: Matrix) -> str:
    start = spell_index(m.start)
    offset = f"+{start}" if start != "0" else ""
    return f"{m.buffer.name}{offset}[{m.rows}:{m.row_stride}, {m.columns}:{m.stride}]"


def spell(e: Expression, outer: int = 0) -> str:
    """The expression as text, in parentheses where `outer`, the strength around it, wants them."""
    if isinstance(e, Number):
        return f"{e.value!r}" if e.value >= 0 or e.value != e.value else f"({e.value!r})"
    if isinstance(e, Local):
        return e.name
    if isinstance(e, Load):
        return f"{e.buffer.name}[{spell_index(e.index)}]"
    if e.op in _SIGNS and len(e.args) == 2:
        strength = _SIGNS[e.op]
        left, right = spell(e.args[0], strength), spell(e.args[1], strength + 1)
        text = f"{left} {e.op} {right}"
        return f"({text})" if strength < outer else text
    if e.op == "neg":
        return f"-{spell(e.args[0], 3)}"
    return f"{e.op}({', '.join(map(spell, e.args))})"


def spell_index(index: Index) -> str:
    terms = [_scaled(counter, stride) for counter, stride in index.counters]
    terms += [_scaled(spell(load), stride) for load, stride in index.looked_up]
    if index.start or not terms:
        terms.append(str(index.start))
    return " + ".join(terms).replace("+ -", "- ")


def _scaled(name: str, stride: int) -> str:
    return name if stride == 1 else f"{stride} * {name}"
