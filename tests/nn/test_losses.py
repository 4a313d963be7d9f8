"""Losses against PyTorch, at extremes, and against misuse."""

import math
import random

import pytest

import autograd
import nn
from autograd import Value, topological_order


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(torch.float32)


def agrees(torch, ours, theirs, outputs, targets):
    """Value and gradient are PyTorch's, for a list of outputs."""
    xs = [Value(x) for x in outputs]
    t = torch.tensor(outputs, requires_grad=True)
    loss, other = ours(xs, targets), theirs(t, torch.tensor(targets))
    loss.backward()
    other.backward()
    assert loss.data == pytest.approx(other.item(), rel=1e-12)
    assert [x.grad for x in xs] == pytest.approx(t.grad.tolist(), rel=1e-12, abs=1e-15)


OUTPUTS = [-3.0, -1.0, -0.2, 0.0, 0.5, 1.0, 4.0]
TARGETS = [0.5, -1.0, 1.0, 0.0, 1.5, -1.0, 3.5]


def test_mse_mae_and_huber_are_pytorchs(torch):
    f = torch.nn.functional
    agrees(torch, nn.mse_loss, f.mse_loss, OUTPUTS, TARGETS)
    agrees(torch, nn.mae_loss, f.l1_loss, OUTPUTS, TARGETS)
    agrees(torch, nn.huber_loss, f.huber_loss, OUTPUTS, TARGETS)  # |d| = 1 is among them
    agrees(
        torch,
        lambda o, t: nn.huber_loss(o, t, delta=0.3),
        lambda o, t: f.huber_loss(o, t, delta=0.3),
        OUTPUTS,
        TARGETS,
    )


def test_binary_cross_entropy_is_pytorchs_and_stable(torch):
    theirs = torch.nn.functional.binary_cross_entropy_with_logits
    ours = nn.binary_cross_entropy_with_logits
    agrees(torch, ours, theirs, OUTPUTS, [0.0, 1.0, 1.0, 0.0, 1.0, 0.3, 0.0])
    agrees(torch, ours, theirs, [1000.0, -1000.0, 1000.0, -1000.0], [0.0, 0.0, 1.0, 1.0])


def test_hinge_loss_is_its_formula(torch):
    targets = [1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0]
    agrees(torch, nn.hinge_loss, lambda o, t: (1 - o * t).relu().mean(), OUTPUTS, targets)


def test_cross_entropy_is_pytorchs_for_one_and_for_a_batch(torch):
    rng = random.Random(0)
    theirs = torch.nn.functional.cross_entropy
    for target in range(4):
        logits = [rng.gauss(0, 3) for _ in range(4)]
        agrees(torch, nn.cross_entropy, theirs, logits, target)
    batch = [[Value(rng.gauss(0, 3)) for _ in range(4)] for _ in range(5)]
    t = torch.tensor([[v.data for v in row] for row in batch], requires_grad=True)
    loss, other = nn.cross_entropy(batch, [0, 3, 1, 1, 2]), theirs(t, torch.tensor([0, 3, 1, 1, 2]))
    loss.backward()
    other.backward()
    assert loss.data == pytest.approx(other.item(), rel=1e-12)
    for row, grads in zip(batch, t.grad.tolist()):
        assert [v.grad for v in row] == pytest.approx(grads, rel=1e-12)


def test_cross_entropy_is_stable_and_takes_differences_first():
    logits = [Value(1000.0), Value(0.0), Value(-1000.0)]
    loss = nn.cross_entropy(logits, 2)
    loss.backward()
    assert loss.data == 2000.0
    assert [v.grad for v in logits] == [1.0, 0.0, -1.0]
    ops = [v.op for v in topological_order(loss) if v.op]
    assert ops == ["take", "-", "-", "-", "logsumexp"]


@pytest.mark.parametrize("base", [1e6, 1e10, 1e15, -1e15])
@pytest.mark.parametrize("options", [{}, {"weight": [1.0, 2.0, 3.0], "label_smoothing": 0.2}])
def test_what_all_logits_share_takes_no_digits(base, options):
    found = []
    for start in (0.0, base):
        zs = [Value(start + z) for z in (1.0, 0.0, -3.0)]
        loss = nn.cross_entropy([zs], [1], **options)
        loss.backward()
        found.append([loss.data, *[z.grad for z in zs]])
    assert found[1] == pytest.approx(found[0], rel=1e-12)


def test_outputs_in_a_dict_meet_the_targets_of_their_keys():
    outputs = {"a": Value(1.0), "b": [Value(2.0), Value(4.0)]}
    assert nn.mse_loss(outputs, {"b": [0.0, 0.0], "a": 0.0}).data == (1 + 4 + 16) / 3
    with pytest.raises(ValueError, match=r"keys \['a', 'b'\].*\['a'\]"):
        nn.mse_loss(outputs, {"a": 0.0})


@pytest.mark.parametrize("bad", [{1.0, 2.0}, "12", b"12", {"a": 1.0}, frozenset([1.0])])
def test_what_has_no_order_is_no_list_of_numbers(bad):
    for loss in (nn.mse_loss, nn.mae_loss, nn.hinge_loss, nn.binary_cross_entropy):
        for pair in ((bad, [1.0, 1.0]), ([Value(1.0), Value(2.0)], bad)):
            with pytest.raises(TypeError, match="in the order that you mean"):
                loss(*pair)
    for call in (
        lambda: nn.cross_entropy(bad, 0),
        lambda: nn.cross_entropy([[Value(1.0), Value(2.0)]], bad),
        lambda: nn.softmax(bad),
        lambda: nn.MLP(2, [1])(bad),
        lambda: nn.Layer(len(bad), 1)(bad),
        lambda: nn.LayerNorm(len(bad))(bad),
        lambda: nn.BatchNorm1d(1)([bad, bad]),
        lambda: nn.RNN(len(bad), 1)([bad]),
    ):
        with pytest.raises(TypeError, match="in the order that you mean"):
            call()


def test_shapes_may_be_single_flat_or_nested():
    nested = nn.mse_loss([[1.0, Value(2.0)], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]])
    assert nested.data == (1 + 4 + 9 + 16) / 4
    assert nn.mse_loss(Value(3.0), 1.0).data == 4.0
    assert nn.hinge_loss(Value(0.5), -1).data == 1.5


def test_numpy_targets_work():
    np = pytest.importorskip("numpy")
    assert nn.hinge_loss([Value(0.5), Value(2.0)], np.array([-1, 1])).data == 0.75
    assert nn.mse_loss([Value(0.5)], np.array([1.5])).data == 1.0
    logits = [[Value(0.0), Value(0.0)]]
    assert nn.cross_entropy(logits, np.array([1])).data == pytest.approx(math.log(2))


def test_nan_goes_through_every_loss():
    for loss in (nn.mse_loss, nn.mae_loss, nn.huber_loss, nn.hinge_loss):
        assert math.isnan(loss([Value(math.nan), Value(0.0)], [1.0, 1.0]).data)
    assert math.isnan(nn.cross_entropy([Value(math.nan), Value(0.0)], 0).data)


def test_penalties_and_their_gradients():
    ps = [Value(-2.0), Value(0.0), Value(3.0)]
    l2 = nn.l2_penalty(ps)
    assert l2.data == 13.0
    assert [v.op for v in topological_order(l2) if v.op] == ["dot"]
    l2.backward()
    assert [p.grad for p in ps] == [-4.0, 0.0, 6.0]
    l1 = nn.l1_penalty(iter(ps))
    l1.backward()
    assert l1.data == 5.0
    assert [p.grad for p in ps] == [-5.0, 0.0, 7.0]  # added to the gradients before


# --- options of the cross entropies ------------------------------------------------------------


CLASS_OPTIONS = [
    {},
    {"weight": [1.0, 0.5, 2.0, 0.0]},
    {"ignore_index": -100},
    {"ignore_index": 1},
    {"label_smoothing": 0.1},
    {"label_smoothing": 1.0},
    {"weight": [1.0, 0.5, 2.0, 3.0], "ignore_index": 0, "label_smoothing": 0.3},
]


@pytest.mark.parametrize("options", CLASS_OPTIONS)
def test_cross_entropy_with_each_option_is_pytorchs(torch, options):
    rng = random.Random(0)
    batch = [[Value(rng.gauss(0, 3)) for _ in range(4)] for _ in range(6)]
    targets = [0, 3, 1, 1, 2, options.get("ignore_index", 0)]
    t = torch.tensor([[v.data for v in row] for row in batch], requires_grad=True)
    theirs = {k: torch.tensor(v) if k == "weight" else v for k, v in options.items()}
    other = torch.nn.functional.cross_entropy(t, torch.tensor(targets), **theirs)
    loss = nn.cross_entropy(batch, targets, **options)
    loss.backward()
    other.backward()
    assert loss.data == pytest.approx(other.item(), rel=1e-12)
    for row, grads in zip(batch, t.grad.tolist()):
        assert [v.grad for v in row] == pytest.approx(grads, rel=1e-11, abs=1e-15)
    if "ignore_index" not in options:
        agrees(
            torch,
            lambda z, t: nn.cross_entropy(z, t, **options),
            lambda z, t: torch.nn.functional.cross_entropy(z, t, **theirs),
            [0.3, -1.0, 2.0, 0.0],
            2,
        )


@pytest.mark.parametrize("backend", ["numpy", "python"])
@pytest.mark.parametrize("options", [o for o in CLASS_OPTIONS if "ignore_index" not in o])
def test_cross_entropy_with_options_can_be_compiled(options, backend):
    pytest.importorskip("numpy")
    model, twin = (nn.MLP(2, [4], rng=0) for _ in range(2))
    xs, ys = [[0.1, 0.2], [-0.3, 0.4], [1.0, -1.0]], [3, 0, 2]

    def loss(model, xs, ys):
        return nn.cross_entropy([model(x) for x in xs], ys, **options)

    compiled = autograd.jit(loss, backend=backend)
    for targets in (ys, ys[::-1]):
        expected, found = loss(twin, xs, targets), compiled(model, xs, targets)
        assert found.data == pytest.approx(expected.data, rel=1e-12)
    expected.backward()
    found.backward()
    grads = [p.grad for p in twin.parameters()]
    assert [p.grad for p in model.parameters()] == pytest.approx(grads, rel=1e-9, abs=1e-12)


def test_options_of_cross_entropy_that_make_no_sense_raise():
    logits = [[Value(0.0), Value(1.0)]]
    for options, error, says in [
        ({"weight": [1.0]}, ValueError, "2 classes, but 1 weights"),
        ({"weight": [1.0, -1.0]}, ValueError, "weight must be a number with 0 <="),
        ({"weight": ["a", 1.0]}, TypeError, "weight is a number"),
        ({"label_smoothing": 1.5}, ValueError, "label_smoothing"),
        ({"label_smoothing": "a"}, TypeError, "label_smoothing"),
        ({"ignore_index": 0}, ValueError, "all targets are 0, which is ignored"),
    ]:
        with pytest.raises(error, match=says):
            nn.cross_entropy(logits, [0], **options)


def test_binary_cross_entropy_of_probabilities_is_pytorchs(torch):
    f = torch.nn.functional.binary_cross_entropy
    probabilities = [0.1, 0.5, 0.9, 1e-6, 1.0 - 1e-6, 0.3, 0.7]
    agrees(torch, nn.binary_cross_entropy, f, probabilities, [0.0, 1.0, 1.0, 0.0, 1.0, 0.3, 0.0])
    for p in (0.0, 1.0):
        for target in (0.0, 1.0):
            v = Value(p)
            loss = nn.binary_cross_entropy([v], [target])
            assert loss.data == f(torch.tensor([p]), torch.tensor([target])).item()
            loss.backward()
            assert math.isfinite(v.grad)
    for p, target in ((1.5, 1.0), (0.5, -1.0)):
        with pytest.raises(ValueError, match="from 0 to 1"):
            nn.binary_cross_entropy([p], [target])


# --- misuse ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [3, -1, 10])
def test_a_target_out_of_range_raises(target):
    logits = [Value(0.0)] * 3
    with pytest.raises(IndexError, match=f"index {target} is out of range: there are 3"):
        nn.cross_entropy(logits, target)
    with pytest.raises(IndexError, match=f"index {target} is out of range: there are 3"):
        nn.cross_entropy([logits], [target])
    with pytest.raises(ValueError, match=r"targets -1 and 1.*2 \* y - 1"):
        nn.hinge_loss([Value(0.0)], [0])
    with pytest.raises(ValueError, match=r"from 0 to 1.*\(y \+ 1\) / 2"):
        nn.binary_cross_entropy_with_logits([Value(0.0)], [target])


def test_a_target_that_is_no_class_number_says_what_to_write():
    with pytest.raises(TypeError, match=r"int\(y\)"):
        nn.cross_entropy([Value(0.0)] * 3, 1.0)


@pytest.mark.parametrize(
    ("outputs", "targets"),
    [([1.0], [1.0, 2.0]), ([1.0, 2.0], 1.0), (1.0, [1.0, 2.0]), ([[1.0]], [1.0])],
)
def test_outputs_and_targets_of_different_shape_raise(outputs, targets):
    with pytest.raises(ValueError, match="one shape"):
        nn.mse_loss(outputs, targets)


def test_logits_and_targets_of_different_number_raise():
    with pytest.raises(ValueError, match="2 outputs and 1 targets"):
        nn.cross_entropy([[Value(0.0)], [Value(0.0)]], [0])
    with pytest.raises(ValueError, match="a list of such lists"):
        nn.cross_entropy([Value(0.0), Value(1.0)], [0, 1])
    with pytest.raises(TypeError, match="an output for each class"):
        nn.cross_entropy(Value(0.0), 0)
    with pytest.raises(ValueError, match="0 logits"):
        nn.cross_entropy([], 0)


def test_nothing_to_average_or_to_penalise_raises():
    with pytest.raises(ValueError, match="empty"):
        nn.mse_loss([], [])
    with pytest.raises(ValueError, match="empty"):
        nn.l2_penalty([])
    with pytest.raises(TypeError, match=r"model\.parameters\(\)"):
        nn.l1_penalty(nn.MLP(2, [1]))
    with pytest.raises(ValueError, match="delta"):
        nn.huber_loss(1.0, 2.0, delta=0.0)
