"""From a `Block` to loops: what each operation of the IR becomes.

Views, reshapes and repetitions are no work: they are other strides of the same memory. Ops on each
element, and sums, join nests (nests.py). Products, loops in time and the rest are loops of their
own.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, prod
from typing import Any

import numpy as np

from autograd.compiler.ir import Block
from autograd.compiler.operations import COMPARISONS, Inst, View, places_of
from autograd.compiler.targets.native.arrays import (
    PADDING,
    Array,
    Gathered,
    Integers,
    Place,
    Stored,
    Uniform,
    aligned,
    contiguous,
    counter,
    matrix,
    slice_at,
    with_axis,
)
from autograd.compiler.targets.native.collapse import noted
from autograd.compiler.targets.native.llvm import KNOWN
from autograd.compiler.targets.native.loops import (
    Apply,
    Buffer,
    Grow,
    Increase,
    Index,
    Load,
    Local,
    Loop,
    Number,
    Product,
    Statement,
    Store,
    StoreInteger,
    Total,
)
from autograd.compiler.targets.native.nests import Names, Nests, Sum
from autograd.compiler.targets.native.plan import Foreign, LargeOuter, LargeProduct, Schedule

LARGE = 1_000_000  # multiplications: from here on BLAS is faster than our own product
LARGE_OUTER = 131_072  # numbers of an outer product (a megabyte) that is left to the update
SMALL = 256  # up to here a product is plain loops, which LLVM unrolls


def schedule(block: Block, gradient: str = "", results: int = 1) -> Schedule:
    """The loops that compute the block's outputs: first, in segments of their own, what the first
    `results` outputs need (`found.first` says how many segments), then the rest.

    gradient: the name of an output, a scatter, that goes into memory from outside.
    """
    found = Schedule()
    scope = _Scope(block, found, Names(), is_inner=False)
    scope.take_inputs()
    needed = needs(block, block.outputs[:results])
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
    scope = _Scope(block, found, Names(), is_inner=False)
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


def needs(block: Block, names: Sequence[str]) -> set[str]:
    """What instructions are computed from, and they themselves."""
    found = set(names)
    for inst in reversed(block.insts):
        if inst.name in found:
            found.update(inst.args)
    return found


class _Scope(Nests):
    """A block on its way to statements: the whole program, or the body of a loop."""

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
            return array.memory or self.integers(name, array)
        return self.stored(name, is_contiguous=True)

    def integers(self, name: str, array: "Integers") -> Stored:
        """Integers that are computed, in memory."""
        memory = self.memory(f"{name}_copy", array.shape, "int")
        self.each(
            array.shape,
            "",
            lambda place: [StoreInteger(memory.buffer, memory.index(place), array.index_at(place))],
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
        if inst.attrs["fn"] not in KNOWN:
            self.foreign(inst)
            return
        nest = self.nest(inst, inst.shape)
        args = tuple([self.operand(name, nest) for name in inst.args])
        self.member(inst, nest, Apply(inst.attrs["fn"], args))

    def foreign(self, inst: Inst) -> None:
        if self.is_inner:
            raise NotImplementedError(f"the op {inst.attrs['fn']} in a loop")
        args = tuple([self.stored(name) for name in inst.args])
        out = self.result(inst)
        self.finish_segment()
        self.found.segments.append(Foreign(inst.attrs["fn"], out, args))
        self.give(inst.name, out)

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
        left, right = [self.array(name) for name in inst.args]
        i, j = nest.place
        self.member(inst, nest, Apply("*", (left.at((i,)), right.at((j,)))))

    # --- sums ---

    def do_reduce(self, inst: Inst) -> None:
        shape = self.block[inst.args[0]].shape
        nest = self.nest(inst, shape)
        value = self.operand(inst.args[0], nest)
        self.sum(inst, nest, Sum(value, tuple(inst.attrs["axes"]), inst.attrs["fn"]))

    def do_vecdot(self, inst: Inst) -> None:
        a, b = [self.block[name].shape for name in inst.args]
        nest = self.nest(inst, np.broadcast_shapes(a, b))
        left, right = [self.operand(name, nest) for name in inst.args]
        product = Apply("*", (left, right))
        self.sum(inst, nest, Sum(product, (len(nest.shape) - 1,)))

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
