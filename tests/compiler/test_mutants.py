"""Faults put into the rules on purpose, one at a time, must not survive the rules' tests."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from autograd.compiler import passes, reverse
from tests.compiler import test_passes, test_reverse
from tests.compiler.mutants import Mutant, mutants

Kill = Callable[[], None]
TRANSPOSES = sorted({rule.__name__: rule for rule in reverse.TRANSPOSES.values()}.items())
TRANSPOSES = [(name, rule) for name, rule in TRANSPOSES if name not in ("_item", "_scan")]
HELPERS = ["_of_vectors"]

# No faults: what these change computes the same. (rule, part of the description): why.
SAME: dict[tuple[str, str], str] = {
    ("_map", "Term(r.b, x) if True"): "a number as a term is folded into the same number",
    ("_map", "r.b.operand(plain(partial)), g) (swapped)"): (
        "differs only at a gate, where g is infinite or NaN: test_pipeline.py holds that"
    ),
    ("_concat", "r.b.spread(g, y.shape) if True"): "one number for all may be spread, or not",
    ("_concat", "part_of(r.b, whole, places.take(range(begin, end), axis)) if True"): "so here",
    ("_reduce", "r.b.reshape(r.b.spread(g, y.shape), kept) if True"): "and here",
    ("_vecdot", "(swapped)"): "a product of two is symmetric",
    ("_matmul", "_of_vectors(r, b, a, g)"): "symmetric",
    ("plus_zero", "(swapped)"): "a sum of two is symmetric",
    ("plus_negated", "(swapped)"): "symmetric",
    ("plus_itself", "0  ->  1"): "the operands are the same",
    ("elsewhere", "->  covers(places, prod(x.shape)) (without"): "none but all places cover it",
    ("part_of_a_part", "'b' if"): "a name",
    ("part_of_a_part", "prod(view.shape)"): "a name",
    ("part_of_a_part", "1  ->  2"): "for NumPy any negative size is the one to be found; a name",
    ("elsewhere", "1  ->  2"): "for NumPy any negative size is the one to be found",
}


def is_same(description: str) -> bool:
    rule, _, change = description.partition(": ")
    return any(rule == name and part in change for name, part in SAME)


def first_to_die(kills: Iterable[tuple[str, Kill]]) -> str:
    """The name of the first test that fails, or ""."""
    for name, kill in kills:
        try:
            with np.errstate(all="ignore"):
                kill()
        except (Exception, pytest.fail.Exception):
            return name
    return ""


def survivors(
    found: Iterable[Mutant], put: Callable[[Any], None], kills: Callable[[], Iterable[Any]]
) -> list[str]:
    """What no test noticed, except for what computes the same."""
    alive = []
    for mutant in found:
        put(mutant.function)
        if not first_to_die(kills()):
            alive.append(mutant.description)
    return [text for text in alive if not is_same(text)]


def of_cases(*first: str) -> Iterable[tuple[str, Kill]]:
    """The transposes' test on each case, beginning with those of these ops."""
    order = sorted(test_reverse.CASES, key=lambda case: not case.startswith(first))
    for case in order:
        yield (
            case,
            lambda case=case: test_reverse.test_a_transpose_agrees_with_finite_differences(case),
        )


def ops_of(rule: Any) -> list[str]:
    return [op for op, found in reverse.TRANSPOSES.items() if found is rule]


@pytest.mark.parametrize(("name", "rule"), TRANSPOSES, ids=[name for name, _ in TRANSPOSES])
def test_a_transpose_that_drops_a_term_dies(monkeypatch: Any, name: str, rule: Any) -> None:
    dropped = [m for m in mutants(rule) if "dropped term" in m.description]
    assert dropped or name == "_matmul" or "yield from" in str(rule)
    assert survivors_among(monkeypatch, rule, dropped) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rule"), TRANSPOSES, ids=[name for name, _ in TRANSPOSES])
def test_every_fault_in_a_transpose_dies(monkeypatch: Any, name: str, rule: Any) -> None:
    assert survivors_among(monkeypatch, rule, list(mutants(rule))) == []


def survivors_among(monkeypatch: Any, rule: Any, found: list[Mutant]) -> list[str]:
    ops = ops_of(rule)

    def put(function: Any) -> None:
        for op in ops:
            monkeypatch.setitem(reverse.TRANSPOSES, op, function)

    return survivors(found, put, lambda: of_cases(*ops))


@pytest.mark.slow
@pytest.mark.parametrize("name", HELPERS)
def test_every_fault_in_a_helper_of_the_transposes_dies(monkeypatch: Any, name: str) -> None:
    function = getattr(reverse, name)
    put = lambda mutant: monkeypatch.setattr(reverse, name, mutant)
    assert survivors(list(mutants(function)), put, lambda: of_cases("vector", "a vector")) == []


def of_rule(name: str) -> Iterable[tuple[str, Kill]]:
    """The rewrites' tests, on the examples of this rule."""
    changed, left = (
        test_passes.test_a_rule_changes_the_program_but_not_its_results,
        test_passes.test_a_rule_leaves_alone_what_looks_nearly_like_it,
    )
    for rule, make, wanted in test_passes.EXAMPLES:
        if rule == name:
            yield wanted, lambda make=make, wanted=wanted: changed(name, make, wanted)
    for rule, make in test_passes.LEFT_ALONE:
        if rule == name:
            yield "left alone", lambda make=make: left(name, make)


@pytest.mark.parametrize("name", test_passes.GOLDEN)
def test_every_fault_in_a_rewrite_dies(monkeypatch: Any, name: str) -> None:
    rule = getattr(passes, name)
    tables = {op: list(listed) for op, listed in passes.RULES.items() if rule in listed}

    def put(function: Any) -> None:
        function.__name__ = name
        for op, listed in tables.items():
            changed = [function if found is rule else found for found in listed]
            monkeypatch.setitem(passes.RULES, op, changed)

    assert survivors(list(mutants(rule)), put, lambda: of_rule(name)) == []


def test_without_a_fault_nothing_dies() -> None:
    assert first_to_die(of_cases()) == ""
    for name in test_passes.GOLDEN:
        assert first_to_die(of_rule(name)) == ""


def test_each_change_of_the_mutator_is_one_place() -> None:
    def rule(a: Any, b: Any) -> Any:
        if a == b and not a:
            return max(a, b) + 1
        return [True, "*"]

    found = [mutant.description.partition(": ")[2] for mutant in mutants(rule)]
    assert "a == b  ->  a != b (opposite)" in found
    assert "max(a, b)  ->  max(b, a) (swapped)" in found
    assert "max(a, b) + 1  ->  max(a, b) - 1 (sign)" in found
    assert "True  ->  False (flipped)" in found and "'*'  ->  '/' (sign)" in found
    assert "not a  ->  a (dropped not)" in found and "1  ->  2 (one more)" in found
    assert len(found) == len(set(found)) == 10
