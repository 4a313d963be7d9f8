"""Task 4: tanh, relu, exp and log, each with its slope."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task

NAMES = ("tanh", "relu", "exp", "log")


def right(name: str) -> Callable[[float], tuple[float, float]]:
    def function(x: float) -> tuple[float, float]:
        v = autograd.Value(x)
        y = getattr(autograd, name)(v)
        y.backward()
        return y.data, v.grad

    return function


def case(name: str, x: float, what: str) -> Case:
    """Observe the value or the slope of one of the four functions."""

    def run(*functions: Callable[[float], Any]) -> Outcome:
        pair = functions[NAMES.index(name)](x)
        y, slope = pair  # an error here says that it is not a pair
        return {what: y if what == "value" else slope}

    # So exact that a slope found by trying will not do.
    return Case(f"value, slope = {name}({x:g})", run, tolerance=1e-12)


def cases(what: str, *points: tuple[str, float]) -> Callable[[random.Random], list[Case]]:
    return lambda rng: [case(name, x, what) for name, x in points]


def anywhere(rng: random.Random) -> list[Case]:
    xs = [
        (n, round(rng.uniform(0.1, 3) * (n == "log" or rng.choice((-1, 1))), 2))
        for n in NAMES
        for _ in range(4)
    ]
    return [case(n, x, what) for n, x in xs for what in ("value", "slope")]


TASK = Task(
    number=4,
    name="functions",
    title="Four functions and their slopes",
    targets=NAMES,
    text="""\
Write `tanh(x)`, `relu(x)`, `exp(x)` and `log(x)` for plain numbers. Each returns a pair: the
value, and the slope at that x (the derivative), as a formula and not by trying.

- relu(x) is x where x is positive, else 0. At the kink, x = 0, take the slope 0.
- The slope of tanh is one minus its *value* squared.
- `tanh(1000)` and `tanh(-1000)` must work; `math.tanh` does.""",
    neighbour="""\
import math

# A neighbour: the sigmoid and its slope, written with the sigmoid's own value.
def sigmoid(x):
    y = 1 / (1 + math.exp(-x))
    return y, y * (1 - y)

sigmoid(0.0)  # (0.5, 0.25)
""",
    hints=(
        "Compute the value first and call it y: two of the four slopes are short in y.",
        "exp is its own slope. The slope of log(x) is 1 / x.",
        "Compare with `slope` of task 1 at some x: the two must agree.",
    ),
    solution='''\
import math


def tanh(x):
    """tanh(x) and its slope at x."""
    ### BEGIN SOLUTION
    y = math.tanh(x)
    return y, 1 - y * y
    ### END SOLUTION


def relu(x):
    """x where it is positive, else 0; and the slope."""
    ### BEGIN SOLUTION
    return (x, 1.0) if x > 0 else (0.0, 0.0)
    ### END SOLUTION


def exp(x):
    """e to the power of x, and the slope."""
    ### BEGIN SOLUTION
    y = math.exp(x)
    return y, y
    ### END SOLUTION


def log(x):
    """The natural logarithm of x, and the slope."""
    ### BEGIN SOLUTION
    return math.log(x), 1 / x
    ### END SOLUTION
''',
    laws=(
        Law(
            "The values are right.",
            cases(
                "value",
                ("tanh", 0.0),
                ("tanh", 1.0),
                ("relu", 2.0),
                ("relu", -2.0),
                ("exp", 0.0),
                ("exp", 1.0),
                ("log", 1.0),
                ("log", 3.0),
            ),
        ),
        Law(
            "The slopes are right.",
            cases(
                "slope",
                ("tanh", 0.0),
                ("tanh", 1.0),
                ("relu", 2.0),
                ("relu", -2.0),
                ("exp", 0.0),
                ("exp", 1.0),
                ("exp", -2.0),
                ("log", 1.0),
                ("log", 2.0),
                ("log", 0.1),
            ),
        ),
        Law("At its kink relu has the slope 0.", cases("slope", ("relu", 0.0), ("relu", -0.0))),
        Law(
            "Big inputs do no harm.",
            lambda rng: [
                case("tanh", x, what) for x in (1000.0, -1000.0) for what in ("value", "slope")
            ],
        ),
        Law("It holds for any x.", anywhere),
    ),
    oracle=lambda: tuple(right(name) for name in NAMES),
    mistakes=(
        Mistake(
            "tanh_slope_of_x",
            "The slope of tanh is `1 - y * y` with y = tanh(x), not with x itself.",
            (("1 - y * y", "1 - x * x"),),
        ),
        Mistake(
            "tanh_unsquared",
            "The slope of tanh is `1 - y * y`: the square is missing.",
            (("1 - y * y", "1 - y"),),
        ),
        Mistake(
            "tanh_sigmoid_slope",
            "`y * (1 - y)` is the slope of the sigmoid; that of tanh is `1 - y * y`.",
            (("1 - y * y", "y * (1 - y)"),),
        ),
        Mistake(
            "tanh_by_exp",
            "tanh written with exp overflows for big x; `math.tanh` does not.",
            (("math.tanh(x)", "(math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x))"),),
        ),
        Mistake(
            "relu_slope_one",
            "The slope of relu is 1 everywhere: where relu is flat, below 0, it must be 0.",
            (("(0.0, 0.0)", "(0.0, 1.0)"),),
        ),
        Mistake(
            "relu_kink",
            "At x = 0 the slope of relu is 1: take 0 there, so `x > 0` and not `x >= 0`.",
            (("x > 0", "x >= 0"),),
        ),
        Mistake(
            "relu_leaks",
            "Below 0 relu lets x through: it must give 0 there.",
            (("(0.0, 0.0)", "(x, 0.0)"),),
        ),
        Mistake(
            "relu_slope_x",
            "The slope of relu is x where it should be 1: y = x rises by 1 for each 1 of x.",
            (("(x, 1.0)", "(x, x)"),),
        ),
        Mistake(
            "exp_power_rule",
            "`x * e ** (x - 1)` is the rule for powers of x; exp is its own slope.",
            (("return y, y\n", "return y, x * math.exp(x - 1)\n"),),
        ),
        Mistake(
            "log_slope_of_value",
            "The slope of log is 1 / x, one over the *input*, not over the result.",
            (("math.log(x), 1 / x", "math.log(x), 1 / (math.log(x) or 1e-9)"),),
        ),
        Mistake(
            "log10",
            "That is the logarithm to base 10; `math.log(x)` is the natural one.",
            (("math.log(x)", "math.log10(x)"),),
        ),
        Mistake(
            "no_slope",
            "Only the value comes back: return the pair, value and slope.",
            (("return y, y\n", "return y\n"),),
        ),
        Mistake(
            "by_trying",
            "The slope is found by trying, so it is only nearly right. Here a formula is asked "
            "for.",
            (("1 - y * y", "(math.tanh(x + 1e-5) - math.tanh(x - 1e-5)) / 2e-5"),),
        ),
    ),
)
