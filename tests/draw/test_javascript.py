"""What the pages compute: the ops in JavaScript, the passes and the sentences, against Python.

In Node where it is installed; tests/browser runs the same in Chromium.
"""

import json
import math
import random
import shutil
import subprocess

import pytest

import nn
from autograd import Value, dot, logsumexp, stepper, steps, topological_order
from autograd import sum as total
from autograd.draw.javascript import Js, number, source, spell_ops
from autograd.ops import OPS

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
FILES = ("engine.js", "quiz.js", "training.js")


def program(kinds, body, data=None):
    """A script that defines what a page has, and then runs `body`, an expression."""
    parts = [spell_ops(kinds), *map(source, FILES), f"const input = {json.dumps(data)};"]
    return "\n".join([*parts, f"const answer = (() => {{ {body} }})();"])


PRINT = "console.log(JSON.stringify(answer));"


def node(kinds, body, data=None):
    script = program(kinds, body, data) + PRINT
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def plain(x):
    return repr(float(x)).replace("inf", "Infinity").replace("nan", "NaN")


def alike(a, b):
    """Equal to 1e-12, NaN and infinities alike."""
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= 1e-12 * max(1.0, abs(a), abs(b))


CASES = [(op.symbol, sample) for op in OPS.values() for sample in op.samples]
EVALUATE = """return input.map(([k, sample]) => {
  const x = sample.map(Number), y = ops[k].forward(...x);
  return [y, ...ops[k].partials(y, ...x)].map(String);
});"""


def sampled():
    """(kinds, the input for EVALUATE, what Python gives)"""
    kinds = {kind: i for i, kind in enumerate(dict.fromkeys((s, len(x)) for s, x in CASES))}
    data = [[kinds[s, len(x)], [plain(v) for v in x]] for s, x in CASES]
    expected = []
    for symbol, sample in CASES:
        y = OPS[symbol].forward(*sample)
        expected.append([y, *OPS[symbol].partials(y, *sample)])
    return list(kinds), data, expected


def check_samples(answers):
    for case, mine, theirs in zip(CASES, sampled()[2], answers, strict=True):
        theirs = [float(x) for x in theirs]
        assert len(mine) == len(theirs), case
        assert all(map(alike, mine, theirs)), (case, mine, theirs)


def test_every_op_has_a_spelling_in_javascript():
    assert [op.name for op in OPS.values() if not op.js] == []


@needs_node
def test_every_op_gives_in_javascript_what_it_gives_in_python():
    kinds, data, _ = sampled()
    check_samples(node(kinds, EVALUATE, data))


def test_a_wrong_spelling_would_be_seen():
    _, _, expected = sampled()
    answers = [[plain(x) for x in row] for row in expected]
    answers[40][0] = plain(expected[40][0] + 1e-9)
    with pytest.raises(AssertionError):
        check_samples(answers)


def test_partials_write_themselves():
    assert spell_ops([("sigmoid", 1)]).splitlines()[-3].strip() == (
        "{ forward: sigmoid, partials: (y, a) => [mul(y, sigmoid(neg(a)))], gate: false },"
    )
    assert "(y, ...v) => [v[2], v[3], v[0], v[1], 1.0]" in spell_ops([("dot", 5)])
    assert (Js("x") > 0).text == "+(x > 0.0)"
    assert [number(x) for x in (math.inf, -math.inf, math.nan)] == ["Infinity", "-Infinity", "NaN"]


@needs_node
def test_numbers_are_shown_as_python_shows_them():
    rng = random.Random(0)
    numbers = [0.0, -0.0, 1.0, 100.25, 1234.5, 1235.5, 12345.0, 0.5, 1e-5, 9999.5, 99995.0]
    numbers += [1e300, -1e-300, 5e-324, math.inf, -math.inf, math.nan, 0.0001, 0.00012345, 2.5e-5]
    numbers += [rng.uniform(-10, 10) * 10.0 ** rng.randint(-12, 12) for _ in range(500)]
    numbers += [rng.randint(-99999, 99999) / 8 for _ in range(500)]
    shown = node([], "return input.map((x) => show(Number(x)));", [plain(x) for x in numbers])
    assert shown == [f"{x:.4g}" for x in numbers]


# --- whole pages ----------------------------------------------------------------------------------


def graphs():
    """Graphs of every kind: shared nodes, repeats, n-ary ops, held gradients, stale data."""
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b
    c.label = "c"
    yield ((c + a) * 0.5).tanh() + c**2 - (-a)
    yield a * a * a
    yield logsumexp([a, b, a]) + total([a, b]) + dot([a, b], [b, b], a)
    yield a.relu() + b.relu() + b.abs() + (a / b).sigmoid() + a.log() * b.exp() + b.maximum(a)
    yield Value(0.0, "x").log() * 0.0
    held = Value(1.5, "held")
    (held * 2.0).backward()
    yield held * held + 1.0
    stale = Value(1.0, "stale")
    y = stale * 3.0
    stale.data = 2.0
    yield y + stale
    model = nn.MLP(2, [3, 3, 1], "tanh", rng=random.Random(1))
    xs = [Value(0.3, "x0"), Value(-0.7, "x1")]
    yield (model(xs) - 1.0) ** 2
    (model(xs) * 3.0).backward()  # so the parameters hold gradients
    yield (model(xs) - 1.0) ** 2
    yield total([(model([i / 9, 0.2]) - 1.0) ** 2 for i in range(9)])
    rng = random.Random(3)
    pool = [Value(rng.uniform(-2, 2), f"v{i}") for i in range(4)]
    for _ in range(60):
        op = rng.choice(["add", "mul", "tanh", "sub", "relu", "gelu"])
        p, q = rng.choices(pool[-6:], k=2)
        pool.append({"add": p + q, "mul": p * q, "tanh": p.tanh(), "sub": p - q,
                     "relu": p.relu(), "gelu": p.gelu()}[op])  # fmt: skip
    yield pool[-1]


TELL = """
  const round = firstRound(input);
  const frames = input.frames;
  const played = play(input.graph, frames, round);
  return {
    told: frames.map((_, k) => tell(input.graph, played, k, round)).map((t) => [t.text, t.why]),
    data: played.data.map(String), grads: played.upstream.map(String), loss: String(played.loss),
  };
"""


def page_data(made):
    """(kinds, data) as the page has them."""
    kinds = [(v.op, len(v.parents)) for v in made._order if v.parents]
    kinds = {kind: i for i, kind in enumerate(dict.fromkeys(kinds))}
    return kinds, json.loads(json.dumps(made._data(kinds)))


@needs_node
@pytest.mark.parametrize("k", range(len(list(graphs()))))
def test_the_page_says_what_python_says(k):
    root = list(graphs())[k]
    leaves = [v for v in topological_order(root) if not v.parents][:2]
    made = stepper(root, parameters=leaves, lr=0.3)
    kinds, data = page_data(made)
    told = node(kinds, TELL, data)
    assert [list(t) for t in told["told"]] == [[f["text"], f["why"]] for f in made.frames]
    assert all(alike(float(x), v.data) for x, v in zip(told["data"], made._order, strict=True))


CHANGE = """
  return input.changes.map(([node, x]) => {
    const first = firstRound(input.page);
    const leaves = [...first.leaves];
    leaves[node] = Number(x);
    const round = changedRound(first, { leaves });
    const played = play(input.page.graph, input.page.frames, round);
    return [played.data.map(String), played.upstream.map(String)];
  });
"""


@needs_node
@pytest.mark.parametrize("k", [0, 2, 3, 7, 9])
def test_after_a_change_the_page_computes_what_python_computes(k):
    count = sum(not v.parents for v in topological_order(list(graphs())[k]))
    expected, changes = [], []
    for which in range(min(count, 3)):
        for x in (-1.7, 0.0, 0.4, 3.0):
            root = list(graphs())[k]
            order = topological_order(root)
            leaf = [v for v in order if not v.parents][which]
            leaf.data = x
            fresh = {}
            for v in order:  # the same graph, computed anew
                parents = [fresh[p] for p in v.parents]
                fresh[v] = v if not v.parents else OPS[v.op](*parents)
                fresh[v].grad = 0.0
            fresh[root].backward()
            changes.append([order.index(leaf), plain(x)])
            expected.append([[fresh[v].data for v in order], [fresh[v].grad for v in order]])
    made = stepper(list(graphs())[k])
    kinds, page = page_data(made)
    for mine, theirs in zip(expected, node(kinds, CHANGE, {"page": page, "changes": changes})):
        for one, other in zip(mine, theirs, strict=True):
            assert all(alike(a, float(b)) for a, b in zip(one, other, strict=True))


UPDATES = """
  let round = firstRound(input);
  const losses = [];
  for (let i = 0; i < 6; i++) {
    const played = play(input.graph, singleFrames(input.graph, round.held), round);
    losses.push(played.loss);
    round = nextRound(round, played);
  }
  return losses;
"""


@needs_node
def test_five_updates_give_the_losses_of_sgd():
    def make():
        model = nn.MLP(2, [4, 4, 1], "tanh", rng=random.Random(0))
        xs = [Value(0.5, "x0"), Value(-1.0, "x1")]
        return model, lambda: (model(xs) - 1.0) ** 2

    model, loss = make()
    made = stepper(loss(), parameters=model, lr=0.05)
    kinds, data = page_data(made)
    theirs = node(kinds, UPDATES, data)
    optimizer = nn.optim.SGD(model.parameters(), 0.05)
    mine = []
    for _ in range(6):
        value = loss()
        mine.append(value.data)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    assert all(map(alike, mine, theirs))
    assert mine[5] < mine[0]


# --- misconceptions -------------------------------------------------------------------------------

JUDGE = """
  const round = firstRound(input.page);
  const frames = singleFrames(input.page.graph, {});
  const played = play(input.page.graph, frames, round);
  return input.answers.map(([k, typed]) => {
    const { right, text } = verdictOn(typed, input.page.graph, played.groups[k][0], played, round);
    return [right, text];
  });
"""


def judged(root, answers, **more):
    made = stepper(root, **more)
    kinds, page = page_data(made)
    return node(kinds, JUDGE, {"page": page, "answers": answers})


@needs_node
def test_misconceptions_are_recognised():
    a, b = 0.8, -1.5
    e = (Value(a, "a") * Value(b, "b") + Value(2.0, "k")).tanh()
    c, d, y = a * b, a * b + 2.0, e.data
    up = 1 - y * y
    order = ["c", "d", "e", "seed", "d from e", "c from d", "k from d", "a from c", "b from c"]
    tries = [
        ("c", c, "Right: -1.2."),
        ("c", a + b, "That is the sum"),
        ("d", c * 2.0, "That is the product"),
        ("e", up, "slope of tanh"),
        ("e", -y, "look at the sign"),
        ("seed", y, "That is its data"),
        ("d from e", 1 - d * d, "1 - y²"),
        ("d from e", y * (1 - y), "how the sigmoid does it"),
        ("c from d", 2.0 * up, "hands the gradient on as it is"),
        ("k from d", up / 2, "does not share the gradient out"),
        ("b from c", c * up, "product of the data"),
        ("b from c", b * up, "*other* factor"),
        ("b from c", a, "local derivative alone"),
        ("b from c", up, "That is the gradient that comes back"),
        ("b from c", a + up, "don't add them"),
        ("b from c", -a * up, "look at the sign"),
        ("c", math.inf, "Not yet. Try again."),
    ]
    found = judged(e, [[order.index(what), plain(x)] for what, x, _ in tries])
    for (what, x, words), (right, text) in zip(tries, found, strict=True):
        assert words in text, (what, x, text)
        assert right == words.startswith("Right")


@needs_node
def test_replacing_a_contribution_is_told_from_adding_to_it():
    x = Value(3.0, "x")
    y = x * Value(4.0, "k") + x
    found = judged(y, [[5, "4"], [5, "1"], [5, "-3"], [5, "5"]])
    expected = ["replaced the earlier one instead of adding", "what it held before this step",
                "added, not taken away", "Right: 5."]  # fmt: skip
    assert [words for words, (_, text) in zip(expected, found) if words not in text] == []


@needs_node
def test_misconceptions_about_the_update_are_recognised():
    w, x = Value(3.0, "w"), Value(2.0, "x")
    y = w * x
    answers = {"3": "before the update", "3.2": "goes uphill", "1": "left out the learning rate",
               "0.2": "the step alone", "2.9": "left out the gradient", "2": "That is the gradient",
               "2.8": "Right"}  # fmt: skip
    found = judged(y, [[4, typed] for typed in answers], parameters=[w], lr=0.1)
    for (typed, words), (right, text) in zip(answers.items(), found):
        assert words in text, (typed, text)
        assert right == (typed == "2.8")
    typed = ["1,5", "−2", "3/4", "inf", "a lot", "1e-3", "nan"]
    parsed = node([], "return input.map((t) => String(parsed(t)));", typed)
    assert parsed == ["1.5", "-2", "0.75", "Infinity", "null", "0.001", "NaN"]


def test_steps_of_a_square_show_no_slope_of_the_exponent():
    y = (Value(-3.0, "a") - 1.0) ** 2
    assert not any("nan" in str(step) for step in steps(y))
    assert "nan" not in " ".join(f["why"] for f in stepper(y).frames)
