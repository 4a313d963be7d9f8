"""The wrong-backprop lab: find the smallest graph on which a wrong `backward()` goes wrong.

from autograd.exercises.lab import Plain, smallest_failure

class Overwrites(Plain):
    def hand_on(self):
        for parent, partial in zip(self.parents, self.partials):
            parent.grad = partial * self.grad

smallest_failure(Overwrites)
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import autograd
from autograd.draw import draw
from autograd.exercises.outcome import same
from autograd.exercises.program import Program, programs_of_size


class Plain:
    """A Value with + and * and nothing else, whose `backward()` is right: change a part of it."""

    def __init__(self, data: float, parents: Any = (), partials: Any = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.partials = partials

    def __add__(self, other: Any) -> Any:
        return type(self)(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> Any:
        return type(self)(self.data * other.data, (self, other), (other.data, self.data))

    def hand_on(self) -> None:
        """Give each parent its part of this node's gradient."""
        for parent, partial in zip(self.parents, self.partials):
            parent.grad += partial * self.grad

    def backward(self) -> None:
        order = autograd.topological_order(self)
        for node in order:
            if node.parents:  # inner nodes start afresh, leaves add up
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            node.hand_on()


@dataclass(frozen=True)
class Finding:
    """The smallest failing graph; shows itself in a notebook with both answers, side by side."""

    program: Program
    steps: tuple[str, ...]  # what was done when the graph was there
    got: dict[str, float]
    expected: dict[str, float]
    tried: int  # graphs, this one included

    @property
    def text(self) -> str:
        """The program as a student would type it in, with its steps."""
        return "\n".join([self.program.source, *self.steps])

    def __repr__(self) -> str:
        rows = [
            f"{name}.grad: got {self.got[name]:g}, expected {self.expected[name]:g}"
            for name in self.expected
            if not same(self.got[name], self.expected[name])
        ]
        count = "the first graph of all" if self.tried == 1 else f"graph number {self.tried}"
        return "\n".join([self.text, *rows, f"({count}, from the smallest up)"])

    def svg(self) -> str:
        """Both graphs, the nodes in question lit. Raises RuntimeError without Graphviz."""
        pictures = []
        for title, answers in (("this backward()", self.got), ("the right one", self.expected)):
            nodes = _experiment(self.program, autograd.Value, self.steps)
            wrong = []
            for name, node in nodes.items():
                node.label, node.grad = name, answers[name]
                if not same(self.got[name], self.expected[name]):
                    wrong.append(node)
            pictures.append((title, draw(nodes[self.program.root], lit=wrong).svg))
        return side_by_side(pictures)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}


def smallest_failure(
    value_class: Callable[..., Any], *steps: str, most_ops: int = 3
) -> Finding | None:
    """The smallest graph of sums and products on which `value_class` differs from our engine.

    steps: Python lines that are run when the graph is there, in which `root` is its root and `a`,
    `b` its leaves; without any, `root.backward()`. None if every graph of up to `most_ops`
    operations comes out right.
    """
    tried = 0
    for n_ops in range(1, most_ops + 1):
        for program in programs_of_size(n_ops):
            tried += 1
            lines = tuple(
                re.sub(r"\broot\b", program.root, s) for s in steps or ("root.backward()",)
            )
            got, expected = (
                {name: float(v.grad) for name, v in _experiment(program, c, lines).items()}
                for c in (value_class, autograd.Value)
            )
            if not all(same(got[name], expected[name]) for name in expected):
                return Finding(program, lines, got, expected, tried)
    return None


def _experiment(program: Program, value_class: Any, steps: tuple[str, ...]) -> dict[str, Any]:
    nodes = program.run(value_class)
    exec("\n".join(steps), {}, dict(nodes))
    return nodes


def side_by_side(pictures: list[tuple[str, str]]) -> str:
    """One SVG of several (title, SVG), next to each other, or one below the other if that would
    be wider than a page.
    """
    head, gap, page = 26.0, 40.0, 800.0
    sizes = [
        [float(n) for n in islice(re.findall(r'(?:width|height)="([\d.]+)"', svg), 2)]
        for _, svg in pictures
    ]
    below = sum(w for w, _ in sizes) + gap * (len(sizes) - 1) > page
    x = y = width = height = 0.0
    parts = []
    for (title, svg), (w, h) in zip(pictures, sizes):
        inner = re.sub(r'\sid="[^"]*"', "", svg)  # an id may stand only once in a document
        inner = inner.replace("<svg ", f'<svg x="{x:g}" y="{y + head:g}" ', 1)
        text = f'<text x="{x + 6:g}" y="{y + 17:g}" font-weight="bold">{title}</text>'
        parts.append(text + inner)
        width, height = max(width, x + w), max(height, y + head + h)
        x, y = (0.0, height + gap / 2) if below else (x + w + gap, 0.0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" style="max-width:100%;height:auto" '
        'font-family="sans-serif" font-size="14">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>'
    )
