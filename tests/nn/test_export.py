"""Graduation: each layer in PyTorch computes the same, trains on there, and comes back."""

import random
from collections.abc import Callable
from typing import Any

import pytest

import autograd
import nn
from autograd import Value
from nn.counterparts import CHAINS, COUNTERPARTS, OPTIMISERS
from nn.export import from_torch_optimizer, tensors, to_torch_optimizer


def numbers(*shape: int) -> Any:
    rng = random.Random(sum(shape))

    def make(shape: tuple[int, ...]) -> Any:
        return [make(shape[1:]) for _ in range(shape[0])] if shape else rng.gauss(0, 1)

    return make(shape)


IMAGES, SEQUENCES, VECTORS = numbers(2, 2, 5, 6), numbers(2, 4, 3), numbers(2, 3)


def image_model() -> nn.Module:
    filters = nn.Conv2d(2, 3, 3, activation="relu")
    return nn.Sequential(filters, nn.MaxPool2d(2), nn.Flatten(), nn.Layer(6, 1), autograd.tanh)


EXAMPLES: list[tuple[type, Callable[[], nn.Module], Any]] = [
    (nn.Neuron, lambda: nn.Neuron(3, "tanh"), VECTORS),
    (nn.Layer, lambda: nn.Layer(3, 4, "softplus"), VECTORS),
    (nn.Layer, lambda: nn.Layer(3, 1, "linear"), VECTORS),
    (nn.MLP, lambda: nn.MLP(3, [5, 4], "leaky_relu"), VECTORS),
    (nn.MLP, lambda: nn.MLP(3, [5, 1], "sigmoid"), VECTORS),
    (nn.Conv2d, lambda: nn.Conv2d(2, 3, 3, stride=2, padding=1, activation="gelu"), IMAGES),
    (nn.MaxPool2d, lambda: nn.MaxPool2d(2, stride=1), IMAGES),
    (nn.Embedding, lambda: nn.Embedding(5, 3), [[0, 4, 1], [2, 2, 3]]),
    (nn.RNN, lambda: nn.RNN(3, 4), SEQUENCES),
    (nn.RNN, lambda: nn.RNN(3, 4, "relu"), SEQUENCES),
    (nn.Dropout, lambda: nn.Dropout(0.5), VECTORS),
    (nn.LayerNorm, lambda: nn.LayerNorm(3), VECTORS),
    (nn.Layer, lambda: nn.Layer(3, 4, autograd.tanh, bias=False), VECTORS),
    (nn.Conv2d, lambda: nn.Conv2d(2, 3, 2, bias=False), IMAGES),
    (nn.AvgPool2d, lambda: nn.AvgPool2d(2), IMAGES),
    (nn.Flatten, lambda: nn.Flatten(), IMAGES),
    (nn.RNN, lambda: nn.RNN(3, 4, bias=False), SEQUENCES),
    (nn.GRU, lambda: nn.GRU(3, 4), SEQUENCES),
    (nn.LSTM, lambda: nn.LSTM(3, 4), SEQUENCES),
    (nn.BatchNorm1d, lambda: nn.BatchNorm1d(3, eps=1e-3), VECTORS),
    (nn.Sequential, image_model, IMAGES),
    (nn.Sequential, lambda: nn.Sequential(nn.Layer(3, 4), nn.BatchNorm1d(4)), VECTORS),
]
each = pytest.mark.parametrize("make, xs", [(make, xs) for _, make, xs in EXAMPLES])


def test_every_layer_has_a_counterpart_and_an_example() -> None:
    kinds = {x for x in vars(nn).values() if isinstance(x, type) and issubclass(x, nn.Module)}
    kinds -= {nn.Module, nn.ModuleList, nn.ModuleDict}  # these hold modules, and compute nothing
    assert kinds <= COUNTERPARTS.keys() | CHAINS.keys()
    assert kinds <= {kind for kind, _, _ in EXAMPLES}


def made(make: Callable[[], nn.Module]) -> nn.Module:
    """A model with numbers that are not those that layers start with."""
    random.seed(1)
    model = make()
    rng = random.Random(2)
    for p in model.parameters():
        p.data += rng.uniform(-0.3, 0.3)
    for _, part in model.named_modules():
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean = [rng.uniform(-1, 1) for _ in range(part.n)]
            part.running_var = [rng.uniform(0.5, 2) for _ in range(part.n)]
            part.num_batches_tracked = 7
    return model.eval()


def flat(x: Any) -> list[float]:
    if isinstance(x, list | tuple):
        return [y for item in x for y in flat(item)]
    return [x.data if isinstance(x, Value) else float(x)]


def outputs(model: nn.Module, xs: Any) -> list[float]:
    if getattr(model, "takes_batch", False):
        return flat(model(xs))
    return flat([model(x)[0] if isinstance(model, nn.LSTM) else model(x) for x in xs])


def flat_first(x: Any) -> Any:
    return flat_first(x[0]) if isinstance(x, list) else x


def torch_outputs(module: Any, xs: Any) -> list[float]:
    torch = pytest.importorskip("torch")
    dtype = torch.int64 if isinstance(flat_first(xs), int) else torch.float64
    return flat(module(torch.tensor(xs, dtype=dtype)).tolist())


@each
def test_it_computes_the_same(make: Any, xs: Any) -> None:
    pytest.importorskip("torch")
    model = made(make)
    module = nn.to_torch(model)
    assert torch_outputs(module, xs) == pytest.approx(outputs(model, xs), rel=1e-12, abs=1e-13)


@each
def test_the_source_alone_makes_the_class(make: Any, xs: Any) -> None:
    """As a user would keep it: a file with the class, and a state dict."""
    pytest.importorskip("torch")
    model = made(make)
    module = nn.to_torch(model)
    space: dict[str, Any] = {}
    exec(module.source, space)
    again = space[type(module).__name__]().double().eval()
    again.load_state_dict(module.state_dict())
    assert torch_outputs(again, xs) == torch_outputs(module, xs)


@each
def test_numbers_come_back(make: Any, xs: Any) -> None:
    torch = pytest.importorskip("torch")
    model = made(make)
    module = nn.to_torch(model)
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.add_(0.1 * (k + 1))  # the second bias of an RNN, too, as training there would
    nn.from_torch(module, model)
    assert outputs(model, xs) == pytest.approx(torch_outputs(module, xs), rel=1e-12, abs=1e-13)


def test_modes_go_along() -> None:
    pytest.importorskip("torch")
    model = nn.Dropout(0.5)
    module = nn.to_torch(model.train())
    assert module.training
    nn.from_torch(module.eval(), model)
    assert not model.training


OPTIMIZERS: list[Callable[[Any], nn.optim.Optimizer]] = [
    lambda params: nn.optim.SGD(params, 0.05),
    lambda params: nn.optim.SGD(params, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    lambda params: nn.optim.RMSprop(params, 0.01, alpha=0.9),
    lambda params: nn.optim.Adam(params, 0.01, betas=(0.8, 0.99), weight_decay=0.1),
    lambda params: nn.optim.AdamW(params, 0.01),
]


def steps(model: nn.Module, optimizer: Any, count: int) -> None:
    for _ in range(count):
        outs = [v for x in SEQUENCES for v in model(x)[-1]]
        optimizer.zero_grad()
        autograd.sum([v * v for v in outs]).backward()
        optimizer.step()


def torch_steps(module: Any, optimizer: Any, count: int) -> None:
    torch = pytest.importorskip("torch")
    xs = torch.tensor(SEQUENCES, dtype=torch.float64)
    for _ in range(count):
        optimizer.zero_grad()
        (module(xs)[:, -1] ** 2).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_training_goes_on_there_and_here(make: Any) -> None:
    """Five steps here, five there, five here are fifteen steps here, to rounding."""
    pytest.importorskip("torch")
    model, alone = made(lambda: nn.RNN(3, 4)), made(lambda: nn.RNN(3, 4))
    optimizer, single = make(model.parameters()), make(alone.parameters())
    steps(alone, single, 15)
    steps(model, optimizer, 5)
    module = nn.to_torch(model)
    there = to_torch_optimizer(optimizer, model, module)
    torch_steps(module, there, 5)
    nn.from_torch(module, model)
    from_torch_optimizer(there, module, optimizer, model)
    if optimizer.steps:
        assert optimizer.steps == (10 if OPTIMISERS[type(optimizer)].counts else 6)
    steps(model, optimizer, 5)
    assert outputs(model, SEQUENCES) == pytest.approx(outputs(alone, SEQUENCES), rel=1e-9)


class Net(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Layer(3, 4, "linear")
        self.scale = [Value(0.5), Value(2.0)]
        self.heads = {"a": nn.MLP(4, [2, 2]), "b": nn.MLP(4, [2, 2])}

    def forward(self, x: Any) -> Any:
        seen = self.first(x)
        return [s * head(seen)[0] for s, head in zip(self.scale, self.heads.values())]


def forward(self: Any, x: Any) -> Any:
    import torch

    seen = self.first(x)
    return self.scale * torch.stack([head(seen)[..., 0] for head in self.heads.values()], -1)


def test_a_model_with_a_forward_pass_of_its_own() -> None:
    pytest.importorskip("torch")
    model = made(Net)
    module = nn.to_torch(model, forward)
    assert torch_outputs(module, VECTORS) == pytest.approx(outputs(model, VECTORS), rel=1e-12)
    assert "def forward(self: Any, x: Any)" in module.source
    assert sorted(module.state_dict()) == sorted(tensors(model))
    with pytest.raises(TypeError, match="Net.forward is code of your own"):
        nn.to_torch(model)


def test_names_and_shapes_are_those_of_pytorch() -> None:
    found = {name: tensor.shape for name, tensor in tensors(nn.MLP(3, [5, 2])).items()}
    assert found == {
        "layers.0.weight": (5, 3),
        "layers.0.bias": (5,),
        "layers.1.weight": (2, 5),
        "layers.1.bias": (2,),
    }


def test_a_module_of_other_sizes_is_refused() -> None:
    pytest.importorskip("torch")
    model = made(lambda: nn.MLP(3, [5, 2]))
    before = [p.data for p in model.parameters()]
    for other in (nn.MLP(3, [4, 2]), nn.MLP(3, [5])):
        with pytest.raises(ValueError, match="the model needs the tensor"):
            nn.from_torch(nn.to_torch(other), model)
    assert [p.data for p in model.parameters()] == before


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of PyTorch
def test_onnx_by_pytorchs_exporter(tmp_path: Any) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    model = made(lambda: nn.MLP(3, [5, 2]))
    module, x = nn.to_torch(model, dtype="float32"), torch.tensor(VECTORS)
    path = str(tmp_path / "model.onnx")
    torch.onnx.export(module, (x,), path, dynamo=True, verbose=False)
    session = runtime.InferenceSession(path)
    [found] = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    assert flat(found.tolist()) == pytest.approx(outputs(model, VECTORS), rel=1e-5)
