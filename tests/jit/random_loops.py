"""Seeded random programs with loops in time, for the compiler: what makes a loop, and breaks it."""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd import Value, exp, sigmoid, sin, tanh

UNARY = [tanh, sin, sigmoid, lambda x: exp(-x * x), lambda x: 0.5 * x, lambda x: x * x * 0.3]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: 0.7 * x + 0.2 * y,
    lambda x, y: tanh(x + y),
    lambda x, y: x / (1.5 + y * y),
]


class Body:
    """A random step: from states, weights, this step's numbers and time to the next states."""

    def __init__(self, rng: random.Random, width: int, inner: bool = False) -> None:
        self.width, self.rng = width, rng
        self.plan = [
            (rng.choice(UNARY), rng.choice(BINARY), rng.random(), rng.random(), rng.random())
            for _ in range(rng.randint(1, 4))
        ]
        self.mix = rng.choice(["each", "ring", "row", "dot", "first"])
        self.clip = rng.random() < 0.7
        self.inner = Body(rng, width) if inner else None
        self.rounds = rng.randint(2, 5)

    def __call__(self, states: list[Any], weights: list[Any], read: list[Any]) -> list[Any]:
        n, found = self.width, list(states)
        for one, two, *at in self.plan:
            pool = [*found, *weights[:n], *read]
            fixed, other = pool[int(at[0] * len(pool))], weights[int(at[1] * len(weights))]
            found = [one(two(x, fixed)) if at[2] < 0.5 else two(one(x), other) for x in found]
        if self.mix == "ring":
            found = [x + 0.2 * (found[i - 1] - found[(i + 1) % n]) for i, x in enumerate(found)]
        elif self.mix == "row":
            padded = [0.0, *found, weights[0]]
            found = [0.4 * padded[i] + padded[i + 1] - padded[i + 2] for i in range(n)]
        elif self.mix == "dot":
            rows = [weights[(i * n) % 5 : (i * n) % 5 + n] for i in range(n)]
            found = [autograd.sum([w * x for w, x in zip(row, found)]) for row in rows]
        elif self.mix == "first":
            found = [found[0] * x if i else x + found[-1] for i, x in enumerate(found)]
        for _ in range(self.rounds if self.inner else 0):
            found = self.inner(found, weights, read)
        return [tanh(x) for x in found] if self.clip else [0.3 * x for x in found]


def random_loop(seed: int) -> tuple[Callable[..., Value], tuple[Any, ...]]:
    """(f, arguments) of a program whose loop has a random body and random surroundings."""
    rng = random.Random(seed)
    width, steps, batch = rng.randint(1, 4), rng.randint(3, 9), rng.choice([1, 1, 2])
    body = Body(rng, width, inner=rng.random() < 0.3)
    start = rng.choice(["weights", "zeros", "computed", "data"])
    reads = rng.choice(["nothing", "data", "data", "ends", "all"])
    outer = rng.random() < 0.5  # the batch, outside of time
    lag, extra, odd = rng.random() < 0.2, rng.random() < 0.3, rng.randrange(20)

    def first(weights: list[Any], row: list[Any]) -> list[Any]:
        if start == "weights":
            return weights[:width]
        if start == "zeros":
            return [0.0] * width
        if start == "data":
            return [0.1 * row[0]] * width
        return [sin(w * weights[0]) for w in weights[:width]]

    def f(weights: list[Value], rows: list[list[float]]) -> Value:
        states = [first(weights, row) for row in rows]
        older, loss, seen = list(states), 0.0 * weights[0], []
        order = [(b, t) for b in range(batch) for t in range(steps)]
        order = order if outer else sorted(order, key=lambda at: at[1])
        for b, t in order:
            read = [rows[b][t]] if reads == "data" else weights[t % 3 : t % 3 + 1]
            read = [rows[b][t], 0.3 * rows[b][-1 - t]] if reads == "ends" else read
            new = body(states[b], weights, read)
            if lag:
                new = [x + 0.1 * y for x, y in zip(new, older[b])]
            if t == odd:
                new[0] = new[0] * new[-1]
            older[b], states[b] = states[b], new
            seen.append(new[0] * new[-1])
            if reads == "all" or extra and t % 3 == 0:
                loss = loss + (new[0] - rows[b][t]) ** 2
        return loss + sum(states[0], start=states[-1][-1]) + (autograd.sum(seen) if extra else 0.0)

    weights = [Value(rng.uniform(-0.9, 0.9)) for _ in range(12)]
    rows = [[round(rng.uniform(-1, 1), 3) for _ in range(steps)] for _ in range(batch)]
    return f, (weights, rows)
