"""Stage 4: one array operation (or a few) for each kind, its reverse, and the printed program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd.jit.code import (
    Array,
    Axes,
    Code,
    View,
    apply,
    args,
    compare,
    contiguous,
    dense,
    is_number,
    shape_of,
    size,
    text,
)  # fmt: skip
from autograd.jit.kinds import Graph, Kind
from autograd.jit.patterns import (
    Index,
    axes_of,
    common_shape,
    constant_axes,
    pairs,
    refines,
    separable,
)  # fmt: skip
from autograd.ops import OPS

RAGGED = 3  # sums of more different lengths than this are one segmented sum


@dataclass(frozen=True)
class Box:
    """A kind in a picture: its array, and how many scalar nodes it holds (0: an input)."""

    name: str
    op: str
    shape: tuple[int, ...]
    nodes: int
    parents: list[int]
    layer: str


class Program:
    """The array program of a graph: `source`, and what is needed to run it."""

    def __init__(self, graph: Graph, parameters: int, inputs: dict[str, int]) -> None:
        self.graph, self.parameters, self.sizes = graph, parameters, inputs
        self.position = graph.position
        self.names: dict[str, int] = {}
        self.lines: list[Any] = []  # of the step: (target, code, comment, add), or text
        self.setup: list[str] = []  # before the first step
        self.views: dict[Any, str] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.limits: dict[str, np.ndarray] = {}  # for integer arguments: how large they may be
        self.buffers: list[Array] = []
        self.row_stacks: dict[Any, Any] = {}
        self.tape: list[Callable[[], None]] = []  # the reverse of each operation
        self.given: list[Array] = []  # P, G, the arguments and their gradients
        self.fragile = False  # whether NaN may spread to what eager never reaches: see `add_up`
        self.untouched = False  # whether some places of G are never written
        self.arrays: dict[int, Array] = {}
        self.kind_parents = {
            k: sorted({p for term in kind.parents for p in ([term] if kind.op != "sum" else term)})
            for k, kind in enumerate(graph.kinds)
            if kind.op != "const"
        }
        for k, kind in enumerate(graph.kinds):
            self.arrays[k] = self.lower(kind) if kind.nodes else self.leaf(kind)
        self.source = self.finish()

    def boxes(self) -> list[Box]:
        """What a picture shows: the kinds, in order, and the arrays that they are read from."""
        found: list[Box] = []
        place: dict[int, int] = {}
        for k, kind in enumerate(self.graph.kinds):
            if k in self.kind_parents and (kind.nodes or self.arrays[k].is_read):
                array, comment = self.arrays[k], self.comment(kind) if kind.nodes else ""
                parents = [place[p] for p in self.kind_parents[k] if p in place]
                place[k] = len(found)
                found.append(
                    Box(array.name, kind.op, array.shape, len(kind.nodes), parents, comment)
                )
        return found

    # --- names and statements --------------------------------------------------------------------

    def fresh(self, stem: str) -> str:
        n = self.names[stem] = self.names.get(stem, 0) + 1
        return f"{stem}{n}"

    def constant(self, values: Any) -> str:
        for name, known in self.constants.items():
            if known.dtype == values.dtype and np.array_equal(known, values):
                return name
        name = self.fresh("i" if values.dtype.kind == "i" else "c")
        self.constants[name] = values
        return name

    def emit(self, target: Any, code: Any, comment: str = "", add: bool = False) -> None:
        self.lines.append((target, code, comment, add))

    def let(self, stem: str, code: Any, comment: str = "") -> Any:
        """A new variable for the code's result."""
        array = Array(self, self.fresh(stem), shape_of(code))
        self.emit(array, code, comment)
        return array.code()

    # --- leaves ----------------------------------------------------------------------------------

    def leaf(self, kind: Kind) -> Array:
        n = self.parameters if kind.op == "param" else self.sizes.get(kind.name, 0)
        array = Array(self, kind.name, (n,), is_buffer=True)
        array.trained = kind.op in ("param", "value")
        if kind.op != "const":
            self.given.append(array)
        if array.trained:
            gradient = Array(self, "G" if kind.op == "param" else f"g_{kind.name}", (n,), True)
            self.given.append(gradient)
            self.tape.append(lambda: self.add_up(array, gradient))
        return array

    # --- reading and its reverse -----------------------------------------------------------------

    def read(self, k: int, index: Index, full: int = -1) -> Any:
        """Elements of the array of kind `k`, in the shape of `index`; where they repeat along an
        axis, that axis is 1 (but never the axis `full`)."""
        array = self.arrays[k]
        array.is_read = True
        if self.is_const(k):
            values = np.array(self.graph.constants)[index]
            if full < 0 and index.size and (index == index.flat[0]).all():
                return float(values.flat[0])
            for axis in constant_axes(values):
                values = values.take([0], axis=axis) if axis != full else values
            return Code(self.constant(values), (), values.shape)
        for axis in constant_axes(index):
            if axis != full:
                index = index.take([0], axis=axis)
        if index.size == 1 and full < 0:
            return View(array, int(index.flat[0]), ())
        offsets = separable(index)
        if offsets is not None:
            split = [axes_of(line) for line in offsets]
            if all(axes is not None and all(s for _, s in axes) for axes in split):
                return self.view(array, int(index.flat[0]), split, index.shape)
        return Code(
            "{0}.take({1})", [array.code(), Code(self.constant(index), (), ())], index.shape
        )

    def view(self, array: Array, start: int, split: list[Any], shape: tuple[int, ...]) -> Any:
        flat: Axes = tuple(axis for axes in split for axis in axes)
        if all(len(axes) <= 1 for axes in split):
            axes = tuple(a[0] if a else (1, 1) for a in split)
            return View(array, start, axes)
        inner = View(array, start, flat)
        if contiguous(flat):
            return View(array, start, dense(shape))
        return Code(f"{{0}}.reshape({args(shape)})", [inner], shape)

    def contribute(self, k: int, index: Index, code: Any) -> None:
        """The reverse of `read`: add the gradient `code` to these elements."""
        array = self.arrays[k]
        if not array.trained:
            return
        missing = index.ndim - len(shape_of(code))
        shape = (1,) * missing + shape_of(code)
        repeated = constant_axes(index)
        summed = tuple(axis - missing for axis in repeated if shape[axis] > 1)
        times = size(index.shape[axis] for axis in repeated if shape[axis] == 1)
        if times > 1:
            code = float(times) * code
        if summed:
            code = self.total(code, summed)
        kept = [x for x, n in enumerate(index.shape) if n > 1 and x not in repeated]
        for axis in repeated:
            index = index.take([0], axis=axis)
        if shape_of(code):
            code = self.shaped(code, [shape[axis] for axis in kept])
        array.gradients.append((index.reshape([index.shape[x] for x in kept]), code))

    def total(self, code: Any, axes: tuple[int, ...]) -> Any:
        shape = tuple(n for k, n in enumerate(code.shape) if k not in axes)
        where = repr(axes[0]) if len(axes) == 1 else repr(axes)
        if not shape:
            return Code("{0}.sum()", [code], ())
        return Code(f"np.add.reduce({{0}}, {where})", [code], shape)

    def shaped(self, code: Any, shape: Any) -> Any:
        shape = tuple(shape)
        if shape_of(code) == shape or not isinstance(code, Code):
            return code
        if isinstance(code, View) and (code.whole or contiguous(code.axes)):
            return View(code.array, code.start, dense(shape))
        return Code(f"{{0}}.reshape({args(shape)})", [code], shape)

    # --- kinds -----------------------------------------------------------------------------------

    def lower(self, kind: Kind) -> Array:
        if kind.op == "sum":
            return self.lower_sums(kind)
        if kind.op == "take":
            return self.lower_take(kind)
        if kind.op == "logsumexp":
            return self.lower_logsumexp(kind)
        rows = self.position[np.array(kind.rows)]
        columns = self.arrange(kind, list(rows.T))
        shape = self.shape_for(kind.parents, columns)
        grids = [c.reshape(shape) for c in columns]
        inputs = [self.read(k, grid) for k, grid in zip(kind.parents, grids)]
        op = OPS[kind.op]
        array = self.new(kind, op.name, shape, kind.parents)
        y = array.code()
        result = Code.apply_op(op, tuple(inputs))
        if shape_of(result) != tuple(shape):
            result = self.broadcast(result, shape)
        self.emit(array, result, self.comment(kind))

        def reverse() -> None:
            g = self.add_up(array)
            if g is None:
                return
            partials = op.partials(y, *inputs)
            if kind.op == "relu":
                partials = (compare("{0} != 0", y),)  # 1 - (x <= 0), also at NaN
            for k, grid, partial in zip(kind.parents, grids, partials):
                if self.arrays[k].trained:
                    self.contribute(k, grid, g * partial)

        self.tape.append(reverse)
        return array

    def new(self, kind: Kind, stem: str, shape: Any, parents: Any) -> Array:
        array = Array(self, self.fresh(stem), shape)
        array.trained = any(self.arrays[k].trained for k in parents)
        return array

    def comment(self, kind: Kind) -> str:
        mark = getattr(self.graph.values[kind.nodes[0]], "module", None)
        while mark and mark[0].level == "neuron" or mark and mark[2] and mark[0].level == "model":
            if not mark[2]:
                break
            mark = mark[2]
        return mark[0].name if mark else ""

    def broadcast(self, code: Any, shape: Any) -> Code:
        """`code` in full: repeated along the axes where it is 1."""
        if is_number(code):
            return Code(self.constant(np.full(shape, code)), (), shape)
        ones = Code(self.constant(np.ones(shape)), (), shape)
        return apply("{0} * {1}", ones, code, call="np.multiply")

    def arrange(self, kind: Kind, columns: list[Index]) -> list[Index]:
        """Put the members in an order in which the columns have patterns; equal ones are one."""
        order = sorted(range(len(columns)), key=lambda j: -len(np.unique(columns[j])))
        by = np.lexsort([columns[j] for j in reversed(order)])
        columns = [c[by] for c in columns]
        new = np.ones(len(by), bool)
        new[1:] = np.any([c[1:] != c[:-1] for c in columns], axis=0)
        self.position[np.array(kind.nodes)[by]] = np.cumsum(new) - 1
        return [c[new] for c in columns]

    def shape_for(self, parents: Any, columns: list[Index]) -> tuple[int, ...]:
        if len(columns[0]) == 1:
            return ()
        shape = common_shape(columns)
        for k, column in zip(parents, columns):  # a parent's own shape, if it comes in whole
            array = self.arrays[k]
            comes_in_whole = np.array_equal(column, np.arange(array.size))
            if comes_in_whole and refines(array.shape, shape):
                return array.shape
        return shape

    # --- sums ------------------------------------------------------------------------------------

    def lower_sums(self, kind: Kind) -> Array:
        if self.graph.is_padded:
            self.join_padding(kind)
        terms = kind.parents
        parents = {k for term in terms for k in term}
        groups: dict[Any, list[int]] = {}  # members by how many terms of each kind they have
        for i, row in enumerate(kind.rows):
            groups.setdefault(tuple([len(row[term][0]) for term in terms]), []).append(i)
        if len(groups) > RAGGED:
            return self.lower_ragged(kind, parents)
        parts: list[Any] = []
        for counts, members in groups.items():
            part = Kind("sum", terms, "", [kind.nodes[i] for i in members])
            part.rows = [kind.rows[i] for i in members]
            start = sum(size(p[0]) for p in parts)
            shape, code, reverse = self.sum_of(part, dict(zip(terms, counts)))
            self.position[np.array(part.nodes)] += start
            parts.append((shape, start, code, reverse))
        if len(parts) == 1:
            array = self.new(kind, "sum", parts[0][0], parents)
            self.emit(array, parts[0][2], self.comment(kind))
        else:
            array = self.new(kind, "sum", (sum(size(p[0]) for p in parts),), parents)
            for shape, start, code, _ in parts:
                self.emit(View(array, start, dense(shape or (1,))), code, self.comment(kind))

        def reverse_all() -> None:
            g = self.add_up(array)
            if g is None:
                return
            if len(parts) > 1 and shape_of(g) and not isinstance(g, View):
                g = self.spread(g, array.shape)
            for shape, start, _, reverse in parts:
                alone = len(parts) == 1 or not shape_of(g)
                reverse(g if alone else View(g.array, start, dense(shape)))

        self.tape.append(reverse_all)
        return array

    def join_padding(self, kind: Kind) -> None:
        """Where zeros pad a kind (see `_Grouping.padded`), put both into one array."""
        const = next(k for k, other in enumerate(self.graph.kinds) if other.op == "const")
        kind_of = np.array(self.graph.kind_of)
        for term in list(kind.parents):
            for j, k in enumerate(term):
                ids = np.concatenate([row[term][j] for row in kind.rows]).astype(int)
                if k < 0 or k == const or not (kind_of[ids] == const).any():
                    continue
                new, places = self.joined((const, k), ids)
                columns = np.split(places, np.cumsum([len(row[term][j]) for row in kind.rows])[:-1])
                renamed = (*term[:j], new, *term[j + 1 :])
                for row, column in zip(kind.rows, columns):
                    old = row.pop(term)
                    row[renamed] = (*old[:j], self.virtual(column), *old[j + 1 :])
                kind.parents = tuple(renamed if t == term else t for t in kind.parents)
                term = renamed

    def virtual(self, places: Index) -> list[int]:
        """Numbers for nodes of our own, at these places of their array."""
        start = len(self.position)
        self.position = np.concatenate([self.position, places])
        return list(range(start, start + len(places)))

    def sum_of(self, kind: Kind, counts: dict[Any, int]) -> tuple[Any, Any, Callable[[Any], None]]:
        """(shape, code, reverse) of sums that all have the same number of terms of each kind."""
        matrices = {
            term: [
                self.position[np.array([row[term][j] for row in kind.rows])]
                for j in range(len(term))
            ]
            for term in counts
        }
        long = [t for t in counts if len(t) == 2 and counts[t] > 1]
        long.sort(key=lambda t: -counts[t])
        found = None
        for term in long:
            found = pairs(*matrices[term])
            if found:
                break
        nodes = np.array(kind.nodes)
        if found:
            grid = found[1]
            _, p, q = grid.shape
            if p > 1 and q > 1 and grid[0, 1, 0] < grid[0, 0, 1]:
                grid = grid.swapaxes(1, 2)
            shape: Any = tuple(n for n in grid.shape if n > 1)
            order = grid.reshape(-1)
            self.position[nodes[order]] = np.arange(len(order))
            matrices = {t: [m[order] for m in ms] for t, ms in matrices.items()}
        else:
            columns = [m[:, j] for ms in matrices.values() for m in ms for j in range(m.shape[1])]
            names = [k for t, n in counts.items() for k in t for _ in range(n)]
            if len(columns) > 8 or len(kind.rows) == 1:  # long rows: their starts decide
                firsts = [m[:, 0] for ms in matrices.values() for m in ms]
                names = [k for t in counts for k in t]
                order = np.lexsort(firsts[::-1])
                self.position[nodes[order]] = np.arange(len(order))
                matrices = {t: [m[order] for m in ms] for t, ms in matrices.items()}
                columns = [c[order] for c in firsts]
            else:
                columns = self.arrange(kind, columns)
                at = iter(columns)
                matrices = {
                    t: [np.stack([next(at) for _ in range(n)], 1) for _ in t]
                    for t, n in counts.items()
                }
            shape = self.shape_for(names, columns)
        result: Any = None
        reverses = []
        for term in sorted(counts, key=lambda t: (-len(t) * (counts[t] > 1), -counts[t])):
            where = [m.reshape(*shape, -1) for m in matrices[term]]
            code, reverse = self.term(term, where)
            result = code if result is None else result + code
            reverses.append(reverse)
        if shape_of(result) != tuple(shape):
            result = self.broadcast(result, shape)

        def reverse_sum(g: Any) -> None:
            for reverse in reverses:
                reverse(g)

        return shape, result, reverse_sum

    def term(self, term: Any, where: list[Index]) -> tuple[Any, Callable[[Any], None]]:
        """The terms of one kind of a sum: index arrays of shape (*grid, terms)."""
        n = where[0].shape[-1]
        if n == 1:
            where = [m[..., 0] for m in where]
            inputs = [self.read(k, m) for k, m in zip(term, where)]

            def reverse_single(g: Any) -> None:
                for k, m, other in zip(term, where, reversed(inputs)):
                    self.contribute(k, m, g * other if len(term) == 2 else g)

            return (inputs[0] * inputs[1] if len(term) == 2 else inputs[0]), reverse_single
        constant = [k for k, m in zip(term, where) if self.is_literal(k, m)]
        if len(term) == 1 or constant:
            scale: Any = 1.0
            rest = [(k, m) for k, m in zip(term, where)]
            if len(term) == 2:  # c * a + c * b = c * (a + b)
                at = 0 if self.is_literal(term[0], where[0]) else 1
                scale = self.read(*rest.pop(at))
            return self.row_sum(rest[0][0], rest[0][1], scale, n)
        return self.row_dot(term, where)

    def is_literal(self, k: int, index: Index) -> bool:
        return self.is_const(k) and bool((index == index.flat[0]).all())

    def row_sum(self, k: int, index: Index, scale: Any, n: int) -> tuple[Any, Any]:
        code = self.read(k, index)
        if is_number(code):
            code = n * code
        elif code.shape and code.shape[-1] == n:
            code = self.total(code, (len(code.shape) - 1,))
        elif code.shape:
            code = float(n) * Code("{0}[..., 0]", [code], code.shape[:-1])
        else:
            code = float(n) * code

        def reverse(g: Any) -> None:
            g = g * scale
            self.contribute(
                k, index, Code("{0}[..., None]", [g], (*g.shape, 1)) if shape_of(g) else g
            )

        return scale * code, reverse

    def row_dot(self, term: Any, where: list[Index]) -> tuple[Any, Any]:
        ka, kb = term
        ia, ib = where
        grid, n, dim = ia.shape[:-1], ia.shape[-1], ia.ndim - 1
        same = ka == kb and (ia == ib).all()

        def varies(index: Index, axis: int) -> bool:
            return axis not in constant_axes(index) and grid[axis] > 1

        va = [axis for axis in range(dim) if varies(ia, axis)]
        vb = [axis for axis in range(dim) if varies(ib, axis)]
        both = [axis for axis in va if axis in vb]
        only_a, only_b = [x for x in va if x not in both], [x for x in vb if x not in both]

        def part(index: Index, axes: list[int]) -> Index:
            for axis in range(dim):
                if axis not in axes:
                    index = index.take([0], axis=axis)
            return index.reshape([grid[x] for x in axes] + [n])

        neither = [axis for axis in range(dim) if grid[axis] > 1 and axis not in va + vb]
        matrix = not neither and len(both) <= 1 and len(only_a) == len(only_b) == 1
        vector = not both and not neither and min(len(only_a), len(only_b)) == 0
        if same or not (matrix or vector) or (vector and max(len(va), len(vb)) > 1):
            return self.row_vecdot(term, where, same)
        a_part, b_part = part(ia, va), part(ib, vb)
        swap = False
        if matrix:  # rows first: (batch, a's rows, n) @ (batch, n, b's rows)
            swap = only_a > only_b
            if both and both[0] != 0:
                return self.row_vecdot(term, where, same)
        elif only_b:
            swap = True
        if swap:
            ka, kb, a_part, b_part = kb, ka, b_part, a_part
        a = self.matrix(ka, a_part)
        b = self.matrix(kb, b_part)
        if vector:
            shape = a.shape[:-1]

            def reverse_vector(g: Any) -> None:
                if len(a_part.shape) == 1:  # a number: dot of two vectors
                    self.contribute(ka, a_part, g * b)
                    self.contribute(kb, b_part, g * a)
                    return
                g = self.spread(g, shape)
                column = Code("{0}[:, None]", [g], (*shape, 1))
                outer = column * b
                if size(outer.shape) > 10_000:  # einsum is faster then, and slower to call
                    outer = Code("np.einsum('i,j->ij', {0}, {1})", [g, b], outer.shape)
                self.contribute(ka, a_part, outer)
                self.contribute(kb, b_part, self.matmul(g, a, b.shape))

            return self.matmul(a, b, shape), reverse_vector
        shape = tuple(n for n in grid if n > 1)

        def reverse_matrix(g: Any) -> None:
            g = self.spread(g, shape)
            self.contribute(ka, a_part, self.matmul(g, b, a.shape))
            self.contribute(kb, b_part, self.matmul(self.transpose(g), a, b.shape))

        return self.matmul(a, self.transpose(b), shape), reverse_matrix

    def spread(self, g: Any, shape: Any) -> Any:
        """The gradient `g` in full, as a variable."""
        g = g if shape_of(g) == tuple(shape) else self.broadcast(g, shape)
        return g if isinstance(g, View) else self.let("g_sum", g)

    def matmul(self, a: Any, b: Any, shape: Any) -> Code:
        return Code("{0} @ {1}", [a, b], shape, "np.matmul")

    def transpose(self, code: Any) -> Code:
        if len(code.shape) == 2:
            return Code("{0}.T", [code], code.shape[::-1])
        return Code("{0}.mT", [code], (*code.shape[:-2], code.shape[-1], code.shape[-2]))

    def matrix(self, k: int, index: Index) -> Any:
        """Elements for a product of matrices, where nothing may be broadcast."""
        code = self.read(k, index, full=index.ndim - 1)
        if shape_of(code) != index.shape:
            code = self.broadcast(code, index.shape)
        return code if isinstance(code, View) else self.let("m", code)

    def row_vecdot(self, term: Any, where: list[Index], same: bool) -> tuple[Any, Any]:
        a, b = [self.read(k, m, full=m.ndim - 1) for k, m in zip(term, where)]
        a, b = [x if isinstance(x, View) else self.let("m", x) for x in (a, b)]
        shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
        if len(a.shape) == 1:
            code = self.matmul(a, b, ())
        else:
            code = Code("np.vecdot({0}, {1})", [a, b], shape)

        def reverse(g: Any) -> None:
            if shape_of(g):
                g = Code("{0}[..., None]", [g], (*g.shape, 1))
            if same:
                self.contribute(term[0], where[0], 2.0 * g * a)
                return
            self.contribute(term[0], where[0], g * b)
            self.contribute(term[1], where[1], g * a)

        return code, reverse

    def lower_ragged(self, kind: Kind, parents: Any) -> Array:
        """Sums of many different lengths: all terms in a row, and a sum over each segment."""
        array = self.new(kind, "sum", (len(kind.nodes),), parents)
        self.position[np.array(kind.nodes)] = np.arange(len(kind.nodes))
        result: Any = None
        reverses = []
        for term in kind.parents:
            where = [
                self.position[np.concatenate([row[term][j] for row in kind.rows]).astype(int)]
                for j in range(len(term))
            ]
            counts = np.array([len(row[term][0]) for row in kind.rows])
            inputs = [self.read(k, m) for k, m in zip(term, where)]
            code = inputs[0] * inputs[1] if len(term) == 2 else inputs[0]
            if (counts > 1).any():
                code = self.segments("np.add", code, counts)
            result = code if result is None else result + code
            reverses.append((term, where, counts, inputs))
        if shape_of(result) != array.shape:
            result = self.broadcast(result, array.shape)
        self.emit(array, result, self.comment(kind))

        def reverse() -> None:
            g = self.add_up(array)
            if g is None:
                return
            for term, where, counts, inputs in reverses:
                spread = self.per_term(g, counts)
                for k, m, other in zip(term, where, reversed(inputs)):
                    self.contribute(k, m, spread * other if len(term) == 2 else spread)

        self.tape.append(reverse)
        return array

    def segments(self, ufunc: str, code: Any, counts: Index) -> Code:
        total = int(counts.sum())
        if shape_of(code) != (total,):
            code = self.broadcast(code, (total,))
        starts = Code(self.constant(np.cumsum(counts) - counts), (), ())
        return Code(f"{ufunc}.reduceat({{0}}, {{1}})", [code, starts], (len(counts),))

    def per_term(self, code: Any, counts: Index) -> Any:
        """A number for each segment, repeated for each of its terms."""
        if not shape_of(code) or (counts == 1).all():
            return code
        segment = Code(self.constant(np.repeat(np.arange(len(counts)), counts)), (), ())
        return Code("{0}.take({1})", [code, segment], (int(counts.sum()),))

    # --- logsumexp and take ----------------------------------------------------------------------

    def joined(self, parents: Any, ids: Index) -> tuple[int, Index]:
        """(kind, places) of nodes; nodes of several kinds are put into one new array."""
        if len(parents) == 1:
            return parents[0], self.position[ids]
        kinds = np.array(self.graph.kind_of)[ids]
        parts, total = [], 0
        places = np.empty(ids.shape, int)
        for k in parents:
            index, which = np.unique(self.position[ids[kinds == k]], return_inverse=True)
            places[kinds == k] = total + which
            parts.append((k, index, total))
            total += len(index)
        array = Array(self, self.fresh("joined"), (total,), True)
        self.buffers.append(array)
        array.trained = any(self.arrays[k].trained for k in parents)
        for k, index, start in parts:
            code = self.read(k, index)
            if not is_number(code) or code:  # the array is made of zeros
                self.emit(View(array, start, ((len(index), 1),)), code)

        def reverse() -> None:
            g = self.add_up(array)
            for k, index, start in parts if g is not None else ():
                part = View(g.array, start, ((len(index), 1),)) if shape_of(g) else g
                self.contribute(k, index, part)

        self.tape.append(reverse)
        new = -1 - len(self.arrays)
        self.arrays[new] = array
        return new, places

    def lower_logsumexp(self, kind: Kind) -> Array:
        counts = np.array([len(row) for row in kind.rows])
        k, flat = self.joined(kind.parents, np.array([i for row in kind.rows for i in row]))
        m, n = len(counts), int(counts[0])
        array = self.new(kind, "logsumexp", (m,) if m > 1 else (), (k,))
        self.position[np.array(kind.nodes)] = np.arange(m)
        if (counts == n).all():
            index = flat.reshape(m, n) if m > 1 else flat
            x = self.matrix(k, index)
            top = Code(f"np.maximum.reduce({{0}}, {len(index.shape) - 1}, initial=-1.7e308)",
                       [x], array.shape)  # fmt: skip
            spread: Any = lambda code: (
                Code("{0}[:, None]", [code], (m, 1)) if shape_of(code) else code)  # fmt: skip
            total: Any = lambda code: self.total(code, (len(index.shape) - 1,))
        else:
            index = flat
            x = self.matrix(k, index)
            top = apply("np.maximum({0}, -1.7e308)", self.segments("np.maximum", x, counts))
            spread = lambda code: self.per_term(code, counts)
            total = lambda code: self.segments("np.add", code, counts)
        top = self.let("top", apply("np.minimum({0}, 1.7e308)", top))  # finite: inf - inf is NaN
        e = self.let("e", apply("np.exp({0})", x - spread(top)))
        inner = self.let("total", total(e))
        self.emit(array, top + apply("np.log({0})", inner), self.comment(kind))

        def reverse() -> None:
            g = self.add_up(array)
            if g is not None:
                softmax = e / spread(inner)  # = exp(x - y)
                self.contribute(k, index, spread(g) * softmax)

        self.tape.append(reverse)
        return array

    def lower_take(self, kind: Kind) -> Array:
        """Each member: a place in an integer argument, and the table in which that is looked up."""
        graph, argument = self.graph, self.graph.kinds[kind.parents[-1]].name
        used = sorted({row[0] for row in kind.rows})
        sizes = np.array([len(graph.tables[t]) for t in used])
        starts = np.cumsum(sizes) - sizes
        k, flat = self.joined(
            kind.parents[:-1], np.array([j for t in used for j in graph.tables[t]])
        )
        region, places = np.unique(flat, return_inverse=True)  # all that may be looked up
        rank = {t: i for i, t in enumerate(used)}
        table = np.array([rank[row[0]] for row in kind.rows])
        where = self.position[np.array([row[1] for row in kind.rows])]
        limits = self.limits.setdefault(argument, np.full(self.sizes[argument], 2**62))
        np.minimum.at(limits, where, sizes[table])
        by = np.lexsort([table, where])
        self.position[np.array(kind.nodes)[by]] = np.arange(len(by))
        table, where = table[by], where[by]
        first = places[starts]
        step = int(places[1] - places[0]) if sizes[0] > 1 else 1
        in_table = np.arange(len(places)) - np.repeat(starts, sizes)
        affine = (places == np.repeat(first, sizes) + step * in_table).all()
        offset = first[table] if affine else starts[table]
        shape = self.shape_for((), [where, offset]) if len(by) > 1 else ()
        indices = Array(self, f"{argument}_i", (self.sizes[argument],), True)
        self.arrays[-1 - len(self.arrays)] = indices
        index = self.read(-len(self.arrays), where.reshape(shape))
        if affine and step != 1:
            index = Code(f"{{0}} * {step}", [index], index.shape)
        offset = offset.reshape(shape)
        for axis in constant_axes(offset):
            offset = offset.take([0], axis=axis)
        if offset.size > 1 or offset.any():
            shift = str(offset.item()) if offset.size == 1 else self.constant(offset)
            index = apply("{0} + {1}", index, Code(shift, (), offset.shape))
        if not affine:
            index = Code("{0}.take({1})", [Code(self.constant(places), (), ()), index], index.shape)
        if shape_of(index) != tuple(shape):
            index = Code("{0} + {1}", [index, Code(self.constant(np.zeros(shape, int)), (), ())],
                         shape)  # fmt: skip
        at = self.let("at", index)
        array = self.new(kind, "taken", shape, (k,))
        table_code = self.matrix(k, region)
        self.emit(array, Code("{0}.take({1})", [table_code, at], shape), self.comment(kind))

        def reverse() -> None:
            g = self.add_up(array)
            if g is None:
                return
            n = len(table)
            if is_number(g) or shape_of(g) != array.shape:
                g = self.broadcast(g, array.shape or (1,))
            g = self.shaped(g, (n,))
            count = Code(f"np.bincount({{0}}, {{1}}, {len(region)})", [self.shaped(at, (n,)), g],
                         (len(region),))  # fmt: skip
            self.contribute(k, region, self.let("g_table", count))
            if self.arrays[k].trained and not self.is_leaf(k):
                self.arrays[k].chosen.append(self.arrays[k].gradients[-1])

        self.tape.append(reverse)
        return array

    def is_leaf(self, k: int) -> bool:
        return k >= 0 and not self.graph.kinds[k].nodes

    def is_const(self, k: int) -> bool:
        return k >= 0 and self.graph.kinds[k].op == "const"

    # --- gradients -------------------------------------------------------------------------------

    def add_up(self, array: Array, buffer: Array | None = None) -> Any:
        """The sum of an array's gradients: code of its shape, or of a number that stands for all;
        None if there is none. A parameter's goes into its `buffer`.
        """
        found = self.stacked(list(map(self.once, array.gradients)))
        found.sort(key=lambda item: item[0].size)
        if array.chosen:  # eager knows no gradient of what was not looked up, here it is 0; and
            reached = np.zeros(array.size, bool)  # 0 times infinity, further on, is NaN
            for item in array.gradients:
                if not any(item is chosen for chosen in array.chosen):
                    reached[item[0]] = True
            self.fragile |= not reached.all()
        if buffer is None:
            if not found:
                return None
            everything = np.arange(array.size)
            if all(m.size == array.size and (m.reshape(-1) == everything).all() for m, _ in found):
                total: Any = None
                for index, code in found:
                    code = self.whole(code, index, array.shape)
                    total = code if total is None else total + code
                if len(array.shape) != len(shape_of(total)):
                    total = self.broadcast(total, array.shape) if shape_of(total) else total
                return total if is_number(total) else self.named(f"g_{array.name}", total)
            buffer = Array(self, f"g_{array.name}", array.shape, True)
            self.buffers.append(buffer)
        written = np.zeros(array.size, bool)
        plans, clear = [], False
        for index, code in found:
            before = written[index]
            clear |= bool(before.any() and not before.all())
            plans.append((index, code, not before.any()))
            written[index] = True
        if clear:
            self.lines.append(f"{buffer.name}.fill(0.0)")
        elif buffer.name == "G":
            self.untouched = not written.all()
        for plan in plans:
            self.scatter(buffer, *plan)
        return buffer.code()

    def stacked(self, found: list[Any]) -> list[Any]:
        """A parameter that is used in many steps, as in an RNN: a.T @ x + b.T @ y + ... is one
        product of all rows, [a; b; ...].T @ [x; y; ...]; and so are sums over rows."""
        groups: dict[Any, list[Any]] = {}
        rest = []
        for item in found:
            index, code = item
            rows = self.rows_of(code)
            if rows:
                shape = tuple(r.shape[1:] for r in rows)
                groups.setdefault((index.shape, index.tobytes(), shape), []).append((item, rows))
            else:
                rest.append(item)
        for members in groups.values():
            if len(members) < 4:
                rest += [item for item, _ in members]
                continue
            index = members[0][0][0]
            columns = [self.joined_rows([rows[j] for _, rows in members])
                       for j in range(len(members[0][1]))]  # fmt: skip
            code = (
                self.matmul(self.transpose(columns[0]), columns[1], index.shape)
                if len(columns) == 2
                else self.total(columns[0], (0,))
            )
            rest.append((index, code))
        return rest

    def rows_of(self, code: Any) -> list[View]:
        """[a, x] of a.T @ x, [a] of a sum over the rows of a, else nothing."""
        if not shape_of(code):
            return []
        if code.template == "{0} @ {1}" and code.args[0].template == "{0}.T":
            found = [code.args[0].args[0], code.args[1]]
        elif code.template == "np.add.reduce({0}, 0)":
            found = [code.args[0]]
        else:
            return []
        return found if all(isinstance(r, View) and len(r.shape) == 2 for r in found) else []

    def joined_rows(self, rows: list[View]) -> Any:
        key = tuple([(r.array.name, r.start, r.axes) for r in rows])
        if key not in self.row_stacks:
            listed = ", ".join([f"{{{i}}}" for i in range(len(rows))])
            shape = (sum([r.shape[0] for r in rows]), *rows[0].shape[1:])
            self.row_stacks[key] = self.let(
                "rows", Code(f"np.concatenate(({listed}))", rows, shape)
            )
        return self.row_stacks[key]

    def named(self, stem: str, code: Any) -> Any:
        return code if isinstance(code, View) and code.whole else self.let(stem, code)

    def whole(self, code: Any, index: Index, shape: Any) -> Any:
        """`code`, a gradient at `index`, in the given shape."""
        if shape_of(code) and size(shape_of(code)) < index.size:
            if tuple(shape) == index.shape and len(code.shape) == index.ndim > 1:
                return code  # NumPy repeats it where it is needed
            code = self.broadcast(code, index.shape)
        return self.shaped(code, shape) if shape_of(code) else code

    def once(self, item: tuple[Index, Any]) -> tuple[Index, Any]:
        """A gradient in which no place occurs twice: what goes to one place is added up first."""
        index, code = item
        flat = index.reshape(-1)
        if (flat[1:] > flat[:-1]).all():
            return item
        places, which = np.unique(flat, return_inverse=True)
        if len(places) == len(flat):
            return item
        if shape_of(code) != index.shape:
            code = self.broadcast(code, index.shape)
        rank = Code(self.constant(which), (), ())
        code = Code(f"np.bincount({{0}}, {{1}}, {len(places)})",
                    [rank, self.shaped(code, (index.size,))], (len(places),))  # fmt: skip
        return places, code

    def scatter(self, buffer: Array, index: Index, code: Any, new: bool) -> None:
        offsets = separable(index)
        split = [axes_of(line) for line in offsets] if offsets is not None else [None]
        if all(axes is not None for axes in split):
            flat = tuple(axis for axes in split for axis in axes or ())
            target: Code = View(buffer, int(index.flat[0]), flat)
            code = self.whole(code, index, [n for n, _ in flat])
        else:
            places = Code(self.constant(index.reshape(-1)), (), ())
            everything = View(buffer, 0, ((buffer.size, 1),))
            target = Code("{0}[{1}]", [everything, places], (index.size,))
            code = self.whole(code, index, (index.size,))
        self.emit(target, code, "", not new)

    # --- printing --------------------------------------------------------------------------------

    def finish(self) -> str:
        """Emit the reverse, and print all as the source of a function that makes the step."""
        graph = self.graph
        k, place = graph.kind_of[graph.root], np.array(self.position[graph.root])
        loss = self.read(k, place)
        self.lines.append(("yield", loss))
        self.contribute(k, place, 1.0)
        for reverse in reversed(self.tape):
            reverse()
        step = [self.statement(line) for line in self.lines]
        made = [f"{b.name} = np.zeros({b.shape})"
                for b in self.made()]  # fmt: skip
        checks = [f"check({name}_i, {name}_limit)" for name in self.limits]
        names = [a.name for a in self.given]
        names += [f"{name}{end}" for name in self.limits for end in ("_i", "_limit")]
        names += list(self.constants)
        body = ["def program(np, view, check, " + ", ".join(names) + "):"]
        body += ["    # made once: room for results, and views of parts of arrays"]
        body += [f"    {line}" for line in made + self.setup]
        added = sorted(
            {line.split()[0] for line in step if " += " in line and "[" not in line.split()[0]}
        )
        scope = [f"nonlocal {', '.join(added)}"] if added else []
        body += ["", "    def step():", *[f"        {line}" for line in scope + checks + step]]
        body += ["        yield", "", "    return step", ""]
        return "\n".join(body)

    def made(self) -> list[Array]:
        seen: dict[str, Array] = {b.name: b for b in self.buffers}
        for line in self.lines:
            target = line[0]
            array = target.array if isinstance(target, View) else target
            if isinstance(array, Array) and array.is_buffer:
                seen[array.name] = array
        given = {a.name for a in self.given}
        return [a for name, a in seen.items() if name not in given]

    def statement(self, line: Any) -> str:
        if isinstance(line, str):
            return line
        if line[0] == "yield":
            return f"yield {text(line[1])}"
        target, code, comment, add = line
        comment = f"  # {comment}" if comment else ""
        if isinstance(target, Array):
            if not target.is_buffer:
                return f"{target.name} = {text(code)}{comment}"
            name = target.name
        else:
            name = target.text()
        if add:
            return f"{name} += {text(code)}{comment}"
        if isinstance(code, Code) and shape_of(code) == target.shape and "[" not in name:
            return code.into(name) + comment
        return f"{name}{'' if name.endswith(']') else '[...]'} = {text(code)}{comment}"

    def view_name(self, view: View) -> str:
        """The name of a view of a buffer, made once, before the first step."""
        array = view.array
        key = (array.name, view.start, view.axes)
        if key not in self.views:
            long = sum(n > 1 for n in view.shape)
            twin = self.views.get(("P", view.start, view.axes))
            if array.name == "G" and twin:
                name = f"g_{twin}"
            elif array.name == "P":
                name = self.fresh("w" if long > 1 else "b")
            else:
                name = self.fresh(f"{array.name}_")
            self.views[key] = name
            self.setup.append(f"{name} = {spell(view)}")
        return self.views[key]


def spell(view: View) -> str:
    """NumPy's spelling of a view."""
    array, start = view.array, view.start
    flat = array.name if len(array.shape) == 1 else f"{array.name}.reshape(-1)"
    axes = tuple((n, s) for n, s in view.axes if n > 1)
    shape = tuple(n for n, _ in axes)
    if contiguous(axes):
        whole = size(shape) == array.size
        code = array.name if whole else f"{flat}[{start}:{start + size(shape)}]"
        if view.shape != (array.shape if whole else (size(shape),)):
            code += f".reshape({args(view.shape)})"
        return code
    rows, step = axes[0]
    inner = size(shape[1:])
    if len(axes) == 1 and step > 0:
        code = f"{flat}[{start}:{start + (rows - 1) * step + 1}:{step}]"
    elif len(axes) == 2 and contiguous(axes[1:]) and inner <= step <= start + array.size:
        before = max(0, start + rows * step - array.size)
        if before > start or before + inner > step:
            return f"view({array.name}, {start}, {view.shape}, {tuple(s for _, s in view.axes)})"
        base = start - before
        code = (f"{flat}[{base}:{base + rows * step}].reshape({rows}, {step})"
                f"[:, {before or ''}:{before + inner}]")  # fmt: skip
    else:
        return f"view({array.name}, {start}, {view.shape}, {tuple(s for _, s in view.axes)})"
    return code if view.shape == shape else f"{code}.reshape({args(view.shape)})"
