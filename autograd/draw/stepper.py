"""`stepper`: both passes over a graph, to click through, as one self-contained HTML page.

What moves is in stepper.js and what it looks like in stepper.css; here the steps become data:
for each one the sentence, the boxes and edges to light, and the texts to write into the picture.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from autograd.draw.boxes import Box, boxes
from autograd.draw.graph import LARGEST, NBSP, Card, as_dot, card, connect
from autograd.draw.picture import Drawing, NoGraphviz
from autograd.graph import topological_order
from autograd.steps import Backward, Earlier, Forward, Seed, Step, names_of, need_value, show, steps
from autograd.value import Constant, Value

BY_NEURON = 100  # nodes: a larger graph of a network steps by neuron
GAP = 0.8  # inches from column to column: room for the local derivative on the edge
HERE = Path(__file__).parent
TRUST = (
    "No buttons above, or nothing moves? Then scripts are blocked here: trust the notebook (in "
    "JupyterLab: View, Activate Command Palette, Trust Notebook), or open in a browser the file "
    'that .save("steps.html") writes.'
)
WORDS = "And there are all the steps in words: for step in steps(root): print(step)"


def stepper(root: Value, quiz: bool = False) -> "Stepper":
    """Both passes over the graph of `root`, to step through forwards and backwards, in HTML.

    It shows itself in a notebook; `.save("steps.html")` writes a page that any browser opens,
    without a network. quiz: ask for each new number before showing it. A network of more than
    100 nodes is shown, and stepped through, by neuron. Like `steps(root)`, it only looks on.
    Raises ValueError for a graph of more than 1,000 boxes.
    """
    return Stepper(root, quiz)


class Stepper:
    """What `stepper` returns. html: the whole page. frames: what it shows at each step."""

    def __init__(self, root: Value, quiz: bool) -> None:
        need_value(root, "stepper(loss)")
        self.root = root
        self.quiz = quiz
        order = topological_order(root)
        self._boxes = boxes([root], "op")
        if len(order) > BY_NEURON:
            by_neuron = boxes([root], "neuron")
            if any(box.module for box in by_neuron):
                self._boxes = by_neuron
        if len(self._boxes) > LARGEST:
            raise ValueError(
                f"this graph has {len(self._boxes):,} boxes, and above {LARGEST:,} nobody can "
                "follow them. Step through a part, such as the loss of one example; or read the "
                "sentences: for step in steps(root): print(step)"
            )
        self._place = {v: i for i, box in enumerate(self._boxes) for v in box.nodes}
        self._faces = [_face(box, self._place) for box in self._boxes]
        self._names = dict(names_of(order))
        called: Counter[str] = Counter()
        for box, face in zip(self._boxes, self._faces):
            if box.module and face is not None:
                called[box.module.level] += 1
                self._names[face] = f"{box.module.level}{called[box.module.level]}"
        self.frames = self._all_frames()

    def save(self, path: str | Path) -> None:
        """Write the page, which needs nothing but a browser, to `path` (x.html)."""
        Path(path).write_text(self.html, encoding="utf-8")

    def __repr__(self) -> str:
        return f"<stepper of {len(self.frames)} steps through {len(self._boxes)} boxes>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        try:
            page = self.html.replace("&", "&amp;").replace("'", "&#39;")
        except NoGraphviz as error:  # a notebook shows it as it is, without a traceback
            return {"text/plain": f"{self!r}\n{error}\n{WORDS}"}
        # In one line: a notebook file holds a text as a list of lines, and JupyterLite shows a
        # list of several with commas between them, also inside a script.
        page = page.replace("\n", "&#10;")
        frame = (
            f"<iframe srcdoc='{page}' sandbox='allow-scripts' title='{escape(repr(self)[1:-1])}' "
            f"style='width:100%;height:{self._height}px;border:0;color-scheme:normal'></iframe>"
            f"<p><small>{escape(TRUST)}</small></p>"
        )
        return {"text/html": frame, "text/plain": repr(self)}

    # --- the picture ------------------------------------------------------------------------------

    @cached_property
    def _picture(self) -> tuple[str, float, float]:
        """The graph as SVG elements without any colours, and its width and height."""
        widest = [("", "") for _ in self._boxes]  # so that every text fits into its box
        for frame in self.frames:
            for i, row, text in frame["set"]:
                texts = list(widest[i])
                texts[row] = max(texts[row], text, key=len)
                widest[i] = (texts[0], texts[1])
        cards = [self._card(*each) for each in zip(self._boxes, self._faces, widest)]
        connect(cards, self._boxes, ())
        dot, text, hovers = as_dot(cards, "LR")
        dot = dot.rstrip().removesuffix("}") + f"  ranksep={GAP}\n}}\n"
        return compact(Drawing(dot, text, hovers).svg, [f is not None for f in self._faces])

    def _card(self, box: Box, face: Value | None, widest: tuple[str, str]) -> Card:
        made = card(box, False, 0.0)
        if face is not None:
            if box.module:
                made.formula = f"{NBSP}{NBSP}{made.heading}"
            elif made.formula and not face.label:
                made.formula = f"{NBSP}= {made.formula}"
            if box.module or not face.label:
                made.heading = self._names[face]
            made.rows = [f"data {widest[0]}", f"grad {widest[1]}"]
        return made

    @property
    def _height(self) -> int:
        return round(min(max(self._picture[2] * 1.3, 160), 420) + (275 if self.quiz else 225))

    @cached_property
    def html(self) -> str:
        """The page: the graph, its steps and the program, all in one."""
        svg, width, height = self._picture
        name = self._names[self.root]
        data = {
            "width": width,
            "height": height,
            "root": name,
            "quiz": self.quiz,
            "start": [
                [i, show(f.data)]
                for i, f in enumerate(self._faces)
                if f is not None and not f.parents
            ],
            "steps": self.frames,
        }
        parts = {
            "<!--title-->": escape(f"{name}, step by step"),
            "/*style*/": _file("stepper.css"),
            "<!--graph-->": svg,
            "<!--data-->": json.dumps(data, ensure_ascii=False, separators=(",", ":"))
            .replace("<", "\\u003c")
            .replace("\u2028", "\\u2028"),
            "/*script*/": _file("stepper.js"),
        }
        page = re.split("|".join(map(re.escape, parts)), _file("stepper.html"))
        return "".join(a + b for a, b in zip(page, [*parts.values(), ""]))

    # --- the steps --------------------------------------------------------------------------------

    def _all_frames(self) -> list[dict[str, Any]]:
        stream = [
            replace(step, names=self._names)
            for step in steps(self.root)
            if isinstance(step, Seed) or not isinstance(_target(step), Constant)
        ]
        users = Counter(step.parent for step in stream if isinstance(step, Backward))
        return [self._frame(group, users) for group in self._groups(stream)]

    def _groups(self, stream: Sequence[Step]) -> Iterator[list[Step]]:
        """Steps that are shown as one: each its own, or all those of a box in one pass.

        Taking the steps box by box may change the order in which a gradient receives its
        contributions, so what it holds before and after each is added up again.
        """
        groups: dict[Any, list[Step]] = {}
        for step in stream:
            i = self._place[step.node]
            groups.setdefault(id(step) if self._alone(i) else (i, type(step)), []).append(step)
        passes: dict[type, list[list[Step]]] = {}
        for group in groups.values():
            passes.setdefault(type(group[0]), []).append(group)
        yield from sorted(passes.get(Forward, []), key=lambda g: self._place[g[0].node])
        yield from passes[Seed]
        held: dict[Value, float] = {}
        for group in sorted(passes.get(Backward, []), key=lambda g: -self._place[g[0].node]):
            for k, step in enumerate(group):
                assert isinstance(step, Backward)
                before = held.get(step.parent, 0.0)
                held[step.parent] = after = before + step.contribution
                group[k] = replace(step, before=before, after=after)
            yield group
        yield from passes.get(Earlier, [])

    def _alone(self, i: int) -> bool:
        """Whether box i is a single node, so that each of its steps is shown by itself."""
        return not self._boxes[i].module and len(self._boxes[i].units) == 1

    def _frame(self, group: list[Step], users: Counter[Value]) -> dict[str, Any]:
        """What the page needs to show this step; stepper.js says what it does with it."""
        step = group[-1]
        if isinstance(step, Backward):  # of several, the one that leaves the box tells the story
            here = self._place[step.node]
            outward = [s for s in group if self._place[s.parent] != here]  # type: ignore[union-attr]
            step = max(outward or [step], key=lambda s: abs(s.contribution))  # type: ignore
        formula, numbers, result, remark = step.parts
        edges, changed = [], {}
        for s in group:
            owner = _target(s)
            i, row = self._place[owner], 0 if isinstance(s, Forward) else 1
            if self._faces[i] is owner:
                number = s.result if isinstance(s, Forward) else 1.0
                number = s.after if isinstance(s, (Backward, Earlier)) else number
                changed[i, row] = show(number)
            edges += self._edges(s)
        main = _target(step)
        frame = {
            "kind": type(step).__name__,
            "text": [formula, numbers, result, remark],
            "why": _why(step, users) if len(group) == 1 else self._why_many(group),
            "on": self._place[main],
            "by": self._place[step.node],
            "edges": list(dict.fromkeys(edges)),
            "set": [[i, row, text] for (i, row), text in changed.items()],
        }
        if isinstance(step, Backward) and len(group) == 1:
            frame["slope"] = show(step.partial)
        if self.quiz:
            frame["quiz"] = _quiz(step)
        return frame

    def _edges(self, step: Step) -> list[str]:
        """The ids of the edges that the step uses."""
        i = self._place[step.node]
        parents = self._boxes[i].parents
        if isinstance(step, Forward):
            ends = [*range(len(parents))] if self._alone(i) else self._between(i, step.node.parents)
        elif isinstance(step, Backward):
            ends = [step.position] if self._alone(i) else self._between(i, (step.parent,))
        else:
            ends = []
        return [f"n{i}_{k}" for k in ends]

    def _between(self, i: int, others: Sequence[Value]) -> list[int]:
        above = {self._place[v] for v in others}
        places = {box: k for k, box in enumerate(self._boxes)}
        return [k for k, box in enumerate(self._boxes[i].parents) if places[box] in above]

    def _why_many(self, group: list[Step]) -> str:
        if isinstance(group[0], Forward):
            first = "; then ".join([str(step) for step in group[:2]])
            if len(group) < 3:
                return f"Inside this box: {first}."
            return f"{len(group)} steps inside this box, shown as one. The first: {first}; ..."
        here = self._place[group[0].node]
        ends = {s.parent for s in group if isinstance(s, Backward)}
        outside = sum(self._place[v] != here for v in ends)
        inside = sum(not v.parents and self._place[v] == here for v in ends)
        return (
            f"{len(group)} steps inside this box, shown as one; one of them is written above. "
            f"They hand its gradient on, to {inside} parameters and {outside} inputs."
        )


def _target(step: Step) -> Value:
    """The node whose number the step sets."""
    return step.parent if isinstance(step, Backward) else step.node


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _face(box: Box, place: dict[Value, int]) -> Value | None:
    """The node whose numbers a box shows: itself, or of one call of a module, its one result."""
    if len(box.units) > 1 or (isinstance(box.units[0], Constant) and not box.units[0].label):
        return None
    inner = {p for v in box.nodes for p in v.parents}
    results = [v for v in box.nodes if v not in inner]
    return results[0] if len(results) == 1 else None


def _why(step: Step, users: Counter[Value]) -> str:
    """The step in words, for somebody who sees it for the first time."""
    names = step.names
    name = names[step.node]
    match step:
        case Forward():
            slopes = [
                f"∂{name}/∂{names[p]} = {show(d)}"
                for p, d in zip(step.node.parents, step.node.partials)
                if not isinstance(p, Constant)
            ]
            if len(slopes) > 3:
                return "Noted for the way back: the local derivative for each input."
            return "Noted for the way back: " + ", ".join(dict.fromkeys(slopes)) + "."
        case Backward():
            return _why_backward(step, names[step.parent], name, users[step.parent])
        case Earlier():
            return (
                f"Leaves keep what they hold until somebody calls zero_grad(): {name} had "
                f"{show(step.held)} from before, and the new gradient is added to it."
            )
    return f"The way back begins here: when {name} moves, {name} moves by just as much."


def _why_backward(step: Backward, parent: str, child: str, uses: int) -> str:
    if step.position and step.parent in step.node.parents[: step.position]:
        return (
            f"Why += and not =? {child} uses {parent} more than once, and each use counts: "
            f"{show(step.before)} so far, and now {show(step.contribution)} more."
        )
    if step.before:
        return (
            f"Why += and not =? {parent} is used in {uses} places, so the result feels it in "
            f"{uses} ways, and they add up: {show(step.before)} so far, and now "
            f"{show(step.contribution)} more through {child}."
        )
    if not step.partial:
        return f"The slope is 0: {child} does not react to {parent} here, so nothing goes through."
    more = "" if uses < 2 else f" (The first of {uses} contributions: more will be added.)"
    return (
        f"The chain rule: {child} moves {show(step.partial)} times as much as {parent}, and the "
        f"result {show(step.upstream)} times as much as {child}; through {child}, that makes "
        f"{show(step.contribution)}.{more}"
    )


def _quiz(step: Step) -> dict[str, Any]:
    """The question, the answer with its tolerance, and numbers that give a mistake away."""
    formula, numbers, _, _ = step.parts
    if isinstance(step, Forward):
        terms = step.inputs if step.op in ("+", "-", "sum") else (step.result,)
        if step.op == "dot":
            n = len(step.inputs) // 2
            terms = tuple(w * x for w, x in zip(step.inputs, step.inputs[n:]))
        ask = f"What is {step.names[step.node]}.data?"
        answer, hint = step.result, formula + numbers.removesuffix(" → ")
        wrong = {}
    elif isinstance(step, Backward):
        ask = f"What is {formula.partition(' += ')[0]} after this step?"
        answer, terms = step.after, (step.before, step.contribution)
        hint = f"{formula} = {show(step.partial)} · {show(step.upstream)}"
        hint += f", added to {show(step.before)}" if step.before else ""
        wrong = {
            "contribution": step.contribution,
            "partial": step.partial,
            "upstream": step.upstream,
            "sum": step.partial + step.upstream,
        }
    else:
        ask = f"What is {step.names[step.node]}.grad now?"
        answer = step.after if isinstance(step, Earlier) else 1.0
        hint, terms, wrong = formula, (answer,), {}
    scale = max((abs(t) for t in (answer, *terms) if math.isfinite(t)), default=0.0)
    return {
        "ask": ask,
        "hint": hint,
        "answer": _text(answer),
        "within": 0.005 * scale + 1e-9,
        "wrong": {what: _text(x) for what, x in wrong.items()},
    }


def _text(x: float) -> str:  # JSON has no inf and no NaN
    return repr(float(x)).replace("inf", "Infinity").replace("nan", "NaN")


def compact(svg: str, faces: Sequence[bool]) -> tuple[str, float, float]:
    """Graphviz' SVG with a third of the text: classes for colours, a rectangle for a box.

    Returns the elements of the graph, its width and its height. Group `n<i>` is box i; where
    `faces[i]`, its last two texts, of the classes d and g, are for the data and the gradient.
    """
    page = ElementTree.fromstring(svg)
    tag = "{http://www.w3.org/2000/svg}"
    graph = page.find(f"{tag}g")
    assert graph is not None
    width, height = (float(x) for x in page.attrib["viewBox"].split()[2:])
    moved = re.search(r"translate\(([-\d.]+)[ ,]([-\d.]+)\)", graph.attrib["transform"])
    assert moved
    shift = float(moved[1]), float(moved[2])
    edges, nodes = [], []
    for group in graph.iter(f"{tag}g"):
        name, kind = group.get("id"), group.get("class")
        if kind == "edge":
            path, arrow = group[1], group[2]
            edges.append(
                f'<g id="{name}" class="edge"><path d="{_rounded(path.attrib["d"], shift)}"/>'
                f'<path class="tip" d="M{_rounded(arrow.attrib["points"], shift)}z"/></g>'
            )
        elif kind == "node" and name:
            texts = [e for e in group if e.tag == f"{tag}text"]
            boxes = [e for e in group if e.tag in (f"{tag}polygon", f"{tag}path")]
            parts = [_rectangle(boxes[0], "card", shift)]
            signs = [b for b in boxes[1:] if b.get("fill") != "none"]
            parts += [_rectangle(b, "sign", shift) for b in signs]
            classes = ["" if t.get("font-weight") else "pale" for t in texts]
            if faces[int(name[1:])]:
                classes[-2:] = ["d", "g"]
            for text, look in zip(texts, classes):
                x, y = _rounded(f"{text.get('x')},{text.get('y')}", shift).split(",")
                words = "" if look in ("d", "g") else escape(text.text or "", quote=False)
                mark = f' class="{look}"' if look else ""
                parts.append(f'<text x="{x}" y="{y}"{mark}>{words}</text>')
            nodes.append(f'<g id="{name}" class="node">{"".join(parts)}</g>')
    return "".join([*edges, *nodes]), width, height


_PAIR = re.compile(r"(-?[\d.]+),(-?[\d.]+)")


def _rounded(points: str, shift: tuple[float, float]) -> str:
    """Coordinates with one decimal, from the picture's upper left corner."""

    def pair(found: re.Match[str]) -> str:
        return f"{float(found[1]) + shift[0]:.1f},{float(found[2]) + shift[1]:.1f}".replace(
            ".0", ""
        )

    return _PAIR.sub(pair, points)


def _rectangle(shape: ElementTree.Element, look: str, shift: tuple[float, float]) -> str:
    pairs = _PAIR.findall(shape.get("points") or shape.attrib["d"])
    inset = 2 if look == "sign" else 0  # the border of the card stays visible
    xs, ys = [float(x) + shift[0] for x, _ in pairs], [float(y) + shift[1] for _, y in pairs]
    return (
        f'<rect class="{look}" x="{min(xs) + inset:.1f}" y="{min(ys) + inset:.1f}" '
        f'width="{max(xs) - min(xs) - inset:.1f}" height="{max(ys) - min(ys) - 2 * inset:.1f}"/>'
    )
