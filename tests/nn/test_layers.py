"""Layers against formulas written out, against PyTorch, and against misuse."""

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
        nn.GRU(2, 3)([x[:2], x[2:]]),
        nn.LSTM(2, 3)([x[:2], x[2:]])[0],
        nn.AvgPool2d(2)([[x[:2], x[2:]]]),
        nn.Flatten()([[x]]),
        nn.BatchNorm1d(4, track_running_stats=False)([x, y]),
        nn.Sequential(nn.Layer(4, 3), nn.LayerNorm(3))(x),
        nn.softmax(x),
        nn.Embedding(3, 2)([0, 2]),
        *[getattr(nn, name)(x, y) for name in nn.losses.__dict__ if name.endswith("e_loss")],
        nn.huber_loss([x], [y]),
        nn.binary_cross_entropy_with_logits(x, y),
        nn.cross_entropy([x, y], [0, 3]),
        nn.cross_entropy([x, y], [0, 3], weight=[1.0, 2.0, 3.0, 4.0], label_smoothing=0.1),
        nn.binary_cross_entropy(x, y),
        nn.l1_penalty(x) + nn.l2_penalty(y),
    ]
    assert {type(v) for v in leaves(outputs)} == {Blind}


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


def test_numpys_ints_are_sizes():
    np = pytest.importorskip("numpy")
    two = np.array([0, 1]).max() + 1
    layers = [
        nn.Layer(2, two),
        nn.MLP(two, [4, two]),
        nn.MLP(2, np.array([4, 1])),
        nn.Embedding(two, np.uint8(2)),
        nn.Conv2d(1, two, two, two, two),
        nn.LayerNorm(two),
        nn.BatchNorm1d(two),
        nn.RNN(two, two),
        nn.GRU(two, two),
        nn.LSTM(two, two),
        nn.MaxPool2d(two, two),
        nn.AvgPool2d(two),
    ]
    for layer in layers:
        assert "int64" not in repr(layer)
        assert {type(x) for x in vars(layer).values()} & {np.int64, np.uint8} == set()


@pytest.mark.parametrize("size", [True, 2.0, "2", None, [2], math.nan])
def test_what_is_no_size_raises(size):
    for make in (nn.GRU, nn.LSTM, nn.RNN, nn.Embedding, nn.Layer):
        for sizes in ((size, 2), (2, size)):
            with pytest.raises(ValueError, match="whole number of at least 1"):
                make(*sizes)
    for make in (nn.BatchNorm1d, nn.AvgPool2d, nn.LayerNorm):
        with pytest.raises(ValueError, match="whole number of at least 1"):
            make(size)
    with pytest.raises(ValueError, match="padding must be a whole number of at least 0"):
        nn.Conv2d(1, 1, 1, padding=-1)


# --- where numbers start from ----------------------------------------------------------------


def test_a_seed_is_a_generator():
    np = pytest.importorskip("numpy")
    expected = nn.MLP(2, [3, 1], rng=random.Random(0)).state_dict()
    for seed in (0, np.int64(0), random.Random(0)):
        assert nn.MLP(2, [3, 1], rng=seed).state_dict() == expected
    assert nn.MLP(2, [3, 1], rng=1).state_dict() != expected
    assert nn.Dropout(0.5, rng=0).mask(20) == nn.Dropout(0.5, rng=0).mask(20)
    random.seed(5)
    first = nn.MLP(2, [3, 1], rng=random).state_dict()  # Python's own, the module
    random.seed(5)
    assert nn.MLP(2, [3, 1], rng=random).state_dict() == first


@pytest.mark.parametrize("rng", ["0", 0.5, True, object(), "numpy"])
def test_another_generator_says_what_to_write(rng):
    if rng == "numpy":
        rng = pytest.importorskip("numpy").random.default_rng(0)
    for make in (nn.Neuron, lambda n, rng: nn.GRU(n, n, rng=rng)):
        with pytest.raises(TypeError, match=r"rng=random\.Random\(0\) or rng=0"):
            make(2, rng=rng)
    with pytest.raises(TypeError, match="rng=0"):
        nn.Dropout(0.5, rng=rng)


def test_an_initialiser_must_be_one():
    with pytest.raises(TypeError, match=r"nn\.init\.normal"):
        nn.Layer(2, 1, init="normal")
    with pytest.raises(ValueError, match="must return 3 numbers, but returned 2"):
        nn.Neuron(3, init=lambda n, fan_in, fan_out, rng: [0.0, 0.0])
    with pytest.raises(TypeError, match="number"):
        nn.Embedding(1, 1, init=lambda n, fan_in, fan_out, rng: ["a"])


def test_a_convolutions_fans_are_pytorchs(torch):
    """By the spread of Xavier's uniform numbers, which is sqrt(6 / (fan_in + fan_out))."""
    seen = []

    def spy(n, fan_in, fan_out, rng):
        seen.append((fan_in, fan_out))
        return nn.init.zeros(n, fan_in, fan_out, rng)

    nn.Conv2d(2, 5, 3, init=spy)
    weight = torch.empty(5, 2, 3, 3)
    assert set(seen) == {torch.nn.init._calculate_fan_in_and_fan_out(weight)}


# --- activations -----------------------------------------------------------------------------


def test_an_activation_is_a_name_an_op_or_a_function():
    xs = [0.3, -0.7]
    expected = nn.MLP(2, [3, 1], "tanh", rng=0)(xs).data
    for activation in (autograd.tanh, lambda v: v.tanh(), lambda v: autograd.tanh(v)):
        model = nn.MLP(2, [3, 1], activation, rng=0)
        model.load_state_dict(nn.MLP(2, [3, 1], "tanh", rng=0).state_dict())
        assert model(xs).data == expected
    assert repr(nn.Layer(2, 1, autograd.tanh)) == "Layer(2, 1, tanh)"
    assert "<lambda>" in repr(nn.Layer(2, 1, lambda v: v))

    def squash(v):
        return v / (1.0 + abs(v))

    assert repr(nn.RNN(2, 1, squash)) == "RNN(2, 1, squash)"


@pytest.mark.parametrize("bad", ["", None, 3, autograd.maximum, autograd.add, ["tanh"]])
def test_what_is_no_activation_raises(bad):
    with pytest.raises(ValueError, match="there is no activation"):
        nn.Layer(2, 1, bad)


def test_micrograds_nonlin():
    assert nn.Neuron(2, nonlin=True).activation == "relu"
    assert nn.Neuron(2, nonlin=False).activation == "linear"
    assert nn.Layer(2, 3, nonlin=False).neurons[0].activation == "linear"
    with pytest.raises(TypeError, match="nonlin is True or False"):
        nn.Neuron(2, nonlin="tanh")


def test_without_a_bias_there_is_none():
    layer = nn.Layer(2, 2, bias=False)
    assert [n.b for n in layer.neurons] == [None, None]
    assert len(layer.parameters()) == 4
    assert len(nn.MLP(2, [3, 1], bias=False).parameters()) == 9
    with pytest.raises(TypeError, match="bias is True or False"):
        nn.Layer(2, 2, bias="no")


# --- tokens ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", ["a", "ab", b"ab", {"a": 1}, {0, 1}])
def test_text_where_tokens_belong_says_what_to_write(tokens):
    with pytest.raises(TypeError, match=r"Number them first.*enumerate"):
        nn.Embedding(5, 3)(tokens)
    with pytest.raises(TypeError, match="Number them first"):
        nn.Embedding(5, 3)([tokens])


@pytest.mark.parametrize("token", [1.0, None, Value(1.0), "numpy"])
def test_what_is_no_token_says_so(token):
    token = pytest.importorskip("numpy").float64(1.0) if token == "numpy" else token
    with pytest.raises(TypeError, match=r"takes tokens, ints, but got .* write int\(x\)"):
        nn.Embedding(5, 3)([0, token])


def test_tokens_may_be_numpys_in_any_nesting():
    np = pytest.importorskip("numpy")
    table = nn.Embedding(5, 3)
    expected = numbers(table([[0, 1], [4, 4]]))
    assert numbers(table(np.array([[0, 1], [4, 4]]))) == expected
    assert numbers(table(np.array(1))) == numbers(table(np.uint8(1))) == numbers(table(1))
    assert table([]) == []


def test_padding_is_zero_and_stays_it():
    table = nn.Embedding(4, 2, padding_idx=0, rng=0)
    assert numbers(table([0, 0])) == [[0.0, 0.0], [0.0, 0.0]]
    assert len(table.parameters()) == 6
    assert not any(name.startswith("weight.0") for name in table.state_dict())
    optimizer = nn.optim.SGD(table.parameters(), lr=1.0)
    autograd.sum([v for row in table([0, 1]) for v in row]).backward()
    optimizer.step()
    assert numbers(table(0)) == [0.0, 0.0]
    for bad in (4, -1, 1.5, "0"):
        with pytest.raises(ValueError, match="padding_idx"):
            nn.Embedding(4, 2, padding_idx=bad)


# --- recurrent layers ------------------------------------------------------------------------


def test_a_sequence_in_two_parts_is_the_whole_sequence():
    rng = random.Random(0)
    xs = grid(rng, 5, 2)
    for make in (nn.RNN, nn.GRU):
        layer = make(2, 3, rng=1)
        first = layer(xs[:2])
        assert numbers(first + layer(xs[2:], first[-1])) == numbers(layer(xs))
    lstm = nn.LSTM(2, 3, rng=1)
    first, state = lstm(xs[:2])
    second, (h, c) = lstm(xs[2:], state)
    whole, last = lstm(xs)
    assert numbers(first + second) == numbers(whole)
    assert numbers([h, c]) == numbers(list(last))
    assert h is second[-1]


def test_states_to_start_from_are_pytorchs(torch):
    rng = random.Random(2)
    xs, h, c = grid(rng, 3, 2), grid(rng, 3), grid(rng, 3)
    for name in ("GRU", "LSTM"):
        ours, theirs = getattr(nn, name)(2, 3, rng=1), getattr(torch.nn, name)(2, 3)
        state = {k: torch.tensor(numbers(v)) for k, v in vars(ours).items() if "_l0" in k}
        theirs.load_state_dict(state)
        x, h0, c0 = (as_tensor(torch, v) for v in (xs, h, c))
        if name == "GRU":
            out, expected = ours(xs, h), theirs(x, h0.unsqueeze(0))[0]
            pairs = [xs, h], [x, h0]
        else:
            out, (last_h, last_c) = ours(xs, (h, c))
            expected, (h1, c1) = theirs(x, (h0.unsqueeze(0), c0.unsqueeze(0)))
            assert torch.allclose(torch.tensor(numbers([last_h, last_c])), torch.cat([h1, c1]))
            pairs = [xs, h, c], [x, h0, c0]
        for v in leaves([xs, h, c]):
            v.grad = 0.0
        agrees(out, pairs[0], expected, pairs[1])


def test_states_of_a_wrong_shape_teach():
    for make in (nn.GRU, nn.LSTM, nn.RNN):
        layer = make(2, 3)
        with pytest.raises(TypeError, match="a list of vectors"):
            layer(1.0)
        with pytest.raises(ValueError, match="takes 2 inputs, but got 1"):
            layer([[1.0]])
    with pytest.raises(ValueError, match="a state of 3 numbers, but got 2"):
        nn.GRU(2, 3)([[1.0, 2.0]], [0.0, 0.0])
    with pytest.raises(ValueError, match=r"a pair \(h, c\)"):
        nn.LSTM(2, 3)([[1.0, 2.0]], [0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="a state of 3 numbers, but got 1"):
        nn.LSTM(2, 3)([[1.0, 2.0]], ([0.0], [0.0]))


# --- batches ---------------------------------------------------------------------------------


def test_batchnorm_needs_a_batch():
    norm = nn.BatchNorm1d(2)
    for bad in (1.0, [1.0, 2.0]):
        with pytest.raises(TypeError, match="a batch, a list of vectors"):
            norm(bad)
    with pytest.raises(ValueError, match=r"at least 2 examples.*but got 1.*eval"):
        norm([[1.0, 2.0]])
    with pytest.raises(ValueError, match="but got 0"):
        norm([])
    with pytest.raises(ValueError, match="takes 2 inputs, but got 3"):
        norm([[1.0, 2.0], [1.0, 2.0, 3.0]])
    assert len(norm.eval()([[1.0, 2.0]])) == 1
    for options in ({"momentum": 1.5}, {"eps": -1.0}, {"momentum": "a"}, {"affine": 1}):
        with pytest.raises((TypeError, ValueError), match=next(iter(options))):
            nn.BatchNorm1d(2, **options)


def test_batchnorm_in_training_is_refused_by_jit_in_words_and_keeps_its_statistics():
    pytest.importorskip("numpy")
    model = nn.Sequential(nn.Layer(2, 3, rng=0), nn.BatchNorm1d(3), nn.Layer(3, 1, rng=1))
    loss = autograd.jit(lambda model, xs: autograd.sum([v * v for v in model(xs)]))
    batch = [[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]]
    before = model.state_dict()
    with pytest.raises(TypeError, match="keeps running statistics.*train without jit"):
        loss(model, batch)
    assert model.state_dict() == before
    model(batch)
    model.eval()
    for _ in range(2):
        expected = autograd.sum([v * v for v in model(batch)]).data
        assert loss(model, batch).data == pytest.approx(expected, rel=1e-12)
        model.train()(batch)  # the statistics move, and the program with them
        model.eval()


def test_fit_trains_batchnorm_without_jit_and_says_so():
    pytest.importorskip("numpy")
    model = nn.Sequential(
        nn.Layer(1, 4, "tanh", rng=0), nn.BatchNorm1d(4), nn.Layer(4, 1, "linear", rng=1)
    )
    xs = [[i / 8] for i in range(16)]
    ys = [x[0] * x[0] for x in xs]
    with pytest.warns(UserWarning, match="without jit.*running statistics"):
        history = nn.fit(
            model,
            (xs, ys),
            lambda model, xs, ys: nn.mse_loss(model(xs), ys),
            nn.optim.Adam(model.parameters(), lr=0.05),
            epochs=40,
            batch_size=8,
            progress=False,
        )
    assert history.losses[-1] < 0.1 * history.losses[0]
    assert model[1].num_batches_tracked == 80


# --- containers ------------------------------------------------------------------------------


def test_a_modulelist_is_a_list_of_modules():
    a, b, c = (nn.Layer(1, 1, rng=i) for i in range(3))
    parts = nn.ModuleList([a])
    parts.append(c)
    parts.insert(1, b)
    assert list(parts) == [a, b, c] == list(parts[:])
    assert isinstance(parts[1:], nn.ModuleList)
    assert parts[-1] is c
    assert [name for name, _ in parts.named_modules()][:3] == ["", "0", "0.neurons.0"]
    assert [n for n, _ in parts.named_parameters()][:2] == ["0.neurons.0.w.0", "0.neurons.0.b"]
    parts[0] = c
    del parts[2]
    assert list(parts) == [c, b]
    assert parts.pop() is b
    parts += [a]
    assert len(parts) == 2
    assert {parts: 1}[parts] == 1
    assert nn.ModuleList(nn.Layer(1, 1) for _ in range(3)).eval()[2].training is False
    for bad in ([1.0], [nn.Layer], nn.Layer(1, 1), [lambda x: x]):
        with pytest.raises(TypeError, match="modules"):
            nn.ModuleList(bad)
    with pytest.raises(TypeError, match="holds modules"):
        parts[0:1] = ["a"]


def test_a_moduledict_is_a_dict_of_modules():
    a, b = nn.Layer(1, 1, rng=0), nn.Layer(1, 1, rng=0)
    parts = nn.ModuleDict({"a": a})
    parts["b"] = b
    assert list(parts.items()) == [("a", a), ("b", b)]
    assert "a" in parts
    assert [n for n, _ in parts.named_parameters()][0] == "a.neurons.0.w.0"
    assert parts.pop("a") is a
    assert parts != nn.ModuleDict({"b": b})
    assert {parts: 1}[parts] == 1
    for key in ("", "a.b", 1):
        with pytest.raises(ValueError, match="a text without dots"):
            parts[key] = a
    with pytest.raises(TypeError, match="holds modules"):
        parts["c"] = [a]


def test_a_sequential_runs_modules_and_functions():
    model = nn.Sequential(nn.Layer(2, 3, rng=0), lambda xs: [x * 2.0 for x in xs], nn.softmax)
    hidden = model[0]([1.0, 2.0])
    assert numbers(model([1.0, 2.0])) == numbers(nn.softmax([h * 2.0 for h in hidden]))
    assert [n for n, _ in model.named_parameters()][0] == "0.neurons.0.w.0"
    assert isinstance(model[:2], nn.Sequential)
    assert nn.Sequential()(3.0) == 3.0
    model.append(nn.Layer(3, 1, rng=1))
    assert isinstance(model([1.0, 2.0]), Value)
    for bad in (nn.Layer, 3, [nn.Layer(1, 1)]):
        with pytest.raises(TypeError, match="Sequential holds modules"):
            nn.Sequential(bad)


def test_softmax_is_pytorchs_and_stable(torch):
    for logits in ([0.3, -2.0, 5.0], [1000.0, 0.0], [-1000.0, -1001.0], [0.0, -math.inf], [3.0]):
        for name in ("softmax", "log_softmax"):
            xs, x = [Value(z) for z in logits], torch.tensor(logits, requires_grad=True)
            ours, theirs = getattr(nn, name)(xs), getattr(torch, name)(x, 0)
            assert numbers(ours) == pytest.approx(theirs.tolist(), rel=1e-12)
            if math.isfinite(sum(logits)):
                agrees(ours, [xs], theirs, [x])
    for bad, error in (
        (1.0, TypeError),
        (Value(1.0), TypeError),
        ([], ValueError),
        ([[1.0]], TypeError),
    ):
        with pytest.raises(error, match="softmax"):
            nn.softmax(bad)
