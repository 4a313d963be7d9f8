"""`Module`: what every layer and model has in common."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from itertools import starmap
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

from autograd import value as engine
from autograd.draw import table
from autograd.number import number
from autograd.value import Value, as_value
from nn import members
from nn.checks import in_order
from nn.members import Notes

Self = TypeVar("Self", bound="Module")
_running: ContextVar[tuple[Any, ...]] = ContextVar("running", default=())  # forward passes


class Module:
    """A part of a network: it holds parameters and computes outputs from inputs.

    A subclass assigns its parameters and its inner modules to attributes in `__init__`, and writes
    `forward(*inputs)`. Calling the module runs `forward` and marks the Values that come out, so
    that a picture can draw the whole module as one box.

    A parameter is a leaf Value that is found in an attribute: as it is, or in lists, tuples,
    deques, dicts, sets, NumPy arrays of objects, dataclasses, objects of the user's own classes,
    in each other to any depth; and all parameters of modules that are found there. It is counted
    once, under the first name on the way. Not parameters are

    - results of operations, and plain numbers: to train a number, write Value(number);
    - what the forward pass keeps: leaf Values that came in as its inputs, or that it computed
      under `no_grad`, wherever they are put, and what it assigns to attributes (to make a
      parameter there: `register_parameter`);
    - buffers, see `register_buffer`: numbers that belong to the model's state, but follow no
      gradient, such as running means. Assigned anew, they stay buffers.

    Where it is unclear, it raises: a Value or module that is an attribute of the class, and the
    names of what is in a set, which has no order.

    training: True from the start and after `train()`, False after `eval()`; Dropout looks at it.
    level: the zoom level at which a picture shows the module: "neuron", "layer" or "model".
    """

    level = "model"
    training = True
    _notes: Notes | None = None  # only where there is something to note
    _may_keep = False  # whether its forward pass is a user's, and may keep what comes in

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._may_keep = not cls.__module__.startswith("nn.")

    def forward(self, *inputs: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, ...)")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        given = list(_values(inputs))
        if self._may_keep:
            outputs = self._watched(given, inputs, options)
        else:
            outputs = self.forward(*inputs, **options)
        self.mark(_values([outputs]), given)
        return outputs

    def _watched(self, given: list[Value], inputs: Any, options: Any) -> Any:
        """Run `forward`, and note what it could keep and what it assigns."""
        given = [*given, *_values(options.values())] if options else given
        if leaves := [v for v in given if type(v) is Value and not v.parents]:
            self._noted().receive(leaves, self)
        # Without a graph results are leaves, too: what is new afterwards is none of ours.
        held = set(members.own_leaves(self)) if _records_nothing() else None
        token = _running.set((*_running.get(), self))
        try:
            return self.forward(*inputs, **options)
        finally:
            _running.reset(token)
            if held is not None and (new := set(members.own_leaves(self)) - held):
                self._noted().received |= new

    def __setattr__(self, name: str, x: Any) -> None:
        x = members.listed(x)
        if any(module is self for module in _running.get()):
            self._noted().kept.add(name)
        elif self._notes is not None:
            self._notes.kept.discard(name)
        object.__setattr__(self, name, x)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if self._notes is not None:
            self._notes.kept.discard(name)
            self._notes.buffers.discard(name)

    def _noted(self) -> Notes:
        if self._notes is None:
            object.__setattr__(self, "_notes", Notes())
        return self._notes  # type: ignore[return-value]

    def _members(self) -> Iterable[tuple[Any, Any]]:
        """What it holds, by name. (Containers that are modules say it in another way.)"""
        return members.attributes(self)

    def mark(self, outputs: Iterable[Value], inputs: list[Value]) -> None:
        """Note on each output, in its slot `module`: (self, inputs, the mark it had before)."""
        received = set(map(id, inputs))  # what is handed through unchanged was not made here
        for v in outputs:
            if v.parents and id(v) not in received:
                v.module = (self, inputs, getattr(v, "module", None))  # type: ignore[attr-defined]

    def parameters(self) -> list[Value]:
        """Everything to train: each leaf Value once, also where two layers share it."""
        return [found for found, _, _ in members.walk(self) if isinstance(found, Value)]

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """(name, Value) pairs; a name is the way there, such as `layers.0.neurons.3.w.1`.

        No two names are alike, and they are the same in any process. A key that could be mistaken
        for another, with a dot in it or the int 1 beside the text "1", stands in brackets.
        """
        found = [row for row in members.walk(self) if isinstance(row[0], Value)]
        yield from members.named(found)

    def named_modules(self) -> Iterator[tuple[str, "Module"]]:
        """(name, Module) pairs: this module itself, by the name "", then all the inner ones."""
        yield "", self
        found = [row for row in members.walk(self) if not isinstance(row[0], Value)]
        yield from members.named(found)

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """(name, number) pairs of all buffers, such as `norm.running_mean.0`."""
        for _, names, buffer in self._buffers():
            yield from zip(names, [x.data if isinstance(x, Value) else x for x in buffer])

    def _buffers(self) -> Iterator[tuple[tuple["Module", str], list[str], list[Any]]]:
        """Of each buffer: (its module, its attribute), the names and the numbers in it."""
        for prefix, module in self.named_modules():
            for name in sorted(module._notes.buffers) if module._notes else ():
                found = list(members.numbers(getattr(module, name), (prefix, name)))
                names = [".".join(map(str, path)).removeprefix(".") for path, _ in found]
                yield (module, name), names, [x for _, x in found]

    def register_buffer(self, name: str, numbers: Any) -> None:
        """Set the attribute `name` to numbers that are saved with the model, and not trained.

        numbers: one, or lists, tuples, dicts or arrays of them; Values among them are not trained
        either. Raises ValueError if there is such an attribute already, TypeError for other things
        than numbers.
        """
        list(members.numbers(numbers))
        if hasattr(self, name) and name not in self._noted().buffers:
            raise ValueError(f"{self!r} has an attribute {name!r} already: take another name.")
        object.__setattr__(self, name, numbers)
        self._noted().buffers.add(name)

    def register_parameter(self, name: str, values: Any) -> None:
        """Set the attribute `name` to leaf Values that are trained, also within `forward`.

        values: a Value, or lists, dicts or whatever else parameters are found in. Raises TypeError
        if no leaf Value is among them. An optimiser that was made before does not know them.
        """
        if not members.walk(SimpleNamespace(values=values)):
            raise TypeError(f"{name} needs leaf Values to train, but is {values!r:.60}.")
        object.__setattr__(self, name, values)
        if self._notes is not None:
            self._notes.kept.discard(name)
            self._notes.buffers.discard(name)

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0. `backward()` adds, so do this before each one."""
        for p in self.parameters():
            p._grad = 0.0

    def train(self: Self, mode: bool = True) -> Self:
        """Switch to training mode, here and in all inner modules. Returns self."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Switch to evaluation mode, here and in all inner modules. Returns self."""
        return self.train(False)

    def state_dict(self) -> dict[str, float]:
        """The numbers of all parameters, then of all buffers, by name."""
        return {name: p.data for name, p in self.named_parameters()} | dict(self.named_buffers())

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> "Keys":
        """Set parameters and buffers from `state`: all of them, or, if anything fails, none.

        strict: the names must be exactly this model's. Otherwise those that it lacks stay as they
        are, and unknown ones are passed over. Returns both lists, (missing_keys,
        unexpected_keys). Raises ValueError for other names, TypeError for what is no number.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"a state is a dict, number by name, as model.state_dict() returns it, but this is "
                f"of type {type(state).__name__}. To read a file: nn.load(model, path)."
            )
        mine = self.state_dict()
        keys = Keys([k for k in mine if k not in state], [k for k in state if k not in mine])
        if strict and (keys.missing_keys or keys.unexpected_keys):
            raise ValueError(
                f"this state belongs to a model of another shape than {self!r}.\n"
                f"  the model has {_shape(mine)}\n"
                f"  the state has {_shape(state)}\n"
                f"  missing in the state: {_first(keys.missing_keys)}; unknown to the model: "
                f"{_first(keys.unexpected_keys)}.\n"
                "Build the model with the sizes of the one that was saved, or load what fits with "
                "strict=False. (It is unchanged.)"
            )
        new = {name: _like(old, state[name]) for name, old in mine.items() if name in state}
        assign(self._changes(mine | new))
        return keys

    def _changes(self, numbers: dict[str, Any]) -> list[tuple[Any, str, Any]]:
        """The attributes to set, (object, name, new), so that the state is `numbers`."""
        changes: list[tuple[Any, str, Any]]
        changes = [(p, "data", float(numbers[name])) for name, p in self.named_parameters()]
        for (module, attribute), names, buffer in self._buffers():
            new = [numbers[name] for name in names]
            changes += [(v, "data", float(x)) for v, x in zip(buffer, new) if isinstance(v, Value)]
            whole = members.with_numbers(getattr(module, attribute), iter(new))
            changes.append((module, attribute, whole))
        return changes

    def summary(self) -> str:
        """A table as text: each module down to the layers, and how many parameters it holds."""
        rows = self._rows()
        a, b, c = (max(map(len, column)) for column in zip(*rows))
        return "\n".join(f"{x:{a}}  {y:{b}}  {z:>{c}}" for x, y, z in rows)

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [("name", "module", "parameters")]
        for name, module in self.named_modules():
            if module.level != "neuron" or module is self:
                rows.append((name or "(all)", repr(module), f"{len(module.parameters()):,}"))
        return rows

    def _repr_mimebundle_(self, **_: Any) -> Any:  # a notebook shows the summary as a picture
        picture, metadata = table(self._rows(), self.name)._repr_mimebundle_()
        return picture | {"text/plain": self.summary()}, metadata

    @property
    def name(self) -> str:
        """What pictures call this module."""
        return repr(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _records_nothing() -> bool:
    """Whether this thread or task is inside of `no_grad`."""
    return engine.recorder is not None and engine.recorder.own() is engine.compute_only


class Keys(NamedTuple):
    """What `load_state_dict` found: names that were missing in the state, and unknown ones."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def assign(changes: list[tuple[Any, str, Any]]) -> None:
    """Set attributes, (object, name, new) each: all of them or, if that is interrupted, none."""
    before = [(x, name, getattr(x, name)) for x, name, _ in changes]
    try:
        _set(changes)
    except BaseException:
        _set(before)
        raise


def _set(changes: list[tuple[Any, str, Any]]) -> None:
    deque(starmap(object.__setattr__, changes), maxlen=0)  # in C, where no signal comes between


def _like(old: Any, x: Any) -> Any:
    """`x` as a number of the kind of `old`."""
    if isinstance(x, bool) and not isinstance(old, bool):
        raise TypeError(f"a number is needed in a state, but here is {x}.")
    new = number(x)
    is_whole = isinstance(old, int) and new.is_integer()  # a count stays an int, a flag a bool
    return type(old)(new) if is_whole else new


def vector(xs: Any, width: int, module: Module) -> list[Value]:
    """The input `xs` of `module` as a list of `width` Values; plain numbers become Constants.

    One number alone is a vector of width 1. Raises ValueError, naming both widths, if `xs` has
    another length, and TypeError if something in it is not a number.
    """
    if type(xs) is not list:
        in_order(repr(module), xs)
        xs = xs if hasattr(xs, "__len__") else [xs]
    if len(xs) != width:
        raise ValueError(
            f"{module!r} takes {width} inputs, but got {len(xs)}. Give it one number for each "
            f"weight, or build it for {len(xs)} inputs."
        )
    try:
        return [x if hasattr(x, "apply_op") else as_value(x) for x in xs]
    except TypeError as error:
        raise TypeError(
            f"{module!r} takes one example at a time, a flat list of {width} numbers; for a batch "
            f"write [model(x) for x in batch]. In detail: {error}"
        ) from error


def _values(things: Iterable[Any]) -> Iterator[Value]:
    """All Values in nested lists and tuples, in order."""
    for thing in things:
        if isinstance(thing, Value):
            yield thing
        elif isinstance(thing, (list, tuple)):
            yield from _values(thing)


def _shape(names: Iterable[str]) -> str:
    """How many parameters there are of each sort, as in `304 layers.*.neurons.*.w.*`."""
    sorts = Counter(re.sub(r"(?<![^.])\d+(?![^.])", "*", name) for name in names)
    listed = ", ".join(f"{count} {sort}" for sort, count in list(sorts.items())[:8])
    return f"{sum(sorts.values())} parameters: {listed}{', ...' if len(sorts) > 8 else ''}"


def _first(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names) or "none"
