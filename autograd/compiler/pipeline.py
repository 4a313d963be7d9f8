"""All stages in a row: a trace becomes a program.

trace -> kinds -> forward block -> block with gradients -> text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
    kinds = sum([bool(kind.nodes) for kind in graph.kinds])
    stats = {"nodes": graph.count, "kinds": kinds, "array ops": printed.operations}
    return Program(block, printed, inputs, reverse.has_holes, boxes(lowering), stats)


def boxes(lowering: Lowering) -> list[Box]:
    """What a picture of the program shows, in order."""
    found: list[Box] = []
    place: dict[int, int] = {}
    graph = lowering.graph
    for k, kind in enumerate(graph.kinds):
        name = lowering.name_of(k)
        if k != graph.const and (kind.nodes or name in lowering.used):
            flat = {p for t in kind.parents for p in (t if isinstance(t, tuple) else [t])}
            place[k] = len(found)
            parents = [place[p] for p in sorted(flat) if p in place]
            note = layer(graph, kind) if kind.nodes else ""
            shape = lowering.arrays[k].shape
            found.append(Box(name, kind.op, shape, len(kind.nodes), parents, note))
    return found
