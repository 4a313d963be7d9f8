"""Each rewrite changes something, as its golden text says, and changes no result."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd.compiler import passes
from autograd.compiler.build import Builder
from autograd.compiler.operations import Inst, View

Make = Callable[[Builder, Inst, Inst], Inst]
GOLDEN: dict[str, tuple[Make, str]] = {  # rule: (what it is tried on, what becomes of it)
    "fold_numbers": (lambda b, x, y: b.map("*", x, b.map("+", 2.0, 3.0)), "map * x, 5"),
    "number_first": (lambda b, x, y: b.map("*", x, 3.0), "map * 3, x"),
    "times_one": (lambda b, x, y: b.map("*", -1.0, b.map("*", 1.0, x)), "map neg x"),
    "times_zero": (lambda b, x, y: b.map("+", x, b.map("*", 0.0, b.map("<", x, y))), "map + x, 0"),
    "times_negated": (lambda b, x, y: b.map("*", b.map("neg", x), y), "map neg t1"),
    "times_reciprocal": (lambda b, x, y: b.map("*", x, b.map("/", 1.0, y)), "map / x, y"),
    "plus_zero": (lambda b, x, y: b.map("+", 0.0, b.map("+", x, 0.0)), "return x"),
    "plus_negated": (lambda b, x, y: b.map("+", b.map("neg", x), y), "map - y, x"),
    "plus_itself": (lambda b, x, y: b.map("+", x, x), "map * 2, x"),
    "by_one": (lambda b, x, y: b.map("/", b.map("**", x, 1.0), 1.0), "return x"),
    "negated_twice": (lambda b, x, y: b.map("neg", b.map("neg", x)), "return x"),
    "slope_of_relu": (
        lambda b, x, y: b.map(
            "*", b.map("relu", x), b.map("-", 1.0, b.map("<=", x, 0.0))
        ),
        "map != t1, 0",
    ),
    "selected_by_value": (
        lambda b, x, y: b.map("select", b.map("!=", x, 0.0), y, 0.0),
        "map select x, y, 0",
    ),
    "reshaped": (lambda b, x, y: b.reshape(b.reshape(x, (6,)), (3, 2)), "t1 = reshape x : 3x2"),
    "spread_out": (lambda b, x, y: b.map("*", b.spread(x, (2, 3)), b.spread(2.0, (3,))), "* x, c1"),
    "elsewhere": (
        lambda b, x, y: b.view(b.reshape(x, (6,)), View(0, (3,), (2,))),
        "t1 = view x, from 0 by 3",
    ),
    "part_of_a_part": (
        lambda b, x, y: b.view(b.view(x, View(1, (2,), (2,))), View(1, (), ())),
        "t1 = view x, at 3",
    ),
    "alone": (lambda b, x, y: b.concat([x]), "return x"),
}  # fmt: skip

FOUR, FOUR_ANY = View(0, (1,), (4,)), np.array([1, 4, 4, 2])
SIX = np.arange(6.0).reshape(2, 3)
ORDER = np.array([[0, 1, 2], [3, 4, 5]])
MORE: list[tuple[str, Make, str]] = [  # as above: the other sides of a rule
    ("times_one", lambda b, x, y: b.map("*", 1.0, x), "return x"),
    ("times_one", lambda b, x, y: b.map("*", -1.0, x), "map neg x"),
    ("times_negated", lambda b, x, y: b.map("*", x, b.map("neg", y)), "map neg t1"),
    ("times_negated", lambda b, x, y: b.map("/", b.map("neg", x), y), "map neg t1"),
    ("times_negated", lambda b, x, y: b.map("/", x, b.map("neg", y)), "map neg t1"),
    ("plus_zero", lambda b, x, y: b.map("+", x, 0.0), "return x"),
    ("plus_zero", lambda b, x, y: b.map("+", 0.0, x), "return x"),
    ("plus_negated", lambda b, x, y: b.map("+", x, b.map("neg", y)), "map - x, y"),
    ("reshaped", lambda b, x, y: b.map("*", b.reshape(x, (2, 3)), y), "map * x, y"),
    ("reshaped", lambda b, x, y: b.reshape(b.const(SIX), (6,)), "c1 = const [0 1 2 3 4 5] : 6"),
    ("spread_out", lambda b, x, y: b.spread(b.const(SIX[0]), (2, 3)), "const [0 1 2 0 1 2]"),
    ("elsewhere", lambda b, x, y: b.view(x, View(0, (1,), (6,))), "t1 = reshape x"),
    ("elsewhere", lambda b, x, y: b.map("*", b.gather(x, ORDER), y), "reshape x"),
    ("elsewhere", lambda b, x, y: b.gather(b.const(SIX), ORDER[::-1]), "const [3 4 5 0 1 2]"),
    ("elsewhere", lambda b, x, y: b.view(b.const(SIX), View(1, (3,), (2,))), "const [1 4]"),
    ("elsewhere", lambda b, x, y: b.gather(b.reshape(x, (6,)), ORDER[0] * 2), "gather x, "),
    (
        "part_of_a_part",
        lambda b, x, y: b.view(b.gather(x, FOUR_ANY), View(0, (1,), (2,))),
        "x, from 1 by 3",
    ),
    (
        "part_of_a_part",
        lambda b, x, y: b.gather(b.gather(x, FOUR_ANY), np.array([1, 0])),
        "gather x, [4 1]",
    ),
    (
        "part_of_a_part",
        lambda b, x, y: b.gather(b.gather(x, FOUR_ANY), np.array([3, 1, 0])),
        "gather x, [2 4 1]",
    ),
]
LEFT_ALONE: list[tuple[str, Make]] = [  # what looks nearly like it
    ("number_first", lambda b, x, y: b.map("*", 2.0, x)),
    ("number_first", lambda b, x, y: b.map("*", x, y)),
    ("number_first", lambda b, x, y: b.map("*", 2.0, 3.0)),
    ("times_one", lambda b, x, y: b.map("*", 2.0, x)),
    ("times_one", lambda b, x, y: b.map("*", 1.0, b.map("<", x, y))),
    ("times_zero", lambda b, x, y: b.map("*", 0.0, x)),
    ("times_zero", lambda b, x, y: b.map("*", 2.0, b.map("<", x, y))),
    ("times_negated", lambda b, x, y: b.map("*", x, y)),
    ("times_negated", lambda b, x, y: b.map("*", b.map("exp", x), b.map("exp", y))),
    ("times_negated", lambda b, x, y: b.map("*", b.reshape(x, (3, 2)), b.reshape(y, (3, 2)))),
    ("times_reciprocal", lambda b, x, y: b.map("*", x, y)),
    ("times_reciprocal", lambda b, x, y: b.map("*", x, b.map("/", 2.0, y))),
    ("times_reciprocal", lambda b, x, y: b.map("*", x, b.map("-", 1.0, y))),
    ("plus_zero", lambda b, x, y: b.map("+", x, 1.0)),
    ("plus_zero", lambda b, x, y: b.map("+", 0.0, b.map("<", x, y))),
    ("plus_negated", lambda b, x, y: b.map("+", x, y)),
    ("plus_negated", lambda b, x, y: b.map("+", x, b.map("exp", y))),
    ("plus_itself", lambda b, x, y: b.map("+", x, y)),
    ("plus_itself", lambda b, x, y: b.map("+", b.map("<", x, y), b.map("<", x, y))),
    ("by_one", lambda b, x, y: b.map("/", x, 2.0)),
    ("by_one", lambda b, x, y: b.map("**", x, y)),
    ("negated_twice", lambda b, x, y: b.map("neg", x)),
    ("negated_twice", lambda b, x, y: b.map("neg", b.map("exp", x))),
    ("slope_of_relu", lambda b, x, y: b.map("-", 1.0, x)),
    ("slope_of_relu", lambda b, x, y: b.map("-", 1.0, b.map("<=", x, 0.0))),
    ("slope_of_relu", lambda b, x, y: after_relu(b, x, 2.0, "<=", 0.0)),
    ("slope_of_relu", lambda b, x, y: after_relu(b, x, 1.0, "<=", 1.0)),
    ("slope_of_relu", lambda b, x, y: after_relu(b, x, 1.0, "<", 0.0)),
    ("slope_of_relu", lambda b, x, y: after_relu(b, x, 1.0, "*", 0.0)),
    ("reshaped", lambda b, x, y: b.reshape(x, (3, 2))),
    ("spread_out", lambda b, x, y: b.spread(b.reduce(x, [0]), (2, 3))),
    ("elsewhere", lambda b, x, y: b.view(x, View(1, (3,), (2,)))),
    ("elsewhere", lambda b, x, y: b.gather(x, ORDER[::-1])),
    ("elsewhere", lambda b, x, y: b.gather(x, ORDER[0])),
    ("part_of_a_part", lambda b, x, y: b.gather(b.view(x, View(0, (1,), (4,))), np.array([3, 1]))),
    ("part_of_a_part", lambda b, x, y: b.view(b.view(b.map("exp", x), FOUR), View(1, (2,), (2,)))),
    ("selected_by_value", lambda b, x, y: b.map("select", b.map("<", x, 0.0), y, 0.0)),
    ("selected_by_value", lambda b, x, y: b.map("select", b.map("!=", x, 1.0), y, 0.0)),
    ("selected_by_value", lambda b, x, y: b.map("select", x, y, 0.0)),
    ("alone", lambda b, x, y: b.concat([x, y])),
]


EXAMPLES = [*[(name, *example) for name, example in GOLDEN.items()], *MORE]


def after_relu(b: Builder, x: Inst, number: float, sign: str, bound: float) -> Inst:
    relu = b.map("relu", x)
    return b.map("*", relu, b.map("-", number, b.map(sign, x, bound)))


def made(make: Make, rules: Any) -> Any:
    b = Builder(rules)
    x, y = b.input("data", "x", (2, 3)), b.input("data", "y", (2, 3))
    return b.block([make(b, x, y)]).check()


def test_every_rule_has_a_golden_text() -> None:
    rules = {rule.__name__ for listed in passes.RULES.values() for rule in listed}
    assert rules == set(GOLDEN)


def only(name: str) -> dict[str, Any]:
    """The table of rules with this one alone."""
    return {op: [rule for rule in listed if rule.__name__ == name]
            for op, listed in passes.RULES.items()}  # fmt: skip


def results(block: Any) -> Any:
    rng = np.random.default_rng(1)
    inputs = {"x": rng.normal(size=(2, 3)), "y": rng.normal(size=(2, 3))}
    with np.errstate(invalid="ignore"):
        return block.evaluate({name: inputs[name] for name in block.inputs})


@pytest.mark.parametrize(("name", "make", "wanted"), EXAMPLES)
def test_a_rule_changes_the_program_but_not_its_results(name: str, make: Make, wanted: str) -> None:
    before, after = made(make, {}), made(make, only(name))
    assert wanted in str(after) and wanted not in str(before)
    assert str(passes.rewritten(before, only(name))) == str(after)
    assert np.allclose(results(before), results(after), rtol=1e-14, equal_nan=True)


@pytest.mark.parametrize(("name", "make"), LEFT_ALONE)
def test_a_rule_leaves_alone_what_looks_nearly_like_it(name: str, make: Make) -> None:
    before, after = made(make, {}), made(make, only(name))
    assert str(after) == str(before)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_rule_says_its_algebra(name: str) -> None:
    assert (getattr(passes, name).__doc__ or "").strip()


def test_gradients_from_many_steps_become_one_product() -> None:
    """a.T @ x + b.T @ y + ... = [a; b; ...].T @ [x; y; ...], from four on."""
    b = Builder(passes.RULES)
    pairs = [(b.input("data", f"g{i}", (5, 2)), b.input("data", f"x{i}", (5, 3))) for i in range(4)]
    pieces = [(None, b.matmul(g, x, (True, False))) for g, x in pairs]
    assert passes.stacked(b, pieces[:3]) == pieces[:3]
    ((_, total),) = passes.stacked(b, pieces)
    block = b.block([total])
    assert "concat" in str(block) and str(block).count("matmul") == 1
    rng = np.random.default_rng(2)
    inputs = {name: rng.normal(size=block[name].shape) for name in block.inputs}
    wanted = sum(inputs[f"g{i}"].T @ inputs[f"x{i}"] for i in range(4))
    assert np.allclose(block.evaluate(inputs)[0], wanted, rtol=1e-12)


def test_a_comparison_stays_a_number() -> None:
    """1 * [x < y] is kept: NumPy's truth values do not add up."""
    block = made(lambda b, x, y: b.map("*", 1.0, b.map("<", x, y)), passes.RULES)
    assert "map * 1, t1" in str(block)
