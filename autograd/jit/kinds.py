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

from autograd.jit.trace import DATA, LEAKED, Symbol, Trace
from autograd.value import Constant, Value

Terms = dict[tuple[int, ...], tuple[list[int], ...]]  # (kind,) or (kind, kind): its terms
SUMS = {"+", "sum", "dot"}


@dataclass
class Kind:
    """Nodes that look alike.

    op: its symbol; "sum" for every sum; for a leaf "param", "data", "value", "const".
    parents: the kinds of the parents. nodes: the members, by number. rows: for each member its
    parents by number, or for a sum its terms.
    """

    op: str
    parents: tuple[Any, ...] = ()
    name: str = ""
    nodes: list[int] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    exponent: float | None = None


@dataclass
class Graph:
    """All kinds, and for each node by number its kind and its Value."""

    kinds: list[Kind]
    kind_of: list[int]
    values: list[Any]
    root: int
    tables: list[list[int]]
    position: np.ndarray  # of the leaves in their arrays
    constants: list[float]
    count: int
    is_padded: bool = False  # whether a sum holds zeros that count as of another kind


def group(trace: Trace, place: Callable[[list[Value]], np.ndarray]) -> Graph:
    """Sort the nodes of `trace` into kinds. `place` gives each parameter its place in the store."""
    parents = [s.parents for s in trace.nodes]
    edges = list(chain(chain.from_iterable(parents), *trace.tables, [trace.root]))
    keys = np.fromiter(map(id, edges), np.int64, len(edges))
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    values = [edges[i] for i in first.tolist()]
    flat = inverse.tolist()
    number = dict(zip(keys[first].tolist(), range(len(values))))
    graph = Graph([], [-1] * len(values), values, flat[-1], [], np.full(len(values), -1), [], 0)
    end = sum(map(len, parents))
    for table in trace.tables:
        graph.tables.append(flat[end : end + len(table)])
        end += len(table)
    nodes = _live(trace, parents, flat, number, graph)
    _leaves(trace, graph, place)
    _Grouping(graph).run(nodes)
    return graph


def _live(
    trace: Trace, parents: Any, flat: list[int], number: dict[int, int], graph: Graph
) -> list[tuple[int, str, Any]]:
    """(number, op, parents by number) of each node that the root needs, in order."""
    ends = np.cumsum([len(p) for p in parents]).tolist()
    needed = bytearray(len(graph.values))
    needed[graph.root] = 1
    found = []
    for s, end, row in zip(reversed(trace.nodes), reversed(ends), reversed(parents)):
        i = number.get(id(s), -1)
        if i < 0 or not needed[i]:
            continue
        ids = flat[end - len(row) : end]
        extra = ids
        if s.op == "take":
            ids = [trace.chosen[id(s)], *ids]
            extra = [*extra, *graph.tables[ids[0]]]
        for j in extra:
            needed[j] = 1
        found.append((i, s.op, ids))
    graph.count = len(found)
    return found[::-1]


def _leaves(trace: Trace, graph: Graph, place: Callable[[list[Value]], np.ndarray]) -> None:
    """Give every leaf its kind and its place: parameters in the store, data in its argument."""
    where: dict[int, tuple[int, int]] = {}
    names = [("data", n, s) for n, s in trace.inputs.items()]
    names += [("value", n, s) for n, s in trace.values.items()]
    for op, name, inputs in names:
        where.update((id(s), (len(graph.kinds), i)) for i, s in enumerate(inputs))
        graph.kinds.append(Kind(op, name=name))
    param, const = len(graph.kinds), len(graph.kinds) + 1
    graph.kinds += [Kind("param", name="P"), Kind("const", name="constant")]
    constants: dict[str, int] = {}  # by text, for 0.0 and -0.0 differ and NaN equals itself
    kind_of, position = np.full(len(graph.values), -1), graph.position
    types = list(map(type, graph.values))
    trained = {t for t in set(types) if not issubclass(t, Symbol | Constant)}
    params = [i for i, t in enumerate(types) if t in trained]
    others = [i for i, t in enumerate(types) if t not in trained]
    if trace.created:
        others += [i for i in params if id(graph.values[i]) in trace.created]
        params = [i for i in params if id(graph.values[i]) not in trace.created]
    kind_of[params] = param
    position[params] = place([graph.values[i] for i in params])
    for i in others:
        v = graph.values[i]
        if not isinstance(v, Symbol):
            data = DATA.__get__(v)
            kind_of[i] = const
            position[i] = constants.setdefault(repr(data), len(constants))
            if len(constants) > len(graph.constants):
                graph.constants.append(data)
        elif id(v) in where:
            kind_of[i], position[i] = where[id(v)]
        elif not v.op:
            raise TypeError(LEAKED)
    graph.kind_of[:] = kind_of.tolist()


class _Grouping:
    def __init__(self, graph: Graph) -> None:
        self.graph, self.kind_of = graph, graph.kind_of
        self.by_key: dict[Any, int] = {}
        self.sums: dict[int, list[list[int]]] = {}  # not placed yet: a sum may absorb them
        self.products: dict[int, tuple[int, int]] = {}
        self.differences: dict[int, tuple[int, int]] = {}
        self.minus = len(self.kind_of)  # a node of our own, -1.0, for a - b = a + -1.0 * b
        self.kind_of.append(next(k for k, kind in enumerate(graph.kinds) if kind.op == "const"))
        graph.position = np.append(graph.position, len(graph.constants))
        graph.constants.append(-1.0)
        constants = np.flatnonzero(np.array(self.kind_of) == self.kind_of[-1]).tolist()
        self.zeros = {i for i in constants if graph.constants[graph.position[i]] == 0.0}

    def run(self, nodes: list[tuple[int, str, Any]]) -> None:
        uses = np.bincount(
            np.fromiter(chain.from_iterable(ids[op == "take" :] for _, op, ids in nodes), np.int64),
            minlength=len(self.kind_of),
        ).tolist()
        for table in {ids[0] for _, op, ids in nodes if op == "take"}:
            for j in self.graph.tables[table]:
                uses[j] += 2
        for i, op, ids in nodes:
            if op in SUMS:
                self.sums[i] = self.terms(op, ids, uses)
            elif op == "-":
                self.force(ids[1:])
                if uses[ids[0]] == 1 and (ids[0] in self.sums or ids[0] in self.differences):
                    left, right, alone = self.terms("+", ids[:1], uses)  # a chain of differences
                    self.sums[i] = [left, right, alone]
                    left.append(self.minus)
                    right.append(ids[1])
                else:
                    self.force(ids[:1])
                    self.differences[i] = (ids[0], ids[1])
            elif op == "*":
                self.force(ids)
                self.products[i] = (ids[0], ids[1])
            else:
                self.force(ids[1:] if op == "take" else ids)
                self.place(i, op, ids)
        self.force([self.graph.root])

    def terms(self, op: str, ids: list[int], uses: list[int]) -> list[Any]:
        """[first factors, second factors, terms alone]: a sum, with inner sums and products."""
        left: list[int] = []
        right: list[int] = []
        alone: list[int] = []
        if op == "dot":
            n = len(ids) // 2
            self.force(ids[: 2 * n])
            left, right, ids = ids[:n], ids[n : 2 * n], ids[2 * n :]
        for j in ids:
            once = uses[j] == 1
            if once and j in self.products:
                a, b = self.products.pop(j)
                left.append(a)
                right.append(b)
            elif once and j in self.differences:
                a, b = self.differences.pop(j)
                alone.append(a)
                left.append(self.minus)
                right.append(b)
            elif once and j in self.sums:
                inner = self.sums.pop(j)  # used once, so its lists are ours to extend
                if len(left) + len(alone) < len(inner[0]) + len(inner[2]):  # for linear time:
                    left, right, alone, inner = *inner, [left, right, alone]  # the longer ones
                left += inner[0]
                right += inner[1]
                alone += inner[2]
            else:
                alone.append(j)
        self.force(alone)
        return [left, right, alone]

    def force(self, ids: list[int]) -> None:
        """Place what was waiting for a sum to absorb it, for something else uses it."""
        for j in ids:
            if self.kind_of[j] < 0:
                if j in self.products:
                    self.place(j, "*", self.products.pop(j))
                elif j in self.differences:
                    self.place(j, "-", self.differences.pop(j))
                else:
                    self.place_sum(j, *self.sums.pop(j))

    def place(self, i: int, op: str, ids: Any) -> None:
        kind_of, graph = self.kind_of, self.graph
        exponent = None
        if op == "take":
            table = graph.tables[ids[0]]
            self.force(table)
            parents = (*sorted({kind_of[j] for j in table}), kind_of[ids[1]])
        elif op == "logsumexp":
            parents = tuple(sorted({kind_of[j] for j in ids}))
        else:
            parents = tuple([kind_of[j] for j in ids])
            if op == "*" and parents[0] > parents[1]:
                parents, ids = parents[::-1], ids[::-1]
            if op == "**" and graph.kinds[parents[1]].op == "const":
                exponent = graph.constants[int(graph.position[ids[1]])]
        self.add(i, (op, parents, repr(exponent)), ids)
        graph.kinds[kind_of[i]].exponent = exponent

    def place_sum(self, i: int, left: list[int], right: list[int], alone: list[int]) -> None:
        kind = self.kind_of.__getitem__
        ka, kb, kc = list(map(kind, left)), list(map(kind, right)), list(map(kind, alone))
        terms: Terms = {}
        pairs, single = set(zip(ka, kb)), set(kc)
        if len(pairs) == 1:  # the usual case, and the fast one
            (a, b) = key = pairs.pop()
            terms[key if a <= b else (b, a)] = (left, right) if a <= b else (right, left)
        else:
            for a, b, x, y in zip(ka, kb, left, right):
                if self.zeros and (x in self.zeros or y in self.zeros):
                    a, b, x, y = self.padded(a, b, x, y, pairs)
                if a > b:
                    a, b, x, y = b, a, y, x
                columns = terms.setdefault((a, b), ([], []))
                columns[0].append(x)
                columns[1].append(y)
        if len(single) == 1:
            terms[(kc[0],)] = (alone,)
        else:
            for c, z in zip(kc, alone):
                terms.setdefault((c,), ([],))[0].append(z)
        self.add(i, ("sum", tuple(sorted(terms))), terms)

    def padded(self, a: int, b: int, x: int, y: int, pairs: Any) -> tuple[int, int, int, int]:
        """A product with the constant 0.0, beside products of the other factor's kind with one
        other kind: a padded border. It counts as of that kind, so that all patches look alike."""
        if y in self.zeros:
            a, b, x, y = b, a, y, x
        self.graph.is_padded = True
        kinds = {p if q == b else q for p, q in pairs if b in (p, q)} - {a}
        return (kinds.pop() if len(kinds) == 1 else a), b, x, y

    def add(self, i: int, key: Any, row: Any) -> None:
        graph = self.graph
        k = self.by_key.get(key)
        if k is None:
            k = self.by_key[key] = len(graph.kinds)
            graph.kinds.append(Kind(key[0], key[1]))
        graph.kinds[k].nodes.append(i)
        graph.kinds[k].rows.append(row)
        graph.kind_of[i] = k
