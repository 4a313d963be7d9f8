"""Random loops in time, one kind of step for the random programs: states carried from step to
step, numbers that stay, inputs read at a stride, loops inside of loops, read-outs in and outside.
"""

import random
from collections.abc import Callable
from typing import Any

import autograd
from autograd import tanh
from autograd.ops import OPS

Values = list[Any]
Micro = Callable[[Values], Any]  # what one line of a loop's body computes from all that it knows

CALM = [op for op in OPS.values() if op.numpy and len(op.samples[0]) == 1
        and op.name not in ("exp", "log", "sqrt")]  # fmt: skip
ARITHMETIC = [OPS["+"], OPS["-"], OPS["*"], OPS["*"]]


def loop(rng: random.Random) -> Callable[[list[Values], Any], Values]:
    """A recurrence as a step of a random program: its result is one of its read-outs."""
    start, source, still = rng.random(), rng.random() ** 0.5, rng.random()
    width, stride = rng.randint(1, 3), rng.choice([0, 0, 1, 1, 1, 2, 3])
    steps = rng.randint(2, 7) if rng.random() < 0.8 else rng.randint(8, 24)
    ending, read_out = rng.random() < 0.4, rng.randrange(6)
    body, inner = lines(rng, width), lines(rng, width) if rng.random() < 0.3 else None
    rounds, squashed, skipped = rng.randint(2, 4), rng.random() < 0.7, rng.random() < 0.15

    def advance(body: list[Micro], states: Values, known: Values) -> Values:
        found: Values = [*states, *known]
        for line in body:
            found.append(line(found))
        after = found[-width:]
        return [tanh(0.5 * x) for x in after] if squashed else after

    def step(vectors: list[Values], indices: Any) -> Values:
        def chosen(x: float) -> Values:
            return vectors[int(x * len(vectors))]

        inputs, fixed = chosen(source), chosen(still * 0.3)[:3]
        states = [chosen(start)[i % len(chosen(start))] for i in range(width)]
        count = steps
        if stride and not ending:  # no further than the inputs reach
            count = max(1, min(steps, len(inputs) // stride))
        seen, total = [], 0.0 * states[0]
        for t in range(count):
            known = [*[inputs[(t * stride + j) % len(inputs)] for j in range(2)], *fixed]
            states = advance(body, states, known)
            for _ in range(rounds if inner else 0):
                states = advance(inner, states, known)
            if skipped and t == 1:  # one step does something else
                states = states[::-1]
            seen.append(states)
            total = total + states[0] * states[-1]
        return read_outs(seen, total)[read_out]

    return step


def read_outs(seen: list[Values], total: Any) -> list[Values]:
    return [
        seen[-1],
        [total, *seen[-1]],
        [x for states in seen for x in states],
        [states[0] for states in reversed(seen)],
        [states[-1] for states in seen[::2]],
        [autograd.sum([states[0] for states in seen])],
    ]


def lines(rng: random.Random, width: int) -> list[Micro]:
    """As many lines as states, or more; each may read any state, input, or line before."""
    return [line(rng) for _ in range(width + rng.randint(0, 3))]


def line(rng: random.Random) -> Micro:
    where, kind = [rng.random() for _ in range(4)], rng.random()
    c, op, calm = rng.choice([2.0, 0.5, -1.0, 0.3]), rng.choice(ARITHMETIC), rng.choice(CALM)

    def operand(found: Values, i: int) -> Any:
        return found[int(where[i] * len(found))]

    if kind < 0.2:
        return lambda found: calm(operand(found, 0))
    if kind < 0.35:
        return lambda found: c * operand(found, 0) + operand(found, 1)
    if kind < 0.5:
        return lambda found: operand(found, 0) * operand(found, 1) + operand(found, 2)
    if kind < 0.6:
        return lambda found: autograd.dot(
            [operand(found, 0), operand(found, 1)], [operand(found, 2), operand(found, 3)]
        )
    return lambda found: op(operand(found, 0), operand(found, 1))
