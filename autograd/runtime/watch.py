"""What a trace took for granted: attributes of modules, closures and globals of the function.

A program is right only as long as these stay as they were, so each call compares them (in C, about
a microsecond for a small model) and traces again after a change, such as `model.eval()`. What
changes by itself whenever the function runs can't be compiled.
"""

import functools
import os
import pickle
import random
import re
import sys
import types
from collections import deque
from collections.abc import Iterable
from operator import attrgetter, itemgetter
from typing import Any

from autograd.compiler.trace import TraceError
from autograd.value import Value

IMMUTABLE = (Value, types.ModuleType, str, float, int)  # or looked after elsewhere
_defaults = attrgetter("__defaults__", "__kwdefaults__")
_content = attrgetter("cell_contents", "cell_contents")  # two, so that it gives a tuple
SMALL = 20_000  # more parameters, or neurons, than this are looked up only every 64th call


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
            kind = type(x)
            if id(x) in self.seen or isinstance(x, IMMUTABLE):
                continue
            self.seen[id(x)] = x
            is_optimizer = hasattr(x, "zero_grad") and hasattr(x, "update")
            if isinstance(x, types.MethodType | types.BuiltinMethodType):
                todo += [getattr(x, "__func__", None), x.__self__]
            elif isinstance(x, types.FunctionType):
                todo += self.function(x) if by_user(x.__module__) else ()
            elif isinstance(x, type):
                todo += self.of_class(x)
            elif isinstance(x, functools.partial):
                todo += [x.func, x.args, x.keywords]
            elif isinstance(x, list | dict | set | deque):
                items = x.values() if isinstance(x, dict) else x
                kinds = set(map(type, items))
                self.keep(x, not kinds.isdisjoint((float, int)))
                if not all(issubclass(t, Value | float | int) for t in kinds):
                    todo += items
            elif any(hasattr(x, name) for name in ("getstate", "bit_generator", "random_sample")):
                self.generators.append(x)
            elif kind.__name__ == "ndarray":  # NumPy's, without NumPy
                self.arrays.append((x, x.tobytes()))
                todo += x.reshape(-1).tolist() if x.dtype.kind == "O" else ()
            elif isinstance(x, tuple | frozenset):
                todo += x
            elif hasattr(x, "fn") and kind.__module__.startswith("autograd."):
                todo.append(x.fn)  # a jitted function inside this one
            elif not (is_optimizer or kind.__module__.startswith("autograd.")):
                if hasattr(getattr(x, "mask", None), "draws"):
                    self.modules.append(x)
                todo += self.object(x, kind)

    def object(self, x: Any, kind: type) -> list[Any]:
        """Its attributes, and those of its classes, with their methods, if a user wrote them."""
        found: list[Any] = [vars(x)] if hasattr(x, "__dict__") else []
        for cls in kind.__mro__ if by_user(kind.__module__) else ():
            found.append(cls)
            slots = vars(cls).get("__slots__") if by_user(cls.__module__) else None
            if slots:
                names = [slots] if isinstance(slots, str) else list(slots)
                get = functools.partial(_slots, names)
                self.names.append((names, get, x, get(x)))
                found += get(x)
        return found

    def of_class(self, cls: type) -> list[Any]:
        """Its attributes and methods, if a user wrote it."""
        if not by_user(cls.__module__):
            return []
        self.live.append(vars(cls))
        self.saved.append(dict(vars(cls)))
        inside = [getattr(v, "__func__", getattr(v, "fget", v)) for v in vars(cls).values()]
        return [*cls.__bases__, *inside]

    def keep(self, x: Any, is_data: bool) -> None:
        if not is_data and len(x) > self.room:
            self.large.append((x, x.copy()))
            return
        self.room -= 0 if is_data else len(x)
        self.live.append(x)
        self.saved.append(x.copy())

    def function(self, f: types.FunctionType) -> list[Any]:
        """What it refers to: its closure's cells, defaults, globals, and those of modules."""
        found: list[Any] = [(["a default", "a default"], _defaults, f, _defaults(f))]
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
            try:
                found.append(([name], _content, cell, _content(cell)))
            except ValueError:  # not assigned yet
                continue
        codes, names = [f.__code__], set()
        while codes:
            code = codes.pop()
            names |= set(code.co_names)
            codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        modules = [v for n in names if isinstance(v := f.__globals__.get(n), types.ModuleType)]
        for where in (f.__globals__, *[vars(m) for m in modules if by_user(m.__name__)]):
            if here := sorted(names.intersection(where)):
                get = itemgetter(*here, here[0])  # two or more: it gives a tuple
                found.append((here, get, where, get(where)))
        self.names += found
        for labels, _, _, values in found:
            for name, x in zip(labels, values):
                refuse_iterator(name, x)
        return [vars(f), *[x for _, _, _, values in found for x in values]]

    def drawn(self) -> bytes:
        """The state of all random generators that the function may use."""
        numpy = sys.modules.get("numpy.random")
        states = [random.getstate(), numpy and numpy.get_state()]
        for x in self.generators:
            if isinstance(x, random.SystemRandom):
                states.append(os.urandom(8))  # it has no state, and is never the same
            elif hasattr(x, "bit_generator"):
                states.append(x.bit_generator.state)
            else:
                states.append(x.getstate() if hasattr(x, "getstate") else x.get_state())
        return pickle.dumps(states)

    def changed(self) -> list[str]:
        """Names of what is no longer what it was, but for Values, such as activations kept."""
        pairs: list[tuple[Any, Any, Any]] = []
        for names, get, where, values in self.names:
            try:
                pairs += zip(names, values, get(where))
            except (KeyError, ValueError):  # a name is gone
                pairs.append((names[0], values[0], ...))
        for saved, live in zip(self.saved, self.live):
            if hasattr(saved, "items"):
                keys = saved.keys() | live.keys()
                pairs += [(key, saved.get(key), live.get(key)) for key in keys]
            elif isinstance(saved, list | deque) and len(saved) == len(live):
                pairs += [("an item of a list", x, y) for x, y in zip(saved, live)]
            elif not all(isinstance(v, Value) for v in live):
                pairs.append((f"a {type(live).__name__}", len(saved), saved is live))
        pairs += [("an array", a, x.tobytes()) for x, a in self.arrays if x.dtype.kind != "O"]
        return sorted({str(name) for name, x, y in pairs if x is not y and not _same(x, y)})

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
        except (ValueError, KeyError, TypeError, RuntimeError):
            return False  # an array or a symbol was put there, which can't be compared; a name gone
        return True


@functools.cache
def by_user(module: str | None) -> bool:
    """Whether a module is none of Python's, of a package that is installed, or of this one."""
    if module in (None, "__main__"):
        return True
    if str(module).startswith(("autograd.", "nn.")) or module == "builtins":
        return False
    file = getattr(sys.modules.get(str(module)), "__file__", None)
    is_installed = re.search("site-packages|dist-packages", str(file))
    return file is not None and not is_installed and os.path.dirname(os.__file__) not in file


def _slots(names: list[str], x: Any) -> tuple[Any, ...]:
    return tuple([getattr(x, name, None) for name in names])


def _same(x: Any, y: Any) -> bool:
    """Whether one is as good as the other: Values, and containers, which are compared inside."""
    kinds = (Value, list, dict, set, deque, tuple)
    if all(v is None or isinstance(v, kinds) for v in (x, y)):
        return True
    return type(x) is type(y) and (type(x) not in (int, float, bool, str, bytes) or x == y)


def refuse_iterator(name: str, x: Any) -> None:
    if hasattr(type(x), "__next__") and not hasattr(x, "write"):  # a file is for printing
        raise TraceError(
            f"`{name}` gives another item whenever it is read, and jit reads it only once. Take "
            "the item outside, and pass it as an argument."
        )
