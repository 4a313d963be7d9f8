"""Schedules: how the learning rate changes as training goes on.

A schedule takes an optimiser, and its `lr` at that moment as the base rate. Call `step()` after
each epoch (`nn.fit` does), and it sets `optimizer.lr` for the next. Names and numbers are
PyTorch's. `state_dict()` and `load_state_dict()` let a training go on where it ended: save the
model's, the optimiser's and the schedule's.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nn.checks import any_number, fraction, not_negative, setting, size
from nn.optim import Optimizer


class Schedule:
    """What schedules share: a subclass writes `rate(t)`, the learning rate after t epochs.

    base: the rate that it starts from. epoch: how many steps were made. The rate is computed from
    both: what else changes `optimizer.lr` is overwritten at the next step. (PyTorch's schedules
    multiply the rate that they find.)
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.base = optimizer.lr
        self.epoch = 0
        optimizer.lr = self.rate(0)

    def rate(self, t: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} needs a method rate(self, t)")

    def step(self) -> None:
        self.epoch += 1
        self.optimizer.lr = self.rate(self.epoch)

    def state_dict(self) -> dict[str, Any]:
        """What to keep in order to go on later, its settings among it: plain data, for JSON.

        Functions, and the optimiser with its present rate, are not in it.
        """
        return _state(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()` of a schedule of this class; sets the optimiser's rate, too.

        Raises ValueError or TypeError for another state; then nothing has changed.
        """
        _load(self, state)
        self.optimizer.lr = self.rate(self.epoch)


class StepLR(Schedule):
    """The rate times gamma after every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = size("step_size, a number of epochs,", step_size)
        self.gamma = not_negative("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        return self.base * self.gamma ** (t // self.step_size)


class MultiStepLR(Schedule):
    """The rate times gamma at each epoch in `milestones`, twice where one is listed twice."""

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        if not hasattr(milestones, "__iter__"):
            raise TypeError(
                f"milestones is a list of epochs, such as [30, 80]: {milestones!r:.60}."
            )
        self.milestones = sorted(size("a milestone, an epoch,", t) for t in milestones)
        self.gamma = not_negative("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        return self.base * self.gamma ** sum(t >= milestone for milestone in self.milestones)


class ExponentialLR(Schedule):
    """The rate times gamma after every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = not_negative("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        return self.base * self.gamma**t


class LambdaLR(Schedule):
    """The base rate times `lr_lambda(t)`, a function of the number of epochs.

    The function is not in `state_dict()`: give the same one when you go on.
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        if not callable(lr_lambda):
            raise TypeError(
                f"lr_lambda is a function of the epoch, such as lambda t: 0.9**t, but this is "
                f"{lr_lambda!r:.60}."
            )
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        return self.base * any_number("lr_lambda(t)", self.lr_lambda(t))


class CosineAnnealingLR(Schedule):
    """Half a cosine wave down from the base rate to `eta_min` in `T_max` epochs, then up again."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = size("T_max, a number of epochs,", T_max)
        self.eta_min = not_negative("eta_min", eta_min)
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        return _cosine(self.base, self.eta_min, t / self.T_max)


class OneCycleLR(Schedule):
    """Up from max_lr / div_factor to max_lr in the first part of `total_steps`, then far down.

    pct_start: the part of the steps that goes up. At the end the rate is max_lr / (div_factor *
    final_div_factor), and stays there (PyTorch raises at a further step). anneal_strategy: "cos"
    or "linear". three_phase: down as long as it went up, and only then to the end. Call `step()`
    after each batch, if total_steps counts batches. (Smith and Topin, 2018. PyTorch's moves the
    momentum, too: this is its cycle_momentum=False.)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f'anneal_strategy is "cos" or "linear", but is {anneal_strategy!r}.')
        self.total_steps, self.anneal_strategy = size("total_steps", total_steps), anneal_strategy
        self.pct_start, self.three_phase = fraction("pct_start", pct_start), bool(three_phase)
        self.max_lr = setting("max_lr", max_lr, ends="()")
        self.div_factor = setting("div_factor", div_factor, ends="()")
        self.final_div_factor = setting("final_div_factor", final_div_factor, ends="()")
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        low = self.max_lr / self.div_factor
        last = low / self.final_div_factor
        top = self.pct_start * self.total_steps - 1.0  # the step with the highest rate
        phases = [(top, low, self.max_lr)]  # (its last step, the rates it goes from and to)
        if self.three_phase:
            phases += [(2.0 * top, self.max_lr, low)]
        phases += [(self.total_steps - 1.0, phases[-1][2], last)]
        curve, begin = _cosine if self.anneal_strategy == "cos" else _line, 0.0
        for end, first, then in phases:
            if t <= end and end > begin:
                return curve(first, then, (t - begin) / (end - begin))
            begin = end
        return last


class WarmupLR(Schedule):
    """Evenly up from start_factor * base to the base rate in `epochs` epochs, then on by `after`.

    after: another schedule of the same optimiser, made before this one; without it, the base rate
    stays. (PyTorch: SequentialLR of LinearLR and `after`.)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        epochs: int,
        after: Schedule | None = None,
        start_factor: float = 1.0 / 3.0,
    ) -> None:
        self.epochs = size("a warm-up's number of epochs", epochs)
        self.start_factor = setting("start_factor", start_factor, 0.0, 1.0, "(]")
        if not (after is None or isinstance(after, Schedule)):
            raise TypeError(
                f"after is a schedule with a rate for each epoch, but this is {after!r:.60}. What "
                "looks at losses can't follow a warm-up here: step it yourself."
            )
        self.after = after
        if after is not None:
            optimizer.lr = after.base
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        if t < self.epochs:
            return _line(self.start_factor * self.base, self.base, t / self.epochs)
        return self.after.rate(t - self.epochs) if self.after else self.base


class ReduceLROnPlateau:
    """The rate times `factor` when the loss has not improved for more than `patience` epochs.

    mode: "min" if lower is better, "max" if higher is. It has improved when it is better than the
    best so far by more than `threshold`: with threshold_mode="rel" by this part of the best one's
    size, with "abs" by this much. (Where the best is below 0, PyTorch's "rel" asks for less than
    the best itself, so a loss that stays the same counts as better for ever. Ours does not.)
    cooldown: so many epochs after a reduction do not count. The rate does not fall below `min_lr`,
    nor at all if it would fall by no more than `eps`. Here `step` takes the epoch's loss (`nn.fit`
    gives the validation loss if there is one). A loss that is NaN is not better.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        for name, x, known in [
            ("mode", mode, ("min", "max")),
            ("threshold_mode", threshold_mode, ("rel", "abs")),
        ]:
            if x not in known:
                raise ValueError(f"{name} is {known[0]!r} or {known[1]!r}, but is {x!r:.60}.")
        self.optimizer, self.mode, self.threshold_mode = optimizer, mode, threshold_mode
        self.factor = setting("factor", factor, 0.0, 1.0, "()")
        self.patience, self.cooldown = size("patience", patience, 0), size("cooldown", cooldown, 0)
        self.threshold, self.min_lr = (
            not_negative("threshold", threshold),
            not_negative("min_lr", min_lr),
        )
        self.eps = not_negative("eps", eps)
        self.best: float | None = None
        self.bad_epochs = self.cooling = 0

    def step(self, loss: float) -> None:
        loss = float(getattr(loss, "data", loss))
        if self.is_better(loss):
            self.best, self.bad_epochs = loss, 0
        else:
            self.bad_epochs += 1
        if self.cooling:
            self.cooling, self.bad_epochs = self.cooling - 1, 0
        if self.bad_epochs > self.patience:
            lower = max(self.optimizer.lr * self.factor, self.min_lr)
            if self.optimizer.lr - lower > self.eps:
                self.optimizer.lr = lower
            self.bad_epochs, self.cooling = 0, self.cooldown

    def is_better(self, loss: float) -> bool:
        if self.best is None:
            return not math.isnan(loss)
        margin = self.threshold * (abs(self.best) if self.threshold_mode == "rel" else 1.0)
        return loss < self.best - margin if self.mode == "min" else loss > self.best + margin

    def state_dict(self) -> dict[str, Any]:
        """What to keep in order to go on later: plain data, for JSON. The rate itself is in the
        optimiser's state."""
        return _state(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()` of another one. Raises for another state; then nothing has
        changed."""
        _load(self, state)


def _cosine(first: float, last: float, part: float) -> float:
    return last + (first - last) * (1.0 + math.cos(math.pi * part)) / 2.0


def _line(first: float, last: float, part: float) -> float:
    return first + (last - first) * part


def _state(schedule: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, x in vars(schedule).items():
        if isinstance(x, Schedule):
            found[name] = x.state_dict()
        elif not (isinstance(x, Optimizer) or callable(x)):
            found[name] = list(x) if isinstance(x, list) else x
    return found


def _load(schedule: Any, state: Any) -> None:
    mine, name = _state(schedule), type(schedule).__name__
    if not isinstance(state, Mapping) or state.keys() != mine.keys():
        raise ValueError(f"this is the state of something else than a {name}: {state!r:.80}.")
    new = {key: _like(f"{name}'s {key}", mine[key], x) for key, x in state.items()}
    inner = {key: x for key, x in vars(schedule).items() if isinstance(x, Schedule)}
    for key, after in inner.items():
        _load(after, new.pop(key))
    vars(schedule).update(new)  # all at once


def _like(name: str, old: Any, x: Any) -> Any:
    """`x`, if it is of the kind of `old`: what a state of the same class holds."""
    if isinstance(old, dict) or x is None and old is None:
        return x
    if isinstance(old, list):
        return [size(name, item) for item in x]
    if isinstance(old, (str, bool)):
        if type(x) is not type(old):
            raise TypeError(f"{name} is like {old!r}, but this state has {x!r:.60}.")
        return x
    return size(name, x, 0) if isinstance(old, int) else any_number(name, x)
