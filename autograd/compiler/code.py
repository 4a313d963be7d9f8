"""Array code as text: expressions that the op table's rules can be run on, and their reverse.

`op.partials(y, *xs)`, called with `Code`, gives the code of the derivatives. Shapes are known, and
what is 1.0 times something is that something.
"""

import re
from collections.abc import Callable, Iterable
from itertools import zip_longest
from math import prod
from typing import Any

from autograd.ops import OPS, Op

UFUNCS = {"{0} + {1}": "np.add", "{0} - {1}": "np.subtract", "{0} * {1}": "np.multiply",
          "{0} / {1}": "np.divide"}  # fmt: skip
Reverse = Callable[[Any], Any]
CALL = re.compile(r"(outer|np\.(add\.reduce|exp|log|maximum|sqrt|tanh))\([^()]*\)")


def _binary(symbol: str) -> tuple[Any, Any]:
    op = OPS[symbol]
    return lambda a, b: a.apply_op(op, (a, b)), lambda b, a: b.apply_op(op, (a, b))


def _comparison(sign: str) -> Any:
    return lambda a, b: a.compare(f"{{0}} {sign} {{1}}", b)


class Code:
    """An expression: a template such as "{0} + {1}", its arguments, and the result's shape.

    op: the row of the table that it is, if it is one. reverse: else a function that takes the
    gradient of this and gives that of each argument. source: for a part of an array, (the array,
    places in it). rows: see `Program.stacked`.
    """

    plain: "type[Code]"  # the class of results
    source: Any = None
    rows: tuple[Any, ...] = ()
    is_finite = is_truth = False  # made of comparisons and numbers; a comparison, not a float

    def __init__(self, template: str, args: Iterable[Any] = (), shape: Iterable[int] = (),
                 op: Op | None = None, reverse: Reverse | None = None) -> None:  # fmt: skip
        self.template, self.args, self.shape = template, tuple(args), tuple(shape)
        self.op, self.reverse = op, reverse
        self.trained: bool = any(isinstance(x, Code) and x.trained for x in self.args)

    @classmethod
    def apply_op(cls, op: Op, args: tuple[Any, ...]) -> Any:
        """An op on code: its text, but x + 0 = x, 1 * x = x, a + -b = a - b, ..."""
        a, b = args[0], args[-1]
        finite, truths = [all(is_number(x) or getattr(x, mark) for x in args)
                          for mark in ("is_finite", "is_truth")]  # fmt: skip
        if op.symbol == "*" and is_number(b):
            a, b = args = (b, a)
        if op.symbol == "*" and is_number(a) and a == 0.0 and finite:
            return 0.0
        if op.symbol == "*" and is_number(a) and abs(a) == 1.0 and not truths:
            return b if a > 0 else cls.apply_op(OPS["neg"], (b,))
        if op.symbol == "+" and not truths and 0.0 in [x for x in args if is_number(x)]:
            return b if is_number(a) and a == 0.0 else a
        for x, y in ((a, b), (b, a)) if op.symbol == "+" else ():
            if isinstance(y, Code) and y.op is OPS["neg"]:
                return cls.apply_op(OPS["-"], (x, y.args[0]))
        if op.symbol in ("**", "/") and is_number(b) and b == 1.0:
            return a
        if op.symbol == "*" and getattr(b, "op", 0) is OPS["/"] and text(b.args[0]) == "1.0":
            return cls.apply_op(b.op, (a, b.args[1]))  # a * (1 / b) = a / b
        code = cls.plain(cls.spelling(op), args, broadcast(*map(shape_of, args)), op)
        code.is_finite, code.is_truth = finite, truths and op.symbol == "*" and not is_number(a)
        return code

    @staticmethod
    def spelling(op: Op) -> str:
        return op.numpy

    def compare(self, template: str, other: Any) -> "Code":
        code = self.plain(template, (self, other), broadcast(self.shape, shape_of(other)))
        code.is_finite = code.is_truth = True
        return code

    __add__, __radd__ = _binary("+")
    __sub__, __rsub__ = _binary("-")
    __mul__, __rmul__ = _binary("*")
    __truediv__, __rtruediv__ = _binary("/")
    __pow__, __rpow__ = _binary("**")
    __lt__, __le__, __gt__, __ge__ = map(_comparison, ("<", "<=", ">", ">="))
    __eq__, __ne__ = map(_comparison, ("==", "!="))

    def __neg__(self) -> Any:
        return self.apply_op(OPS["neg"], (self,))

    def __bool__(self) -> bool:
        raise TypeError("this is the text of a number, not known yet")

    def text(self) -> str:
        bare = re.findall(r"(?:\(|, )\{(\d+)\}(?=,|\))", self.template)  # arguments of a call
        spelled = [(text if f"{i}" in bare else operand)(x) for i, x in enumerate(self.args)]
        return self.template.format(*spelled)

    def pulled(self, y: Any, g: Any) -> list[tuple[Any, Any]]:
        """(argument, its gradient) pairs, from the gradient of this, whose result is `y`."""
        if self.op:
            # relu' is 1 where the result is not 0, at NaN, too: one operation instead of two
            partials = [y != 0.0] if self.op is OPS["relu"] else self.op.partials(y, *self.args)
            return [(x, g * p) for x, p in zip(self.args, partials) if isinstance(x, Code)]
        return list(zip(self.args, self.reverse(g))) if self.reverse else []

    def into(self, target: str) -> str:
        """The statement that puts the result into an array of its shape, which `target` names."""
        if " @ " in self.template:
            call = Code(f"np.matmul({self.template.replace(' @ ', ', ')})", self.args)
            return f"{call.text()[:-1]}, out={target})"
        if self.template in UFUNCS:
            return f"{UFUNCS[self.template]}({', '.join(map(text, self.args))}, out={target})"
        if CALL.fullmatch(self.template):
            return f"{self.text()[:-1]}, out={target})"
        return f"{target}[...] = {self.text()}"


Code.plain = Code


class Array(Code):
    """A variable: a kind's values, say. gradients: (places in it, gradient) from each use."""

    def __init__(self, name: str, shape: Any, value: Any = None) -> None:
        super().__init__(name, (), shape)
        self.name, self.value, self.size = name, value, prod(self.shape)
        self.trained = isinstance(value, Code) and value.trained
        self.is_read = False
        self.gradients: list[tuple[Any, Any]] = []


def is_number(x: Any) -> bool:
    return isinstance(x, float | int)


def shape_of(x: Any) -> tuple[int, ...]:
    return x.shape if isinstance(x, Code) else ()


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(max, zip_longest(*[s[::-1] for s in shapes], fillvalue=1)))[::-1]


def text(x: Any) -> str:
    if isinstance(x, Code):
        return x.text()
    return repr(float(x)) if x == x and abs(x) != float("inf") else f"float('{x}')"


def operand(x: Any) -> str:
    """Its text, in parentheses if it needs some."""
    if is_number(x):
        return f"({text(x)})" if x < 0 else text(x)
    bare = re.sub(r"[([].*[)\]]", "", x.template)
    return f"({x.text()})" if " " in bare or bare.startswith("-") else str(x.text())
