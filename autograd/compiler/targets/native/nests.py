"""Nests: instructions of one shape that share their loops.

Each instruction of a nest reads the others only at the same place; a number that nothing outside
of its nest reads never gets to memory. A nest is closed, that is written out, when an instruction
reads one of its results at another place. Sums run along in the nest of what they add up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, prod
from typing import Any

import numpy as np

from autograd.compiler.ir import Block
from autograd.compiler.operations import Inst, Shape
from autograd.compiler.targets.native.arrays import (
    PADDING,
    Array,
    Integers,
    Place,
    Stored,
    Uniform,
    aligned,
    contiguous,
    counter,
)
from autograd.compiler.targets.native.collapse import collapsed, kernel, noted
from autograd.compiler.targets.native.loops import (
    Apply,
    Buffer,
    Expression,
    Grow,
    Increase,
    Let,
    Load,
    Local,
    Loop,
    Number,
    Statement,
    Store,
    Total,
)
from autograd.compiler.targets.native.plan import Schedule


class Names:
    """Names that are not taken, for counters, numbers and memory."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def fresh(self, stem: str) -> str:
        name, n = stem, 1
        while name in self.taken:
            n += 1
            name = f"{stem}_{n}"
        self.taken.add(name)
        return name


@dataclass
class Sum:
    """A reduction that runs along in a nest. axes: those that it adds up."""

    value: Expression
    axes: tuple[int, ...]
    fn: str = "sum"


@dataclass
class Nest:
    """Instructions of one shape that are computed in one run through their places."""

    shape: Shape
    counters: tuple[str, ...]
    members: dict[str, Expression] = field(default_factory=dict)
    sums: dict[str, Sum] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return tuple([counter(name) for name in self.counters])


class Nests:
    """The arrays of a block by name, and the nests that are open."""

    def __init__(self, block: Block, found: Schedule, names: Names, is_inner: bool) -> None:
        self.block, self.found, self.names, self.is_inner = block, found, names, is_inner
        self.arrays: dict[str, Array] = {}
        self.nest_of: dict[str, Nest] = {}
        self.open: dict[Shape, Nest] = {}
        self.body: list[Statement] = []
        self.readers: dict[str, list[str]] = {}
        for inst in block.insts:
            for name in inst.args:
                self.readers.setdefault(name, []).append(inst.name)
        self.targets: dict[str, Stored] = {}
        self.results: dict[str, list[Stored]] = {}  # of scans
        self.homes: dict[str, Stored] = {}  # results that overwrite what they are computed from
        self.written: set[str] = set()  # parts that are where a scatter would put them
        self.done: set[str] = set()

    def take_inputs(self) -> None:
        """Memory for what the block is given."""
        for inst in self.block.insts:
            if inst.op in ("param", "data"):
                kind = "int" if inst.attrs.get("dtype") == "int" else "float"
                buffer = Buffer(self.names.fresh(inst.name), max(1, prod(inst.shape)), kind)
                self.found.inputs[inst.name] = buffer
                self.give(inst.name, contiguous(buffer, inst.shape))

    def run(self, insts: Sequence[Inst]) -> None:
        """Instruction by instruction; but a sum is taken at once with what it adds up, while the
        nest of that is open."""
        names = {inst.name for inst in insts}
        for inst in insts:
            for ready in (inst, *self.sums_of(inst)):
                if ready.name in names and ready.name not in self.done:
                    self.done.add(ready.name)
                    self.take(ready)

    def take(self, inst: Inst) -> None:
        if inst.op not in ("param", "data"):
            getattr(self, f"do_{inst.op}")(inst)

    def sums_of(self, inst: Inst) -> list[Inst]:
        readers = [self.block[name] for name in self.readers.get(inst.name, ())]
        return [reader for reader in readers if reader.op == "reduce"]

    # --- arrays by name ---

    def give(self, name: str, array: Array) -> None:
        if isinstance(array, Stored) and array.buffer.kind == "int":
            array = Integers((array,), array.shape)
        self.arrays[name] = array

    def array(self, name: str) -> Array:
        """What the instruction computes, wherever it is; its nest is closed for that."""
        if name in self.nest_of:
            self.close(self.nest_of[name])
        return self.arrays[name]

    def stored(self, name: str, is_contiguous: bool = False) -> Stored:
        """The same in memory, row by row if need be."""
        array = self.array(name)
        if isinstance(array, Stored) and (array.is_contiguous or not is_contiguous):
            return array
        copy = self.memory(f"{name}_copy", array.shape)
        self.copy(array, copy)
        return copy

    def memory(self, name: str, shape: Shape, kind: str = "float") -> Stored:
        buffer = Buffer(self.names.fresh(name), max(1, prod(shape)) + PADDING, kind)
        self.found.scratch.append(buffer)
        return contiguous(buffer, shape)

    def result(self, inst: Inst) -> Stored:
        """Where an instruction's result goes."""
        return self.targets.get(inst.name) or self.memory(inst.name, inst.shape)

    def constant(self, values: np.ndarray, name: str) -> Stored:
        kind = "int" if values.dtype.kind in "iu" else "float"
        buffer = Buffer(self.names.fresh(name), max(1, values.size), kind)
        self.found.constants[buffer] = values
        return contiguous(buffer, values.shape)

    # --- loops ---

    def counters(self, shape: Shape) -> tuple[str, ...]:
        return tuple([self.names.fresh("ijklmn"[min(k, 5)]) for k in range(len(shape))])

    def each(self, shape: Shape, note: str, body: Any) -> None:
        """Loops over all places of that shape around the statements body(place)."""
        names = self.counters(shape)
        statements = list(body(tuple([counter(name) for name in names])))
        for name, n in reversed(list(zip(names, shape))):
            statements = [Loop(name, n, tuple(statements))]
        self.body += noted(collapsed(statements), note)

    def copy(self, array: Array, target: Stored, note: str = "") -> None:
        self.each(
            target.shape,
            note,
            lambda place: [
                Store(target.buffer, target.index(place), array.at(aligned(place, array.shape)))
            ],
        )

    def fill(self, target: Stored, x: float) -> None:
        self.copy(Uniform(x, ()), target)

    # --- nests ---

    def nest(self, inst: Inst, shape: Shape) -> Nest:
        """The open nest of that shape, when all that `inst` reads is closed or in it."""
        for name in inst.args:
            other = self.nest_of.get(name)
            if other and not (other.shape == shape and name in other.members):
                self.close(other)
        if shape not in self.open:
            self.open[shape] = Nest(shape, self.counters(shape))
        nest = self.open[shape]
        if inst.note and inst.note not in nest.notes:
            nest.notes.append(inst.note)
        return nest

    def operand(self, name: str, nest: Nest) -> Expression:
        if name in nest.members:
            return Local(name)
        array = self.arrays[name]
        return array.at(aligned(nest.place, array.shape))

    def member(self, inst: Inst, nest: Nest, value: Expression) -> None:
        nest.members[inst.name] = value
        self.nest_of[inst.name] = nest

    def sum(self, inst: Inst, nest: Nest, total: Sum) -> None:
        nest.sums[inst.name] = total
        self.nest_of[inst.name] = nest

    def close(self, nest: Nest) -> None:
        """Write the nest out. What others read of it goes to memory."""
        del self.open[nest.shape]
        inside = Inside(self, nest)
        statements: list[Statement] = inside.statements
        for depth in reversed(range(len(nest.shape))):
            loop = Loop(nest.counters[depth], nest.shape[depth], tuple(statements))
            statements = [*inside.before[depth], loop, *inside.after[depth]]
        self.body += noted(collapsed(statements), ", ".join(nest.notes))
        for name in (*nest.members, *nest.sums):
            del self.nest_of[name]
        for name, array in inside.stored.items():
            self.arrays[name] = array

    def close_all(self) -> None:
        for nest in list(self.open.values()):
            if self.open.get(nest.shape) is nest:
                self.close(nest)

    def finish_segment(self) -> None:
        """A kernel of what was written so far."""
        self.close_all()
        if self.body:
            name = f"kernel{len(self.found.segments) + 1}"
            self.found.segments.append(kernel(name, self.body))
            self.body = []


class Inside:
    """The statements of a nest: those in its innermost loop, and before and after each loop."""

    def __init__(self, scope: Nests, nest: Nest) -> None:
        self.scope, self.nest = scope, nest
        self.before: list[list[Statement]] = [[] for _ in nest.shape]
        self.after: list[list[Statement]] = [[] for _ in nest.shape]
        self.statements: list[Statement] = []
        self.stored: dict[str, Stored] = {}
        self.known: dict[str, Expression] = {}
        self.uses = self.count_uses()
        last: list[Statement] = []  # what overwrites memory that the others read
        for name, value in nest.members.items():
            self.compute(name, value, last)
        self.statements += last
        for name, total in nest.sums.items():
            self.add_up(name, total)

    def count_uses(self) -> dict[str, int]:
        uses: dict[str, int] = {}
        values = [*self.nest.members.values(), *[s.value for s in self.nest.sums.values()]]
        for name in (name for value in values for name in locals_of(value)):
            uses[name] = uses.get(name, 0) + 1
        return uses

    def compute(self, name: str, value: Expression, last: list[Statement]) -> None:
        scope, nest = self.scope, self.nest
        inside = nest.members.keys() | nest.sums.keys()
        is_read = name in scope.block.outputs or not inside.issuperset(scope.readers.get(name, ()))
        value = self.resolved(value)
        uses = self.uses.get(name, 0)
        if not is_read and not uses:
            return
        home = scope.homes.get(name)
        if uses + is_read > 1 or home:
            local = scope.names.fresh(name)
            self.statements.append(Let(local, value))
            value = Local(local)
        self.known[name] = value
        if is_read:
            target = self.stored[name] = home or scope.result(scope.block[name])
            store = Store(target.buffer, target.index(nest.place), value)
            (last if home else self.statements).append(store)

    def resolved(self, e: Expression) -> Expression:
        """With what it reads of the nest filled in."""
        if isinstance(e, Local):
            return self.known[e.name]
        if isinstance(e, Apply):
            return Apply(e.op, tuple(map(self.resolved, e.args)))
        return e

    def add_up(self, name: str, total: Sum) -> None:
        """A sum along the last axes is a number while it grows; another one grows in memory."""
        scope, nest = self.scope, self.nest
        target = self.stored[name] = scope.result(scope.block[name])
        value, axes = self.resolved(total.value), sorted(total.axes)
        kept = [k for k in range(len(nest.shape)) if k not in axes]
        index = target.index(tuple([nest.place[k] for k in kept]))
        start = 0.0 if total.fn == "sum" else -inf
        op = "+" if total.fn == "sum" else "maximum"
        if axes == list(range(len(kept), len(nest.shape))):
            grown = scope.names.fresh(name)
            self.before[len(kept)].append(Total(grown, Number(start)))
            self.statements.append(Grow(grown, value, op))
            self.after[len(kept)].insert(0, Store(target.buffer, index, Local(grown)))
            return
        scope.fill(target, start)
        if op == "+":
            self.statements.append(Increase(target.buffer, index, value))
        else:
            larger = Apply(op, (Load(target.buffer, index), value))
            self.statements.append(Store(target.buffer, index, larger))


def locals_of(e: Expression) -> Iterator[str]:
    if isinstance(e, Local):
        yield e.name
    elif isinstance(e, Apply):
        for arg in e.args:
            yield from locals_of(arg)
