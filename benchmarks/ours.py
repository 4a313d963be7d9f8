"""glassgrad as it is meant to be used: nn's layers and losses, and n-ary ops where nn has none."""

from typing import Any

import autograd
import nn
from autograd import Value
from benchmarks.scalar import Kit, Step


class Nary(Kit):
    """For the GPT, which has no layer in nn: the same program, each weighted sum one node."""

    sum = staticmethod(autograd.sum)
    dot = staticmethod(autograd.dot)
    logsumexp = staticmethod(autograd.logsumexp)

    def softmax(self, xs: Any) -> list[Any]:
        total = autograd.logsumexp(xs)
        return [(x - total).exp() for x in xs]


class ConvNet(nn.Module):
    def __init__(self) -> None:
        self.conv = nn.Conv2d(1, 4, 3, stride=2, activation="relu")
        self.head = nn.Layer(36, 10, "linear")

    def forward(self, pixels: list[float]) -> Any:
        image = [pixels[i : i + 8] for i in range(0, 64, 8)]
        return self.head([v for plane in self.conv([image]) for row in plane for v in row])


class Recurrent(nn.Module):
    def __init__(self) -> None:
        self.rnn, self.head = nn.RNN(4, 16), nn.Layer(16, 10, "linear")

    def forward(self, xs: Any) -> Any:
        return self.head(self.rnn(xs)[-1])


MODELS = {
    "moons": lambda: nn.MLP(2, [16, 16, 1]),
    "digits": lambda: nn.MLP(64, [32, 10]),
    "conv": ConvNet,
    "rnn": Recurrent,
    "big": lambda: nn.MLP(784, [1024, 256, 10]),
}
MODELS |= {"digits-128": MODELS["digits"], "big-32": MODELS["big"], "rnn-100": MODELS["rnn"]}


def build(workload: str, numbers: Any) -> Step:
    if workload == "gpt":
        return Nary(Value, autograd.exp, autograd.log).build(workload, numbers)
    model, data, lr = MODELS[workload](), numbers["data"], numbers["lr"]
    trained = model.parameters()
    for p, x in zip(trained, in_order(numbers["params"]), strict=True):
        p.data = x

    def step() -> float:
        outputs = [model(x) for x in data["xs"]]
        if workload == "moons":
            loss = nn.hinge_loss(outputs, data["ys"]) + 1e-4 * nn.l2_penalty(trained)
        else:
            loss = nn.cross_entropy(outputs, data["ys"])
        loss.backward()
        for p in trained:
            p.data -= lr * p.grad
            p.grad = 0.0
        return loss.data

    return step


def in_order(params: Any) -> list[float]:
    """A neuron's weights, then its bias; neuron by neuron, layer by layer: nn's order."""
    layers = [params[key] for key in ("kernel", "rnn") if key in params]
    return [
        x
        for layer in [*layers, *params["layers"]]
        for row, bias in zip(layer["w"], layer["b"])
        for x in (*row, bias)
    ]
