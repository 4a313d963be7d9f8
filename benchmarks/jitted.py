"""The same scalar code, compiled: `autograd.jit` makes the step, and the data are its arguments."""

from typing import Any

import autograd
import nn
from autograd import Value
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


def build(workload: str, numbers: Any) -> Step:
    data = numbers["data"]
    if workload == "gpt":
        params = lift(numbers["params"], Value)
        kit = LookUps(Value, autograd.exp, autograd.log)
        gpt = autograd.jit(kit.gpt, nn.optim.SGD(list(leaves(params)), numbers["lr"]))
        return lambda: gpt(params, data)  # type: ignore[no-any-return]

    def loss(model: Any, xs: Any, ys: Any) -> Any:
        outputs = [model(x) for x in xs]
        if workload == "moons":
            return nn.hinge_loss(outputs, ys) + 1e-4 * nn.l2_penalty(model.parameters())
        return nn.cross_entropy(outputs, ys)

    model = MODELS[workload]()
    trained = model.parameters()
    for p, x in zip(trained, in_order(numbers["params"]), strict=True):
        p.data = x
    step = autograd.jit(loss, nn.optim.SGD(trained, numbers["lr"]))
    import numpy as np  # data as whoever has them would pass them

    xs, ys = np.array(data["xs"]), np.array(data["ys"])
    return lambda: step(model, xs, ys)  # type: ignore[no-any-return]
