"""The same instruction for all steps of a loop at once: arrays with one more axis, time, in front.

One rule for each operation, as for JAX's vmap. An argument is *stacked*, if it has a value for each
step along that axis, or it is the same in all steps, and then has no such axis.
"""

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from autograd.compiler.build import Builder
from autograd.compiler.operations import Inst, View
from autograd.compiler.views import sliced

Rule = Callable[["Batch", Inst, list[Inst]], Inst]
RULES: dict[str, Rule] = {}


def rule(*ops: str) -> Callable[[Rule], Rule]:
    def register(found: Rule) -> Rule:
        RULES.update(dict.fromkeys(ops, found))
        return found

    return register


class Batch:
    """Emits instructions of a loop's body for `steps` steps at once."""

    def __init__(self, b: Builder, steps: int) -> None:
        self.b, self.steps = b, steps
        self.which: list[bool] = []  # of the instruction at hand: which arguments are stacked

    def emit(self, inst: Inst, args: Sequence[tuple[Inst, bool]]) -> tuple[Inst, bool]:
        """The instruction on these arguments, (each, is it stacked?), and whether it is stacked."""
        plain = [x for x, _ in args]
        if not any(is_stacked for _, is_stacked in args):
            return self.b.emit(inst.op, plain, shape=inst.shape, **inst.attrs), False
        self.which = [is_stacked for _, is_stacked in args]
        return RULES[inst.op](self, inst, plain), True

    def full(self, x: Inst, is_stacked: bool) -> Inst:
        """With the axis of time, whether its values differ or not."""
        return x if is_stacked else self.b.spread(x, (self.steps, *x.shape))

    def ranked(self, args: list[Inst]) -> list[Inst]:
        """With as many axes each, so that time meets time: those of size 1 go behind it."""
        ranks = [len(x.shape) - is_stacked for x, is_stacked in zip(args, self.which)]
        found = []
        for x, is_stacked, rank in zip(args, self.which, ranks):
            more = (1,) * (max(ranks) - rank)
            shape = (self.steps, *more, *x.shape[1:])
            found.append(self.b.reshape(x, shape) if is_stacked and more else x)
        return found


@rule("map")
def _map(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    return s.b.map(inst.attrs["fn"], *s.ranked(args))


@rule("view")
def _view(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    view, size = inst.attrs["view"], prod(args[0].shape[1:])
    more = View(view.start, (size, *view.strides), (s.steps, *view.shape))
    is_slice = sliced(more, s.steps * size) is not None
    return s.b.view(args[0], more) if is_slice else s.b.gather(args[0], more.places())


@rule("gather")
def _gather(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    index, size = inst.attrs["index"], prod(args[0].shape[1:])
    begins = np.arange(s.steps).reshape(-1, *[1] * index.ndim) * size
    return s.b.gather(args[0], begins + index)


@rule("reshape")
def _reshape(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    return s.b.reshape(args[0], (s.steps, *inst.shape))


@rule("spread")
def _spread(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    (x,) = args
    more = (1,) * (len(inst.shape) - len(x.shape) + 1)
    return s.b.spread(s.b.reshape(x, (s.steps, *more, *x.shape[1:])), (s.steps, *inst.shape))


@rule("concat")
def _concat(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    return s.b.concat(map(s.full, args, s.which), inst.attrs["axis"] + 1)


@rule("reduce")
def _reduce(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    return s.b.reduce(args[0], [axis + 1 for axis in inst.attrs["axes"]], inst.attrs["fn"])


@rule("vecdot")
def _vecdot(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    return s.b.emit("vecdot", s.ranked(args))


@rule("outer")
def _outer(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    a, b = map(s.full, args, s.which)
    return s.b.map("*", s.b.reshape(a, (*a.shape, 1)), s.b.reshape(b, (s.steps, 1, b.shape[1])))


@rule("matmul")
def _matmul(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    """A row times a matrix that stays the same, in all steps, is a product of two matrices; else
    there is one product for each step."""
    (a, b), (ta, tb) = args, inst.attrs["turned"]
    ra, rb = [len(x.shape) - is_stacked for x, is_stacked in zip(args, s.which)]
    if s.which == [True, False] and ra == 1 and rb == 2:
        return s.b.matmul(a, b, (False, tb))
    if s.which == [False, True] and ra == 2 and rb == 1:
        return s.b.matmul(b, a, (False, not ta))
    if s.which == [True, False] and ra == rb == 2 and not ta:
        rows = s.b.reshape(a, (s.steps * a.shape[1], a.shape[2]))
        return s.b.reshape(s.b.matmul(rows, b, (False, tb)), (s.steps, *inst.shape))
    a = s.b.reshape(s.full(a, s.which[0]), (s.steps, 1, *a.shape[s.which[0] :])) if ra == 1 else a
    b = s.b.reshape(s.full(b, s.which[1]), (s.steps, *b.shape[s.which[1] :], 1)) if rb == 1 else b
    found = s.b.matmul(a, b, (ta and ra > 1, tb and rb > 1))
    return s.b.reshape(found, (s.steps, *inst.shape))


@rule("segment_reduce")
def _segment_reduce(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    counts = np.tile(inst.attrs["counts"], s.steps)
    x = s.b.reshape(args[0], (prod(args[0].shape),))
    found = s.b.emit("segment_reduce", [x], fn=inst.attrs["fn"], counts=counts)
    return s.b.reshape(found, (s.steps, *inst.shape))


@rule("bincount")
def _bincount(s: Batch, inst: Inst, args: list[Inst]) -> Inst:
    """Of places that are the same in all steps."""
    x, at = args
    size = prod(inst.shape)
    begins = np.arange(s.steps)[:, None] * size
    places = s.b.const((begins + at.attrs["value"].reshape(-1)).reshape(-1))
    flat = s.b.reshape(x, (prod(x.shape),))
    found = s.b.emit("bincount", [flat, places], shape=(s.steps * size,))
    return s.b.reshape(found, (s.steps, *inst.shape))
