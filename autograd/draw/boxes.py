"""What a picture of a graph shows as one box: a node, or all the nodes of a module's calls.

A module of `nn` marks its outputs: `v.module = (module, inputs, inner)`. Walking back from the
marked outputs to the inputs of that call finds the nodes that belong to it. So a mark is all
that a network stores while it trains; the rest is found when somebody wants a picture.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autograd.graph import expand, topological_order
from autograd.labels import label_of
from autograd.value import Value

MERGE_ABOVE = 60  # boxes: in a larger picture, boxes of one kind become one box with a count


class Call:
    """One call of a module: the outputs that it marked and the nodes that led to them."""

    def __init__(self, module: Any, inputs: Iterable[Any]) -> None:
        self.module = module
        self.inputs = set(map(id, inputs))
        self.outputs: list[Value] = []
        self.nodes: list[Value] = []
        self.leaves: dict[Value, None] = {}  # its parameters and constants
        self.parents: dict[Any, None] = {}  # the nodes and calls outside that it works on


class Box:
    """Nodes that a picture shows as one, and the boxes that they were computed from.

    module: the one whose calls these are, or None. units: these calls, or single nodes (one,
    unless boxes were merged). parents: with repeats where the box is a single node. borrowed:
    those parents of which it uses only parameters, as a penalty on weights does.
    """

    def __init__(self, module: Any, *units: Any) -> None:
        self.module = module
        self.units = list(units)
        self.parents: list[Box] = []
        self.borrowed: set[Box] = set()

    @property
    def nodes(self) -> list[Value]:
        """All the nodes inside, parents before children."""
        return [v for unit in self.units for v in (unit.nodes if self.module else [unit])]

    @property
    def leaves(self) -> list[Value]:
        """The parameters and constants that a module's calls use, also if another box shows them.

        (In `nodes`, each leaf of the graph is in one box only.)
        """
        return list(dict.fromkeys(v for unit in self.units if self.module for v in unit.leaves))

    @property
    def outputs(self) -> list[Value]:
        return [v for unit in self.units for v in (unit.outputs if self.module else [unit])]


def boxes(roots: Sequence[Value], level: str) -> list[Box]:
    """The graph of `roots` as boxes, parents before children, at level op, neuron or layer."""
    expand(*roots)
    order = topological_order(*roots)
    owner: dict[Value, Any] = {v: v for v in order}  # what shows it: a call, or a box of its own
    if level != "op":
        owner |= _interior(order, level)
        owner |= _parameters(order, owner)
    for v in order:
        call = owner[v]
        if isinstance(call, Call):
            call.nodes.append(v)
            for p in v.parents:
                received = id(p) in call.inputs
                if not (received or p.parents):
                    call.leaves[p] = None
                if received or _module(owner[p]) is not call.module:
                    call.parents[owner[p]] = None

    def borrowed(v: Any) -> list[Any]:
        """The owners of the parameters that a node outside of all modules uses."""
        return [owner[p] for p in v.parents if _is_leaf(p) and owner[p] is not p]

    def parents(unit: Any) -> Any:  # without what is borrowed: it takes no part in the order
        if isinstance(unit, Call):
            return unit.parents
        return [owner[p] for p in unit.parents if p.parents or owner[p] is p]

    tops = list(dict.fromkeys(owner[r] for r in roots))
    units = topological_order(*tops, parents=parents)
    box_of: dict[Any, Box] = {}
    if level != "op" and len(units) > MERGE_ABOVE:
        _merge(units, parents, borrowed, box_of)
    else:
        for unit in units:
            box_of[unit] = box = Box(_module(unit), unit)
            box.parents = [box_of[p] for p in parents(unit) if p in box_of]
    found = topological_order(*dict.fromkeys(box_of[unit] for unit in tops))
    for unit in units:
        if not isinstance(unit, Call) and (owners := borrowed(unit)):
            box = box_of[unit]
            box.borrowed |= {box_of[call] for call in owners} - set(box.parents)
            if len(box.units) == 1:
                box.parents = [box_of[owner[p]] for p in unit.parents]
            else:
                lenders = dict.fromkeys(box_of[call] for call in owners)
                box.parents += [b for b in lenders if b not in box.parents]
    return found


def _merge(
    units: list[Any],
    parents: Callable[[Any], Any],
    borrowed: Callable[[Any], Any],
    box_of: dict[Any, Box],
) -> None:
    """Find the box of each unit, where units of one kind with the same parents share a box.

    (Whose parameters they borrow makes no difference: the squares of all weights are one box.)
    A chain, such as a + b + c + ..., is one box too: there a node has a node of its own kind
    for a parent. Leaves are one box if they are of one kind and used by the same boxes.
    """
    kinds: dict[Box, Any] = {}
    alike: dict[Any, Box] = {}
    taken: set[Box] = set()  # boxes that others are computed from: a chain ends there
    used_by: dict[Value, dict[Box, None]] = {}
    for unit in units:
        if _is_leaf(unit):
            used_by[unit] = {}
            continue
        above = dict.fromkeys(box_of[p] for p in parents(unit) if p in box_of)
        leaves = [p for p in parents(unit) if _is_leaf(p)]
        module = _module(unit)
        what = module or (unit.op, bool(borrowed(unit)))
        kind = what, frozenset(map(_sort, leaves))
        for box in above:
            same = above.keys() - {box} <= set(box.parents)
            if kinds[box] == kind and (same or not (box in taken or box.module)):
                break
        else:
            box = alike.setdefault((kind, frozenset(above)), Box(module))
        kinds[box] = kind
        box.units.append(unit)
        box.parents += [b for b in above if b not in (box, *box.parents)]
        box_of[unit] = box
        taken.update(b for b in above if b is not box)
        for leaf in leaves:
            used_by[leaf][box] = None
    for leaf, users in used_by.items():
        box = alike.setdefault((_sort(leaf), frozenset(users)), Box(None))
        box.units.append(leaf)
        box_of[leaf] = box
        for user in users:
            if box not in user.parents:
                user.parents.append(box)


def _is_leaf(unit: Any) -> bool:
    return isinstance(unit, Value) and not unit.parents


def _sort(leaf: Value) -> Any:
    """Constants are one sort of leaf; else those are which the same variable holds."""
    return type(leaf), label_of(leaf).split("[")[0]


def _module(unit: Any) -> Any:
    return unit.module if isinstance(unit, Call) else None


def _mark(v: Value, level: str) -> Any:
    """The outermost mark of this level on `v`, or None. (A module that hands on an input marks
    it too: that is a mark of whatever made the input, for us.)"""
    mark = getattr(v, "module", None)
    while mark and (mark[0].level != level or any(v is x for x in mark[1])):
        mark = mark[2]
    return mark


def _interior(order: list[Value], level: str) -> dict[Value, Call]:
    """The nodes inside a module's calls, leaves aside, each with its call."""
    calls: dict[Any, Call] = {}
    owner: dict[Value, Call] = {}
    for v in reversed(order):  # from the outside in: what is inside an outer call belongs to it
        if not (mark := _mark(v, level)):
            continue
        module, inputs, _ = mark
        call = calls.setdefault((id(module), id(inputs)), Call(module, inputs))
        if owner.get(v, call) is not call:
            continue
        call.outputs.append(v)
        ahead = [v]
        while ahead:
            n = ahead.pop()
            if n.parents and n not in owner and id(n) not in call.inputs:
                owner[n] = call
                ahead.extend(n.parents)
    if level == "neuron":  # a layer without neurons, such as a convolution, is a box at this level
        layers = _interior(order, "layer")
        made_of_neurons = {layers[v] for v in owner if v in layers}
        owner |= {v: call for v, call in layers.items() if call not in made_of_neurons}
    return owner


def _parameters(order: list[Value], owner: dict[Value, Any]) -> dict[Value, Call]:
    """The leaves that one module uses, and not as its inputs, each with a call of that module."""
    users: dict[Value, dict[Any, Call]] = {}
    inputs: set[Value] = set()
    for v in order:
        call = owner[v]
        for p in v.parents:
            if isinstance(call, Call) and not p.parents:
                if id(p) in call.inputs:
                    inputs.add(p)
                else:
                    users.setdefault(p, {})[id(call.module)] = call
    return {
        p: next(iter(calls.values()))
        for p, calls in users.items()
        if len(calls) == 1 and p not in inputs
    }
