"""The film of a training in a real browser: it plays, scrubs, and computes what Python computes."""

import random

import pytest

import nn
from autograd import no_grad

pytestmark = pytest.mark.browser


def moons(count=40):
    rng = random.Random(1)
    xs = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(count)]
    return xs, [1 if x[1] > x[0] ** 2 - 0.4 else -1 for x in xs]


def film_of(model, data, loss, epochs=8, **options):
    optimizer = nn.optim.SGD(model.parameters(), 0.1)
    options = {"watch": True, "progress": False, "jit": False} | options
    return nn.fit(model, data, loss, optimizer, epochs=epochs, **options).film()


def hinge(model, xs, ys):
    return nn.hinge_loss([model(x) for x in xs], ys)


def opened(page, film, path):
    film.save(path / "film.html")
    page.goto((path / "film.html").as_uri())


def canvases(page):
    return page.evaluate(
        "() => ['network', 'answers', 'losses', 'activations'].map((id) => $(id).toDataURL())"
    )


def test_the_film_plays_to_its_end_and_scrubs_back(page, tmp_path):
    page.clock.install()
    model = nn.MLP(2, [6, 6, 1], rng=random.Random(0))
    opened(page, film_of(model, moons(), hinge, validation=moons(9)), tmp_path)
    first = canvases(page)
    assert page.inner_text("#told").startswith("Epoch 0: before the training, ")
    page.click("#play")
    assert page.inner_text("#play") == "Pause"
    page.clock.run_for(20_000)
    assert page.inner_text("#epoch") == "epoch 8 of 8"
    assert page.inner_text("#play") == "Play"
    assert page.get_attribute("#told", "aria-live") == "polite"
    last = canvases(page)
    assert all(a != b for a, b in zip(first, last))
    page.fill("#slider", "0")
    assert canvases(page) == first
    for key, epoch in [("End", 8), ("ArrowLeft", 7), ("Home", 0), ("ArrowRight", 1)]:
        page.focus("#next") if key != "Home" else None
        page.keyboard.press(key)
        assert page.inner_text("#epoch") == f"epoch {epoch} of 8"
    before = canvases(page)[0]
    page.check("#gradients")
    assert canvases(page)[0] != before
    page.click("#losses", position={"x": 300, "y": 60})
    assert page.inner_text("#epoch") != "epoch 1 of 8"


def test_its_answers_are_those_of_the_model(page, tmp_path):
    model = nn.MLP(2, [6, 6, 1], rng=random.Random(0))
    xs, ys = moons()
    opened(page, film_of(model, (xs, ys), hinge), tmp_path)
    theirs = page.evaluate("answers(last).map((held) => outputsOf(held)[0])")
    with no_grad():
        mine = [model(x).data for x in xs]
    assert theirs == pytest.approx(mine, abs=1e-4)
    right = sum((out > 0) == (y > 0) for out, y in zip(mine, ys))
    page.keyboard.press("End")
    assert f"{right} of {len(xs)} right" in page.inner_text("#told")
    assert f"{right} of {len(xs)} right" in page.inner_text("#answered")


def test_dead_units_are_counted(page, tmp_path):
    model = nn.MLP(2, [4, 1], rng=random.Random(0))
    model.layers[0].neurons[1].b.data = -100.0
    opened(page, film_of(model, moons(), hinge), tmp_path)
    assert "1 dead unit" in page.inner_text("#told")
    assert "1 dead" in page.get_attribute("#network", "aria-label")
    assert "1 dead" in page.get_attribute("#activations", "aria-label")


def test_misread_images_are_shown(page, tmp_path):
    rng = random.Random(2)
    xs = [[rng.random() for _ in range(16)] for _ in range(20)]
    ys = [max(range(3), key=lambda k: x[k]) for x in xs]
    model = nn.MLP(16, [5, 3], "tanh", rng=rng)

    def loss(model, xs, ys):
        return nn.cross_entropy([model(x) for x in xs], ys)

    opened(page, film_of(model, (xs, ys), loss, epochs=2), tmp_path)
    page.keyboard.press("End")
    with no_grad():
        outs = [[v.data for v in model(x)] for x in xs]
    wrong = sum(out.index(max(out)) != y for out, y in zip(outs, ys))
    assert page.inner_text("#answered").startswith(f"Misread: {wrong} of 20 images")


class Product(nn.Module):
    """Not made of weighted sums: nothing to draw as a network."""

    def __init__(self):
        self.a = nn.Neuron(1, rng=random.Random(0))

    def forward(self, x):
        return self.a.w[0] * x[0] * x[0] + self.a.b


@pytest.mark.parametrize("inputs", [1, 3])
def test_other_models_and_data_are_shown_too(page, tmp_path, inputs):
    rng = random.Random(0)
    xs = [[rng.uniform(-1, 1) for _ in range(inputs)] for _ in range(10)]
    ys = [x[0] ** 2 for x in xs]

    def loss(model, xs, ys):
        return nn.mse_loss([model(x) for x in xs], ys)

    opened(page, film_of(Product(), (xs, ys), loss, epochs=3), tmp_path)
    page.keyboard.press("End")
    words = {1: "The function that the model is", 3: "Answers against targets"}
    assert page.inner_text("#answered").startswith(words[inputs])
    assert "size" in page.get_attribute("#network", "aria-label")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_film_is_as_wide_as_its_window(page, tmp_path, width):
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, film_of(nn.MLP(2, [4, 1], rng=random.Random(0)), moons(), hinge), tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_the_losses_are_there_and_no_control(chromium):
    film = film_of(nn.MLP(2, [4, 1], rng=random.Random(0)), moons(), hinge)
    inside = film.html.replace("&", "&amp;").replace("'", "&#39;")
    page = chromium.new_page()
    page.set_content(f"<iframe srcdoc='{inside}' sandbox='' width=900 height=650></iframe>")
    frame = page.frame_locator("iframe")
    assert "epoch 8: loss" in frame.locator("body").inner_text()
    assert frame.locator("button:visible, input:visible, canvas:visible").count() == 0
    page.context.close()
