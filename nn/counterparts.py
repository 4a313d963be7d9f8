"""What each layer and each optimiser is in PyTorch: the table behind `nn.to_torch`.

A *counterpart* says how a PyTorch user constructs the module that computes the same, and which of
our Values make up each of its tensors. Adding a layer to what can be exported is one function here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd.value import Value
from nn import layers
from nn.optim import SGD, Adam, AdamW, RMSprop

Shape = tuple[int, ...]

ACTIVATIONS = {  # by our name: what is written around x
    "linear": "{}",
    "relu": "torch.relu({})",
    "tanh": "torch.tanh({})",
    "sigmoid": "torch.sigmoid({})",
    "leaky_relu": "F.leaky_relu({})",
    # PyTorch's softplus is x itself above the threshold, 20 unless told: an error of 2e-9 there.
    "softplus": "F.softplus({}, threshold=40)",
    "gelu": 'F.gelu({}, approximate="tanh")',
    "exp": "torch.exp({})",
    "log": "torch.log({})",
    "sqrt": "torch.sqrt({})",
    "sin": "torch.sin({})",
    "cos": "torch.cos({})",
    "abs": "torch.abs({})",
    "neg": "-{}",
}


@dataclass(frozen=True)
class Tensor:
    """One of PyTorch's tensors: its shape, and its Values row by row.

    beside: another tensor whose sum with this one our Values hold (an RNN there has two biases).
    """

    shape: Shape
    values: Sequence[Value]
    beside: str = ""


@dataclass(frozen=True)
class Buffer:
    """A tensor that is not trained: the attribute of our module that holds its numbers."""

    shape: Shape
    module: Any
    attribute: str


@dataclass(frozen=True)
class Counterpart:
    """What a layer is in PyTorch.

    make: its constructor. tensors: by PyTorch's names. forward: the lines that apply it to `x`,
    with {} where the module goes. fixed: shapes of tensors that it has and ours has not: they are
    0 and do not train. is_number: ours returns one number where PyTorch's has an axis of length 1.
    buffers: tensors that are not trained.
    """

    make: str
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    forward: Sequence[str] = ("x = {}(x)",)
    fixed: Mapping[str, Shape] = field(default_factory=dict)
    is_number: bool = False
    buffers: Mapping[str, Buffer] = field(default_factory=dict)


COUNTERPARTS: dict[type, Callable[[Any], Counterpart]] = {}
Describe = Callable[[Any], Counterpart]


def counterpart(kind: type) -> Callable[[Describe], Describe]:
    """A decorator: the function says what a layer of this class is in PyTorch."""

    def register(describe: Describe) -> Describe:
        COUNTERPARTS[kind] = describe
        return describe

    return register


# --- the layers -----------------------------------------------------------------------------------


@counterpart(layers.Layer)
def _layer(layer: layers.Layer) -> Counterpart:
    return _linear(layer.neurons, layer.nin)


@counterpart(layers.Neuron)
def _neuron(neuron: layers.Neuron) -> Counterpart:
    return _linear([neuron], len(neuron.w))


def _linear(neurons: Sequence[layers.Neuron], nin: int) -> Counterpart:
    n, tensors = len(neurons), _dense(neurons, (len(neurons), nin))
    forward = [_activated(neurons[0].activation, "{}(x)")]
    make = f"nn.Linear({nin}, {n}{_without_bias(tensors)})"
    return Counterpart(make, tensors, forward, is_number=n == 1)


@counterpart(layers.Conv2d)
def _conv(conv: layers.Conv2d) -> Counterpart:
    n, k = len(conv.filters), conv.kernel_size
    tensors = _dense(conv.filters, (n, conv.in_channels, k, k))
    options = f", stride={conv.stride}" if conv.stride != 1 else ""
    options += f", padding={conv.padding}" if conv.padding else ""
    make = f"nn.Conv2d({conv.in_channels}, {n}, {k}{options}{_without_bias(tensors)})"
    return Counterpart(make, tensors, [_activated(conv.filters[0].activation, "{}(x)")])


@counterpart(layers.MaxPool2d)
def _max_pool(pool: layers.MaxPool2d) -> Counterpart:
    return Counterpart(f"nn.MaxPool2d({pool.kernel_size}, stride={pool.stride})")


@counterpart(layers.AvgPool2d)
def _average_pool(pool: layers.AvgPool2d) -> Counterpart:
    return Counterpart(f"nn.AvgPool2d({pool.kernel_size}, stride={pool.stride})")


@counterpart(layers.Flatten)
def _flatten(flatten: layers.Flatten) -> Counterpart:
    return Counterpart("nn.Flatten()")


@counterpart(layers.Embedding)
def _embedding(embedding: layers.Embedding) -> Counterpart:
    rows, width = embedding.weight, len(embedding.weight[0])
    padding = embedding.padding_idx
    option = "" if padding is None else f", padding_idx={padding}"
    tensor = Tensor((len(rows), width), [v for row in rows for v in row])
    return Counterpart(f"nn.Embedding({len(rows)}, {width}{option})", {"weight": tensor})


@counterpart(layers.RNN)
def _rnn(rnn: layers.RNN) -> Counterpart:
    n, nin, activation = rnn.nhidden, rnn.nin, rnn.neurons[0].activation
    if activation not in ("tanh", "relu"):
        raise TypeError(
            f"PyTorch's RNN knows tanh and relu, but {rnn!r} has another activation: write its "
            "loop in `forward`, with nn.RNNCell's tensors as a pattern."
        )
    tensors = {
        "weight_ih_l0": Tensor((n, nin), [v for neuron in rnn.neurons for v in neuron.w[:nin]]),
        "weight_hh_l0": Tensor((n, n), [v for neuron in rnn.neurons for v in neuron.w[nin:]]),
    }
    biases = [neuron.b for neuron in rnn.neurons if neuron.b is not None]
    if biases:
        tensors["bias_ih_l0"] = Tensor((n,), biases, beside="bias_hh_l0")
    options = "" if activation == "tanh" else ', nonlinearity="relu"'
    options += "" if biases else ", bias=False"
    fixed = {"bias_hh_l0": (n,)} if biases else {}
    make = f"nn.RNN({nin}, {n}, batch_first=True{options})"
    return Counterpart(make, tensors, ["x, _ = {}(x)"], fixed)


@counterpart(layers.GRU)
@counterpart(layers.LSTM)
def _gated(layer: Any) -> Counterpart:
    """Both have PyTorch's names and shapes. (An LSTM's output there is that of all steps.)"""
    tensors = {
        "weight_ih_l0": _matrix(layer.weight_ih_l0),
        "weight_hh_l0": _matrix(layer.weight_hh_l0),
    }
    for name in ("bias_ih_l0", "bias_hh_l0"):
        if (values := getattr(layer, name)) is not None:
            tensors[name] = Tensor((len(values),), values)
    option = "" if "bias_ih_l0" in tensors else ", bias=False"
    make = f"nn.{type(layer).__name__}({layer.nin}, {layer.nhidden}, batch_first=True{option})"
    return Counterpart(make, tensors, ["x, _ = {}(x)"])


@counterpart(layers.Dropout)
def _dropout(dropout: layers.Dropout) -> Counterpart:
    return Counterpart(f"nn.Dropout({dropout.p})")


@counterpart(layers.LayerNorm)
def _layer_norm(norm: layers.LayerNorm) -> Counterpart:
    n = len(norm.gain)
    tensors = {"weight": Tensor((n,), norm.gain), "bias": Tensor((n,), norm.bias)}
    return Counterpart(f"nn.LayerNorm({n}, eps={norm.eps})", tensors)


@counterpart(layers.BatchNorm1d)
def _batch_norm(norm: layers.BatchNorm1d) -> Counterpart:
    n, tensors, buffers = norm.n, {}, {}
    if norm.weight is not None and norm.bias is not None:
        tensors = {"weight": Tensor((n,), norm.weight), "bias": Tensor((n,), norm.bias)}
    if norm.track_running_stats:
        shapes = {"running_mean": (n,), "running_var": (n,), "num_batches_tracked": ()}
        buffers = {name: Buffer(shape, norm, name) for name, shape in shapes.items()}
    options = f"{n}, eps={norm.eps}, momentum={norm.momentum}, affine={bool(tensors)}"
    make = f"nn.BatchNorm1d({options}, track_running_stats={norm.track_running_stats})"
    return Counterpart(make, tensors, buffers=buffers)


def _dense(neurons: Sequence[layers.Neuron], shape: Shape) -> dict[str, Tensor]:
    tensors = {"weight": Tensor(shape, [v for neuron in neurons for v in neuron.w])}
    biases = [neuron.b for neuron in neurons if neuron.b is not None]
    if biases:
        tensors["bias"] = Tensor((len(neurons),), biases)
    return tensors


def _without_bias(tensors: Mapping[str, Tensor]) -> str:
    return "" if "bias" in tensors else ", bias=False"


def _matrix(rows: Sequence[Sequence[Value]]) -> Tensor:
    return Tensor((len(rows), len(rows[0])), [v for row in rows for v in row])


def _activated(activation: Any, call: str) -> str:
    """The line that applies a layer and its activation, which may be an op of the table, to x."""
    name = getattr(activation, "name", activation)
    if name not in ACTIVATIONS:
        raise TypeError(
            f"the activation {name!r} has no spelling in PyTorch that is known here. Those that "
            f"have: {', '.join(ACTIVATIONS)}."
        )
    return f"x = {ACTIVATIONS[name].format(call)}"


def function_line(function: Any) -> str:
    """The line that applies a function of a Sequential, an op of the table, to x."""
    return _activated(function, "x")


# Modules one after the other, called `layers` in PyTorch: how to list them.
CHAINS: dict[type, Callable[[Any], list[Any]]] = {
    layers.MLP: lambda mlp: list(mlp.layers),
    layers.Sequential: list,
}


# --- the optimisers -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Optimiser:
    """name: the class in torch.optim. settings: those that both have, by one name. memory: our
    names of what is remembered for each parameter, and PyTorch's. counts: it counts its steps."""

    name: str
    settings: tuple[str, ...]
    memory: Mapping[str, str]
    counts: bool = True


_MEANS = {"mean": "exp_avg", "square": "exp_avg_sq"}
OPTIMISERS: dict[type, Optimiser] = {
    SGD: Optimiser(
        "SGD",
        ("lr", "momentum", "nesterov", "weight_decay"),
        {"velocity": "momentum_buffer"},
        counts=False,
    ),
    RMSprop: Optimiser("RMSprop", ("lr", "alpha", "eps", "weight_decay"), {"square": "square_avg"}),
    Adam: Optimiser("Adam", ("lr", "betas", "eps", "weight_decay"), _MEANS),
    AdamW: Optimiser("AdamW", ("lr", "betas", "eps", "weight_decay"), _MEANS),
}
