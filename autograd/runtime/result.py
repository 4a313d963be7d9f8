"""What a jitted function returns: one node for the whole program, and its graph on demand."""

from collections.abc import Iterable
from typing import Any

from autograd.compiler.trace import Trace
from autograd.graph import topological_order
from autograd.ops import GATES, OPS, closed
from autograd.value import Constant, Value, dot, node

Replay = tuple[list[Value], list[Value]]
PARTIALS = Value.__dict__["partials"]  # the slot: in a `Result` it holds the call


class Result(Value):
    """A node whose partials are computed when they are read, by the call that made it.

    The call has `partials()`, `replayed()`, a graph in scalars that computes the same, and
    `leaves()`: (leaf, gradient) for all that the result depends on.
    """

    __slots__ = ()

    @property
    def partials(self) -> Any:  # type: ignore[override]
        return PARTIALS.__get__(self).partials()

    def edges(self) -> Iterable[tuple[Value, float]]:
        """All that it depends on, with its gradients."""
        return PARTIALS.__get__(self).leaves()  # type: ignore[no-any-return]

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
        self._become(node(self.data, "jit", *map(tuple, zip(*pairs))))

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


def rebuilt(trace: Trace, results: list[Any]) -> Any:
    """What the function returns: the same nesting with the results in their places. What was
    computed from numbers of the arguments alone is a number."""
    by_id = {id(end): result for end, result in zip(trace.ends, results)}

    def place(x: Any) -> Any:
        if isinstance(x, Value):
            result = by_id[id(trace.resolved(x))]
            return result.data if id(trace.resolved(x)) in trace.floats else result
        if isinstance(x, dict):
            return {key: place(item) for key, item in x.items()}
        if hasattr(x, "_make"):  # a namedtuple
            return x._make(map(place, x))
        return type(x)(map(place, x)) if isinstance(x, list | tuple) else x

    return place(trace.returned)


def detached(x: Any) -> Any:
    """What `no_grad` makes of it."""
    if isinstance(x, Value):
        return Value(x.data)
    if isinstance(x, dict):
        return {key: detached(item) for key, item in x.items()}
    if hasattr(x, "_make"):
        return x._make(map(detached, x))
    return type(x)(map(detached, x)) if isinstance(x, list | tuple) else x


def replay(trace: Trace, inputs: dict[str, Any], values: Iterable[Value] = ()) -> Replay:
    """What the function computed, once more, in its order, on these inputs by the eager engine:
    the nodes of the trace as Values, and the results. values: those among the arguments."""
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
        if s.op == "dot":  # through the same lines as plain code: it rounds in their order
            n = len(trace.rows[id(s)][0])
            v = dot(parents[:n], parents[n : 2 * n], *parents[2 * n :])
        else:
            v = Value(parents[0].data) if s.op == "detach" else OPS[s.op](*parents)
        known[id(s)] = v
        found.append(v)
    return found, [known.get(id(end), end) for end in trace.ends]


def leaf_gradients(roots: list[Value], ends: Iterable[Value] = ()) -> dict[Value, float]:
    """What backward() from the sum of `roots` would add to the gradient of each leaf; no `.grad` is
    touched. ends: Values at which the walk stops, as if they were leaves."""
    stops = set(ends)
    gradients: dict[Value, float] = {}
    for root in roots:
        gradients[root] = gradients.get(root, 0.0) + 1.0
    order = topological_order(*roots, parents=lambda v: () if v in stops else v.parents)
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
        return child.edges()
    pairs = zip(child.parents, child.partials)
    if child.op in GATES:
        return [(parent, partial) for parent, partial in pairs if not closed(child.op, partial)]
    return pairs


def leaves(x: Any) -> list[Any]:
    """What a function returned, without its nesting."""
    if isinstance(x, list | tuple | dict):
        items = x.values() if isinstance(x, dict) else x
        return [leaf for item in items for leaf in leaves(item)]
    return [x]


def all_alike(xs: Any, ys: Any, tolerance: float) -> bool:
    """The same of whatever functions return."""
    if isinstance(xs, list | tuple | dict):
        a, b = (list(x.values()) if isinstance(x, dict) else x for x in (xs, ys))
        fits = isinstance(ys, list | tuple | dict) and len(a) == len(b)
        return fits and all(all_alike(x, y, tolerance) for x, y in zip(a, b))
    if isinstance(xs, Value) and isinstance(ys, Value):
        return alike(xs.data, ys.data, tolerance)
    if isinstance(xs, int | float) and isinstance(ys, int | float):
        return alike(xs, ys, tolerance)
    return bool(xs == ys)


def alike(a: float, b: float, tolerance: float) -> bool:
    """Equal but for rounding; NaN is NaN, and infinite is infinite."""
    if a == b or (a != a and b != b):
        return True
    return abs(a - b) <= tolerance * min(abs(a), abs(b))
