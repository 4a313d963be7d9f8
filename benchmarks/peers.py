"""The other scalar engines: micrograd from PyPI, and a Value in the style of microgpt."""

import math
from typing import Any

from benchmarks.scalar import Kit


def micrograd() -> Kit:
    """karpathy/micrograd as it is on PyPI. It lacks exp and log: here they are, in its style."""
    from micrograd.engine import Value

    def exp(v: Any) -> Any:
        out = Value(math.exp(v.data), (v,), "exp")

        def _backward() -> None:
            v.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(v: Any) -> Any:
        out = Value(math.log(v.data), (v,), "log")

        def _backward() -> None:
            v.grad += out.grad / v.data

        out._backward = _backward
        return out

    return Kit(Value, exp, log)


class LocalGrads:
    """A Value in the style of microgpt: children and local gradients as tuples, no closures."""

    __slots__ = ("children", "data", "grad", "local_grads")

    def __init__(self, data: float, children: Any = (), local_grads: Any = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.children = children
        self.local_grads = local_grads

    def __add__(self, other: Any) -> "LocalGrads":
        other = other if isinstance(other, LocalGrads) else LocalGrads(other)
        return LocalGrads(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> "LocalGrads":
        other = other if isinstance(other, LocalGrads) else LocalGrads(other)
        return LocalGrads(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, k: float) -> "LocalGrads":
        return LocalGrads(self.data**k, (self,), (k * self.data ** (k - 1),))

    def exp(self) -> "LocalGrads":
        y = math.exp(self.data)
        return LocalGrads(y, (self,), (y,))

    def log(self) -> "LocalGrads":
        return LocalGrads(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> "LocalGrads":
        return LocalGrads(max(0.0, self.data), (self,), (float(self.data > 0),))

    def __rsub__(self, other: Any) -> "LocalGrads":
        return self * -1.0 + other

    def __sub__(self, other: Any) -> "LocalGrads":
        return self + other * -1.0

    def __truediv__(self, other: "LocalGrads") -> "LocalGrads":
        return self * other**-1.0

    def backward(self) -> None:
        order, seen = [], set()

        def visit(v: LocalGrads) -> None:
            if v not in seen:
                seen.add(v)
                for child in v.children:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            for child, local in zip(v.children, v.local_grads):
                child.grad += local * v.grad


def microgpt_style() -> Kit:
    return Kit(LocalGrads, LocalGrads.exp, LocalGrads.log)
