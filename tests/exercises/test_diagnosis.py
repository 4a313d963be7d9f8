"""The diagnosis names the cause in programs that were not derived from the catalogue."""

import re

import pytest
from alternates import CLOSURES, PAIRS

from autograd.exercises import TASKS
from autograd.exercises.judge import judge
from autograd.exercises.task import load


def verdict_of(name, source):
    task = TASKS[name]
    return judge(task, load(source, task.targets))


def changed(source, *swaps):
    for old, new in swaps:
        assert old in source
        source = source.replace(old, new)
    return source


ASSIGN = ("+= ", "= ")
WRONG = [
    ("one_op", "overwrites", changed(CLOSURES, ASSIGN)),
    ("backward", "overwrites", changed(CLOSURES, ASSIGN)),
    ("zeroing", "overwrites", changed(CLOSURES, ASSIGN)),
    ("backward", "overwrites", changed(PAIRS, ("p.grad = p.grad + ", "p.grad = "))),
    ("backward", "no_seed", changed(CLOSURES, ("        self.grad = 1\n", ""))),
    ("backward", "not_reversed", changed(CLOSURES, ("reversed(topo)", "topo"))),
    ("zeroing", "inner_kept", changed(CLOSURES, ("if v._prev:", "if False:"))),
    ("zeroing", "leaves_cleared", changed(CLOSURES, ("if v._prev:", "if True:"))),
    (
        "zeroing",
        "zero_is_none",
        changed(CLOSURES, ("in values:\n        v.grad = 0", "in values:\n        v.grad = None")),
    ),
    ("one_op", "no_upstream", changed(PAIRS, ("d * self.grad", "d"))),
    ("one_op", "tanh_of_input", changed(CLOSURES, ("1 - t ** 2", "1 - self.data ** 2"))),
    ("one_op", "exp_of_input", changed(CLOSURES, ("out.data * out.grad", "self.data * out.grad"))),
    (
        "one_op",
        "product_not_crosswise",
        changed(PAIRS, ("(self, num(o)), (o, self.data)", "(self, self.data), (o, num(o))")),
    ),
    ("operators", "rsub_order", changed(CLOSURES, ("other + (-self)", "self - other"))),
    (
        "operators",
        "rdiv_order",
        changed(PAIRS, ("y = num(o) / self.data", "y = self.data / num(o)")),
    ),
    ("slope", "one_sided", "def slope(f, x):\n    d = 1e-5\n    return (f(x + d) - f(x)) / d"),
    (
        "slope",
        "run_of_one_step",
        "def slope(f, x):\n    a = f(x - 1e-6)\n    b = f(x + 1e-6)\n    return (b - a) * 1e6",
    ),
    (
        "order",
        "no_memory",
        """
def topological_order(root):
    order = []
    for p in root.parents:
        order += topological_order(p)
    return order + [root]
""",
    ),
    (
        "losses",
        "overflows",
        """
import autograd
def mse(predictions, targets):
    return sum((p - t) ** 2 for p, t in zip(predictions, targets)) / len(targets)
def cross_entropy(logits, target):
    exps = [v.exp() for v in logits]
    return sum(exps).log() - logits[target]
""",
    ),
    (
        "losses",
        "sum_not_mean",
        """
import autograd
def mse(predictions, targets):
    return sum((p - t) ** 2 for p, t in zip(predictions, targets))
def cross_entropy(logits, target):
    return autograd.logsumexp(logits) - logits[target]
""",
    ),
    (
        "sgd",
        "uphill",
        """
class SGD:
    def __init__(self, parameters, lr):
        self.lr, self.ps = lr, [*parameters]
    def step(self):
        for p in self.ps:
            p.data = p.data + self.lr * p.grad
""",
    ),
    (
        "dropout",
        "no_growth",
        "def dropout(xs, p, rng, training=True):\n"
        "    return [x * (rng.random() >= p) for x in xs] if training else xs",
    ),
]


@pytest.mark.parametrize(
    ("name", "mistake", "source"), WRONG, ids=[f"{n}-{m}" for n, m, _ in WRONG]
)
def test_the_same_mistake_in_another_program_is_named(name, mistake, source):
    verdict = verdict_of(name, source)
    assert not verdict.passed
    assert verdict.mistake == mistake, str(verdict)


def test_micrograds_own_value_with_assignment_is_told_about_its_second_path():
    text = str(verdict_of("backward", changed(CLOSURES, ASSIGN)))
    assert "A Value that is used twice gets the sum of both paths." in text
    assert "b = a + a" in text
    assert "got 1, expected 2" in text
    assert "`=` instead of `+=`" in text


UNKNOWN = {
    "a flipped sign": ("lambda f, x: -3.0 * ((f(x + 1e-5) - f(x - 1e-5)) / 2e-5) / 3.0", "sign"),
    "a factor": ("lambda f, x: 7.0 * (f(x + 1e-5) - f(x - 1e-5)) / 2e-5", "7 times"),
    "nothing": ("lambda f, x: 0.0", "still 0"),
    "no return": ("lambda f, x: None", "None"),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_an_unknown_mistake_is_described_by_its_numbers(kind):
    source, words = UNKNOWN[kind]
    task = TASKS["slope"]
    verdict = judge(task, load(f"slope = {source}", task.targets))
    assert not verdict.passed
    assert words in verdict.cause, str(verdict)


PLACES = [
    ("one_op", changed(CLOSURES, ("(1 - t ** 2)", "(1 - t ** 3)")), "`tanh`"),
    ("one_op", changed(PAIRS, ("(self, 1 / self.data)", "(self, 2 / self.data)")), "`log`"),
    ("backward", changed(CLOSURES, ("(out.data > 0)", "(out.data > 0) * 0.3")), "`relu`"),
    ("functions", changed(TASKS["functions"].reference, ("1 / x", "1.1 / x")), "`log`"),
]


@pytest.mark.parametrize(("name", "source", "place"), PLACES)
def test_what_only_the_failing_cases_have_in_common_is_pointed_at(name, source, place):
    verdict = verdict_of(name, source)
    assert not verdict.mistake
    assert f"Every case that fails has {place} in it" in verdict.cause, str(verdict)


NAIVE = {  # first attempts, and what they must be told
    "no grad": (
        "value",
        """
class Value:
    def __init__(self, data):
        self.data = data
    def __add__(self, other):
        return Value(self.data + other.data)
    def __mul__(self, other):
        return Value(self.data * other.data)
""",
        "has no attribute 'grad'",
        "set in `__init__`",
    ),
    "no return": (
        "order",
        """
def topological_order(root):
    order = []
    def visit(n):
        for p in n.parents: visit(p)
        if n not in order: order.append(n)
    visit(root)
""",
        "'NoneType' object is not iterable",
        "is a `return` missing",
    ),
    "math.exp": (
        "losses",
        """
import math
def mse(p, t):
    return sum((a - b) ** 2 for a, b in zip(p, t)) / len(t)
def cross_entropy(logits, target):
    e = [math.exp(l) for l in logits]
    return -math.log(e[target] / sum(e))
""",
        "silently drop the graph",
        "`v.exp()`",
    ),
    "a detour": (
        "operators",
        TASKS["operators"].reference.replace("-self + other", "other - self"),
        "RecursionError",
        "`__rsub__`",
    ),
    "the parents' backward": (
        "backward",
        CLOSURES.replace(
            "        for v in reversed(topo):\n            v._backward()",
            "        self._backward()\n        for v in self._prev:\n            v.backward()",
        ),
        "got 1, expected 3",
        "an end of its own, with gradient 1",
    ),
    "plain weights": (
        "neuron",
        """
import random
class Neuron:
    def __init__(self, nin):
        self.w = [random.uniform(-1, 1) for _ in range(nin)]
        self.b = 0
    def __call__(self, xs):
        return sum(w * x for w, x in zip(self.w, xs)) + self.b
    def parameters(self): return self.w + [self.b]
""",
        "'int' object has no attribute 'data'",
        "wrap it in Value",
    ),
}


@pytest.mark.parametrize("kind", NAIVE)
def test_a_first_attempt_is_told_what_is_wrong_and_nothing_false(kind):
    name, source, happened, cause = NAIVE[kind]
    verdict = verdict_of(name, source)
    assert happened in str(verdict)
    assert cause in verdict.cause, str(verdict)


def test_what_is_kept_from_call_to_call_is_noticed():
    verdict = verdict_of(
        "order",
        """
def topological_order(root, order=[]):
    for parent in root.parents:
        topological_order(parent, order)
    if root not in order:
        order.append(root)
    return order
""",
    )
    assert "kept from call to call" in verdict.cause, str(verdict)


def test_the_page_shows_law_case_numbers_cause_and_both_graphs():
    pytest.importorskip("pygraphviz")
    page = verdict_of("backward", changed(CLOSURES, ASSIGN))._repr_html_()
    assert page.count("<svg") == 2
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page)
    assert cells == ["", "<b>got</b>", "<b>expected</b>", "<code>a.grad</code>", "1", "2"]
    assert "<code>+=</code>" in page


def test_what_students_print_is_escaped_on_the_page():
    source = "def slope(f, x):\n    print('<script>alert(1)</script>')\n    return 0.5"
    page = verdict_of("slope", source)._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
