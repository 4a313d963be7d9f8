"""`Value`: one number that remembers how it was computed, and `backward()`.

Every operation makes a new Value, a node. It keeps its parents, and its derivative with respect
to each, taken there and then: changing `.data` later cannot corrupt a gradient.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Protocol

from autograd.graph import topological_order
from autograd.number import assigned, number, through_numpy
from autograd.ops import GATES, OPS, Op, abs, add, closed, div, listed, mul, neg, pow, sub


class Value:
    """A node of the computation graph.

    data: the number. grad: d(root)/d(this), once `root.backward()` has run. label: a name for
    pictures. op: the symbol of the op that made it, "" for a leaf. parents: the Values that it
    was computed from, in order, with repeats. partials: d(this)/d(parent) for each of them.

    Whoever writes `data` or `grad`, floats come out: NumPy's numbers and ints are converted, and
    what is no number raises TypeError there. `v.grad = None` means 0.0. Other attributes, as in
    `p.velocity = 0.0`, are yours. Code written for micrograd runs: see `_by_hand`.

    Values compare (`<`, `max`) by data, but `==` and `hash` go by identity: two Values that
    hold 1.0 are two nodes, and each can live in a set or be the key of a dict.
    """

    # `_data` and `_grad` are behind `data` and `grad`. Here, where nothing but floats is written,
    # they are used directly: a property takes several times as long.
    __slots__ = ("__dict__", "_data", "_grad", "module", "op", "parents", "partials")
    label = ""  # that of a node without one

    def __init__(
        self, data: Any, label: Any = "", _op: Any = "", _label: str = "", *, _children: Any = ()
    ) -> None:
        self._data = number(data)
        self._grad = 0.0
        self.op = ""
        self.parents: tuple[Value, ...] = ()
        self.partials: tuple[float, ...] = ()
        if type(label) is not str or _op or _children:
            label = _by_hand(self, label, _op, _label, _children)
        if label:
            self.label = label

    @property
    def data(self) -> float:
        return self._data

    @data.setter
    def data(self, x: Any) -> None:
        self._data = x if type(x) is float else assigned(x, "data")

    @property
    def grad(self) -> float:
        return self._grad

    @grad.setter
    def grad(self, x: Any) -> None:  # None: as users of PyTorch clear a gradient
        self._grad = x if type(x) is float else 0.0 if x is None else assigned(x, "grad")

    # + and * are nine tenths of a graph written by hand. Through `apply` they would take double.
    def __add__(self, other: Any) -> "Value":  # self + other
        other = other if type(other) is Value else as_value(other)
        if recorder is None:
            return node(self._data + other._data, "+", (self, other), (1.0, 1.0))
        return recorder(add, (self, other))

    def __mul__(self, other: Any) -> "Value":  # self * other
        other = other if type(other) is Value else as_value(other)
        if recorder is None:
            a, b = self._data, other._data
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
    def conjugate(self) -> "Value": return self  # it is real; np.std and the like ask
    def __array_ufunc__(self, f: Any, _: Any, *xs: Any) -> Any: return through_numpy(f, xs)
    # micrograd's names, and microgpt's
    _prev = _children = property(lambda self: self.parents)
    _op, _local_grads = property(lambda self: self.op), property(lambda self: self.partials)
    _backward = property(lambda self: lambda: hand_on(self), lambda self, f: _give(self, f))
    if TYPE_CHECKING:  # the methods that the table of ops adds below
        apply_op: Any
        def __getattr__(self, name: str) -> Any: ...
    # fmt: on

    def backward(self) -> None:
        """Set `.grad` to d(self)/d(node) in every node that this one was computed from: afresh in
        interior nodes; *added* in leaves, as in PyTorch, so that a second call doubles theirs."""
        order = topological_order(self)
        low, high = -inf, inf
        with fresh_gradients(order):
            for child in reversed(order):
                upstream = child._grad
                if upstream == 0.0 and isfinite(sum(child.partials)):
                    continue  # nothing to hand on
                if not low < upstream < high and child.op in GATES:
                    hand_on(child)
                    continue
                for parent, partial in zip(child.parents, child.partials):
                    parent._grad += partial * upstream  # +=: a parent may have several children
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

    def _jump(self, *_: Any) -> Any:
        raise TypeError(
            "int, round, floor, ceil, trunc, // and % jump from one whole number to the next, so "
            "they have no derivative to learn from. For the bare number use v.data, as in "
            "round(v.data) or v.data % 2."
        )

    __int__ = __round__ = __floor__ = __ceil__ = __trunc__ = __divmod__ = __rdivmod__ = _jump
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = _jump


class Constant(Value):
    """A plain number that met a Value, like the 2 in `v * 2`: a leaf that nobody trains."""

    __slots__ = ()


def as_value(x: Any) -> Value:
    return x if isinstance(x, Value) else constant(x)


def constant(x: Any) -> Constant:
    v: Constant = new(Constant)  # not through `__init__`, for speed
    v._data, v._grad = number(x), 0.0
    v.op, v.parents, v.partials = "", (), ()
    return v


def node(data: float, op: str, parents: tuple[Value, ...], partials: tuple[float, ...]) -> Value:
    """A Value made by an op. (Not through `__init__`: the data is known to be a float.)"""
    v = new(Value)
    v._data, v._grad = data, 0.0
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
        x = parents[0]._data
        y = op.forward(x)
        return node(y, op.symbol, parents, op.partials(y, x))
    parents = tuple([x if isinstance(x, Value) else constant(x) for x in parents])
    return record(op, parents) if recorder is None else recorder(op, parents)


def record(op: Op, parents: tuple[Value, ...]) -> Value:
    data = [x._data for x in parents]
    result = op.forward(*data)
    partials = op.partials(result, *data)
    if op is pow and type(parents[1]) is Constant:  # the 2 of x ** 2 stays 2: its slope, NaN at
        partials = (partials[0], 0.0)  # x < 0, is nobody's
    return node(result, op.symbol, parents, partials)


def compute_only(op: Op, parents: tuple[Value, ...]) -> Value:  # the recorder of no_grad
    return node(op.forward(*[p._data for p in parents]), "", (), ())


DOT = "autograd.dot([w1, w2], [x1, x2])"


def dot(ws: Sequence[Any], xs: Sequence[Any], bias: Any = None) -> Any:
    """A neuron's weighted sum, bias + ws[0] * xs[0] + ws[1] * xs[1] + ..., as ONE node."""
    try:
        as_many = len(ws) == len(xs)
    except TypeError:
        as_many = len(listed(ws, DOT)) == len(listed(xs, DOT))
    if not as_many:
        raise ValueError(f"dot needs as many weights as inputs, but got {len(ws)} and {len(xs)}")
    own = None if recorder is None else recorder.own()
    if own is not None and hasattr(own, "dot"):  # a trace keeps rows whole: see compiler/trace.py
        return own.dot(ws, xs, bias)
    parents = (*ws, *xs) if bias is None else (*ws, *xs, bias)
    if own is None or own is compute_only:
        try:  # written out for speed, as + and * are: a network spends most of its time here
            a, b = [w._data for w in ws], [x._data for x in xs]
            total = 0.0 if bias is None else bias._data
            for i, j in zip(a, b):
                total += i * j
            if parents and type(total) is float:
                if own is compute_only:
                    return node(total, "", (), ())
                return node(total, "dot", parents, (*b, *a) if bias is None else (*b, *a, 1.0))
        except (AttributeError, TypeError):  # plain numbers are among them
            pass
    return OPS["dot"](*parents)


def add_method(op: Op) -> None:
    """v.exp(), v.maximum(w), ... for an op of the table."""

    def method(*parents: Any) -> Value:
        try:
            return apply(op, parents)
        except TypeError:
            op.check_count(parents)
            raise

    setattr(Value, op.name, method)


Value.apply_op = staticmethod(apply)
for op in OPS.values():
    if op.symbol == op.name and op.numpy:
        add_method(op)


@contextmanager
def fresh_gradients(order: list[Value]) -> Iterator[None]:
    """Around a backward pass: all gradients start at 0, the root's at 1; at the end leaves get
    back, added, what they held before (so the same pass twice gives exactly twice as much)."""
    earlier = [(v, v._grad) for v in order if v._grad and not v.parents]
    for v in order:
        v._grad = 0.0
    order[-1]._grad = 1.0
    try:
        yield
    finally:
        for leaf, grad in earlier:
            leaf._grad += grad


# --- code written for micrograd, where a node is made by hand and hands its gradient on itself ----


def _by_hand(v: Value, label: Any, op: Any, last: str, children: Any) -> str:
    """Make `v` a node of its children, as micrograd and its lecture do it; returns its label.

    Value(1.0, (a, b), "*"), then `v._backward = closure`: the closure adds to the gradients of
    a and b, and `backward()` finds in it what d(v)/d(a) and d(v)/d(b) are.
    Value(1.0, (a, b), (2.0, 3.0)): the derivatives themselves, as in microgpt.
    """
    if isinstance(label, tuple | list | set) and all(isinstance(p, Value) for p in label):
        children, label = label, last
    v.parents = tuple(children)
    given = op if isinstance(op, tuple | list) else [0.0] * len(v.parents)
    v.partials = tuple(map(number, given))
    v.op = op if isinstance(op, str) else "by hand"
    if len(v.partials) != len(v.parents):
        raise ValueError(
            f"a node needs a derivative for each of its parents, but it has {len(v.parents)} "
            f"parents and {len(v.partials)} derivatives"
        )
    return "" if label is None else str(label)


class ByHand(Value):
    """A node that somebody gave a function `_backward` of its own."""

    __slots__ = ()
    closure: Callable[[], Any]
    _backward = property(lambda self: self.closure, lambda self, f: _give(self, f))

    @property
    def partials(self) -> tuple[float, ...]:
        """What the closure adds to each parent's gradient when this node's is 1."""
        before = {v: v._grad for v in (self, *self.parents)}
        for v in before:
            v._grad = 0.0
        self._grad = 1.0
        try:
            self.closure()
            added = {p: p._grad for p in self.parents}
        finally:
            for v, grad in before.items():
                v._grad = grad
        return tuple([added.pop(p, 0.0) for p in self.parents])  # a repeated parent: all at once

    @partials.setter
    def partials(self, _: Any) -> None:
        """The closure has replaced them."""


def _give(v: Value, closure: Callable[[], Any]) -> None:
    v.__class__ = ByHand
    v.closure = closure  # type: ignore[attr-defined]


def hand_on(v: Value) -> None:
    """Add to the gradient of each of its parents what `v` contributes, unless it is a gate that
    is closed to that parent."""
    for parent, partial in zip(v.parents, v.partials):
        if not closed(v.op, partial):
            parent._grad += partial * v._grad
