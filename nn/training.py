"""`fit`: the training loop, with what a real one needs around it."""

import inspect
import math
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from autograd import Value, no_grad
from autograd.draw import loss_curve
from autograd.jit import jitted
from nn.checks import size
from nn.film import Film, Watch
from nn.module import Module
from nn.optim import Optimizer
from nn.schedules import ReduceLROnPlateau, Schedule

Loss = Callable[[Any, Any, Any], Any]


@dataclass
class History:
    """What happened in `fit`, epoch by epoch.

    losses: the mean training loss of each epoch. validation_losses: the loss on the validation
    data after it (empty without such data). metrics: for each name a list of numbers.
    stopped: "" if all epochs ran, else "early" or "interrupted". watched: with `watch=True`, what
    `film()` is made of.
    """

    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    stopped: str = ""
    watched: Watch | None = field(default=None, repr=False, compare=False)

    def film(self) -> Film:
        """The training as a page to play and to scrub (see `nn.watch`)."""
        if self.watched is None:
            raise ValueError(
                "this training was not watched, so there is no film of it. Train with "
                "nn.fit(..., watch=True)."
            )
        return self.watched.film()

    def line(self) -> str:
        """The last epoch's numbers, as a line of text."""
        columns = {"loss": self.losses, "validation": self.validation_losses, **self.metrics}
        return ", ".join(f"{name} {column[-1]:.4g}" for name, column in columns.items() if column)

    def _repr_mimebundle_(self, **_: Any) -> Any:  # a notebook shows the curves
        if not self.losses:  # interrupted before the end of the first epoch
            return {"text/plain": repr(self)}
        return loss_curve(self)._repr_mimebundle_()


def fit(
    model: Module,
    data: tuple[Sequence[Any], Sequence[Any]],
    loss: Loss,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int = 32,
    validation: tuple[Sequence[Any], Sequence[Any]] | None = None,
    metrics: Mapping[str, Loss] | None = None,
    patience: int | None = None,
    schedule: Schedule | ReduceLROnPlateau | None = None,
    seed: int = 0,
    jit: bool | None = None,
    progress: bool = True,
    watch: bool = False,
) -> History:
    """Train `model` on `data` in mini-batches, and return the history.

    data: (xs, ys), as many inputs as targets. loss: a function loss(model, xs, ys) of a batch that
    returns one Value, such as
    `lambda model, xs, ys: nn.cross_entropy([model(x) for x in xs], ys)`.
    In each epoch the examples are shuffled (by a generator that `seed` starts) and each batch makes
    one step of `optimizer`. After it, in evaluation mode and without gradients, come the loss on
    `validation` data and the metrics, functions like the loss that return a number (on the
    validation data, or without it on `data`); then `schedule` steps.

    patience: stop when the validation loss has not fallen for so many epochs. With patience, the
    model has the best epoch's parameters at the end.
    jit: compile the loss and the training step (see `autograd.jit`; it needs NumPy): the same
    numbers up to rounding, and far faster once a batch of each size has been traced. By default,
    if NumPy is there and more than 20 steps are to come; what can't be traced runs as it is, with a
    warning. The first step always does: losses check their targets' values only then.
    watch: keep the parameters and gradients of each epoch, for `history.film()`.
    Ctrl-C ends the training early: the model stays usable, and the history so far is returned.

    Raises ValueError for empty or unequal data and for a loss that is not finite, TypeError for a
    loss that is not a Value.
    """
    xs, ys = _checked(data, "data")
    held_out = (xs, ys) if validation is None else _checked(validation, "validation")
    epochs, batch_size = [size("each of epochs and batch_size", n) for n in (epochs, batch_size)]
    if patience is not None and (validation is None or size("patience", patience, 0) < 1):
        raise ValueError(
            "patience is how many epochs (at least 1) to wait for a lower validation loss: give "
            "fit validation=(xs, ys), and say patience=5."
        )
    metrics = metrics or {}
    for name, function in {"the loss": loss, **metrics}.items():
        _check_signature(function, name)
    step = _eager_step(loss, optimizer)
    if jit is None:
        enough = epochs * math.ceil(len(xs) / batch_size) > 20
        if enough and find_spec("numpy"):
            step, loss = _jitted(loss, optimizer, must=False)
    elif jit:
        step, loss = _jitted(loss, optimizer, must=True)
    watching = Watch(model, data) if watch else None
    history = History(metrics={name: [] for name in metrics}, watched=watching)
    rng, order = random.Random(seed), list(range(len(xs)))
    best, best_epoch, best_state = math.inf, 0, None
    with _modes_kept(model), _progress(epochs, -(-len(xs) // batch_size), progress) as show:
        try:
            for epoch in range(1, epochs + 1):
                model.train()
                rng.shuffle(order)
                terms = []
                for start in range(0, len(order), batch_size):
                    batch = order[start : start + batch_size]
                    number = step(model, [xs[i] for i in batch], [ys[i] for i in batch])
                    if not math.isfinite(number):
                        raise ValueError(_NOT_FINITE.format(number, epoch))
                    terms.append(number * len(batch))
                    show(epoch, history)
                watched = math.fsum(terms) / len(order)

                model.eval()
                with no_grad():
                    columns = [(history.losses, watched)]
                    if validation is not None:
                        watched = _number(loss(model, *held_out))
                        columns.append((history.validation_losses, watched))
                    for name, metric in metrics.items():
                        columns.append((history.metrics[name], _number(metric(model, *held_out))))
                for column, number in columns:  # together: no interrupt leaves half an epoch
                    column.append(number)
                if watching is not None:
                    watching.record(history.losses[-1], *history.validation_losses[-1:])
                if isinstance(schedule, ReduceLROnPlateau):
                    schedule.step(watched)
                elif schedule is not None:
                    schedule.step()
                if patience is not None:
                    if watched < best:
                        best, best_epoch, best_state = watched, epoch, model.state_dict()
                    elif epoch - best_epoch >= patience:
                        history.stopped = "early"
                        break
        except KeyboardInterrupt:
            history.stopped = "interrupted"
        show(len(history.losses), history, end=True)
    if best_state is not None:
        model.load_state_dict(best_state)
    return history


def _checked(data: Any, name: str) -> tuple[Sequence[Any], Sequence[Any]]:
    """The pair of inputs and targets, if it is one."""
    try:
        xs, ys = data
        sizes = len(xs), len(ys)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} is a pair of sequences, (xs, ys), the inputs and their targets. If you have "
            f"pairs, write {name}=tuple(zip(*pairs)). ({error})"
        ) from error
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"{name} has {sizes[0]} inputs, but {sizes[1]} targets: each input needs its target. "
            f"If you have pairs, write {name}=tuple(zip(*pairs))."
        )
    if not sizes[0]:
        raise ValueError(f"{name} is empty: there is nothing to learn from. Was it filtered away?")
    return xs, ys


def _check_signature(function: Loss, name: str) -> None:
    try:
        if (
            getattr(function, "__module__", "") == "nn.losses"
        ):  # one with an option takes three, too
            raise TypeError("it takes outputs and targets")
        inspect.signature(function).bind("model", "xs", "ys")
    except TypeError as error:
        raise TypeError(
            f"{name} is called with a batch, as f(model, xs, ys), but it can't be ({error}). For "
            "a function of outputs and targets write, say, "
            "lambda model, xs, ys: nn.cross_entropy([model(x) for x in xs], ys)."
        ) from error


def _eager_step(loss: Loss, optimizer: Optimizer) -> Loss:
    """A training step on a batch, which returns the loss as a float. (As a jitted one does.)"""
    return lambda model, xs, ys: _advance(loss(model, xs, ys), optimizer)


def _advance(value: Any, optimizer: Optimizer) -> float:
    """The rest of the step, once the loss is there."""
    if not isinstance(value, Value):
        raise TypeError(
            f"the loss must be one Value, but it is a {type(value).__name__}: {value!r:.60}. "
            "Reduce a list with autograd.sum(terms) / len(terms); do not take .data, or forget "
            "the `return`."
        )
    if not value.parents:
        raise TypeError(
            "the loss does not depend on any parameter: it is a leaf, without history. Compute "
            "it from the model's outputs, outside no_grad, and without .data or detach()."
        )
    if math.isfinite(value.data):  # else the parameters stay as they are
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return value.data


def _jitted(loss: Loss, optimizer: Optimizer, must: bool) -> tuple[Loss, Loss]:
    """The compiled step, and the compiled loss. Both run the plain code if the loss can't be
    compiled, unless they `must`."""
    rest = None if must else lambda value: _advance(value, optimizer)
    step = jitted(loss, optimizer, plain=rest)
    number = jitted(loss, None, plain=None if must else lambda value: value)

    def evaluated(model: Any, xs: Any, ys: Any) -> Any:
        number.is_plain |= step.is_plain  # what can't be compiled for one can't for the other
        return number(model, xs, ys)

    return step, evaluated


_NOT_FINITE = (
    "the loss is {} in epoch {}, and its gradients can teach nothing. Mostly the learning rate is "
    "too high: try a tenth of it. Also look for log(0), and for NaN in the data; "
    "autograd.detect_anomaly() finds the first operation that went wrong."
)


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)


@contextmanager
def _modes_kept(model: Module) -> Iterator[None]:
    """At the end each module is in the mode, training or evaluation, that it was in before."""
    modes = [(module, module.training) for _, module in model.named_modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def _progress(epochs: int, batches: int, wanted: bool) -> Iterator[Callable[..., None]]:
    """A function to call after each batch: it moves a bar, or prints a line now and then."""
    if not wanted:
        yield lambda epoch, history, end=False: None
        return
    try:
        from tqdm import tqdm
    except ImportError:  # then lines, about ten of them
        every, printed = max(1, epochs // 10), 0

        def line(epoch: int, history: History, end: bool = False) -> None:
            nonlocal printed
            done = len(history.losses)
            if done > printed and (end or done % every == 0):
                printed = done
                print(f"epoch {done}/{epochs}: {history.line()}", file=sys.stderr)

        yield line
        return
    with tqdm(total=epochs * batches, unit="batch") as bar:

        def move(epoch: int, history: History, end: bool = False) -> None:
            bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
            bar.set_postfix_str(history.line(), refresh=end)
            if not end:
                bar.update()

        yield move
