"""The optimiser's update as array code: its rule, run once on terms, and printed.

The rule is the optimiser's own (`update(p, g, *state)` of nn.optim, or a user's, of + - * / **).
The learning rate and the count of steps stay variables.
"""

import copy
from collections.abc import Iterator
from operator import is_not, itemgetter
from typing import Any

import numpy as np

from autograd.compiler.build import Builder, Term
from autograd.compiler.ir import Block
from autograd.compiler.passes import RULES
from autograd.compiler.targets import Target
from autograd.compiler.targets.numpy import emit_update
from autograd.runtime.optimizers import is_usual
from autograd.runtime.watch import Watch

KEPT = ("lr", "steps", "state", "params")  # not settings: variables of the rule
CHUNK = 131_072  # numbers at once: a megabyte, which stays in the processor's cache


class Rule:
    """The rule of an optimizer. run: the function, or None if it does more than arithmetic."""

    def __init__(
        self, optimizer: Any, data: Any, grad: Any, at: Any, late: Any, target: Target
    ) -> None:
        names = [name for name in vars(optimizer) if name not in KEPT]
        self.optimizer, self.run, self.source = optimizer, None, ""
        self.chunks: list[list[Any]] = []
        self.tables: list[tuple[int, list[list[Any]]]] = []  # for each of `late`: width, chunks
        self.settings = itemgetter(*names, "params", "params")  # two: it gives a tuple
        *known, params, _ = self.settings(vars(optimizer))
        known = [copy.copy(x) if isinstance(x, list | dict) else x for x in known]
        self.known = (*known, params, params)
        self.watch = watch = Watch([type(optimizer), optimizer.update, *known])
        self.is_shallow = not (watch.live or watch.names or watch.buffers or watch.missing)
        if not is_usual(optimizer, "step") or watch.generators:  # it steps in its own way, or
            return  # draws a random number for each parameter
        twin = copy.copy(optimizer)
        drawn = watch.drawn()
        states = [f"state{i + 1}" for i in range(len(optimizer.state))]
        block = rule_of(twin, states)
        if block is None or watch.drawn() != drawn:
            return
        source, run = (target.emit_update or emit_update)(block, states)
        if not is_as(optimizer, run):
            return
        self.source, self.run = f"\n\n# The optimizer's update, in place.\n{source}", run
        for name, column in optimizer.state.items():
            optimizer.state[name] = np.asarray(column, float)
        self.state = list(optimizer.state.values())
        readers = [inst for inst in block.insts if "g" in inst.args]
        products = [inst for inst in readers if inst.op == "map" and inst.attrs["fn"] == "*"]
        self.is_scaled = [inst.args for inst in readers] == [("lr", "g")] and bool(products)
        self.columns, begin = [data[at], grad[at], *self.state], 0
        for start, stop, _ in sorted(table(grad, where) for where, _, _ in late):
            self.chunks += self.cut(begin, start, CHUNK)
            begin = stop
        self.chunks += self.cut(begin, len(self.columns[0]), CHUNK)
        for where, _, _ in late:
            start, stop, width = table(grad, where)
            self.tables.append((width, self.cut(start, stop, max(1, CHUNK // width) * width)))

    def cut(self, start: int, stop: int, n: int) -> list[list[Any]]:
        return [[x[i : min(i + n, stop)] for x in self.columns] for i in range(start, stop, n)]

    def outer(self, late: Any) -> Iterator[list[Any]]:
        """[p, g, *state] of chunks whose outer products were put off. They are made here, in the
        processor's cache: far less goes to and from the memory."""
        for (_, a, b), (width, chunks) in zip(late, self.tables):
            row, begin = np.append(b, np.zeros(width - len(b))), 0
            for p, g, *state in chunks:
                rows = g.reshape(-1, width)
                outer = Outer(a[begin : begin + len(rows)], row, rows[:, len(b) :])
                begin += len(rows)
                yield [p, outer if self.is_scaled else 1.0 * outer, *state]

    def fits(self, late: Any) -> bool:
        """Whether the optimiser's settings and arrays are still the same."""
        if self.settings(vars(self.optimizer)) != self.known or not (
            self.is_shallow or self.watch.holds()
        ):
            return False
        if self.run is None:
            return True
        changed = map(is_not, self.optimizer.state.values(), self.state)
        return len(late) == len(self.tables) and not any(changed)


def rule_of(optimizer: Any, states: list[str]) -> Block | None:
    """The optimizer's rule, run on terms: None if it calls other functions, or gives numbers."""
    b = Builder(RULES)
    columns = [Term(b, b.input("data", name, (2,))) for name in ("p", "g", *states)]
    optimizer.lr = Term(b, b.input("data", "lr", ()))
    optimizer.steps = Term(b, b.input("data", "steps", ()))
    try:
        new = [term.inst for term in optimizer.update(*columns)]
    except (TypeError, AttributeError):
        return None
    b.given = {x.name: f"new_{s}" for s, x in zip(states, new[1:]) if x.name not in b.final}
    return b.block(new)


class Outer:
    """Some rows of a gradient: an outer product and what is beside it, such as that of the biases.
    `lr * g` is the array: lr goes into the short vector, for a rule that needs nothing else."""

    __array_ufunc__ = None  # so a NumPy number leaves it to `__rmul__`, too

    def __init__(self, a: np.ndarray, b: np.ndarray, beside: np.ndarray) -> None:
        self.a, self.b, self.beside = a, b, beside

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return 1.0 * self

    def __rmul__(self, x: float) -> Any:
        rows = np.dot((x * self.a)[:, None], self.b[None])
        rows[:, len(self.b) - self.beside.shape[1] :] = x * self.beside
        return rows.reshape(-1)


def table(grad: Any, where: Any) -> tuple[int, int, int]:
    """(start, stop, width) of the whole rows of `grad` that begin with those of `where`."""
    start, width = (where.ctypes.data - grad.ctypes.data) // 8, where.strides[0] // 8
    return start, start + len(where) * width, width


def is_as(optimizer: Any, run: Any) -> bool:
    """Whether the rule does to arrays what `update` does to numbers, one by one."""
    columns = [[0.3, -0.7], [-0.2, 0.5], *[[0.4, 0.1]] * len(optimizer.state)]
    twin = copy.copy(optimizer)
    twin.steps, arrays = 2, list(map(np.array, columns))
    try:
        run([arrays], twin.lr, 2)
        numbers = [twin.update(*row) for row in zip(*columns)]
    except (TypeError, ArithmeticError):
        return False
    changed = np.transpose([arrays[0], *arrays[2:]])
    return np.allclose(changed, numbers, rtol=1e-12, atol=0.0, equal_nan=True)
