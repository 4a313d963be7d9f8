"""`Value`: one number that remembers how it was computed, and `backward()`.

Every operation makes a new Value, a node. It keeps its parents, and its derivative with respect
to each, taken there and then: changing `.data` later cannot corrupt a gradient.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol

from autograd.graph import topological_order
from autograd.number import number, through_numpy
from autograd.ops import OPS, Op, abs, add, div, mul, neg, pow, sub


class Value:
    """A node of the computation graph.

    data: the number. grad: d(root)/d(this), once `root.backward()` has run. label: a name for
    pictures. op: the symbol of the op that made it, "" for a leaf. parents: the Values that it
    was computed from, in order, with repeats. partials: d(this)/d(parent) for each of them.

    Values compare (`<`, `max`) by data, but `==` and `hash` go by identity: two Values that
    hold 1.0 are two nodes, and each can live in a set or be the key of a dict.
    """

    __slots__ = ("data", "grad", "label", "module", "op", "parents", "partials")

    def __init__(self, data: Any, label: str = "") -> None:
        self.data = number(data)
        self.grad = 0.0
        self.label = label
        self.op = ""
        self.parents: tuple[Value, ...] = ()
        self.partials: tuple[float, ...] = ()

    # + and * are nine tenths of a graph written by hand. Through `apply` they would take double.
    def __add__(self, other: Any) -> "Value":  # self + other
        other = other if type(other) is Value else as_value(other)
        if recorder is None:
            return node(self.data + other.data, "+", (self, other), (1.0, 1.0))
        return recorder(add, (self, other))

    def __mul__(self, other: Any) -> "Value":  # self * other
        other = other if type(other) is Value else as_value(other)
        if recorder is None:
            a, b = self.data, other.data
            return node(a * b, "*", (self, other), (b, a))
        return recorder(mul, (self, other))

    def __radd__(self, other: Any) -> "Value":  # other + self; sum(values) begins with the int 0
        return self if type(other) is int and other == 0 else as_value(other) + self

    # fmt: off
    def __rmul__(self, other: Any) -> "Value": return as_value(other) * self  # other * self
    def __sub__(self, other: Any) -> "Value": return apply(sub, (self, other))  # self - other
    def __rsub__(self, other: Any) -> "Value": return apply(sub, (other, self))  # other - self
    def __truediv__(self, other: Any) -> "Value": return apply(div, (self, other))  # self / other
    def __rtruediv__(self, other: Any) -> "Value": return apply(div, (other, self))  # other / self
    def __pow__(self, other: Any) -> "Value": return apply(pow, (self, other))  # self ** other
    def __rpow__(self, other: Any) -> "Value": return apply(pow, (other, self))  # other ** self
    def __neg__(self) -> "Value": return apply(neg, (self,))  # -self
    def __pos__(self) -> "Value": return self  # +self
    def __abs__(self) -> "Value": return apply(abs, (self,))  # abs(self)
    def __lt__(self, other: Any) -> bool: return self.data < as_value(other).data  # self < other
    def __le__(self, other: Any) -> bool: return self.data <= as_value(other).data  # self <= other
    def __gt__(self, other: Any) -> bool: return self.data > as_value(other).data  # self > other
    def __ge__(self, other: Any) -> bool: return self.data >= as_value(other).data  # self >= other
    def __bool__(self) -> bool: return self.data != 0.0  # if self
    def __format__(self, spec: str) -> str: return format(self.data, spec) if spec else repr(self)
    def __array_ufunc__(self, f: Any, _: Any, *xs: Any) -> Any: return through_numpy(f, xs)
    _prev, _op = property(lambda self: self.parents), property(lambda self: self.op)  # micrograd's
    if TYPE_CHECKING:  # the methods that the table of ops adds below
        apply_op: Any
        def __getattr__(self, name: str) -> Any: ...
    # fmt: on

    def backward(self) -> None:
        """Set `.grad` to d(self)/d(node) in every node that this one was computed from: afresh in
        interior nodes; *added* in leaves, as in PyTorch, so that a second call doubles theirs."""
        order = topological_order(self)
        with fresh_gradients(order):
            for child in reversed(order):
                upstream = child.grad
                if upstream == 0.0 and isfinite(sum(child.partials)):
                    continue  # nothing to hand on, as below a relu that is off (0 * inf is NaN)
                for parent, partial in zip(child.parents, child.partials):
                    parent.grad += partial * upstream  # +=: a parent may have several children
        if recorder is not None:
            recorder.check(self)

    def detach(self) -> "Value":
        """A leaf with the same data: what is computed from it sends no gradient back to here."""
        return Value(self.data, self.label)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self.data:.4g}, grad={self.grad:.4g}{label})"

    def __float__(self) -> float:
        raise TypeError(
            "float(v), like math.exp(v), would silently drop the graph and the gradient with it. "
            "To go on computing, write v.exp() or autograd.exp(v); for the bare number, v.data."
        )


class Constant(Value):
    """A plain number that met a Value, like the 2 in `v * 2`: a leaf that nobody trains."""

    __slots__ = ()


def as_value(x: Any) -> Value:
    return x if isinstance(x, Value) else Constant(x)


def node(data: float, op: str, parents: tuple[Value, ...], partials: tuple[float, ...]) -> Value:
    """A Value made by an op. (Not through `__init__`: the data is known to be a float.)"""
    v = new(Value)
    v.data, v.grad, v.label = data, 0.0, ""
    v.op, v.parents, v.partials = op, parents, partials
    return v


class Recorder(Protocol):
    """What may take the place of `record`, as in `no_grad`: see autograd.recording."""

    def __call__(self, op: Op, parents: tuple[Value, ...]) -> Value: ...
    def own(self) -> Any: ...  # who records in this thread or task; None: nobody in particular
    def check(self, root: Value) -> None: ...  # after each backward()


new = Value.__new__
recorder: Recorder | None = None  # None while nobody in the process asks for another one


def apply(op: Op, parents: tuple[Any, ...]) -> Value:
    """Run `op` forward, take its partials, and record the node."""
    if len(parents) == 1 and recorder is None:  # this is only for speed, too
        x = parents[0].data
        y = op.forward(x)
        return node(y, op.symbol, parents, op.partials(y, x))
    parents = tuple([x if isinstance(x, Value) else Constant(x) for x in parents])
    return record(op, parents) if recorder is None else recorder(op, parents)


def record(op: Op, parents: tuple[Value, ...]) -> Value:
    data = [x.data for x in parents]
    result = op.forward(*data)
    return node(result, op.symbol, parents, op.partials(result, *data))


def compute_only(op: Op, parents: tuple[Value, ...]) -> Value:  # the recorder of no_grad
    return Value(op.forward(*[p.data for p in parents]))


def dot(ws: Sequence[Any], xs: Sequence[Any], bias: Any = None) -> Any:
    """A neuron's weighted sum, bias + ws[0] * xs[0] + ws[1] * xs[1] + ..., as ONE node."""
    if len(ws) != len(xs):
        raise ValueError(f"dot needs as many weights as inputs, but got {len(ws)} and {len(xs)}")
    own = None if recorder is None else recorder.own()
    if own is not None and hasattr(own, "dot"):  # a trace keeps rows whole: see compiler/trace.py
        return own.dot(ws, xs, bias)
    parents = (*ws, *xs) if bias is None else (*ws, *xs, bias)
    if own is None or own is compute_only:
        try:  # written out for speed, as + and * are: a network spends most of its time here
            a, b = [w.data for w in ws], [x.data for x in xs]
            total = 0.0 if bias is None else bias.data
            for i, j in zip(a, b):
                total += i * j
            if parents and type(total) is float:
                if own is compute_only:
                    return Value(total)
                return node(total, "dot", parents, (*b, *a) if bias is None else (*b, *a, 1.0))
        except (AttributeError, TypeError):  # plain numbers are among them
            pass
    return OPS["dot"](*parents)


Value.apply_op = staticmethod(apply)
for op in OPS.values():
    if op.symbol == op.name and op.numpy:  # v.exp(), v.maximum(w), ...
        setattr(Value, op.name, lambda *parents, op=op: apply(op, parents))


@contextmanager
def fresh_gradients(order: list[Value]) -> Iterator[None]:
    """Around a backward pass: all gradients start at 0, the root's at 1; at the end leaves get
    back, added, what they held before (so the same pass twice gives exactly twice as much)."""
    earlier = [(v, v.grad) for v in order if v.grad and not v.parents]
    for v in order:
        v.grad = 0.0
    order[-1].grad = 1.0
    try:
        yield
    finally:
        for leaf, grad in earlier:
            leaf.grad += grad
