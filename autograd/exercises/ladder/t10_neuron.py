"""Task 10: a neuron."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd import ops
from autograd.exercises.judge import same
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task

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


def widths(rng: random.Random) -> list[Case]:
    def case(nin: int, given: list[float]) -> Case:
        def run(neurons: Neurons) -> Outcome:
            n = neurons(nin)
            try:
                n(list(given))
            except NotImplementedError:  # of the stub
                raise
            except Exception as error:
                return {"raises": type(error).__name__}
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


TASK = Task(
    number=10,
    name="neuron",
    title="A neuron",
    targets=("Neuron",),
    text="""\
Write a class `Neuron`. `n = Neuron(nin)` makes a neuron with `nin` inputs:

- `n.w`: a list of `nin` Values, the weights, at random between -1 and 1;
- `n.b`: a Value, the bias, 0 at the start;
- `n(xs)`: the tanh of `w[0] * xs[0] + w[1] * xs[1] + ... + b`, a Value. `xs` is a list of `nin`
  numbers; for another length raise a `ValueError` (`zip` would silently drop what is too much);
- `n.parameters()`: a list of all weights and the bias.

From here on use the package's own Value, `autograd.Value`; it does what yours does.""",
    neighbour="""\
from autograd import Value

# A neighbour: a thermostat with one setting to learn. Calling an object calls its `__call__`.
class Thermostat:
    def __init__(self):
        self.wish = Value(20.0)

    def __call__(self, temperature):
        return (self.wish - temperature).relu()  # how much to heat

    def parameters(self):
        return [self.wish]

heating = Thermostat()(15.0)
heating.data  # 5.0
""",
    hints=(
        "`random.uniform(-1, 1)` gives one number; you need a new Value for each weight.",
        "The bias is added once, not once for each input.",
        "`[Value(...)] * nin` would put the *same* Value into the list nin times.",
        "Values know `tanh()`. Never go through `.data` here: the way back would be lost.",
    ),
    solution='''\
import random

import autograd


class Neuron:
    def __init__(self, nin):
        ### BEGIN SOLUTION
        self.w = [autograd.Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = autograd.Value(0.0)
        ### END SOLUTION

    def __call__(self, xs):
        """tanh(w[0] * xs[0] + w[1] * xs[1] + ... + b)"""
        ### BEGIN SOLUTION
        if len(xs) != len(self.w):
            raise ValueError(f"{len(self.w)} inputs are needed, but there are {len(xs)}")
        total = self.b
        for w, x in zip(self.w, xs):
            total = total + w * x
        return total.tanh()
        ### END SOLUTION

    def parameters(self):
        ### BEGIN SOLUTION
        return [*self.w, self.b]
        ### END SOLUTION
''',
    laws=(
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
        Law(
            "It holds for any neuron.",
            lambda rng: [
                c for _ in range(4) for d in [draw(rng)] for c in (out_case(*d), grad_case(*d))
            ],
        ),
    ),
    mistakes=(
        Mistake(
            "no_bias",
            "The bias is not added to the sum.",
            (("total = self.b", "total = autograd.Value(0.0)"),),
        ),
        Mistake(
            "bias_each",
            "The bias is added once for each input; it belongs to the sum once.",
            (
                ("total + w * x", "total + w * x + self.b"),
                ("total = self.b", "total = autograd.Value(0.0)"),
            ),
        ),
        Mistake(
            "no_tanh",
            "The weighted sum comes out as it is: put it through tanh.",
            (("total.tanh()", "total"),),
        ),
        Mistake(
            "tanh_inside",
            "tanh is taken of each product; it belongs around the whole sum, once.",
            (("w * x", "(w * x).tanh()"), ("total.tanh()", "total")),
        ),
        Mistake(
            "one_weight_shared",
            "All places of `w` hold one and the same Value: `[Value(...)] * nin` copies the "
            "reference, not the Value. Write `[Value(...) for _ in range(nin)]`.",
            (
                (
                    "[autograd.Value(random.uniform(-1, 1)) for _ in range(nin)]",
                    "[autograd.Value(random.uniform(-1, 1))] * nin",
                ),
            ),
        ),
        Mistake(
            "zero_weights",
            "All weights start at 0: then all neurons of a layer stay alike. Draw them at random.",
            (("random.uniform(-1, 1)", "0.0"),),
        ),
        Mistake(
            "positive_weights",
            "`random.random()` lies between 0 and 1: half of the range is never used.",
            (("random.uniform(-1, 1)", "random.random()"),),
        ),
        Mistake(
            "bias_not_listed",
            "`parameters()` leaves out the bias, so nobody would train it.",
            (("[*self.w, self.b]", "list(self.w)"),),
        ),
        Mistake(
            "plain_weights",
            "The weights are plain numbers; only Values get gradients.",
            (("autograd.Value(random.uniform(-1, 1)) for", "random.uniform(-1, 1) for"),),
        ),
        Mistake(
            "graph_cut",
            "The sum is made of `.data`, plain numbers, so no gradient finds its way back to the "
            "weights. Compute with the Values.",
            (("w * x", "w.data * x"),),
        ),
        Mistake(
            "silent_zip",
            "`zip` stops at the shorter list, so a wrong number of inputs goes unnoticed. Compare "
            "the lengths and raise a ValueError.",
            (("len(xs) != len(self.w)", "False"),),
        ),
        Mistake(
            "list_in_list",
            "`[self.w, self.b]` puts a list into a list: write `[*self.w, self.b]`.",
            (("[*self.w, self.b]", "[self.w, self.b]"),),
        ),
        Mistake(
            "parameters_grow_w",
            "`parameters()` adds the bias to the list `self.w` itself. Make a new list: "
            "`[*self.w, self.b]` or `self.w + [self.b]`.",
            (("return [*self.w, self.b]", "self.w.append(self.b)\n        return self.w"),),
        ),
        Mistake(
            "bias_outside",
            "The bias is added after the tanh; it belongs to the sum, inside.",
            (("return total.tanh()", "return (total - self.b).tanh() + self.b"),),
        ),
        Mistake(
            "tanh_of_number",
            "The tanh is taken of a plain number (`.data`) and put into a new Value, which knows "
            "no way back. Values have a `tanh()` of their own.",
            (("total.tanh()", "autograd.Value(autograd.tanh(total.data))"),),
        ),
        Mistake(
            "bias_overwritten",
            "The sum is put into `self.b` itself, so the bias is another one after each call. "
            "Add up in a name of its own.",
            (
                (
                    "total = self.b\n        for w, x in zip(self.w, xs):\n"
                    "            total = total + w * x\n        return total.tanh()",
                    "for w, x in zip(self.w, xs):\n            self.b = self.b + w * x\n"
                    "        return self.b.tanh()",
                ),
            ),
        ),
    ),
)
