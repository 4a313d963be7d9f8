"""Expressions as LaTeX: of a graph (`latex`), and of the table of ops with its derivatives.

Both come from the table's rows: a row's spelling and precedence say how to write its result, and
its partials, called on symbols instead of numbers, write themselves.
"""

import re
from typing import Any

from autograd.graph import expand, topological_order
from autograd.labels import label_of
from autograd.ops import OPS, Op
from autograd.ops import add as _add
from autograd.ops import mul as _mul
from autograd.ops import neg as _neg
from autograd.ops import pow as _pow
from autograd.ops import sub as _sub
from autograd.steps import show
from autograd.value import Value

LONGEST = 2000  # characters: nobody reads a longer formula


class Tex:
    """A formula: its text, and how tightly it holds together (as `Op.precedence`)."""

    def __init__(self, text: str, precedence: int = 5) -> None:
        self.text = text
        self.precedence = precedence

    def apply_op(self, op: Op, args: tuple[Any, ...]) -> "Tex":
        """What an op makes of formulas and numbers: the formula of its result."""
        if op is _mul and 1.0 in (numbers := [x for x in args if not isinstance(x, Tex)]):
            return self if len(numbers) == 1 else number(1.0)  # 1 x is x
        return write(op, [x if isinstance(x, Tex) else number(x) for x in args])

    # fmt: off
    def __add__(self, other: Any) -> Any: return _add(self, other)
    def __radd__(self, other: Any) -> Any: return _add(other, self)
    def __sub__(self, other: Any) -> Any: return _sub(self, other)
    def __rsub__(self, other: Any) -> Any: return _sub(other, self)
    def __mul__(self, other: Any) -> Any: return _mul(self, other)
    def __rmul__(self, other: Any) -> Any: return _mul(other, self)
    def __pow__(self, other: Any) -> Any: return _pow(self, other)
    def __neg__(self) -> Any: return _neg(self)
    def __lt__(self, other: Any) -> "Tex": return Truth(self, "<", other)
    def __le__(self, other: Any) -> "Tex": return Truth(self, r"\le", other)
    def __gt__(self, other: Any) -> "Tex": return Truth(self, ">", other)
    def __ge__(self, other: Any) -> "Tex": return Truth(self, r"\ge", other)
    # fmt: on


class Truth(Tex):
    """A comparison in Iverson's brackets: 1 where it holds and 0 elsewhere."""

    def __init__(self, left: Tex, sign: str, right: Any) -> None:
        words = right.text if isinstance(right, Tex) else number(right).text
        super().__init__(f"[{left.text} {sign} {words}]")
        self.left, self.sign, self.right = left, sign, words

    def __mul__(self, other: Any) -> Any:
        same = isinstance(other, Truth) and (self.left, self.right) == (other.left, other.right)
        if same and {self.sign, other.sign} == {r"\le", r"\ge"}:  # both hold: they are equal
            return Truth(self.left, "=", Tex(self.right))
        return super().__mul__(other)


def write(op: Op, args: list[Tex]) -> Tex:
    """The op's spelling with `args` filled in, in parentheses where they are needed."""
    if op.latex:
        words = [_operand(op, i, arg) for i, arg in enumerate(args)]
        return Tex(op.latex.format(*words), op.precedence)
    if op.symbol == "take":
        return args[0]
    if op.symbol == "dot":
        half = len(args) // 2
        args = [w * x for w, x in zip(args[:half], args[half:])] + args[2 * half :]
    if op.symbol == "logsumexp":
        args = [OPS["exp"](x) for x in args]
    total = args[0]
    for x in args[1:]:
        total = total + x
    return OPS["log"](total) if op.symbol == "logsumexp" else total


def _operand(op: Op, i: int, arg: Tex) -> str:
    bracketed = op.precedence == 5 or f"{{{{{{{i}}}}}}}" in op.latex  # by the op's own spelling
    strict = op.symbol == "**" or (op.symbol == "-" and i > 0)  # a - (b - c), (a ** b) ** c
    loose = arg.precedence < op.precedence + strict
    signed = arg.text.startswith("-") and (i > 0 or op.symbol == "neg")  # a + (-b), -(-b)
    return f"({arg.text})" if not bracketed and (loose or signed) else arg.text


def number(x: float) -> Tex:
    """A plain number, as every picture shows it, in LaTeX's spelling."""
    text = show(float(x))
    precedence = 3 if text.startswith("-") else 5
    if "e" in text:
        digits, power = text.split("e")
        return Tex(rf"{digits} \cdot 10^{{{int(power)}}}", 2)
    return Tex(text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}"), precedence)


def name(label: str) -> Tex:
    """A label as a mathematical name: x, x_{1} for `x1`, w_{0,2} for `w[0][2]`, else upright."""
    stem, index = re.fullmatch(r"(.*?)((?:\[\d+\])*)", label, re.DOTALL).groups()  # type: ignore[union-attr]
    places = re.findall(r"\d+", index)
    if not places and (found := re.fullmatch(r"([A-Za-z]+)_?(\d+)", stem)):
        stem, places = found[1], [found[2]]
    text = stem if len(stem) == 1 and stem.isalpha() else rf"\mathrm{{{stem.translate(_ESCAPES)}}}"
    return Tex(text + f"_{{{','.join(places)}}}" * bool(places))


_ESCAPES = {ord(c): "\\" + c for c in "_&%$#{} "}
_ESCAPES |= {ord("\\"): r"\backslash ", ord("^"): r"\wedge ", ord("~"): r"\sim ", ord("\n"): r"\ "}


def latex(root: Value) -> str:
    """The expression that `root` was computed by, in its leaves, as LaTeX (without dollar signs).

    A leaf is written by its label, and by its number if it has none. If `root` has a label, the
    expression begins with `label =`. Raises ValueError for an expression too long to be read.
    """
    formulas: dict[Value, Tex] = {}
    expand(root)
    for v in topological_order(root):
        label = label_of(v)
        if (
            len(v.parents) + len(label) > LONGEST
        ):  # each takes a character at least: refused before the work
            raise _too_long()
        if v.op:
            formulas[v] = write(OPS[v.op], [formulas[p] for p in v.parents])
        else:
            formulas[v] = name(label) if label else number(v.data)
        if len(formulas[v].text) > LONGEST:
            raise _too_long()
    label = label_of(root)
    head = f"{name(label).text} = " if label and root.op else ""
    return head + formulas[root].text


def _too_long() -> ValueError:
    return ValueError(
        f"this expression takes more than {LONGEST:,} characters: a node that is used "
        "twice is written twice. Write a part of it, or look at draw(root)."
    )


# --- the table of ops, for the documentation ------------------------------------------------------

SYMBOLS = {"sum": ("v_1", "v_2", "v_3"), "dot": ("w_1", "w_2", "x_1", "x_2", "b"),
           "take": ("v_i",), "logsumexp": ("v_1", "v_2")}  # fmt: skip
SPELLINGS = {"neg": "`-a`", "abs": "`abs(a)`, `ag.abs(a)`", "dot": "`ag.dot(ws, xs, bias)`",
             "take": "`ag.take(values, i)`", "sum": "`ag.sum(values)`",
             "logsumexp": "`ag.logsumexp(values)`"}  # fmt: skip


def ops_table() -> str:
    """The text of docs/ops.md: each op with its formula, its derivatives and its spelling."""
    rows = [_row(op) for op in OPS.values()]
    return "\n".join([_HEAD, *rows, ""])


def _row(op: Op) -> str:
    names = SYMBOLS.get(op.symbol) or ("a", "b")[: op.partials.__code__.co_argcount - 1]
    args = [Tex(name) for name in names]
    slopes = op.partials(Tex("y"), *args)
    parts = [
        rf"$\partial y / \partial {n} = {(s if isinstance(s, Tex) else number(s)).text}$"
        for n, s in zip(names, slopes)
    ]
    listed = ", ".join(f"{n}" for n in names)
    if op.symbol in SPELLINGS:
        spelling = SPELLINGS[op.symbol]
    elif op.symbol != op.name:
        spelling = f"`a {op.symbol} b`"
    else:
        method = f"a.{op.name}({listed[3:]})"
        spelling = f"`{method}`, `ag.{op.name}({listed})`"
    cells = [f"`{op.symbol}`", f"$y = {write(op, args).text}$", "<br>".join(parts), spelling]
    return "| " + " | ".join(cell.replace("|", r"\vert ") for cell in cells) + " |"


_HEAD = """\
# The ops

Written by `python docs/make_ops.py` from the rows of `autograd/ops.py`; a test checks that it is
up to date. $y$ is the result of the op. A condition in brackets counts as 1 where it holds and as
0 elsewhere. In the last column, `ag` stands for `autograd`, and an operand may be a plain number.

| op | formula | derivatives | spelling |
|-|-|-|-|"""
