"""A warm-up and half a cosine."""

import random
from typing import Any

from autograd.exercises.task import Case, Law, Outcome


def case(step: int, lr: float, warmup: int, total: int) -> Case:
    def run(learning_rate: Any) -> Outcome:
        return {"rate": learning_rate(step, lr, warmup, total)}

    text = f"learning_rate({step}, lr={lr:g}, warmup={warmup}, total={total})"
    return Case(text, run, tolerance=1e-9)


def anything(rng: random.Random) -> list[Case]:
    cases = []
    for _ in range(10):
        warmup = rng.randint(0, 6)
        total = warmup + rng.randint(1, 9)
        cases.append(case(rng.randint(0, total + 2), round(rng.uniform(0, 2), 2), warmup, total))
    return cases


LAWS = (
    Law(
        "In the warm-up it rises in equal parts.",
        lambda rng: [case(0, 1.0, 4, 10), case(1, 1.0, 4, 10), case(2, 0.5, 4, 10)],
    ),
    Law(
        "The last step of the warm-up, and the first after it, have all of it.",
        lambda rng: [case(3, 1.0, 4, 10), case(4, 1.0, 4, 10), case(0, 0.1, 1, 3)],
    ),
    Law(
        "Without a warm-up it starts at once.", lambda rng: [case(0, 2.0, 0, 8), case(2, 2.0, 0, 8)]
    ),
    Law(
        "Half-way down it is half, and the rest is a cosine.",
        lambda rng: [case(7, 1.0, 4, 10), case(5, 1.0, 4, 10), case(9, 1.0, 4, 10)],
    ),
    Law(
        "At the end it is 0, and it stays there.",
        lambda rng: [case(10, 1.0, 4, 10), case(12, 1.0, 4, 10), case(16, 1.0, 4, 10)],
    ),
    Law("It holds for any plan.", anything),
)
