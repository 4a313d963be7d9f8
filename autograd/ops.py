"""The table of operations: one row per op, and nothing about an op anywhere else.

A row says how to compute an op and how fast its result changes with each input (its *partial
derivatives*), written with ops: so one rule serves floats (`backward`), `Value`s (second
derivatives) and symbols (`autograd.jit`, LaTeX). To add an op, add a row: it becomes
`autograd.name(x)` and `x.name()`, and inherits the tests and the compiler.

Edges follow IEEE 754 and PyTorch: nothing here raises. `log(0)` is -inf, `exp(1000)` is inf,
`0/0` and `(-8) ** (1/3)` are NaN, NaN goes through, and at a kink (relu and abs at 0) the
derivative is 0. A comparison in a partial counts as 0 or 1: `1.0 - (x <= 0)` is 1 at NaN too.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Any

from autograd.number import number


@dataclass(frozen=True, eq=False)
class Op:
    """One row. Called on numbers it computes; called on nodes it records a node in their graph."""

    name: str  # autograd.<name>(...)
    symbol: str  # Value.op, and what pictures show
    forward: Callable[..., float]  # floats in, a float out
    partials: Callable[..., tuple[Any, ...]]  # (result y, *inputs) -> dy/dinput, one for each
    numpy: str  # spelling in array code; "": the op is n-ary, the compiler has a rule for it
    latex: str
    precedence: int  # of the LaTeX spelling: sum 1, product 2, sign 3, power 4, call 5
    samples: tuple[tuple[float, ...], ...]  # inputs for the tests, the edges among them
    js: str = ""  # spelling in JavaScript, for pages that compute; {0} is the list if it is n-ary
    gate: bool = False  # where a partial is 0, nothing goes back, be it inf or NaN: see `closed`

    def __call__(self, *args: Any) -> Any:
        try:
            for arg in args:
                if type(arg) is not float:
                    break
            else:  # floats only, as in partials: nothing to look for and nothing to convert
                return self.forward(*args)
            for arg in args:
                if hasattr(arg, "apply_op"):  # a Value, or a symbol that stands for one
                    return arg.apply_op(self, args)
            return self.forward(*map(number, args))
        except TypeError:
            self.check_count(args)
            raise

    def check_count(self, args: Sequence[Any]) -> None:
        """Raises TypeError if the op takes another number of inputs."""
        code = self.partials.__code__  # (y, a, b), or (y, *v) if it takes any number
        takes = code.co_argcount - 1
        if len(args) != takes and not code.co_flags & inspect.CO_VARARGS:
            given = ", ".join(["a", "b", "c"][:takes])
            raise TypeError(
                f"{self.name} takes {takes} number{'s' * (takes > 1)}, as in {self.name}({given}), "
                f"but got {len(args)}. For the largest, smallest or sum of a list, go through it."
                if takes > 1
                else f"{self.name} takes one number, as in {self.name}(a), but got {len(args)}."
            )


def closed(op: str, partial: float) -> bool:
    """Whether an input gets nothing back through this op, whatever comes: not even 0 * inf = NaN.

    Of relu, maximum and the like, the inputs that were not chosen: log(relu(x)) has the slope 0
    at -1, though relu's partial is 0 and log's is inf there. PyTorch masks at the same places.
    """
    return partial == 0.0 and op in GATES


def _div(a: float, b: float) -> float:  # here, as below: Python raises where IEEE has an answer
    try:
        return a / b
    except ZeroDivisionError:
        return nan if a == 0 or a != a else math.copysign(inf, a) * math.copysign(1.0, b)


def _pow(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except (OverflowError, ValueError):
        fractional, odd = b % 1 != 0, b % 2 == 1  # (-8) ** (1/3) is not complex here
        return nan if a < 0 and fractional else math.copysign(inf, a) if odd else inf


def _total(function: Callable[[float], float], otherwise: float) -> Callable[[float], float]:
    def total(x: float) -> float:
        try:
            return function(x)
        except (OverflowError, ValueError):
            return otherwise

    return total


_exp, _log = _total(math.exp, inf), _total(math.log, nan)


def _sum(*v: float, total: float = 0.0) -> float:
    for x in v:  # one by one: the built-in sum rounds differently since Python 3.12
        total += x
    return total


def _dot(*v: float) -> float:
    n = len(v) // 2  # n weights, n inputs, and perhaps a bias to start from
    return _sum(*[w * x for w, x in zip(v[:n], v[n:])], total=v[-1] if len(v) % 2 else 0.0)


def _logsumexp(*v: float) -> float:
    top = max([x for x in v if math.isfinite(x)], default=0.0)
    return top + log.forward(_sum(*[_exp(x - top) for x in v]))  # x - top <= 0: no overflow


# Where 1 - y would be left without digits, partials take another way to the same:


def _sech_squared(x: Any) -> Any:
    """1 - tanh(x)**2, also where tanh(x) rounds to 1."""
    if type(x) is float:  # the same, without the way through the table: three times as fast
        e = _exp(x)
        half = 2.0 / (e + (1.0 / e if e else inf))
        return half * half
    e = exp(x)
    half = div(2.0, e + div(1.0, e))
    return half * half


def _softmax(y: Any, *v: Any) -> tuple[Any, ...]:
    """exp(x - y) for each x, if y = logsumexp(v) were not rounded: so they are made to add up to 1
    (where their sum is a number; NaN ** 0 is 1)."""
    shares = [exp(x - y) for x in v]
    total = OPS["sum"](*shares)
    total = pow(total, 1.0 * (total <= 0) + (total > 0))
    return tuple([div(share, total) for share in shares])


# --- the table: name, forward, partials, NumPy, LaTeX, precedence, symbol, samples, JavaScript ---
# fmt: off
OPS: dict[str, Op] = {}  # by symbol
GATES: set[str] = set()  # the symbols of those that are gates
_ONE = [(x,) for x in (-1.5, -0.0, 0.0, 0.5, 2.0, 1000.0, -1000.0, inf, -inf, nan)]
_TWO = ((2.0, 3.0), (-1.5, 0.5), (-8.0, 1 / 3), (0.0, 0.0), (0.0, -2.0), (0.0, 0.5), (3.0, 0.0),
        (-2.0, 3.0), (2.0, 2.0), (1e200, 2.0), (inf, 2.0), (nan, 1.0), (1.0, nan))


def _row(name: str, forward: Any, partials: Any, numpy: str, latex: str,
         precedence: int = 5, symbol: str = "", samples: Any = (), js: str = "",
         gate: bool = False) -> Op:
    samples = tuple(samples or (_ONE, _TWO)[partials.__code__.co_argcount - 2])
    op = Op(name, symbol or name, forward, partials, numpy, latex, precedence, samples, js, gate)
    GATES.update([op.symbol] * gate)
    return OPS.setdefault(op.symbol, op)


add = _row("add", lambda a, b: a + b, lambda y, a, b: (1.0, 1.0), "{0} + {1}", "{0} + {1}", 1, "+",
           js="{0} + {1}")
sub = _row("sub", lambda a, b: a - b, lambda y, a, b: (1.0, -1.0), "{0} - {1}", "{0} - {1}", 1, "-",
           js="{0} - {1}")
mul = _row("mul", lambda a, b: a * b, lambda y, a, b: (b, a), "{0} * {1}", r"{0} \cdot {1}", 2, "*",
           js="{0} * {1}")
div: Op = _row("div", _div, lambda y, a, b: (div(1.0, b), div(-y, b)),
           "{0} / {1}", r"\frac{{{0}}}{{{1}}}", 5, "/", js="{0} / {1}")
pow: Op = _row("pow", _pow,  # 0**0 has slope 0 in a; 0**b, b >= 0, has slope 0 in b: not 0 * inf
           lambda y, a, b: (b * pow(a, b - 1.0 + (b <= 0) * (b >= 0) * (1.0 - (a < 0) - (a > 0))),
                            y * log(a + (a <= 0) * (a >= 0) * (b >= 0))),
           "{0} ** {1}", "{0}^{{{1}}}", 4, "**",  # in JavaScript, 1 ** NaN is not 1
           js="{0} === 1 || ({0} === -1 && Math.abs({1}) === Infinity) ? 1 : {0} ** {1}")
neg = _row("neg", lambda x: -x, lambda y, x: (-1.0,), "-{0}", "-{0}", 3, js="-{0}")
abs = _row("abs", math.fabs, lambda y, x: (1.0 * (x > 0) - (x < 0),),
           "np.abs({0})", r"\left|{0}\right|", js="Math.abs({0})")
exp = _row("exp", _exp, lambda y, x: (y,), "np.exp({0})", "e^{{{0}}}", 4, js="Math.exp({0})")
log: Op = _row("log", lambda x: _log(x) if x else -inf, lambda y, x: (div(1.0, x),),
           "np.log({0})", r"\log({0})", js="Math.log({0})")
sqrt = _row("sqrt", _total(math.sqrt, nan), lambda y, x: (div(0.5, y),),
            "np.sqrt({0})", r"\sqrt{{{0}}}", js="Math.sqrt({0})")
sin = _row("sin", _total(math.sin, nan), lambda y, x: (cos(x),), "np.sin({0})", r"\sin({0})",
           js="Math.sin({0})")
cos: Op = _row("cos", _total(math.cos, nan), lambda y, x: (-sin(x),), "np.cos({0})", r"\cos({0})",
               js="Math.cos({0})")
tanh = _row("tanh", math.tanh, lambda y, x: (_sech_squared(x),), "np.tanh({0})", r"\tanh({0})",
            js="Math.tanh({0})")
sigmoid: Op = _row("sigmoid", lambda x: 1.0 / (1.0 + _exp(-x)), lambda y, x: (y * sigmoid(-x),),
               "1.0 / (1.0 + np.exp(-{0}))", r"\sigma({0})", js="1 / (1 + Math.exp(-{0}))")
relu = _row("relu", lambda x: 0.0 if x <= 0 else x, lambda y, x: (1.0 - (x <= 0),),
            "np.maximum({0}, 0.0)", r"\mathrm{{relu}}({0})", js="{0} <= 0 ? 0 : {0}",
            gate=True)
leaky_relu = _row("leaky_relu", lambda x: x if x > 0 else 0.01 * x,
                  lambda y, x: (0.01 + 0.99 * (x > 0),),
                  "np.where({0} > 0, {0}, 0.01 * {0})", r"\mathrm{{leaky\_relu}}({0})",
                  js="{0} > 0 ? {0} : 0.01 * {0}")
# PyTorch's softplus(x) is x above 20; ours keeps the last digits, so it is smooth there too.
softplus = _row("softplus", lambda x: max(x, 0.0) + math.log1p(_exp(-math.fabs(x))),
                lambda y, x: (sigmoid(x),), "np.logaddexp({0}, 0.0)", r"\mathrm{{softplus}}({0})",
                js="Math.max({0}, 0) + Math.log1p(Math.exp(-Math.abs({0})))")
_gelu_tanh: Any = lambda x: tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))  # sqrt(2 / pi)
gelu = _row("gelu", lambda x: 0.5 * x * (1.0 + _gelu_tanh(x)),  # PyTorch's approximate="tanh"
            lambda y, x: (0.5 + 0.5 * _gelu_tanh(x) + 0.5 * x * (1.0 - _gelu_tanh(x) ** 2)
                          * (0.7978845608028654 * (1.0 + 0.134145 * x * x)),),
            "0.5 * {0} * (1.0 + np.tanh(0.7978845608028654 * ({0} + 0.044715 * {0} ** 3)))",
            r"\mathrm{{gelu}}({0})",
            js="0.5 * {0} * (1 + Math.tanh(0.7978845608028654 * ({0} + 0.044715 * {0} ** 3)))")
_larger: Any = lambda a, b: 1.0 - 0.5 * (a < b) - 0.5 * (a <= b)  # 1 or 0; at a tie half each
maximum = _row("maximum", lambda a, b: a if a >= b or a != a else b,
               lambda y, a, b: (_larger(a, b), _larger(b, a)),
               "np.maximum({0}, {1})", r"\max({0}, {1})",
               js="{0} >= {1} || {0} !== {0} ? {0} : {1}", gate=True)
minimum = _row("minimum", lambda a, b: a if a <= b or a != a else b,
               lambda y, a, b: (_larger(b, a), _larger(a, b)),
               "np.minimum({0}, {1})", r"\min({0}, {1})",
               js="{0} <= {1} || {0} !== {0} ? {0} : {1}", gate=True)
__all__ = ["clip", "logsumexp", "softmax", "sum", "take", "where"]
__all__ += [op.name for op in OPS.values()]
_row("sum", _sum, lambda y, *v: (1.0,) * len(v), "", "", 1, "", ((2.0,), (1.0, 3.0), (inf, -inf)),
     js="sumOf({0})")
_row("dot", _dot, lambda y, *v: (*v[len(v) // 2 : len(v) // 2 * 2], *v[:len(v) // 2], 1.0)[:len(v)],
     "", "", 1, "", ((2.0, 3.0), (1.0, 2.0, 3.0, 4.0, 5.0), (0.0, inf), (nan, 1.0, 2.0)),
     js="dotOf({0})")
_row("take", lambda x: x, lambda y, x: (1.0,), "", "", 5, "", ((2.0,), (nan,)), js="{0}[0]")
_row("logsumexp", _logsumexp, lambda y, *v: _softmax(y, *v), "", "", 5, "",
     ((1.0,), (1.0, 2.0, 3.0), (1000.0, 999.0), (-inf, 0.0), (-inf, -inf), (inf, 0.0), (nan, 1.0)),
     js="logsumexpOf({0})")
# fmt: on


def listed(values: Any, call: str) -> Sequence[Any]:
    """`values` if they have a length and an order. Raises TypeError, with the call as it should
    be, for one Value, a generator or a set."""
    if isinstance(values, list | tuple) or hasattr(values, "__getitem__"):
        return values  # type: ignore[no-any-return]
    raise TypeError(
        f"a list of numbers is needed, as in {call}, but this is of type "
        f"{type(values).__name__}: {values!r:.60}. Of a generator or a set, make a list first: "
        "list(values)."
    )


def sum(values: Sequence[Any]) -> Any:
    """The sum of all `values` as ONE node (the built-in `sum` makes a node for each `+`)."""
    if hasattr(values, "apply_op"):
        listed(values, "autograd.sum([a, b])")
    return OPS["sum"](*values)


def take(values: Sequence[Any], index: Any) -> Any:
    """values[index], for an index that is data (a token, a class): `autograd.jit` sees a look-up.
    Raises IndexError outside 0 .. len(values) - 1: a negative index is most likely a mistake."""
    if hasattr(index, "take_from"):  # a symbol of autograd.jit
        return index.take_from(values)
    values = listed(values, "autograd.take([a, b], 1)")
    if not 0 <= index < len(values):
        raise IndexError(f"index {index} is out of range: there are {len(values)} values, from 0")
    return OPS["take"](values[index])


def logsumexp(values: Sequence[Any]) -> Any:
    """log(exp(values[0]) + exp(values[1]) + ...) as one node, safe from overflow."""
    if hasattr(values, "apply_op"):
        listed(values, "autograd.logsumexp([a, b])")
    return OPS["logsumexp"](*values)


def softmax(values: Sequence[Any]) -> list[Any]:
    """exp(x) / (exp(values[0]) + exp(values[1]) + ...) for each x: shares that add up to 1."""
    total = logsumexp(values)
    shares = [exp(x - total) for x in values]
    norm = sum(shares)  # 1, but for what rounding of `total` leaves where all values are large
    return [share / norm for share in shares]


def where(condition: Any, a: Any, b: Any) -> Any:
    """a if condition else b; the one that is not chosen gets no gradient.

    condition: a bool or a number; a Value counts by its data, and gets no gradient. In a jitted
    function it must be an argument that is an int, or not depend on the arguments at all.
    """
    if hasattr(condition, "take_from"):  # a symbol of autograd.jit
        return take([b, a], condition)
    return OPS["take"](a if condition else b)


def clip(x: Any, low: float, high: float) -> Any:
    """x, but not below `low` and not above `high`; beyond them the derivative is 0."""
    if low > high:
        raise ValueError(f"clip needs low <= high, but got {low} and {high}")
    return minimum(maximum(x, low), high)
