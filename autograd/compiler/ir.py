"""THE program: a `Block` of instructions that prints for people, checks itself, and runs.

An instruction computes one array from others, and all that it means is data: shapes, index arrays,
`View`s, names. No text is ever read back. In a block each name is assigned once and before it is
used; so a block is a list that can be walked in either direction, and rewritten by copying.

    param, data, const        what comes from outside; in the body of a scan, data is all inputs
    view, gather, reshape     the same numbers, elsewhere: at affine places, at any places
    spread, concat, scatter   repeated; side by side; added up in their places
    map                       an op of the op table, or a comparison, on each element
    matmul, outer, vecdot     products and their sums
    reduce, segment_reduce    sums and maxima along axes, or of runs of different lengths
    lookup, bincount          table[index] with an index that is data, and its transpose
    scan, item                a loop, and one of its results
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autograd.compiler.operations import OPERATIONS, Array, Inst, Shape, View, expect

__all__ = ["Block", "Inst", "View", "by", "comment"]


@dataclass(frozen=True, eq=False)
class Block:
    """Instructions in an order in which they can run, and the names of the results."""

    insts: tuple[Inst, ...]
    outputs: tuple[str, ...]

    @cached_property
    def by_name(self) -> dict[str, Inst]:
        return {inst.name: inst for inst in self.insts}

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of what comes from outside, in order."""
        return tuple([inst.name for inst in self.insts if inst.op in ("param", "data")])

    def __getitem__(self, name: str) -> Inst:
        return self.by_name[name]

    def __str__(self) -> str:
        return "\n".join([*written(self), f"return {', '.join(self.outputs)}"])

    def check(self) -> "Block":
        """Raise ValueError, naming the instruction, unless this is a program; else return it."""
        known: dict[str, Inst] = {}
        for inst in self.insts:
            try:
                _check(inst, known)
            except (ValueError, TypeError, IndexError, KeyError) as error:
                raise ValueError(f"{line(inst, known)}\n  is no instruction: {error}") from error
            known[inst.name] = inst
        if missing := [name for name in self.outputs if name not in known]:
            raise ValueError(f"the results {', '.join(missing)} are not computed")
        return self

    def evaluate(self, inputs: Mapping[str, Any]) -> list[Array]:
        """The results for these inputs, by name: slowly, each op by its definition. What every
        target computes is compared with this. Raises IndexError for a look-up out of range."""
        values: dict[str, Any] = {}
        for inst in self.insts:
            if inst.name in inputs:
                kind = np.intp if inst.attrs.get("dtype") == "int" else np.float64
                values[inst.name] = np.asarray(inputs[inst.name], kind).reshape(inst.shape)
            else:
                args = [values[name] for name in inst.args]
                values[inst.name] = OPERATIONS[inst.op].run(inst, *args)
        return [values[name] for name in self.outputs]


def _check(inst: Inst, known: Mapping[str, Inst]) -> None:
    expect(inst.name.isidentifier(), "an identifier for a name")
    expect(inst.name not in known, f"a name of its own: {inst.name} is assigned twice")
    expect(inst.op in OPERATIONS, f"an op that there is, not {inst.op}")
    for name in inst.args:
        expect(name in known, f"args that were computed before it: {name} was not")
    must, _, may = OPERATIONS[inst.op].attrs.partition("/")
    expect(set(must.split()) <= set(inst.attrs), f"the attributes {must}")
    extra = set(inst.attrs) - {*must.split(), *may.split()}
    expect(not extra, f"no attribute {', '.join(extra)}")
    shape = OPERATIONS[inst.op].shape(inst, *[known[name] for name in inst.args])
    expect(inst.shape == shape, f"the shape {shape}, not {inst.shape}")


# --- how it prints --------------------------------------------------------------------------------


def written(block: Block) -> Iterator[str]:
    """Its lines; those of the body of a loop are indented below it. A constant that is one number
    has no line, but is written where it is used."""
    shown = [inst for inst in block.insts if not is_number(inst)]
    rows = [(line(inst, block.by_name), inst) for inst in shown]
    width = max([len(text) for text, _ in rows if len(text) <= 50], default=0)
    for text, inst in rows:
        size = "" if inst.op == "scan" else f" : {by(inst.shape)}"
        note = f"   # {comment(inst.note)}" if inst.note else ""
        yield f"{text:{width}}{size}{note}".rstrip()
        if inst.op == "scan":
            body = inst.attrs["body"]
            yield from [f"    {text}" for text in written(body)]
            yield f"    return {', '.join(body.outputs)}"


def is_number(inst: Inst) -> bool:
    return inst.op == "const" and not inst.shape


def line(inst: Inst, known: Mapping[str, Inst]) -> str:
    """`name = op args, attributes`, without its shape."""
    if inst.op == "scan":
        return f"{inst.name} = scan {_loop(inst)}"
    args = [_operand(name, known) for name in inst.args]
    if inst.op == "map":
        return f"{inst.name} = map {inst.attrs['fn']} {', '.join(args)}"
    if inst.op == "scatter":
        pairs = zip(args, inst.attrs["places"])
        return f"{inst.name} = scatter {'; '.join([f'{x} {_places(at)}' for x, at in pairs])}"
    if inst.op in ("matmul", "outer", "vecdot"):
        shapes = [",".join(map(str, known[name].shape)) if name in known else "?"
                  for name in inst.args]  # fmt: skip
        turns = inst.attrs.get("turned", (False, False))
        args = [f"{x}[{shape}]" + ".T" * is_turned
                for x, shape, is_turned in zip(args, shapes, turns)]  # fmt: skip
    attrs = [_attribute(key, x) for key, x in inst.attrs.items() if key != "turned"]
    return f"{inst.name} = {inst.op} {', '.join(filter(None, [*args, *attrs]))}".rstrip()


def _operand(name: str, known: Mapping[str, Inst]) -> str:
    inst = known.get(name)
    return some(inst.attrs["value"]) if inst and is_number(inst) else name


def _loop(inst: Inst) -> str:
    a, b = inst.attrs["carries"], inst.attrs["carries"] + inst.attrs["fixed"]
    parts = {"carries": inst.args[:a], "fixed": inst.args[a:b], "by step": inst.args[b:]}
    listed = [f"{key} {', '.join(names)}" for key, names in parts.items() if names]
    order = "backwards" if inst.attrs["reverse"] else ""
    return "; ".join(filter(None, [f"{inst.attrs['length']} steps", order, *listed]))


def _attribute(key: str, x: Any) -> str:
    if isinstance(x, np.ndarray):
        return some(x) if key in ("value", "index") else f"{key} {some(x)}"
    if key == "axes":
        return f"along {' '.join(map(str, x))}"
    return str(x) if key in ("view", "fn", "dtype") else f"{key} {x}"


def _places(places: Any) -> str:
    return str(places) if isinstance(places, View) else f"at {some(places)}"


def some(values: Array, most: int = 6) -> str:
    """The first elements of an array."""
    flat = values.reshape(-1)
    shown = " ".join([f"{x:.6g}" for x in flat[:most].tolist()])
    if flat.size > 1 and (flat == flat[0]).all():
        shown = f"all {flat[0]:.6g}"
    elif flat.size > most:
        shown += " ..."
    return shown if values.ndim == 0 else f"[{shown}]"


def by(shape: Shape) -> str:
    """100x16; a single number is 1."""
    return "x".join(map(str, shape)) or "1"


def comment(note: str) -> str:
    """A note as the rest of a line: whatever a user's class calls itself, it ends no line."""
    return "".join([c if c.isprintable() else " " for c in note])
