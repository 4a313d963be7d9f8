"""The native target: a step, and an optimizer's update, as calls of machine code."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import is_
from typing import Any

import numpy as np

from autograd.compiler.ir import Block
from autograd.compiler.operations import UPSTREAM
from autograd.compiler.targets import Printed, Target, numpy
from autograd.compiler.targets.native.program import NativeCode, NativeProgram
from autograd.compiler.targets.native.schedule import schedule, schedule_in_place

MOST = 1000  # instructions: LLVM takes seconds for more
MOST_PIECES = 1000  # of parameters, whose memory an update remembers


def emit(block: Block, runtime: Mapping[str, Any]) -> Printed:
    """runtime: `check(indices, limits)`, which raises IndexError, and `outer(a, b, out)`."""
    try:
        return emit_loops(block, runtime)
    except NotImplementedError as error:
        printed = numpy.emit(block, runtime)
        return printed._replace(source=f"# No loops for {error}: NumPy.\n{printed.source}")


def emit_loops(block: Block, runtime: Mapping[str, Any]) -> Printed:
    if len(block.insts) > MOST:
        raise NotImplementedError(f"{len(block.insts)} instructions")
    results = block[UPSTREAM].shape[0] if UPSTREAM in block.inputs else 1
    gradient = next((x for x in block.outputs[results:] if block[x].op == "scatter"), "")
    code = NativeCode(block, schedule(block, gradient, results))

    def make(P: Any, G: Any) -> Callable[..., Iterator[Any]]:
        return Step(code, {"P": P, "G": G}, runtime, results, gradient).run

    return Printed(code.source, make, len(block.insts))


class Step:
    """A training step: `run`, called with the inputs, yields the loss and then the gradients of
    the Values among the inputs; that of the parameters is in G. If there are several results it
    yields their list, and is sent a gradient for each."""

    def __init__(
        self,
        code: NativeCode,
        memory: Mapping[str, Any],
        runtime: Mapping[str, Any],
        results: int,
        gradient: str,
    ) -> None:
        self.program, self.check = NativeProgram(code, memory, runtime["outer"]), runtime["check"]
        data = [inst for inst in code.block.insts if inst.op == "data" and inst.name != UPSTREAM]
        self.inputs = [self.program.inputs[inst.name] for inst in data]
        self.limits = [limited(inst.attrs.get("limits")) for inst in data]
        self.upstream = self.program.inputs.get(UPSTREAM)
        outputs = self.program.outputs
        self.results = outputs[0] if results == 1 else outputs[:results]
        rest = zip(outputs[results:], code.block.outputs[results:])
        self.gradients = [x for x, name in rest if name != gradient]

    def run(self, *given: Any) -> Iterator[Any]:
        for place, limits, x in zip(self.inputs, self.limits, given):
            if limits:
                self.check(x[limits[0]], limits[1])
            place[...] = x
        for run in self.program.forward:
            run()
        upstream = yield self.results
        if self.upstream is not None:
            self.upstream[...] = upstream
        for run in self.program.backward:
            run()
        yield self.gradients


def limited(limits: Any) -> tuple[Any, Any] | None:
    """Of the places of an input those that are indices, and their limits (0: it is none)."""
    if limits is None:
        return None
    places = np.flatnonzero(limits)
    return (slice(None) if len(places) == len(limits) else places), limits[places]


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
