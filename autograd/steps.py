"""The forward and the backward pass as a stream of steps, to print, to count, or to draw.

    for step in steps(e):
        print(step)

Each step is a small frozen record; printed, it is a sentence with names and numbers. Nodes are
called by their labels; one without a label is called n0, n1, ... by its place in the topological
order, which is also its name in the text of `autograd.draw`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from autograd.graph import expand, topological_order
from autograd.labels import Names, names_of
from autograd.ops import OPS, closed
from autograd.value import Constant, Value, fresh_gradients, node

Parts: TypeAlias = tuple[str, str, str, str]  # a sentence: formula, numbers, new number, remark


@dataclass(frozen=True)
class Forward:
    """An op ran: from its parents' data, `inputs`, the node got its own, `result`."""

    node: Value
    op: str
    inputs: tuple[float, ...]
    result: float
    names: Names = field(repr=False, compare=False)

    @property
    def changed(self) -> bool:
        """Whether the inputs hold other data now than when the node was computed."""
        if self.op not in OPS:
            return False
        now = OPS[self.op].forward(*self.inputs)
        return now != self.result and now == now

    @property
    def parts(self) -> Parts:
        called = spell(self.op, [self.names[p] for p in self.node.parents])
        numbers = spell(self.op, [show(x) for x in self.inputs])
        middle = f" = {numbers} → " if numbers != called else " → "
        why = " (an input's data was changed afterwards)" if self.changed else ""
        return f"{self.names[self.node]} = {called}", middle, show(self.result), why

    def __str__(self) -> str:
        return "".join(self.parts)


@dataclass(frozen=True)
class Seed:
    """The backward pass begins: the root's gradient is d(root)/d(root) = 1."""

    node: Value
    names: Names = field(repr=False, compare=False)

    @property
    def parts(self) -> Parts:
        name = self.names[self.node]
        return f"{name}.grad = ∂{name}/∂{name}", " = ", "1", ""

    def __str__(self) -> str:
        return "".join(self.parts)


@dataclass(frozen=True)
class Backward:
    """`node` hands its gradient on to one parent: the chain rule, once.

    position: which of the node's inputs the parent is, from 0 (in `x * x` it is both). partial:
    d(node)/d(that input). upstream: the gradient of `node`, complete by now. contribution:
    partial * upstream. before, after: the gradient of `parent` around this step.
    """

    node: Value
    parent: Value
    position: int
    partial: float
    upstream: float
    contribution: float
    before: float
    after: float
    names: Names = field(repr=False, compare=False)

    @property
    def parts(self) -> Parts:
        child, parent = self.names[self.node], _owner(self.parent, self.names)
        twice = self.node.parents.count(self.parent) > 1  # like x * x: an edge for each
        which = f" (as input {self.position + 1})" if twice else ""
        product = spell("*", [show(self.partial), show(self.upstream)])
        formula = f"{parent}.grad += ∂{child}/∂{parent}{which} · {child}.grad"
        if not self.before:
            return formula, f" = {product} → ", show(self.after), ""
        total = spell("+", [show(self.before), show(self.contribution)])
        middle = f" = {product} = {show(self.contribution)} → {total} = "
        return formula, middle, show(self.after), ""

    def __str__(self) -> str:
        return "".join(self.parts)


@dataclass(frozen=True)
class Earlier:
    """A leaf gets back, added, the gradient `held` that it had before this pass: leaves keep
    adding up until somebody sets them to zero."""

    node: Value
    held: float
    before: float
    after: float
    names: Names = field(repr=False, compare=False)

    @property
    def parts(self) -> Parts:
        name, total = (
            _owner(self.node, self.names),
            spell("+", [show(self.before), show(self.held)]),
        )
        formula = f"{name}.grad += {show(self.held)}, left by an earlier backward()"
        return formula, f" → {total} = ", show(self.after), ""

    def __str__(self) -> str:
        return "".join(self.parts)


Step: TypeAlias = Forward | Seed | Backward | Earlier


def steps(root: Value) -> Iterator[Step]:
    """Every step by which `root` was computed, then every step of `root.backward()`.

    First a `Forward` for each op, parents before children; then a `Seed`; then a `Backward` for
    each edge, children before parents; last an `Earlier` for each leaf that held a gradient.
    After its last step each gradient is, to the last bit, what `root.backward()` would leave.
    It only looks on: the sweep runs on a copy of the graph, and neither `.data` nor `.grad` of
    your Values changes, not even if you leave the loop in the middle.
    """
    need_value(root, "steps(loss)")
    expand(root)
    order = topological_order(root)
    names = names_of(order)
    for v in order:
        if v.parents:
            yield Forward(v, v.op, tuple([p.data for p in v.parents]), v.data, names)

    yield Seed(root, names)
    twin: dict[Value, Value] = {}
    for v in order:
        twin[v] = node(v.data, v.op, tuple([twin[p] for p in v.parents]), v.partials)
        twin[v].grad = v.grad
    with fresh_gradients(list(twin.values())):  # the sweep of Value.backward, slowed down
        for child in reversed(order):
            upstream = twin[child].grad
            for i, (parent, partial) in enumerate(zip(child.parents, child.partials)):
                if child.op == "**" and i == 1 and isinstance(parent, Constant):
                    continue  # the 2 of x ** 2 stays 2; for x < 0 its slope would be NaN
                before = twin[parent].grad
                contribution = 0.0 if closed(child.op, partial) else partial * upstream
                after = twin[parent].grad = before + contribution
                yield Backward(
                    child, parent, i, partial, upstream, contribution, before, after, names
                )
        swept = {v: twin[v].grad for v in order if v.grad and not v.parents}
    for leaf, before in swept.items():
        yield Earlier(leaf, leaf.grad, before, twin[leaf].grad, names)


def need_value(x: object, example: str) -> None:
    """Raises TypeError, with the example to follow, if `x` is not a Value."""
    if not isinstance(x, Value):
        raise TypeError(
            f"a Value is needed here, but this is a {type(x).__name__}: {x!r:.60}. "
            f"Give a result that was computed from Values, as in {example}."
        )


def _owner(v: Value, names: Names) -> str:
    return f"({names[v]})" if isinstance(v, Constant) else names[v]  # (2).grad, not 2.grad


def show(x: float) -> str:
    """A number as sentences and pictures show it."""
    return f"{x:.4g}"


def spell(op: str, inputs: Sequence[str]) -> str:
    """An op applied to names or numbers, as people write it: 2 · 3, tanh(x), w · x + b."""
    if op == "dot":
        n = len(inputs) // 2
        products = [_infix("·", pair) for pair in zip(inputs[:n], inputs[n:])]
        return _infix("+", [*products, *inputs[2 * n :]])
    if op == "neg":
        return "-" + _guarded(inputs[0])
    if op == "sum" or not op[:1].isalpha():
        return _infix({"sum": "+", "*": "·"}.get(op, op), inputs)
    return f"{op}({', '.join(shortened(inputs))})"


def _infix(sign: str, terms: Sequence[str]) -> str:
    first, *rest = shortened(terms)
    return f" {sign} ".join([_guarded(first) if sign == "**" else first, *map(_guarded, rest)])


def _guarded(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def shortened(terms: Sequence[str]) -> Sequence[str]:
    """All the terms, or of more than eight the first three, how many are left out, and the last."""
    return terms if len(terms) <= 8 else [*terms[:3], f"… ({len(terms) - 4} more)", terms[-1]]
