"""`fit`, and micrograd's own usage."""

import builtins
import math
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import autograd
import nn
from autograd import Value
from nn import optim, schedules

ROOT = Path(__file__).resolve().parents[2]


def line_data(n=20):
    xs = [[i / n] for i in range(n)]
    return xs, [3.0 * x[0] - 1.0 for x in xs]


def squared(model, xs, ys):
    return nn.mse_loss([model(x) for x in xs], ys)


def fit(model=None, data=None, loss=squared, lr=0.1, **options):
    model = model or nn.MLP(1, [1], rng=random.Random(0))
    options = {"epochs": 3, "batch_size": 5, "progress": False, **options}
    return nn.fit(model, data or line_data(), loss, optim.SGD(model.parameters(), lr), **options)


def test_fit_learns_and_keeps_the_history():
    model = nn.MLP(1, [1], rng=random.Random(0))
    history = fit(model, lr=0.3, epochs=60, validation=line_data(7))
    assert len(history.losses) == len(history.validation_losses) == 60
    assert history.losses[-1] < 1e-4 < history.losses[0]
    assert model([1.0]).data == pytest.approx(2.0, abs=0.05)
    assert history.stopped == ""


def test_fit_is_the_loop_written_by_hand():
    one, two = (nn.MLP(1, [3, 1], "tanh", rng=random.Random(0)) for _ in range(2))
    (xs, ys), order, rng = line_data(), list(range(20)), random.Random(5)
    losses = []
    for _ in range(2):
        rng.shuffle(order)
        terms = []
        for start in (0, 8, 16):
            batch = order[start : start + 8]
            loss = squared(one, [xs[i] for i in batch], [ys[i] for i in batch])
            one.zero_grad()
            loss.backward()
            for p in one.parameters():
                p.data -= 0.1 * p.grad
            terms.append(loss.data * len(batch))
        losses.append(math.fsum(terms) / 20)
    history = fit(two, epochs=2, batch_size=8, seed=5)
    assert one.state_dict() == two.state_dict()
    assert history.losses == losses


@pytest.mark.parametrize("make", [optim.SGD, optim.AdamW])
def test_a_compiled_training_gives_the_numbers_of_a_plain_one(make):
    pytest.importorskip("numpy")
    histories, models = [], []
    for jit in (False, True):
        model = nn.MLP(1, [4, 1], "tanh", rng=random.Random(0))
        histories.append(
            nn.fit(
                model,
                line_data(22),  # the last batch is a smaller one
                squared,
                make(model.parameters(), lr=0.05),
                epochs=4,
                batch_size=5,
                validation=line_data(7),
                metrics={"twice": lambda m, xs, ys: 2 * squared(m, xs, ys)},
                patience=4,
                jit=jit,
                progress=False,
            )
        )
        models.append(model)
    plain, compiled = histories
    assert compiled.losses == pytest.approx(plain.losses, rel=1e-10)
    assert compiled.validation_losses == pytest.approx(plain.validation_losses, rel=1e-10)
    assert compiled.metrics["twice"] == pytest.approx(plain.metrics["twice"], rel=1e-10)
    assert models[1].state_dict() == pytest.approx(models[0].state_dict(), rel=1e-10)


def test_the_seed_decides_the_order_of_the_batches():
    def end(seed):
        model = nn.MLP(1, [1], rng=random.Random(0))
        fit(model, seed=seed)
        return model.state_dict()

    assert end(1) == end(1) != end(2)


def test_metrics_see_the_validation_data_in_evaluation_mode_without_gradients():
    seen = []

    def metric(model, xs, ys):
        seen.append((model.training, len(xs), model(xs[0]).parents))
        return 0.5

    model = nn.MLP(1, [1])
    history = fit(model, metrics={"half": metric}, validation=line_data(7), epochs=2)
    assert history.metrics == {"half": [0.5, 0.5]}
    assert seen == [(False, 7, ()), (False, 7, ())]
    assert model.training
    assert "half 0.5" in history.line()


def test_fit_gives_each_module_its_mode_back():
    model = nn.MLP(1, [2, 1])
    model.layers[0].eval()
    modes = [m.training for _, m in model.named_modules()]
    fit(model, validation=line_data(3))
    assert [m.training for _, m in model.named_modules()] == modes


@pytest.mark.parametrize("jit", [False, True])
def test_early_stopping_restores_the_best_weights(jit):
    xs, ys = line_data(8)
    ys = [-y for y in ys]
    model, again = (nn.MLP(1, [1], rng=random.Random(0)) for _ in range(2))
    history = fit(model, validation=(xs, ys), epochs=50, patience=3, jit=jit)
    best = history.validation_losses.index(min(history.validation_losses))
    assert history.stopped == "early"
    assert len(history.losses) == best + 1 + 3
    fit(again, epochs=best + 1, jit=jit)
    assert model.state_dict() == again.state_dict()
    # Eager and compiled code may round a sum differently, so each is asked for its own number.
    measured = (autograd.jit(squared) if jit else squared)(model, xs, ys)
    assert measured.data == history.validation_losses[best]


def test_a_schedule_steps_after_each_epoch():
    model = nn.MLP(1, [1])
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = schedules.StepLR(optimizer, 2, gamma=0.5)
    nn.fit(model, line_data(), squared, optimizer, epochs=4, schedule=schedule, progress=False)
    assert optimizer.lr == pytest.approx(0.025)
    plateau = schedules.ReduceLROnPlateau(optimizer, factor=0.1, patience=0, threshold=0.99)
    nn.fit(model, line_data(), squared, optimizer, epochs=3, schedule=plateau, progress=False)
    assert optimizer.lr == pytest.approx(0.00025)


def test_an_interrupt_leaves_a_usable_model_and_the_history():
    model, calls = nn.MLP(1, [1]), []

    def interrupted(model, xs, ys):
        calls.append(1)
        if len(calls) == 10:  # in the third epoch of four batches
            raise KeyboardInterrupt
        return squared(model, xs, ys)

    model.eval()
    history = fit(model, loss=interrupted, epochs=9, jit=False)
    assert history.stopped == "interrupted"
    assert len(history.losses) == 2
    assert not model.training
    assert math.isfinite(model([1.0]).data)


def test_ctrl_c_in_a_real_process_returns_the_history(tmp_path):
    code = f"""
        import random, sys
        sys.path.insert(0, {str(ROOT)!r})
        import nn
        model = nn.MLP(1, [8, 1])
        data = [[i / 50] for i in range(50)], [i / 50 for i in range(50)]
        def loss(model, xs, ys):
            print("going", flush=True)
            return nn.mse_loss([model(x) for x in xs], ys)
        history = nn.fit(model, data, loss, nn.optim.SGD(model.parameters(), lr=0.01),
                         epochs=100000, progress=False)
        print(history.stopped, len(nn.MLP(1, [8, 1]).parameters()), model([1.0]).data)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "going\n"
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "interrupted 25" in rest


def test_progress_shows_a_bar_with_tqdm(capsys):
    pytest.importorskip("tqdm")
    fit(progress=True, epochs=2)
    assert "8/8" in capsys.readouterr().err


def test_progress_prints_some_lines_without_tqdm(capsys, monkeypatch):
    real = builtins.__import__

    def without_tqdm(name, *args, **kwargs):
        if name == "tqdm":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_tqdm)
    fit(progress=True, epochs=25)
    lines = capsys.readouterr().err.splitlines()
    assert 10 <= len(lines) <= 13
    assert lines[-1].startswith("epoch 25/25: loss ")


def test_no_progress_is_silent(capsys):
    fit()
    assert capsys.readouterr() == ("", "")


# --- misuse ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (([], []), ValueError, "data is empty"),
        (([[1.0]], []), ValueError, "1 inputs, but 0 targets"),
        ([([1.0], 1.0)], TypeError, r"tuple\(zip\(\*pairs\)\)"),
        (3, TypeError, r"\(xs, ys\)"),
    ],
)
def test_data_that_is_no_pair_of_sequences_teaches(data, error, says):
    with pytest.raises(error, match=says):
        fit(data=data)
    with pytest.raises(error, match=says.replace("data", "validation")):
        fit(validation=data)


@pytest.mark.parametrize(
    ("loss", "error", "says"),
    [
        (lambda m, xs, ys: None, TypeError, "a NoneType.*return"),
        (lambda m, xs, ys: [m(x) for x in xs], TypeError, r"a list.*autograd\.sum"),
        (lambda m, xs, ys: squared(m, xs, ys).data, TypeError, "a float"),
        (lambda m, xs, ys: Value(1.0), TypeError, "does not depend"),
        (lambda m, xs, ys: squared(m, xs, ys) * math.nan, ValueError, "nan in epoch 1"),
        (lambda m, xs, ys: squared(m, xs, ys) * math.inf, ValueError, "inf in epoch 1"),
        (nn.cross_entropy, TypeError, "lambda model, xs, ys"),
        (nn.huber_loss, TypeError, "lambda model, xs, ys"),
    ],
)
def test_a_loss_that_cannot_train_teaches_and_changes_nothing(loss, error, says):
    model = nn.MLP(1, [1])
    before = model.state_dict()
    with pytest.raises(error, match=says):
        fit(model, loss=loss)
    assert model.state_dict() == before


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"patience": 3},
        {"epochs": "3"},
        {"epochs": 2.5},
        {"batch_size": True},
        {"validation": line_data(3), "patience": 1.5},
    ],
)
def test_impossible_options_raise(options):
    with pytest.raises(ValueError, match="epochs and batch_size|patience"):
        fit(**options)


# --- micrograd -------------------------------------------------------------------------------


def test_micrograds_demo_runs_with_only_the_imports_changed():
    np = pytest.importorskip("numpy")
    make_moons = pytest.importorskip("sklearn.datasets").make_moons
    np.random.seed(1337)
    random.seed(1337)
    X, y = make_moons(n_samples=60, noise=0.1)
    y = y * 2 - 1
    model = nn.MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337

    def loss():
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores)]
        data_loss = sum(losses) * (1.0 / len(losses))
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores)]
        return total_loss, sum(accuracy) / len(accuracy)

    for k in range(70):
        total_loss, acc = loss()
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
    assert acc >= 0.95
    assert total_loss.data < 0.15


def test_micrograds_trace_and_names_work_on_a_neuron():
    n = nn.Neuron(2)
    x = [Value(1.0), Value(-2.0)]
    root = n(x)
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    assert {v._op for v in nodes} == {"relu", "dot", ""}
    assert len(nodes) == 7
    assert len(edges) == 6


def test_by_default_jit_is_used_if_it_can_be():
    pytest.importorskip("numpy")

    def looks(model, xs, ys):
        loss = squared(model, xs, ys)
        return loss if loss > 0 else -loss

    model = nn.MLP(1, [1])
    with pytest.warns(UserWarning, match="fit goes on without jit"):
        history = fit(model, loss=looks, epochs=9)
    plain = fit(nn.MLP(1, [1]), loss=squared, epochs=9, jit=False)
    assert len(history.losses) == len(plain.losses) == 9
    with pytest.raises(TypeError, match="jit"):
        fit(model, loss=looks, epochs=2, jit=True)
