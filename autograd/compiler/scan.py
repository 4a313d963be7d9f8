"""Loops in the IR: from the kinds of a loop's body to a `scan`, and its gradient.

A `scan` holds what goes round: what depends on a carried value, and the next one on it. All else in
a body is done for all steps at once, before or after the loop. So a product W x_t of an input is
one product of matrices; and in the gradient, where W gets the sum of g_t h_t.T, that is one, too.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from autograd.compiler.batch import Batch
from autograd.compiler.build import Builder
from autograd.compiler.ir import Block
from autograd.compiler.operations import Inst, View

LOOKED_UP = ("scan", "item", "lookup")  # no array operation does these for all steps at once
Value = tuple[Inst, bool]  # outside of a loop: a value, and is there one for each step?


@dataclass
class Carry:
    """What goes from one step to the next: its name in the body, that of the next value, and the
    value before the first step."""

    name: str
    next: str
    first: Inst


class Split:
    """Emits a loop: what goes round as a scan, the rest around it.

    block: the body. given: its other inputs, and what is known already; `value` gives their values.
    """

    def __init__(
        self,
        b: Builder,
        block: Block,
        carries: list[Carry],
        given: Container[str],
        value: Callable[[str], Value],
        steps: int,
        reverse: bool = False,
    ) -> None:
        self.b, self.carries = b, carries
        self.block = associated(block, {carry.name for carry in carries})
        self.given, self.value = given, value
        self.steps, self.reverse, self.batch = steps, reverse, Batch(b, steps)
        self.by_carry = {carry.name: carry for carry in carries}
        self.known: dict[str, Value] = {}
        self.inside = self.what_goes_round()
        self.scan: Inst | None = None
        self.kept: list[str] = []

    def what_goes_round(self) -> set[str]:
        """The instructions that depend on a carried value, and the next one on them."""
        below, above = set(self.by_carry), {carry.next for carry in self.carries}
        own = [inst for inst in self.block.insts if not self.is_given(inst)]
        for inst in own:
            if not below.isdisjoint(inst.args) or inst.op in LOOKED_UP:
                below.add(inst.name)
        above.update([inst.name for inst in own if inst.op in LOOKED_UP])
        for inst in reversed(own):
            if inst.name in above:
                above.update(inst.args)
        return (below & above) - set(self.by_carry)

    def is_given(self, inst: Inst) -> bool:
        return inst.name in self.by_carry or inst.op == "const" or inst.name in self.given

    # --- the scan ---------------------------------------------------------------------------------

    def emit(self, wanted: Iterable[str]) -> None:
        """Emit the scan, so that it keeps what these names need. (`outside` gives their values.)"""
        self.keep(wanted)
        inside = [inst for inst in self.block.insts if inst.name in self.inside]
        nexts = [carry.next for carry in self.carries]
        used = dict.fromkeys([name for inst in inside for name in inst.args] + nexts)
        read = [name for name in used if name not in self.inside and name not in self.by_carry]
        consts = [self.block[name] for name in read if self.block[name].op == "const"]
        values = {name: self.outside(name) for name in read if self.block[name] not in consts}
        fixed = [name for name, (_, is_stacked) in values.items() if not is_stacked]
        steps = [name for name, (_, is_stacked) in values.items() if is_stacked]
        inputs = [*self.by_carry, *fixed, *steps]
        heads = [Inst(name, "data", (), self.block[name].shape) for name in inputs]
        body = Block((*heads, *consts, *inside), (*nexts, *self.kept))
        args = [carry.first for carry in self.carries]
        args += [values[name][0] for name in [*fixed, *steps]]
        counts = {"length": self.steps, "carries": len(nexts), "fixed": len(fixed)}
        attrs = counts | {"body": body, "reverse": self.reverse}
        self.scan = self.b.emit("scan", args, "loop", (), **attrs)

    def keep(self, wanted: Iterable[str]) -> None:
        """Note what is to be kept of each step."""
        seen, todo = set[str](), [*wanted]
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self.inside or name in self.by_carry:
                kept = self.by_carry[name].next if name in self.by_carry else name
                if kept in self.inside and kept not in self.kept:
                    self.kept.append(kept)
                elif kept not in self.inside:
                    todo.append(kept)
            elif not self.is_given(self.block[name]):
                todo += self.block[name].args
        self.kept.sort(key=[inst.name for inst in self.block.insts].index)

    # --- values outside ---------------------------------------------------------------------------

    def outside(self, name: str) -> Value:
        """The value of a name of the body outside of the loop."""
        if name not in self.known:
            self.known[name] = self.found(self.block[name])
        return self.known[name]

    def found(self, inst: Inst) -> Value:
        if inst.op == "const":
            return self.b.const(inst.attrs["value"]), False
        if inst.name in self.by_carry:
            carry = self.by_carry[inst.name]
            return before(self.b, carry.first, self.stack(carry.next), self.reverse), True
        if inst.name in self.inside:
            return self.item(len(self.carries) + self.kept.index(inst.name), inst.name), True
        if inst.name in self.given:
            return self.value(inst.name)
        return self.batch.emit(inst, [self.outside(arg) for arg in inst.args])

    def item(self, k: int, stem: str) -> Inst:
        return self.b.emit("item", [self.scan], f"{stem}s", index=k)

    def last(self, k: int) -> Inst:
        """The carried value after the last step."""
        return self.b.emit("item", [self.scan], "last", index=k)

    def stack(self, name: str) -> Inst:
        """All its values, with the axis of time in front."""
        return self.batch.full(*self.outside(name))

    # --- sums over all steps ----------------------------------------------------------------------

    def total(self, name: str) -> Inst:
        """The sum of its values over all steps."""
        b, inst = self.b, self.block[name]
        is_ours = name not in self.inside and not self.is_given(inst)
        args = [self.block[arg] for arg in inst.args] if is_ours else []
        if is_ours and inst.op == "reshape":
            return b.reshape(self.total(inst.args[0]), inst.shape)
        if is_ours and inst.op == "map" and inst.attrs["fn"] == "neg":
            return b.map("neg", self.total(inst.args[0]))
        if is_ours and inst.op == "reduce" and inst.attrs["fn"] == "sum":
            axes = [0, *[axis + 1 for axis in inst.attrs["axes"]]]
            return b.reduce(self.stack(inst.args[0]), axes)
        if is_ours and (rows := self.rows(inst, args)):
            return b.matmul(rows[0], rows[1], (True, False))
        x, is_stacked = self.outside(name)
        return b.reduce(x, [0]) if is_stacked else b.map("*", float(self.steps), x)

    def rows(self, inst: Inst, args: list[Inst]) -> list[Inst]:
        """The matrices whose rows' products add up to a sum of products: of columns and rows,
        sum of g_t h_t.T = G.T H, and of matrices, sum of A_t.T B_t = A.T B."""
        if inst.op == "map" and inst.attrs["fn"] == "*" and len(inst.shape) == 2:
            a, b = args
            is_column = a.op == "reshape" and a.shape == (prod(a.shape), 1)
            if is_column and len(b.shape) == len(self.block[a.args[0]].shape) == 1:
                return [self.stack(a.args[0]), self.stack(b.name)]
        if inst.op == "outer":
            return [self.stack(x.name) for x in args]
        is_product = inst.op == "matmul" and inst.attrs["turned"] == (True, False)
        if is_product and all(len(x.shape) == 2 for x in args):
            stacks = [self.stack(x.name) for x in args]
            return [self.b.reshape(x, (prod(x.shape[:2]), x.shape[2])) for x in stacks]
        return []


def associated(block: Block, carries: set[str]) -> Block:
    """(a + b) + c = a + (b + c), where only a depends on what is carried: then b + c is done for
    all steps at once. Other roundings."""
    insts, by_name, below = list[Inst](), dict[str, Inst](), set(carries)
    used = Counter([name for inst in block.insts for name in inst.args] + [*block.outputs])
    for inst in block.insts:
        new = [inst]
        if not below.isdisjoint(inst.args):
            below.add(inst.name)
            new = _associated(inst, by_name, below, used)
        for one in new:
            by_name[one.name] = one
            insts.append(one)
    return Block(tuple(insts), block.outputs)


def _associated(inst: Inst, by_name: dict[str, Inst], below: set[str], used: Any) -> list[Inst]:
    if inst.attrs.get("fn") != "+" or below.issuperset(inst.args):
        return [inst]
    x, c = [by_name[name] for name in sorted(inst.args, key=below.__contains__, reverse=True)]
    if x.attrs.get("fn") != "+" or used[x.name] > 1 or below.issuperset(x.args):
        return [inst]
    a, b = [by_name[name] for name in sorted(x.args, key=below.__contains__, reverse=True)]
    shape = tuple(np.broadcast_shapes(b.shape, c.shape))
    rest = Inst(f"{inst.name}_", "map", (b.name, c.name), shape, inst.attrs)
    return [rest, Inst(inst.name, "map", (a.name, rest.name), inst.shape, inst.attrs, inst.note)]


def before(b: Builder, first: Inst, stack: Inst, reverse: bool) -> Inst:
    """What was carried into each step, from what each step carried on."""
    shape = (stack.shape[0] - 1, *stack.shape[1:])
    if not shape[0]:
        return b.reshape(first, stack.shape)
    size = prod(shape[1:])
    strides = [prod(stack.shape[k + 1 :]) for k in range(len(shape))]
    rest = b.view(stack, View(size if reverse else 0, tuple(strides), shape))
    parts = [b.reshape(first, (1, *first.shape)), rest]
    return b.concat(parts[::-1] if reverse else parts)


class Forward:
    """A scan that is in a block already, so that its gradient can ask for more of its values."""

    def __init__(self, b: Builder, scan: Inst) -> None:
        self.b, self.scan = b, scan
        self.batch = Batch(b, scan.attrs["length"])

    @property
    def body(self) -> Block:
        found: Block = self.scan.attrs["body"]
        return found

    def value(self, name: str) -> Value:
        """The value of a name of the body outside of the loop."""
        inst, body, scan = self.body[name], self.body, self.scan
        if inst.op == "const":
            return self.b.const(inst.attrs["value"]), False
        if name in body.inputs:
            k, n = body.inputs.index(name), scan.attrs["carries"]
            arg = self.b.by_name[scan.args[k]]
            if k >= n:
                return arg, k >= n + scan.attrs["fixed"]
            return before(self.b, arg, self.kept(body.outputs[k]), scan.attrs["reverse"]), True
        if inst.op in ("view", "reshape", "spread"):
            return self.batch.emit(inst, [self.value(arg) for arg in inst.args])
        return self.kept(name), True

    def kept(self, name: str) -> Inst:
        """All values of a name: the loop is made to keep them, if it does not yet."""
        body, n = self.body, self.scan.attrs["carries"]
        if name in body.inputs and name not in body.inputs[:n]:
            return self.batch.full(*self.value(name))
        if name not in body.outputs[n:]:
            self.change(Block(body.insts, (*body.outputs, name)))
        k = n + self.body.outputs[n:].index(name)
        return self.b.emit("item", [self.scan], f"{name}s", index=k)

    def adopt(self, block: Block) -> None:
        """Take over what the gradient of a step asks of loops within it: more results of theirs."""
        insts = []
        for inst in self.body.insts:
            insts.append(block.by_name.get(inst.name, inst))
            results = [x for x in block.insts if x.op == "item" and x.args == (inst.name,)]
            insts += [x for x in results if inst.op == "scan" and x.name not in self.body.by_name]
        self.change(Block(tuple(insts), self.body.outputs))

    def change(self, body: Block) -> None:
        attrs = dict(self.scan.attrs) | {"body": body}
        self.scan = self.b.replace(self.scan, attrs)
