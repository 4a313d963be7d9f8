"""The workloads as whoever knows the matrix calculus writes them: NumPy, gradients by hand."""

from typing import Any

import numpy as np

from benchmarks import numpy_recurrences
from benchmarks.scalar import Step


def arrays(x: Any) -> Any:
    if isinstance(x, dict):
        return {key: arrays(item) for key, item in x.items()}
    if isinstance(x, float):
        return x
    return [arrays(item) for item in x] if isinstance(x[0], dict) else np.array(x)


def cross_entropy(z: Any, ys: Any) -> tuple[float, Any]:
    """(the mean loss, its gradient in the logits)."""
    e = np.exp(z - z.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    rows = np.arange(len(ys))
    loss = -np.log(p[rows, ys]).mean()
    p[rows, ys] -= 1.0
    return loss, p / len(ys)


def mlp(layers: Any, x: Any) -> list[Any]:
    """The inputs of each layer, and the last one's output."""
    xs = [x]
    for layer in layers:
        x = x @ layer["w"].T + layer["b"]
        if layer is not layers[-1]:
            np.maximum(x, 0.0, out=x)
        xs.append(x)
    return xs


def mlp_backward(layers: Any, xs: Any, d: Any, lr: float, wanted: bool = False) -> Any:
    """Update the layers; return the gradient in the input if it is wanted."""
    for i in reversed(range(len(layers))):
        layer = layers[i]
        gw, gb = d.T @ xs[i], d.sum(0)
        if i or wanted:
            d = d @ layer["w"]
            if i:
                d *= xs[i] > 0
        layer["w"] -= lr * gw
        layer["b"] -= lr * gb
    return d


def moons(params: Any, data: Any, lr: float) -> Step:
    layers, x, y = params["layers"], np.array(data["xs"]), np.array(data["ys"], float)

    def step() -> float:
        xs = mlp(layers, x)
        margin = np.maximum(1.0 - xs[-1][:, 0] * y, 0.0)
        loss = margin.sum() / len(y)
        d = ((margin > 0) * (-y / len(y)))[:, None]
        for layer in layers:
            for p in layer.values():
                flat = p.reshape(-1)
                loss += 1e-4 * (flat @ flat)
        for i in reversed(range(len(layers))):
            layer = layers[i]
            gw, gb = d.T @ xs[i], d.sum(0)
            if i:
                d = (d @ layer["w"]) * (xs[i] > 0)
            layer["w"] -= lr * (gw + 2e-4 * layer["w"])
            layer["b"] -= lr * (gb + 2e-4 * layer["b"])
        return float(loss)

    return step


def digits(params: Any, data: Any, lr: float) -> Step:
    layers, x, ys = params["layers"], np.array(data["xs"]), np.array(data["ys"])

    def step() -> float:
        xs = mlp(layers, x)
        loss, d = cross_entropy(xs[-1], ys)
        mlp_backward(layers, xs, d, lr)
        return float(loss)

    return step


def big(params: Any, data: Any, lr: float) -> Step:
    """One example: vectors, and outer products for the gradients."""
    layers, x, y = params["layers"], np.array(data["xs"][0]), data["ys"][0]

    def step() -> float:
        xs = [x]
        for layer in layers:
            h = layer["w"] @ xs[-1] + layer["b"]
            xs.append(h if layer is layers[-1] else np.maximum(h, 0.0))
        e = np.exp(xs[-1] - xs[-1].max())
        d = e / e.sum()
        loss = -np.log(d[y])
        d[y] -= 1.0
        for i in reversed(range(len(layers))):
            layer, g = layers[i], d
            if i:
                d = (g @ layer["w"]) * (xs[i] > 0)
            layer["w"] -= np.outer(lr * g, xs[i])
            layer["b"] -= lr * g
        return float(loss)

    return step


def conv(params: Any, data: Any, lr: float) -> Step:
    kernel, layers, ys = params["kernel"], params["layers"], np.array(data["ys"])
    images = np.array(data["xs"]).reshape(-1, 8, 8)
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), (1, 2))[:, ::2, ::2]

    def step() -> float:
        patches = windows.reshape(-1, 9)
        h = np.maximum(patches @ kernel["w"].T + kernel["b"], 0.0)
        features = h.reshape(len(ys), 9, 4).transpose(0, 2, 1).reshape(len(ys), 36)
        xs = mlp(layers, features)
        loss, d = cross_entropy(xs[-1], ys)
        d = mlp_backward(layers, xs, d, lr, wanted=True)
        d = d.reshape(len(ys), 4, 9).transpose(0, 2, 1).reshape(-1, 4) * (h > 0)
        kernel["w"] -= lr * (d.T @ patches)
        kernel["b"] -= lr * d.sum(0)
        return float(loss)

    return step


def rnn(params: Any, data: Any, lr: float) -> Step:
    cell, layers, ys = params["rnn"], params["layers"], np.array(data["ys"])
    x = np.array(data["xs"]).transpose(1, 0, 2)  # time first
    steps, batch, width = x.shape

    def step() -> float:
        wx, wh = cell["w"][:, :width].T, cell["w"][:, width:]
        inputs = x @ wx + cell["b"]
        states = [np.zeros((batch, len(wh)))]
        for t in range(steps):
            states.append(np.tanh(states[-1] @ wh.T + inputs[t]))
        xs = mlp(layers, states[-1])
        loss, d = cross_entropy(xs[-1], ys)
        d = mlp_backward(layers, xs, d, lr, wanted=True)
        before = np.empty((steps, batch, len(wh)))
        for t in reversed(range(steps)):
            before[t] = d * (1.0 - states[t + 1] * states[t + 1])
            d = before[t] @ wh
        flat = before.reshape(-1, len(wh))
        gh = flat.T @ np.concatenate(states[:-1])
        gx = flat.T @ x.reshape(-1, width)
        cell["w"] -= lr * np.concatenate([gx, gh], 1)
        cell["b"] -= lr * flat.sum(0)
        return float(loss)

    return step


def gpt(params: Any, data: Any, lr: float) -> Step:
    p, tokens = params, np.array(data["tokens"])
    here, following, n = tokens[:-1], tokens[1:], len(tokens) - 1
    future = np.triu(np.full((n, n), -np.inf), 1)

    def norm(x: Any) -> tuple[Any, Any]:
        scale = ((x * x).mean(1, keepdims=True) + 1e-5) ** -0.5
        return x * scale, scale

    def norm_backward(d: Any, x: Any, scale: Any) -> Any:
        return d * scale - x * ((d * x).sum(1, keepdims=True) * (scale**3 / 16))

    def heads(x: Any) -> Any:
        return x.reshape(n, 4, 4).transpose(1, 0, 2)

    def step() -> float:
        x0 = p["wte"][here] + p["wpe"][:n]
        a, scale0 = norm(x0)
        q, k, v = [heads(a @ p[w].T) for w in ("wq", "wk", "wv")]
        scores = (q @ k.transpose(0, 2, 1)) * 0.5 + future
        e = np.exp(scores - scores.max(2, keepdims=True))
        weights = e / e.sum(2, keepdims=True)
        mixed = (weights @ v).transpose(1, 0, 2).reshape(n, 16)
        x1 = x0 + mixed @ p["wo"].T
        b, scale1 = norm(x1)
        h = np.maximum(b @ p["up"].T, 0.0)
        x2 = x1 + h @ p["down"].T
        loss, dz = cross_entropy(x2 @ p["head"].T, following)

        g = {"head": dz.T @ x2}
        d = dz @ p["head"]
        g["down"] = d.T @ h
        dh = (d @ p["down"]) * (h > 0)
        g["up"] = dh.T @ b
        d = d + norm_backward(dh @ p["up"], x1, scale1)
        g["wo"] = d.T @ mixed
        dm = heads(d @ p["wo"])
        dv = weights.transpose(0, 2, 1) @ dm
        dw = dm @ v.transpose(0, 2, 1)
        ds = weights * (dw - (dw * weights).sum(2, keepdims=True)) * 0.5
        dq, dk = ds @ k, ds.transpose(0, 2, 1) @ q
        da = 0.0
        for w, dx in (("wq", dq), ("wk", dk), ("wv", dv)):
            flat = dx.transpose(1, 0, 2).reshape(n, 16)
            g[w] = flat.T @ a
            da = da + flat @ p[w]
        d = d + norm_backward(da, x0, scale0)
        for w, gradient in g.items():
            p[w] -= lr * gradient
        np.subtract.at(p["wte"], here, lr * d)
        p["wpe"][:n] -= lr * d
        return float(loss)

    return step


def mixture(params: Any, data: Any, lr: float) -> Step:
    logits, means, widths = params["logits"], params["means"], params["widths"]
    x = np.array(data["xs"])[:, None]  # points, components, axes

    def step() -> float:
        z = (x - means) / widths
        p = np.exp(logits - logits.max())
        p /= p.sum()
        densities = np.exp(-0.5 * (z * z).sum(2)) * (p / (2 * np.pi * widths.prod(1)))
        likelihoods = densities.sum(1, keepdims=True)
        d = densities / (-len(x) * likelihoods)  # of the loss, in the logarithm of each density
        gz = d[:, :, None] * z
        total = d.sum(0)
        logits[:] -= lr * (total + p)  # the gradients d sum to -1
        means[:] -= lr * gz.sum(0) / widths
        widths[:] -= lr * ((gz * z).sum(0) - total[:, None]) / widths
        return float(-np.log(likelihoods).mean())

    return step


def rosenbrock(params: Any, data: Any, lr: float) -> Step:
    x = params["x"]

    def step() -> float:
        a, b = x[1:] - x[:-1] * x[:-1], 1.0 - x[:-1]
        g = np.zeros_like(x)
        g[1:] = 200.0 * a
        g[:-1] -= 400.0 * a * x[:-1] + 2.0 * b
        x[:] -= lr * g
        return float(100.0 * (a @ a) + b @ b)

    return step


PROGRAMS = {"moons": moons, "digits": digits, "big": big, "conv": conv, "rnn": rnn, "gpt": gpt}
PROGRAMS |= {"mixture": mixture, "rosenbrock": rosenbrock, "mlp-24": moons, "mlp-192": moons}
PROGRAMS |= {"digits-128": digits, "big-32": digits, "rnn-100": rnn, **numpy_recurrences.PROGRAMS}


def build(workload: str, numbers: Any) -> Step:
    return PROGRAMS[workload](arrays(numbers["params"]), numbers["data"], numbers["lr"])
