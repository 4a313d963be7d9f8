"""Task 17: one causal attention head."""

import math
import random
from typing import Any

import autograd
from autograd import Value, ops
from autograd.exercises.task import Case, Law, Mistake, Outcome, Task

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
    return Case(text, run)


def some(rng: random.Random, n: int, d: int) -> Rows:
    return [[round(rng.uniform(-2, 2), 1) for _ in range(d)] for _ in range(n)]


TASK = Task(
    number=17,
    name="attention",
    title="One causal attention head",
    targets=("attention",),
    text="""\
The heart of a GPT. A sequence has a query, a key and a value at each place t, each a list of
Values. At each place, attention mixes the values of this place and of those before it, the more
of each the better its key fits the query.

Write `attention(queries, keys, values)`: three lists of vectors of the same length. It returns a
list of vectors, one for each place t:

1. scores: for every place s = 0, ..., t, **no later one**, the dot product of `queries[t]` and
   `keys[s]`, divided by the square root of the queries' length d;
2. weights: the softmax of these scores, that is exp of each, divided by the sum of all of these
   (stable: first take off the largest score, as a plain number);
3. output t: the sum of `values[s]`, each times its weight. (The values may have another length
   than queries and keys.)""",
    neighbour="""\
from autograd import Value

# A neighbour: the mean of this place and of all before it. Attention is this, with weights.
def mean_so_far(values):
    out = []
    for t in range(len(values)):
        past = values[: t + 1]
        out.append([sum(column) / len(past) for column in zip(*past)])
    return out

rows = [[Value(1.0)], [Value(3.0)], [Value(8.0)]]
[row[0].data for row in mean_so_far(rows)]  # [1.0, 2.0, 4.0]
""",
    hints=(
        "Place 0 sees only itself: its one weight is 1, and its output is values[0].",
        "`range(t + 1)` are the places that t may see.",
        "Dot product: add up q * k over `zip(queries[t], keys[s])`.",
        "Softmax over the places s of one t: the weights of each t add up to 1.",
    ),
    solution='''\
import math


def attention(queries, keys, values):
    """For each place the mean of the values so far, weighted by how well the keys fit."""
    ### BEGIN SOLUTION
    out = []
    for t, query in enumerate(queries):
        scores = []
        for key in keys[: t + 1]:
            fit = sum(q * k for q, k in zip(query, key))
            scores.append(fit / math.sqrt(len(query)))
        top = max(score.data for score in scores)
        parts = [(score - top).exp() for score in scores]
        total = sum(parts)
        weights = [part / total for part in parts]
        columns = zip(*values[: t + 1])
        out.append([sum(w * v for w, v in zip(weights, column)) for column in columns])
    return out
    ### END SOLUTION
''',
    oracle=lambda: (oracle,),
    laws=(
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
            lambda rng: [
                case([[1.0], [2.0], [-1.0]], [[1.0], [2.0], [0.5]], [[2.0], [6.0], [-3.0]])
            ],
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
    ),
    mistakes=(
        Mistake(
            "no_mask",
            "Every place sees the whole sequence, later places too: stop at t.",
            (("[: t + 1]", "[:]"),),
        ),
        Mistake(
            "not_itself",
            "A place does not see itself: the range must go up to t, so `[: t + 1]`.",
            (("[: t + 1]", "[: max(t, 1)]"),),
        ),
        Mistake(
            "only_itself",
            "Nothing is mixed: each place gives back its own value. Either it sees only itself, or "
            "every weight meets `values[t]` where it should meet `values[s]`.",
            (("[: t + 1]", "[t : t + 1]"),),
        ),
        Mistake(
            "window_of_two",
            "Only the last two places are seen; all before it count.",
            (("[: t + 1]", "[max(t - 1, 0) : t + 1]"),),
        ),
        Mistake(
            "no_scaling",
            "The scores are not divided by the root of d.",
            ((" / math.sqrt(len(query))", ""),),
        ),
        Mistake(
            "scaled_by_d",
            "The scores are divided by d; it must be its square root.",
            (("math.sqrt(len(query))", "len(query)"),),
        ),
        Mistake(
            "scaled_by_places",
            "The scores are divided by the root of the number of places; it must be that of d, "
            "the length of a query.",
            (("math.sqrt(len(query))", "math.sqrt(t + 1)"),),
        ),
        Mistake(
            "not_normalised",
            "The weights are not divided by their sum, so they do not add up to 1.",
            (("part / total", "part"),),
        ),
        Mistake(
            "no_exp",
            "The scores themselves are used as weights: take exp() of each.",
            (("(score - top).exp()", "score"),),
        ),
        Mistake(
            "overflows",
            "exp() of a big score overflows: take the largest score off all of them first.",
            (("max(score.data for score in scores)", "0"),),
        ),
        Mistake(
            "query_for_key",
            "The query is compared with the other queries; it belongs with the keys.",
            (("in keys[:", "in queries[:"),),
        ),
        Mistake(
            "key_for_value",
            "The keys are mixed where the values should be.",
            (("zip(*values[", "zip(*keys["),),
        ),
        Mistake(
            "weights_cut",
            "The weights are plain numbers (`.data`), so no gradient reaches queries and keys.",
            (("part / total", "part.data / total.data"),),
        ),
        Mistake(
            "sees_nothing",
            "The first place sees nothing at all: a place sees itself, so the range must include "
            "t.",
            (("[: t + 1]", "[:t]"),),
        ),
        Mistake(
            "d_of_values",
            "d is the length of a query. Here it is that of a value, which may be another.",
            (("math.sqrt(len(query))", "math.sqrt(len(values[0]))"),),
        ),
        Mistake(
            "d_of_sequence",
            "d is the length of one query. Here it is the number of places in the sequence.",
            (("math.sqrt(len(query))", "math.sqrt(len(queries))"),),
        ),
        Mistake(
            "multiplied",
            "The scores are multiplied by the root of d: divide.",
            (("fit / math.sqrt(", "fit * math.sqrt("),),
        ),
        Mistake(
            "exchanged",
            "Queries and keys are exchanged: it is the query of t that meets the keys of all s.",
            (("enumerate(queries)", "enumerate(keys)"), ("in keys[:", "in queries[:")),
        ),
        Mistake(
            "returns_in_loop",
            "The `return` stands inside the loop, so only the first place has an output. Put it "
            "behind the loop.",
            (("    return out\n", "        return out\n"),),
        ),
    ),
)
