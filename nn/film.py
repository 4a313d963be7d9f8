"""The film of a training: what the weights, gradients and answers did, epoch by epoch.

`watch` keeps a copy of the parameters and their gradients now and then, which is cheap. The page
that `film()` makes holds these numbers, the graph of the model for one example, and the ops in
JavaScript (see `autograd.draw.javascript`): so it computes the decision map, the activations and
the mistakes of every epoch by itself, and nothing of that is stored.
"""

import base64
import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from autograd import Value, no_grad
from autograd.draw import loss_curve
from autograd.draw.javascript import as_json, number, source, spell_ops, spelled
from autograd.draw.stepper import fill, in_frame
from autograd.graph import topological_order
from autograd.ops import OPS
from autograd.steps import show
from autograd.value import Constant
from nn.module import Module

MOST_FRAMES = 120  # a longer training keeps every second, fourth, ... epoch
MOST_NUMBERS = 250_000  # weights and gradients of all frames: 1.3 MB of text
FEWEST_FRAMES = 10
MOST_EXAMPLES = 300  # of the data, in the page
MOST_LINES = 6_000  # weights that are drawn as lines
PIXELS = 16  # inputs from which on a square number of them is taken for an image
HERE = Path(__file__).parent


def watch(model: Module, data: tuple[Sequence[Any], Sequence[Any]]) -> "Watch":
    """Keep what a training does to `model`, for a film: for a loop of your own.

        watched = nn.watch(model, (xs, ys))
        for epoch in range(50):
            ...                          # a step, or an epoch of them
            watched.record(loss)
        watched.film()

    data: inputs and targets, which the film shows the model's answers to. `nn.fit(..., watch=True)`
    does the same by itself, and then there is `history.film()`.
    """
    return Watch(model, data)


class Watch:
    """What `watch` returns. It holds epoch 0, the parameters before the training, at once."""

    def __init__(self, model: Module, data: tuple[Sequence[Any], Sequence[Any]]) -> None:
        self.model = model
        self.xs, self.ys = data
        self.parameters = dict(model.named_parameters())
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self._every = 1
        self._frames = [self._frame()]
        self._last = self._frames[0]

    def record(self, loss: Any, validation: Any = None) -> None:
        """After an epoch (or a step): keep its loss, and the parameters and gradients of now."""
        self.losses.append(_number(loss))
        if validation is not None:
            self.validation_losses.append(_number(validation))
        self._last = self._frame()
        if len(self.losses) % self._every == 0:
            self._frames.append(self._last)
        if len(self._frames) > MOST_FRAMES:
            self._every *= 2
            self._frames = self._frames[::2]

    def film(self) -> "Film":
        """The training so far, as a page to play and to scrub."""
        if not self.losses:
            raise ValueError(
                "nothing was recorded yet, so there is no film. Call watched.record(loss) after "
                "each epoch, or train with nn.fit(..., watch=True)."
            )
        frames = self._frames
        if frames[-1] is not self._last:
            frames = [*frames, self._last]
        return Film(self, _thinned(frames, len(self.parameters)))

    def _frame(self) -> "tuple[int, array[float], array[float]]":
        """(epoch, weights, gradients)"""
        values = self.parameters.values()
        weights = array("f", [p.data for p in values])
        return len(self.losses), weights, array("f", [p.grad for p in values])


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)


def _thinned(frames: list[Any], parameters: int) -> list[Any]:
    """As many frames as fit into a page, the first and the last among them."""
    room = MOST_NUMBERS // max(2 * parameters, 1)
    if room < FEWEST_FRAMES:
        raise ValueError(
            f"a film holds every weight of each epoch, and with {parameters:,} parameters it would "
            f"have fewer than {FEWEST_FRAMES} frames. Film a smaller model; for this one there are "
            "nn.draw.histograms(loss) and the loss curve that the history shows."
        )
    if len(frames) <= room:
        return frames
    places = [round(i * (len(frames) - 1) / (room - 1)) for i in range(room)]
    return [frames[i] for i in places]


class Film:
    """What `film()` returns: a page to play and to scrub. html: its text."""

    def __init__(self, watched: Watch, frames: list[Any]) -> None:
        self._watched, self._frames = watched, frames
        self._trace = Trace.of(watched.model, watched.xs)

    def save(self, path: str | Path) -> None:
        """Write the page, which needs nothing but a browser, to `path` (film.html)."""
        Path(path).write_text(self.html, encoding="utf-8")

    def __repr__(self) -> str:
        return f"<film of {len(self._watched.losses)} epochs in {len(self._frames)} frames>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        note = "Nothing moves? Then scripts are blocked: trust the notebook, or .save('film.html')."
        frame = in_frame(self.html, repr(self)[1:-1], 740, note)
        return {"text/html": frame, "text/plain": repr(self)}

    @cached_property
    def html(self) -> str:
        """The page: the numbers of each frame, the model as a graph, and the program."""
        losses, validation = self._watched.losses, self._watched.validation_losses
        curves = {"training": losses} | ({"validation": validation} if validation else {})
        finite = any(map(math.isfinite, losses))
        parts = {
            "/*style*/": (HERE / "film.css").read_text(encoding="utf-8"),
            "<!--curve-->": loss_curve(curves).svg if finite else "",
            "<!--losses-->": "".join(self._told()),
            "<!--data-->": as_json(self._data()),
            "/*ops*/": spell_ops(self._trace.kinds if self._trace else []),
            "/*engine*/": source("engine.js"),
            "/*script*/": (HERE / "film.js").read_text(encoding="utf-8"),
        }
        return fill((HERE / "film.html").read_text(encoding="utf-8"), parts)

    def _told(self) -> Iterator[str]:
        """The losses as items of a list, for a page without scripts."""
        for epoch, *_ in self._frames:
            if epoch:
                yield f"<li>epoch {epoch}: loss {show(self._watched.losses[epoch - 1])}</li>"

    def _data(self) -> dict[str, Any]:
        watched = self._watched
        chosen = _spread(len(watched.xs))
        inputs = [_flat(watched.xs[i]) for i in chosen] if self._trace else []
        targets = [watched.ys[i] for i in chosen] if self._trace else []
        plain = all(isinstance(y, (int, float)) for y in targets)
        return {
            "epochs": [epoch for epoch, *_ in self._frames],
            "losses": [number(x) for x in watched.losses],
            "validation": [number(x) for x in watched.validation_losses],
            "weights": [_packed(weights) for _, weights, _ in self._frames],
            "gradients": [_packed(gradients) for *_, gradients in self._frames],
            "names": list(watched.parameters),
            "model": self._trace.as_data(list(watched.parameters.values()))
            if self._trace
            else None,
            "inputs": [[float(f"{x:.6g}") for x in row] for row in inputs],
            "targets": [float(y) for y in targets] if plain else [],
            "all": len(watched.xs),
            "pixels": PIXELS,
        }


def _spread(count: int) -> list[int]:
    """The places of at most MOST_EXAMPLES examples, evenly over all of them."""
    room = min(count, MOST_EXAMPLES)
    return [i * count // room for i in range(room)]


def _packed(numbers: "array[float]") -> str:
    """Floats of 32 bits, little-endian, in base 64: seven digits in five characters."""
    if sys.byteorder == "big":
        numbers = array("f", numbers)
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


# --- the model as a graph -------------------------------------------------------------------------


class Trace:
    """The graph of a model for one example, with its inputs as leaves.

    It stands for every example only if the model computes the same way for all of them, which is
    tried out on a few; `of` returns None for a model of which that is not so.
    """

    def __init__(self, inputs: list[Value], outputs: list[Value]) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.order = topological_order(*outputs)
        self.index = {v: i for i, v in enumerate(self.order)}
        found = [(v.op, len(v.parents)) for v in self.order if v.parents]
        self.kinds = {kind: i for i, kind in enumerate(dict.fromkeys(found))}

    @classmethod
    def of(cls, model: Module, xs: Sequence[Any]) -> "Trace | None":
        with _in_evaluation(model):
            try:
                shaped, inputs = _as_leaves(xs[0])
                out = model(shaped)
                outputs = out if isinstance(out, list) else [out]
                trace = cls(inputs, outputs)
                good = all(spelled(v.op) for v in trace.order if v.parents)
                few = [xs[i] for i in _spread(len(xs))[:: max(1, len(xs) // 7)][:7]]
                return trace if good and all(trace.agrees(model, x) for x in few) else None
            except Exception:  # a model may want tokens, or anything: then it has no map
                return None

    def agrees(self, model: Module, x: Any) -> bool:
        """Whether the graph gives for another example what the model gives."""
        given = dict(zip(self.inputs, _flat(x), strict=True))
        held: dict[Value, float] = {}
        for v in self.order:
            inputs = [held[p] for p in v.parents]
            held[v] = OPS[v.op].forward(*inputs) if inputs else given.get(v, v.data)
        with no_grad():
            out = model(x)
        expected = [_number(v) for v in (out if isinstance(out, list) else [out])]
        mine = [held[v] for v in self.outputs]
        return all(abs(a - b) <= 1e-9 * max(1.0, abs(b)) for a, b in zip(mine, expected))

    def as_data(self, parameters: list[Value]) -> dict[str, Any]:
        place = {p: i for i, p in enumerate(parameters)}
        index = self.index
        leaves = [v for v in self.order if not v.parents]
        return {
            "parents": [[index[p] for p in v.parents] for v in self.order],
            "kind": [self.kinds.get((v.op, len(v.parents)), -1) for v in self.order],
            "inputs": [index.get(v, -1) for v in self.inputs],
            "parameters": [[index[v], place[v]] for v in leaves if v in place],
            "constants": [[index[v], v.data] for v in leaves if isinstance(v, Constant)],
            "outputs": [index[v] for v in self.outputs],
            "units": list(self._units(place)),
        }

    def _units(self, place: dict[Value, int]) -> Iterator[dict[str, Any]]:
        """The neurons: each weighted sum, with the activation after it, and where it stands."""
        users: dict[Value, list[Value]] = {}
        for v in self.order:
            for p in v.parents:
                users.setdefault(p, []).append(v)
        depth: dict[Value, int] = {}
        for v in self.order:
            depth[v] = max([depth[p] for p in v.parents], default=0) + (v.op == "dot")
        for v in self.order:
            if v.op != "dot":
                continue
            (*after,) = [u for u in users.get(v, []) if len(u.parents) == 1]
            value = after[0] if len(after) == len(users.get(v, [])) == 1 else v
            half = len(v.parents) // 2
            pairs = zip(v.parents[:half], v.parents[half:])
            yield {
                "value": self.index[value],
                "op": value.op,
                "column": depth[v],
                "sources": [[self.index[x], place[w]] for w, x in pairs if w in place],
                "bias": place.get(v.parents[-1], -1) if len(v.parents) % 2 else -1,
            }


@contextmanager
def _in_evaluation(model: Module) -> Iterator[None]:
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _flat(x: Any) -> list[float]:
    """The numbers of an example, nested or not."""
    if hasattr(x, "__len__"):
        return [number for part in x for number in _flat(part)]
    return [_number(x)]


def _as_leaves(x: Any) -> tuple[Any, list[Value]]:
    """An example of the same shape with leaves for its numbers, and these leaves in order."""
    if hasattr(x, "__len__"):
        parts = [_as_leaves(part) for part in x]
        return [shaped for shaped, _ in parts], [leaf for _, leaves in parts for leaf in leaves]
    leaf = Value(_number(x))
    return leaf, [leaf]
