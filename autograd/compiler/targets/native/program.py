"""A scheduled block as something to run: memory, machine code, and calls of BLAS between."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from autograd.compiler.ir import Block
from autograd.compiler.targets.native.llvm import compiled
from autograd.compiler.targets.native.loops import Buffer, Kernel
from autograd.compiler.targets.native.schedule import LargeProduct, Stored, schedule


class NativeProgram:
    """Machine code for a block. inputs: an array for each of its inputs, to be filled before a
    run. outputs: arrays that hold the results after it. source: the loops, as text to read."""

    def __init__(
        self,
        block: Block,
        memory: Mapping[str, np.ndarray] | None = None,
        dtype: str = "float64",
    ) -> None:
        """memory: arrays to use for inputs of these names, as they are."""
        given, self.dtype = memory or {}, dtype
        plan = schedule(block)
        self.source = str(plan)
        self.arrays: dict[Buffer, np.ndarray] = {}
        for buffer, values in plan.constants.items():
            self.arrays[buffer] = np.ascontiguousarray(values, self.type_of(buffer))
        for name, buffer in plan.inputs.items():
            self.arrays[buffer] = given[name] if name in given else self.empty(buffer)
        for buffer in plan.scratch:
            self.arrays[buffer] = self.empty(buffer)
        self.inputs = {
            name: self.shaped(buffer, block[name].shape) for name, buffer in plan.inputs.items()
        }
        self.outputs = [self.view(x) for x in plan.outputs]
        self.steps = [self.step(segment) for segment in plan.segments]

    def shaped(self, buffer: Buffer, shape: tuple[int, ...]) -> np.ndarray:
        return self.arrays[buffer].reshape(-1)[: prod(shape)].reshape(shape)

    def step(self, segment: Kernel | LargeProduct) -> Callable[[], Any]:
        if isinstance(segment, LargeProduct):
            out, a, b = map(self.view, (segment.out, segment.a, segment.b))
            return lambda: np.matmul(a, b, out=out)
        addresses = [self.arrays[buffer].ctypes.data for buffer in segment.buffers]
        return compiled(segment, self.dtype)(addresses)

    def view(self, x: Stored) -> np.ndarray:
        """The array in memory that a plan talks of."""
        flat = self.arrays[x.buffer].reshape(-1)[x.start.start :]
        strides = [stride * flat.itemsize for stride in x.strides]
        return np.lib.stride_tricks.as_strided(flat, x.shape, strides)

    def run(self) -> None:
        for step in self.steps:
            step()

    def type_of(self, buffer: Buffer) -> np.dtype[Any]:
        return np.dtype(np.int64 if buffer.kind == "int" else self.dtype)

    def empty(self, buffer: Buffer) -> np.ndarray:
        """Memory that begins at a line of the processor's cache."""
        dtype = self.type_of(buffer)
        room = np.zeros(buffer.size + 64 // dtype.itemsize, dtype)
        start = -room.ctypes.data % 64 // dtype.itemsize
        return room[start : start + buffer.size]
