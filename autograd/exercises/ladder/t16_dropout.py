"""Task 16: dropout."""

import random
from typing import Any

from autograd import Value
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task


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
        } | ({"times that rng.random() was asked": rng.asked} if p else {})  # p = 0 needs no rng

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


TASK = Task(
    number=16,
    name="dropout",
    title="Dropout",
    targets=("dropout",),
    text="""\
Dropout makes a network rely on no single neuron: in training, each number is dropped at random.

Write `dropout(xs, p, rng, training=True)`, where `xs` is a list of Values. It returns a list of
the same length.

- For each x, one after the other, ask `rng.random()` once, a number from 0 to 1. If it is below
  `p`, the output is 0; else it is x **divided by** `1 - p`. (So the mean stays what it was.)
- With `training=False` the numbers go through untouched, and nobody asks `rng`.
- `p` is at least 0 and below 1. Leave `xs` as it is, and keep the way back for the gradients.""",
    neighbour="""\
import random

from autograd import Value

# A neighbour: add a little noise to each number in training, and none otherwise.
def noisy(xs, size, rng, training=True):
    if not training:
        return xs
    return [x + size * rng.uniform(-1, 1) for x in xs]

[round(v.data, 2) for v in noisy([Value(1.0), Value(2.0)], 0.1, random.Random(0))]  # [1.07, 2.05]
""",
    hints=(
        "Each x has a factor: 0 or 1 / (1 - p). The output is x times its factor.",
        "Ask `rng.random()` inside the loop, once for each x.",
        "With training=False return at once.",
    ),
    solution='''\
def dropout(xs, p, rng, training=True):
    """In training each x becomes 0 with probability p, and the others grow by 1 / (1 - p)."""
    ### BEGIN SOLUTION
    if not training:
        return list(xs)
    out = []
    for x in xs:
        factor = 0.0 if rng.random() < p else 1 / (1 - p)
        out.append(x * factor)
    return out
    ### END SOLUTION
''',
    laws=(
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
    ),
    mistakes=(
        Mistake(
            "no_growth",
            "What stays does not grow, so in training all sums become smaller: times 1 / (1 - p).",
            (("1 / (1 - p)", "1.0"),),
        ),
        Mistake(
            "shrinks",
            "What stays is multiplied by 1 - p; divide by it.",
            (("1 / (1 - p)", "(1 - p)"),),
        ),
        Mistake(
            "divides_by_p",
            "What stays is divided by p; divide by 1 - p, the share that stays.",
            (("1 / (1 - p)", "1 / (p or 1)"),),
        ),
        Mistake(
            "keeps_instead",
            "What should be dropped is kept, and the other way round: p is the chance to be "
            "dropped.",
            (("rng.random() < p", "rng.random() >= p"),),
        ),
        Mistake(
            "also_without_training",
            "It drops numbers in evaluation as well: with training=False return xs.",
            (("    if not training:\n        return list(xs)\n", ""),),
        ),
        Mistake(
            "only_without_training",
            "training is taken the wrong way round.",
            (("if not training:", "if training:"),),
        ),
        Mistake(
            "one_draw_for_all",
            "One draw decides for all numbers: ask `rng.random()` for each of them.",
            (
                ("    out = []\n", "    out = []\n    roll = rng.random()\n"),
                ("rng.random() < p", "roll < p"),
            ),
        ),
        Mistake(
            "removed",
            "The dropped numbers are left out of the list; put a 0 in their place.",
            (("        out.append(x * factor)", "        if factor: out.append(x * factor)"),),
        ),
        Mistake(
            "graph_cut",
            "The outputs are made of `.data`, plain numbers: no gradient finds its way back.",
            (("x * factor", "x.data * factor"),),
        ),
        Mistake(
            "in_place",
            "The inputs themselves are changed: make new Values, `x * factor`.",
            (
                (
                    "        out.append(x * factor)",
                    "        x.data *= factor\n        out.append(x)",
                ),
            ),
        ),
        Mistake(
            "scaled_in_evaluation",
            "The numbers grow in evaluation too: there they go through untouched.",
            (("return list(xs)", "return [x * (1 / (1 - p)) for x in xs]"),),
        ),
        Mistake(
            "at_p_too",
            "A draw equal to p is dropped as well: below p means `<`.",
            (("rng.random() < p", "rng.random() <= p"),),
        ),
        Mistake(
            "precedence",
            "`x / 1 - p` divides by 1 and then takes p off: brackets, `x / (1 - p)`.",
            (
                ("else 1 / (1 - p)", "else 1.0"),
                ("out.append(x * factor)", "out.append(x / 1 - p if factor else x * 0.0)"),
            ),
        ),
        Mistake(
            "asks_in_evaluation",
            "It asks `rng` in evaluation, too, where nothing is drawn: return before the loop.",
            (
                ("    if not training:\n        return list(xs)\n", ""),
                (
                    "        factor = 0.0 if rng.random() < p else 1 / (1 - p)\n",
                    "        roll = rng.random()\n"
                    "        factor = 1.0 if not training else 0.0 if roll < p else 1 / (1 - p)\n",
                ),
            ),
        ),
        Mistake(
            "list_changed",
            "The new numbers are put into the list `xs` itself: make a list of your own and "
            "return that.",
            (("    return out\n", "    xs[:] = out\n    return out\n"),),
        ),
        Mistake(
            "returns_in_loop",
            "The `return` stands inside the loop, so only the first number comes back. Put it "
            "behind the loop.",
            (("    return out\n", "        return out\n"),),
        ),
    ),
)
