"""All stages in a row: a trace becomes a program.

trace -> kinds -> forward block -> block with gradients -> text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograd.compiler.group import Graph
from autograd.compiler.ir import Block
from autograd.compiler.lower import Lowering, layer
from autograd.compiler.reroll import roll
from autograd.compiler.reverse import Reverse
from autograd.compiler.targets import Printed, Target
from autograd.compiler.trace import Trace


@dataclass(frozen=True)
class Box:
    """A kind in a picture: its array, and how many scalar nodes it holds (0: an input)."""

    name: str
    op: str
    shape: tuple[int, ...]
    nodes: int
    parents: list[int]
    layer: str


@dataclass(frozen=True)
class Program:
    """ir: the program. printed: the same in the target's language. inputs: for each input of a
    step the argument that it comes from and "float" or "int". has_holes: see `Reverse`."""

    ir: Block
    printed: Printed
    inputs: list[tuple[str, str]]
    has_holes: bool
    boxes: list[Box]
    stats: dict[str, int]


def compile(
    trace: Trace,
    place: Callable[[list[Any]], Any],
    sizes: Callable[[], dict[str, int]],
    target: Target,
    runtime: Mapping[str, Any],
) -> Program:
    """place: gives each parameter its place in the store. sizes: how many numbers the arguments
    and, when all parameters have their places, P hold. runtime: what the text may call."""
    trace, graph = roll(trace, place)
    lowering = Lowering(graph, sizes())
    values = [kind.name for kind in graph.kinds if kind.op == "value"]
    reverse = Reverse(lowering.block, values)
    block = reverse.block
    named = [kind.name for kind in graph.kinds if kind.name]
    arguments = {f"{name}_i": (name, "int") for name in named}
    arguments |= {name: (name, "float") for name in named}
    inputs = [arguments[name] for name in block.inputs if name in arguments and name != "P"]
    printed = target.emit(block, runtime)
    nodes, kinds = sizes_of(graph)
    stats = {"nodes": nodes, "kinds": kinds, "array ops": printed.operations}
    return Program(block, printed, inputs, reverse.has_holes, boxes(lowering), stats)


def sizes_of(graph: Graph) -> tuple[int, int]:
    """(nodes, kinds): of a loop the nodes of all its steps, and the kinds of one."""
    nodes, kinds = graph.count, sum([bool(kind.nodes) for kind in graph.kinds])
    for loop in graph.loops:
        inner = sizes_of(loop.graph)
        nodes, kinds = nodes + loop.count * inner[0], kinds + inner[1]
    return nodes, kinds


def boxes(lowering: Lowering) -> list[Box]:
    """What a picture of the program shows, in order."""
    found: list[Box] = []
    place: dict[int, int] = {}
    graph = lowering.graph
    made_by = {name: loop for loop in graph.loops for name in loop.stacks}
    for k in [item for item in graph.order() if isinstance(item, int)]:
        kind, name = graph.kinds[k], lowering.name_of(k)
        if k != graph.const and (kind.nodes or name in lowering.used):
            read = graph.needs(made_by.get(kind.name, k), made_by)  # of a loop's results, the loop
            flat = {p for p in read if isinstance(p, int)}
            place[k] = len(found)
            parents = [place[p] for p in sorted(flat) if p in place]
            note = layer(graph, kind) if kind.nodes else ""
            shape = lowering.arrays[k].shape
            found.append(Box(name, kind.op, shape, len(kind.nodes), parents, note))
    return found
