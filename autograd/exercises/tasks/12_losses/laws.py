"""How wrong is it? Mean squared error and cross-entropy."""

import random
from typing import Any

import nn
from autograd import Value
from autograd.exercises.experiments import CHANGED, UNSTABLE, as_it_was, shorter
from autograd.exercises.task import Case, Law, Outcome


def mse_case(predictions: list[float], targets: list[float]) -> Case:
    def run(mse: Any, _: Any) -> Outcome:
        values = [Value(p) for p in predictions]
        loss = mse(list(values), list(targets))
        loss.backward()
        return {"loss": loss.data} | {
            f"predictions[{i}].grad": v.grad for i, v in enumerate(values)
        }

    pairs = [[p, t] for p, t in zip(predictions, targets)]
    less = lambda: [mse_case([p for p, _ in few], [t for _, t in few]) for few in shorter(pairs)]
    return Case(f"mse({values_text(predictions)}, {targets}).backward()", run, simpler=less)


def entropy_case(logits: list[float], target: int) -> Case:
    def run(_: Any, cross_entropy: Any) -> Outcome:
        values = [Value(x) for x in logits]
        loss = cross_entropy(list(values), target)
        loss.backward()
        return {"loss": loss.data} | {f"logits[{i}].grad": v.grad for i, v in enumerate(values)}

    less = lambda: [entropy_case(few, target) for few in shorter(logits) if target < len(few)]
    text = f"cross_entropy({values_text(logits)}, {target}).backward()"
    return Case(text, run, simpler=less)


def twice(index: int, numbers: list[float], target: Any) -> Case:
    """The same Values, asked about twice; are the lists, and the numbers in them, as before?"""

    def run(*losses: Any) -> Outcome:
        values = [Value(x) for x in numbers]
        untouched = as_it_was(values, target)
        first = losses[index](values, target).data
        second = losses[index](values, target).data
        return {"loss": first, "the second time": second, "given is as it was": untouched()}

    call = f"{('mse', 'cross_entropy')[index]}(values, {target})"
    return Case(f"values = {values_text(numbers)}\n{call}\n{call}", run)


def values_text(numbers: list[float]) -> str:
    return "[" + ", ".join(f"Value({x:g})" for x in numbers) + "]"


def numbers(rng: random.Random, n: int) -> list[float]:
    return [round(rng.uniform(-3, 3), 1) for _ in range(n)]


LAWS = (
    Law(
        "mse of one prediction is the squared difference.",
        lambda rng: [mse_case([1.0], [1.0]), mse_case([3.0], [1.0]), mse_case([1.0], [3.0])],
    ),
    Law(
        "mse of several predictions is the mean.",
        lambda rng: [
            mse_case([3.0, 1.0], [1.0, 1.0]),
            mse_case([2.0, -1.0, 0.5], [1.0, 1.0, -4.0]),
        ],
    ),
    Law(
        "cross_entropy is minus the log of the right class's probability.",
        lambda rng: [
            entropy_case([0.0, 0.0], 0),
            entropy_case([1.0, 0.0], 0),
            entropy_case([1.0, 0.0], 1),
            entropy_case([2.0, -1.0, 0.5], 2),
            entropy_case([0.5], 0),
        ],
    ),
    Law(
        "cross_entropy is stable: big logits do not overflow, small ones do not vanish.",
        lambda rng: [
            entropy_case([1000.0, 999.0], 0),
            entropy_case([-1000.0, -1001.0], 1),
            entropy_case([1000.0, 0.0], 1),
        ],
    ),
    Law(
        "It holds for any numbers.",
        lambda rng: [
            case
            for n in (2, 3, 4, 5)
            for case in (
                mse_case(numbers(rng, n), numbers(rng, n)),
                entropy_case(numbers(rng, n), rng.randrange(n)),
            )
        ],
    ),
    Law(
        "It is stable wherever the largest logit stands, and however far the others are.",
        lambda rng: [
            entropy_case([0.0, 1000.0], 1),
            entropy_case([0.0, 1000.0, 0.0], 0),
            entropy_case([-1000.0, 1000.0], 0),
            entropy_case([2000.0, 0.0, 0.0, 0.0], 0),
            entropy_case([-2000.0, 0.0, 0.0, 0.0], 1),
            entropy_case([0.0, -1000.0, -2000.0], 0),
        ],
        UNSTABLE,
    ),
    Law(
        "What is given stays as it was, and a second call gives the same.",
        lambda rng: [twice(0, [3.0, 1.0, -2.0], [1.0, 1.0, 0.5]), twice(1, [2.0, -1.0, 0.5], 2)],
        CHANGED,
    ),
)

ORACLE = (nn.mse_loss, nn.cross_entropy)

FORBIDDEN = (
    "nn.mse_loss",
    "nn.cross_entropy",
)
