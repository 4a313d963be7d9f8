"""The same scalar code, compiled: `autograd.jit` makes the step, and the data are its arguments."""

from functools import partial
from typing import Any

import numpy as np

import autograd
import nn
from autograd import Value
from benchmarks.naive import PROGRAMS
from benchmarks.ours import MODELS, Nary, in_order
from benchmarks.scalar import Kit, Step, leaves, lift


class LookUps(Nary):
    """The GPT's tokens are data: rows of the embedding and targets are looked up by `take`."""

    def gpt(self, params: Any, data: Any) -> Any:
        columns = list(zip(*params["wte"]))

        class Table:
            def __getitem__(self, token: Any) -> list[Any]:
                return [autograd.take(column, token) for column in columns]

        return Kit.gpt(self, {**params, "wte": Table()}, data)

    def cross_entropy(self, logits: Any, targets: Any) -> Any:
        return nn.cross_entropy(logits, targets)


def build(workload: str, numbers: Any, **options: Any) -> Step:
    """`options` are those of autograd.jit: the back end, for one."""
    if workload == "gpt":
        kit = LookUps(Value, autograd.exp, autograd.log)
        return step_of(kit.gpt, numbers, [numbers["data"]], options)
    data = [np.array(x) for x in numbers["data"].values()]
    if workload in PROGRAMS:
        return step_of(PROGRAMS[workload], numbers, data, options)

    def loss(model: Any, xs: Any, ys: Any) -> Any:
        outputs = [model(x) for x in xs]
        if workload == "moons":
            return nn.hinge_loss(outputs, ys) + 1e-4 * nn.l2_penalty(model.parameters())
        return nn.cross_entropy(outputs, ys)

    model = MODELS[workload]()
    trained = model.parameters()
    for p, x in zip(trained, in_order(numbers["params"]), strict=True):
        p.data = x
    step = autograd.jit(loss, nn.optim.SGD(trained, numbers["lr"]), **options)
    return partial(step, model, *data)


def step_of(program: Any, numbers: Any, data: list[Any], options: Any) -> Step:
    params = lift(numbers["params"], Value)
    optimizer = nn.optim.SGD(list(leaves(params)), numbers["lr"])
    return partial(autograd.jit(program, optimizer, **options), params, *data)
