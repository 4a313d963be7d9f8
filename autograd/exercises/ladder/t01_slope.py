"""Task 1: the slope of a function by finite differences."""

import math
import random
from collections.abc import Callable
from typing import Any

from autograd import functional, ops
from autograd.exercises.task import Case, Law, Mistake, Task


def case(text: str, f: Callable[[Any], Any], x: float, tolerance: float = 1e-6) -> Case:
    return Case(
        f"f = lambda x: {text}\nslope(f, {x:g})",
        lambda slope: {"slope": slope(f, x)},
        lambda: {"slope": functional.grad(f)(x)},
        tolerance,
    )


def lines(rng: random.Random) -> list[Case]:
    return [
        case("5.0", lambda x: 5.0 + 0.0 * x, 2.0),
        case("x", lambda x: x, 1.0),
        case("3 * x + 1", lambda x: 3 * x + 1, 2.0),
        case("-x", lambda x: -x, 0.0),
    ]


def curves(rng: random.Random) -> list[Case]:
    return [
        case("x * x", lambda x: x * x, 3.0),
        case("x * x", lambda x: x * x, -1.0),
        case("1 / x", lambda x: 1 / x, 2.0),
        case("exp(x)", ops.exp, 0.0),
        case("sin(x)", ops.sin, 1.0),
    ]


def precise(rng: random.Random) -> list[Case]:
    cubic = [case("x * x * x", lambda x: x * x * x, x, 1e-7) for x in (1.0, -2.0)]
    return [*cubic, case("exp(x)", ops.exp, 2.0, 1e-7)]


def anywhere(rng: random.Random) -> list[Case]:
    cases = []
    for _ in range(6):
        a, b, x = (round(rng.uniform(-3, 3), 2) for _ in range(3))
        f = lambda x, a=a, b=b: a * x * x + b * x
        cases.append(case(f"{a} * x * x + {b} * x", f, x))
    return cases


def calls(rng: random.Random) -> list[Case]:
    def run(slope: Callable[..., float]) -> dict[str, Any]:
        seen: list[float] = []

        def f(x: float) -> float:
            seen.append(x)
            return x * x

        slope(f, 3.0)
        return {
            "asked near x": all(math.fabs(x - 3.0) < 0.1 for x in seen),
            "asked more than once": len(set(seen)) > 1,
        }

    text = "slope(f, 3.0), with an f that notes where it is asked"
    return [Case(text, run, lambda: {"asked near x": True, "asked more than once": True})]


TASK = Task(
    number=1,
    name="slope",
    title="The slope of a function, by trying",
    targets=("slope",),
    text="""\
Write `slope(f, x)`: how fast `f(x)` changes when `x` changes a little, found without any
calculus, only by calling `f`.

Take a small step to both sides of `x`, see how far `f` moves, and divide by the distance
between the two points. `f` takes a number and returns a number. Your result must be right to
seven digits; with a step of about `1e-5` to *both* sides it will be.""",
    neighbour="""\
# A neighbour: the mean of f around x, also found only by calling f at two points.
def mean_around(f, x, h=0.5):
    left, right = f(x - h), f(x + h)
    return (left + right) / 2

mean_around(lambda x: x * x, 3.0)  # (2.5 ** 2 + 3.5 ** 2) / 2 = 9.25
""",
    hints=(
        "A slope is rise over run. The rise is how far f moved; the run is how far x moved.",
        "From `x - h` to `x + h` the run is not `h`.",
        "One-sided steps are right to about `h`, two-sided ones to about `h * h`.",
    ),
    solution='''\
def slope(f, x, h=1e-5):
    """How fast f(x) changes with x."""
    ### BEGIN SOLUTION
    return (f(x + h) - f(x - h)) / (2 * h)
    ### END SOLUTION
''',
    laws=(
        Law("A straight line has the same slope everywhere.", lines),
        Law("On a curve the slope depends on where you stand.", curves),
        Law("The result is right to seven digits (take the step to both sides).", precise),
        Law("It holds for any function and any x.", anywhere),
        Law("Only the neighbourhood of x is asked.", calls),
    ),
    mistakes=(
        Mistake(
            "run_of_one_step",
            "The two points are 2 * h apart, but you divided by `h`: the slope is twice too big.",
            (("(2 * h)", "h"),),
        ),
        Mistake(
            "precedence",
            "`... / 2 * h` divides by 2 and then multiplies by h: brackets, `/ (2 * h)`.",
            (("(2 * h)", "2 * h"),),
        ),
        Mistake(
            "one_sided",
            "You stepped to one side only, `f(x + h) - f(x)`: that is right to about h, and here "
            "it is asked more exactly. Step to both sides.",
            (("f(x - h)) / (2 * h)", "f(x)) / h"),),
        ),
        Mistake(
            "upside_down",
            "That is run over rise: it should be the change of f divided by the change of x.",
            (("(f(x + h) - f(x - h)) / (2 * h)", "(2 * h) / (f(x + h) - f(x - h) or 1e-99)"),),
        ),
        Mistake(
            "sign",
            "Left minus right: the sign is flipped. Take `f(x + h) - f(x - h)`.",
            (("f(x + h) - f(x - h)", "f(x - h) - f(x + h)"),),
        ),
        Mistake(
            "step_too_big",
            "The step is too big: the curve bends on the way. Try 1e-5.",
            (("1e-5", "0.01"),),
        ),
        Mistake(
            "step_too_small",
            "The step is so small that the two numbers f(x + h) and f(x - h) agree in nearly all "
            "their digits, and rounding is all that is left. Try 1e-5.",
            (("1e-5", "1e-13"),),
        ),
        Mistake(
            "not_divided",
            "That is how far f moved; divide it by how far x moved.",
            ((" / (2 * h)", ""),),
        ),
        Mistake(
            "through_the_origin",
            "`f(x) / x` is the slope of the line from the origin, not that of the curve at x.",
            (("(f(x + h) - f(x - h)) / (2 * h)", "f(x) / x if x else 0.0"),),
        ),
        Mistake(
            "left_only",
            "You stepped to the left only, `f(x) - f(x - h)`: that is right to about h, and more "
            "is asked here. Step to both sides.",
            (("(f(x + h) - f(x - h)) / (2 * h)", "(f(x) - f(x - h)) / h"),),
        ),
        Mistake(
            "brackets_of_rise",
            "Only `f(x - h)` is divided, for `/` comes before `-`: put brackets around the whole "
            "rise, `(f(x + h) - f(x - h))`.",
            (("(f(x + h) - f(x - h)) /", "f(x + h) - f(x - h) /"),),
        ),
        Mistake(
            "added",
            "The two numbers of f are added, as for a mean. The rise is their difference.",
            (("f(x + h) - f(x - h)", "f(x + h) + f(x - h)"),),
        ),
        Mistake(
            "step_of_one",
            "A step of 1 goes too far: on a curve the slope is another one there. Try 1e-5.",
            (("1e-5", "1.0"),),
        ),
        Mistake(
            "no_brackets",
            "`/` and `*` come before `-`: brackets around the rise and around the run, `(f(x + "
            "h) - f(x - h)) / (2 * h)`.",
            (("(f(x + h) - f(x - h)) / (2 * h)", "f(x + h) - f(x - h) / 2 * h"),),
        ),
    ),
)
