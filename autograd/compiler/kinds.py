"""Stage 2: flatten sums, and group the nodes that look alike into kinds.

A node's kind is its op with the kinds of its parents. A sum's kind is its op with the *set* of
the kinds of its terms, so that ragged sums are of one kind. A kind holds its parents' kinds: nodes
of one kind never depend on each other, and kinds are numbered in an order in which they can run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from autograd.compiler.trace import COMPUTED, DATA, LEAKED, Loop, Symbol, Trace, TraceError
from autograd.value import Constant, Value

Term = tuple[int, ...]  # a term of a sum: (kind,), or the product (kind, kind)


@dataclass
class Kind:
    """Nodes that look alike.

    op: its symbol; "sum" for every sum; for a leaf "param", "data", "value" or "const".
    parents: the kinds of the parents, or of a sum's terms. nodes: the members, by number. rows:
    for each member its parents by number; for a sum {term: columns of factors by number}.
    """

    op: str
    parents: tuple[Any, ...] = ()
    name: str = ""
    nodes: list[int] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)


class Graph:
    """The kinds of a trace, and for each node by number its kind, and its place in its array."""

    def __init__(self, trace: Trace, place: Callable[[list[Value]], np.ndarray]) -> None:
        """`place` gives each parameter its place in the store."""
        nodes, self.number = trace.nodes, dict[int, int]()
        read = [v for loop in trace.loops for v in loop.operands()]
        while not (self.number and all(map(self.number.__contains__, map(id, nodes)))):
            nodes = live(trace) if self.number else nodes  # once more, without what nobody reads
            parents = list(chain.from_iterable([s.parents for s in nodes]))
            tables = {id(s): trace.tables[id(s)] for s in nodes if s.op == "take"}
            number, self.values = dict[int, int](), list[Value]()
            for v in chain(parents, *tables.values(), read, trace.ends):
                if id(v) not in number:
                    number[id(v)] = len(self.values)
                    self.values.append(v)
            self.number = number
        self.kinds: list[Kind] = []
        self.position = np.zeros(len(self.values), np.int64)
        self.by_key: dict[Any, int] = {}
        made = self.numbers(nodes)
        self.leaves(trace, set(made))
        self.tables = {id(table): self.numbers(table) for table in tables.values()}
        self.table_of = {self.number[i]: id(table) for i, table in tables.items()}
        self.sums: dict[int, list[list[int]]] = {}  # not placed yet: a sum may absorb them
        self.products: dict[int, list[int]] = {}
        self.flat = flat = self.numbers(parents)
        end = 0
        self.ends, outside = self.numbers(trace.ends), self.numbers(read)
        stay = [*self.tables.values(), self.ends, outside] * 2  # used twice: no sum absorbs them
        every = [*flat, *chain.from_iterable(stay)]
        self.uses: list[int] = np.bincount(every, minlength=len(self.values)).tolist()
        for i, s in zip(made, nodes):
            begin, end = end, end + len(s.parents)
            self.sort(i, s.op, flat[begin:end])
        self.root, self.count = self.ends[0], len(nodes)
        self.force([*self.ends, *outside])
        self.nodes, self.made = nodes, made  # the nodes, and their numbers
        params = self.ordered() if self.is_fresh else self.params
        self.position[params] = place([self.values[i] for i in params])

    def ordered(self) -> list[int]:
        """The parameters as sums read them, rows of weights and then biases; the others last."""
        found: dict[int, None] = {}
        for kind in self.kinds:
            for t in kind.parents if kind.op == "sum" else ():
                for rows in [[row[t][j] for row in kind.rows] for j in range(len(t))]:
                    found |= dict.fromkeys(chain.from_iterable(rows) if self.param in t else ())
        return [i for i in found | dict.fromkeys(self.params) if self.kind_of[i] == self.param]

    def order(self, trace: Trace) -> list[int | Loop]:
        """Kinds and loops in an order in which they can run. ValueError: there is none."""
        made_by = {name: loop for loop in trace.loops for name in loop.stacks}
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
            for name, (_, rows) in loop.stacks.items():
                stacked = [v for row in rows for v in row]
                where.update((id(v), (len(self.kinds), i)) for i, v in enumerate(stacked))
                self.kinds.append(Kind("stack", name=name))
        self.param, self.const = len(self.kinds), len(self.kinds) + 1
        self.kinds += [Kind("param", name="P"), Kind("const", name="constant")]
        constants: dict[str, int] = {}  # by text, for 0.0 and -0.0 differ and NaN equals itself
        trained = {t for t in set(map(type, self.values)) if not issubclass(t, Symbol | Constant)}
        self.kind_of = [-1] * len(self.values)
        self.params, self.is_fresh = [], Value in trained  # is_fresh: no place in a store yet
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
        self.constants = list(map(float, constants))

    def sort(self, i: int, op: str, ids: list[int]) -> None:
        """Put node `i` into its kind, or keep it for a sum to absorb."""
        if op in ("+", "sum"):
            self.sums[i] = self.absorb([], [], ids)
        elif op == "dot":
            n = len(ids) // 2
            self.force(ids[: 2 * n])
            self.sums[i] = self.absorb(ids[:n], ids[n : 2 * n], ids[2 * n :])
        elif op == "-":
            self.force(ids[1:])
            self.sums[i] = self.absorb([self.minus], ids[1:], ids[:1])
        elif op == "take":
            table = self.table_of[i]
            self.force(self.tables[table])
            parents = sorted({self.kind_of[j] for j in self.tables[table]})
            self.add(i, op, (*parents, self.kind_of[ids[0]]), (table, ids[0]))
        else:
            self.force(ids)
            if op == "*":
                self.products[i] = ids
            else:
                kinds = [self.kind_of[j] for j in ids]
                self.add(i, op, tuple(sorted(set(kinds)) if op == "logsumexp" else kinds), ids)

    def absorb(self, left: list[int], right: list[int], terms: list[int]) -> list[list[int]]:
        """[first factors, second factors, terms alone]: with inner sums and products used once."""
        alone: list[int] = []
        for j in terms:
            if self.uses[j] > 1 or self.kind_of[j] >= 0:
                self.force([j])
                alone.append(j)
            elif j in self.products:
                a, b = self.products.pop(j)
                left.append(a)
                right.append(b)
            else:
                inner = self.sums.pop(j)  # used once, so its lists are ours to extend
                if len(left) + len(alone) < len(inner[0]) + len(inner[2]):  # for linear time:
                    left, right, alone, inner = *inner, [left, right, alone]  # the longer ones
                left += inner[0]
                right += inner[1]
                alone += inner[2]
        return [left, right, alone]

    def force(self, ids: list[int]) -> None:
        """Place what was waiting for a sum to absorb it, for something else uses it."""
        for j in ids:
            if self.kind_of[j] < 0:
                if j in self.products:
                    a, b = self.products.pop(j)
                    a, b = (a, b) if self.kind_of[a] <= self.kind_of[b] else (b, a)
                    self.add(j, "*", (self.kind_of[a], self.kind_of[b]), (a, b))
                else:
                    self.place_sum(j, *self.sums.pop(j))

    def place_sum(self, i: int, left: list[int], right: list[int], alone: list[int]) -> None:
        kind = self.kind_of.__getitem__
        ka, kb, kc = list(map(kind, left)), list(map(kind, right)), list(map(kind, alone))
        terms: dict[Term, tuple[list[int], ...]] = {}
        if len(set(zip(ka, kb))) == 1:  # the usual case, and the fast one
            terms[min((ka[0], kb[0]), (kb[0], ka[0]))] = (
                (left, right) if ka[0] <= kb[0] else (right, left))  # fmt: skip
        else:
            for a, b, x, y in zip(ka, kb, left, right):
                columns = terms.setdefault((min(a, b), max(a, b)), ([], []))
                columns[0].append(x if a <= b else y)
                columns[1].append(y if a <= b else x)
        for c, z in zip(kc, alone):
            terms.setdefault((c,), ([],))[0].append(z)
        self.add(i, "sum", tuple(sorted(terms)), terms)

    def add(self, i: int, op: str, parents: tuple[Any, ...], row: Any) -> None:
        k = self.by_key.setdefault((op, parents), len(self.kinds))
        if k == len(self.kinds):
            self.kinds.append(Kind(op, parents))
        self.kinds[k].nodes.append(i)
        self.kinds[k].rows.append(row)
        self.kind_of[i] = k


def live(trace: Trace) -> list[Symbol]:
    """The nodes that the root needs, in order."""
    needed, found = {id(trace.root)}, []
    for s in reversed(trace.nodes):
        if id(s) in needed:
            found.append(s)
            needed.update(map(id, s.parents))
            if s.op == "take":
                needed.update(map(id, trace.tables[id(s)]))
    return found[::-1]
