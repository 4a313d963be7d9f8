"""Each row of docs/departures.md about nn, run on both sides. A row without a test fails, too."""

import math
import random
import re
from pathlib import Path

import pytest

import autograd
import nn
from autograd import Value
from nn import optim, schedules

torch = pytest.importorskip("torch")
f = torch.nn.functional
PAGE = Path(__file__).resolve().parents[2] / "docs" / "departures.md"
SECTIONS = ("Layers", "Losses", "Optimisers and schedules")
ROWS = {}


def row(where):
    """The test of the row that begins so."""

    def register(test):
        assert where not in ROWS
        ROWS[where] = test
        return test

    return register


@pytest.fixture(autouse=True)
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def rows_of_the_page():
    text = PAGE.read_text(encoding="utf-8")
    found = []
    for section in SECTIONS:
        part = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
        found += re.findall(r"^\| ([^|]+?) \|", part, re.MULTILINE)
    return [where for where in found if where != "where"]


def test_each_row_has_its_test_and_each_test_its_row():
    assert sorted(rows_of_the_page()) == sorted(ROWS)


def data(values):
    return [v.data for v in values]


# --- layers ----------------------------------------------------------------------------------


@row("Data, batches")
def test_batches():
    assert torch.nn.Linear(2, 3)(torch.zeros(4, 2)).shape == (4, 3)
    with pytest.raises((TypeError, ValueError)):
        nn.Layer(2, 3)([[0.0, 0.0]] * 4)
    assert len(nn.BatchNorm1d(2)([[0.0, 1.0]] * 4)) == 4


@row("Layer, one output")
def test_one_output():
    assert torch.nn.Linear(2, 1)(torch.zeros(2)).shape == (1,)
    assert isinstance(nn.Layer(2, 1)([0.0, 0.0]), Value)


@row("Layers, how they start")
def test_start():
    theirs = torch.nn.Linear(100, 50)
    assert theirs.bias.abs().max() > 0
    assert theirs.weight.abs().max() <= 0.1
    ours = nn.Layer(100, 50, "relu", rng=0)
    assert all(n.b.data == 0.0 for n in ours.neurons)
    largest = max(abs(w.data) for n in ours.neurons for w in n.w)
    assert largest == pytest.approx(math.sqrt(6 / 100), rel=0.01)


@row("Embedding, its fans")
def test_embedding_fans():
    seen = []
    nn.Embedding(7, 3, init=lambda n, *fans: seen.append(fans[:2]) or [0.0] * n)
    assert set(seen) == {(7, 3)}
    assert torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(7, 3)) == (3, 7)


@row("Embedding, padding_idx")
def test_padding():
    theirs, ours = torch.nn.Embedding(3, 2, padding_idx=0), nn.Embedding(3, 2, padding_idx=0)
    assert theirs.weight.numel() == len(theirs.state_dict()["weight"].flatten()) == 6
    assert len(ours.parameters()) == len(ours.state_dict()) == 4
    theirs(torch.tensor([0, 1])).sum().backward()
    assert theirs.weight.grad[0].tolist() == [0.0, 0.0]


@row("MaxPool2d, ties")
def test_ties():
    image = [[[Value(1.0), Value(1.0)], [Value(1.0), Value(1.0)]]]
    nn.MaxPool2d(2)(image)[0][0][0].backward()
    assert [v.grad for line in image[0] for v in line] == [0.25] * 4
    t = torch.ones(1, 2, 2, requires_grad=True)
    torch.nn.MaxPool2d(2)(t).sum().backward()
    assert t.grad.flatten().tolist() == [1.0, 0.0, 0.0, 0.0]


@row("RNN, biases")
def test_rnn_biases():
    theirs = torch.nn.RNN(2, 3)
    assert theirs.bias_ih_l0.shape == theirs.bias_hh_l0.shape == (3,)
    assert len(nn.RNN(2, 3).parameters()) == 3 * (2 + 3 + 1)


@row("RNN and GRU, result")
def test_recurrent_results():
    xs = torch.zeros(4, 2)
    for name in ("RNN", "GRU"):
        output, last = getattr(torch.nn, name)(2, 3)(xs)
        assert output.shape == (4, 3)
        assert last.shape == (1, 3)
        states = getattr(nn, name)(2, 3)([[0.0, 0.0]] * 4)
        assert (len(states), len(states[-1])) == (4, 3)
    outputs, (h, c) = nn.LSTM(2, 3)([[0.0, 0.0]] * 4)
    assert (len(outputs), len(h), len(c)) == (4, 3, 3)


@row("Dropout, p = 1")
def test_dropout_of_all():
    assert torch.nn.Dropout(1.0)(torch.ones(2)).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="probability"):
        nn.Dropout(1.0)


@row("BatchNorm1d, jit")
def test_batchnorm_jit():
    norm = nn.BatchNorm1d(1)
    loss = autograd.jit(lambda m, xs: autograd.sum([r[0] for r in m(xs)]))
    with pytest.raises(TypeError, match="running statistics"):
        loss(norm, [[1.0], [2.0]])
    norm.eval()
    assert isinstance(loss(norm, [[1.0], [2.0]]), Value)


@row("Module, what is a parameter")
def test_what_is_a_parameter():
    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.list = [torch.nn.Parameter(torch.zeros(1))]

    class Ours(nn.Module):
        def __init__(self):
            self.list = [Value(0.0)]

    assert len(list(Theirs().parameters())) == 0
    assert len(Ours().parameters()) == 1


@row("Module, shared parameters")
def test_shared():
    a, b = torch.nn.Linear(1, 1), nn.Layer(1, 1)
    theirs = torch.nn.Sequential(a, a)
    assert len(list(theirs.parameters())) == 2
    assert len(theirs.state_dict()) == 4
    ours = nn.Sequential(b, b)
    assert len(ours.parameters()) == len(ours.state_dict()) == 2


# --- losses ----------------------------------------------------------------------------------


@row("Losses, reduction")
def test_reduction():
    one, two = torch.tensor([1.0, 2.0]), torch.zeros(2)
    assert f.mse_loss(one, two, reduction="sum").item() == 5.0
    assert nn.mse_loss([Value(1.0), Value(2.0)], [0.0, 0.0]).data == 2.5
    with pytest.raises(TypeError):
        nn.mse_loss([1.0], [1.0], reduction="sum")


@row("cross_entropy, ignore_index")
def test_ignore_index():
    logits = [[0.0, 1.0], [2.0, 0.0]]
    assert f.cross_entropy(torch.tensor(logits), torch.tensor([0, -100])) > 0
    with pytest.raises(IndexError):
        nn.cross_entropy([[Value(z) for z in row] for row in logits], [0, -100])


@row("cross_entropy, all ignored")
def test_all_ignored():
    assert math.isnan(f.cross_entropy(torch.zeros(1, 2), torch.tensor([-100])))
    with pytest.raises(ValueError, match="ignored"):
        nn.cross_entropy([[Value(0.0), Value(0.0)]], [-100], ignore_index=-100)


@row("cross_entropy, -inf at the target")
def test_masked_target():
    assert f.cross_entropy(torch.tensor([-math.inf, 0.0]), torch.tensor(0)) == math.inf
    assert math.isnan(nn.cross_entropy([Value(-math.inf), Value(0.0)], 0).data)
    others = nn.cross_entropy([Value(-math.inf), Value(0.0), Value(0.0)], 1)
    assert others.data == pytest.approx(math.log(2))


@row("cross_entropy, probabilities as targets")
def test_soft_targets():
    assert f.cross_entropy(torch.zeros(1, 2), torch.tensor([[0.3, 0.7]])) > 0
    with pytest.raises((TypeError, ValueError)):
        nn.cross_entropy([[Value(0.0), Value(0.0)]], [[0.3, 0.7]])


@row("binary_cross_entropy, at 0 and 1")
def test_certain():
    grads = {}
    for p in (0.0, 1e-20, 0.3):
        t, v = torch.tensor([p], requires_grad=True), Value(p)
        f.binary_cross_entropy(t, torch.tensor([1.0])).backward()
        nn.binary_cross_entropy([v], [1.0]).backward()
        grads[p] = t.grad.item(), v.grad
    assert grads[0.0] == (pytest.approx(-1e12), 0.0)
    assert grads[1e-20] == pytest.approx((-1e12, -1e20))
    assert grads[0.3][0] == pytest.approx(grads[0.3][1])


@row("binary_cross_entropy_with_logits, targets")
def test_targets_of_bce():
    f.binary_cross_entropy_with_logits(torch.tensor([0.0]), torch.tensor([-1.0]))
    with pytest.raises(ValueError, match="from 0 to 1"):
        nn.binary_cross_entropy_with_logits([Value(0.0)], [-1.0])


# --- optimisers and schedules ----------------------------------------------------------------


@row("Optimisers, no gradient")
def test_no_gradient():
    t, v = torch.ones(1, requires_grad=True), Value(1.0)
    torch.optim.SGD([t], lr=0.1, weight_decay=0.5).step()
    optim.SGD([v], lr=0.1, weight_decay=0.5).step()
    assert t.item() == 1.0
    assert v.data == pytest.approx(0.95)


@row("Optimisers, groups")
def test_groups():
    torch.optim.SGD([{"params": [torch.ones(1, requires_grad=True)], "lr": 0.1}])
    with pytest.raises(TypeError, match="an optimiser for each"):
        optim.SGD([{"params": [Value(1.0)]}], lr=0.1)


@row("SGD, lr")
def test_lr_of_sgd():
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)])
    assert theirs.param_groups[0]["lr"] == 0.001
    with pytest.raises(TypeError, match="lr"):
        optim.SGD([Value(1.0)])


def clipped(grads, max_norm):
    t, vs = torch.zeros(len(grads), requires_grad=True), [Value(0.0) for _ in grads]
    t.grad = torch.tensor(grads)
    for v, g in zip(vs, grads):
        v.grad = g
    torch.nn.utils.clip_grad_norm_(t, max_norm)
    optim.clip_grad_norm(vs, max_norm)
    return t.grad.tolist(), [v.grad for v in vs]


@row("clip_grad_norm, small norms")
def test_small_norms():
    theirs, ours = clipped([3e-6, 4e-6], 1e-6)
    assert math.hypot(*ours) == pytest.approx(1e-6, rel=1e-12)
    assert math.hypot(*theirs) == pytest.approx(1e-6 * 5 / 6)


@row("clip_grad_norm, huge gradients")
def test_huge_gradients():
    theirs, ours = clipped([3e200, 4e200], 1.0)
    assert theirs == [0.0, 0.0]
    assert ours == pytest.approx([0.6, 0.8])


def both_optimisers(lr=1.0):
    return optim.SGD([Value(0.0)], lr=lr), torch.optim.SGD([torch.ones(1, requires_grad=True)], lr)


def rate_of(theirs):
    return theirs.param_groups[0]["lr"]


@row("Schedules, other changes of lr")
def test_chained():
    ours, theirs = both_optimisers()
    mine = schedules.ExponentialLR(ours, 0.5)
    other = torch.optim.lr_scheduler.ExponentialLR(theirs, 0.5)
    ours.lr = theirs.param_groups[0]["lr"] = 8.0
    theirs.step()
    mine.step()
    other.step()
    assert rate_of(theirs) == 4.0
    assert ours.lr == 0.5 == mine.rate(1)


@row("Schedules, load_state_dict")
def test_loading_sets_the_rate():
    ours, theirs = both_optimisers()
    mine = schedules.ExponentialLR(ours, 0.5)
    other = torch.optim.lr_scheduler.ExponentialLR(theirs, 0.5)
    mine.step()
    theirs.step()
    other.step()
    ours.lr = theirs.param_groups[0]["lr"] = 8.0
    mine.load_state_dict(mine.state_dict())
    other.load_state_dict(other.state_dict())
    assert ours.lr == 0.5
    assert rate_of(theirs) == 8.0


@row("OneCycleLR, momentum")
def test_cycled_momentum():
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], 0.1, momentum=0.9)
    torch.optim.lr_scheduler.OneCycleLR(theirs, 1.0, total_steps=10)
    assert theirs.param_groups[0]["momentum"] == 0.95
    ours = optim.SGD([Value(0.0)], lr=0.1, momentum=0.9)
    schedules.OneCycleLR(ours, 1.0, total_steps=10)
    assert ours.momentum == 0.9


@row("OneCycleLR, after the end")
def test_after_the_cycle():
    ours, theirs = both_optimisers()
    mine = schedules.OneCycleLR(ours, 1.0, total_steps=3)
    other = torch.optim.lr_scheduler.OneCycleLR(theirs, 1.0, total_steps=3, cycle_momentum=False)
    for _ in range(2):
        mine.step()
        theirs.step()
        other.step()
    last = ours.lr
    assert last == pytest.approx(rate_of(theirs))
    with pytest.raises(ValueError, match="total steps"):
        other.step()
        other.step()
    mine.step()
    mine.step()
    assert ours.lr == last


@row("OneCycleLR, a phase without steps")
def test_a_phase_without_steps():
    ours, theirs = both_optimisers()
    with pytest.raises(ZeroDivisionError):
        torch.optim.lr_scheduler.OneCycleLR(
            theirs, 1.0, total_steps=10, pct_start=0.1, cycle_momentum=False
        )
    schedules.OneCycleLR(ours, 1.0, total_steps=10, pct_start=0.1)
    assert ours.lr == 1.0


@row("ReduceLROnPlateau, losses below 0")
def test_plateau_below_zero():
    ours, theirs = both_optimisers()
    mine = schedules.ReduceLROnPlateau(ours, patience=1)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, patience=1)
    for _ in range(10):
        mine.step(-1.0)
        other.step(-1.0)
    assert rate_of(theirs) == 1.0
    assert ours.lr < 1e-3


# --- and what is no departure ----------------------------------------------------------------


def test_fans_of_convolutions_and_eps_of_plateaus_are_no_departures():
    rng, seen = random.Random(0), []
    nn.Conv2d(2, 5, 3, rng=rng, init=lambda n, *fans: seen.append(fans[:2]) or [0.0] * n)
    assert set(seen) == {torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(5, 2, 3, 3))}
    ours, theirs = both_optimisers(1e-7)
    options = {"patience": 0, "factor": 0.95}
    mine = schedules.ReduceLROnPlateau(ours, **options)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    for _ in range(3):
        mine.step(1.0)
        other.step(1.0)
    assert ours.lr == rate_of(theirs) == 1e-7
