"""Stage 4: kinds to instructions, forward. An array for each kind; each of its parents is a view of
an array, or else a look-up in an index array; a sum of products is a product of matrices if its
rows of factors all meet.
"""

from collections.abc import Sequence
from functools import partial, reduce
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from autograd.compiler.build import Builder, number_of
from autograd.compiler.group import Graph, Kind, Term
from autograd.compiler.operations import Inst, Shape
from autograd.compiler.passes import RULES
from autograd.compiler.scan import Carry, Split
from autograd.compiler.trace import Loop
from autograd.compiler.views import (
    Index,
    Rows,
    affine,
    common_shape,
    constant_axes,
    covers,
    distinct_rows,
    pairs,
    sliced,
)
from autograd.ops import OPS
from autograd.value import Value

LARGEST = 1.7e308  # a finite number above all others: inf - inf would be NaN
MOST_PARTS = 8  # of an array that is put together in order
MOST_TERMS = 4  # of a sum that is written as one, and not as the sum of an array
WIDE = 8  # columns of a sum that are all looked at for an order; of more, the first of each kind


class Lowering:
    """The forward block of a graph, and where its pieces lie.

    arrays: the instruction that computes a kind, by its number; below 0 are arrays of our own.
    position: for each node its place in the array of its kind.
    """

    def __init__(
        self, graph: Graph, sizes: dict[str, int], results: list[list[Value]] | None = None
    ) -> None:
        """results: of a loop's body, in lists; else the root is the result."""
        self.graph, self.position, self.sizes = graph, graph.position, sizes
        self.b, self.is_body = Builder(RULES), results is not None
        self.arrays: dict[int, Inst] = {}
        self.looked_up: dict[Any, Inst] = {}  # gathers, by array and places
        for k, kind in enumerate(graph.kinds):
            if kind.op in ("param", "value"):
                self.array(k)  # even if nothing is read from it: its gradient is a result
        for item in graph.order():
            if isinstance(item, Loop):
                self.loop(item)
            elif graph.kinds[item].nodes:
                self.arrays[item] = self.lower(graph.kinds[item])
        if results is None:
            places = [self.position[i].reshape(()) for i in graph.ends]
            ends = [self.read(graph.kind_of[i], at) for i, at in zip(graph.ends, places)]
        else:
            ends = list(map(self.listed, results))
        self.block = self.b.block(ends)
        self.used = {name for inst in self.block.insts for name in inst.args}

    def name_of(self, k: int) -> str:
        """What the block calls the array of a kind: a constant, or an input that it does not read,
        has none there."""
        inst = self.arrays.get(k)
        return self.b.called.get(inst.name, self.graph.kinds[k].name) if inst else ""

    # --- arrays and what is read from them --------------------------------------------------------

    def array(self, k: int) -> Inst:
        """The array of a kind; an input is declared when it is read first."""
        if k not in self.arrays:
            kind = self.graph.kinds[k]
            op = "param" if kind.op == "param" else "data"
            n = self.sizes[kind.name]
            shape = () if self.is_body and n == 1 else (n,)
            self.arrays[k] = self.b.input(op, kind.name, shape)
        return self.arrays[k]

    def read(self, k: int, index: Index, rows: bool = False) -> Inst:
        """Elements of the array of kind `k`, in the shape of `index`; where they repeat along an
        axis, that axis is 1 or, in front, left out (but with rows=True not the last axis)."""
        values = self.graph.constants[index] if k == self.graph.const else None
        bits = index if values is None else values.view(np.int64)  # for -0.0 is not 0.0, NaN is NaN
        for axis in constant_axes(bits):
            if not rows or axis < index.ndim - 1:
                index = index.take([0], axis=axis)
        while index.ndim > rows and index.shape[0] == 1:
            index = index[0]
        if values is not None:
            return self.b.const(self.graph.constants[index])
        return self.part(self.array(k), index)

    def part(self, array: Inst, index: Index) -> Inst:
        """Elements of an array: a view if there is a pattern, else a look-up in an index array."""
        size = prod(array.shape)
        view = affine(index)
        if view is not None and sliced(view, size) is not None:
            stem = ""
            if array.op == "param":
                stem = "b" if index.size in (1, *index.shape) else "w"
            elif array.op == "data":
                stem = f"{array.name}_"
            return self.b.view(array, view, stem)
        key = (array.name, index.tobytes())
        if key not in self.looked_up:  # the same one in another shape is a reshape of it
            self.looked_up[key] = self.b.gather(array, index, "m")
        return self.b.reshape(self.looked_up[key], index.shape)

    def full_rows(self, k: int, index: Index) -> Inst:
        """Elements in full, for a product of matrices."""
        return self.b.spread(self.read(k, index, rows=True), index.shape)

    def joined(self, parents: Sequence[int], ids: Sequence[int]) -> tuple[int, Index]:
        """(kind, places) of nodes; nodes of several kinds are put into one new array."""
        found = np.array(ids, np.intp)
        if len(parents) == 1:
            return parents[0], self.position[found]
        kinds, places = np.array(self.graph.kind_of)[found], found.copy()
        parts, end = [], 0
        for k in parents:
            mine = kinds == k
            index = np.flatnonzero(np.bincount(self.position[found[mine]]))
            places[mine] = end + np.searchsorted(index, self.position[found[mine]])
            parts.append(self.b.spread(self.read(k, index), index.shape))
            end += len(index)
        return self.own(self.b.concat(parts, stem="joined")), places

    def gathered(self, ids: Index) -> Inst:
        """The values of nodes, by number, in an array of that shape."""
        kinds = np.array(self.graph.kind_of)[ids.reshape(-1)]
        begins = np.flatnonzero(np.diff(kinds, prepend=-2))
        if 1 < len(begins) <= MOST_PARTS and ids.ndim == 1:  # a few stretches, side by side
            return self.b.concat(map(self.gathered, np.split(ids, begins[1:])))
        k, places = self.joined(np.unique(kinds).tolist(), ids.reshape(-1).tolist())
        found = self.read(k, places.reshape(ids.shape))
        return self.b.reshape(found, (1,)) if ids.shape == (1,) else self.b.spread(found, ids.shape)

    def listed(self, values: list[Value]) -> Inst:
        """The values in a list as an array; of one alone, as a number."""
        ids = np.array(self.graph.numbers(values), np.intp)
        return self.gathered(ids if len(ids) > 1 else ids.reshape(()))

    def loop(self, loop: Loop) -> None:
        """A scan and what can be done outside of it; the stacks of its results become arrays."""
        graph, given = self.graph, dict[str, tuple[Inst, bool]]()
        for name, row in loop.fixed.items():
            given[name] = self.listed(row), False
        for name, rows in loop.steps.items():
            ids = np.array([graph.numbers(row) for row in rows], np.intp)
            kinds, places = np.array(graph.kind_of)[ids], self.position[ids]
            if ((kinds == kinds[0]) & (places == places[0])).all():  # computed in each step anew
                given[name] = self.listed(rows[0]), False
            else:
                given[name] = self.gathered(ids if len(rows[0]) > 1 else ids[:, 0]), True
        lists = loop.body.values | loop.body.inputs
        ends = [nexts for _, nexts in loop.carried.values()]
        ends += [nodes for nodes, _ in loop.stacks.values()]
        sizes = {name: len(row) for name, row in lists.items()} | {"P": 0}
        body = Lowering(loop.graph, sizes, ends).block
        firsts = [self.listed(first) for first, _ in loop.carried.values()]
        carries = list(map(Carry, loop.carried, body.outputs, firsts))
        split = Split(self.b, body, carries, given, given.__getitem__, loop.count)
        stacks = dict(zip(loop.stacks, body.outputs[len(carries) :]))
        split.emit(stacks.values())
        for k, kind in enumerate(graph.kinds):
            if kind.op == "stack" and kind.name in stacks:
                self.arrays[k] = split.stack(stacks[kind.name])

    def own(self, inst: Inst) -> int:
        """A number, below 0, for an array that is no kind's."""
        self.arrays[-1 - len(self.arrays)] = inst
        return -len(self.arrays)

    def done(self, kind: Kind, found: Inst, shape: Shape, stem: str) -> Inst:
        """The array of a kind, in full, by its name, with the layer that it belongs to."""
        return self.b.named(self.b.spread(found, shape), stem, layer(self.graph, kind))

    # --- kinds ------------------------------------------------------------------------------------

    def lower(self, kind: Kind) -> Inst:
        if kind.op in ("sum", "take", "logsumexp"):
            return getattr(self, kind.op)(kind)  # type: ignore[no-any-return]
        columns = list(self.position[np.array(kind.rows)].T)
        chosen, shape = self.arranged(kind, kind.parents, columns)
        read = [self.read(k, c[chosen].reshape(shape)) for k, c in zip(kind.parents, columns)]
        stem = OPS[kind.op].name if kind.op in OPS else kind.op
        return self.done(kind, self.b.map(kind.op, *read), shape, stem)

    def arranged(
        self, kind: Kind, parents: Sequence[int], columns: list[Index], whole: bool = True
    ) -> tuple[Index, Shape]:
        """(members, shape): an order and a shape in which the index columns have patterns. Equal
        members are one, if the columns are the whole of what they read."""
        keys = list(reversed(columns))  # the last one counts most
        keys.sort(key=lambda c: np.count_nonzero(np.bincount(c)) if len(parents) else 0)
        by, new = np.lexsort(keys), np.ones(len(keys[0]), bool)
        if whole:
            new[1:] = np.any([c[by[1:]] != c[by[:-1]] for c in columns], axis=0)
        self.position[np.array(kind.nodes)[by]] = np.cumsum(new) - 1
        by = by[new]
        if len(by) == 1:
            return by, ()
        columns = [c[by] for c in columns]
        shape = common_shape(columns)
        for k, column in zip(parents, columns):
            array = self.array(k).shape if k != self.graph.const else (len(self.graph.constants),)
            is_finer = {*np.cumprod(shape[::-1])} <= {*np.cumprod(array[::-1])}
            if is_finer and covers(column, prod(array)):
                return by, array
        return by, shape

    def sum(self, kind: Kind) -> Inst:
        """A sum of single terms, of sums of rows, and of products of rows."""
        rows = {t: self.rows_of(kind, t) for t in kind.parents}
        if any(m is None for of_term in rows.values() for m in of_term):
            return self.ragged(kind)
        chosen, shape = self.grid(kind, rows)
        code: Inst = self.b.operand(0.0)
        to_fold: dict[int, Inst] = {}  # what is to be added up along the last axis, by its length
        width = {t: of_term[0].width for t, of_term in rows.items()}
        for t in sorted(rows, key=lambda t: (-len(t) * (width[t] > 1), -width[t])):
            places = [m.places(chosen.reshape(shape)) for m in rows[t]]
            found, is_row = self.term(t, places, shape)
            if is_row:
                earlier = to_fold.get(width[t])
                to_fold[width[t]] = self.b.map("+", earlier, found) if earlier else found
            else:
                code = self.b.map("+", code, found)
        for row in to_fold.values():
            code = self.b.map("+", code, self.folded(row))
        return self.done(kind, code, shape, "sum")

    def rows_of(self, kind: Kind, t: Term) -> list[Any]:
        """For each factor of a term: its rows, for all members; None if their lengths differ."""
        return [self.matrix([row[t][j] for row in kind.rows]) for j in range(len(t))]

    def matrix(self, numbers: list[int]) -> Rows | None:
        """These rows, by number, as places."""
        first = {row: n for n, row in enumerate(dict.fromkeys(numbers))}
        listed = [self.graph.table.rows[row] for row in first]
        if len(set(map(len, listed))) > 1:
            return None
        nodes = np.fromiter(chain.from_iterable(listed), np.intp).reshape(len(listed), -1)
        places = self.position[nodes]
        once, sort = distinct_rows(places)
        which = np.array([first[row] for row in numbers], np.intp)
        return Rows(places[once], sort[which])

    def ragged(self, kind: Kind) -> Inst:
        """Sums of several lengths: by segments."""
        self.position[kind.nodes] = np.arange(len(kind.nodes))
        code: Inst = self.b.operand(0.0)
        for t in kind.parents:
            read, counts = [], np.empty(0, np.intp)
            for k, listed in zip(t, zip(*[row[t] for row in kind.rows])):
                rows = [self.graph.table.rows[row] for row in listed]
                counts = np.array(list(map(len, rows)), np.intp)
                nodes = np.fromiter(chain.from_iterable(rows), np.intp)
                read.append(self.read(k, self.position[nodes]))
            product = self.b.map("*", *read) if len(t) == 2 else read[0]
            code = self.b.map("+", code, self.folded(product, counts))
        return self.done(kind, code, (len(kind.nodes),), "sum")

    def grid(self, kind: Kind, rows: dict[Term, list[Rows]]) -> tuple[Index, Shape]:
        """(members, shape) of sums: all rows times all rows, if a term is that; else as for ops."""
        for factors in sorted(rows.values(), key=lambda factors: -factors[0].width):
            is_product = len(factors) == 2 and factors[0].width > 1
            if is_product and (found := pairs(*factors)) is not None:
                order = found.reshape(-1)
                self.position[np.array(kind.nodes)[order]] = np.arange(len(order))
                return order, tuple([n for n in found.shape if n > 1])
        listed = [(k, m) for t, factors in rows.items() for k, m in zip(t, factors)]
        whole = sum([m.width for _, m in listed]) <= WIDE
        columns = [(k, c) for k, m in listed for c in m.columns(None if whole else 1)]
        return self.arranged(kind, [k for k, _ in columns], [c for _, c in columns], whole)

    def term(self, term: Term, places: list[Index], shape: Shape) -> tuple[Inst, bool]:
        """(instruction, is it to be added up along its last axis?) of one kind of terms of a sum,
        from index arrays of shape (*grid, terms)."""
        if places[0].shape[-1] == 1:
            read = [self.read(k, index[..., 0]) for k, index in zip(term, places)]
            return self.b.map("*", *read) if len(term) == 2 else read[0], False
        k, index = term[-1], places[-1]
        factor = 1.0
        if len(term) == 2:
            at = int(term[1] == self.graph.const)
            is_const = self.graph.const in term
            found = number_of(self.read(term[at], places[at])) if is_const else None
            if found is None:
                return self.dots(term, places, shape), False
            factor, k, index = found, term[1 - at], places[1 - at]
        columns = [index[..., j] for j in range(index.shape[-1])]
        if len(columns) <= MOST_TERMS and self.is_better_apart(k, index, columns):
            read = [self.read(k, column) for column in columns]
            return self.b.map("*", factor, reduce(partial(self.b.map, "+"), read)), False
        row = self.read(k, index, rows=True)  # c * a + c * b = c * (a + b)
        is_row = abs(factor) == 1.0
        return self.b.map("*", factor, row if is_row else self.folded(row)), is_row

    def is_better_apart(self, k: int, index: Index, columns: list[Index]) -> bool:
        """Are these rows a look-up, but views column by column, as in x[i - 1] + x[i + 1]?"""
        if k == self.graph.const or index.ndim == 1:
            return False
        size = prod(self.array(k).shape)
        views = [affine(part) for part in (index, *columns)]
        whole, *parts = [view is not None and sliced(view, size) is not None for view in views]
        return not whole and all(parts)

    def dots(self, term: Term, places: list[Index], shape: Shape) -> Inst:
        """Rows times rows: a product of matrices where the rows of A meet all those of B."""
        axes = [axis for axis, n in enumerate(shape) if n > 1]
        va, vb = [[axis for axis in axes if index.shape[axis] > 1] for index in places]
        both = [axis for axis in va if axis in vb]
        is_matrix = both in ([], [0]) and len(va) == len(vb) == len(both) + 1
        if sorted({*va, *vb}) == axes and (is_matrix or not both and len(axes) <= 1):
            cuts = [index.reshape(*[shape[axis] for axis in v], -1)
                    for v, index in zip((va, vb), places)]  # fmt: skip
            a, b = [self.full_rows(k, index) for k, index in zip(term, cuts)]
            return self.product(b, a) if vb < va else self.product(a, b)
        a, b = [self.read(k, index, rows=True) for k, index in zip(term, places)]
        return self.b.emit("vecdot", [a, b])

    def product(self, a: Inst, b: Inst) -> Inst:
        """Each row of `a` times each row of `b`; one alone is a vector."""
        if len(a.shape) < len(b.shape):
            a, b = b, a
        return self.b.matmul(a, b, (False, len(b.shape) > 1))

    def folded(self, x: Inst, counts: Index | None = None) -> Inst:
        """The sum along the last axis or, given their lengths, of segments."""
        if counts is None:
            return self.b.reduce(x, [len(x.shape) - 1])
        if not (counts > 1).any():
            return x
        whole = self.b.spread(x, (int(counts.sum()),))
        return self.b.emit("segment_reduce", [whole], fn="sum", counts=counts)

    def logsumexp(self, kind: Kind) -> Inst:
        """log(sum(exp(x))) = top + log(sum(exp(x - top))), where top is the largest x, or the
        finite number next to it."""
        lengths = np.array([len(row) for row in kind.rows], np.intp)
        k, index = self.joined(kind.parents, list(chain.from_iterable(kind.rows)))
        self.position[kind.nodes] = np.arange(len(lengths))
        shape: Shape = lengths.shape if len(lengths) > 1 else ()
        counts = None if (lengths == lengths[0]).all() else lengths
        b = self.b
        if counts is None:
            x = self.full_rows(k, index.reshape(*shape, -1))
            top = b.reduce(x, [len(shape)], "max")
        else:
            x = self.full_rows(k, index)
            top = b.emit("segment_reduce", [x], fn="max", counts=counts)
        top = b.map("minimum", b.map("maximum", top, -LARGEST), LARGEST, stem="top")
        e = b.map("exp", b.map("-", x, repeated(b, top, counts)), stem="e")
        total = b.named(self.folded(e, counts), "total")
        return self.done(kind, b.map("+", top, b.map("log", total)), shape, "logsumexp")

    def take(self, kind: Kind) -> Inst:
        """Each member: a table, and a place in an integer argument that chooses from it."""
        graph, b = self.graph, self.b
        used = {t: n for n, t in enumerate(dict.fromkeys([t for t, _ in kind.rows]))}
        sizes = np.array([len(graph.tables[t]) for t in used], np.intp)
        k, flat = self.joined(kind.parents[:-1], [j for t in used for j in graph.tables[t]])
        low, n = int(flat.min()), int(flat.max() - flat.min()) + 1
        where = self.position[[i for _, i in kind.rows]]
        offset = (np.cumsum(sizes) - sizes)[[used[t] for t, _ in kind.rows]]
        chosen, shape = self.arranged(kind, (), [where, offset])
        indices = self.own(self.indices(kind.parents[-1]))
        at = self.read(indices, where[chosen].reshape(shape))
        if offset.any():
            at = b.map("+", at, b.const(offset[chosen].reshape(shape)))
        if not np.array_equal(flat - low, np.arange(len(flat))):
            at = b.emit("lookup", [b.const(flat - low), at])
        at = b.named(b.spread(at, shape), "at")
        values = b.spread(self.read(k, np.arange(low, low + n)), (n,))
        return self.done(kind, b.emit("lookup", [values, at]), shape, "taken")

    def indices(self, k: int) -> Inst:
        """An integer argument, with how many values each of its numbers chooses from."""
        name = self.graph.kinds[k].name
        if f"{name}_i" in self.b.by_name:
            return self.b.by_name[f"{name}_i"]
        most = np.iinfo(np.intp).max
        limits = np.full(self.sizes[name], most)
        for kind in self.graph.kinds:
            if kind.op == "take" and kind.parents[-1] == k:
                counts = [len(self.graph.tables[t]) for t, _ in kind.rows]
                at = self.position[[i for _, i in kind.rows]]
                np.minimum.at(limits, at, counts)
        limits[limits == most] = 0
        return self.b.input("data", f"{name}_i", limits.shape, dtype="int", limits=limits)


def repeated(b: Builder, x: Inst, counts: Index | None = None) -> Inst:
    """The reverse of a sum: a number for each sum, repeated for each of its terms."""
    if not x.shape:
        return x
    if counts is None:
        return b.reshape(x, (*x.shape, 1))
    segments = np.repeat(np.arange(len(counts)), counts)
    return b.gather(b.spread(x, counts.shape), segments)


def layer(graph: Graph, kind: Kind) -> str:
    """What nn calls the layer whose outputs these nodes are."""
    mark = getattr(graph.values[kind.nodes[0]], "module", None)
    while mark and mark[2] and mark[0].level != "layer":
        mark = mark[2]
    return str(mark[0].name) if mark else ""
