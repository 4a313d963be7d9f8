"""What a scheduled program is: kernels of loops, calls between them, and memory."""

from dataclasses import dataclass, field

import numpy as np

from autograd.compiler.targets.native.arrays import Stored
from autograd.compiler.targets.native.loops import Buffer, Kernel


@dataclass(frozen=True)
class LargeProduct:
    """A product of matrices that is left to BLAS: (out, a, b), as arrays in memory."""

    out: Stored
    a: Stored
    b: Stored


@dataclass(frozen=True)
class LargeOuter:
    """An outer product in the gradient that is so large that whoever reads it should make it."""

    out: Stored
    a: Stored
    b: Stored


@dataclass(frozen=True)
class Foreign:
    """An op that has no spelling here (one that a user added to the table, say): NumPy does it."""

    op: str
    out: Stored
    args: tuple[Stored, ...]


Segment = Kernel | LargeProduct | LargeOuter | Foreign


@dataclass
class Schedule:
    """What runs, in order, and the memory that it needs."""

    segments: list[Segment] = field(default_factory=list)
    constants: dict[Buffer, np.ndarray] = field(default_factory=dict)
    inputs: dict[str, Buffer] = field(default_factory=dict)
    outputs: list[Stored] = field(default_factory=list)
    scratch: list[Buffer] = field(default_factory=list)
    first: int = 0
    gradient: Buffer | None = None

    def __str__(self) -> str:
        return "\n".join([_segment(segment) for segment in self.segments])


def _segment(segment: Segment) -> str:
    if isinstance(segment, Kernel):
        return str(segment)
    if isinstance(segment, Foreign):
        args = ", ".join([x.buffer.name for x in segment.args])
        return f"NumPy: {segment.out.buffer.name} = {segment.op}({args})\n"
    out, a, b = [x.buffer.name for x in (segment.out, segment.a, segment.b)]
    if isinstance(segment, LargeProduct):
        return f"BLAS: {out} = {a} @ {b}\n"
    start = f"+{segment.out.start.start}" * (segment.out.start.start > 0)
    return f"when it is read: {out}{start} = {a} x {b}\n"
