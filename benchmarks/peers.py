"""The others: micrograd from PyPI, a Value in the style of microgpt, and PyTorch's tensors."""

import math
from typing import Any

from benchmarks.scalar import Kit, Step, leaves


def micrograd() -> Kit:
    """karpathy/micrograd as it is on PyPI. It lacks exp and log: here they are, in its style."""
    from micrograd.engine import Value

    def exp(v: Any) -> Any:
        out = Value(math.exp(v.data), (v,), "exp")

        def _backward() -> None:
            v.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(v: Any) -> Any:
        out = Value(math.log(v.data), (v,), "log")

        def _backward() -> None:
            v.grad += out.grad / v.data

        out._backward = _backward
        return out

    return Kit(Value, exp, log)


class LocalGrads:
    """A Value in the style of microgpt: children and local gradients as tuples, no closures."""

    __slots__ = ("children", "data", "grad", "local_grads")

    def __init__(self, data: float, children: Any = (), local_grads: Any = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.children = children
        self.local_grads = local_grads

    def __add__(self, other: Any) -> "LocalGrads":
        other = other if isinstance(other, LocalGrads) else LocalGrads(other)
        return LocalGrads(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Any) -> "LocalGrads":
        other = other if isinstance(other, LocalGrads) else LocalGrads(other)
        return LocalGrads(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, k: float) -> "LocalGrads":
        return LocalGrads(self.data**k, (self,), (k * self.data ** (k - 1),))

    def exp(self) -> "LocalGrads":
        y = math.exp(self.data)
        return LocalGrads(y, (self,), (y,))

    def log(self) -> "LocalGrads":
        return LocalGrads(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> "LocalGrads":
        return LocalGrads(max(0.0, self.data), (self,), (float(self.data > 0),))

    def __rsub__(self, other: Any) -> "LocalGrads":
        return self * -1.0 + other

    def __sub__(self, other: Any) -> "LocalGrads":
        return self + other * -1.0

    def __truediv__(self, other: "LocalGrads") -> "LocalGrads":
        return self * other**-1.0

    def backward(self) -> None:
        order, seen = [], set()

        def visit(v: LocalGrads) -> None:
            if v not in seen:
                seen.add(v)
                for child in v.children:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            for child, local in zip(v.children, v.local_grads):
                child.grad += local * v.grad


def microgpt_style() -> Kit:
    return Kit(LocalGrads, LocalGrads.exp, LocalGrads.log)


class Tensors:
    """The same workloads as whole-tensor programs of PyTorch, on one thread."""

    def __init__(self, dtype: str) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch, self.dtype = torch, getattr(torch, dtype)

    def build(self, workload: str, numbers: Any) -> Step:
        torch, f, lr = self.torch, self.torch.nn.functional, numbers["lr"]

        def tensor(x: Any) -> Any:
            return torch.tensor(x, dtype=self.dtype)

        def parameter(x: Any) -> Any:  # a dict or a list of layers, down to the arrays
            if isinstance(x, dict):
                return {key: parameter(item) for key, item in x.items()}
            if isinstance(x, list) and isinstance(x[0], dict):
                return [parameter(item) for item in x]
            return tensor(x).requires_grad_()

        params, data = parameter(numbers["params"]), numbers["data"]
        trained = list(leaves(params))
        if "xs" in data:
            xs = tensor(data["xs"])
            ys = tensor(data["ys"]) if workload == "moons" else torch.tensor(data["ys"])

        def mlp(x: Any) -> Any:
            *hidden, last = params["layers"]
            for layer in hidden:
                x = f.relu(f.linear(x, layer["w"], layer["b"]))
            return f.linear(x, last["w"], last["b"])

        def moons() -> Any:
            loss = f.relu(1 - mlp(xs)[:, 0] * ys).mean()
            return loss + 1e-4 * sum((p * p).sum() for p in trained)

        def digits() -> Any:
            return f.cross_entropy(mlp(xs), ys)

        def conv() -> Any:
            kernel = params["kernel"]
            image = xs.reshape(-1, 1, 8, 8)
            w = kernel["w"].reshape(4, 1, 3, 3)
            features = f.relu(f.conv2d(image, w, kernel["b"], stride=2))
            return f.cross_entropy(mlp(features.flatten(1)), ys)

        def rnn() -> Any:
            cell = params["rnn"]
            state = torch.zeros(len(ys), 16, dtype=self.dtype)
            for t in range(xs.shape[1]):
                seen = torch.cat([xs[:, t], state], 1)
                state = torch.tanh(f.linear(seen, cell["w"], cell["b"]))
            return f.cross_entropy(mlp(state), ys)

        def rms_norm(x: Any) -> Any:
            return x * ((x * x).mean(-1, keepdim=True) + 1e-5) ** -0.5

        def gpt() -> Any:
            tokens = torch.tensor(data["tokens"])
            n = len(tokens) - 1
            x = params["wte"][tokens[:-1]] + params["wpe"][:n]
            normed = rms_norm(x)
            q, k, v = [
                f.linear(normed, params[w]).reshape(n, 4, 4).transpose(0, 1)
                for w in ("wq", "wk", "wv")
            ]
            mixed = f.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + f.linear(mixed.transpose(0, 1).reshape(n, 16), params["wo"])
            x = x + f.linear(f.relu(f.linear(rms_norm(x), params["up"])), params["down"])
            return f.cross_entropy(f.linear(x, params["head"]), tokens[1:])

        def chain() -> Any:
            v, a, b = tensor(data["x"]), params["a"], params["b"]
            for _ in range(data["ops"] // 2):
                v = v * a + b
            return v

        programs = {"moons": moons, "digits": digits, "big": digits}
        programs |= {"conv": conv, "gpt": gpt, "rnn": rnn, "chain": chain}
        loss_of = programs[workload]

        def step() -> float:
            loss = loss_of()
            loss.backward()
            with torch.no_grad():
                for p in trained:
                    p -= lr * p.grad
                    p.grad = None
            return float(loss.item())

        return step
