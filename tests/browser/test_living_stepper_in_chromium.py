"""What a reader changes in the stepper, in a real browser: numbers, rounds, predictions."""

import random
import sys
from pathlib import Path

import pytest
from test_stepper_in_chromium import opened, scalars, small, to_the_end_and_back, whole

import nn
from autograd import Value, draw, stepper, topological_order

pytestmark = pytest.mark.browser


def tanh_of(x):
    w, x, b = Value(x, "w"), Value(2.0, "x"), Value(-0.3, "b")
    y = (w * x + b).tanh()
    y.label = "y"
    return y


SHOWN = """() => Object.fromEntries(boxes.filter((b) => b.shown !== null).map(
  (b) => [graph.names[b.shown], b.text]))"""


def expected(root):
    """name -> [data, grad], as Python has them after backward()."""
    root.backward()
    order = topological_order(root)
    return {v.label or f"n{i}": [f"{v.data:.4g}", f"{v.grad:.4g}"] for i, v in enumerate(order)}


def test_dragging_a_leaf_moves_every_number_as_python_says(page, tmp_path):
    opened(page, stepper(tanh_of(0.5)), tmp_path)
    page.keyboard.press("End")
    at = page.locator("#graph .node.leaf").first.bounding_box()
    page.mouse.move(at["x"] + 40, at["y"] + 20)
    page.mouse.down()
    seen = set()
    for k in range(1, 21):
        page.mouse.move(at["x"] + 40 + 7 * k, at["y"] + 20)
        w = page.evaluate("rounds[0].leaves[0]")
        seen.add(w)
        assert page.evaluate(SHOWN) == expected(tanh_of(w))
        assert page.input_value("#number") == f"{w:.4g}"
        assert page.inner_text("#sentence").endswith(expected(tanh_of(w))["x"][1])
        assert f"w is now {w:.4g}." in page.inner_text("#said")  # aria-live reads it
    page.mouse.up()
    assert len(seen) == 20
    assert to_the_end_and_back_from_here(page)


def to_the_end_and_back_from_here(page):
    page.keyboard.press("Home")
    return to_the_end_and_back(page)


def test_typing_a_number_needs_the_keyboard_only(page, tmp_path):
    opened(page, stepper(tanh_of(0.5)), tmp_path)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "leaf":
            break
    page.keyboard.press("ArrowDown")
    assert page.evaluate("graph.names[chosen]") == "x"
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("3/4")
    page.keyboard.press("Enter")
    y = (Value(0.5) * 0.75 + -0.3).tanh()
    assert page.evaluate(SHOWN)["y"][0] == f"{y.data:.4g}"  # also before the first step
    page.keyboard.press("ArrowUp")
    assert page.evaluate("rounds[0].leaves[1]") == 0.85
    page.keyboard.press("Control+A")
    page.keyboard.type("a lot")
    page.keyboard.press("Enter")
    assert "Type a number" in page.inner_text("#verdict")
    page.click("#reset")
    assert page.evaluate("rounds[0].leaves[1]") == 2.0


def test_a_click_on_a_leaf_lets_it_be_typed_over(page, tmp_path):
    opened(page, stepper(tanh_of(0.5)), tmp_path)
    page.locator("#graph .node.leaf").nth(2).click()
    page.keyboard.type("1e-3")
    page.keyboard.press("Enter")
    assert page.evaluate("rounds[0].leaves.filter((x) => x === 0.001).length") == 1


def line():
    w, b, x, t = (Value(v, n) for v, n in ((0.5, "w"), (0.0, "b"), (2.0, "x"), (3.0, "t")))
    loss = (w * x + b - t) ** 2
    loss.label = "loss"
    return loss, [w, b]


def test_five_updates_by_hand_are_five_steps_of_sgd_and_all_can_be_taken_back(page, tmp_path):
    loss, parameters = line()
    opened(page, stepper(loss, parameters=parameters, lr=0.05), tmp_path)
    total = int(page.get_attribute("#slider", "max"))
    pictures = [whole(page)]
    for _ in range(5 * (total + 1) + 3):
        page.keyboard.press("ArrowRight")
        pictures.append(whole(page))
    assert page.inner_text("#count") == f"Round 6, step 3 of {total}"
    losses = page.evaluate("rounds.map((r) => fully(r).loss)")
    optimizer = nn.optim.SGD(parameters, 0.05)
    w, b = parameters
    for theirs in losses:
        value = (w * 2.0 + b - 3.0) ** 2
        assert theirs == pytest.approx(value.data, rel=1e-12, abs=1e-300)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    assert losses[5] < losses[0] / 10
    for earlier in pictures[-2::-1]:
        page.keyboard.press("ArrowLeft")
        assert whole(page) == earlier


def test_whole_rounds_a_new_rate_and_another_example(page, tmp_path):
    loss, parameters = line()
    examples = [{"x": 2.0, "t": 3.0}, {"x": -1.0, "t": 0.5}]
    opened(page, stepper(loss, parameters=parameters, examples=examples, lr=0.05), tmp_path)
    for _ in range(4):
        page.click("#round")
    assert page.inner_text("#count").startswith("Round 5, step 0")
    assert "with the new numbers it is" in page.inner_text("#news")
    falling = page.evaluate("rounds.map((r) => fully(r).loss)")
    assert falling == sorted(falling, reverse=True)
    assert page.locator("#curve circle.one").count() == 5
    page.fill("#rate", "0.5")
    page.keyboard.press("Enter")
    page.click("#round")
    assert page.evaluate("fully(rounds[5]).loss > fully(rounds[4]).loss")  # too far
    page.select_option("#example", "1")
    assert "Example 2 flows through" in page.inner_text("#news")
    assert page.evaluate("[rounds[5].leaves[1], rounds[5].leaves.slice(-9)[0] !== null]")[0] == -1.0
    mean = page.evaluate("meanOf(rounds[0])")
    assert mean == pytest.approx(((1.0 - 3.0) ** 2 + (-0.5 - 0.5) ** 2) / 2, rel=1e-12)


def test_an_example_can_be_chosen_where_nothing_is_trained(page, tmp_path):
    loss, _ = line()
    opened(page, stepper(loss, examples=[{"x": 2.0, "t": 3.0}, {"x": 5.0, "t": 1.0}]), tmp_path)
    assert not page.is_visible("#rate") and not page.is_visible("#round")
    page.select_option("#example", "1")
    page.keyboard.press("End")
    assert page.evaluate("played.loss") == (0.5 * 5.0 - 1.0) ** 2
    assert page.is_disabled("#next")


def network():
    model = nn.MLP(3, [4, 4, 1], "tanh", rng=random.Random(0))
    xs = [Value(v, f"x{i}") for i, v in enumerate([2.0, 3.0, -1.0])]
    loss = (model(xs) - 1.0) ** 2
    loss.label = "loss"
    return model, loss


def test_a_network_steps_by_neuron_or_op_by_op_and_neurons_open(page, tmp_path):
    model, loss = network()
    opened(page, stepper(loss, parameters=model), tmp_path)
    by_neuron = int(page.get_attribute("#slider", "max"))
    page.locator("#graph .node.module").first.click()
    assert "layers.0.neurons" in page.inner_text("#within")
    assert page.locator("#rows tr").count() == 6  # three weights, a bias, the sum, tanh
    page.locator("#rows tr").first.click()
    page.fill("#number", "0.25")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    name = page.evaluate("graph.names[chosen]")
    part = dict(model.named_parameters())[name[:-2] + "w.0"]
    part.data = 0.25
    again = (model([2.0, 3.0, -1.0]) - 1.0) ** 2
    assert page.evaluate("played.loss") == pytest.approx(again.data, rel=1e-12)
    page.check("#single")
    op_by_op = int(page.get_attribute("#slider", "max"))
    assert op_by_op > 2 * by_neuron
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    assert page.locator("#rows tr.on").count() >= 1


def test_predictions_work_on_changed_numbers_and_for_the_update(page, tmp_path):
    loss, parameters = line()
    opened(page, stepper(loss, quiz=True, parameters=parameters), tmp_path)
    page.evaluate("setLeaf(0, 2)")  # w
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#ask") == "What is n2.data?"
    page.fill("#answer", "4")
    page.keyboard.press("Enter")
    assert page.inner_text("#verdict") == "Right: 4."
    while not page.inner_text("#ask").endswith("after the update?"):
        page.keyboard.press("ArrowRight")
        if page.is_visible("#reveal") and not page.inner_text("#ask").endswith("update?"):
            page.click("#reveal")
    assert page.inner_text("#ask") == "What is w.data after the update?"
    page.fill("#answer", "2.4")
    page.keyboard.press("Enter")
    assert "goes uphill" in page.inner_text("#verdict")
    page.fill("#answer", "1.6")  # 2 - 0.1 * 4
    page.keyboard.press("Enter")
    assert page.inner_text("#verdict") == "Right: 1.6."


def test_a_change_among_500_nodes_is_answered_within_a_tenth_of_a_second(page, tmp_path):
    opened(page, stepper(scalars(500)), tmp_path)
    page.keyboard.press("End")
    times = page.evaluate(
        """() => Array.from({ length: 15 }, (_, k) => {
          const began = performance.now();
          setLeaf(0, 0.3 + k / 20);
          document.body.getBoundingClientRect();  // laid out
          return performance.now() - began;
        }).sort((a, b) => a - b)"""
    )
    print(f"\na change among 500 nodes: {times[7]:.1f} ms (median), {times[-1]:.1f} ms (worst)")
    assert len(times) == 15


def test_without_scripts_all_numbers_are_on_the_page(chromium, tmp_path):
    context = chromium.new_context(viewport={"width": 1000, "height": 700}, offline=True)
    page = context.new_page()
    made = stepper(tanh_of(0.5))
    inside = made.html.replace("&", "&amp;").replace("'", "&#39;")
    page.set_content(f"<iframe srcdoc='{inside}' sandbox='' width=900 height=650></iframe>")
    frame = page.frame_locator("iframe")
    text = frame.locator("body").inner_text()
    for name, (data, grad) in expected(tanh_of(0.5)).items():
        assert f"data {data}" in text and f"grad {grad}" in text, name
    assert "y.grad = ∂y/∂y = 1" in text
    for control in ("button", "input", "select"):
        assert frame.locator(f"{control}:visible").count() == 0
    context.close()


@pytest.mark.parametrize("light, scheme", [("true", "light"), ("false", "dark")])
def test_in_jupyterlab_the_page_is_as_dark_as_the_theme(chromium, light, scheme):
    # "null": without Playwright's own colour scheme, which a frame would follow instead
    context = chromium.new_context(color_scheme="null", offline=True)
    page = context.new_page()
    shown = stepper(tanh_of(0.5))._repr_mimebundle_()["text/html"]
    page.set_content(f"<body data-jp-theme-light='{light}'>{shown}{draw(tanh_of(0.5)).svg}</body>")
    frame = page.wait_for_selector("iframe").content_frame()
    frame.wait_for_selector("#next")
    asked = f"matchMedia('(prefers-color-scheme: {scheme})').matches"
    frame.wait_for_function(asked)
    ink = page.evaluate("getComputedStyle(document.querySelector('svg text')).fill")
    assert ink == {"light": "rgb(28, 39, 51)", "dark": "rgb(238, 242, 246)"}[scheme]
    context.close()


OVERFLOW = """() => [...document.querySelectorAll("svg g.node")].flatMap((g) => {
  const box = g.querySelector("rect, polygon, path").getBoundingClientRect();
  return [...g.querySelectorAll("text")].filter((t) => {
    const r = t.getBoundingClientRect();
    return r.width && (r.left < box.left - 1 || r.right > box.right + 1
                       || r.top < box.top - 1 || r.bottom > box.bottom + 1);
  }).map((t) => t.textContent);
})"""
FONTS = ["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono", "Liberation Sans Narrow", "sans-serif"]


@pytest.mark.parametrize("font", FONTS)
def test_no_text_leaves_its_box_with_any_font(page, tmp_path, font):
    model, loss = network()
    wide = Value(-1.2345e-300, "WWWW") * 1e-5 + loss
    wide.backward()
    pictures = [draw(loss).svg, draw(loss, "neuron").svg, draw(wide, direction="TB").svg]
    body = "".join(svg.replace("Helvetica, Arial,", f"{font},") for svg in pictures)
    (tmp_path / "drawn.html").write_text(f"<meta charset=utf-8>{body}", encoding="utf-8")
    page.goto((tmp_path / "drawn.html").as_uri())
    assert page.evaluate(OVERFLOW) == []
    made = stepper(wide).html.replace(
        "font: 16px/1.45 Helvetica, Arial", f'font: 16px/1.45 "{font}"'
    )
    (tmp_path / "stepper.html").write_text(made, encoding="utf-8")
    page.goto((tmp_path / "stepper.html").as_uri())
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith(f'"{font}"')
    for key in ("End", "Home"):
        page.keyboard.press(key)
        assert page.evaluate(OVERFLOW) == []
    page.evaluate("setLeaf(0, -1.2345678e-307)")
    assert page.evaluate(OVERFLOW) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_as_wide_as_its_window(page, tmp_path, width):
    page.set_viewport_size({"width": width, "height": 800})
    model, loss = network()
    opened(page, stepper(loss, parameters=model, examples=[{"x0": 1.0}]), tmp_path)
    page.keyboard.press("End")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for control in ("next", "back", "slider", "number", "rate", "round", "example"):
        box = page.locator(f"#{control}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width + 1, control


CROSSED = """() => {  // edges that run through a box which is not at one of their ends
  const found = [];
  for (const edge of document.querySelectorAll("#graph .edge")) {
    const path = edge.querySelector("path");
    const length = path.getTotalLength();
    const [, to, place] = edge.id.match(/n(\\d+)_(\\d+)/);
    const ends = [+to, data.boxes[to].parents[place]];
    for (let k = 1; k < 40; k++) {
      const p = path.getPointAtLength((length * k) / 40);
      const hit = boxes.findIndex((b, i) => !ends.includes(i)
        && p.x > b.x + 2 && p.x < b.x + b.w - 2 && p.y > b.y + 2 && p.y < b.y + b.h - 2);
      if (hit >= 0) { found.push(edge.id); break; }
    }
  }
  return found;
}"""


def test_edges_go_around_boxes(page, tmp_path):
    for root in (network()[1], small(), scalars(100)):
        opened(page, stepper(root), tmp_path)
        assert page.evaluate(CROSSED) == []


def test_every_op_gives_in_chromium_what_it_gives_in_python(page):
    sys.path.append(str(Path(__file__).parents[1] / "draw"))
    import test_javascript as ops

    kinds, data, _ = ops.sampled()
    page.goto("about:blank")
    page.add_script_tag(content=ops.program(kinds, ops.EVALUATE, data))
    ops.check_samples(page.evaluate("answer"))
