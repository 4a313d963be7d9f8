"""Task 9: a gradient checker, and it must find planted mistakes."""

import random
from collections.abc import Callable
from typing import Any

from autograd import Value, ops, value
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task


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


TASK = Task(
    number=9,
    name="gradcheck",
    title="Trust nobody: check a gradient",
    targets=("gradcheck",),
    text="""\
Write `gradcheck(f, xs)`: is what `backward()` says about `f` true? `f` takes as many Values as
`xs` has numbers, and returns a Value. Compare, for **each** input, the gradient that
`f(...).backward()` leaves with the slope found by trying (task 1). Return `True` if all agree,
else `False`.

- Make new Values for every call of `f`, so that no old gradient is in the way.
- "Agree" must be relative for slopes above 1: 1,000,000.1 and 1,000,000.2 agree, 0.1 and 0.2 do
  not. Below 1 the difference itself counts. An error of 0.1 % must be found; rounding (about one
  part in a million) must be forgiven.
- Leave the list `xs` as it was.

The checker will hand you functions whose `backward()` is wrong on purpose.""",
    neighbour="""\
from autograd import Value

# A neighbour: does f depend on each of its inputs? Push one input at a time, leave the others.
def depends_on(f, xs, push=1.0):
    answers = []
    for i in range(len(xs)):
        pushed = [x + push if j == i else x for j, x in enumerate(xs)]
        before = f(*[Value(x) for x in xs]).data
        after = f(*[Value(x) for x in pushed]).data
        answers.append(after != before)
    return answers

depends_on(lambda a, b, c: a * 2 + c, [1.0, 1.0, 1.0])  # [True, False, True]
""",
    hints=(
        "First the gradients by backward: make Values, call f, call backward, read each .grad.",
        "Then, input by input: f a little to the right minus f a little to the left, over 2 h.",
        "Compare `abs(difference)` with `1e-4 * max(1, abs(slope))`.",
        "Return False as soon as one input disagrees, and True only after the last one.",
    ),
    solution='''\
import autograd


def gradcheck(f, xs, h=1e-5, tolerance=1e-4):
    """Does backward() through f agree with finite differences, for every input?"""
    ### BEGIN SOLUTION
    values = [autograd.Value(x) for x in xs]
    f(*values).backward()
    for i, value in enumerate(values):
        right = [autograd.Value(x + h if j == i else x) for j, x in enumerate(xs)]
        left = [autograd.Value(x - h if j == i else x) for j, x in enumerate(xs)]
        slope = (f(*right).data - f(*left).data) / (2 * h)
        if abs(value.grad - slope) > tolerance * max(1.0, abs(slope)):
            return False
    return True
    ### END SOLUTION
''',
    laws=(
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
    ),
    mistakes=(
        Mistake(
            "always_true",
            "It says True whatever happens: the comparison never leads to False.",
            (("            return False", "            pass"),),
        ),
        Mistake(
            "first_input_only",
            "Only the first input is checked: `return True` stands inside the loop.",
            (
                (
                    "            return False\n    return True",
                    "            return False\n        return True",
                ),
            ),
        ),
        Mistake(
            "last_input_only",
            "Only the last input counts: the earlier answers are overwritten.",
            (
                (
                    "            return False\n    return True",
                    "            answer = False\n        else:\n            answer = True\n"
                    "    return answer",
                ),
            ),
        ),
        Mistake(
            "no_absolute_value",
            "Without `abs` a gradient that is too small counts as a small difference.",
            (("abs(value.grad - slope)", "(value.grad - slope)"),),
        ),
        Mistake(
            "compares_sizes",
            "The sizes are compared without their signs: a flipped sign passes.",
            (("abs(value.grad - slope)", "abs(abs(value.grad) - abs(slope))"),),
        ),
        Mistake(
            "absolute_tolerance",
            "Big gradients that are right are rejected: judge the error in relation to the slope.",
            (("tolerance * max(1.0, abs(slope))", "tolerance * 1e-3"), ("1e-4", "1e-2")),
        ),
        Mistake(
            "too_lenient",
            "The tolerance is so wide that an error of one percent passes.",
            (("1e-4", "0.1"),),
        ),
        Mistake(
            "too_strict",
            "It asks for exact equality, but the slope by trying is only nearly right.",
            (("> tolerance * max(1.0, abs(slope))", "!= 0"),),
        ),
        Mistake(
            "one_sided_far",
            "The slope by trying is too rough: the step is too big, or to one side only.",
            (("1e-5", "0.05"),),
        ),
        Mistake(
            "all_at_once",
            "All inputs are pushed at once: push one, and leave the others where they are.",
            (("x + h if j == i else x", "x + h"), ("x - h if j == i else x", "x - h")),
        ),
        Mistake(
            "wrong_run",
            "The two points are 2 * h apart, but the difference is divided by h.",
            (("(2 * h)", "h"),),
        ),
        Mistake(
            "spoils_inputs",
            "The list `xs` is changed and not put back.",
            (("        right = ", "        xs[i] += 1e-9\n        right = "),),
        ),
        Mistake(
            "never_backward",
            "Nobody calls `backward()`, so every `.grad` is still 0: call it on what f gives back.",
            (("f(*values).backward()", "f(*values)"),),
        ),
        Mistake(
            "wrong_way_round",
            "The answer is the wrong way round: False belongs to a difference that is too *big*.",
            (("> tolerance", "< tolerance"),),
        ),
        Mistake(
            "relative_only",
            "Where the slope is tiny, rounding alone is more than a small part of it: below 1 "
            "compare the difference itself, with `max(1, abs(slope))`.",
            (("tolerance * max(1.0, abs(slope))", "tolerance * abs(slope)"),),
        ),
        Mistake(
            "one_is_enough",
            "One input that agrees is enough for it; all of them must.",
            (
                (
                    "            return False\n    return True",
                    "            continue\n        return True\n    return False",
                ),
            ),
        ),
        Mistake(
            "list_of_answers",
            "A list of answers comes back, one for each input. Give back one: `all(answers)`.",
            (
                ("    for i, value in", "    answers = []\n    for i, value in"),
                ("if abs(value.grad - slope) >", "answers.append(abs(value.grad - slope) <="),
                (
                    "abs(slope)):\n            return False\n    return True",
                    "abs(slope)))\n    return answers",
                ),
            ),
        ),
        Mistake(
            "one_list",
            "Both points are the same one, so the slope by trying is always 0. Is it `x + h` in "
            "one "
            "and `x - h` in the other, and has each a list of its own? (`right = xs` does not copy "
            "the list, it gives it a second name.)",
            (("x + h if j == i else x", "x"), ("x - h if j == i else x", "x")),
        ),
        Mistake(
            "data_for_grad",
            "The input's number is compared with the slope; it must be its gradient, `.grad`.",
            (("value.grad - slope", "value.data - slope"),),
        ),
    ),
)
