"""grad and its relatives: right at every depth of nesting, and clear when they cannot be."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value, dot, grad, gradcheck, hessian, jacobian, no_grad, value_and_grad
from tests.strategies import programs, torch_ops


def cube(x):
    return x * x * x


# --- no_grad -------------------------------------------------------------------------------------


def test_no_grad_computes_and_records_nothing():
    x = Value(3.0)
    with no_grad():
        y = dot([x, 2.0], [x, x], x).exp() * 2 + abs(-x)
    assert y.data == 2 * math.exp(18.0) + 3.0
    assert y.parents == ()
    assert (x * x).parents == (x, x)


@pytest.mark.parametrize("x", [0.1, 3, Value(0.7), math.inf])
@pytest.mark.parametrize("bias", [None, 0.3, Value(-0.2)])
def test_no_grad_computes_a_dot_to_the_same_bits(x, bias):
    ws = [Value(0.3), Value(-1.7), Value(1e-17)]
    recorded = dot(ws, [x, Value(0.1), Value(1.1)], bias)
    with no_grad():
        computed = dot(ws, [x, Value(0.1), Value(1.1)], bias)
    assert computed.data == recorded.data and type(computed) is Value
    assert (computed.op, computed.parents, computed.partials) == ("", (), ())


def test_no_grad_ends_when_an_error_leaves_it():
    x = Value(3.0)
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert (x * x).parents == (x, x)


def test_no_grad_can_be_nested():
    x = Value(3.0)
    with no_grad():
        with no_grad():
            pass
        assert (x * x).parents == ()
    assert (x * x).parents == (x, x)


def test_no_grad_is_a_decorator_too():
    assert no_grad()(cube)(Value(2.0)).parents == ()


# --- grad, value_and_grad ------------------------------------------------------------------------


def test_derivatives_of_every_order():
    f = cube
    for expected in [27.0, 18.0, 6.0, 0.0, 0.0]:  # x**3 at 3: 3 x**2, 6 x, 6, 0, 0
        f = grad(f)
        assert f(3.0) == expected


def test_value_and_grad_gives_floats_for_numbers_and_values_for_values():
    assert value_and_grad(cube)(2.0) == (8.0, 12.0)
    x = Value(2.0)
    y, slope = value_and_grad(cube)(x)
    assert (y.data, slope.data) == (8.0, 12.0)
    slope.backward()
    assert x.grad == 12.0  # the derivative of 3 x**2


def test_the_gradient_has_the_nesting_of_the_argument():
    def f(tree):
        (a, [b]), c = tree
        return a * b * b + c * 0

    assert grad(f)([(2.0, [3]), 5.0]) == [(9.0, [12.0]), 0.0]


def test_argnum_chooses_the_argument_and_the_others_stay_as_they_are():
    def f(name, x, n, *, scale):
        assert name == "f"
        return scale * sum([x * x for _ in range(n)])

    assert grad(f, argnum=1)("f", 3.0, 4, scale=10.0) == 240.0
    assert grad(lambda a, b: a * b**2, argnum=-1)(2.0, 3.0) == 12.0


def test_an_argument_without_influence_has_derivative_zero():
    assert grad(lambda x: Value(3.0))(1.0) == 0.0
    assert grad(lambda xs: xs[0])([1.0, 2.0]) == [1.0, 0.0]
    assert grad(grad(lambda x: 3 * x))(1.0) == 0.0


def test_nobodys_grad_is_touched_and_no_data():
    w, x = Value(2.0), Value(3.0)
    w.grad, x.grad = 5.0, 7.0
    y = w * x
    y.grad = 9.0
    grad(lambda v: v * w * x * y)(4.0)
    grad(lambda v: v * w * y)(x)
    hessian(lambda v: v * v * y)(x)
    jacobian(lambda v: [v * w, y * v])(x)
    gradcheck(lambda v: v * w * x * y, 4.0)
    assert (w.grad, x.grad, y.grad) == (5.0, 7.0, 9.0)


def test_a_derivative_taken_at_a_value_trains_what_it_depends_on():
    """A gradient penalty: the derivative in x is itself a function of the weight w."""
    w, x = Value(2.0), Value(3.0)
    slope = grad(lambda x: w * w * x * x)(x)  # 2 w**2 x
    penalty = slope**2  # 4 w**4 x**2
    penalty.backward()
    assert w.grad == 16 * 2.0**3 * 3.0**2
    assert x.grad == 8 * 2.0**4 * 3.0


# Perturbation confusion: an inner derivative must not mistake the outer variable for its own.


def test_an_inner_derivative_does_not_confuse_its_variable_with_the_outer_one():
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0


def test_an_inner_derivative_at_the_outer_variable_is_followed_through():
    # d/dx [ d/dy (x * y**2) at y = x ] = d/dx [ 2 x * x ] = 4 x
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 12.0
    # and with the inner result used among other things: d/dx [ x * 3 x**2 ] = 9 x**2
    assert grad(lambda x: x * grad(cube)(x))(2.0) == 36.0


def test_three_derivatives_inside_each_other():
    # f = x y z**2: df/dz = 2 x y z at z = y: 2 x y**2; d/dy at y = x: 4 x**2; d/dx = 8 x
    def f(x):
        return grad(lambda y: grad(lambda z: x * y * z * z)(y))(x)

    assert grad(f)(3.0) == 24.0


def test_a_closure_over_the_outer_variable_stays_differentiable():
    def outer(x):
        inner = value_and_grad(lambda y: (x * y).sin())(2.0)
        return inner[0] + inner[1]  # sin(2 x) + x cos(2 x)

    x = 0.7
    expected = 2 * math.cos(2 * x) + math.cos(2 * x) - 2 * x * math.sin(2 * x)
    assert grad(outer)(x) == pytest.approx(expected, rel=1e-14)
    assert gradcheck(outer, x)


def test_grad_works_inside_no_grad_and_its_result_is_then_a_leaf():
    x = Value(3.0)
    with no_grad():
        assert grad(cube)(3.0) == 27.0
        assert grad(grad(cube))(3.0) == 18.0
        slope = grad(cube)(x)
        assert (x * x).parents == ()
    assert (slope.data, slope.parents) == (27.0, ())


def test_an_error_in_the_function_leaves_nothing_behind():
    def fails(x):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        grad(fails)(1.0)
    assert isinstance(grad(cube)(1.0), float)


# --- jacobian, hessian ---------------------------------------------------------------------------


def test_the_jacobian_has_the_nesting_of_the_result_and_inside_it_of_the_argument():
    def f(xs):
        return [xs[0] * xs[1], (xs[0].exp(), Value(1.0))]

    x, y = 0.5, 3.0
    assert jacobian(f)([x, y]) == [[y, x], ([math.exp(x), 0.0], [0.0, 0.0])]
    assert jacobian(cube)(2.0) == 12.0


def test_the_hessian_of_a_known_function():
    def rosenbrock(v):
        x, y = v
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    x, y = -1.2, 1.0
    expected = [[1200 * x * x - 400 * y + 2, -400 * x], [-400 * x, 200.0]]
    matrix = hessian(rosenbrock)([x, y])
    for row, expected_row in zip(matrix, expected):
        assert row == pytest.approx(expected_row, rel=1e-13)


def test_second_derivatives_of_a_power_are_right_at_exponent_zero():
    """x**y at (2, 0), where one of PyTorch's two mixed entries is 0: it masks that slope."""
    ln2 = math.log(2.0)
    assert hessian(lambda v: v[0] ** v[1])([2.0, 0.0]) == [[0.0, 0.5], [0.5, ln2 * ln2]]


@settings(max_examples=50)
@given(programs(max_steps=8, smooth=True))
def test_the_hessian_of_a_random_program_is_symmetric_and_agrees_with_pytorch(case):
    torch = pytest.importorskip("torch")
    program, point = case
    ops = torch_ops(torch)
    theirs = torch.autograd.functional.hessian(
        lambda *xs: program(*xs, ops=ops),
        tuple(torch.tensor(x, dtype=torch.float64) for x in point),
    )
    ours = hessian(lambda xs: program(*xs))(list(point))
    size = max(1.0, *[abs(entry) for row in ours for entry in row])
    for i, row in enumerate(ours):
        for j, entry in enumerate(row):
            if math.isfinite(theirs[i][j].item()):
                assert abs(entry - theirs[i][j].item()) <= 1e-8 * size
                assert abs(entry - ours[j][i]) <= 1e-8 * size


# --- what cannot be differentiated ---------------------------------------------------------------


def forgets_return(x):
    x * x


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
@pytest.mark.parametrize(
    ("f", "words"),
    [
        (forgets_return, ["returned None", "nothing to differentiate", "`return` is missing"]),
        (lambda x: x.data * 2, ["returned 6.0", "the graph got lost", "not with .data", "Value("]),
        (lambda x: "six", ["'six'", "a str and not a Value"]),
    ],
)
def test_a_result_that_is_no_value_is_an_error_that_says_why(transform, f, words):
    with pytest.raises(TypeError) as error:
        transform(f)(3.0)
    for word in words:
        assert word in str(error.value)


def test_grad_of_a_list_names_jacobian_and_sum():
    with pytest.raises(TypeError, match=r"returned 2 in a list.*jacobian.*autograd\.sum"):
        grad(lambda x: [x, x])(3.0)


def test_an_argument_that_is_no_number_is_an_error():
    with pytest.raises(TypeError, match="a number is needed here.*str"):
        grad(cube)("3")


# --- gradcheck -----------------------------------------------------------------------------------


def test_gradcheck_takes_one_number_several_or_lists():
    assert gradcheck(cube, 2.0)
    assert gradcheck(lambda a, b: a * b.exp(), (1.0, 2.0))
    report = gradcheck(lambda xs, b: dot(xs[0], xs[1], b), [[[1.0, 2.0], [3.0, 4.0]], 5.0])
    assert report.ok
    assert report.count == 5
    assert gradcheck(cube, Value(2.0))


def broken(x, slope):
    """x**2 whose recorded derivative is `slope`."""
    y = x * x
    if y.parents:
        y.partials = (slope, 0.0)
    return y


def test_a_failed_gradcheck_names_the_worst_input_and_both_numbers():
    report = gradcheck(lambda a, xs: a * a + broken(xs[1], 5.0), [1.0, [2.0, 3.0]])
    assert not report
    assert (report.input, report.output, report.analytic) == ((1, 1), (), 5.0)
    assert report.numeric == pytest.approx(6.0)
    assert report.error == pytest.approx(1 / 6)
    assert repr(report).startswith(
        "gradcheck FAILED at inputs[1][1]: backpropagation says 5, finite differences say 6 "
    )


def test_gradcheck_raises_on_request():
    assert gradcheck(cube, 2.0, raises=True).ok
    with pytest.raises(AssertionError, match=r"FAILED at inputs\[0\] of output\[1\]"):
        gradcheck(lambda x: [x, broken(x, 0.0)], 3.0, raises=True)


def test_a_passed_gradcheck_reads_as_a_sentence():
    words = repr(gradcheck(lambda a, b: a * b, [2.0, 3.0]))
    assert words.startswith("gradcheck passed, 2 compared; the worst, at inputs[")


@given(st.floats(0.1, 1e3), st.sampled_from([1 - 1e-4, 1 + 1e-4, -1.0, 0.0, 2.0]))
def test_gradcheck_sees_a_factor_of_one_in_ten_thousand(x, factor):
    assert gradcheck(lambda v: broken(v, 2 * x), x)
    assert not gradcheck(lambda v: broken(v, 2 * x * factor), x)


def test_gradcheck_fails_where_the_function_is_not_finite():
    report = gradcheck(autograd.log, -1.0)
    assert not report
    assert math.isnan(report.numeric)


def test_gradcheck_fails_at_a_kink_because_no_number_is_right_there():
    assert not gradcheck(autograd.relu, 0.0)
    assert gradcheck(autograd.relu, 0.1)


def test_gradcheck_without_inputs_is_an_error():
    with pytest.raises(ValueError, match="at least one number"):
        gradcheck(lambda: Value(1.0), [])


def test_gradcheck_of_a_gradient_checks_second_derivatives():
    assert gradcheck(grad(lambda x: (x * x).tanh()), 0.3)


# --- which argument, and what it may be -----------------------------------------------------------


def area(width, height=2.0):
    return width * height


def test_an_argument_is_chosen_by_number_or_by_name_however_it_is_given():
    for call in (
        grad(area)(3.0),
        grad(area)(width=3.0),
        grad(area, "width")(3.0),
        grad(area, "width")(width=3.0, height=2.0),
        grad(area, -2)(3.0, 2.0),
    ):
        assert call == 2.0
    assert grad(area, 1)(3.0, height=5.0) == 3.0
    assert grad(area, "height")(3.0, 5.0) == 3.0


def test_several_arguments_give_a_tuple():
    assert grad(area, (0, 1))(3.0, 5.0) == (5.0, 3.0)
    assert grad(area, ["height", "width"])(3.0, height=5.0) == (3.0, 5.0)
    assert value_and_grad(area, (0,))(3.0) == (6.0, (2.0,))
    assert hessian(area, (0, 1))(3.0, 5.0) == ((0.0, 1.0), (1.0, 0.0))
    assert jacobian(lambda x, y: [x, x * y], (0, 1))(2.0, 3.0) == [(1.0, 0.0), (3.0, 2.0)]


@pytest.mark.parametrize("which", [5, -3, "depth", "height"])
def test_an_argument_that_was_not_given_is_named(which):
    with pytest.raises(TypeError, match=rf"no argument {which!r} .* 1 by position"):
        grad(area, which)(3.0)


def test_a_dict_has_a_dict_of_derivatives():
    assert grad(lambda d: d["a"] * d["b"][0])({"a": 2.0, "b": [3.0]}) == {"a": 3.0, "b": [2.0]}
    assert jacobian(lambda x: {"y": x * x})(3.0) == {"y": 6.0}


def test_an_array_has_an_array_of_derivatives():
    np = pytest.importorskip("numpy")
    x = np.array([1.0, 2.0])
    for f in (lambda x: x[0] * x[1], lambda x: autograd.exp(autograd.sum(list(x))) * x[1]):
        slopes = grad(f)(x)
        assert type(slopes) is np.ndarray and slopes.dtype == float
        assert slopes.tolist() == grad(f)(x.tolist())
    assert grad(lambda x: (x * x).sum())(np.ones((2, 3), np.float32)).tolist() == [[2.0] * 3] * 2
    assert jacobian(lambda x: x * x)(x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert hessian(lambda x: (x**3).sum())(x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    assert hessian(lambda x: x[0] * x[1])(x).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert type(grad(lambda x: x * x)(np.array(3.0))) is float


def test_numpys_functions_on_an_array_of_values_are_ours():
    np = pytest.importorskip("numpy")
    x = np.array([0.5, 1.5])
    assert grad(lambda x: np.exp(x).sum())(x).tolist() == np.exp(x).tolist()
    assert grad(lambda x: x.var())(x).tolist() == pytest.approx([-0.5, 0.5])
    with pytest.raises(TypeError, match=r"autograd\.sqrt"):
        grad(lambda x: x.std())(x)
