"""explain(), detect_anomaly() and the health of gradients."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings

from autograd import Value, explain
from tests.test_steps import graphs


def every_path(root, leaf):
    """By brute force: the partials along each path (and so only for small graphs)."""
    if root is leaf:
        return [()]
    return [
        (d, *rest)
        for p, d in zip(root.parents, root.partials)
        for rest in every_path(p, leaf)
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_explain_counts_and_lists_the_paths_of_brute_force(root):
    for leaf in {*root.parents, *[p for v in root.parents for p in v.parents]}:
        found, paths = explain(root, leaf), every_path(root, leaf)
        assert found.count == len(paths)
        if len(paths) <= 20:
            assert [p.partials for p in found.paths] == paths or any(
                math.isnan(d) for path in paths for d in path
            )
            for path in found.paths:
                assert path.nodes[0] is root and path.nodes[-1] is leaf
                assert all(after in before.parents for before, after in pairwise(path.nodes))
        else:
            assert found.paths == ()


def test_the_products_add_up_to_the_gradient_and_nothing_changes():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b + a.tanh()
    e = c * c + a
    found = explain(e, a)
    assert (a.grad, e.grad) == (0.0, 0.0)
    e.backward()
    assert found.gradient == a.grad
    assert math.fsum(p.product for p in found.paths) == pytest.approx(a.grad)


def test_explain_reads_as_text():
    b = Value(2.0, "b")
    c, d = b * 3, b + 1
    e = c * d
    for v, label in (c, "c"), (d, "d"), (e, "e"):
        v.label = label
    assert str(explain(e, b)) == (
        "∂e/∂b = 15, by 2 paths, with the product of the local derivatives along each:\n"
        "  e → c → b:  3 · 3 = 9\n"
        "  e → d → b:  6 · 1 = 6\n"
        "  their sum:  9 + 6 = 15"
    )


def test_explain_of_the_root_itself_is_the_empty_product():
    e = Value(2.0, "e") * 3
    found = explain(e, e)
    assert (found.count, found.gradient, found.paths[0].product) == (1, 1.0, 1.0)


def test_explain_says_when_there_is_no_path():
    a, x = Value(2.0, "a"), Value(1.0, "x")
    found = explain(a * a, x)
    assert (found.count, found.gradient, found.paths) == (0, 0.0, ())
    assert "does not depend on x" in str(found)


def test_explain_counts_astronomic_numbers_of_paths_without_walking_them():
    x = y = Value(1.0, "x")
    for _ in range(45):
        y = y * y
    assert explain(y, x).count == 2.0**45
    assert "35,184,372,088,832 paths" in str(explain(y, x)).replace("about ", "") or (
        "about 3.52e+13" in str(explain(y, x))
    )
    for _ in range(2000):
        y = y * y
    assert "more than 1e308 paths" in str(explain(y, x))


def test_explain_goes_down_a_deep_chain():
    x = y = Value(1.0, "x")
    for _ in range(10_000):
        y = y * 1.0
    found = explain(y, x)
    assert found.count == 1 and len(found.paths[0].nodes) == 10_001
    assert len(str(found)) < 300
