"""The workloads, written once for any scalar Value: the participants differ in the `Kit` alone."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks import naive

Step = Callable[[], float]


class Kit:
    """What a workload needs from a scalar library. Here all is written by hand, with operators."""

    def __init__(self, value: Any, exp: Any, log: Any) -> None:
        self.value, self.exp, self.log = value, exp, log

    def sum(self, terms: Sequence[Any]) -> Any:
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    def dot(self, ws: Sequence[Any], xs: Sequence[Any], bias: Any = None) -> Any:
        products = [w * x for w, x in zip(ws, xs)]
        return self.sum(products if bias is None else [bias, *products])

    def logsumexp(self, xs: Sequence[Any]) -> Any:
        top = max(x.data for x in xs)
        return self.log(self.sum([self.exp(x - top) for x in xs])) + top

    def softmax(self, xs: Sequence[Any]) -> list[Any]:
        top = max(x.data for x in xs)
        exps = [self.exp(x - top) for x in xs]
        total = self.sum(exps)
        return [e / total for e in exps]

    # --- the same for every scalar library -------------------------------------------------------

    def linear(self, w: Any, x: Any) -> list[Any]:
        return [self.dot(row, x) for row in w]

    def mlp(self, layers: Any, x: Any) -> list[Any]:
        for layer in layers:
            x = [self.dot(row, x, b) for row, b in zip(layer["w"], layer["b"])]
            if layer is not layers[-1]:
                x = [v.relu() for v in x]
        return list(x)

    def cross_entropy(self, logits: list[list[Any]], targets: list[int]) -> Any:
        losses = [self.logsumexp(row) - row[target] for row, target in zip(logits, targets)]
        return self.sum(losses) * (1 / len(losses))

    def rnn(self, params: Any, data: Any) -> Any:
        cell, logits = params["rnn"], []
        for sequence in data["xs"]:
            state = [self.value(0.0) for _ in cell["b"]]
            for x in sequence:
                seen = [*[self.value(v) for v in x], *state]
                sums = [self.dot(w, seen, b) for w, b in zip(cell["w"], cell["b"])]
                state = [self.tanh(v) for v in sums]
            logits.append(self.mlp(params["layers"], state))
        return self.cross_entropy(logits, data["ys"])

    def tanh(self, v: Any) -> Any:
        e = self.exp(v * 2.0)
        return (e + -1.0) / (e + 1.0)

    def rms_norm(self, x: Any) -> list[Any]:
        scale = (self.dot(x, x) * (1 / len(x)) + 1e-5) ** -0.5
        return [v * scale for v in x]

    def moons(self, params: Any, data: Any) -> Any:
        inputs = [[self.value(x) for x in row] for row in data["xs"]]
        scores = [self.mlp(params["layers"], x)[0] for x in inputs]
        losses = [(1 - score * y).relu() for score, y in zip(scores, data["ys"])]
        penalty = self.sum([p * p for p in leaves(params)])
        return self.sum(losses) * (1 / len(losses)) + penalty * 1e-4

    def digits(self, params: Any, data: Any) -> Any:
        inputs = [[self.value(x) for x in row] for row in data["xs"]]
        return self.cross_entropy([self.mlp(params["layers"], x) for x in inputs], data["ys"])

    big = digits

    def conv(self, params: Any, data: Any) -> Any:
        kernel, logits = params["kernel"], []
        for row in data["xs"]:
            image = [self.value(x) for x in row]
            patches = [
                [image[8 * (i + di) + j + dj] for di in range(3) for dj in range(3)]
                for i in (0, 2, 4)
                for j in (0, 2, 4)
            ]
            features = [
                self.dot(w, patch, b).relu()
                for w, b in zip(kernel["w"], kernel["b"])
                for patch in patches
            ]
            logits.append(self.mlp(params["layers"], features))
        return self.cross_entropy(logits, data["ys"])

    def gpt(self, params: Any, data: Any) -> Any:
        tokens, keys, values, logits = data["tokens"], [], [], []
        for position, token in enumerate(tokens[:-1]):
            x = [a + b for a, b in zip(params["wte"][token], params["wpe"][position])]
            normed = self.rms_norm(x)
            query = self.linear(params["wq"], normed)
            keys.append(self.linear(params["wk"], normed))
            values.append(self.linear(params["wv"], normed))
            mixed = []
            for head in range(0, 16, 4):
                part = slice(head, head + 4)
                weights = self.softmax([self.dot(query[part], k[part]) * 0.5 for k in keys])
                mixed += [self.dot(weights, column) for column in zip(*[v[part] for v in values])]
            x = [a + b for a, b in zip(x, self.linear(params["wo"], mixed))]
            hidden = [v.relu() for v in self.linear(params["up"], self.rms_norm(x))]
            x = [a + b for a, b in zip(x, self.linear(params["down"], hidden))]
            logits.append(self.linear(params["head"], x))
        return self.cross_entropy(logits, tokens[1:])

    def chain(self, params: Any, data: Any) -> Any:
        v, a, b = self.value(data["x"]), params["a"], params["b"]
        for _ in range(data["ops"] // 2):
            v = v * a + b
        return v

    def build(self, workload: str, numbers: Any) -> Step:
        """The step of a workload: forward, backward, gradient descent; it returns the loss."""
        params = lift(numbers["params"], self.value)
        trained, lr = list(leaves(params)), numbers["lr"]
        if workload in naive.PROGRAMS:
            loss_of, data = naive.PROGRAMS[workload], numbers["data"].values()
        else:
            kind = workload.partition("-")[0]  # big-32 is big, with other numbers
            loss_of, data = getattr(self, kind), [numbers["data"]]

        def step() -> float:
            loss = loss_of(params, *data)
            loss.backward()
            for p in trained:
                p.data -= lr * p.grad
                p.grad = 0.0
            return float(loss.data)

        return step


def lift(x: Any, value: Any) -> Any:
    """Nested lists and dicts of floats, as the same nesting of Values."""
    if isinstance(x, dict):
        return {key: lift(item, value) for key, item in x.items()}
    return [lift(item, value) for item in x] if isinstance(x, list) else value(x)


def leaves(x: Any) -> Iterator[Any]:
    """The Values in such a nesting, in order."""
    if isinstance(x, (dict, list)):
        for item in x.values() if isinstance(x, dict) else x:
            yield from leaves(item)
    else:
        yield x
