"""What a traced function computes with: symbols, which stand for numbers to come.

A symbol has no number. Whatever looks for one raises `TraceError`, names the user's line, and
notes it in the running trace: code that swallows the error does not get past it.
"""

import linecache
import operator
import os
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from autograd.ops import OPS
from autograd.value import Value, as_value

running: ContextVar[Any] = ContextVar("autograd.compiler.trace", default=None)  # the Trace, here


class TraceError(TypeError):
    """The function can't be compiled: it looks at a number that is known only when it runs, or
    does what a program, which runs in its place, would not do."""


_LIBRARY = os.path.dirname(os.__file__) + os.sep


def is_foreign(file: str) -> bool:
    """Whether it is of Python's library, or of an installed package."""
    return file.startswith((_LIBRARY, "<frozen ")) or "-packages" + os.sep in file


def is_ours(frame: Any) -> bool:
    """Whether it runs code of this project."""
    name: str = frame.f_globals.get("__name__", "")
    return name.startswith(("autograd.", "nn.")) or name in ("autograd", "nn")


def user_frame() -> Any:
    """The innermost frame of the user's own code: not ours, not Python's or a package's."""
    frame: Any = sys._getframe(1)
    here: Any = frame
    while frame and (is_ours(frame) or is_foreign(frame.f_code.co_filename)):
        frame = frame.f_back
    while frame is None and is_ours(here) and here.f_back:  # all is installed: the first not ours
        here = here.f_back
    return frame or here


def place(frame: Any) -> str:
    """Where a frame is: file, line, function, and the text of the line if there is any."""
    code, number = frame.f_code, frame.f_lineno
    text = linecache.getline(code.co_filename, number, frame.f_globals).strip()
    return f"{code.co_filename}, line {number}, in {code.co_name}{text and f' (`{text}`)'}"


def refusal(what: str, instead: str) -> TraceError:
    """The error for this line of the user's. The running trace remembers it."""
    found = running.get()
    error = TraceError(
        f"{place(user_frame())}: {what} needs a number, but jit traces the function once, on "
        f"symbols, for all numbers to come. {instead}"
    )
    if found is not None and found.refusal is None:
        found.refusal = error
    return error


def refuse(what: str, instead: str) -> Any:
    """A method that refuses."""

    def method(self: Any, *args: Any) -> Any:
        raise refusal(what, instead)

    return method


_BRANCH = (
    "For a choice that depends on data write ops: autograd.maximum(a, b), minimum, relu, abs; "
    "or run this function without jit."
)
_NUMBER = (
    "To go on computing use operators and ops, v.exp() and not math.exp(v); a number that stays "
    "the same may come from outside the function's arguments, as in lambda xs: f(xs, n=3)."
)
_TEXT = "Print what the jitted function returns."
LEAKED = (
    "jit met a symbol of another trace: the function keeps a Value from an earlier call (in an "
    "attribute or a global). Return it, and pass it back in."
)
COMPUTED = (
    "the function reads a Value that was computed outside of it, and what that was computed from "
    "would get no gradient: compute it inside, or pass it as an argument."
)
LOOK, ASSIGN = "reading .data", "assigning .data"
READ_GRAD, WRITE_GRAD = "reading .grad", "assigning .grad (as zero_grad() does)"
OUTSIDE = "Change parameters outside of the jitted function."
AFTERWARDS = "Gradients are there after backward(): look at them, and clear them, outside."


class Symbol(Value):
    """A number known only when the program runs: an argument, or what was computed from one."""

    __slots__ = ()
    _data = property(refuse(LOOK, _NUMBER), refuse(ASSIGN, "Make a new Value instead."))
    _grad = property(refuse(READ_GRAD, AFTERWARDS), refuse(WRITE_GRAD, AFTERWARDS))
    partials = property(refuse("a partial derivative", "Use autograd.grad outside of jit."))
    __lt__ = __le__ = __gt__ = __ge__ = refuse("a comparison", _BRANCH)
    __bool__ = refuse("`if`, `and`, `or` or `not` on a Value", _BRANCH)
    __float__ = refuse("float(), which math.exp() and np.array() call too,", _NUMBER)
    __int__ = refuse("int()", _NUMBER)
    __round__ = refuse("round()", _NUMBER)
    __floor__ = refuse("math.floor()", _NUMBER)
    __ceil__ = refuse("math.ceil()", _NUMBER)
    __trunc__ = refuse("math.trunc()", _NUMBER)
    __mod__ = __rmod__ = refuse("the remainder, %,", _NUMBER)
    __floordiv__ = __rfloordiv__ = refuse("//", _NUMBER)
    __divmod__ = __rdivmod__ = refuse("divmod()", _NUMBER)
    __format__ = refuse("formatting a Value", _TEXT)
    __str__ = refuse("the text of a Value", _TEXT)
    __hash__ = Value.__hash__

    def __repr__(self) -> str:
        if running.get() is not None and not is_ours(sys._getframe(1)):
            raise refusal("the text of a Value", _TEXT)
        return f"<symbol of a {self.op or 'number'}>"

    def detach(self) -> Any:
        return running.get().stop(self)

    def backward(self) -> None:
        raise refusal("backward()", "Call it on what the jitted function returns, outside.")


class Argument(Symbol):
    """A Value among the arguments. It is equal to the one that it stands for, in sets and dicts
    too; once the function has seen that, its program is for that very Value."""

    __slots__ = ("stands_for",)
    stands_for: Value

    def __eq__(self, other: object) -> bool:
        if self is other or isinstance(other, Argument) or not isinstance(other, Value):
            return self is other
        return note("identity", self) and self.stands_for is other

    def __hash__(self) -> int:
        note("identity", self)
        return hash(self.stands_for)

    @property
    def label(self) -> str:  # type: ignore[override]
        note("label", self)
        return str(self.stands_for.label)

    @property
    def op(self) -> str:  # type: ignore[override]
        return str(self._history(""))

    @property
    def parents(self) -> Any:  # type: ignore[override]
        return self._history(())

    def _history(self, none: Any) -> Any:
        if running.get() is None or is_ours(sys._getframe(2)):
            return none
        raise refusal(
            "how an argument was computed, its .op or .parents,",
            "A program is for all that may be passed: tell it in another argument.",
        )


def note(what: str, s: Symbol) -> bool:
    """The function has seen this of an argument: its program is only for arguments alike."""
    found = running.get()
    if found is not None:
        found.observed.add((what, id(s)))
    return True


class Number(Symbol):
    """A float argument, or what was computed from such alone. It would be compared by data, so it
    can't be compared at all."""

    __slots__ = ()
    __eq__ = __ne__ = refuse("== on a number of the arguments", _BRANCH)
    __hash__ = refuse("a set or a key of a dict", _BRANCH)
    stands_for_a: type = float

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What isinstance() looks at: to the user, it is also the number that it stands for."""
        frame: Any = sys._getframe(1)
        if is_ours(frame.f_back if frame.f_globals.get("__name__") == "abc" else frame):
            return type(self)
        note("type", self)
        return self.stands_for_a

    def as_number(self) -> "Number":
        """For `number`: `Value(x)` of a number of the arguments is a leaf that stands for it."""
        return self

    def __array_ufunc__(  # type: ignore[override]
        self, f: Any, method: str, *xs: Any, **options: Any
    ) -> Any:
        if method == "__call__" and not options and not any(getattr(x, "shape", ()) for x in xs):
            xs = tuple([x[()] if hasattr(x, "shape") else x for x in xs])
            if f.__name__ in _UFUNCS:
                return _UFUNCS[f.__name__](*[x.item() if hasattr(x, "item") else x for x in xs])
        elif method == "__call__":
            return f(*map(_boxed, xs), **options)
        raise refusal(f"np.{f.__name__}", "autograd has ops that jit knows: autograd.exp(x), say.")


_UFUNCS: dict[str, Any] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negative": operator.neg,
    "absolute": operator.abs,
    "square": lambda x: x * x,
} | {
    op.name: op for op in OPS.values()
    if op.name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "maximum", "minimum")
}  # fmt: skip


def _boxed(x: Any) -> Any:
    """An array of objects, so that NumPy computes with symbols item by item."""
    import numpy as np

    if isinstance(x, np.ndarray):
        return x.astype(object)
    box = np.empty((), object)
    box[()] = x
    return box


def _exact(name: str) -> Any:
    """A method: ints with ints give an int, which each call of the program computes in Python."""
    is_reflected = name.startswith("__r")
    forward = name.replace("__r", "__") if is_reflected else name
    function, otherwise = getattr(operator, forward), getattr(Value, forward, None)

    def method(self: Any, *others: Any) -> Any:
        operands = (*others, self) if is_reflected else (self, *others)
        if all(type(x) is int or isinstance(x, Integer) for x in others):
            return running.get().compute(function, operands)
        if otherwise is None:
            raise refusal(f"{function.__name__}()", _NUMBER)
        return otherwise(*map(as_value, operands))

    return method


_add_reflected = _exact("__radd__")


class Integer(Number):
    """An int argument: an index, for `take` (`Embedding`, a target), or a number like others."""

    __slots__ = ()
    stands_for_a = int
    __add__, __sub__, __mul__ = _exact("__add__"), _exact("__sub__"), _exact("__mul__")
    __floordiv__, __mod__ = _exact("__floordiv__"), _exact("__mod__")
    __rsub__, __rmul__ = _exact("__rsub__"), _exact("__rmul__")
    __rfloordiv__, __rmod__ = _exact("__rfloordiv__"), _exact("__rmod__")
    __neg__, __abs__ = _exact("__neg__"), _exact("__abs__")
    __index__ = refuse(
        "an index, range() or a key",
        "To look up write autograd.take(values, i); for a size use len(values), or keep it out of "
        "the arguments, as in lambda xs: f(xs, n=3).",
    )

    def __radd__(self, other: Any) -> Any:  # sum(ints) begins with the int 0
        return self if type(other) is int and other == 0 else _add_reflected(self, other)

    def take_from(self, values: Sequence[Any]) -> Any:
        note("index", self)
        return running.get().look_up([as_value(v) for v in values], self)


def symbol(kind: type[Symbol], op: str = "", parents: tuple[Any, ...] = ()) -> Symbol:
    s: Symbol = Value.__new__(kind)
    s.op, s.parents = op, parents
    return s


def argument(v: Value) -> Argument:
    """The symbol for a Value among the arguments."""
    s = Value.__new__(Argument)
    s.stands_for = v
    return s
