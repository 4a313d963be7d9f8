"""Task 3: the rest of the operators, with plain numbers on either side."""

import random
from typing import Any

from autograd.exercises.ladder.common import cases_of, data_case, graph, parents
from autograd.exercises.program import ARITHMETIC, WITH_NUMBERS, Program, random_program
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task

A, B = "a = Value(3.0)", "b = Value(4.0)"


def reaches(program: Program) -> Case:
    """Observe which of the program's leaves can be reached from its root along the parents."""

    def run(value_class: Any, *_: Any) -> Outcome:
        nodes = program.run(value_class)
        ahead, seen = [nodes[program.root]], set()
        while ahead:
            node = ahead.pop()
            if id(node) not in seen:
                seen.add(id(node))
                ahead.extend(parents(node))
        leaves = [name for name in nodes if f"{name} = Value(" in program.source]
        found = [n for n in leaves if id(nodes[n]) in seen]
        grads = {f"{k}.grad": v.grad for k, v in nodes.items()}  # 0: nobody has asked for them
        return {f"{program.root} was computed from": found} | grads

    return Case(program.source, run)


def anything(rng: random.Random) -> list[Case]:
    programs = [random_program(rng, n, (*ARITHMETIC, *WITH_NUMBERS)) for n in (2, 3, 4, 5, 6)]
    return [c for program in programs for c in (data_case(program), reaches(program))]


def one(*expressions: str) -> list[Program]:
    return [graph(A, *([B] if "b" in e else []), f"c = {e}") for e in expressions]


TASK = Task(
    number=3,
    name="operators",
    title="All the operators, and plain numbers too",
    targets=("Value",),
    text="""\
Make `-a`, `a - b`, `a / b` and `a ** 2` work, and let a plain number stand on either side:
`a + 1`, `1 + a`, `2 - a`, `a / 2`, `1 / a`.

When Python meets `2 - a`, the number 2 does not know how to subtract a Value, so Python asks
the right-hand side: `a.__rsub__(2)`. Note the order: `a.__rsub__(2)` means `2 - a`.

The shortest way writes the new operators with the old ones, for instance `a - b` as
`a + (-b)`. The exponent in `a ** n` is always a plain number here.""",
    neighbour="""\
# A neighbour: an angle that works with plain numbers of degrees on either side of +.
class Angle:
    def __init__(self, degrees):
        self.degrees = degrees

    def __add__(self, other):  # angle + other
        other = other if isinstance(other, Angle) else Angle(other)
        return Angle((self.degrees + other.degrees) % 360)

    def __radd__(self, other):  # other + angle, where other is a plain number
        return self + other

(90 + Angle(300)).degrees  # 30
""",
    hints=(
        "Start with `as_value`: if it works, `a + 1` works too.",
        "`-a` is `a * -1`; `a - b` is `a + (-b)`; `a / b` is `a * b ** -1`.",
        "`+` and `*` do not mind the order, so `__radd__` is `self + other`. `-` and `/` mind it.",
        "`a.__rsub__(2)` is 2 - a, which is `-a + 2`.",
    ),
    solution='''\
class Value:
    def __init__(self, data, parents=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other))

    def __mul__(self, other):
        other = as_value(other)
        return Value(self.data * other.data, (self, other))

    def __pow__(self, number):  # self ** number
        ### BEGIN SOLUTION
        return Value(self.data**number, (self,))
        ### END SOLUTION

    def __neg__(self):  # -self
        ### BEGIN SOLUTION
        return self * -1
        ### END SOLUTION

    def __sub__(self, other):  # self - other
        ### BEGIN SOLUTION
        return self + -as_value(other)
        ### END SOLUTION

    def __truediv__(self, other):  # self / other
        ### BEGIN SOLUTION
        return self * as_value(other) ** -1
        ### END SOLUTION

    def __radd__(self, other):  # other + self
        ### BEGIN SOLUTION
        return self + other
        ### END SOLUTION

    def __rmul__(self, other):  # other * self
        ### BEGIN SOLUTION
        return self * other
        ### END SOLUTION

    def __rsub__(self, other):  # other - self
        ### BEGIN SOLUTION
        return -self + other
        ### END SOLUTION

    def __rtruediv__(self, other):  # other / self
        ### BEGIN SOLUTION
        return self**-1 * other
        ### END SOLUTION


def as_value(x):
    """x itself if it is a Value already, else a new Value that holds the number x."""
    ### BEGIN SOLUTION
    return x if isinstance(x, Value) else Value(x)
    ### END SOLUTION
''',
    laws=(
        Law(
            "Values combine with Values.",
            cases_of(data_case, one("a + b", "a * b", "a - b", "a / b", "a ** 2", "-a")),
        ),
        Law(
            "A plain number may stand on the right.",
            cases_of(data_case, one("a + 2", "a * 2", "a - 2", "a / 2", "a + 0.5", "a * 1.5")),
        ),
        Law(
            "A plain number may stand on the left.",
            cases_of(data_case, one("2 + a", "2 * a", "2 - a", "2 / a", "0.5 - a", "1.5 / a")),
        ),
        Law(
            "Powers may be negative or broken, and sum() works.",
            cases_of(data_case, one("a ** -1", "a ** 0.5", "a ** 3", "0 + a + b")),
        ),
        Law(
            "Whatever the operator, the Values it was computed from can be reached from the "
            "result.",
            cases_of(
                reaches,
                one(
                    "a + b",
                    "a * b",
                    "a - b",
                    "a / b",
                    "a ** 2",
                    "-a",
                    "2 - a",
                    "2 / a",
                    "a + 2",
                    "2 * a",
                ),
            ),
        ),
        Law("It works for expressions of any size.", anything),
    ),
    mistakes=(
        Mistake(
            "rsub_order",
            "`2 - a` gives a - 2: in `__rsub__` the other one stands on the left.",
            (("-self + other", "self - other"),),
        ),
        Mistake(
            "rdiv_order",
            "`2 / a` gives a / 2: in `__rtruediv__` the other one is divided by self.",
            (("self**-1 * other", "self / other"),),
        ),
        Mistake(
            "no_radd",
            "`2 + a` is not known: Python asks for `__radd__`, and there is none.",
            (("__radd__", "radd"),),
        ),
        Mistake(
            "no_wrapping",
            "A plain number is not made into a Value before `.data` is asked of it.",
            (("x if isinstance(x, Value) else Value(x)", "x"),),
        ),
        Mistake(
            "only_ints",
            "Whole numbers are made into Values, but floats such as 0.5 are not.",
            (("x if isinstance(x, Value) else Value(x)", "Value(x) if isinstance(x, int) else x"),),
        ),
        Mistake(
            "sub_order",
            "`a - b` gives b - a: the minus belongs to the second one.",
            (("self + -as_value(other)", "-self + as_value(other)"),),
        ),
        Mistake(
            "sub_without_minus",
            "`a - b` gives a + b: the minus got lost.",
            (("self + -as_value(other)", "self + as_value(other)"),),
        ),
        Mistake(
            "power_is_product",
            "`a ** n` gives a * n: use Python's own `**` on the data.",
            (("self.data**number", "self.data * number"),),
        ),
        Mistake(
            "floor_division",
            "`a / b` is rounded down to a whole number: `//` where `/` belongs.",
            (
                (
                    "self * as_value(other) ** -1",
                    "Value(self.data // as_value(other).data, (self, as_value(other)))",
                ),
            ),
        ),
        Mistake(
            "neg_drops_history",
            "`-a` holds the right number but has no parents: the way back to `a` is lost.",
            (("self * -1", "Value(-self.data)"),),
        ),
        Mistake(
            "div_drops_history",
            "`a / b` holds the right number but not both parents: the way back is lost.",
            (("self * as_value(other) ** -1", "self * as_value(other).data ** -1"),),
        ),
        Mistake(
            "neg_in_place",
            "`-a` changes `a` itself, and so does every `-` that uses it. Make a new Value.",
            (("return self * -1", "self.data = -self.data\n        return self"),),
        ),
        Mistake(
            "wrapped_again",
            "`as_value` puts a Value into another Value: if x is a Value already, give x back.",
            (("x if isinstance(x, Value) else Value(x)", "Value(x)"),),
        ),
    ),
)
