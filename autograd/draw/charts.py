"""Pictures of training: loss curves, decision maps, histograms, images, tables. Plain SVG.

Colours are Okabe and Ito's, which no colour-blindness mixes; and colour is never the only sign:
lines have dashes, classes have shapes, right and wrong have marks. Every picture brings its own
light background, so it reads the same on a dark page.
"""

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autograd.draw.boxes import boxes
from autograd.draw.names import markup, values_in
from autograd.draw.picture import Picture, named, open_svg
from autograd.recording import no_grad
from autograd.steps import show
from autograd.value import Value

BLUE, ORANGE, *_ = COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"
)  # fmt: skip
DARK_GREEN = "#00704f"  # on white, as text
INK, PALE, GRID = "#1c2733", "#5d6b7a", "#dde3ea"
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")


class Canvas:
    """An SVG that is drawn upon, in pixels from the upper left corner."""

    def __init__(self, width: float, height: float, title: str, told: str = "") -> None:
        self.width, self.height, self.title, self.told = width, height, title, told
        self.parts = [f'<rect width="{width:g}" height="{height:g}" fill="white"/>']

    def add(self, shape: str, content: str | None = None, **attributes: Any) -> None:
        """An element; `stroke_width=2` becomes `stroke-width="2"`. `content` is plain text."""
        words = [
            f'{name.replace("_", "-")}="{round(x, 2) if isinstance(x, float) else x}"'
            for name, x in attributes.items()
            if x != ""
        ]
        end = "/>" if content is None else f">{markup(content)}</{shape}>"
        self.parts.append(f"<{' '.join([shape, *words])}{end}")

    def text(self, x: float, y: float, words: str, **look: Any) -> None:
        look = {"font_size": 12, "fill": INK} | look
        self.add("text", words, x=float(x), y=float(y), **look)

    def line(self, points: Iterable[tuple[float, float]], **look: Any) -> None:
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.add("polyline", points=way, fill="none", **look)

    def picture(self) -> Picture:
        head = open_svg(self.width, self.height, self.title).strip()
        paper, *parts = self.parts
        name = named(self.title, self.told).strip()
        return Picture("\n".join([head, paper, name, *parts, "</svg>\n"]), self.title)


class Axis:
    """Numbers from `low` to `high`, placed on the pixels from `start` to `end`."""

    def __init__(
        self, low: float, high: float, start: float, end: float, log: bool = False
    ) -> None:
        if low == high:
            low, high = low - 0.5, high + 0.5
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, log

    def __call__(self, x: float) -> float:
        low, high = self.low, self.high
        if self.log:
            low, high, x = math.log10(low), math.log10(high), math.log10(x)
        return self.start + (x - low) / (high - low) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round numbers within the axis, `about` as many as that."""
        if self.log:
            tens = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            for steps in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7)):
                found = [s * 10.0**t for t in tens for s in steps]
                found = [x for x in found if self.low <= x <= self.high]
                if len(found) > 2:
                    break
            return found[:: math.ceil(len(found) / (2 * about))] if found else [self.low]
        rough = (self.high - self.low) / about
        size = 10.0 ** math.floor(math.log10(rough))
        step = min((1, 2, 5, 10), key=lambda s: abs(s * size - rough)) * size
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]


def frame(
    canvas: Canvas,
    x: Axis,
    y: Axis,
    x_name: str,
    y_name: str,
    *,
    whole: bool = False,
    grid: bool = True,
) -> None:
    """Grid lines, ticks with numbers, and the names of the axes."""
    for tick in y.ticks():
        if grid:
            canvas.line([(x.start, y(tick)), (x.end, y(tick))], stroke=GRID)
        canvas.text(x.start - 6, y(tick) + 4, show(tick), text_anchor="end", fill=PALE)
    for tick in x.ticks():
        if not whole or tick == int(tick):
            canvas.line([(x(tick), y.start), (x(tick), y.start + 4)], stroke=PALE)
            canvas.text(x(tick), y.start + 17, show(tick), text_anchor="middle", fill=PALE)
    canvas.line([(x.start, y.start), (x.end, y.start)], stroke=PALE)
    canvas.text((x.start + x.end) / 2, y.start + 35, x_name, text_anchor="middle")
    middle = (y.start + y.end) / 2
    canvas.text(14, middle, y_name, text_anchor="middle", transform=f"rotate(-90 14 {middle:g})")


# --- loss curves ----------------------------------------------------------------------------------

BINS = 300  # a curve with more points than this shows the range and the mean of each bin


def loss_curve(losses: Any, x_name: str = "epoch") -> Picture:
    """One or several curves, each number at its place 1, 2, 3, ...

    losses: a list of numbers; a dict of such lists by name; or the history that `nn.fit` returns.
    The scale is logarithmic if the numbers spread over more than a factor of 30. A number that is
    not finite leaves a gap, and the first one is marked. Raises ValueError if none is finite.
    """
    if hasattr(losses, "validation_losses"):
        losses = {"training": losses.losses, "validation": losses.validation_losses}
    elif not isinstance(losses, Mapping):
        losses = {"loss": losses}
    curves = {name: [float(x) for x in curve] for name, curve in losses.items()}
    finite = [x for curve in curves.values() for x in curve if math.isfinite(x)]
    if not finite:
        raise ValueError(
            "a curve needs at least one finite number, and there is none. Did the training run at "
            "all, or was its loss NaN from the first step? autograd.detect_anomaly() finds where."
        )
    curves = {name: c for name, c in curves.items() if any(map(math.isfinite, c))}
    first = {name: next(filter(math.isfinite, c)) for name, c in curves.items()}
    last = {name: next(filter(math.isfinite, reversed(c))) for name, c in curves.items()}
    told = ", ".join(f"{name} from {show(first[name])} to {show(last[name])}" for name in curves)

    canvas = Canvas(600, 320, f"loss curve: {told}")
    log = min(finite) > 0 and max(finite) > 30 * min(finite)
    x = Axis(1, max(map(len, curves.values())), 62, 470)
    y = Axis(min(finite) if log else min(0.0, *finite), max(finite), 268, 20, log)
    frame(canvas, x, y, x_name, "loss (logarithmic)" if log else "loss", whole=True)
    for curve, colour, dash in zip(curves.values(), COLOURS * 9, DASHES * 9):
        _curve(canvas, x, y, curve, colour, dash)
    lowest = 0.0
    for name, end in sorted(last.items(), key=lambda item: y(item[1])):  # names beside the ends
        lowest = max(y(end) + 4, lowest + 16)
        i = list(curves).index(name)
        canvas.text(478, lowest, f"{name} {show(end)}", fill=(COLOURS * 9)[i], font_weight="bold")
    return canvas.picture()


def _curve(canvas: Canvas, x: Axis, y: Axis, curve: list[float], colour: str, dash: str) -> None:
    size = math.ceil(len(curve) / BINS)
    pieces: list[list[tuple[float, float, float, float]]] = [[]]  # (place, mean, low, high)
    for start in range(0, len(curve), size):
        some = [v for v in curve[start : start + size] if math.isfinite(v)]
        if some:
            place = x(start + 1 + (min(size, len(curve) - start) - 1) / 2)
            mean = math.fsum(some) / len(some)
            pieces[-1].append((place, y(mean), y(min(some)), y(max(some))))
        elif pieces[-1]:
            pieces.append([])
    for piece in filter(None, pieces):
        if size > 1:
            band = [(p, low) for p, _, low, _ in piece] + [(p, hi) for p, _, _, hi in piece[::-1]]
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in band)
            canvas.add("polygon", points=points, fill=colour, opacity=0.25)
        line = [(p, mean) for p, mean, _, _ in piece]
        canvas.line(line, stroke=colour, stroke_width=2, stroke_dasharray=dash)
        if len(line) == 1:
            canvas.add("circle", cx=line[0][0], cy=line[0][1], r=3, fill=colour)
    bad = next((i for i, v in enumerate(curve) if not math.isfinite(v)), None)
    if bad is not None:
        words = f"\u2716 {curve[bad]} at {bad + 1}"
        right = x(bad + 1) > 300
        anchor = "end" if right else "start"
        canvas.text(x(bad + 1), 34, words, fill=colour, text_anchor=anchor, font_weight="bold")


# --- decision maps --------------------------------------------------------------------------------

CELLS = 56  # in each direction
SHADES = (0.16, 0.3, 0.46)


def _pale(colour: str, strength: float) -> str:
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + strength * (c - 255)):02x}" for c in parts)


def decision_map(
    model: Callable[[list[float]], Any],
    points: Sequence[Sequence[float]],
    labels: Sequence[Any],
) -> Picture:
    """What `model` answers in the plane around `points`, which have two numbers each.

    A model with one output decides by its sign, so the lower of two labels (-1 or 0) stands for
    a negative output; shades get darker up to an output of 1 and of 3. A model with several
    outputs decides by the largest, and the labels are their indices. Wrong points have a ring.
    """
    if not len(points) or len(points) != len(labels):
        raise ValueError(f"a map needs a label per point, not {len(labels)} for {len(points)}")
    if any(len(p) != 2 for p in points):
        raise ValueError(f"a map shows two inputs, but a point here has {len(points[0])} numbers")
    with no_grad():
        sample = _scores(model, points[0])
        classes: list[Any] = sorted(set(labels)) if len(sample) == 1 else list(range(len(sample)))
        if len(sample) == 1 and len(classes) > 2:
            raise ValueError(
                f"a model with one output tells two classes apart, but there are {len(classes)}: "
                f"{classes}. Give the model an output for each class."
            )
        if unknown := set(labels) - set(classes):
            raise ValueError(f"a model with {len(sample)} outputs has no class {unknown.pop()!r}")

        def answer(p: Sequence[float]) -> tuple[int, int]:
            """(index of the class, shade)"""
            scores = _scores(model, p)
            if len(scores) == 1:
                strength = abs(scores[0])
                return int(scores[0] > 0), (strength > 1) + (strength > 3)
            return scores.index(max(scores)), 1

        low, high = ([f(p[k] for p in points) for k in (0, 1)] for f in (min, max))
        pad = [0.12 * (b - a) or 1.0 for a, b in zip(low, high)]
        x = Axis(low[0] - pad[0], high[0] + pad[0], 56, 440)
        y = Axis(low[1] - pad[1], high[1] + pad[1], 400, 16)
        side = (440 - 56) / CELLS
        step = [(axis.high - axis.low) / CELLS for axis in (x, y)]
        grid = [
            [
                answer((x.low + (i + 0.5) * step[0], y.low + (j + 0.5) * step[1]))
                for i in range(CELLS)
            ]
            for j in range(CELLS)
        ]
        answers = [answer(p)[0] for p in points]

    wrong = sum(classes[a] != label for a, label in zip(answers, labels))
    right = f"{len(points) - wrong} of {len(points)} right"
    canvas = Canvas(600, 450, f"decision map: {right}")
    canvas.parts.append('<g shape-rendering="crispEdges">')
    for j, row in enumerate(grid):
        for start, length, (k, shade) in _runs(row):
            left, top = x.start + start * side, y.start - (j + 1) * side
            canvas.add(
                "rect", x=left, y=top, width=length * side, height=side,
                fill=_pale(COLOURS[k % len(COLOURS)], SHADES[shade]),
            )  # fmt: skip
    canvas.parts.append("</g>")
    frame(canvas, x, y, "x[0]", "x[1]", grid=False)
    for p, label, a in zip(points, labels, answers):
        place = x(p[0]), y(p[1])
        k = classes.index(label)
        _marker(canvas, *place, k)
        if classes[a] != label:
            canvas.add(
                "circle", cx=place[0], cy=place[1], r=9, fill="none", stroke=INK, stroke_width=2
            )
    for k, name in enumerate(classes[: len(COLOURS)]):
        _marker(canvas, 464.0, 30.0 + 22 * k, k)
        canvas.text(476, 34 + 22 * k, f"label {name}")
    end = 34 + 22 * len(classes)
    canvas.text(458, end + 8, right, font_weight="bold")
    if wrong:
        canvas.add("circle", cx=464, cy=end + 26, r=7, fill="none", stroke=INK, stroke_width=2)
        canvas.text(476, end + 30, f"wrong: {wrong}")
    return canvas.picture()


def _scores(model: Callable[[list[float]], Any], point: Sequence[float]) -> list[float]:
    out = model([float(x) for x in point])
    return [
        v.data if isinstance(v, Value) else v for v in (out if isinstance(out, list) else [out])
    ]


def _runs(row: Sequence[Any]) -> Iterator[tuple[int, int, Any]]:
    """(start, length, item) of each run of equal items."""
    start = 0
    for i in range(1, len(row) + 1):
        if i == len(row) or row[i] != row[start]:
            yield start, i - start, row[start]
            start = i


def _marker(canvas: Canvas, x: float, y: float, k: int) -> None:
    """The sign of the k-th class: a colour and a shape of its own."""
    look: dict[str, Any] = {
        "fill": COLOURS[k % len(COLOURS)],
        "stroke": "white",
        "stroke_width": 1.2,
    }
    corners = (0, 4, 3, 5, 6)[k % 5]
    if not corners:
        canvas.add("circle", cx=x, cy=y, r=5, **look)
        return
    turns = [2 * math.pi * (i / corners - 0.25) for i in range(corners)]
    points = " ".join(f"{x + 6.5 * math.cos(t):.1f},{y + 6.5 * math.sin(t):.1f}" for t in turns)
    canvas.add("polygon", points=points, **look)


# --- histograms -----------------------------------------------------------------------------------


def histograms(root: Any) -> Picture:
    """The activations and their gradients, layer by layer, in the graph that `root` came from.

    root: a Value, say the loss of a batch, or a list of them. A layer's activations are the
    outputs that it marked. Numbers that are exactly 0 are told beside the bars: in a layer of
    relu many are, and their bar would hide the rest. Raises ValueError if there is no layer.
    """
    layers: dict[Any, list[Value]] = {}
    for box in boxes(values_in(root), "layer"):
        if box.module:
            layers.setdefault(box.module, []).extend(box.outputs)
    if not layers:
        raise ValueError(
            "there is no layer in this graph. A layer of nn marks what it returns: build the "
            "model of nn.Layer, nn.MLP and so on, and give the loss that comes out."
        )
    gradients = any(v.grad for outputs in layers.values() for v in outputs)
    canvas = Canvas(600, 34 + 92 * len(layers), f"histograms of {len(layers)} layers")
    canvas.text(160, 20, "activations", font_weight="bold", fill=BLUE)
    if gradients:
        canvas.text(390, 20, "their gradients", font_weight="bold", fill=ORANGE)
    for i, (module, outputs) in enumerate(layers.items()):
        top = 34 + 92 * i
        for k, line in enumerate(textwrap.wrap(module.name, 20)[:3]):
            canvas.text(10, top + 20 + 16 * k, line)
        canvas.text(10, top + 72, f"{len(outputs):,} numbers", fill=PALE)
        _bars(canvas, 160, top, [v.data for v in outputs], BLUE)
        if gradients:
            _bars(canvas, 390, top, [v.grad for v in outputs], ORANGE)
    return canvas.picture()


def _bars(canvas: Canvas, left: float, top: float, numbers: list[float], colour: str) -> None:
    """A histogram in 200 x 60 pixels, with the ends of its axis and the share of zeros below."""
    base, bins = top + 64, 25
    finite = [v for v in numbers if v and math.isfinite(v)]
    zeros = sum(v == 0 for v in numbers)
    lost = len(numbers) - zeros - len(finite)
    notes = [
        f"{n / len(numbers):.0%} {what}" for n, what in ((zeros, "zero"), (lost, "not finite")) if n
    ]
    if finite:
        x = Axis(min(finite), max(finite), left, left + 200)
        counts = [0] * bins
        for v in finite:
            counts[min(bins - 1, int((x(v) - left) / 200 * bins))] += 1
        for k, n in enumerate(counts):
            if n:
                height = max(1.5, 52 * n / max(counts))
                canvas.add("rect", x=left + k * 8.0, y=base - height, width=7, height=height,
                           fill=colour)  # fmt: skip
        canvas.text(left, base + 14, show(x.low), fill=PALE, font_size=11)
        canvas.text(left + 200, base + 14, show(x.high), text_anchor="end", fill=PALE, font_size=11)
    canvas.line([(left, base), (left + 200, base)], stroke=PALE)
    if notes:
        canvas.text(left + 100, base + 14, ", ".join(notes), text_anchor="middle", font_size=11)


# --- images and tables ----------------------------------------------------------------------------


def image_grid(
    images: Sequence[Sequence[Any]],
    labels: Sequence[Any] = (),
    predictions: Sequence[Any] = (),
) -> Picture:
    """Small grey images side by side, each a list of rows or, if square, a flat list of pixels.

    0 is white and the largest number black. With labels, they are written below; with
    predictions too, a mark and a frame tell which of them are right.
    """
    pictures = [_rows(image) for image in images]
    dark = max((v for image in pictures for row in image for v in row), default=0.0) or 1.0
    wrong = sum(a != b for a, b in zip(labels, predictions))
    title = f"{len(images)} images" + f", {wrong} read wrongly" * bool(len(predictions))
    across, side = 8, 60
    canvas = Canvas(600, 12 + 92 * math.ceil(len(images) / across), title)
    for i, image in enumerate(pictures):
        canvas.parts.append('<g shape-rendering="crispEdges">')
        left, top = 10.0 + 73.5 * (i % across), 10.0 + 92 * (i // across)
        size = side / max(len(image), len(image[0]))
        for j, row in enumerate(image):
            shades = [round(15 * max(v, 0.0) / dark) for v in row]
            for start, length, shade in _runs(shades):
                if shade:
                    canvas.add("rect", x=left + start * size, y=top + j * size,
                               width=length * size, height=size,
                               fill="#" + 3 * f"{15 - shade:x}")  # fmt: skip
        canvas.parts.append("</g>")
        words = str(labels[i]) if len(labels) else ""
        edge: dict[str, Any] = {"stroke": GRID, "stroke_width": 1}
        look = {"fill": INK}
        if len(predictions):
            right = labels[i] == predictions[i]
            words = f"✓ {labels[i]}" if right else f"✗ {predictions[i]}, is {labels[i]}"
            look = {"fill": DARK_GREEN if right else ORANGE, "font_weight": "bold"}
            if not right:
                edge = {"stroke": ORANGE, "stroke_width": 3}
        canvas.add("rect", x=left, y=top, width=side, height=side, fill="none", **edge)
        canvas.text(left + side / 2, top + side + 17, words, text_anchor="middle", **look)
    return canvas.picture()


def _rows(image: Sequence[Any]) -> list[list[float]]:
    if hasattr(image[0], "__len__"):
        return [[float(v) for v in row] for row in image]
    side = math.isqrt(len(image))
    if side * side != len(image):
        raise ValueError(
            f"a flat list of {len(image)} pixels is no square image: give a list of rows instead"
        )
    return [[float(v) for v in image[side * j : side * (j + 1)]] for j in range(side)]


def table(rows: Sequence[Sequence[str]], title: str) -> Picture:
    """Rows of text as a table, the first of them its head. Numbers stand on the right."""
    widths = [max(7.4 * len(row[k]) for row in rows) + 24 for k in range(len(rows[0]))]
    canvas = Canvas(math.ceil(sum(widths)), 26 * len(rows) + 4, title)
    for j, row in enumerate(rows):
        left, base = 0.0, 26 * j + 18
        if j % 2:
            canvas.add("rect", x=0, y=26 * j + 2, width=canvas.width, height=26, fill="#f3f5f8")
        for k, (words, width) in enumerate(zip(row, widths)):
            number = k and all(r[k][:1] in "-0123456789" for r in rows[1:])
            place = (left + width - 12, "end") if number else (left + 12, "start")
            weight = {} if j else {"font_weight": "bold"}
            canvas.text(place[0], base, words, text_anchor=place[1], **weight)
            left += width
    canvas.line([(0, 28), (canvas.width, 28)], stroke=PALE)
    return canvas.picture()
