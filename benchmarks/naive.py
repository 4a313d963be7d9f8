"""Scalar code that knows nothing of layers, losses or arrays: loops, operators, the built-in `sum`.

`program(params, *data)` returns a Value; params are lists and dicts of Values, data lists of
numbers. It is what one writes who has only read the formula. `autograd.jit` compiles the same.
"""

import math
from typing import Any

from benchmarks import recurrences


def mixture(params: Any, xs: Any) -> Any:
    """Minus the mean log-likelihood of points under a mixture of Gaussians with a width each
    per axis, -1/n sum_i log sum_k p_k prod_d N(x_id; m_kd, s_kd), where p is softmax(logits)."""
    weights = [logit.exp() for logit in params["logits"]]
    total = sum(weights)
    loss = 0.0
    for x in xs:
        likelihood = 0.0
        for weight, means, widths in zip(weights, params["means"], params["widths"]):
            density = weight / total
            for v, m, s in zip(x, means, widths):
                z = (v - m) / s
                density = density * (-0.5 * z * z).exp() / (s * math.sqrt(2 * math.pi))
            likelihood = likelihood + density
        loss = loss - likelihood.log()
    return loss / len(xs)


def lstm(params: Any, xs: Any, ys: Any) -> Any:
    """Mean squared error of an LSTM cell's last state, sequence by sequence: gates i, f, o and
    candidate g see [x, h]; then c = f * c + i * g, and h = o * tanh(c)."""

    def weighted_sums(gate: Any, inputs: list[Any]) -> list[Any]:
        return [b + sum(w * v for w, v in zip(row, inputs)) for row, b in zip(gate["w"], gate["b"])]

    loss = 0.0
    for sequence, target in zip(xs, ys):
        h = c = [0.0 for _ in target]
        for x in sequence:
            inputs = [*x, *h]
            i, f, o = [[v.sigmoid() for v in weighted_sums(params[k], inputs)] for k in "ifo"]
            g = [v.tanh() for v in weighted_sums(params["g"], inputs)]
            c = [f[k] * c[k] + i[k] * g[k] for k in range(len(c))]
            h = [o[k] * c[k].tanh() for k in range(len(c))]
        loss = loss + sum((a - y) ** 2 for a, y in zip(h, target))
    return loss / len(xs)


def bundle(params: Any, pixels: Any) -> Any:
    """Bundle adjustment: the mean squared distance between where the cameras saw the points and
    where they should have. A camera is a rotation vector, a translation, a focal length and two
    coefficients of radial distortion; camera k sees a run of points that begins at STRIDE * k."""
    loss, count = 0.0, 0
    for k, (camera, seen) in enumerate(zip(params["cameras"], pixels)):
        for point, (u, v) in zip(params["points"][STRIDE * k :], seen):
            x, y, z = rotate(camera[:3], point)
            x, y, z = x + camera[3], y + camera[4], z + camera[5]
            x, y = x / z, y / z
            r = x * x + y * y
            scale = camera[6] * (1.0 + camera[7] * r + camera[8] * r * r)
            loss = loss + (scale * x - u) ** 2 + (scale * y - v) ** 2
            count += 1
    return loss / count


STRIDE = 5


def rotate(r: Any, p: Any) -> list[Any]:
    """The point p turned around the axis r by the angle |r| (Rodrigues' formula)."""
    angle = sum(a * a for a in r).sqrt()
    n = [a / angle for a in r]
    cos, sin = angle.cos(), angle.sin()
    cross = [n[1] * p[2] - n[2] * p[1], n[2] * p[0] - n[0] * p[2], n[0] * p[1] - n[1] * p[0]]
    along = sum(a * b for a, b in zip(n, p)) * (1.0 - cos)
    return [p[i] * cos + cross[i] * sin + n[i] * along for i in range(3)]


def rosenbrock(params: Any) -> Any:
    """sum_i 100 (x_i+1 - x_i^2)^2 + (1 - x_i)^2"""
    x = params["x"]
    return sum(100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2 for i in range(len(x) - 1))


def mlp(params: Any, xs: Any, ys: Any) -> Any:
    """The moons again, neuron by neuron: hinge loss + L2."""
    loss = 0.0
    for x, y in zip(xs, ys):
        for layer in params["layers"]:
            x = [b + sum(w * v for w, v in zip(row, x)) for row, b in zip(layer["w"], layer["b"])]
            if layer is not params["layers"][-1]:
                x = [v.relu() for v in x]
        loss = loss + (1 - x[0] * y).relu()
    rows = [row for layer in params["layers"] for row in [*layer["w"], layer["b"]]]
    return loss / len(xs) + 1e-4 * sum(p * p for row in rows for p in row)


PROGRAMS = {"mixture": mixture, "lstm": lstm, "bundle": bundle, "rosenbrock": rosenbrock}
PROGRAMS |= {"mlp-24": mlp, "mlp-192": mlp, **recurrences.PROGRAMS}
