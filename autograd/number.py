"""What counts as a number, and what to say when something else turns up."""

from numbers import Real
from typing import Any


def number(x: Any) -> float:
    """`x` as a float. Raises TypeError, with the fix, for what is not one real number."""
    if isinstance(x, Real):  # ints, fractions and NumPy's scalars too
        return float(x)
    kind = type(x).__name__
    fix = _FIXES.get(kind) or _FIXES["a list" if hasattr(x, "__len__") else "else"]
    raise TypeError(f"a number is needed here, but this is a {kind}: {x!r:.60}. {fix}")


_FIXES = {  # what people pass where a number belongs, and what to write instead
    "Value": "It is a Value already: use it as it is, or v.detach() for a copy without history.",
    "a list": "A Value is one number: go item by item, as in [Value(x) for x in xs].",
    "str": "If the text spells a number, convert it first: float(text).",
    "complex": "Gradients here are of real numbers: use z.real and z.imag, a Value each.",
    "NoneType": "None often comes from a function that forgot its `return`.",
    "else": "If it stands for one number, convert it first: float(x).",
}
