"""What a jitted function returns: one node for the whole program, and its graph on demand."""

from collections.abc import Iterable
from typing import Any

from autograd.compiler.trace import Trace
from autograd.graph import topological_order
from autograd.ops import GATES, OPS, closed
from autograd.value import Constant, Value, node

PARTIALS = Value.__dict__["partials"]  # the slot: in a `Result` it holds the call


class Result(Value):
    """A node whose partials are computed when they are read, by the call that made it.

    The call has `partials()`, `replayed()`, a graph in scalars that computes the same, and
    `leaves()`: (leaf, gradient) for all that the result depends on.
    """

    __slots__ = ()

    @property
    def partials(self) -> Any:
        return PARTIALS.__get__(self).partials()

    def expand(self) -> None:
        """Become the root of a graph in scalars, as plain code makes it. Raises ValueError if
        what it was computed from has changed since, so that the graph would hold other numbers."""
        root = PARTIALS.__get__(self).replayed()
        if not alike(root.data, self.data, 1e-6):
            raise ValueError(
                "the parameters have changed since this Value was computed by a jitted function, "
                "so its graph can't be made any more: look at it before the optimizer's step."
            )
        self._become(root if root.parents else OPS["take"](root))

    def flatten(self) -> None:
        """Become a node with all that it depends on for parents, which can be copied."""
        pairs = PARTIALS.__get__(self).leaves()
        self._become(node(self.data, "jit", *map(tuple, zip(*pairs))))  # type: ignore[arg-type]

    def _become(self, root: Value) -> None:
        partials = root.partials
        self.op, self.parents = root.op, root.parents
        self.__class__ = Value  # type: ignore[assignment]
        self.partials = partials  # type: ignore[misc]


def result_of(call: Any, data: float, parents: tuple[Value, ...]) -> Result:
    v: Result = Value.__new__(Result)
    v._data, v._grad, v.op, v.parents = data, 0.0, "jit", parents
    PARTIALS.__set__(v, call)
    return v


def replay(trace: Trace, inputs: dict[str, Any], values: Iterable[Value] = ()) -> list[Value]:
    """What the function computed, once more, in its order, on these inputs by the eager engine:
    the nodes of the trace as Values. values: those among the arguments."""
    known: dict[int, Value] = {}
    for name, row in trace.inputs.items():
        known |= {id(s): Constant(float(x)) for s, x in zip(row, inputs[name])}
    known |= {id(s): v for s, v in zip([s for row in trace.values.values() for s in row], values)}
    found = []
    for s in trace.nodes:
        parents = [known.get(id(p), p) for p in trace.operands(s)]
        if s.op == "take":
            table = trace.tables[id(s)]
            parents = [known.get(id(v), v) for v in [table[int(parents[0].data)]]]
        v = Value(parents[0].data) if s.op == "detach" else OPS[s.op](*parents)
        known[id(s)] = v
        found.append(v)
    found.append(known.get(id(trace.root), trace.root))
    return found


def leaf_gradients(root: Value, ends: Iterable[Value] = ()) -> dict[Value, float]:
    """What root.backward() would add to the gradient of each leaf; no `.grad` is touched. ends:
    Values at which the walk stops, as if they were leaves."""
    stops = set(ends)
    gradients: dict[Value, float] = {root: 1.0}
    order = topological_order(root, parents=lambda v: () if v in stops else v.parents)
    for child in reversed(order):
        if child.parents and child not in stops:
            upstream = gradients.pop(child, 0.0)
            if upstream == 0.0 and sum(child.partials) - sum(child.partials) == 0.0:
                continue  # nothing to hand on: as in backward()
            for parent, partial in _edges(child):
                gradients[parent] = gradients.get(parent, 0.0) + partial * upstream
    return gradients


def _edges(child: Value) -> Iterable[tuple[Value, float]]:
    """The parents to which it hands something back, with the partials."""
    if isinstance(child, Result):
        return PARTIALS.__get__(child).leaves()  # type: ignore[no-any-return]
    pairs = zip(child.parents, child.partials)
    if child.op in GATES:
        return [(parent, partial) for parent, partial in pairs if not closed(child.op, partial)]
    return pairs


def alike(a: float, b: float, tolerance: float) -> bool:
    """Equal but for rounding; NaN is NaN, and infinite is infinite."""
    if a == b or (a != a and b != b):
        return True
    return abs(a - b) <= tolerance * min(abs(a), abs(b))
