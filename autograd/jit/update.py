"""The optimiser's update as array code: its rule, run once on `Code`, in place and piece by piece.

The rule is the optimiser's own (`update(p, g, *state)` of nn.optim, or a user's, of + - * / **).
The learning rate and the count of steps stay variables.
"""

import copy
from operator import itemgetter
from typing import Any

import numpy as np

from autograd.jit.code import Code, is_number, text

CHUNK = 16_384  # numbers at once: they stay in the processor's cache
_CALLS = {"-{0}": "np.negative"}


class Update:
    """The compiled rule of an optimiser, for arrays of its parameters and gradients."""

    def __init__(self, optimizer: Any, data: np.ndarray, gradient: np.ndarray, at: slice) -> None:
        """Raises TypeError or AttributeError if the rule does more than arithmetic."""
        self.optimizer, self.arrays = optimizer, (data, gradient, *optimizer.state.values())
        columns = [data[at], gradient[at], *optimizer.state.values()]
        changing = ("lr", "steps", "state", "params")
        fixed = [name for name in vars(optimizer) if name not in changing]
        self.settings: Any = itemgetter(*fixed) if fixed else lambda settings: None
        self.known = self.settings(vars(optimizer))
        twin = copy.copy(optimizer)
        twin.lr, twin.steps = Code("lr", (), ()), Code("steps", (), ())
        names = ["p", "g", *[f"state{i + 1}" for i in range(len(optimizer.state))]]
        inputs = [Code(name, (), (1,)) for name in names]
        results = twin.update(*inputs)
        self.names: dict[int, str] = {}  # where each array is, by id of its code
        self.uses: dict[int, int] = {}
        for result in results:
            self.count(result)
        self.lines: list[str] = []
        self.registers: list[str] = []
        self.idle: list[str] = []
        kept = [(self.compute(result), name) for result, name in zip(results[1:], names[2:])]
        self.compute(results[0], out="p")
        self.lines += [f"np.copyto({name}, {found})" for found, name in kept]
        listed = ", ".join([*names, *self.registers])
        self.source = "\n".join(
            ["def update(np, pieces, lr, steps):", f"    for {listed} in pieces:"]
            + [f"        {line}" for line in self.lines]
            + [""]
        )
        space: dict[str, Any] = {}
        exec(compile(self.source, "<jit>", "exec"), space)  # our own text
        self.function = space["update"]
        n = len(columns[0])
        size = min(CHUNK, n)
        rooms = [np.empty(size) for _ in self.registers]
        self.pieces = [
            (*[a[i : i + size] for a in columns], *[room[: n - i] for room in rooms])
            for i in range(0, n, size)
        ]

    def fits(self, data: np.ndarray, gradient: np.ndarray) -> bool:
        """Whether the arrays and the optimiser's settings are still the same."""
        arrays = (data, gradient, *self.optimizer.state.values())
        return len(arrays) == len(self.arrays) and all(
            a is b for a, b in zip(arrays, self.arrays)
        ) and bool(self.settings(vars(self.optimizer)) == self.known)  # fmt: skip

    def __call__(self) -> None:
        self.function(np, self.pieces, self.optimizer.lr, self.optimizer.steps)

    def count(self, code: Any) -> None:
        if isinstance(code, Code) and code.shape:
            self.uses[id(code)] = self.uses.get(id(code), 0) + 1
            if self.uses[id(code)] == 1:
                for arg in code.args:
                    self.count(arg)

    def compute(self, code: Any, out: str = "") -> str:
        """Emit the operations of `code`; returns where its result is."""
        if is_number(code) or not code.shape:
            return text(code)
        if not code.args:
            if out and code.template != out:
                self.lines.append(f"np.copyto({out}, {code.template})")
            return str(code.template)
        if id(code) in self.names:
            found = self.names[id(code)]
        else:
            call = code.call or _CALLS[code.template]
            args = [self.compute(arg) for arg in code.args]
            for arg in code.args:
                self.release(arg)
            if not out and not self.idle:
                self.idle.append(f"t{len(self.registers) + 1}")
                self.registers.append(self.idle[-1])
            target = out or self.idle.pop()
            if call == "np.power" and args[1] == "0.5":
                call, args = "np.sqrt", args[:1]
            self.lines.append(f"{call}({', '.join(args)}, out={target})")
            self.names[id(code)] = found = target
        return found

    def release(self, code: Any) -> None:
        """One use less: a register that nobody needs any more is free."""
        if isinstance(code, Code) and code.shape and code.args:
            self.uses[id(code)] -= 1
            if self.uses[id(code)] == 0:
                self.idle.append(self.names[id(code)])
