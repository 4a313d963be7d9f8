"""Seeded random programs for the compiler: vectors of scalars, written as a learner writes them.

`random_program(seed)` gives a function of (parameters, data, indices) and arguments for it. The
same seed gives the same program. Its steps are what makes patterns and what breaks them: dense
rows, sums by hand, ragged sums, shared and tied nodes, look-ups, slices, permutations.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd import Value
from autograd.ops import OPS

UNARY = [op for op in OPS.values() if op.numpy and len(op.samples[0]) == 1]
BINARY = [op for op in OPS.values() if op.numpy and len(op.samples[0]) == 2]
CALM = [op for op in UNARY if op.name not in ("exp", "log", "sqrt")]

Step = Callable[[list[list[Any]], Any], list[Any]]


def random_program(seed: int) -> tuple[Callable[..., Value], Callable[[int], tuple[Any, Any, Any]]]:
    """(f, arguments): `f(*arguments(k))` is a Value; each k gives other numbers of one shape."""
    rng = random.Random(seed)
    n_params, n_data, n_index = rng.randint(1, 12), rng.randint(1, 8), rng.randint(1, 3)
    steps = [rng.choice(STEPS)(rng) for _ in range(rng.randint(1, 7))]
    ends = [rng.random() for _ in range(3)]

    def f(parameters: list[Value], data: list[float], indices: list[int]) -> Value:
        vectors: list[list[Any]] = [parameters, data]
        for step in steps:
            vectors.append(step(vectors, indices)[:40])
        total = vectors[-1][int(ends[0] * len(vectors[-1]))]
        if ends[1] < 0.7:
            total = sum(vectors[-1], start=total)
        if ends[1] < 0.3:
            total = total * 0.5 + autograd.sum([v * v for v in vectors[0]])
        if ends[2] < 0.2:  # the loss, used several times
            total = total * total + total
        return total + 0.5 * vectors[0][0]

    def arguments(k: int) -> tuple[Any, Any, Any]:
        numbers = random.Random(1000 * seed + k)
        parameters = [Value(numbers.uniform(-1.5, 1.5)) for _ in range(n_params)]
        data = [round(numbers.uniform(-2, 2), numbers.choice([0, 1, 9])) for _ in range(n_data)]
        return parameters, data, [numbers.randrange(2) for _ in range(n_index)]

    return f, arguments


def pick(rng: random.Random) -> Callable[[list[list[Any]]], list[Any]]:
    """A vector among those there are, mostly a late one."""
    x = rng.random() ** 0.5
    return lambda vectors: vectors[int(x * len(vectors))]


def unary(rng: random.Random) -> Step:
    op, a = rng.choice(UNARY if rng.random() < 0.3 else CALM), pick(rng)
    return lambda vectors, indices: [op(x) for x in a(vectors)]


def binary(rng: random.Random) -> Step:
    op, a, b = rng.choice(BINARY[:3] if rng.random() < 0.6 else BINARY), pick(rng), pick(rng)

    def step(vectors: Any, indices: Any) -> list[Any]:
        x, y = a(vectors), b(vectors)
        return [op(x[i], y[i % len(y)]) for i in range(len(x))]

    return step


def outer(rng: random.Random) -> Step:
    op, a, b = rng.choice(BINARY[:3]), pick(rng), pick(rng)
    return lambda vectors, indices: [op(x, y) for x in a(vectors)[:6] for y in b(vectors)[:6]]


def constant(rng: random.Random) -> Step:
    op, a, c = rng.choice(BINARY), pick(rng), rng.choice([0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -0.3])
    left = rng.random() < 0.5
    return lambda vectors, indices: [op(c, x) if left else op(x, c) for x in a(vectors)]


def many_constants(rng: random.Random) -> Step:
    a, cs = pick(rng), [rng.choice([1.0, 0.0, 0.5, 3.0]) for _ in range(5)]
    return lambda vectors, indices: [x * cs[i % 5] for i, x in enumerate(a(vectors))]


def dense(rng: random.Random) -> Step:
    a, n, gap, bias = pick(rng), rng.randint(1, 5), rng.randint(0, 3), rng.random() < 0.6
    by_hand, ws = rng.random() < 0.5, pick(rng)

    def step(vectors: Any, indices: Any) -> list[Any]:
        xs, source = a(vectors), vectors[0] if gap else ws(vectors)
        rows = [[source[(i * (len(xs) + gap) + j) % len(source)] for j in range(len(xs))]
                for i in range(n)]  # fmt: skip
        b = source[-1] if bias else None
        if by_hand:
            return [sum((w * x for w, x in zip(row, xs)), start=b if bias else 0) for row in rows]
        return [autograd.dot(row, xs, b) for row in rows]

    return step


def batch(rng: random.Random) -> Step:
    width, n, a = rng.randint(1, 3), rng.randint(1, 4), pick(rng)

    def step(vectors: Any, indices: Any) -> list[Any]:
        xs, ws = a(vectors), vectors[0]
        rows = [xs[i : i + width] for i in range(0, len(xs) - width + 1, width)] or [xs]
        return [
            sum(ws[(j * width + i) % len(ws)] * x for i, x in enumerate(row))
            for row in rows
            for j in range(n)
        ]

    return step


def prefix_sums(rng: random.Random) -> Step:
    a, b, kind = pick(rng), pick(rng), rng.randrange(4)

    def step(vectors: Any, indices: Any) -> list[Any]:
        xs, ys = a(vectors), b(vectors)
        n = min(len(xs), len(ys), 7)
        spans = [range(i + 1) for i in range(n)]
        if kind == 0:
            return [sum(xs[j] for j in span) for span in spans]
        if kind == 1:
            return [autograd.dot([xs[j] for j in s], [ys[j] for j in s]) for s in spans]
        if kind == 2:
            return [sum(xs[j] * ys[j] for j in s) + sum(ys[j] for j in s) for s in spans]
        return [autograd.logsumexp([xs[j] for j in span]) for span in spans]

    return step


def look_up(rng: random.Random) -> Step:
    a, b, kind = pick(rng), pick(rng), rng.randrange(3)

    def step(vectors: Any, indices: Any) -> list[Any]:
        xs, ys = a(vectors), b(vectors)
        xs = xs * 2 if len(xs) < 2 else xs
        if kind == 0:
            return [autograd.take(xs, i) for i in indices]
        if kind == 1:  # an embedding: rows of a table
            half = len(xs) // 2
            return [autograd.take([xs[j], xs[half + j]], i) for i in indices for j in range(half)]
        mixed = [xs[0], ys[0], *xs[1:], *ys]
        return [autograd.take(mixed, i) * i for i in indices]

    return step


def logsumexp(rng: random.Random) -> Step:
    a, b, width = pick(rng), pick(rng), rng.randint(1, 4)

    def step(vectors: Any, indices: Any) -> list[Any]:
        xs = a(vectors) + (b(vectors) if width == 3 else [])
        rows = [xs[i : i + width] for i in range(0, len(xs) - width + 1, width)] or [xs]
        logs = [autograd.logsumexp(row) for row in rows]
        return [autograd.exp(x - y) for row, y in zip(rows, logs) for x in row]

    return step


def rearrange(rng: random.Random) -> Step:
    a, b, kind, x = pick(rng), pick(rng), rng.randrange(6), rng.random()

    def step(vectors: Any, indices: Any) -> list[Any]:
        xs, ys = a(vectors), b(vectors)
        cut = int(x * len(xs))
        return [
            xs[cut:] + xs[:cut],
            xs[::-1],
            xs + ys,
            xs[::2] + ys[1::2] or xs,
            xs[: cut + 1] * 2,
            random.Random(int(1e6 * x)).sample(xs, len(xs)),
        ][kind]

    return step


STEPS = [unary, unary, binary, binary, outer, constant, many_constants, dense, dense, batch,
         prefix_sums, look_up, logsumexp, rearrange]  # fmt: skip


def outcome(f: Any, parameters: list[Value], data: Any, indices: Any) -> list[float]:
    """[value, gradient in each parameter]."""
    for p in parameters:
        p.grad = 0.0
    y = f(parameters, data, indices)
    y.backward()
    return [y.data, *[p.grad for p in parameters]]


def disagreement(found: list[float], eager: list[float]) -> float:
    """The largest relative difference; 0 for a NaN or infinity where eager has the same one."""
    worst = 0.0
    scale = max([abs(x) for x in eager if math.isfinite(x)], default=0.0)
    for a, b in zip(found, eager):
        if a == b or (a != a and b != b):
            continue
        if not (math.isfinite(a) and math.isfinite(b)):
            return math.inf
        worst = max(worst, abs(a - b) / max(abs(b), 1e-3 * scale, 1e-3))
    return worst
