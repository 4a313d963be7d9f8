"""gradcheck: right derivatives pass at every scale, wrong ones fail at every scale."""

import math
import random

import pytest

import autograd
import nn
from autograd import Value, grad, gradcheck

RIGHT = {
    "1/x near 0": (lambda x: 1 / x, 1e-3),
    "log near 0": (autograd.log, 1e-6),
    "log nearer": (autograd.log, 1e-300),
    "sqrt near 0": (autograd.sqrt, 1e-8),
    "x**-2": (lambda x: x**-2, 0.01),
    "sin far out": (autograd.sin, 1370.0),
    "sin farther out": (autograd.sin, 1e6),
    "exp of 500": (autograd.exp, 500.0),
    "exp of -700": (autograd.exp, -700.0),
    "steep tanh": (lambda x: autograd.tanh(1e4 * x), 1e-5),
    "steep tanh at 0": (lambda x: autograd.tanh(1e10 * x), 0.0),
    "cos at its top": (lambda x: autograd.cos(2 * math.pi * x), 255.0),
    "a large constant": (lambda x: 1e10 + x * x, 3.0),
    "tiny results": (lambda x: 1e-200 * x * x, 3.0),
    "huge inputs": (lambda x: x * x, 1e100),
    "a tiny input": (autograd.exp, 1e-30),
    "a slope of 0": (lambda x: x * x, 0.0),
    "a closed gate": (autograd.relu, -1.0),
    "near a kink": (autograd.relu, 1e-7),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_passes_however_steep_flat_or_far(name):
    f, x = RIGHT[name]
    report = gradcheck(f, [x])
    assert report, report


def half(x):
    """x**2 with the derivative x: half of what is right."""
    return x * x.detach()


WRONG = {
    "tiny": (lambda x: 1e-7 * half(x), 3.0),
    "tinier": (lambda x: 1e-200 * half(x), 3.0),
    "lost": (lambda x: 5e-7 * x.detach() + 0 * x, 3.0),
    "beside a large constant": (lambda x: 1e10 + half(x), 3.0),
    "beside a larger constant": (lambda x: 1e12 + half(x), 3.0),
    "beside one that hides it": (lambda x: 1e17 + half(x), 3.0),
    "doubled": (lambda x: 1e12 + 2 * (x * x) - (x * x).detach(), 1.0),
    "huge": (lambda x: 1e200 * half(x), 3.0),
    "at a small input": (half, 1e-9),
    "at a large input": (half, 1e9),
    "by a hundred-thousandth": (lambda x: x * x + 1e-5 * half(x) - 1e-5 * (x * x).detach(), 3.0),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_fails_at_every_scale(name):
    f, x = WRONG[name]
    assert not gradcheck(f, [x])


def test_a_slope_that_rounding_hides_is_not_blessed_even_if_right():
    report = gradcheck(lambda x: 1e17 + x * x, [3.0])
    assert not report
    assert "Rounding in f hides the slope" in repr(report)


def test_what_never_depended_on_its_inputs_is_not_blessed():
    for f in (lambda x: Value(3.0), lambda x: Value(x.data) * 2.0, lambda x: (x * 0.0).detach()):
        report = gradcheck(f, [1.0])
        assert not report
        assert "No result depends on an input" in repr(report)
    assert gradcheck(lambda x, y: x * 2.0, [1.0, 5.0])  # one that counts is enough


def test_a_function_that_changes_is_refused():
    noise = random.Random(0)
    with pytest.raises(ValueError, match="model.eval"):
        gradcheck(lambda x: x * noise.random(), [1.0])


# --- a model's parameters -------------------------------------------------------------------------


def model_and_loss():
    model = nn.MLP(2, [3, 1], "tanh", rng=random.Random(0))
    xs, ys = [[0.5, -1.0], [1.5, 0.3]], [0.2, -0.7]
    return model, lambda: nn.mse_loss([model(x) for x in xs], ys)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_models_parameters_can_be_checked_and_stay_as_they_are(compiled):
    model, loss = model_and_loss()
    parameters = model.parameters()
    for p in parameters:
        p.grad = 7.0
    before = [p.data for p in parameters]
    report = gradcheck(autograd.jit(loss) if compiled else loss, parameters)
    assert report and report.count == len(parameters)
    assert [p.data for p in parameters] == before
    assert {p.grad for p in parameters} == {7.0}


def test_a_wrong_gradient_of_one_parameter_is_found():
    model, loss = model_and_loss()
    w = model.parameters()[4]
    report = gradcheck(lambda: loss() + w * w.detach(), model.parameters())
    assert not report
    assert report.input == (4,)


def test_parameters_that_do_not_matter_are_not_blessed():
    model, loss = model_and_loss()
    assert not gradcheck(loss, nn.MLP(2, [1]).parameters())


def test_dropout_in_training_mode_is_refused():
    model = nn.Layer(2, 4, "linear", rng=random.Random(0))
    drop = nn.Dropout(0.5, rng=random.Random(1))
    with pytest.raises(ValueError, match="Dropout wants"):
        gradcheck(lambda: autograd.sum(drop(model([1.0, 2.0]))), model.parameters())
    drop.eval()
    assert gradcheck(lambda: autograd.sum(drop(model([1.0, 2.0]))), model.parameters())


# --- arrays, dicts --------------------------------------------------------------------------------


def test_arrays_and_dicts_are_arguments_too():
    np = pytest.importorskip("numpy")
    assert gradcheck(lambda x: x[0] * x[1], [np.array([1.0, 2.0])]).count == 2
    assert gradcheck(lambda x: (x**2).sum(), np.array([[1.0, 2.0]])).count == 2
    report = gradcheck(lambda d: half(d["a"]), {"a": 2.0})
    assert not report and "inputs[0]['a']" in repr(report)
    assert gradcheck(grad(lambda d: d["a"] ** 3), [{"a": 2.0}])
