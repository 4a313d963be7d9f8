"""Settings and sizes: checked when they are given, not where they would go wrong."""

import math
import operator
from collections.abc import Callable
from numbers import Real
from typing import Any


def size(name: str, x: Any, least: int = 1) -> int:
    """`x` as an int, also from NumPy's. Raises ValueError unless it is whole and large enough."""
    try:
        whole = operator.index(x)
    except TypeError:
        whole = least - 1
    if isinstance(x, bool) or whole < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, but is {x!r:.60}.")
    return whole


def setting(name: str, x: Any, low: float = 0.0, high: float = math.inf, ends: str = "[)") -> float:
    """`x` as a float, also from NumPy's. Raises TypeError for what is no number, and ValueError
    unless it lies between `low` and `high`; ends: which of both belong to it, as in "[)"."""
    if isinstance(x, bool) or not isinstance(x, Real):
        if hasattr(x, "apply_op"):
            fix = f"A setting is not trained: give it v.data, for {x!r:.40}."
        else:
            fix = f'Write it as a number, {name}=0.1 and not {name}="0.1", say.'
        raise TypeError(f"{name} is a number, but this is of type {type(x).__name__}. {fix}")
    number = float(x)
    is_above = low <= number if ends[0] == "[" else low < number
    is_below = number <= high if ends[1] == "]" else number < high
    if not (is_above and is_below):
        first, last = ("<=" if end in "[]" else "<" for end in ends)
        limits = f"{low:g} {first} {name}" + (f" {last} {high:g}" if high < math.inf else "")
        raise ValueError(f"{name} must be a number with {limits}, but is {x!r:.60}.")
    return number


def flag(name: str, x: Any) -> bool:
    """`x` if it is True or False, also NumPy's. Raises TypeError otherwise: "no" would be true."""
    if type(x).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{name} is True or False, but this is {x!r:.60}.")
    return bool(x)


def in_order(who: str, xs: Any) -> None:
    """Raise TypeError for what has a length, but is no list of numbers: its items would be keys,
    letters, or in no order."""
    if isinstance(xs, (dict, set, frozenset, str, bytes)):
        raise TypeError(
            f"{who} takes lists of numbers, but got a {type(xs).__name__}, {xs!r:.60}: make a list "
            "of numbers of it, in the order that you mean."
        )


def betas(name: str, x: Any) -> tuple[float, float]:
    """`x` if it is a pair of numbers from 0 to below 1, as running means need it."""
    if isinstance(x, str) or not hasattr(x, "__len__") or len(x) != 2:
        raise TypeError(
            f"{name} is a pair, ({name}[0], {name}[1]) = (0.9, 0.999), but is {x!r:.60}."
        )
    first, second = [setting(f"{name}[{i}]", beta, 0.0, 1.0) for i, beta in enumerate(x)]
    return first, second


def between(low: float, high: float = math.inf, ends: str = "[)") -> Callable[[str, Any], float]:
    """The check of a setting that lies between these numbers."""
    return lambda name, x: setting(name, x, low, high, ends)


not_negative, fraction, any_number = between(0.0), between(0.0, 1.0, "[]"), between(-math.inf)
