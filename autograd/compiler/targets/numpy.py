"""The program as NumPy code, in the words of one who writes it by hand.

An instruction without a name of its own, that is used once, becomes a part of the expression that
uses it; all others are lines. Views of the parameters P and of their gradient G are made once,
before the first step, and what is computed last is written straight into them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from math import prod
from typing import Any, NamedTuple

import numpy as np

from autograd.compiler.ir import Block, comment
from autograd.compiler.operations import (
    COMPARISONS,
    DETACH,
    SELECT,
    UPSTREAM,
    Array,
    Inst,
    Shape,
    View,
    places_of,
)
from autograd.compiler.targets import Printed, Target
from autograd.compiler.views import sliced
from autograd.ops import OPS

MOST = 12  # instructions in one expression: more are hard to read, and Python's parser has a limit
UFUNCS = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "neg": "negative",
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "tanh": "tanh",
    "maximum": "maximum",
}


class Text(NamedTuple):
    """An expression, and whether it can be an operand as it is: a name, a call, a subscript."""

    code: str
    is_atom: bool
    size: int = 1  # how many instructions it holds

    @property
    def operand(self) -> str:
        return self.code if self.is_atom else f"({self.code})"


class Spelling(NamedTuple):
    """How the op table writes an op, and which of its arguments stand where they need no
    parentheses: as arguments of a call."""

    template: str
    bare: set[int]
    repeats: bool  # is an argument written twice?


@cache
def _spelling(template: str) -> Spelling:
    bare = re.findall(r"(?:\(|, )\{(\d+)\}(?=,|\))", template)
    found = re.findall(r"\{(\d+)\}", template)
    return Spelling(template, set(map(int, bare)), len(found) > len(set(found)))


def spelling_of(fn: str) -> Spelling:
    """How to write an op; ask the table each time, for `register_op` may have added to it."""
    return SPELLINGS.get(fn) or _spelling(OPS[fn].numpy)


SPELLINGS = {DETACH: _spelling("{0}")}
SPELLINGS[SELECT] = _spelling("np.where({0}, {1}, {2})")
SPELLINGS |= {sign: _spelling(f"{{0}} {sign} {{1}}") for sign in COMPARISONS}


class Printer:
    """Prints a block whose first result is the loss, the second, if there are parameters, their
    gradient, and the others those of the other inputs."""

    def __init__(self, block: Block) -> None:
        self.block, self.lines, self.operations = block, list[str](), 0
        self.scalars: set[str] = set()  # numbers that are no arrays
        self.setup: dict[str, str] = {}  # views of P and G, made before the first step: their names
        self.constants: dict[str, Array] = {}
        self.interned: dict[Any, str] = {}  # their names
        self.texts: dict[str, Text] = {}
        self.names = {inst.name for inst in block.insts} | {"G", "np", "check", "outer"}
        self.mark_what_must_be_named()

    def step(self) -> "Printer":
        """The lines of a training step."""
        inputs, n = self.block.inputs, 1
        if UPSTREAM in inputs:
            n = self.block[UPSTREAM].shape[0]
        results, gradients = self.block.outputs[:n], self.block.outputs[n:]
        first = set().union(*map(self.needed, results))
        for inst in self.block.insts:
            if inst.name in first:
                self.put(inst)
        listed = ", ".join([self.text(name).code for name in results])
        self.lines.append(f"yield {listed}" if n == 1 else f"{UPSTREAM} = yield [{listed}]")
        for inst in self.block.insts:
            if inst.name not in first:
                self.put(inst)
        others = [name for name in gradients if self.block[name].op != "scatter"]
        self.lines.append(f"yield [{', '.join([self.text(name).code for name in others])}]")
        return self

    def update(self, states: Iterable[str]) -> list[str]:
        """The lines of an optimizer's rule, in place: the block's results are the next p and the
        next of each state."""
        result, *new = self.block.outputs
        self.shared.discard(result)
        for inst in self.block.insts:
            self.put(inst)
        for state, name in zip(states, new):
            if name != f"new_{state}":  # it is there already: p, g, or what another state gets
                self.lines.append(f"new_{state} = {name}.copy()")
        inst, text = self.block[result], self.text(result)
        direct = self.into(inst, "p") if text.size else None
        self.lines.append(direct or f"p[...] = {text.code}")
        return [*self.lines, *[f"{state}[...] = new_{state}" for state in states]]

    def needed(self, name: str) -> set[str]:
        """What an instruction is computed from, and it itself."""
        found = {name}
        for inst in reversed(self.block.insts):
            if inst.name in found:
                found.update(inst.args)
        return found

    def mark_what_must_be_named(self) -> None:
        """What is used twice, or written twice by an op, must not be computed in place."""
        uses: dict[str, int] = {}
        for name in chain(self.block.outputs, *[inst.args for inst in self.block.insts]):
            uses[name] = uses.get(name, 0) + 1
        self.shared = {name for name, n in uses.items() if n > 1} | set(self.block.outputs)
        for inst in self.block.insts:
            if inst.op == "map" and spelling_of(inst.attrs["fn"]).repeats:
                self.shared.update(inst.args)
            if inst.op == "scan":  # numbers aside, it reads in each step what it was given
                n, m = inst.attrs["carries"], inst.attrs["carries"] + inst.attrs["fixed"]
                arrays = [name for name in inst.args[n:m] if self.block[name].shape]
                self.shared.update([*arrays, *inst.args[m:]])

    # --- lines ------------------------------------------------------------------------------------

    def put(self, inst: Inst) -> None:
        """A line for an instruction, or its text, to be a part of others."""
        if inst.op in ("param", "data"):
            self.texts[inst.name] = Text(inst.name, True, 0)
        elif inst.op == "const":
            self.texts[inst.name] = self.constant(inst.attrs["value"], inst.name)
        elif inst.op == "scatter":
            self.write(inst)
        elif inst.op == "scan":
            self.loop(inst)
        elif inst.op != "item":  # a loop names its results itself
            text = WORDS[inst.op](self, inst, *[self.text(name) for name in inst.args])
            source = self.block[inst.args[0]]
            if inst.op in ("view", "reshape") and source.op == "param":
                self.texts[inst.name] = Text(self.made_once(text.code, inst.name), True)
            elif self.is_named(inst) or text.size > MOST:
                self.line(inst, text)
            else:
                self.texts[inst.name] = text

    def line(self, inst: Inst, text: Text) -> None:
        note = f"  # {comment(inst.note)}" if inst.note else ""
        names = self.targets(inst)
        self.lines.append(f"{' = '.join(names)} = {text.code}{note}")
        self.operations += inst.op not in ("view", "reshape")
        self.texts[inst.name] = Text(names[0], True, 0)

    def is_named(self, inst: Inst) -> bool:
        return inst.kept or inst.name in self.shared

    def targets(self, inst: Inst) -> list[str]:
        """What is assigned: the name of an instruction."""
        return [self.own(inst.name)]

    def own(self, name: str) -> str:
        """What an instruction of that name is called."""
        return name

    def scalar(self, name: str) -> str:
        """A number that NumPy's rules hold for, and not a 0-dimensional array, which is slower."""
        inst, text = self.block[name], self.text(name)
        if is_literal(text):
            return f"np.float64({text.code})"
        source = self.block[inst.args[0]] if inst.op == "view" else inst
        if source is not inst and source.op != "param" and len(source.shape) == 1:
            return f"{self.text(source.name).operand}[{inst.attrs['view'].start}]"
        return text.code if name in self.scalars else f"{text.operand}[()]"

    def loop(self, scan: Inst) -> None:
        """A `for` loop: what is carried are variables, what is kept of each step goes into arrays.
        Its results are known by what they are called here."""
        items = {x.attrs["index"]: x.name for x in self.block.insts
                 if x.op == "item" and x.args == (scan.name,)}  # fmt: skip
        body = Body(self, scan, items)
        self.lines += body.lines
        self.operations += body.operations
        for k, name in items.items():
            self.texts[name] = Text(body.results[k], True, 0)

    def text(self, name: str) -> Text:
        return self.texts[name]

    def made_once(self, code: str, name: str) -> str:
        return self.setup.setdefault(code, name)

    def fresh(self, stem: str, n: int | str = "") -> str:
        """The stem, perhaps with a number, as a name that nobody has."""
        while f"{stem}{n}" in self.names:
            n = int(n or 1) + 1
        self.names.add(f"{stem}{n}")
        return f"{stem}{n}"

    def constant(self, value: Array, name: str = "") -> Text:
        """A number is written out; an array is one of the program's arguments."""
        if not value.shape and value.dtype.kind == "f":
            return number(float(value))
        key = value.dtype.kind, value.shape, value.tobytes()
        if key not in self.interned:
            is_ones = value.dtype.kind == "f" and bool((value == 1.0).all())
            stem = "i" if value.dtype.kind == "i" else "ones" if is_ones else "c"
            name = self.interned[key] = name or self.fresh(stem, 1)
            self.constants[name] = value
        return Text(self.interned[key], True, 0)

    def ones(self, n: int) -> str:
        return self.constant(np.ones(n)).code

    # --- the gradient of the parameters, in place -----------------------------------------------

    def write(self, inst: Inst) -> None:
        """Each part goes to its places in G: the first one that comes there is written, the others
        are added. What no part writes is 0."""
        size, statements = prod(inst.shape), list[str]()
        parts = list(zip(inst.args, inst.attrs["places"]))
        indices = [places_of(at).reshape(-1) for _, at in parts]
        times = np.bincount(np.concatenate([np.zeros(0, np.intp), *indices]), minlength=size)
        written, must_clear = np.zeros(size, bool), False
        for (name, places), index in zip(parts, indices):
            is_new = not written[index].any()
            must_clear |= not is_new and not written[index].all()
            written[index] = True
            alone = bool(times[index].max() == 1)
            statements.append(self.written(self.block[name], places, is_new, alone, size))
        if must_clear or not written.all():
            self.lines.append("G[...] = 0.0")
        self.lines += statements
        self.operations += len(statements)

    def written(self, part: Inst, places: Any, is_new: bool, alone: bool, size: int) -> str:
        """The statement that puts or adds a part into its places. alone: no other part is added."""
        text = self.text(part.name)
        if not isinstance(places, View):
            index = self.constant(places).code
            return f"G[{index}] {'' if is_new else '+'}= {text.code}"
        target = self.place(places, size)
        if not is_new:
            return f"np.add({target}, {text.code}, out={target})"
        is_inline = text.size > 0 and part.shape == places.shape
        direct = self.into(part, target) if is_inline else None
        is_late = part.op == "outer" and not alone  # may be put off: nothing is added to it
        return f"{target}[...] = {text.code}" if direct is None or is_late else direct

    def place(self, view: View, size: int) -> str:
        """The name of a view of G, like that of the same view of P."""
        code = sliced_text("G", view, size)
        if code == "G":
            return code
        twin = self.setup.get(sliced_text("P", view, size))
        stem = "b" if prod(view.shape) in (1, *view.shape) else "w"
        name = self.setup.get(code) or self.fresh(f"g_{twin}" if twin else f"g_{stem}")
        return self.made_once(code, name)

    def into(self, inst: Inst, target: str) -> str | None:
        """The statement that computes an instruction right there, if NumPy has one."""
        args = [self.text(name) for name in inst.args]
        listed = ", ".join([arg.code for arg in args])
        if inst.op == "map" and (ufunc := UFUNCS.get(inst.attrs["fn"])):
            return f"np.{ufunc}({listed}, out={target})"
        if inst.op == "matmul":
            a, b = self.factors(inst, *args)
            return f"np.matmul({a}, {b}, out={target})"
        if inst.op == "outer":
            return f"outer({listed}, out={target})"
        if inst.op == "reduce" and inst.attrs["fn"] == "sum":
            x = self.block[inst.args[0]]
            if inst.attrs["axes"] == (len(x.shape) - 1,):
                return f"np.matmul({listed}, {self.ones(x.shape[-1])}, out={target})"
            if inst.attrs["axes"] == (0,) and len(x.shape) == 2:
                return f"np.matmul({self.ones(x.shape[0])}, {listed}, out={target})"
            return f"np.add.reduce({listed}, {inst.attrs['axes']}, out={target})"
        return None

    def factors(self, inst: Inst, *args: Text) -> list[str]:
        """The factors of a product of matrices, turned where they are."""
        found = []
        for text, name, is_turned in zip(args, inst.args, inst.attrs["turned"]):
            turn = ".mT" if len(self.block[name].shape) > 2 else ".T"
            found.append(text.operand + turn if is_turned else text.operand)
        return found

    def check(self, name: str, limits: Array) -> str:
        """The line that raises IndexError if an index is out of range."""
        places = np.flatnonzero(limits)
        if len(places) < len(limits):  # others are no indices
            name = f"{name}.take({self.constant(places).code})"
        return f"check({name}, {self.constant(limits[places]).code})"

    # --- the whole --------------------------------------------------------------------------------

    def source(self) -> str:
        """The source of a function that makes the step."""
        inputs = [name for name in self.block.inputs if self.block[name].op == "data"]
        inputs = [name for name in inputs if name != UPSTREAM]
        limits = {name: self.block[name].attrs.get("limits") for name in inputs}
        checks = [self.check(name, x) for name, x in limits.items() if x is not None]
        return "\n".join(
            [
                f"def program({', '.join(['P', 'G', *self.constants])}):",
                *[f"    {name} = {view}" for view, name in self.setup.items()],
                f"\n    def step({', '.join(inputs)}):",
                *[f"        {line}" for line in [*checks, *self.lines]],
                "\n    return step\n",
            ]
        )


class Body(Printer):
    """Prints a loop. `results`: the names of what it leaves, by place: the last carried values, and
    arrays of what is kept of each step."""

    def __init__(self, outer: Printer, scan: Inst, items: dict[int, str]) -> None:
        self.block, self.lines, self.operations = scan.attrs["body"], list[str](), 0
        self.setup, self.constants, self.interned = {}, outer.constants, outer.interned
        self.texts, self.names, self.scalars = {}, outer.names, set()
        self.mark_what_must_be_named()
        n, self.steps = scan.attrs["carries"], scan.attrs["length"]
        inputs, outputs = self.block.inputs, self.block.outputs
        self.carried = [self.fresh(name) for name in inputs[:n]]
        arrays = {k: outer.own(items[k]) for k in range(n, len(outputs)) if k in items}
        self.kept = {outputs[k]: array for k, array in arrays.items()}
        self.results = dict(enumerate(self.carried)) | arrays
        before = self.begin(outer, scan)
        self.t = t = self.fresh("t")
        m = n + scan.attrs["fixed"]
        self.read_by_step(inputs[m:], list(map(outer.text, scan.args[m:])), t)
        for inst in self.block.insts:
            if inst.name not in inputs:
                self.put(inst)
        self.end(outputs[:n])
        order = (
            f"reversed(range({self.steps}))" if scan.attrs["reverse"] else f"range({self.steps})"
        )
        body = [f"    {line}" for line in self.lines]
        self.lines = [*before, f"for {t} in {order}:", *body]

    def begin(self, outer: Printer, scan: Inst) -> list[str]:
        """The lines before the loop: first values, numbers that stay the same, room for results."""
        n, inputs = scan.attrs["carries"], self.block.inputs
        pairs = []
        for name, var, arg in zip(inputs, self.carried, scan.args):
            pairs.append(
                (var, outer.text(arg).code if self.block[name].shape else outer.scalar(arg))
            )
            self.texts[name] = Text(var, True, 0)
        lines = together(pairs)
        pairs = []
        for name, arg in zip(inputs[n : n + scan.attrs["fixed"]], scan.args[n:]):
            text = outer.text(arg)
            is_array = bool(self.block[name].shape) or is_literal(text) or arg in outer.scalars
            if not is_array:
                pairs.append((self.fresh(name), outer.scalar(arg)))
                text = Text(pairs[-1][0], True, 0)
                outer.texts[arg] = text
                outer.scalars.add(arg)
            self.texts[name] = text
            self.scalars.add(name)
        return lines + together(pairs) + self.room()

    def room(self) -> list[str]:
        """Arrays for what is kept."""
        lines, shapes = [], dict[Shape, list[str]]()
        for name, array in self.kept.items():
            shapes.setdefault((self.steps, *self.block[name].shape), []).append(array)
        for shape, arrays in shapes.items():
            whole = (len(arrays), *shape) if len(arrays) > 1 else shape
            lines.append(f"{', '.join(arrays)} = np.empty(({dims(whole)}))")
        return lines

    def read_by_step(self, inputs: Sequence[str], args: list[Text], t: str) -> None:
        for name, text in zip(inputs, args):
            code = found = f"{text.operand}[{t}]"
            if name in self.shared:
                found = self.fresh(name)
                self.lines.append(f"{found} = {code}")
            self.texts[name] = Text(found, True, 0)

    def targets(self, inst: Inst) -> list[str]:
        """What is kept goes into its array as well."""
        name = self.own(inst.name)
        return [name, f"{self.kept[inst.name]}[{self.t}]"] if inst.name in self.kept else [name]

    def own(self, name: str) -> str:
        """The names outside are taken."""
        name = self.fresh(name) if name in self.names else name
        self.names.add(name)
        return name

    def is_named(self, inst: Inst) -> bool:
        return inst.name in self.shared  # or it would be long: a step is to be seen as a whole

    def loop(self, scan: Inst) -> None:
        """Of a loop within this one, results may be kept, too."""
        super().loop(scan)
        for name in self.kept:
            if self.block[name].op == "item" and self.block[name].args == (scan.name,):
                self.lines.append(f"{self.kept[name]}[{self.t}] = {self.text(name).code}")

    def constant(self, value: Array, name: str = "") -> Text:
        """Its name in the body may be another's outside."""
        return super().constant(value)

    def end(self, nexts: Sequence[str]) -> None:
        """The carried values become the next ones, all at once."""
        for name in self.kept:
            if name in self.block.inputs:
                self.lines.append(f"{self.kept[name]}[{self.t}] = {self.text(name).code}")
        pairs = [(var, self.text(name).code) for var, name in zip(self.carried, nexts)]
        pairs = [(var, code) for var, code in pairs if var != code]
        if pairs:
            left, right = [", ".join(column) for column in zip(*pairs)]
            self.lines.append(f"{left} = {right}")


def is_literal(text: Text) -> bool:
    return text.code[0] in "-.0123456789"


def together(pairs: list[tuple[str, str]]) -> list[str]:
    """Assignments, several to a line."""
    rows = [pairs[k : k + 6] for k in range(0, len(pairs), 6)]
    return [" = ".join([", ".join(side) for side in zip(*row)]) for row in rows]


# --- instructions in NumPy's words ----------------------------------------------------------------


def size_of(*args: Text) -> int:
    return 1 + sum([arg.size for arg in args])


def _map(p: Printer, inst: Inst, *args: Text) -> Text:
    fn = inst.attrs["fn"]
    if fn == "maximum" and is_inline_maximum(p, inst.args[0]):
        return _maximum(p, p.block[inst.args[0]], f", initial={args[1].code}")
    if fn == DETACH:
        return args[0]
    spelling = spelling_of(fn)
    spelled = [arg.code if i in spelling.bare else arg.operand for i, arg in enumerate(args)]
    code = spelling.template.format(*spelled)
    is_call = spelling.template.startswith("np.") and spelling.template.endswith(")")
    return Text(code, is_call, size_of(*args))


def _matmul(p: Printer, inst: Inst, *args: Text) -> Text:
    return Text(" @ ".join(p.factors(inst, *args)), False, size_of(*args))


def _reduce(p: Printer, inst: Inst, x: Text) -> Text:
    axes, shape = inst.attrs["axes"], p.block[inst.args[0]].shape
    if inst.attrs["fn"] == "max":
        return _maximum(p, inst)
    if axes == (len(shape) - 1,):  # a product with ones is a faster sum
        return Text(f"{x.operand} @ {p.ones(shape[-1])}", False, size_of(x))
    if axes == (0,) and len(shape) == 2:
        return Text(f"{p.ones(shape[0])} @ {x.operand}", False, size_of(x))
    return Text(f"np.add.reduce({x.code}, {axes})", True, size_of(x))


def _maximum(p: Printer, inst: Inst, initial: str = "") -> Text:
    x, axes = p.text(inst.args[0]), inst.attrs["axes"]
    which = axes[0] if len(axes) == 1 else axes
    return Text(f"np.maximum.reduce({x.code}, {which}{initial})", True, size_of(x))


def is_inline_maximum(p: Printer, name: str) -> bool:
    """max(max(xs), c) is one call, if nobody else reads max(xs)."""
    inst = p.block[name]
    return inst.op == "reduce" and inst.attrs["fn"] == "max" and p.text(name).size > 0


def _segment_reduce(p: Printer, inst: Inst, x: Text) -> Text:
    counts = inst.attrs["counts"]
    starts = p.constant(np.cumsum(counts) - counts).code
    ufunc = "add" if inst.attrs["fn"] == "sum" else "maximum"
    return Text(f"np.{ufunc}.reduceat({x.code}, {starts})", True, size_of(x))


def _spread(p: Printer, inst: Inst, x: Text) -> Text:
    ones = p.constant(np.ones(inst.shape)).code
    return Text(f"{ones} * {x.operand}", False, size_of(x))


def _reshape(p: Printer, inst: Inst, x: Text) -> Text:
    before = p.block[inst.args[0]].shape
    if inst.shape == (*before, 1):
        return Text(f"{x.operand}[..., None]", True, size_of(x))
    return Text(f"{x.operand}.reshape({dims(inst.shape)})", True, size_of(x))


def _view(p: Printer, inst: Inst, x: Text) -> Text:
    shape = p.block[inst.args[0]].shape
    if sliced(inst.attrs["view"], prod(shape)) is None:  # strides that NumPy has no slices for
        index = p.constant(inst.attrs["view"].places()).code
        return Text(f"{x.operand}.take({index})", True, size_of(x))
    return Text(sliced_text(x.operand, inst.attrs["view"], prod(shape), shape), True, size_of(x))


def _gather(p: Printer, inst: Inst, x: Text) -> Text:
    return Text(f"{x.operand}.take({p.constant(inst.attrs['index']).code})", True, size_of(x))


def _concat(p: Printer, inst: Inst, *parts: Text) -> Text:
    axis = f", {inst.attrs['axis']}" if inst.attrs["axis"] else ""
    listed = ", ".join([part.code for part in parts])
    return Text(f"np.concatenate(({listed}){axis})", True, size_of(*parts))


def _bincount(p: Printer, inst: Inst, x: Text, at: Text) -> Text:
    code = f"np.bincount({at.code}, {x.code}, {prod(inst.shape)})"
    whole = code if len(inst.shape) == 1 else f"{code}.reshape({dims(inst.shape)})"
    return Text(whole, True, size_of(x, at))


WORDS: dict[str, Callable[..., Text]] = {
    "map": _map,
    "matmul": _matmul,
    "reduce": _reduce,
    "segment_reduce": _segment_reduce,
    "spread": _spread,
    "reshape": _reshape,
    "view": _view,
    "gather": _gather,
    "concat": _concat,
    "bincount": _bincount,
    "vecdot": lambda p, inst, a, b: Text(f"np.vecdot({a.code}, {b.code})", True, size_of(a, b)),
    "outer": lambda p, inst, a, b: Text(f"outer({a.code}, {b.code})", True, size_of(a, b)),
    "lookup": lambda p, inst, t, at: Text(f"{t.operand}.take({at.code})", True, size_of(t, at)),
}


def sliced_text(name: str, view: View, size: int, shape: Shape = ()) -> str:
    """A view in slices of an array of that name, size and shape (flat, if none is given)."""
    found = sliced(view, size)
    if found is None:
        raise ValueError(f"{view} is no slice")
    is_flat = len(shape) < 2
    code = name if is_flat or found.span is None else f"{name}.reshape(-1)"
    if found.span is not None:
        code += f"[{span(found.span)}]"
    is_there = found.span is None and found.dims == shape
    if found.dims is not None and not is_there:
        code += f".reshape({dims(found.dims)})"
    if found.cuts is not None:
        code += f"[{', '.join(map(span, found.cuts))}]"
    if found.order is not None:
        code += f".transpose({dims(found.order)})"
    if found.shape is not None or found.dims is None and found.span is None and not is_flat:
        code += f".reshape({dims(view.shape)})"
    return code


def span(cut: slice | int) -> str:
    if not isinstance(cut, slice):
        return str(cut)
    ends = ["" if x is None else str(x) for x in (cut.start, cut.stop)]
    return ":".join(ends) + ("" if cut.step is None else f":{cut.step}")


def dims(shape: Shape) -> str:
    return ", ".join(map(str, shape)) or "()"


def number(x: float) -> Text:
    code = repr(x) if x == x and abs(x) != float("inf") else f"float('{x}')"
    return Text(code, not code.startswith("-"), 0)


def emit(block: Block, runtime: Mapping[str, Any]) -> Printed:
    """runtime: `check(indices, limits)`, which raises IndexError, and `outer(a, b, out=None)`."""
    printer = Printer(block).step()
    source = printer.source()
    space: dict[str, Any] = {"np": np, **runtime}
    exec(compile(source, "<jit>", "exec"), space)  # our own text, of names and numbers
    constants = list(printer.constants.values())

    def make(data: Array, gradient: Array) -> Any:
        return space["program"](data, gradient, *constants)

    return Printed(source, make, printer.operations)


def emit_update(block: Block, states: list[str]) -> tuple[str, Callable[..., None]]:
    """(source, function) of an optimizer's rule: a block of p, g, the states, lr and steps, whose
    results are the next p and the next states."""
    lines = Printer(block).update(states)
    source = "\n".join(
        [
            "def update(pieces, lr, steps):",
            f"    for {', '.join(['p', 'g', *states])} in pieces:",
            *[f"        {line}" for line in lines],
            "",
        ]
    )
    space: dict[str, Any] = {"np": np}
    exec(compile(source, "<jit>", "exec"), space)  # our own text, of names and numbers
    return source, space["update"]


def install(register: Callable[[Target], Any]) -> None:
    register(Target("numpy", "ir", emit))
