"""Films of trainings: what is kept, and the page as text. In a browser: tests/browser."""

import base64
import json
import random
import re
import struct

import pytest

import nn
from autograd import Value
from nn import film as film_module
from nn.film import Trace


def points(count=12):
    rng = random.Random(0)
    xs = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(count)]
    return xs, [1 if x[0] * x[1] > 0 else -1 for x in xs]


def hinge(model, xs, ys):
    return nn.hinge_loss([model(x) for x in xs], ys)


def trained(model, data, epochs=3, **options):
    optimizer = nn.optim.SGD(model.parameters(), 0.1)
    options = {"watch": True, "progress": False, "jit": False} | options
    return nn.fit(model, data, hinge, optimizer, epochs=epochs, **options)


def data_of(page):
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


def unpacked(text):
    raw = base64.b64decode(text)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def test_fit_keeps_the_parameters_of_each_epoch_and_their_gradients():
    model = nn.MLP(2, [3, 1], rng=random.Random(0))
    before = [p.data for p in model.parameters()]
    history = trained(model, points(), validation=points(5))
    data = data_of(history.film().html)
    assert data["epochs"] == [0, 1, 2, 3]
    assert unpacked(data["weights"][0]) == pytest.approx(before, rel=1e-6)
    assert unpacked(data["weights"][3]) == pytest.approx(
        [p.data for p in model.parameters()], rel=1e-6
    )
    assert unpacked(data["gradients"][3]) == pytest.approx(
        [p.grad for p in model.parameters()], rel=1e-6
    )
    assert [float(x) for x in data["losses"]] == history.losses
    assert [float(x) for x in data["validation"]] == history.validation_losses
    assert data["names"] == [name for name, _ in model.named_parameters()]


def test_watching_changes_no_number_and_not_watching_is_said():
    one, other = (nn.MLP(2, [3, 1], rng=random.Random(0)) for _ in range(2))
    assert trained(one, points()).losses == trained(other, points(), watch=False).losses
    with pytest.raises(ValueError, match=r"nn.fit\(..., watch=True\)"):
        trained(other, points(), watch=False).film()


def test_a_compiled_training_is_filmed_like_a_plain_one():
    pytest.importorskip("numpy")
    films = []
    for jit in (False, True):
        model = nn.MLP(2, [3, 1], "tanh", rng=random.Random(0))
        films.append(data_of(trained(model, points(), jit=jit).film().html))
    for what in ("weights", "gradients"):
        for plain, compiled in zip(films[0][what], films[1][what], strict=True):
            assert unpacked(compiled) == pytest.approx(unpacked(plain), rel=1e-5, abs=1e-7)
    assert any(unpacked(films[1]["gradients"][-1]))


def test_a_loop_of_ones_own_is_watched_by_hand():
    model = nn.Neuron(1, "linear", rng=random.Random(0))
    xs, ys = [[0.0], [1.0]], [1.0, 3.0]
    watched = nn.watch(model, (xs, ys))
    with pytest.raises(ValueError, match="watched.record"):
        watched.film()
    for _ in range(4):
        loss = nn.mse_loss([model(x) for x in xs], ys)
        model.zero_grad()
        loss.backward()
        nn.optim.SGD(model.parameters(), 0.1).step()
        watched.record(loss)
    film = watched.film()
    assert repr(film) == "<film of 4 epochs in 5 frames>"
    assert data_of(film.html)["targets"] == ys


def test_the_graph_of_the_model_has_its_units_and_weights():
    model = nn.MLP(2, [3, 1], rng=random.Random(0))
    data = data_of(trained(model, points()).film().html)["model"]
    assert [(u["op"], u["column"], len(u["sources"])) for u in data["units"]] == [
        ("relu", 1, 2), ("relu", 1, 2), ("relu", 1, 2), ("dot", 2, 3)
    ]  # fmt: skip
    used = {place for u in data["units"] for _, place in u["sources"]}
    used |= {u["bias"] for u in data["units"]}
    assert used == set(range(len(model.parameters())))
    assert len(data["inputs"]) == 2 and len(data["outputs"]) == 1


class Branching(nn.Module):
    """Computes another way for other examples: its graph for one is not its graph for all."""

    def __init__(self):
        self.w = Value(0.5, "w")

    def forward(self, x):
        first = x[0].data if isinstance(x[0], Value) else x[0]
        return self.w * x[0] if first > 0 else self.w * x[1] * 3.0


def test_a_model_that_branches_has_a_film_without_a_map():
    xs, ys = points()
    assert Trace.of(Branching(), xs) is None
    watched = nn.watch(Branching(), (xs, ys))
    watched.record(1.0)
    assert data_of(watched.film().html)["model"] is None
    tokens = nn.Embedding(3, 2, rng=random.Random(0))
    assert Trace.of(tokens, [1, 2]) is None


def test_tracing_leaves_the_model_as_it_was():
    model = nn.MLP(2, [3, 1], rng=random.Random(0))
    model.layers[0].eval()
    modes = [m.training for _, m in model.named_modules()]
    grads = [p.grad for p in model.parameters()]
    assert Trace.of(model, points()[0]) is not None
    assert [m.training for _, m in model.named_modules()] == modes
    assert [p.grad for p in model.parameters()] == grads


def test_a_film_of_50_frames_of_two_moons_is_small():
    model = nn.MLP(2, [16, 16, 1], rng=random.Random(0))
    watched = nn.watch(model, points(200))
    for k in range(50):
        for p in model.parameters():
            p.data += 0.01 * k
        watched.record(1.0 / (k + 1))
    page = watched.film().html
    assert len(data_of(page)["weights"]) == 51
    assert len(page.encode()) < 500_000


def test_a_long_training_keeps_some_epochs_and_the_last():
    model = nn.Neuron(1, rng=random.Random(0))
    watched = nn.watch(model, ([[0.0]], [1.0]))
    for _ in range(1001):
        watched.record(0.5)
    epochs = data_of(watched.film().html)["epochs"]
    assert epochs[0] == 0 and epochs[-1] == 1001
    assert len(epochs) <= film_module.MOST_FRAMES + 1
    gaps = {b - a for a, b in zip(epochs, epochs[1:-1])}
    assert len(gaps) == 1


def test_a_model_too_large_for_a_page_is_refused_with_the_reason(monkeypatch):
    model = nn.MLP(2, [16, 1], rng=random.Random(0))
    watched = nn.watch(model, points())
    for _ in range(40):
        watched.record(1.0)
    monkeypatch.setattr(film_module, "MOST_NUMBERS", 2 * 65 * 20)
    assert data_of(watched.film().html)["epochs"][-1] == 40
    assert len(data_of(watched.film().html)["epochs"]) == 20
    monkeypatch.setattr(film_module, "MOST_NUMBERS", 1000)
    with pytest.raises(ValueError, match="65 parameters"):
        watched.film()


def test_the_page_stands_alone_and_says_the_losses_without_scripts():
    film = trained(nn.MLP(2, [3, 1], rng=random.Random(0)), points()).film()
    page = film.html
    assert set(re.findall(r"https?://[^\"'\s)]*", page)) == {"http://www.w3.org/2000/svg"}
    assert page.count("<script") == page.count("</script>") == 2
    assert page.count("<li>epoch") == 3
    assert 'id="film" class="hidden"' in page and "loss curve" in page
    bundle = film._repr_mimebundle_()
    assert len(bundle["text/html"].splitlines()) == 1
    assert "sandbox='allow-scripts'" in bundle["text/html"]


def test_losses_that_are_not_finite_still_make_a_film():
    watched = nn.watch(nn.Neuron(1, rng=random.Random(0)), ([[0.0]], [1.0]))
    watched.record(float("nan"))
    assert data_of(watched.film().html)["losses"] == ["NaN"]
