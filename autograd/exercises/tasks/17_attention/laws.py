"""One causal attention head."""

import math
import random
from collections.abc import Iterator
from typing import Any

import autograd
from autograd import Value, ops
from autograd.exercises.experiments import CHANGED, UNSTABLE, as_it_was, whole
from autograd.exercises.task import Case, Law, Outcome

Rows = list[list[float]]


def oracle(queries: Any, keys: Any, values: Any) -> list[list[Any]]:
    """By the engine's own n-ary ops: weights as exp(score - logsumexp(scores))."""
    out = []
    for t, q in enumerate(queries):
        past = range(t + 1)
        scores = [autograd.dot(q, keys[s]) / math.sqrt(len(q)) for s in past]
        total = autograd.logsumexp(scores)
        weights = [ops.exp(score - total) for score in scores]
        out.append(
            [autograd.sum([weights[s] * values[s][i] for s in past]) for i in range(len(values[0]))]
        )
    return out


def case(queries: Rows, keys: Rows, values: Rows) -> Case:
    given = {"queries": queries, "keys": keys, "values": values}

    def run(attention: Any) -> Outcome:
        rows = {name: [[Value(x) for x in row] for row in r] for name, r in given.items()}
        out = attention(rows["queries"], rows["keys"], rows["values"])
        outcome = {f"output {t}": [v.data for v in row] for t, row in enumerate(out)}
        loss = Value(0.0)
        for t, row in enumerate(out):
            for i, v in enumerate(row):
                loss = loss + v * (1 + t + 2 * i)
        loss.backward()
        return outcome | {
            f"gradients of {name}": [[v.grad for v in row] for row in r] for name, r in rows.items()
        }

    text = "\n".join(f"{name} = {rows}" for name, rows in given.items())
    text += "\nout = attention(queries, keys, values)   # all numbers as Values"
    text += "\nloss: the sum of out[t][i] * (1 + t + 2 * i); loss.backward()"
    parts = (queries, keys, values)
    less = lambda: [case(*p) for p in fewer(*parts)]
    return Case(text, run, simpler=less)


def fewer(queries: Rows, keys: Rows, values: Rows) -> Iterator[tuple[Rows, Rows, Rows]]:
    """With one place less, one dimension less, or whole numbers."""
    if len(queries) > 1:
        yield queries[:-1], keys[:-1], values[:-1]
    if len(queries[0]) > 1:
        yield [q[:-1] for q in queries], [k[:-1] for k in keys], values
    if len(values[0]) > 1:
        yield queries, keys, [v[:-1] for v in values]
    for numbers in whole([queries, keys, values]):
        yield numbers[0], numbers[1], numbers[2]


def twice(rng: random.Random) -> list[Case]:
    def run(attention: Any) -> Outcome:
        rows = [[[Value(x) for x in row] for row in r] for r in ([[1.0], [2.0]], [[1.0], [-1.0]])]
        values = [[Value(2.0)], [Value(6.0)]]
        untouched = as_it_was(*rows, values)
        first, second = ([[v.data for v in row] for row in attention(*rows, values)] for _ in "12")
        return {"output": first, "the second time": second, "given is as it was": untouched()}

    lines = ["queries, keys, values = [[1], [2]], [[1], [-1]], [[2], [6]]   # as Values"]
    return [Case("\n".join([*lines, *["attention(queries, keys, values)"] * 2]), run)]


def some(rng: random.Random, n: int, d: int) -> Rows:
    return [[round(rng.uniform(-2, 2), 1) for _ in range(d)] for _ in range(n)]


LAWS = (
    Law(
        "The first place sees only itself.",
        lambda rng: [
            case([[1.0]], [[2.0]], [[5.0]]),
            case([[1.0, 0.0]], [[0.0, 3.0]], [[5.0, -1.0]]),
        ],
    ),
    Law(
        "Keys that fit equally well share equally.",
        lambda rng: [
            case([[0.0], [0.0]], [[1.0], [2.0]], [[2.0], [6.0]]),
            case([[0.0], [0.0], [0.0]], [[1.0], [2.0], [3.0]], [[2.0], [6.0], [1.0]]),
        ],
    ),
    Law(
        "The better a key fits, the greater its weight.",
        lambda rng: [
            case([[1.0], [1.0]], [[1.0], [2.0]], [[2.0], [6.0]]),
            case([[1.0], [2.0]], [[1.0], [-1.0]], [[2.0], [6.0]]),
        ],
    ),
    Law(
        "Scores are divided by the root of d.",
        lambda rng: [
            case([[1.0, 1.0], [1.0, 2.0]], [[1.0, 0.5], [2.0, 1.0]], [[2.0], [6.0]]),
            case([[1.0] * 4, [0.5] * 4], [[1.0] * 4, [2.0] * 4], [[2.0], [6.0]]),
        ],
    ),
    Law(
        "No place sees a later one, and every place sees all before it.",
        lambda rng: [case([[1.0], [2.0], [-1.0]], [[1.0], [2.0], [0.5]], [[2.0], [6.0], [-3.0]])],
    ),
    Law(
        "Big scores do no harm.",
        lambda rng: [
            case([[100.0], [100.0]], [[10.0], [9.99]], [[2.0], [6.0]]),
            case([[100.0], [-100.0]], [[10.0], [10.01]], [[2.0], [6.0]]),
        ],
    ),
    Law(
        "It holds for any sequence, and gradients find their way to all three.",
        lambda rng: [
            case(some(rng, n, d), some(rng, n, d), some(rng, n, e))
            for n, d, e in ((2, 2, 2), (3, 2, 1), (3, 3, 2), (4, 2, 3))
        ],
    ),
    Law(
        "It is stable wherever the largest score stands, and a later one does not count.",
        lambda rng: [
            case([[1.0], [1.0]], [[0.0], [2000.0]], [[2.0], [6.0]]),
            case([[1.0], [1.0]], [[2000.0], [0.0]], [[2.0], [6.0]]),
            case([[1.0], [1.0]], [[-2000.0], [-2001.0]], [[2.0], [6.0]]),
            case([[1.0], [1.0], [0.0]], [[1.0], [2.0], [3000.0]], [[2.0], [6.0], [1.0]]),
        ],
        UNSTABLE,
    ),
    Law("What is given stays as it was, and a second call gives the same.", twice, CHANGED),
)

ORACLE = (oracle,)
