"""Layers: modules that compute, from neurons up.

Data are plain lists of Values or numbers, one example at a time: a vector is a list, an image a
list of channels, each a list of rows. A forward pass uses operators and ops only, and never looks
at a number, so `autograd.jit` can run it on symbols.

All layers with weights take `init=` (see `nn.init`; by default Kaiming's uniform spread with the
activation's gain; biases start at 0) and `rng=`, a `random.Random` to draw from. Without `rng`,
Python's own generator seeds the layer: `random.seed(0)` makes a model repeatable.
"""

import random
from collections.abc import Iterator, Sequence
from functools import partial
from sys import intern
from typing import Any

from autograd.ops import OPS, maximum, sqrt, sum, take
from autograd.value import Constant, Value, dot
from nn.init import GAINS, Initialiser, generator, kaiming_uniform, normal
from nn.module import Module, vector


class Neuron(Module):
    """activation(w[0] * x[0] + w[1] * x[1] + ... + b): nin inputs, one output.

    activation: "linear" or an op of one input, such as "relu" or "tanh".
    The weighted sum is ONE node of the graph (op "dot").
    """

    level = "neuron"

    def __init__(
        self,
        nin: int,
        activation: str = "relu",
        *,
        init: Initialiser | None = None,
        rng: random.Random | None = None,
        fan_out: int = 1,
    ) -> None:
        _check_sizes(nin=nin)
        _check_activation(activation)
        init = init or partial(kaiming_uniform, gain=GAINS.get(activation, 1.0))
        numbers = init(nin, nin, fan_out, generator(rng))
        self.w = [Value(x, intern(f"w{i}")) for i, x in enumerate(numbers)]
        self.b = Value(0.0, "b")
        self.activation = activation

    def __call__(self, xs: Sequence[Any]) -> Value:
        """xs: nin numbers. Returns one Value."""
        return self.fire(vector(xs, len(self.w), self))

    def fire(self, xs: list[Value]) -> Value:
        """The call without its checks: a layer has made `xs` ready for all its neurons."""
        out: Value = dot(self.w, xs, self.b)
        if self.activation != "linear":
            out = out.apply_op(OPS[self.activation], (out,))
        if out.parents:
            out.module = (self, xs, None)  # type: ignore[attr-defined]
        return out

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, {self.activation})"


class Layer(Module):
    """nout neurons that read the same nin inputs: a dense layer.

    Called with nin numbers, it returns nout Values; if nout is 1, the Value itself (as micrograd).
    """

    level = "layer"

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: str = "relu",
        *,
        init: Initialiser | None = None,
        rng: random.Random | None = None,
    ) -> None:
        _check_sizes(nin=nin, nout=nout)
        self.nin = nin
        self.neurons = _neurons(nin, nout, activation, init, rng)

    def __call__(self, xs: Sequence[Any]) -> Any:
        xs = vector(xs, self.nin, self)
        out = [neuron.fire(xs) for neuron in self.neurons]
        for v in out:
            if v.parents:  # `mark` for outputs that are surely new: half of its cost
                v.module = (self, xs, v.module)  # type: ignore[attr-defined]
        return out if len(out) > 1 else out[0]

    def __repr__(self) -> str:
        return f"Layer({self.nin}, {len(self.neurons)}, {self.neurons[0].activation})"


class MLP(Module):
    """A multi-layer perceptron: dense layers of the widths `nouts`, the last one linear.

    `MLP(2, [16, 16, 1])` reads 2 numbers and returns a Value; if the last width is above 1, a list.
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str = "relu",
        *,
        init: Initialiser | None = None,
        rng: random.Random | None = None,
    ) -> None:
        if not isinstance(nouts, (list, tuple)) or not nouts:
            raise TypeError(
                f"MLP needs the list of its layers' widths, but got {nouts!r}: write "
                f"MLP({nin}, [{nouts if isinstance(nouts, int) else '16, 1'}])."
            )
        rng = generator(rng)
        self.layers = [
            Layer(a, b, activation if i < len(nouts) - 1 else "linear", init=init, rng=rng)
            for i, (a, b) in enumerate(zip([nin, *nouts], nouts))
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


class Conv2d(Module):
    """Filters that slide over an image: each is a neuron which reads one patch after the other.

    Input: in_channels x height x width (nested lists). Output: out_channels x height' x width',
    where height' = (height + 2 * padding - kernel_size) // stride + 1. A filter's weights run over
    the patch by channel, row and column, and a padded border reads as 0. (What deep learning calls
    a convolution does not flip the filter; neither do we, nor PyTorch.)
    """

    level = "layer"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        activation: str = "linear",
        *,
        init: Initialiser | None = None,
        rng: random.Random | None = None,
    ) -> None:
        _check_sizes(in_channels=in_channels, out_channels=out_channels)
        _check_sizes(kernel_size=kernel_size, stride=stride, padding=padding + 1)
        self.in_channels, self.kernel_size = in_channels, kernel_size
        self.stride, self.padding = stride, padding
        self.filters = _neurons(in_channels * kernel_size**2, out_channels, activation, init, rng)

    def __call__(self, image: Sequence[Sequence[Sequence[Any]]]) -> list[list[list[Value]]]:
        values = _image(image, self)
        if len(values) != self.in_channels:
            raise ValueError(
                f"{self!r} takes {self.in_channels} channels, but got {len(values)}. An image is a "
                "list of channels, each a list of rows: wrap a grey image as [rows]."
            )
        return super().__call__(values)  # type: ignore[no-any-return]

    def forward(self, image: list[list[list[Value]]]) -> list[list[list[Value]]]:
        image = [_padded(channel, self.padding) for channel in image]
        patches = list(_windows(image, self.kernel_size, self.stride, self))
        return [[[f.fire(patch) for patch in row] for row in patches] for f in self.filters]

    def __repr__(self) -> str:
        return f"Conv2d({self.in_channels}, {len(self.filters)}, {self.kernel_size})"


class MaxPool2d(Module):
    """The largest number of each window, channel by channel.

    Input: channels x height x width. Output: channels x height' x width', where height' =
    (height - kernel_size) // stride + 1; stride is kernel_size unless given. Where several numbers
    tie for the largest, PyTorch's layer sends the whole gradient to the first. Ours follows
    `maximum`, which shares it, as `torch.amax` does (evenly if the window has 2, 4, 8, ... places).
    """

    level = "layer"

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        _check_sizes(kernel_size=kernel_size, stride=self.stride)

    def __call__(self, image: Sequence[Sequence[Sequence[Any]]]) -> list[list[list[Value]]]:
        return super().__call__(_image(image, self))  # type: ignore[no-any-return]

    def forward(self, image: list[list[list[Value]]]) -> list[list[list[Value]]]:
        return [
            [
                [_largest(window) for window in row]
                for row in _windows([channel], self.kernel_size, self.stride, self)
            ]
            for channel in image
        ]

    def __repr__(self) -> str:
        return f"MaxPool2d({self.kernel_size}, stride={self.stride})"


class Embedding(Module):
    """A table with a trained vector of `dim` numbers for each of `num` tokens.

    Called with a token, an int from 0 to num - 1, it returns the token's vector; called with a
    list of tokens, the list of their vectors. `weight[token][i]` is the table. It starts normally
    distributed with standard deviation 1, as in PyTorch. Raises IndexError for other tokens.
    """

    level = "layer"

    def __init__(
        self,
        num: int,
        dim: int,
        *,
        init: Initialiser | None = None,
        rng: random.Random | None = None,
    ) -> None:
        _check_sizes(num=num, dim=dim)
        rng, init = generator(rng), init or normal
        self.weight = [[Value(x) for x in init(dim, num, dim, rng)] for _ in range(num)]

    def forward(self, tokens: Any) -> Any:
        if hasattr(tokens, "__len__"):
            return [self.forward(token) for token in tokens]
        return [take(_Column(self.weight, i), tokens) for i in range(len(self.weight[0]))]

    def __repr__(self) -> str:
        return f"Embedding({len(self.weight)}, {len(self.weight[0])})"


class _Column(Sequence[Value]):
    """A table's column, without a copy: reading one token must not cost the whole table."""

    def __init__(self, rows: list[list[Value]], i: int) -> None:
        self.rows, self.i = rows, i

    def __getitem__(self, token: Any) -> Any:
        return self.rows[token][self.i]

    def __len__(self) -> int:
        return len(self.rows)


class RNN(Module):
    """A recurrent layer: state = activation(W [x, state] + b), once for each x of a sequence.

    Called with a list of vectors of nin numbers, it returns the list of the states after each,
    vectors of nhidden Values; the last one is the final state. `state` (nhidden numbers, 0 unless
    given) is what to start from. Neuron j of `neurons` makes state[j]; its weights read x first,
    then the state before.
    """

    level = "layer"

    def __init__(
        self,
        nin: int,
        nhidden: int,
        activation: str = "tanh",
        *,
        init: Initialiser | None = None,
        rng: random.Random | None = None,
    ) -> None:
        _check_sizes(nin=nin, nhidden=nhidden)
        self.nin = nin
        self.neurons = _neurons(nin + nhidden, nhidden, activation, init, rng)

    def __call__(
        self, xs: Sequence[Sequence[Any]], state: Sequence[Any] | None = None
    ) -> list[list[Value]]:
        if not hasattr(xs, "__len__"):
            raise TypeError(f"{self!r} takes a sequence, a list of vectors, but got {xs!r:.60}.")
        start = [0.0] * len(self.neurons) if state is None else state
        if len(start) != len(self.neurons):
            raise ValueError(
                f"{self!r} keeps a state of {len(self.neurons)} numbers, but got {len(start)}."
            )
        outputs: list[list[Value]] = super().__call__(
            [vector(x, self.nin, self) for x in xs], vector(start, len(start), self)
        )
        return outputs

    def forward(self, xs: list[list[Value]], state: list[Value]) -> list[list[Value]]:
        states = []
        for x in xs:
            seen = x + state
            state = [neuron.fire(seen) for neuron in self.neurons]
            states.append(state)
        return states

    def __repr__(self) -> str:
        return f"RNN({self.nin}, {len(self.neurons)}, {self.neurons[0].activation})"


class Dropout(Module):
    """In training, each number becomes 0 with probability p, and the others grow by 1 / (1 - p).

    In evaluation (`model.eval()`) numbers go through untouched. Input and output: n numbers.
    """

    level = "layer"

    def __init__(self, p: float = 0.5, *, rng: random.Random | None = None) -> None:
        if not 0 <= p < 1:
            raise ValueError(f"Dropout's p is a probability, 0 <= p < 1, but got {p!r}.")
        self.p = p
        self.rng = generator(rng)

    def mask(self, n: int) -> list[Any]:
        """n fresh factors, each 0 or 1 / (1 - p).

        The only place that draws: a compiler replaces it, and hands in a mask as data each call.
        """
        return [0.0 if self.rng.random() < self.p else 1.0 / (1.0 - self.p) for _ in range(n)]

    mask.draws = True  # type: ignore[attr-defined]  # by this a compiler knows it

    def __call__(self, xs: Sequence[Any]) -> list[Value]:
        return super().__call__(vector(xs, len(xs), self))  # type: ignore[no-any-return]

    def forward(self, xs: list[Value]) -> list[Value]:
        if not self.training:
            return xs
        return [x * factor for x, factor in zip(xs, self.mask(len(xs)))]

    def __repr__(self) -> str:
        return f"Dropout({self.p})"


class LayerNorm(Module):
    """gain * (x - mean) / sqrt(variance + eps) + bias, over the n numbers of one vector.

    The variance is the mean of the squares (divided by n, not n - 1), as in PyTorch.
    """

    level = "layer"

    def __init__(self, n: int, eps: float = 1e-5) -> None:
        _check_sizes(n=n)
        self.eps = eps
        self.gain = [Value(1.0, "gain") for _ in range(n)]
        self.bias = [Value(0.0, "bias") for _ in range(n)]

    def __call__(self, xs: Sequence[Any]) -> list[Value]:
        return super().__call__(vector(xs, len(self.gain), self))  # type: ignore[no-any-return]

    def forward(self, xs: list[Value]) -> list[Value]:
        mean = sum(xs) / len(xs)
        centred = [x - mean for x in xs]
        variance = dot(centred, centred) / len(xs)
        scale = 1.0 / sqrt(variance + self.eps)
        return [g * (c * scale) + b for g, c, b in zip(self.gain, centred, self.bias)]

    def __repr__(self) -> str:
        return f"LayerNorm({len(self.gain)})"


# --- what the layers share -----------------------------------------------------------------------


def _neurons(
    nin: int, n: int, activation: str, init: Initialiser | None, rng: random.Random | None
) -> list[Neuron]:
    rng = generator(rng)
    return [Neuron(nin, activation, init=init, rng=rng, fan_out=n) for _ in range(n)]


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, but is {size!r}.")


def _check_activation(name: str) -> None:
    known = ["linear", *[op.symbol for op in OPS.values() if op.numpy and len(op.samples[0]) == 1]]
    if name not in known:
        raise ValueError(f"there is no activation {name!r}. There are: {', '.join(known)}.")


def _image(image: Any, module: Module) -> list[list[list[Value]]]:
    """Nested lists, channels x height x width, as Values; raises if they are not such a block."""
    try:
        heights = {len(channel) for channel in image}
        widths = {len(row) for channel in image for row in channel}
    except TypeError as error:
        raise TypeError(
            f"{module!r} takes an image of three levels, channels x height x width: wrap a grey "
            f"image as [rows]. ({error})"
        ) from error
    if len(heights) != 1 or len(widths) != 1:
        raise ValueError(
            f"{module!r} takes an image whose rows are equally long in every channel, but got "
            f"heights {sorted(heights)} and widths {sorted(widths)}."
        )
    width = widths.pop()
    return [[vector(row, width, module) for row in channel] for channel in image]


def _padded(rows: list[list[Value]], n: int) -> list[list[Value]]:
    if n == 0:
        return rows
    zero: Value = Constant(0.0)
    across = [[zero] * n + row + [zero] * n for row in rows]
    border = [[zero] * len(across[0])] * n
    return border + across + border


def _windows(
    image: list[list[list[Value]]], size: int, stride: int, module: Module
) -> Iterator[list[list[Value]]]:
    """For each row of window positions, the windows, flattened by channel, row and column."""
    height, width = len(image[0]), len(image[0][0])
    if height < size or width < size:
        raise ValueError(
            f"{module!r} needs an image of at least {size} x {size}, but got {height} x {width}."
        )
    for top in range(0, height - size + 1, stride):
        yield [
            [x for rows in image for row in rows[top : top + size] for x in row[left : left + size]]
            for left in range(0, width - size + 1, stride)
        ]


def _largest(values: list[Value]) -> Value:
    while len(values) > 1:  # in pairs, so that ties are shared evenly
        pairs = [maximum(a, b) for a, b in zip(values[::2], values[1::2])]
        values = pairs + values[len(pairs) * 2 :]
    return values[0]
