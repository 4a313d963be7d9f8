"""steps(): the two passes as a stream, which agrees with backward() and changes nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Value, dot, logsumexp, steps, topological_order
from autograd.ops import OPS
from autograd.steps import Backward, Earlier, Forward, Seed

UNARY = [op for op in OPS.values() if op.name in {"neg", "abs", "exp", "tanh", "relu", "log"}]
BINARY = [op for op in OPS.values() if op.symbol in {"+", "-", "*", "/", "**", "maximum"}]
NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@st.composite
def graphs(draw):
    """The root of a random graph, with shared nodes, repeats, n-ary ops and gradients left over."""
    pool = [Value(draw(NUMBERS)) for _ in range(draw(st.integers(1, 4)))]
    for leaf in pool:
        leaf.grad = draw(st.sampled_from([0.0, 0.0, 1.0, -2.5, float("inf")]))
    for _ in range(draw(st.integers(0, 12))):
        pick = st.sampled_from(pool)
        kind = draw(st.sampled_from(["unary", "binary", "constant", "dot", "logsumexp"]))
        if kind == "unary":
            made = draw(st.sampled_from(UNARY))(draw(pick))
        elif kind == "binary":
            made = draw(st.sampled_from(BINARY))(draw(pick), draw(pick))
        elif kind == "constant":
            made = draw(pick) * draw(NUMBERS)
        elif kind == "dot":
            made = dot([draw(pick), draw(pick)], [draw(pick), draw(pick)], draw(pick))
        else:
            made = logsumexp([draw(pick), draw(pick)])
        pool.append(made)
    return pool[-1]


def bits(x):
    return "nan" if x != x else x.hex()


def slots(order):
    return [(bits(v.data), bits(v.grad), v.label, v.op, v.parents, v.partials) for v in order]


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_steps_agree_with_backward_to_the_last_bit(root):
    shown = {root: root.grad if not root.parents else 0.0}
    for step in steps(root):
        if isinstance(step, Seed):
            shown[step.node] = 1.0
        elif isinstance(step, Backward):
            assert bits(step.before) == bits(shown.get(step.parent, 0.0))
            assert bits(step.after) == bits(step.before + step.contribution)
            shown[step.parent] = step.after
        elif isinstance(step, Earlier):
            assert bits(step.before) == bits(shown[step.node])
            shown[step.node] = step.after
    root.backward()
    assert {v: bits(v.grad) for v in topological_order(root)} == {
        v: bits(shown.get(v, 0.0)) for v in topological_order(root)
    }


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(0, 30))
def test_nothing_changes_even_when_the_loop_is_left_in_the_middle(root, stop):
    before = slots(topological_order(root))
    for count, _ in enumerate(steps(root)):
        assert slots(topological_order(root)) == before
        if count == stop:
            break
    assert slots(topological_order(root)) == before


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_forward_comes_first_and_in_topological_order_then_every_edge_backwards(root):
    order = topological_order(root)
    stream = list(steps(root))
    forward = [s for s in stream if isinstance(s, Forward)]
    assert [s.node for s in forward] == [v for v in order if v.parents]
    assert isinstance(stream[len(forward)], Seed) and stream[len(forward)].node is root
    backward = [s for s in stream if isinstance(s, Backward)]
    assert [(s.node, s.parent, s.position) for s in backward] == [
        (v, p, i) for v in reversed(order) for i, p in enumerate(v.parents)
    ]
    for s in forward:
        assert s.result is s.node.data and s.inputs == tuple(p.data for p in s.node.parents)


def sentences(root):
    return [str(step) for step in steps(root)]


def test_sentences_use_labels_and_numbers():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    e = a * b
    e.label = "e"
    assert sentences(e) == [
        "e = a · b = 2 · (-3) → -6",
        "e.grad = ∂e/∂e = 1",
        "a.grad += ∂e/∂a · e.grad = -3 · 1 → -3",
        "b.grad += ∂e/∂b · e.grad = 2 · 1 → 2",
    ]


def test_a_second_contribution_shows_what_is_added_to_what():
    a = Value(3.0, "a")
    assert sentences(a * a)[-2:] == [
        "a.grad += ∂n1/∂a (as input 1) · n1.grad = 3 · 1 → 3",
        "a.grad += ∂n1/∂a (as input 2) · n1.grad = 3 · 1 = 3 → 3 + 3 = 6",
    ]


def test_an_earlier_gradient_comes_back_as_a_step_of_its_own():
    a = Value(3.0, "a")
    b = a * 2
    b.backward()
    assert sentences(b)[-2] == "a.grad += 2, left by an earlier backward() → 2 + 2 = 4"
    assert sentences(b)[-1] == "(2).grad += 3, left by an earlier backward() → 3 + 3 = 6"


def test_a_node_without_a_label_is_called_by_its_place_and_a_plain_number_by_itself():
    x = Value(1.0)
    assert sentences((x * 2).tanh()) == [
        "n2 = n0 · 2 = 1 · 2 → 2",
        "n3 = tanh(n2) = tanh(2) → 0.964",
        "n3.grad = ∂n3/∂n3 = 1",
        "n2.grad += ∂n3/∂n2 · n3.grad = 0.07065 · 1 → 0.07065",
        "n0.grad += ∂n2/∂n0 · n2.grad = 2 · 0.07065 → 0.1413",
        "(2).grad += ∂n2/∂(2) · n2.grad = 1 · 0.07065 → 0.07065",
    ]


def test_every_op_has_a_readable_sentence():
    for op in OPS.values():
        for sample in op.samples:
            leaves = [Value(x, f"x{i}") for i, x in enumerate(sample)]
            first = sentences(op(*leaves))[0]
            assert first.startswith(f"n{len(sample)} = ") and "x0" in first
            assert first.endswith(f"→ {op.forward(*sample):.4g}")


def test_a_long_weighted_sum_is_cut_short():
    ws, xs = [Value(i) for i in range(20)], [Value(1.0) for _ in range(20)]
    text = sentences(dot(ws, xs, Value(5.0, "b")))[0]
    assert text.startswith("n41 = n0 · n20 + n1 · n21 + n2 · n22 + … (17 more) + b = 0 · 1 + ")


def test_data_changed_after_the_pass_is_pointed_out():
    a = Value(3.0, "a")
    b = a * a
    a.data = 10.0
    assert sentences(b)[0] == "n1 = a · a = 10 · 10 → 9 (an input's data was changed afterwards)"


def test_a_label_of_several_lines_stays_one_sentence():
    a = Value(1.0, "first\nsecond")
    assert "\n" not in "".join(sentences(a + a))


def test_a_leaf_alone_has_only_its_seed():
    assert sentences(Value(2.0, "x")) == ["x.grad = ∂x/∂x = 1"]


def test_a_deep_chain_needs_no_recursion():
    x = y = Value(1.0)
    for _ in range(20_000):
        y = y * x
    assert sum(1 for _ in steps(y)) == 20_000 + 1 + 40_000


@pytest.mark.parametrize("wrong", [2.0, None, "e", [1]])
def test_what_is_not_a_value_is_refused_with_the_fix(wrong):
    with pytest.raises(TypeError, match=r"steps\(loss\)"):
        next(steps(wrong))
