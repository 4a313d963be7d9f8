"""A program as boxes for `autograd.draw`: its kinds, and the arrays that they are read from."""

from dataclasses import dataclass

from autograd.compiler.lower import Program


@dataclass(frozen=True)
class Box:
    """A kind in a picture: its array, and how many scalar nodes it holds (0: an input)."""

    name: str
    op: str
    shape: tuple[int, ...]
    nodes: int
    parents: list[int]
    layer: str


def boxes(program: Program) -> list[Box]:
    """What a picture shows, in order."""
    found: list[Box] = []
    place: dict[int, int] = {}
    for k, kind in enumerate(program.graph.kinds):
        array = program.arrays[k]
        if k != program.graph.const and (kind.nodes or array.is_read):
            flat = {p for t in kind.parents for p in (t if isinstance(t, tuple) else [t])}
            place[k] = len(found)
            parents = [place[p] for p in sorted(flat) if p in place]
            layer = program.layer(kind) if kind.nodes else ""
            found.append(Box(array.name, kind.op, array.shape, len(kind.nodes), parents, layer))
    return found
