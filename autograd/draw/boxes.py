"""What a picture of a graph shows as one box: a node, or all the nodes of a module's calls.

A module of `nn` marks its outputs: `v.module = (module, inputs, inner)`. Walking back from the
marked outputs to the inputs of that call finds the nodes that belong to it. So a mark is all
that a network stores while it trains; the rest is found when somebody wants a picture.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from autograd.graph import topological_order
from autograd.value import Constant, Value

MERGE_ABOVE = 60  # boxes: in a larger picture, boxes of one kind become one box with a count


class Call:
    """One call of a module: the outputs that it marked and the nodes that led to them."""

    def __init__(self, module: Any, inputs: Iterable[Any]) -> None:
        self.module = module
        self.inputs = set(map(id, inputs))
        self.outputs: list[Value] = []
        self.nodes: list[Value] = []
        self.parents: dict[Any, None] = {}  # the nodes and calls outside that it works on


class Box:
    """Nodes that a picture shows as one, and the boxes that they were computed from.

    module: the one whose calls these are, or None. units: these calls, or single nodes (one,
    unless boxes were merged). parents: with repeats where the box is a single node. borrowed:
    those parents of which it uses only parameters, as a penalty on weights does.
    """

    def __init__(self, module: Any, kind: Any, parents: "Iterable[Box]") -> None:
        self.module = module
        self.kind = kind
        self.parents = list(parents)
        self.borrowed: set[Box] = set()
        self.units: list[Any] = []
        self.taken = False  # whether it is the parent of another box

    @property
    def nodes(self) -> list[Value]:
        """All the nodes inside, parents before children."""
        return [v for unit in self.units for v in (unit.nodes if self.module else [unit])]


def boxes(roots: Sequence[Value], level: str) -> list[Box]:
    """The graph of `roots` as boxes, parents before children, at level op, neuron or layer."""
    order = topological_order(*roots)
    owner: dict[Value, Any] = {v: v for v in order}  # what shows it: a call, or a box of its own
    uses: dict[Value, dict[Any, Any]] = {}
    if level != "op":
        owner |= _interior(order, level)
        uses = _uses_of_leaves(order, owner)
        for leaf, use in uses.items():
            calls = [call for call in use.values() if call]
            if len(calls) == 1 and not any(what == "input" for what, _ in use):
                owner[leaf] = calls[0]  # a parameter of this module, and of no other
    for v in order:
        call = owner[v]
        if isinstance(call, Call):
            call.nodes.append(v)
            for p in v.parents:
                if id(p) in call.inputs or _module(owner[p]) is not call.module:
                    call.parents[owner[p]] = None

    def parents(unit: Any) -> Any:
        return unit.parents if isinstance(unit, Call) else [owner[p] for p in unit.parents]

    units = topological_order(*dict.fromkeys(owner[r] for r in roots), parents=parents)
    merge = level != "op" and len(units) > MERGE_ABOVE
    box_of: dict[Any, Box] = {}
    alike: dict[Any, Box] = {}
    for unit in units:
        above = [box_of[p] for p in parents(unit) if p in box_of]
        new = Box(_module(unit), _kind(unit, uses.get(unit, ())), above)
        if not new.module:
            new.borrowed = {box_of[owner[p]] for p in unit.parents if not p.parents and owner[p] is not p}
        box_of[unit] = box = _merged(new, alike) if merge else new
        box.units.append(unit)
    return list(dict.fromkeys(box_of.values()))


def _kind(unit: Any, uses: Iterable[Any]) -> Any:
    """What units have in common that one box may show: the module, the op, the use of a leaf."""
    if module := _module(unit):
        return id(module)
    if unit.parents:
        return unit.op
    return type(unit), unit.label.split("[")[0], frozenset(uses)


def _merged(new: Box, alike: dict[Any, Box]) -> Box:
    """The box among those before that can show what `new` does, or else `new` itself.

    One of the same kind with the same parents can. (Whose parameters they borrow makes no
    difference: the squares of all weights are one box.) And a chain, such as a + b + c + ...,
    is one box: there a node has a node of its own kind for a parent.
    """
    for box in new.parents:
        rest = set(new.parents) - {box}
        if box.kind == new.kind and (rest <= set(box.parents) or not (box.taken or box.module)):
            break
    else:
        own = frozenset(new.parents) - new.borrowed
        box = alike.setdefault((new.kind, own, bool(new.borrowed)), new)
    above = [b for b in new.parents if b is not box]
    for parent in above:
        parent.taken = True
    box.parents = list(dict.fromkeys(box.parents + above))
    box.borrowed |= new.borrowed
    return box


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


def _uses_of_leaves(order: list[Value], owner: dict[Value, Any]) -> dict[Value, dict[Any, Any]]:
    """For every leaf, what it is used for; with a call of the module whose parameter it is."""
    uses: dict[Value, dict[Any, Any]] = {}
    for v in order:
        call = owner[v]
        for p in v.parents:
            if p.parents:
                continue
            if not isinstance(call, Call):
                use, by = ("op", v.op), None
            elif id(p) in call.inputs:
                use, by = ("input", id(call.module)), None
            else:
                use, by = ("parameter", id(call.module)), call
            uses.setdefault(p, {})[use] = by
    return uses
