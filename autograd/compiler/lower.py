"""Stage 4: an array operation (or a few) for each kind, their reverse, and the printed program."""

from itertools import chain
from math import prod
from typing import Any

import numpy as np

from autograd.compiler.code import Array, Code, broadcast, is_number, shape_of, text
from autograd.compiler.kinds import Graph, Kind, Term
from autograd.compiler.patterns import Index, common_shape, constant_axes, pairs, spell
from autograd.ops import OPS


class Program:
    """The array program of a graph: its source, and the constant arrays that it needs."""

    def __init__(self, graph: Graph, sizes: dict[str, int]) -> None:
        self.graph, self.position, self.sizes = graph, graph.position, sizes
        self.names = {n for kind in graph.kinds for n in ("G", kind.name, f"{kind.name}_i")}
        self.numbers: dict[str, int] = {}
        self.lines: list[str] = []  # of the step
        self.views = 0  # of these lines: parts of arrays, which compute nothing
        self.setup: dict[str, str] = {}  # views of P and G, made before the first step: their names
        self.known: dict[Any, Array] = {}  # what was computed already, by text, or array and places
        self.tape: list[Array] = []
        self.constants: dict[str, np.ndarray] = {}
        self.interned: dict[Any, str] = {}  # their names
        self.limits: dict[str, np.ndarray] = {}  # of integer arguments that choose from a table
        self.lookups: set[str] = set()  # gradients that are 0 in all that was not chosen
        self.has_holes = False  # is there something that eager leaves out where it is not chosen?
        self.arrays: dict[int, Array] = {}
        for k, kind in enumerate(graph.kinds):
            leaf = Array(kind.name, (sizes.get(kind.name, 0),))
            leaf.trained = kind.op in ("param", "value")
            self.arrays[k] = self.lower(kind) if kind.nodes else leaf
        root = self.read(graph.kind_of[graph.root], self.position[graph.root].reshape(()))
        self.lines.append(f"yield {text(root)}")
        if isinstance(root, Code):
            self.push(root, 1.0)
        for array in reversed(self.tape[:]):
            if array.gradients:
                self.push(array.value, self.add_up(array), array)
        self.add_up(self.arrays[graph.param])
        values = [self.arrays[k] for k, kind in enumerate(graph.kinds) if kind.op == "value"]
        ends = [text(self.full(self.add_up(array), array.shape)) for array in values]
        self.lines.append(f"yield [{', '.join(ends)}]")
        self.source = self.finish()

    def fresh(self, stem: str) -> str:
        name = stem if stem.startswith("g_") else f"{stem}1"
        while name in self.names:  # the user's arguments have names, too
            self.numbers[stem] = self.numbers.get(stem, 1) + 1
            name = f"{stem}{self.numbers[stem]}"
        self.names.add(name)
        return name

    def let(self, stem: str, code: Any, shape: Any = None, kind: Kind | None = None) -> Array:
        """A variable for the code's result (of a kind), in full `shape`, or the one that has it."""
        code = self.full(code, shape_of(code) if shape is None else shape)
        if isinstance(code, Array) and not kind:
            return code
        written = code.text()
        if written not in self.known or kind:
            array = self.known[written] = Array(self.fresh(stem), code.shape, code)
            layer = self.layer(kind) if kind else ""
            self.lines.append(f"{array.name} = {written}" + (f"  # {layer}" if layer else ""))
            self.tape.append(array)
            self.views += not (code.op or code.args)
        return self.known[written]

    def layer(self, kind: Kind) -> str:
        """What nn calls the layer whose outputs these nodes are."""
        mark = getattr(self.graph.values[kind.nodes[0]], "module", None)
        while mark and mark[2] and mark[0].level != "layer":
            mark = mark[2]
        return mark[0].name if mark else ""

    def full(self, code: Any, shape: Any) -> Any:
        """`code` in this shape: repeated along the axes where it is 1."""
        if shape_of(code) == tuple(shape) and not (is_number(code) and not shape):
            return code
        if is_number(code):
            return self.constant(np.full(shape, float(code)))
        return Code("{0} * {1}", [self.constant(np.ones(shape)), code], shape, OPS["*"])

    def shaped(self, code: Any, shape: Any) -> Any:
        if is_number(code) or code.shape == tuple(shape):
            return code
        return Code(f"{{0}}.reshape({', '.join(map(str, shape)) or '()'})", [code], shape)

    def constant(self, values: np.ndarray) -> Code:
        name = self.interned.get(key := (values.dtype.kind, values.shape, values.tobytes()))
        if name is None:
            stem = "i" if values.dtype.kind == "i" else "ones" if (values == 1.0).all() else "c"
            name = self.interned[key] = self.fresh(stem)
            self.constants[name] = values
        return Code(name, (), values.shape)

    def concatenated(self, parts: Any, axis: int = 0) -> Code:
        parts = [self.let("g", part) if len(text(part)) > 60 else part for part in parts]
        listed, shape = ", ".join([f"{{{i}}}" for i in range(len(parts))]), list(parts[0].shape)
        shape[axis] = sum([p.shape[axis] for p in parts])
        whole = Code(f"np.concatenate(({listed}){f', {axis}' if axis else ''})", parts, shape)
        return whole if len(parts) > 1 else parts[0]

    def part(self, array: Array, index: Index) -> Code:
        """Elements of an array: a view if there is a pattern, else a look-up in an index array."""
        flat = array.name if len(array.shape) == 1 else f"{array.name}.reshape(-1)"
        view = spell(flat, array.size, index)
        if index.shape == array.shape and covers(index, array):
            code = Code(array.name, (), array.shape)
        elif view is None:
            code = Code("{0}.take({1})", [Code(array.name), self.constant(index)], index.shape)
        else:
            whole = ", ".join(map(str, array.shape))
            view = view.replace(".reshape(-1).reshape(", ".reshape(")
            view = view.replace(f"{array.name}.reshape({whole})", array.name)
            if array.name in ("P", "G"):  # these lie in one place: their views are made once
                twin = self.setup.get(f"P{view[1:]}", "") if array.name == "G" else ""
                stem = f"g_{twin}" if twin else "b" if index.size in (1, *index.shape) else "w"
                view = self.setup.get(view) or self.setup.setdefault(view, self.fresh(stem))
            code = Code(view, (), index.shape)
        code.trained, code.source = array.trained, (array, index)
        return code

    def read(self, k: int, index: Index, rows: bool = False) -> Any:
        """Elements of the array of kind `k`, in the shape of `index`; where they repeat along an
        axis, that axis is 1 or, in front, left out (but with rows=True not the last axis)."""
        array, values = self.arrays[k], np.array(self.graph.constants)
        array.is_read, is_const = True, k == self.graph.const
        for axis in constant_axes(values[index].view(np.int64) if is_const else index):
            if not rows or axis < index.ndim - 1:
                index = index.take([0], axis=axis)
        while index.ndim > rows and index.shape[0] == 1:
            index = index[0]
        if is_const:
            return self.constant(values[index]) if index.shape else float(values[index])
        code = self.part(array, index)
        if code.args:  # the same look-up, perhaps in another shape, is made once
            key = (array.name, index.tobytes())
            if key not in self.known:
                self.known[key] = self.let("m", code)
            m = self.known[key]
            return self.part(m, np.arange(index.size).reshape(index.shape))
        is_plain = array.trained or code.template == array.name
        return code if is_plain else self.let(f"{array.name}_", code)

    def rows(self, k: int, index: Index) -> Code:
        """Elements in full, for a product of matrices."""
        code: Code = self.full(self.read(k, index, rows=True), index.shape)
        return self.let("m", code) if code.op else code

    def joined(self, parents: Any, ids: Any) -> tuple[int, Index]:
        """(kind, places) of nodes; nodes of several kinds are put into one new array."""
        ids = np.array(ids)
        if len(parents) == 1:
            return parents[0], self.position[ids]
        kinds, places, parts, cuts, end = np.array(self.graph.kind_of)[ids], ids.copy(), [], [], 0
        for k in parents:
            index = np.flatnonzero(np.bincount(self.position[ids[kinds == k]]))
            places[kinds == k] = end + np.searchsorted(index, self.position[ids[kinds == k]])
            parts.append(self.full(self.read(k, index), index.shape))
            cuts.append(np.arange(end, end + len(index)))
            end += len(index)

        def reverse(g: Any) -> list[Any]:
            g = self.let("g", g, (end,)) if shape_of(g) else g
            return [self.part(g, cut) if shape_of(g) else g for cut in cuts]

        code = self.concatenated(parts)
        code.reverse = reverse
        self.arrays[-1 - len(self.arrays)] = self.let("joined", code)
        return -len(self.arrays), places

    def lower(self, kind: Kind) -> Array:
        if kind.op in ("sum", "take", "logsumexp"):
            return getattr(self, kind.op)(kind)  # type: ignore[no-any-return]
        columns = list(self.position[np.array(kind.rows)].T)
        chosen, shape = self.arranged(kind, kind.parents, columns)
        inputs = [self.read(k, c[chosen].reshape(shape)) for k, c in zip(kind.parents, columns)]
        return self.let(OPS[kind.op].name, Code.apply_op(OPS[kind.op], tuple(inputs)), shape, kind)

    def arranged(self, kind: Kind, parents: Any, columns: list[Index], whole: bool = True) -> Any:
        """(members, shape): an order and a shape in which the index columns have patterns. Equal
        members are one, if the columns are the whole of what they read."""
        keys = list(reversed(columns))  # the last one counts most
        keys.sort(key=lambda c: np.count_nonzero(np.bincount(c)) if parents else 0)
        by, new = np.lexsort(keys), np.ones(len(keys[0]), bool)
        if whole:
            new[1:] = np.any([c[by[1:]] != c[by[:-1]] for c in columns], axis=0)
        self.position[np.array(kind.nodes)[by]] = np.cumsum(new) - 1
        by = by[new]
        if len(by) == 1:
            return by, ()
        columns = [c[by] for c in columns]
        shape = common_shape(columns)
        for array, column in zip([self.arrays[k] for k in parents], columns):
            is_finer = {*np.cumprod(shape[::-1])} <= {*np.cumprod(array.shape[::-1])}
            if is_finer and covers(column, array):
                return by, array.shape
        return by, shape

    def sum(self, kind: Kind) -> Array:
        terms: tuple[Term, ...] = kind.parents
        counts = {t: np.array([len(row[t][0]) for row in kind.rows]) for t in terms}
        flat = {t: [self.position[list(chain.from_iterable([row[t][j] for row in kind.rows]))]
                    for j in range(len(t))] for t in terms}  # fmt: skip
        code: Any = 0.0
        if any((n != n[0]).any() for n in counts.values()):  # of several lengths: by segments
            self.position[kind.nodes] = np.arange(len(kind.nodes))
            for t in terms:
                read = [self.read(k, index) for k, index in zip(t, flat[t])]
                product = read[0] * read[1] if len(t) == 2 else read[0]
                code = code + self.folded(product, counts[t])
            return self.let("sum", code, (len(kind.nodes),), kind)
        width = {t: int(counts[t][0]) for t in terms}
        where = {t: [m.reshape(-1, width[t]) for m in flat[t]] for t in terms}
        chosen, shape = self.grid(kind, where)
        rows: dict[int, Any] = {}  # what is to be added up along the last axis, by its length
        for t in sorted(terms, key=lambda t: (-len(t) * (width[t] > 1), -width[t])):
            found, is_row = self.term(t, [m[chosen].reshape(*shape, -1) for m in where[t]])
            if is_row:
                rows[width[t]] = rows.get(width[t], 0.0) + found
            else:
                code = code + found
        for row in rows.values():
            code = code + self.folded(row)
        return self.let("sum", code, shape, kind)

    def grid(self, kind: Kind, where: dict[Term, list[Index]]) -> Any:
        """(members, shape) of sums: all rows times all rows, if a term is that; else as for ops."""
        for matrices in sorted(where.values(), key=lambda matrices: -matrices[0].shape[1]):
            is_product = len(matrices) == 2 and matrices[0].shape[1] > 1
            if is_product and (found := pairs(*matrices)) is not None:
                order = found.reshape(-1)
                self.position[np.array(kind.nodes)[order]] = np.arange(len(order))
                return order, tuple([n for n in found.shape if n > 1])
        listed = [(k, m) for t, matrices in where.items() for k, m in zip(t, matrices)]
        whole = sum([m.shape[1] for _, m in listed]) <= 8  # else the first of each kind decides
        columns = [(k, c) for k, m in listed for c in (m.T if whole else m.T[:1])]
        return self.arranged(kind, [k for k, _ in columns], [c for _, c in columns], whole)

    def term(self, term: Term, where: list[Index]) -> tuple[Any, bool]:
        """(code, is it to be added up along its last axis?) of one kind of terms of a sum, from
        index arrays of shape (*grid, terms)."""
        if where[0].shape[-1] == 1:
            read = [self.read(k, index[..., 0]) for k, index in zip(term, where)]
            return read[0] * read[1] if len(term) == 2 else read[0], False
        k, index = term[-1], where[-1]
        factor: Any = 1.0
        if len(term) == 2:
            at = int(term[1] == self.graph.const)
            factor = self.read(term[at], where[at]) if self.graph.const in term else None
            if not is_number(factor):
                return self.dots(term, *where), False
            k, index = term[1 - at], where[1 - at]  # c * a + c * b = c * (a + b)
        row = self.read(k, index, rows=True)
        is_row = abs(factor) == 1.0
        return factor * (row if is_row else self.folded(row)), is_row

    def dots(self, term: Term, ia: Index, ib: Index) -> Any:
        """Rows times rows: a product of matrices where the rows of A meet all those of B."""
        (ka, kb), axes = term, [axis for axis, n in enumerate(ia.shape[:-1]) if n > 1]
        va, vb = [[axis for axis in axes if axis not in constant_axes(i)] for i in (ia, ib)]
        both = [axis for axis in va if axis in vb]
        is_matrix = both in ([], [0]) and len(va) == len(vb) == len(both) + 1
        if sorted({*va, *vb}) == axes and (is_matrix or not both and len(axes) <= 1):
            cuts = [tuple([slice(None) if axis in v else 0 for axis in range(ia.ndim - 1)])
                    for v in (va, vb)]  # fmt: skip
            a, b = self.rows(ka, ia[cuts[0]]), self.rows(kb, ib[cuts[1]])
            return self.product(b, a) if vb < va else self.product(a, b)
        a, b = self.read(ka, ia, rows=True), self.read(kb, ib, rows=True)
        shape = broadcast(a.shape, b.shape)

        def reverse(g: Any) -> list[Any]:
            if a.text() == b.text():
                return [2.0 * self.spread(g) * a, None]
            return [self.reduced(self.spread(g) * y, shape, x.shape) for x, y in ((a, b), (b, a))]

        return Code("np.vecdot({0}, {1})", [a, b], shape[:-1], reverse=reverse)

    def product(self, a: Code, b: Code) -> Code:
        """Each row of `a` times each row of `b`; one alone is a vector."""
        if len(a.shape) < len(b.shape):
            a, b = b, a
        t = ".T" if len(b.shape) == 2 else ".mT" if len(b.shape) == 3 else ""
        code = Code(f"{{0}} @ {{1}}{t}", [a, b], (*a.shape[:-1], *b.shape[-2:-1]))

        def reverse(g: Any) -> list[Any]:
            if not code.shape:
                return [2.0 * g * a, None] if a.text() == b.text() else [g * b, g * a]
            g = self.let("g", g, code.shape)
            if t:
                last = Code(f"{{0}}{t} @ {{1}}", [g, a], b.shape)
                last.rows = (g, a) if t == ".T" else ()
                return [Code("{0} @ {1}", [g, b], a.shape), last]
            large = prod(a.shape) > 10_000  # `outer` is faster, but takes longer to be called
            outer = Code("outer({0}, {1})", [g, b], a.shape) if large else self.spread(g) * b
            return [outer, Code("{0} @ {1}", [g, a], b.shape)]

        code.reverse = reverse
        return code

    def folded(self, code: Any, counts: Any = None) -> Any:
        """The sum along the last axis or, given their lengths, of segments."""
        if counts is None:
            ones = self.constant(np.ones(code.shape[-1]))  # a product with them is a faster sum
            code = Code("{0} @ {1}", [code, ones], code.shape[:-1])
        elif (counts > 1).any():
            starts = self.constant(np.cumsum(counts) - counts)
            code = self.full(code, (int(counts.sum()),))
            code = Code("np.add.reduceat({0}, {1})", [code, starts], counts.shape)
        else:
            return code
        code.reverse = lambda g: [self.spread(g, counts)]
        return code

    def spread(self, code: Any, counts: Any = None) -> Any:
        """The reverse of a sum: a number for each sum, repeated for each of its terms."""
        if not shape_of(code):
            return code
        if counts is None:
            return Code("{0}[..., None]", [code], (*code.shape, 1))
        segment = self.constant(np.repeat(np.arange(len(counts)), counts))
        return Code("{0}.take({1})", [self.full(code, counts.shape), segment], segment.shape)

    def logsumexp(self, kind: Kind) -> Array:
        lengths = np.array([len(row) for row in kind.rows])
        k, index = self.joined(kind.parents, list(chain.from_iterable(kind.rows)))
        self.position[kind.nodes] = np.arange(len(lengths))
        shape, counts = lengths.shape if len(lengths) > 1 else (), None
        if (lengths == lengths[0]).all():
            x = self.rows(k, index.reshape(*shape, -1))
            top = f"np.maximum.reduce({{0}}, {len(shape)}, initial=-1.7e308)"
        else:
            x, counts = self.rows(k, index), lengths
            starts = self.constant(np.cumsum(counts) - counts)
            top = f"np.maximum(np.maximum.reduceat({{0}}, {text(starts)}), -1.7e308)"
        most = Code(f"np.minimum({top}, 1.7e308)".format(text(x)), (), shape)
        top_of = self.let("top", most)  # not trained, and finite: inf - inf is NaN
        e = self.let("e", Code.apply_op(OPS["exp"], (x - self.spread(top_of, counts),)))
        total = self.let("total", self.folded(e, counts))
        return self.let("logsumexp", top_of + Code.apply_op(OPS["log"], (total,)), shape, kind)

    def take(self, kind: Kind) -> Array:
        """Each member: a table, and a place in an integer argument that chooses from it."""
        graph, argument = self.graph, self.graph.kinds[kind.parents[-1]].name
        used = {t: n for n, t in enumerate(dict.fromkeys([t for t, _ in kind.rows]))}
        sizes = np.array([len(graph.tables[t]) for t in used])
        k, flat = self.joined(kind.parents[:-1], [j for t in used for j in graph.tables[t]])
        low, n = int(flat.min()), int(flat.max() - flat.min()) + 1
        table = [used[t] for t, _ in kind.rows]
        where = self.position[[i for _, i in kind.rows]]
        limits = self.limits.setdefault(argument, np.full(self.sizes[argument], 2**62))
        np.minimum.at(limits, where, sizes[table])
        offset = (np.cumsum(sizes) - sizes)[table]
        chosen, shape = self.arranged(kind, (), [where, offset])
        self.arrays[-1 - len(self.arrays)] = Array(f"{argument}_i", limits.shape)
        at = self.read(-len(self.arrays), where[chosen].reshape(shape))
        if offset.any():
            at = Code("{0} + {1}", [at, self.constant(offset[chosen].reshape(shape))], shape)
        if not np.array_equal(flat - low, np.arange(len(flat))):
            at = Code("{0}.take({1})", [self.constant(flat - low), at], shape)
        at = self.let("at", at)
        values = self.full(self.read(k, np.arange(low, low + n)), (n,))

        def reverse(g: Any) -> list[Any]:
            flat = [self.shaped(x, (prod(shape),)) for x in (at, self.full(g, shape))]
            found = self.let("g_table", Code(f"np.bincount({{0}}, {{1}}, {n})", flat, (n,)))
            self.lookups.add(found.name)
            return [found]

        code = Code("{0}.take({1})", [values, at], shape, reverse=reverse)
        return self.let("taken", code, shape, kind)

    def push(self, code: Code, g: Any, y: Any = None) -> None:
        """Send the gradient of `code`, whose result is `y`, on to the arrays that it reads."""
        if code.source:
            code.source[0].gradients.append((code.source[1], g))
        elif isinstance(code, Array):
            code.gradients.append((np.arange(code.size).reshape(code.shape), g))
        else:
            readers = sum([isinstance(x, Code) and x.trained for x in code.args])
            if readers > 1 and shape_of(g) and (g.op or ".take(" in g.template):
                g = self.let("g", g)
            for arg, partial in code.pulled(y, g):
                if arg.trained and partial is not None:
                    partial = self.reduced(partial, code.shape, arg.shape) if code.op else partial
                    self.push(arg, partial)

    def reduced(self, g: Any, shape: tuple[int, ...], to: tuple[int, ...]) -> Any:
        """A gradient of that shape, for what was repeated along the axes where `to` is 1."""
        have = (1,) * (len(shape) - len(shape_of(g))) + shape_of(g)
        whole = (1,) * (len(shape) - len(to)) + to
        repeated = [axis for axis, n in enumerate(shape) if whole[axis] == 1 < n]
        times = float(prod([shape[axis] for axis in repeated if have[axis] == 1]))
        g = times * g if times > 1.0 else g
        axes = [axis for axis in repeated if have[axis] > 1]
        left = [1 if axis in axes else n for axis, n in enumerate(have)][len(shape) - len(to) :]
        own = [axis - len(shape) + len(shape_of(g)) for axis in axes]
        if own == [0] and len(g.shape) == 2:
            g = Code("{0} @ {1}", [self.constant(np.ones(g.shape[0])), g], g.shape[1:])
            g.rows = () if g.args[1].args else g.args[1:]
        elif own == [len(shape_of(g)) - 1]:
            g = self.folded(g)
        elif own:
            g = Code(f"np.add.reduce({{0}}, {tuple(own)})", [g], np.delete(g.shape, own).tolist())
        while left[:1] == [1] and len(left) > len(shape_of(g)):
            left = left[1:]
        return self.shaped(g, left)

    def add_up(self, array: Array) -> Any:
        """The sum of an array's gradients: code, or one number for all; that of P goes into G."""
        found, whole, rest = self.stacked(array.gradients), list[Any](), list[Any]()
        reached = np.zeros(array.size, bool)
        for index, g in found:
            reached[index] |= text(g) not in self.lookups
            (whole if covers(index, array) else rest).append((index, g))
        self.has_holes |= array.value is not None and not reached.all()
        if array.name == "P":
            return self.scattered(array, found)
        total: Any = 0.0
        for index, g in whole:
            same = index.shape == array.shape or not shape_of(g)
            total = total + (g if same else self.filled(g, index, array.shape))
        if rest:
            total = total + self.shaped(self.tiled(array, rest), array.shape)
        used_once = is_number(total) or getattr(array.value, "source", None)
        return total if used_once else self.let(f"g_{array.name}", total)

    def filled(self, g: Any, index: Index, shape: Any) -> Any:
        """The gradient of all the places in an index array, in another shape."""
        return self.shaped(self.full(g, index.shape), shape)

    def tiled(self, array: Array, found: list[Any]) -> Code:
        """Gradients of parts of an array as one array: side by side, if each is that of some
        columns or rows; else added up."""
        found.sort(key=lambda item: int(item[0].flat[0]))
        sizes = [index.size for index, _ in found]
        for n in (*found[0][0].shape[:-1], 1) if sum(sizes) == array.size else ():
            if not any(size % n for size in sizes):
                shapes = [(n, size // n) if n > 1 else (size,) for size in sizes]
                blocks = [index.reshape(shape) for (index, _), shape in zip(found, shapes)]
                if covers(np.concatenate(blocks, -1), array):
                    parts = [self.filled(g, i, shape) for (i, g), shape in zip(found, shapes)]
                    return self.concatenated(parts, int(n > 1))
        return self.merged(found, np.arange(array.size))

    def merged(self, found: list[Any], places: Index) -> Code:
        """The sum of gradients at each of these places, which are in order."""
        flat = np.concatenate([index.reshape(-1) for index, _ in found])
        whole = self.concatenated([self.filled(g, i, (i.size,)) for i, g in found])
        which, n = np.searchsorted(places, flat), len(places)
        if np.array_equal(which, np.arange(n)):
            return whole
        if len(which) == n and np.bincount(which, minlength=n).all():
            return Code("{0}.take({1})", [whole, self.constant(np.argsort(which))], (n,))
        return Code(f"np.bincount({{0}}, {{1}}, {n})", [self.constant(which), whole], (n,))

    def scattered(self, array: Array, found: list[Any]) -> None:
        """Write gradients into G: the first one that comes to a place, add the others."""
        views, loose = list[Any](), list[Any]()  # loose: in no order, or several for one place
        for item in found:
            (loose if spell("", array.size, item[0]) is None else views).append(item)
        if loose:
            every = np.concatenate([index.reshape(-1) for index, _ in loose])
            places = np.flatnonzero(np.bincount(every))
            shape = common_shape([places])
            views.append((places.reshape(shape), self.shaped(self.merged(loose, places), shape)))
        written, statements, clear = np.zeros(array.size, bool), [], False
        times: Any = sum([np.bincount(i.reshape(-1), minlength=array.size) for i, _ in views])
        for index, g in sorted(views, key=lambda item: int(item[0].size)):
            is_new = not written[index].any()
            clear |= not is_new and not written[index].all()
            written[index] = True
            place = self.part(Array("G", array.shape), index)
            name = f"G[{text(place.args[1])}]" if place.args else text(place)
            if place.args:
                statements.append(f"{name} {'' if is_new else '+'}= {text(g)}")
            elif not is_new:
                statements.append(f"np.add({name}, {text(g)}, out={name})")
            else:
                fits = isinstance(g, Code) and g.shape == index.shape
                fits = fits and (times[index].max() == 1 or "outer(" not in g.template)
                statements.append(g.into(name) if fits else f"{name}[...] = {text(g)}")
        if clear or not written.all():
            self.lines.append("G[...] = 0.0")
        self.lines += statements

    def stacked(self, found: list[Any]) -> list[Any]:
        """A parameter that is used in many steps, as in an RNN: a.T @ x + b.T @ y + ... is one
        product of all rows, [a; b; ...].T @ [x; y; ...]; and so are sums over rows."""
        groups: dict[Any, list[Any]] = {}
        for n, (index, g) in enumerate(found):
            rows = g.rows if isinstance(g, Code) else ()
            key = (index.tobytes(), *[r.shape[1:] for r in rows]) if rows else n
            groups.setdefault(key, []).append((index, g))
        for key, members in groups.items():
            if len(members) > 3:
                index, first = members[0]
                columns = zip(*[g.rows for _, g in members])
                stacks = [self.let("rows", self.concatenated(column)) for column in columns]
                code = self.reduced(stacks[0], stacks[0].shape, first.shape)
                code = Code(first.template, stacks, first.shape) if len(stacks) == 2 else code
                groups[key] = [(index, code)]
        return list(chain.from_iterable(groups.values()))

    def finish(self) -> str:
        """The source of a function that makes the step."""
        given = [a.name for k, a in self.arrays.items() if 0 <= k < self.graph.param and a.is_read]
        self.inputs = {name: (name, "float") for name in given}
        self.inputs |= {f"{name}_i": (name, "int") for name in self.limits}
        checks = [f"check({n}_i, {self.constant(x).template})" for n, x in self.limits.items()]
        return "\n".join([
            f"def program({', '.join(['P', 'G', *self.constants])}):",
            *[f"    {name} = {view}" for view, name in self.setup.items()],
            f"\n    def step({', '.join(self.inputs)}):",
            *[f"        {line}" for line in [*checks, *self.lines]],
            "\n    return step\n",
        ])  # fmt: skip


def covers(index: Index, array: Array) -> bool:
    """Whether it is all places of the array, in order."""
    return index.size == array.size and bool((index.reshape(-1) == np.arange(array.size)).all())
