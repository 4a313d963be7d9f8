"""The optimiser's update as array code: its rule, run once on `Code`, and printed.

The rule is the optimiser's own (`update(p, g, *state)` of nn.optim, or a user's, of + - * / **).
The learning rate and the count of steps stay variables.
"""

import copy
from operator import itemgetter
from typing import Any

import numpy as np

from autograd.compiled.watch import Watch
from autograd.jit.code import Array, Code, text

KEPT = ("lr", "steps", "state", "params")  # not settings: variables of the rule
CHUNK = 131_072  # numbers at once: a megabyte, which stays in the processor's cache


class Rule:
    """The rule of an optimizer. run: the function, or None if it does more than arithmetic."""

    def __init__(self, optimizer: Any, data: Any, grad: Any, at: Any) -> None:
        names = [name for name in vars(optimizer) if name not in KEPT]
        self.optimizer, self.run, self.source = optimizer, None, ""
        self.settings = itemgetter(*names, "params")
        *known, params = self.settings(vars(optimizer))
        known = [copy.copy(x) if isinstance(x, list | dict) else x for x in known]
        self.known = (*known, params)
        if optimizer.step.__module__ != "nn.optim":  # it makes a step in its own way
            return
        twin = copy.copy(optimizer)
        watch = Watch([type(optimizer).update, *known])
        if watch.generators:  # it draws a random number for each parameter
            return
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
        if watch.drawn() != drawn:
            return
        self.source = "\n\n# The optimizer's update, in place.\n" + "\n".join([
            "def update(np, pieces, lr, steps):",
            f"    for {', '.join(['p', 'g', *states])} in pieces:",
            *[f"        {line}" for line in lines],
            "",
        ])  # fmt: skip
        space: dict[str, Any] = {}
        exec(compile(self.source, "<jit>", "exec"), space)  # our own text
        if not is_as(optimizer, space["update"]):
            self.source = ""
            return
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
        if self.settings(vars(self.optimizer)) != self.known:
            return False
        columns = self.optimizer.state.values() if self.run is not None else ()
        return not columns or all(a is b for a, b in zip(columns, self.state))


def is_as(optimizer: Any, run: Any) -> bool:
    """Whether the rule does to arrays what `update` does to numbers, one by one."""
    columns = [[0.3, -0.7], [-0.2, 0.5], *[[0.4, 0.1]] * len(optimizer.state)]
    twin = copy.copy(optimizer)
    twin.steps, arrays = 2, list(map(np.array, columns))
    try:
        run(np, [arrays], twin.lr, 2)
        numbers = [twin.update(*row) for row in zip(*columns)]
    except (TypeError, ArithmeticError):
        return False
    changed = np.transpose([arrays[0], *arrays[2:]])
    return np.allclose(changed, numbers, rtol=1e-12, atol=0.0, equal_nan=True)
