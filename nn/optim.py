"""Optimisers: how a step changes the parameters, and gradient clipping.

Each update rule is written once, in `update`, with + - * / ** only. So the same lines serve one
float (here) and an array of all parameters at once (a compiled step).
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from autograd import Value
from nn.checks import betas as pair_of_betas
from nn.checks import flag, fraction, not_negative, setting, size

Check = Callable[[str, Any], Any]


class Optimizer:
    """What all optimisers share. A subclass names its `memory` and writes `update`.

    memory: the names of what it remembers for each parameter, such as ("velocity",).
    settings: the names of its other settings, each with the function that checks it.
    params: the parameters, in order. lr: the learning rate; schedules set it.
    steps: how many steps were made. state: for each name in `memory` a sequence with a number for
    each parameter, in the order of `params`, 0 at the start.

    A compiled step does what `step()` does, on arrays: it adds 1 to `steps`, makes arrays of the
    sequences in `state`, calls `update(p, g, *arrays)` with arrays over all of `params`, and puts
    the new ones back into `state`, name by name. They may stay arrays: `step()` can go on there.
    """

    memory: tuple[str, ...] = ()
    settings: ClassVar[dict[str, Check]] = {}  # what is saved, too: name -> check(name, x)

    def __init__(self, params: Iterable[Value], lr: float, **settings: Any) -> None:
        self.params = _trainable(params)
        self.lr = _rate(lr)
        vars(self).update({name: self.settings[name](name, x) for name, x in settings.items()})
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
        """What to keep in order to go on later: lr, steps, the settings such as momentum, and a
        list of numbers for each memory. It is plain data, ready for JSON."""
        settings = {name: getattr(self, name) for name in self.settings}
        memory = {name: [float(x) for x in column] for name, column in self.state.items()}
        return {"lr": self.lr, "steps": self.steps, **settings, **memory}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()` of an optimiser of this class, for as many parameters.

        Its settings replace those that this one was made with, as in PyTorch; a setting that is
        not in `state` stays. Raises ValueError or TypeError for another state; then nothing has
        changed.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"a state is a dict, as state_dict() gives it, but this is {state!r:.60}."
            )
        needed = {"lr", "steps", *self.memory}
        if not needed <= state.keys() <= needed.union(self.settings):
            raise ValueError(
                f"this is the state of another optimiser than {type(self).__name__}: it has "
                f"{', '.join(map(str, state))}."
            )
        new: dict[str, Any] = {"lr": _rate(state["lr"]), "steps": size("steps", state["steps"], 0)}
        new["state"] = {name: self._column(name, state[name]) for name in self.memory}
        for name, check in self.settings.items():
            new |= {name: check(name, state[name])} if name in state else {}
        vars(self).update(new)  # all at once

    def _column(self, name: str, column: Any) -> list[float]:
        if isinstance(column, str) or not hasattr(column, "__len__"):
            raise TypeError(f"{name} is a list with a number for each parameter: {column!r:.60}.")
        if len(column) != len(self.params):
            raise ValueError(
                f"this state is for {len(column)} parameters, but here are {len(self.params)}."
            )
        return [setting(name, x, -math.inf, math.inf, "[]") if x == x else math.nan for x in column]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params)} parameters, lr={self.lr:.4g})"


class SGD(Optimizer):
    """Stochastic gradient descent: p -= lr * g.

    With momentum, v = momentum * v + g, and p -= lr * v; with nesterov, p -= lr * (g + momentum *
    v). weight_decay adds weight_decay * p to the gradient. (As in torch.optim.SGD.)
    """

    settings: ClassVar = {"momentum": not_negative, "nesterov": flag, "weight_decay": not_negative}
    momentum: float
    nesterov: bool
    weight_decay: float

    def __init__(
        self,
        params: Iterable[Value],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.memory = ("velocity",) if momentum else ()
        super().__init__(
            params, lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay
        )
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov looks ahead along the momentum: set momentum=0.9, say.")

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
    settings: ClassVar = {"alpha": fraction, "eps": not_negative, "weight_decay": not_negative}
    alpha: float
    eps: float
    weight_decay: float

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, alpha=alpha, eps=eps, weight_decay=weight_decay)

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
    settings: ClassVar = {
        "betas": pair_of_betas,
        "eps": not_negative,
        "weight_decay": not_negative,
    }
    betas: tuple[float, float]
    eps: float
    weight_decay: float

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay)

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


class Adagrad(Optimizer):
    """Steps that shrink with all that came before: p -= lr_t * g / (sqrt(s) + eps), where s is the
    sum of g**2 over all steps, from initial_accumulator_value on, and lr_t = lr / (1 + (steps - 1)
    * lr_decay) (Duchi et al., 2011). weight_decay adds weight_decay * p to the gradient. (As in
    torch.optim.Adagrad.)
    """

    memory = ("sum",)
    settings: ClassVar = {
        "lr_decay": not_negative,
        "weight_decay": not_negative,
        "initial_accumulator_value": not_negative,
        "eps": not_negative,
    }
    lr_decay: float
    weight_decay: float
    eps: float

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        start = initial_accumulator_value
        super().__init__(
            params,
            lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=start,
            eps=eps,
        )
        self.state["sum"] = [float(start)] * len(self.params)

    def update(self, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        if self.weight_decay:
            g = g + self.weight_decay * p
        s = state[0] + g * g
        rate = self.lr / (1.0 + (self.steps - 1.0) * self.lr_decay)
        return p - rate * g / (s**0.5 + self.eps), s


# --- clipping ------------------------------------------------------------------------------------


def clip_grad_norm(params: Iterable[Value], max_norm: float) -> float:
    """Scale all gradients down together until their norm, sqrt(sum of squares), is max_norm.

    Returns the norm before. If that is NaN, all gradients become NaN, as in PyTorch: one that is
    NaN says that none can be trusted. (PyTorch divides by norm + 1e-6; we divide by the norm.)
    Raises ValueError for a max_norm below 0.
    """
    ps, max_norm = _with_gradients(params), setting("max_norm", max_norm, ends="[]")
    grads = [p.grad for p in ps]
    norm = math.hypot(*grads) if all(g == g for g in grads) else math.nan
    if norm > max_norm or norm != norm:
        for p in ps:  # by the norm first: max_norm / norm may be too small for a float
            p.grad = p.grad / norm * max_norm
    return norm


def clip_grad_value(params: Iterable[Value], limit: float) -> None:
    """Cut each gradient to the range from -limit to limit (NaN stays NaN).

    Raises ValueError for a limit below 0.
    """
    limit = setting("limit", limit, ends="[]")
    for p in _with_gradients(params):
        p.grad = limit if p.grad > limit else -limit if p.grad < -limit else p.grad


# --- what is asked for ---------------------------------------------------------------------------


def _trainable(params: Iterable[Value]) -> list[Value]:
    """The parameters as a list, if each is a leaf and there once."""
    found = _listed(params, "an optimiser takes")
    if not found:
        raise ValueError(
            "an optimiser needs parameters, but the list is empty. Does the model keep its "
            "Values and layers in attributes, where model.parameters() finds them?"
        )
    for p in found:
        if not isinstance(p, Value):
            raise TypeError(
                f"an optimiser changes leaf Values, but among its parameters is one of type "
                f"{type(p).__name__}: {p!r:.60}. {_HINTS.get(type(p), '')}"
            )
        if p.parents:
            raise TypeError(
                f"an optimiser changes leaf Values, but this is not one: {p!r:.60}. A result "
                "is computed afresh in each pass: give it what it is computed from."
            )
    if len(set(found)) < len(found):
        raise ValueError("a parameter is listed twice, and would be changed twice a step.")
    return found


_HINTS: dict[Any, str] = {
    tuple: "From named_parameters() take the Values: [p for name, p in ...], or parameters().",
    dict: "There are no groups of parameters here: make an optimiser for each.",
    str: "From state_dict() or a dict of parameters take the values, not the names.",
    list: "Make one flat list of all parameters, as model.parameters() does.",
}


def _with_gradients(params: Iterable[Value]) -> list[Value]:
    found = _listed(params, "clipping takes")
    for p in found:
        if not isinstance(p, Value):
            raise TypeError(
                f"clipping changes the gradients of Values, but this is a {type(p).__name__}: "
                f"{p!r:.60}. Give it model.parameters()."
            )
    return found


def _listed(params: Any, what: str) -> list[Any]:
    if hasattr(params, "parameters"):
        raise TypeError(f"{what} the parameters: give it model.parameters().")
    if isinstance(params, Value):  # one, as it is
        raise TypeError(f"{what} a list of parameters: write [p] for one alone.")
    try:
        return list(params)
    except TypeError:
        raise TypeError(
            f"{what} a list of parameters, as model.parameters() gives it, but this is of type "
            f"{type(params).__name__}: {params!r:.60}."
        ) from None


def _rate(lr: Any) -> float:
    """`lr` as a float, if it is a learning rate."""
    rate = setting("lr", lr, -math.inf, math.inf, "[]") if lr == lr else math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(
            f"the learning rate must be above 0, but is {lr!r}: 0 learns nothing, and below 0 "
            "the loss is climbed, not descended. Try lr=0.1 for SGD, lr=0.001 for Adam."
        )
    return rate
