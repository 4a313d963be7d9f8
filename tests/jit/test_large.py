"""Large outer products are put off in training steps: nobody may notice."""

import math
import random
from typing import Any

import pytest

import autograd
import nn
from autograd import Value, jit, relu

np = pytest.importorskip("numpy")
N = 364  # N * N numbers are more than a chunk of the update
RNG = random.Random(5)
XS = [RNG.uniform(-1, 1) for _ in range(N)]


def table(rows: int = N, columns: int = N) -> list[list[Value]]:
    rng = random.Random(rows + columns)
    return [[Value(rng.gauss(0, 0.05)) for _ in range(columns)] for _ in range(rows)]


def times(w: Any, x: Any) -> Any:
    return [autograd.dot(row, x) for row in w]


def squares(values: Any) -> Any:
    return sum(v * v for v in values)


class Net:
    """Hand-written nets whose weights are used, or lie, in different ways."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.w, self.v = table(), table() if kind == "side by side" else []
        self.last = table(1, 2 * N)[0] if kind == "side by side" else []

    def parameters(self) -> list[Value]:
        if self.kind == "columns":  # x_j's weights, then those of the next
            return [v for column in zip(*self.w) for v in column]
        if self.kind == "side by side":
            return [v for a, b in zip(self.w, self.v) for v in (*a, *b)] + self.last
        return [v for row in self.w for v in row]

    def __call__(self, x: Any) -> Any:
        if self.kind == "side by side":
            a, b = times(self.w, x), times(self.v, [-0.5 * v for v in x])
            return squares(u * v for u, v in zip(a, b)) + squares(self.last)
        if self.kind == "twice":
            return squares(times(self.w, [relu(v) for v in times(self.w, x)]))
        return squares(times(self.w, x))


def dense(seed: int = 1) -> nn.MLP:
    return nn.MLP(N, [N, 3], rng=random.Random(seed))


def loss(model: Any, x: Any) -> Any:
    return nn.cross_entropy([model(x)], [1]) if isinstance(model, nn.MLP) else 0.01 * model(x)


def steps_of(model: Any, make: Any, clip: Any, late: int) -> tuple[list[float], list[float]]:
    """Gradients and parameters after some steps, in which a few gradients were looked at."""
    optimizer = make(model.parameters())
    step = jit(loss, optimizer, clip_value=clip)
    seen = []
    for i in range(3):
        optimizer.lr = 0.1 / (i + 1)
        x = np.array(XS) + 0.1 * i
        step(model, x)
        x[:] = 0.0  # the array is the user's
        assert len(step.latest.store.late) == late
        if i == 1:
            seen += [p.grad for p in model.parameters()[:: N + 1]]
        if i == 2:
            model.parameters()[5].grad = 7.0
            model.parameters()[6].data = 0.25
            seen += [p.grad for p in model.parameters()[:9]]
    grads = [p.grad for p in model.parameters()]
    return seen + grads, [p.data for p in model.parameters()]


def compare(model: Any, other: Any, make: Any, late: int) -> None:
    ours, theirs = steps_of(model, make, None, late), steps_of(other, make, math.inf, 0)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("make", [
    lambda ps: nn.optim.SGD(ps, lr=0.1),
    lambda ps: nn.optim.SGD(ps, lr=0.1, momentum=0.9, weight_decay=0.01),
    lambda ps: nn.optim.Adam(ps, lr=0.1),
])  # fmt: skip
def test_steps_of_a_large_layer(make: Any) -> None:
    compare(dense(), dense(), make, 1)


@pytest.mark.parametrize(
    ("kind", "late"), [("rows", 1), ("columns", 0), ("side by side", 1), ("twice", 0)]
)
def test_weights_that_lie_in_any_order(kind: str, late: int) -> None:
    compare(Net(kind), Net(kind), lambda ps: nn.optim.SGD(ps, lr=0.1), late)


def test_a_large_layer_stays_with_the_eager_engine() -> None:
    a, b = dense(), dense()
    optimizer = nn.optim.SGD(a.parameters(), lr=0.1)
    jit(loss, nn.optim.SGD(b.parameters(), lr=0.1))(b, XS)
    loss(a, XS).backward()
    optimizer.step()
    for name in ("grad", "data"):
        ours, theirs = [[getattr(p, name) for p in m.parameters()] for m in (b, a)]
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-300)


def test_another_optimizer_of_the_last_layer_leaves_the_products() -> None:
    def gradients(clip: Any) -> list[float]:
        model = dense()
        jit(loss, nn.optim.SGD(model.parameters(), lr=0.1), clip_value=clip)(model, XS)
        last = model.layers[-1].parameters()
        jit(loss, nn.optim.SGD(last, lr=0.1))(model, XS)  # adds to the gradients of the others
        return [p.grad for p in model.parameters()]

    np.testing.assert_allclose(gradients(None), gradients(math.inf), rtol=1e-9, atol=1e-15)


def test_a_rule_that_calls_functions_reads_the_products() -> None:
    class Sign(nn.optim.Optimizer):
        def update(self, p: float, g: float) -> Any:
            return (p - self.lr * math.copysign(1.0, g),)

    compare(Net("rows"), Net("rows"), lambda ps: Sign(ps, 0.1), 0)
