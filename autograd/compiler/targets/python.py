"""Straight-line scalar code, a line for each node, printed from a trace: it needs no package.

Slower than arrays, but it can be read and stepped through, and it computes what the eager engine
does, in its order.
"""

import math
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from autograd.compiler.targets import Printed, Target
from autograd.compiler.trace import DATA, LEAKED, Row, Symbol, Trace
from autograd.ops import GATES, OPS, Op
from autograd.value import Constant, Value

DETACH = "detach"  # nothing goes back through it
INFIX = {"+": 1, "-": 1, "*": 2, "neg": 3, "<": 0, "<=": 0, ">": 0, ">=": 0, "==": 0, "!=": 0}


class Scalar:
    """One number: a variable, or an op on others. The op table's partials run on these."""

    __slots__ = ("args", "op")

    def __init__(self, op: str, *args: Any) -> None:
        self.op, self.args = op, args  # a variable has no args, and its name for an op

    @staticmethod
    def apply_op(op: Op, args: tuple[Any, ...]) -> Any:
        """An op on numbers and scalars, simplified as in passes.py."""
        for rule in SIMPLER.get(op.symbol, ()):
            found = rule(*args)
            if found is not None:
                return found
        return Scalar(op.symbol, *args)

    def __neg__(self) -> Any:
        return self.apply_op(OPS["neg"], (self,))

    def __bool__(self) -> bool:
        raise TypeError("this is a number of the program, not known yet")

    __hash__ = None  # type: ignore[assignment]

    def text(self, binding: int = 0) -> str:
        """Its code, in parentheses if it binds less than what it stands in."""
        if not self.args:
            return self.op
        if self.op not in INFIX:
            return f"{OPS[self.op].name}({', '.join(map(text, self.args))})"
        own = INFIX[self.op]
        if len(self.args) == 1:
            code = f"-{text(self.args[0], own)}"
        else:
            a, b = self.args  # on the right, what binds as much needs them, too: a - (b - c)
            code = f"{text(a, own)} {self.op} {text(b, own + 1)}"
        return f"({code})" if own < binding else code


def text(x: Any, binding: int = 0) -> str:
    if isinstance(x, Scalar):
        return x.text(binding)
    code = repr(float(x)) if math.isfinite(x) else f"float('{x}')"
    return f"({code})" if code.startswith("-") and binding > 1 else code


def _operators() -> None:
    names = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "**": "pow"}
    for symbol, name in names.items():
        op = OPS[symbol]
        setattr(Scalar, f"__{name}__", lambda a, b, op=op: a.apply_op(op, (a, b)))
        setattr(Scalar, f"__r{name}__", lambda b, a, op=op: b.apply_op(op, (a, b)))
    signs = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
    for sign, name in signs.items():
        setattr(Scalar, f"__{name}__", lambda a, b, sign=sign: Scalar(sign, a, b))


_operators()


def is_number(x: Any, *values: float) -> bool:
    return not isinstance(x, Scalar) and (not values or x in values)


def is_finite(x: Any) -> bool:
    """Is it made of comparisons and numbers?"""
    if not isinstance(x, Scalar):
        return math.isfinite(x)
    return x.op in ("<", "<=", ">", ">=", "==", "!=") or (
        x.op in ("+", "-", "*", "neg") and all(map(is_finite, x.args))
    )


def _number_first(a: Any, b: Any) -> Any:
    """x * 2 = 2 * x."""
    return b * a if is_number(b) and not is_number(a) else None


def _times_one(a: Any, b: Any) -> Any:
    """1 * x = x, -1 * x = -x."""
    return (b if a > 0 else -b) if is_number(a, 1.0, -1.0) else None


def _times_zero(a: Any, b: Any) -> Any:
    """0 * x = 0, if x is made of comparisons and numbers."""
    return 0.0 if is_number(a, 0.0) and is_finite(b) else None


def _times_reciprocal(a: Any, b: Any) -> Any:
    """x * (1 / y) = x / y."""
    is_one_over = isinstance(b, Scalar) and b.op == "/" and is_number(b.args[0], 1.0)
    return Scalar("/", a, b.args[1]) if is_one_over else None


def _plus_zero(a: Any, b: Any) -> Any:
    """x + 0 = 0 + x = x; at -0 the sign may differ."""
    if is_number(a, 0.0):
        return b
    return a if is_number(b, 0.0) else None


def _by_one(a: Any, b: Any) -> Any:
    """x / 1 = x ** 1 = x."""
    return a if is_number(b, 1.0) else None


SIMPLER: dict[str, list[Callable[..., Any]]] = {
    "*": [_number_first, _times_one, _times_zero, _times_reciprocal],
    "+": [_plus_zero],
    "/": [_by_one],
    "**": [_by_one],
}


class Unrolled:
    """The lines of a trace. parameters: whose numbers the program's P holds. nodes: those that the
    root needs, from the last to the first.

    A gradient starts at 0, or, below a look-up, at None: what it does not choose, the eager engine
    does not visit. `sure` are those that it visits in any case.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace, self.parameters = trace, list[Value]()
        self.codes: dict[int, Any] = {}  # of leaves and nodes, by id
        self.grads: dict[int, str] = {}  # the variables for the gradients, of those who want one
        self.operands = {id(s): operands(trace, s) for s in trace.nodes}
        self.leaves()
        self.wanted, self.sure = set(map(id, trace.ends)), set(map(id, trace.ends))
        self.nodes: list[Symbol] = []
        for s in reversed(trace.nodes):
            if id(s) in self.wanted:
                self.nodes.append(s)
                self.wanted.update(map(id, [*s.parents, *self.operands[id(s)]]))
                if s.op not in ("take", DETACH) and id(s) in self.sure:
                    self.sure.update(map(id, self.operands[id(s)]))
        self.lines: list[str] = []
        for s in reversed(self.nodes):
            self.forward(s)
        results = ", ".join([text(self.codes[id(v)]) for v in trace.ends])
        is_one = len(trace.ends) == 1
        self.lines.append(f"yield {results}" if is_one else f"upstream = yield [{results}]")
        self.start()
        for s in self.nodes:
            self.backward(s)
        inputs = chain.from_iterable(trace.values.values())
        ends = [self.end(v) for v in [*self.parameters, *inputs]]
        self.lines.append(f"yield [{', '.join(ends)}]")

    def leaves(self) -> None:
        """Names for inputs and parameters; constants are themselves."""
        trace = self.trace
        for name, row in (trace.inputs | trace.values).items():
            self.codes |= {id(s): Scalar(f"{name}[{i}]") for i, s in enumerate(row)}
        for name, row in trace.values.items():
            self.grads |= {id(s): f"g_{name}_{i}" for i, s in enumerate(row)}
        made = set(map(id, trace.nodes))
        for v in chain(trace.ends, *[self.operands[id(s)] for s in trace.nodes]):
            if id(v) not in self.codes and id(v) not in made:
                self.leaf(v)

    def leaf(self, v: Value) -> None:
        if isinstance(v, Constant) or id(v) in self.trace.created:
            self.codes[id(v)] = DATA.__get__(v)
        elif isinstance(v, Symbol):
            raise TypeError(LEAKED)
        else:
            self.codes[id(v)] = Scalar(f"P[{len(self.parameters)}]")
            self.grads[id(v)] = f"g{len(self.parameters)}"
            self.parameters.append(v)

    def forward(self, s: Symbol) -> None:
        """The line that computes a node."""
        name, given = f"v{len(self.lines) + 1}", self.operands[id(s)]
        args = [self.codes[id(p)] for p in given]
        if s.op != DETACH and any(id(p) in self.grads for p in given):
            self.grads[id(s)] = f"d{name}"
        if s.op == "take":
            code = f"take([{', '.join(map(text, args))}], {text(self.codes[id(s.parents[0])])})"
        elif s.op == "dot":
            n = len(args) // 2
            products = [Scalar("*", w, x) for w, x in zip(args[:n], args[n:])]
            code = f"sum({', '.join(map(text, [*args[2 * n :], *products]))})"
        else:
            code = text(args[0] if s.op == DETACH else Scalar(s.op, *args))
        self.codes[id(s)] = Scalar(name)
        self.lines.append(f"{name} = {code}")

    def start(self) -> None:
        """The gradients before the backward pass."""
        for i, g in self.grads.items():
            if i in self.wanted:
                self.lines.append(f"{g} = {0.0 if i in self.sure else None}")
        is_one = len(self.trace.ends) == 1
        for k, v in enumerate(self.trace.ends):
            if id(v) in self.grads:
                g = self.grads[id(v)]
                self.lines.append(f"{g} = 1.0" if is_one else f"{g} += upstream[{k}]")

    def backward(self, s: Symbol) -> None:
        """The lines that hand on the gradient of a node."""
        g = self.grads.get(id(s))
        if g is None:
            return
        block, given = list[str](), self.operands[id(s)]
        for j, (parent, partial) in enumerate(zip(given, self.partials(s, given))):
            if id(parent) in self.grads:
                line = self.added(id(parent), text(partial * Scalar(g)))
                if s.op in GATES and not is_number(partial):
                    line = f"if {text(partial)}: {line}"  # a closed gate passes not even NaN on
                if s.op == "take":
                    line = f"if {text(self.codes[id(s.parents[0])])} == {j}: {line}"
                block.append(line)
        if id(s) not in self.sure:
            self.lines.append(f"if {g} is not None:")
            block = [f"    {line}" for line in block or ["pass"]]
        self.lines += block

    def partials(self, s: Symbol, given: Row) -> Any:
        if s.op == "take":
            return [1.0] * len(given)
        return OPS[s.op].partials(self.codes[id(s)], *[self.codes[id(p)] for p in given])

    def added(self, i: int, amount: str) -> str:
        """The line that adds to the gradient of the Value with that id."""
        total = self.grads[i]
        if i in self.sure:
            return f"{total} += {amount}"
        return f"{total} = {amount} if {total} is None else {total} + {amount}"

    def end(self, v: Value) -> str:
        """The gradient of a parameter or an input, at the end."""
        if id(v) not in self.wanted:
            return "0.0"
        return self.grads[id(v)] if id(v) in self.sure else f"{self.grads[id(v)]} or 0.0"

    def source(self) -> str:
        names = ", ".join(["P", *self.trace.inputs, *self.trace.values])
        return "\n    ".join([f"def step({names}):", *self.lines]) + "\n"


def operands(trace: Trace, s: Symbol) -> Row:
    """What a node is computed from; of a look-up its table."""
    return trace.tables[id(s)] if s.op == "take" else trace.operands(s)


def take(values: list[float], index: float) -> float:
    if not 0 <= index < len(values):
        raise IndexError(
            f"index {int(index)} is out of range: there are {len(values)} values, from 0"
        )
    return values[int(index)]


def emit(trace: Trace, runtime: Mapping[str, Any]) -> Printed:
    program = Unrolled(trace)
    source = program.source()
    space: dict[str, Any] = {op.name: op.forward for op in OPS.values()} | {"take": take}
    exec(compile(source, "<jit>", "exec"), space)  # our own text, of names and numbers
    return Printed(source, space["step"], len(program.nodes), program.parameters)


def install(register: Callable[[Target], Any]) -> None:
    register(Target("python", "trace", emit))
