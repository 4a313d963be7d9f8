"""A penalty on big weights, and a stop in time."""

import random
from typing import Any

from autograd import Value
from autograd.exercises.experiments import CHANGED, as_it_was
from autograd.exercises.task import Case, Law, Outcome


def penalty(numbers: list[float], strength: float) -> Case:
    def run(l2_penalty: Any, _: Any) -> Outcome:
        parameters = [Value(x) for x in numbers]
        untouched = as_it_was(parameters)
        loss = l2_penalty(parameters, strength)
        loss.backward()
        grads = [p.grad for p in parameters]
        return {"penalty": loss.data, "gradients": grads, "given is as it was": untouched()}

    given = ", ".join(f"Value({x:g})" for x in numbers)
    return Case(f"l2_penalty([{given}], {strength:g}).backward()", run)


def stop(losses: list[float], patience: int) -> Case:
    def run(_: Any, stop_early: Any) -> Outcome:
        given = list(losses)
        return {"best round": stop_early(given, patience), "losses as they were": given == losses}

    return Case(f"stop_early({losses}, patience={patience})", run)


def anything(rng: random.Random) -> list[Case]:
    return [
        stop([float(rng.randint(1, 6)) for _ in range(rng.randint(1, 9))], rng.randint(1, 4))
        for _ in range(12)
    ]


LAWS = (
    Law(
        "The penalty is the sum of the squares, times the strength.",
        lambda rng: [penalty([3.0], 1.0), penalty([3.0], 0.1), penalty([1.0, -2.0, 0.5], 0.5)],
    ),
    Law(
        "No parameter, or no strength, is free.",
        lambda rng: [penalty([0.0, 0.0], 1.0), penalty([3.0], 0.0)],
    ),
    Law(
        "While it gets better, the last round is the best.",
        lambda rng: [stop([2.0], 1), stop([3.0, 2.0], 1), stop([3.0, 2.0, 1.0], 2)],
    ),
    Law(
        "After `patience` rounds that were no better it stops.",
        lambda rng: [
            stop([2.0, 3.0, 1.0], 1),
            stop([3.0, 2.0, 4.0, 5.0, 1.0], 2),
            stop([3.0, 2.0, 4.0, 1.0], 2),
            stop([3.0, 4.0, 2.0, 3.0, 1.0], 2),
        ],
    ),
    Law(
        "Equal is not better.",
        lambda rng: [stop([2.0, 2.0], 3), stop([2.0, 2.0, 2.0, 1.0], 2), stop([3.0, 2.0, 2.0], 9)],
    ),
    Law("It holds for any losses.", anything, CHANGED),
)
