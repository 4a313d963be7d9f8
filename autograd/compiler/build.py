"""Making a block: each new instruction goes through the rewrites, and none is made twice."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd.compiler.ir import Block
from autograd.compiler.operations import COMPARISONS, OPERATIONS, Inst, Shape, View
from autograd.ops import OPS, Op

Rule = Callable[["Builder", Inst], "Inst | None"]


class Builder:
    """A block in the making. `rules`, by op, are tried on each instruction: see passes.py.

    Where an operand belongs, a plain number may stand for a constant. Instructions get their names
    at the end, when it is known which are needed: by their stems, as in sum1, sum2.
    """

    def __init__(self, rules: Mapping[str, Sequence[Rule]] | None = None) -> None:
        self.rules = rules or {}
        self.insts: list[Inst] = []
        self.by_name: dict[str, Inst] = {}
        self.known: dict[Any, Inst] = {}  # what is computed already, by what it says
        self.stems: dict[str, str] = {}  # of those to which a reader would give a name
        self.notes: dict[str, str] = {}
        self.given: dict[str, str] = {}  # whole names that were chosen for instructions
        self.final: set[str] = set()  # names that stay as they are
        self.called: dict[str, str] = {}  # the final names
        self.truths: set[str] = set()  # comparisons, and products of them
        self.finite: set[str] = set()  # sums and products of comparisons and numbers

    def start(self, block: Block) -> "Builder":
        """Go on from what a block computes."""
        self.final.update([inst.name for inst in block.insts])
        for inst in block.insts:
            self.append(inst)
        return self

    def block(self, outputs: Iterable[Inst]) -> Block:
        """What these results need, as a block."""
        wanted = [inst.name for inst in outputs]
        needed = set(wanted)
        for inst in reversed(self.insts):
            if inst.name in needed:
                needed.update(inst.args)
        names = Names(self.final | set(self.given.values()))
        called = self.called = dict[str, str]()
        insts = []
        for inst in self.insts:
            if inst.name in needed or inst.op in ("param", "data"):
                insts.append(self.finished(inst, names, called))
        return Block(tuple(insts), tuple([called[name] for name in wanted]))

    def finished(self, inst: Inst, names: "Names", called: dict[str, str]) -> Inst:
        """The instruction by its final name."""
        if inst.name in self.final:
            called[inst.name] = inst.name
            return inst
        stem = self.stems.get(inst.name, "")
        name = called[inst.name] = self.given.get(inst.name) or names.fresh(stem or "t")
        args = tuple([called[arg] for arg in inst.args])
        note = self.notes.get(inst.name, inst.note)
        is_kept = bool(stem) or inst.name in self.given
        return Inst(name, inst.op, args, inst.shape, inst.attrs, note, is_kept)

    def replace(self, inst: Inst, attrs: Mapping[str, Any]) -> Inst:
        """The same instruction with other attributes, in its place."""
        new = Inst(inst.name, inst.op, inst.args, inst.shape, attrs, inst.note, inst.kept)
        self.insts[self.insts.index(inst)] = self.by_name[inst.name] = new
        return new

    def append(self, inst: Inst) -> Inst:
        self.insts.append(inst)
        self.by_name[inst.name] = inst
        self.known.setdefault(key(inst), inst)
        if inst.op == "map":
            self.judge(inst)
        return inst

    def judge(self, inst: Inst) -> None:
        """Is it a comparison, and is it surely finite?"""
        fn, args = inst.attrs["fn"], [self.by_name[name] for name in inst.args]
        is_product = fn == "*" and all(x.name in self.truths for x in args)
        if fn in COMPARISONS or is_product:
            self.truths.add(inst.name)
        parts = [x.name in self.finite or is_finite(number_of(x)) for x in args]
        if fn in COMPARISONS or fn in ("+", "-", "*", "neg") and all(parts):
            self.finite.add(inst.name)

    def input(self, op: str, name: str, shape: Shape, **attrs: Any) -> Inst:
        """A param or a data, by the name that it has outside."""
        self.final.add(name)
        return self.append(Inst(name, op, (), shape, attrs))

    def emit(
        self, op: str, args: Iterable[Any], stem: str = "", shape: Any = None, **attrs: Any
    ) -> Inst:
        """The instruction for this, a new one or one that computes the same already.

        stem: of its name, if a reader would give it one; else it is part of an expression."""
        found = [self.operand(x) for x in args]
        name, names = f"%{len(self.insts)}", tuple([x.name for x in found])
        draft = Inst(name, op, names, shape or (), attrs)
        if shape is None:
            draft = Inst(name, op, names, OPERATIONS[op].shape(draft, *found), attrs)
        return self.named(self.simplest(draft), stem)

    def simplest(self, draft: Inst) -> Inst:
        """What the first rule that fits makes of it; else what says the same; else itself, new."""
        fn = draft.attrs.get("fn", "") if draft.op == "map" else ""
        for rule in self.rules.get(f"{draft.op} {fn}".strip(), ()):
            simpler = rule(self, draft)
            if simpler is not None:
                return simpler
        return self.known.get(key(draft)) or self.append(draft)

    def computed(self, op: str, args: Sequence[Inst], **attrs: Any) -> Inst | None:
        """The instruction that says this, if there is one."""
        draft = Inst("", op, tuple([x.name for x in args]), (), attrs)
        shape = OPERATIONS[op].shape(draft, *args)
        return self.known.get(key(Inst("", op, draft.args, shape, attrs)))

    def named(self, inst: Inst, stem: str, note: str = "") -> Inst:
        """It gets this name, with a number, unless it has one already."""
        if stem and inst.name not in self.final and inst.op != "const":
            self.stems.setdefault(inst.name, stem)
            if note:
                self.notes.setdefault(inst.name, note)
        return inst

    def operand(self, x: Any) -> Inst:
        return x if isinstance(x, Inst) else self.const(np.array(float(x)))

    def arg(self, inst: Inst, k: int) -> Inst:
        return self.by_name[inst.args[k]]

    def const(self, value: Any) -> Inst:
        value = np.asarray(value)
        draft = Inst(f"%{len(self.insts)}", "const", (), value.shape, {"value": value})
        same = self.known.get(key(draft))
        if same is None:
            ones = value.ndim > 0 and value.dtype.kind == "f" and bool((value == 1.0).all())
            stem = "c" if value.ndim else "number"
            stem = "i" if value.dtype.kind == "i" else "ones" if ones else stem
            self.stems[draft.name] = stem
        return same or self.append(draft)

    # --- in words -------------------------------------------------------------------------------

    def map(self, fn: str, *args: Any, stem: str = "") -> Inst:
        return self.emit("map", args, stem, fn=fn)

    def view(self, x: Inst, view: View, stem: str = "") -> Inst:
        return self.emit("view", [x], stem, view=view)

    def gather(self, x: Inst, index: Any, stem: str = "") -> Inst:
        return self.emit("gather", [x], stem, index=index)

    def reshape(self, x: Inst, shape: Shape) -> Inst:
        return self.emit("reshape", [x], shape=tuple(shape))

    def spread(self, x: Any, shape: Shape) -> Inst:
        return self.emit("spread", [x], shape=tuple(shape))

    def matmul(self, a: Inst, b: Inst, turned: tuple[bool, bool] = (False, False)) -> Inst:
        return self.emit("matmul", [a, b], turned=turned)

    def reduce(self, x: Inst, axes: Iterable[int], fn: str = "sum") -> Inst:
        return self.emit("reduce", [x], fn=fn, axes=tuple(axes))

    def concat(self, parts: Iterable[Inst], axis: int = 0, stem: str = "") -> Inst:
        return self.emit("concat", parts, stem, axis=axis)


class Names:
    """Names that nobody has: sum1, sum2, ...; the gradient of sum1 is g_sum1 at first."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)
        self.counts: dict[str, int] = {}

    def fresh(self, stem: str) -> str:
        name = stem
        while name == stem and not stem.startswith("g_") or name in self.taken:
            self.counts[stem] = self.counts.get(stem, stem.startswith("g_")) + 1
            name = f"{stem}{self.counts[stem]}"
        self.taken.add(name)
        return name


def key(inst: Inst) -> Any:
    """What an instruction says, to find one that says the same."""
    attrs = tuple([(name, _frozen(inst.attrs[name])) for name in sorted(inst.attrs)])
    unique = inst.name if inst.op in ("param", "data", "scan") else ""
    return inst.op, inst.args, inst.shape, attrs, unique


def _frozen(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return x.dtype.kind, x.shape, x.tobytes()
    return tuple(map(_frozen, x)) if isinstance(x, tuple | list) else x


def is_finite(x: float | None) -> bool:
    return x is not None and math.isfinite(x)


def number_of(inst: Inst) -> float | None:
    """The number that an instruction is, if it is one."""
    if inst.op != "const" or inst.shape or inst.attrs["value"].dtype.kind == "i":
        return None
    return float(inst.attrs["value"])


class Term:
    """An instruction as an operand of + - * / and of the ops, so that the op table's partial
    derivatives, run on terms, emit the instructions that compute them."""

    __slots__ = ("builder", "inst")

    def __init__(self, builder: Builder, inst: Inst) -> None:
        self.builder, self.inst = builder, inst

    @staticmethod
    def apply_op(op: Op, args: tuple[Any, ...]) -> "Term":
        builder = next(x.builder for x in args if isinstance(x, Term))
        return Term(builder, builder.map(op.symbol, *map(plain, args)))

    def compare(self, sign: str, other: Any) -> "Term":
        return Term(self.builder, self.builder.map(sign, self.inst, plain(other)))

    def __neg__(self) -> "Term":
        return self.apply_op(OPS["neg"], (self,))

    def __bool__(self) -> bool:
        raise TypeError("this is an array of the program, not known yet")

    __hash__ = None  # type: ignore[assignment]


def plain(x: Any) -> Any:
    """The instruction of a term; a number is itself."""
    return x.inst if isinstance(x, Term) else x


def _operators() -> None:
    names = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "**": "pow"}
    for symbol, name in names.items():
        op = OPS[symbol]
        setattr(Term, f"__{name}__", lambda a, b, op=op: a.apply_op(op, (a, b)))
        setattr(Term, f"__r{name}__", lambda b, a, op=op: b.apply_op(op, (a, b)))
    signs = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
    for sign in COMPARISONS:
        setattr(Term, f"__{signs[sign]}__", lambda a, b, sign=sign: a.compare(sign, b))


_operators()
