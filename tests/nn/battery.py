"""Every layer, registered once: test_battery.py puts each through the same tests.

A case says how to build the layer, what to feed it, and which PyTorch module it is, with the names
of that one's parameters: nested lists of ours in its shapes.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import autograd
import nn
from autograd import Value


@dataclass
class Case:
    """shape: of the input, nested lists of numbers. wrong: a shape that must raise ValueError.
    call: how PyTorch's module is called with a tensor, and what of its answer is compared.
    weights: of a layer, PyTorch's names with our nested lists in PyTorch's shape."""

    make: Callable[[], Any]
    shape: tuple[int, ...]
    out: tuple[int, ...]
    theirs: Callable[[Any], Any] | None = None
    weights: Callable[[Any], dict[str, Any]] = lambda layer: {}
    call: Callable[[Any, Any], Any] = lambda module, x: module(x)
    wrong: tuple[int, ...] | None = None
    tokens: list[int] = field(default_factory=list)  # instead of numbers
    ours: Callable[[Any, Any], Any] = lambda layer, x: layer(x)
    jits: bool = True


def dense(layer: Any, name: str = "") -> dict[str, Any]:
    """nn.Layer's weights as torch.nn.Linear has them."""
    found = {f"{name}weight": [n.w for n in layer.neurons]}
    if layer.neurons[0].b is not None:
        found[f"{name}bias"] = [n.b for n in layer.neurons]
    return found


def conv(layer: Any) -> dict[str, Any]:
    k = layer.kernel_size
    found = {
        "weight": [
            [
                [f.w[(c * k + i) * k : (c * k + i + 1) * k] for i in range(k)]
                for c in range(layer.in_channels)
            ]
            for f in layer.filters
        ]
    }
    if layer.filters[0].b is not None:
        found["bias"] = [f.b for f in layer.filters]
    return found


def recurrent(layer: Any) -> dict[str, Any]:
    """Our one bias is PyTorch's first; its second stays 0."""
    return {
        "weight_ih_l0": [n.w[: layer.nin] for n in layer.neurons],
        "weight_hh_l0": [n.w[layer.nin :] for n in layer.neurons],
        "bias_ih_l0": [n.b for n in layer.neurons],
    }


def named(*names: str) -> Callable[[Any], dict[str, Any]]:
    """PyTorch's own names."""
    return lambda layer: {name: getattr(layer, name) for name in names}


def frozen_second_bias(rnn: Any) -> Any:
    rnn.bias_hh_l0.data.zero_()
    rnn.bias_hh_l0.requires_grad_(False)
    return rnn


def rng() -> random.Random:
    return random.Random(7)


def all_of(layer: Any) -> dict[str, Any]:
    return {f"{i}.{k}": v for i in (0, 2) for k, v in dense(layer[i]).items()}


GATED = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
CASES = {
    "Neuron": Case(lambda: nn.Neuron(3, "tanh", rng=1), (3,), (), wrong=(4,)),
    "Layer": Case(
        lambda: nn.Layer(3, 2, "linear", rng=rng()),
        (3,),
        (2,),
        lambda t: t.nn.Linear(3, 2),
        dense,
        wrong=(2,),
    ),
    "Layer, no bias": Case(
        lambda: nn.Layer(3, 2, "linear", bias=False, rng=rng()),
        (3,),
        (2,),
        lambda t: t.nn.Linear(3, 2, bias=False),
        dense,
        wrong=(2,),
    ),
    "Layer, a function": Case(
        lambda: nn.Layer(3, 2, lambda v: v * v.sigmoid(), rng=rng()),
        (3,),
        (2,),
        lambda t: t.nn.Sequential(t.nn.Linear(3, 2), t.nn.SiLU()),
        lambda layer: dense(layer, "0."),
        wrong=(2,),
    ),
    "MLP": Case(
        lambda: nn.MLP(3, [4, 2], autograd.tanh, rng=rng()),
        (3,),
        (2,),
        lambda t: t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Linear(4, 2)),
        lambda m: dense(m.layers[0], "0.") | dense(m.layers[1], "2."),
        wrong=(4,),
    ),
    "Conv2d": Case(
        lambda: nn.Conv2d(2, 3, 2, rng=rng()),
        (2, 3, 4),
        (3, 2, 3),
        lambda t: t.nn.Conv2d(2, 3, 2),
        conv,
        wrong=(1, 3, 4),
    ),
    "Conv2d, all options": Case(
        lambda: nn.Conv2d(2, 1, 3, 2, 1, "tanh", bias=False, rng=rng()),
        (2, 4, 5),
        (1, 2, 3),
        lambda t: t.nn.Conv2d(2, 1, 3, 2, 1, bias=False),
        conv,
        lambda module, x: module(x).tanh(),
        wrong=(3, 4, 5),
    ),
    "MaxPool2d": Case(lambda: nn.MaxPool2d(2), (2, 4, 5), (2, 2, 2), lambda t: t.nn.MaxPool2d(2)),
    "MaxPool2d, stride": Case(
        lambda: nn.MaxPool2d(3, 1),
        (1, 4, 4),
        (1, 2, 2),
        lambda t: t.nn.MaxPool2d(3, 1),
        wrong=(1, 2, 2),
    ),
    "AvgPool2d": Case(
        lambda: nn.AvgPool2d(2),
        (2, 4, 5),
        (2, 2, 2),
        lambda t: t.nn.AvgPool2d(2),
        wrong=(1, 1, 1),
    ),
    "AvgPool2d, stride": Case(
        lambda: nn.AvgPool2d(3, 1), (1, 4, 5), (1, 2, 3), lambda t: t.nn.AvgPool2d(3, 1)
    ),
    "Flatten": Case(lambda: nn.Flatten(), (2, 3, 2), (12,), lambda t: t.nn.Flatten(0)),
    "Embedding": Case(
        lambda: nn.Embedding(4, 3, rng=rng()),
        (),
        (4, 3),
        lambda t: t.nn.Embedding(4, 3),
        named("weight"),
        tokens=[1, 0, 3, 1],
    ),
    "Embedding, padding": Case(
        lambda: nn.Embedding(4, 3, padding_idx=1, rng=rng()),
        (),
        (4, 3),
        lambda t: t.nn.Embedding(4, 3, padding_idx=1),
        named("weight"),
        tokens=[1, 0, 3, 1],
    ),
    "RNN": Case(
        lambda: nn.RNN(2, 3, rng=rng()),
        (4, 2),
        (4, 3),
        lambda t: frozen_second_bias(t.nn.RNN(2, 3)),
        recurrent,
        lambda module, x: module(x)[0],
        wrong=(4, 3),
    ),
    "RNN, relu": Case(
        lambda: nn.RNN(2, 3, "relu", rng=rng()),
        (4, 2),
        (4, 3),
        lambda t: frozen_second_bias(t.nn.RNN(2, 3, nonlinearity="relu")),
        recurrent,
        lambda module, x: module(x)[0],
        wrong=(4, 3),
    ),
    "GRU": Case(
        lambda: nn.GRU(2, 3, rng=rng()),
        (4, 2),
        (4, 3),
        lambda t: t.nn.GRU(2, 3),
        named(*GATED),
        lambda module, x: module(x)[0],
        wrong=(4, 3),
    ),
    "GRU, no bias": Case(
        lambda: nn.GRU(2, 3, bias=False, rng=rng()),
        (4, 2),
        (4, 3),
        lambda t: t.nn.GRU(2, 3, bias=False),
        named(*GATED[:2]),
        lambda module, x: module(x)[0],
        wrong=(4, 3),
    ),
    "LSTM": Case(
        lambda: nn.LSTM(2, 3, rng=rng()),
        (4, 2),
        (4, 3),
        lambda t: t.nn.LSTM(2, 3),
        named(*GATED),
        lambda module, x: module(x)[0],
        wrong=(4, 3),
        ours=lambda layer, xs: layer(xs)[0],
    ),
    "LSTM, no bias": Case(
        lambda: nn.LSTM(2, 3, bias=False, rng=rng()),
        (4, 2),
        (4, 3),
        lambda t: t.nn.LSTM(2, 3, bias=False),
        named(*GATED[:2]),
        lambda module, x: module(x)[0],
        ours=lambda layer, xs: layer(xs)[0],
    ),
    "Dropout, in evaluation": Case(
        lambda: nn.Dropout(0.5, rng=0).eval(), (3,), (3,), lambda t: t.nn.Dropout(0.5).eval()
    ),
    "LayerNorm": Case(
        lambda: nn.LayerNorm(4),
        (4,),
        (4,),
        lambda t: t.nn.LayerNorm(4),
        lambda layer: {"weight": layer.gain, "bias": layer.bias},
        wrong=(3,),
    ),
    "LayerNorm, eps": Case(
        lambda: nn.LayerNorm(4, eps=0.5),
        (4,),
        (4,),
        lambda t: t.nn.LayerNorm(4, eps=0.5),
        lambda layer: {"weight": layer.gain, "bias": layer.bias},
    ),
    "BatchNorm1d": Case(
        lambda: nn.BatchNorm1d(3),
        (4, 3),
        (4, 3),
        lambda t: t.nn.BatchNorm1d(3),
        named("weight", "bias"),
        wrong=(4, 2),
        jits=False,
    ),
    "BatchNorm1d, in evaluation": Case(
        lambda: nn.BatchNorm1d(3, eps=0.1).eval(),
        (4, 3),
        (4, 3),
        lambda t: t.nn.BatchNorm1d(3, eps=0.1).eval(),
        named("weight", "bias"),
    ),
    "BatchNorm1d, no statistics": Case(
        lambda: nn.BatchNorm1d(3, affine=False, track_running_stats=False),
        (4, 3),
        (4, 3),
        lambda t: t.nn.BatchNorm1d(3, affine=False, track_running_stats=False),
        wrong=(1, 3),
    ),
    "BatchNorm1d, cumulative": Case(
        lambda: nn.BatchNorm1d(3, momentum=None),
        (4, 3),
        (4, 3),
        lambda t: t.nn.BatchNorm1d(3, momentum=None),
        named("weight", "bias"),
        jits=False,
    ),
    "Sequential": Case(
        lambda: nn.Sequential(
            nn.Layer(3, 4, "linear", rng=1), nn.LayerNorm(4), nn.Layer(4, 2, "linear", rng=2)
        ),
        (3,),
        (2,),
        lambda t: t.nn.Sequential(t.nn.Linear(3, 4), t.nn.LayerNorm(4), t.nn.Linear(4, 2)),
        lambda m: all_of(m) | {"1.weight": m[1].gain, "1.bias": m[1].bias},
        wrong=(2,),
    ),
    "Sequential of a batch": Case(
        lambda: nn.Sequential(
            nn.Layer(3, 4, "linear", rng=1), nn.BatchNorm1d(4), nn.Layer(4, 2, "linear", rng=2)
        ),
        (5, 3),
        (5, 2),
        lambda t: t.nn.Sequential(t.nn.Linear(3, 4), t.nn.BatchNorm1d(4), t.nn.Linear(4, 2)),
        lambda m: all_of(m) | {"1.weight": m[1].weight, "1.bias": m[1].bias},
        wrong=(5, 2),
        jits=False,
    ),
    "ModuleList": Case(
        lambda: Chained(nn.ModuleList([nn.Layer(3, 2, rng=1), nn.Layer(2, 2, rng=2)])), (3,), (2,)
    ),
    "ModuleDict": Case(
        lambda: Chained(nn.ModuleDict({"a": nn.Layer(3, 2, rng=1), "b": nn.Layer(2, 2, rng=2)})),
        (3,),
        (2,),
    ),
}


class Chained(nn.Module):
    """A user's model around a container."""

    def __init__(self, parts: Any) -> None:
        self.parts = parts

    def forward(self, x: Any) -> Any:
        parts = self.parts.values() if hasattr(self.parts, "values") else self.parts
        for part in parts:
            x = part(x)
        return x


def filled(shape: tuple[int, ...], make: Callable[[], Any]) -> Any:
    """Nested lists of that shape."""
    return [filled(shape[1:], make) for _ in range(shape[0])] if shape else make()


def shape_of(nested: Any) -> tuple[int, ...]:
    return (len(nested), *shape_of(nested[0])) if isinstance(nested, list) else ()


def leaves(nested: Any) -> list[Any]:
    return [v for x in nested for v in leaves(x)] if isinstance(nested, list) else [nested]


def numbers(nested: Any, what: str = "data") -> Any:
    if isinstance(nested, list):
        return [numbers(x, what) for x in nested]
    return getattr(nested, what)


def inputs(case: Case, seed: int = 0) -> Any:
    draw = random.Random(seed)
    return case.tokens or filled(case.shape, lambda: Value(draw.gauss(0.0, 1.0)))


def shaken(layer: Any) -> Any:
    """With random parameters, also where they start at 0 or 1."""
    draw = random.Random(3)
    for p in layer.parameters():
        p.data = draw.gauss(0.0, 0.5)
    return layer
