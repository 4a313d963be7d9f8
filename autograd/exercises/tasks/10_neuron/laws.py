"""A neuron."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd import ops
from autograd.exercises.experiments import SHARED
from autograd.exercises.outcome import same
from autograd.exercises.task import Case, Law, Outcome

Neurons = Callable[[int], Any]


def set_up(neuron: Any, weights: list[float], bias: float) -> None:
    for w, x in zip(neuron.w, weights):
        w.data = x
    neuron.b.data = bias


def text(weights: list[float], bias: float) -> str:
    return f"n = Neuron({len(weights)}), with the weights {weights} and the bias {bias:g}"


def out_case(weights: list[float], bias: float, xs: list[float]) -> Case:
    def run(neurons: Neurons) -> Outcome:
        n = neurons(len(weights))
        set_up(n, weights, bias)
        return {f"n({xs}).data": n(list(xs)).data}

    def expected() -> Outcome:
        return {f"n({xs}).data": ops.tanh(autograd.dot(weights, xs, bias))}

    return Case(f"{text(weights, bias)}\nn({xs})", run, expected)


def grad_case(weights: list[float], bias: float, xs: list[float]) -> Case:
    def run(neurons: Neurons) -> Outcome:
        n = neurons(len(weights))
        set_up(n, weights, bias)
        n(list(xs)).backward()
        return {f"w[{i}].grad": w.grad for i, w in enumerate(n.w)} | {"b.grad": n.b.grad}

    def expected() -> Outcome:
        ws, b = [autograd.Value(w) for w in weights], autograd.Value(bias)
        ops.tanh(autograd.dot(ws, xs, b)).backward()
        return {f"w[{i}].grad": w.grad for i, w in enumerate(ws)} | {"b.grad": b.grad}

    return Case(f"{text(weights, bias)}\nn({xs}).backward()", run, expected)


def parts(rng: random.Random) -> list[Case]:
    def case(nin: int) -> Case:
        def run(neurons: Neurons) -> Outcome:
            n = neurons(nin)
            mine, listed = [*n.w, n.b], list(n.parameters())
            return {
                "number of weights": len(n.w),
                "all of them are Values": all(hasattr(p, "backward") for p in mine),
                "each weight is a Value of its own": len({id(p) for p in mine}) == nin + 1,
                "bias at the start": n.b.data,
                "number of parameters": len(listed),
                "parameters are w and b": {id(p) for p in mine} == {id(p) for p in listed},
            }

        return Case(
            f"n = Neuron({nin})",
            run,
            lambda: {
                "number of weights": nin,
                "all of them are Values": True,
                "each weight is a Value of its own": True,
                "bias at the start": 0.0,
                "number of parameters": nin + 1,
                "parameters are w and b": True,
            },
        )

    return [case(2), case(1), case(5)]


def at_random(rng: random.Random) -> list[Case]:
    def run(neurons: Neurons) -> Outcome:
        n, m = neurons(20), neurons(20)
        ws, others = [w.data for w in n.w], [w.data for w in m.w]
        return {
            "all between -1 and 1": all(-1 <= w <= 1 for w in ws),
            "the weights differ": len(set(ws)) > 10,
            "some above 0, some below": min(ws) < 0 < max(ws),
            "some at least 0.3 in size": max(map(abs, ws)) >= 0.3,
            "another neuron has others": ws != others,
        }

    return [
        Case(
            "n = Neuron(20); m = Neuron(20)",
            run,
            lambda: {
                "all between -1 and 1": True,
                "the weights differ": True,
                "some above 0, some below": True,
                "some at least 0.3 in size": True,
                "another neuron has others": True,
            },
        )
    ]


def calls(rng: random.Random) -> list[Case]:
    facts = (
        "the same result",
        "w and b are the same Values as before",
        "and hold the same numbers",
        "the list xs is as it was",
    )

    def run(neurons: Neurons) -> Outcome:
        n = neurons(2)
        set_up(n, [0.5, -0.5], 0.25)
        before = [*n.w, n.b]
        xs = [1.0, 2.0]
        first, second = n(xs).data, n(xs).data
        after = [*n.w, n.b]
        found = (
            same(first, second),
            [id(p) for p in before] == [id(p) for p in after],
            [p.data for p in after] == [0.5, -0.5, 0.25],
            xs == [1.0, 2.0],
        )
        return dict(zip(facts, found))

    lines = [text([0.5, -0.5], 0.25), "xs = [1.0, 2.0]", "n(xs)", "n(xs)"]
    return [Case("\n".join(lines), run, lambda: dict.fromkeys(facts, True))]


def two_alive(rng: random.Random) -> list[Case]:
    def run(neurons: Neurons) -> Outcome:
        n, m = neurons(1), neurons(2)
        set_up(n, [0.5], 0.0)
        set_up(m, [1.0, -1.0], 0.25)
        first, second = n([1.0]), m([2.0, 1.0])
        first.backward()
        return {
            "n([1.0]).data": first.data,
            "m([2.0, 1.0]).data": second.data,
            "parameters of n": len(list(n.parameters())),
            "parameters of m": len(list(m.parameters())),
            "m's own gradients": [p.grad for p in m.parameters()],
        }

    lines = [f"n: {text([0.5], 0.0)[4:]}", f"m: {text([1.0, -1.0], 0.25)[4:]}"]
    return [Case("\n".join([*lines, "n([1.0]).backward()", "m([2.0, 1.0])"]), run)]


def widths(rng: random.Random) -> list[Case]:
    def case(nin: int, given: list[float]) -> Case:
        def run(neurons: Neurons) -> Outcome:
            n = neurons(nin)
            try:
                n(list(given))
            except NotImplementedError:  # of the stub
                raise
            except Exception as error:
                kind = "ValueError" if isinstance(error, ValueError) else type(error).__name__
                return {"raises": kind}
            return {"raises": "nothing"}

        return Case(f"n = Neuron({nin})\nn({given})", run, lambda: {"raises": "ValueError"})

    return [case(3, [1.0, 2.0]), case(2, [1.0, 2.0, 3.0])]


def draw(rng: random.Random) -> tuple[list[float], float, list[float]]:
    n = rng.randint(1, 4)
    return (
        [round(rng.uniform(-1, 1), 2) for _ in range(n)],
        round(rng.uniform(-1, 1), 2),
        [round(rng.uniform(-2, 2), 2) for _ in range(n)],
    )


LAWS = (
    Law("It has a weight for each input and one bias, and lists them all.", parts),
    Law("The weights start at random, between -1 and 1.", at_random),
    Law(
        "Its output is the tanh of the weighted sum plus the bias.",
        lambda rng: [
            out_case([0.0], 0.0, [1.0]),
            out_case([1.0], 0.0, [0.5]),
            out_case([0.0], 0.5, [1.0]),
            out_case([0.5, -0.5], 0.25, [1.0, 2.0]),
            out_case([1.0, 1.0], 0.0, [1.0, -1.0]),
        ],
    ),
    Law(
        "Every weight and the bias get their gradient.",
        lambda rng: [grad_case([0.5], 0.0, [2.0]), grad_case([0.5, -0.5], 0.25, [1.0, 2.0])],
    ),
    Law("Calling it leaves weights, bias and inputs as they were.", calls),
    Law("A wrong number of inputs is an error, not a guess.", widths),
    Law("Two neurons may live at the same time.", two_alive, SHARED),
    Law(
        "It holds for any neuron.",
        lambda rng: [
            c for _ in range(4) for d in [draw(rng)] for c in (out_case(*d), grad_case(*d))
        ],
    ),
)

FORBIDDEN = ("nn.Neuron",)
