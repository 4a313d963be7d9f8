"""The battery that every row of the table passes: a new op needs no test of its own."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

import autograd
from autograd import Value, gradcheck, hessian, jacobian, steps
from autograd.functional import grad
from autograd.ops import OPS
from tests.strategies import AS_USERS_WRITE, N_ARY, programs, torch_ops

inf, nan = math.inf, math.nan
ROWS = [pytest.param(op, id=op.name) for op in OPS.values()]
EDGES = [-inf, -1000.0, -2.0, -1.5, -1.0, -0.0, 0.0, 1 / 3, 0.5, 1.0, 2.0, 3.0, 1000.0, 1e200]
EDGES += [inf, nan]


def bits(x):
    assert type(x) is float
    return "nan" if x != x else x.hex()


def ordinary(op):
    """The row's samples where finite differences make sense: finite, moderate, off the kinks."""
    points = [*op.samples, *[p[::-1] for p in op.samples if len(p) > 1]]
    points = [p for p in points if all(0.01 < abs(x) < 10 for x in p)]
    points = [p for p in points if len(set(p)) == len(p) and math.isfinite(op(*p))]
    points = [p for p in points if all(math.isfinite(d) for d in op.partials(op(*p), *p))]
    assert points, f"{op.name} needs a sample that is neither an edge nor a kink"
    return points


def edges(op):
    """The row's own samples, and every combination of awkward numbers."""
    count = 2 if op.symbol in N_ARY - {"take"} else len(op.samples[0])
    return [*op.samples, *itertools.product(EDGES, repeat=count)]


@pytest.mark.parametrize("op", ROWS)
def test_each_partial_agrees_with_finite_differences(op):
    for point in ordinary(op):
        report = gradcheck(op, point)
        assert report, report


@pytest.mark.parametrize("op", ROWS)
def test_each_second_derivative_agrees_with_finite_differences(op):
    for point in ordinary(op):
        report = gradcheck(jacobian(lambda xs: op(*xs)), [list(point)], tolerance=1e-5)
        assert report, report


@pytest.mark.parametrize("op", ROWS)
def test_no_edge_raises_and_results_and_partials_are_floats(op):
    for point in edges(op):
        y = op(*[Value(x) for x in point])
        assert type(y.data) is float, point
        assert len(y.partials) == len(point)
        assert all(isinstance(d, float) for d in y.partials), point
        y.backward()


@pytest.mark.parametrize("op", ROWS)
def test_a_float_and_a_value_give_the_same_bits(op):
    for point in edges(op):
        assert bits(op(*point)) == bits(op(*[Value(x) for x in point]).data), point


@pytest.mark.parametrize("op", ROWS)
def test_the_users_spelling_records_what_the_row_records(op):
    for point in edges(op):
        row = op(*[Value(x) for x in point])
        spelt = AS_USERS_WRITE[op.symbol](*[Value(x) for x in point])
        assert spelt.op == row.op
        assert bits(spelt.data) == bits(row.data)
        if op.symbol != "take":  # whose row has only the value that was taken
            assert [*map(bits, spelt.partials)] == [*map(bits, map(float, row.partials))]


@pytest.mark.parametrize("op", ROWS)
def test_partials_on_values_give_what_they_give_on_floats(op):
    """One rule for floats and Values: or second derivatives would be of another function."""
    for point in edges(op):
        node = op(*[Value(x) for x in point])
        again = op.partials(node, *node.parents)
        numbers = [d.data if isinstance(d, Value) else float(d) for d in again]
        assert [*map(bits, numbers)] == [bits(float(d)) for d in node.partials], point


@pytest.mark.parametrize("op", ROWS)
def test_each_unary_op_and_named_binary_op_is_a_method_and_a_function(op):
    if op.symbol == op.name:
        assert callable(getattr(Value(1.0), op.name, None)) or op.symbol in N_ARY
        assert callable(getattr(autograd, op.name))


# --- PyTorch as the oracle -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def torch_run(torch, function, point):
    """The value and the gradient of a function at a point, by PyTorch in float64."""
    xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in point]
    y = function(*xs)
    gradient = torch.autograd.grad(y, xs, allow_unused=True)
    return y.item(), [0.0 if g is None else g.item() for g in gradient]


def same(a, b, tolerance=1e-12):
    return a == b or (a != a and b != b) or abs(a - b) <= tolerance * max(abs(a), abs(b))


@pytest.mark.parametrize("op", ROWS)
def test_values_and_gradients_are_pytorchs_at_ordinary_and_edge_points(op, torch):
    table = torch_ops(torch)
    for point in edges(op):
        y, gradient = torch_run(torch, table[op.symbol], point)
        ours = op(*[Value(x) for x in point])
        assert same(ours.data, y), (point, ours.data, y)
        if op.symbol == "logsumexp" and point == (1e200, 1e200):
            gradient = [0.5, 0.5]  # PyTorch's are exp(x - y), 1 each, for y is rounded
        assert all(map(same, ours.partials, gradient)), (point, ours.partials, gradient)


@pytest.mark.parametrize("op", ROWS)
def test_second_derivatives_are_pytorchs(op, torch):
    table = torch_ops(torch)
    for point in ordinary(op):
        matrix = hessian(lambda xs: op(*xs))(list(point))
        xs = tuple(torch.tensor(x, dtype=torch.float64) for x in point)
        theirs = torch.autograd.functional.hessian(table[op.symbol], xs)
        for row, their_row in zip(matrix, theirs):
            for ours, entry in zip(row, their_row):
                assert abs(ours - entry.item()) <= 1e-11 * max(1, abs(ours)), point


GATED = [
    lambda lib, x: lib.log(lib.relu(x)),
    lambda lib, x: 1.0 / lib.maximum(x, 0.0 * x.detach()),
    lambda lib, x: lib.sqrt(lib.minimum(x, x.detach() * 0.0 - 2.0)),
    lambda lib, x: lib.log(lib.maximum(x.detach() * 0.0, x)) * 2.0,
    lambda lib, x: lib.relu(lib.relu(x)) ** -1.0,
]


@pytest.mark.parametrize("f", GATED)
@pytest.mark.parametrize("at", [-1.0, 2.0])
def test_a_closed_gate_passes_nothing_on_as_in_pytorch(f, at, torch):
    x = Value(at)
    y = f(autograd, x)
    y.backward()
    t = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    f(torch, t).backward()
    assert x.grad == pytest.approx(t.grad.item(), nan_ok=True)
    assert at > 0 or x.grad == 0.0
    assert [s.after for s in steps(y) if getattr(s, "parent", None) is x][-1] == x.grad
    assert grad(lambda x: f(autograd, x))(at) == pytest.approx(x.grad)
    second = grad(grad(lambda x: f(autograd, x)))(at)
    assert second == 0.0 if at < 0 else gradcheck(grad(lambda x: f(autograd, x)), [at])


def test_what_is_no_gate_multiplies_as_in_pytorch(torch):
    for f in (lambda x: (x * 0.0) ** -1.0, lambda x: (x**2) ** 0.5, lambda x: abs(x) ** -0.5):
        x, t = Value(0.0), torch.zeros((), dtype=torch.float64, requires_grad=True)
        f(x).backward()
        f(t).backward()
        assert x.grad != x.grad and math.isnan(t.grad.item())


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (autograd.sigmoid, 40.0, math.exp(-40.0)),
        (autograd.sigmoid, -40.0, math.exp(-40.0)),
        (autograd.sigmoid, 700.0, math.exp(-700.0)),
        (autograd.tanh, 20.0, 4 * math.exp(-40.0)),
        (autograd.tanh, -20.0, 4 * math.exp(-40.0)),
        (autograd.tanh, 300.0, 4 * math.exp(-600.0)),
        (grad(autograd.softplus), 37.42994775023705, 5.551115123125775e-17),
        (grad(autograd.tanh), 20.0, -8 * math.exp(-40.0)),
    ],
)
def test_slopes_keep_their_digits_far_out(f, x, expected):
    assert grad(f)(x) == pytest.approx(expected, rel=1e-6)


def test_the_third_derivative_of_tanh_is_right_at_its_centre():
    assert grad(grad(grad(autograd.tanh)))(0.0) == pytest.approx(-2.0)


@pytest.mark.parametrize("base", [0.0, 1e6, 1e10, 1e15, 1e17, -1e15])
def test_the_slopes_of_logsumexp_add_up_to_1_whatever_the_values_share(base):
    vs = [Value(base + 2.0), Value(base)]
    autograd.logsumexp(vs).backward()
    gap = vs[0].data - vs[1].data
    assert vs[0].grad == pytest.approx(1 / (1 + math.exp(-gap)), rel=1e-12)
    assert vs[0].grad + vs[1].grad == pytest.approx(1.0, rel=1e-15)


def test_an_op_with_a_wrong_number_of_inputs_says_how_many_it_takes():
    v = Value(1.0)
    for call, words in {
        lambda: autograd.exp(v, 2): "exp takes one number, as in exp(a), but got 2",
        lambda: autograd.exp(1.0, 2.0): "exp takes one number",
        lambda: v.log(10): "log takes one number",
        lambda: autograd.maximum(v, v, v): r"maximum takes 2 numbers, as in maximum(a, b), but",
        lambda: v.maximum(): "maximum takes 2 numbers",
        lambda: autograd.sum(v): "as in autograd.sum([a, b]), but this is of type Value",
        lambda: autograd.logsumexp(v): "as in autograd.logsumexp([a, b])",
        lambda: autograd.dot((x for x in [1.0]), [v]): "generator",
        lambda: autograd.dot(v, [v]): "as in autograd.dot([w1, w2], [x1, x2])",
        lambda: autograd.take((x for x in [v]), 0): "as in autograd.take([a, b], 1)",
    }.items():
        with pytest.raises(TypeError) as error:
            call()
        assert words in str(error.value)
        assert not any(word in str(error.value) for word in ("<lambda>", "Op(", "_total"))


def test_what_jumps_has_no_derivative_and_says_so():
    np = pytest.importorskip("numpy")
    v = Value(5.0)
    for call in (
        lambda: v % 2,
        lambda: 2 % v,
        lambda: v // 2,
        lambda: divmod(v, 2),
        lambda: round(v),
        lambda: int(v),
        lambda: math.floor(v),
        lambda: math.ceil(v),
        lambda: math.trunc(v),
        lambda: np.float64(5) % v,
        lambda: np.float64(5) // v,
    ):
        with pytest.raises(TypeError, match=r"jump .* v\.data % 2"):
            call()


def test_softplus_keeps_the_digits_that_pytorch_drops_above_20(torch):
    x = torch.tensor(25.0, dtype=torch.float64)
    assert torch.nn.functional.softplus(x).item() == 25.0
    assert autograd.softplus(25.0) == 25.0 + math.log1p(math.exp(-25.0)) > 25.0


@settings(max_examples=200)
@given(programs())
def test_random_programs_have_pytorchs_values_and_gradients(case):
    torch = pytest.importorskip("torch")
    program, point = case
    ops = torch_ops(torch)
    y, gradient = torch_run(torch, lambda *xs: program(*xs, ops=ops), point)
    leaves = [Value(x) for x in point]
    ours = program(*leaves)
    ours.backward()
    scale = max(1.0, *[abs(v.grad) for v in autograd.topological_order(ours)])
    assert abs(ours.data - y) <= 1e-11 * max(1.0, abs(y))
    for leaf, g in zip(leaves, gradient):
        assert abs(leaf.grad - g) <= 1e-9 * scale


# --- finite differences as the oracle ------------------------------------------------------------


@settings(max_examples=60)
@given(programs(max_steps=8, smooth=True))
def test_random_programs_agree_with_finite_differences(case):
    program, point = case
    leaves = [Value(x) for x in point]
    scale = sum_of_paths(program(*leaves))
    report = gradcheck(program, point, tolerance=1e-5 * scale)
    assert report, report


def sum_of_paths(root):
    """The size of all paths' products together: what rounding and curvature can grow with."""
    size = {root: 1.0}
    for node in reversed(autograd.topological_order(root)):
        for parent, partial in zip(node.parents, node.partials):
            size[parent] = size.get(parent, 0.0) + abs(partial) * size[node]
    return max(1.0, *size.values())


@settings(max_examples=100)
@given(programs())
def test_grad_of_a_random_program_is_backward_to_the_last_bit(case):
    program, point = case
    leaves = [Value(x) for x in point]
    program(*leaves).backward()
    gradient = grad(lambda xs: program(*xs))(list(point))
    assert [bits(g) for g in gradient] == [bits(v.grad) for v in leaves]


# --- the tester is tested: planted wrong derivatives ---------------------------------------------

WRONG = {
    "sign": lambda partials: [-d for d in partials],
    "factor": lambda partials: [1.001 * d for d in partials],
    "swapped": lambda partials: partials[::-1],
    "missing": lambda partials: [*partials[:-1], 0.0],
}


@pytest.mark.parametrize("op", ROWS)
@pytest.mark.parametrize("mistake", WRONG)
def test_gradcheck_catches_a_planted_wrong_derivative(op, mistake):
    def wrong_partials(y, *xs):
        return tuple(WRONG[mistake](list(op.partials(y, *xs))))

    wrong = replace(op, partials=wrong_partials)
    caught = 0
    for point in ordinary(op):
        right = op.partials(op(*point), *point)
        planted = wrong_partials(op(*point), *point)
        if max(abs(r - p) for r, p in zip(right, planted)) < 1e-4:
            continue  # the mistake does not show here: swapping equal partials, say
        assert not gradcheck(wrong, point), (point, right, planted)
        caught += 1
    assert caught or mistake == "swapped"


# --- ops of one's own, and functions made of ops --------------------------------------------------


@pytest.fixture
def atan():
    op = autograd.register_op(
        "atan",
        math.atan,
        lambda y, x: (1.0 / (1.0 + x * x),),
        numpy="np.arctan({0})",
        latex=r"\arctan({0})",
        samples=[(0.5,), (-2.0,)],
    )
    yield op
    del OPS["atan"], Value.atan


def test_an_op_of_ones_own_inherits_what_the_table_has(atan):
    x = Value(2.0)
    y = x.atan()
    y.backward()
    assert y.op == "atan" and y.data == math.atan(2.0) == atan(2.0)
    assert x.grad == 0.2 and grad(grad(atan))(2.0) == pytest.approx(-0.16)
    assert gradcheck(atan, [2.0]) and gradcheck(grad(atan), [2.0])
    assert any("atan" in str(step) for step in steps(y))
    assert "atan" in autograd.draw(y).dot


def test_an_op_of_ones_own_is_compiled(atan):
    pytest.importorskip("numpy")
    x = Value(2.0)
    loss = autograd.jit(lambda k: atan(x * k) * 3.0)(1.5)
    loss.backward()
    assert loss.data == pytest.approx(3 * math.atan(3.0))
    assert x.grad == pytest.approx(3 * 1.5 / 10.0)


def test_an_op_of_ones_own_gives_floats_and_has_a_count():
    np = pytest.importorskip("numpy")
    op = autograd.register_op(
        "cube_root", np.cbrt, lambda y, x: (1.0 / (3.0 * y * y),), numpy="np.cbrt({0})"
    )
    try:
        assert type(Value(8.0).cube_root().data) is float
        with pytest.raises(TypeError, match="cube_root takes one number"):
            op(1.0, 2.0)
    finally:
        del OPS["cube_root"], Value.cube_root


@pytest.mark.parametrize(
    ("name", "partials", "samples", "error", "words"),
    [
        ("sine", lambda y, x: (x,), [(1.0,)], ValueError, "differences of forward say 0.54"),
        ("sine", lambda y, x: x, [(1.0,)], TypeError, "returns a tuple"),
        ("exp", lambda y, x: (x,), [], ValueError, "taken"),
        ("softmax", lambda y, x: (x,), [], ValueError, "taken"),
        ("a b", lambda y, x: (x,), [], ValueError, "identifier"),
        ("sine", lambda *all: (1.0,), [], TypeError, "one or two inputs"),
    ],
)
def test_an_op_that_can_not_be_is_refused(name, partials, samples, error, words):
    before = dict(OPS)
    with pytest.raises(error, match=words):
        autograd.register_op(name, math.sin, partials, numpy="np.sin({0})", samples=samples)
    assert before == OPS


def test_softmax_adds_up_to_1_whatever_the_values_share():
    for base in (0.0, 1e10, 1e17, -1e17):
        vs = [Value(base), Value(base), Value(base)]
        shares = autograd.softmax(vs)
        assert [s.data for s in shares] == pytest.approx([1 / 3] * 3)
    assert gradcheck(lambda xs: autograd.softmax(xs), [[0.3, -1.0, 2.0]])


def test_where_chooses_and_passes_the_gradient_to_the_chosen_only():
    for condition in (True, 1, 0.5, Value(2.0)):
        a, b = Value(-1.0), Value(0.0)
        autograd.where(condition, a * 3.0, b.log()).backward()
        assert (a.grad, b.grad) == (3.0, 0.0)
    assert autograd.where(False, 1.0, 2.0) == 2.0


def test_where_is_compiled_with_a_condition_that_is_data():
    pytest.importorskip("numpy")
    a, b = Value(3.0), Value(5.0)
    chosen = autograd.jit(lambda flag: autograd.where(flag, a, b) * 2.0)
    assert [chosen(1).data, chosen(0).data] == [6.0, 10.0]


def test_clip_holds_a_number_between_two_others():
    for x, y, slope in ((-3.0, -1.0, 0.0), (0.5, 0.5, 1.0), (7.0, 2.0, 0.0)):
        v = Value(x)
        out = autograd.clip(v, -1.0, 2.0)
        out.backward()
        assert (out.data, v.grad) == (y, slope)
    with pytest.raises(ValueError, match="low <= high"):
        autograd.clip(Value(1.0), 2.0, 1.0)
