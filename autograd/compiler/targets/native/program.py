"""A scheduled block as something to run: memory, machine code, and calls of BLAS between."""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any

import numpy as np

from autograd.compiler.ir import Block
from autograd.compiler.targets.native.arrays import Stored
from autograd.compiler.targets.native.llvm import compiled
from autograd.compiler.targets.native.loops import Buffer, Kernel
from autograd.compiler.targets.native.plan import Foreign, LargeProduct, Schedule, Segment
from autograd.ops import OPS


class NativeCode:
    """Machine code for a block. source: its loops, as text to read."""

    def __init__(self, block: Block, plan: Schedule, dtype: str = "float64") -> None:
        self.block, self.plan, self.dtype = block, plan, dtype
        self.source = str(self.plan)
        self.kernels = {
            segment.name: compiled(segment, dtype)
            for segment in self.plan.segments
            if isinstance(segment, Kernel)
        }


class NativeProgram:
    """Machine code with memory to work in.

    memory: arrays to use for inputs of these names, and for "G", the gradient, as they are; the
    other inputs have arrays of their own, `inputs`, to be filled before a run. outputs: arrays that
    hold the results after it. forward, backward: what to call for the first result, and the rest.
    outer: what makes, or puts off, a large outer product, outer(a, b, out).
    """

    def __init__(
        self,
        code: NativeCode,
        memory: Mapping[str, np.ndarray] | None = None,
        outer: Callable[..., Any] = np.outer,
    ) -> None:
        given, plan = memory or {}, code.plan
        self.outer = outer
        self.code = code  # the machine code lives as long as this
        self.arrays: dict[Buffer, np.ndarray] = {}
        for buffer, values in plan.constants.items():
            self.arrays[buffer] = np.ascontiguousarray(values, self.type_of(buffer))
        for name, buffer in plan.inputs.items():
            self.arrays[buffer] = given[name] if name in given else self.empty(buffer)
        for buffer in plan.scratch:
            self.arrays[buffer] = self.empty(buffer)
        if plan.gradient:
            self.arrays[plan.gradient] = given["G"]
        self.inputs = {
            name: self.shaped(buffer, code.block[name].shape)
            for name, buffer in plan.inputs.items()
        }
        self.outputs = [self.view(x) for x in plan.outputs]
        self.steps = [self.step(segment) for segment in plan.segments]
        self.forward, self.backward = self.steps[: plan.first], self.steps[plan.first :]

    def shaped(self, buffer: Buffer, shape: tuple[int, ...]) -> np.ndarray:
        return self.arrays[buffer].reshape(-1)[: prod(shape)].reshape(shape)

    def step(self, segment: Segment) -> Callable[[], Any]:
        if isinstance(segment, Kernel):
            addresses = [self.arrays[buffer].ctypes.data for buffer in segment.buffers]
            return self.code.kernels[segment.name](addresses)
        if isinstance(segment, Foreign):
            return self.foreign(segment)
        out, a, b = map(self.view, (segment.out, segment.a, segment.b))
        function = np.matmul if isinstance(segment, LargeProduct) else self.outer
        return partial(function, a, b, out=out)

    def foreign(self, segment: Foreign) -> Callable[[], Any]:
        out, args = self.view(segment.out), list(map(self.view, segment.args))
        names = [f"x{k}" for k in range(len(args))]
        spelled = f"lambda {', '.join(names)}: {OPS[segment.op].numpy.format(*names)}"
        function = eval(spelled, {"np": np})  # the op table's text

        def step() -> None:
            out[...] = function(*args)

        return step

    def view(self, x: Stored) -> np.ndarray:
        """The array in memory that a plan talks of."""
        flat = self.arrays[x.buffer].reshape(-1)[x.start.start :]
        strides = [stride * flat.itemsize for stride in x.strides]
        return np.lib.stride_tricks.as_strided(flat, x.shape, strides)

    def run(self) -> None:
        for step in self.steps:
            step()

    def type_of(self, buffer: Buffer) -> np.dtype[Any]:
        return np.dtype(np.int64 if buffer.kind == "int" else self.code.dtype)

    def empty(self, buffer: Buffer) -> np.ndarray:
        """Memory that begins at a line of the processor's cache."""
        dtype = self.type_of(buffer)
        room = np.zeros(buffer.size + 64 // dtype.itemsize, dtype)
        start = -room.ctypes.data % 64 // dtype.itemsize
        return room[start : start + buffer.size]
