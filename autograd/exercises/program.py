"""Small programs that build graphs: the experiments of the checker, the lab and the worksheets.

A program is plain Python text such as

    a = Value(2.0)
    b = a + a
    c = b * a

so a student can type it in, any class that behaves like a Value can run it, and it can be drawn.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import autograd

PLAIN = ("{a} + {b}", "{a} * {b}")
ARITHMETIC = (*PLAIN, "{a} - {b}", "{a} / {b}", "{a} ** 2", "{a} ** 3", "-{a}")
WITH_NUMBERS = (
    "{a} + 2",
    "2 + {a}",
    "{a} * 3",
    "3 * {a}",
    "{a} - 4",
    "4 - {a}",
    "{a} / 2",
    "2 / {a}",
)
FUNCTIONS = ("{a}.tanh()", "{a}.exp()", "{a}.log()", "{a}.relu()")
EVERYTHING = (*ARITHMETIC, *WITH_NUMBERS, *FUNCTIONS)


@dataclass(frozen=True)
class Program:
    """Lines `name = expression`; the last name is the root."""

    source: str

    def run(self, value_class: Any) -> dict[str, Any]:
        """The named nodes, in order, made by `value_class`."""
        names: dict[str, Any] = {}
        exec(self.source, {"Value": value_class, "__builtins__": {}}, names)
        return names

    @property
    def root(self) -> str:
        return self.source.rsplit("\n", 1)[-1].split(" ", 1)[0]

    def reference(self) -> dict[str, autograd.Value]:
        """The named nodes of our own engine, labelled, after `backward()`."""
        nodes: dict[str, autograd.Value] = self.run(autograd.Value)
        for name, node in nodes.items():
            node.label = name
        nodes[self.root].backward()
        return nodes


def leaf(name: str, data: float) -> str:
    return f"{name} = Value({data})"


def random_program(
    rng: random.Random, n_ops: int, templates: Sequence[str] = EVERYTHING, n_leaves: int = 2
) -> Program:
    """A program of `n_ops` operations whose numbers stay tame: no overflow, no kink, no 0/0."""
    while True:
        names = list("abcdefghijklmnopqrstuvwxyz"[:n_leaves])
        lines = [leaf(n, rng.choice((-3.0, -2.0, -1.5, -0.5, 0.5, 1.5, 2.0, 3.0))) for n in names]
        for _ in range(n_ops):
            recent = names[-3:]  # so that most of what is made is used again
            a, b = rng.choice(recent), rng.choice(names)
            names.append(chr(ord(names[-1]) + 1))
            lines.append(f"{names[-1]} = {rng.choice(templates).format(a=a, b=b)}")
        program = Program("\n".join(lines))
        if _tame(program):
            return program


def _tame(program: Program) -> bool:
    nodes = program.reference()
    return all(0.05 < abs(v.data) < 50 and abs(v.grad) < 500 for v in nodes.values())


def programs_of_size(n_ops: int, leaves: Sequence[float] = (2.0, 3.0)) -> Iterator[Program]:
    """Every program of `n_ops` sums and products in which each node is used, up to renaming."""
    for n_leaves in range(1, len(leaves) + 1):
        names = "abcdefghij"[: n_leaves + n_ops]
        head = [leaf(n, data) for n, data in zip(names, leaves[:n_leaves])]
        choices = [
            [
                (f"{names[k]} = " + template.format(a=a, b=b), {a, b})
                for a, b in product(names[:k], repeat=2)
                for template in PLAIN
            ]
            for k in range(n_leaves, n_leaves + n_ops)
        ]
        for steps in product(*choices):
            used = set().union(*(parents for _, parents in steps))
            if used == set(names[:-1]):
                yield Program("\n".join([*head, *(line for line, _ in steps)]))
