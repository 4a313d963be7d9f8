"""A gradient checker, and it must find planted mistakes."""

import random
from collections.abc import Callable
from typing import Any

from autograd import Value, ops, value
from autograd.exercises.experiments import SIGNS, again
from autograd.exercises.task import Case, Law, Outcome


def wrong(y: Value, **factors: float) -> Value:
    """`y` with false derivatives: that of parent i is multiplied by factors["pi"]."""
    partials = tuple(p * factors.get(f"p{i}", 1.0) for i, p in enumerate(y.partials))
    return value.node(y.data, y.op, y.parents, partials)


def case(text: str, f: Callable[..., Value], xs: list[float], verdict: bool) -> Case:
    def run(gradcheck: Callable[..., Any]) -> Outcome:
        given = list(xs)
        answer = gradcheck(f, given)
        truth = answer if answer is None or isinstance(answer, (list, tuple)) else bool(answer)
        return {"accepted": truth, "the list xs is as it was": given == xs}

    return Case(
        f"f = {text}\ngradcheck(f, {xs})",
        run,
        lambda: {"accepted": verdict, "the list xs is as it was": True},
    )


def FALLING(a: Value) -> Value:
    return wrong(-(a**3), p0=1.05)


def accepts(rng: random.Random) -> list[Case]:
    return [
        case("lambda a: 2 * a", lambda a: 2 * a, [0.0], True),  # without any rounding
        case("lambda a: a + 1", lambda a: a + 1, [2.0], True),
        case("lambda a: a * a", lambda a: a * a, [3.0], True),
        case("lambda a, b: a * b", lambda a, b: a * b, [3.0, -2.0], True),
        case(
            "lambda a, b, c: a * b + (b * c).tanh()",
            lambda a, b, c: a * b + (b * c).tanh(),
            [1.0, 0.5, -1.5],
            True,
        ),
        case("lambda a: 5 - 0 * a", lambda a: 5 - 0 * a, [1.0], True),
    ]


def planted(rng: random.Random) -> list[Case]:
    return [
        case(
            "a * a, whose backward says the gradient is 0",
            lambda a: wrong(a**2, p0=0.0),
            [3.0],
            False,
        ),
        case(
            "a ** 2, whose backward gives the wrong sign",
            lambda a: wrong(a**2, p0=-1.0),
            [3.0],
            False,
        ),
        case(
            "-(a ** 2), whose backward gives the wrong sign",
            lambda a: wrong(-(a**2), p0=-1.0),
            [3.0],
            False,
        ),
        case(
            "tanh(a), whose backward gives twice the gradient",
            lambda a: wrong(a.tanh(), p0=2.0),
            [0.3],
            False,
        ),
        case(
            "a ** 3, whose backward gives half the gradient",
            lambda a: wrong(a**3, p0=0.5),
            [2.0],
            False,
        ),
    ]


def each_input(rng: random.Random) -> list[Case]:
    return [
        case(
            "a * b, whose backward is wrong for a only",
            lambda a, b: wrong(a * b, p0=3.0),
            [2.0, 5.0],
            False,
        ),
        case(
            "a * b, whose backward is wrong for b only",
            lambda a, b: wrong(a * b, p1=3.0),
            [2.0, 5.0],
            False,
        ),
        case(
            "a * b * c, whose backward is wrong for b only",
            lambda a, b, c: wrong(a * c * b, p1=0.0),
            [2.0, 5.0, 3.0],
            False,
        ),
        case(
            "a + b + c, whose backward is wrong for c only",
            lambda a, b, c: wrong(a + b + c, p1=-1.0),
            [2.0, 5.0, 3.0],
            False,
        ),
    ]


def compensated(rng: random.Random) -> list[Case]:
    def swapped(a: Value, b: Value) -> Value:
        return value.node(a.data * b.data, "*", (a, b), (a.data, b.data))

    text = "a * b, whose backward gives a what is b's, and b what is a's"
    return [case(text, swapped, [2.0, 5.0], False), case(text, swapped, [5.0, 2.0], False)]


def fine(rng: random.Random) -> list[Case]:
    return [
        case("a ** 2, whose backward is 1 % too big", lambda a: wrong(a**2, p0=1.01), [3.0], False),
        case(
            "a ** 2, whose backward is 1 % too small", lambda a: wrong(a**2, p0=0.99), [3.0], False
        ),
        case(
            "a + 0, whose backward is 0.1 % too big", lambda a: wrong(a + 0, p0=1.001), [1.0], False
        ),
    ]


def scaled(rng: random.Random) -> list[Case]:
    return [
        case("lambda a: 1_000_000 * a * a", lambda a: 1_000_000 * a * a, [3.0], True),
        case("lambda a: a ** 9", lambda a: a**9, [5.0], True),
        case("lambda a: 1e10 * a * a", lambda a: 1e10 * a * a, [0.7], True),
        case("lambda a: exp(a)", ops.exp, [9.0], True),
        case("lambda a: 1000 + a / 1_000_000", lambda a: 1000 + a / 1_000_000, [2.0], True),
        case(
            "lambda a: exp(a), at 9, 1 % too big",
            lambda a: wrong(ops.exp(a), p0=1.01),
            [9.0],
            False,
        ),
    ]


def curved(rng: random.Random) -> list[Case]:
    return [
        case("lambda a: a ** 3", lambda a: a**3, [1.0], True),
        case("lambda a: exp(a * 5)", lambda a: (a * 5).exp(), [0.5], True),
        case("lambda a, b: a / b", lambda a, b: a / b, [1.0, 0.2], True),
        case("lambda a: 1 / a", lambda a: 1 / a, [0.1], True),
    ]


LAWS = (
    Law("Right gradients are accepted, and xs stays as it was.", accepts),
    Law("Wrong gradients are rejected.", planted),
    Law("Every input is checked, not only one.", each_input),
    Law("Each input's gradient is compared with its own slope.", compensated),
    Law("An error of one percent or less is found, too big or too small.", fine),
    Law(
        "Big gradients are judged by the relative error, small ones by the error itself.",
        scaled,
    ),
    Law("Steep curves do not fool it: the slope by trying is exact enough.", curved),
    Law(
        "Falling slopes, negative inputs and a second call are judged like the others.",
        lambda rng: [
            case("lambda a: -7 * a", lambda a: -7 * a, [2.0], True),
            case("lambda a: -a * a * a", lambda a: -a * a * a, [-2.0], True),
            case("-(a ** 3), whose backward is 5 % too big", FALLING, [2.0], False),
            again(case("lambda a, b: a * b", lambda a, b: a * b, [3.0, -2.0], True)),
            again(case("-(a ** 3), whose backward is 5 % too big", FALLING, [2.0], False)),
        ],
        SIGNS,
    ),
)

FORBIDDEN = ("autograd.gradcheck",)
