"""Why a gradient is what it is (`explain`), and what to do when one goes wrong."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from autograd.graph import topological_order
from autograd.steps import Backward, Names, names_of, one_line, shortened, show, spell, steps
from autograd.value import Value

LISTED = 20  # paths; of more than these, `explain` gives the number only
EXACT = 10**15  # a count above this is a float: it would grow by a digit with every few nodes


@dataclass(frozen=True)
class Path:
    """One way from the root to the leaf, and the product of the local derivatives along it."""

    nodes: tuple[Value, ...]
    partials: tuple[float, ...]
    product: float
    names: Names = field(repr=False, compare=False)

    def __str__(self) -> str:
        called = [self.names[v] for v in self.nodes]
        way = " → ".join(shortened(called))
        if len(self.partials) < 2:
            return f"{way}:  {show(self.product)}"
        factors = spell("*", [show(p) for p in self.partials])
        return f"{way}:  {factors} = {show(self.product)}"


@dataclass(frozen=True)
class Explanation:
    """How `root` depends on `leaf`; print it to read it.

    gradient: d(root)/d(leaf), as `backward()` finds it. count: how many paths lead from the root
    to the leaf, exact up to 10**15, from there on a float. paths: all of them if they are few
    enough to list, else none.
    """

    root: Value
    leaf: Value
    gradient: float
    count: float
    paths: tuple[Path, ...] = field(repr=False)
    names: Names = field(repr=False, compare=False)

    def __str__(self) -> str:
        root, leaf = self.names[self.root], self.names[self.leaf]
        if not self.count:
            return f"{root} does not depend on {leaf}: no path leads there, so ∂{root}/∂{leaf} = 0"
        head = f"∂{root}/∂{leaf} = {show(self.gradient)}, by {_counted(self.count)}"
        if not self.paths:
            return (
                f"{head}.\nThese are too many to list. backward() does not walk them one by one: "
                f"it adds up\nwhat they share, and so looks only once at each edge."
            )
        lines = [head + ", with the product of the local derivatives along each:"]
        lines += [f"  {path}" for path in self.paths]
        if self.count > 1:
            total = spell("+", [show(path.product) for path in self.paths])
            lines.append(f"  their sum:  {total} = {show(self.gradient)}")
        return "\n".join(lines)


def explain(root: Value, leaf: Value) -> Explanation:
    """Every path from `root` to `leaf` with the product of the derivatives along it, and the sum.

    The chain rule says that this sum is d(root)/d(leaf). `leaf` may be any node below `root`.
    Up to 20 paths are listed; above, they are only counted, without walking them: a chain of a
    hundred `x = x * x` has 2**100. Nothing that you hold is changed.
    """
    order = topological_order(root)
    ways: dict[Value, float] = {}  # how many paths lead from a node to the leaf
    for v in order:
        ways[v] = 1 if v is leaf else sum(ways[p] for p in v.parents)
        if ways[v] > EXACT:
            ways[v] = float(ways[v])
    names = dict(names_of(order))
    names.setdefault(leaf, one_line(leaf.label) or "this Value")
    gradient = 1.0 if leaf is root else 0.0
    for step in steps(root) if ways[root] else ():
        if isinstance(step, Backward) and step.parent is leaf:
            gradient = step.after
    paths = tuple(_walk(root, leaf, ways, names)) if 0 < ways[root] <= LISTED else ()
    return Explanation(root, leaf, gradient, ways[root], paths, names)


def _walk(root: Value, leaf: Value, ways: dict[Value, float], names: Names) -> Iterator[Path]:
    """The paths, depth first; it never enters a node from which the leaf cannot be reached."""
    ahead: list[tuple[Value, _Trail]] = [(root, None)]
    while ahead:
        node, trail = ahead.pop()
        if node is leaf:
            edges = [*_along(trail)][::-1]
            partials = tuple([d for _, d in edges])
            nodes = (*[v for v, _ in edges], leaf)
            yield Path(nodes, partials, math.prod(partials), names)
        else:
            onward = zip(node.parents, node.partials)
            ahead += [(p, (node, d, trail)) for p, d in onward if ways[p]][::-1]


_Trail: TypeAlias = "tuple[Value, float, _Trail] | None"  # the last edge, and those before it


def _along(trail: _Trail) -> Iterator[tuple[Value, float]]:
    while trail:
        node, partial, trail = trail
        yield node, partial


def _counted(count: float) -> str:
    if isinstance(count, int):
        return f"{count:,} path{'s' if count > 1 else ''}"
    return f"about {count:.3g} paths" if math.isfinite(count) else "more than 1e308 paths"
