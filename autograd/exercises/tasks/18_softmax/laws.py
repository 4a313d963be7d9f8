"""Softmax: probabilities, their gradients, and no overflow."""

import random
from typing import Any

from autograd import Value
from autograd.exercises.experiments import CHANGED, UNSTABLE, as_it_was
from autograd.exercises.task import Case, Law, Outcome


def case(logits: list[float]) -> Case:
    """The probabilities, and the gradients if probability k counts k + 1 times."""

    def run(softmax: Any) -> Outcome:
        values = [Value(x) for x in logits]
        out = list(softmax(list(values)))
        loss = Value(0.0)
        for k, p in enumerate(out, 1):
            loss = loss + p * k
        loss.backward()
        return {"probabilities": [p.data for p in out], "gradients": [v.grad for v in values]}

    given = ", ".join(f"Value({x:g})" for x in logits)
    return Case(f"p = softmax([{given}])\nloss: the sum of (k + 1) * p[k]; loss.backward()", run)


def twice(rng: random.Random) -> list[Case]:
    def run(softmax: Any) -> Outcome:
        values = [Value(2.0), Value(-1.0)]
        untouched = as_it_was(values)
        first, second = ([p.data for p in softmax(values)] for _ in range(2))
        return {"first": first, "second": second, "given is as it was": untouched()}

    return [Case("values = [Value(2), Value(-1)]\nsoftmax(values)\nsoftmax(values)", run)]


LAWS = (
    Law("Equal scores share equally.", lambda rng: [case([0.0]), case([1.0, 1.0])]),
    Law(
        "Each is exp of its score, divided by the sum of all.",
        lambda rng: [case([1.0, 0.0]), case([0.0, 1.0]), case([2.0, -1.0, 0.5])],
    ),
    Law("Only differences count.", lambda rng: [case([11.0, 10.0]), case([-9.0, -10.0])]),
    Law(
        "It is stable wherever the largest score stands, and however far the others are.",
        lambda rng: [
            case([1000.0, 999.0]),
            case([0.0, 1000.0]),
            case([-1000.0, -1001.0]),
            case([2000.0, 0.0, 0.0, 0.0]),
        ],
        UNSTABLE,
    ),
    Law(
        "It holds for any scores.",
        lambda rng: [case([round(rng.uniform(-3, 3), 1) for _ in range(n)]) for n in (2, 3, 4, 5)],
    ),
    Law("What is given stays as it was, and a second call gives the same.", twice, CHANGED),
)
