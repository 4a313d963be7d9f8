"""What counts as a number, and what to say when something else turns up."""

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any


def number(x: Any) -> float:
    """`x` as a float. Raises TypeError, with the fix, for what is not one real number."""
    if type(x) is float:
        return x
    if hasattr(x, "as_number"):  # a symbol of autograd.jit: the number is to come
        return x.as_number()  # type: ignore[no-any-return]
    if isinstance(x, Real):  # ints, fractions and NumPy's scalars too
        return float(x)
    if getattr(x, "ndim", None) is not None and math.prod(x.shape) == 1:
        return float(x.item())  # an array or a tensor of one number; NumPy's booleans
    kind = type(x).__name__
    if hasattr(x, "apply_op"):
        fix = "It is a node already: use it as it is, or v.detach() for a copy without history."
    elif kind not in _FIXES and hasattr(x, "__len__"):
        fix = "A Value is one number: go item by item, as in [Value(x) for x in xs]."
    else:
        fix = _FIXES.get(kind, "If it stands for one number, convert it first: float(x).")
    raise TypeError(f"a number is needed here, but this is of type {kind}: {x!r:.60}. {fix}")


def assigned(x: Any, name: str) -> float:
    """`x` as the float that becomes a Value's `name`, "data" or "grad"."""
    if hasattr(x, "apply_op"):
        raise TypeError(
            f".{name} is a plain number, but this is a Value: {x!r:.60}. Compute it from numbers, "
            f"as in p.data -= lr * p.grad with a float for lr, or take its number: x.data."
        )
    try:
        return number(x)
    except TypeError as error:
        raise TypeError(f".{name} is a plain number: {error}") from None


_FIXES = {  # what people pass where a number belongs, and what to write instead
    "str": "If the text spells a number, convert it first: float(text).",
    "complex": "Gradients here are of real numbers: use z.real and z.imag, a Value each.",
    "NoneType": "None often comes from a function that forgot its `return`.",
}


def through_numpy(ufunc: Any, inputs: Sequence[Any]) -> Any:
    """The answer when NumPy is given a Value to compute with.

    An operator between a NumPy scalar and a Value is the same operator on the float. All else
    raises TypeError with the fix: np.exp(v) knows no derivative, array * v is many numbers.
    """
    name = ufunc.__name__
    if name in _OPERATORS and len(inputs) == 2:
        # NumPy may have wrapped its scalar in an array without dimensions: x[()] unwraps it.
        a, b = [x[()] if getattr(x, "shape", None) == () else x for x in inputs]
        a, b = [x if hasattr(x, "apply_op") else number(x) for x in (a, b)]
        return _OPERATORS[name](a, b)
    raise TypeError(
        f"np.{name} knows no derivatives: it would drop the graph, and the gradient with it. "
        f"Write autograd.{name}(v) if autograd has that op, or give it to autograd with "
        f"autograd.register_op; for the bare number, np.{name}(v.data)."
    )


_OPERATORS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "remainder": operator.mod,
    "floor_divide": operator.floordiv,
    "divmod": divmod,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.is_,  # Values are equal by identity
    "not_equal": operator.is_not,
}
