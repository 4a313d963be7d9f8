"""Momentum and Adam."""

import random

from autograd.exercises.experiments import SHARED, Rounds, in_turn, steps_case
from autograd.exercises.task import Case, Law
from nn import optim


def momentum(start: list[float], rounds: Rounds, **how: float) -> Case:
    return steps_case("Momentum", 0, start, rounds, **how)


def adam(start: list[float], rounds: Rounds, **how: float) -> Case:
    return steps_case("Adam", 1, start, rounds, **how)


class OracleMomentum(optim.SGD):
    def __init__(self, parameters: list[float], lr: float, momentum: float = 0.9) -> None:
        super().__init__(parameters, lr, momentum=momentum)  # type: ignore[arg-type]


class OracleAdam(optim.Adam):
    def __init__(
        self,
        parameters: list[float],
        lr: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr, (beta1, beta2), eps)  # type: ignore[arg-type]


def anything(rng: random.Random) -> list[Case]:
    def some(n: int) -> list[float]:
        return [round(rng.uniform(-2, 2), 2) for _ in range(n)]

    cases = []
    for n in (1, 2, 3):
        start, rounds = some(n), [some(n) for _ in range(4)]
        cases += [
            momentum(start, rounds, lr=0.1, momentum=0.5),
            momentum(start, rounds, lr=0.1),
            adam(start, rounds, lr=0.1, beta1=0.5, beta2=0.8),
            adam(start, rounds, lr=0.1),
        ]
    return cases


LAWS = (
    Law(
        "The first step of Momentum is that of SGD.",
        lambda rng: [
            momentum([1.0], [[0.5]], lr=0.1),
            momentum([1.0, 2.0], [[1.0, -3.0]], lr=0.1),
        ],
    ),
    Law(
        "Later steps of Momentum keep a part of the velocity.",
        lambda rng: [
            momentum([1.0], [[1.0], [1.0]], lr=0.1),
            momentum([1.0], [[1.0], [0.0]], lr=0.1),
            momentum([0.0], [[1.0], [2.0], [3.0]], lr=0.1, momentum=0.5),
        ],
    ),
    Law(
        "Each parameter has a velocity of its own.",
        lambda rng: [momentum([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]], lr=0.1)],
    ),
    Law(
        "Adam's first step is as long as lr, whatever the gradient's size.",
        lambda rng: [
            adam([1.0], [[0.5]], lr=0.1),
            adam([1.0], [[-200.0]], lr=0.1),
            adam([1.0, 2.0], [[1.0, 0.01]], lr=0.1),
        ],
    ),
    Law(
        "Later steps of Adam go by the running means, made up for their start.",
        lambda rng: [
            adam([1.0], [[1.0], [0.0]], lr=0.1),
            adam([1.0], [[1.0], [2.0], [-1.0]], lr=0.1),
            adam([1.0], [[1.0], [2.0]], lr=0.1, beta1=0.5, beta2=0.8),
        ],
    ),
    Law(
        "Each parameter has means of its own, and t counts the steps.",
        lambda rng: [adam([0.0, 0.0], [[1.0, 5.0], [2.0, 0.0], [1.0, 1.0]], lr=0.1)],
    ),
    Law(
        "eps keeps the division safe where the gradient is 0, and stands outside of the root.",
        lambda rng: [
            adam([1.0], [[0.0]], lr=0.1),
            adam([1.0], [[1.0]], lr=0.1, eps=0.5),
            adam([1.0], [[1e-8]], lr=0.1),
        ],
    ),
    Law("They hold for any numbers.", anything),
    Law(
        "Two optimisers may live at the same time.",
        lambda rng: [in_turn("Momentum", 0, lr=0.1), in_turn("Adam", 1, lr=0.1)],
        SHARED,
    ),
    Law(
        "Learning rate and momentum are two things, and any pair of them will do.",
        lambda rng: [
            momentum([1.0], [[1.0], [2.0], [0.5]], lr=0.3, momentum=0.7),
            momentum([1.0], [[1.0], [2.0], [0.5]], lr=0.05, momentum=0.2),
            adam([1.0], [[0.5], [-2.0], [1.0]], lr=0.02, beta1=0.7, beta2=0.6, eps=0.1),
        ],
    ),
)

ORACLE = (OracleMomentum, OracleAdam)

FORBIDDEN = (
    "nn.optim.SGD",
    "nn.optim.Adam",
)
