"""Dense layers: neurons, layers of them, and networks of those."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from sys import intern
from typing import Any

from autograd.number import number
from autograd.ops import OPS, Op
from autograd.value import Value, dot
from nn.checks import flag, size
from nn.init import GAINS, Initialiser, generator, kaiming_uniform
from nn.module import Module, vector

Activation = str | Op | Callable[[Value], Value]


class Neuron(Module):
    """activation(w[0] * x[0] + w[1] * x[1] + ... + b): nin inputs, one output.

    activation: "linear", an op of one input by name or as it is ("tanh", autograd.tanh), or a
    function of a Value that returns one. nonlin is micrograd's word for it: True is "relu", False
    is "linear". bias=False leaves b away (it is None).
    The weighted sum is ONE node of the graph (op "dot").
    """

    level = "neuron"

    def __init__(
        self,
        nin: int,
        activation: Activation = "relu",
        nonlin: bool | None = None,
        *,
        bias: bool = True,
        init: Initialiser | None = None,
        rng: random.Random | int | None = None,
        fan_out: int = 1,
    ) -> None:
        nin, self.activation = size("nin", nin), known_activation(activation, nonlin)
        init = init or default_init(self.activation)
        numbers = drawn(init, nin, nin, fan_out, generator(rng))
        self.w = [Value(x, intern(f"w{i}")) for i, x in enumerate(numbers)]
        self.b = Value(0.0, "b") if flag("bias", bias) else None

    def __call__(self, xs: Sequence[Any]) -> Value:
        """xs: nin numbers. Returns one Value."""
        return self.fire(vector(xs, len(self.w), self))

    def fire(self, xs: list[Value]) -> Value:
        """The call without its checks: a layer has made `xs` ready for all its neurons."""
        out: Value = dot(self.w, xs, self.b)
        if self.activation != "linear":
            try:
                op = OPS[self.activation]
            except (KeyError, TypeError):  # a function
                out = self.activation(out)
            else:
                out = out.apply_op(op, (out,))
        if out.parents:
            out.module = (self, xs, None)  # type: ignore[attr-defined]
        return out

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, {name_of(self.activation)})"


class Layer(Module):
    """nout neurons that read the same nin inputs: a dense layer.

    Called with nin numbers, it returns nout Values; if nout is 1, the Value itself (as micrograd).
    The options are each neuron's.
    """

    level = "layer"

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: Activation = "relu",
        nonlin: bool | None = None,
        *,
        bias: bool = True,
        init: Initialiser | None = None,
        rng: random.Random | int | None = None,
    ) -> None:
        self.nin = size("nin", nin)
        activation = known_activation(activation, nonlin)
        self.neurons = neurons(self.nin, size("nout", nout), activation, bias, init, rng)

    def __call__(self, xs: Sequence[Any]) -> Any:
        xs = vector(xs, self.nin, self)
        out = [neuron.fire(xs) for neuron in self.neurons]
        for v in out:
            if v.parents:  # `mark` for outputs that are surely new: half of its cost
                v.module = (self, xs, v.module)  # type: ignore[attr-defined]
        return out if len(out) > 1 else out[0]

    def __repr__(self) -> str:
        return f"Layer({self.nin}, {len(self.neurons)}, {name_of(self.neurons[0].activation)})"


class MLP(Module):
    """A multi-layer perceptron: dense layers of the widths `nouts`, the last one linear.

    `MLP(2, [16, 16, 1])` reads 2 numbers and returns a Value; if the last width is above 1, a list.
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation = "relu",
        *,
        bias: bool = True,
        init: Initialiser | None = None,
        rng: random.Random | int | None = None,
    ) -> None:
        if isinstance(nouts, str) or not hasattr(nouts, "__len__") or len(nouts) == 0:
            raise TypeError(
                f"MLP needs the list of its layers' widths, but got {nouts!r}: write "
                f"MLP({nin}, [{nouts if isinstance(nouts, int) else '16, 1'}])."
            )
        rng, last = generator(rng), len(nouts) - 1
        widths = [size("nin", nin), *[size("a layer's width", n) for n in nouts]]
        self.layers = [
            Layer(a, b, activation if i < last else "linear", bias=bias, init=init, rng=rng)
            for i, (a, b) in enumerate(zip(widths, widths[1:]))
        ]

    def __call__(self, xs: Sequence[Any]) -> Any:
        return super().__call__(vector(xs, self.layers[0].nin, self))

    def forward(self, xs: list[Value]) -> Any:
        out: Any = xs
        for layer in self.layers:
            out = layer(out)
        return out

    def __repr__(self) -> str:
        return f"MLP({self.layers[0].nin}, {[len(layer.neurons) for layer in self.layers]})"


# --- what other layers use, too -------------------------------------------------------------------


def neurons(
    nin: int,
    n: int,
    activation: Any,
    bias: bool,
    init: Initialiser | None,
    rng: random.Random | int | None,
    fan_out: int = 0,
) -> list[Neuron]:
    """n neurons that stand in one layer."""
    options: dict[str, Any] = {"bias": bias, "init": init, "rng": generator(rng)}
    return [Neuron(nin, activation, fan_out=fan_out or n, **options) for _ in range(n)]


def known_activation(activation: Any, nonlin: bool | None = None) -> Any:
    """The symbol of an op, "linear", or a function. Raises ValueError for anything else."""
    if nonlin is not None:
        return "relu" if flag("nonlin", nonlin) else "linear"
    known = ["linear", *[op.symbol for op in OPS.values() if op.numpy and len(op.samples[0]) == 1]]
    name = activation.symbol if isinstance(activation, Op) else activation
    if isinstance(name, str) and name in known:
        return name
    if callable(activation) and not isinstance(activation, Op):
        return activation
    raise ValueError(
        f"there is no activation {name!r:.60}. There are: {', '.join(known)}; or give a function "
        "of a Value, such as lambda v: v.tanh()."
    )


def name_of(activation: Any) -> str:
    return (
        activation if isinstance(activation, str) else getattr(activation, "__name__", "function")
    )


def default_init(activation: Any) -> Initialiser:
    """Kaiming's uniform spread, with the gain of the activation."""
    gain = GAINS.get(activation, 1.0) if isinstance(activation, str) else 1.0
    return partial(kaiming_uniform, gain=gain)


def drawn(init: Any, n: int, fan_in: int, fan_out: int, rng: random.Random) -> list[float]:
    """n numbers from an initialiser. Raises if it is none, or gives something else."""
    if not callable(init):
        raise TypeError(f"init is a function, such as nn.init.normal, but this is {init!r:.60}.")
    numbers = [number(x) for x in init(n, fan_in, fan_out, rng)]
    if len(numbers) != n:
        raise ValueError(f"init must return {n} numbers, but returned {len(numbers)}.")
    return numbers
