"""Solutions as they come in, not made from the catalogue: none wrong passes, none right is refused,
and a cause that is named is the right one.
"""

import sys

import pytest
from alternates import CLOSURES, PAIRS

from autograd.exercises import TASKS
from autograd.exercises.judge import judge
from autograd.exercises.task import load


def verdict_of(name, source):
    task = TASKS[name]
    return judge(task, load(source, task.targets))


def changed(source, *swaps):
    for old, new in swaps:
        assert old in source, old
        source = source.replace(old, new)
    return source


ORDER = """
def topological_order(root):
    out, seen = [], set()
    def walk(n):
        if n in seen: return
        seen.add(n)
        for p in n.parents: walk(p)
        out.append(n)
    walk(root)
    return out
"""
CE = """
def mse(ps, ts):
    return sum(((p - t) ** 2 for p, t in zip(ps, ts)), 0) * (1 / len(ts))
def cross_entropy(logits, target):
    m = max(l.data for l in logits)
    s = 0
    for l in logits:
        s = s + (l - m).exp()
    return s.log() + m - logits[target]
"""
ATTENTION = """
def attention(queries, keys, values):
    d, out = len(queries[0]), []
    for t, q in enumerate(queries):
        scores = [sum(a * b for a, b in zip(q, keys[s])) * d ** -0.5 for s in range(t + 1)]
        m = max(s.data for s in scores)
        es = [(s - m).exp() for s in scores]
        z = sum(es)
        row = []
        for i in range(len(values[0])):
            row.append(sum(e / z * values[s][i] for s, e in enumerate(es)))
        out.append(row)
    return out
"""
SGD = """
class SGD:
    def __init__(self, parameters, lr):
        self.ps = [p for p in parameters]
        self.lr = lr
    def step(self):
        for p in self.ps:
            p.data = p.data - self.lr * p.grad
    def zero_grad(self):
        for p in self.ps:
            p.grad = 0
"""
TRAIN = """
def train(model, xs, ys, lr, goal, most):
    history = []
    while len(history) < most:
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) * (1 / len(xs))
        history.append(loss.data)
        if loss.data <= goal:
            return history
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data = p.data - lr * p.grad
    return history
"""
MOMENTUM = """
import math
class Momentum:
    def __init__(self, parameters, lr, momentum=0.9):
        self.ps, self.lr, self.mu = list(parameters), lr, momentum
        self.vel = {id(p): 0.0 for p in self.ps}
    def step(self):
        for p in self.ps:
            self.vel[id(p)] = v = self.mu * self.vel[id(p)] + p.grad
            p.data -= self.lr * v
class Adam:
    def __init__(self, parameters, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        self.ps, self.lr, self.b1, self.b2, self.eps = list(parameters), lr, beta1, beta2, eps
        self.state = [[0.0, 0.0] for _ in self.ps]
        self.n = 0
    def step(self):
        self.n += 1
        for p, st in zip(self.ps, self.state):
            st[0] += (1 - self.b1) * (p.grad - st[0])
            st[1] += (1 - self.b2) * (p.grad ** 2 - st[1])
            mh = st[0] / (1 - self.b1 ** self.n)
            vh = st[1] / (1 - self.b2 ** self.n)
            p.data -= self.lr * mh / (vh ** 0.5 + self.eps)
"""
NEURON = """
import random
import autograd
class Neuron:
    def __init__(self, nin):
        self.w = [autograd.Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = autograd.Value(0.0)
    def __call__(self, xs):
        if len(xs) != len(self.w):
            raise ValueError("wrong width")
        return autograd.dot(self.w, xs, self.b).tanh()
    def parameters(self):
        return self.w + [self.b]
"""
DROPOUT = """
def dropout(xs, p, rng, training=True):
    if not training:
        return xs
    keep = [rng.random() >= p for _ in xs]
    return [x * k / (1 - p) for x, k in zip(xs, keep)]
"""
SLOPE = "def slope(f, x):\n    h = 1e-5\n    return (f(x + h) - f(x - h)) / (2 * h)\n"

RIGHT = [
    ("slope", SLOPE),
    ("order", ORDER),
    ("losses", CE),
    ("attention", ATTENTION),
    ("sgd", SGD),
    ("training", TRAIN),
    ("adam", MOMENTUM),
    ("neuron", NEURON),
    ("dropout", DROPOUT),
    # an error that is a kind of ValueError
    (
        "neuron",
        changed(
            NEURON,
            ("class Neuron", "class Wrong(ValueError):\n    pass\nclass Neuron"),
            ('ValueError("', 'Wrong("'),
        ),
    ),
    # marks on the nodes, deleted again
    (
        "order",
        """
def topological_order(root):
    out = []
    def walk(n):
        if getattr(n, "mark", False): return
        n.mark = True
        for p in n.parents: walk(p)
        out.append(n)
    walk(root)
    for n in out: del n.mark
    return out
""",
    ),
]


@pytest.mark.parametrize(
    ("name", "source"), RIGHT, ids=[f"{i}-{n}" for i, (n, _) in enumerate(RIGHT)]
)
def test_a_right_one_passes(name, source):
    verdict = verdict_of(name, source)
    assert verdict.passed, str(verdict)


WRONG = {  # kind: (task, solution, what must be said)
    # numbers that never occurred
    "slope refuses falling lines": (
        "slope",
        changed(SLOPE, ("/ (2 * h)", "/ (2 * h) if f(x + h) > f(x) - 1e-4 else 0.0")),
        "depends on a sign",
    ),
    "a base below 0": (
        "operators",
        changed(CLOSURES, ("self.data ** n", "abs(self.data) ** n")),
        "sign is wrong",
    ),
    "a sum of 0 hands nothing on": (
        "backward",
        changed(
            CLOSURES,
            (
                "for v in reversed(topo):\n            v",
                "for v in reversed(topo):\n            if v.data: v",
            ),
        ),
        "or on a 0",
    ),
    # extremes elsewhere
    "the first logit is taken off": (
        "losses",
        changed(CE, ("max(l.data for l in logits)", "logits[0].data")),
        "must be the largest",
    ),
    "the mean logit is taken off": (
        "losses",
        changed(CE, ("max(l.data for l in logits)", "sum(l.data for l in logits) / len(logits)")),
        "must be the largest",
    ),
    "the first score is taken off": (
        "attention",
        changed(ATTENTION, ("max(s.data for s in scores)", "scores[0].data")),
        "must be the largest",
    ),
    "the maximum over later places": (
        "attention",
        changed(
            ATTENTION,
            (
                "m = max(s.data for s in scores)",
                "m = max(sum(a * b for a, b in zip(q, k)).data * d ** -0.5 for k in keys)",
            ),
        ),
        "of exactly those that are summed",
    ),
    # the same objects twice
    "a memory for all calls": (
        "order",
        changed(ORDER, ("(root):\n    out, seen = [], set()", "(root, seen=set()):\n    out = []")),
        "kept from one call",
    ),
    "marks that stay": (
        "order",
        """
def topological_order(root):
    out = []
    def walk(n):
        if n.grad is None: return
        n.grad = None
        for p in n.parents: walk(p)
        out.append(n)
    walk(root)
    return out
""",
        "marks on the nodes stay",
    ),
    "a memory of backward for all calls": (
        "backward",
        changed(
            CLOSURES,
            ("def backward(self):", "def backward(self, visited=set()):"),
            ("topo, visited = [], set()", "topo = []"),
        ),
        "kept from one call",
    ),
    # two objects alive
    "one list of parameters for all": (
        "sgd",
        changed(
            SGD,
            ("class SGD:", "class SGD:\n    ps = []"),
            ("self.ps = [p for p in parameters]", "self.ps.extend(parameters)"),
        ),
        "belongs to the class",
    ),
    "one rate for all": (
        "sgd",
        changed(SGD, ("self.lr = lr", "SGD.lr = lr")),
        "belongs to the class",
    ),
    # inputs changed
    "logits changed": (
        "losses",
        changed(CE, ("    s = 0\n", "    s = 0\n    for l in logits: l.data -= m\n    m = 0\n")),
        "is changed",
    ),
    "a logit taken out": (
        "losses",
        changed(
            CE,
            (
                "    return s.log() + m - logits[target]",
                "    return s.log() + m - logits.pop(target)",
            ),
        ),
        "used up",
    ),
    "examples used up": (
        "training",
        changed(
            TRAIN,
            (
                "    history = []\n",
                "    history = []\n    pairs = [(xs.pop(), ys.pop()) for _ in list(xs)]\n",
            ),
            ("zip(xs, ys)", "pairs"),
            ("len(xs)", "len(pairs)"),
        ),
        "used up",
    ),
    # operators that were never asked
    "own division": (
        "one_op",
        changed(PAIRS, ("(o, -y / num(o))", "(o, y / num(o))")),
        "`/`",
    ),
    # time
    "every way is walked": (
        "order",
        """
def topological_order(root):
    out = []
    def walk(n):
        for p in n.parents: walk(p)
        if all(n is not m for m in out): out.append(n)
    walk(root)
    return out
""",
        "walked on its own",
    ),
    # structure
    "one leaf for each number": (
        "value",
        """
class Value:
    made = {}
    def __new__(cls, data, parents=()):
        if not parents and data in cls.made:
            return cls.made[data]
        self = object.__new__(cls)
        if not parents:
            cls.made[data] = self
        return self
    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = data, 0.0, parents
    def __add__(self, other): return Value(self.data + other.data, (self, other))
    def __mul__(self, other): return Value(self.data * other.data, (self, other))
""",
        "belongs to the class",
    ),
    "it stops when the loss rises": (
        "training",
        changed(
            TRAIN,
            (
                "        for p in model.parameters():\n            p.grad = 0.0",
                "        if history[-1] > min(history):\n            return history\n"
                "        for p in model.parameters():\n            p.grad = 0.0",
            ),
        ),
        "a loss that rises",
    ),
    "no draw at p = 0": (
        "dropout",
        changed(DROPOUT, ("if not training:", "if not training or not p:")),
        "whatever p is",
    ),
    # causes that were blamed wrongly
    "the seed is cleared": (
        "zeroing",
        changed(
            CLOSURES,
            ("        self.grad = 1\n", ""),
            ("        for v in topo:", "        self.grad = 1\n        for v in topo:"),
        ),
        "The 1 of the end is set above the loop",
    ),
    "backward is never called": (
        "training",
        changed(TRAIN, ("        loss.backward()\n", "")),
        "`backward()` is never called",
    ),
    "p = p - ...": (
        "training",
        changed(TRAIN, ("p.data = p.data - lr * p.grad", "p = p - lr * p.grad")),
        "The parameters never move",
    ),
    "it always says no": (
        "gradcheck",
        "def gradcheck(f, xs):\n    return False",
        "It says False whatever happens",
    ),
    "the error is returned": (
        "neuron",
        changed(NEURON, ("raise ValueError", "return ValueError")),
        "is returned, as if",
    ),
    "self is missing": ("sgd", changed(SGD, ("def step(self):", "def step():")), "`self`"),
    "_backward called at once": (
        "one_op",
        changed(CLOSURES, ("out._backward = _backward", "out._backward = _backward()")),
        "leave the brackets out",
    ),
    "losses are rounded": (
        "training",
        changed(TRAIN, ("append(loss.data)", "append(round(loss.data, 3))")),
        "rounded",
    ),
    # no known mistake: what differs from a right solution
    "tanh: 1 + y * y": (
        "functions",
        changed(TASKS["functions"].reference, ("1 - y * y", "1 + y * y")),
        "`+` stands where `-` belongs",
    ),
    "tanh: y for y * y": (
        "functions",
        changed(TASKS["functions"].reference, ("1 - y * y", "1 - y")),
        "the square is missing",
    ),
    "relu turned round": (
        "functions",
        changed(TASKS["functions"].reference, ("if x > 0", "if x < 0")),
        "where `>` belongs",
    ),
    "a power's slope without its factor": (
        "one_op",
        changed(PAIRS, ("n * self.data", "self.data")),
        "is missing",
    ),
    "eps has no effect": ("adam", changed(MOMENTUM, (" + self.eps)", ")")), "eps is missing"),
    "the rate twice": (
        "sgd",
        changed(SGD, ("self.lr * p.grad", "self.lr * self.lr * p.grad")),
        "comes in twice",
    ),
    "one more for the mean": (
        "losses",
        changed(CE, ("len(ts)", "(len(ts) - 1 or 1)")),
        "below the line",
    ),
    "the softmax's sum is left out": (
        "attention",
        changed(ATTENTION, ("e / z", "e")),
        "not divided by their sum",
    ),
    "the dimension of the sequence": (
        "attention",
        changed(ATTENTION, ("d, out = len(queries[0]), []", "d, out = len(queries), []")),
        "length of one query",
    ),
    "beta1 for beta2": (
        "adam",
        changed(MOMENTUM, ("vh = st[1] / (1 - self.b2", "vh = st[1] / (1 - self.b1")),
        "`self.beta1` stands where `self.beta2` belongs",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_one_is_rejected_with_its_cause(kind):
    name, source, words = WRONG[kind]
    verdict = verdict_of(name, source)
    assert not verdict.passed
    assert words in verdict.cause, str(verdict)


CHEATS = {  # the package's own, by many ways
    "__new__": (
        "backward",
        "import autograd\nclass Value:\n    def __new__(cls, x):\n        return autograd.Value(x)",
    ),
    "a metaclass": (
        "backward",
        "import autograd as ag\nclass Meta(type):\n    def __call__(cls, x):\n"
        "        return ag.Value(x)\nclass Value(metaclass=Meta):\n    pass",
    ),
    "a wrapper": (
        "order",
        "import autograd as ag\ndef topological_order(r):\n    return ag.topological_order(r)",
    ),
    "another door": (
        "order",
        "def topological_order(root):\n    from autograd.graph import topological_order as f\n"
        "    return f(root)",
    ),
    "a helper": (
        "order",
        "from autograd import graph\ndef helper(r):\n    return graph.topological_order(r)\n"
        "def topological_order(root):\n    return helper(root)",
    ),
    "a closure": (
        "order",
        "import autograd\ndef make(f):\n    def topological_order(root):\n        return f(root)\n"
        "    return topological_order\ntopological_order = make(autograd.topological_order)",
    ),
    "a default": (
        "order",
        "import autograd\ndef topological_order(r, f=autograd.topological_order):\n    return f(r)",
    ),
    "the function itself": ("order", "from autograd import topological_order"),
    "the package's loss": (
        "losses",
        "import nn\ndef mse(ps, ts):\n    return nn.mse_loss(ps, ts)\n"
        "def cross_entropy(logits, target):\n    return nn.cross_entropy(logits, target)",
    ),
    "a subclass": (
        "sgd",
        "import nn\nclass SGD(nn.optim.SGD):\n    pass",
    ),
    "an instance inside": (
        "sgd",
        "from nn import optim\nclass SGD:\n    def __init__(self, ps, lr):\n"
        "        self.o = optim.SGD(list(ps), lr)\n        self.step = self.o.step\n"
        "    def zero_grad(self): self.o.zero_grad()",
    ),
}


@pytest.mark.parametrize("kind", CHEATS)
def test_the_packages_own_is_refused_by_every_way(kind):
    name, source = CHEATS[kind]
    verdict = verdict_of(name, source)
    assert not verdict.passed
    assert "the package" in verdict.refused, str(verdict)


def test_an_error_that_cannot_be_shown_leaves_the_streams_alone():
    streams = sys.stdin, sys.stdout, sys.stderr
    source = (
        "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\n"
        "def slope(f, x):\n    raise Odd"
    )
    assert "Odd, whose text cannot be shown" in str(verdict_of("slope", source))
    assert (sys.stdin, sys.stdout, sys.stderr) == streams
