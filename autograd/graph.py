"""The walk over a graph: over anything whose nodes know their parents.

A node's *parents* are what it was computed from, in order and with repeats (those of `x * x` are
`(x, x)`), so the walk goes the same way in every process. It is a loop: no graph is too deep.
"""

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any, TypeVar

Node = TypeVar("Node")


def topological_order(
    *roots: Node, parents: Callable[[Any], Iterable[Any]] = attrgetter("parents")
) -> list[Node]:
    """The roots and every node that they were computed from, parents before children.

    Why backpropagation needs this order: a node may hand its gradient on only when it has
    received *all* of it, from every child. The smallest graph that goes wrong without it is
    `b = a + a; c = b + b`. For graphs of another class, say `parents=lambda n: n._prev`.
    """
    order: list[Node] = []
    seen: set[Node] = set()  # listed in `order`, or on the path to where we stand
    path: list[Any] = [(None, iter(roots))]  # as if one more node had the roots as its parents
    while path:
        child, ahead = path[-1]  # ahead: those of its parents that are still to be seen
        for node in ahead:
            if node not in seen:
                seen.add(node)
                above = parents(node)
                if not seen.issuperset(above):
                    path.append((node, iter(above)))
                    break  # go deeper; the rest of this level comes later
                order.append(node)  # a leaf, or all its parents are listed already
        else:  # now all its parents are listed: it is this node's turn
            order.append(child)
            path.pop()
    order.pop()  # that node more
    return order


def expand(*roots: Any) -> None:
    """Put the graph in scalars behind each node that stands for a whole program: what a jitted
    function returns is one, until somebody wants to look inside."""
    for node in topological_order(*roots):
        if hasattr(node, "expand"):
            node.expand()


def walk(*roots: Any) -> Iterator[Any]:
    """The roots and every node that they were computed from, in no particular order.

    It yields a node when it comes to it, so whoever only asks whether a graph is larger than so
    many nodes can stop there.
    """
    seen, ahead = set(roots), list(roots)
    while ahead:
        node = ahead.pop()
        yield node
        fresh = [p for p in dict.fromkeys(node.parents) if p not in seen]
        seen.update(fresh)
        ahead += fresh
