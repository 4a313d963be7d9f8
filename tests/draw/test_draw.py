"""Laws of `draw`: what a graph's picture shows, at each level."""

import importlib.util
import os
import random
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

import autograd
import nn
from autograd import Value, draw, gradcheck, name_values, stepper, topological_order
from autograd.draw import Drawing, NoGraphviz, has_graphviz, latex, loss_curve
from autograd.draw import boxes as boxes_module
from autograd.draw.boxes import boxes
from autograd.draw.measure import width

needs_graphviz = pytest.mark.skipif(not has_graphviz(), reason="Graphviz is not installed")


def expression():
    """micrograd's example, the first half."""
    a, b = Value(-4.0, "a"), Value(2.0, "b")
    c = a + b
    d = a * b + b**3
    c += c + 1
    d += d * 2 + (b + a).relu()
    e = c - d
    e.label = "e"
    return e


def moons_loss(examples=20, penalty=True):
    """A whole training loss: a network called on many examples, a hinge loss, a penalty."""
    rng = random.Random(1)
    model = nn.MLP(2, [4, 4, 1], rng=rng)
    xs = [[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(examples)]
    losses = [(1 + -rng.choice([-1, 1]) * model(x)).relu() for x in xs]
    loss = sum(losses) * (1 / examples)
    return loss + 1e-4 * sum(p * p for p in model.parameters()) if penalty else loss


def edges(dot):
    return re.findall(r"^  (n\d+) -> (n\d+) ", dot, re.MULTILINE)


def nodes(dot):
    return re.findall(r"^  (n\d+) \[", dot, re.MULTILINE)


# --- the text -------------------------------------------------------------------------------------


def test_nodes_are_named_in_topological_order():
    e = expression()
    count = len(topological_order(e))
    assert nodes(draw(e).dot) == [f"n{i}" for i in range(count)]
    assert all(int(a[1:]) < int(b[1:]) for a, b in edges(draw(e).dot))


def test_x_times_x_has_two_edges():
    x = Value(3.0)
    assert edges(draw(x * x).dot) == [("n0", "n1"), ("n0", "n1")]


def test_there_is_one_edge_for_each_parent_of_each_node():
    e = expression()
    assert len(edges(draw(e).dot)) == sum(len(v.parents) for v in topological_order(e))


PROGRAM = """
import sys
sys.path[:0] = {path!r}
from test_draw import expression, moons_loss
from autograd import draw
e, loss = expression(), moons_loss()
e.backward(), loss.backward()
for level in "op", "neuron", "layer":
    print(draw(e, level).dot, draw(e, direction="TB").dot)
for level in "neuron", "layer":
    print(draw(loss, level).dot)
"""


def test_dot_is_the_same_in_every_process_with_any_hash_seed():
    program = PROGRAM.format(path=[os.path.dirname(__file__), os.getcwd()])
    seen = set()
    for seed in "0", "1", "12345":
        environment = os.environ | {"PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        )
        seen.add(run.stdout)
    assert len(seen) == 1
    assert len(seen.pop()) > 5000


def test_numbers_have_four_digits():
    v = Value(1 / 3) * 1
    v.backward()
    dot = draw(v).dot
    assert "data 0.3333<" in dot
    assert "grad 1<" in dot


def test_before_backward_no_gradient_is_shown():
    e = expression()
    assert "grad" not in draw(e).dot
    e.backward()
    assert draw(e).dot.count(">grad ") == sum(type(v) is Value for v in topological_order(e))


def test_after_backward_a_gradient_of_zero_is_shown():
    x = Value(-1.0, "x")
    y = x.relu()
    y.backward()
    assert "grad 0<" in draw(y).dot


def test_a_gradient_left_in_a_leaf_shows_in_a_new_graph_only_there():
    x = Value(2.0, "x")
    (x * x).backward()
    dot = draw(x * 3.0 * 2.0).dot
    assert dot.count(">grad ") == 1


def test_colour_follows_the_sign_of_the_gradient():
    fills = {}
    for factor in (-2.0, 0.0, 2.0):
        x = Value(1.0)
        (x * Value(factor)).backward()
        fills[factor] = re.search(r'BGCOLOR="([^"]+)"', draw(x).dot)[1]
    red, blue = (lambda c: int(c[1:3], 16)), (lambda c: int(c[5:7], 16))
    assert red(fills[-2.0]) > blue(fills[-2.0])
    assert red(fills[2.0]) < blue(fills[2.0])
    assert fills[0.0] == "white"


def test_a_gradient_that_is_not_finite_still_draws():
    x = Value(0.0, "x")
    y = x.log() * 0.0
    y.backward()
    assert "grad nan<" in draw(y).dot


def test_constants_look_different_from_leaves():
    x = Value(2.0, "x")
    dot = draw(x * 2.0).dot
    leaf, constant, _ = (line for line in dot.splitlines() if re.match(r"  n\d+ \[", line))
    assert "data 2" in leaf
    assert "DASHED" not in leaf
    assert "data 2" not in constant
    assert "DASHED" in constant


def test_named_operands_give_the_formula_beside_the_name():
    e = expression()
    name_values({"c": e.parents[0], "d": e.parents[1]})
    assert "= c − d" in draw(e).dot


def test_several_roots_share_one_picture():
    a = Value(1.0, "a")
    roots = [a + 1, [a * 2, a]]
    assert len(nodes(draw(roots).dot)) == len(topological_order(*roots[:1], roots[1][0]))


def test_lit_nodes_and_edges_stand_out():
    x = Value(3.0)
    y = x * x
    plain, lit = draw(y).dot, draw(y, lit=[x, (y, 1)]).dot
    first, second = (line for line in lit.splitlines() if "->" in line)
    assert "penwidth" not in first
    assert "penwidth" in second
    assert 'BORDER="3"' in lit
    assert 'BORDER="3"' not in plain


# --- what it refuses ------------------------------------------------------------------------------


def test_above_a_thousand_boxes_it_refuses_and_names_the_level():
    v = Value(1.0)
    for _ in range(999):
        v = -v
    assert len(nodes(draw(v).dot)) == 1000
    with pytest.raises(ValueError, match=r'1,001 boxes.*level="neuron".*level="layer"'):
        draw(-v)


@pytest.mark.parametrize("root", [3.0, "loss", [], None, [1.0, 2.0]])
def test_a_root_must_be_a_value(root):
    with pytest.raises(TypeError, match=r"draw\(loss\)"):
        draw(root)


def test_unknown_levels_and_directions_are_named():
    with pytest.raises(ValueError, match="'Layer'"):
        draw(Value(1.0), level="Layer")
    with pytest.raises(ValueError, match="'RL'"):
        draw(Value(1.0), direction="RL")


@pytest.mark.parametrize("name", ["graph.jpg", "graph", "graph.html"])
def test_saving_with_another_suffix_names_the_four(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf and \.dot"):
        draw(expression()).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def no_graphviz(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pygraphviz" else find(name)
    )


def test_without_graphviz_the_error_names_the_install_commands(no_graphviz, tmp_path):
    drawing = draw(expression())
    for action in (lambda: drawing.svg, lambda: drawing.save(tmp_path / "x.png")):
        with pytest.raises(NoGraphviz) as caught:
            action()
        for command in ('pip install "glassgrad[svg]"', "apt install graphviz", "brew install"):
            assert command in str(caught.value)
    drawing.save(tmp_path / "x.dot")
    assert (tmp_path / "x.dot").read_text(encoding="utf-8") == drawing.dot


def test_without_graphviz_notebooks_get_text(no_graphviz):
    e = expression()
    assert e._repr_mimebundle_() == {"text/plain": repr(e)}
    bundle = draw(e)._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "pip install" in bundle["text/plain"]


# --- the picture ----------------------------------------------------------------------------------

NASTY = [
    "</script><script>alert(1)</script>",
    '{a|b} "quoted" <b>',
    r"back\slash \n \N \G \\ \l end\\",
    "&lt; & &amp; ]]> <!-- -->",
    "'single' %s {0} $x$ `",
    "🎉 שלום עולם مرحبا 数学",
]


@needs_graphviz
@pytest.mark.parametrize("label", NASTY)
def test_labels_show_as_text(label, texts):
    v = Value(1.0, label) * 2
    v.label = label
    assert texts(draw(v).svg).count(label) == 2
    assert texts(draw(v, direction="TB").svg).count(label) == 2


@needs_graphviz
def test_a_newline_in_a_label_breaks_the_line(texts):
    assert texts(draw(Value(1.0, "up\ndown")).svg)[:2] == ["up", "down"]


@needs_graphviz
def test_characters_that_xml_forbids_are_spelled_out(texts):
    assert r"a\x00\x1b\ufffe\ud800b" in texts(draw(Value(1.0, "a\x00\x1b\ufffe\ud800b")).svg)


@needs_graphviz
def test_svg_has_every_node_and_edge_with_a_hover_text(groups):
    e = expression()
    e.backward()
    drawing = draw(e)
    for kind, found in (("node", nodes(drawing.dot)), ("edge", edges(drawing.dot))):
        parts = groups(drawing.svg, kind)
        assert len(parts) == len(found)
        hovers = [g.find("{http://www.w3.org/2000/svg}title").text for g in parts]
        assert all(hovers)
    e.data = 1 / 3
    assert "0.3333333333333333" in draw(e).svg  # the whole number, under the mouse


@needs_graphviz
def test_svg_shrinks_to_a_page_and_stays_readable():
    for length in (2, 8, 10, 30):
        v = Value(1.0)
        for _ in range(length):
            v = v.tanh()
        root = ET.fromstring(draw(v).svg)
        width, height = float(root.get("width")), float(root.get("height"))
        natural = [float(x) for x in root.get("viewBox").split()[2:]]
        assert width / height == pytest.approx(natural[0] / natural[1], rel=0.05)
        scale = width / natural[0]
        assert scale > 0.69  # text of 13 px is at least 9 px high
        assert scale == pytest.approx(1, abs=0.01) or width >= 900
        assert "max-width" in root.get("style")
    assert scale < 0.71


@needs_graphviz
def test_svg_is_the_same_twice_and_without_graphviz_s_header():
    e = expression()
    svg = draw(e).svg
    assert svg == draw(e).svg
    assert "graphviz version" not in svg.lower()
    assert "<!DOCTYPE" not in svg


@needs_graphviz
def test_saving_goes_by_the_suffix(tmp_path):
    drawing = draw(expression())
    for suffix, start in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".pdf", b"%PDF"),
                          (".dot", b"digraph")):  # fmt: skip
        drawing.save(str(tmp_path / "graph") + suffix.upper())
        assert (tmp_path / ("graph" + suffix.upper())).read_bytes().startswith(start)


@needs_graphviz
def test_graphviz_writes_nothing_to_the_terminal(capfd):
    assert draw(expression()).svg
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for the program is a script")
def test_the_program_dot_is_preferred_if_it_is_there(monkeypatch, tmp_path):
    pytest.importorskip("pygraphviz")
    wheel = draw(expression()).svg
    program = tmp_path / "dot"
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, pygraphviz, sys\n"
        "pathlib.Path(sys.argv[0]).with_name('used').touch()\n"
        "format = next(a[2:] for a in sys.argv if a.startswith('-T'))\n"
        "graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())\n"
        "sys.stdout.buffer.write(graph.draw(format=format, prog='dot'))\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert draw(expression()).svg == wheel
    assert (tmp_path / "used").exists()


@needs_graphviz
def test_notebooks_get_svg_and_text_and_never_html():
    e = expression()
    for thing in (draw(e), e):
        data, metadata = thing._repr_mimebundle_(include=None, exclude=None)
        assert set(data) == {"image/svg+xml", "text/plain"}
        assert data["text/plain"] == repr(thing)
        assert data["image/svg+xml"].startswith("<svg")
        assert metadata == {}


@needs_graphviz
def test_wide_drawings_scroll_in_jupyterlab():
    v = Value(1.0)
    for _ in range(20):
        v = v.tanh()
    _, metadata = v._repr_mimebundle_()
    assert metadata == {"image/svg+xml": {"unconfined": True}}


def test_a_value_with_a_large_graph_shows_a_line():
    v = Value(1.0)
    for _ in range(60):
        v = -v
    assert v._repr_mimebundle_() == {"text/plain": repr(v)}


# --- levels ---------------------------------------------------------------------------------------


def small_network():
    model = nn.MLP(2, [4, 3, 1], rng=random.Random(0))
    x = [Value(1.0, "x0"), Value(-2.0, "x1")]
    return model, (model(x) - 1.0) ** 2


def test_level_layer_shows_each_layer_as_one_box():
    model, loss = small_network()
    found = boxes([loss], "layer")
    assert [b.module for b in found if b.module] == model.layers
    outside = [b.nodes[0] for b in found if not b.module]
    assert [v.label or v.op or v.data for v in outside] == ["x0", "x1", 1.0, "-", 2.0, "**"]
    dot = draw(loss, "layer").dot
    for text in ("Layer(2, 4, relu)", "12 parameters", "Layer(4, 3, relu)", "15 parameters"):
        assert text in dot


def test_level_neuron_shows_each_neuron_as_one_box_with_its_output():
    model, loss = small_network()
    found = [b for b in boxes([loss], "neuron") if b.module]
    assert [b.module for b in found] == [n for layer in model.layers for n in layer.neurons]
    assert len(edges(draw(loss, "neuron").dot)) == 2 * 4 + 4 * 3 + 3 + 4
    out = found[-1].outputs[0]
    assert f"data {out.data:.4g}<" in draw(loss, "neuron").dot


def test_a_module_box_holds_its_parameters_and_its_gradient_norm():
    model, loss = small_network()
    loss.backward()
    box = next(b for b in boxes([loss], "layer") if b.module is model.layers[0])
    assert set(model.layers[0].parameters()) <= set(box.nodes)
    norm = sum(p.grad**2 for p in model.layers[0].parameters()) ** 0.5
    assert f"gradient norm {norm:.4g}<" in draw(loss, "layer").dot


def test_every_call_of_a_module_counts_its_parameters():
    layer = nn.Layer(2, 3, rng=random.Random(0))
    loss = sum(layer([1.0, 2.0]) + layer([3.0, 4.0]))
    assert draw(loss, "layer").dot.count(">9 parameters, 15 nodes<") == 2


def test_a_parameter_of_two_layers_is_a_box_of_its_own_and_counts_in_both():
    first, second = (nn.Layer(1, 2, rng=random.Random(0)) for _ in range(2))
    second.neurons[0].w[0] = first.neurons[0].w[0]
    loss = sum(first([1.0])) + sum(second([2.0]))
    found = boxes([loss], "layer")
    (shared,) = (b for b in found if b.nodes == [first.neurons[0].w[0]])
    assert [b.module for b in found if shared in b.parents] == [first, second]
    assert draw(loss, "layer").dot.count(">4 parameters, 8 nodes<") == 2


def test_many_calls_of_a_layer_are_one_box_with_a_count():
    loss = moons_loss(examples=50)
    assert len(topological_order(loss)) > 1000
    found = boxes([loss], "layer")
    assert len(found) <= 20
    assert [len(b.units) for b in found if b.module] == [50, 50, 50]
    dot = draw(loss, "layer").dot
    assert dot.count("× 50<") == 3  # the layers
    assert dot.count(">50 nodes<") == 3  # × + relu
    assert dot.count(">50 constants<") == 2  # the numbers for them
    assert ">49 nodes<" in dot  # the sum
    assert "grad" not in dot


def test_a_penalty_borrows_parameters_and_they_stay_in_their_layer():
    with_it, without = (boxes([moons_loss(penalty=p)], "layer") for p in (True, False))
    for a, b in zip((x for x in with_it if x.module), (x for x in without if x.module)):
        assert len(a.nodes) == len(b.nodes)
    squares = [b for b in with_it if b.borrowed]
    assert [len(b.units) for b in squares] == [37]
    assert all(p.module for p in squares[0].parents)


def test_the_same_variable_gives_one_box_of_leaves():
    xs = [[Value(i, f"x[{i}][{j}]") for j in range(3)] for i in range(30)]
    model = nn.Layer(3, 1, rng=random.Random(0))
    dot = draw(sum(model(x) for x in xs), "layer").dot
    assert ">x × 90<" in dot


@pytest.mark.parametrize("level", ["neuron", "layer"])
def test_every_other_kind_of_module_draws(level):
    rng = random.Random(0)
    image = [[[rng.random() for _ in range(6)] for _ in range(6)]]
    convolved = nn.Conv2d(1, 2, 3, activation="relu", rng=rng)(image)
    pooled = nn.MaxPool2d(2)(convolved)
    flat = [v for channel in pooled for row in channel for v in row]
    normal = nn.LayerNorm(len(flat))(flat)
    dot = draw(nn.Layer(len(flat), 1, rng=rng)(normal), level).dot
    for module in ("MaxPool2d", "LayerNorm", "Conv2d" if level == "layer" else "Neuron(9"):
        assert module in dot
    embedded = nn.Embedding(5, 2, rng=rng)([1, 4, 1])
    assert "Embedding(5, 2)" in draw(embedded, level).dot
    recurrent = nn.RNN(2, 3, rng=rng)(embedded)
    assert nodes(draw(recurrent, level).dot)


# Any graph at all, with marks of modules set at random.


class FakeModule:
    def __init__(self, i):
        self.level = "layer"
        self.name = f"module {i}"


def random_graph(seed):
    rng = random.Random(seed)
    modules = [FakeModule(i) for i in range(3)]
    weights = {m: [Value(rng.random(), "w") for _ in range(2)] for m in modules}
    values = [Value(rng.random(), rng.choice(["x", "y", ""])) for _ in range(3)]
    for _ in range(rng.randint(5, 60)):
        a, b = rng.choices(values[-6:], k=2)
        match rng.randrange(5):
            case 0:
                values.append(a + b)
            case 1:
                values.append(a * 0.5)
            case 2:
                values.append(a.tanh() + rng.choice(weights[modules[0]]))
            case _:
                m = rng.choice(modules)
                out = [(w * a + b).tanh() for w in weights[m]]
                for v in out:
                    v.module = (m, [a, b], None)
                values += out
    return sum(values[3:])


@pytest.mark.parametrize("merge_above", [0, 10**6])
def test_boxes_hold_each_node_once_and_keep_all_ways(monkeypatch, merge_above):
    monkeypatch.setitem(boxes.__globals__, "MERGE_ABOVE", merge_above)
    for seed in range(60):
        root = random_graph(seed)
        order = topological_order(root)
        found = boxes([root], "layer")
        inside = Counter(v for b in found for v in b.nodes)
        assert inside == Counter(order)
        box_of = {v: b for b in found for v in b.nodes}
        for v in order:
            for p in v.parents:
                above, below = box_of[p], box_of[v]
                if above is not below and not (above.module is below.module and not p.parents):
                    assert above in below.parents
        place = {b: i for i, b in enumerate(found)}
        solid = [(p, b) for b in found for p in b.parents if p not in b.borrowed and p is not b]
        assert all(place[p] < place[b] for p, b in solid)  # so there is no cycle


# --- names ----------------------------------------------------------------------------------------


def test_name_values_labels_by_variable():
    a, b, old = Value(1.0), Value(2.0), Value(3.0, "kept")
    w = [Value(0.0), [Value(0.0), a]]
    name_values({"a": a, "w": w, "t": (b,), "old": old, "_hidden": (h := Value(1.0)), "n": 3})
    assert a.label == "a"
    assert [w[0].label, w[1][0].label] == ["w[0]", "w[1][0]"]
    assert b.label == "t[0]"
    assert old.label == "kept"
    assert h.label == ""


def test_name_values_prefers_a_name_of_its_own_to_a_place_in_a_list():
    a = Value(1.0)
    name_values({"items": [a], "a": a})
    assert a.label == "a"


def test_parameters_of_neurons_are_named_by_their_path_as_far_as_that_tells_them_apart(texts):
    rng = random.Random(0)
    one = draw(nn.Neuron(2, rng=rng)([1.0, 2.0])).dot
    assert ">w0<" in one and "neurons" not in one
    layer = draw(sum(nn.Layer(2, 2, rng=rng)([1.0, 2.0]))).dot
    assert ">neurons.1.w0<" in layer and ">neurons.0.b<" in layer
    network = draw(nn.MLP(2, [2, 1], rng=rng)([1.0, 2.0])).dot
    assert ">layers.0.neurons.1.w0<" in network and ">layers.1.neurons.0.b<" in network
    both = draw(nn.Neuron(1, rng=rng)([1.0]) + nn.Neuron(1, rng=rng)([2.0])).dot
    assert ">neuron0.w0<" in both and ">neuron1.w0<" in both
    said = list(map(str, autograd.steps(nn.MLP(2, [2, 1], rng=rng)([1.0, 2.0]))))
    assert any("layers.0.neurons.1.w0 · 1" in line for line in said)
    assert ">layers.0.neurons.1<" in draw(nn.MLP(2, [2, 1], rng=rng)([1.0, 2.0]), "neuron").dot


class Model(nn.Module):
    def __init__(self):
        self.theta = [Value(0.5), Value(0.25, "named")]

    def forward(self, x):
        return self.theta[0] * x + self.theta[1]


def test_a_parameter_without_a_label_is_named_by_its_path():
    dot = draw(Model()(2.0)).dot
    assert ">theta.0<" in dot and ">named<" in dot


@pytest.mark.parametrize("label", [3, 0, 2.5, ("w", 1), b"x", None, False])
def test_a_label_that_is_no_string_is_shown_as_text(label):
    made = Value(1.0, label) * Value(2.0, "b")
    made.label = label
    word = "" if label is None else str(label).replace("'", "&#x27;")
    dot = draw(made).dot
    assert word in dot and "None" not in dot
    stepper(made)
    latex(made)
    list(map(str, autograd.steps(made)))


@needs_graphviz
@pytest.mark.parametrize(
    "label", ["A" * 20_000, "\n" * 50, " ", "\t", "a\n\t\nb", "\r", "a\\Nb" * 5000, "&" * 20_000]
)
def test_a_label_of_any_length_draws(label):
    assert draw(Value(1.0, label) * 2.0).svg
    assert stepper(Value(1.0, label) * 2.0).html


# --- for every reader -----------------------------------------------------------------------------


def test_the_legend_explains_what_there_is_and_can_be_off():
    x = Value(2.0, "x")
    y = x * Value(-3.0, "k") * 2.0
    assert "gradient" not in draw(y).dot
    y.backward()
    dot = draw(y).dot
    assert "gradient above 0: raise" in dot and "gradient below 0: raise" in dot
    assert "dashed: a constant" in dot
    assert "gradient" not in draw(y, legend=False).dot
    positive = Value(2.0) * Value(3.0)
    positive.backward()
    assert "below 0" not in draw(positive).dot


def test_the_sign_of_a_gradient_is_a_mark_too():
    x, k = Value(2.0, "x"), Value(-3.0, "k")
    y = x * k
    y.backward()
    dot = draw(y, legend=False).dot
    lines = {name: line for name in "xk" for line in dot.splitlines() if f">{name}<" in line}
    assert "▼" in lines["x"] and "▲" in lines["k"]  # the gradients are -3 and 2
    assert "▲" not in lines["x"]


@needs_graphviz
def test_every_picture_says_what_it_shows():
    e = expression()
    e.backward()
    root = ET.fromstring(draw(e).svg)
    tag = "{http://www.w3.org/2000/svg}"
    assert root[0].tag == tag + "title" and root[0].text == draw(e).text
    assert root[1].tag == tag + "desc"
    assert "The result: e, data -3" in root[1].text and "a, data -4, grad" in root[1].text
    chart = ET.fromstring(loss_curve([3.0, 1.0]).svg)
    assert [part.tag for part in chart[1:3]] == [tag + "title", tag + "desc"]


@needs_graphviz
def test_dark_pages_get_dark_pictures_and_paper_light_ones():
    style = ET.fromstring(draw(expression()).svg).find("{http://www.w3.org/2000/svg}style").text
    assert "prefers-color-scheme:dark" in style
    assert "[data-jp-theme-light=false] svg.glassgrad" in style
    assert style.count("@media screen") == 2  # so nothing is dark on paper
    assert all("svg.glassgrad" in rule for rule in re.findall(r"([^{}]+)\{[a-z]+:var", style))


@needs_graphviz
def test_every_text_has_a_width_of_its_own_whatever_the_font():
    e = expression()
    e.backward()
    root = ET.fromstring(draw(e).svg)
    found = list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert found and all(t.get("textLength") for t in found)
    assert width("WWW") > width("iii") > 0
    assert width("data", bold=True) > width("data")
    assert width("数学") > width("ab")


def test_a_graph_of_many_nodes_is_refused_before_the_work(monkeypatch):
    v = Value(1.0)
    for _ in range(120_000):
        v = -v
    monkeypatch.setattr(boxes_module, "topological_order", None)  # nobody needs it
    with pytest.raises(ValueError, match="more than 100,000 boxes"):
        draw(v)
    assert v._repr_mimebundle_() == {"text/plain": repr(v)}


# --- other things that show themselves ------------------------------------------------------------


def test_modules_histories_and_reports_show_themselves(texts):
    model = nn.MLP(2, [3, 1], rng=random.Random(0))
    history = nn.History(losses=[2.0, 1.0], validation_losses=[2.5, 1.5])
    report = gradcheck(lambda a, b: a * b, [2.0, 3.0])
    for thing, text in ((model, "Layer(2, 3, relu)"), (history, "validation 1.5"),
                        (report, "✓ passed")):  # fmt: skip
        data, _ = thing._repr_mimebundle_()
        assert set(data) == {"image/svg+xml", "text/plain"}
        assert text in texts(data["image/svg+xml"])
    assert nn.History()._repr_mimebundle_() == {"text/plain": repr(nn.History())}
    assert isinstance(draw(Value(1.0)), Drawing)
