"""What is measured: one entry per workload, with the numbers that every participant gets.

`python -m benchmarks.workloads NAME` prints them as JSON: parameters (nested lists of floats),
data and learning rate. All participants read the same text, so all do the same work.
"""

import json
import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.naive import STRIDE

Numbers = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """One training step: forward, backward, and plain gradient descent on every parameter."""

    what: str
    make: Callable[[random.Random], Numbers]  # {"params": ..., "data": ..., "lr": ...}
    quick: bool = True  # part of --quick


def matrix(rng: random.Random, rows: int, columns: int) -> list[list[float]]:
    """Weights for a layer of `rows` neurons: uniform, with Kaiming's bound."""
    bound = math.sqrt(6 / columns)
    return [[rng.uniform(-bound, bound) for _ in range(columns)] for _ in range(rows)]


def dense(rng: random.Random, *sizes: int) -> list[dict[str, Any]]:
    """A multi-layer perceptron's parameters; biases are small but not 0, so that they count."""
    return [
        {"w": matrix(rng, n, m), "b": [rng.uniform(-0.1, 0.1) for _ in range(n)]}
        for m, n in zip(sizes, sizes[1:])
    ]


def moons(rng: random.Random, n: int = 100) -> Numbers:
    points, targets = [], []
    for i in range(n):
        angle, side = rng.uniform(0, math.pi), i % 2
        x, y = math.cos(angle), math.sin(angle)
        x, y = (1 - x, 0.5 - y) if side else (x, y)
        points.append([x + rng.gauss(0, 0.1), y + rng.gauss(0, 0.1)])
        targets.append(2 * side - 1)
    data = {"xs": points, "ys": targets}
    return {"params": {"layers": dense(rng, 2, 16, 16, 1)}, "data": data, "lr": 0.05}


def images(rng: random.Random, batch: int) -> Numbers:
    from sklearn.datasets import load_digits

    digits = load_digits()
    chosen = rng.sample(range(len(digits.target)), batch)
    return {
        "xs": [[float(pixel) / 16 for pixel in digits.data[i]] for i in chosen],
        "ys": [int(digits.target[i]) for i in chosen],
    }


def digits(rng: random.Random, batch: int = 32) -> Numbers:
    return {"params": {"layers": dense(rng, 64, 32, 10)}, "data": images(rng, batch), "lr": 0.05}


def conv(rng: random.Random) -> Numbers:
    params = {"kernel": dense(rng, 9, 4)[0], "layers": dense(rng, 36, 10)}
    return {"params": params, "data": images(rng, 16), "lr": 0.05}


def gpt(rng: random.Random) -> Numbers:
    n, vocabulary, block = 16, 27, 16
    shapes = {"wte": (vocabulary, n), "wpe": (block, n), "head": (vocabulary, n)}
    shapes |= {"wq": (n, n), "wk": (n, n), "wv": (n, n), "wo": (n, n)}
    shapes |= {"up": (4 * n, n), "down": (n, 4 * n)}
    params = {name: matrix(rng, *shape) for name, shape in shapes.items()}
    name = "isabella"
    tokens = [0, *[ord(letter) - ord("a") + 1 for letter in name], 0]
    return {"params": params, "data": {"tokens": tokens}, "lr": 0.05}


def rnn(rng: random.Random, steps: int = 20, n: int = 16) -> Numbers:
    params = {"rnn": dense(rng, 20, 16)[0], "layers": dense(rng, 16, 10)}
    data = {"xs": sequences(rng, n, steps), "ys": [rng.randrange(10) for _ in range(n)]}
    return {"params": params, "data": data, "lr": 0.05}


def sequences(rng: random.Random, n: int, steps: int) -> list[list[list[float]]]:
    return [[[rng.gauss(0, 1) for _ in range(4)] for _ in range(steps)] for _ in range(n)]


def big(rng: random.Random, batch: int = 1) -> Numbers:
    xs = [[rng.random() for _ in range(784)] for _ in range(batch)]
    data = {"xs": xs, "ys": [(3 + i) % 10 for i in range(batch)]}
    return {"params": {"layers": dense(rng, 784, 1024, 256, 10)}, "data": data, "lr": 0.001}


def chain(rng: random.Random) -> Numbers:
    return {"params": {"a": 0.999, "b": 0.001}, "data": {"x": 2.0, "ops": 1_000_000}, "lr": 1e-6}


def mixture(rng: random.Random, n: int = 200, components: int = 5) -> Numbers:
    def row(low: float, high: float) -> list[float]:
        return [rng.uniform(low, high) for _ in range(2)]

    centres = [row(-3, 3) for _ in range(components)]
    xs = [[rng.gauss(m, 0.5) for m in rng.choice(centres)] for _ in range(n)]
    params = {
        "logits": [rng.uniform(-1, 1) for _ in centres],
        "means": [[m + rng.gauss(0, 0.5) for m in centre] for centre in centres],
        "widths": [row(0.5, 1.5) for _ in centres],
    }
    return {"params": params, "data": {"xs": xs}, "lr": 1e-3}


def lstm(rng: random.Random, n: int = 8, steps: int = 4, width: int = 8) -> Numbers:
    xs = sequences(rng, n, steps)
    ys = [[rng.uniform(-0.5, 0.5) for _ in range(width)] for _ in range(n)]
    params = {gate: dense(rng, 4 + width, width)[0] for gate in "ifog"}
    return {"params": params, "data": {"xs": xs, "ys": ys}, "lr": 0.01}


def bundle(rng: random.Random, cameras: int = 10, seen: int = 30) -> Numbers:
    def camera() -> list[float]:  # about 5 in front of the points, and hardly turned
        return [*[rng.gauss(0, 0.1) for _ in range(5)], 5.0, 1.0, 0.01, 0.001]

    count = STRIDE * (cameras - 1) + seen
    points = [[rng.uniform(-1, 1) for _ in range(3)] for _ in range(count)]
    params = {"cameras": [camera() for _ in range(cameras)], "points": points}
    pixels = [[[x / 5 + rng.gauss(0, 0.02), y / 5 + rng.gauss(0, 0.02)]
               for x, y, _ in points[STRIDE * k :][:seen]] for k in range(cameras)]  # fmt: skip
    return {"params": params, "data": {"pixels": pixels}, "lr": 0.01}


def rosenbrock(rng: random.Random, n: int = 1000) -> Numbers:
    return {"params": {"x": [rng.uniform(-1, 1) for _ in range(n)]}, "data": {}, "lr": 1e-4}


def lotka_volterra(rng: random.Random, steps: int = 60) -> Numbers:
    """Seen are two waves a quarter apart, about as high as the model's."""
    angles = [0.18 * t for t in range(1, steps + 1)]
    seen = [[2 + math.cos(a) + rng.gauss(0, 0.1), 1.5 + 0.7 * math.sin(a)] for a in angles]
    params = {"rates": [1.1, 0.7, 0.9, 0.4], "start": [2.5, 1.0]}
    return {"params": params, "data": {"seen": seen}, "lr": 1e-4}


def ode(rng: random.Random, n: int = 50) -> Numbers:
    params = {"x": [rng.uniform(0.5, 2.0) for _ in range(n)]}
    return {"params": params, "data": {"target": [rng.uniform(0, 1) for _ in range(n)]}, "lr": 0.01}


def hmm(rng: random.Random, steps: int = 40, states: int = 4, symbols: int = 6) -> Numbers:
    def row(n: int) -> list[float]:
        return [rng.uniform(-1, 1) for _ in range(n)]

    params = {"moves": [row(states) for _ in range(states)], "start": row(states)}
    params["shown"] = [row(symbols) for _ in range(states)]
    data = {"symbols": [rng.randrange(symbols) for _ in range(steps)]}
    return {"params": params, "data": data, "lr": 0.1}


def kalman(rng: random.Random, steps: int = 50) -> Numbers:
    seen = [math.sin(0.1 * t) + rng.gauss(0, 0.2) for t in range(1, steps + 1)]
    params = {"log_q": -0.5, "log_r": -2.0, "start": [0.1, 0.5]}
    return {"params": params, "data": {"seen": seen}, "lr": 0.01}


def heat(rng: random.Random, n: int = 32) -> Numbers:
    measured = [math.sin(math.pi * (i + 1) / (n + 1)) + rng.gauss(0, 0.05) for i in range(n)]
    params = {"u": [rng.uniform(0, 1) for _ in range(n)], "conductivity": 0.3}
    return {"params": params, "data": {"measured": measured}, "lr": 0.1}


def gru(rng: random.Random, steps: int = 30, n: int = 4, width: int = 8) -> Numbers:
    params = {gate: dense(rng, 4, width)[0] | {"u": matrix(rng, width, width)} for gate in "rzn"}
    ys = [[rng.uniform(-0.5, 0.5) for _ in range(width)] for _ in range(n)]
    return {"params": params, "data": {"xs": sequences(rng, n, steps), "ys": ys}, "lr": 0.01}


def cholesky(rng: random.Random, n: int = 24) -> Numbers:
    xs = sorted(rng.uniform(0, 6) for _ in range(n))
    ys = [math.sin(x) + rng.gauss(0, 0.1) for x in xs]
    return {"params": {"logs": [0.0, 0.2, -2.0]}, "data": {"xs": xs, "ys": ys}, "lr": 0.01}


WORKLOADS = {
    "moons": Workload("MLP 2-16-16-1, 100 points, hinge loss + L2", moons),
    "digits": Workload("MLP 64-32-10, 32 digits, cross-entropy", digits),
    "gpt": Workload("one-layer GPT (16 wide, 4 heads), one name of 8 letters", gpt),
    "conv": Workload("3x3x4 convolution, stride 2, and 36-10, 16 digits", conv),
    "rnn": Workload("RNN 4-16 over 20 steps, and 16-10, 16 sequences", rnn),
    "big": Workload("MLP 784-1024-256-10 (1.07 M parameters), one example", big, quick=False),
    "mixture": Workload("log-likelihood of 200 points in the plane, 5 Gaussians", mixture),
    "lstm": Workload("an LSTM cell 4-8 over 4 steps, 8 sequences, squared error", lstm),
    "bundle": Workload("reprojection error of 10 cameras, 75 points, 300 observations", bundle),
    "rosenbrock": Workload("Rosenbrock's function in 1,000 dimensions", rosenbrock),
    "mlp-24": Workload("moons with 24 points, jitted without nn too", partial(moons, n=24)),
    "mlp-192": Workload("moons with 192 points, jitted without nn too", partial(moons, n=192)),
    "digits-128": Workload("digits with a batch of 128 of the 1,797", partial(digits, batch=128)),
    "big-32": Workload("big with a batch of 32 examples", partial(big, batch=32), quick=False),
    "rnn-100": Workload("rnn over 100 steps, 4 sequences", partial(rnn, steps=100, n=4)),
    "lotka-volterra": Workload("Lotka-Volterra, 60 RK4 steps, fitted to data", lotka_volterra),
    "ode": Workload("50 equations of which each drives the next, 20 RK4 steps", ode),
    "hmm": Workload("hidden Markov model, 4 states, 6 symbols, 40 steps", hmm),
    "kalman": Workload("Kalman filter for position and speed, 50 steps", kalman),
    "heat": Workload("heat equation, inverse: a rod of 32 points, 50 steps", heat),
    "gru": Workload("a GRU cell 4-8 over 30 steps, 4 sequences, squared error", gru),
    "cholesky": Workload("Gaussian process with 24 points, scalar Cholesky", cholesky),
    "chain": Workload("1,000,000 operations, each on the last one's result", chain, quick=False),
}

if __name__ == "__main__":
    json.dump(WORKLOADS[sys.argv[1]].make(random.Random(42)), sys.stdout)
