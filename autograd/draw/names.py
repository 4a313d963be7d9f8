"""Names for Values, and text that is safe inside pictures."""

from collections.abc import Mapping
from html import escape
from typing import Any

from autograd.value import Value


def name_values(namespace: Mapping[str, Any]) -> None:
    """Label Values by the variables that hold them: `name_values(locals())`.

    In lists and tuples the items become `w[0]`, `w[1]`, ..., and `w[0][1]` in nested ones. A
    Value that has a label keeps it; names that begin with an underscore are left out.
    """
    named = [(name, thing) for name, thing in namespace.items() if not name.startswith("_")]
    for name, thing in sorted(named, key=lambda item: not isinstance(item[1], Value)):
        _label(thing, name)  # a Value with a variable of its own first, then those in lists


def _label(thing: Any, name: str) -> None:
    if isinstance(thing, Value):
        thing.label = thing.label or name
    elif isinstance(thing, (list, tuple)):
        for i, item in enumerate(thing):
            _label(item, f"{name}[{i}]")


def values_in(thing: Any) -> list[Value]:
    """The Values in nested lists and tuples, in order."""
    if isinstance(thing, (list, tuple)):
        return [v for item in thing for v in values_in(item)]
    return [thing] if isinstance(thing, Value) else []


def markup(text: str) -> str:
    """`text` for XML: the characters that XML forbids are spelled out, as in Python."""
    return escape("".join(c if _allowed(c) else c.encode("unicode_escape").decode() for c in text))


def _allowed(c: str) -> bool:  # the characters of XML 1.0, without the halves of surrogate pairs
    return c in "\n\t" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
