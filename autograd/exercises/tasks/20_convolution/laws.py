"""A convolution: sums of products at every place, and their gradients."""

import random
from typing import Any

from autograd import Value
from autograd.exercises.experiments import CHANGED, as_it_was
from autograd.exercises.task import Case, Law, Outcome

Rows = list[list[float]]


def case(image: Rows, kernel: Rows) -> Case:
    def run(convolve: Any) -> Outcome:
        pixels, weights = ([[Value(x) for x in row] for row in rows] for rows in (image, kernel))
        out = [list(row) for row in convolve(pixels, weights)]
        loss = Value(0.0)
        for i, row in enumerate(out):
            for j, v in enumerate(row):
                loss = loss + v * (1 + i + 2 * j)
        loss.backward()
        return {
            "output": [[v.data for v in row] for row in out],
            "gradients of image": [[v.grad for v in row] for row in pixels],
            "gradients of kernel": [[v.grad for v in row] for row in weights],
        }

    lines = [f"image = {image}", f"kernel = {kernel}", "out = convolve(image, kernel)   # Values"]
    return Case("\n".join([*lines, "loss: the sum of out[i][j] * (1 + i + 2 * j)"]), run)


def some(rng: random.Random, rows: int, columns: int) -> Rows:
    return [[float(rng.randint(-3, 3)) for _ in range(columns)] for _ in range(rows)]


def twice(rng: random.Random) -> list[Case]:
    def run(convolve: Any) -> Outcome:
        image, kernel = [[Value(1.0), Value(2.0)]], [[Value(3.0)]]
        untouched = as_it_was(image, kernel)
        results = [[[v.data for v in row] for row in convolve(image, kernel)] for _ in range(2)]
        return {"first": results[0], "second": results[1], "given is as it was": untouched()}

    call = "convolve(image, kernel)"
    return [Case(f"image, kernel = [[1, 2]], [[3]]   # as Values\n{call}\n{call}", run)]


LAWS = (
    Law(
        "A kernel of one number multiplies every pixel by it.",
        lambda rng: [case([[2.0]], [[3.0]]), case([[1.0, 2.0], [3.0, 4.0]], [[2.0]])],
    ),
    Law(
        "A kernel as big as the image gives a single sum of products.",
        lambda rng: [
            case([[1.0, 2.0]], [[3.0, 4.0]]),
            case([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 0.0]]),
            case([[1.0, 2.0], [3.0, 4.0]], [[0.0, 10.0], [100.0, 0.0]]),
        ],
    ),
    Law(
        "It slides along rows and columns, to the very end.",
        lambda rng: [
            case([[1.0, 2.0, 4.0]], [[1.0, 1.0]]),
            case([[1.0], [2.0], [4.0]], [[1.0], [1.0]]),
            case([[1.0, 2.0, 4.0], [0.0, 1.0, 3.0]], [[1.0, -1.0]]),
        ],
    ),
    Law(
        "It holds for any sizes.",
        lambda rng: [
            case(some(rng, h, w), some(rng, kh, kw))
            for h, w, kh, kw in ((3, 3, 2, 2), (4, 5, 2, 3), (3, 4, 3, 1), (2, 5, 1, 2))
        ],
    ),
    Law("What is given stays as it was, and a second call gives the same.", twice, CHANGED),
)
