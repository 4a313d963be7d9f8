"""What several tasks share: experiments with graphs, and one source for the growing `Value`."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from autograd.exercises.program import Program
from autograd.exercises.task import Case, Outcome


def graph(*lines: str) -> Program:
    return Program("\n".join(lines))


def parents(node: Any) -> tuple[Any, ...]:
    """The parents under any of the names in use: `parents`, or micrograd's `_prev`."""
    for name in ("parents", "_prev", "_parents"):
        if hasattr(node, name):
            return tuple(getattr(node, name))
    kind = type(node).__name__
    raise AttributeError(f"'{kind}' object has no attribute 'parents' (or '_prev')")


def data_case(program: Program) -> Case:
    """Run the program; observe the number in every named node."""

    def run(value_class: Any, *_: Any) -> Outcome:
        return {f"{k}.data": v.data for k, v in program.run(value_class).items()}

    return Case(program.source, run)


def gradient_case(program: Program) -> Case:
    """Run the program and `backward()` from its root; observe every named node's gradient."""

    def run(value_class: Any, *_: Any) -> Outcome:
        nodes = program.run(value_class)
        nodes[program.root].backward()
        return {f"{k}.grad": v.grad for k, v in nodes.items()}

    return Case(f"{program.source}\n{program.root}.backward()", run, program=program)


def cases_of(
    make: Callable[[Program], Case], programs: Iterable[Program]
) -> Callable[[Any], list[Case]]:
    fixed = list(programs)
    return lambda rng: [make(program) for program in fixed]


# The class that tasks 5, 7 and 8 build up. Each marked region belongs to the task it names.
VALUE = '''\
import math


class Value:
    def __init__(self, data, parents=(), partials=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.partials = partials  # d(self)/d(parent), a number for each parent

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = as_value(other)
        ### BEGIN one_op
        return Value(self.data * other.data, (self, other), (other.data, self.data))
        ### END one_op

    def __pow__(self, number):
        ### BEGIN one_op
        return Value(self.data**number, (self,), (number * self.data ** (number - 1),))
        ### END one_op

    def tanh(self):
        ### BEGIN one_op
        y = math.tanh(self.data)
        return Value(y, (self,), (1 - y * y,))
        ### END one_op

    def exp(self):
        ### BEGIN one_op
        y = math.exp(self.data)
        return Value(y, (self,), (y,))
        ### END one_op

    def log(self):
        ### BEGIN one_op
        return Value(math.log(self.data), (self,), (1 / self.data,))
        ### END one_op

    def relu(self):
        ### BEGIN one_op
        return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))
        ### END one_op

    # The other operators are written with these, so their gradients come for free.
    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -as_value(other)

    def __truediv__(self, other):
        return self * as_value(other) ** -1

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    def _backward(self):
        """Hand this node's gradient on to its parents."""
        ### BEGIN one_op
        for parent, partial in zip(self.parents, self.partials):
            parent.grad += partial * self.grad
        ### END one_op

    def backward(self):
        """Give every node that `self` was computed from its gradient, d(self)/d(node)."""
        ### BEGIN backward
        order = topological_order(self)
        ### BEGIN zeroing
        for node in order:
            if node.parents:
                node.grad = 0.0
        ### END zeroing
        self.grad = 1.0
        for node in reversed(order):
            node._backward()
        ### END backward


def as_value(x):
    return x if isinstance(x, Value) else Value(x)


def topological_order(root):
    """Every node below `root`, parents before children (task 6)."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order


def zero_grad(values):
    """Make ready for the next backward pass."""
    ### BEGIN zeroing
    for value in values:
        value.grad = 0.0
    ### END zeroing
'''


def value_up_to(task: str) -> str:
    """VALUE with the regions of earlier tasks filled in, those of `task` marked as the solution,
    and those of later tasks left out."""
    source, past = VALUE, True
    for name in ("one_op", "backward", "zeroing"):
        marks = rf" *### (?:BEGIN|END) {name}\n"
        if name == task:
            source = re.sub(rf"(### (?:BEGIN|END)) {name}\n", r"\1 SOLUTION\n", source)
            past = False
        elif past:
            source = re.sub(marks, "", source)
        else:
            source = re.sub(rf" *### BEGIN {name}\n(?:.*\n)*?.*### END {name}\n", "", source)
    if task != "zeroing":  # a function without its body goes as well
        source = source[: source.index("\n\ndef zero_grad")]
    if task == "one_op":
        source = re.sub(r"\n    def backward(?:.*\n)*?(?=\n\ndef as_value)", "", source)
        source = source[: source.index("\n\ndef topological_order")]
    return source
