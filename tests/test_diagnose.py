"""explain(), detect_anomaly() and the health of gradients."""

import inspect
import math
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings

import nn
from autograd import (
    AnomalyError,
    Value,
    detect_anomaly,
    dot,
    draw,
    explain,
    gradient_health,
    no_grad,
)
from autograd import value as engine
from tests.test_steps import graphs


def every_path(root, leaf):
    """By brute force: the partials along each path (and so only for small graphs)."""
    if root is leaf:
        return [()]
    return [
        (d, *rest)
        for p, d in zip(root.parents, root.partials)
        for rest in every_path(p, leaf)
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_explain_counts_and_lists_the_paths_of_brute_force(root):
    for leaf in {*root.parents, *[p for v in root.parents for p in v.parents]}:
        found, paths = explain(root, leaf), every_path(root, leaf)
        assert found.count == len(paths)
        if len(paths) <= 20:
            assert [p.partials for p in found.paths] == paths or any(
                math.isnan(d) for path in paths for d in path
            )
            for path in found.paths:
                assert path.nodes[0] is root and path.nodes[-1] is leaf
                assert all(after in before.parents for before, after in pairwise(path.nodes))
        else:
            assert found.paths == ()


def test_the_products_add_up_to_the_gradient_and_nothing_changes():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b + a.tanh()
    e = c * c + a
    found = explain(e, a)
    assert (a.grad, e.grad) == (0.0, 0.0)
    e.backward()
    assert found.gradient == a.grad
    assert math.fsum(p.product for p in found.paths) == pytest.approx(a.grad)


def test_explain_reads_as_text():
    b = Value(2.0, "b")
    c, d = b * 3, b + 1
    e = c * d
    for v, label in (c, "c"), (d, "d"), (e, "e"):
        v.label = label
    assert str(explain(e, b)) == (
        "∂e/∂b = 15, by 2 paths, with the product of the local derivatives along each:\n"
        "  e → c → b:  3 · 3 = 9\n"
        "  e → d → b:  6 · 1 = 6\n"
        "  their sum:  9 + 6 = 15"
    )


def test_explain_of_the_root_itself_is_the_empty_product():
    e = Value(2.0, "e") * 3
    found = explain(e, e)
    assert (found.count, found.gradient, found.paths[0].product) == (1, 1.0, 1.0)


def test_explain_says_when_there_is_no_path():
    a, x = Value(2.0, "a"), Value(1.0, "x")
    found = explain(a * a, x)
    assert (found.count, found.gradient, found.paths) == (0, 0.0, ())
    assert "does not depend on x" in str(found)


def test_explain_refuses_what_is_not_a_value():
    with pytest.raises(TypeError, match=r"explain\(loss, w\)"):
        explain(Value(1.0) * 2, "w")


def test_explain_counts_astronomic_numbers_of_paths_without_walking_them():
    x = y = Value(1.0, "x")
    for _ in range(45):
        y = y * y
    assert explain(y, x).count == 2.0**45
    assert "35,184,372,088,832 paths" in str(explain(y, x)).replace("about ", "") or (
        "about 3.52e+13" in str(explain(y, x))
    )
    for _ in range(2000):
        y = y * y
    assert "more than 1e308 paths" in str(explain(y, x))


def test_explain_goes_down_a_deep_chain():
    x = y = Value(1.0, "x")
    for _ in range(10_000):
        y = y * 1.0
    found = explain(y, x)
    assert found.count == 1 and len(found.paths[0].nodes) == 10_001
    assert len(str(found)) < 300


# --- detect_anomaly -------------------------------------------------------------------------------


def here():
    """The line of the caller, as a report spells it."""
    frame = inspect.stack()[1]
    return f"{Path(frame.filename)}, line {frame.lineno}"


def test_the_first_bad_number_of_a_forward_pass_is_named_with_its_inputs_and_its_line():
    x = Value(0.0, "x")
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        y, line = x * 2.0, here()
        y.log() * 3.0
    message = str(caught.value)
    number = int(line.rpartition(" ")[2]) + 1
    assert "log(0) = -inf" in message
    assert f"{Path(__file__)}, line {number}:  y.log() * 3.0" in message
    assert "cross_entropy" in message
    assert caught.value.node.op == "log"
    assert caught.value.node.parents == (y,)


def test_the_first_bad_number_of_a_backward_pass_is_named_with_the_line_of_its_forward_pass():
    x = Value(0.0, "x")
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        y, line = (x * 1.0).sqrt(), here()
        loss = y * 0.0 + x
        loss.backward()
    message = str(caught.value)
    assert "inf · 0 = nan" in message
    assert line in message
    assert caught.value.node is y.parents[0]
    assert caught.value.root is loss


def test_a_backward_pass_over_a_graph_made_before_is_checked_too():
    x = Value(0.0, "x")
    y = x.sqrt()
    match = r"x\.grad = inf.*\n.*\n.*put the forward pass inside"
    with pytest.raises(AnomalyError, match=match), detect_anomaly():
        y.backward()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries that run notebooks
def test_in_a_notebook_the_cell_is_named():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    cells = [
        "from autograd import *",
        "def loss(x):\n    return x.log()",
        "try:\n    with detect_anomaly():\n        loss(Value(0.0))\n"
        "except AnomalyError as error:\n    print(error)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    here = {"metadata": {"path": Path(__file__).parents[1]}}
    nbclient.NotebookClient(notebook, kernel_name="python3", resources=here).execute()
    assert "made in Cell In[2], line 2:  return x.log()" in notebook.cells[2].outputs[0].text


def test_an_input_that_was_bad_to_begin_with_is_blamed():
    x = Value(math.nan, "x")
    match = "The input x was not finite to begin with"
    with pytest.raises(AnomalyError, match=match), detect_anomaly():
        x + 1.0


def test_a_gradient_that_was_bad_before_the_pass_is_told_apart():
    x = Value(1.0, "x")
    x.grad = math.inf
    match = "not finite before this pass.*zero_grad"
    with pytest.raises(AnomalyError, match=match), detect_anomaly():
        (x * 2.0).backward()


def test_the_exponent_of_a_square_is_a_constant_and_no_anomaly():
    x = Value(-3.0)  # d(x ** 2)/d2 would be NaN, but nobody trains the 2
    with detect_anomaly():
        (x**2).backward()
    assert x.grad == -6.0


def test_inside_a_layer_the_line_that_called_nn_is_named_too():
    model = nn.MLP(1, [1])
    for p in model.parameters():
        p.data = 1e300
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        model([1e300])
    message = str(caught.value)
    assert "called from" in message
    assert str(Path("nn", "layers")) in message
    assert message.count("test_diagnose.py") == 1


def test_it_computes_and_accumulates_just_the_same_and_cleans_up():
    def loss():
        a, b = Value(2.0), Value(-3.0)
        c = dot([a, b], [b, a], a) + (a * b).tanh() / a
        c.backward()
        return c.data, a.grad, b.grad

    expected = loss()
    with detect_anomaly():
        assert loss() == expected
    assert engine.recorder is None
    with pytest.raises(AnomalyError), detect_anomaly():
        Value(0.0).log()
    assert engine.recorder is None
    assert Value(0.0).log().data == -math.inf
    Value(0.0).sqrt().backward()


def test_no_grad_inside_still_records_nothing():
    with detect_anomaly(), no_grad():
        assert (Value(1.0) * 2.0).parents == ()
    with no_grad(), detect_anomaly():
        assert (Value(1.0) * 2.0).parents == ()


def test_the_drawing_of_an_anomaly_shows_it_and_what_it_was_computed_from():
    x = Value(0.0, "bad input")
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        x.log()
    assert "bad input" in caught.value.drawing.dot
    for _ in range(3000):
        x = x * 1.0
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        x.log()
    assert caught.value.drawing.dot.count("\n") < 200


def test_the_drawing_of_an_explanation_lights_the_paths_with_their_derivatives():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    root = c + a
    dot = explain(root, a).drawing.dot
    on_paths = [root, c, a, (root, 0), (root, 1), (c, 0)]
    assert re.sub(r' label="× [^>]*?fontsize=12', "", dot) == draw(root, lit=on_paths).dot
    assert sorted(re.findall(r'label="× (.*?)"', dot)) == ["1", "1", "3"]


# --- the health of gradients ----------------------------------------------------------------------


def trained_once(model, data):
    loss = sum((model(x) - 1.0) ** 2 for x in data)
    loss.backward()
    return gradient_health(model)


DATA = [[0.5, -1.0], [1.5, 0.3], [-0.2, 0.8]]


def test_a_healthy_model_is_called_healthy():
    health = trained_once(nn.MLP(2, [8, 1], activation="tanh"), DATA)
    assert health.words == ("Gradients of a healthy size reach every layer.",)
    assert [h.units for h in health.layers] == [8, 1]
    assert [h.dead for h in health.layers] == [0, 0]


def test_the_size_is_the_root_mean_square_of_the_layers_gradients():
    model = nn.MLP(2, [4, 1], activation="tanh")
    health = trained_once(model, DATA)
    for h in health.layers:
        grads = [p.grad for name, p in model.named_parameters() if name.startswith(h.name)]
        assert h.parameters == len(grads)
        assert h.size == pytest.approx(math.sqrt(sum(g * g for g in grads) / len(grads)))


def test_dead_units_are_counted():
    model = nn.MLP(2, [4, 1])
    for name, p in model.named_parameters():
        p.data = 0.5
        if name.startswith(("layers.0.neurons.0", "layers.0.neurons.1", "layers.0.neurons.2")):
            p.data = -1e3 if name.endswith(".b") else 0.0
    health = trained_once(model, DATA)
    assert (health.layers[0].dead, health.layers[0].units) == (3, 4)
    assert "3 of 4 units are dead" in health.words[0]
    assert "leaky_relu" in health.words[0]
    assert "3 of 4 (75%)" in str(health)


def test_vanishing_gradients_are_named():
    model = nn.MLP(2, [6] * 8 + [1], activation="sigmoid")
    for p in model.parameters():
        p.data *= 0.1
    assert "vanish" in " ".join(trained_once(model, DATA).words)


def test_exploding_gradients_are_named():
    model = nn.MLP(2, [6] * 8 + [1], activation="relu")
    for p in model.parameters():
        p.data = 3.0
    assert "explode" in " ".join(trained_once(model, [[1.0, 1.0]]).words)


def test_before_backward_it_asks_for_backward():
    assert "loss.backward() first" in gradient_health(nn.MLP(2, [3, 1])).words[0]
