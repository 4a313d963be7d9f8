"""The optimiser's update as array code: its rule, run once on `Code`, and printed.

The rule is the optimiser's own (`update(p, g, *state)` of nn.optim, or a user's, of + - * / **).
The learning rate and the count of steps stay variables.
"""

import copy
from typing import Any

import numpy as np

from autograd.compiled.watch import Watch
from autograd.jit.code import Array, Code, text

KEPT = ("lr", "steps", "state", "params")  # not settings: variables of the rule
CHUNK = 131_072  # numbers at once: a megabyte, which stays in the processor's cache


class Rule:
    """The rule of an optimizer. run: the function, or None if it does more than arithmetic."""

    def __init__(self, optimizer: Any, data: Any, grad: Any, at: Any) -> None:
        self.names = [name for name in vars(optimizer) if name not in KEPT]
        self.optimizer, self.run, self.source = optimizer, None, ""
        self.known = [copy.copy(x) for x in self.settings()]
        if optimizer.step.__module__ != "nn.optim":  # it makes a step in its own way
            return
        watch, twin = Watch([type(optimizer).update, *self.known]), copy.copy(optimizer)
        drawn = watch.drawn()
        twin.lr, twin.steps = Code("lr"), Code("steps")
        states = [f"state{i + 1}" for i in range(len(optimizer.state))]
        lines = []
        try:
            p, *new = twin.update(*[Array(name, (2,)) for name in ("p", "g", *states)])
            for name, code in zip(states, new):
                lines.append(f"new_{name} = {text(code)}" + ("" if code.args else ".copy()"))
                code.template, code.args = f"new_{name}", ()  # in the lines to come
            lines += [p.into("p"), *[f"{name}[...] = new_{name}" for name in states]]
        except (TypeError, AttributeError):
            return  # the rule calls other functions, or gives plain numbers
        if watch.drawn() != drawn:  # it draws a random number for each parameter
            return
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

    def settings(self) -> list[Any]:
        return [vars(self.optimizer).get(name) for name in self.names]

    def fits(self) -> bool:
        """Whether the optimiser's settings and arrays are still the same."""
        same = self.settings() == self.known
        if self.run is not None:
            state = self.optimizer.state.values()
            same &= all(a is b for a, b in zip(state, self.state))
        return bool(same)
