"""The reference interpreter as a target: what each program means, without any language between.

`install()` adds it to the table of targets; then `jit(f, backend="interpreter")` runs a program's
instructions one by one, each by its definition (`Block.evaluate`). What another target computes
must be what this one does.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autograd.compiler.ir import Block
from autograd.compiler.targets import TARGETS, Printed, Target, register

NAME = "interpreter"


def install() -> None:
    if NAME not in TARGETS:
        register(Target(NAME, "ir", emit))


def emit(block: Block, runtime: Mapping[str, Any]) -> Printed:
    block.check()
    inputs = [name for name in block.inputs if block[name].op == "data"]
    params = [name for name in block.inputs if block[name].op == "param"]

    def make(P: Any, G: Any) -> Callable[..., Iterator[Any]]:
        def step(*data: Any) -> Iterator[Any]:
            given = dict(zip(inputs, data)) | dict.fromkeys(params, P)
            loss, *gradients = block.evaluate(given)
            yield loss
            if params:  # the first gradient is theirs
                G[...] = gradients.pop(0)
            yield gradients

        return step

    return Printed(str(block), make, len(block.insts))
