"""Loops in time for the tests of the compiler: those of benchmarks/, and small ones that each show
one difficulty. `make(steps)` gives (f, arguments) for so many steps; f(*arguments) is a Value, and
the Values among the arguments are what is trained.

More steps must make neither the emitted source nor the number of its loops longer.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from autograd import Value, exp, sin, tanh
from benchmarks import recurrences, workloads
from benchmarks.scalar import lift

Made = tuple[Callable[..., Value], tuple[Any, ...]]


def from_benchmarks(program: Any, numbers: Any, steps: int | None = None) -> Made:
    params = lift(numbers["params"], Value)
    f = program if steps is None else partial(program, steps=steps)
    return f, (params, *numbers["data"].values())


def lotka_volterra(steps: int) -> Made:
    numbers = workloads.lotka_volterra(random.Random(1), steps)
    return from_benchmarks(recurrences.lotka_volterra, numbers)


def ode(steps: int) -> Made:
    return from_benchmarks(recurrences.ode, workloads.ode(random.Random(2), 8), steps)


def hmm(steps: int) -> Made:
    return from_benchmarks(recurrences.hmm, workloads.hmm(random.Random(3), steps))


def kalman(steps: int) -> Made:
    return from_benchmarks(recurrences.kalman, workloads.kalman(random.Random(4), steps))


def heat(steps: int) -> Made:
    return from_benchmarks(recurrences.heat, workloads.heat(random.Random(5), 10), steps)


def gru(steps: int) -> Made:
    return from_benchmarks(recurrences.gru, workloads.gru(random.Random(6), steps, 2, 3))


def cholesky(steps: int) -> Made:
    """Here the steps are the rows, each longer than the one before: no loop of equal steps."""
    return from_benchmarks(recurrences.cholesky, workloads.cholesky(random.Random(7), steps))


def values(seed: int, n: int) -> list[Value]:
    rng = random.Random(seed)
    return [Value(rng.uniform(-0.9, 0.9)) for _ in range(n)]


def floats(seed: int, n: int) -> list[float]:
    rng = random.Random(seed)
    return [rng.uniform(-1.0, 1.0) for _ in range(n)]


def logistic_map(steps: int) -> Made:
    """One number carried, one invariant, nothing read."""

    def f(params: list[Value]) -> Value:
        r, x = 2.0 + params[0], 0.3 + 0.1 * params[1]
        for _ in range(steps):
            x = r * x * (1 - x)
        return x

    return f, (values(10, 2),)


def read_outs(steps: int) -> Made:
    """Every state is read, inside of the loop and after it."""

    def f(params: list[Value], xs: list[float]) -> Value:
        a, b, state = params
        states, loss = [], 0.0
        for x in xs:
            state = tanh(a * state + b * x)
            states.append(state)
            loss = loss + state * state
        return loss + sum(s * x for s, x in zip(reversed(states), xs))

    return f, (values(11, 3), floats(12, steps))


def fibonacci(steps: int) -> Made:
    """Two steps back: x_t = a x_(t-1) + b x_(t-2) + data."""

    def f(params: list[Value], xs: list[float]) -> Value:
        a, b, older, old = params
        for x in xs:
            older, old = old, 0.7 * tanh(a * old + b * older + x)
        return old * older

    return f, (values(13, 4), floats(14, steps))


def strided(steps: int) -> Made:
    """Each step reads a stretch of the parameters: two new ones, or overlapping by one."""

    def f(params: list[Value]) -> Value:
        state = params[0]
        for t in range(steps):
            state = sin(state * params[2 * t + 1] + params[2 * t + 2] * params[2 * t + 3])
        return state

    return f, (values(15, 2 * steps + 4),)


def alternating(steps: int) -> Made:
    """A period of two: even and odd steps do different things."""

    def f(params: list[Value], xs: list[float]) -> Value:
        a, b, state = params
        for t, x in enumerate(xs):
            state = tanh(a * state + x) if t % 2 else exp(-b * state * state) - x
        return state

    return f, (values(16, 3), floats(17, steps))


def loop_in_a_loop(steps: int) -> Made:
    """Newton's method for a cube root inside of each step: three equal rounds."""

    def f(params: list[Value], xs: list[float]) -> Value:
        a, state = params
        loss = 0.0
        for x in xs:
            goal = 2.0 + a * tanh(state) + 0.1 * x
            root = 1.0 + 0.0 * goal
            for _ in range(3):
                root = root - (root**3 - goal) / (3 * root * root)
            state = state + 0.1 * root
            loss = loss + (root - x) ** 2
        return loss

    return f, (values(18, 2), floats(19, steps))


def stencil(steps: int) -> Made:
    """A ring of numbers; each is smoothed with its neighbours, sweep after sweep."""

    def f(params: list[Value]) -> Value:
        *ring, weight = params
        n = len(ring)
        for _ in range(steps):
            ring = [
                ring[i] + 0.3 * weight * (ring[i - 1] - 2 * ring[i] + ring[(i + 1) % n])
                for i in range(n)
            ]
        return sum(x * x for x in ring)

    return f, (values(20, 9),)


RECURRENCES: dict[str, Callable[[int], Made]] = {
    make.__name__: make
    for make in (lotka_volterra, ode, hmm, kalman, heat, gru, cholesky, logistic_map, read_outs,
                 fibonacci, strided, alternating, loop_in_a_loop, stencil)
}  # fmt: skip
