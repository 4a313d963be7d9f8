"""Stage 3: loops in time. A recurrence that was traced step by step becomes one `Loop` again.

Compilers call this loop rerolling. Grouping can't do it: nodes of a recurrence are all of different
kinds, for each step is deeper than the one before. What is found here are *slots*: the nodes that
do the same work in one step after the other, x_0, x_1, x_2, ...

1. The deepest chain of operands goes through all the steps of the longest recurrence, so its ops
   repeat: that gives the period, and two nodes that are one step apart.
2. From these two, the operands of the later node are matched with those of the earlier one, and so
   on back to the beginning: each node finds the node that did its work a step earlier.
3. Slots that depend on themselves by way of others (a strongly connected component) are a loop.
   What they only read, and what only reads them, stays outside and is grouped over all steps.
4. A loop's body is a trace of its own: a function of what is carried from step to step, of what
   each step reads, and of what stays fixed. It is grouped, and searched for loops, like any other.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from autograd.compiler.group import Graph
from autograd.compiler.trace import Loop, Symbol, Trace, symbol
from autograd.value import Value

SHORTEST = 5  # steps: what repeats less often stays as it is
LONGEST_PERIOD = 2048  # nodes that the chain has in one step
LONGEST_LAG = 4  # steps that a value is carried for
MOST_CUTS = 64  # places tried where a step might begin
MOST_DISTANCES = 16  # looked at, to find how far apart the steps are
ENOUGH = 0.5  # of what was made meanwhile, in the loop: no need to look for a larger one
MOST_LISTS = 8  # of carried values

Place = Callable[[list[Value]], np.ndarray]


def roll(trace: Trace, place: Place) -> tuple[Trace, Graph]:
    """The trace with its recurrences as loops, and its kinds. `place`: see `Graph`."""
    graph = Graph(trace, place)
    while (rolled := Search(trace, graph).rolled()) is not None:
        found = Graph(rolled, place)
        if not found.has_order():
            break
        trace, graph = rolled, found
    return trace, graph


class Search:
    """The search for one loop in a trace. Nodes are named by their numbers in its graph."""

    def __init__(self, trace: Trace, graph: Graph) -> None:
        self.trace, self.graph = trace, graph

    @cached_property
    def operands(self) -> list[list[int]]:
        """Those of each node, with the values that a `take` chooses from; none of a leaf."""
        graph = self.graph
        found: list[list[int]] = [[]] * len(graph.values)
        for n, node in zip(graph.made, graph.nodes):
            found[n] = graph.operands(node)
        for n, table in graph.table_of.items():
            found[n] = found[n] + graph.tables[table]
        return found

    @cached_property
    def rank(self) -> np.ndarray:
        """In which order the nodes were made; -1 for leaves."""
        found = np.full(len(self.graph.values), -1)
        found[self.graph.made] = np.arange(len(self.graph.made))
        return found

    @cached_property
    def alike(self) -> list[int]:
        """For each node a number, equal if op and number of operands are; 0 for a leaf."""
        known: dict[Any, int] = {}
        found = [0] * len(self.graph.values)
        for n, node in zip(self.graph.made, self.graph.nodes):
            found[n] = known.setdefault((node.op, len(self.operands[n])), len(known) + 1)
        return found

    def rolled(self) -> Trace | None:
        """The trace with one more loop, or None if there is none to be found."""
        path = deepest_chain(self.graph)
        at = repeats([marked(self.graph, n) for n in path])
        nodes = self.recurrence([path[k] for k in at]) if at else np.zeros((0, 0))
        if not nodes.size:
            return None
        builder = Builder(self, nodes)
        rest = [s for s in self.graph.nodes if id(s) not in builder.inside]
        return replace(self.trace, nodes=rest, loops=[*self.trace.loops, builder.build()])

    def recurrence(self, steps: list[int]) -> np.ndarray:
        """The nodes of a loop: a row for each slot, a column for each step; perhaps none. `steps`:
        nodes that are about a step apart, the latest first."""
        best, most = np.zeros((0, 0), int), 0
        for distance in distances(self, steps[:2]):
            found = Slots(self, steps, distance).recurrences()
            size = sum([nodes.size for nodes in found])
            if size > most:
                best, most = found[0], size
            if most > ENOUGH * (self.rank[steps[0]] - self.rank[steps[-1]]):
                break
        return best

    def read(self, nodes: np.ndarray) -> np.ndarray:
        """Their operands, a row for each node; equal constants are one."""
        return np.asarray(self.same[np.array([self.operands[n] for n in nodes.tolist()])])

    def computed_from(self, loops: list[np.ndarray]) -> list[int]:
        """For each node, which of these arrays of nodes it is in or was computed from: the n-th if
        the n-th bit is set."""
        found = [0] * len(self.graph.values)
        for n, nodes in enumerate(loops):
            for node in nodes.flat:
                found[node] = 1 << n
        for node in self.graph.made[min([self.rank[nodes].min() for nodes in loops]) :]:
            for operand in self.operands[node]:
                found[node] |= found[operand]
        return found

    @cached_property
    def same(self) -> np.ndarray:
        """For each node itself; for a constant the first that is equal."""
        graph, first = self.graph, dict[int, int]()
        found = np.arange(len(graph.values))
        for n in np.flatnonzero(np.array(graph.kind_of[: len(found)]) == graph.const).tolist():
            found[n] = first.setdefault(int(graph.position[n]), n)
        return found


# --- 1. the period -------------------------------------------------------------------------------


def depths(graph: Graph) -> list[int]:
    """How many kinds deep each kind is."""
    found: list[int] = []
    for kind in graph.kinds:
        terms = chain.from_iterable(kind.parents) if kind.op == "sum" else kind.parents
        found.append(1 + max([found[k] for k in terms], default=-1))
    return found


def deepest_chain(graph: Graph) -> list[int]:
    """From the deepest node on, always to an operand of the deepest kind. (The terms of a sum are
    its operands, not the partial sums in between: a long sum is no recurrence.)"""
    by_kind, path = depths(graph), list[int]()
    if max(by_kind) < 2 * SHORTEST:
        return []
    node = graph.kinds[by_kind.index(max(by_kind))].nodes[0]
    while operands := some_operands(graph, by_kind, node):
        path.append(node)
        node = max(operands, key=lambda n: by_kind[graph.kind_of[n]])
    return path


def some_operands(graph: Graph, by_kind: list[int], node: int) -> list[int]:
    """The operands of a node; of a sum, a row of those of its deepest kind."""
    kind = graph.kinds[graph.kind_of[node]]
    if not kind.nodes or not kind.parents:
        return []
    row = kind.rows[kind.nodes.index(node)]
    if kind.op == "take":
        return [*graph.tables[row[0]], row[1]]
    if kind.op != "sum":
        return list(row)
    term = max(kind.parents, key=lambda term: max([by_kind[k] for k in term]))
    return [graph.table.rows[numbers][0] for numbers in row[term]]


def marked(graph: Graph, node: int) -> tuple[str, ...]:
    """The op of a node, and those of its operands."""
    kind = graph.kinds[graph.kind_of[node]]
    terms = chain.from_iterable(kind.parents) if kind.op == "sum" else kind.parents
    return (kind.op, *sorted({graph.kinds[k].op for k in terms}))


def repeats(tokens: list[tuple[str, ...]]) -> range | None:
    """The starts of what repeats longest in a sequence: all steps of a loop but the first, which
    reads something else."""
    numbers = dict.fromkeys(tokens)
    numbers = {token: i for i, token in enumerate(numbers)}
    codes, best, covered = np.array([numbers[t] for t in tokens]), None, 0
    for period in range(1, min(LONGEST_PERIOD, len(codes) // (SHORTEST - 1)) + 1):
        breaks = np.flatnonzero(codes[period:] != codes[:-period])
        edges = np.concatenate(([-1], breaks, [len(codes) - period]))
        lengths = np.diff(edges) - 1
        length = int(lengths.max()) + period
        # a multiple of the period covers the same: it has to be better by more than its ends
        if length >= (SHORTEST - 1) * period and length > 1.1 * covered:
            start = int(edges[lengths.argmax()]) + 1
            best, covered = range(start, start + length, period), length
        if covered > 0.9 * len(codes):
            break
    return best


def distances(search: Search, pair: list[int]) -> list[int]:
    """How long before a node that of the step before was made, the most likely number first: most
    nodes do what was done that long before, with operands made as long before them. `pair`: two
    nodes that are a step apart, or a little more or less."""
    tokens = marks(search)
    by = np.argsort(tokens, kind="stable")
    same = tokens[by[1:]] == tokens[by[:-1]]
    found, times = np.unique(np.diff(by)[same], return_counts=True)
    likely = found[np.argsort(-found * times)][:MOST_DISTANCES].tolist()
    score = {d: np.count_nonzero(tokens[d:] == tokens[:-d]) for d in likely}
    guess = int(search.rank[pair[0]] - search.rank[pair[1]])
    likely = [d for d in likely if 2 * score[d] > max(score.values())]
    best = sorted(likely, key=lambda d: (-score[d], d))[:3]
    return [*best, *({guess} - {*best})]


def marks(search: Search) -> np.ndarray:
    """For each node, in the order in which they were made, a number for its op, how many operands
    it has, and how long before the latest of them was made."""
    operands = [search.operands[n] for n in search.graph.made]
    counts = np.array(list(map(len, operands)))
    flat = np.fromiter(chain.from_iterable(operands), np.intp)
    made = np.maximum.reduceat(search.rank[flat], np.cumsum(counts) - counts)
    back = np.where(made >= 0, np.arange(len(counts)) - made, 0)
    alike = np.array(search.alike)[search.graph.made]
    return np.asarray(back * (alike.max() + 1) + alike)


# --- 2. and 3. slots, and those that depend on themselves ----------------------------------------


class Slots:
    """Nodes that do the same work a step apart, in lists: `orbits`."""

    def __init__(self, search: Search, chain: list[int], distance: int) -> None:
        """`chain`: nodes that are a step apart, the latest first. `distance`: see `distances`."""
        self.search, self.graph, self.distance = search, search.graph, distance
        self.earlier: dict[int, int] = {}  # node -> the one that did its work a step earlier
        self.later: dict[int, int] = {}
        for one in chain[:-1]:  # before the first step there is none
            for node in self.equals(one):
                if node not in self.earlier:  # in a batch there are as many as examples
                    self.match(self.before(node), node)
        self.go_on()
        self.orbits = self.listed()
        self.slot_of = {
            n: (s, k) for s, nodes in enumerate(self.orbits) for k, n in enumerate(nodes)
        }

    def before(self, node: int) -> int:
        """What was made a step before a node."""
        return int(self.graph.made[max(self.search.rank[node] - self.distance, 0)])

    def equals(self, node: int) -> list[int]:
        """The nodes of its kind, as far as those that were made a step before are of one kind."""
        graph = self.graph
        kind, earlier = graph.kind_of[node], graph.kind_of[self.before(node)]
        if kind < 0:  # a sum has absorbed it
            return [node]
        return [n for n in graph.kinds[kind].nodes if graph.kind_of[self.before(n)] == earlier]

    def match(self, first: int, second: int) -> None:
        """Pair two nodes, and then their operands, as far as they are of the same ops."""
        operands, alike, todo = self.search.operands, self.search.alike, deque([(first, second)])
        while todo:
            a, b = todo.popleft()
            if a not in self.later and b not in self.earlier and 0 < alike[a] == alike[b]:
                self.later[a], self.earlier[b] = b, a
                todo += [(x, y) for x, y in zip(operands[a], operands[b]) if x != y]

    def go_on(self) -> None:
        """Pair all other nodes of the recurrence with what was made a step before them, if they do
        with later operands what that did with earlier ones. (In the last steps there are nodes
        that the deepest one does not need.)"""
        operands, alike, later = self.search.operands, self.search.alike, self.later
        for a, b in zip(self.graph.made, self.graph.made[self.distance :]):
            if alike[a] != alike[b] or a in later or b in self.earlier:
                continue
            pairs = [*zip(operands[a], operands[b])]
            is_ours = any(later.get(x) == y for x, y in pairs)
            if is_ours and all(x == y or self.is_next(x, y, a) for x, y in pairs):
                self.match(a, b)

    def is_next(self, x: int, y: int, a: int) -> bool:
        """May y be to the later node what x is to the earlier one, `a`? In the first step, x is a
        value from before the loop."""
        rank, alike = self.search.rank, self.search.alike
        if x in self.later or y in self.earlier:
            return self.later.get(x) == y
        is_old = rank[x] < 0 or rank[a] - rank[x] > self.distance
        return alike[x] == alike[y] or bool(is_old and rank[y] >= 0)

    def listed(self) -> list[list[int]]:
        orbits = []
        for node in [n for n in self.later if n not in self.earlier]:
            orbit = [node]
            while orbit[-1] in self.later:
                orbit.append(self.later[orbit[-1]])
            orbits += [orbit] if len(orbit) >= SHORTEST else []
        return orbits

    def edges(self) -> list[list[tuple[int, int]]]:
        """For each slot those that it reads of about the same time, and how many places further
        back, in a late step."""
        found, rank = [], self.search.rank
        for orbit in self.orbits:
            k = len(orbit) - 2
            near = rank[orbit[k]] - LONGEST_LAG * self.distance
            read = [self.slot_of.get(n) for n in self.search.operands[orbit[k]] if rank[n] >= near]
            found.append(list(dict.fromkeys([(at[0], k - at[1]) for at in read if at])))
        return found

    def recurrences(self) -> list[np.ndarray]:
        """Loops as arrays of nodes, a row for each slot and a column for each step; those that
        others read come first, and equal ones side by side are one."""
        edges, groups = self.edges(), dict[Any, list[np.ndarray]]()
        reads = [[s for s, _ in row] for row in edges]
        for members in connected(self.core(reads), reads):
            nodes = regular(self.search, self.aligned(members, edges))
            ops = sorted([self.graph.values[row[0]].op for row in nodes.tolist() if row])
            groups.setdefault((nodes.shape, *ops), []).append(nodes)
        return [self.side_by_side(same) for same in groups.values() if same[0].size]

    def side_by_side(self, loops: list[np.ndarray]) -> np.ndarray:
        """As one loop those that need none of the others."""
        if len(loops) == 1:
            return loops[0]
        uses = self.search.computed_from(loops)
        alone = [n for n, loop in enumerate(loops) if {uses[k] for k in loop.flat} == {1 << n}]
        return np.concatenate([loops[n] for n in alone or [0]])

    def core(self, reads: list[list[int]]) -> set[int]:
        """The slots that depend on themselves, and what lies between them."""
        parts = components(reads)
        cyclic = [p for p in parts if len(p) > 1 or p[0] in reads[p[0]]]
        found = {s for p in cyclic if any(map(self.is_placed, p)) for s in p}
        below, above = set(found), set(found)
        for s in chain.from_iterable(parts):  # what is read comes first
            if not below.isdisjoint(reads[s]):
                below.add(s)
        for s in reversed([*chain.from_iterable(parts)]):
            if s in above:
                above.update(reads[s])
        return below & above

    def aligned(self, members: list[int], edges: list[list[tuple[int, int]]]) -> np.ndarray:
        """Their nodes, cut into steps where few values are alive, in the order in which the nodes
        were made: where most whole steps remain, and then where the fewest values are alive."""
        rank = [self.search.rank[self.orbits[s]] for s in members]
        end = min([row[-1] for row in rank])  # of a stretch with one node of each slot
        at = np.array([np.searchsorted(row, end, "right") - 1 for row in rank])
        made = np.array([row[k] for row, k in zip(rank, at)])
        position = np.argsort(np.argsort(made))
        alive = self.alive(members, edges, at, position)
        length = np.array(list(map(len, rank)))
        best, most = np.zeros((0, 0), int), 0
        cuts = np.argsort(alive, kind="stable")[:MOST_CUTS]
        for cut in cuts[alive[cuts] <= 2 * alive.min()]:
            first = at + (position < cut)  # those before the cut belong to the next step
            start, stop = int((-first).max()), int((length - first).min())
            if stop - start > most:
                most = stop - start
                rows = [self.orbits[s][start + k : stop + k] for s, k in zip(members, first)]
                best = np.array(rows)
        return best

    def alive(self, members: list[int], edges: Any, at: Any, position: Any) -> np.ndarray:
        """For each place where a step may begin, how many values go over from the step before."""
        row, n = {s: k for k, s in enumerate(members)}, len(members)
        last = position.copy()  # where each value is read last, counted from its own step on
        for k, s in enumerate(members):
            for r, back in [(row[r], back) for r, back in edges[s] if r in row]:
                last[r] = max(last[r], position[k] + n * (at[r] - (at[k] - back)))
        wraps, rest = np.divmod(last - position, n)
        change = np.zeros(2 * n + 1, int)
        np.add.at(change, position + 1, 1)
        np.add.at(change, position + rest + 1, -1)
        crossing = np.cumsum(change)[: 2 * n]
        return np.asarray(crossing[:n] + crossing[n:] + wraps.sum())

    def is_placed(self, slot: int) -> bool:
        """Or do its nodes dissolve in a sum? Those of loss = loss + ... do."""
        orbit = self.orbits[slot]
        return self.graph.kind_of[orbit[len(orbit) // 2]] >= 0


def connected(members: set[int], reads: list[list[int]]) -> list[list[int]]:
    """These slots, in parts that do not read each other."""
    head = {s: s for s in members}

    def find(s: int) -> int:
        while head[s] != s:
            head[s] = s = head[head[s]]
        return s

    for s in members:
        for r in reads[s]:
            if r in members:
                head[find(s)] = find(r)
    parts: dict[int, list[int]] = {}
    for s in sorted(members):
        parts.setdefault(find(s), []).append(s)
    return list(parts.values())


def components(edges: list[list[int]]) -> list[list[int]]:
    """Strongly connected components, what is read before what reads it (Tarjan, 1972)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    place: dict[int, int] = {}  # in the stack
    stack, is_open, found = list[int](), set[int](), list[list[int]]()
    for root in range(len(edges)):
        calls = [] if root in order else [(root, iter(edges[root]))]
        while calls:
            v, rest = calls[-1]
            if v not in order:
                order[v] = low[v] = len(order)
                place[v] = len(stack)
                stack.append(v)
                is_open.add(v)
            w = next(rest, None)
            if w is None:
                calls.pop()
                if calls:
                    low[calls[-1][0]] = min(low[calls[-1][0]], low[v])
                if low[v] == order[v]:
                    found.append(stack[place[v] :])
                    del stack[place[v] :]
                    is_open.difference_update(found[-1])
            elif w not in order:
                calls.append((w, iter(edges[w])))
            elif w in is_open:
                low[v] = min(low[v], order[w])
    return found


def regular(search: Search, nodes: np.ndarray) -> np.ndarray:
    """The longest run of steps that all do the same; none if there are too few of them."""
    while nodes.shape[1] >= SHORTEST:
        alike = steps_alike(search, nodes)
        edges = np.flatnonzero(~np.concatenate(([False], alike, [False])))
        longest = int(np.diff(edges).argmax())
        if alike.all():
            return nodes
        nodes = nodes[:, edges[longest] : edges[longest + 1] - 1]
    return nodes[:, :0]


def steps_alike(search: Search, nodes: np.ndarray) -> np.ndarray:
    """For each step, whether it reads what the last one reads: of each slot the node of as many
    steps ago, or before the first steps a value from outside; else always a value from outside."""
    where = Where(search.graph, nodes)
    steps, alike = nodes.shape[1], np.ones(nodes.shape[1], bool)
    after = np.array(search.computed_from([nodes])) > 0
    before: dict[tuple[int, int], int] = {}  # (slot, step below 0): the value that stands for it
    for row in nodes:
        read = search.read(row)
        slot, lag = where.lags(read)
        at = np.arange(steps)[:, None] - lag
        is_ours = (slot >= 0) & (at >= 0)
        expected = np.where(is_ours, nodes[slot, np.maximum(at, 0)], read)
        alike &= ((read == expected) & (after[read] == is_ours)).all(1)
        alike &= lag.max(initial=0) <= LONGEST_LAG
        for k in np.flatnonzero(lag):
            for t in range(min(lag[k], steps)):
                first = before.setdefault((slot[k], at[t, k]), read[t, k])
                alike[t] &= first == read[t, k]
    return alike


class Where:
    """Of each node of a trace its slot and its step in a loop; -1 outside of it."""

    def __init__(self, graph: Graph, nodes: np.ndarray) -> None:
        self.steps = nodes.shape[1]
        self.slot = np.full(len(graph.values), -1)
        self.step = np.full(len(graph.values), self.steps - 1)
        self.slot[nodes] = np.arange(len(nodes))[:, None]
        self.step[nodes] = np.arange(self.steps)

    def lags(self, read: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each operand in the last step: its slot, and how many steps ago it was made."""
        return self.slot[read[-1]], self.steps - 1 - self.step[read[-1]]


# --- 4. the loop ---------------------------------------------------------------------------------


class Builder:
    """Makes the `Loop` of an array of nodes, a row for each slot and a column for each step."""

    def __init__(self, search: Search, nodes: np.ndarray) -> None:
        graph = search.graph
        self.search, self.graph, self.nodes = search, graph, nodes
        self.where, self.rank = Where(graph, nodes), search.rank
        self.loop = Loop(nodes.shape[1], Trace())
        self.copies: dict[int, Symbol] = {}  # by slot: its node in the body
        self.carries: dict[tuple[int, int], Symbol] = {}  # by slot and steps ago
        self.first: dict[tuple[int, int], Value] = {}  # their values before the first step
        self.leaves: dict[bytes, Value] = {}  # by the nodes that the steps read
        self.trained = trained_kinds(search.trace, graph)
        self.inside = {id(graph.values[n]) for n in nodes.reshape(-1)}

    def build(self) -> Loop:
        for slot in sorted(range(len(self.nodes)), key=lambda s: self.rank[self.nodes[s, -1]]):
            self.copy(slot)
        body, kept = self.loop.body, self.read_outside()
        nexts = [self.next(*key) for key in self.carries]
        body.results = (*nexts, *[self.copies[slot] for slot in kept])
        self.declare(self.groups())
        self.loop.body, self.loop.graph = roll(body, no_parameters)
        self.stack(kept)
        return self.loop

    def copy(self, slot: int) -> None:
        """The node of a slot in the body."""
        node = self.graph.values[self.nodes[slot, -1]]
        read = self.search.read(self.nodes[slot])
        listed = list(zip(*self.where.lags(read), read.T))
        operands = tuple([self.operand(*at) for at in listed])
        body, n = self.loop.body, len(node.parents)
        at = slice(n) if node.op != "dot" else slice(len(operands) - n, None)
        self.copies[slot] = new = symbol(Symbol, node.op, operands[at])
        if node.op == "take":
            body.tables[id(new)] = body.row(operands[n:])
        elif node.op == "dot":
            width = (len(operands) - n) // 2
            body.rows[id(new)] = body.row(operands[:width]), body.row(operands[width : 2 * width])
        if hasattr(node, "module"):
            new.module = node.module  # type: ignore[attr-defined]
        self.loop.body.nodes.append(new)

    def operand(self, slot: int, lag: int, column: np.ndarray) -> Value:
        if slot < 0:
            return self.leaf(column)
        if not lag:
            return self.copies[slot]
        for steps in range(1, lag + 1):
            self.carries.setdefault((slot, steps), symbol(Symbol))
        for t in range(lag):
            self.first[slot, lag - t] = self.graph.values[column[t]]
        return self.carries[slot, lag]

    def leaf(self, column: np.ndarray) -> Value:
        """What is read from outside, in one step after the other."""
        key = column.tobytes()
        if key not in self.leaves:
            values = [self.graph.values[n] for n in column]
            is_fixed = bool((column == column[0]).all())
            kinds = set(map(self.graph.kind_of.__getitem__, column.tolist()))
            if is_fixed and kinds == {self.graph.const}:
                self.leaves[key] = values[0]
            else:
                self.leaves[key] = self.listed(is_fixed, kinds, values)
        return self.leaves[key]

    def listed(self, is_fixed: bool, kinds: set[int], values: list[Value]) -> Symbol:
        """A symbol in the list of what comes from these kinds, fixed or by step."""
        loop, new = self.loop, symbol(Symbol)
        name = "_".join(
            ["fixed" if is_fixed else "step", *[f"{k}" for k in sorted(kinds) if k >= 0]]
        )
        is_trained = any(k < 0 or self.trained[k] for k in kinds)  # -1: a sum had absorbed it
        lists = loop.body.values if is_trained else loop.body.inputs
        lists.setdefault(name, []).append(new)
        if is_fixed:
            loop.fixed.setdefault(name, []).append(values[0])
        else:
            rows = loop.steps.setdefault(name, [[] for _ in values])
            for row, value in zip(rows, values):
                row.append(value)
        return new

    def next(self, slot: int, lag: int) -> Symbol:
        """What a carried value is in the next step."""
        return self.copies[slot] if lag == 1 else self.carries[slot, lag - 1]

    def groups(self) -> list[list[tuple[int, int]]]:
        """The carried values: in lists of those that come about alike, if that holds for these
        lists, too. It does not where the ends of a row differ from its middle: then in one list."""
        joint = [sorted(self.carries, key=lambda at: (at[1], self.rank[self.nodes[at[0], -1]]))]
        found = self.parted(joint)
        is_stable = len(found) <= MOST_LISTS and len(self.parted(found)) == len(found)
        return found if is_stable else joint

    def parted(self, groups: list[list[tuple[int, int]]]) -> list[list[tuple[int, int]]]:
        self.declare(groups)
        graph, found = Graph(self.loop.body, no_parameters), dict[Any, list[tuple[int, int]]]()
        for slot, lag in chain.from_iterable(groups):
            kind = graph.kind_of[graph.number[id(self.copies[slot])]]
            found.setdefault((lag, kind), []).append((slot, lag))
        return list(found.values())

    def declare(self, groups: list[list[tuple[int, int]]]) -> None:
        """Carry these values, a list for each group."""
        loop, graph = self.loop, self.graph
        first = [graph.kind_of[graph.number[id(v)]] for v in self.first.values()]
        lists = [name for name in loop.body.values if not name.startswith("carry")]
        is_trained = lists or any(self.trained[k] for k in first)
        for name in loop.carried:
            loop.body.values.pop(name, loop.body.inputs.pop(name, None))
        loop.carried = {}
        for k, group in enumerate(groups):
            name, symbols = f"carry{k + 1}", [self.carries[key] for key in group]
            (loop.body.values if is_trained else loop.body.inputs)[name] = symbols
            nexts: list[Value] = [self.next(*key) for key in group]
            loop.carried[name] = [self.first[key] for key in group], nexts

    def read_outside(self) -> list[int]:
        """The slots that others read, in order."""
        trace, inside = self.search.trace, self.inside
        outside = [s for s in self.graph.nodes if id(s) not in inside]
        tables = [trace.tables[id(s)] for s in outside if s.op == "take"]
        others = [loop.operands() for loop in trace.loops]
        read = set(map(id, chain(trace.ends, *map(trace.operands, outside), *tables, *others)))
        values = self.graph.values
        slots = [s for s, row in enumerate(self.nodes) if any(id(values[n]) in read for n in row)]
        return sorted(slots, key=lambda s: self.rank[self.nodes[s, -1]])

    def stack(self, kept: list[int]) -> None:
        """Say which nodes outside the results of all steps stand for: lists of what is carried, and
        of what else is read, by kind."""
        loop, graph, lists = self.loop, self.loop.graph, dict[Any, list[int]]()
        by_copy = {id(copy): slot for slot, copy in self.copies.items()}
        for name, (_, nexts) in loop.carried.items():
            slots = [by_copy.get(id(copy), -1) for copy in nexts]
            if -1 not in slots and set(slots) & set(kept):
                lists[name] = slots
        others = set(kept).difference(*lists.values())
        for slot in [s for s in kept if s in others]:
            kind = graph.kind_of[graph.number[id(self.copies[slot])]]
            lists.setdefault(f"kind{kind}", []).append(slot)
        for name, slots in lists.items():
            rows = [[self.graph.values[n] for n in column] for column in self.nodes[slots].T]
            whole = f"loop{len(self.search.trace.loops) + 1}_{name}"
            loop.stacks[whole] = [self.copies[slot] for slot in slots], rows


def trained_kinds(trace: Trace, graph: Graph) -> list[bool]:
    """Whether each kind depends on anything that is trained."""
    loops = {name: bool(loop.body.values) for loop in trace.loops for name in loop.stacks}
    found: list[bool] = []
    for kind in graph.kinds:
        terms = chain.from_iterable(kind.parents) if kind.op == "sum" else kind.parents
        is_leaf = kind.op in ("param", "value") or loops.get(kind.name, False)
        found.append(is_leaf or any(found[k] for k in terms))
    return found


def no_parameters(_: list[Value]) -> np.ndarray:
    """The body of a loop reads those of the model by way of its lists."""
    return np.zeros(0, int)


# --- how it prints -------------------------------------------------------------------------------


def written(graph: Graph) -> Iterator[str]:
    """The kinds and loops of a trace, in an order in which they can run."""
    for item in graph.order():
        if isinstance(item, Loop):
            parts = [f"carry {len(first)}" for first, _ in item.carried.values()]
            parts += [f"read {len(rows[0])} by step" for rows in item.steps.values()]
            parts += [f"read {len(row)}" for row in item.fixed.values()]
            yield f"{item.count} times: {', '.join(parts)}"
            yield from [f"    {line}" for line in written(item.graph)]
            keeps = [f"{name} {len(nodes)}" for name, (nodes, _) in item.stacks.items()]
            yield f"    keep {', '.join(keeps)}"
        elif graph.kinds[item].nodes:
            kind = graph.kinds[item]
            yield f"k{item} = {kind.op} {kind.parents}  x {len(kind.nodes)}"
        else:
            yield f"k{item}: {graph.kinds[item].op} {graph.kinds[item].name}"
