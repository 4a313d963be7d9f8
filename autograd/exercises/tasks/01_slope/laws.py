"""The slope of a function by finite differences."""

import math
import random
from collections.abc import Callable
from typing import Any

from autograd import functional, ops
from autograd.exercises.experiments import SIGNS, again
from autograd.exercises.task import Case, Law


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


LAWS = (
    Law("A straight line has the same slope everywhere.", lines),
    Law("On a curve the slope depends on where you stand.", curves),
    Law("The result is right to seven digits (take the step to both sides).", precise),
    Law("It holds for any function and any x.", anywhere),
    Law("Only the neighbourhood of x is asked.", calls),
    Law(
        "Steep or falling, near 0 or far from it; and a second call is like the first.",
        lambda rng: [
            case("-50 * x", lambda x: -50 * x, 1.0),
            case("1 - 20 * x * x", lambda x: 1 - 20 * x * x, 3.0),
            case("x * x", lambda x: x * x, 0.5),
            case("x * x", lambda x: x * x, 0.0),
            case("x * x", lambda x: x * x, 100.0, 1e-5),
            again(case("x * x", lambda x: x * x, 3.0)),
        ],
        SIGNS,
    ),
)

FORBIDDEN = (
    "autograd.functional.grad",
    "autograd.functional.value_and_grad",
)
