"""The stepper in a real browser: Debian's Chromium, headless, driven by Playwright.

It prints what it measures (text size, time for a click): `pytest -m browser -s`.
"""

import random
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from autograd import Value, stepper, topological_order

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore"),  # of the libraries that run notebooks
]
LOCAL = ("file:", "about:", "data:", "blob:")
ROOT = Path(__file__).parents[2]


def small():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b
    d = c + a
    e = d * d
    for v, label in (c, "c"), (d, "d"), (e, "e"):
        v.label = label
    return e


def scalars(n):
    """n nodes: a network written by hand, as a sum of products, with tanh."""
    rng = random.Random(0)
    layer = [Value(rng.uniform(-1, 1), f"x{i}") for i in range(3 if n < 60 else 6)]
    root = layer[0] * layer[1]
    while len(topological_order(root)) < n:
        fresh = [(Value(rng.uniform(-1, 1), "w") * rng.choice(layer) + v).tanh() for v in layer]
        for v in fresh:
            if len(topological_order(root)) < n:
                root = root + v
        layer = fresh
    root.label = "L"
    return root


def opened(page, made, path):
    made.save(path / "stepper.html")
    page.goto((path / "stepper.html").as_uri())
    return page


def whole(frame):
    """The page as text, with what its form elements hold."""
    return frame.evaluate("document.documentElement.outerHTML + document.all.slider.value")


def to_the_end_and_back(frame):
    """Every picture of the way out has to return on the way back."""
    pictures = [whole(frame)]
    total = int(frame.get_attribute("#slider", "max"))
    for _ in range(total):
        frame.click("#next")
        pictures.append(whole(frame))
    assert len(set(pictures)) == total + 1
    assert frame.is_disabled("#next")
    for earlier in pictures[-2::-1]:
        frame.click("#back")
        assert whole(frame) == earlier
    assert frame.is_disabled("#back")
    return total


def test_next_to_the_end_and_back_to_the_start_in_a_saved_page(page, tmp_path):
    made = stepper(small())
    assert to_the_end_and_back(opened(page, made, tmp_path)) == len(made.frames)


def test_the_same_in_an_executed_notebook_exported_to_html(page, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    nbconvert = pytest.importorskip("nbconvert")
    cells = [
        "from autograd import Value, stepper",
        "a = Value(2.0, 'a')\nb = a * a\nb.label = 'b'\nstepper(b + a)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbclient.NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": ROOT}}
    ).execute()
    exporter = nbconvert.HTMLExporter(mathjax_url="data:,", require_js_url="data:,")
    exported = tmp_path / "notebook.html"
    exported.write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")
    page.goto(exported.as_uri())
    assert "trust the notebook" in page.inner_text("body")
    frame = page.wait_for_selector("iframe").content_frame()
    frame.wait_for_selector("#next")
    assert to_the_end_and_back(frame) == 7  # two ops, the seed, four edges


@pytest.fixture
def lite(tmp_path):
    """The address of a JupyterLite that has one notebook, with a stepper that has run before."""
    pytest.importorskip("jupyterlite_core")
    pytest.importorskip("jupyter_server")  # it lists the files
    nbformat = pytest.importorskip("nbformat")
    output = nbformat.v4.new_output("display_data", stepper(small())._repr_mimebundle_())
    cell = nbformat.v4.new_code_cell("stepper(e)", outputs=[output])
    (tmp_path / "files").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "files" / "run.ipynb")
    build = [sys.executable, "-m", "jupyterlite_core", "build", "--contents=files", "--apps=lab"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    handler = partial(Silent, directory=tmp_path / "_output")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


def test_the_same_in_jupyterlite_once_the_notebook_is_trusted(chromium, lite):
    page = chromium.new_page(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
    wrong = []
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("request", lambda r: r.url.startswith((lite, *LOCAL)) or wrong.append(r.url))
    page.goto(f"{lite}lab/index.html?path=run.ipynb")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="No Kernel").click()
    page.get_by_text("trust the notebook").wait_for()
    assert page.locator("iframe[srcdoc]").count() == 0
    page.keyboard.press("Control+Shift+C")
    page.get_by_placeholder("Search").last.fill("Trust Notebook")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Trust").click()
    frame = page.wait_for_selector("iframe[srcdoc]").content_frame()
    frame.wait_for_selector("#next")
    assert to_the_end_and_back(frame) == len(stepper(small()).frames)
    page.context.close()
    assert wrong == []


def test_the_keyboard_is_enough(page, tmp_path):
    total = len(stepper(small()).frames)
    opened(page, stepper(small()), tmp_path)
    first = whole(page)
    for key, position in [
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", total),
        ("Home", 0),
    ]:
        page.keyboard.press(key)
        assert page.input_value("#slider") == str(position)
    assert whole(page) == first
    stops = []
    for _ in range(4):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id"))
    assert stops[:3] == ["play", "next", "slider"]
    page.focus("#next")
    page.keyboard.press("Enter")
    assert page.input_value("#slider") == "1"
    page.focus("#slider")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#slider") == "2"
    assert page.get_attribute("#said", "aria-live") == "polite"
    assert page.get_attribute("#slider", "aria-valuetext").startswith(f"Step 2 of {total}: ")


def test_the_slider_and_play_move_too(page, tmp_path):
    page.clock.install()
    total = len(stepper(small()).frames)
    opened(page, stepper(small()), tmp_path)
    page.fill("#slider", "3")
    assert page.inner_text("#count") == f"Step 3 of {total}"
    page.click("#play")
    assert page.inner_text("#play") == "Pause"
    page.clock.run_for(60_000)
    assert page.inner_text("#count") == f"Step {total} of {total}"
    assert page.inner_text("#play") == "Play"


def test_gradients_fill_in_as_they_arrive(page, tmp_path):
    opened(page, stepper(small()), tmp_path)
    page.keyboard.press("End")
    end = page.text_content("#graph")
    assert "grad -16" in end and "grad 16" in end  # ∂e/∂b = 2d·a, ∂e/∂a = 2d·(b + 1)
    page.keyboard.press("Home")
    assert "grad" not in page.text_content("#graph")


def test_the_quiz_accepts_the_right_number_and_refuses_a_wrong_one(page, tmp_path):
    opened(page, stepper(small(), quiz=True), tmp_path)
    page.click("#next")
    assert page.inner_text("#ask") == "What is c.data?"
    assert page.inner_text("#result") == "?"
    assert "-6" not in page.inner_text("main")

    def answer(text):
        page.fill("#answer", text)
        page.keyboard.press("Enter")
        return page.inner_text("#verdict")

    assert (
        answer("6")
        == "Not yet: that is 12 too high. The size is right; look at the sign. Try again."
    )
    assert answer("a lot") == "Type a number, such as -0.5, 3/4 or 2e-3."
    page.click("#next")  # no way on without an answer
    assert page.inner_text("#count").startswith("Step 1 ")
    assert answer("-12/2") == "Right: -6."
    assert page.inner_text("#result") == "-6"
    assert page.inner_text("#score") == "0 of 1 right at once"
    page.click("#next")
    assert answer("-4,00") == "Right: -4."
    assert page.inner_text("#score") == "1 of 2 right at once"
    page.click("#back")  # what has been found stays found
    assert page.inner_text("#result") == "-6"


def test_the_quiz_names_the_mistake(page, tmp_path):
    x = Value(3.0, "x")
    y = x * x
    y.label = "y"
    opened(page, stepper(y, quiz=True), tmp_path)
    for _ in range(3):  # the square, the seed, the first contribution
        page.click("#next")
        page.click("#reveal")
    page.click("#next")
    page.fill("#answer", "3")
    page.click("#check")
    assert "+= adds to it" in page.inner_text("#verdict")
    page.click("#hint")
    assert "added to 3" in page.inner_text("#verdict")
    page.fill("#answer", "6.001")
    page.click("#check")
    assert page.inner_text("#verdict") == "Right: 6."


def test_a_hostile_label_is_text(page, tmp_path):
    page.on("dialog", lambda d: pytest.fail("a label has run as a script"))
    label = "</script><script>alert(1)</script>"
    opened(page, stepper(Value(2.0, label) * 3, quiz=True), tmp_path)
    assert label in page.text_content("#graph")
    page.click("#next")
    assert label[:30] in page.inner_text("#sentence")


MEASURE = """() => {  // for each click: milliseconds, the text's pixels, is the node in view?
  const stage = document.getElementById("stage").getBoundingClientRect();
  return steps.map(() => {
    const began = performance.now();
    document.getElementById("next").click();
    const box = document.querySelector("#graph .node.on").getBoundingClientRect();
    const took = performance.now() - began;
    const scale = document.getElementById("graph").getScreenCTM().a;
    const text = parseFloat(getComputedStyle(document.querySelector("#graph text")).fontSize);
    const seen = box.left >= stage.left - 1 && box.right <= stage.right + 1
      && box.top >= stage.top - 1 && box.bottom <= stage.bottom + 1;
    return [took, text * scale, seen];
  });
}"""


@pytest.mark.parametrize("n", [10, 100, 500])
def test_in_follow_mode_the_active_node_is_in_view_and_its_text_readable(page, tmp_path, n):
    made = stepper(scalars(n))
    opened(page, made, tmp_path)
    times, sizes, seen = map(list, zip(*page.evaluate(MEASURE)))
    times.sort()
    print(
        f"\n{n} nodes, {len(made.frames)} steps, {len(made.html) / 1e3:.0f} kB: a click takes "
        f"{times[len(times) // 2]:.1f} ms (median), {times[-1]:.1f} ms (worst); "
        f"text is {min(sizes):.1f} px high or more"
    )
    assert len(times) == len(made.frames)
    assert min(sizes) >= 9
    assert all(seen)
