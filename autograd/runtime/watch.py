"""What a trace took for granted: attributes of modules, closures and globals of the function.

A program is right only as long as these stay as they were, so each call compares them (in C, about
a microsecond for a small model) and traces again after a change, such as `model.eval()`. What
changes by itself whenever the function runs can't be compiled. After a trace, `restore` puts
everything back: a trace leaves no trace.
"""

import array
import contextvars
import dis
import functools
import os
import pickle
import random
import sys
import types
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter, is_, itemgetter
from typing import Any

from autograd.compiler.masks import draws
from autograd.compiler.trace import TraceError
from autograd.runtime.iterators import is_iterator
from autograd.value import Value

ATOMS = (Value, str, bytes, float, int, complex, type(None))  # or looked after elsewhere
SMALL = 20_000  # more parameters, or neurons, than this are looked up only every 64th call
STRICT = 64  # longer lists of numbers are compared by value only: 2 to 2.0 is no change in them
_of_function = attrgetter("__defaults__", "__kwdefaults__", "__code__")
_content = attrgetter("cell_contents", "cell_contents")  # two, so that it gives a tuple
_BUFFERS = (bytearray, memoryview, array.array)
_EMPTY: dict[Any, Any] = {}
_VIEWS = (type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items()))
_LIBRARIES = {
    "IPython", "autograd", "ipykernel", "jax", "jaxlib", "matplotlib", "nn", "numpy", "pandas",
    "pytest", "scipy", "sklearn", "torch", "tqdm", *sys.stdlib_module_names,
} - {"__main__"}  # fmt: skip


class Names:
    """Variables: read by `get(where)`, one for each label. put(label, x) writes one back."""

    def __init__(
        self, labels: list[str], get: Callable[[Any], Any], where: Any,
        put: Callable[[str, Any], None] | None = None,
    ) -> None:  # fmt: skip
        self.labels, self.get, self.where, self.put = labels, get, where, put
        self.values: tuple[Any, ...] = get(where)
        self.is_strict = any(map(is_deceptive, self.values))

    def hold(self) -> bool:
        found = self.get(self.where)
        if found != self.values:
            return False
        return not self.is_strict or all_same(found, self.values)

    def changes(self) -> Iterator[tuple[str, Any, Any]]:
        try:
            found = self.get(self.where)
        except (KeyError, ValueError):  # a name is gone
            found = (...,) * len(self.values)
        return zip(self.labels, self.values, found)

    def restore(self) -> None:
        for label, before, now in self.changes():
            if before is not now and self.put is not None:
                self.put(label, before)


class Watch:
    """A snapshot of everything reachable from `roots` that is not a number to be trained.

    optimizers: those that were met; what the function reads of them is watched once it is known.
    """

    def __init__(self, roots: Iterable[Any], budget: int = 3000) -> None:
        self.live: list[Any] = []  # containers, as they are
        self.saved: list[Any] = []  # and copies of them
        self.strict: list[tuple[Any, list[Any]]] = []  # containers whose == is too lenient
        self.owners: dict[int, type] = {}  # the class that a container of `live` belongs to
        self.large: list[tuple[Any, Any]] = []
        self.buffers: list[tuple[Any, Callable[[Any], Any], Any]] = []
        self.names: list[Names] = []
        self.missing: list[tuple[dict[str, Any], list[str]]] = []  # globals that are not there
        self.objects: list[Any] = []  # of the user's classes
        self.generators: list[Any] = []  # of random numbers
        self.iterators = False  # whether there are any
        self.modules: list[Any] = []  # those with a method `mask`
        self.optimizers: list[Any] = []
        self.loose: list[types.ModuleType] = []  # modules in attributes and containers
        self.words: set[str] = set()  # the names that the functions use
        self.seen: dict[int, Any] = {}
        self.roots: list[tuple[Any, type]] = []  # weak references to models: they may go
        self.are_roots = set(map(id, roots := [*roots]))
        self.calls, self.room, self.budget = 0, SMALL, budget
        self.look(roots)
        self.look(self.of_modules(self.loose, self.words))
        self.classes = list(map(type, self.objects))
        self.seen.clear()

    # --- what is reachable -------------------------------------------------------------------

    def look(self, todo: list[Any]) -> None:
        while todo:
            x = todo.pop()
            if isinstance(x, ATOMS) or id(x) in self.seen:
                continue
            self.seen[id(x)] = x
            todo += self.inside(x, type(x))

    def inside(self, x: Any, kind: type) -> Iterable[Any]:
        """What `x` refers to, once it is noted how it is now."""
        for kinds, method in _METHODS:
            if isinstance(x, kinds):
                found: Iterable[Any] = method(self, x)
                return found
        if any(cls.__module__ == "numpy" for cls in kind.__mro__):
            return self.of_array(x)
        if any(hasattr(x, name) for name in ("getstate", "bit_generator", "random_sample")):
            self.generators.append(x)
            return ()
        if hasattr(x, "fn") and kind.__module__.startswith("autograd."):
            return [x.fn]  # a jitted function inside this one
        if any(cls.__module__ == "nn.optim" for cls in kind.__mro__):
            self.optimizers.append(x)
            return ()
        if kind.__module__.startswith("autograd."):
            return ()
        if draws(x):
            self.modules.append(x)
        self.iterators |= is_iterator(x)
        return self.of_object(x, kind)

    def of_container(self, x: Any) -> Iterable[Any]:
        items = x.values() if isinstance(x, dict) else x
        kinds = set(map(type, items))
        is_data = not kinds.isdisjoint((float, int))
        self.keep(x, is_data, len(x) <= STRICT and not isinstance(x, set))
        inner = () if all(issubclass(t, Value | float | int) for t in kinds) else items
        is_plain = type(x) in _CONTAINERS
        return inner if is_plain else [*inner, *self.of_object(x, type(x))]

    def keep(self, x: Any, is_data: bool, is_strict: bool) -> None:
        """Note how a container is now. is_strict: if a plain == would overlook a change."""
        if not is_data and len(x) > self.room:
            self.large.append((x, x.copy()))
            return
        self.room -= 0 if is_data else len(x)
        self.live.append(x)
        self.saved.append(x.copy())
        is_ordered = type(x) in _ORDERED and len(x) > 1
        if is_strict and (is_ordered or any(map(is_deceptive, contents(x)))):
            self.strict.append((x, contents(x)))

    def of_object(self, x: Any, kind: type) -> list[Any]:
        """Its attributes, and those of its classes, with their methods, if a user wrote them."""
        found: list[Any] = []
        if hasattr(x, "__dict__"):
            attributes = vars(x)
            self.seen[id(attributes)] = attributes
            items = list(attributes.values())
            self.keep(attributes, False, by_user(kind.__module__) and any(map(is_deceptive, items)))
            found += items
        if not by_user(kind.__module__):
            return found
        if id(x) in self.are_roots and hasattr(x, "__weakref__"):
            self.roots.append((weakref.ref(x), kind))
        else:
            self.objects.append(x)
        for cls in kind.__mro__:
            found.append(cls)
            slots = vars(cls).get("__slots__") if by_user(cls.__module__) else None
            if slots:
                labels = [slots] if isinstance(slots, str) else list(slots)
                put = functools.partial(setattr, x)
                self.names.append(Names(labels, functools.partial(_slots, labels), x, put))
                found += self.names[-1].values
        return found

    def of_class(self, cls: type) -> list[Any]:
        """Its attributes and methods, if a user wrote it."""
        if not by_user(cls.__module__):
            return []
        self.owners[len(self.live)] = cls
        self.live.append(vars(cls))
        self.saved.append(dict(vars(cls)))
        if any(map(is_deceptive, vars(cls).values())):
            self.strict.append((vars(cls), contents(vars(cls))))
        inside = [getattr(v, "__func__", getattr(v, "fget", v)) for v in vars(cls).values()]
        return [*cls.__bases__, *inside, *([type(cls)] if by_user(type(cls).__module__) else [])]

    def of_function(self, f: types.FunctionType) -> list[Any]:
        """What it refers to: its closure's cells, defaults, globals, and those of modules."""
        if not by_user(f.__module__) or self.budget <= 0:
            return []
        self.budget -= 1
        found = [Names(["a default", "a default", "the code"], _of_function, f)]
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
            try:
                put = functools.partial(lambda c, _, x: setattr(c, "cell_contents", x), cell)
                found.append(Names([name], _content, cell, put))
            except ValueError:  # not assigned yet
                continue
        words, texts, loaded = words_of(f.__code__)
        if not words.isdisjoint(_DYNAMIC):  # getattr(module, name)
            texts |= {x for n in found for x in n.values if isinstance(x, str) and x.isidentifier()}
            words, loaded = words | texts, loaded | (texts & f.__globals__.keys())
        self.words |= words
        found += named(f.__globals__, loaded)
        if absent := sorted(n for n in loaded if n not in f.__globals__ and n not in _BUILTINS):
            self.missing.append((f.__globals__, absent))
        self.names += found
        inside = [x for n in found for x in n.values]
        for n in found:
            for label, x in zip(n.labels, n.values):
                refuse_iterator(label, x)
        imported = [sys.modules[w] for w in words & sys.modules.keys()]
        modules = [x for x in [*inside, *imported] if isinstance(x, types.ModuleType)]
        return [vars(f), *inside, *self.of_modules(modules, words)]

    def of_modules(self, modules: list[types.ModuleType], words: set[str]) -> list[Any]:
        """What functions that use these words may read of modules, and of the modules in them."""
        values, met = list[Any](), set[str]()
        while modules:
            module = modules.pop()
            if by_user(module.__name__) and module.__name__ not in met:
                met.add(module.__name__)
                found = named(vars(module), words)
                self.names += found
                inside = [x for n in found for x in n.values]
                modules += [x for x in inside if isinstance(x, types.ModuleType)]
                values += inside
        return values

    def of_loose_module(self, module: types.ModuleType) -> Iterable[Any]:
        self.loose.append(module)
        return ()

    def of_partial(self, x: functools.partial[Any]) -> Iterable[Any]:
        return [x.func, x.args, x.keywords]

    def of_method(self, x: Any) -> Iterable[Any]:
        return [getattr(x, "__func__", None), x.__self__]

    def of_buffer(self, x: Any) -> Iterable[Any]:
        self.buffers.append((x, bytes, bytes(x)))
        return ()

    def of_view(self, x: Any) -> Iterable[Any]:
        return [x.mapping]

    def of_proxy(self, x: Any) -> Iterable[Any]:
        self.live.append(x)
        self.saved.append(dict(x))
        return list(x.values())

    def of_variable(self, x: Any) -> Iterable[Any]:
        self.names.append(Names(["a context variable"], lambda v: (v.get(None),), x))
        return self.names[-1].values

    def of_reference(self, x: Any) -> Iterable[Any]:
        self.names.append(Names(["a weak reference"], lambda ref: (ref(),), x))
        return self.names[-1].values

    def of_weak_proxy(self, x: Any) -> Iterable[Any]:
        return [x.__repr__.__self__]

    def of_array(self, x: Any) -> Iterable[Any]:
        if not hasattr(x, "tobytes") or not x.shape:
            return ()
        self.buffers.append((x, _array_content, _array_content(x)))
        return x.reshape(-1).tolist() if x.dtype.kind == "O" else ()

    # --- how it is now -----------------------------------------------------------------------

    def drawn(self) -> bytes:
        """The state of all random generators that the function may use."""
        return pickle.dumps([state for _, state in self.states()])

    def states(self) -> Iterator[tuple[Callable[[Any], Any], Any]]:
        """(how to set it, its state) of each random generator."""
        yield random.setstate, random.getstate()
        if numpy := sys.modules.get("numpy.random"):
            yield numpy.set_state, numpy.get_state()
        for x in self.generators:
            if isinstance(x, random.SystemRandom):  # it has no state, and is never the same
                yield (lambda _: None), os.urandom(8)
            elif hasattr(x, "bit_generator"):
                yield functools.partial(setattr, x.bit_generator, "state"), x.bit_generator.state
            elif hasattr(x, "getstate"):
                yield x.setstate, x.getstate()
            elif hasattr(x, "get_state"):
                yield x.set_state, x.get_state()

    def changed(self) -> list[str]:
        """Names of what is no longer what it was."""
        pairs = [pair for names in self.names for pair in names.changes()]
        for where, labels in self.missing:
            pairs += [(label, ..., where[label]) for label in labels if label in where]
        for saved, live in zip(self.saved, self.live):
            pairs += _differences(saved, live)
        pairs += _pairs_of_large(self.large)
        pairs += [("a buffer", content, read(x)) for x, read, content in self.buffers]
        pairs += [("a class", a, type(x)) for a, x in zip(self.classes, self.objects)]
        return sorted({str(name) for name, x, y in pairs if not same(x, y)})

    def restore(self) -> None:
        """Put everything back as it was."""
        for i, (saved, live) in enumerate(zip(self.saved, self.live)):
            if not alike(contents(live), contents(saved)):
                _put_back(live, saved, self.owners.get(i))
        for live, saved in self.large:
            if not alike(contents(live), contents(saved)):
                _put_back(live, saved, None)
        for names in self.names:
            names.restore()
        for where, labels in self.missing:
            for label in labels:
                where.pop(label, None)
        for x, read, content in self.buffers:
            if read(x) != content:
                _write(x, content)
        for x, cls in zip(self.objects, self.classes):
            if type(x) is not cls:
                x.__class__ = cls

    def holds(self) -> bool:
        """Whether all is as it was."""
        self.calls += 1
        try:
            if self.live != self.saved:
                return False
            for names in self.names:
                if not names.hold():
                    return False
            for x, items in self.strict:
                if not all_same(contents(x), items):
                    return False
            for where, labels in self.missing:
                if not where.keys().isdisjoint(labels):
                    return False
            for x, read, content in self.buffers:
                if read(x) != content:
                    return False
            if self.objects and list(map(type, self.objects)) != self.classes:
                return False
            for root, cls in self.roots:
                if type(root()) is not cls:
                    return False
            if self.large and self.calls % 64 == 0:
                return all(a == b for a, b in self.large)
        except (ValueError, KeyError, TypeError, RuntimeError):
            return False  # an array or a symbol was put there, which can't be compared; a name gone
        return True


_METHODS: list[tuple[Any, Callable[[Watch, Any], Iterable[Any]]]] = [
    (types.FunctionType, Watch.of_function),
    (type, Watch.of_class),
    (list | dict | set | deque, Watch.of_container),
    (tuple | frozenset, lambda _, x: x),
    (types.ModuleType, Watch.of_loose_module),
    (types.MethodType | types.BuiltinMethodType | type([].__len__), Watch.of_method),
    (functools.partial, Watch.of_partial),
    (_BUFFERS, Watch.of_buffer),
    (_VIEWS, Watch.of_view),
    (types.MappingProxyType, Watch.of_proxy),
    (contextvars.ContextVar, Watch.of_variable),
    (weakref.ReferenceType, Watch.of_reference),
    (weakref.ProxyTypes, Watch.of_weak_proxy),
]
_CONTAINERS, _ORDERED = {list, dict, set, deque}, {dict, OrderedDict, defaultdict}
_BUILTINS = set(dir(__import__("builtins")))


@functools.cache
def by_user(module: str | None) -> bool:
    """Whether a module is none of Python's, of a well-known library, or of this project."""
    return module is None or str(module).partition(".")[0] not in _LIBRARIES


def named(where: dict[str, Any], words: set[str]) -> list[Names]:
    """Those of a module's variables that have these names."""
    here = sorted(words.intersection(where))
    if not here:
        return []
    return [Names(here, itemgetter(*here, here[0]), where, where.__setitem__)]


@functools.lru_cache(maxsize=4096)
def _words_of(code: types.CodeType) -> tuple[frozenset[str], ...]:
    words, texts, loaded, codes = set[str](), set[str](), set[str](), [code]
    while codes:
        code = codes.pop()
        words.update(code.co_names)
        texts.update(c for c in code.co_consts if isinstance(c, str) and c.isidentifier())
        codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        loaded.update(_globals_of(code))
    return frozenset(words), frozenset(texts), frozenset(loaded)


def words_of(code: types.CodeType) -> tuple[set[str], set[str], set[str]]:
    """The names in a function, the words among its strings, and the names of its globals."""
    words, texts, loaded = map(set, _words_of(code))
    return words, texts, loaded


_DYNAMIC = {"getattr", "globals", "vars", "__dict__", "attrgetter", "eval", "exec", "modules"}


def _globals_of(code: types.CodeType) -> Iterator[str]:
    load, extended = dis.opmap["LOAD_GLOBAL"], dis.EXTENDED_ARG
    shift, high = int(sys.version_info >= (3, 11)), 0  # a bit says whether it is to be called
    for op, argument in zip(code.co_code[::2], code.co_code[1::2]):
        argument |= high
        high = argument << 8 if op == extended else 0
        if op == load:
            yield code.co_names[argument >> shift]


def _slots(names: list[str], x: Any) -> tuple[Any, ...]:
    return tuple([getattr(x, name, None) for name in names])


def is_deceptive(x: Any) -> bool:
    """Whether x == y does not mean that they are alike: 2 == 2.0, 0.0 == -0.0, a user's own ==."""
    return (
        isinstance(x, int | float | complex)
        or by_user(type(x).__module__)
        and (vars(object)["__eq__"] is not type(x).__eq__ and not isinstance(x, type))
    )


def same(x: Any, y: Any) -> bool:
    """Whether one is as good as the other: the very same, or an equal number, text or tuple."""
    if x is y:
        return True
    if type(x) is not type(y):
        return False
    if isinstance(x, tuple):
        return len(x) == len(y) and all(map(same, x, y))
    if isinstance(x, _EQUAL):
        return bool(x == y) and repr(x) == repr(y)
    return isinstance(x, types.MethodType) and x == y


def all_same(xs: Any, ys: Any) -> bool:
    """Whether it is so item by item."""
    return len(xs) == len(ys) and (all(map(is_, xs, ys)) or all(map(same, xs, ys)))


_EQUAL = (int, float, complex, bool, str, bytes, types.CodeType)


def contents(x: Any) -> list[Any]:
    """The keys and items of a dict, or the items of a list, a set (in some order), a deque."""
    if isinstance(x, set):
        return sorted(x, key=id)
    return [*x, *x.values()] if hasattr(x, "values") else [*x]


def alike(a: list[Any], b: list[Any]) -> bool:
    """The very same items, in the same order."""
    return len(a) == len(b) and all(map(is_, a, b))


def _differences(saved: Any, live: Any) -> Iterator[tuple[str, Any, Any]]:
    if alike(contents(saved), contents(live)):
        return
    if hasattr(saved, "items"):
        for key in saved.keys() | live.keys():
            yield str(key), saved.get(key, ...), live.get(key, ...)
        yield "the order of a dict", list(saved) == list(live), True
    elif isinstance(saved, list | deque) and len(saved) == len(live):
        yield from [("an item of a list", x, y) for x, y in zip(saved, live)]
    else:
        yield f"a {type(live).__name__}", saved, live


def _pairs_of_large(large: list[tuple[Any, Any]]) -> list[tuple[str, Any, Any]]:
    return [("a long list", saved, alike(contents(live), contents(saved)) and saved)
            for live, saved in large]  # fmt: skip


def _put_back(live: Any, saved: Any, owner: type | None) -> None:
    if owner is not None:
        for name in vars(owner).keys() - saved.keys():
            delattr(owner, name)
        for name, x in saved.items():
            if vars(owner).get(name, ...) is not x:
                setattr(owner, name, x)
    elif isinstance(live, list):
        live[:] = saved
    elif isinstance(live, dict | set):
        live.clear()
        live.update(saved)
    elif isinstance(live, deque):
        live.clear()
        live.extend(saved)


def _array_content(x: Any) -> tuple[Any, ...]:
    return x.dtype, x.shape, x.tobytes()


def _write(x: Any, content: Any) -> None:
    """Write into a buffer what it held."""
    if isinstance(content, tuple):
        import numpy as np

        dtype, shape, data = content
        if dtype.kind != "O" and x.shape == shape:
            x[...] = np.frombuffer(data, dtype).reshape(shape)
    elif isinstance(x, array.array):
        x[:] = array.array(x.typecode, content)
    else:
        x[:] = content


def refuse_iterator(name: str, x: Any) -> None:
    if is_iterator(x):
        raise TraceError(
            f"`{name}` gives another item whenever it is read, and jit reads it only once. Take "
            "the item outside, and pass it as an argument."
        )
