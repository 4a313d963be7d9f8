"""Random scalar programs for Hypothesis: every op, shared nodes, repeated parents, ragged sums."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import autograd
from autograd.ops import OPS
from autograd.value import Value

N_ARY = {"sum", "dot", "take", "logsumexp"}
BY_HAND = "sum by hand"  # sum(w * x for ...) + b: many small nodes instead of one dot


def halves(args: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Any]:
    """The operands of a dot: weights, inputs, and the bias or None."""
    n = len(args) // 2
    return args[:n], args[n : 2 * n], args[-1] if len(args) % 2 else None


def sum_by_hand(*args: Any) -> Any:
    ws, xs, bias = halves(args)
    return sum((w * x for w, x in zip(ws, xs)), 0 if bias is None else bias)


# How each op is written in a user's code. Other tables of this form run a program elsewhere.
AS_USERS_WRITE: dict[str, Callable[..., Any]] = {
    **OPS,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b if isinstance(a, Value) or isinstance(b, Value) else OPS["/"](a, b),
    "**": lambda a, b: a**b if isinstance(a, Value) or isinstance(b, Value) else OPS["**"](a, b),
    "neg": operator.neg,
    "abs": abs,
    "sum": lambda *args: autograd.sum(args),
    "dot": lambda *args: autograd.dot(*halves(args)),
    "take": lambda *args: autograd.take(args, len(args) // 2),
    "logsumexp": lambda *args: autograd.logsumexp(args),
    BY_HAND: sum_by_hand,
}


def torch_ops(torch: Any) -> dict[str, Callable[..., Any]]:
    """The same table for PyTorch: every operand becomes a float64 tensor."""
    f = torch.nn.functional

    def dot(*v: Any) -> Any:
        ws, xs, bias = halves(v)
        total = torch.dot(torch.stack(ws), torch.stack(xs))
        return total if bias is None else total + bias

    table = {op.symbol: getattr(torch, op.name, None) for op in OPS.values()}
    table |= {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "**": operator.pow,
        "leaky_relu": f.leaky_relu,
        # PyTorch's softplus is x above its threshold, 20 as it comes: there digits are lost.
        "softplus": lambda x: f.softplus(x, threshold=40),
        "gelu": lambda x: f.gelu(x, approximate="tanh"),
        "sum": lambda *v: torch.stack(v).sum(),
        "dot": dot,
        BY_HAND: dot,
        "take": lambda *v: v[len(v) // 2] * 1.0,
        "logsumexp": lambda *v: torch.logsumexp(torch.stack(v), 0),
    }

    def on_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *v: function(*[torch.as_tensor(x, dtype=torch.float64) for x in v])

    return {symbol: on_tensors(function) for symbol, function in table.items()}


@dataclass(frozen=True)
class Program:
    """A function of `inputs` numbers: slot 0, 1, ... hold the inputs, each step adds a slot.

    A step is (symbol, the slots of its operands), or ("constant", (number,)).
    """

    inputs: int
    steps: tuple[tuple[str, tuple[Any, ...]], ...]

    def __call__(self, *xs: Any, ops: Mapping[str, Callable[..., Any]] = AS_USERS_WRITE) -> Any:
        """Run it on floats, Values, symbols, or with another table on anything else."""
        slots = list(xs)
        for symbol, operands in self.steps:
            if symbol == "constant":
                slots.append(operands[0])
            else:
                slots.append(ops[symbol](*[slots[i] for i in operands]))
        return slots[-1]


def is_tame(result: float, partials: Sequence[float]) -> bool:
    return all(math.isfinite(x) and abs(x) < 100 for x in (result, *partials))


def is_smooth(symbol: str, data: Sequence[float]) -> bool:
    """Is this point far enough from kinks and poles for finite differences?"""
    if symbol in {"relu", "leaky_relu", "abs"}:
        return abs(data[0]) > 1e-3
    if symbol in {"log", "sqrt", "**"}:
        return data[0] > 0.05
    if symbol == "/":
        return abs(data[1]) > 0.05
    return symbol not in {"maximum", "minimum"} or abs(data[0] - data[1]) > 1e-3


@st.composite
def programs(draw: Any, max_steps: int = 16, smooth: bool = False) -> tuple[Program, list[float]]:
    """A program and a point, at which all numbers and partial derivatives are finite and below
    100. Its result depends on every slot. `smooth`: no kink within reach of finite differences."""
    numbers = st.integers(-150, 250).map(lambda n: n / 100)
    point = draw(st.lists(numbers, min_size=1, max_size=4))
    slots: list[Any] = [Value(x) for x in point]
    steps: list[tuple[str, tuple[Any, ...]]] = []
    unused = set(range(len(point)))
    for _ in range(draw(st.integers(min(3, max_steps), max_steps))):
        symbol = draw(st.sampled_from([*OPS, BY_HAND, "constant"]))
        if symbol == "constant":
            steps.append((symbol, (draw(st.sampled_from([-1.0, 0.5, 2.0, 3])),)))
            slots.append(Value(steps[-1][1][0]))
        else:
            if symbol in N_ARY or symbol == BY_HAND:
                count = draw(st.integers(2 if symbol in {"dot", BY_HAND} else 1, 7))
            else:
                count = len(OPS[symbol].samples[0])
            operands = tuple(draw(st.integers(0, len(slots) - 1)) for _ in range(count))
            parents = [slots[i] for i in operands]
            made = AS_USERS_WRITE[symbol](*parents)
            if not is_tame(made.data, made.partials):
                continue
            if smooth and not is_smooth(symbol, [p.data for p in parents]):
                continue
            steps.append((symbol, operands))
            slots.append(made)
            unused -= {operands[count // 2]} if symbol == "take" else set(operands)
        unused.add(len(slots) - 1)
    steps.append(("sum", tuple(sorted(unused))))
    return Program(len(point), tuple(steps)), point
