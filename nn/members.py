"""What a module holds: where it is looked for, what counts, and how it is named.

The search goes through attributes, lists, tuples, deques, dicts, sets, NumPy arrays of objects,
dataclasses and objects of the user's own classes, to the inner modules and through them. It does
not enter what Python or an installed package made: files, arrays of numbers, loaders, closures.
"""

import copy
import re
import sys
from collections import Counter, UserDict, UserList, deque
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, is_dataclass
from functools import cache
from itertools import chain
from numbers import Real
from types import GeneratorType, MappingProxyType, SimpleNamespace
from typing import Any

from autograd.value import Constant, Value

Path = tuple[Any, ...]  # keys, indices and names of attributes, from the outside in
Found = tuple[Any, Path, Any]  # a parameter or a module, the path to its holder, and its key there

LISTS = (list, tuple, deque, UserList)
DICTS = (dict, UserDict, MappingProxyType)
SETS = (set, frozenset)
_NONE: Set[Value] = frozenset()
ONCE = {map, filter, zip, GeneratorType}
PLAIN = {float, int, str, bool, bytes, type(None), Constant}  # usual, and nothing to look into


@dataclass
class Notes:
    """What a module remembers of its own attributes. Only a module that needs it has one.

    buffers: names of attributes that are saved, and not trained. kept: names of attributes that
    its forward pass assigned. received: leaf Values that came into its forward pass.
    """

    buffers: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    received: set[Value] = field(default_factory=set)
    room: int = 1000

    def receive(self, inputs: Iterable[Value], module: Any) -> None:
        """Note leaf Values on their way into the forward pass, but for those that it held."""
        if len(self.received) > self.room:  # those that were not kept are forgotten
            self.received.intersection_update(own_leaves(module))
            self.room = max(1000, 2 * len(self.received))
        if new := set(inputs) - self.received:
            self.received |= new.difference(own_leaves(module))


class Unordered(int):
    """The index of an item of a set: another process would give it another one."""


def walk(module: Any) -> list[Found]:
    """The parameters and inner modules of `module`, each once, in order."""
    found: list[Found] = []
    _look_into(module, (), found, {id(module): module})
    return found


def own_leaves(module: Any) -> Iterator[Value]:
    """The leaf Values that a module itself holds, not those of its inner modules."""
    todo, seen = [module], {id(module): module}
    while todo:
        for _, item in items(todo.pop()):
            if isinstance(item, Value):
                if not item.parents:
                    yield item
            elif id(item) not in seen and is_searched(item) and not is_module(item):
                seen[id(item)] = item
                todo.append(item)


def is_module(x: Any) -> bool:
    return hasattr(type(x), "_members")


def is_searched(x: Any) -> bool:
    """Whether to look for parameters inside of `x`."""
    if type(x) is list or is_module(x):  # the usual case
        return True
    if isinstance(x, (*LISTS, *DICTS, *SETS, SimpleNamespace)):
        return True
    if hasattr(x, "dtype"):
        return hasattr(x, "tolist") and getattr(x.dtype, "kind", "") == "O"
    own = _is_own(type(x))  # type: ignore[arg-type]  # mypy: a class is no Hashable
    return own or (is_dataclass(x) and not isinstance(x, type))


def _look_into(module: Any, path: Path, found: list[Found], seen: dict[Any, Any]) -> None:
    here = items(module)
    if shared := _class_values(type(module)):  # type: ignore[arg-type]
        _refuse_shared(module, shared.difference([key for key, _ in here]))
    notes: Notes | None = getattr(module, "_notes", None)
    if notes is None:
        _look(here, path, found, seen, _NONE)
        return
    for key, item in here:
        if key not in notes.buffers:
            received = None if key in notes.kept else notes.received
            _look([(key, item)], path, found, seen, received)


def _look(
    pairs: Iterable[tuple[Any, Any]],
    path: Path,
    found: list[Found],
    seen: dict[Any, Any],
    received: Set[Value] | None,
) -> None:
    """Collect what is in `pairs`. `seen` holds the objects, so that their ids stay theirs.

    received: Values that are no parameters of the module around; None: here, none are.
    """
    for key, item in pairs:
        if isinstance(item, Value):
            if item.parents or id(item) in seen or type(item) is Constant:
                continue  # results and plain numbers that a module keeps are not trained
            if received is not None and item not in received:
                seen[id(item)] = item
                found.append((item, path, key))
        elif type(item) in PLAIN or not is_searched(item):
            continue
        elif not is_module(item):
            place = id(item), id(received)  # again, if another module holds it, too
            if place not in seen:
                seen[place] = item
                _look(items(item), (*path, key), found, seen, received)
        elif id(item) not in seen:
            seen[id(item)] = item
            found.append((item, path, key))
            _look_into(item, (*path, key), found, seen)


# --- one holder ----------------------------------------------------------------------------------


def items(holder: Any) -> list[tuple[Any, Any]]:
    """What is in `holder`, with its keys, indices, or names of attributes."""
    if type(holder) is list:
        return list(enumerate(holder))
    if is_module(holder):
        return list(holder._members())
    if isinstance(holder, LISTS):
        return list(enumerate(holder))
    if isinstance(holder, DICTS):
        return list(zip(_keys(holder), holder.values()))
    if isinstance(holder, SETS):
        kind = Unordered if len(holder) > 1 else int
        return [(kind(i), item) for i, item in enumerate(holder)]
    if hasattr(holder, "tolist"):  # a NumPy array: the same objects in nested lists
        return list(enumerate(holder.tolist() if holder.shape else [holder.item()]))
    return attributes(holder)


def attributes(holder: Any) -> list[tuple[Any, Any]]:
    """The attributes of an object, also those in slots."""
    own = getattr(holder, "__dict__", {})
    if not ONCE.isdisjoint(map(type, own.values())):
        own |= {name: listed(x) for name, x in own.items()}
    found = [pair for pair in own.items() if pair[0] != "_notes"]
    for name in _slots(type(holder)):  # type: ignore[arg-type]
        if hasattr(holder, name):
            found.append((name, getattr(holder, name)))
    return found


def listed(x: Any) -> Any:
    """`x`, but a map or generator that gives modules or Values becomes the list of them.

    Who writes `self.layers = map(...)` means the layers. They could be read only once, by the
    search or by the forward pass. (A generator of something else, data say, stays one.)
    """
    if type(x) not in ONCE:
        return x
    for first in x:
        ahead = chain([first], x)
        return list(ahead) if is_module(first) or isinstance(first, Value) else ahead
    return x


def _keys(mapping: Mapping[Any, Any]) -> list[Any]:
    """The keys as parts of names, no two alike: `a`, `3`, and in brackets what could be mistaken
    for another: `['a.b']`, and `[1]` beside "1"."""
    keys = []
    for key in mapping:
        text = str(key)
        if isinstance(key, str):
            is_clear = "." not in text and not text.startswith("[")
        else:
            is_clear = "." not in text and not text.startswith("[") and text not in mapping
        keys.append(key if is_clear else f"[{key!r}]")
    return keys


def _refuse_shared(module: Any, names: Set[str]) -> None:
    if names:
        name = min(names)
        raise TypeError(
            f"{name} is an attribute of the class {type(module).__name__}: all its models would "
            f"share it, so it is not clear whether to train it. Write self.{name} = ... in "
            "__init__; for a number that is not trained, write a float."
        )


@cache
def _class_values(cls: type) -> frozenset[str]:
    """Names of Values and modules among the attributes of the class itself."""
    pairs = chain.from_iterable([vars(c).items() for c in cls.__mro__])
    return frozenset(k for k, v in pairs if type(v) is Value and not v.parents or is_module(v))


@cache
def _slots(cls: type) -> list[str]:
    """The names of all its slots; usually there are none."""
    found = [vars(c).get("__slots__", ()) for c in reversed(cls.__mro__)]
    names = chain.from_iterable([x] if isinstance(x, str) else x for x in found)
    return [name for name in names if name not in ("__dict__", "__weakref__")]


@cache
def _is_own(cls: type) -> bool:
    """Whether the user wrote the class, not Python, an installed package or this one."""
    top = cls.__module__.partition(".")[0]
    if issubclass(cls, type) or top in sys.stdlib_module_names or top in ("autograd", "nn"):
        return False
    file = str(getattr(sys.modules.get(cls.__module__), "__file__", ""))
    return not re.search("site-packages|dist-packages", file)


# --- names ---------------------------------------------------------------------------------------


def named(found: Iterable[Found]) -> list[tuple[str, Any]]:
    """(name, object) pairs: the path with dots, such as `layers.0.neurons.3.w.1`.

    Raises ValueError where no name would be one object's own, in every process.
    """
    pairs = []
    for item, path, key in found:
        if any(type(part) is Unordered for part in (*path, key)):
            raise ValueError(
                f"{_dotted(path)!r} is a set, and sets have no order: names would differ from run "
                "to run, and a saved state would come back exchanged. Use a list or a dict."
            )
        pairs.append((_dotted((*path, key)), item))
    if len({name for name, _ in pairs}) < len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(
            f"two parameters or modules have the name {name!r}, and a state would lose one: give "
            "the keys of their dict texts that differ."
        )
    return pairs


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


# --- numbers in buffers --------------------------------------------------------------------------


def numbers(x: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each number or Value in a buffer, with the path to it. Raises TypeError for other things."""
    if isinstance(x, (Value, Real)):
        yield path, x
    elif x is not None:
        if not isinstance(x, (*LISTS, *DICTS)) and not hasattr(x, "tolist"):
            raise TypeError(
                "a buffer holds numbers, alone or in lists, dicts and arrays, but here is a "
                f"{type(x).__name__}: {x!r:.60}."
            )
        for key, item in items(x):
            yield from numbers(item, (*path, key))


def with_numbers(x: Any, new: Iterator[Any]) -> Any:
    """A buffer like `x` with other numbers, in the same order; Values stay, they are set apart."""
    if isinstance(x, (Value, Real)):
        number = next(new)
        return x if isinstance(x, Value) else number
    if x is None:
        return None
    if isinstance(x, tuple):
        items = [with_numbers(item, new) for item in x]
        return type(x)(*items) if hasattr(x, "_make") else type(x)(items)
    changed = copy.copy(x)
    if hasattr(x, "tolist"):  # a NumPy array
        changed.reshape(-1)[:] = [with_numbers(item, new) for item in x.reshape(-1).tolist()]
        return changed
    for key in x if isinstance(x, DICTS) else range(len(x)):
        changed[key] = with_numbers(x[key], new)
    return changed
