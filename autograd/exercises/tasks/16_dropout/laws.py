"""Dropout."""

import random
from typing import Any

from autograd import Value
from autograd.exercises.experiments import KEPT, again
from autograd.exercises.task import Case, Law, Outcome


class Rng:
    """A generator whose random() gives the numbers of a list, one after the other, and counts."""

    def __init__(self, numbers: list[float]) -> None:
        self.numbers, self.asked = numbers, 0

    def random(self) -> float:
        self.asked += 1
        return self.numbers[self.asked - 1] if self.asked <= len(self.numbers) else 0.5


def case(xs: list[float], p: float, rolls: list[float], training: bool = True) -> Case:
    def run(dropout: Any) -> Outcome:
        values, rng = [Value(x) for x in xs], Rng(rolls)
        given = list(values)
        out = list(dropout(given, p, rng, training))
        loss = Value(0.0)
        for k, v in enumerate(out, 1):
            loss = loss + v * k
        loss.backward()
        return {
            "outputs": [v.data if isinstance(v, Value) else v for v in out],
            "xs afterwards": [v.data if isinstance(v, Value) else v for v in given],
            "gradients, if output k counts k times": [v.grad for v in values],
        } | {"times that rng.random() was asked": rng.asked}

    given = "" if training else ", training=False"
    text = (
        f"xs = {[f'Value({x:g})' for x in xs]}".replace("'", "")
        + f"\nrng.random() will give {rolls}\ndropout(xs, {p:g}, rng{given})"
    )
    return Case(text, run)


def on_average(rng: random.Random) -> list[Case]:
    seed = rng.randrange(10**6)

    def one(p: float) -> Case:
        def run(dropout: Any) -> Outcome:
            dice = random.Random(seed)
            out = [dropout([Value(1.0)], p, dice)[0] for _ in range(400)]
            return {
                "mean output of 400 trials": sum(v.data if isinstance(v, Value) else v for v in out)
                / 400
            }

        return Case(f"dropout([Value(1)], {p:g}, rng), 400 times", run)

    return [one(0.25), one(0.5)]


LAWS = (
    Law(
        "Without training the numbers go through untouched.",
        lambda rng: [
            case([2.0], 0.5, [], training=False),
            case([1.0, -3.0], 0.9, [], training=False),
        ],
    ),
    Law(
        "With p = 0 nothing is dropped.",
        lambda rng: [case([2.0, 3.0], 0.0, [0.3, 0.7]), case([2.0], 0.0, [0.0])],
    ),
    Law(
        "What is drawn below p is dropped; the rest stays.",
        lambda rng: [
            case([2.0], 0.5, [0.4]),
            case([2.0], 0.5, [0.6]),
            case([2.0], 0.5, [0.5]),
            case([1.0, 2.0, 3.0], 0.5, [0.9, 0.1, 0.8]),
        ],
    ),
    Law(
        "What stays grows by 1 / (1 - p).",
        lambda rng: [case([3.0], 0.25, [0.6]), case([1.0, 2.0], 0.8, [0.9, 0.1])],
    ),
    Law("So the mean stays what it was.", on_average),
    Law(
        "It holds for any numbers.",
        lambda rng: [
            case(
                [round(rng.uniform(-3, 3), 1) for _ in range(n)],
                round(rng.uniform(0.1, 0.9), 2),
                [round(rng.random(), 3) for _ in range(n)],
            )
            for n in (1, 2, 3, 5, 8)
        ],
    ),
    Law(
        "A second call draws anew, and asks nothing of the first.",
        lambda rng: [again(case([1.0, 2.0], 0.5, [0.9, 0.1]))],
        KEPT,
    ),
)

FORBIDDEN = ("nn.Dropout",)
