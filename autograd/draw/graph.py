"""`draw`: a graph as text for Graphviz, and so as a picture."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import ceil, hypot, isfinite, sqrt
from typing import Any

from autograd.draw.boxes import Box, boxes
from autograd.draw.measure import SIZE, width
from autograd.draw.names import markup, values_in
from autograd.draw.picture import Drawing
from autograd.graph import expand, walk
from autograd.labels import labels_of, module_paths
from autograd.steps import show
from autograd.value import Constant, Value

LARGEST = 1000  # boxes: above that, a picture is slow to lay out and nobody can read it
COUNTED = 100_000  # nodes: of a larger graph, a refusal does not say how large it is
LONGEST = 100  # characters of a label; Graphviz itself takes 16,384 for a whole box
SIGNS = {"*": "×", "/": "÷", "-": "−", "neg": "−", "**": "^", "sum": "Σ", "dot": "w·x"}
NBSP, TIMES = "\u00a0", "×"
STRUT = f'<FONT POINT-SIZE="15">{NBSP}</FONT>'  # keeps lines apart, and text off the right edge
INK, PALE, LINE = "#1c2733", "#5d6b7a", "#8793a1"  # text, less important text, lines
PANEL, MODULE, LIT = "#dfe5ec", "#f2eee3", "#c2185b"  # behind an op, a module; what is lit
POSITIVE, NEGATIVE = "#408cd2", "#f08228"  # no colour-blindness mixes blue and orange
NOT_FINITE = "#d64a95"
UP, DOWN = "▲", "▼"  # the sign of a gradient, for eyes and printers without colours
PADDING = 5  # points around the text of a cell


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
    mark: str = ""  # UP or DOWN, the sign of its gradient
    room: str = ""  # a text that a small card has room for, besides its own


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
    legend: bool = True,
) -> Drawing:
    """The graph that `root` was computed from (or several roots: a list, nested or not).

    level: "op" shows every node; "neuron" and "layer" show each neuron or layer of a network as
    one box, and what is outside of the network as ops. direction: "LR" or "TB". lit: nodes to
    outline, and edges, each as (child, place among its parents); at level "op" only. legend: say
    below the graph what its colours and marks mean.

    A jitted function (see `autograd.jit`) that has been called shows its arrays, each with the
    number of scalar nodes that it holds. Of parameters with the same label, such as the w0 of each
    neuron, each is shown by its path in the model, as far as that tells them apart.

    Gradients show once `backward()` has run. Raises ValueError above 1,000 boxes.
    """
    if hasattr(root, "boxes"):  # a jitted function
        return _draw_program(root.boxes, direction)
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
    if level == "op":  # each node is a box: count them before any work
        _refuse_above_largest(size(roots), level)
    shown_as = boxes(roots, level)
    _refuse_above_largest(len(shown_as), level)
    gradients = has_gradients(shown_as)
    scale = max((abs(v.grad) for b in shown_as for v in b.nodes if isfinite(v.grad)), default=0.0)
    naming = Naming.of(shown_as)
    cards = [card(box, naming, gradients, scale) for box in shown_as]
    connect(cards, shown_as, lit)
    told = describe(roots, naming, gradients)
    return Drawing(*as_dot(cards, direction, legend), told)


def size(roots: Iterable[Value]) -> int:
    """The number of nodes behind `roots`, or COUNTED + 1 if there are more than COUNTED."""
    roots = list(roots)
    if any(hasattr(v, "expand") for v in islice(walk(*roots), COUNTED + 1)):
        expand(*roots)
    return sum(1 for _ in islice(walk(*roots), COUNTED + 1))


def _refuse_above_largest(count: int, level: str) -> None:
    if count > LARGEST:
        number = f"{count:,}" if count <= COUNTED else f"more than {COUNTED:,}"
        raise ValueError(
            f'at level="{level}" this graph has {number} boxes, and above {LARGEST:,} '
            f"nobody can read the picture. {_ADVICE[level]}"
        )


_ADVICE = {
    "op": 'Try draw(root, level="neuron") or draw(root, level="layer"), which show a neuron or a '
    "layer as one box; or draw a part, such as the output for one example.",
    "neuron": 'Try draw(root, level="layer"), which shows a layer as one box.',
    "layer": "Draw a part of it, such as the output for one example.",
}


def has_gradients(shown_as: list[Box]) -> bool:
    """Whether backward() has run: after it, the root of the graph has a gradient at least."""
    return any(v.grad for box in shown_as for v in box.nodes if v.parents)


def _draw_program(boxes: Sequence[Any], direction: str) -> Drawing:
    """A jitted function: one box for all scalar nodes that look alike.

    boxes: each with name, op, shape, nodes, parents (by number), layer.
    """
    cards = []
    for box in boxes:
        shape = f" {TIMES} ".join(map(str, box.shape)) or "1 number"
        rows = [shape, _scalars(box.nodes), box.layer]
        card = Card(
            heading=box.name,
            formula="",
            sign=SIGNS.get(box.op, box.op) if box.nodes else "",
            rows=[row for row in rows if row],
            hover=f"{box.nodes:,} nodes of the scalar graph, in one array of shape {box.shape}",
            fill="white" if box.nodes else "#f2eee3",
            parents=[Edge(p, "") for p in box.parents],
        )
        cards.append(card)
    dot, _, hovers = as_dot(cards, direction)
    scalars = sum(box.nodes for box in boxes)
    return Drawing(dot, f"{scalars:,} scalar nodes in {len(cards)} boxes", hovers)


def _scalars(nodes: int) -> str:
    return f"{nodes:,} scalar node{'s' * (nodes > 1)}" if nodes else "input"


# --- what the boxes say ---------------------------------------------------------------------------


@dataclass
class Naming:
    """What the boxes are called: nodes by their labels, modules by their paths in the model."""

    labels: dict[Value, str]
    paths: dict[int, str]  # by id() of the module

    @classmethod
    def of(cls, shown_as: list[Box]) -> "Naming":
        nodes = [v for box in shown_as for v in box.nodes]
        nodes += [v for box in shown_as if box.module for v in box.leaves]
        labels = {v: _shown(label) for v, label in labels_of(nodes).items()}
        return cls(labels, module_paths(nodes))

    def path(self, box: Box) -> str:
        return self.paths.get(id(box.module), "")


def _shown(label: str) -> str:
    """A label as a box shows it: not overlong, and "" if there is nothing to see."""
    label = label.replace("\t", " ")
    return (label[:LONGEST] + "…" * (len(label) > LONGEST)) if label.strip() else ""


def card(box: Box, naming: Naming, gradients: bool, scale: float) -> Card:
    if box.module:
        return module_card(box, naming, gradients, scale)
    if len(box.units) == 1:
        return single(box.units[0], naming.labels, gradients, scale)
    return several(box, naming.labels, gradients)


def module_card(box: Box, naming: Naming, gradients: bool, scale: float) -> Card:
    """All calls of a module: its output if that is one number, its size, its gradient's size."""
    made = Card(box.module.name, "", "", [], "", MODULE)
    made.heading += f"  {TIMES} {len(box.units):,}" * (len(box.units) > 1)
    if path := naming.path(box):
        made.rows.append(path)
    if len(box.outputs) == 1:
        v = box.outputs[0]
        made.rows.append(f"data {show(v.data)}")
        if gradients:
            show_gradient(made, v.grad, scale)
    parameters = [v for v in box.leaves if not isinstance(v, Constant)]
    inside = f"{len({*box.nodes, *box.leaves}):,} nodes"
    made.rows.append(f"{len(parameters):,} parameters, {inside}" if parameters else inside)
    if gradients and parameters:
        made.rows.append(f"gradient norm {show(hypot(*[v.grad for v in parameters]))}")
    made.hover = made.heading + ": " + ", ".join(made.rows)
    return made


def show_gradient(made: Card, grad: float, scale: float) -> None:
    """A row with the gradient, and its sign twice: as a colour and as a mark."""
    made.rows.append(f"grad {show(grad)}")
    made.fill = tint(grad, scale) or made.fill
    made.mark = (UP if grad > 0 else DOWN) if grad and isfinite(grad) else ""


def several(box: Box, labels: dict[Value, str], gradients: bool) -> Card:
    """Nodes of the same kind, merged: how many, and the range of their numbers."""
    v = box.units[0]
    names = {labels[u].split("[")[0] for u in box.units}
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


def single(v: Value, labels: dict[Value, str], gradients: bool, scale: float) -> Card:
    """A node of its own: its name and its numbers."""
    sign, label = SIGNS.get(v.op, v.op), labels[v]
    if isinstance(v, Constant) and not label:
        return Card(show(v.data), "", sign, [], f"the constant {v.data!r}", "white", small=True)
    hover = f"{label or sign or 'a leaf'}: data {v.data!r}"
    made = Card(label, formula(v, labels), sign, [f"data {show(v.data)}"], hover, "white")
    if gradients or v.grad:  # a leaf may hold one from another graph
        show_gradient(made, v.grad, scale)
        made.hover += f", grad {v.grad!r}"
    return made


def formula(v: Value, labels: dict[Value, str]) -> str:
    """What a node with two parents computes, where both have a name or are plain numbers."""
    names = [labels[p] or (show(p.data) if isinstance(p, Constant) else "") for p in v.parents]
    if len(names) != 2 or not all(names) or v.op.isalpha() or len("".join(names)) > 12:
        return ""
    return f"{NBSP}= " * bool(labels[v]) + f"{names[0]} {SIGNS.get(v.op, v.op)} {names[1]}"


def tint(grad: float, scale: float) -> str:
    """Blue for a gradient above 0, orange below, the less transparent the larger; "" for 0."""
    if not isfinite(grad):
        return NOT_FINITE + "66"
    if not (grad and scale):  # no scale: the stepper colours its boxes itself
        return ""
    strength = 0.12 + 0.48 * sqrt(abs(grad) / scale)
    return f"{POSITIVE if grad > 0 else NEGATIVE}{round(255 * strength):02x}"


def describe(roots: list[Value], naming: Naming, gradients: bool) -> str:
    """The graph in a few sentences, for who cannot see it."""
    leaves = [v for v in naming.labels if not (v.parents or isinstance(v, Constant))]
    told = [_told(v, naming, gradients) for v in roots[:3]]
    results = "; ".join(told) + f" and {len(roots) - 3} more" * (len(roots) > 3)
    text = f"The result: {results}."
    if leaves and leaves != roots:
        inputs = "; ".join(_told(v, naming, gradients) for v in leaves[:12])
        more = f" and {len(leaves) - 12} more" * (len(leaves) > 12)
        text += f" Computed from: {inputs}{more}."
    return text


def _told(v: Value, naming: Naming, gradients: bool) -> str:
    name = naming.labels[v] or "a number without a name"
    return f"{name}, data {show(v.data)}" + f", grad {show(v.grad)}" * gradients


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


def as_dot(
    cards: list[Card], direction: str, legend: bool = False
) -> tuple[str, str, dict[str, str]]:
    """The DOT text, a line that describes it, and the hover texts by the ids of the elements.

    The i-th card is the node `n<i>`, and its k-th edge in has the id `n<i>_<k>`.
    """
    lines = [
        "digraph {",
        f"  graph [rankdir={direction} bgcolor=white pad=0.15 nodesep=0.22 ranksep=0.3 "
        'fontname="Arial"]',
        f'  node [shape=plain fontname="Arial" fontsize={SIZE} fontcolor="{INK}"]',
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
    if legend and (explained := key(cards)):
        lines.append(f"  graph [labelloc=b labeljust=l label=<{explained}>]")
    lines.append("}\n")
    return "\n".join(lines), f"graph of {len(cards)} nodes and {edges} edges", hovers


def key(cards: list[Card]) -> str:
    """The legend: a row for each colour and mark that these cards have, "" if they have none."""
    marks = {card.mark for card in cards}
    fills = {card.fill[:7] for card in cards}
    rows = []
    if UP in marks:
        rows.append(
            (POSITIVE + "80", UP, "gradient above 0: raise this number, and the result rises")
        )
    if DOWN in marks:
        rows.append(
            (NEGATIVE + "80", DOWN, "gradient below 0: raise this number, and the result falls")
        )
    if rows:
        rows[-1] = (*rows[-1][:2], rows[-1][2] + "; stronger colour: by more")
    if NOT_FINITE in fills:
        rows.append((NOT_FINITE + "66", "!", "gradient not finite"))
    if rows and any(card.small for card in cards):
        rows.append(("white", "2", "dashed: a constant, which gets no gradient"))
    if any(card.lit for card in cards):
        rows.append(("white", "━", "outlined: what this picture is about"))
    lines = [_key_row(*row) for row in rows]
    return f'<TABLE BORDER="0" CELLSPACING="3" CELLPADDING="2">{"".join(lines)}</TABLE>' * bool(
        rows
    )


def _key_row(fill: str, mark: str, words: str) -> str:
    dashed = ' STYLE="DASHED"' * (mark == "2")
    colour = LIT if mark == "━" else LINE
    swatch = cell(f'<FONT POINT-SIZE="11">{text(mark)}</FONT>', 11, [mark],
                  f' BORDER="1" COLOR="{colour}"{dashed} BGCOLOR="{fill}"')  # fmt: skip
    told = f'<FONT POINT-SIZE="11">{text(words, PALE)}</FONT><BR ALIGN="LEFT"/>'
    return f"<TR>{swatch}{cell(told, 11, [words])}</TR>"


def table(card: Card, direction: str) -> str:
    """A card as a table in Graphviz's HTML-like language: the op beside the rest, or above it."""
    left = '<BR ALIGN="LEFT"/>'
    if card.small:
        look = f'COLOR="{LINE}" STYLE="ROUNDED,DASHED"'
        cells = [cell(text(card.heading, PALE) + left, SIZE, [card.heading, card.room])]
    else:
        look = f'COLOR="{LIT}" BORDER="3"' if card.lit else f'COLOR="{LINE}"'
        head = f"<B>{text(card.heading)}</B>" if card.heading else ""
        head += text(card.formula, PALE) if card.formula else ""
        rows = [row for row in [head, *map(text, card.rows)] if row]
        content = "".join(f"{row}{STRUT}{left}" for row in rows)
        cells = [cell(content, SIZE, card.rows, least=head_width(card))]
        if card.sign:
            sign = f"<B>{text(card.sign)}</B>{left}"
            cells.insert(
                0, cell(sign, SIZE, [], f' BGCOLOR="{PANEL}"', width(card.sign, bold=True))
            )
        if card.mark:
            cells.append(cell(text(card.mark, PALE) + left, SIZE, [card.mark], ' VALIGN="BOTTOM"'))
    if direction == "LR":
        cells = ["".join(cells)]
    return (
        f'<TABLE {look} BGCOLOR="{card.fill}" CELLBORDER="0" CELLSPACING="0" '
        f'CELLPADDING="{PADDING}">' + "".join(f"<TR>{c}</TR>" for c in cells) + "</TABLE>"
    )


def head_width(card: Card) -> float:
    """The width of the first line, which is partly bold; a label may have several lines."""
    lines = card.heading.split("\n")
    wide = [width(line, bold=True) for line in lines]
    wide[-1] += width(card.formula)
    return max(wide)


def cell(
    content: str, size: float, lines: Iterable[str], look: str = "", least: float = 0.0
) -> str:
    """A cell at least as wide as these lines of text, whatever the font (see measure.py)."""
    wide = max([least, *[width(line, size) for line in lines]])
    return f'<TD ALIGN="LEFT"{look} WIDTH="{ceil(wide) + 2 * PADDING}">{content}</TD>'


def text(words: str, colour: str = INK) -> str:
    words = markup(words).replace("\\", r"\\")  # Graphviz takes \N for the name of the node
    return f'<FONT COLOR="{colour}">{words}</FONT>'.replace("\n", '<BR ALIGN="LEFT"/>')
