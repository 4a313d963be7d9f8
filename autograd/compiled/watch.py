"""What a trace took for granted: attributes of modules, closures and globals of the function.

A program is right only as long as these stay as they were, so each call compares them (in C, about
a microsecond for a small model) and traces again after a change, such as `model.eval()`.
"""

import types
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from autograd.value import Value

SMALL = 20_000  # more items than this are compared only every 64th call


class Watch:
    """A snapshot of everything reachable from `roots` that is not a number to be trained."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self.roots = list(roots)
        self.live: list[Any] = []  # containers, as they are
        self.saved: list[Any] = []  # and copies of them
        self.large: list[tuple[Any, Any]] = []
        self.names: list[tuple[Any, Any, Any]] = []  # globals: getter, where, values
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
            if id(x) in self.seen or isinstance(
                x, Value | type | types.ModuleType | str | float | int
            ):
                continue
            self.seen[id(x)] = x
            if isinstance(x, types.MethodType):
                todo += [x.__func__, x.__self__]
            elif isinstance(x, types.FunctionType):
                if not x.__module__.startswith(("autograd.", "nn.")):
                    todo += self.function(x)
            elif isinstance(x, list | dict):
                self.keep(x)
                items = x.values() if isinstance(x, dict) else x
                if not all(issubclass(t, Value | float | int) for t in set(map(type, items))):
                    todo += items
            elif isinstance(x, tuple | set | frozenset):
                todo += x
            elif hasattr(x, "__dict__") and not type(x).__module__.startswith("autograd."):
                if hasattr(x, "mask") and hasattr(x, "parameters"):
                    self.modules.append(x)
                todo.append(vars(x))

    def keep(self, x: Any) -> None:
        if len(x) > self.room:
            self.large.append((x, x.copy()))
        else:
            self.room -= len(x)
            self.live.append(x)
            self.saved.append(x.copy())

    def function(self, f: types.FunctionType) -> list[Any]:
        """What it refers to: its closure's cells, defaults and globals."""
        found = [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]
        for cell in f.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # not assigned yet
                continue
            self.names.append((_content, cell, (content,)))
            found.append(content)
        codes, names = [f.__code__], set()
        while codes:
            code = codes.pop()
            names |= {n for n in code.co_names if n in f.__globals__}
            codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        if names:
            get = itemgetter(*sorted(names))
            values = get(f.__globals__)
            self.names.append((get, f.__globals__, values))
            found += values if len(names) > 1 else [values]
        return found

    def holds(self) -> bool:
        """Whether all is as it was."""
        self.calls += 1
        try:
            if self.live != self.saved:
                return False
            for get, where, values in self.names:
                if get(where) != values:
                    return False
            if self.large and self.calls % 64 == 0:
                return all(a == b for a, b in self.large)
        except (ValueError, KeyError):  # an array that was replaced has no truth value; a name gone
            return False
        return True


def _content(cell: Any) -> tuple[Any]:
    return (cell.cell_contents,)
