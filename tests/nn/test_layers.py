"""Layers against formulas written out, against PyTorch, and against misuse."""

import inspect
import math
import random
from functools import partial

import pytest

import autograd
import nn
from autograd import Value
from autograd.recording import recording


def leaves(nested):
    return [v for x in nested for v in leaves(x)] if isinstance(nested, list) else [nested]


def grid(rng, *shape):
    """Nested lists of random Values."""
    return [grid(rng, *shape[1:]) for _ in range(shape[0])] if shape else Value(rng.gauss(0, 1))


def numbers(nested, what="data"):
    if isinstance(nested, list):
        return [numbers(x, what) for x in nested]
    return getattr(nested, what)


def weighted(outputs):
    """One number that depends on every output differently."""
    return autograd.sum([v * math.sin(i + 1.0) for i, v in enumerate(leaves(outputs))])


def agrees(outputs, ours, torch_outputs, theirs):
    """The outputs, and the gradients of their weighted sum in the leaves, are PyTorch's."""
    import torch

    assert torch.allclose(torch.tensor(numbers(outputs)), torch_outputs, rtol=1e-11, atol=1e-12)
    weighted(outputs).backward()
    flat = torch_outputs.flatten()
    weights = torch.tensor([math.sin(i + 1.0) for i in range(len(flat))])
    (flat * weights).sum().backward()
    for a, b in zip(ours, theirs):
        assert torch.allclose(torch.tensor(numbers(a, "grad")), b.grad, rtol=1e-10, atol=1e-12)


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(torch.float32)


def as_tensor(torch, nested):
    return torch.tensor(numbers(nested), requires_grad=True)


# --- dense -----------------------------------------------------------------------------------


def test_a_neurons_weighted_sum_is_one_node():
    neuron = nn.Neuron(4, "linear")
    out = neuron([1.0, 2.0, 3.0, 4.0])
    assert out.op == "dot"
    assert out.parents[:4] == tuple(neuron.w)
    assert out.parents[-1] is neuron.b


def test_a_sum_written_by_hand_gives_the_same_numbers():
    rng = random.Random(0)
    neuron, xs = nn.Neuron(5, "tanh", rng=rng), grid(rng, 5)
    out = neuron(xs)
    out.backward()
    grads = [v.grad for v in (*neuron.w, neuron.b, *xs)]
    for v in (*neuron.w, neuron.b, *xs):
        v.grad = 0.0
    by_hand = sum((w * x for w, x in zip(neuron.w, xs)), neuron.b).tanh()
    by_hand.backward()
    assert by_hand.data == out.data
    assert [v.grad for v in (*neuron.w, neuron.b, *xs)] == grads


@pytest.mark.parametrize("activation", ["linear", "relu", "leaky_relu", "tanh", "sigmoid", "gelu"])
def test_an_mlp_is_pytorchs(torch, activation):
    rng = random.Random(1)
    model, xs = nn.MLP(3, [4, 5, 2], activation, rng=rng), grid(rng, 3)
    x = as_tensor(torch, xs)
    ours, theirs, h = [xs], [x], x
    for layer in model.layers:
        for n in layer.neurons:
            n.b.data = rng.gauss(0, 1)
        w = as_tensor(torch, [n.w for n in layer.neurons])
        b = as_tensor(torch, [n.b for n in layer.neurons])
        h = w @ h + b
        if layer is not model.layers[-1] and activation != "linear":
            kwargs = {"approximate": "tanh"} if activation == "gelu" else {}
            h = getattr(torch.nn.functional, activation)(h, **kwargs)
        ours += [[n.w for n in layer.neurons], [n.b for n in layer.neurons]]
        theirs += [w, b]
    agrees(model(xs), ours, h, theirs)


def test_a_width_of_one_gives_a_value_and_feeds_the_next_layer():
    assert isinstance(nn.MLP(2, [3, 1])([1, 2]), Value)
    assert isinstance(nn.Layer(2, 1)([1, 2]), Value)
    assert isinstance(nn.MLP(2, [1, 1, 2])([1, 2]), list)
    assert isinstance(nn.MLP(1, [3, 1])(0.5), Value)


def test_plain_numbers_become_one_constant_for_the_whole_layer():
    out = nn.Layer(2, 3, "linear")([1, 2.0])
    assert len({x for v in out for x in v.parents[2:4]}) == 2


def test_numpy_rows_are_inputs():
    np = pytest.importorskip("numpy")
    model = nn.MLP(2, [3, 1])
    assert model(np.array([1.0, 2.0])).data == model([1.0, 2.0]).data
    assert model(np.array([1, 2], dtype=np.float32)).data == model([1.0, 2.0]).data


def test_the_last_layer_of_an_mlp_is_linear():
    assert [x.neurons[0].activation for x in nn.MLP(2, [3, 4, 1], "tanh").layers] == [
        "tanh",
        "tanh",
        "linear",
    ]


# --- images ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 0), (1, 1), (2, 2)])
def test_conv2d_is_pytorchs(torch, stride, padding):
    rng = random.Random(2)
    conv = nn.Conv2d(2, 3, 3, stride, padding, rng=rng)
    for f in conv.filters:
        f.b.data = rng.gauss(0, 1)
    image = grid(rng, 2, 5, 6)
    x = as_tensor(torch, image)
    w = as_tensor(torch, [f.w for f in conv.filters])
    b = as_tensor(torch, [f.b for f in conv.filters])
    y = torch.nn.functional.conv2d(x, w.reshape(3, 2, 3, 3), b, stride, padding)
    ours = [image, [f.w for f in conv.filters], [f.b for f in conv.filters]]
    agrees(conv(image), ours, y, [x, w, b])


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 1), (2, 3)])
def test_maxpool2d_is_pytorchs_without_ties(torch, size, stride):
    image = grid(random.Random(3), 2, 6, 7)
    x = as_tensor(torch, image)
    y = torch.nn.functional.max_pool2d(x, size, stride)
    agrees(nn.MaxPool2d(size, stride)(image), [image], y, [x])


def test_maxpool2d_shares_the_gradient_of_a_tie_as_amax_does(torch):
    image = [[[Value(1.0), Value(1.0)], [Value(1.0), Value(1.0)]]]
    x = as_tensor(torch, image)
    agrees(nn.MaxPool2d(2)(image), [image], x.amax((1, 2), keepdim=True), [x])
    assert numbers(image, "grad") == [[[math.sin(1.0) / 4] * 2] * 2]


def test_a_convolutions_outputs_belong_to_neurons_within_the_layer():
    conv = nn.Conv2d(1, 1, 2, activation="relu")
    out = conv([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])[0][0][1]
    layer, inputs, (neuron, patch, _) = out.module
    assert layer is conv
    assert len(inputs) == 6
    assert neuron is conv.filters[0]
    assert [v.data for v in patch] == [2.0, 3.0, 5.0, 6.0]


# --- sequences -------------------------------------------------------------------------------


def test_embedding_is_pytorchs(torch):
    table = nn.Embedding(5, 3, rng=random.Random(4))
    w = as_tensor(torch, table.weight)
    tokens = [3, 0, 3, 4]
    y = torch.nn.functional.embedding(torch.tensor(tokens), w)
    agrees(table(tokens), [table.weight], y, [w])


@pytest.mark.parametrize("token", [5, -1])
def test_a_token_out_of_range_raises(token):
    with pytest.raises(IndexError, match=f"index {token} is out of range: there are 5"):
        nn.Embedding(5, 3)(token)


def test_rnn_is_pytorchs(torch):
    rng = random.Random(5)
    rnn, xs, start = nn.RNN(2, 3, rng=rng), grid(rng, 4, 2), grid(rng, 3)
    theirs = torch.nn.RNN(2, 3)
    weights = torch.tensor(numbers([n.w for n in rnn.neurons]))
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(weights[:, :2])
        theirs.weight_hh_l0.copy_(weights[:, 2:])
        theirs.bias_ih_l0.zero_()
        theirs.bias_hh_l0.zero_()
    x, h = as_tensor(torch, xs), as_tensor(torch, start)
    y, _ = theirs(x, h.unsqueeze(0))
    agrees(rnn(xs, start), [xs, start, [n.b for n in rnn.neurons]], y, [x, h, theirs.bias_ih_l0])
    grads = torch.tensor(numbers([n.w for n in rnn.neurons], "grad"))
    assert torch.allclose(grads[:, :2], theirs.weight_ih_l0.grad, rtol=1e-10)
    assert torch.allclose(grads[:, 2:], theirs.weight_hh_l0.grad, rtol=1e-10)


def test_rnn_starts_from_zeros():
    rnn = nn.RNN(2, 3, rng=random.Random(0))
    xs = [[1.0, 2.0], [3.0, 4.0]]
    assert numbers(rnn(xs)) == numbers(rnn(xs, [0.0, 0.0, 0.0]))


def test_layernorm_is_pytorchs(torch):
    rng = random.Random(6)
    norm, xs = nn.LayerNorm(5), grid(rng, 5)
    for v in norm.parameters():
        v.data = rng.gauss(0, 1)
    x, g, b = (as_tensor(torch, v) for v in (xs, norm.gain, norm.bias))
    y = torch.nn.functional.layer_norm(x, (5,), g, b)
    agrees(norm(xs), [xs, norm.gain, norm.bias], y, [x, g, b])


def test_dropout_zeroes_about_p_and_scales_up_the_others():
    dropout = nn.Dropout(0.25, rng=random.Random(0))
    out = [v.data for v in dropout([1.0] * 4000)]
    assert set(out) == {0.0, 1.0 / 0.75}
    assert abs(out.count(0.0) / 4000 - 0.25) < 0.03
    assert [v.data for v in dropout([1.0] * 4000)] != out
    assert [v.data for v in nn.Dropout(0.25, rng=random.Random(0))([1.0] * 4000)] == out


def test_dropout_takes_its_mask_from_one_overridable_method():
    dropout = nn.Dropout(0.5)
    dropout.mask = lambda n: [0.0, 2.0, 2.0][:n]
    xs = [Value(1.0), Value(2.0), Value(3.0)]
    out = dropout(xs)
    assert [v.data for v in out] == [0.0, 4.0, 6.0]
    autograd.sum(out).backward()
    assert [x.grad for x in xs] == [0.0, 2.0, 2.0]


def test_dropout_is_the_identity_in_evaluation():
    xs = [Value(1.0), Value(2.0)]
    assert nn.Dropout(0.9).eval()(xs) == xs


# --- for the compiler ------------------------------------------------------------------------


class Blind(Value):
    """A Value that shows nobody its number: what uses only ops does not notice."""

    __slots__ = ()
    data = property(lambda self: pytest.fail("a layer or a loss looked at a number"))


def blind(op, *parents):
    v = Value.__new__(Blind)
    v.op, v.parents = op, parents
    return v


@recording(lambda op, parents: blind(op.symbol, *parents))
def test_layers_and_losses_never_look_at_a_number():
    x, y = ([blind("") for _ in range(4)] for _ in range(2))
    outputs = [
        nn.MLP(4, [3, 2], "gelu")(x),
        nn.MaxPool2d(2)(nn.Conv2d(1, 2, 2, padding=1)([[x[:2], x[2:]]])),
        nn.LayerNorm(4)(nn.Dropout(0.5)(x)),
        nn.RNN(2, 3)([x[:2], x[2:]]),
        nn.Embedding(3, 2)([0, 2]),
        *[getattr(nn, name)(x, y) for name in nn.losses.__dict__ if name.endswith("e_loss")],
        nn.huber_loss([x], [y]),
        nn.binary_cross_entropy_with_logits(x, y),
        nn.cross_entropy([x, y], [0, 3]),
        nn.l1_penalty(x) + nn.l2_penalty(y),
    ]
    assert {type(v) for v in leaves(outputs)} == {Blind}
    for module in (nn.layers, nn.losses):  # parameters are not blind, but nobody looks either
        assert ".data" not in inspect.getsource(module)


# --- initialisers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        (nn.init.uniform, 1 / 3),
        (nn.init.normal, 1.0),
        (nn.init.xavier_uniform, 2 / 100),
        (nn.init.xavier_normal, 2 / 100),
        (nn.init.kaiming_uniform, 2 / 80),
        (nn.init.kaiming_normal, 2 / 80),
        (partial(nn.init.normal, std=0.1), 0.01),
    ],
)
def test_an_initialiser_has_its_variance(init, variance):
    layer = nn.Layer(80, 20, init=init, rng=random.Random(0))
    weights = [w.data for n in layer.neurons for w in n.w]
    assert abs(math.fsum(weights) / 1600) < 4 * (variance / 1600) ** 0.5
    assert math.fsum(w * w for w in weights) / 1600 == pytest.approx(variance, rel=0.1)
    assert all(n.b.data == 0.0 for n in layer.neurons)


@pytest.mark.parametrize("name", ["xavier_uniform", "xavier_normal", "kaiming_uniform"])
def test_an_initialisers_spread_is_pytorchs(torch, name):
    ours = getattr(nn.init, name)(20000, 30, 50, random.Random(0))
    theirs = torch.stack(
        [getattr(torch.nn.init, f"{name}_")(torch.empty(50, 30)) for _ in range(9)]
    )
    assert torch.tensor(ours).std().item() == pytest.approx(theirs.std().item(), rel=0.05)


def test_zeros_is_zero_and_the_default_gain_fits_the_activation():
    assert nn.init.zeros(3, 1, 1, random.Random(0)) == [0.0] * 3
    relu, tanh = (
        max(abs(w.data) for w in nn.Neuron(500, a, rng=random.Random(0)).w)
        for a in ("relu", "tanh")
    )
    assert relu == pytest.approx(math.sqrt(6 / 500), rel=0.02)
    assert tanh == pytest.approx(5 / 3 * math.sqrt(3 / 500), rel=0.02)


# --- misuse ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [nn.Neuron, lambda n: nn.Layer(n, 2), lambda n: nn.MLP(n, [2])])
@pytest.mark.parametrize("width", [0, 2, 4])
def test_a_wrong_width_names_both(make, width):
    with pytest.raises(ValueError, match=f"3 inputs, but got {width}"):
        make(3)([1.0] * width)


def test_a_batch_where_an_example_belongs_says_what_to_write():
    with pytest.raises(TypeError, match=r"\[model\(x\) for x in batch\]"):
        nn.MLP(2, [1])([[1.0, 2.0], [3.0, 4.0]])


def test_mlp_with_a_number_of_outputs_says_what_to_write():
    with pytest.raises(TypeError, match=r"MLP\(2, \[4\]\)"):
        nn.MLP(2, 4)
    with pytest.raises(TypeError, match="widths"):
        nn.MLP(2, [])


def test_an_unknown_activation_lists_the_known_ones():
    with pytest.raises(ValueError, match="'rleu'.*linear.*tanh.*relu"):
        nn.MLP(2, [3, 1], "rleu")


def test_every_op_of_one_input_is_an_activation():
    for op in autograd.ops.OPS.values():
        if op.numpy and len(op.samples[0]) == 1:
            assert nn.Neuron(1, op.symbol)([1.0]).op == op.symbol


@pytest.mark.parametrize("size", [0, -1, 2.0, "3", None])
def test_a_size_that_is_not_a_whole_number_above_zero_raises(size):
    for make in (
        nn.Neuron,
        nn.LayerNorm,
        nn.MaxPool2d,
        lambda n: nn.Layer(2, n),
        lambda n: nn.Embedding(n, 2),
        lambda n: nn.RNN(n, 2),
        lambda n: nn.Conv2d(1, 1, n),
    ):
        with pytest.raises(ValueError, match="whole number"):
            make(size)


def test_images_of_a_wrong_shape_teach():
    conv = nn.Conv2d(2, 1, 3)
    with pytest.raises(ValueError, match="takes 2 channels, but got 1"):
        conv([[[1.0] * 4] * 4])
    with pytest.raises(ValueError, match="equally long"):
        conv([[[1.0] * 4, [1.0] * 3], [[1.0] * 4, [1.0] * 4]])
    with pytest.raises(ValueError, match="at least 3 x 3, but got 2 x 4"):
        conv([[[1.0] * 4] * 2] * 2)
    with pytest.raises(TypeError, match="channels x height x width"):
        conv([[1.0] * 4] * 4)


def test_sequences_of_a_wrong_shape_teach():
    rnn = nn.RNN(2, 3)
    with pytest.raises(ValueError, match="takes 2 inputs, but got 1"):
        rnn([[1.0]])
    with pytest.raises(ValueError, match="a state of 3 numbers, but got 2"):
        rnn([[1.0, 2.0]], [0.0, 0.0])
    with pytest.raises(TypeError, match="a list of vectors"):
        rnn(1.0)


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5])
def test_a_dropout_that_is_not_a_probability_raises(p):
    with pytest.raises(ValueError, match="probability"):
        nn.Dropout(p)
