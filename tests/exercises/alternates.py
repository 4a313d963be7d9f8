"""For each task two right solutions that are written differently from the reference."""

# micrograd's way: a set of parents, and a function in each node that hands the gradient on
CLOSURES = """
import math

class Value:
    def __init__(self, data, _children=(), _op=''):
        self.data = data
        self.grad = 0
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), '+')
        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), '*')
        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    def __pow__(self, n):
        out = Value(self.data ** n, (self,), f'**{n}')
        def _backward():
            self.grad += n * self.data ** (n - 1) * out.grad
        out._backward = _backward
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,), 'tanh')
        def _backward():
            self.grad += (1 - t ** 2) * out.grad
        out._backward = _backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,), 'exp')
        def _backward():
            self.grad += out.data * out.grad
        out._backward = _backward
        return out

    def log(self):
        out = Value(math.log(self.data), (self,), 'log')
        def _backward():
            self.grad += out.grad / self.data
        out._backward = _backward
        return out

    def relu(self):
        out = Value(0 if self.data < 0 else self.data, (self,), 'ReLU')
        def _backward():
            self.grad += (out.data > 0) * out.grad
        out._backward = _backward
        return out

    def backward(self):
        topo, visited = [], set()
        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)
        build(self)
        for v in topo:
            if v._prev:
                v.grad = 0
        self.grad = 1
        for v in reversed(topo):
            v._backward()

    def __neg__(self): return self * -1
    def __radd__(self, other): return self + other
    def __sub__(self, other): return self + (-other)
    def __rsub__(self, other): return other + (-self)
    def __rmul__(self, other): return self * other
    def __truediv__(self, other): return self * other ** -1
    def __rtruediv__(self, other): return other * self ** -1

def zero_grad(values):
    for v in values:
        v.grad = 0
"""

# each node keeps (parent, derivative) pairs; backward goes by counting children (Kahn)
PAIRS = """
import math

def num(x):
    return x.data if isinstance(x, Value) else x

class Value:
    def __init__(self, data, pairs=()):
        self.data, self.grad, self.pairs = data, 0.0, list(pairs)

    @property
    def parents(self):
        return tuple(p for p, _ in self.pairs)

    def made(self, data, *pairs):
        return Value(data, [(p, d) for p, d in pairs if isinstance(p, Value)])

    def __add__(self, o): return self.made(self.data + num(o), (self, 1.0), (o, 1.0))
    def __radd__(self, o): return self.made(num(o) + self.data, (o, 1.0), (self, 1.0))
    def __sub__(self, o): return self.made(self.data - num(o), (self, 1.0), (o, -1.0))
    def __rsub__(self, o): return self.made(num(o) - self.data, (self, -1.0))
    def __mul__(self, o): return self.made(self.data * num(o), (self, num(o)), (o, self.data))
    __rmul__ = __mul__
    def __truediv__(self, o):
        y = self.data / num(o)
        return self.made(y, (self, 1 / num(o)), (o, -y / num(o)))
    def __rtruediv__(self, o):
        y = num(o) / self.data
        return self.made(y, (self, -y / self.data))
    def __pow__(self, n): return self.made(self.data ** n, (self, n * self.data ** (n - 1)))
    def __neg__(self): return self.made(-self.data, (self, -1.0))
    def tanh(self):
        y = math.tanh(self.data)
        return self.made(y, (self, (1 + y) * (1 - y)))
    def exp(self):
        return self.made(math.exp(self.data), (self, math.exp(self.data)))
    def log(self):
        return self.made(math.log(self.data), (self, 1 / self.data))
    def relu(self):
        on = self.data > 0
        return self.made(self.data * on, (self, 1.0 * on))

    def _backward(self):
        for p, d in self.pairs:
            p.grad = p.grad + d * self.grad

    def backward(self):
        waiting, ahead = {}, [self]
        while ahead:
            v = ahead.pop()
            for p, _ in v.pairs:
                if id(p) not in waiting:
                    waiting[id(p)] = 0
                    ahead.append(p)
                    if p.pairs:
                        p.grad = 0.0
                waiting[id(p)] += 1
        self.grad = 1.0
        ready = [self]
        while ready:
            v = ready.pop()
            v._backward()
            for p, _ in v.pairs:
                waiting[id(p)] -= 1
                if not waiting[id(p)]:
                    ready.append(p)

def zero_grad(values):
    [setattr(v, "grad", 0.0) for v in values]
"""

ALTERNATES: dict[str, tuple[str, ...]] = {
    "slope": (
        # the mean of the slopes to the right and to the left
        """
def slope(f, x):
    step = 2.0 ** -17
    right = (f(x + step) - f(x)) / step
    left = (f(x) - f(x - step)) / step
    return (left + right) / 2
""",
        # four points
        """
def slope(f, x):
    h = 1e-3
    near, far = f(x + h) - f(x - h), f(x + 2 * h) - f(x - 2 * h)
    return (8 * near - far) / (12 * h)
""",
    ),
    "value": (CLOSURES, PAIRS),
    "operators": (CLOSURES, PAIRS),
    "functions": (
        """
import math
def tanh(x):
    t = math.tanh(x)
    return (t, (1 - t) * (1 + t))
def relu(x):
    return max(0, x), float(x > 0)
def exp(x):
    return [math.exp(x)] * 2
def log(x):
    return math.log(x), x ** -1
""",
        """
import math
def tanh(x):
    e = math.exp(-2 * abs(x))
    t = math.copysign((1 - e) / (1 + e), x)
    return t, 4 * e / (1 + e) ** 2
def relu(x):
    if x <= 0:
        return 0, 0
    return x, 1
def exp(x):
    y = math.e ** x
    return y, y
def log(x):
    return math.log2(x) * math.log(2), 1.0 / x
""",
    ),
    "one_op": (CLOSURES, PAIRS),
    "order": (
        """
def topological_order(root):
    order, done, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in done:
            done.add(node)
            stack.append((node, True))
            stack.extend((p, False) for p in node.parents)
    return order
""",
        """
def topological_order(root):
    children = {root: 0}
    ahead = [root]
    for node in ahead:
        for p in node.parents:
            if p not in children:
                children[p] = 0
                ahead.append(p)
            children[p] += 1
    order, free = [], [root]
    while free:
        node = free.pop()
        order.append(node)
        for p in node.parents:
            children[p] -= 1
            if children[p] == 0:
                free.append(p)
    return tuple(reversed(order))
""",
    ),
    "backward": (CLOSURES, PAIRS),
    "zeroing": (CLOSURES, PAIRS),
    "gradcheck": (
        """
from autograd import Value
def gradcheck(f, xs):
    def at(i, h):
        return f(*[Value(x + h * (i == j)) for j, x in enumerate(xs)]).data
    leaves = [Value(x) for x in xs]
    f(*leaves).backward()
    def good(i):
        tried = (at(i, 1e-6) - at(i, -1e-6)) / 2e-6
        return abs(tried - leaves[i].grad) <= 1e-5 * (1 + abs(tried))
    return all(good(i) for i in range(len(xs)))
""",
        """
import math
import autograd
def gradcheck(f, xs):
    told = []
    for i in range(len(xs)):
        vs = [autograd.Value(x) for x in xs]
        f(*vs).backward()
        told.append(vs[i].grad)
    ok = True
    for i in range(len(xs)):
        up, down = xs[:], xs[:]
        up[i] += 1e-5
        down[i] -= 1e-5
        rise = f(*map(autograd.Value, up)).data - f(*map(autograd.Value, down)).data
        ok = ok and math.isclose(told[i], rise / 2e-5, rel_tol=1e-4, abs_tol=1e-5)
    return ok
""",
    ),
    "neuron": (
        """
import random
from autograd import Value, dot
class Neuron:
    def __init__(self, nin):
        self.w, self.b = [], Value(0)
        while len(self.w) < nin:
            self.w.append(Value(2 * random.random() - 1))
    def __call__(self, xs):
        return dot(self.w, xs, self.b).tanh()
    def parameters(self):
        return self.w + [self.b]
""",
        """
import random
from autograd import Value, tanh
class Neuron:
    def __init__(self, n):
        self.w = [Value(x) for x in (random.uniform(-1, 1) for _ in range(n))]
        self.b = Value(0.0)
    def __call__(self, xs):
        return tanh(sum((w * x for w, x in zip(self.w, xs, strict=True)), self.b))
    def parameters(self):
        yield self.b
        yield from self.w
""",
    ),
    "mlp": (
        """
import random
from itertools import chain
from autograd import Value, dot
class Neuron:
    def __init__(self, nin, linear=False):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b, self.linear = Value(0), linear
    def __call__(self, xs):
        out = dot(self.w, xs, self.b)
        return out if self.linear else out.tanh()
class Layer:
    def __init__(self, nin, nout, linear=False):
        self.neurons = []
        for _ in range(nout):
            self.neurons.append(Neuron(nin, linear))
    def __call__(self, xs):
        return list(map(lambda n: n(xs), self.neurons))
    def parameters(self):
        return list(chain(*([n.b, *n.w] for n in self.neurons)))
class MLP:
    def __init__(self, nin, nouts):
        *hidden, last = zip([nin] + list(nouts), nouts)
        self.layers = [Layer(a, b) for a, b in hidden] + [Layer(*last, linear=True)]
    def __call__(self, xs):
        for layer in self.layers:
            xs = layer(xs)
        if len(xs) > 1:
            return xs
        return xs[0]
    def parameters(self):
        return sum([layer.parameters() for layer in self.layers], [])
""",
        """
import random
from functools import reduce
from autograd import Value
class Neuron:
    def __init__(self, nin, act):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b, self.act = Value(0), act
    def __call__(self, xs):
        return self.act(sum(w * x for w, x in zip(self.w, xs)) + self.b)
class Layer:
    def __init__(self, nin, nout, linear=False):
        act = (lambda v: v) if linear else (lambda v: v.tanh())
        self.neurons = [Neuron(nin, act) for _ in range(nout)]
    def __call__(self, xs):
        return tuple(n(xs) for n in self.neurons)
    def parameters(self):
        for n in self.neurons:
            yield from n.w
            yield n.b
class MLP:
    def __init__(self, nin, nouts):
        self.layers = []
        while len(self.layers) < len(nouts):
            i = len(self.layers)
            self.layers.append(Layer(nouts[i - 1] if i else nin, nouts[i], i + 1 == len(nouts)))
    def __call__(self, xs):
        out = reduce(lambda x, layer: layer(x), self.layers, xs)
        return out[0] if len(out) == 1 else list(out)
    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]
""",
    ),
    "losses": (
        """
import autograd
def mse(predictions, targets):
    return sum((p - t) * (p - t) for p, t in zip(predictions, targets)) / len(predictions)
def cross_entropy(logits, target):
    return autograd.logsumexp(logits) - logits[target]
""",
        """
def mse(predictions, targets):
    n = len(targets)
    return sum([(1 / n) * (predictions[i] - targets[i]) ** 2 for i in range(n)])
def cross_entropy(logits, target):
    top = max(logits, key=lambda v: v.data).data
    exps = [(v - top).exp() for v in logits]
    return -(exps[target] / sum(exps)).log() if exps[target].data > 1e-300 else (
        sum(exps).log() - logits[target] + top)
""",
    ),
    "sgd": (
        """
class SGD:
    def __init__(self, parameters, lr):
        self.ps = tuple(parameters)
        self.lr = lr
    def step(self):
        for p in self.ps:
            p.data = p.data - p.grad * self.lr
    def zero_grad(self):
        for p in self.ps:
            p.grad = 0
""",
        """
class SGD:
    def __init__(self, parameters, lr=0.1):
        self.rate, self.all = lr, [p for p in parameters]
    def each(self, name, rule):
        for p in self.all:
            setattr(p, name, rule(p))
    def step(self):
        self.each("data", lambda p: p.data + -self.rate * p.grad)
    def zero_grad(self):
        self.each("grad", lambda p: 0.0)
""",
    ),
    "adam": (
        """
class Momentum:
    def __init__(self, parameters, lr, momentum=0.9):
        self.v = {p: 0 for p in parameters}
        self.lr, self.momentum = lr, momentum
    def step(self):
        for p, v in self.v.items():
            self.v[p] = v = v * self.momentum + p.grad
            p.data += -self.lr * v
class Adam:
    def __init__(self, parameters, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        self.ps = [[p, 0, 0] for p in parameters]
        self.how, self.t = (lr, beta1, beta2, eps), 0
    def step(self):
        lr, b1, b2, eps = self.how
        self.t += 1
        for row in self.ps:
            p, m, s = row
            row[1] = m = m + (1 - b1) * (p.grad - m)
            row[2] = s = s + (1 - b2) * (p.grad * p.grad - s)
            p.data -= lr * m / (1 - b1 ** self.t) / ((s / (1 - b2 ** self.t)) ** 0.5 + eps)
""",
        """
from math import sqrt
class Momentum:
    def __init__(self, parameters, lr, momentum=0.9):
        self.ps, self.lr, self.mu, self.past = list(parameters), lr, momentum, []
    def step(self):
        self.past.append([p.grad for p in self.ps])
        n = len(self.past)
        for i, p in enumerate(self.ps):
            p.data -= self.lr * sum(self.mu ** (n - 1 - k) * g[i] for k, g in enumerate(self.past))
class Adam:
    def __init__(self, parameters, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        self.ps, self.lr, self.b1, self.b2, self.eps = list(parameters), lr, beta1, beta2, eps
        self.m, self.s = [0] * len(self.ps), [0] * len(self.ps)
        self.c1 = self.c2 = 1
    def step(self):
        self.c1 *= self.b1
        self.c2 *= self.b2
        for i, p in enumerate(self.ps):
            g = p.grad
            self.m[i] += (1 - self.b1) * (g - self.m[i])
            self.s[i] += (1 - self.b2) * (g * g - self.s[i])
            top, bottom = self.m[i] / (1 - self.c1), sqrt(self.s[i] / (1 - self.c2))
            p.data -= self.lr * top / (bottom + self.eps)
""",
    ),
    "training": (
        """
import nn
def train(model, xs, ys, lr, goal, most):
    params, losses = list(model.parameters()), []
    optimizer = nn.optim.SGD(params, lr)
    while len(losses) < most:
        loss = nn.mse_loss([model(x) for x in xs], ys)
        losses.append(loss.data)
        if loss.data <= goal:
            return losses
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses
""",
        """
def train(model, xs, ys, lr, goal, most):
    losses, ps = [], list(model.parameters())
    for round in range(most):
        for p in ps:
            p.grad = 0
        loss = 0
        for x, y in zip(xs, ys):
            one = (model(x) - y) ** 2 / len(ys)
            one.backward()
            loss += one.data
        losses += [loss]
        if loss <= goal:
            break
        for p in ps:
            p.data = p.data - lr * p.grad
    return losses
""",
    ),
    "dropout": (
        """
def dropout(xs, p, rng, training=True):
    if training:
        return [x / (1 - p) if rng.random() >= p else x * 0 for x in xs]
    return xs
""",
        """
from autograd import Value
def dropout(xs, p, rng, training=True):
    mask = [rng.random() >= p for _ in xs] if training else None
    if mask is None:
        return [x for x in xs]
    return [x * (1 / (1 - p)) if keep else Value(0) for x, keep in zip(xs, mask)]
""",
    ),
    "attention": (
        """
import autograd
def attention(queries, keys, values):
    scale = len(queries[0]) ** -0.5
    def at(t):
        scores = [autograd.dot(queries[t], keys[s]) * scale for s in range(t + 1)]
        z = autograd.logsumexp(scores)
        w = [(s - z).exp() for s in scores]
        return [autograd.dot(w, [v[i] for v in values[:t + 1]]) for i in range(len(values[0]))]
    return [at(t) for t in range(len(queries))]
""",
        """
def attention(queries, keys, values):
    n, d = len(queries), len(queries[0])
    out = []
    for t in range(n):
        mixed, total, top = [0] * len(values[0]), 0, None
        fits = []
        for s in range(n):
            if s > t:
                continue
            fit = 0
            for i in range(d):
                fit = fit + queries[t][i] * keys[s][i]
            fits.append(fit / d ** 0.5)
        top = max(f.data for f in fits)
        for s, fit in enumerate(fits):
            e = (fit - top).exp()
            total = total + e
            mixed = [m + e * v for m, v in zip(mixed, values[s])]
        out.append([m / total for m in mixed])
    return out
""",
    ),
}
