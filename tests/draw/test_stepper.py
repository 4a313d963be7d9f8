"""stepper(): the page as text. What it does in a browser: tests/browser."""

import html
import json
import math
import random
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import autograd
import nn
from autograd import Value, stepper, steps, topological_order
from autograd.draw import NoGraphviz, picture
from autograd.ops import OPS
from autograd.steps import Backward, Earlier
from autograd.value import Constant

pytest.importorskip("pygraphviz")

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{a|b}",
    '"',
    "it's",
    "two\nlines",
    "🙂",
    "שלום",
    "a]]>b&amp;",
    "\u2028",
    "\ud800",
    "\x00",
    "/*script*/",
    "<!--graph-->",
]


def small():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b
    d = c + a
    e = (d * 0.5).tanh()
    for v, label in (c, "c"), (d, "d"), (e, "e"):
        v.label = label
    return e


def scalars(n):
    """About n nodes, as a network written by hand makes them."""
    rng = random.Random(0)
    layer = [Value(rng.uniform(-1, 1), f"x{i}") for i in range(8)]
    made = len(layer)
    while made < n - 10:
        fresh = []
        for _ in range(8):
            a, b = rng.sample(layer, 2)
            fresh.append((Value(rng.uniform(-1, 1), f"w{made}") * a + b).tanh())
            made += 4
        layer = fresh
    return sum(layer)


def data_of(page):
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


def svg_of(page):
    graph = re.search(r'<g id="graph">(.*?)</g>\s*<g id="slope"', page, re.DOTALL)[1]
    return ElementTree.fromstring(f"<g>{graph}</g>")


def shown_at_the_end(made):
    """(box, row) -> the text there after the last step."""
    return {(i, row): text for frame in made.frames for i, row, text in frame["set"]}


def test_the_sentences_are_those_of_steps_without_the_constants():
    e = small()
    target = [s.parent if isinstance(s, Backward) else s.node for s in steps(e)]
    expected = [str(s) for s, t in zip(steps(e), target) if not isinstance(t, Constant)]
    assert ["".join(frame["text"]) for frame in stepper(e).frames] == expected


def test_what_the_last_step_shows_is_what_backward_leaves():
    e = scalars(90)
    end = shown_at_the_end(stepper(e))
    e.backward()
    for i, v in enumerate(topological_order(e)):
        assert end[i, 1] == f"{v.grad:.4g}"
        assert v.parents == () or end[i, 0] == f"{v.data:.4g}"


def test_gradients_held_from_before_are_steps_of_their_own():
    e = small()
    e.backward()
    made = stepper(e)
    assert sum(frame["kind"] == "Earlier" for frame in made.frames) == 2
    assert sum(isinstance(s, Earlier) for s in steps(e)) == 3  # one of them for a constant


def test_a_large_network_steps_by_neuron_and_ends_with_the_same_gradients():
    rng = random.Random(0)
    model = nn.MLP(3, [10, 10, 1])
    for p in model.parameters():
        p.data = rng.uniform(-1, 1)
    xs = [Value(rng.uniform(-1, 1), f"x{i}") for i in range(3)]
    loss = (model(xs) - 1.0) ** 2
    made = stepper(loss)
    assert len(made.frames) < 60 < len(topological_order(loss))
    assert sum("neuron" in "".join(frame["text"]) for frame in made.frames) > 30
    end = shown_at_the_end(made)
    loss.backward()
    faces = {made._faces[i]: i for i in range(len(made._faces))}
    for v in (*xs, loss):
        assert float(end[faces[v], 1]) == pytest.approx(v.grad, rel=1e-3)
    neurons = [v for v in faces if v is not None and getattr(v, "module", None)]
    assert len(neurons) == 21
    for v in neurons:
        assert float(end[faces[v], 1]) == pytest.approx(v.grad, rel=1e-3, abs=1e-12)
        assert end[faces[v], 0] == f"{v.data:.4g}"


def test_a_batch_through_a_network_still_has_a_stepper():
    model = nn.MLP(2, [6, 1])
    loss = autograd.sum([(model([i, 1.0]) - 1.0) ** 2 for i in range(12)])
    made = stepper(loss)
    assert len(made.frames) < 100
    assert ElementTree.iselement(svg_of(made.html))


def test_the_second_contribution_says_why_it_is_added():
    x = Value(3.0, "x")
    why = [f["why"] for f in stepper(x * x).frames]
    assert "Why += and not =?" in why[-1] and "uses x more than once" in why[-1]
    y = x + 1
    why = [f["why"] for f in stepper(y * x).frames]
    assert "x is used in 2 places" in why[-1]


def test_hostile_labels_are_text_in_the_picture_and_in_the_sentences():
    for label in HOSTILE:
        e = Value(2.0, label) * 3
        page = stepper(e, quiz=True).html
        page.encode()
        assert page.count("<script") == page.count("</script>") == 2
        assert "<img" not in page
        first = html.unescape(re.search(r"<li[^>]*>(.*?)</li>", page, re.DOTALL)[1])
        words = " ".join(first.split())
        assert data_of(page)["graph"]["names"][0] in words
        spelled = label.encode("utf-8", "backslashreplace").decode()
        assert " ".join(spelled.split()) in words.replace("\u2068", "").replace("\u2069", "")
        pictured = " ".join(t.text or "" for t in svg_of(page).iter("text"))
        if label.isprintable() and label.encode(errors="ignore"):
            assert label in pictured


def test_the_page_names_no_other_place():
    page = stepper(small(), quiz=True).html
    links = set(re.findall(r"https?://[^\"'\s]*", page))
    assert links == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(src|href)\s*=", page)


def test_a_notebook_gets_a_sandboxed_frame_and_a_line_for_where_scripts_are_blocked():
    made = stepper(small())
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    frame = re.fullmatch(
        r"<iframe srcdoc='([^']*)' sandbox='allow-scripts' [^>]*></iframe><p>(.*)</p>",
        bundle["text/html"],
        re.DOTALL,
    )
    assert html.unescape(frame[1]) == made.html
    assert "trust the notebook" in frame[2]
    assert len(bundle["text/html"].splitlines()) == 1  # JupyterLite puts commas between lines


def test_without_graphviz_a_notebook_gets_a_text_that_says_what_to_do(monkeypatch):
    def missing(dot, format):
        raise NoGraphviz("to install it: pip install ...")

    monkeypatch.setattr(picture, "graphviz", missing)
    made = stepper(small())
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    first, second, third = bundle["text/plain"].splitlines()
    assert (first, second) == (repr(made), "to install it: pip install ...")
    assert third.endswith("for step in steps(root): print(step)")


def test_five_hundred_nodes_stay_under_a_megabyte():
    e = scalars(540)
    assert len(topological_order(e)) >= 500
    for quiz in (False, True):
        assert len(stepper(e, quiz)._repr_mimebundle_()["text/html"].encode()) < 1_000_000


def test_it_changes_nothing():
    e = small()
    order = topological_order(e)
    before = [(v.data, v.grad, v.label, v.parents, v.partials) for v in order]
    stepper(e, quiz=True)._repr_mimebundle_()
    assert [(v.data, v.grad, v.label, v.parents, v.partials) for v in order] == before


def test_the_same_graph_gives_the_same_page():
    assert stepper(small()).html == stepper(small()).html


def test_save_writes_the_page(tmp_path):
    made = stepper(small())
    made.save(tmp_path / "x.html")
    assert (tmp_path / "x.html").read_text(encoding="utf-8") == made.html


def test_a_graph_whose_backward_has_run_has_a_stepper_too():
    loss = small()
    loss.backward()
    assert "Next" in stepper(loss).html


def test_infinite_and_undefined_numbers_are_shown():
    x = Value(0.0, "x")
    made = stepper(x.log() * 0.0, quiz=True)
    assert [frame["text"][2] for frame in made.frames[:2]] == ["-inf", "nan"]
    assert data_of(made.html)["graph"]["leaves"]["0"] == 0.0
    assert data_of(stepper(Value(math.inf, "x") * 1.0).html)["graph"]["leaves"]["0"] == "Infinity"


# --- changing, training ---------------------------------------------------------------------------


def line():
    w, b, x, t = (Value(v, n) for v, n in ((0.5, "w"), (0.0, "b"), (2.0, "x"), (3.0, "t")))
    loss = (w * x + b - t) ** 2
    loss.label = "loss"
    return loss, [w, b], x, t


def test_parameters_add_an_update_each_after_the_backward_pass():
    loss, parameters, *_ = line()
    made = stepper(loss, parameters=parameters, lr=0.25)
    said = ["".join(frame["text"]) for frame in made.frames if frame["kind"] == "Update"]
    assert said == [
        "w.data -= lr · w.grad = 0.5 - 0.25 · (-8) → 2.5",
        "b.data -= lr · b.grad = 0 - 0.25 · (-4) → 1",
    ]
    assert stepper(loss).frames == made.frames[:-2]


def test_a_module_gives_its_parameters_and_a_neuron_takes_one_step():
    model = nn.MLP(2, [3, 3, 1], "tanh", rng=random.Random(0))
    made = stepper((model([0.5, 1.0]) - 1.0) ** 2, parameters=model)
    assert [frame["kind"] for frame in made.frames].count("Update") == 7  # neurons
    assert made._parameters == model.parameters()


def test_examples_go_by_leaf_or_by_label():
    loss, parameters, x, t = line()
    made = stepper(loss, parameters=parameters, examples=[{"x": 1, "t": 2}, {x: 3.0, t: -1.0}])
    order = topological_order(loss)
    expected = [
        {order.index(x): 1.0, order.index(t): 2.0},
        {order.index(x): 3.0, order.index(t): -1.0},
    ]
    assert made._examples == expected


@pytest.mark.parametrize(
    "options, message",
    [
        ({"parameters": [Value(1.0)]}, r"stepper\(loss, parameters=\[w, b\]\)"),
        ({"parameters": []}, "none of these"),
        ({"examples": [{"y": 1.0}]}, "its leaves are w, x, b, t"),
        ({"examples": [{"loss": 1.0}]}, "is no leaf of this graph"),
    ],
)
def test_what_is_no_leaf_of_the_graph_is_refused_with_the_fix(options, message):
    with pytest.raises(ValueError, match=message):
        stepper(line()[0], **options)


def test_an_example_that_is_no_dict_is_refused_with_the_fix():
    with pytest.raises(TypeError, match="an example is a dict"):
        stepper(line()[0], examples=[(1.0, 2.0)])


def test_without_scripts_all_numbers_and_sentences_are_on_the_page():
    e = scalars(60)
    made = stepper(e)
    e.backward()
    told = re.findall(r"<li[^>]*>(.*?)</li>", made.html, re.DOTALL)
    assert len(told) == len(made.frames)
    pictured = "".join(svg_of(made.html).itertext())
    for v in topological_order(e):
        assert f"data {v.data:.4g}" in pictured
        assert f"grad {v.grad:.4g}" in pictured
    for control in ("words", "steps", "change", "training"):  # they appear when the script runs
        assert re.search(rf'id="{control}" class="hidden"', made.html)


def test_an_op_that_javascript_does_not_know_is_shown_as_it_was_recorded(monkeypatch):
    e = small()
    monkeypatch.setitem(OPS, "tanh", replace(OPS["tanh"], js=""))
    data = data_of(stepper(e).html)
    assert data["live"] is False
    last = str(len(data["graph"]["names"]) - 1)
    assert data["graph"]["recorded"] == {last: [e.data, list(e.partials), False]}


def test_a_graph_of_millions_is_refused_before_the_work():
    x = y = Value(1.0)
    for _ in range(60_000):
        y = y + x
    with pytest.raises(ValueError, match="more than 50,000 nodes"):
        stepper(y)


@pytest.mark.parametrize("wrong", [2.0, None, "e", [1]])
def test_what_is_not_a_value_is_refused_with_the_fix(wrong):
    with pytest.raises(TypeError, match=r"stepper\(loss\)"):
        stepper(wrong)


def test_a_graph_too_large_to_follow_is_refused_with_the_fix():
    x = y = Value(1.0)
    for _ in range(1001):
        y = y + x
    with pytest.raises(ValueError, match="step in steps"):
        stepper(y)
