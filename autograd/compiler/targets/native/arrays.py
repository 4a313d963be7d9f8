"""Arrays as the scheduler sees them: where an element is, or how it is found."""

from dataclasses import dataclass
from math import prod

from autograd.compiler.operations import Shape
from autograd.compiler.targets.native.loops import (
    Apply,
    Buffer,
    Expression,
    Index,
    Load,
    Matrix,
    Number,
)

PADDING = 8  # numbers after each buffer of ours: a product may read a whole vector at its end

Place = tuple[Index, ...]  # an index for each axis


@dataclass(frozen=True)
class Stored:
    """An array in memory: element (i, j, ...) is at start + i * strides[0] + j * strides[1] ..."""

    buffer: Buffer
    start: Index
    strides: tuple[int, ...]
    shape: Shape

    def index(self, place: Place) -> Index:
        total = self.start
        for index, stride in zip(place, self.strides):
            total += index.times(stride)
        return total

    def at(self, place: Place) -> Expression:
        return Load(self.buffer, self.index(place))

    @property
    def is_contiguous(self) -> bool:
        return all(
            n == 1 or s == w for n, s, w in zip(self.shape, self.strides, row_major(self.shape))
        )


@dataclass(frozen=True)
class Gathered:
    """Elements of `source`, which is contiguous, at places that are looked up."""

    source: Stored
    where: "Integers"
    shape: Shape

    def at(self, place: Place) -> Expression:
        return Load(self.source.buffer, self.source.start + self.where.index_at(place))


@dataclass(frozen=True)
class Integers:
    """An array of integers: the sum of `parts`, which are in memory, and a constant."""

    parts: tuple[Stored | Gathered, ...]
    shape: Shape
    offset: int = 0

    @property
    def memory(self) -> Stored | None:
        """Where it lies row by row, if it does."""
        part = self.parts[0] if len(self.parts) == 1 and self.offset == 0 else None
        if isinstance(part, Stored) and part.is_contiguous and part.shape == self.shape:
            return part
        return None

    def index_at(self, place: Place) -> Index:
        total = Index(self.offset)
        for part in self.parts:
            load = part.at(aligned(place, part.shape))
            assert isinstance(load, Load)
            total += Index(looked_up=((load, 1),))
        return total

    def at(self, place: Place) -> Expression:
        total: Expression = Number(float(self.offset))
        for part in self.parts:
            load = part.at(aligned(place, part.shape))
            total = load if total == Number(0.0) else Apply("+", (total, load))
        return total


@dataclass(frozen=True)
class Uniform:
    """The same number at all places."""

    value: float
    shape: Shape

    def at(self, place: Place) -> Expression:
        return Number(self.value)


Array = Stored | Gathered | Integers | Uniform


def row_major(shape: Shape) -> tuple[int, ...]:
    """The strides of an array that lies row by row."""
    return tuple([prod(shape[k + 1 :]) for k in range(len(shape))])


def contiguous(buffer: Buffer, shape: Shape, start: Index | None = None) -> Stored:
    return Stored(buffer, start or Index(), row_major(shape), shape)


def aligned(place: Place, shape: Shape) -> Place:
    """The place in an array of that shape, which is repeated to fill the larger one."""
    own = place[len(place) - len(shape) :]
    return tuple([Index() if n == 1 else index for index, n in zip(own, shape)])


def counter(name: str) -> Index:
    return Index(counters=((name, 1),))


def with_axis(x: Stored, axis: int) -> Stored:
    """With one more axis, of length 1."""
    axis = axis % (len(x.shape) + 1)
    strides = (*x.strides[:axis], 0, *x.strides[axis:])
    return Stored(x.buffer, x.start, strides, (*x.shape[:axis], 1, *x.shape[axis:]))


def slice_at(x: Stored, index: Index) -> Stored:
    """x[index], of what lies along the first axis."""
    return Stored(x.buffer, x.start + index.times(x.strides[0]), x.strides[1:], x.shape[1:])


def matrix(x: Stored) -> Matrix:
    (rows, columns), (row_stride, stride) = x.shape, x.strides
    return Matrix(x.buffer, rows, columns, row_stride, stride, x.start)
