"""Layer norm: mean, variance, gain and bias, and the gradient through all of them."""

import random
from typing import Any

from autograd import Value
from autograd.exercises.experiments import CHANGED, again, as_it_was
from autograd.exercises.task import Case, Law, Outcome

Numbers = list[float]


def case(xs: Numbers, gain: Numbers, bias: Numbers, **how: float) -> Case:
    def run(layer_norm: Any) -> Outcome:
        given = [[Value(x) for x in row] for row in (xs, gain, bias)]
        untouched = as_it_was(*given)
        out = list(layer_norm(*given, **how))
        data = [v.data for v in out]
        sum((v * v * k + v for k, v in enumerate(out, 1)), Value(0.0)).backward()
        names = zip(("xs", "gain", "bias"), given)
        grads = {f"gradients of {name}": [v.grad for v in row] for name, row in names}
        return {"output": data, "given is as it was": untouched()} | grads

    more = "".join(f", {name}={value:g}" for name, value in how.items())
    lines = [f"xs, gain, bias = {xs}, {gain}, {bias}   # as Values"]
    lines += [f"out = layer_norm(xs, gain, bias{more})"]
    return Case("\n".join([*lines, "loss: the sum of (k + 1) * out[k] ** 2 + out[k]"]), run)


def anything(rng: random.Random) -> list[Case]:
    def some(n: int) -> Numbers:
        return [round(rng.uniform(-3, 3), 1) for _ in range(n)]

    return [case(some(n), some(n), some(n)) for n in (2, 3, 4, 5)]


LAWS = (
    Law("Two numbers become -1 and 1.", lambda rng: [case([1.0, 3.0], [1.0, 1.0], [0.0, 0.0])]),
    Law(
        "Mean 0, variance 1, whatever comes in.",
        lambda rng: [
            case([1.0, 2.0, 6.0], [1.0] * 3, [0.0] * 3),
            case([-40.0, 10.0, 0.0, 2.0], [1.0] * 4, [0.0] * 4),
        ],
    ),
    Law(
        "Gain and bias come last, each number with its own.",
        lambda rng: [
            case([1.0, 3.0], [2.0, 5.0], [0.0, 0.0]),
            case([1.0, 3.0], [1.0, 1.0], [0.5, -1.0]),
            case([1.0, 2.0, 6.0], [2.0, 0.5, -1.0], [1.0, 0.0, 3.0]),
        ],
    ),
    Law(
        "eps stands under the root.",
        lambda rng: [
            case([2.0, 2.0], [1.0, 1.0], [0.5, 0.5]),
            case([1.0, 3.0], [1.0, 1.0], [0.0, 0.0], eps=3.0),
        ],
    ),
    Law("It holds for any numbers.", anything),
    Law(
        "A second call gives what the first one gave.",
        lambda rng: [again(case([1.0, 2.0, 6.0], [1.0] * 3, [0.0] * 3))],
        CHANGED,
    ),
)
