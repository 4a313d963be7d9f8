"""A recurrent neuron: its states, and the gradient through time."""

import random
from typing import Any

from autograd import Value
from autograd.exercises.experiments import KEPT, again, as_it_was
from autograd.exercises.task import Case, Law, Outcome


def case(xs: list[float], w: float, u: float, b: float, end: bool = True) -> Case:
    """The states and the gradients; `end`: of the last state alone."""

    def run(states: Any) -> Outcome:
        given, parameters = list(xs), [Value(x) for x in (w, u, b)]
        untouched = as_it_was(given)
        found = list(states(given, *parameters))
        loss = found[-1] if end else sum((s * k for k, s in enumerate(found, 1)), Value(0.0))
        loss.backward()
        grads = {f"{name}.grad": p.grad for name, p in zip("wub", parameters)}
        return {"states": [s.data for s in found], "xs as they were": untouched()} | grads

    lines = [f"w, u, b = Value({w:g}), Value({u:g}), Value({b:g})", f"s = states({xs}, w, u, b)"]
    lines += ["s[-1].backward()" if end else "loss: the sum of (k + 1) * s[k]; loss.backward()"]
    return Case("\n".join(lines), run)


def anything(rng: random.Random) -> list[Case]:
    cases = []
    for n in (1, 2, 3, 4, 5):
        xs = [round(rng.uniform(-1, 1), 1) for _ in range(n)]
        w, u, b = (round(rng.uniform(-1, 1), 1) for _ in range(3))
        cases.append(case(xs, w, u, b, end=bool(n % 2)))
    return cases


LAWS = (
    Law(
        "The first step is a neuron with one input.",
        lambda rng: [
            case([1.0], 0.5, 0.0, 0.0),
            case([2.0], 0.5, 3.0, 0.0),
            case([0.0], 1.0, 1.0, 0.5),
        ],
    ),
    Law(
        "The state is an input of the next step.",
        lambda rng: [case([1.0, 0.0], 1.0, 1.0, 0.0), case([0.5, 1.0], 1.0, -1.0, 0.25)],
    ),
    Law(
        "The gradient goes back through all steps.",
        lambda rng: [case([1.0, 0.0, 0.0], 0.5, 0.8, 0.1), case([1.0, 1.0, 1.0], 0.5, 0.5, 0.0)],
    ),
    Law("Every state can be used.", lambda rng: [case([1.0, -1.0, 0.5], 0.5, 0.7, 0.1, end=False)]),
    Law("It holds for any sequence.", anything),
    Law(
        "A second sequence starts afresh.",
        lambda rng: [again(case([1.0, 0.5], 0.5, 0.5, 0.1))],
        KEPT,
    ),
)
