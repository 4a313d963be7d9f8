"""The native target: a step, and an optimizer's update, as calls of machine code."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import is_
from typing import Any

import numpy as np

from autograd.compiler.ir import Block
from autograd.compiler.targets import Printed, Target, numpy
from autograd.compiler.targets.native.program import NativeCode, NativeProgram
from autograd.compiler.targets.native.schedule import schedule, schedule_in_place

MOST_PIECES = 1000  # of parameters, whose memory an update remembers


def emit(block: Block, runtime: Mapping[str, Any]) -> Printed:
    """runtime: `check(indices, limits)`, which raises IndexError, and `outer(a, b, out)`."""
    try:
        return emit_loops(block, runtime)
    except NotImplementedError as error:
        printed = numpy.emit(block, runtime)
        return printed._replace(source=f"# No loops for {error}: NumPy.\n{printed.source}")


def emit_loops(block: Block, runtime: Mapping[str, Any]) -> Printed:
    gradient = next((x for x in block.outputs[1:] if block[x].op == "scatter"), "")
    code = NativeCode(block, schedule(block, gradient))
    data = [inst for inst in block.insts if inst.op == "data"]
    limits = {inst.name: inst.attrs["limits"] for inst in data if "limits" in inst.attrs}

    def make(P: Any, G: Any) -> Callable[..., Iterator[Any]]:
        program = NativeProgram(code, {"P": P, "G": G}, runtime["outer"])
        inputs = [program.inputs[inst.name] for inst in data]
        loss, *rest = program.outputs
        others = [x for x, name in zip(rest, block.outputs[1:]) if name != gradient]

        def step(*given: Any) -> Iterator[Any]:
            for inst, place, x in zip(data, inputs, given):
                if inst.name in limits:
                    runtime["check"](x, limits[inst.name])
                place[...] = x
            for run in program.forward:
                run()
            yield loss
            for run in program.backward:
                run()
            yield others

        return step

    return Printed(code.source, make, len(block.insts))


class Update:
    """An optimizer's rule in machine code: called with pieces, [p, g, *states] each, lr and steps,
    it overwrites p and the states. block: its results are the next p and the next states."""

    def __init__(self, block: Block, states: Sequence[str]) -> None:
        self.block, self.columns = block, ("p", "g", *states)
        self.homes = ("p", *states)
        self.codes: dict[int, NativeCode] = {}  # by the length of a piece
        self.known: dict[int, tuple[Any, NativeProgram]] = {}  # by the id of the parameters

    def __call__(self, pieces: Iterable[Any], lr: float, steps: int) -> None:
        for piece in pieces:
            program, inputs = self.bound(piece), piece[1]
            if not isinstance(inputs, np.ndarray):
                program.inputs["g"][...] = inputs
            program.inputs["lr"][...] = lr
            program.inputs["steps"][...] = steps
            for run in program.steps:
                run()

    def bound(self, piece: Any) -> NativeProgram:
        """The program for this piece's memory: the same arrays come again at each step."""
        seen, program = self.known.get(id(piece[0]), (None, None))
        if program is not None and all(map(is_, seen or (), piece[:1] + piece[2:])):
            return program
        if len(self.known) > MOST_PIECES:
            self.known.clear()
        code = self.code(len(piece[0]))
        memory = {k: x for k, x in zip(self.columns, piece) if isinstance(x, np.ndarray)}
        program = NativeProgram(code, memory)
        self.known[id(piece[0])] = (piece[:1] + piece[2:], program)
        return program

    def code(self, n: int) -> NativeCode:
        if n not in self.codes:
            block = resized(self.block, n)
            self.codes[n] = NativeCode(block, schedule_in_place(block, self.homes))
        return self.codes[n]


def resized(block: Block, n: int) -> Block:
    """A rule for n parameters: it was made with two."""
    insts = [replace(inst, shape=(n,)) if inst.shape == (2,) else inst for inst in block.insts]
    return Block(tuple(insts), block.outputs)


def emit_update(block: Block, states: list[str]) -> tuple[str, Callable[..., None]]:
    """(source, function): see `Update`."""
    update = Update(block, states)
    return str(schedule_in_place(resized(block, 1000), update.homes)), update


def install(register: Callable[[Target], Any]) -> None:
    register(Target("native", "ir", emit, emit_update))
