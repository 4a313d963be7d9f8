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
class Counterpart:
    """What a layer is in PyTorch.

    make: its constructor. tensors: by PyTorch's names. forward: the lines that apply it to `x`,
    with {} where the module goes. fixed: shapes of tensors that it has and ours has not: they are
    0 and do not train. is_number: ours returns one number where PyTorch's has an axis of length 1.
    """

    make: str
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    forward: Sequence[str] = ("x = {}(x)",)
    fixed: Mapping[str, Shape] = field(default_factory=dict)
    is_number: bool = False


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
    n = len(layer.neurons)
    forward = [_activated(layer.neurons[0].activation, "{}(x)")]
    make, tensors = f"nn.Linear({layer.nin}, {n})", _dense(layer.neurons, (n, layer.nin))
    return Counterpart(make, tensors, forward, is_number=n == 1)


@counterpart(layers.Neuron)
def _neuron(neuron: layers.Neuron) -> Counterpart:
    nin = len(neuron.w)
    forward, tensors = [_activated(neuron.activation, "{}(x)")], _dense([neuron], (1, nin))
    return Counterpart(f"nn.Linear({nin}, 1)", tensors, forward, is_number=True)


@counterpart(layers.Conv2d)
def _conv(conv: layers.Conv2d) -> Counterpart:
    n, k = len(conv.filters), conv.kernel_size
    options = f", stride={conv.stride}" if conv.stride != 1 else ""
    options += f", padding={conv.padding}" if conv.padding else ""
    make = f"nn.Conv2d({conv.in_channels}, {n}, {k}{options})"
    forward = [_activated(conv.filters[0].activation, "{}(x)")]
    return Counterpart(make, _dense(conv.filters, (n, conv.in_channels, k, k)), forward)


@counterpart(layers.MaxPool2d)
def _max_pool(pool: layers.MaxPool2d) -> Counterpart:
    return Counterpart(f"nn.MaxPool2d({pool.kernel_size}, stride={pool.stride})")


@counterpart(layers.Embedding)
def _embedding(embedding: layers.Embedding) -> Counterpart:
    rows, width = embedding.weight, len(embedding.weight[0])
    tensor = Tensor((len(rows), width), [v for row in rows for v in row])
    return Counterpart(f"nn.Embedding({len(rows)}, {width})", {"weight": tensor})


@counterpart(layers.RNN)
def _rnn(rnn: layers.RNN) -> Counterpart:
    n, nin, activation = len(rnn.neurons), rnn.nin, rnn.neurons[0].activation
    if activation not in ("tanh", "relu"):
        raise TypeError(
            f"PyTorch's RNN knows tanh and relu, but {rnn!r} has {activation}: write its loop in "
            "`forward`, with nn.RNNCell's tensors as a pattern."
        )
    option = "" if activation == "tanh" else ', nonlinearity="relu"'
    tensors = {
        "weight_ih_l0": Tensor((n, nin), [v for neuron in rnn.neurons for v in neuron.w[:nin]]),
        "weight_hh_l0": Tensor((n, n), [v for neuron in rnn.neurons for v in neuron.w[nin:]]),
        "bias_ih_l0": Tensor((n,), [neuron.b for neuron in rnn.neurons], beside="bias_hh_l0"),
    }
    make = f"nn.RNN({nin}, {n}, batch_first=True{option})"
    return Counterpart(make, tensors, ["x, _ = {}(x)"], {"bias_hh_l0": (n,)})


@counterpart(layers.Dropout)
def _dropout(dropout: layers.Dropout) -> Counterpart:
    return Counterpart(f"nn.Dropout({dropout.p})")


@counterpart(layers.LayerNorm)
def _layer_norm(norm: layers.LayerNorm) -> Counterpart:
    n = len(norm.gain)
    tensors = {"weight": Tensor((n,), norm.gain), "bias": Tensor((n,), norm.bias)}
    return Counterpart(f"nn.LayerNorm({n}, eps={norm.eps})", tensors)


def _dense(neurons: Sequence[layers.Neuron], shape: Shape) -> dict[str, Tensor]:
    weights = [v for neuron in neurons for v in neuron.w]
    return {
        "weight": Tensor(shape, weights),
        "bias": Tensor((len(neurons),), [neuron.b for neuron in neurons]),
    }


def _activated(activation: str, call: str) -> str:
    if activation not in ACTIVATIONS:
        raise TypeError(f"there is no spelling of {activation!r} in PyTorch: add it to ACTIVATIONS")
    return f"x = {ACTIVATIONS[activation].format(call)}"


CHAINS: dict[type, str] = {layers.MLP: "layers"}  # modules one after the other: in which attribute


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
