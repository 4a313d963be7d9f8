"""The `python` back end: straight-line scalar code, a line for each node, without any package.

Slower than arrays, but it can be read and stepped through, and it computes what the eager engine
does, in its order.
"""

import math
from itertools import chain
from typing import Any

from autograd.compiler.code import Code, operand, text
from autograd.compiler.trace import DATA, LEAKED, Symbol, Trace
from autograd.ops import OPS, Op
from autograd.runtime.calls import Compiled
from autograd.value import Constant, Value


class Scalar(Code):
    """The text of one number. The op table's partials, run on it, give that of a derivative."""

    @staticmethod
    def spelling(op: Op) -> str:
        if op.symbol in ("+", "-", "*", "neg"):
            return op.numpy
        return f"{op.name}({', '.join([f'{{{i}}}' for i in range(len(op.samples[0]))])})"


Scalar.plain = Scalar


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
        self.source, self.program, self.parameters, count = unrolled(trace)
        self.stats = {"nodes": count, "kinds": 0, "array ops": 0}
        self.boxes = []

    def result(self, inputs: dict[str, Any]) -> Value:
        numbers = {name: list(map(float, row)) for name, row in inputs.items() if name}
        steps = self.program(P=[v.data for v in self.parameters], **numbers)
        result = ScalarResult(next(steps))
        result.steps, result.found, result.op = steps, None, "jit"
        result.parents = (*self.parameters, *inputs[""])
        return result

    def step(self, inputs: dict[str, Any]) -> float:
        optimizer, (max_norm, limit) = self.owner.optimizer, self.owner.clip
        result = self.result(inputs)
        optimizer.zero_grad()
        result.backward()
        norm = math.sqrt(math.fsum(p.grad * p.grad for p in optimizer.params))
        for p in optimizer.params:
            p.grad *= max_norm / norm if max_norm is not None and norm > max_norm else 1.0
            p.grad = p.grad if limit is None else min(max(p.grad, -limit), limit)
        if math.isfinite(result.data):
            optimizer.step()
        return result.data


class ScalarResult(Value):
    """What a jitted function returns: a child of all its parameters and Values."""

    __slots__ = ("found", "steps")
    steps: Any
    found: list[float] | None

    @property
    def partials(self) -> Any:
        if self.found is None:
            self.found = next(self.steps)
        return self.found

    @partials.setter
    def partials(self, _: Any) -> None:
        """A Value sets it when it is made."""


def unrolled(trace: Trace) -> tuple[str, Any, list[Value], int]:
    """(source, function, parameters, nodes). The function makes a generator from P, the numbers of
    the parameters, and the inputs: it yields the loss, then the gradients of parameters and Values.
    """
    codes: dict[int, Any] = {}  # of leaves and nodes, by id
    grads: dict[int, str] = {}  # the variables for the gradients, of those who want one
    for name, row in (trace.inputs | trace.values).items():
        codes |= {id(s): Scalar(f"{name}[{i}]") for i, s in enumerate(row)}
        grads |= {id(s): f"g_{name}_{i}" for i, s in enumerate(row) if name in trace.values}
    tables, made = trace.tables, set(map(id, trace.nodes))
    parameters: list[Value] = []
    forward: list[str] = []
    every = chain([trace.root], *[tables.get(id(s), s.parents) for s in trace.nodes])
    for v in every:
        if id(v) in codes or id(v) in made:
            continue
        if isinstance(v, Constant) or id(v) in trace.created:
            codes[id(v)] = DATA.__get__(v)
        elif isinstance(v, Symbol):
            raise TypeError(LEAKED)
        else:
            codes[id(v)], grads[id(v)] = Scalar(f"P[{len(parameters)}]"), f"g{len(parameters)}"
            parameters.append(v)
    wanted, sure, nodes = {id(trace.root)}, {id(trace.root)}, []
    for s in reversed(trace.nodes):  # sure: eager visits it whatever the look-ups choose
        if id(s) in wanted:
            nodes.append(s)
            wanted |= set(map(id, [*s.parents, *tables.get(id(s), ())]))
            sure |= set(map(id, s.parents)) if s.op != "take" and id(s) in sure else set()
    for s in reversed(nodes):
        name = f"v{len(forward) + 1}"
        args = [codes[id(p)] for p in s.parents]
        if any(id(p) in grads for p in tables.get(id(s), s.parents)):
            grads[id(s)] = f"d{name}"
        if s.op == "take":
            listed = ", ".join([text(codes[id(v)]) for v in tables[id(s)]])
            line = f"take([{listed}], {text(args[0])})"
        elif s.op == "dot":
            n = len(args) // 2
            products = [f"{operand(w)} * {operand(x)}" for w, x in zip(args[:n], args[n:])]
            line = f"sum({', '.join([*map(text, args[2 * n :]), *products])})"
        elif s.op in ("sum", "logsumexp"):
            line = f"{s.op}({', '.join(map(text, args))})"
        else:
            line = Scalar(Scalar.spelling(OPS[s.op]), args).text()
        codes[id(s)] = Scalar(name)
        forward.append(f"{name} = {line}")
    backward = [f"{g} = {0.0 if i in sure else None}" for i, g in grads.items() if i in wanted]
    if id(trace.root) in grads:
        backward.append(f"{grads[id(trace.root)]} = 1.0")
    for s in nodes:
        g, block, args = grads.get(id(s), ""), [], [codes[id(p)] for p in s.parents]
        given = tables[id(s)] if s.op == "take" else s.parents
        partials = [1.0] * len(given) if s.op == "take" else OPS[s.op].partials(codes[id(s)], *args)
        for j, (parent, partial) in enumerate(zip(given, partials) if g else ()):
            if id(parent) in grads:
                total, amount = grads[id(parent)], text(partial * Scalar(g))
                line = f"{total} += {amount}"
                if id(parent) not in sure:
                    line = f"{total} = {amount} if {total} is None else {total} + {amount}"
                block.append(f"if {text(args[0])} == {j}: {line}" if s.op == "take" else line)
        if g and id(s) not in sure:
            backward.append(f"if {g} is not None:")
            block = [f"    {line}" for line in block or ["pass"]]
        backward += block
    leaves = [*parameters, *chain.from_iterable(trace.values.values())]
    ends = [f"{grads[id(v)]} or 0.0" if id(v) in wanted else "0.0" for v in leaves]
    lines = [
        *forward,
        f"yield {text(codes[id(trace.root)])}",
        *backward,
        f"yield [{', '.join(ends)}]",
    ]
    names = ", ".join(["P", *trace.inputs, *trace.values])
    source = "\n    ".join([f"def step({names}):", *lines]) + "\n"
    space: dict[str, Any] = {op.name: op.forward for op in OPS.values()} | {"take": take}
    exec(compile(source, "<jit>", "exec"), space)  # our own text, of names and numbers
    return source, space["step"], parameters, len(nodes)


def take(values: list[float], index: float) -> float:
    if not 0 <= index < len(values):
        raise IndexError(
            f"index {int(index)} is out of range: there are {len(values)} values, from 0"
        )
    return values[int(index)]
