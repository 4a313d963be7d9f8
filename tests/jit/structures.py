"""Random structures of arguments: lists in tuples in dicts, dataclasses, arrays, batches of pairs.

A `Layout` says where a program's numbers are: `fill` puts them there, `read` is what a user's code
does to find them again, in the same order. A leaf is ("parameter", "number" or "index"; which).
"""

import random
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Leaf = tuple[str, int]
Pair = namedtuple("Pair", "first second")


@dataclass
class Record:
    """A user's own class, as one passes a batch around."""

    name: str
    content: Any
    rest: Any


@dataclass(frozen=True)
class Layout:
    kind: str  # leaf, list, tuple, dict, record, pair, array or matrix
    parts: tuple[Any, ...]  # Layouts; of a leaf its Leaf, of arrays their Leaves
    by_index: bool = False  # read as x[0], x[1] instead of by a loop
    rows: int = 0  # of a matrix


def plain(leaves: list[Leaf]) -> list[Layout]:
    """(parameters, numbers, indices), each a list."""
    kinds = ("parameter", "number", "index")
    return [
        Layout("list", tuple([Layout("leaf", leaf) for leaf in leaves if leaf[0] == kind]))
        for kind in kinds
    ]


def layouts(rng: random.Random, leaves: list[Leaf]) -> list[Layout]:
    """One Layout for each of a few arguments, with all the leaves."""
    parameters, numbers, indices = [[x for x in leaves if x[0] == kind] for kind in
                                    ("parameter", "number", "index")]  # fmt: skip
    batch = examples(rng, numbers, indices) if rng.random() < 0.4 else [
        *runs(rng, numbers), *runs(rng, indices)]  # fmt: skip
    groups = [nested(rng, parameters)] if rng.random() < 0.6 else list(runs(rng, parameters))
    if rng.random() < 0.3:  # Values and numbers in one structure
        return [collection(rng, [*groups, *batch])]
    return [*groups, collection(rng, batch)] if rng.random() < 0.6 else [*groups, *batch]


def examples(rng: random.Random, numbers: list[Leaf], indices: list[Leaf]) -> list[Layout]:
    """[(features, label), ...]: a batch, or one token with its features."""
    chunks = split(rng, numbers, len(indices))
    pairs = []
    for chunk, index in zip(chunks, indices):
        label = Layout("leaf", index)
        features = Layout("leaf", chunk[0]) if len(chunk) == 1 else nested(rng, chunk)
        order = (features, label) if rng.random() < 0.6 else (label, features)
        pairs.append(Layout(rng.choice(["tuple", "list", "pair"]), order if chunk else (label,)))
    rest = [leaf for chunk in chunks[len(indices) :] for leaf in chunk]
    batch = [Layout("list", tuple(pairs))] if rng.random() < 0.7 else pairs
    return [*batch, nested(rng, rest)] if rest else batch


def split(rng: random.Random, leaves: list[Leaf], parts: int) -> list[list[Leaf]]:
    """Runs of one length, as the rows of a batch have, or of any."""
    if rng.random() < 0.6:
        n = max(1, len(leaves) // parts)
        chunks = [leaves[i * n : (i + 1) * n] for i in range(parts)]
        return [*chunks, leaves[parts * n :]]
    cuts = sorted(rng.choices(range(len(leaves) + 1), k=parts - 1))
    return [leaves[i:j] for i, j in zip([0, *cuts], [*cuts, len(leaves)])]


def runs(rng: random.Random, leaves: list[Leaf]) -> Iterator[Layout]:
    for chunk in split(rng, leaves, rng.randint(1, 3)):
        if chunk:
            yield nested(rng, chunk)


def nested(rng: random.Random, leaves: list[Leaf], depth: int = 2) -> Layout:
    """A list of the leaves; an array, where they are numbers; or something deeper."""
    flat = tuple([Layout("leaf", leaf) for leaf in leaves])
    numbers = all(kind != "parameter" for kind, _ in leaves)
    if leaves and numbers and rng.random() < 0.3:
        rows = rng.choice([r for r in range(1, len(leaves) + 1) if len(leaves) % r == 0])
        kind = rng.choice(["array", "matrix"])
        return Layout(kind, tuple(leaves), rng.random() < 0.3, rows if kind == "matrix" else 0)
    if depth == 0 or len(leaves) < 2 or rng.random() < 0.4:
        return Layout(rng.choice(["list", "list", "tuple"]), flat, rng.random() < 0.3)
    chunks = [c for c in split(rng, leaves, rng.randint(2, 4)) if c]
    return collection(rng, [nested(rng, chunk, depth - 1) for chunk in chunks])


def collection(rng: random.Random, parts: list[Layout]) -> Layout:
    kind = rng.choice(["list", "list", "tuple", "dict", "record"])
    return Layout(kind, tuple(parts), rng.random() < 0.3)


def fill(layout: Layout, number: Callable[[Leaf], Any], array: Callable[[Any], Any]) -> Any:
    """The structure, with `number(leaf)` at each leaf; `array` makes an array of a list."""
    if layout.kind == "leaf":
        return number(layout.parts)
    if layout.kind == "array":
        return array([number(leaf) for leaf in layout.parts])
    if layout.kind == "matrix":
        flat = [number(leaf) for leaf in layout.parts]
        n = len(flat) // layout.rows
        return array([flat[i : i + n] for i in range(0, len(flat), n)])
    parts = [fill(part, number, array) for part in layout.parts]
    if layout.kind == "dict":
        return {f"key {i}": part for i, part in enumerate(parts)}
    if layout.kind == "record":
        return Record("some", parts[0], parts[1:])
    if layout.kind == "pair":
        return Pair(*parts) if len(parts) == 2 else tuple(parts)
    return tuple(parts) if layout.kind == "tuple" else parts


def read(layout: Layout, x: Any) -> Iterator[tuple[Leaf, Any]]:
    """(leaf, what is there), in order."""
    if layout.kind == "leaf":
        yield layout.parts, x
    elif layout.kind == "array":
        yield from zip(layout.parts, items(layout, x))
    elif layout.kind == "matrix":
        yield from zip(layout.parts, [v for row in items(layout, x) for v in row])
    else:
        for part, item in zip(layout.parts, items(layout, x)):
            yield from read(part, item)


def items(layout: Layout, x: Any) -> list[Any]:
    if layout.kind == "record":
        return [x.content, *x.rest]
    if layout.kind == "dict":
        return [x[key] for key in x] if layout.by_index else list(x.values())
    return [x[i] for i in range(len(x))] if layout.by_index else list(x)
