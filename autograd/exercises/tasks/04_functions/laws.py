"""Tanh, relu, exp and log, each with its slope."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd.exercises.experiments import KEPT, again
from autograd.exercises.task import Case, Law, Outcome

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


LAWS = (
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
    Law(
        "A second call gives what the first one gave.",
        lambda rng: [again(case(name, 0.5, what)) for name in NAMES for what in ("value", "slope")],
        KEPT,
    ),
)

ORACLE = tuple(right(name) for name in NAMES)
