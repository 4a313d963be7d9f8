"""`Module`: what every layer and model has in common, and models in files."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from autograd.draw import table
from autograd.value import Constant, Value, as_value

Self = TypeVar("Self", bound="Module")


class Module:
    """A part of a network: it holds parameters and computes outputs from inputs.

    A subclass assigns its parameters (leaf Values) and its inner modules to attributes, plainly or
    in lists, tuples and dicts, and writes `forward(*inputs)`. Calling the module runs `forward`
    and marks the Values that come out, so that a picture can draw the whole module as one box.

    training: True from the start and after `train()`, False after `eval()`; Dropout looks at it.
    level: the zoom level at which a picture shows the module: "neuron", "layer" or "model".
    """

    level = "model"
    training = True

    def forward(self, *inputs: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, ...)")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        outputs = self.forward(*inputs, **options)
        self.mark(_values([outputs]), list(_values(inputs)))
        return outputs

    def mark(self, outputs: Iterable[Value], inputs: list[Value]) -> None:
        """Note on each output, in its slot `module`: (self, inputs, the mark it had before)."""
        received = set(map(id, inputs))  # what is handed through unchanged was not made here
        for v in outputs:
            if v.parents and id(v) not in received:
                v.module = (self, inputs, getattr(v, "module", None))  # type: ignore[attr-defined]

    def parameters(self) -> list[Value]:
        """Everything to train: each leaf Value once, also where two layers share it."""
        return [found for found, _, _ in _walk(self, (), {id(self)}) if isinstance(found, Value)]

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """(name, Value) pairs; a name is the way there, such as `layers.0.neurons.3.w.1`."""
        for found, path, key in _walk(self, (), {id(self)}):
            if isinstance(found, Value):
                yield ".".join(map(str, (*path, key))), found

    def named_modules(self) -> Iterator[tuple[str, "Module"]]:
        """(name, Module) pairs: this module itself, by the name "", then all the inner ones."""
        yield "", self
        for found, path, key in _walk(self, (), {id(self)}):
            if isinstance(found, Module):
                yield ".".join(map(str, (*path, key))), found

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0. `backward()` adds, so do this before each one."""
        for p in self.parameters():
            p.grad = 0.0

    def train(self: Self, mode: bool = True) -> Self:
        """Switch to training mode, here and in all inner modules. Returns self."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Switch to evaluation mode, here and in all inner modules. Returns self."""
        return self.train(False)

    def state_dict(self) -> dict[str, float]:
        """The parameters' numbers by name."""
        return {name: p.data for name, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set every parameter from `state`. The names must be exactly this model's.

        Raises ValueError or TypeError if they are not, or if something in `state` is not a
        number; then the model is unchanged.
        """
        mine = dict(self.named_parameters())
        if mine.keys() != state.keys():
            missing = [name for name in mine if name not in state]
            unknown = [name for name in state if name not in mine]
            raise ValueError(
                f"this state belongs to a model of another shape than {self!r}.\n"
                f"  the model has {_shape(mine)}\n"
                f"  the state has {_shape(state)}\n"
                f"  missing in the state: {_first(missing)}; unknown to the model: "
                f"{_first(unknown)}.\n"
                "Build the model with the sizes of the one that was saved. (It is unchanged.)"
            )
        numbers = {name: Value(x).data for name, x in state.items()}  # all of them, then set
        for name, p in mine.items():
            p.data = numbers[name]

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


def vector(xs: Any, width: int, module: Module) -> list[Value]:
    """The input `xs` of `module` as a list of `width` Values; plain numbers become Constants.

    One number alone is a vector of width 1. Raises ValueError, naming both widths, if `xs` has
    another length, and TypeError if something in it is not a number.
    """
    if not hasattr(xs, "__len__"):
        xs = [xs]
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


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the model's parameters to the JSON file `path`.

    The file appears in one step, whole: whoever kills the process on the way finds the old file.
    """
    text = json.dumps({"format": _FORMAT, "model": repr(model), "state": model.state_dict()})
    beside = f"{os.fspath(path)}.{os.getpid()}.tmp"  # in the same folder, so that replace is atomic
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.remove(beside)
        raise


def load(model: Module, path: str | os.PathLike[str]) -> None:
    """Set the model's parameters from a file that `save` wrote, for a model of the same shape.

    Raises ValueError for a truncated, foreign or differently shaped file; then the model is
    unchanged. The file is data only: reading it runs no code.
    """
    with open(path, "rb") as file:
        raw = file.read()
    try:
        content = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} is not whole JSON: it was cut off, or nn.save did not write it. "
            f"Load another copy, or save the model again. ({error}; the model is unchanged)"
        ) from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError(
            f"{os.fspath(path)!r} is JSON, but not a file of nn.save: there is no "
            f'"format": "{_FORMAT}" in it. Give the path that nn.save wrote. (The model is '
            "unchanged.)"
        )
    state = content.get("state")
    if not isinstance(state, dict):
        raise ValueError(f"{os.fspath(path)!r} holds no parameters. (The model is unchanged.)")
    try:
        model.load_state_dict(state)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} holds {content.get('model')}, and it can't be loaded into "
            f"{model!r}: {error}"
        ) from error


_FORMAT = "glassgrad model 1"


def _walk(thing: Any, path: tuple[Any, ...], seen: set[Any]) -> Iterator[tuple[Any, ...]]:
    """The parameters and modules in `thing`, each once: (object, the path to its holder, key)."""
    held = vars(thing) if isinstance(thing, Module) else thing
    items: Iterable[tuple[Any, Any]] = held.items() if isinstance(held, dict) else enumerate(held)
    for key, item in items:
        if isinstance(item, Value):
            if not (item.parents or item in seen or isinstance(item, Constant)):
                seen.add(item)  # (results and plain numbers that a module keeps are not trained)
                yield item, path, key
        elif isinstance(item, (Module, list, tuple, dict)) and id(item) not in seen:
            seen.add(id(item))
            if isinstance(item, Module):
                yield item, path, key
            yield from _walk(item, (*path, key), seen)


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
