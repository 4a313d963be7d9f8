"""Code written for micrograd, its lectures and microgpt, with only the imports changed."""

import copy
import math
import pickle
import random

import pytest

import nn
from autograd import Value, draw, explain, grad, steps

# --- the lecture, first half: a graph by hand, and a neuron whose tanh is not there yet ----------


def test_the_first_expression_with_gradients_filled_in_by_hand():
    a = Value(2.0, label="a")
    b = Value(-3.0, label="b")
    c = Value(10.0, label="c")
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    f = Value(-2.0, label="f")
    L = d * f
    L.label = "L"
    assert str(L).startswith("Value(data=-8")
    L.grad = 1.0
    f.grad, d.grad = 4.0, -2.0
    c.grad, e.grad = -2.0, -2.0
    a.grad, b.grad = -2.0 * -3.0, -2.0 * 2.0
    for v in (a, b, c, f):
        v.data += 0.01 * v.grad
    assert ((a * b + c) * f).data == pytest.approx(-7.286496)


def neuron(tanh):
    """The lecture's neuron: (its inputs and weights, its nodes in order, its output)."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1, x2w2 = x1 * w1, x2 * w2
    x1w1x2w2 = x1w1 + x2w2
    n = x1w1x2w2 + b
    o = tanh(n)
    return (x1, x2, w1, w2), (o, n, x1w1x2w2, x1w1, x2w2), o


def tanh_with_a_closure(x):
    """As the lecture adds tanh to its Value, with `_children` by position."""
    t = (math.exp(2 * x.data) - 1) / (math.exp(2 * x.data) + 1)
    out = Value(t, (x,), "tanh")

    def _backward():
        x.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


EXPECTED = [-1.5, 0.5, 1.0, 0.0]


@pytest.mark.parametrize("tanh", [tanh_with_a_closure, Value.tanh], ids=["by hand", "ours"])
def test_backward_called_by_hand_node_by_node(tanh):
    leaves, nodes, o = neuron(tanh)
    o.grad = 1.0
    for v in nodes:
        v._backward()
    assert [v.grad for v in leaves] == pytest.approx(EXPECTED)


def test_backward_called_by_hand_over_the_lectures_topological_order():
    leaves, _, o = neuron(tanh_with_a_closure)
    topo, visited = [], set()

    def build_topo(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build_topo(child)
            topo.append(v)

    build_topo(o)
    o.grad = 1.0
    for node in reversed(topo):
        node._backward()
    assert [v.grad for v in leaves] == pytest.approx(EXPECTED)


def test_backward_finds_the_derivative_in_a_closure():
    leaves, _, o = neuron(tanh_with_a_closure)
    o.backward()
    assert [v.grad for v in leaves] == pytest.approx(EXPECTED)
    o.backward()
    assert [v.grad for v in leaves] == pytest.approx([2 * x for x in EXPECTED])


def test_tanh_out_of_exp_gives_the_same():
    def tanh(n):
        e = (2 * n).exp()
        return (e - 1) / (e + 1)

    leaves, _, o = neuron(tanh)
    o.backward()
    assert [v.grad for v in leaves] == pytest.approx(EXPECTED)


def test_a_node_made_by_hand_is_a_node_like_any_other():
    a = Value(3.0, "a")
    out = Value(9.0, _children=(a, a), _op="square", label="out")

    def _backward():
        a.grad += 2 * a.data * out.grad

    out._backward = _backward
    loss = out * 2.0 + a
    assert (out.label, out._op, out._prev, out._children) == ("out", "square", (a, a), (a, a))
    assert out._backward is _backward
    loss.backward()
    assert (a.grad, out.grad) == (13.0, 2.0)
    assert out.partials == (6.0, 0.0)
    assert (a.grad, out.grad) == (13.0, 2.0)  # looking at the partials changes nothing
    assert explain(loss, a).gradient == 13.0
    assert "square" in draw(loss).dot
    assert any("square" in str(step) for step in steps(loss))
    for clone in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        clone.backward()
        assert clone.parents[1].grad == 26.0


def test_a_closure_that_fails_leaves_the_gradients_as_they_were():
    a = Value(3.0)
    out = Value(9.0, (a,), "square")

    def _backward():
        a.grad += 1.0
        raise ZeroDivisionError

    out._backward = _backward
    a.grad, out.grad = 5.0, 7.0
    with pytest.raises(ZeroDivisionError):
        _ = out.partials
    assert (a.grad, out.grad) == (5.0, 7.0)


def test_without_a_closure_nothing_flows_as_in_micrograd():
    a, b = Value(1.0), Value(2.0)
    out = Value(3.0, {a, b}, "+")
    out.backward()
    assert (a.grad, b.grad) == (0.0, 0.0)
    assert set(out._prev) == {a, b}


def test_second_derivatives_of_a_node_made_by_hand_are_refused_with_the_way_out():
    def f(x):
        out = Value(x.data**2, (x,), "square")

        def _backward():
            x.grad += 2 * x.data * out.grad

        out._backward = _backward
        return out

    assert grad(f)(3.0) == 6.0
    with pytest.raises(TypeError, match="register_op"):
        grad(grad(f))(3.0)


def test_attributes_on_parameters_as_an_optimiser_of_ones_own_sets_them():
    model = nn.MLP(2, [3, 1])
    for p in model.parameters():
        p.m = 0.0
        p.v = 0.0
    for p in model.parameters():
        p.m = 0.9 * p.m + 0.1 * p.grad
        p.v += p.grad**2
    assert {p.m for p in model.parameters()} == {0.0}


# --- microgpt: children and local derivatives by position, its Adam -------------------------------


def test_microgpts_nodes_hold_their_local_derivatives():
    a, b = Value(2.0), Value(3.0)
    out = Value(a.data * b.data, (a, b), (b.data, a.data))
    (out + a).backward()
    assert (a.grad, b.grad) == (4.0, 2.0)
    assert (out._children, out._local_grads) == ((a, b), (3.0, 2.0))
    with pytest.raises(ValueError, match="2 parents and 1 derivatives"):
        Value(1.0, (a, b), (1.0,))


def test_microgpts_training_loop():
    rng = random.Random(42)
    docs = ["anna", "bob", "cleo"]
    uchars = sorted(set("".join(docs)))
    BOS, vocab_size, n_embd = len(uchars), len(uchars) + 1, 4

    def matrix(nout, nin, std=0.08):
        return [[Value(rng.gauss(0, std)) for _ in range(nin)] for _ in range(nout)]

    state_dict = {"wte": matrix(vocab_size, n_embd), "lm_head": matrix(vocab_size, n_embd)}
    params = [p for mat in state_dict.values() for row in mat for p in row]

    def linear(x, w):
        return [sum(wi * xi for wi, xi in zip(wo, x)) for wo in w]

    def softmax(logits):
        max_val = max(val.data for val in logits)
        exps = [(val - max_val).exp() for val in logits]
        total = sum(exps)
        return [e / total for e in exps]

    def rmsnorm(x):
        ms = sum(xi * xi for xi in x) / len(x)
        scale = (ms + 1e-5) ** -0.5
        return [xi * scale for xi in x]

    m, v = [0.0] * len(params), [0.0] * len(params)
    history = []
    for step in range(30):
        doc = docs[step % len(docs)]
        tokens = [BOS] + [uchars.index(ch) for ch in doc] + [BOS]
        losses = []
        for token_id, target_id in zip(tokens, tokens[1:]):
            logits = linear(rmsnorm(state_dict["wte"][token_id]), state_dict["lm_head"])
            losses.append(-softmax(logits)[target_id].log())
        loss = (1 / len(losses)) * sum(losses)
        loss.backward()
        for i, p in enumerate(params):
            m[i] = 0.85 * m[i] + 0.15 * p.grad
            v[i] = 0.99 * v[i] + 0.01 * p.grad**2
            p.data -= (
                0.1
                * (m[i] / (1 - 0.85 ** (step + 1)))
                / ((v[i] / (1 - 0.99 ** (step + 1))) ** 0.5 + 1e-8)
            )
            p.grad = 0
        history.append(loss.data)
    assert sum(history[-3:]) < 0.6 * sum(history[:3])
    assert rng.choices(range(vocab_size), weights=[p.data for p in softmax(logits)])
