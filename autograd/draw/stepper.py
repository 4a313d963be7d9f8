"""`stepper`: both passes over a graph, to click through and to change, as one HTML page.

The page is data (the graph, its boxes, its frames), the ops in JavaScript (javascript.py), the
arithmetic (engine.js) and what moves (stepper.js, quiz.js, training.js). Without scripts it shows
the picture with its final numbers and all the sentences.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from autograd.draw.boxes import Box, boxes
from autograd.draw.frames import Frames, Update, number, target
from autograd.draw.graph import LARGEST, NBSP, UP, Card, Naming, as_dot, card, connect, size
from autograd.draw.javascript import as_json, source, spell_ops, spelled
from autograd.draw.picture import Drawing, NoGraphviz
from autograd.graph import topological_order
from autograd.labels import module_paths, names_of
from autograd.number import number as as_number
from autograd.ops import OPS
from autograd.steps import Forward, need_value, show
from autograd.value import Constant, Value

FEW = 15  # nodes: a larger graph of several neurons is shown by neuron
MOST_NODES = 50_000  # of a graph; its boxes are at most LARGEST
GAP = 0.8  # inches from column to column: room for the local derivative on the edge
TYPICAL = "-0.0001234"  # every box has room for a number as long as this one
TRUST = (
    "No buttons above, or nothing moves? Then scripts are blocked here: trust the notebook (in "
    "JupyterLab: View, Activate Command Palette, Trust Notebook), or open in a browser the file "
    'that .save("steps.html") writes.'
)
WORDS = "And there are all the steps in words: for step in steps(root): print(step)"


def stepper(
    root: Value,
    quiz: bool = False,
    *,
    parameters: Any = None,
    examples: Sequence[Mapping[Any, Any]] = (),
    lr: float = 0.1,
) -> "Stepper":
    """Both passes over the graph of `root`, to step through and to change, in HTML.

    It shows itself in a notebook; `.save("steps.html")` writes a page that any browser opens,
    without a network. Every leaf can be typed over or dragged, and all numbers, gradients and
    sentences follow. quiz: ask for each new number before showing it. A network of several
    neurons is shown by neuron: a click opens one, and there is the choice to step op by op. Like
    `steps(root)`, it only looks on.

    parameters: a module or a list of leaves. With them the steps go on after the backward pass:
    the update `p.data -= lr * p.grad`, then the next forward pass, and so on. lr: the learning
    rate to begin with. examples: what the reader may send through, each a dict with a number for
    some leaves, by the leaf or by its label: `[{"x": 1.0, "t": 2.0}, ...]`.

    Raises ValueError for a graph of more than 1,000 boxes, and for parameters or examples that
    are not leaves of it.
    """
    return Stepper(root, quiz, parameters, examples, lr)


class Stepper:
    """What `stepper` returns. html: the whole page. frames: what it shows at each step."""

    def __init__(
        self,
        root: Value,
        quiz: bool,
        parameters: Any = None,
        examples: Sequence[Mapping[Any, Any]] = (),
        lr: float = 0.1,
    ) -> None:
        need_value(root, "stepper(loss)")
        self.root, self.quiz, self.rate = root, quiz, as_number(lr)
        if size([root]) > MOST_NODES:
            raise _too_large(f"more than {MOST_NODES:,} nodes")
        self._order = topological_order(root)
        self._index = {v: i for i, v in enumerate(self._order)}
        self._boxes = _boxes(root, len(self._order))
        self._names = dict(names_of(self._order))
        self._parameters = self._known_parameters(parameters)
        self._examples = [self._known_example(example) for example in examples]
        place = {v: i for i, box in enumerate(self._boxes) for v in box.nodes}
        self._faces = [_face(box, place) for box in self._boxes]
        self._name_modules()
        self._frames = Frames(root, self._boxes, self._names, self._parameters, self.rate)
        self.frames = [self._frame(group) for group in self._frames.groups]

    def save(self, path: str | Path) -> None:
        """Write the page, which needs nothing but a browser, to `path` (x.html)."""
        Path(path).write_text(self.html, encoding="utf-8")

    def __repr__(self) -> str:
        return f"<stepper of {len(self.frames)} steps through {len(self._boxes)} boxes>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        try:
            page = self.html
        except NoGraphviz as error:  # a notebook shows it as it is, without a traceback
            return {"text/plain": f"{self!r}\n{error}\n{WORDS}"}
        frame = in_frame(page, repr(self)[1:-1], self._height, TRUST)
        return {"text/html": frame, "text/plain": repr(self)}

    # --- what the caller gave ---------------------------------------------------------------------

    def _known_parameters(self, parameters: Any) -> list[Value]:
        if parameters is None:
            return []
        if hasattr(parameters, "parameters"):  # a module
            parameters = parameters.parameters()
        found = [p for p in dict.fromkeys(parameters) if p in self._index and not p.parents]
        if not found:
            raise ValueError(
                "parameters are leaves that the loss was computed from, as in "
                "stepper(loss, parameters=[w, b]) or stepper(loss, parameters=model); none of "
                "these is one."
            )
        return found

    def _known_example(self, example: Mapping[Any, Any]) -> dict[int, float]:
        if not isinstance(example, Mapping):
            raise TypeError(
                "an example is a dict with a number for each input leaf, such as "
                f'{{"x": 1.0, "t": 2.0}}, but this is {example!r:.60}.'
            )
        return {self._leaf(key): as_number(x) for key, x in example.items()}

    def _leaf(self, key: Any) -> int:
        by_name = {self._names[v]: v for v in self._order if not v.parents}
        leaf = by_name.get(key) if isinstance(key, str) else key
        if not isinstance(leaf, Value) or leaf.parents or leaf not in self._index:
            inputs = [name for name, v in by_name.items() if not isinstance(v, Constant)]
            raise ValueError(
                f"{key!r:.60} is no leaf of this graph, so no example can set it. Name inputs by "
                f"their labels, as in Value(1.0, 'x'); its leaves are {', '.join(inputs[:8])}."
            )
        return self._index[leaf]

    # --- the picture ------------------------------------------------------------------------------

    def _name_modules(self) -> None:
        """A neuron is called by its path in the model; in a second call, `... (call 2)`."""
        paths = module_paths(self._order)
        calls: dict[str, int] = {}
        for box, face in zip(self._boxes, self._faces):
            if box.module and face is not None:
                name = paths.get(id(box.module)) or box.module.level
                calls[name] = calls.get(name, 0) + 1
                again = f" (call {calls[name]})" if calls[name] > 1 else ""
                self._names[face] = name + again

    @cached_property
    def _picture(self) -> tuple[str, float, float]:
        """The graph as SVG elements without any colours, and its width and height."""
        naming = Naming.of(self._boxes)
        cards = [self._card(box, face, naming) for box, face in zip(self._boxes, self._faces)]
        connect(cards, self._boxes, ())
        dot, text, hovers = as_dot(cards, "LR")
        dot = dot.rstrip().removesuffix("}") + f"  ranksep={GAP}\n}}\n"
        final: dict[tuple[int, int], str] = {}
        for i, face in enumerate(self._faces):
            if face is not None and not face.parents:
                final[i, 0] = show(face.data)
        for group, frame in zip(self._frames.groups, self.frames):
            if not isinstance(group[0], Update):  # (the picture stands before the update)
                final |= {(i, row): words for i, row, words in frame["set"]}
        shown = [face is not None for face in self._faces]
        return compact(Drawing(dot, text, hovers).svg, shown, final)

    def _card(self, box: Box, face: Value | None, naming: Naming) -> Card:
        made = card(box, naming, False, 0.0)
        if face is not None:
            if made.formula and not naming.labels[face]:
                made.formula = f"{NBSP}= {made.formula}"
            if box.module or not naming.labels[face]:
                made.heading = self._names[face]
            made.rows = [f"data {TYPICAL}", f"grad {TYPICAL}"]
            made.mark = UP
        elif made.small:
            made.room = "-0.123"
        return made

    @property
    def _height(self) -> int:
        more = 60 * bool(self._parameters) + 50 * self.quiz
        return round(min(max(self._picture[2] * 1.3, 190), 420) + 350 + more)

    @cached_property
    def html(self) -> str:
        """The page: the graph, its steps and the program, all in one."""
        svg, width, height = self._picture
        name = self._names[self.root]
        found = [(v.op, len(v.parents)) for v in self._order if v.parents and spelled(v.op)]
        kinds = {kind: i for i, kind in enumerate(dict.fromkeys(found))}
        parts = {
            "<!--title-->": escape(f"{name}, step by step"),
            "/*style*/": source("stepper.css"),
            "<!--described-->": escape(self._described()),
            "<!--graph-->": svg,
            "<!--view-->": f"0 0 {width:g} {height:g}",
            "<!--steps-->": "".join(self._sentences()),
            "<!--data-->": as_json({"width": width, "height": height, **self._data(kinds)}),
            "/*ops*/": spell_ops(kinds),
            "/*engine*/": source("engine.js"),
            "/*quiz*/": source("quiz.js"),
            "/*training*/": source("training.js"),
            "/*script*/": source("stepper.js"),
        }
        return fill(source("stepper.html"), parts)

    def _described(self) -> str:
        return f"The graph of {self._names[self.root]}: {len(self._order)} nodes."

    def _sentences(self) -> Iterator[str]:
        """All the steps in words, as items of a list."""
        for frame in self.frames:
            formula, reason = escape("".join(frame["text"])), escape(frame["why"])
            yield f'<li dir="auto"><b>{formula}</b> {reason}</li>'

    # --- as data ----------------------------------------------------------------------------------

    def _data(self, kinds: dict[tuple[str, int], int]) -> dict[str, Any]:
        unknown = [v for v in self._order if v.parents and not spelled(v.op)]
        return {
            "root": self._names[self.root],
            "quiz": self.quiz,
            "live": not unknown,
            "graph": self._graph(kinds),
            "boxes": [self._box(i) for i in range(len(self._boxes))],
            "frames": self._frames.as_data(self._index),
            "examples": [
                {str(i): _plain(x) for i, x in example.items()} for example in self._examples
            ],
            "rate": _plain(self.rate),
        }

    def _graph(self, kinds: dict[tuple[str, int], int]) -> dict[str, Any]:
        """The graph as engine.js takes it."""
        order, index = self._order, self._index
        place = self._frames.place
        return {
            "names": [self._names[v] for v in order],
            "kind": [kinds.get((v.op, len(v.parents)), -1) for v in order],
            "symbol": [v.op for v in order],
            "parents": [[index[p] for p in v.parents] for v in order],
            "leaves": {index[v]: _plain(v.data) for v in order if not v.parents},
            "constants": [index[v] for v in order if isinstance(v, Constant)],
            "recorded": dict(self._recorded()),
            "held": {index[v]: _plain(v.grad) for v in order if v.grad and not v.parents},
            "parameters": [index[p] for p in self._parameters],
            "place": [place[v] for v in order],
        }

    def _recorded(self) -> Iterator[tuple[int, list[Any]]]:
        """The nodes whose numbers don't follow from what their parents hold now."""
        for v in self._order:
            if v.parents and not _follows(v):
                step = Forward(v, v.op, tuple([p.data for p in v.parents]), v.data, self._names)
                partials = [_plain(d) for d in v.partials]
                yield self._index[v], [_plain(v.data), partials, step.changed]

    def _box(self, i: int) -> dict[str, Any]:
        box, face = self._boxes[i], self._faces[i]
        place = {b: k for k, b in enumerate(self._boxes)}
        constant = None
        if face is None and len(box.units) == 1 and isinstance(box.units[0], Constant):
            constant = self._index[box.units[0]]
        return {
            "face": None if face is None else self._index[face],
            "constant": constant,
            "parents": [place[p] for p in box.parents],
            "alone": self._frames.alone(i),
            "module": box.module.name if box.module else "",
        }

    def _frame(self, group: list[Any]) -> dict[str, Any]:
        """A frame in words, with the texts that it writes: [box, 0 for data, 1 for grad, text]."""
        changed = {}
        for step in group:
            owner = target(step)
            i = self._frames.place[owner]
            if self._faces[i] is owner:
                row = 0 if isinstance(step, (Forward, Update)) else 1
                changed[i, row] = show(number(step))
        written = [[i, row, text] for (i, row), text in changed.items()]
        return self._frames.told(group) | {"set": written}


def _boxes(root: Value, nodes: int) -> list[Box]:
    """One box for each node, or for each neuron where there are several."""
    found = None
    if nodes > FEW:
        by_neuron = boxes([root], "neuron")
        if sum(bool(box.module) for box in by_neuron) > 1:
            found = by_neuron
    if found is None:
        if nodes > LARGEST:
            raise _too_large(f"{nodes:,} boxes")
        found = boxes([root], "op")
    if len(found) > LARGEST:
        raise _too_large(f"{len(found):,} boxes")
    return found


def _too_large(what: str) -> ValueError:
    return ValueError(
        f"this graph has {what}, and above {LARGEST:,} boxes nobody can follow them. Step through "
        "a part, such as the loss of one example; or read the sentences: "
        "for step in steps(root): print(step)"
    )


def _follows(v: Value) -> bool:
    """Whether the op, applied to what the parents hold now, gives what the node holds."""
    if not spelled(v.op):
        return False
    inputs = [p.data for p in v.parents]
    result = OPS[v.op].forward(*inputs)
    again = (result, *OPS[v.op].partials(result, *inputs))
    return all(a == b or (a != a and b != b) for a, b in zip(again, (v.data, *v.partials)))


def _plain(x: float) -> Any:  # JSON has no inf and no NaN
    return x if x - x == 0 else repr(x).replace("inf", "Infinity").replace("nan", "NaN")


def _face(box: Box, place: dict[Value, int]) -> Value | None:
    """The node whose numbers a box shows: itself, or of one call of a module, its one result."""
    if len(box.units) > 1 or (isinstance(box.units[0], Constant) and not box.units[0].label):
        return None
    inner = {p for v in box.nodes for p in v.parents}
    results = [v for v in box.nodes if v not in inner]
    return results[0] if len(results) == 1 else None


# --- pages ----------------------------------------------------------------------------------------


def fill(page: str, parts: Mapping[str, str]) -> str:
    """`page` with each mark replaced by its part; marks inside of parts stay as they are."""
    pieces = re.split("(" + "|".join(map(re.escape, parts)) + ")", page)
    return "".join(parts.get(piece, piece) for piece in pieces)


def in_frame(page: str, title: str, height: int, note: str) -> str:
    """The page in a frame of its own, for a notebook: it may run scripts, and nothing else.

    In one line: a notebook file holds a text as a list of lines, and JupyterLite shows a list of
    several with commas between them, also inside a script. note: for where scripts are blocked.
    """
    inside = page.replace("&", "&amp;").replace("'", "&#39;").replace("\n", "&#10;")
    return (
        f"<iframe srcdoc='{inside}' sandbox='allow-scripts' title='{escape(title)}' "
        f"class='glassgrad' style='width:100%;height:{height}px;border:0;color-scheme:normal'>"
        f"</iframe><p><style>{_THEMES}</style><small>{escape(note)}</small></p>"
    )


# A page in a frame is dark where the system is; JupyterLab and VS Code have a theme of their own.
_THEMES = "".join(
    f"[data-jp-theme-light={light}] iframe.glassgrad,.vscode-{scheme} iframe.glassgrad"
    f"{{color-scheme:{scheme}!important}}"
    for light, scheme in (("true", "light"), ("false", "dark"))
)


def compact(
    svg: str, faces: Sequence[bool], final: Mapping[tuple[int, int], str]
) -> tuple[str, float, float]:
    """Graphviz' SVG with a third of the text: classes for colours, a rectangle for a box.

    Returns the elements of the graph, its width and its height. Group `n<i>` is box i; where
    `faces[i]`, its last three texts, of the classes d, g and mark, are for the data, the gradient
    and its sign; `final` has what they say by box and row.
    """
    page = ElementTree.fromstring(svg)
    graph = page.find(f"{TAG}g")
    assert graph is not None
    width, height = (float(x) for x in page.attrib["viewBox"].split()[2:])
    moved = re.search(r"translate\(([-\d.]+)[ ,]([-\d.]+)\)", graph.attrib["transform"])
    assert moved
    shift = float(moved[1]), float(moved[2])
    edges, nodes = [], []
    for group in graph.iter(f"{TAG}g"):
        if group.get("class") == "edge":
            edges.append(_edge(group, shift))
        elif group.get("class") == "node":
            i = int(group.attrib["id"][1:])
            words = (final.get((i, 0), ""), final.get((i, 1), "")) if faces[i] else None
            nodes.append(_node(group, words, shift))
    return "".join([*edges, *nodes]), width, height


TAG = "{http://www.w3.org/2000/svg}"


def _edge(group: ElementTree.Element, shift: tuple[float, float]) -> str:
    path, arrow = [e for e in group if e.tag != f"{TAG}title"][:2]
    return (
        f'<g id="{group.get("id")}" class="edge">'
        f'<path d="{_rounded(path.attrib["d"], shift)}"/>'
        f'<path class="tip" d="M{_rounded(arrow.attrib["points"], shift)}z"/></g>'
    )


def _node(
    group: ElementTree.Element, words: tuple[str, str] | None, shift: tuple[float, float]
) -> str:
    texts = [e for e in group if e.tag == f"{TAG}text"]
    shapes = [e for e in group if e.tag in (f"{TAG}polygon", f"{TAG}path")]
    parts = [_rectangle(shapes[0], "card", shift)]
    parts += [_rectangle(b, "sign", shift) for b in shapes[1:] if b.get("fill") != "none"]
    looks = ["" if t.get("font-weight") else "pale" for t in texts]
    says = [t.text or "" for t in texts]
    known = " known"
    if words:
        looks[-3:] = ["d", "g", "mark"]
        data, grad = words
        mark = {"-": "▼", "0": ""}.get(grad[:2], {"-": "▼"}.get(grad[:1], "▲"))
        says[-3:] = [data and f"data {data}", grad and f"grad {grad}",
                     "" if grad in ("", "0", "-0", "nan") else mark]  # fmt: skip
        known += " felt" * bool(grad) + {"▲": " up", "▼": " down"}.get(says[-1], "")
    for text, look, say in zip(texts, looks, says):
        x, y = _rounded(f"{text.get('x')},{text.get('y')}", shift).split(",")
        mark = f' class="{look}"' if look else ""
        fit = "" if look in ("d", "g", "mark") else _fit(text)
        parts.append(f'<text x="{x}" y="{y}"{mark}{fit}>{escape(say, quote=False)}</text>')
    return f'<g id="{group.get("id")}" class="node{known}">{"".join(parts)}</g>'


def _fit(text: ElementTree.Element) -> str:
    """The width that a text was given; the page's script takes it back where there is room."""
    return f' textLength="{text.get("textLength")}" lengthAdjust="spacingAndGlyphs"'


_PAIR = re.compile(r"(-?[\d.]+),(-?[\d.]+)")


def _rounded(points: str, shift: tuple[float, float]) -> str:
    """Coordinates with one decimal, from the picture's upper left corner."""

    def pair(found: re.Match[str]) -> str:
        x, y = float(found[1]) + shift[0], float(found[2]) + shift[1]
        return f"{x:.1f},{y:.1f}".replace(".0", "")

    return _PAIR.sub(pair, points)


def _rectangle(shape: ElementTree.Element, look: str, shift: tuple[float, float]) -> str:
    pairs = _PAIR.findall(shape.get("points") or shape.attrib["d"])
    inset = 2 if look == "sign" else 0  # the border of the card stays visible
    xs, ys = [float(x) + shift[0] for x, _ in pairs], [float(y) + shift[1] for _, y in pairs]
    return (
        f'<rect class="{look}" x="{min(xs) + inset:.1f}" y="{min(ys) + inset:.1f}" '
        f'width="{max(xs) - min(xs) - inset:.1f}" height="{max(ys) - min(ys) - 2 * inset:.1f}"/>'
    )
