"""Bugs that other scalar engines have, and mistakes that their users make: none of them is ours.

Each test's name says the law. The network layer's share is in tests/nn.
"""

import builtins
import copy
import math
import pickle

import pytest

import autograd
from autograd import Value, dot, topological_order


def words_of(call):
    """The message of the TypeError that `call` must raise."""
    with pytest.raises(TypeError) as error:
        call()
    return str(error.value)


# --- bugs ----------------------------------------------------------------------------------------


def test_a_thousand_chained_additions_do_not_overflow_the_stack():
    x = Value(1.0)
    y = x
    for _ in range(1_000):
        y = y + x
    y.backward()
    assert x.grad == 1_001.0


def test_the_sum_of_a_thousand_values_does_not_overflow_the_stack():
    xs = [Value(1.0) for _ in range(1_000)]
    for total in (builtins.sum(xs), autograd.sum(xs)):
        total.backward()
    assert {x.grad for x in xs} == {2.0}


# "Same seed, six processes, six different results" has its test in test_value.py.


def test_changing_data_between_forward_and_backward_does_not_change_the_gradient():
    a = Value(2.0)
    b = a * a
    a.data = 10
    b.backward()
    assert a.grad == 4.0


def test_the_same_graph_twice_with_zeroed_leaves_gives_the_same_gradient():
    x = Value(3.0)
    y = x * x
    z = y * y / 2 + y
    gradients = []
    for _ in range(3):
        x.grad = 0.0
        z.backward()
        gradients.append(x.grad)
    assert gradients == [60.0, 60.0, 60.0]  # 2 x**3 + 2 x


def test_grad_is_a_float_before_and_after_backward():
    x = Value(3.0)
    y = x + 1
    assert x.grad == y.grad == 0.0
    y.backward()
    assert type(x.grad) is type(y.grad) is float


def test_x_times_x_has_two_edges():
    x = Value(3.0)
    assert len((x * x).parents) == 2


def test_a_negative_base_to_a_fractional_power_is_nan_and_never_complex():
    for y in (Value(-8.0) ** (1 / 3), (-8.0) ** Value(1 / 3), Value(-8.0) ** Value(1 / 3)):
        assert type(y.data) is float
        assert math.isnan(y.data)
        y.backward()


def test_powers_at_zero_do_not_raise_in_backward():
    for exponent, slope in ((0.5, math.inf), (0, 0.0), (1, 1.0), (2, 0.0), (-1, -math.inf)):
        x = Value(0.0)
        (x**exponent).backward()
        assert x.grad == slope, exponent


def test_relu_of_a_negative_number_is_a_float():
    assert type(Value(-1).relu().data) is float
    assert type(autograd.relu(-1)) is float


def test_nan_goes_through_relu_and_its_gradient():
    x = Value(math.nan)
    y = x.relu()
    (y * 3).backward()
    assert math.isnan(y.data)
    assert x.grad == 3.0  # PyTorch's answer: relu'(NaN) is 1, so that NaN is not hidden


def test_comparison_max_abs_plus_format_and_truth_work():
    a, b = Value(-2.0), Value(1.0)
    assert a < b
    assert max(a, b) is b
    assert abs(a).data == 2.0
    assert +a is a
    assert f"{b:.3f}" == "1.000"
    assert not Value(0.0)


def test_a_node_that_is_no_leaf_can_be_pickled_and_copied():
    y = Value(2.0) * Value(3.0)
    assert pickle.loads(pickle.dumps(y)).parents[1].data == 3.0
    assert copy.deepcopy(y).parents[0].data == 2.0


def test_values_can_be_set_members_and_dictionary_keys():
    a, b = Value(1.0), Value(1.0)
    assert {a: "a", b: "b"}[a] == "a"
    assert len({a, b}) == 2


def test_sigmoid_tanh_and_softplus_do_not_overflow():
    for x in (1000.0, -1000.0):
        for f in (autograd.sigmoid, autograd.tanh, autograd.softplus):
            v = Value(x)
            y = f(v)
            y.backward()
            assert math.isfinite(y.data)
            assert math.isfinite(v.grad)


def test_logsumexp_does_not_overflow():
    assert autograd.logsumexp([1000.0, 1000.0]) == 1000.0 + math.log(2.0)


def test_value_to_the_power_of_a_value_and_a_number_to_the_power_of_a_value():
    a, b = Value(2.0), Value(3.0)
    y = a**b
    y.backward()
    assert (y.data, a.grad, b.grad) == (8.0, 12.0, 8.0 * math.log(2.0))
    assert (2**b).data == 8.0


def test_a_subtraction_has_slope_minus_one_in_what_is_taken_away():
    a, b = Value(5.0), Value(3.0)
    (a - b).backward()
    assert (a.grad, b.grad) == (1.0, -1.0)
    c = Value(3.0)
    (5 - c).backward()
    assert c.grad == -1.0


# --- misuse: each error says what is wrong, why, and what to write -------------------------------


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ("a", ["str", "'a'", "float(text)"]),
        (None, ["NoneType", "forgot its `return`"]),
        ([1, 2], ["list", "[1, 2]", "A Value is one number", "[Value(x) for x in xs]"]),
        ((1, 2), ["tuple", "A Value is one number"]),
        ({}, ["dict", "A Value is one number"]),
        (1j, ["complex", "z.real and z.imag"]),
        (Value(1.0), ["Value", "a node already", "v.detach()"]),
        (Value(1.0) * 2, ["Value", "a node already", "v.detach()"]),
        (object(), ["object", "float(x)"]),
    ],
)
def test_only_a_number_can_be_the_data_of_a_value(x, words):
    message = words_of(lambda: Value(x))
    for word in ["a number is needed here", *words]:
        assert word in message


OPERATIONS = [
    lambda v, x: v + x,
    lambda v, x: x + v,
    lambda v, x: v * x,
    lambda v, x: x * v,
    lambda v, x: v - x,
    lambda v, x: x - v,
    lambda v, x: v / x,
    lambda v, x: x / v,
    lambda v, x: v**x,
    lambda v, x: x**v,
    lambda v, x: v < x,
    lambda v, x: x >= v,
    lambda v, x: v.maximum(x),
    lambda v, x: autograd.maximum(x, v),
    lambda v, x: dot([v], [x]),
    lambda v, x: autograd.sum([x, v]),
]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("x", "word"),
    [
        ([1, 2], "[Value(x) for x in xs]"),
        ("a", "float(text)"),
        (None, "`return`"),
        (1j, "z.real"),
    ],
)
def test_a_value_meets_nothing_but_numbers(operation, x, word):
    assert word in words_of(lambda: operation(Value(3.0), x))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_array_beside_a_value_is_an_error_from_either_side(operation):
    np = pytest.importorskip("numpy")
    message = words_of(lambda: operation(Value(3.0), np.array([1.0, 2.0])))
    assert "ndarray" in message
    assert "[Value(x) for x in xs]" in message


def test_an_array_is_no_data():
    np = pytest.importorskip("numpy")
    assert "ndarray" in words_of(lambda: Value(np.array([1.0, 2.0])))
    assert "ndarray" in words_of(lambda: Value(np.array([])))


def test_math_functions_refuse_a_value_instead_of_dropping_the_graph():
    for call in (lambda: math.exp(Value(1.0)), lambda: float(Value(1.0))):
        message = words_of(call)
        for word in ("drop the graph", "v.exp()", "autograd.exp(v)", "v.data"):
            assert word in message


def test_numpy_functions_refuse_a_value_and_name_ours():
    np = pytest.importorskip("numpy")
    message = words_of(lambda: np.exp(Value(1.0)))
    for word in ("np.exp knows no derivatives", "autograd.exp(v)", "np.exp(v.data)"):
        assert word in message


def test_a_wrong_index_type_or_a_wrong_number_of_arguments_is_a_type_error():
    words_of(lambda: autograd.take([Value(1.0), Value(2.0)], 0.5))
    words_of(lambda: autograd.exp(Value(1.0), Value(2.0)))
    words_of(lambda: autograd.maximum(Value(1.0)))


# --- micrograd's public usage, with only the import line changed ---------------------------------


def test_micrograds_readme_example_gives_its_published_numbers():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def draw_dot(root):
    """A picture as micrograd's users draw it: with graphviz, over `_prev` and `_op`."""
    from graphviz import Digraph

    picture = Digraph(format="svg", graph_attr={"rankdir": "LR"})
    seen, todo = {root}, [root]
    while todo:
        v = todo.pop()
        name = str(id(v))
        picture.node(name, label=f"{{ data {v.data:.4f} | grad {v.grad:.4f} }}", shape="record")
        if v._op:
            picture.node(name + v._op, label=v._op)
            picture.edge(name + v._op, name)
        for parent in set(v._prev):
            picture.edge(str(id(parent)), name + v._op)
            if parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return picture


def test_micrograds_way_to_draw_a_graph_still_works():
    x = Value(1.0)
    y = (x * 2 + 1).relu()
    y.backward()
    source = draw_dot(y).source
    assert source.count("data 3.0000") == 2
    assert "label=relu" in source.replace('"', "")
    assert len(topological_order(y)) == source.count("shape=record")


def test_micrograds_training_step_runs():
    w, b = Value(0.5), Value(0.0)
    parameters = [w, b]
    losses = []
    for _ in range(50):
        scores = [w * x + b for x in (-1.0, 0.5, 2.0)]
        loss = sum((s - t) ** 2 for s, t in zip(scores, (-3.0, 0.0, 3.0)))
        for p in parameters:
            p.grad = 0
        loss.backward()
        for p in parameters:
            p.data -= 0.05 * p.grad
        losses.append(loss.data)
    assert losses[-1] < 1e-6 < losses[0]
    assert w.data == pytest.approx(2.0, abs=1e-3)
