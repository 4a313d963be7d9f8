"""A training loop that reaches a given loss."""

import random
from collections.abc import Callable
from typing import Any

import nn
from autograd import Value
from autograd.exercises.experiments import CHANGED, as_it_was
from autograd.exercises.task import Case, Law, Outcome

Points = list[tuple[list[float], float]]


class Line:
    """w * x + b, as a model with parameters."""

    def __init__(self, gradient: float = 0.0) -> None:
        self.w, self.b = Value(0.5), Value(0.0)
        self.w.grad = self.b.grad = gradient

    def __call__(self, xs: list[float]) -> Value:
        return self.w * xs[0] + self.b

    def parameters(self) -> list[Value]:
        return [self.w, self.b]


def used_line() -> Line:
    """Somebody has called backward() before."""
    return Line(5.0)


def network() -> nn.MLP:
    return nn.MLP(2, [4, 1], activation="tanh", rng=random.Random(5))


XOR: Points = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 0.0)]
STRAIGHT: Points = [([0.0], 1.0), ([1.0], 3.0), ([2.0], 5.0)]


def case(
    model: Callable[[], Any],
    points: Points,
    lr: float,
    goal: float,
    most: int,
    seconds: float = 3.0,
    only: tuple[str, ...] = (),
) -> Case:
    """Train and observe the losses and the model; `only` these facts, if given."""
    name = "MLP(2, [4, 1])" if model is network else "a line w * x + b, w = 0.5, b = 0"
    name += ", whose gradients are still 5 from before" if model is used_line else ""
    xs, ys = [x for x, _ in points], [y for _, y in points]

    def run(train: Callable[..., Any]) -> Outcome:
        m = model()
        losses = list(train(m, list(xs), list(ys), lr, goal, most))
        end = sum((float(m(x).data) - y) ** 2 for x, y in points) / len(points)
        facts = {
            "number of losses": len(losses),
            "first losses": losses[:4],
            "last loss": losses[-1] if losses else None,
            "loss of the model afterwards": end,
        }
        return {k: v for k, v in facts.items() if not only or k in only}

    text = (
        f"model: {name}\nxs, ys = {xs}, {ys}\n"
        f"train(model, xs, ys, lr={lr}, goal={goal}, most={most})"
    )
    return Case(text, run, tolerance=1e-6, seconds=seconds)


def twice() -> Case:
    """Two models, one after the other, with the same lists."""
    xs, ys = [x for x, _ in STRAIGHT], [y for _, y in STRAIGHT]

    def run(train: Callable[..., Any]) -> Outcome:
        mine, theirs = [list(x) for x in xs], list(ys)
        untouched = as_it_was(mine, theirs)
        first = list(train(Line(), mine, theirs, 0.1, 0.0, 3))
        second = list(train(Line(), mine, theirs, 0.1, 0.0, 3))
        return {"losses": first, "the second time": second, "given is as it was": untouched()}

    call = "train(model, xs, ys, lr=0.1, goal=0.0, most=3)"
    text = f"xs, ys = {xs}, {ys}\n{call}\n{call}   # with a new model: a line, w = 0.5, b = 0"
    return Case(text, run)


LAWS = (
    Law(
        "The first loss is that of the model as it was given.",
        lambda rng: [
            case(Line, points, 0.1, 0.0, 1, only=("first losses",))
            for points in (STRAIGHT[1:2], STRAIGHT)
        ],
    ),
    Law(
        "Each round makes one step, and the loss is smaller afterwards.",
        lambda rng: [
            case(Line, points, 0.1, 0.0, most)
            for most in (1, 2)
            for points in (STRAIGHT[1:2], STRAIGHT)
        ],
    ),
    Law(
        "Every round starts with fresh gradients.",
        lambda rng: [
            case(Line, STRAIGHT, 0.1, 0.0, 3),
            case(Line, STRAIGHT, 0.1, 0.0, 5),
            case(used_line, STRAIGHT, 0.1, 0.0, 2),
        ],
    ),
    Law(
        "It stops when the goal is reached, and not before.",
        lambda rng: [
            case(Line, STRAIGHT, 0.1, 100.0, 50),
            case(Line, STRAIGHT, 0.1, 0.01, 200),
            case(Line, [([0.0], 2.0)], 0.25, 4.0, 50),
        ],
    ),
    Law(
        "It stops after `most` rounds if the goal is out of reach.",
        lambda rng: [case(Line, [([0.0], 0.0), ([0.0], 2.0)], 0.1, 0.5, 20)],
    ),
    Law(
        "It goes on when the loss rises for a while.",
        lambda rng: [case(Line, STRAIGHT, 0.9, 0.01, 6)],
        "It stops before the goal is reached, and before `most` rounds: does it look at something "
        "else, such as a loss that rises?",
    ),
    Law(
        "Examples and their order stay as they were, and a second call starts afresh.",
        lambda rng: [twice()],
        CHANGED,
    ),
    Law(
        "It trains a network: XOR to a loss of 0.02.",
        lambda rng: [case(network, XOR, 0.3, 0.02, 600)],
    ),
)

FORBIDDEN = ("nn.fit",)
