"""What a trace took for granted: attributes of modules, closures and globals of the function.

A program is right only as long as these stay as they were, so each call compares them (in C, about
a microsecond for a small model) and traces again after a change, such as `model.eval()`. What
changes by itself whenever the function runs can't be compiled.
"""

import os
import pickle
import random
import sys
import types
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from autograd.jit import TraceError
from autograd.value import Value

IMMUTABLE = (Value, type, types.ModuleType, str, float, int)  # or looked after elsewhere
SMALL = 20_000  # more parameters than this are looked up only every 64th call


class Watch:
    """A snapshot of everything reachable from `roots` that is not a number to be trained."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self.roots = list(roots)
        self.live: list[Any] = []  # containers, as they are
        self.saved: list[Any] = []  # and copies of them
        self.large: list[tuple[Any, Any]] = []
        self.arrays: list[tuple[Any, bytes]] = []
        self.names: list[tuple[Any, Any, Any, Any]] = []  # names, getter, where, values
        self.generators: list[Any] = []  # of random numbers
        self.modules: list[Any] = []  # those with a method `mask`
        self.seen: dict[int, Any] = {}
        self.calls = 0
        self.room = SMALL
        for root in self.roots:
            self.look(root)

    def look(self, root: Any) -> None:
        todo = [root]
        while todo:
            x = todo.pop()
            if id(x) in self.seen or isinstance(x, IMMUTABLE):
                continue
            self.seen[id(x)] = x
            if isinstance(x, types.MethodType):
                todo += [x.__func__, x.__self__]
            elif isinstance(x, types.FunctionType):
                if not x.__module__.startswith(("autograd.", "nn.")):
                    todo += self.function(x)
            elif isinstance(x, list | dict):
                items = x.values() if isinstance(x, dict) else x
                kinds = set(map(type, items))
                self.keep(x, all(issubclass(t, Value) for t in kinds))
                if not all(issubclass(t, Value | float | int) for t in kinds):
                    todo += items
            elif isinstance(x, random.Random) or hasattr(x, "bit_generator"):
                self.generators.append(x)
            elif hasattr(x, "tobytes") and hasattr(x, "shape") and x.shape:  # an array
                self.arrays.append((x, x.tobytes()))
                todo += x.reshape(-1).tolist() if x.dtype.kind == "O" else ()
            elif isinstance(x, tuple | set | frozenset):
                todo += x
            elif hasattr(x, "__dict__") and not type(x).__module__.startswith("autograd."):
                if hasattr(x, "mask") and hasattr(x, "parameters"):
                    self.modules.append(x)
                todo.append(vars(x))

    def keep(self, x: Any, is_trained: bool) -> None:
        if is_trained and len(x) > self.room:
            self.large.append((x, x.copy()))
            return
        self.room -= len(x) if is_trained else 0
        self.live.append(x)
        self.saved.append(x.copy())

    def function(self, f: types.FunctionType) -> list[Any]:
        """What it refers to: its closure's cells, defaults and globals."""
        found: list[Any] = []  # names, getter, where, values
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
            try:
                found.append(([name], _content, cell, _content(cell)))
            except ValueError:  # not assigned yet
                continue
        codes, names = [f.__code__], set()
        while codes:
            code = codes.pop()
            names |= {n for n in code.co_names if n in f.__globals__}
            codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        if names:
            get = itemgetter(*sorted(names), min(names))  # two or more: it gives a tuple
            found.append((sorted(names), get, f.__globals__, get(f.__globals__)))
        self.names += found
        for labels, _, _, values in found:
            for name, x in zip(labels, values):
                refuse_iterator(name, x)
        defaults = [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]
        return [*defaults, *[x for _, _, _, values in found for x in values]]

    def drawn(self) -> bytes:
        """The state of all random generators that the function may use."""
        numpy = sys.modules.get("numpy.random")
        states = [random.getstate(), numpy and numpy.get_state()]
        for x in self.generators:
            if isinstance(x, random.SystemRandom):
                states.append(os.urandom(8))  # it has no state, and is never the same
            else:
                states.append(x.getstate() if hasattr(x, "getstate") else x.bit_generator.state)
        return pickle.dumps(states)

    def counted(self) -> list[str]:
        """Names of numbers that are no longer what they were."""
        pairs = [pair for names, get, where, values in self.names
                 for pair in zip(names, values, get(where))]  # fmt: skip
        for saved, live in zip(self.saved, self.live):
            if isinstance(saved, dict):
                pairs += [(key, x, live.get(key)) for key, x in saved.items()]
            else:
                pairs += [("an item of a list", x, y) for x, y in zip(saved, live)]
        is_number = {int, float}.issuperset
        return sorted(
            {str(name) for name, x, y in pairs if is_number((type(x), type(y))) and x != y}
        )

    def holds(self) -> bool:
        """Whether all is as it was."""
        self.calls += 1
        try:
            if self.live != self.saved:
                return False
            for _, get, where, values in self.names:
                if get(where) != values:
                    return False
            for array, content in self.arrays:
                if array.tobytes() != content:
                    return False
            if self.large and self.calls % 64 == 0:
                return all(a == b for a, b in self.large)
        except (ValueError, KeyError):  # an array that was replaced has no truth value; a name gone
            return False
        return True


def refuse_iterator(name: str, x: Any) -> None:
    if hasattr(type(x), "__next__") and not hasattr(x, "write"):  # a file is for printing
        raise TraceError(
            f"`{name}` gives another item whenever it is read, and jit reads it only once. Take "
            "the item outside, and pass it as an argument."
        )


def _content(cell: Any) -> tuple[Any]:
    return (cell.cell_contents,)
