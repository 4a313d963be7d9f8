"""Schedules: how the learning rate changes as training goes on.

A schedule takes an optimiser, and its `lr` at that moment as the base rate. Call `step()` after
each epoch (`nn.fit` does), and it sets `optimizer.lr` for the next. Names and numbers are
PyTorch's.
"""

import math

from nn.optim import Optimizer


class Schedule:
    """What schedules share: a subclass writes `rate(t)`, the learning rate after t epochs."""

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


class StepLR(Schedule):
    """The rate times gamma after every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        if step_size < 1:
            raise ValueError(f"step_size is a number of epochs, at least 1, but is {step_size!r}.")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        return self.base * self.gamma ** (t // self.step_size)


class ExponentialLR(Schedule):
    """The rate times gamma after every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        return self.base * self.gamma**t


class CosineAnnealingLR(Schedule):
    """Half a cosine wave down from the base rate to `eta_min` in `T_max` epochs."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        if T_max < 1:
            raise ValueError(f"T_max is a number of epochs, at least 1, but is {T_max!r}.")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        wave = (1.0 + math.cos(math.pi * t / self.T_max)) / 2.0
        return self.eta_min + (self.base - self.eta_min) * wave


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
        if epochs < 1:
            raise ValueError(f"a warm-up takes at least 1 epoch, but is {epochs!r}.")
        self.epochs, self.after, self.start_factor = epochs, after, start_factor
        if after is not None:
            optimizer.lr = after.base
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        if t < self.epochs:
            return self.base * (self.start_factor + (1.0 - self.start_factor) * t / self.epochs)
        return self.after.rate(t - self.epochs) if self.after else self.base


class ReduceLROnPlateau:
    """The rate times `factor` when the loss has not fallen for more than `patience` epochs.

    It has fallen when it is below (1 - threshold) * the best so far; never below `min_lr`.
    Here `step` takes the epoch's loss (`nn.fit` gives the validation loss if there is one).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        min_lr: float = 0.0,
    ) -> None:
        if not 0 < factor < 1:
            raise ValueError(f"factor shrinks the rate: 0 < factor < 1, but it is {factor!r}.")
        self.optimizer, self.factor, self.patience = optimizer, factor, patience
        self.threshold, self.min_lr = threshold, min_lr
        self.best = math.inf
        self.bad_epochs = 0

    def step(self, loss: float) -> None:
        if loss < self.best * (1.0 - self.threshold):
            self.best, self.bad_epochs = loss, 0
        else:
            self.bad_epochs += 1
        if self.bad_epochs > self.patience:
            self.optimizer.lr = max(self.optimizer.lr * self.factor, self.min_lr)
            self.bad_epochs = 0
