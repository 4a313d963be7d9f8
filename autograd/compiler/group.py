"""Stage 2: flatten sums, and group the nodes that look alike into kinds.

A node's kind is its op with the kinds of its parents. A sum's kind is its op with the *set* of
the kinds of its terms, so that ragged sums are of one kind. A kind holds its parents' kinds: nodes
of one kind never depend on each other, and kinds are numbered in an order in which they can run.

The factors and terms of sums are rows, each different one kept once: a layer of 1,000 neurons that
reads 32 examples has 1,032 rows and 32,000 nodes, and each node costs two numbers.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from autograd.compiler.trace import COMPUTED, DATA, LEAKED, Loop, Symbol, Trace, TraceError
from autograd.value import Constant, Value

Term = tuple[int, ...]  # a term of a sum, by kinds: (kind,), or the product (kind, kind)


@dataclass
class Kind:
    """Nodes that look alike.

    op: its symbol; "sum" for every sum; for a leaf "param", "data", "value" or "const", or "stack",
    what a loop keeps of all its steps.
    parents: the kinds of the parents, or of a sum's terms. nodes: the members, by number. rows:
    for each member its parents by number; for a sum {term: the numbers of its rows of factors}.
    """

    op: str
    parents: tuple[Any, ...] = ()
    name: str = ""
    nodes: list[int] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)


@dataclass
class Sum:
    """A sum that is not placed yet: pairs of rows, pairs of single factors, and terms alone."""

    pairs: list[tuple[int, int]]
    left: list[int]
    right: list[int]
    alone: list[int]

    def __len__(self) -> int:
        return len(self.left) + len(self.alone) + len(self.pairs)

    def extend(self, other: "Sum") -> "Sum":
        """Both together: the shorter one is added to the longer, which makes it linear in time."""
        if len(self) < len(other):
            self, other = other, self
        self.pairs += other.pairs
        self.left += other.left
        self.right += other.right
        self.alone += other.alone
        return self


class RowTable:
    """Rows of nodes, interned, and what is made of them: each once, however many sums read it."""

    def __init__(self, kind_of: list[int]) -> None:
        self.kind_of = kind_of
        self.rows: list[tuple[int, ...]] = []
        self.number: dict[tuple[int, ...], int] = {}
        self.patterns: list[tuple[int, ...]] = []  # the kinds of a row's nodes; one, if all are
        self.made: dict[Any, Any] = {}

    def intern(self, nodes: Iterable[int]) -> int:
        """The number of a row of nodes, whose kinds are known."""
        row = tuple(nodes)
        found = self.number.get(row)
        if found is None:
            found = self.number[row] = len(self.rows)
            self.rows.append(row)
            kinds = tuple(map(self.kind_of.__getitem__, row))
            is_one = len(row) > 0 and kinds.count(kinds[0]) == len(row)
            self.patterns.append(kinds[:1] if is_one else kinds)
        return found

    def split(self, a: int, b: int) -> list[tuple[Term, int, int]]:
        """The product of two rows by terms: rows whose nodes are of one kind each."""
        ka, kb = self.patterns[a], self.patterns[b]
        if len(ka) == len(kb) == 1:
            return [((ka[0], kb[0]), a, b) if ka <= kb else ((kb[0], ka[0]), b, a)]
        found = []
        for term, at, is_turned in self._selection(ka, kb, len(self.rows[a])):
            pair = self._part(a, at), self._part(b, at)
            found.append((term, *(pair[::-1] if is_turned else pair)))
        return found

    def _selection(self, ka: Term, kb: Term, n: int) -> list[tuple[Term, tuple[int, ...], bool]]:
        """For rows of these kinds: which columns are of which term, and are they exchanged?"""
        if (ka, kb) not in self.made:
            columns: dict[tuple[int, int], list[int]] = {}
            for j, key in enumerate(
                zip(ka * n if len(ka) == 1 else ka, kb * n if len(kb) == 1 else kb)
            ):
                columns.setdefault(key, []).append(j)
            self.made[ka, kb] = [
                ((min(key), max(key)), tuple(at), key[0] > key[1]) for key, at in columns.items()
            ]
        return self.made[ka, kb]  # type: ignore[no-any-return]

    def _part(self, row: int, at: tuple[int, ...]) -> int:
        key = (row, id(at), "part")  # the columns live as long as `made`
        if key not in self.made:
            self.made[key] = self.intern([self.rows[row][j] for j in at])
        return self.made[key]  # type: ignore[no-any-return]

    def joined(self, rows: Sequence[int]) -> int:
        """Several rows as one."""
        if len(rows) == 1:
            return rows[0]
        key = (*rows, "joined")
        if key not in self.made:
            self.made[key] = self.intern(chain.from_iterable([self.rows[r] for r in rows]))
        return self.made[key]  # type: ignore[no-any-return]


class Graph:
    """The kinds of a trace, and for each node by number its kind, and its place in its array."""

    def __init__(self, trace: Trace, place: Callable[[list[Value]], np.ndarray]) -> None:
        """`place` gives each parameter its place in the store."""
        nodes, self.rows, self.loops = self.read(trace), trace.rows, trace.loops
        self.kinds: list[Kind] = []
        self.position = np.zeros(len(self.values), np.intp)
        self.by_key: dict[Any, int] = {}
        made = self.numbers(nodes)
        self.leaves(trace, set(made))
        self.table = RowTable(self.kind_of)
        self.row_of: dict[int, int] = {}  # the number of a row of the trace, by its id
        tables = {id(s): trace.tables[id(s)] for s in nodes if s.op == "take"}
        self.tables = {id(table): self.numbers(table) for table in tables.values()}
        self.table_of = {self.number[i]: id(table) for i, table in tables.items()}
        self.sums: dict[int, Sum] = {}  # not placed yet: a sum may absorb them
        self.products: dict[int, Sequence[int]] = {}
        self.nodes, self.made = nodes, made  # the nodes, and their numbers
        flat, end = self.numbers(chain.from_iterable([s.parents for s in nodes])), 0
        outside = self.numbers(v for loop in trace.loops for v in loop.operands())
        self.ends = self.numbers(trace.ends)
        whole = {id(row): row for s in nodes for row in trace.rows.get(id(s), ())}
        self.whole = {i: self.numbers(row) for i, row in whole.items()}
        lists = [*self.tables.values(), *self.whole.values(), self.ends, outside]
        stay = chain.from_iterable(lists)
        every = [*flat, *(at for i in stay for at in (i, i))]  # twice: no sum may absorb them
        self.uses: list[int] = np.bincount(every, minlength=len(self.values)).tolist()
        for i, s in zip(made, nodes):
            begin, end = end, end + len(s.parents)
            self.sort(i, s.op, flat[begin:end], trace.rows.get(id(s), ()))
        self.root, self.count = self.ends[0], len(nodes)
        self.force([*self.ends, *outside])
        params = self.ordered() if self.is_fresh else self.params
        self.position[params] = place([self.values[i] for i in params])

    def __str__(self) -> str:
        """A line for each kind: its op, how many members it has, and the kinds that they read."""
        lines = []
        for k, kind in enumerate(self.kinds):
            if kind.nodes or kind.name:
                read = ", ".join(["*".join(map(str, t)) if isinstance(t, tuple) else str(t)
                                  for t in kind.parents])  # fmt: skip
                members = f"{len(kind.nodes)} nodes" if kind.nodes else "an input"
                lines.append(f"{k}: {kind.op} {kind.name or read}".rstrip() + f", {members}")
        return "\n".join(lines)

    def read(self, trace: Trace) -> list[Symbol]:
        """Number all Values; returns the nodes that the root needs."""
        nodes = trace.nodes
        self.number_all(trace, nodes)
        if not all(map(self.number.__contains__, map(id, nodes))):  # there is what nobody reads
            nodes = live(trace)
            self.number_all(trace, nodes)
        return nodes

    def number_all(self, trace: Trace, nodes: list[Symbol]) -> None:
        rows = {id(row): row for s in nodes for row in trace.rows.get(id(s), ())}
        tables = [trace.tables[id(s)] for s in nodes if s.op == "take"]
        parents = chain.from_iterable([s.parents for s in nodes])
        self.number: dict[int, int] = {}
        self.values: list[Value] = []
        outside = chain.from_iterable([loop.operands() for loop in trace.loops])
        for v in chain(parents, *rows.values(), *tables, outside, trace.ends):
            if id(v) not in self.number:
                self.number[id(v)] = len(self.values)
                self.values.append(v)

    def ordered(self) -> list[int]:
        """The parameters as sums read them, rows of weights and then biases; the others last."""
        found: dict[int, None] = {}
        for kind in self.kinds:
            for t in kind.parents if kind.op == "sum" else ():
                if self.param in t:
                    for j in range(len(t)):
                        for row in dict.fromkeys([rows[t][j] for rows in kind.rows]):
                            found |= dict.fromkeys(self.table.rows[row])
        return [i for i in found | dict.fromkeys(self.params) if self.kind_of[i] == self.param]

    def has_order(self) -> bool:
        """Can the kinds and loops run one after the other?"""
        try:
            self.order()
        except ValueError:
            return False
        return True

    def order(self) -> list[int | Loop]:
        """Kinds and loops in an order in which they can run. ValueError: there is none."""
        made_by = {name: loop for loop in self.loops for name in loop.stacks}
        found, is_open = dict[int | Loop, None](), set[int | Loop]()
        todo: list[int | Loop] = [*reversed(range(len(self.kinds)))]
        while todo:
            item = todo[-1]
            missing = [x for x in self.needs(item, made_by) if x not in found]
            if not missing or item in found:
                found[todo.pop()] = None
                is_open.discard(item)
            elif item in is_open:
                raise ValueError("a loop needs what is computed from its results")
            else:
                is_open.add(item)
                todo += missing
        return list(found)

    def needs(self, item: int | Loop, made_by: dict[str, Loop]) -> list[int | Loop]:
        """The kinds and loops that a kind or a loop reads."""
        if isinstance(item, Loop):
            return list({self.kind_of[n]: 0 for n in self.numbers(item.operands())})
        kind = self.kinds[item]
        if kind.op == "stack":
            return [made_by[kind.name]]
        return [*(chain.from_iterable(kind.parents) if kind.op == "sum" else kind.parents)]

    def operands(self, s: Value) -> list[int]:
        """The numbers of what a node is computed from, in the engine's order; of a look-up its
        index alone."""
        rows = [self.whole[id(row)] for row in self.rows.get(id(s), ())]
        return [*chain.from_iterable(rows), *self.numbers(s.parents)]

    def numbers(self, values: Any) -> list[int]:
        return list(map(self.number.__getitem__, map(id, values)))

    def leaves(self, trace: Trace, made: set[int]) -> None:
        """Give every leaf its kind, and all but the parameters their places."""
        where: dict[int, tuple[int, int]] = {}
        for op, inputs in (("data", trace.inputs), ("value", trace.values)):
            for name, symbols in inputs.items():
                where.update((id(s), (len(self.kinds), i)) for i, s in enumerate(symbols))
                self.kinds.append(Kind(op, name=name))
        for loop in trace.loops:
            for name, (_, steps) in loop.stacks.items():
                stacked = [v for step in steps for v in step]
                where.update((id(v), (len(self.kinds), i)) for i, v in enumerate(stacked))
                self.kinds.append(Kind("stack", name=name))
        self.param, self.const = len(self.kinds), len(self.kinds) + 1
        self.kinds += [Kind("param", name="P"), Kind("const", name="constant")]
        constants: dict[str, int] = {}  # by text, for 0.0 and -0.0 differ and NaN equals itself
        trained = {t for t in set(map(type, self.values)) if not issubclass(t, Symbol | Constant)}
        self.kind_of = [-1] * len(self.values)
        self.params: list[int] = []
        self.is_fresh = Value in trained  # no place in a store yet
        for i in [i for i in range(len(self.values)) if i not in made]:
            v = self.values[i]
            if type(v) in trained and id(v) not in trace.created:
                if v.parents:
                    raise TraceError(COMPUTED)
                self.kind_of[i] = self.param
                self.params.append(i)
            elif not isinstance(v, Symbol):
                self.kind_of[i] = self.const
                self.position[i] = constants.setdefault(repr(DATA.__get__(v)), len(constants))
            elif id(v) in where:
                self.kind_of[i], self.position[i] = where[id(v)]
            else:
                raise TypeError(LEAKED)
        self.minus = len(self.kind_of)  # a node of our own, -1.0, for a - b = a + -1.0 * b
        self.kind_of.append(self.const)
        self.position = np.append(self.position, constants.setdefault("-1.0", len(constants)))
        self.constants = np.array(list(map(float, constants)))

    def sort(self, i: int, op: str, ids: Sequence[int], rows: Sequence[Any]) -> None:
        """Put node `i` into its kind, or keep it for a sum to absorb."""
        if op in ("+", "sum"):
            self.sums[i] = self.absorb(Sum([], [], [], []), ids)
        elif op == "dot":
            self.sums[i] = self.absorb(self.dot(rows), ids)
        elif op == "-":
            self.force(ids[1:])
            self.sums[i] = self.absorb(Sum([], [self.minus], list(ids[1:]), []), ids[:1])
        elif op == "take":
            table = self.table_of[i]
            self.force(self.tables[table])
            parents = sorted({self.kind_of[j] for j in self.tables[table]})
            self.add(i, op, (*parents, self.kind_of[ids[0]]), (table, ids[0]))
        elif op == "*":
            self.force(ids)
            self.products[i] = ids
        else:
            self.force(ids)
            kinds = [self.kind_of[j] for j in ids]
            self.add(i, op, tuple(sorted(set(kinds)) if op == "logsumexp" else kinds), ids)

    def dot(self, rows: Sequence[Any]) -> Sum:
        """Two rows of the trace, each looked at when it is met first."""
        for row in rows:
            if id(row) not in self.row_of:
                self.force(self.whole[id(row)])
                self.row_of[id(row)] = self.table.intern(self.whole[id(row)])
        a, b = [self.row_of[id(row)] for row in rows]
        return Sum([(a, b)] if rows[0] else [], [], [], [])

    def absorb(self, found: Sum, terms: Iterable[int]) -> Sum:
        """With these terms, too: inner sums and products that are used once become a part of it."""
        for j in terms:
            if self.uses[j] > 1 or self.kind_of[j] >= 0:
                self.force([j])
                found.alone.append(j)
            elif j in self.products:
                a, b = self.products.pop(j)
                found.left.append(a)
                found.right.append(b)
            else:
                found = found.extend(self.sums.pop(j))  # used once, so its lists are ours
        return found

    def force(self, ids: Iterable[int]) -> None:
        """Place what was waiting for a sum to absorb it, for something else uses it."""
        for j in ids:
            if self.kind_of[j] < 0:
                if j in self.products:
                    a, b = self.products.pop(j)
                    a, b = (a, b) if self.kind_of[a] <= self.kind_of[b] else (b, a)
                    self.add(j, "*", (self.kind_of[a], self.kind_of[b]), (a, b))
                else:
                    self.place_sum(j, self.sums.pop(j))

    def place_sum(self, i: int, found: Sum) -> None:
        """Put a sum into its kind: by terms, each with its rows of factors."""
        intern, joined = self.table.intern, self.table.joined
        terms: dict[Term, tuple[list[int], list[int]]] = {}
        for a, b in found.pairs:
            for term, x, y in self.table.split(a, b):
                columns = terms.setdefault(term, ([], []))
                columns[0].append(x)
                columns[1].append(y)
        for term, (left, right) in self.products_by_term(found.left, found.right).items():
            columns = terms.setdefault(term, ([], []))
            columns[0].append(intern(left))
            columns[1].append(intern(right))
        rows: dict[Term, Term] = {t: (joined(a), joined(b)) for t, (a, b) in terms.items()}
        alone: dict[int, list[int]] = {}
        for j in found.alone:
            alone.setdefault(self.kind_of[j], []).append(j)
        rows |= {(k,): (intern(ids),) for k, ids in alone.items()}
        self.add(i, "sum", tuple(sorted(rows)), rows)

    def products_by_term(
        self, left: list[int], right: list[int]
    ) -> dict[Term, tuple[list[int], list[int]]]:
        """Single factors by the kinds of their products, the smaller kind first."""
        ka, kb = [list(map(self.kind_of.__getitem__, nodes)) for nodes in (left, right)]
        if len(set(zip(ka, kb))) == 1:  # the usual case, and the fast one
            is_turned = ka[0] > kb[0]
            return {(kb[0], ka[0]): (right, left)} if is_turned else {(ka[0], kb[0]): (left, right)}
        found: dict[Term, tuple[list[int], list[int]]] = {}
        for a, b, x, y in zip(ka, kb, left, right):
            columns = found.setdefault((a, b) if a <= b else (b, a), ([], []))
            columns[0].append(x if a <= b else y)
            columns[1].append(y if a <= b else x)
        return found

    def add(self, i: int, op: str, parents: tuple[Any, ...], row: Any) -> None:
        k = self.by_key.setdefault((op, parents), len(self.kinds))
        if k == len(self.kinds):
            self.kinds.append(Kind(op, parents))
        self.kinds[k].nodes.append(i)
        self.kinds[k].rows.append(row)
        self.kind_of[i] = k


def live(trace: Trace) -> list[Symbol]:
    """The nodes that the root needs, in order."""
    loops = chain.from_iterable([loop.operands() for loop in trace.loops])
    needed, found, seen = set(map(id, chain(trace.ends, loops))), list[Symbol](), set[int]()
    for s in reversed(trace.nodes):
        if id(s) in needed:
            found.append(s)
            needed.update(map(id, s.parents))
            rows = [*trace.rows.get(id(s), ())] + ([trace.tables[id(s)]] if s.op == "take" else [])
            for row in rows:
                if id(row) not in seen:
                    seen.add(id(row))
                    needed.update(map(id, row))
    return found[::-1]
