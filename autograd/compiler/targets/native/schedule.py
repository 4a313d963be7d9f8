"""From a `Block` to loops: which instructions share a loop, and what has to be in memory.

Instructions of one shape go into one *nest* of loops, as long as each reads the others only at the
same place; a number that nothing outside of its nest reads never gets to memory. A nest is closed,
that is written out, when an instruction reads one of its results at another place. Sums run along
in the nest of what they add up. Views, reshapes and repetitions are no work at all: they are other
strides of the same memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf, prod
from typing import Any

import numpy as np

from autograd.compiler.ir import Block
from autograd.compiler.operations import COMPARISONS, Inst, Shape, View, places_of
from autograd.compiler.targets.native.loops import (
    Apply,
    Buffer,
    Expression,
    Grow,
    Increase,
    Index,
    Kernel,
    Let,
    Load,
    Local,
    Loop,
    Matrix,
    Number,
    Product,
    Statement,
    Store,
    StoreInteger,
    Total,
    rewritten,
    walk,
)

LARGE = 1_000_000  # multiplications: from here on BLAS is faster than our own product
LARGE_OUTER = 131_072  # numbers of an outer product (a megabyte) that is left to the update
SMALL = 256  # up to here a product is plain loops, which LLVM unrolls
PADDING = 8  # numbers after each buffer of ours: a product may read a whole vector at its end

Place = tuple[Index, ...]  # an index for each axis


@dataclass(frozen=True)
class Stored:
    """An array in memory: element (i, j, ...) is at start + i * strides[0] + j * strides[1] ..."""

    buffer: Buffer
    start: Index
    strides: tuple[int, ...]
    shape: Shape

    def index(self, place: Place) -> Index:
        total = self.start
        for index, stride in zip(place, self.strides):
            total += index.times(stride)
        return total

    def at(self, place: Place) -> Expression:
        return Load(self.buffer, self.index(place))

    @property
    def is_contiguous(self) -> bool:
        return all(
            n == 1 or s == w for n, s, w in zip(self.shape, self.strides, row_major(self.shape))
        )


@dataclass(frozen=True)
class Gathered:
    """Elements of `source`, which is contiguous, at places that are looked up."""

    source: Stored
    where: "Integers"
    shape: Shape

    def at(self, place: Place) -> Expression:
        return Load(self.source.buffer, self.source.start + self.where.index_at(place))


@dataclass(frozen=True)
class Integers:
    """An array of integers: the sum of `parts`, which are in memory, and a constant."""

    parts: tuple[Stored | Gathered, ...]
    shape: Shape
    offset: int = 0

    def index_at(self, place: Place) -> Index:
        total = Index(self.offset)
        for part in self.parts:
            load = part.at(aligned(place, part.shape))
            assert isinstance(load, Load)
            total += Index(looked_up=((load, 1),))
        return total

    def at(self, place: Place) -> Expression:
        total: Expression = Number(float(self.offset))
        for part in self.parts:
            load = part.at(aligned(place, part.shape))
            total = load if total == Number(0.0) else Apply("+", (total, load))
        return total


@dataclass(frozen=True)
class Uniform:
    """The same number at all places."""

    value: float
    shape: Shape

    def at(self, place: Place) -> Expression:
        return Number(self.value)


Array = Stored | Gathered | Integers | Uniform


@dataclass(frozen=True)
class LargeProduct:
    """A product of matrices that is left to BLAS: (out, a, b), as arrays in memory."""

    out: Stored
    a: Stored
    b: Stored


@dataclass(frozen=True)
class LargeOuter:
    """An outer product in the gradient that is so large that whoever reads it should make it."""

    out: Stored
    a: Stored
    b: Stored


Segment = Kernel | LargeProduct | LargeOuter


@dataclass
class Schedule:
    """What runs, in order, and the memory that it needs."""

    segments: list[Segment] = field(default_factory=list)
    constants: dict[Buffer, np.ndarray] = field(default_factory=dict)
    inputs: dict[str, Buffer] = field(default_factory=dict)
    outputs: list[Stored] = field(default_factory=list)
    scratch: list[Buffer] = field(default_factory=list)
    first: int = 0
    gradient: Buffer | None = None

    def __str__(self) -> str:
        return "\n".join([_segment(segment) for segment in self.segments])


def _segment(segment: Segment) -> str:
    if isinstance(segment, Kernel):
        return str(segment)
    out, a, b = [x.buffer.name for x in (segment.out, segment.a, segment.b)]
    if isinstance(segment, LargeProduct):
        return f"BLAS: {out} = {a} @ {b}\n"
    start = f"+{segment.out.start.start}" * (segment.out.start.start > 0)
    return f"when it is read: {out}{start} = {a} x {b}\n"


def schedule(block: Block, gradient: str = "") -> Schedule:
    """The loops that compute the block's outputs: first, in segments of their own, what the first
    output needs (the loss; `found.first` says how many segments), then the rest.

    gradient: the name of an output, a scatter, that goes into memory from outside.
    """
    found = Schedule()
    scope = _Scope(block, found, _Names(), is_inner=False)
    scope.take_inputs()
    needed = needs(block, block.outputs[0])
    scope.run([inst for inst in block.insts if inst.name in needed])
    scope.finish_segment()
    found.first = len(found.segments)
    if gradient:
        scope.aim(block[gradient])
    scope.run([inst for inst in block.insts if inst.name not in needed])
    found.outputs = [scope.stored(name) for name in block.outputs]
    scope.finish_segment()
    return found


def schedule_in_place(block: Block, homes: Sequence[str]) -> Schedule:
    """The loops that compute the block's outputs into the memory of these inputs, one for each.
    Every element is read before it is overwritten."""
    found = Schedule()
    scope = _Scope(block, found, _Names(), is_inner=False)
    scope.take_inputs()
    scope.run(block.insts)
    memory = [contiguous(found.inputs[name], block[name].shape) for name in homes]
    nests = {id(scope.nest_of.get(name)) for name in block.outputs}
    if len(nests) == 1 and len(set(block.outputs)) == len(homes):
        scope.homes = dict(zip(block.outputs, memory))
    else:
        scope.move([scope.array(name) for name in block.outputs], memory)
    scope.finish_segment()
    return found


def needs(block: Block, name: str) -> set[str]:
    """What an instruction is computed from, and it itself."""
    found = {name}
    for inst in reversed(block.insts):
        if inst.name in found:
            found.update(inst.args)
    return found


def row_major(shape: Shape) -> tuple[int, ...]:
    """The strides of an array that lies row by row."""
    return tuple([prod(shape[k + 1 :]) for k in range(len(shape))])


def contiguous(buffer: Buffer, shape: Shape, start: Index | None = None) -> Stored:
    return Stored(buffer, start or Index(), row_major(shape), shape)


def aligned(place: Place, shape: Shape) -> Place:
    """The place in an array of that shape, which is repeated to fill the larger one."""
    own = place[len(place) - len(shape) :]
    return tuple([Index() if n == 1 else index for index, n in zip(own, shape)])


class _Names:
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
class _Sum:
    """A reduction that runs along in a nest. axes: those that it adds up."""

    value: Expression
    axes: tuple[int, ...]
    fn: str = "sum"


@dataclass
class _Nest:
    """Instructions of one shape that are computed in one run through their places."""

    shape: Shape
    counters: tuple[str, ...]
    members: dict[str, Expression] = field(default_factory=dict)
    sums: dict[str, _Sum] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return tuple([counter(name) for name in self.counters])


class _Scope:
    """A block on its way to statements: the whole program, or the body of a loop."""

    def __init__(self, block: Block, found: Schedule, names: _Names, is_inner: bool) -> None:
        self.block, self.found, self.names, self.is_inner = block, found, names, is_inner
        self.arrays: dict[str, Array] = {}
        self.nest_of: dict[str, _Nest] = {}
        self.open: dict[Shape, _Nest] = {}
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

    def nest(self, inst: Inst, shape: Shape) -> _Nest:
        """The open nest of that shape, when all that `inst` reads is closed or in it."""
        for name in inst.args:
            other = self.nest_of.get(name)
            if other and not (other.shape == shape and name in other.members):
                self.close(other)
        if shape not in self.open:
            self.open[shape] = _Nest(shape, self.counters(shape))
        nest = self.open[shape]
        if inst.note and inst.note not in nest.notes:
            nest.notes.append(inst.note)
        return nest

    def operand(self, name: str, nest: _Nest) -> Expression:
        if name in nest.members:
            return Local(name)
        array = self.arrays[name]
        return array.at(aligned(nest.place, array.shape))

    def member(self, inst: Inst, nest: _Nest, value: Expression) -> None:
        nest.members[inst.name] = value
        self.nest_of[inst.name] = nest

    def sum(self, inst: Inst, nest: _Nest, total: _Sum) -> None:
        nest.sums[inst.name] = total
        self.nest_of[inst.name] = nest

    def close(self, nest: _Nest) -> None:
        """Write the nest out. What others read of it goes to memory."""
        del self.open[nest.shape]
        inside = _Inside(self, nest)
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

    # --- the operations: those that are no work ---

    def do_const(self, inst: Inst) -> None:
        values = np.asarray(inst.attrs["value"])
        first = values.reshape(-1)[:1]
        is_uniform = values.size and (values == first).all() and not np.signbit(first[0] * 0)
        if values.dtype.kind == "f" and is_uniform:
            self.give(inst.name, Uniform(float(first[0]), values.shape))
        elif values.dtype.kind in "iu" and values.ndim == 0:
            self.give(inst.name, Integers((), (), int(values)))
        else:
            self.give(inst.name, self.constant(values, inst.name))

    def do_view(self, inst: Inst) -> None:
        view, source = inst.attrs["view"], self.array(inst.args[0])
        if isinstance(source, Uniform):
            self.give(inst.name, Uniform(source.value, view.shape))
            return
        memory = self.in_memory(inst.args[0])
        start = memory.start + Index(view.start)
        self.give(inst.name, Stored(memory.buffer, start, tuple(view.strides), tuple(view.shape)))

    def in_memory(self, name: str) -> Stored:
        """An array row by row in memory, ints too."""
        array = self.array(name)
        if isinstance(array, Integers):
            part = array.parts[0] if len(array.parts) == 1 and array.offset == 0 else None
            is_there = isinstance(part, Stored) and part.is_contiguous and part.shape == array.shape
            return part if is_there else self.integers(name, array)
        return self.stored(name, is_contiguous=True)

    def integers(self, name: str, array: "Integers") -> Stored:
        """Integers that are computed, in memory."""
        memory = self.memory(f"{name}_copy", array.shape, "int")
        self.each(
            array.shape,
            "",
            lambda place: [
                StoreInteger(memory.buffer, memory.index(place), array.index_at(place))
            ],
        )
        return memory

    def do_gather(self, inst: Inst) -> None:
        where = Integers((self.constant(inst.attrs["index"], f"{inst.name}_at"),), inst.shape)
        self.looked_up(inst, where)

    def do_lookup(self, inst: Inst) -> None:
        where = self.array(inst.args[1])
        assert isinstance(where, Integers)
        self.looked_up(inst, where)

    def looked_up(self, inst: Inst, where: "Integers") -> None:
        source = self.array(inst.args[0])
        if isinstance(source, Uniform):
            self.give(inst.name, Uniform(source.value, inst.shape))
            return
        memory = self.in_memory(inst.args[0])
        found = Gathered(memory, where, inst.shape)
        is_int = memory.buffer.kind == "int"
        self.arrays[inst.name] = Integers((found,), inst.shape) if is_int else found

    def do_reshape(self, inst: Inst) -> None:
        source = self.array(inst.args[0])
        if isinstance(source, Uniform):
            self.give(inst.name, Uniform(source.value, inst.shape))
        else:
            memory = self.in_memory(inst.args[0])
            self.give(inst.name, contiguous(memory.buffer, inst.shape, memory.start))

    def do_spread(self, inst: Inst) -> None:
        source, shape = self.array(inst.args[0]), inst.shape
        if isinstance(source, Stored):
            missing = len(shape) - len(source.shape)
            own = zip(source.shape, source.strides)
            strides = [0] * missing + [0 if n == 1 else stride for n, stride in own]
            self.give(inst.name, Stored(source.buffer, source.start, tuple(strides), shape))
        else:
            self.give(inst.name, replace(source, shape=shape))

    # --- on each element ---

    def do_map(self, inst: Inst) -> None:
        if self.is_integer(inst):
            self.add_integers(inst)
            return
        nest = self.nest(inst, inst.shape)
        args = tuple([self.operand(name, nest) for name in inst.args])
        self.member(inst, nest, Apply(inst.attrs["fn"], args))

    def is_integer(self, inst: Inst) -> bool:
        arrays = [self.arrays.get(name) for name in inst.args]
        return inst.attrs["fn"] not in COMPARISONS and all(isinstance(x, Integers) for x in arrays)

    def add_integers(self, inst: Inst) -> None:
        if inst.attrs["fn"] != "+":
            raise NotImplementedError(f"{inst.attrs['fn']} of integers")
        a, b = [self.arrays[name] for name in inst.args]
        assert isinstance(a, Integers) and isinstance(b, Integers)
        self.arrays[inst.name] = Integers(a.parts + b.parts, inst.shape, a.offset + b.offset)

    def do_outer(self, inst: Inst) -> None:
        if inst.name in self.targets and prod(inst.shape) >= LARGE_OUTER:
            a, b = [self.stored(name, is_contiguous=True) for name in inst.args]
            self.finish_segment()
            self.found.segments.append(LargeOuter(self.targets[inst.name], a, b))
            self.give(inst.name, self.targets[inst.name])
            return
        nest = self.nest(inst, inst.shape)
        a, b = [self.array(name) for name in inst.args]
        i, j = nest.place
        self.member(inst, nest, Apply("*", (a.at((i,)), b.at((j,)))))

    # --- sums ---

    def do_reduce(self, inst: Inst) -> None:
        shape = self.block[inst.args[0]].shape
        nest = self.nest(inst, shape)
        value = self.operand(inst.args[0], nest)
        self.sum(inst, nest, _Sum(value, tuple(inst.attrs["axes"]), inst.attrs["fn"]))

    def do_vecdot(self, inst: Inst) -> None:
        a, b = [self.block[name].shape for name in inst.args]
        nest = self.nest(inst, np.broadcast_shapes(a, b))
        left, right = [self.operand(name, nest) for name in inst.args]
        product = Apply("*", (left, right))
        self.sum(inst, nest, _Sum(product, (len(nest.shape) - 1,)))

    def do_segment_reduce(self, inst: Inst) -> None:
        counts, source = inst.attrs["counts"], self.array(inst.args[0])
        segment = self.constant(np.repeat(np.arange(len(counts)), counts), f"{inst.name}_of")
        self.gather_up(inst, Integers((segment,), segment.shape), source, inst.attrs["fn"])

    def do_bincount(self, inst: Inst) -> None:
        source, where = self.array(inst.args[0]), self.array(inst.args[1])
        assert isinstance(where, Integers)
        self.gather_up(inst, where, source, "sum")

    def gather_up(self, inst: Inst, where: "Integers", source: Array, fn: str) -> None:
        """Add up, or take the largest of, the elements for each place of the result."""
        out = self.result(inst)
        self.fill(out, 0.0 if fn == "sum" else -inf)

        def body(place: Place) -> list[Statement]:
            x = source.at(aligned(place, source.shape))
            index = out.start + where.index_at(place)
            if fn == "sum":
                return [Increase(out.buffer, index, x)]
            return [Store(out.buffer, index, Apply("maximum", (Load(out.buffer, index), x)))]

        self.each(where.shape, inst.note, body)
        self.give(inst.name, out)

    # --- side by side ---

    def do_concat(self, inst: Inst) -> None:
        out, axis, begin = self.result(inst), inst.attrs["axis"], 0
        for name in inst.args:
            shape = self.block[name].shape
            start = out.start + Index(begin * out.strides[axis])
            self.copy(self.array(name), Stored(out.buffer, start, out.strides, shape), inst.note)
            begin += shape[axis]
        self.give(inst.name, out)

    def aim(self, inst: Inst) -> None:
        """Let the parts of a scatter be computed right where it would put them, in memory from
        outside: those that come first to all of their places, and are read by nobody else."""
        self.found.gradient = Buffer(self.names.fresh("G"), prod(inst.shape))
        out = self.targets[inst.name] = contiguous(self.found.gradient, inst.shape)
        order, is_filled = self.order_of(inst)
        if not is_filled:
            self.fill(out, 0.0)
        for k, is_first in order:
            name, where = inst.args[k], inst.attrs["places"][k]
            part = self.block[name]
            is_own = self.readers[name] == [inst.name] and where.shape == part.shape
            is_direct = part.op in ("matmul", "map", "outer", "reduce", "vecdot")
            if is_first and is_own and is_direct and isinstance(where, View):
                start = Index(where.start)
                self.targets[name] = Stored(out.buffer, start, where.strides, where.shape)
                self.written.add(name)

    @staticmethod
    def order_of(inst: Inst) -> tuple[list[tuple[int, bool]], bool]:
        """The parts of a scatter, largest first, each with whether it comes first to all of its
        places; and whether these fill the whole, so that it need not be cleared."""
        places = [places_of(p).reshape(-1) for p in inst.attrs["places"]]
        reached, stored = np.zeros((2, prod(inst.shape)), bool)
        order = []
        for k in sorted(range(len(places)), key=lambda k: -len(places[k])):
            is_once = np.bincount(places[k]).max() == 1
            is_first = bool(is_once and not reached[places[k]].any())
            reached[places[k]] = True
            stored[places[k]] |= is_first
            order.append((k, is_first))
        return order, bool(stored.all())

    def do_scatter(self, inst: Inst) -> None:
        """Each part into its places: stored where it comes first, else added."""
        out = self.result(inst)
        order, is_filled = self.order_of(inst)
        if inst.name not in self.targets and not is_filled:
            self.fill(out, 0.0)
        for k, is_first in order:
            array = self.array(inst.args[k])
            if inst.args[k] not in self.written:
                kind = Store if is_first else Increase
                self.put(array, inst.attrs["places"][k], out, kind, inst.note)
        self.give(inst.name, out)

    def put(self, array: Array, where: Any, out: Stored, kind: Any, note: str) -> None:
        shape = where.shape
        if isinstance(where, View):
            target = Stored(out.buffer, out.start + Index(where.start), where.strides, shape)
            index_at = target.index
        else:
            listed = Integers((self.constant(where, "places"),), shape)
            index_at = lambda place: out.start + listed.index_at(place)
        self.each(
            shape,
            note,
            lambda place: [
                kind(out.buffer, index_at(place), array.at(aligned(place, array.shape)))
            ],
        )

    # --- products of matrices ---

    def do_matmul(self, inst: Inst) -> None:
        a, b = [self.turned(name, t) for name, t in zip(inst.args, inst.attrs["turned"])]
        out = self.result(inst)
        if self.is_large(out, a, b):
            self.finish_segment()
            self.found.segments.append(LargeProduct(out, a, b))
            self.give(inst.name, out)
            return
        a = a if len(a.shape) > 1 else with_axis(a, -2)
        b = b if len(b.shape) > 1 else with_axis(b, -1)
        whole = out
        if len(self.block[inst.args[0]].shape) == 1:
            whole = with_axis(whole, len(out.shape) - (len(self.block[inst.args[1]].shape) > 1))
        if len(self.block[inst.args[1]].shape) == 1:
            whole = with_axis(whole, len(whole.shape))
        self.products(whole, a, b, inst.note)
        self.give(inst.name, out)

    def is_large(self, out: Stored, a: Stored, b: Stored) -> bool:
        """Whether it is for BLAS, which is called between kernels, not in a loop."""
        is_of_matrices = len(a.shape) == len(b.shape) == 2 and min(out.shape, default=1) > 1
        return not self.is_inner and is_of_matrices and prod(out.shape) * a.shape[1] >= LARGE

    def turned(self, name: str, is_turned: bool) -> Stored:
        x = self.stored(name)
        if not is_turned:
            return x
        order = [*range(len(x.shape) - 2), len(x.shape) - 1, len(x.shape) - 2]
        strides, shape = [x.strides[k] for k in order], [x.shape[k] for k in order]
        return Stored(x.buffer, x.start, tuple(strides), tuple(shape))

    def products(self, out: Stored, a: Stored, b: Stored, note: str) -> None:
        """out = a @ b for each matrix of a batch."""
        batch = out.shape[:-2]
        names = self.counters(batch)
        place = tuple([counter(name) for name in names])
        outer, self.body = self.body, []
        self.product(*[self.one_matrix(x, place) for x in (out, a, b)])
        statements = self.body
        for name, n in reversed(list(zip(names, batch))):
            statements = [Loop(name, n, tuple(statements))]
        self.body = outer + noted(statements, note)

    def one_matrix(self, x: Stored, place: Place) -> Stored:
        own = aligned(place, x.shape[:-2])
        zeros = (Index(), Index())
        return Stored(x.buffer, x.index((*own, *zeros)), x.strides[-2:], x.shape[-2:])

    def product(self, out: Stored, a: Stored, b: Stored) -> None:
        """out = a @ b of two matrices: loops where one of them is a vector, or both are small."""
        (m, n), depth = out.shape, a.shape[1]
        if min(m, n) == 1 or m * n * depth <= SMALL or out.strides[1] != 1:
            self.plain_product(out, a, b)
            return
        if b.strides[1] != 1 or n % PADDING:
            b = self.packed(b)
        self.body.append(Product(matrix(out), matrix(a), matrix(b)))

    def packed(self, b: Stored) -> Stored:
        """A copy row by row, each row as long as whole vectors."""
        depth, n = b.shape
        width = -(-n // PADDING) * PADDING
        room = self.memory("packed", (depth, width))
        copy = Stored(room.buffer, room.start, room.strides, b.shape)
        self.copy(b, copy)
        return copy

    def plain_product(self, out: Stored, a: Stored, b: Stored) -> None:
        """A product as loops: with the sum inside, or, where that lies better, outside."""
        is_along = (a.strides[1] == 1 or a.shape[0] == 1) and (b.strides[0] == 1 or b.shape[1] == 1)
        if is_along or a.shape[1] <= 8 or out.shape == (1, 1):
            self.each(out.shape, "", lambda place: self.dot(out, a, b, place))
            return
        self.fill(out, 0.0)
        (m, n), depth = out.shape, a.shape[1]

        def body(place: Place) -> list[Statement]:
            k, i, j = place
            product = Apply("*", (a.at((i, k)), b.at((k, j))))
            return [Increase(out.buffer, out.index((i, j)), product)]

        self.each((depth, m, n), "", body)

    def dot(self, out: Stored, a: Stored, b: Stored, place: Place) -> list[Statement]:
        (i, j), total, k = place, self.names.fresh("total"), self.names.fresh("k")
        product = Apply("*", (a.at((i, counter(k))), b.at((counter(k), j))))
        return [
            Total(total, Number(0.0)),
            Loop(k, a.shape[1], (Grow(total, product),)),
            Store(out.buffer, out.index(place), Local(total)),
        ]

    # --- loops in time ---

    def do_scan(self, inst: Inst) -> None:
        """The body's statements in a loop. Carries have a place of their own, where the body finds
        the last step's; when a step is done, the next ones are copied there."""
        attrs, body = inst.attrs, inst.attrs["body"]
        carries, length = attrs["carries"], attrs["length"]
        step = self.names.fresh("t")
        now = counter(step)
        if attrs["reverse"]:
            now = Index(length - 1) + now.times(-1)
        inner = _Scope(body, self.found, self.names, is_inner=True)
        homes = [self.memory(f"{name}_now", body[name].shape) for name in body.inputs[:carries]]
        for home, name in zip(homes, inst.args):
            self.copy(self.array(name), home)
        for k, (given, name) in enumerate(zip(body.inputs, inst.args)):
            if k < carries:
                inner.give(given, homes[k])
            elif k < carries + attrs["fixed"]:
                inner.arrays[given] = self.array(name)
            else:
                inner.give(given, slice_at(self.in_memory(name), now))
        kept = []
        for name in body.outputs[carries:]:
            kept.append(self.memory(name, (length, *body[name].shape)))
        inner.run(body.insts)
        inner.end_step(body.outputs, carries, homes, [slice_at(x, now) for x in kept])
        self.body += noted([Loop(step, length, tuple(inner.body))], inst.note)
        self.results[inst.name] = [*homes, *kept]

    def end_step(
        self, outputs: Sequence[str], carries: int, homes: list[Stored], kept: list[Stored]
    ) -> None:
        """Keep the results of this step, and move the carries on: all are read before one moves."""
        found = [self.array(name) for name in outputs]
        self.close_all()
        for array, home in zip(found[carries:], kept):
            self.copy(array, home)
        self.move(found[:carries], homes)

    def move(self, arrays: Sequence[Array], homes: Sequence[Stored]) -> None:
        """Copy each array to its home; all are read before one is overwritten."""
        moving = [(array, home) for array, home in zip(arrays, homes) if array != home]
        fresh = [self.memory("next", home.shape) for _, home in moving]
        for (array, _), room in zip(moving, fresh):
            self.copy(array, room)
        for (_, home), room in zip(moving, fresh):
            self.copy(room, home)

    def do_item(self, inst: Inst) -> None:
        self.give(inst.name, self.results[inst.args[0]][inst.attrs["index"]])


class _Inside:
    """The statements of a nest: those in its innermost loop, and before and after each loop."""

    def __init__(self, scope: _Scope, nest: _Nest) -> None:
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

    def add_up(self, name: str, total: _Sum) -> None:
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


# --- small things ---


def counter(name: str) -> Index:
    return Index(counters=((name, 1),))


def with_axis(x: Stored, axis: int) -> Stored:
    """With one more axis, of length 1."""
    axis = axis % (len(x.shape) + 1)
    strides = (*x.strides[:axis], 0, *x.strides[axis:])
    return Stored(x.buffer, x.start, strides, (*x.shape[:axis], 1, *x.shape[axis:]))


def slice_at(x: Stored, index: Index) -> Stored:
    """x[index], of what lies along the first axis."""
    return Stored(x.buffer, x.start + index.times(x.strides[0]), x.strides[1:], x.shape[1:])


def matrix(x: Stored) -> Matrix:
    (rows, columns), (row_stride, stride) = x.shape, x.strides
    return Matrix(x.buffer, rows, columns, row_stride, stride, x.start)


def noted(statements: Sequence[Statement], note: str) -> list[Statement]:
    """With the note at the first loop or product."""
    found = list(statements)
    for k, statement in enumerate(found):
        if note and isinstance(statement, Loop | Product):
            found[k] = replace(statement, note=note)
            break
    return found


def locals_of(e: Expression) -> Iterator[str]:
    if isinstance(e, Local):
        yield e.name
    elif isinstance(e, Apply):
        for arg in e.args:
            yield from locals_of(arg)


def kernel(name: str, body: Sequence[Statement]) -> Kernel:
    """With the buffers that the statements use, in the order of their first use."""
    found: dict[Buffer, None] = {}
    for statement in body:
        found |= dict.fromkeys(x for x in walk(statement) if isinstance(x, Buffer))
    return Kernel(name, tuple(found), tuple(body))


def collapsed(statements: Sequence[Statement]) -> list[Statement]:
    """Without loops that run once or do nothing; and two loops that go through memory as one would
    are one, so that LLVM sees the longer run."""
    found: list[Statement] = []
    for statement in statements:
        if not isinstance(statement, Loop):
            found.append(statement)
            continue
        loop = replace(statement, body=tuple(collapsed(statement.body)))
        if not loop.body:
            continue
        if loop.count == 1:
            found += noted(without(loop.counter, loop.body), loop.note)
        else:
            found.append(merged(loop))
    return found


def merged(loop: Loop) -> Loop:
    """With the loop that is all that it holds, if both together are one run through memory."""
    inner = loop.body[0]
    if len(loop.body) != 1 or not isinstance(inner, Loop):
        return loop
    strides = [dict(x.counters) for x in walk(inner.body) if isinstance(x, Index)]
    outer_strides = [s.get(loop.counter, 0) for s in strides]
    if outer_strides != [s.get(inner.counter, 0) * inner.count for s in strides]:
        return loop
    body, note = without(loop.counter, inner.body), loop.note or inner.note
    return Loop(inner.counter, loop.count * inner.count, body, note)


def without(name: str, body: tuple[Statement, ...]) -> Any:
    """The statements with no stride for that counter."""

    def change(x: Any) -> Any:
        if isinstance(x, Index):
            return replace(x, counters=tuple([item for item in x.counters if item[0] != name]))
        return x

    return rewritten(body, change)
