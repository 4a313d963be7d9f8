"""Stochastic gradient descent."""

import random
from typing import Any

from autograd import Value
from autograd.exercises.experiments import CHANGED, SHARED, Rounds, in_turn, steps_case
from autograd.exercises.task import Case, Law, Outcome
from nn import optim


def case(start: list[float], rounds: Rounds, lr: float) -> Case:
    return steps_case("SGD", 0, start, rounds, lr=lr)


def zeroes(rng: random.Random) -> list[Case]:
    def run(sgd: Any) -> Outcome:
        ps = [Value(1.0), Value(2.0)]
        ps[0].grad, ps[1].grad = 3.0, 4.0
        sgd(ps, lr=0.1).zero_grad()
        return {
            f"ps[{i}].{name}": getattr(p, name)
            for i, p in enumerate(ps)
            for name in ("grad", "data")
        }

    return [
        Case(
            "ps = [Value(1), Value(2)]\nset the gradients to [3, 4]\nSGD(ps, lr=0.1).zero_grad()",
            run,
        )
    ]


def generators(rng: random.Random) -> list[Case]:
    def run(sgd: Any) -> Outcome:
        ps = [Value(1.0), Value(2.0)]
        optimizer = sgd((p for p in ps), lr=1.0)
        for _ in range(2):
            for p in ps:
                p.grad = 0.25
            optimizer.step()
        return {f"ps[{i}].data": p.data for i, p in enumerate(ps)}

    return [
        Case(
            "optimizer = SGD((p for p in ps), lr=1)   # a generator, as some models give\n"
            "set the gradients to [0.25, 0.25], optimizer.step(), twice",
            run,
        )
    ]


def keeps(rng: random.Random) -> list[Case]:
    def run(sgd: Any) -> Outcome:
        ps = [Value(1.0), Value(2.0)]
        optimizer = sgd(ps, lr=0.5)
        for p in ps:
            p.grad = 1.0
        optimizer.step()
        return {"number of parameters": len(ps), "ps": [p.data for p in ps]}

    lines = ["ps = [Value(1), Value(2)]", "optimizer = SGD(ps, lr=0.5)"]
    return [Case("\n".join([*lines, "set the gradients to [1, 1]", "optimizer.step()"]), run)]


def anything(rng: random.Random) -> list[Case]:
    def some(n: int) -> list[float]:
        return [round(rng.uniform(-2, 2), 2) for _ in range(n)]

    return [
        case(some(n), [some(n) for _ in range(3)], rng.choice((0.01, 0.1, 0.5))) for n in (1, 2, 3)
    ]


LAWS = (
    Law(
        "A step goes against the gradient.",
        lambda rng: [case([1.0], [[0.5]], lr=1.0), case([1.0], [[-0.5]], lr=1.0)],
    ),
    Law(
        "Its length is the learning rate times the gradient.",
        lambda rng: [case([1.0], [[2.0]], lr=0.1), case([0.0], [[3.0]], lr=0.5)],
    ),
    Law(
        "Every parameter takes its step, with its own gradient.",
        lambda rng: [
            case([1.0, 2.0], [[1.0, -1.0]], lr=0.1),
            case([1.0, 2.0, 3.0], [[0.5, 0.0, -2.0]], lr=0.1),
        ],
    ),
    Law(
        "The next step starts where the last one ended.",
        lambda rng: [
            case([1.0], [[1.0], [1.0]], lr=0.1),
            case([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]], 0.1),
        ],
    ),
    Law("zero_grad sets the gradients to 0 and leaves the data.", zeroes),
    Law("A generator of parameters will do as well as a list.", generators),
    Law("It holds for any numbers.", anything),
    Law(
        "Two optimisers may live at the same time.", lambda rng: [in_turn("SGD", 0, lr=0.1)], SHARED
    ),
    Law(
        "The list of parameters stays as it was; a list changed later is not ours.", keeps, CHANGED
    ),
)

ORACLE = (optim.SGD,)

FORBIDDEN = (
    "nn.optim.SGD",
    "nn.optim.Adam",
)
