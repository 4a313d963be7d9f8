"""Optimisers: how a step changes the parameters, and gradient clipping.

Each update rule is written once, in `update`, with + - * / ** only. So the same lines serve one
float (here) and an array of all parameters at once (a compiled step).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autograd import Value


class Optimizer:
    """What all optimisers share. A subclass names its `memory` and writes `update`.

    memory: the names of what it remembers for each parameter, such as ("velocity",).
    params: the parameters, in order. lr: the learning rate; schedules set it.
    steps: how many steps were made. state: for each name in `memory` a sequence with a number for
    each parameter, in the order of `params`, 0 at the start.

    A compiled step does what `step()` does, on arrays: it adds 1 to `steps`, makes arrays of the
    sequences in `state`, calls `update(p, g, *arrays)` with arrays over all of `params`, and puts
    the new ones back into `state`, name by name. They may stay arrays: `step()` can go on there.
    """

    memory: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Value], lr: float) -> None:
        if hasattr(params, "parameters"):
            raise TypeError("an optimiser takes the parameters: give it model.parameters().")
        self.params = list(params)
        if not self.params:
            raise ValueError(
                "an optimiser needs parameters, but the list is empty. Does the model keep its "
                "Values and layers in attributes, where model.parameters() finds them?"
            )
        for p in self.params:
            if not isinstance(p, Value) or p.parents:
                raise TypeError(
                    f"an optimiser changes leaf Values, but this is not one: {p!r:.60}. A result "
                    "is computed afresh in each pass: give it what it is computed from."
                )
        if len(set(self.params)) < len(self.params):
            raise ValueError("a parameter is listed twice, and would be changed twice a step.")
        if not (math.isfinite(lr) and lr > 0):
            raise ValueError(
                f"the learning rate must be above 0, but is {lr!r}: 0 learns nothing, and below 0 "
                "the loss is climbed, not descended. Try lr=0.1 for SGD, lr=0.001 for Adam."
            )
        self.lr = lr
        self.steps = 0
        self.state: dict[str, Any] = {name: [0.0] * len(self.params) for name in self.memory}

    def update(self, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """(new p, *new state) from a parameter, its gradient and its state: floats or arrays.

        `self.lr` and `self.steps` (1 in the first step) are the step's.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method update(self, p, g, ...)")

    def step(self) -> None:
        """Change every parameter by its gradient."""
        self.steps += 1
        for name, column in self.state.items():
            if not isinstance(column, list):  # a compiled step left an array
                self.state[name] = [float(x) for x in column]
        columns = list(self.state.values())
        for i, p in enumerate(self.params):
            p._data, *new = self.update(p._data, p._grad, *[column[i] for column in columns])
            for column, number in zip(columns, new):
                column[i] = number

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0. `backward()` adds, so do this before each one."""
        for p in self.params:
            p._grad = 0.0

    def state_dict(self) -> dict[str, Any]:
        """What to keep in order to go on later: lr, steps, and a list for each memory."""
        memory = {name: [float(x) for x in column] for name, column in self.state.items()}
        return {"lr": self.lr, "steps": self.steps, **memory}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()` of an optimiser of this class, for as many parameters."""
        if state.keys() != self.state_dict().keys():
            raise ValueError(
                f"this is the state of another optimiser than {type(self).__name__}: it has "
                f"{', '.join(state)}."
            )
        for name in self.memory:
            if len(state[name]) != len(self.params):
                raise ValueError(
                    f"this state is for {len(state[name])} parameters, but here are "
                    f"{len(self.params)}."
                )
        self.lr, self.steps = state["lr"], state["steps"]
        self.state = {name: list(state[name]) for name in self.memory}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params)} parameters, lr={self.lr:.4g})"


class SGD(Optimizer):
    """Stochastic gradient descent: p -= lr * g.

    With momentum, v = momentum * v + g, and p -= lr * v; with nesterov, p -= lr * (g + momentum *
    v). weight_decay adds weight_decay * p to the gradient. (As in torch.optim.SGD.)
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        if nesterov and not momentum > 0:
            raise ValueError("nesterov looks ahead along the momentum: set momentum=0.9, say.")
        self.memory = ("velocity",) if momentum else ()
        super().__init__(params, lr)
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay

    def update(self, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        if self.weight_decay:
            g = g + self.weight_decay * p
        if not state:
            return (p - self.lr * g,)
        v = self.momentum * state[0] + g
        return p - self.lr * (g + self.momentum * v if self.nesterov else v), v


class RMSprop(Optimizer):
    """Steps as long as lr, whatever the gradient's usual size: p -= lr * g / (sqrt(s) + eps),
    where s = alpha * s + (1 - alpha) * g**2. (As in torch.optim.RMSprop.)
    """

    memory = ("square",)

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.alpha, self.eps, self.weight_decay = alpha, eps, weight_decay

    def update(self, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        if self.weight_decay:
            g = g + self.weight_decay * p
        s = self.alpha * state[0] + (1.0 - self.alpha) * g * g
        return p - self.lr * g / (s**0.5 + self.eps), s


class Adam(Optimizer):
    """Momentum over RMSprop's steps, both corrected for their start at 0 (Kingma and Ba, 2015).

    m = beta1 * m + (1 - beta1) * g and s = beta2 * s + (1 - beta2) * g**2 are running means;
    divided by 1 - beta**steps they have no bias to 0. Then p -= lr * m / (sqrt(s) + eps).
    weight_decay adds weight_decay * p to the gradient. (As in torch.optim.Adam.)
    """

    memory = ("mean", "square")

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay

    def update(self, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        if self.weight_decay:
            g = g + self.weight_decay * p
        return self.adam(p, g, *state)

    def adam(self, p: Any, g: Any, m: Any, s: Any) -> tuple[Any, ...]:
        """The step itself, whatever became of the weight decay."""
        beta1, beta2 = self.betas
        m = beta1 * m + (1.0 - beta1) * g
        s = beta2 * s + (1.0 - beta2) * g * g
        root = (s / (1.0 - beta2**self.steps)) ** 0.5
        return p - self.lr / (1.0 - beta1**self.steps) * m / (root + self.eps), m, s


class AdamW(Adam):
    """Adam with weight decay of its own: p *= 1 - lr * weight_decay comes before each step, and
    the running means never see it (Loshchilov and Hutter, 2019). (As in torch.optim.AdamW.)
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        return self.adam(p * (1.0 - self.lr * self.weight_decay), g, *state)


def clip_grad_norm(params: Sequence[Value], max_norm: float) -> float:
    """Scale all gradients down together until their norm, sqrt(sum of squares), is max_norm.

    Returns the norm before. (PyTorch divides by norm + 1e-6; we divide by the norm.)
    """
    norm = math.sqrt(math.fsum(p.grad * p.grad for p in params))
    if norm > max_norm:
        for p in params:
            p.grad *= max_norm / norm
    return norm


def clip_grad_value(params: Iterable[Value], limit: float) -> None:
    """Cut each gradient to the range from -limit to limit (NaN stays NaN)."""
    for p in params:
        p.grad = limit if p.grad > limit else -limit if p.grad < -limit else p.grad
