"""Array code as a tree: built by operators and by the op table's partials, printed at the end.

`Code` is a number type to the rules in `autograd.ops`: `op.partials(y, *xs)`, run on it, yields
the text of the derivative. Shapes are known; what is 1.0 times something is that something.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.ops import OPS, Op

Axes = tuple[tuple[int, int], ...]  # (size, step) of each axis, slowest first
_UFUNC = {"+": "np.add", "-": "np.subtract", "*": "np.multiply", "/": "np.divide",
          "@": "np.matmul", "**": "np.power"}  # fmt: skip


class Code:
    """An expression: a template such as "{0} + {1}", its arguments and the result's shape."""

    def __init__(self, template: str, args: Iterable[Any], shape: Any, call: str = "") -> None:
        self.template, self.args, self.shape = template, tuple(args), tuple(shape)
        self.call = call  # the NumPy function that it is, which may take out=
        self.truth = False  # made of comparisons and numbers: finite, and perhaps not a float

    @staticmethod
    def apply_op(op: Op, args: tuple[Any, ...]) -> Any:
        """An op of the table on code: text, simplified by x + 0 = x, 1 * x = x, x ** 1 = x."""
        a, b = args[0], args[-1]
        if all(is_number(x) or x.truth for x in args):
            if op.symbol == "*" and 0.0 in args:
                return 0.0
            code = apply(op.numpy, *args)  # in full: NumPy has no arithmetic of truth values alone
            code.truth = True
            return code
        if any(not is_number(x) and x.truth for x in args):
            return apply(op.numpy, *args)
        if op.symbol == "*" and 1.0 in (a, b):
            return b if is_number(a) and a == 1.0 else a
        if op.symbol == "*" and -1.0 in (a, b):  # -1 * x = -x
            return apply("-{0}", b if is_number(a) and a == -1.0 else a)
        if op.symbol == "+" and 0.0 in (a, b):
            return b if is_number(a) and a == 0.0 else a
        if op.symbol == "+" and not is_number(b) and b.template == "-{0}":  # a + -b = a - b
            return Code.apply_op(OPS["-"], (a, b.args[0]))
        if op.symbol == "+" and not is_number(a) and a.template == "-{0}":
            return Code.apply_op(OPS["-"], (b, a.args[0]))
        if op.symbol in ("**", "/") and is_number(b) and b == 1.0:
            return a
        return apply(op.numpy, *args, call=_UFUNC.get(op.symbol, ""))

    def __bool__(self) -> bool:
        raise TypeError("this is the text of a number, which is not known yet")

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    # fmt: off
    def __add__(self, o: Any) -> Any: return self.apply_op(OPS["+"], (self, o))
    def __radd__(self, o: Any) -> Any: return self.apply_op(OPS["+"], (o, self))
    def __sub__(self, o: Any) -> Any: return self.apply_op(OPS["-"], (self, o))
    def __rsub__(self, o: Any) -> Any: return self.apply_op(OPS["-"], (o, self))
    def __mul__(self, o: Any) -> Any: return self.apply_op(OPS["*"], (self, o))
    def __rmul__(self, o: Any) -> Any: return self.apply_op(OPS["*"], (o, self))
    def __truediv__(self, o: Any) -> Any: return self.apply_op(OPS["/"], (self, o))
    def __pow__(self, o: Any) -> Any: return self.apply_op(OPS["**"], (self, o))
    def __rtruediv__(self, o: Any) -> Any: return self.apply_op(OPS["/"], (o, self))
    def __rpow__(self, o: Any) -> Any: return self.apply_op(OPS["**"], (o, self))
    def __neg__(self) -> Any: return apply("-{0}", self)
    def __lt__(self, o: Any) -> Any: return compare("{0} < {1}", self, o)
    def __le__(self, o: Any) -> Any: return compare("{0} <= {1}", self, o)
    def __gt__(self, o: Any) -> Any: return compare("{0} > {1}", self, o)
    def __ge__(self, o: Any) -> Any: return compare("{0} >= {1}", self, o)
    # fmt: on

    @property
    def atomic(self) -> bool:
        """No parentheses are needed around it."""
        return " " not in re.sub(r"\(.*\)", "", self.template) and self.template[0] != "-"

    def text(self) -> str:
        return self.template.format(*map(operand, self.args))

    def into(self, target: str) -> str:
        """The statement that puts the result into the array `target`."""
        if self.call:
            return f"{self.call}({', '.join(map(text, self.args))}, out={target})"
        if re.fullmatch(
            r"np\.(einsum|add\.reduce|exp|log|maximum|minimum|sqrt|tanh)\([^()]*\)", self.template
        ):
            return f"{self.text()[:-1]}, out={target})"
        return f"{target}[...] = {self.text()}"


class View(Code):
    """Elements start + sum(i_k * step_k) of an array: all of it, or a part that is no copy."""

    def __init__(self, array: "Array", start: int, axes: Axes) -> None:
        self.array, self.start, self.axes = array, start, axes
        super().__init__("", (), [n for n, _ in axes])
        array.is_buffer |= not self.whole

    @property
    def whole(self) -> bool:
        return self.start == 0 and contiguous(self.axes) and size(self.shape) == self.array.size

    atomic = True

    def text(self) -> str:
        if self.whole and self.shape == self.array.shape:
            return str(self.array.name)
        if not self.array.is_buffer:
            return f"{self.array.name}.reshape({args(self.shape)})"
        return str(self.array.program.view_name(self))

    def into(self, target: str) -> str:
        return f"{target}[...] = {self.text()}"


class Array:
    """A variable of the program: the values of one kind, in an order and a shape of our choice.

    is_buffer: it lies in one place from call to call, and views of it are made once.
    """

    def __init__(self, program: Any, name: str, shape: Any, is_buffer: bool = False) -> None:
        self.program, self.name, self.shape = program, name, tuple(shape)
        self.size = size(self.shape)
        self.is_buffer = is_buffer
        self.trained = False
        self.is_read = False
        self.gradients: list[tuple[np.ndarray, Any]] = []  # (where, what) to be added up
        self.chosen: list[Any] = []  # those of them that come from a look-up

    def code(self) -> View:
        return View(self, 0, dense(self.shape))


def apply(template: str, *args: Any, call: str = "") -> Code:
    shapes = [a.shape for a in args if isinstance(a, Code)]
    return Code(template, args, np.broadcast_shapes(*shapes), call)


def compare(template: str, *args: Any) -> Code:
    code = apply(template, *args)
    code.truth = True
    return code


def is_number(x: Any) -> bool:
    return isinstance(x, float | int)


def shape_of(x: Any) -> tuple[int, ...]:
    return x.shape if isinstance(x, Code) else ()


def text(x: Any) -> str:
    if isinstance(x, Code):
        return x.text()
    return repr(float(x)) if x == x and abs(x) != float("inf") else f"float('{x}')"


def operand(x: Any) -> str:
    if (isinstance(x, Code) and not x.atomic) or (is_number(x) and x < 0):
        return f"({text(x)})"
    return text(x)


def args(shape: Iterable[int]) -> str:
    return ", ".join(map(str, shape)) or "()"


def size(shape: Iterable[int]) -> int:
    total = 1
    for n in shape:
        total *= n
    return total


def dense(shape: Iterable[int]) -> Axes:
    axes, step = [], 1
    for n in reversed(tuple(shape)):
        axes.append((n, step))
        step *= n
    return tuple(reversed(axes))


def contiguous(axes: Axes) -> bool:
    return axes == dense([n for n, _ in axes])
