"""What every layer goes through: a layer that is registered in battery.py inherits all of this."""

import copy
import inspect
import math
import pickle

import pytest
from battery import CASES, filled, inputs, leaves, numbers, shaken, shape_of

import autograd
import nn
from autograd import Value, no_grad
from autograd import value as engine

each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
with_pytorch = pytest.mark.parametrize(
    "case", [c for c in CASES.values() if c.theirs], ids=[n for n, c in CASES.items() if c.theirs]
)


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(torch.float32)


def weighted(outputs):
    """One number that depends on every output differently."""
    terms = [v * math.sin(i + 1.0) + v * v for i, v in enumerate(leaves(outputs))]
    return autograd.sum(terms)


def test_every_layer_is_in_the_battery():
    covered = {name.split(",")[0].split(" of ")[0] for name in CASES}
    assert covered == set(nn.layers.__all__)


def test_every_option_of_a_layer_is_in_the_battery():
    """But for rng, init and fan_out, which only say how it starts."""
    source = inspect.getsource(__import__("battery"))
    for name in nn.layers.__all__:
        for option in inspect.signature(getattr(nn, name).__init__).parameters.values():
            if option.default is not option.empty and option.kind is option.KEYWORD_ONLY:
                assert option.name in ("rng", "init", "fan_out") or f"{option.name}=" in source


@each
def test_shapes(case):
    out = case.ours(case.make(), inputs(case))
    assert shape_of(out) == case.out
    assert all(isinstance(v, Value) for v in leaves(out))


@each
def test_plain_numbers_and_arrays_give_the_same(case):
    np = pytest.importorskip("numpy")
    xs = inputs(case)
    plain = case.tokens or numbers(xs)
    expected = numbers(case.ours(shaken(case.make()), xs))
    for given in (plain, np.array(plain)):
        assert numbers(case.ours(shaken(case.make()), given)) == expected
    with no_grad():
        assert numbers(case.ours(shaken(case.make()), xs)) == expected


@each
def test_a_wrong_shape_raises_and_names_the_layer(case):
    if case.wrong is None:
        pytest.skip("takes any shape, or tokens")
    with pytest.raises(ValueError, match=r"(takes|needs) (an |a |at )?.*, but got"):
        case.ours(case.make(), filled(case.wrong, lambda: 1.0))


@each
def test_gradients_are_those_of_differences(case):
    layer, xs = shaken(case.make()), inputs(case)
    of_inputs = [] if case.tokens else leaves(xs)
    weighted(case.ours(layer, xs)).backward()
    for v in [*layer.parameters(), *of_inputs]:
        start, h = v.data, 1e-6
        around = []
        for v.data in (start - h, start + h):
            around.append(weighted(case.ours(layer, xs)).data)
        v.data = start
        assert v.grad == pytest.approx((around[1] - around[0]) / (2 * h), rel=1e-5, abs=1e-7)


def set_theirs(torch, module, ours):
    """PyTorch's module with our numbers."""
    state = {name: torch.tensor(numbers(nested)) for name, nested in ours.items()}
    missing, unknown = module.load_state_dict(state, strict=False)
    assert not unknown
    assert all("running" in name or "num_b" in name or "bias_hh" in name for name in missing)


def set_ours(torch, module, ours):
    """Our layer with PyTorch's numbers."""
    for name, nested in ours.items():
        for v, x in zip(leaves(nested), module.state_dict()[name].flatten().tolist()):
            v.data = x


def agree(torch, case, layer, module, seed):
    """Outputs and all gradients are PyTorch's, at these inputs."""
    xs = inputs(case, seed)
    x = torch.tensor(case.tokens or numbers(xs), requires_grad=not case.tokens)
    for p in layer.parameters():
        p.grad = 0.0
    module.zero_grad()
    out, theirs = case.ours(layer, xs), case.call(module, x)
    assert torch.allclose(torch.tensor(numbers(out)), theirs, rtol=1e-9, atol=1e-11)
    weighted(out).backward()
    flat = theirs.flatten()
    factors = torch.tensor([math.sin(i + 1.0) for i in range(len(flat))])
    (flat * factors + flat * flat).sum().backward()
    if not case.tokens:
        assert torch.allclose(torch.tensor(numbers(xs, "grad")), x.grad, rtol=1e-8, atol=1e-10)
    found = dict(module.named_parameters())
    for name, nested in case.weights(layer).items():
        trained = [type(v) is not engine.Constant for v in leaves(nested)]
        grads = torch.tensor(numbers(nested, "grad")) * torch.tensor(trained).reshape(
            found[name].shape
        )
        assert torch.allclose(grads, found[name].grad, rtol=1e-8, atol=1e-10), name


@with_pytorch
def test_a_layer_is_pytorchs_both_ways(torch, case):
    torch.manual_seed(0)
    layer, module = shaken(case.make()), case.theirs(torch)
    shape = {name: torch.tensor(numbers(x)).shape for name, x in case.weights(layer).items()}
    assert shape == {name: module.state_dict()[name].shape for name in shape}
    set_theirs(torch, module, case.weights(layer))
    agree(torch, case, layer, module, 1)
    layer, module = case.make(), case.theirs(torch)
    set_ours(torch, module, case.weights(layer))
    agree(torch, case, layer, module, 2)


@with_pytorch
def test_a_layer_is_pytorchs_over_20_steps(torch, case):
    """Trained beside it, buffers and all; then in evaluation, too."""
    layer, module = shaken(case.make()), case.theirs(torch)
    set_theirs(torch, module, case.weights(layer))
    if layer.parameters():
        ours = nn.optim.SGD(layer.parameters(), lr=0.01, momentum=0.9)
        theirs = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    for seed in range(20):
        agree(torch, case, layer, module, seed)
        if layer.parameters():
            ours.step()
            theirs.step()
    for name, nested in case.weights(layer).items():
        found = torch.tensor(numbers(nested))
        assert torch.allclose(found, module.state_dict()[name], rtol=1e-8, atol=1e-9)
    for name, x in layer.named_buffers():
        name, _, i = name.rpartition(".") if name[-1].isdigit() else (name, "", 0)
        assert x == pytest.approx(module.state_dict()[name].reshape(-1)[int(i)].item(), rel=1e-10)
    layer.eval()
    module.eval()
    agree(torch, case, layer, module, 21)


@each
def test_states_go_round_through_dicts_files_and_copies(case, tmp_path):
    layer, other = shaken(case.make()), case.make()
    case.ours(layer, inputs(case))  # buffers move
    state = layer.state_dict()
    assert len(set(state)) == len(state)
    assert len(layer.parameters()) + len(list(layer.named_buffers())) == len(state)
    nn.save(layer, tmp_path / "layer.json")
    nn.load(other, tmp_path / "layer.json")
    assert other.state_dict() == state
    twin = copy.deepcopy(layer)
    assert twin.state_dict() == state
    assert not set(twin.parameters()) & set(layer.parameters())
    layer.eval()
    other.eval()
    out = numbers(case.ours(layer, inputs(case)))
    assert numbers(case.ours(other, inputs(case))) == out
    if "function" not in repr(layer) and "lambda" not in repr(layer):
        twin = pickle.loads(pickle.dumps(layer))
        assert numbers(case.ours(twin, inputs(case))) == out


@each
@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_compiled_it_gives_the_same_numbers(case, backend):
    pytest.importorskip("numpy")
    if not case.jits:
        pytest.skip("keeps running statistics, and says so")
    layer, twin = shaken(case.make()), shaken(case.make())
    loss = autograd.jit(lambda layer, xs: weighted(case.ours(layer, xs)), backend=backend)
    for seed in (1, 2):
        xs = case.tokens or numbers(inputs(case, seed))
        if case.tokens and seed == 2:
            xs = xs[::-1]
        expected = weighted(case.ours(twin, xs))
        found = loss(layer, xs)
        assert found.data == pytest.approx(expected.data, rel=1e-12)
        if layer.parameters():
            layer.zero_grad()
            twin.zero_grad()
            expected.backward()
            found.backward()
            grads = [p.grad for p in twin.parameters()]
            assert [p.grad for p in layer.parameters()] == pytest.approx(grads, rel=1e-9, abs=1e-12)


def test_only_running_statistics_look_at_numbers():
    for module in (nn.layers.dense, nn.layers.image, nn.layers.sequence, nn.layers.containers):
        assert ".data" not in inspect.getsource(module)
    for module in (nn.losses, nn.functional):
        assert ".data" not in inspect.getsource(module)
    normal = inspect.getsource(nn.layers.normal)
    track = inspect.getsource(nn.BatchNorm1d.track)
    assert ".data" not in normal.replace(track, "")
