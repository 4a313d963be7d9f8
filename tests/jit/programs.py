"""Seeded random programs for the compiler: vectors of scalars, written as a learner writes them.

`random_program(seed)` draws a function, the structure of its arguments, and hidden state. The same
seed gives the same program. Its steps are what makes patterns and what breaks them: dense rows,
sums by hand, ragged sums, shared and tied nodes, look-ups, slices, permutations, loops in time,
dead code. A `Cut` leaves parts out, so that a program that fails can be made small.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import autograd
from autograd import Value
from autograd.ops import OPS
from tests.jit import loops, structures

UNARY = [op for op in OPS.values() if op.numpy and len(op.samples[0]) == 1]
BINARY = [op for op in OPS.values() if op.numpy and len(op.samples[0]) == 2]
CALM = [op for op in UNARY if op.name not in ("exp", "log", "sqrt")]

MIXED = 0.95  # above, a program's numbers are floats and ints, from call to call elsewhere
Step = Callable[[list[list[Any]], Any], list[Any]]
Leaf = tuple[str, int]


@dataclass(frozen=True)
class Cut:
    """What is left of a program: these steps (None: all), and which of its difficulties."""

    steps: tuple[int, ...] | None = None
    structures: bool = True  # or else (parameters, numbers, indices), each a list; ints amid floats
    hidden: bool = True  # parameters and numbers that are no arguments
    endings: bool = True  # the last vector's sum, squares, a loss used twice


class Hidden:
    """What a function reaches through its closure: weights, and numbers that may change."""

    def __init__(self, leaves: set[Leaf]) -> None:
        self.weights = {i: Value(0.0) for kind, i in sorted(leaves) if kind == "parameter"}
        self.settings = {f"setting {i}": 0.0 for kind, i in sorted(leaves) if kind == "number"}

    def __iter__(self) -> Iterator[tuple[Leaf, Any]]:
        yield from [(("parameter", i), value) for i, value in self.weights.items()]
        for name, x in self.settings.items():
            yield ("number", int(name.split()[1])), x


class Program:
    """`f(*arguments(k))` is a Value; each k gives other numbers of one structure."""

    def __init__(self, seed: int, cut: Cut) -> None:
        self.seed, self.cut, rng = seed, cut, random.Random(seed)
        parameters, numbers, indices = rng.randint(1, 12), rng.randint(1, 8), rng.randint(1, 3)
        if rng.random() < 0.4:
            numbers = rng.randint(8, 30)
        self.counts = {"parameter": parameters, "number": numbers, "index": indices}
        makers = [rng.choice(STEPS) for _ in range(rng.randint(1, 7))]
        steps = [(make.__name__, make(rng)) for make in makers]
        kept = range(len(steps)) if cut.steps is None else cut.steps
        self.steps = {i: steps[i] for i in kept}
        ends = [rng.random() for _ in range(3)] if cut.endings else [0.0, 0.5, 1.0]
        integers, self.renewed = rng.random(), rng.random() < 0.5
        self.integers = integers if cut.structures else min(integers, 0.9)
        leaves = [(kind, i) for kind, n in self.counts.items() for i in range(n)]
        self.hidden_leaves = draw_hidden(rng, leaves) if cut.hidden else set()
        passed = [leaf for leaf in leaves if leaf not in self.hidden_leaves]
        difficult = structures.layouts(rng, passed)
        self.layouts = difficult if cut.structures else structures.plain(passed)
        self.hidden = Hidden(self.hidden_leaves)
        self.values = {x: Value(0.0) for x in leaves if x[0] == "parameter"}
        self.values |= {leaf: x for leaf, x in self.hidden if leaf in self.values}
        self.f = function(self.layouts, self.counts, self.hidden, list(self.steps.values()), ends)

    def arguments(self, k: int, traced: bool = False) -> tuple[Any, ...]:
        """`traced`: the numbers are Values, too, so that all that is computed from them is seen."""
        rng, numbers = random.Random(1000 * self.seed + k), {}
        for kind, n in self.counts.items():
            numbers |= {(kind, i): draw_number(rng, kind, self.integers) for i in range(n)}
        if self.renewed:  # other objects, as when a model is made anew; hidden ones stay
            shown = [leaf for leaf in self.values if leaf not in self.hidden_leaves]
            self.values |= {leaf: Value(0.0) for leaf in shown}
        for leaf, value in self.values.items():
            value.data = numbers[leaf]
        lifted = {leaf: Value(x) if traced and leaf[0] == "number" else x
                  for leaf, x in numbers.items()} | self.values  # fmt: skip
        for name in self.hidden.settings:
            self.hidden.settings[name] = lifted["number", int(name.split()[1])]
        mixed = self.integers > MIXED  # an array has one type of numbers: there it is a list
        array = list if traced or mixed else arrays()
        return tuple(
            [structures.fill(layout, lifted.__getitem__, array) for layout in self.layouts]
        )

    @property
    def trained(self) -> list[Value]:
        return list(self.values.values())

    @property
    def changes(self) -> bool:
        """Whether hidden numbers differ from k to k, which is a reason to trace again."""
        return any(kind == "number" for kind, _ in self.hidden_leaves)

    def __str__(self) -> str:
        steps = ", ".join([f"{i} {name}" for i, (name, _) in self.steps.items()])
        shape = ", ".join([layout.kind for layout in self.layouts])
        hidden = f"; hidden: {sorted(self.hidden_leaves)}" if self.hidden_leaves else ""
        return f"steps {steps or 'none'}; arguments: {shape}{hidden}"


def function(
    layouts: list[structures.Layout],
    counts: dict[str, int],
    hidden: Hidden,
    steps: list[tuple[str, Step]],
    ends: list[float],
) -> Callable[..., Value]:
    """It reaches nothing but what a user's function would: its state, and what it does."""

    def read(arguments: Any) -> list[list[Any]]:
        found: dict[Leaf, Any] = dict(hidden)
        for layout, argument in zip(layouts, arguments):
            found.update(structures.read(layout, argument))
        return [[found[kind, i] for i in range(n)] for kind, n in counts.items()]

    def run(*arguments: Any) -> Value:
        parameters, numbers, indices = read(arguments)
        vectors = [parameters, numbers]
        for name, step in steps:
            made = step(vectors, indices)[:40]
            if name != "dead":
                vectors.append(made)
        return ending(vectors, ends)

    return SIGNATURES.get(len(layouts), lambda run: run)(run)


def ending(vectors: list[list[Any]], ends: list[float]) -> Any:
    """The loss: what becomes of the last vector, or of one of its numbers."""
    total = vectors[-1][int(ends[0] * len(vectors[-1]))]
    if ends[1] < 0.7:
        total = sum(vectors[-1], start=total)
    if ends[1] < 0.3:
        total = total * 0.5 + autograd.sum([v * v for v in vectors[0]])
    if ends[2] < 0.2:  # used several times
        total = total * total + total
    return total + 0.5 * vectors[0][0]


SIGNATURES: dict[int, Callable[..., Any]] = {  # as functions are written; others have *arguments
    1: lambda run: lambda batch: run(batch),
    2: lambda run: lambda params, batch: run(params, batch),
    3: lambda run: lambda params, xs, ys: run(params, xs, ys),
}


def arrays() -> Callable[[Any], Any]:
    import numpy as np

    return lambda rows: np.array(rows)


def draw_hidden(rng: random.Random, leaves: list[Leaf]) -> set[Leaf]:
    """In a third of the programs; the first parameter and all indices are always arguments."""
    if rng.random() > 0.35:
        return set()
    parameters, numbers = rng.choice([(0.5, 0.0), (1.0, 0.0), (0.0, 0.5), (0.3, 0.3)])
    share = {"parameter": parameters, "number": numbers, "index": 0.0}
    return {leaf for leaf in leaves[1:] if rng.random() < share[leaf[0]]}


def draw_number(rng: random.Random, kind: str, integers: float) -> float:
    if kind == "index":
        return rng.randrange(2)
    if kind == "parameter":
        return rng.uniform(-1.5, 1.5)
    if integers < 0.15:
        return rng.randint(-2, 3)
    x = round(rng.uniform(-2, 2), rng.choice([0, 1, 9]))
    return int(x) if integers > MIXED and x == int(x) else x  # ints here and there


def random_program(seed: int, cut: Cut | None = None) -> Program:
    return Program(seed, cut or Cut())


def smaller(program: Program) -> list[Cut]:
    """The cuts that leave out one thing more."""
    cut, steps = program.cut, tuple(program.steps)
    cuts = [replace(cut, steps=steps[:i] + steps[i + 1 :]) for i in reversed(range(len(steps)))]
    flags = ("structures", "hidden", "endings")
    return cuts + [replace(cut, **{flag: False}) for flag in flags if getattr(cut, flag)]


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


def dead(rng: random.Random) -> Step:
    """Computed, and never used: also where it would be infinite, or not a number."""
    op, a, c = rng.choice(UNARY), pick(rng), rng.choice([0.0, 1.0, -3.0])
    safe = op if op.name not in ("log", "sqrt") else autograd.tanh
    return lambda vectors, indices: [safe(x * c) for x in a(vectors)]


STEPS = [unary, unary, binary, binary, outer, constant, many_constants, dense, dense, batch,
         prefix_sums, look_up, logsumexp, rearrange, dead, loops.loop, loops.loop]  # fmt: skip


def outcome(f: Any, arguments: Any, trained: list[Value]) -> list[float]:
    """[value, gradient in each of the trained]."""
    for p in trained:
        p.grad = 0.0
    y = f(*arguments)
    y.backward()
    return [y.data, *[p.grad for p in trained]]


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
