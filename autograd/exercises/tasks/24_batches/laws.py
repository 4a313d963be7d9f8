"""Batches: every example once, in a new order each time."""

import random
from typing import Any

from autograd.exercises.experiments import CHANGED
from autograd.exercises.task import Case, Law, Outcome


def case(n: int, size: int, *only: str) -> Case:
    """Facts that hold whichever way the order is drawn."""
    examples = [[float(i), i % 2] for i in range(n)]

    def run(batches: Any) -> Outcome:
        found = [list(batch) for batch in batches(list(examples), size, random.Random(n))]
        flat = [example for batch in found for example in batch]
        facts = {
            "sizes": [len(batch) for batch in found],
            "missing": [e for e in examples if e not in flat],
            "more than once": [e for e in examples if flat.count(e) > 1],
        }
        return {k: v for k, v in facts.items() if not only or k in only}

    def expected() -> Outcome:
        sizes = [len(examples[i : i + size]) for i in range(0, n, size)]
        facts: Outcome = {"sizes": sizes, "missing": [], "more than once": []}
        return {k: v for k, v in facts.items() if not only or k in only}

    text = (
        f"examples = [[0, 0], [1, 1], [2, 0], ...]   # {n} of them\nbatches(examples, {size}, rng)"
    )
    return Case(text, run, expected)


def orders(rng: random.Random) -> list[Case]:
    facts = (
        "in the given order",
        "the second time the same order",
        "the same rng gives the same",
        "the list as it was",
    )

    def run(batches: Any) -> Outcome:
        examples, dice = list(range(20)), random.Random(1)
        first, second = batches(examples, 4, dice), batches(examples, 4, dice)
        other = batches(examples, 4, random.Random(1))
        flat = [e for batch in first for e in batch]
        found = (flat == examples, first == second, first == other, examples == list(range(20)))
        return dict(zip(facts, found))

    text = "examples = [0, 1, ..., 19]\nbatches(examples, 4, rng)\nbatches(examples, 4, rng)"
    return [Case(text, run, lambda: dict(zip(facts, (False, False, True, True))))]


LAWS = (
    Law("Each batch holds `size` examples.", lambda rng: [case(2, 1), case(4, 2), case(6, 3)]),
    Law("The last may be smaller.", lambda rng: [case(3, 2), case(5, 3), case(2, 5)]),
    Law("Without examples there are no batches.", lambda rng: [case(0, 2)]),
    Law("The order is drawn by rng, anew each time, and the list stays as it was.", orders),
    Law(
        "It holds for any numbers.",
        lambda rng: [case(rng.randint(1, 30), rng.randint(1, 9)) for _ in range(5)],
        CHANGED,
    ),
)
