"""The same workloads as whole-tensor programs of PyTorch: `program(params, data)` is the loss."""

import math
from typing import Any

import torch
import torch.nn.functional as f

from benchmarks import tensor_recurrences
from benchmarks.naive import STRIDE
from benchmarks.scalar import Step, leaves


def mlp(params: Any, x: Any) -> Any:
    *hidden, last = params["layers"]
    for layer in hidden:
        x = f.relu(f.linear(x, layer["w"], layer["b"]))
    return f.linear(x, last["w"], last["b"])


def moons(params: Any, data: Any) -> Any:
    loss = f.relu(1 - mlp(params, data["xs"])[:, 0] * data["ys"]).mean()
    return loss + 1e-4 * sum((p * p).sum() for p in leaves(params))


def digits(params: Any, data: Any) -> Any:
    return f.cross_entropy(mlp(params, data["xs"]), data["ys"])


def conv(params: Any, data: Any) -> Any:
    kernel, image = params["kernel"], data["xs"].reshape(-1, 1, 8, 8)
    features = f.relu(f.conv2d(image, kernel["w"].reshape(4, 1, 3, 3), kernel["b"], stride=2))
    return f.cross_entropy(mlp(params, features.flatten(1)), data["ys"])


def rnn(params: Any, data: Any) -> Any:
    cell, xs = params["rnn"], data["xs"]
    state = xs.new_zeros(len(xs), 16)
    for t in range(xs.shape[1]):
        state = torch.tanh(f.linear(torch.cat([xs[:, t], state], 1), cell["w"], cell["b"]))
    return f.cross_entropy(mlp(params, state), data["ys"])


def rms_norm(x: Any) -> Any:
    return x * ((x * x).mean(-1, keepdim=True) + 1e-5) ** -0.5


def gpt(params: Any, data: Any) -> Any:
    tokens = data["tokens"]
    n = len(tokens) - 1
    x = params["wte"][tokens[:-1]] + params["wpe"][:n]
    normed = rms_norm(x)
    q, k, v = [
        f.linear(normed, params[w]).reshape(n, 4, 4).transpose(0, 1) for w in ("wq", "wk", "wv")
    ]
    mixed = f.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + f.linear(mixed.transpose(0, 1).reshape(n, 16), params["wo"])
    x = x + f.linear(f.relu(f.linear(rms_norm(x), params["up"])), params["down"])
    return f.cross_entropy(f.linear(x, params["head"]), tokens[1:])


def chain(params: Any, data: Any) -> Any:
    v, a, b = data["x"], params["a"], params["b"]
    for _ in range(int(data["ops"]) // 2):
        v = v * a + b
    return v


def mixture(params: Any, data: Any) -> Any:
    widths = params["widths"]
    z = (data["xs"][:, None] - params["means"]) / widths
    log_density = -0.5 * (z * z) - widths.log() - 0.5 * math.log(2 * math.pi)
    each = f.log_softmax(params["logits"], 0) + log_density.sum(2)
    return -torch.logsumexp(each, 1).mean()


def lstm(params: Any, data: Any) -> Any:
    xs, ys = data["xs"], data["ys"]
    w = torch.cat([params[gate]["w"] for gate in "ifog"])
    b = torch.cat([params[gate]["b"] for gate in "ifog"])
    h = c = torch.zeros_like(ys)
    for t in range(xs.shape[1]):
        i, forget, o, g = f.linear(torch.cat([xs[:, t], h], 1), w, b).chunk(4, 1)
        c = forget.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    return ((h - ys) ** 2).sum() / len(xs)


def bundle(params: Any, data: Any) -> Any:
    pixels = data["pixels"]
    cameras = params["cameras"][:, None]  # a row of observations for each
    points = params["points"].unfold(0, pixels.shape[1], STRIDE).transpose(1, 2)
    r = cameras[..., :3]
    angle = (r * r).sum(-1, keepdim=True).sqrt()
    n = r / angle
    along = (n * points).sum(-1, keepdim=True) * (1 - angle.cos())
    turned = points * angle.cos() + torch.linalg.cross(n, points) * angle.sin() + n * along
    seen = turned + cameras[..., 3:6]
    xy = seen[..., :2] / seen[..., 2:]
    r2 = (xy * xy).sum(-1, keepdim=True)
    scale = cameras[..., 6:7] * (1 + cameras[..., 7:8] * r2 + cameras[..., 8:9] * r2 * r2)
    return ((scale * xy - pixels) ** 2).sum() / (pixels.numel() // 2)


def rosenbrock(params: Any, data: Any) -> Any:
    x, following = params["x"][:-1], params["x"][1:]
    return (100 * (following - x**2) ** 2 + (1 - x) ** 2).sum()


PROGRAMS = {"moons": moons, "digits": digits, "big": digits, "conv": conv, "rnn": rnn, "gpt": gpt}
PROGRAMS |= {"chain": chain, "mlp-24": moons, "mlp-192": moons}
PROGRAMS |= {"mixture": mixture, "lstm": lstm, "bundle": bundle, "rosenbrock": rosenbrock}
PROGRAMS |= {"digits-128": digits, "big-32": digits, "rnn-100": rnn, **tensor_recurrences.PROGRAMS}


def build(workload: str, numbers: Any, precision: str) -> Step:
    dtype = getattr(torch, precision)

    def parameter(x: Any) -> Any:  # a dict or a list of layers, down to the arrays
        if isinstance(x, dict):
            return {key: parameter(item) for key, item in x.items()}
        if isinstance(x, list) and isinstance(x[0], dict):
            return [parameter(item) for item in x]
        return torch.tensor(x, dtype=dtype).requires_grad_()

    params, lr, loss_of = parameter(numbers["params"]), numbers["lr"], PROGRAMS[workload]
    data = {}
    for key, x in numbers["data"].items():
        floats = loss_of is moons or torch.tensor(x).is_floating_point()  # its targets are factors
        data[key] = torch.tensor(x, dtype=dtype if floats else torch.long)
    trained = list(leaves(params))

    def step() -> float:
        loss = loss_of(params, data)
        loss.backward()
        with torch.no_grad():
            for p in trained:
                p -= lr * p.grad
                p.grad = None
        return float(loss.item())

    return step
