"""Graduation: a model as PyTorch's users write it, with its weights, and the way back.

`to_torch` writes a class, layer by layer (counterparts.py), and fills an object of it with the
model's numbers; `from_torch` brings numbers back. Optimisers go along, with their memory.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd.value import Value
from nn.counterparts import (
    CHAINS,
    COUNTERPARTS,
    OPTIMISERS,
    Buffer,
    Counterpart,
    Shape,
    Tensor,
    function_line,
)
from nn.layers import ModuleDict, ModuleList
from nn.module import Module
from nn.optim import Optimizer

# --- a model as a class ---------------------------------------------------------------------------

Forward = Callable[..., Any] | Mapping[type, Callable[..., Any]]


@dataclass
class _Class:
    """A class on its way to text, and what is known of an object of it."""

    name: str
    attributes: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        body = ["def __init__(self) -> None:", "    super().__init__()"]
        body += [f"    {line}" for line in self.attributes]
        body += ["", *self.forward]
        return "\n".join([f"class {self.name}(nn.Module):", *[f"    {x}".rstrip() for x in body]])


class _Export:
    """A model's classes, innermost first, and its tensors by name."""

    def __init__(self, model: Module, forward: Forward | None, is_for_names: bool = False) -> None:
        """is_for_names: nobody will run the classes, so that no forward pass is asked for."""
        self.is_for_names = is_for_names
        self.classes: list[_Class] = []
        self.tensors: dict[str, Tensor] = {}
        self.fixed: list[str] = []
        self.buffers: dict[str, Buffer] = {}
        self.forwards: dict[type, Callable[..., Any]] = {}
        self.names: dict[type, list[str]] = {}  # what the classes for a class are called
        if forward is not None:
            given = forward if isinstance(forward, Mapping) else {type(model): forward}
            self.forwards = dict(given)
        known = COUNTERPARTS.get(type(model))
        if known:
            self.whole_layer(model, known(model))
        else:
            self.make(model, "")
        self.name = self.classes[-1].name

    def whole_layer(self, layer: Module, found: Counterpart) -> None:
        """A class around one layer, which may be no more than a function in PyTorch."""
        self.keep(found, "layer.")
        lines = [line.format("self.layer") for line in found.forward]
        lines += ["x = x.squeeze(-1)"] * found.is_number
        forward = _method([*lines, "return x"])
        name = self.fresh(type(layer).__name__)
        self.classes.append(_Class(name, [f"self.layer = {found.make}"], forward))

    def make(self, module: Module, path: str) -> str:
        """The expression that constructs it."""
        if known := COUNTERPARTS.get(type(module)):
            found = known(module)
            self.keep(found, path)
            return found.make
        cls = _Class(self.fresh(type(module).__name__))
        self.names.setdefault(type(module), []).append(cls.name)
        if type(module) in CHAINS:
            self.chain(cls, CHAINS[type(module)](module), path)
        else:
            for name, part in vars(module).items():
                if not name.startswith("_") and (made := self.attribute(part, f"{path}{name}.")):
                    cls.attributes.append(f"self.{name} = {made}")
            cls.forward = self.forward_of(module)
        self.classes.append(cls)
        return f"{cls.name}()"

    def chain(self, cls: _Class, parts: list[Any], path: str) -> None:
        """Modules, and functions, one after the other."""
        made: list[str] = []
        lines, is_number = [], False
        for part in parts:
            if not isinstance(part, Module):
                lines.append(function_line(part))
                continue
            place = f"self.layers[{len(made)}]"
            made.append(self.make(part, f"{path}layers.{len(made)}."))
            known = COUNTERPARTS.get(type(part))
            found = known(part) if known else Counterpart("")
            lines += [line.format(place) for line in found.forward]
            is_number = found.is_number
        cls.attributes.append(f"self.layers = nn.ModuleList([{', '.join(made)}])")
        cls.forward = _method([*lines, *["x = x.squeeze(-1)"] * is_number, "return x"])

    def attribute(self, part: Any, path: str) -> str:
        """The expression for what an attribute holds, if that is modules or parameters."""
        if isinstance(part, Module) and type(part) not in (ModuleList, ModuleDict):
            return self.make(part, path)
        is_dict = isinstance(part, dict | ModuleDict)
        rows = dict(part.items() if is_dict else enumerate(_items(part)))
        if rows and all(isinstance(item, Module) for item in rows.values()):
            made = {key: self.make(item, f"{path}{key}.") for key, item in rows.items()}
            if is_dict:
                return f"nn.ModuleDict({{{', '.join([f'{k!r}: {x}' for k, x in made.items()])}}})"
            return f"nn.ModuleList([{', '.join(made.values())}])"
        shape = _shape(part)
        if shape is None:
            return ""
        self.tensors[path.rstrip(".")] = Tensor(shape, list(_flat(part)))
        return f"nn.Parameter(torch.empty({', '.join(map(str, shape)) or '()'}))"

    def keep(self, found: Counterpart, path: str) -> None:
        self.tensors |= {f"{path}{name}": tensor for name, tensor in found.tensors.items()}
        self.fixed += [f"{path}{name}" for name in found.fixed]
        self.buffers |= {f"{path}{name}": buffer for name, buffer in found.buffers.items()}

    def forward_of(self, module: Module) -> list[str]:
        kind = type(module)
        if self.is_for_names:
            return []
        if kind in self.forwards:
            return _text_of(self.forwards[kind])
        raise TypeError(
            f"{kind.__name__}.forward is code of your own, in scalars: PyTorch's needs the "
            "same in tensors, a batch at a time. Write it and hand it over, "
            f"nn.to_torch(model, forward={{{kind.__name__}: forward}}) with "
            "def forward(self, x): ...; self has the same attributes."
        )

    def fresh(self, name: str) -> str:
        taken = {cls.name for cls in self.classes}
        n = 1
        found = name
        while found in taken:
            n += 1
            found = f"{name}{n}"
        return found

    @property
    def source(self) -> str:
        text = "\n\n\n".join(map(str, self.classes)) + "\n"
        # A user's forward pass may be annotated with names that are not imported there.
        lazy = "from __future__ import annotations\n\n" * bool(self.forwards)
        functional = "import torch.nn.functional as F\n" * ("F." in text)
        return f"{lazy}import torch\n{functional}from torch import nn\n\n\n{text}"


def _method(lines: Sequence[str]) -> list[str]:
    return ["def forward(self, x: torch.Tensor) -> torch.Tensor:", *[f"    {x}" for x in lines]]


def _text_of(function: Callable[..., Any]) -> list[str]:
    """The function's source as a method `forward`, without the indentation that it had."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        text = ""
    if not text.startswith("def forward("):
        raise TypeError(
            "forward= takes a function that is written as `def forward(self, x): ...` in a file or "
            "a notebook's cell: its text becomes a part of the module's source."
        )
    return text.rstrip().splitlines()


def _items(x: Any) -> Iterator[Any]:
    return iter(x) if isinstance(x, list | tuple | ModuleList) else iter(())


def _shape(x: Any) -> Shape | None:
    """The shape of nested lists of leaf Values, if they are that, and regular."""
    if isinstance(x, Value):
        return ()
    shapes = {_shape(item) for item in _items(x)}
    if len(shapes) != 1 or None in shapes:
        return None
    inner = shapes.pop()
    return None if inner is None else (len(x), *inner)


def _flat(x: Any) -> Iterator[Value]:
    if isinstance(x, Value):
        yield x
    else:
        for item in x:
            yield from _flat(item)


# --- there and back -------------------------------------------------------------------------------


def tensors(model: Module) -> dict[str, Tensor]:
    """The model's parameters as PyTorch's tensors: by name, each with its shape and its Values."""
    return _Export(model, None, is_for_names=True).tensors


def to_torch(model: Module, forward: Forward | None = None, *, dtype: str = "float64") -> Any:
    """`model` as a `torch.nn.Module` that a PyTorch user would have written, with its weights.

    It takes a batch where ours takes one example: a tensor with one more axis in front. `.source`
    is its class, as text to keep: run it, and load this module's `state_dict()`.

    forward: for a model with a forward pass of its own, the same in tensors, `def forward(self,
    x)`; for several such classes a dict, by class. dtype: "float64", which computes what our floats
    do to rounding, or "float32", PyTorch's usual one.
    Raises TypeError for what has no counterpart, ImportError without PyTorch.
    """
    torch = _torch()
    export = _Export(model, forward)
    space: dict[str, Any] = {}
    exec(compile(export.source, "<nn.to_torch>", "exec"), space)  # our own text, and the user's
    for kind, function in export.forwards.items():
        for name in export.names.get(kind, ()):
            space[name].forward = function  # which knows the names around it
    module = space[export.name]().to(getattr(torch, dtype)).train(model.training)
    mine = dict(module.named_parameters()) | dict(module.named_buffers())
    with torch.no_grad():
        for name in export.fixed:
            mine[name].zero_().requires_grad_(False)
        for name, tensor in export.tensors.items():
            numbers = [v.data for v in tensor.values]
            mine[name].copy_(torch.tensor(numbers, dtype=torch.float64).reshape(tensor.shape))
        for name, buffer in export.buffers.items():
            numbers = getattr(buffer.module, buffer.attribute)
            mine[name].copy_(torch.tensor(numbers, dtype=mine[name].dtype))
    module.source = export.source
    return module


def from_torch(module: Any, model: Module) -> None:
    """Set the model's parameters from a module that `to_torch` made of one like it, say after
    training there. The model's mode (training or evaluation) follows, too.

    Raises ValueError if a tensor is missing or has another shape; then the model is unchanged.
    """
    _torch()
    state = {name: x.detach().double() for name, x in module.state_dict().items()}
    export = _Export(model, None, is_for_names=True)
    changes: list[tuple[Value, float]] = []
    for name, tensor in export.tensors.items():
        changes += zip(tensor.values, _numbers(state, name, tensor))
    found = {name: _checked(state, name, x.shape).tolist() for name, x in export.buffers.items()}
    for v, x in changes:
        v.data = x
    for name, buffer in export.buffers.items():
        is_count = isinstance(getattr(buffer.module, buffer.attribute), int)
        setattr(buffer.module, buffer.attribute, int(found[name]) if is_count else found[name])
    model.train(module.training)


def _numbers(state: Mapping[str, Any], name: str, tensor: Tensor) -> list[float]:
    wanted = [name, *[f"{name.rpartition('.')[0]}.{tensor.beside}"] * bool(tensor.beside)]
    total = sum([_checked(state, key, tensor.shape) for key in wanted])
    numbers: list[float] = total.reshape(-1).tolist()
    return numbers


def _checked(state: Mapping[str, Any], key: str, shape: Shape) -> Any:
    """The tensor of that name, if it has this shape."""
    if key not in state or tuple(state[key].shape) != shape:
        found = f"of shape {tuple(state[key].shape)}" if key in state else "missing"
        raise ValueError(
            f"the model needs the tensor {key!r} of shape {shape}, but it is {found}: the module "
            "must come from nn.to_torch of a model of the same sizes. (The model is unchanged.)"
        )
    return state[key]


def to_torch_optimizer(optimizer: Optimizer, model: Module, module: Any) -> Any:
    """The optimizer of `model`'s parameters as torch.optim's, for `module` = to_torch(model).

    Settings, steps and what is remembered for each parameter go along, so that training goes on
    there as it would here. Raises TypeError for an optimiser of another class than nn.optim's.
    """
    torch, known = _torch(), _known(optimizer)
    mine = dict(module.named_parameters())
    trained = [p for p in mine.values() if p.requires_grad]
    settings = {name: getattr(optimizer, name) for name in known.settings}
    made = getattr(torch.optim, known.name)(trained, **settings)
    place = {id(p): i for i, p in enumerate(optimizer.params)}
    for name, tensor in tensors(model).items():
        if optimizer.steps:
            entry: dict[str, Any] = {}
            for our, their in known.memory.items():
                if our in optimizer.state:
                    column = optimizer.state[our]
                    numbers = [float(column[place[id(v)]]) for v in tensor.values]
                    entry[their] = torch.tensor(numbers, dtype=mine[name].dtype)
                    entry[their] = entry[their].reshape(tensor.shape)
            if known.counts:
                entry["step"] = torch.tensor(float(optimizer.steps))
            made.state[mine[name]] = entry
    return made


def from_torch_optimizer(made: Any, module: Any, optimizer: Optimizer, model: Module) -> None:
    """Go on here where `made`, an optimizer of torch.optim for `module`, has stopped: the way
    back of `to_torch_optimizer`. Raises ValueError for one of another class."""
    known = _known(optimizer)
    if type(made).__name__ != known.name:
        raise ValueError(f"{optimizer!r} goes on from torch.optim.{known.name}, not from {made!r}")
    mine, columns = dict(module.named_parameters()), dict[str, list[float]]()
    place = {id(p): i for i, p in enumerate(optimizer.params)}
    for our, their in known.memory.items():
        if our in optimizer.state:
            columns[our] = [0.0] * len(optimizer.params)
            for name, tensor in tensors(model).items():
                kept = made.state[mine[name]].get(their)
                numbers = [0.0] * len(tensor.values) if kept is None else kept.reshape(-1).tolist()
                for v, x in zip(tensor.values, numbers):
                    columns[our][place[id(v)]] = float(x)
    steps = [int(entry["step"]) for entry in made.state.values() if "step" in entry]
    optimizer.state |= columns
    optimizer.steps = max(steps, default=optimizer.steps + (len(made.state) > 0))
    for name in known.settings:
        setattr(optimizer, name, made.param_groups[0][name])


def _known(optimizer: Optimizer) -> Any:
    if type(optimizer) not in OPTIMISERS:
        raise TypeError(
            f"{type(optimizer).__name__} has no counterpart in torch.optim that is known here: "
            f"{', '.join([kind.__name__ for kind in OPTIMISERS])} have."
        )
    return OPTIMISERS[type(optimizer)]


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f'PyTorch is needed here: pip install "glassgrad[torch]" ({error})'
        ) from error
    return torch
