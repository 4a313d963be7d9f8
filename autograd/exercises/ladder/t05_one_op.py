"""Task 5: backward of one operation."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd.exercises.ladder.common import data_case, graph, value_up_to
from autograd.exercises.program import Program
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task

A, B = "a = Value(3.0)", "b = Value(-2.0)"
ALL = (
    "a + b",
    "a * b",
    "a ** 2",
    "a ** 3",
    "a ** -1",
    "a.tanh()",
    "a.exp()",
    "a.log()",
    "a.relu()",
    "b.relu()",
    "b.tanh()",
    "b.exp()",
)


def program(expression: str, a: str = A, b: str = B) -> Program:
    return graph(
        *([a] if "a" in expression else []),
        *([b] if "b" in expression else []),
        f"c = {expression}",
    )


def case(p: Program, upstream: float = 1.0, before: float = 0.0) -> Case:
    """Give c a gradient and let it hand it on, with `before` in a and b already."""
    leaves = p.source.split("\n")[:-1]
    held = [f"{line[0]}.grad = {before:g}" for line in leaves if before]
    text = "\n".join([p.source, *held, f"c.grad = {upstream:g}", "c._backward()"])

    def run(value_class: Any) -> Outcome:
        nodes = p.run(value_class)
        for line in leaves:
            nodes[line[0]].grad += before
        nodes["c"].grad = upstream
        nodes["c"]._backward()
        found = {f"{line[0]}.grad": nodes[line[0]].grad for line in leaves}
        return found | {"c.grad": nodes["c"].grad}

    def expected() -> Outcome:
        nodes = p.run(autograd.Value)
        nodes["c"].backward()
        right = {f"{line[0]}.grad": before + upstream * nodes[line[0]].grad for line in leaves}
        return right | {"c.grad": upstream}

    return Case(text, run, expected, program=p)


def law(*expressions: str, **how: float) -> Callable[[random.Random], list[Case]]:
    return lambda rng: [case(program(e), **how) for e in expressions]


def computes(rng: random.Random) -> list[Case]:
    both = (*ALL, "a - b", "a / b", "-a", "2 - a", "2 / a", "2 + a", "2 * a")
    return [data_case(program(e)) for e in both]


def one_step(rng: random.Random) -> list[Case]:
    """A node between two operations: what c hands on stops there."""

    def run(value_class: Any) -> Outcome:
        nodes = p.run(value_class)
        nodes["c"].grad = 1.0
        nodes["c"]._backward()
        return {f"{name}.grad": node.grad for name, node in nodes.items()}

    p = graph(A, "b = a * a", "c = b * b")
    return [Case(f"{p.source}\nc.grad = 1\nc._backward()", run, program=p)]


def kink(rng: random.Random) -> list[Case]:
    return [case(program("a.relu()", f"a = Value({x})"), upstream=10.0) for x in (0.0, 0.5)]


def anywhere(rng: random.Random) -> list[Case]:
    cases = []
    for expression in ALL:
        a, b = round(rng.uniform(0.2, 3), 2), round(rng.uniform(-3, -0.2), 2)
        p = program(expression, f"a = Value({a})", f"b = Value({b})")
        cases.append(case(p, upstream=rng.choice((-2.0, 0.5, 3.0)), before=rng.choice((0.0, 1.0))))
    return cases


TASK = Task(
    number=5,
    name="one_op",
    title="One operation, backwards",
    targets=("Value",),
    text="""\
Now the way back, for one operation. Suppose somebody has found out how fast the final result
changes with `c`, and written it into `c.grad`. If `c = a * b`, how fast does it change with `a`?
By the chain rule, `c.grad` times the derivative of `c` with respect to `a`; here that is `b`.

- Each operation makes its result with `parents`, and with `partials`: the derivative of the
  result with respect to each parent, as plain numbers. `+` shows how.
- `c._backward()` *adds* to each parent's `.grad` what it gets from `c`: its partial times
  `c.grad`. It adds because a Value may be used more than once. It tells the parents only, not
  theirs: who is next is the matter of tasks 6 and 7.

(You may also keep a function in each node, as micrograd does: only `_backward()` counts.)""",
    neighbour="""\
# A neighbour: money instead of gradients. A shop hands its takings on to its owners,
# to each according to a share, on top of what the owner holds already.
class Owner:
    def __init__(self):
        self.money = 0.0

class Shop:
    def __init__(self, owners, shares):
        self.takings, self.owners, self.shares = 0.0, owners, shares

    def hand_on(self):
        for owner, share in zip(self.owners, self.shares):
            owner.money += share * self.takings

ann, bob = Owner(), Owner()
shop = Shop((ann, bob, bob), (0.5, 0.3, 0.2))  # bob holds two shares
shop.takings = 100.0
shop.hand_on()
ann.money, bob.money  # (50.0, 50.0)
""",
    hints=(
        "The partials of a product are crosswise: for a it is b's number, for b it is a's.",
        "Of x ** n it is n * x ** (n - 1). The others are the slopes of task 4: of exp it is the "
        "result itself, of tanh one minus the square of the result, of log 1 / x, and of relu 1 "
        "above 0, else 0.",
        "One parent and one partial still make tuples: `(self,)` and `(y,)`, with the comma.",
        "In `_backward`, walk over `zip(self.parents, self.partials)`.",
        "`+=`, not `=`: in `a * a` both parents are the same Value.",
    ),
    solution=value_up_to("one_op"),
    laws=(
        Law("Every operation computes the right number.", computes),
        Law("With c.grad = 1, each parent gets the derivative of c with respect to it.", law(*ALL)),
        Law(
            "The chain rule: what arrives is the derivative times c.grad.", law(*ALL, upstream=10.0)
        ),
        Law("Where relu bends, at 0, nothing passes; right of it everything does.", kink),
        Law(
            "What a Value already has in `.grad` stays; the new part is added.",
            law(
                "a + b",
                "a * b",
                "a ** 2",
                "a.tanh()",
                "a.exp()",
                "a.log()",
                "a.relu()",
                before=100.0,
            ),
        ),
        Law("A Value that is used twice gets both parts.", law("a + a", "a * a")),
        Law("Only the parents get their part; nobody behind them does yet.", one_step),
        Law("Plain numbers do no harm.", law("a * 4", "4 * a", "a + 4", "-a")),
        Law("It holds for any numbers.", anywhere),
    ),
    mistakes=(
        Mistake(
            "overwrites",
            "The new part overwrites what was there: `=` where `+=` belongs.",
            (("parent.grad += ", "parent.grad = "),),
        ),
        Mistake(
            "no_upstream",
            "The derivative is handed on alone: multiply it by this node's own `.grad`.",
            (("partial * self.grad", "partial"),),
        ),
        Mistake(
            "adds_upstream",
            "Derivative *plus* `.grad`: the chain rule multiplies.",
            (("partial * self.grad", "partial + self.grad"),),
        ),
        Mistake(
            "product_not_crosswise",
            "The partials of `a * b` are exchanged: for a it is b's number, for b it is a's.",
            (("(other.data, self.data)", "(self.data, other.data)"),),
        ),
        Mistake(
            "first_parent_only",
            "Only the first parent gets its part: the second one is left out.",
            (("zip(self.parents, self.partials)", "list(zip(self.parents, self.partials))[:1]"),),
        ),
        Mistake(
            "power_keeps_exponent",
            "The derivative of x ** n is n * x ** (n - 1): the exponent was not lowered.",
            (("self.data ** (number - 1)", "self.data**number"),),
        ),
        Mistake(
            "power_forgets_factor",
            "The derivative of x ** n is n * x ** (n - 1): the factor n is missing.",
            (("number * self.data ** (number - 1)", "self.data ** (number - 1)"),),
        ),
        Mistake(
            "tanh_of_input",
            "The derivative of tanh is `1 - y * y` with y the *result*, not the input.",
            (("1 - y * y", "1 - self.data**2"),),
        ),
        Mistake(
            "exp_of_input",
            "exp is its own derivative: the partial is the result, not the input.",
            (("(y,))\n\n    def log", "(self.data,))\n\n    def log"),),
        ),
        Mistake(
            "log_is_input",
            "The derivative of log(x) is 1 / x, not x.",
            (("1 / self.data", "self.data"),),
        ),
        Mistake(
            "relu_always_one",
            "relu lets the gradient through below 0 too: where it is flat, nothing passes.",
            (("1.0 if self.data > 0 else 0.0", "1.0"),),
        ),
        Mistake(
            "hands_on_data",
            "The result's number is handed on; it must be its gradient, `self.grad`.",
            (("partial * self.grad", "partial * self.data"),),
        ),
        Mistake(
            "goes_on",
            "`_backward()` goes on to the parents' parents. One step is asked for: each node "
            "tells its own parents.",
            (
                (
                    "parent.grad += partial * self.grad",
                    "parent.grad += partial * self.grad\n            parent._backward()",
                ),
            ),
        ),
        Mistake(
            "nothing_to_parents",
            "Nothing arrives at the parents: it is `parent.grad` that must grow (`+=`), by "
            "`partial * self.grad`.",
            (("parent.grad += partial * self.grad", "self.grad += partial * parent.grad"),),
        ),
        Mistake(
            "seeds_itself",
            "`_backward()` sets this node's own `.grad`. Somebody has written it there already: "
            "use it as it is.",
            (
                (
                    "        for parent, partial in zip(",
                    "        self.grad = 1.0\n        for parent, partial in zip(",
                ),
            ),
        ),
        Mistake(
            "product_like_sum",
            "The partials of `a * b` are those of `a + b`, copied. The product changes with a by "
            "as much as b is, and the other way round.",
            (("(other.data, self.data)", "(1.0, 1.0)"),),
        ),
    ),
)
