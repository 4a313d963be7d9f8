"""A jitted function as a picture: one box for all scalar nodes that look alike."""

from collections.abc import Sequence
from typing import Any

from autograd.draw.graph import SIGNS, TIMES, Card, Edge, as_dot
from autograd.draw.picture import Drawing


def draw_program(boxes: Sequence[Any], direction: str) -> Drawing:
    """boxes: of a jitted function, each with name, op, shape, nodes, parents (by number), layer."""
    cards = []
    for box in boxes:
        shape = f" {TIMES} ".join(map(str, box.shape)) or "1 number"
        rows = [shape, _size(box.nodes), box.layer]
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


def _size(nodes: int) -> str:
    return f"{nodes:,} scalar node{'s' * (nodes > 1)}" if nodes else "input"
