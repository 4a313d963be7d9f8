"""Layers for sequences: tokens to vectors, and vectors one after the other."""

import operator
import random
from collections.abc import Sequence
from functools import partial
from typing import Any

from autograd.ops import sigmoid, take, tanh
from autograd.value import Constant, Value, dot
from nn.checks import flag, size
from nn.init import Initialiser, generator, kaiming_uniform, normal
from nn.layers.dense import Activation, drawn, known_activation, name_of, neurons
from nn.module import Module, vector


class Embedding(Module):
    """A table with a trained vector of `dim` numbers for each of `num` tokens.

    Called with a token, an int from 0 to num - 1, it returns the token's vector; called with a
    list of tokens, the list of their vectors. `weight[token][i]` is the table. It starts normally
    distributed with standard deviation 1, as in PyTorch. padding_idx: a token whose vector is 0
    and is not trained, nor part of the state. Raises IndexError for other tokens, TypeError for
    what is no token.
    """

    level = "layer"

    def __init__(
        self,
        num: int,
        dim: int,
        padding_idx: int | None = None,
        *,
        init: Initialiser | None = None,
        rng: random.Random | int | None = None,
    ) -> None:
        num, dim = size("num", num), size("dim", dim)
        rng, init = generator(rng), init or normal
        rows = [drawn(init, dim, num, dim, rng) for _ in range(num)]
        self.weight = [[Value(x) for x in row] for row in rows]
        self.padding_idx = None if padding_idx is None else size("padding_idx", padding_idx, 0)
        if self.padding_idx is not None:
            if self.padding_idx >= num:
                raise ValueError(f"padding_idx is a token below {num}, but is {padding_idx}.")
            self.weight[self.padding_idx] = [Constant(0.0) for _ in range(dim)]

    def forward(self, tokens: Any) -> Any:
        if isinstance(tokens, (str, bytes, dict, set, frozenset)):
            raise TypeError(
                f"{self!r} takes tokens, ints, but got {tokens!r:.60}. Number them first, as in "
                "numbers = {c: i for i, c in enumerate(sorted(set(text)))}, and give it "
                "[numbers[c] for c in text]."
            )
        if hasattr(tokens, "__len__") and getattr(tokens, "shape", None) != ():
            return [self.forward(token) for token in tokens]
        token = tokens if hasattr(tokens, "take_from") else self.token(tokens)
        return [take(_Column(self.weight, i), token) for i in range(len(self.weight[0]))]

    def token(self, x: Any) -> int:
        """`x` as an int, also from NumPy's. (A symbol of jit's stands for one already.)"""
        try:
            return operator.index(x)
        except TypeError:
            raise TypeError(
                f"{self!r} takes tokens, ints, but got {x!r:.60}, of type {type(x).__name__}: if "
                "it stands for a whole number, write int(x)."
            ) from None

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


class _Recurrent(Module):
    """What the recurrent layers share: they take a sequence, and keep a state of n numbers."""

    level = "layer"
    nin: int
    nhidden: int

    def sequence(self, xs: Any) -> list[list[Value]]:
        if not hasattr(xs, "__len__") or isinstance(xs, (str, dict, set)):
            raise TypeError(f"{self!r} takes a sequence, a list of vectors, but got {xs!r:.60}.")
        return [vector(x, self.nin, self) for x in xs]

    def start(self, state: Any) -> list[Value]:
        """A state to start from: zeros unless given."""
        start = [0.0] * self.nhidden if state is None else state
        if not hasattr(start, "__len__") or len(start) != self.nhidden:
            n = len(start) if hasattr(start, "__len__") else "one alone"
            raise ValueError(f"{self!r} keeps a state of {self.nhidden} numbers, but got {n}.")
        return vector(start, self.nhidden, self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.nin}, {self.nhidden})"


class RNN(_Recurrent):
    """A recurrent layer: state = activation(W [x, state] + b), once for each x of a sequence.

    Called with a list of vectors of nin numbers, it returns the list of the states after each,
    vectors of nhidden Values; the last one is the final state. `state` (nhidden numbers, 0 unless
    given) is what to start from. Neuron j of `neurons` makes state[j]; its weights read x first,
    then the state before. (PyTorch has a second bias, which adds to the first.)
    """

    def __init__(
        self,
        nin: int,
        nhidden: int,
        activation: Activation = "tanh",
        *,
        bias: bool = True,
        init: Initialiser | None = None,
        rng: random.Random | int | None = None,
    ) -> None:
        self.nin, self.nhidden = size("nin", nin), size("nhidden", nhidden)
        known, both = known_activation(activation), self.nin + self.nhidden
        self.neurons = neurons(both, self.nhidden, known, bias, init, rng)

    def __call__(
        self, xs: Sequence[Sequence[Any]], state: Sequence[Any] | None = None
    ) -> list[list[Value]]:
        states: list[list[Value]] = super().__call__(self.sequence(xs), self.start(state))
        return states

    def forward(self, xs: list[list[Value]], state: list[Value]) -> list[list[Value]]:
        states = []
        for x in xs:
            seen = x + state
            state = [neuron.fire(seen) for neuron in self.neurons]
            states.append(state)
        return states

    def __repr__(self) -> str:
        return f"RNN({self.nin}, {self.nhidden}, {name_of(self.neurons[0].activation)})"


class _Gated(_Recurrent):
    """What GRU and LSTM share: `gates` blocks of nhidden weighted sums, of x and of the state.

    weight_ih_l0: gates * nhidden rows of nin numbers, for x. weight_hh_l0: as many rows of
    nhidden, for the state. bias_ih_l0, bias_hh_l0: a number for each row, or None. Names, shapes
    and order are PyTorch's.
    """

    gates: int

    def __init__(
        self,
        nin: int,
        nhidden: int,
        *,
        bias: bool = True,
        init: Initialiser | None = None,
        rng: random.Random | int | None = None,
    ) -> None:
        self.nin, self.nhidden = size("nin", nin), size("nhidden", nhidden)
        rng, n = generator(rng), self.gates * self.nhidden
        init = init or partial(kaiming_uniform, gain=3**-0.5)  # up to 1 / sqrt(fan_in)
        self.weight_ih_l0, self.weight_hh_l0 = [
            [[Value(x) for x in drawn(init, width, self.nhidden, n, rng)] for _ in range(n)]
            for width in (self.nin, self.nhidden)
        ]
        self.bias_ih_l0, self.bias_hh_l0 = [
            [Value(0.0) for _ in range(n)] if flag("bias", bias) else None for _ in "ih"
        ]

    def sums(self, rows: list[list[Value]], bias: list[Value] | None, xs: list[Value]) -> Any:
        """The weighted sums of `xs`, a list of nhidden for each gate."""
        found = [dot(row, xs, bias and bias[j]) for j, row in enumerate(rows)]
        return [found[i : i + self.nhidden] for i in range(0, len(found), self.nhidden)]


class GRU(_Gated):
    """A gated recurrent unit (Cho et al., 2014): it learns what to forget of its state.

    r = sigmoid(W_r x + U_r h), z = sigmoid(W_z x + U_z h), n = tanh(W_n x + r * (U_n h)), each sum
    with its bias, and the new state is (1 - z) * n + z * h. Called as an RNN is: with a list of
    vectors, and perhaps a state to start from, it returns the list of the states after each.
    """

    gates = 3  # r, z, n

    def __call__(
        self, xs: Sequence[Sequence[Any]], state: Sequence[Any] | None = None
    ) -> list[list[Value]]:
        states: list[list[Value]] = super().__call__(self.sequence(xs), self.start(state))
        return states

    def forward(self, xs: list[list[Value]], state: list[Value]) -> list[list[Value]]:
        states = []
        for x in xs:
            state = self.step(x, state)
            states.append(state)
        return states

    def step(self, x: list[Value], state: list[Value]) -> list[Value]:
        from_x = self.sums(self.weight_ih_l0, self.bias_ih_l0, x)
        from_state = self.sums(self.weight_hh_l0, self.bias_hh_l0, state)
        new = []
        for xr, xz, xn, hr, hz, hn, h in zip(*from_x, *from_state, state):
            r, z = sigmoid(xr + hr), sigmoid(xz + hz)
            n = tanh(xn + r * hn)
            new.append((1.0 - z) * n + z * h)
        return new


class LSTM(_Gated):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997): a state h and a cell c.

    i, f, o = sigmoid and g = tanh of W x + U h with their biases; c = f * c + i * g and
    h = o * tanh(c). Called with a list of vectors, and perhaps a pair (h, c) to start from, it
    returns the list of the h after each, and the last pair (h, c): `outputs, (h, c) = lstm(xs)`.
    """

    gates = 4  # i, f, g, o

    def __call__(
        self,
        xs: Sequence[Sequence[Any]],
        state: tuple[Sequence[Any], Sequence[Any]] | None = None,
    ) -> tuple[list[list[Value]], tuple[list[Value], list[Value]]]:
        if state is not None and (not hasattr(state, "__len__") or len(state) != 2):
            raise ValueError(f"{self!r} starts from a pair (h, c), but got {state!r:.60}.")
        h, c = (None, None) if state is None else state
        return super().__call__(  # type: ignore[no-any-return]
            self.sequence(xs), self.start(h), self.start(c)
        )

    def forward(self, xs: list[list[Value]], h: list[Value], c: list[Value]) -> Any:
        outputs = []
        for x in xs:
            h, c = self.step(x, h, c)
            outputs.append(h)
        return outputs, (h, c)

    def step(self, x: list[Value], h: list[Value], c: list[Value]) -> Any:
        from_x = self.sums(self.weight_ih_l0, self.bias_ih_l0, x)
        from_h = self.sums(self.weight_hh_l0, self.bias_hh_l0, h)
        new_h, new_c = [], []
        for xi, xf, xg, xo, hi, hf, hg, ho, before in zip(*from_x, *from_h, c):
            cell = sigmoid(xf + hf) * before + sigmoid(xi + hi) * tanh(xg + hg)
            new_c.append(cell)
            new_h.append(sigmoid(xo + ho) * tanh(cell))
        return new_h, new_c
