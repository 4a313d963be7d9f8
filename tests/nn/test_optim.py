"""Optimisers, clipping and schedules against PyTorch, and against misuse."""

import json
import math
import random
from functools import partial

import pytest

import nn
from autograd import Value
from nn import optim, schedules


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(torch.float32)


RULES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.3}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.7, "eps": 0.1, "weight_decay": 0.3}),
    ("Adam", {}),
    ("Adam", {"lr": 0.02, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.3}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.02, "betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.3}),
    ("AdamW", {"weight_decay": 0.0}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.3, "lr_decay": 0.2, "weight_decay": 0.3}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "eps": 0.1}),
]


def gradients(steps, n, seed=0):
    rng = random.Random(seed)
    return [[rng.gauss(0, 10.0 ** rng.randint(-6, 2)) for _ in range(n)] for _ in range(steps)]


@pytest.mark.parametrize(("name", "options"), RULES)
def test_an_optimiser_is_pytorchs_over_many_steps(torch, name, options):
    ps = [Value(x) for x in (-2.0, -0.5, 0.0, 0.3, 4.0)]
    ours = getattr(optim, name)(ps, **options)
    t = torch.tensor([p.data for p in ps], requires_grad=True)
    theirs = getattr(torch.optim, name)([t], **options)
    for grads in gradients(20, len(ps)):
        for p, g in zip(ps, grads):
            p.grad = g
        t.grad = torch.tensor(grads)
        ours.step()
        theirs.step()
        assert [p.data for p in ps] == pytest.approx(t.tolist(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("name", "options"), RULES)
def test_one_rule_serves_floats_and_arrays(name, options):
    np = pytest.importorskip("numpy")
    ps = [Value(x) for x in (-2.0, -0.5, 0.0, 0.3, 4.0)]
    scalar, arrays = (getattr(optim, name)(ps, **options) for _ in range(2))
    flat = np.array([p.data for p in ps])
    for grads in gradients(5, len(ps)):
        for p, g in zip(ps, grads):
            p.grad = g
        scalar.step()
        arrays.steps += 1
        state = [np.array(arrays.state[key]) for key in arrays.memory]
        flat, *new = arrays.update(flat, np.array(grads), *state)
        arrays.state = dict(zip(arrays.memory, new))
        assert flat.tolist() == pytest.approx([p.data for p in ps], rel=1e-14)
    for key, column in scalar.state_dict().items():
        assert arrays.state_dict()[key] == pytest.approx(column, rel=1e-14)
    arrays.step()  # and from arrays on, plainly: all numbers are floats again
    assert {type(p.data) for p in ps} == {float}


@pytest.mark.parametrize(("name", "options"), RULES)
def test_a_saved_optimiser_goes_on_as_if_never_stopped(name, options):
    make = getattr(optim, name)
    a, b = [Value(1.0), Value(-2.0)], [Value(1.0), Value(-2.0)]
    first, second = make(a, **options), make(b, **options)
    for i, grads in enumerate(gradients(6, 2)):
        for p, q, g in zip(a, b, grads):
            p.grad = q.grad = g
        first.step()
        second.step()
        if i == 2:
            state = json.loads(json.dumps(second.state_dict()))
            second = make(b, **options)
            second.load_state_dict(state)
    assert [p.data for p in a] == [p.data for p in b]
    assert first.state_dict() == second.state_dict()


def test_a_saved_optimiser_brings_its_settings():
    p = Value(1.0)
    saved = optim.Adam([p], lr=0.3, betas=(0.5, 0.6), eps=0.1, weight_decay=0.2)
    other = optim.Adam([p])
    other.load_state_dict(saved.state_dict())
    assert (other.lr, other.betas, other.eps, other.weight_decay) == (0.3, (0.5, 0.6), 0.1, 0.2)
    state = {"lr": 0.1, "steps": 3, "mean": [1.0], "square": [2.0]}  # of an older version
    other.load_state_dict(state)
    assert (other.betas, other.steps, other.state["square"]) == ((0.5, 0.6), 3, [2.0])


GOOD = {"lr": 0.1, "steps": 1, "mean": [0.0], "square": [0.0]}


@pytest.mark.parametrize(
    "change",
    [
        {"lr": "0.1"},
        {"lr": -1.0},
        {"lr": True},
        {"steps": 1.5},
        {"steps": -1},
        {"mean": ["a"]},
        {"mean": [True]},
        {"mean": 0.0},
        {"mean": "a"},
        {"square": [0.0, 0.0]},
        {"betas": 0.9},
        {"betas": (0.9, 1.0)},
        {"eps": None},
        {"unknown": 1.0},
    ],
)
def test_a_state_that_makes_no_sense_changes_nothing(change):
    adam = optim.Adam([Value(1.0)])
    before = adam.state_dict()
    with pytest.raises((TypeError, ValueError)):
        adam.load_state_dict(GOOD | change)
    with pytest.raises((TypeError, ValueError)):
        adam.load_state_dict(None)
    assert adam.state_dict() == before
    adam.load_state_dict(GOOD)
    adam.load_state_dict(GOOD | {"mean": [math.nan]})  # a training that went wrong, but numbers


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("SGD", {"lr": "0.1"}, "lr is a number, but this is of type str"),
        ("SGD", {"lr": Value(0.1)}, r"v\.data"),
        ("SGD", {"lr": True}, "lr is a number"),
        ("SGD", {"lr": None}, "lr is a number"),
        ("SGD", {"lr": 0.1, "momentum": -1}, "0 <= momentum, but is -1"),
        ("SGD", {"lr": 0.1, "momentum": math.nan}, "momentum"),
        ("SGD", {"lr": 0.1, "momentum": "0.9"}, "momentum is a number"),
        ("SGD", {"lr": 0.1, "nesterov": "no", "momentum": 0.9}, "nesterov is True or False"),
        ("SGD", {"lr": 0.1, "weight_decay": -1}, "weight_decay"),
        ("RMSprop", {"alpha": 2.0}, "0 <= alpha <= 1, but is 2"),
        ("RMSprop", {"eps": -1}, "eps"),
        ("Adam", {"betas": 0.9}, "betas is a pair"),
        ("Adam", {"betas": (0.9,)}, "betas is a pair"),
        ("Adam", {"betas": "ab"}, "betas is a pair"),
        ("Adam", {"betas": (1.0, 0.9)}, r"0 <= betas\[0\] < 1, but is 1"),
        ("Adam", {"betas": (0.9, "b")}, r"betas\[1\] is a number"),
        ("AdamW", {"eps": -1}, "eps"),
        ("Adagrad", {"lr_decay": -0.1}, "lr_decay"),
        ("Adagrad", {"initial_accumulator_value": -1}, "initial_accumulator_value"),
    ],
)
def test_a_setting_that_makes_no_sense_raises_at_once(name, options, says):
    with pytest.raises((TypeError, ValueError), match=says):
        getattr(optim, name)([Value(1.0)], **options)


def test_numpys_numbers_are_settings():
    np = pytest.importorskip("numpy")
    adam = optim.Adam(
        [Value(1.0)], lr=np.float32(0.5), betas=np.array([0.5, 0.75]), eps=np.int64(1)
    )
    assert (adam.lr, adam.betas, adam.eps) == (0.5, (0.5, 0.75), 1.0)
    json.dumps(adam.state_dict())


def test_zero_grad_clears_the_gradients():
    p = Value(1.0)
    p.grad = 3.0
    optim.SGD([p], lr=1.0).zero_grad()
    assert p.grad == 0.0


@pytest.mark.parametrize("lr", [0.0, -0.1, math.nan, math.inf])
@pytest.mark.parametrize("make", [optim.SGD, optim.RMSprop, optim.Adam, optim.AdamW])
def test_a_learning_rate_that_is_not_positive_raises(make, lr):
    with pytest.raises(ValueError, match=r"learning rate must be above 0, but is .*Try lr="):
        make([Value(1.0)], lr=lr)


def test_wrong_parameters_teach():
    p = Value(1.0)
    for params, error, says in [
        ([], ValueError, "empty"),
        (nn.MLP(2, [1]), TypeError, r"model\.parameters\(\)"),
        ([1.0], TypeError, "leaf Values"),
        ([p * 2], TypeError, "leaf Values"),
        ([p, p], ValueError, "twice"),
        (p, TypeError, r"write \[p\]"),
        (3.0, TypeError, r"model\.parameters\(\)"),
        (nn.MLP(2, [1]).named_parameters(), TypeError, r"for name, p in"),
        (nn.MLP(2, [1]).state_dict(), TypeError, "not the names"),
        ([[p]], TypeError, "one flat list"),
        ([{"params": [p], "lr": 0.1}], TypeError, "an optimiser for each"),
    ]:
        with pytest.raises(error, match=says):
            optim.SGD(params, lr=0.1)
    with pytest.raises(ValueError, match="momentum"):
        optim.SGD([p], lr=0.1, nesterov=True)


def test_a_state_of_another_optimiser_or_model_raises():
    p, q = Value(1.0), Value(2.0)
    with pytest.raises(ValueError, match="another optimiser"):
        optim.Adam([p]).load_state_dict(optim.SGD([p], lr=1.0).state_dict())
    with pytest.raises(ValueError, match="2 parameters, but here are 1"):
        optim.Adam([p]).load_state_dict(optim.Adam([p, q]).state_dict())


# --- clipping --------------------------------------------------------------------------------


def with_grads(*grads):
    ps = [Value(0.0) for _ in grads]
    for p, g in zip(ps, grads):
        p.grad = g
    return ps


def test_clip_grad_norm_keeps_the_direction_and_returns_the_norm_before():
    ps = with_grads(3.0, -4.0)
    assert optim.clip_grad_norm(ps, 1.0) == 5.0
    assert [p.grad for p in ps] == pytest.approx([0.6, -0.8])
    assert optim.clip_grad_norm(ps, 2.0) == pytest.approx(1.0)
    assert [p.grad for p in ps] == pytest.approx([0.6, -0.8])
    assert optim.clip_grad_norm(with_grads(0.0), 1.0) == 0.0


def test_clip_grad_norm_is_pytorchs(torch):
    grads = gradients(1, 20)[0]
    ps, t = with_grads(*grads), torch.zeros(20, requires_grad=True)
    t.grad = torch.tensor(grads)
    assert optim.clip_grad_norm(ps, 0.5) == pytest.approx(
        torch.nn.utils.clip_grad_norm_(t, 0.5).item()
    )
    assert [p.grad for p in ps] == pytest.approx(t.grad.tolist(), rel=1e-5)


@pytest.mark.parametrize("make", [iter, tuple, lambda ps: filter(None, ps), dict.fromkeys])
def test_whatever_gives_the_parameters_once_is_clipped(make):
    ps = with_grads(3.0, -4.0)
    for p in ps:
        p.data = 1.0
    assert optim.clip_grad_norm(make(ps), 1.0) == 5.0
    assert [p.grad for p in ps] == pytest.approx([0.6, -0.8])
    optim.clip_grad_value(make(ps), 0.5)
    assert [p.grad for p in ps] == [0.5, -0.5]


@pytest.mark.parametrize("scale", [1e154, 1e200, 1e300, 1e-200, 1e-310, 5e-324])
def test_clipping_neither_overflows_nor_vanishes(scale):
    ps = with_grads(3 * scale, -4 * scale)
    norm = optim.clip_grad_norm(ps, scale)
    assert norm == pytest.approx(5 * scale)
    assert [p.grad for p in ps] == pytest.approx([0.6 * scale, -0.8 * scale], rel=1e-12, abs=1e-323)
    ps = with_grads(3 * scale, -4 * scale)
    optim.clip_grad_norm(ps, 1e-320)
    assert math.hypot(*[p.grad for p in ps]) <= 1.1e-320


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_gradients_that_are_not_finite_are_clipped_as_pytorch_does(torch, bad):
    ps, t = with_grads(3.0, bad, -1.0), torch.zeros(3, requires_grad=True)
    t.grad = torch.tensor([3.0, bad, -1.0])
    theirs = torch.nn.utils.clip_grad_norm_(t, 1.0).item()
    assert str(optim.clip_grad_norm(ps, 1.0)) == str(theirs)
    assert [abs(p.grad) for p in ps] == pytest.approx(t.grad.abs().tolist(), nan_ok=True)


@pytest.mark.parametrize("clip", [optim.clip_grad_norm, optim.clip_grad_value])
def test_a_bound_that_makes_no_sense_raises_and_changes_nothing(clip):
    for bound in (-1.0, math.nan, "1", None, True, Value(1.0)):
        ps = with_grads(3.0, 4.0)
        with pytest.raises((TypeError, ValueError), match="max_norm|limit"):
            clip(ps, bound)
        assert [p.grad for p in ps] == [3.0, 4.0]
    for params in (nn.MLP(1, [1]), Value(1.0), [1.0], 3, nn.MLP(1, [1]).named_parameters()):
        with pytest.raises(TypeError, match="clipping"):
            clip(params, 1.0)
    ps = with_grads(3.0, 4.0)
    clip(ps, math.inf)
    assert [p.grad for p in ps] == [3.0, 4.0]
    clip(ps, 0)
    assert [p.grad for p in ps] == [0.0, 0.0]


def test_clip_grad_value_cuts_each_gradient():
    ps = with_grads(-5.0, -1.0, 0.5, 7.0, math.nan)
    optim.clip_grad_value(ps, 1.0)
    assert [p.grad for p in ps[:4]] == [-1.0, -1.0, 0.5, 1.0]
    assert math.isnan(ps[4].grad)


# --- schedules -------------------------------------------------------------------------------


def rates(optimizer, schedule, epochs, losses=None):
    found = []
    for i in range(epochs):
        found.append(optimizer.lr if hasattr(optimizer, "lr") else optimizer.param_groups[0]["lr"])
        if hasattr(optimizer, "param_groups"):
            optimizer.step()
        schedule.step() if losses is None else schedule.step(losses[i])
    return found


SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 3, 3, 8], "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [5]}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("LambdaLR", {"lr_lambda": lambda t: 1.0 / (1.0 + t)}),
    ("CosineAnnealingLR", {"T_max": 8}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("OneCycleLR", {"max_lr": 0.7, "total_steps": 21}),
    ("OneCycleLR", {"max_lr": 0.7, "total_steps": 21, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.7, "total_steps": 21, "pct_start": 0.2, "three_phase": True}),
    (
        "OneCycleLR",
        {
            "max_lr": 0.7,
            "total_steps": 21,
            "div_factor": 3.0,
            "final_div_factor": 5.0,
            "pct_start": 0.0,
        },
    ),
]


def theirs_of(torch, name, options, lr=0.3):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    options = options | ({"cycle_momentum": False} if name == "OneCycleLR" else {})
    return optimizer, getattr(torch.optim.lr_scheduler, name)(optimizer, **options)


@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_a_schedule_is_pytorchs(torch, name, options):
    ours = optim.SGD([Value(0.0)], lr=0.3)
    expected = rates(*theirs_of(torch, name, options), 20)
    found = rates(ours, getattr(schedules, name)(ours, **options), 20)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


RESUMED = [
    *[(name, options) for name, options in SCHEDULES],
    ("WarmupLR", {"epochs": 4, "start_factor": 0.1}),
    ("ReduceLROnPlateau", {"factor": 0.5, "patience": 1, "cooldown": 1}),
]


@pytest.mark.parametrize(("name", "options"), RESUMED)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_schedule_goes_on_half_way_through_a_file(name, options, order):
    """Saved after 7 of 20 epochs, and loaded into new objects, in either order."""
    losses = [1.0, 0.5, 0.5, 0.6, 0.7, 0.6, 0.5] * 3
    losses = losses if name == "ReduceLROnPlateau" else None
    one = optim.Adam([Value(0.0)], lr=0.3)
    first = getattr(schedules, name)(one, **options)
    found = rates(one, first, 7, losses)
    states = json.loads(json.dumps([one.state_dict(), first.state_dict()]))
    two = optim.Adam([Value(0.0)], lr=0.1)
    second = getattr(schedules, name)(two, **options)
    for i in order:
        (two, second)[i].load_state_dict(states[i])
    rest = losses and losses[7:]
    assert rates(two, second, 13, rest) == rates(one, first, 13, rest)
    assert second.state_dict() == first.state_dict()
    assert found != []


def test_a_warm_up_goes_on_with_what_follows():
    def make(lr):
        optimizer = optim.SGD([Value(0.0)], lr=lr)
        cosine = schedules.CosineAnnealingLR(optimizer, T_max=6)
        return optimizer, schedules.WarmupLR(optimizer, 4, after=cosine)

    (one, first), (two, second) = make(0.3), make(0.7)
    rates(one, first, 5)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert two.lr == one.lr
    assert rates(two, second, 9) == rates(one, first, 9)


def test_a_state_of_another_schedule_changes_nothing():
    optimizer = optim.SGD([Value(0.0)], lr=0.3)
    step = schedules.StepLR(optimizer, 2)
    good = step.state_dict()
    for state in (
        None,
        {},
        schedules.ExponentialLR(optimizer, 0.9).state_dict(),
        good | {"gamma": "0.1"},
        good | {"epoch": 1.5},
        good | {"epoch": -1},
        good | {"step_size": True},
    ):
        with pytest.raises((TypeError, ValueError)):
            step.load_state_dict(state)
        assert step.state_dict() == good
    cosine = schedules.CosineAnnealingLR(optimizer, T_max=6)
    warm = schedules.WarmupLR(optimizer, 4, after=cosine)
    good = warm.state_dict()
    with pytest.raises(ValueError, match="CosineAnnealingLR"):
        warm.load_state_dict(good | {"epoch": 3, "after": {}})
    assert warm.state_dict() == good


def test_a_cycle_is_over_at_its_end_and_exists_where_pytorch_divides_by_zero():
    optimizer = optim.SGD([Value(0.0)], lr=0.3)
    cycle = schedules.OneCycleLR(optimizer, max_lr=0.7, total_steps=10, pct_start=0.1)
    found = rates(optimizer, cycle, 13)
    assert found[0] == 0.7
    assert found[9:] == [pytest.approx(0.7 / 25 / 1e4)] * 4


def test_a_warm_up_and_what_follows_are_pytorchs_linear_then_cosine(torch):
    ours = optim.SGD([Value(0.0)], lr=0.3)
    cosine = schedules.CosineAnnealingLR(ours, T_max=6)
    found = rates(ours, schedules.WarmupLR(ours, 4, after=cosine, start_factor=0.1), 10)
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    all_of = torch.optim.lr_scheduler
    linear = all_of.LinearLR(theirs, start_factor=0.1, total_iters=4)
    after = all_of.CosineAnnealingLR(theirs, T_max=6)
    expected = rates(theirs, all_of.SequentialLR(theirs, [linear, after], [4]), 10)
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_warm_up_alone_ends_at_the_base_rate():
    optimizer = optim.SGD([Value(0.0)], lr=0.3)
    found = rates(optimizer, schedules.WarmupLR(optimizer, 2), 4)
    assert found == pytest.approx([0.1, 0.2, 0.3, 0.3])


@pytest.mark.parametrize(
    "options",
    [
        {"min_lr": 0.01},
        {"mode": "max", "patience": 1},
        {"threshold": 0.3, "threshold_mode": "abs"},
        {"threshold": 0.3, "threshold_mode": "rel"},
        {"threshold": 0.1, "mode": "max", "threshold_mode": "abs", "patience": 0},
        {"cooldown": 3, "patience": 0},
        {"eps": 0.05, "patience": 0},
    ],
)
def test_reduce_on_plateau_is_pytorchs(torch, options):
    rng = random.Random(0)
    losses = [1.0 / (1 + i // 5) + (rng.random() < 0.2) for i in range(40)]
    losses[5] = losses[30] = math.nan
    options = {"factor": 0.5, "patience": 2, **options}
    ours = optim.SGD([Value(0.0)], lr=0.3)
    expected = rates(*theirs_of(torch, "ReduceLROnPlateau", options), 40, losses)
    found = rates(ours, schedules.ReduceLROnPlateau(ours, **options), 40, losses)
    assert found == pytest.approx(expected, rel=1e-12)
    assert len(set(found)) > 2


@pytest.mark.parametrize("mode", ["min", "max"])
def test_reduce_on_plateau_with_a_loss_below_zero(mode):
    """A log-likelihood, a reward: what stands still, or gets worse, is no improvement."""
    sign = 1.0 if mode == "min" else -1.0
    for start in (-1.0, 1.0):
        for drift in (0.0, 2e-5):
            ours = optim.SGD([Value(0.0)], lr=1.0)
            plateau = schedules.ReduceLROnPlateau(ours, mode=mode, patience=2)
            losses = [start + sign * drift * i for i in range(8)]
            assert rates(ours, plateau, 8, losses)[-1] == pytest.approx(0.01)
            better = [start - sign * 0.01 * i for i in range(8)]
            assert rates(ours, plateau, 8, better) == [ours.lr] * 8


@pytest.mark.parametrize(
    "make",
    [
        partial(schedules.StepLR, step_size=0),
        partial(schedules.CosineAnnealingLR, T_max=0),
        partial(schedules.WarmupLR, epochs=0),
        partial(schedules.ReduceLROnPlateau, factor=1.0),
        partial(schedules.ReduceLROnPlateau, mode="least"),
        partial(schedules.ReduceLROnPlateau, threshold_mode="relative"),
        partial(schedules.ReduceLROnPlateau, patience=-1),
        partial(schedules.ReduceLROnPlateau, patience=1.5),
        partial(schedules.StepLR, step_size=2, gamma=-1.0),
        partial(schedules.StepLR, step_size=True),
        partial(schedules.MultiStepLR, milestones=[0.5]),
        partial(schedules.OneCycleLR, max_lr=0.0, total_steps=3),
        partial(schedules.OneCycleLR, max_lr=1.0, total_steps=3, anneal_strategy="cosine"),
        partial(schedules.OneCycleLR, max_lr=1.0, total_steps=3, pct_start=1.5),
        partial(schedules.WarmupLR, epochs=2, start_factor=0.0),
    ],
)
def test_a_schedule_that_cannot_run_raises(make):
    with pytest.raises(ValueError, match="but"):
        make(optim.SGD([Value(0.0)], lr=0.3))


def test_what_is_no_schedule_setting_says_so():
    optimizer = optim.SGD([Value(0.0)], lr=0.3)
    for make, says in [
        (lambda: schedules.LambdaLR(optimizer, 0.9), "a function of the epoch"),
        (lambda: schedules.LambdaLR(optimizer, lambda t: None), "is a number"),
        (lambda: schedules.MultiStepLR(optimizer, 3), "a list of epochs"),
        (lambda: schedules.ExponentialLR(optimizer, "0.9"), "gamma is a number"),
        (
            lambda: schedules.WarmupLR(optimizer, 2, after=schedules.ReduceLROnPlateau(optimizer)),
            "a schedule with a rate for each epoch",
        ),
    ]:
        with pytest.raises(TypeError, match=says):
            make()
