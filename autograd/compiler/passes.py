"""Named rewrites of instructions: each its algebra, and where it is not exact.

A rule looks at one instruction that is about to be made, and gives a simpler one that computes the
same, or None. `Builder` tries them on everything that lowering and reverse emit; `rewritten` is the
same for a block that is there already.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from autograd.compiler.build import Builder, Rule, number_of
from autograd.compiler.ir import Block
from autograd.compiler.operations import Inst, places_of
from autograd.compiler.views import affine, covers, sliced
from autograd.ops import OPS

RULES: dict[str, list[Rule]] = {}


def rewrite(*ops: str) -> Callable[[Rule], Rule]:
    """A rule for these operations: an op, or `map` and what it does."""

    def register(rule: Rule) -> Rule:
        for op in ops:
            RULES.setdefault(op, []).append(rule)
        return rule

    return register


@rewrite(*[f"map {op.symbol}" for op in OPS.values() if op.numpy])
def fold_numbers(b: Builder, inst: Inst) -> Inst | None:
    """2 * 3 = 6. Exact: it is what the engine computes."""
    numbers = [number_of(b.by_name[name]) for name in inst.args]
    known = [x for x in numbers if x is not None]
    if len(known) < len(numbers):
        return None
    return b.operand(OPS[inst.attrs["fn"]].forward(*known))


@rewrite("map *")
def number_first(b: Builder, inst: Inst) -> Inst | None:
    """x * 2 = 2 * x. Exact."""
    x, y = b.arg(inst, 0), b.arg(inst, 1)
    return b.map("*", y, x) if number_of(x) is None and number_of(y) is not None else None


@rewrite("map *")
def times_one(b: Builder, inst: Inst) -> Inst | None:
    """1 * x = x, -1 * x = -x. Exact. Not for a comparison: the 1 makes a number of it."""
    c, x = number_of(b.arg(inst, 0)), b.arg(inst, 1)
    if c not in (1.0, -1.0) or x.name in b.truths:
        return None
    return x if c == 1.0 else b.map("neg", x)


@rewrite("map *")
def times_zero(b: Builder, inst: Inst) -> Inst | None:
    """0 * x = 0, if x is made of comparisons and numbers: not at infinity, and NaN, and -0."""
    c, x = number_of(b.arg(inst, 0)), b.arg(inst, 1)
    return b.operand(0.0) if c == 0.0 and x.name in b.finite else None


@rewrite("map *", "map /")
def times_negated(b: Builder, inst: Inst) -> Inst | None:
    """-x * y = x * -y = -(x * y), and so for /. Exact: signs are not rounded. A sum that takes it
    in is a difference."""
    x, y = b.arg(inst, 0), b.arg(inst, 1)
    if x.op == "map" and x.attrs["fn"] == "neg":
        return b.map("neg", b.map(inst.attrs["fn"], b.arg(x, 0), y))
    if y.op == "map" and y.attrs["fn"] == "neg":
        return b.map("neg", b.map(inst.attrs["fn"], x, b.arg(y, 0)))
    return None


@rewrite("map *")
def times_reciprocal(b: Builder, inst: Inst) -> Inst | None:
    """x * (1 / y) = x / y. One rounding less; at 0, infinity and NaN they agree."""
    y = b.arg(inst, 1)
    if y.op != "map" or y.attrs["fn"] != "/" or number_of(b.arg(y, 0)) != 1.0:
        return None
    return b.map("/", b.arg(inst, 0), b.arg(y, 1))


@rewrite("map +")
def plus_zero(b: Builder, inst: Inst) -> Inst | None:
    """0 + x = x + 0 = x. Not exact at -0, for 0 + -0 is 0. Not for a comparison."""
    x, y = b.arg(inst, 0), b.arg(inst, 1)
    for zero, other in ((x, y), (y, x)):
        if number_of(zero) == 0.0 and other.name not in b.truths:
            return other
    return None


@rewrite("map +")
def plus_negated(b: Builder, inst: Inst) -> Inst | None:
    """x + -y = -y + x = x - y. Exact."""
    x, y = b.arg(inst, 0), b.arg(inst, 1)
    for kept, other in ((x, y), (y, x)):
        if other.op == "map" and other.attrs["fn"] == "neg":
            return b.map("-", kept, b.arg(other, 0))
    return None


@rewrite("map +")
def plus_itself(b: Builder, inst: Inst) -> Inst | None:
    """x + x = 2 * x. Exact. Not for a comparison."""
    is_same = inst.args[0] == inst.args[1] and inst.args[0] not in b.truths
    return b.map("*", 2.0, b.arg(inst, 0)) if is_same else None


@rewrite("map /", "map **")
def by_one(b: Builder, inst: Inst) -> Inst | None:
    """x / 1 = x ** 1 = x. Exact."""
    return b.arg(inst, 0) if number_of(b.arg(inst, 1)) == 1.0 else None


@rewrite("map neg")
def negated_twice(b: Builder, inst: Inst) -> Inst | None:
    """-(-x) = x. Exact."""
    x = b.arg(inst, 0)
    return b.arg(x, 0) if x.op == "map" and x.attrs["fn"] == "neg" else None


@rewrite("map -")
def slope_of_relu(b: Builder, inst: Inst) -> Inst | None:
    """1 - [x <= 0] = [relu(x) != 0], if relu(x) is there. Exact, at NaN too."""
    one, below = number_of(b.arg(inst, 0)), b.arg(inst, 1)
    if one != 1.0 or below.op != "map" or below.attrs["fn"] != "<=":
        return None
    if number_of(b.arg(below, 1)) != 0.0:
        return None
    relu = b.computed("map", [b.arg(below, 0)], fn="relu")
    return b.map("!=", relu, 0.0) if relu else None


@rewrite("map select")
def selected_by_value(b: Builder, inst: Inst) -> Inst | None:
    """select([x != 0], a, b) = select(x, a, b). Exact, at NaN too."""
    condition = b.arg(inst, 0)
    if condition.op != "map" or condition.attrs["fn"] != "!=":
        return None
    if number_of(b.arg(condition, 1)) != 0.0:
        return None
    return b.map("select", b.arg(condition, 0), b.arg(inst, 1), b.arg(inst, 2))


@rewrite("reshape")
def reshaped(b: Builder, inst: Inst) -> Inst | None:
    """A reshape to the shape that is there is nothing; two are one; a constant's is made now."""
    x = b.arg(inst, 0)
    if x.shape == inst.shape:
        return x
    if x.op == "reshape":
        return b.reshape(b.arg(x, 0), inst.shape)
    return b.const(x.attrs["value"].reshape(inst.shape)) if x.op == "const" else None


@rewrite("spread")
def spread_out(b: Builder, inst: Inst) -> Inst | None:
    """A spread to the shape that is there is nothing; a constant's is made now."""
    x = b.arg(inst, 0)
    if x.shape == inst.shape:
        return x
    if x.op != "const":
        return None
    return b.const(np.broadcast_to(x.attrs["value"], inst.shape).copy())


@rewrite("view", "gather")
def elsewhere(b: Builder, inst: Inst) -> Inst | None:
    """Elements of a reshaped array are elements of the array; of all, in order, the array itself,
    reshaped; those of a constant are taken now."""
    x = b.arg(inst, 0)
    if x.op == "reshape":
        return b.emit(inst.op, [b.arg(x, 0)], **inst.attrs)
    is_all = prod(inst.shape) == prod(x.shape)
    if is_all or x.op == "const":
        places = places_of(inst.attrs["view" if inst.op == "view" else "index"])
        if is_all and covers(places, prod(x.shape)):
            return b.reshape(x, inst.shape)
        return b.const(x.attrs["value"].reshape(-1)[places]) if x.op == "const" else None
    return None


@rewrite("view", "gather")
def part_of_a_part(b: Builder, inst: Inst) -> Inst | None:
    """Elements of some elements of an input are elements of the input, if that is no worse."""
    x = b.arg(inst, 0)
    source = b.arg(x, 0) if x.op in ("view", "gather") else x
    if source is x or source.op not in ("param", "data"):
        return None
    outer, inner = [places_of(y.attrs["view" if y.op == "view" else "index"]) for y in (x, inst)]
    places = outer.reshape(-1)[inner]
    view = affine(places)
    if view is not None and sliced(view, prod(source.shape)) is not None:
        is_row = prod(view.shape) in (1, *view.shape)
        return b.view(source, view, ("b" if is_row else "w") if source.op == "param" else "")
    return b.gather(source, places) if x.op == "gather" else None


@rewrite("concat")
def alone(b: Builder, inst: Inst) -> Inst | None:
    """One part beside nothing is that part."""
    return b.arg(inst, 0) if len(inst.args) == 1 else None


def rewritten(block: Block, rules: Mapping[str, Sequence[Rule]]) -> Block:
    """The block with these rules applied, each instruction once, in order."""
    b, now = Builder(rules), dict[str, Inst]()
    for inst in block.insts:
        if inst.op in ("param", "data"):
            now[inst.name] = b.input(inst.op, inst.name, inst.shape, **inst.attrs)
        elif inst.op == "const":
            now[inst.name] = b.const(inst.attrs["value"])
        else:
            args = [now[name] for name in inst.args]
            new = b.emit(inst.op, args, shape=inst.shape, **inst.attrs)
            now[inst.name] = b.named(new, "x" if inst.kept else "", inst.note)
    return b.block([now[name] for name in block.outputs])


# --- rewrites of several instructions -------------------------------------------------------------

Piece = tuple[Any, Inst]  # places in an array (None: all), and a gradient of what was read there


def stacked(b: Builder, pieces: list[Piece]) -> list[Piece]:
    """a.T @ x + b.T @ y + ... = [a; b; ...].T @ [x; y; ...], and so for sums over rows: for a
    parameter that is used in many steps, as in an RNN. Other roundings, for it adds up in another
    order."""
    groups: dict[Any, list[Piece]] = {}
    for n, (places, g) in enumerate(pieces):
        rows = summed_rows(b, g)
        where = None if places is None else places.tobytes()
        at = (where, *[x.shape[1:] for x in rows]) if rows else n
        groups.setdefault(at, []).append((places, g))
    found = []
    for members in groups.values():
        found += members if len(members) <= 3 else [_one(b, members)]
    return found


def summed_rows(b: Builder, g: Inst) -> list[Inst]:
    """The matrices whose rows g is a sum over: a and x of a.T @ x, or a of a.sum(0)."""
    args = [b.by_name[name] for name in g.args]
    if g.op == "matmul" and g.attrs["turned"] == (True, False):
        return args if all(len(x.shape) == 2 for x in args) else []
    is_sum = g.op == "reduce" and g.attrs["fn"] == "sum" and g.attrs["axes"] == (0,)
    return args if is_sum and len(args[0].shape) == 2 else []


def _one(b: Builder, members: list[Piece]) -> Piece:
    places, first = members[0]
    columns: Iterable[Any] = zip(*[summed_rows(b, g) for _, g in members])
    stacks = [b.concat(column, stem="rows") for column in columns]
    return places, b.emit(first.op, stacks, **first.attrs)
