"""Ops of one's own: `register_op` adds a row to the table while the program runs."""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd.number import number
from autograd.ops import OPS, Op, _row
from autograd.ops import __all__ as taken
from autograd.value import add_method


def register_op(
    name: str,
    forward: Callable[..., float],
    partials: Callable[..., tuple[Any, ...]],
    *,
    numpy: str,
    latex: str = "",
    samples: Sequence[tuple[float, ...]] = (),
) -> Op:
    """Add an op of one or two inputs: returns it as a function, and `v.name()` works on Values.

        atan = register_op("atan", math.atan, lambda y, x: (1.0 / (1.0 + x * x),),
                           numpy="np.arctan({0})")

    forward: floats in, a float out; it must not raise. partials: (result, *inputs) -> a tuple with
    the derivative for each input, written with operators and ops, never with math: so the op has
    derivatives of every order, and autograd.jit compiles it. numpy: its spelling on arrays.
    latex: its spelling in formulas. samples: inputs to check `partials` at, against differences of
    `forward`; raises ValueError if they disagree, or if the name is taken.
    """
    if not name.isidentifier() or name in OPS or name in taken:
        raise ValueError(f"{name!r} can't be the name of an op: it is taken, or no identifier")
    code = partials.__code__
    if code.co_argcount not in (2, 3) or code.co_flags & inspect.CO_VARARGS:
        raise TypeError(
            "partials takes the result and one or two inputs, as in lambda y, x: (2.0 * x,)"
        )
    _check_slopes(name, forward, partials, samples)
    inputs = ", ".join(["{0}", "{1}"][: code.co_argcount - 1])
    latex = latex or rf"\mathrm{{{{{name}}}}}({inputs})"
    op = _row(name, lambda *xs: number(forward(*xs)), partials, numpy, latex, samples=samples)
    add_method(op)
    return op


def _check_slopes(name: str, forward: Any, partials: Any, samples: Any) -> None:
    """Raises ValueError where a partial is not the slope of `forward`."""
    for point in samples:
        slopes = partials(forward(*point), *point)
        if not isinstance(slopes, tuple) or len(slopes) != len(point):
            raise TypeError(
                "partials returns a tuple with a derivative for each input, as in "
                f"lambda y, x: (2.0 * x,), but of {name} it returned {slopes!r}"
            )
        for i, slope in enumerate(slopes):
            h = 1e-5 * max(1.0, math.fabs(point[i]))
            above, below = ([*point[:i], point[i] + s, *point[i + 1 :]] for s in (h, -h))
            found = (forward(*above) - forward(*below)) / (2 * h)
            if not math.fabs(found - slope) <= 1e-4 * max(math.fabs(found), math.fabs(slope), 1e-3):
                raise ValueError(
                    f"at {point}, partials of {name} says {slope:.6g} for input {i}, but "
                    f"differences of forward say {found:.6g}"
                )
