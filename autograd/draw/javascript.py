"""The ops of a graph in JavaScript, spelled from the table of ops: for pages that compute.

The forward function is the row's own spelling; the partial derivatives, which are rules written
with ops, write themselves when they are called on symbols (as in `autograd.draw.latex`).
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograd.ops import OPS, Op
from autograd.ops import add as _add
from autograd.ops import mul as _mul
from autograd.ops import neg as _neg
from autograd.ops import pow as _pow
from autograd.ops import sub as _sub

HERE = Path(__file__).parent
LETTERS = ("a", "b", "c", "d")
Kind = tuple[str, int]  # an op's symbol, and the number of its inputs


class Js:
    """An expression. Ops applied to it give calls of the functions that `spell_ops` defines."""

    def __init__(self, text: str) -> None:
        self.text = text

    def apply_op(self, op: Op, args: tuple[Any, ...]) -> "Js":
        return Js(f"{op.name}({', '.join(map(_js, args))})")

    # fmt: off
    def __add__(self, other: Any) -> Any: return _add(self, other)
    def __radd__(self, other: Any) -> Any: return _add(other, self)
    def __sub__(self, other: Any) -> Any: return _sub(self, other)
    def __rsub__(self, other: Any) -> Any: return _sub(other, self)
    def __mul__(self, other: Any) -> Any: return _mul(self, other)
    def __rmul__(self, other: Any) -> Any: return _mul(other, self)
    def __pow__(self, other: Any) -> Any: return _pow(self, other)
    def __neg__(self) -> Any: return _neg(self)
    def __lt__(self, other: Any) -> "Js": return Js(f"+({self.text} < {_js(other)})")
    def __le__(self, other: Any) -> "Js": return Js(f"+({self.text} <= {_js(other)})")
    def __gt__(self, other: Any) -> "Js": return Js(f"+({self.text} > {_js(other)})")
    def __ge__(self, other: Any) -> "Js": return Js(f"+({self.text} >= {_js(other)})")
    # fmt: on


def _js(x: Any) -> str:
    return x.text if isinstance(x, Js) else number(x)


def number(x: float) -> str:
    """A float in JavaScript's spelling, to the last digit. (JSON has no inf and no NaN.)"""
    return repr(float(x)).replace("inf", "Infinity").replace("nan", "NaN")


def spelled(op: str) -> bool:
    """Whether the table has a row for this op, with a spelling in JavaScript."""
    return op in OPS and bool(OPS[op].js)


def spell_ops(kinds: Iterable[Kind]) -> str:
    """`const ops = [{forward, partials, gate}, ...];` for these kinds, in their order."""
    functions = [f"  const {op.name} = {_forward(op)};" for op in OPS.values() if op.js]
    rows = [_js_row(OPS[symbol], count) for symbol, count in kinds]
    body = "\n".join([*functions, "  return [", *rows, "  ];"])
    return f"const ops = (() => {{\n{body}\n}})();\n"


def _js_row(op: Op, count: int) -> str:
    gate = str(op.gate).lower()
    return f"    {{ forward: {op.name}, partials: {_partials(op, count)}, gate: {gate} }},"


def _is_list(op: Op) -> bool:
    """Whether the op takes any number of inputs, so that JavaScript gets them as one list."""
    return not op.numpy


def _forward(op: Op) -> str:
    if _is_list(op):
        return f"(...v) => {op.js.format('v')}"
    names = LETTERS[: op.partials.__code__.co_argcount - 1]
    return f"({', '.join(names)}) => {op.js.format(*names)}"


def _partials(op: Op, count: int) -> str:
    inputs = [f"v[{i}]" for i in range(count)] if _is_list(op) else list(LETTERS[:count])
    slopes = op.partials(Js("y"), *map(Js, inputs))
    takes = "...v" if _is_list(op) else ", ".join(inputs)
    return f"(y, {takes}) => [{', '.join(map(_js, slopes))}]"


# --- pages ----------------------------------------------------------------------------------------


def source(name: str) -> str:
    """The text of a file beside this one."""
    return (HERE / name).read_text(encoding="utf-8")


def as_json(data: Any) -> str:
    """JSON that may stand inside of a script element: nothing in it ends the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
