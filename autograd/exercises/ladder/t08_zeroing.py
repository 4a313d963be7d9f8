"""Task 8: zeroing and accumulation."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd.exercises.ladder.common import data_case, gradient_case, graph, value_up_to
from autograd.exercises.program import EVERYTHING, Program, random_program
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task


def engine_zero_grad(values: list[autograd.Value]) -> None:
    for value in values:
        value.grad = 0.0


def steps_case(program: Program, *steps: str) -> Case:
    """Run the program, then the `steps` (Python lines); observe every gradient."""

    def run(value_class: Any, zero_grad: Callable[[Any], Any]) -> Outcome:
        nodes = program.run(value_class)
        exec("\n".join(steps), {"zero_grad": zero_grad, "Value": value_class}, nodes)
        outcome = {f"{k}.grad": v.grad for k, v in nodes.items()}
        return outcome | {f"{k}.data": v.data for k, v in nodes.items()}

    ends = [step for step in steps if step.endswith(".backward()")]
    same_end = len(set(ends)) == 1 and ends[0].startswith(
        program.root
    )  # else the drawing lacks one
    text = "\n".join([program.source, *steps])
    return Case(text, run, program=program if same_end else None)


A, B = "a = Value(2.0)", "b = Value(3.0)"
SUM = graph(A, B, "c = a + b")
SQUARES = graph(A, "b = a * a", "c = b * b")
SHARED = graph(A, B, "c = a * b", "d = c + a", "e = c * c")


def fresh(rng: random.Random) -> list[Case]:
    fixed = [SUM, graph(A, "b = a + a", "c = b + b"), SHARED]
    one = [graph(A, "b = Value(-0.5)", f"c = {t.format(a='a', b='b')}") for t in EVERYTHING]
    more = [graph("a = Value(-1.0)", "b = a.relu()"), graph("a = Value(0.0)", "b = a.relu()")]
    programs = [*fixed, *one, *more, *(random_program(rng, n) for n in (3, 5, 7))]
    return [*map(gradient_case, programs), *map(data_case, one)]


def law(*cases: tuple[Program, tuple[str, ...]]) -> Callable[[random.Random], list[Case]]:
    return lambda rng: [steps_case(program, *steps) for program, steps in cases]


def random_twice(rng: random.Random) -> list[Case]:
    cases = []
    for n in (2, 3, 4, 5, 6):
        program = random_program(rng, n)
        again = (f"{program.root}.backward()",)
        cases.append(steps_case(program, *again, *again))
        cases.append(steps_case(program, *again, "zero_grad([a, b])", *again))
    return cases


TASK = Task(
    number=8,
    name="zeroing",
    title="Twice: what adds up and what starts afresh",
    targets=("Value", "zero_grad"),
    text="""\
Call `backward()` twice, and the old gradients are still there. What should happen to them?

- **Leaves add up.** Two calls on one graph give leaves twice the gradient, exactly; two losses
  that share a leaf give the sum. (Training over several examples needs that.)
- **Inner nodes start afresh**, for what they hold is only on its way to the leaves. If it stays,
  the second call hands the first one's share on once more.
- `zero_grad(values)` sets the gradients of these Values back to 0, before the next round.

A leaf is a Value without parents. Change `backward()`, and write `zero_grad`.""",
    neighbour="""\
# A neighbour: counting votes in halls over two days. The totals add up from day to day; the
# tellers' slips are only for one day, so each count starts on a clean slip.
totals = {"hill": 0, "river": 0}

def count(day):
    for hall, votes in day.items():
        slip = 0  # afresh
        for vote in votes:
            slip += vote
        totals[hall] += slip  # added

count({"hill": [1, 1], "river": [1]})
count({"hill": [1], "river": [1, 1]})
totals  # {'hill': 3, 'river': 3}
""",
    hints=(
        "Which nodes must be set to 0 at the start of `backward()`? Those with parents.",
        "Do it before you set `self.grad = 1.0`.",
        "Leave the leaves alone in `backward()`; only `zero_grad` clears them.",
    ),
    solution=value_up_to("zeroing"),
    oracle=lambda: (autograd.Value, engine_zero_grad),
    laws=(
        Law("On a fresh graph nothing changes: the gradients are those of task 7.", fresh),
        Law(
            "Two calls on one graph: the leaves have exactly twice the gradient.",
            law(
                (SUM, ("c.backward()", "c.backward()")),
                (SQUARES, ("c.backward()", "c.backward()")),
                (SQUARES, ("c.backward()", "c.backward()", "c.backward()")),
            ),
        ),
        Law(
            "Two graphs that share a leaf: its gradients add up.",
            law((graph(A, B, "c = a * b", "d = a + b"), ("c.backward()", "d.backward()"))),
        ),
        Law(
            "Two ends that share an inner node: it starts afresh, the leaves add up.",
            law((SHARED, ("d.backward()", "e.backward()"))),
        ),
        Law(
            "zero_grad sets the gradients of the given Values to 0, and only these.",
            law(
                (SUM, ("c.backward()", "zero_grad([a, b])")),
                (SUM, ("c.backward()", "zero_grad([b])")),
                (SUM, ("c.backward()", "zero_grad((a,))")),
                (SQUARES, ("c.backward()", "zero_grad([b])")),
            ),
        ),
        Law(
            "After zero_grad the next call gives what the first one gave.",
            law(
                (SQUARES, ("c.backward()", "zero_grad([a])", "c.backward()")),
                (SHARED, ("e.backward()", "zero_grad([a, b])", "e.backward()")),
            ),
        ),
        Law("It holds for any graph.", random_twice),
    ),
    mistakes=(
        Mistake(
            "inner_kept",
            "Inner nodes keep the first call's gradient and hand it on once more: set every node "
            "that has parents to 0 at the start of `backward()`.",
            (
                (
                    "        for node in order:\n            if node.parents:\n"
                    "                node.grad = 0.0\n",
                    "",
                ),
            ),
        ),
        Mistake(
            "leaves_cleared",
            "`backward()` clears the leaves as well, so nothing adds up: only inner nodes start "
            "afresh.",
            (
                (
                    "            if node.parents:\n                node.grad = 0.0",
                    "            node.grad = 0.0",
                ),
            ),
        ),
        Mistake(
            "wrong_way_round",
            "The leaves are cleared and the inner nodes kept: it must be the other way round.",
            (("if node.parents:", "if not node.parents:"),),
        ),
        Mistake(
            "seed_added",
            "The root's gradient grows with each call: `self.grad = 1.0`, not `+=`.",
            (
                (
                    "        for node in order:\n            if node.parents:\n",
                    "        for node in order:\n"
                    "            if node.parents and node is not self:\n",
                ),
                ("self.grad = 1.0", "self.grad += 1.0"),
            ),
        ),
        Mistake(
            "overwrites",
            "A later part overwrites an earlier one: `=` instead of `+=` in `_backward`.",
            (("parent.grad += ", "parent.grad = "),),
        ),
        Mistake(
            "zero_is_none",
            "`zero_grad` leaves None behind, and None cannot be added to: set 0.0.",
            (("value.grad = 0.0", "value.grad = None"),),
        ),
        Mistake(
            "zero_clears_data",
            "`zero_grad` clears `.data`: only `.grad` goes back to 0.",
            (("value.grad = 0.0", "value.data = 0.0"),),
        ),
        Mistake(
            "zero_nothing",
            "`zero_grad` only changes a name or a list of its own; the Values keep their "
            "gradients. Write `value.grad = 0.0`.",
            (("value.grad = 0.0", "grad = 0.0"),),
        ),
        Mistake(
            "zero_returns_early",
            "`zero_grad` stops after the first Value: the `return` stands inside the loop.",
            (("value.grad = 0.0", "value.grad = 0.0\n        return"),),
        ),
        Mistake(
            "zero_all_after",
            "`backward()` clears the gradients at its end, so nobody can read them.",
            (
                (
                    "            node._backward()",
                    "            node._backward()\n"
                    "        for node in order:\n            node.grad = 0.0",
                ),
            ),
        ),
        Mistake(
            "zero_goes_on",
            "`zero_grad` clears what these Values were computed from as well; clear only those "
            "given.",
            (("value.grad = 0.0", "value.grad = 0.0\n        zero_grad(value.parents)"),),
        ),
    ),
)
