"""`draw`: a graph as text for Graphviz, and so as a picture."""

from collections.abc import Collection
from dataclasses import dataclass, field
from math import hypot, isfinite, sqrt
from typing import Any

from autograd.draw.boxes import Box, boxes
from autograd.draw.names import markup, values_in
from autograd.draw.picture import Drawing
from autograd.steps import show
from autograd.value import Constant, Value

LARGEST = 1000  # boxes: above that, a picture is slow to lay out and nobody can read it
SIGNS = {"*": "×", "/": "÷", "-": "−", "neg": "−", "**": "^", "sum": "Σ", "dot": "w·x"}
NBSP, TIMES = "\u00a0", "×"
STRUT = f'<FONT POINT-SIZE="15">{NBSP}</FONT>'  # keeps lines apart, and text off the right edge
INK, PALE, LINE = "#1c2733", "#5d6b7a", "#8793a1"  # text, less important text, lines
PANEL, MODULE, LIT = "#dfe5ec", "#f2eee3", "#c2185b"  # behind an op, a module; what is lit
POSITIVE, NEGATIVE = (64, 140, 210), (240, 130, 40)  # no colour-blindness mixes blue and orange


@dataclass
class Card:
    """What one box of the picture says. rows: lines of text below the heading."""

    heading: str
    formula: str  # " = a + b", where its parents have names
    sign: str  # of its op, "" for a leaf
    rows: list[str]
    hover: str
    fill: str
    parents: list["Edge"] = field(default_factory=list)
    lit: bool = False
    ordered: bool = False  # its first parent above its second, as in a - b
    small: bool = False  # a constant: a number and nothing else


@dataclass
class Edge:
    parent: int  # the card that it comes from
    hover: str
    lit: bool = False
    borrowed: bool = False  # only parameters of that card are used


def draw(
    root: Any,
    level: str = "op",
    direction: str = "LR",
    *,
    lit: Collection[Value | tuple[Value, int]] = (),
) -> Drawing:
    """The graph that `root` was computed from (or several roots: a list, nested or not).

    level: "op" shows every node; "neuron" and "layer" show each neuron or layer of a network as
    one box, and what is outside of the network as ops. direction: "LR" or "TB". lit: nodes to
    outline, and edges, each as (child, place among its parents); at level "op" only.

    A jitted function (see `autograd.jit`) that has been called shows its arrays, each with the
    number of scalar nodes that it holds.

    Gradients show once `backward()` has run. Raises ValueError above 1,000 boxes.
    """
    if hasattr(root, "boxes"):  # a jitted function
        from autograd.draw.program import draw_program

        return draw_program(root.boxes, direction)
    roots = values_in(root)
    if not roots:
        raise TypeError(
            f"draw() needs a Value or a list of them, but this is {root!r:.60}. "
            "Give it a result: draw(loss), or draw(model(x)) for the output of a network."
        )
    if level not in _ADVICE:
        raise ValueError(f'level is "op", "neuron" or "layer", but not {level!r}')
    if direction not in ("LR", "TB"):
        raise ValueError(f'direction is "LR" (to the right) or "TB" (down), but not {direction!r}')
    shown_as = boxes(roots, level)
    if len(shown_as) > LARGEST:
        raise ValueError(
            f'at level="{level}" this graph has {len(shown_as):,} boxes, and above {LARGEST:,} '
            f"nobody can read the picture. {_ADVICE[level]}"
        )
    gradients = has_gradients(shown_as)
    scale = max((abs(v.grad) for b in shown_as for v in b.nodes if isfinite(v.grad)), default=0.0)
    cards = [card(box, gradients, scale) for box in shown_as]
    connect(cards, shown_as, lit)
    return Drawing(*as_dot(cards, direction))


_ADVICE = {
    "op": 'Try draw(root, level="neuron") or draw(root, level="layer"), which show a neuron or a '
    "layer as one box; or draw a part, such as the output for one example.",
    "neuron": 'Try draw(root, level="layer"), which shows a layer as one box.',
    "layer": "Draw a part of it, such as the output for one example.",
}


def has_gradients(shown_as: list[Box]) -> bool:
    """Whether backward() has run: after it, the root of the graph has a gradient at least."""
    return any(v.grad for box in shown_as for v in box.nodes if v.parents)


# --- what the boxes say ---------------------------------------------------------------------------


def card(box: Box, gradients: bool, scale: float) -> Card:
    if box.module:
        return module_card(box, gradients, scale)
    if len(box.units) == 1:
        return single(box.units[0], gradients, scale)
    return several(box, gradients)


def module_card(box: Box, gradients: bool, scale: float) -> Card:
    """All calls of a module: its output if that is one number, its size, its gradient's size."""
    rows, fill = [], MODULE
    if len(box.outputs) == 1:
        v = box.outputs[0]
        rows.append(f"data {show(v.data)}")
        if gradients:
            rows.append(f"grad {show(v.grad)}")
            fill = tint(v.grad, scale)
    parameters = [v for v in box.leaves if not isinstance(v, Constant)]
    inside = f"{len({*box.nodes, *box.leaves}):,} nodes"
    rows.append(f"{len(parameters):,} parameters, {inside}" if parameters else inside)
    if gradients and parameters:
        rows.append(f"gradient norm {show(hypot(*[v.grad for v in parameters]))}")
    heading = box.module.name + f"  {TIMES} {len(box.units):,}" * (len(box.units) > 1)
    return Card(heading, "", "", rows, heading + ": " + ", ".join(rows), fill)


def several(box: Box, gradients: bool) -> Card:
    """Nodes of the same kind, merged: how many, and the range of their numbers."""
    v = box.units[0]
    names = {u.label.split("[")[0] for u in box.units}
    name = names.pop() if len(names) == 1 else ""
    rows = [span("data", [u.data for u in box.units])]
    if gradients and not isinstance(v, Constant):
        rows.append(span("grad", [u.grad for u in box.units]))
    kind = "constants" if isinstance(v, Constant) else "nodes" if v.parents else "leaves"
    heading = f"{name} {TIMES} {len(box.units):,}" if name else f"{len(box.units):,} {kind}"
    return Card(heading, "", SIGNS.get(v.op, v.op), rows, f"{heading}: {', '.join(rows)}", "white")


def span(name: str, numbers: list[float]) -> str:
    low, high = show(min(numbers)), show(max(numbers))
    return f"{name} {low}" + f" to {high}" * (low != high)


def single(v: Value, gradients: bool, scale: float) -> Card:
    """A node of its own: its name and its numbers."""
    sign = SIGNS.get(v.op, v.op)
    if isinstance(v, Constant) and not v.label:
        return Card(show(v.data), "", sign, [], f"the constant {v.data!r}", "white", small=True)
    rows, hover = [f"data {show(v.data)}"], f"{v.label or sign or 'a leaf'}: data {v.data!r}"
    fill = "white"
    if gradients or v.grad:  # a leaf may hold one from another graph
        rows.append(f"grad {show(v.grad)}")
        hover += f", grad {v.grad!r}"
        fill = tint(v.grad, scale)
    return Card(v.label, formula(v), sign, rows, hover, fill)


def formula(v: Value) -> str:
    """What a node with two parents computes, where both have a name or are plain numbers."""
    names = [p.label or show(p.data) if isinstance(p, Constant) else p.label for p in v.parents]
    if len(names) != 2 or not all(names) or v.op.isalpha() or len("".join(names)) > 12:
        return ""
    return f"{NBSP}= " * bool(v.label) + f"{names[0]} {SIGNS.get(v.op, v.op)} {names[1]}"


def tint(grad: float, scale: float) -> str:
    """Blue for a gradient above 0, orange below, the stronger the larger; the text stays dark."""
    if not isfinite(grad):
        return "#f3b4d6"
    if not (grad and scale):  # no scale: the stepper colours its boxes itself
        return "white"
    strength = 0.12 + 0.48 * sqrt(abs(grad) / scale)
    r, g, b = (round(255 + strength * (c - 255)) for c in (POSITIVE if grad > 0 else NEGATIVE))
    return f"#{r:02x}{g:02x}{b:02x}"


def connect(cards: list[Card], shown_as: list[Box], lit: Collection[Any]) -> None:
    """Give every card its edges: an edge for each parent of a node, with repeats (`x * x`)."""
    place = {box: i for i, box in enumerate(shown_as)}
    for card, box in zip(cards, shown_as):
        card.parents = [Edge(place[p], "", borrowed=p in box.borrowed) for p in box.parents]
        if box.module or len(box.units) > 1:
            continue
        v = box.units[0]
        card.lit = v in lit
        card.ordered = v.op in ("-", "/", "**")
        for i, edge in enumerate(card.parents):
            edge.hover = f"local derivative {v.partials[i]!r}"
            edge.lit = (v, i) in lit


# --- Graphviz -------------------------------------------------------------------------------------


def as_dot(cards: list[Card], direction: str) -> tuple[str, str, dict[str, str]]:
    """The DOT text, a line that describes it, and the hover texts by the ids of the elements.

    The i-th card is the node `n<i>`, and its k-th edge in has the id `n<i>_<k>`.
    """
    lines = [
        "digraph {",
        f"  graph [rankdir={direction} bgcolor=white pad=0.15 nodesep=0.22 ranksep=0.3]",
        f'  node [shape=plain fontname="sans-serif" fontsize=13 fontcolor="{INK}"]',
        f'  edge [color="{LINE}" arrowsize=0.6]',
    ]
    hovers, edges = {}, 0
    for i, card in enumerate(cards):
        hovers[f"n{i}"] = card.hover
        order = " ordering=in" * card.ordered
        lines.append(f"  n{i} [id=n{i} label=<{table(card, direction)}>{order}]")
        for k, edge in enumerate(card.parents):
            edges += 1
            hovers[f"n{i}_{k}"] = edge.hover
            look = f' color="{LIT}" penwidth=2.5' if edge.lit else " style=dashed" * edge.borrowed
            lines.append(f"  n{edge.parent} -> n{i} [id=n{i}_{k}{look}]")
    lines.append("}\n")
    return "\n".join(lines), f"graph of {len(cards)} nodes and {edges} edges", hovers


def table(card: Card, direction: str) -> str:
    """A card as a table in Graphviz's HTML-like language: the op beside the rest, or above it."""
    if card.small:
        look, cells = f'COLOR="{LINE}" STYLE="ROUNDED,DASHED"', [cell(text(card.heading, PALE))]
    else:
        look = f'COLOR="{LIT}" BORDER="3"' if card.lit else f'COLOR="{LINE}"'
        head = f"<B>{text(card.heading)}</B>" if card.heading else ""
        head += text(card.formula, PALE) if card.formula else ""
        rows = [row for row in [head, *map(text, card.rows)] if row]
        cells = [cell("".join(f'{row}{STRUT}<BR ALIGN="LEFT"/>' for row in rows))]
        if card.sign:
            cells.insert(0, cell(f"<B>{text(card.sign)}</B>", f' BGCOLOR="{PANEL}"'))
    if direction == "LR":
        cells = ["".join(cells)]
    return (
        f'<TABLE {look} BGCOLOR="{card.fill}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="5">'
        + "".join(f"<TR>{c}</TR>" for c in cells)
        + "</TABLE>"
    )


def cell(content: str, look: str = "") -> str:
    return f"<TD{look}>{content}</TD>"


def text(words: str, colour: str = INK) -> str:
    words = markup(words).replace("\\", r"\\")  # Graphviz takes \N for the name of the node
    return f'<FONT COLOR="{colour}">{words}</FONT>'.replace("\n", '<BR ALIGN="LEFT"/>')
