"""Optimisers, clipping and schedules against PyTorch, and against misuse."""

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
    for grads in gradients(12, len(ps)):
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
            state = second.state_dict()
            second = make(b, **options)
            second.load_state_dict(state)
    assert [p.data for p in a] == [p.data for p in b]


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


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": 3}),
        ("StepLR", {"step_size": 1, "gamma": 0.5}),
        ("ExponentialLR", {"gamma": 0.9}),
        ("CosineAnnealingLR", {"T_max": 8}),
        ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ],
)
def test_a_schedule_is_pytorchs(torch, name, options):
    ours = optim.SGD([Value(0.0)], lr=0.3)
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    expected = rates(theirs, getattr(torch.optim.lr_scheduler, name)(theirs, **options), 14)
    found = rates(ours, getattr(schedules, name)(ours, **options), 14)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


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


def test_reduce_on_plateau_is_pytorchs(torch):
    rng = random.Random(0)
    losses = [1.0 / (1 + i // 5) + (rng.random() < 0.2) for i in range(40)]
    options = {"factor": 0.5, "patience": 2, "min_lr": 0.01}
    ours = optim.SGD([Value(0.0)], lr=0.3)
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    expected = rates(theirs, plateau, 40, losses)
    found = rates(ours, schedules.ReduceLROnPlateau(ours, **options), 40, losses)
    assert found == pytest.approx(expected, rel=1e-12)
    assert len(set(found)) > 3


@pytest.mark.parametrize(
    "make",
    [
        partial(schedules.StepLR, step_size=0),
        partial(schedules.CosineAnnealingLR, T_max=0),
        partial(schedules.WarmupLR, epochs=0),
        partial(schedules.ReduceLROnPlateau, factor=1.0),
    ],
)
def test_a_schedule_that_cannot_run_raises(make):
    with pytest.raises(ValueError, match="but"):
        make(optim.SGD([Value(0.0)], lr=0.3))
