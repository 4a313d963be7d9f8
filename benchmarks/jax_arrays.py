"""The same workloads as array programs of JAX: `program(params, data)` is the loss.

jax.jit compiles a whole step, and loops in time are lax.scan, as JAX's documentation has it.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.nn import log_softmax, logsumexp, relu, sigmoid, softmax

from benchmarks.naive import STRIDE
from benchmarks.recurrences import HEAT_STEPS, ODE_STEPS
from benchmarks.scalar import Step

jax.config.update("jax_enable_x64", True)


def cross_entropy(logits: Any, ys: Any) -> Any:
    return -log_softmax(logits)[jnp.arange(len(ys)), ys].mean()


def mlp(params: Any, x: Any) -> Any:
    *hidden, last = params["layers"]
    for layer in hidden:
        x = relu(x @ layer["w"].T + layer["b"])
    return x @ last["w"].T + last["b"]


def moons(params: Any, data: Any) -> Any:
    loss = relu(1 - mlp(params, data["xs"])[:, 0] * data["ys"]).mean()
    return loss + 1e-4 * sum((p * p).sum() for p in jax.tree.leaves(params))


def digits(params: Any, data: Any) -> Any:
    return cross_entropy(mlp(params, data["xs"]), data["ys"])


def conv(params: Any, data: Any) -> Any:
    kernel, images = params["kernel"], data["xs"].reshape(-1, 1, 8, 8)
    weights = kernel["w"].reshape(4, 1, 3, 3)
    planes = lax.conv(images, weights, (2, 2), "VALID") + kernel["b"][:, None, None]
    return cross_entropy(mlp(params, relu(planes).reshape(len(images), -1)), data["ys"])


def rnn(params: Any, data: Any) -> Any:
    cell, xs = params["rnn"], data["xs"]

    def step(state: Any, x: Any) -> Any:
        return jnp.tanh(jnp.concatenate([x, state], 1) @ cell["w"].T + cell["b"]), None

    state, _ = lax.scan(step, jnp.zeros((len(xs), 16)), xs.swapaxes(0, 1))
    return cross_entropy(mlp(params, state), data["ys"])


def rms_norm(x: Any) -> Any:
    return x * ((x * x).mean(-1, keepdims=True) + 1e-5) ** -0.5


def gpt(params: Any, data: Any) -> Any:
    tokens = data["tokens"]
    n = len(tokens) - 1
    x = params["wte"][tokens[:-1]] + params["wpe"][:n]
    normed = rms_norm(x)
    q, k, v = [(normed @ params[w].T).reshape(n, 4, 4).swapaxes(0, 1) for w in ("wq", "wk", "wv")]
    future = jnp.triu(jnp.full((n, n), -jnp.inf), 1)
    mixed = softmax(q @ k.swapaxes(1, 2) * 0.5 + future) @ v
    x = x + mixed.swapaxes(0, 1).reshape(n, 16) @ params["wo"].T
    x = x + relu(rms_norm(x) @ params["up"].T) @ params["down"].T
    return cross_entropy(x @ params["head"].T, tokens[1:])


def mixture(params: Any, data: Any) -> Any:
    widths = params["widths"]
    z = (data["xs"][:, None] - params["means"]) / widths
    log_density = -0.5 * (z * z) - jnp.log(widths) - 0.5 * math.log(2 * math.pi)
    return -logsumexp(log_softmax(params["logits"]) + log_density.sum(2), 1).mean()


def lstm(params: Any, data: Any) -> Any:
    xs, ys = data["xs"], data["ys"]
    w = jnp.concatenate([params[gate]["w"] for gate in "ifog"])
    b = jnp.concatenate([params[gate]["b"] for gate in "ifog"])

    def step(state: Any, x: Any) -> Any:
        h, c = state
        i, forget, o, g = jnp.split(jnp.concatenate([x, h], 1) @ w.T + b, 4, 1)
        c = sigmoid(forget) * c + sigmoid(i) * jnp.tanh(g)
        return (sigmoid(o) * jnp.tanh(c), c), None

    zero = jnp.zeros_like(ys)
    (h, _), _ = lax.scan(step, (zero, zero), xs.swapaxes(0, 1))
    return ((h - ys) ** 2).sum() / len(xs)


def bundle(params: Any, data: Any) -> Any:
    pixels = data["pixels"]
    cameras, seen_by_each = pixels.shape[:2]
    rows = STRIDE * jnp.arange(cameras)[:, None] + jnp.arange(seen_by_each)
    camera, points = params["cameras"][:, None], params["points"][rows]
    r = camera[..., :3]
    angle = jnp.sqrt((r * r).sum(-1, keepdims=True))
    n = r / angle
    along = (n * points).sum(-1, keepdims=True) * (1 - jnp.cos(angle))
    turned = points * jnp.cos(angle) + jnp.cross(n, points) * jnp.sin(angle) + n * along
    seen = turned + camera[..., 3:6]
    xy = seen[..., :2] / seen[..., 2:]
    r2 = (xy * xy).sum(-1, keepdims=True)
    scale = camera[..., 6:7] * (1 + camera[..., 7:8] * r2 + camera[..., 8:9] * r2 * r2)
    return ((scale * xy - pixels) ** 2).sum() / (pixels.size // 2)


def rosenbrock(params: Any, data: Any) -> Any:
    x, following = params["x"][:-1], params["x"][1:]
    return (100 * (following - x**2) ** 2 + (1 - x) ** 2).sum()


def rk4(slopes: Any, y: Any, h: float) -> Any:
    k1 = slopes(y)
    k2 = slopes(y + h / 2 * k1)
    k3 = slopes(y + h / 2 * k2)
    k4 = slopes(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def lotka_volterra(params: Any, data: Any, dt: float = 0.1) -> Any:
    a, b, c, d = params["rates"]

    def slopes(y: Any) -> Any:
        meetings = y[0] * y[1]
        return jnp.array([a * y[0] - b * meetings, d * meetings - c * y[1]])

    def step(y: Any, _: Any) -> Any:
        return (y := rk4(slopes, y, dt)), y

    _, states = lax.scan(step, params["start"], length=len(data["seen"]))
    return ((states - data["seen"]) ** 2).sum() / len(states)


def ode(params: Any, data: Any) -> Any:
    x = params["x"]

    def slopes(y: Any) -> Any:
        return x * jnp.concatenate([jnp.ones(1), y[:-1]])

    def step(y: Any, _: Any) -> Any:
        return rk4(slopes, y, 2.0 / ODE_STEPS), None

    y, _ = lax.scan(step, jnp.zeros_like(x), length=ODE_STEPS)
    return ((y - data["target"]) ** 2).sum()


def hmm(params: Any, data: Any) -> Any:
    moves = softmax(params["moves"])

    def step(p: Any, likelihoods: Any) -> Any:
        p = p * likelihoods
        total = p.sum()
        return (p / total) @ moves, total

    shown = softmax(params["shown"]).T[data["symbols"]]
    _, totals = lax.scan(step, softmax(params["start"]), shown)
    return -jnp.log(totals).mean()


def kalman(params: Any, data: Any, dt: float = 0.1) -> Any:
    q, r = jnp.exp(params["log_q"]), jnp.exp(params["log_r"])
    move = jnp.array([[1.0, dt], [0.0, 1.0]])
    noise = q * jnp.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])

    def step(state: Any, z: Any) -> Any:
        x, p = state
        x, p = move @ x, move @ p @ move.T + noise
        s, error = p[0, 0] + r, z - x[0]
        gain = p[:, 0] / s
        return (x + gain * error, p - jnp.outer(gain, p[0])), jnp.log(s) + error * error / s

    _, losses = lax.scan(step, (params["start"], jnp.eye(2)), data["seen"])
    return 0.5 * losses.mean()


def heat(params: Any, data: Any) -> Any:
    c = params["conductivity"]

    def step(u: Any, _: Any) -> Any:
        padded = jnp.pad(u, 1)
        return u + c * (padded[:-2] - 2 * u + padded[2:]), None

    u, _ = lax.scan(step, params["u"], length=HEAT_STEPS)
    return ((u - data["measured"]) ** 2).mean()


def gru(params: Any, data: Any) -> Any:
    xs, ys = data["xs"], data["ys"]
    w, b, u = [jnp.concatenate([params[gate][k] for gate in "rzn"]) for k in "wbu"]

    def step(h: Any, x: Any) -> Any:
        r_x, z_x, n_x = jnp.split(x @ w.T + b, 3, 1)
        r_h, z_h, n_h = jnp.split(h @ u.T, 3, 1)
        r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
        return (1 - z) * jnp.tanh(n_x + r * n_h) + z * h, None

    h, _ = lax.scan(step, jnp.zeros_like(ys), xs.swapaxes(0, 1))
    return ((h - ys) ** 2).sum() / len(xs)


def cholesky(params: Any, data: Any) -> Any:
    s, length, noise = jnp.exp(params["logs"])
    xs, ys = data["xs"], data["ys"]
    kernel = s * s * jnp.exp(-0.5 / (length * length) * (xs[:, None] - xs) ** 2)
    low = jnp.linalg.cholesky(kernel + noise * jnp.eye(len(xs)))
    white = jax.scipy.linalg.solve_triangular(low, ys, lower=True)
    return (jnp.log(jnp.diagonal(low)).sum() + 0.5 * (white * white).sum()) / len(xs)


PROGRAMS = {"moons": moons, "digits": digits, "big": digits, "conv": conv, "rnn": rnn, "gpt": gpt}
PROGRAMS |= {"mixture": mixture, "lstm": lstm, "bundle": bundle, "rosenbrock": rosenbrock}
PROGRAMS |= {"mlp-24": moons, "mlp-192": moons, "digits-128": digits, "big-32": digits}
PROGRAMS |= {"rnn-100": rnn, "lotka-volterra": lotka_volterra, "ode": ode, "hmm": hmm}
PROGRAMS |= {"kalman": kalman, "heat": heat, "gru": gru, "cholesky": cholesky}


def arrays(x: Any) -> Any:
    """Nested lists of numbers become arrays; dicts, and lists of dicts, stay."""
    if isinstance(x, dict):
        return {key: arrays(item) for key, item in x.items()}
    layers = isinstance(x, list) and bool(x) and isinstance(x[0], dict)
    return [arrays(item) for item in x] if layers else jnp.array(x)


def build(workload: str, numbers: Any) -> Step:
    """The data are arguments, as in training; the old parameters' memory takes the new ones."""
    lr, gradients = numbers["lr"], jax.value_and_grad(PROGRAMS[workload])
    state, data = [arrays(numbers["params"])], arrays(numbers["data"])

    @partial(jax.jit, donate_argnums=0)
    def update(params: Any, data: Any) -> Any:
        loss, gradient = gradients(params, data)
        return jax.tree.map(lambda p, g: p - lr * g, params, gradient), loss

    def step() -> float:
        state[0], loss = update(state[0], data)
        return float(loss)

    return step
