"""The native target: loops in machine code, through LLVM (extra `native`: llvmlite).

Read in this order: loops.py (loops as data, and their listing), schedule.py (instructions to
loops), vectormath.py (exp, log, tanh without calls), product.py (small products of matrices),
llvm.py with machine.py (loops to machine code), program.py (memory, and running it).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autograd.compiler.ir import Block
from autograd.compiler.targets import Printed, Target
from autograd.compiler.targets.native.program import NativeCode, NativeProgram


def emit(block: Block, runtime: Mapping[str, Any]) -> Printed:
    """runtime: `check(indices, limits)`, which raises IndexError."""
    gradient = next((x for x in block.outputs[1:] if block[x].op == "scatter"), "")
    code = NativeCode(block, gradient)
    data = [inst for inst in block.insts if inst.op == "data"]
    limits = {inst.name: inst.attrs["limits"] for inst in data if "limits" in inst.attrs}

    def make(P: Any, G: Any) -> Callable[..., Iterator[Any]]:
        program = NativeProgram(code, {"P": P, "G": G})
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


def install(register: Callable[[Target], Any]) -> None:
    register(Target("native", "ir", emit))
