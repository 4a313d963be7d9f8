"""The `python` back end: straight-line scalar code, a line for each node, without any package.

Slower than arrays, but it can be read and stepped through, and it computes what the eager engine
does, in its order.
"""

import math
from itertools import chain
from typing import Any

from autograd.jit.calls import Compiled
from autograd.jit.trace import DATA, LEAKED, Symbol, Trace
from autograd.ops import OPS, Op
from autograd.value import Constant, Value


class Term:
    """The text of an expression. The op table's partials, run on Terms, give their text."""

    def __init__(self, text: str) -> None:
        self.text = text

    @staticmethod
    def apply_op(op: Op, args: tuple[Any, ...]) -> "Term":
        a, *rest = map(spell, args)
        if op.symbol in ("+", "-", "*"):
            return Term(f"({a} {op.symbol} {rest[0]})")
        return Term(f"(-{a})" if op.symbol == "neg" else f"{op.name}({', '.join([a, *rest])})")

    # fmt: off
    def __add__(self, o: Any) -> "Term": return self.apply_op(OPS["+"], (self, o))
    def __radd__(self, o: Any) -> "Term": return self.apply_op(OPS["+"], (o, self))
    def __sub__(self, o: Any) -> "Term": return self.apply_op(OPS["-"], (self, o))
    def __rsub__(self, o: Any) -> "Term": return self.apply_op(OPS["-"], (o, self))
    def __mul__(self, o: Any) -> "Term": return self.apply_op(OPS["*"], (self, o))
    def __rmul__(self, o: Any) -> "Term": return self.apply_op(OPS["*"], (o, self))
    def __truediv__(self, o: Any) -> "Term": return self.apply_op(OPS["/"], (self, o))
    def __pow__(self, o: Any) -> "Term": return self.apply_op(OPS["**"], (self, o))
    def __neg__(self) -> "Term": return self.apply_op(OPS["neg"], (self,))
    def __lt__(self, o: Any) -> "Term": return Term(f"({self.text} < {spell(o)})")
    def __le__(self, o: Any) -> "Term": return Term(f"({self.text} <= {spell(o)})")
    def __gt__(self, o: Any) -> "Term": return Term(f"({self.text} > {spell(o)})")
    def __ge__(self, o: Any) -> "Term": return Term(f"({self.text} >= {spell(o)})")
    # fmt: on


def spell(x: Any) -> str:
    if isinstance(x, Term):
        return x.text
    if x != x or x in (float("inf"), -float("inf")):
        return f"float('{x}')"
    return repr(x) if x >= 0 else f"({x!r})"


class Unrolled(Compiled):
    """The scalar program for one signature."""

    def adopt(self, arguments: list[Any]) -> None:
        optimizer = self.owner.optimizer
        known = list(optimizer.params) if optimizer is not None else []
        for model in arguments:
            known += model.parameters() if hasattr(model, "parameters") else []
        self.known = {id(v): v for v in known}

    def is_fixed(self, v: Value) -> bool:
        return id(v) in self.known

    def lower(self, trace: Trace) -> None:
        self.parameters: list[Value] = []
        self.terms = self.leaves(trace)
        nodes = self.needed(trace)
        self.used = {id(p) for s in nodes for p in s.parents} | {id(trace.root)}
        self.used |= {id(v) for table in trace.tables for v in table}
        forward = [line for s in nodes for line in self.forward(trace, s)]
        backward = self.backward(trace, nodes)
        names = ", ".join(["P", *trace.inputs, *trace.values])
        lines = [*forward, f"yield {self.terms[id(trace.root)]}", *backward]
        self.source = "\n    ".join([f"def step({names}):", *lines]) + "\n"
        space: dict[str, Any] = {op.name: op.forward for op in OPS.values()}
        space["take"] = take
        exec(compile(self.source, "<jit>", "exec"), space)  # our own text
        self.program = space["step"]
        self.stats = {"nodes": len(nodes), "kinds": 0, "array ops": 0}
        self.boxes = []

    def leaves(self, trace: Trace) -> dict[int, str]:
        """The text of each leaf, by id."""
        terms = {
            id(s): f"{name}[{i}]"
            for name, inputs in [*trace.inputs.items(), *trace.values.items()]
            for i, s in enumerate(inputs)
        }
        self.gradients = {
            id(s): f"g_{name}_{i}" for name, row in trace.values.items() for i, s in enumerate(row)
        }
        nodes = set(map(id, trace.nodes))
        parents = chain.from_iterable([s.parents for s in trace.nodes])
        for v in [*parents, *chain.from_iterable(trace.tables), trace.root]:
            if id(v) in terms or id(v) in nodes:
                continue
            if isinstance(v, Constant) or id(v) in trace.created:
                terms[id(v)] = spell(DATA.__get__(v))
            elif isinstance(v, Symbol):
                raise TypeError(LEAKED)
            else:
                self.gradients[id(v)] = f"g{len(self.parameters)}"
                terms[id(v)] = f"P[{len(self.parameters)}]"
                self.parameters.append(v)
        return terms

    def needed(self, trace: Trace) -> list[Any]:
        needed, found = {id(trace.root)}, []
        for s in reversed(trace.nodes):
            if id(s) in needed:
                found.append(s)
                needed |= set(map(id, s.parents))
                if s.op == "take":
                    needed |= set(map(id, trace.tables[trace.chosen[id(s)]]))
        return found[::-1]

    def forward(self, trace: Trace, s: Any) -> list[str]:
        name = f"v{len(self.terms)}"
        args = [self.terms[id(p)] for p in s.parents]
        self.terms[id(s)] = name
        self.gradients[id(s)] = f"d{name}"
        if s.op == "take":
            table = [self.terms[id(v)] for v in trace.tables[trace.chosen[id(s)]]]
            return [f"{name} = take([{', '.join(table)}], {args[0]})"]
        if s.op == "dot":
            n = len(args) // 2
            terms = [*args[2 * n :], *[f"{w} * {x}" for w, x in zip(args[:n], args[n : 2 * n])]]
            return [f"{name} = sum({', '.join(terms)})"]
        return [f"{name} = {Term.apply_op(OPS[s.op], tuple(map(Term, args))).text}"]

    def backward(self, trace: Trace, nodes: list[Any]) -> list[str]:
        """The reverse. The gradient of a node that look-ups alone use begins as None: if none of
        them chooses it, the eager engine would not visit it, and neither does this."""
        trained, gradients = self.trained(trace, nodes), self.gradients
        sure = {id(trace.root)}
        for s in reversed(nodes):
            if s.op != "take" and id(s) in sure:
                sure |= set(map(id, s.parents))
        lines = _all_equal([g for i, g in gradients.items() if i in trained and i in sure], 0.0)
        lines += _all_equal(
            [g for i, g in gradients.items() if i in trained and i not in sure], None
        )
        if id(trace.root) in trained:
            lines.append(f"{gradients[id(trace.root)]} = 1.0")

        def give(parent: Any, amount: str) -> str:
            g = gradients[id(parent)]
            if id(parent) in sure:
                return f"{g} += {amount}"
            return f"{g} = {amount} if {g} is None else {g} + {amount}"

        for s in reversed(nodes):
            if id(s) not in trained:
                continue
            g, block = gradients[id(s)], []
            if s.op == "take":
                index = self.terms[id(s.parents[0])]
                for j, parent in enumerate(trace.tables[trace.chosen[id(s)]]):
                    if id(parent) in trained:
                        block.append(f"if {index} == {j}: {give(parent, g)}")
            else:
                y, xs = Term(self.terms[id(s)]), [Term(self.terms[id(p)]) for p in s.parents]
                for parent, partial in zip(s.parents, OPS[s.op].partials(y, *xs)):
                    if id(parent) in trained:
                        one = not isinstance(partial, Term) and partial == 1.0
                        block.append(give(parent, g if one else f"{spell(partial)} * {g}"))
            if id(s) not in sure:
                lines.append(f"if {g} is not None:")
                block = [f"    {line}" for line in block]
            lines += block
        inputs = [s for row in trace.values.values() for s in row]
        ends = [f"{gradients[id(v)]} or 0.0" if id(v) in trained and id(v) in self.used else "0.0"
                for v in [*self.parameters, *inputs]]  # fmt: skip
        return [*lines, f"yield [{', '.join(ends)}]"]

    def trained(self, trace: Trace, nodes: list[Any]) -> set[int]:
        """Ids of the nodes and leaves that want a gradient."""
        made = set(map(id, trace.nodes))
        trained = {i for i in self.gradients if i not in made}
        for s in nodes:
            parents = s.parents if s.op != "take" else trace.tables[trace.chosen[id(s)]]
            if any(id(p) in trained for p in parents):
                trained.add(id(s))
        return trained

    # --- running ---------------------------------------------------------------------------------

    def new_run(self) -> "Call":
        return Call(self)

    def value(self, run: "Call") -> Value:
        run.begin()
        result = ScalarResult(run.loss)
        result.run, result.op = run, "jit"
        result.parents = (*self.parameters, *run.values)
        return result

    def step(self, run: "Call") -> float:
        optimizer = self.owner.optimizer
        run.begin()
        optimizer.zero_grad()
        for v, g in zip(self.parameters, run.gradients()):
            v.grad += g
        max_norm, limit = self.owner.clip
        if max_norm is not None:
            norm = math.sqrt(math.fsum(p.grad * p.grad for p in optimizer.params))
            for p in optimizer.params if norm > max_norm else ():
                p.grad *= max_norm / norm
        for p in optimizer.params if limit is not None else ():
            p.grad = min(max(p.grad, -limit), limit)
        if math.isfinite(run.loss):
            optimizer.step()
        return run.loss


class Call:
    """One call: its numbers, its loss, and its gradients once they are wanted."""

    def __init__(self, program: Unrolled) -> None:
        self.program = program
        self.numbers: dict[str, list[float]] = {}
        self.values: list[Value] = []
        self.found: list[float] | None = None

    def fill(self, name: str, numbers: list[Any]) -> None:
        self.numbers[name] = list(map(float, numbers))

    def fill_values(self, name: str, values: list[Value]) -> None:
        self.numbers[name] = [v.data for v in values]
        self.values += values

    def begin(self) -> None:
        self.steps = self.program.program(
            P=[v.data for v in self.program.parameters], **self.numbers
        )
        self.loss: float = next(self.steps)

    def gradients(self) -> list[float]:
        if self.found is None:
            self.found = next(self.steps)
        return self.found


class ScalarResult(Value):
    """What a jitted function returns: a child of all its parameters and Values."""

    __slots__ = ("run",)
    run: Call

    @property
    def partials(self) -> Any:
        return self.run.gradients()

    @partials.setter
    def partials(self, _: Any) -> None:
        """A Value sets it when it is made."""


def _all_equal(names: list[str], x: float | None) -> list[str]:
    """`a = b = c = x`, in lines that the parser takes."""
    return [" = ".join([*names[i : i + 20], repr(x)]) for i in range(0, len(names), 20)]


def take(values: list[float], index: float) -> float:
    if not 0 <= index < len(values):
        raise IndexError(
            f"index {int(index)} is out of range: there are {len(values)} values, from 0"
        )
    return values[int(index)]
