"""Stage 5: the gradient of a block, by one rule for each operation: its transpose.

Each operation is linear in the small changes of its arguments. If a change dx of an argument makes
dy = A dx in the result, then a gradient g of the result makes A.T g in the argument. Walking the
block backwards, gradients of an array are collected and added up; then its own rule hands them on.

A gradient may be smaller than its array: along an axis where it has 1, or in front, nothing, it is
the same everywhere. So the gradient of a sum's terms is one number, and needs no array.
"""

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import numpy as np

from autograd.compiler.build import Builder, Term, is_finite, number_of, plain
from autograd.compiler.ir import Block
from autograd.compiler.lower import repeated
from autograd.compiler.operations import SELECT, UPSTREAM, Inst, Shape, View, places_of
from autograd.compiler.passes import RULES, Piece, stacked
from autograd.compiler.scan import Carry, Forward, Split
from autograd.compiler.views import Index, affine, common_shape, covers, sliced
from autograd.ops import OPS, Op

LARGE = 10_000  # from this size on an outer product is worth a function call
PASSED_ON = ("view", "gather", "reshape", "spread", "concat")  # the same numbers, elsewhere
Given = Iterable[tuple[Any, ...]]  # (argument, its gradient), or with the places that it is for
Rule = Callable[["Reverse", Inst, Inst], Given]
TRANSPOSES: dict[str, Rule] = {}


def transpose(*ops: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        TRANSPOSES.update(dict.fromkeys(ops, rule))
        return rule

    return register


class Reverse:
    """A block with its gradients: its results are the loss, the gradient of the parameters, and
    those of `values`, inputs that get one, too. Of a block of several results the gradients are
    those of their sum, each times its number in the input `upstream`.

    has_holes: is there something that the engine does not visit where a look-up leaves it out?
    There 0 * inf makes a NaN that it would not have.
    """

    def __init__(self, forward: Block, values: Iterable[str] = ()) -> None:
        self.b = Builder(RULES).start(forward)
        self.has_holes = False
        self.lookups: set[str] = set()  # gradients that are 0 in all that was not chosen
        self.pieces: dict[str, list[Piece]] = {}
        params = [forward[name] for name in forward.inputs if forward[name].op == "param"]
        self.trained = depending(forward, {*[p.name for p in params], *values})
        for root, g in zip(forward.outputs, self.upstream(forward)):
            if root in self.trained:
                self.pieces.setdefault(root, []).append((None, g))
        for inst in reversed(forward.insts):
            if inst.op not in ("param", "data") and self.pieces.get(inst.name):
                self.hand_on(inst)
        ends = [*map(self.end, params), *[self.of_value(forward[name]) for name in values]]
        self.block = self.b.block([*map(forward.__getitem__, forward.outputs), *ends])

    def upstream(self, forward: Block) -> list[Inst]:
        """The gradient of each result."""
        n = len(forward.outputs)
        if n == 1:
            return [self.b.operand(1.0)]
        whole = self.b.input("data", UPSTREAM, (n,))
        return [self.b.view(whole, View(k, (), ())) for k in range(n)]

    def hand_on(self, inst: Inst) -> None:
        """The gradients of one instruction go on to its arguments."""
        if inst.op == "scan":
            ScanReverse(self, inst)
            return
        g = self.total(inst)
        if inst.kept and inst.op not in PASSED_ON:
            g = self.b.named(g, f"g_{inst.name}")
        for x, part, *places in TRANSPOSES[inst.op](self, inst, g):
            if x.name in self.trained:
                self.pieces.setdefault(x.name, []).append((places[0] if places else None, part))
                if g.name in self.lookups and inst.op in PASSED_ON:
                    self.lookups.add(part.name)

    # --- adding up --------------------------------------------------------------------------------

    def total(self, inst: Inst) -> Inst:
        """The sum of an array's gradients."""
        size, b = prod(inst.shape), self.b
        pieces = stacked(b, self.pieces[inst.name])
        whole, rest = list[Piece](), list[Piece]()
        for places, g in pieces:
            is_whole = places is None or covers(places, size)
            (whole if is_whole else rest).append((places, g))
        self.has_holes |= inst.op not in PASSED_ON and not self.is_reached(size, whole, rest)
        found = b.operand(0.0)
        for places, g in whole:
            is_as = places is None or places.shape == inst.shape or not g.shape
            found = b.map("+", found, g if is_as else self.filled(g, places, inst.shape))
        if rest:
            found = b.map("+", found, b.reshape(self.tiled(size, rest), inst.shape))
        if len(pieces) == 1 and pieces[0][1].name in self.lookups:
            self.lookups.add(found.name)  # the same, in another shape
        return found

    def total_of(self, name: str) -> Inst:
        """The sum of an input's gradients; 0, if nothing depends on it."""
        return self.total(self.b.by_name[name]) if self.pieces.get(name) else self.b.operand(0.0)

    def is_reached(self, size: int, whole: list[Piece], rest: list[Piece]) -> bool:
        """Does the engine visit all of an array, whatever the look-ups choose?"""
        if any(g.name not in self.lookups for _, g in whole):
            return True
        reached = np.zeros(size, bool)
        for places, g in rest:
            reached[places] |= g.name not in self.lookups
        return bool(reached.all())

    def filled(self, g: Inst, places: Index, shape: Shape) -> Inst:
        """The gradient of all the places in an index array, in another shape."""
        return self.b.reshape(self.b.spread(g, places.shape), shape)

    def tiled(self, size: int, pieces: list[Piece]) -> Inst:
        """Gradients of parts of an array as one array: side by side, if each is that of some
        columns or rows; else added up."""
        pieces.sort(key=lambda piece: int(piece[0].flat[0]))
        sizes = [places.size for places, _ in pieces]
        for n in (*pieces[0][0].shape[:-1], 1) if sum(sizes) == size else ():
            if not any(part % n for part in sizes):
                shapes = [(n, part // n) if n > 1 else (part,) for part in sizes]
                blocks = [places.reshape(shape) for (places, _), shape in zip(pieces, shapes)]
                if covers(np.concatenate(blocks, -1), size):
                    parts = [self.filled(g, at, shape) for (at, g), shape in zip(pieces, shapes)]
                    return self.b.concat(parts, int(n > 1))
        return self.merged(pieces, np.arange(size))

    def merged(self, pieces: list[Piece], places: Index) -> Inst:
        """The sum of gradients at each of these places, which are in order."""
        b, n = self.b, len(places)
        flat = np.concatenate([at.reshape(-1) for at, _ in pieces])
        whole = b.concat([self.filled(g, at, (at.size,)) for at, g in pieces])
        which = np.searchsorted(places, flat)
        if np.array_equal(which, np.arange(n)):
            return whole
        if len(which) == n and np.bincount(which, minlength=n).all():
            return b.gather(whole, np.argsort(which))
        return b.emit("bincount", [whole, b.const(which)], shape=(n,))

    def end(self, param: Inst) -> Inst:
        """The gradient of all parameters, each piece in its places. Those in no order, or with
        several for one place, are one piece."""
        size = prod(param.shape)
        views, loose = list[Piece](), list[Piece]()
        for places, g in stacked(self.b, self.pieces.get(param.name, [])):
            at = View(0, (1,), (size,)) if places is None else in_order(places, size)
            if at is None:
                loose.append((places, g))
            else:
                views.append((at, g))
        if loose:
            views.append(self.gathered(loose, size))
        views.sort(key=lambda piece: int(prod(piece[0].shape)))  # the small ones first
        places, parts = tuple([at for at, _ in views]), [g for _, g in views]
        return self.b.emit("scatter", parts, "G", param.shape, places=places)

    def gathered(self, loose: list[Piece], size: int) -> Piece:
        """Pieces in no order as one, in the order of its places."""
        every = np.concatenate([places.reshape(-1) for places, _ in loose])
        found = np.flatnonzero(np.bincount(every))
        places = found.reshape(common_shape([found]))
        at = in_order(places, size)
        merged = self.b.reshape(self.merged(loose, found), places.shape)
        return (places if at is None else at), merged

    def of_value(self, data: Inst) -> Inst:
        """The gradient of an input, in full."""
        if not self.pieces.get(data.name):
            return self.b.const(np.zeros(data.shape))
        return self.b.named(self.b.spread(self.total(data), data.shape), f"g_{data.name}")

    def reduced(self, g: Inst, shape: Shape, to: Shape) -> Inst:
        """A gradient of that shape, for what was repeated along the axes where `to` is 1: the sum
        along them, or, where the gradient is the same everywhere, that many times it."""
        b = self.b
        have = (1,) * (len(shape) - len(g.shape)) + g.shape
        whole = (1,) * (len(shape) - len(to)) + to
        repeated = [axis for axis, n in enumerate(shape) if whole[axis] == 1 < n]
        times = float(prod([shape[axis] for axis in repeated if have[axis] == 1]))
        g = b.map("*", times, g) if times > 1.0 else g
        axes = [axis for axis in repeated if have[axis] > 1]
        left = [1 if axis in axes else n for axis, n in enumerate(have)][len(shape) - len(to) :]
        if axes:
            g = b.reduce(g, [axis - len(shape) + len(g.shape) for axis in axes])
        while left[:1] == [1] and len(left) > len(g.shape):
            left = left[1:]
        return g if number_of(g) is not None else b.reshape(g, tuple(left))


# --- the transposes: dy = A dx, so dx gets A.T g --------------------------------------------------


@transpose("map")
def _map(r: Reverse, y: Inst, g: Inst) -> Given:
    """dy = f'(x) dx, element by element; and the transpose of a repetition is a sum."""
    if y.attrs["fn"] not in OPS:  # a comparison, or detach
        return
    args = [r.b.by_name[name] for name in y.args]
    terms = [Term(r.b, x) if number_of(x) is None else number_of(x) for x in args]
    for x, partial in zip(args, OPS[y.attrs["fn"]].partials(Term(r.b, y), *terms)):
        if x.name in r.trained:
            part = passed(r.b, OPS[y.attrs["fn"]], g, r.b.operand(plain(partial)))
            yield x, r.reduced(part, y.shape, x.shape)


def passed(b: Builder, op: Op, g: Inst, partial: Inst) -> Inst:
    """g times the partial derivative; of a gate 0 where that is 0, be g infinite or NaN."""
    if not op.gate or is_finite(number_of(g)) or number_of(partial) is not None:
        return b.map("*", g, partial)
    if partial.name in b.truths:
        return b.map(SELECT, partial, g, 0.0)
    return b.map(SELECT, b.map("!=", partial, 0.0), b.map("*", g, partial), 0.0)


@transpose("view", "gather")
def _part(r: Reverse, y: Inst, g: Inst) -> Given:
    """dy = some elements of dx: g goes to their places."""
    yield r.b.arg(y, 0), g, places_of(y.attrs["view" if y.op == "view" else "index"])


@transpose("reshape")
def _reshape(r: Reverse, y: Inst, g: Inst) -> Given:
    """dy = dx in another shape."""
    yield r.b.arg(y, 0), g, np.arange(prod(y.shape)).reshape(y.shape)


@transpose("spread")
def _spread(r: Reverse, y: Inst, g: Inst) -> Given:
    """dy = dx, repeated: g is added up."""
    x = r.b.arg(y, 0)
    yield x, r.reduced(g, y.shape, x.shape)


@transpose("concat")
def _concat(r: Reverse, y: Inst, g: Inst) -> Given:
    """Each part gets its part of g."""
    begin, axis = 0, y.attrs["axis"]
    places = np.arange(prod(y.shape)).reshape(y.shape)
    whole = r.b.spread(g, y.shape) if g.shape else g
    for name in y.args:
        x = r.b.by_name[name]
        end = begin + x.shape[axis]
        yield x, part_of(r.b, whole, places.take(range(begin, end), axis)) if g.shape else g
        begin = end


@transpose("scatter")
def _scatter(r: Reverse, y: Inst, g: Inst) -> Given:
    """Each part gets what its places have."""
    whole = r.b.spread(g, y.shape)
    for name, places in zip(y.args, map(places_of, y.attrs["places"])):
        x = r.b.by_name[name]
        yield x, r.reduced(part_of(r.b, whole, places), places.shape, x.shape)


@transpose("reduce")
def _reduce(r: Reverse, y: Inst, g: Inst) -> Given:
    """dy = the sum of dx: each term gets g. (A maximum only moves the exponents in a logsumexp, in
    which it cancels: its gradient is taken as 0.)"""
    x, axes = r.b.arg(y, 0), y.attrs["axes"]
    if y.attrs["fn"] == "sum":
        kept = tuple([1 if axis in axes else n for axis, n in enumerate(x.shape)])
        yield x, r.b.reshape(r.b.spread(g, y.shape), kept) if g.shape else g


@transpose("segment_reduce")
def _segment_reduce(r: Reverse, y: Inst, g: Inst) -> Given:
    """As for a sum; each segment has its g."""
    if y.attrs["fn"] == "sum":
        yield r.b.arg(y, 0), repeated(r.b, g, y.attrs["counts"])


@transpose("vecdot")
def _vecdot(r: Reverse, y: Inst, g: Inst) -> Given:
    """dy = da . b + a . db; of a . a it is 2 a . da."""
    a, b = r.b.arg(y, 0), r.b.arg(y, 1)
    over = repeated(r.b, g)
    if a is b:
        yield a, r.b.map("*", r.b.map("*", 2.0, over), a)
        return
    shape = tuple(np.broadcast_shapes(a.shape, b.shape))
    for x, other in ((a, b), (b, a)):
        if x.name in r.trained:
            yield x, r.reduced(r.b.map("*", over, other), shape, x.shape)


@transpose("matmul")
def _matmul(r: Reverse, y: Inst, g: Inst) -> Given:
    """dY = dA B + A dB, so A gets G B.T and B gets A.T G, and where they are turned, the same,
    turned; a vector is a matrix of one row or column, with its product an outer one."""
    a, b = r.b.arg(y, 0), r.b.arg(y, 1)
    ta, tb = y.attrs["turned"]
    if not y.shape:
        yield from _of_vectors(r, a, b, g)
        return
    g = r.b.named(r.b.spread(g, y.shape), "g")
    if len(a.shape) == 1:
        yield a, r.b.matmul(b, g, (tb, False))
        yield b, outer(r, g, a) if tb else outer(r, a, g)
    elif len(b.shape) == 1:
        yield a, outer(r, b, g) if ta else outer(r, g, b)
        yield b, r.b.matmul(a, g) if ta else r.b.matmul(g, a)
    else:
        yield a, r.b.matmul(b, g, (tb, True)) if ta else r.b.matmul(g, b, (False, not tb))
        yield b, r.b.matmul(g, a, (True, ta)) if tb else r.b.matmul(a, g, (not ta, False))


def _of_vectors(r: Reverse, a: Inst, b: Inst, g: Inst) -> Given:
    """dy = da . b + a . db; of a . a it is 2 a . da."""
    if a is b:
        yield a, r.b.map("*", r.b.map("*", 2.0, g), a)
    else:
        yield a, r.b.map("*", g, b)
        yield b, r.b.map("*", g, a)


def outer(r: Reverse, a: Inst, b: Inst) -> Inst:
    """a[i] * b[j]: a large one is a call that the update may put off."""
    if len(a.shape) == 1 and len(a.shape + b.shape) == 2 and prod(a.shape + b.shape) > LARGE:
        return r.b.emit("outer", [a, b])
    return r.b.map("*", repeated(r.b, a), b)


@transpose("outer")
def _outer(r: Reverse, y: Inst, g: Inst) -> Given:
    """dY = da b + a db."""
    a, b = r.b.arg(y, 0), r.b.arg(y, 1)
    whole = r.b.spread(g, y.shape)
    yield a, r.b.matmul(whole, b)
    yield b, r.b.matmul(whole, a, (True, False))


@transpose("lookup")
def _lookup(r: Reverse, y: Inst, g: Inst) -> Given:
    """dy = dtable[at]: each place gets the sum of what was looked up there."""
    table, at = r.b.arg(y, 0), r.b.arg(y, 1)
    size = prod(y.shape)
    whole = r.b.reshape(r.b.spread(g, y.shape), (size,))
    flat = r.b.reshape(at, (size,))
    found = r.b.emit("bincount", [whole, flat], "g_table", table.shape)
    r.lookups.add(found.name)
    yield table, found


@transpose("bincount")
def _bincount(r: Reverse, y: Inst, g: Inst) -> Given:
    """dy = the sums of dx by places: each element gets what its place has."""
    x, at = r.b.arg(y, 0), r.b.arg(y, 1)
    looked_up = r.b.emit("lookup", [r.b.spread(g, y.shape), at])
    yield x, r.reduced(looked_up, at.shape, x.shape)


# --- loops ----------------------------------------------------------------------------------------


@transpose("item")
def _item(r: Reverse, y: Inst, g: Inst) -> Given:
    """The loop's k-th result gets its gradient."""
    yield r.b.arg(y, 0), r.b.spread(g, y.shape), y.attrs["index"]


class BodyReverse(Reverse):
    """The gradients of one step: of what it returns come those of what it was given.

    given: for each result that has a gradient, by its place, the input that brings it.
    """

    def __init__(self, body: Block, trained: set[str], results: Iterable[int]) -> None:
        self.b = Builder(RULES).start(body)
        self.has_holes, self.lookups, self.pieces = False, set(), {}
        self.trained, self.given = depending(body, trained), dict[int, Inst]()
        for k in results:
            name = body.outputs[k]
            if name in self.trained:
                self.given[k] = self.b.input("data", f"g_{name}_{k}", body[name].shape)
                self.pieces.setdefault(name, []).append((None, self.given[k]))
        for inst in reversed(body.insts):
            if inst.op not in ("param", "data") and self.pieces.get(inst.name):
                self.hand_on(inst)


class ScanReverse:
    """The gradient of a scan is a scan from the last step to the first, which carries the gradient
    of what was carried. What it hands on to the inputs is added up outside."""

    def __init__(self, r: Reverse, scan: Inst) -> None:
        if scan.attrs["reverse"]:  # lowering makes none: only transposes run backwards
            raise NotImplementedError("the transpose of a loop that runs backwards")
        self.r, self.forward = r, Forward(r.b, scan)
        self.gradients: dict[int, Inst] = {}  # of the scan's results
        for k, g in r.pieces[scan.name]:
            earlier = self.gradients.get(k)
            self.gradients[k] = r.b.map("+", earlier, g) if earlier else g
        body, self.carries = scan.attrs["body"], scan.attrs["carries"]
        self.args = dict(zip(body.inputs, scan.args))
        trained = self.trained_inputs(scan)
        kept = [k for k in self.gradients if k >= self.carries]
        wanted = [k for k in range(self.carries) if body.inputs[k] in trained]
        self.step = BodyReverse(body, trained, [*wanted, *kept])
        self.inputs = [name for name in body.inputs if name in trained]
        self.emit(scan)

    def trained_inputs(self, scan: Inst) -> set[str]:
        """The inputs of the body that depend on parameters: at first, or after some steps."""
        body = scan.attrs["body"]
        found = {name for name, arg in self.args.items() if arg in self.r.trained}
        while True:
            reached = depending(body, found)
            ends = zip(body.inputs, body.outputs[: self.carries])
            more = {name for name, end in ends if end in reached} - found
            if not more:
                return found
            found |= more

    def emit(self, scan: Inst) -> None:
        step, b, body = self.step, self.r.b, scan.attrs["body"]
        carried = [name for name in self.inputs if body.inputs.index(name) < self.carries]
        steps = [name for name in self.inputs if self.is_by_step(body, name)]
        ends = {name: step.b.spread(step.total_of(name), body[name].shape)
                for name in [*carried, *steps]}  # fmt: skip
        fixed = [(name, places, g) for name in self.inputs if name not in ends
                 for places, g in step.pieces.get(name, [])]  # fmt: skip
        block = step.b.block([*ends.values(), *[g for _, _, g in fixed]])
        called = step.b.called
        carries = []
        for name in carried:
            k = body.inputs.index(name)
            first = self.gradients.get(k) or b.const(np.zeros(body[name].shape))
            carries.append(Carry(step.given[k].name, called[ends[name].name], first))
        self.forward.adopt(block)
        known = {inst.name for inst in self.forward.body.insts}
        given = known | {g.name for k, g in step.given.items() if k >= self.carries}
        split = Split(b, block, carries, given, self.value, scan.attrs["length"], True)
        outside = [ends[name] for name in steps] + [g for _, _, g in fixed]
        split.emit([called[g.name] for g in outside])
        for n, name in enumerate(carried):
            self.hand_on(name, None, split.last(n))
        for name in steps:
            self.hand_on(name, None, split.stack(called[ends[name].name]))
        for name, places, g in fixed:
            self.hand_on(name, places, split.total(called[g.name]))

    def is_by_step(self, body: Block, name: str) -> bool:
        first: int = self.carries + self.forward.scan.attrs["fixed"]
        return body.inputs.index(name) >= first

    def value(self, name: str) -> tuple[Inst, bool]:
        """A value of the forward loop, or the gradient of what it kept."""
        for k, g in self.step.given.items():
            if g.name == name:
                return self.gradients[k], True
        return self.forward.value(name)

    def hand_on(self, name: str, places: Any, g: Inst) -> None:
        arg = self.args[name]
        if arg in self.r.trained:
            self.r.pieces.setdefault(arg, []).append((places, g))


def depending(block: Block, sources: set[str]) -> set[str]:
    """The names of what is computed from these, and they themselves."""
    found = set(sources)
    for inst in block.insts:
        is_end: bool = inst.op == "map" and inst.attrs["fn"] not in OPS  # a comparison, or detach
        if not is_end and not found.isdisjoint(inst.args):
            found.add(inst.name)
    return found


def in_order(places: Index, size: int) -> View | None:
    """The places as a view that can be written to, if they are one."""
    view = affine(places)
    return view if view is not None and sliced(view, size) is not None else None


def part_of(b: Builder, x: Inst, index: Index) -> Inst:
    """Elements of an array, as a view if they are one."""
    view = in_order(index, prod(x.shape))
    return b.gather(x, index) if view is None else b.view(x, view)
