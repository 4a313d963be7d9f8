"""Worksheets for pencil and paper: a random graph with blanks, its answer key, and its marking."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograd import Value
from autograd.draw import Drawing
from autograd.exercises.outcome import same
from autograd.exercises.program import Program, leaf

LARGEST = 30  # no value and no gradient is bigger: that is still mental arithmetic
SIGNS = {"*": "×", "-": "−"}


@dataclass(frozen=True)
class Worksheet:
    """A graph whose values and gradients are to be filled in; shows itself in a notebook."""

    program: Program
    key: dict[str, float]  # the right answers by the names of the blanks: "c.data", "a.grad"

    @property
    def svg(self) -> str:
        """The sheet with its blanks. (`.svg` needs Graphviz: RuntimeError without.)"""
        return self._drawing({}).svg

    @property
    def answer_svg(self) -> str:
        """The same sheet with everything filled in."""
        return self._drawing(self.key).svg

    def mark(self, answers: Mapping[str, Any]) -> "Marks":
        """Compare filled-in answers, by the names of the blanks, with the key.

        Raises KeyError for a name that is not a blank of this sheet.
        """
        for name in answers:
            if name not in self.key:
                raise KeyError(f"{name!r} is not a blank; the blanks are {', '.join(self.key)}")
        right = [n for n in self.key if n in answers and _equal(answers[n], self.key[n])]
        notes = {n: self._note(n, answers.get(n)) for n in self.key if n not in right}
        return Marks(len(self.key), tuple(right), notes)

    def _note(self, name: str, answer: Any) -> str:
        if answer is None:
            return "still blank"
        node_name, _, field = name.partition(".")
        working = self._working(self.program.reference(), node_name, field)
        return f"you wrote {answer}; it is {working}{self.key[name]:g}"

    def _working(self, nodes: dict[str, Value], name: str, field: str) -> str:
        """How the number comes about, as in "2 × 3 + 1 × 1 = "."""
        node = nodes[name]
        if field == "data":
            a, b = node.parents
            return f"{a.data:g} {SIGNS.get(node.op, node.op)} {_bracket(b.data)} = "
        parts = [
            f"{_bracket(partial)} × {_bracket(child.grad)}"
            for child in nodes.values()
            for parent, partial in zip(child.parents, child.partials)
            if parent is node
        ]
        return " + ".join(parts) + " = " if parts else "the end of the graph, so it is "

    def _drawing(self, filled: Mapping[str, float]) -> Drawing:
        lines = [
            "digraph { rankdir=LR; nodesep=0.3; ranksep=0.5; bgcolor=white",
            'node [shape=box style=rounded fontname="sans-serif" fontsize=14]',
        ]
        nodes = self.program.reference()
        place = {node: i for i, node in enumerate(nodes.values())}
        for name, node in nodes.items():
            data = f"{node.data:g}" if not node.parents else _blank(filled, f"{name}.data")
            names = [p.label for p in node.parents]
            formula = f" = {names[0]} {SIGNS.get(node.op, node.op)} {names[1]}" if names else ""
            label = rf"{name}{formula}\lvalue  {data}\lgrad   {_blank(filled, f'{name}.grad')}\l"
            lines.append(f'n{place[node]} [label="{label}"]')
            lines += [f"n{place[p]} -> n{place[node]}" for p in node.parents]
        return Drawing("\n".join([*lines, "}"]), f"worksheet of {len(nodes)} nodes")

    def __repr__(self) -> str:
        return f"{self.program.source}\nFill in: {', '.join(self.key)}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}


@dataclass(frozen=True)
class Marks:
    """How many blanks are right, and a note for each that is not."""

    out_of: int
    right: tuple[str, ...]
    notes: dict[str, str]

    def __repr__(self) -> str:
        head = f"{len(self.right)} of {self.out_of} right."
        return "\n".join([head, *(f"  {name}: {note}" for name, note in self.notes.items())])


def worksheet(seed: int, n_nodes: int = 6) -> Worksheet:
    """A random sheet with `n_nodes` nodes, leaves included; equal seeds give equal sheets.

    All numbers are whole and at most 30 in size. Raises ValueError below 3 or above 10 nodes.
    """
    if not 3 <= n_nodes <= 10:
        raise ValueError(f"a worksheet has 3 to 10 nodes, but {n_nodes} were asked for")
    rng = random.Random(f"worksheet {seed} {n_nodes}")
    n_leaves = 2 if n_nodes < 7 else 3
    names = "abcdefghij"[:n_nodes]
    while True:
        lines = [leaf(n, float(rng.choice((-3, -2, -1, 1, 2, 3, 4, 5)))) for n in names[:n_leaves]]
        for i in range(n_leaves, n_nodes):
            a, b = rng.choice(names[max(0, i - 3) : i]), rng.choice(names[:i])
            lines.append(f"{names[i]} = {a} {rng.choice('++***-')} {b}")
        program = Program("\n".join(lines))
        if _kind(program):
            return Worksheet(program, _key(program))


def _kind(program: Program) -> bool:
    """Is everything used, small, and worth asking for?"""
    nodes = program.reference()
    used = {p for v in nodes.values() for p in v.parents}
    several = any(
        sum(p is v for w in nodes.values() for p in w.parents) > 1 for v in nodes.values()
    )
    return (
        len(used) == len(nodes) - 1
        and all(0 < abs(v.data) <= LARGEST and 0 < abs(v.grad) <= LARGEST for v in nodes.values())
        and (several or len(nodes) < 4)  # some gradients must add up
    )


def _key(program: Program) -> dict[str, float]:
    nodes = program.reference()
    data = {f"{name}.data": v.data for name, v in nodes.items() if v.parents}
    return data | {f"{name}.grad": v.grad for name, v in reversed(list(nodes.items()))}


def _blank(filled: Mapping[str, float], name: str) -> str:
    return f"{filled[name]:g}" if name in filled else "_____"


def _bracket(x: float) -> str:
    return f"({x:g})" if x < 0 else f"{x:g}"


def _equal(answer: Any, right: float) -> bool:
    if isinstance(answer, str):  # as it comes from a form: "6", " 6.0", "−2"
        answer = answer.strip().replace("−", "-")
        if not re.fullmatch(r"[+-]?\d+(\.\d*)?", answer):
            return False
    return answer is not None and same(float(answer), right)
