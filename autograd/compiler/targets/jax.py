"""The program for JAX: pure functions on jax.numpy, compiled by XLA for whatever devices there are.

A line for each instruction; a loop in time is a function for its body and `lax.scan`. Nothing is
changed in place: the gradient is a result, like the loss. (Extra `jax`.)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from autograd.compiler.ir import Block, comment
from autograd.compiler.operations import UPSTREAM, Array, Inst, View, places_of
from autograd.compiler.targets import Printed, Target
from autograd.compiler.targets.numpy import dims, sliced_text, spelling_of
from autograd.compiler.views import sliced

HEAD = "import jax.numpy as np\nfrom jax import lax\n\n"


class Printer:
    """Prints blocks as functions. constants: arrays that the text names, by name."""

    def __init__(self) -> None:
        self.constants: dict[str, Array] = {}
        self.taken = {"np", "lax", "step"}
        self.operations = 0

    def function(self, name: str, block: Block, indent: str = "") -> list[str]:
        """`def name(inputs)` that returns the block's results."""
        inputs = ", ".join(block.inputs)
        lines = [f"{indent}def {name}({inputs}):"]
        for inst in block.insts:
            if inst.op not in ("param", "data"):
                lines += [f"{indent}    {line}" for line in self.lines(inst, block)]
        returned = ", ".join(block.outputs) + "," * (len(block.outputs) == 1)
        return [*lines, f"{indent}    return ({returned})"]

    def lines(self, inst: Inst, block: Block) -> Iterable[str]:
        if inst.op == "scan":
            return self.scan(inst, block)
        if inst.op == "item":
            return [f"{inst.name} = {inst.args[0]}[{inst.attrs['index']}]"]
        self.operations += 1
        note = f"  # {comment(inst.note)}" if inst.note else ""
        return [f"{inst.name} = {WORDS[inst.op](self, inst, block)}{note}"]

    def scan(self, inst: Inst, block: Block) -> list[str]:
        """`lax.scan` over (what is carried), with what is fixed taken from around the body."""
        attrs, body = inst.attrs, inst.attrs["body"]
        a, b = attrs["carries"], attrs["carries"] + attrs["fixed"]
        name = self.fresh(f"{inst.name}_body")
        lines = self.function(name, body)
        by_step = self.fresh(f"{inst.name}_step")
        carried, fixed, pieces = inst.args[:a], inst.args[a:b], inst.args[b:]
        given = ", ".join(["*carry", *fixed, "*pieces"])
        lines += [
            f"def {by_step}(carry, pieces):",
            f"    results = {name}({given})",
            f"    return tuple([np.asarray(x, float) for x in results[:{a}]]), results[{a}:]",
            f"{inst.name} = lax.scan({by_step}, {tuple_of(carried)}, {tuple_of(pieces)}, "
            f"{attrs['length']}, reverse={attrs['reverse']})",
            f"{inst.name} = ({inst.name}[0] + {inst.name}[1])",
        ]
        return lines

    def fresh(self, stem: str) -> str:
        name, n = stem, 1
        while name in self.taken:
            n += 1
            name = f"{stem}{n}"
        self.taken.add(name)
        return name

    def constant(self, value: Array, stem: str) -> str:
        """A number as it is; an array by a name that the text is given."""
        if value.ndim == 0:
            x = value.item()
            is_plain = isinstance(x, int) or np.isfinite(x)
            return repr(x) if is_plain else f"float('{x}')"
        name = self.fresh(f"{stem}_")
        self.constants[name] = value
        return name

    def places(self, where: View | Array, stem: str) -> str:
        """A run of neighbours as a slice, all else as an index array."""
        flat = places_of(where)
        if flat.ndim == 1 and len(flat) and (np.diff(flat) == 1).all():
            return f"{flat[0]}:{flat[-1] + 1}"
        return self.constant(flat, stem)


def tuple_of(names: Iterable[str]) -> str:
    return "(" + "".join([f"{name}, " for name in names]) + ")"


# --- an expression for each operation -------------------------------------------------------------

Words = Callable[[Printer, Inst, Block], str]
WORDS: dict[str, Words] = {
    "reshape": lambda p, inst, block: f"{inst.args[0]}.reshape({dims(inst.shape)})",
    "spread": lambda p, inst, block: f"np.broadcast_to({inst.args[0]}, {inst.shape})",
    "outer": lambda p, inst, block: f"{inst.args[0]}[:, None] * {inst.args[1]}",
    "vecdot": lambda p, inst, block: f"({inst.args[0]} * {inst.args[1]}).sum(-1)",
    "lookup": lambda p, inst, block: f"{inst.args[0]}.reshape(-1)[{inst.args[1]}]",
}


def word(op: str) -> Callable[[Words], Words]:
    def register(words: Words) -> Words:
        WORDS[op] = words
        return words

    return register


@word("const")
def _const(p: Printer, inst: Inst, block: Block) -> str:
    """A plain number only where it is an operand: elsewhere an array is wanted."""
    value = np.asarray(inst.attrs["value"])
    code = p.constant(value, inst.name)
    readers = [other for other in block.insts if inst.name in other.args]
    is_operand = all(other.op == "map" for other in readers) and inst.name not in block.outputs
    kind = "int" if value.dtype.kind == "i" else "float"
    return code if value.ndim or is_operand else f"np.asarray({code}, {kind})"


@word("view")
def _view(p: Printer, inst: Inst, block: Block) -> str:
    view, source = inst.attrs["view"], block[inst.args[0]]
    size = int(np.prod(source.shape, dtype=int))
    if sliced(view, size) is not None:
        return sliced_text(source.name, view, size, source.shape)
    return f"{source.name}.reshape(-1)[{p.constant(view.places(), inst.name)}]"


@word("gather")
def _gather(p: Printer, inst: Inst, block: Block) -> str:
    return f"{inst.args[0]}.reshape(-1)[{p.constant(inst.attrs['index'], inst.name)}]"


@word("map")
def _map(p: Printer, inst: Inst, block: Block) -> str:
    return spelling_of(inst.attrs["fn"]).template.format(*inst.args)


@word("matmul")
def _matmul(p: Printer, inst: Inst, block: Block) -> str:
    a, b = [
        f"np.matrix_transpose({name})" if is_turned else name
        for name, is_turned in zip(inst.args, inst.attrs["turned"])
    ]
    return f"{a} @ {b}"


@word("reduce")
def _reduce(p: Printer, inst: Inst, block: Block) -> str:
    return f"{inst.args[0]}.{inst.attrs['fn']}({tuple(inst.attrs['axes'])})"


@word("segment_reduce")
def _segment_reduce(p: Printer, inst: Inst, block: Block) -> str:
    counts = inst.attrs["counts"]
    segment = p.constant(np.repeat(np.arange(len(counts)), counts), inst.name)
    if inst.attrs["fn"] == "sum":
        return f"np.zeros({len(counts)}).at[{segment}].add({inst.args[0]})"
    return f"np.full({len(counts)}, -np.inf).at[{segment}].max({inst.args[0]})"


@word("concat")
def _concat(p: Printer, inst: Inst, block: Block) -> str:
    return f"np.concatenate({tuple_of(inst.args)}, {inst.attrs['axis']})"


@word("scatter")
def _scatter(p: Printer, inst: Inst, block: Block) -> str:
    code = f"np.zeros({int(np.prod(inst.shape, dtype=int))})"
    for name, where in zip(inst.args, inst.attrs["places"]):
        code += f".at[{p.places(where, inst.name)}].add({name})"
    return f"{code}.reshape({dims(inst.shape)})"


@word("bincount")
def _bincount(p: Printer, inst: Inst, block: Block) -> str:
    size = int(np.prod(inst.shape, dtype=int))
    return f"np.zeros({size}).at[{inst.args[1]}].add({inst.args[0]}).reshape({dims(inst.shape)})"


# --- in use ---------------------------------------------------------------------------------------


def function_of(block: Block) -> tuple[str, Callable[..., Any], int]:
    """(source, step, operations): `step` takes the block's inputs and returns its results."""
    printer = Printer()
    source = HEAD + "\n".join(printer.function("step", block)) + "\n"
    with jax.enable_x64(True):
        constants = {name: jnp.asarray(value) for name, value in printer.constants.items()}
    space: dict[str, Any] = {"np": jnp, "lax": lax, **constants}
    exec(compile(source, "<jit>", "exec"), space)  # our own text, of names and numbers
    return source, space["step"], printer.operations


def needed(block: Block, names: tuple[str, ...]) -> Block:
    """The part of a block that computes these results."""
    found = set(names)
    for inst in reversed(block.insts):
        if inst.name in found:
            found.update(inst.args)
    insts = [x for x in block.insts if x.name in found or x.op in ("param", "data")]
    return Block(tuple([x for x in insts if x.name != UPSTREAM]), names)


def emit(block: Block, runtime: Mapping[str, Any]) -> Printed:
    """runtime: `check(indices, limits)`, which raises IndexError."""
    several = UPSTREAM in block.inputs
    count = block[UPSTREAM].shape[0] if several else 1
    source, step, operations = function_of(block)
    whole = jax.jit(step)
    forward = jax.jit(function_of(needed(block, block.outputs[:count]))[1])
    gradient = next((x for x in block.outputs[count:] if block[x].op == "scatter"), "")
    data = [inst for inst in block.insts if inst.op == "data" and inst.name != UPSTREAM]
    has_params = any(inst.op == "param" for inst in block.insts)

    def make(P: Any, G: Any) -> Callable[..., Iterator[Any]]:
        def run(*given: Any) -> Iterator[Any]:
            for inst, x in zip(data, given):
                check(inst, x, runtime["check"])
            values = {inst.name: x for inst, x in zip(data, given)}
            values |= {"P": P} if has_params else {}
            with jax.enable_x64(True):  # our floats are Python's, in double precision
                if several:
                    results = forward(*[values[n] for n in block.inputs if n != UPSTREAM])
                    values[UPSTREAM] = np.asarray((yield list(map(np.asarray, results))))
                    found = whole(*[values[name] for name in block.inputs])
                else:
                    found = whole(*[values[name] for name in block.inputs])
                    yield np.asarray(found[0])
            rest = dict(zip(block.outputs[count:], found[count:]))
            if gradient:
                G[...] = np.asarray(rest.pop(gradient))
            yield [np.asarray(x) for x in rest.values()]

        return run

    return Printed(source, make, operations)


def check(inst: Inst, x: Any, out_of_range: Callable[[Any, Any], None]) -> None:
    """XLA reads the nearest place instead of raising: so indices are looked at before."""
    limits = inst.attrs.get("limits")
    if limits is not None:
        places = np.flatnonzero(limits)
        out_of_range(x[places], limits[places])


def install(register: Callable[[Target], Any]) -> None:
    register(Target("jax", "ir", emit))
