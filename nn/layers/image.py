"""Layers for images: lists of channels, each a list of rows."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from autograd.ops import maximum, sum
from autograd.value import Constant, Value, as_value
from nn.checks import size
from nn.init import Initialiser
from nn.layers.dense import Activation, known_activation, neurons
from nn.module import Module, vector


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
        activation: Activation = "linear",
        *,
        bias: bool = True,
        init: Initialiser | None = None,
        rng: random.Random | int | None = None,
    ) -> None:
        self.in_channels, n = size("in_channels", in_channels), size("out_channels", out_channels)
        self.kernel_size, self.stride = size("kernel_size", kernel_size), size("stride", stride)
        self.padding, area = size("padding", padding, 0), self.kernel_size**2
        activation = known_activation(activation)
        nin, fan_out = self.in_channels * area, n * area
        self.filters = neurons(nin, n, activation, bias, init, rng, fan_out)

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
        self.kernel_size = size("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else size("stride", stride)

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


class AvgPool2d(Module):
    """The mean of each window, channel by channel. Shapes are as in MaxPool2d."""

    level = "layer"

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        self.kernel_size = size("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else size("stride", stride)

    def __call__(self, image: Sequence[Sequence[Sequence[Any]]]) -> list[list[list[Value]]]:
        return super().__call__(_image(image, self))  # type: ignore[no-any-return]

    def forward(self, image: list[list[list[Value]]]) -> list[list[list[Value]]]:
        return [
            [
                [sum(window) / len(window) for window in row]
                for row in _windows([channel], self.kernel_size, self.stride, self)
            ]
            for channel in image
        ]

    def __repr__(self) -> str:
        return f"AvgPool2d({self.kernel_size}, stride={self.stride})"


class Flatten(Module):
    """Nested lists as one flat list, from the outside in: an image, say, before a dense layer."""

    level = "layer"

    def forward(self, xs: Any) -> list[Value]:
        if not hasattr(xs, "__len__") or isinstance(xs, (str, dict, set)):
            return [xs if hasattr(xs, "apply_op") else as_value(xs)]
        return [v for x in xs for v in self.forward(x)]


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
