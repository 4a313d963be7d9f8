"""Laws of the pictures of training: curves, maps, histograms, images, tables."""

import math
import random
import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

import nn
from autograd import Value
from autograd.draw import decision_map, histograms, image_grid, loss_curve, table
from autograd.draw.charts import Axis

SVG = "{http://www.w3.org/2000/svg}"


def shapes(svg, kind):
    return list(ET.fromstring(svg).iter(SVG + kind))


def polylines(svg):
    """The curves: lines of the width that no grid line has."""
    found = [line for line in shapes(svg, "polyline") if line.get("stroke-width") == "2"]
    return [[tuple(map(float, p.split(","))) for p in line.get("points").split()] for line in found]


# --- all ------------------------------------------------------------------------------------------


def every_picture():
    model = nn.MLP(2, [3, 1], rng=random.Random(0))
    points = [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0)]
    yield loss_curve([3.0, 1.0])
    yield decision_map(model, points, [1, -1, 1])
    yield histograms(sum(model(p) for p in points))
    yield image_grid([[0, 1, 2, 3]], [1], [2])
    yield table([["a", "b"], ["c", "1"]], "letters")


def test_every_picture_is_one_xml_with_its_own_light_background_and_no_style_sheet():
    for picture in every_picture():
        root = ET.fromstring(picture.svg)
        width, height = root.get("width"), root.get("height")
        assert root.get("viewBox") == f"0 0 {width} {height}"
        first = root[0]
        assert [first.get(k) for k in ("width", "height", "fill")] == [width, height, "white"]
        assert not re.search(r"<style|<script|url\(|href| id=", picture.svg)
        assert root.get("aria-label") == picture.text


def test_every_picture_is_the_same_twice():
    assert [p.svg for p in every_picture()] == [p.svg for p in every_picture()]


def test_pictures_save_as_svg_and_say_so_for_anything_else(tmp_path):
    picture = loss_curve([2.0, 1.0])
    picture.save(tmp_path / "loss.svg")
    assert (tmp_path / "loss.svg").read_text(encoding="utf-8") == picture.svg
    with pytest.raises(ValueError, match=r'save\("loss\.svg"\)'):
        picture.save(tmp_path / "loss.png")
    assert set(picture._repr_mimebundle_()[0]) == {"image/svg+xml", "text/plain"}


def test_words_from_outside_show_as_text(texts):
    bad = "</text><script>alert(1)</script> & \x00"
    shown = "</text><script>alert(1)</script> & \\x00"
    assert shown in texts(table([["a"], [bad]], bad).svg)
    assert any(t.startswith(shown) for t in texts(loss_curve({bad: [1.0]}).svg))
    assert shown in texts(image_grid([[1.0]], [bad]).svg)


# --- axes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3, 7), (0, 1e-9), (-1e12, 3e12), (5, 5), (0.1, 0.1000001)]
)
def test_ticks_are_round_few_and_within(low, high):
    axis = Axis(low, high, 0, 100)
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 12
    assert all(-1e-6 <= axis(t) <= 100 + 1e-6 for t in ticks)
    steps = {round((b - a) / (ticks[1] - ticks[0]), 6) for a, b in zip(ticks, ticks[1:])}
    assert steps == {1.0}


@pytest.mark.parametrize(("low", "high"), [(1e-3, 10), (0.2, 9), (1e-12, 1e12), (3, 100)])
def test_logarithmic_ticks_are_few_and_within(low, high):
    ticks = Axis(low, high, 0, 100, log=True).ticks()
    assert 2 <= len(ticks) <= 12
    assert all(low <= t <= high for t in ticks)


# --- loss curves ----------------------------------------------------------------------------------


def test_a_loss_curve_goes_through_every_number():
    (line,) = polylines(loss_curve([4.0, 2.0, 1.0, 2.0]).svg)
    steps = {round(b - a, 1) for (a, _), (b, _) in zip(line, line[1:])}
    assert len(steps) == 1
    heights = [y for _, y in line]
    assert heights[1] == heights[3]
    assert (heights[1] - heights[0]) / (heights[2] - heights[1]) == pytest.approx(2, abs=0.01)


def test_a_loss_over_several_powers_of_ten_is_drawn_on_a_logarithmic_scale(texts):
    svg = loss_curve([100.0, 10.0, 1.0]).svg
    (line,) = polylines(svg)
    heights = [y for _, y in line]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.2)
    assert "loss (logarithmic)" in texts(svg)
    assert "loss" in texts(loss_curve([100.0, 0.0]).svg)


def test_curves_differ_in_colour_and_dashes_and_carry_their_name(texts):
    svg = loss_curve({"training": [3.0, 1.0], "validation": [3.0, 1.01]}).svg
    lines = [line for line in shapes(svg, "polyline") if line.get("stroke-width") == "2"]
    assert len({line.get("stroke") for line in lines}) == 2
    assert len({line.get("stroke-dasharray") for line in lines}) == 2
    names = [t for t in shapes(svg, "text") if t.get("font-weight") == "bold"]
    assert {t.text for t in names} == {"training 1", "validation 1.01"}
    low, high = sorted(float(t.get("y")) for t in names)
    assert high - low >= 15  # the names don't overlap


def test_a_number_that_is_not_finite_leaves_a_gap_and_is_marked(texts):
    svg = loss_curve([3.0, 2.0, math.nan, 2.0, math.inf, 1.0, 1.0]).svg
    assert [len(line) for line in polylines(svg)] == [2, 1, 2]
    assert "✖ nan at 3" in texts(svg)
    with pytest.raises(ValueError, match="detect_anomaly"):
        loss_curve([math.nan])
    with pytest.raises(ValueError, match="at least one"):
        loss_curve([])


def test_a_long_curve_stays_small_and_keeps_its_extremes():
    losses = [1.0] * 50_000
    losses[31_234] = 9.0
    svg = loss_curve(losses).svg
    assert len(svg) < 40_000
    band = next(iter(shapes(svg, "polygon"))).get("points")
    heights = [float(p.split(",")[1]) for p in band.split()]
    assert min(heights) == 20.0  # the top of the axis, where 9 is


# --- decision maps --------------------------------------------------------------------------------


def test_a_decision_map_has_each_point_and_rings_the_wrong_ones(texts):
    points = [(-1.0, 0.0), (1.0, 0.0), (-2.0, 1.0), (2.0, 1.0)]
    svg = decision_map(lambda x: x[0], points, [-1, 1, 1, 1]).svg
    assert {"3 of 4 right", "wrong: 1", "label -1", "label 1"} <= set(texts(svg))
    rings = [c for c in shapes(svg, "circle") if c.get("fill") == "none"]
    assert len(rings) == 2  # the point's and the legend's
    marks = Counter(s.tag for s in shapes(svg, "polygon") + shapes(svg, "circle"))
    assert marks == {SVG + "polygon": 3 + 1, SVG + "circle": 1 + 1 + 2}  # two classes, two shapes


def test_the_map_s_colour_changes_where_the_sign_does():
    svg = decision_map(lambda x: 10 * x[0], [(-1.0, 0.0), (1.0, 0.0)], [0, 1]).svg
    rects = [r for r in shapes(svg, "rect") if r.get("height") != "450"]
    (left, right), rest = {r.get("fill") for r in rects if float(r.get("width")) > 100}, rects
    assert left != right
    assert sum(float(r.get("width")) * float(r.get("height")) for r in rest) == pytest.approx(
        384 * 384, rel=0.01
    )


def test_a_model_with_several_outputs_decides_by_the_largest(texts):
    model = nn.MLP(2, [4, 3], rng=random.Random(0))
    points = [(0.0, 1.0), (1.0, 0.0), (-1.0, -1.0)]
    outputs = [[v.data for v in model(p)] for p in points]
    best = [out.index(max(out)) for out in outputs]
    assert "3 of 3 right" in texts(decision_map(model, points, best).svg)


def test_a_decision_map_leaves_no_graph_and_no_gradient():
    seen = []

    def model(x):
        seen.append(Value(x[0]) * 2)
        return seen[-1]

    decision_map(model, [(0.0, 1.0), (1.0, 1.0)], [0, 1])
    assert not any(v.parents for v in seen)


def test_a_decision_map_says_what_it_needs():
    with pytest.raises(ValueError, match="two inputs"):
        decision_map(lambda x: x[0], [(1.0, 2.0, 3.0)], [1])
    with pytest.raises(ValueError, match="a label per point"):
        decision_map(lambda x: x[0], [(1.0, 2.0)], [])
    with pytest.raises(ValueError, match="an output for each class"):
        decision_map(lambda x: x[0], [(1.0, 2.0)] * 3, [0, 1, 2])
    with pytest.raises(ValueError, match="no class 5"):
        decision_map(lambda x: [x[0], x[1]], [(1.0, 2.0)], [5])


# --- histograms -----------------------------------------------------------------------------------


def test_histograms_count_the_outputs_of_each_layer(texts):
    model = nn.MLP(2, [8, 1], rng=random.Random(0))
    rng = random.Random(1)
    outputs = [model([rng.gauss(0, 1), rng.gauss(0, 1)]) for _ in range(20)]
    loss = sum(out * out for out in outputs)
    words = texts(histograms(loss).svg)
    assert {"Layer(2, 8, relu)", "160 numbers", "Layer(8, 1, linear)", "20 numbers"} <= set(words)
    assert "their gradients" not in words
    assert any(w.endswith("% zero") for w in words)
    loss.backward()
    words = texts(histograms([loss]).svg)
    assert "their gradients" in words
    assert f"{max(out.grad for out in outputs):.4g}" in words


def test_histograms_need_a_layer():
    with pytest.raises(ValueError, match=r"nn\.Layer"):
        histograms(Value(1.0) * 2)


# --- images and tables ----------------------------------------------------------------------------


def test_right_and_wrong_differ_by_more_than_colour(texts):
    svg = image_grid([[0, 1, 1, 0]] * 2, [3, 5], [3, 8]).svg
    assert {"✓ 3", "✗ 8, is 5"} <= set(texts(svg))
    frames = [r.get("stroke-width") for r in shapes(svg, "rect") if r.get("fill") == "none"]
    assert frames == ["1", "3"]


def test_images_are_rows_or_flat_squares():
    flat, rows = image_grid([[0, 1, 2, 3]]), image_grid([[[0, 1], [2, 3]]])
    assert flat.svg == rows.svg
    with pytest.raises(ValueError, match="list of rows"):
        image_grid([[1, 2, 3]])


def test_the_largest_number_is_black_and_zero_is_left_white():
    svg = image_grid([[0, 8, 16, 4]]).svg
    inks = [r.get("fill") for r in shapes(svg, "rect") if r.get("fill") not in ("white", "none")]
    assert inks == ["#777", "#000", "#bbb"]


def test_numbers_in_a_table_stand_on_the_right():
    svg = table([["name", "count"], ["a", "1"], ["b", "1,000"]], "counts").svg
    anchors = {t.text: t.get("text-anchor") for t in shapes(svg, "text")}
    assert anchors == {"name": "start", "count": "end", "a": "start", "1": "end", "b": "start",
                       "1,000": "end"}  # fmt: skip
