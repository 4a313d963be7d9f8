"""What an instruction may be: a table of the IR's operations, each with its shape and definition.

Products, sums and look-ups are the operations of linear algebra; `map` is any op of the op table,
on each element. A definition here is what every target is compared with.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from autograd.ops import OPS

Shape = tuple[int, ...]
Array = np.ndarray
Run = TypeVar("Run", bound=Callable[..., Any])
UPSTREAM = "upstream"  # the input with a gradient for each result, if there are several
DETACH = "detach"  # the same number, but nothing goes back through it
SELECT = "select"  # select(c, a, b) is a where c is not 0, NaN among them, else b
BESIDES: dict[str, tuple[Callable[..., Any], int]] = {  # beside the op table and comparisons
    DETACH: (float, 1),
    SELECT: (lambda c, a, b: a if c else b, 3),
}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class View:
    """Places in a flat array: start + i * strides[0] + j * strides[1] + ... for (i, j, ...) in
    shape. A stride of 0 repeats, a negative one goes backwards."""

    start: int
    strides: tuple[int, ...]
    shape: Shape

    def places(self) -> Array:
        """The index array, of this shape, that the view stands for."""
        at = np.full(self.shape, self.start, np.intp)
        for axis, stride in enumerate(self.strides):
            steps = np.arange(self.shape[axis], dtype=np.intp) * stride
            at += steps.reshape(-1, *[1] * (len(self.shape) - 1 - axis))
        return at

    def __str__(self) -> str:
        strides = ", ".join(map(str, self.strides))
        return f"from {self.start} by {strides}" if strides else f"at {self.start}"


@dataclass(frozen=True, eq=False)
class Inst:
    """One instruction: `name = op args`, an array of this shape. (Two are equal if they are one.)

    attrs: what else the op needs to know; `OPERATIONS` says which. note: what it is in the user's
    program, such as the name of a layer: any text, and never part of what the program does.
    """

    name: str
    op: str
    args: tuple[str, ...] = ()
    shape: Shape = ()
    attrs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    note: str = ""
    kept: bool = False  # is it a step with a name of its own, or a part of an expression?


@dataclass(frozen=True)
class Operation:
    """shape: the shape of the result, from the instruction and those of its args; raises if that
    makes no sense. run: its definition, on arrays. attrs: the names of those that it must have,
    and after a slash of those that it may have."""

    attrs: str
    shape: Callable[..., Shape]
    run: Callable[..., Any]


OPERATIONS: dict[str, Operation] = {}


def _operation(attrs: str, shape: Callable[..., Shape], *names: str) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        for name in names or [run.__name__.strip("_")]:
            OPERATIONS[name] = Operation(attrs, shape, run)
        return run

    return register


def _declared(inst: Inst, *args: Inst) -> Shape:
    """For an op whose shape is free: what it says."""
    return inst.shape


@_operation("/ dtype limits", _declared, "param", "data")
def _input(inst: Inst) -> Array:
    """limits: for each number of an integer input how many values it chooses from; 0: none."""
    raise ValueError(f"{inst.name} is an input, and was not given")


@_operation("value", lambda inst: inst.attrs["value"].shape)
def _const(inst: Inst) -> Array:
    return np.asarray(inst.attrs["value"])


def _view_shape(inst: Inst, x: Inst) -> Shape:
    view = inst.attrs["view"]
    expect(len(view.strides) == len(view.shape), "a stride for each axis")
    reach = [s * (n - 1) for s, n in zip(view.strides, view.shape)]
    low = view.start + sum([r for r in reach if r < 0])
    high = view.start + sum([r for r in reach if r > 0])
    expect(0 <= low <= high < prod(x.shape), f"places within 0 .. {prod(x.shape) - 1}")
    return tuple(view.shape)


@_operation("view", _view_shape)
def _view(inst: Inst, x: Array) -> Any:
    return x.reshape(-1)[inst.attrs["view"].places()]


def _gather_shape(inst: Inst, x: Inst) -> Shape:
    index = inst.attrs["index"]
    inside = index.size == 0 or 0 <= index.min() <= index.max() < prod(x.shape)
    expect(index.dtype.kind == "i" and inside, f"an int array within 0 .. {prod(x.shape) - 1}")
    return tuple(index.shape)


@_operation("index", _gather_shape)
def _gather(inst: Inst, x: Array) -> Any:
    return x.reshape(-1)[inst.attrs["index"]]


def _reshape_shape(inst: Inst, x: Inst) -> Shape:
    expect(prod(inst.shape) == prod(x.shape), f"{prod(x.shape)} elements")
    return inst.shape


@_operation("", _reshape_shape)
def _reshape(inst: Inst, x: Array) -> Array:
    return x.reshape(inst.shape)


def _spread_shape(inst: Inst, x: Inst) -> Shape:
    expect(np.broadcast_shapes(x.shape, inst.shape) == inst.shape, "a shape that x repeats into")
    return inst.shape


@_operation("", _spread_shape)
def _spread(inst: Inst, x: Array) -> Array:
    return np.broadcast_to(x, inst.shape)


def _concat_shape(inst: Inst, *parts: Inst) -> Shape:
    axis, first = inst.attrs["axis"], list(parts[0].shape)
    for part in parts[1:]:
        rest = [n for k, n in enumerate(part.shape) if k != axis]
        expect(rest == first[:axis] + first[axis + 1 :], "parts that fit beside each other")
    first[axis] = sum([part.shape[axis] for part in parts])
    return tuple(first)


@_operation("axis", _concat_shape)
def _concat(inst: Inst, *parts: Array) -> Array:
    return np.concatenate(parts, inst.attrs["axis"])


def _scatter_shape(inst: Inst, *parts: Inst) -> Shape:
    places, size = inst.attrs["places"], prod(inst.shape)
    expect(len(places) == len(parts), "places for each part")
    for part, at in zip(parts, map(places_of, places)):
        expect(np.broadcast_shapes(part.shape, at.shape) == at.shape, "parts that fit their places")
        expect(at.size == 0 or 0 <= at.min() <= at.max() < size, f"places within 0 .. {size - 1}")
    return inst.shape


@_operation("places", _scatter_shape)
def _scatter(inst: Inst, *parts: Array) -> Array:
    whole = np.zeros(prod(inst.shape))
    for part, places in zip(parts, inst.attrs["places"]):
        np.add.at(whole, places_of(places), part)
    return whole.reshape(inst.shape)


def _map_shape(inst: Inst, *args: Inst) -> Shape:
    _, arity = function(inst.attrs["fn"])
    expect(len(args) == arity, f"{arity} arguments")
    return tuple(np.broadcast_shapes(*[x.shape for x in args]))


def function(fn: str) -> tuple[Callable[..., Any], int]:
    """What `map` does to each element, and to how many."""
    if fn in COMPARISONS:
        return COMPARISONS[fn], 2
    if fn in BESIDES:
        return BESIDES[fn]
    return OPS[fn].forward, len(OPS[fn].samples[0])


@_operation("fn", _map_shape)
def _map(inst: Inst, *args: Array) -> Array:
    fn = inst.attrs["fn"]
    found = np.frompyfunc(function(fn)[0], len(args), 1)(*args)
    is_int = all(x.dtype.kind == "i" for x in args) and fn not in COMPARISONS
    return np.asarray(found).astype(np.intp if is_int else float)


def turned(shape: Shape, is_turned: bool) -> Shape:
    """With the last two axes exchanged, if so."""
    return (*shape[:-2], shape[-1], shape[-2]) if is_turned else shape


def _matmul_shape(inst: Inst, a: Inst, b: Inst) -> Shape:
    (m, n), turns = (a.shape, b.shape), inst.attrs["turned"]
    expect(m != () and n != (), "at least one axis each")
    m, n = turned(m, turns[0]), turned(n, turns[1])
    expect(m[-1] == n[-2:][0], "rows of a as long as columns of b")
    batch = np.broadcast_shapes(m[:-2], n[:-2])
    return (*batch, *m[-2:-1], *(n[-1:] if len(n) > 1 else ()))


@_operation("turned", _matmul_shape)
def _matmul(inst: Inst, a: Array, b: Array) -> Any:
    turns = inst.attrs["turned"]
    a = a.swapaxes(-1, -2) if turns[0] else a
    return a @ (b.swapaxes(-1, -2) if turns[1] else b)


def _outer_shape(inst: Inst, a: Inst, b: Inst) -> Shape:
    expect(len(a.shape) == len(b.shape) == 1, "two vectors")
    return (*a.shape, *b.shape)


@_operation("", _outer_shape)
def _outer(inst: Inst, a: Array, b: Array) -> Any:
    return a[:, None] * b


@_operation("", lambda inst, a, b: tuple(np.broadcast_shapes(a.shape, b.shape)[:-1]))
def _vecdot(inst: Inst, a: Array, b: Array) -> Any:
    return (a * b).sum(-1)


def _reduce_shape(inst: Inst, x: Inst) -> Shape:
    axes = inst.attrs["axes"]
    expect(inst.attrs["fn"] in ("sum", "max") and len(axes) > 0, "sum or max along some axes")
    expect(set(axes) <= set(range(len(x.shape))), f"axes from 0 to {len(x.shape) - 1}")
    return tuple([n for k, n in enumerate(x.shape) if k not in axes])


@_operation("fn axes", _reduce_shape)
def _reduce(inst: Inst, x: Array) -> Any:
    return (x.sum if inst.attrs["fn"] == "sum" else x.max)(inst.attrs["axes"])


def _segments_shape(inst: Inst, x: Inst) -> Shape:
    counts = inst.attrs["counts"]
    expect(inst.attrs["fn"] in ("sum", "max") and counts.min() > 0, "no empty segment")
    expect(x.shape == (counts.sum(),), f"x of {counts.sum()} elements")
    return tuple(counts.shape)


@_operation("fn counts", _segments_shape)
def _segment_reduce(inst: Inst, x: Array) -> Array:
    ends = np.cumsum(inst.attrs["counts"])
    reduce = np.sum if inst.attrs["fn"] == "sum" else np.max
    return np.array([reduce(part) for part in np.split(x, ends[:-1])])


@_operation("", lambda inst, table, at: at.shape)
def _lookup(inst: Inst, table: Array, at: Array) -> Any:
    if ((at < 0) | (at >= table.size)).any():
        raise IndexError(f"{inst.name}: an index out of range; there are {table.size} values")
    return table.reshape(-1)[at]


def _bincount_shape(inst: Inst, x: Inst, at: Inst) -> Shape:
    expect(np.broadcast_shapes(x.shape, at.shape) == at.shape, "an index for each element")
    return inst.shape


@_operation("", _bincount_shape)
def _bincount(inst: Inst, x: Array, at: Array) -> Array:
    whole = np.zeros(prod(inst.shape))
    np.add.at(whole, at, x)
    return whole.reshape(inst.shape)


def _scan_shape(inst: Inst, *args: Inst) -> Shape:
    body, carries, fixed = [inst.attrs[key] for key in ("body", "carries", "fixed")]
    body.check()
    n, steps = inst.attrs["length"], args[carries + fixed :]
    expect(n > 0, "at least one step")
    expect(len(args) == len(body.inputs), "an arg for each input of its body")
    expect(all(x.shape[:1] == (n,) for x in steps), f"{n} steps in what is given by step")
    given = [*[x.shape for x in args[: carries + fixed]], *[x.shape[1:] for x in steps]]
    wanted = [body[name].shape for name in body.inputs]
    expect(given == wanted, f"args that fit the body's inputs: {given} are not {wanted}")
    ends = [body[name].shape for name in body.outputs[:carries]]
    expect(ends == wanted[:carries], "a body whose first results are the next carries")
    return ()


@_operation("body length carries fixed reverse", _scan_shape)
def _scan(inst: Inst, *args: Array) -> tuple[Array, ...]:
    """A loop over `length` steps. Its args: `carries` first values of what goes from a step to the
    next, then `fixed` ones that are the same in all, the others cut along their first axis, a
    piece for each step. The body takes these in this order, and returns the next carries, and then
    results that are kept by step. reverse: from the last step to the first."""
    body, carries, fixed = [inst.attrs[key] for key in ("body", "carries", "fixed")]
    carried, same, by_step = (
        args[:carries],
        args[carries : carries + fixed],
        args[carries + fixed :],
    )
    kept: dict[int, Sequence[Array]] = {}
    order = range(inst.attrs["length"])
    for t in reversed(order) if inst.attrs["reverse"] else order:
        given = [*carried, *same, *[x[t] for x in by_step]]
        results = body.evaluate(dict(zip(body.inputs, given)))
        carried, kept[t] = tuple(results[:carries]), results[carries:]
    return (*carried, *[np.stack(column) for column in zip(*[kept[t] for t in order])])


def _item_shape(inst: Inst, loop: Inst) -> Shape:
    expect(loop.op == "scan", "a scan")
    body, k = loop.attrs["body"], inst.attrs["index"]
    shape = body[body.outputs[k]].shape
    return shape if k < loop.attrs["carries"] else (loop.attrs["length"], *shape)


@_operation("index", _item_shape)
def _item(inst: Inst, results: Sequence[Array]) -> Any:
    return results[inst.attrs["index"]]


def places_of(places: "View | Array") -> Array:
    """Places as an index array, however they are written."""
    return places.places() if isinstance(places, View) else places


def expect(is_so: bool, what: str) -> None:
    if not is_so:
        raise ValueError(f"this needs {what}")
