"""The optimiser's update as array code: its rule, run once on `Code`, and printed.

The rule is the optimiser's own (`update(p, g, *state)` of nn.optim, or a user's, of + - * / **).
The learning rate and the count of steps stay variables.
"""

import copy
from operator import itemgetter
from typing import Any

import numpy as np

from autograd.jit.code import Array, Code, text

CHUNK = 131_072  # numbers at once: a megabyte, which stays in the processor's cache


class Rule:
    """The rule of an optimizer. run: the function, or None if it does more than arithmetic."""

    def __init__(self, optimizer: Any, data: Any, grad: Any, at: Any) -> None:
        names = [name for name in vars(optimizer) if name not in ("lr", "steps", "state", "params")]
        self.optimizer, self.settings = optimizer, itemgetter(*names, "params")
        self.known, self.run, self.source = self.settings(vars(optimizer)), None, ""
        twin = copy.copy(optimizer)
        twin.lr, twin.steps = Code("lr"), Code("steps")
        states = [f"state{i + 1}" for i in range(len(optimizer.state))]
        lines = []
        try:
            p, *new = twin.update(*[Array(name, (2,)) for name in ("p", "g", *states)])
            for name, code in zip(states, new):
                lines.append(f"new_{name} = {text(code)}")
                code.template, code.args = f"new_{name}", ()  # in the lines to come
            lines += [p.into("p"), *[f"{name}[...] = new_{name}" for name in states]]
        except (TypeError, AttributeError):
            return  # the rule calls other functions, or gives plain numbers
        self.source = "\n\n# The optimizer's update, in place.\n" + "\n".join([
            "def update(np, pieces, lr, steps):",
            f"    for {', '.join(['p', 'g', *states])} in pieces:",
            *[f"        {line}" for line in lines],
            "",
        ])  # fmt: skip
        space: dict[str, Any] = {}
        exec(compile(self.source, "<jit>", "exec"), space)  # our own text
        self.run = space["update"]
        for name, column in optimizer.state.items():
            optimizer.state[name] = np.array(column, float)
        self.state = list(optimizer.state.values())
        columns = [data[at], grad[at], *self.state]
        self.pieces = [
            [a[i : i + CHUNK] for a in columns] for i in range(0, len(columns[0]), CHUNK)
        ]

    def fits(self) -> bool:
        """Whether the optimiser's settings and arrays are still the same."""
        same = self.settings(vars(self.optimizer)) == self.known
        if self.run is not None:
            state = self.optimizer.state.values()
            same &= all(a is b for a, b in zip(state, self.state))
        return bool(same)
