"""Values in `pickle` and `copy.deepcopy`, of any depth.

Python's own way follows `parents` by recursion and stops after some hundred operations. Here a
node is written as its leaves and one flat table of the nodes above them. Leaves are written as
objects of their own, so that what is pickled together goes on sharing them: a copied model and
a copied loss still belong together.
"""

import copy
from typing import Any

from autograd.graph import topological_order
from autograd.value import Value, node

# data, grad, label, op, the parents' places in the table (leaves first), partials
Row = tuple[float, float, str, str, tuple[int, ...], tuple[float, ...]]


def _reduce(self: Value, protocol: Any) -> Any:
    """What `pickle` and `copy` ask of an object: a function and its arguments that rebuild it.

    The marks that modules leave on their outputs, for pictures, do not travel.
    """
    if not self.parents:
        fields = {name: getattr(self, name) for name in ("_data", "_grad", "op")}
        fields |= {"parents": (), "partials": ()}
        return Value.__new__, (type(self),), (self.__dict__ or None, fields)
    _flatten(self)
    order = topological_order(self)
    order.sort(key=lambda v: v.parents != ())  # stable: leaves first, else the order stays
    place = {v: i for i, v in enumerate(order)}
    leaves = [v for v in order if not v.parents]
    rows: list[Row] = [
        (v.data, v.grad, v.label, v.op, tuple([place[p] for p in v.parents]), v.partials)
        for v in order[len(leaves) :]
    ]
    return _rebuild, (leaves, rows)


def _rebuild(leaves: list[Value], rows: list[Row]) -> Value:
    nodes = list(leaves)
    for data, grad, label, op, places, partials in rows:
        v = node(data, op, tuple([nodes[i] for i in places]), partials)
        v.grad = grad
        if label:
            v.label = label
        nodes.append(v)
    return nodes[-1]


def _flatten(root: Value) -> None:
    """What a jitted function returned becomes a node like others, with leaves for parents."""
    for v in topological_order(root):
        if hasattr(v, "flatten"):
            v.flatten()


def _deepcopy(self: Value, memo: dict[int, Any]) -> Any:
    """`copy.deepcopy`: the graph anew, node by node. What was copied already is used again, so
    two roots that share nodes go on sharing them."""
    _flatten(self)
    for v in topological_order(self, parents=lambda v: () if id(v) in memo else v.parents):
        if id(v) not in memo:
            memo[id(v)] = _copied(v, memo)
    return memo[id(self)]


def _copied(v: Value, memo: dict[int, Any]) -> Value:
    if v.parents:
        parents = tuple([memo[id(p)] for p in v.parents])
        made = node(v.data, v.op, parents, v.partials)
        made.grad = v.grad
        if v.label:
            made.label = v.label
        return made
    reduced: Any = v.__reduce_ex__(4)
    rebuild, arguments, *state = reduced
    leaf: Value = rebuild(*arguments)
    for fields in state[0] if state else ():
        for name, x in (fields or {}).items():
            setattr(leaf, name, copy.deepcopy(x, memo))
    return leaf


Value.__reduce_ex__ = _reduce  # type: ignore[assignment]
Value.__deepcopy__ = _deepcopy  # type: ignore[attr-defined]
