"""Layers that keep numbers in a good range, or disturb them: normalisation and dropout."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from autograd.jit import TraceError
from autograd.ops import sqrt, sum
from autograd.value import Constant, Value, dot
from nn.checks import any_number, flag, fraction, not_negative, size
from nn.init import generator
from nn.module import Module, vector


class Dropout(Module):
    """In training, each number becomes 0 with probability p, and the others grow by 1 / (1 - p).

    In evaluation (`model.eval()`) numbers go through untouched. Input and output: n numbers.
    """

    level = "layer"

    def __init__(self, p: float = 0.5, *, rng: random.Random | int | None = None) -> None:
        self.p = any_number("p", p)
        if not 0 <= self.p < 1:
            raise ValueError(f"Dropout's p is a probability, 0 <= p < 1, but got {p!r}.")
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
        n, self.eps = size("n", n), not_negative("eps", eps)
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


class BatchNorm1d(Module):
    """weight * (x - mean) / sqrt(variance + eps) + bias, for each of n features over a batch.

    Called with a batch, a list of vectors of n numbers, it returns a list of vectors of n Values.
    In training, mean and variance are the batch's own (the variance divided by the batch's size),
    and the buffers `running_mean` and `running_var` move to them by the part `momentum` (the
    variance divided by the size - 1 here; None: they are the mean over all batches so far). In
    evaluation the buffers are used. track_running_stats=False: always the batch's own, and no
    buffers. affine=False: no weight and bias. All as in PyTorch, names too.

    Running statistics are numbers, which a compiled training step does not have: `autograd.jit`
    refuses the layer in training mode, and `nn.fit` then trains without jit. Evaluation, and
    track_running_stats=False, can be compiled.
    """

    level = "layer"
    takes_batch = True
    running_mean: list[float]
    running_var: list[float]
    num_batches_tracked: int

    def __init__(
        self,
        n: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        self.n, self.eps = size("n", n), not_negative("eps", eps)
        self.momentum = None if momentum is None else fraction("momentum", momentum)
        self.weight: list[Value] | None = None
        self.bias: list[Value] | None = None
        if flag("affine", affine):
            self.weight = [Value(1.0, "weight") for _ in range(self.n)]
            self.bias = [Value(0.0, "bias") for _ in range(self.n)]
        self.track_running_stats = flag("track_running_stats", track_running_stats)
        if self.track_running_stats:
            self.register_buffer("running_mean", [0.0] * self.n)
            self.register_buffer("running_var", [1.0] * self.n)
            self.register_buffer("num_batches_tracked", 0)

    def __call__(self, batch: Sequence[Sequence[Any]]) -> list[list[Value]]:
        if not hasattr(batch, "__len__") or not all(hasattr(x, "__len__") for x in batch):
            raise TypeError(f"{self!r} takes a batch, a list of vectors, but got {batch!r:.60}.")
        is_own = self.training or not self.track_running_stats
        if len(batch) < (2 if is_own else 1):
            raise ValueError(
                f"{self!r} needs at least 2 examples for a mean and a variance, but got "
                f"{len(batch)}: take larger batches, or model.eval() for one example alone."
            )
        return super().__call__(  # type: ignore[no-any-return]
            [vector(x, self.n, self) for x in batch]
        )

    def forward(self, batch: list[list[Value]]) -> list[list[Value]]:
        columns = [self.normal(j, column) for j, column in enumerate(self.statistics(batch))]
        return [list(row) for row in zip(*columns)]

    def statistics(self, batch: list[list[Value]]) -> Iterable[tuple[Any, Any, list[Value]]]:
        """(the mean to take, the variance, the column) of each feature."""
        columns = [list(column) for column in zip(*batch)]
        if self.track_running_stats and not self.training:
            return list(zip(self.running_mean, self.running_var, columns))
        means = [sum(column) / len(batch) for column in columns]
        variances = []
        for column, mean in zip(columns, means):
            centred = [x - mean for x in column]
            variances.append(dot(centred, centred) / len(batch))
        if self.track_running_stats:
            self.track(means, variances, len(batch))
        return list(zip(means, variances, columns))

    def normal(self, j: int, column: tuple[Any, Any, list[Value]]) -> list[Value]:
        mean, variance, xs = column
        scale = 1.0 / sqrt(variance + self.eps)
        if self.weight is None or self.bias is None:
            return [(x - mean) * scale for x in xs]
        return [self.weight[j] * ((x - mean) * scale) + self.bias[j] for x in xs]

    def track(self, means: list[Value], variances: list[Value], n: int) -> None:
        """Move the running statistics to a batch's. The only place that looks at numbers."""
        if type(means[0]) not in (Value, Constant):  # a symbol of jit's, without a number
            raise TraceError(
                f"{self!r} in training keeps running statistics, numbers that a compiled step does "
                "not have: train without jit, or with track_running_stats=False; or compile it "
                "after model.eval()."
            )
        found = [v.data for v in means], [v.data * n / (n - 1) for v in variances]
        self.num_batches_tracked += 1
        part = 1.0 / self.num_batches_tracked if self.momentum is None else self.momentum
        old = self.running_mean, self.running_var
        self.running_mean, self.running_var = [
            [(1.0 - part) * a + part * b for a, b in zip(was, now)] for was, now in zip(old, found)
        ]

    def __repr__(self) -> str:
        return f"BatchNorm1d({self.n})"
