"""Never silently wrong: whatever a function does, jit gives what plain code gives, or refuses."""

import array
import contextlib
import contextvars
import copy
import dataclasses
import enum
import functools
import gc
import itertools
import math
import os
import random
import sys
import threading
import time
import types
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import autograd
import nn
from autograd import TraceError, Value, jit, no_grad

np = pytest.importorskip("numpy")
both = pytest.mark.parametrize("backend", ["numpy", "python"])


def plain(y: Any) -> Any:
    return y.data if isinstance(y, Value) else y


def right(make: Callable[[Any], Iterator[Any]], backend: str = "numpy") -> list[Any]:
    """The numbers of make(jit), which must be those of plain code up to a TraceError, if any."""
    expected = [plain(y) for y in make(lambda f: f)]
    got = []
    try:
        for y in make(lambda f: jit(f, backend=backend)):
            got.append(plain(y))
    except TraceError as error:
        assert "jit" in str(error) or "compiled" in str(error) or "plain code" in str(error)
        got.append("refused")
    refused = got[-1] == "refused"
    assert got[: len(got) - refused] == pytest.approx(expected[: len(got) - refused], rel=1e-12)
    assert refused or len(got) == len(expected)
    return got


W = Value(3.0)


class Mode(enum.IntEnum):
    FAST = 0
    SLOW = 1


# --- wrong at the first call ---------------------------------------------------------------------


def swallows(J: Any) -> Iterator[Any]:
    def f(x: float) -> Any:
        try:
            return W * x if x > 0 else W * 0.5
        except Exception:
            return W * 0.0

    g = J(f)
    yield from (g(1.5), g(-1.5))


def suppresses(J: Any) -> Iterator[Any]:
    def f(x: float) -> Any:
        scale = 1.0
        with contextlib.suppress(TypeError):
            scale = 2.0 if x > 1 else 3.0
        return W * x * scale

    yield J(f)(1.5)


def type_of(J: Any) -> Iterator[Any]:
    yield J(lambda x: W * x * 2.0 if type(x) is int else W * x)(3)


def reads_gradient(J: Any) -> Iterator[Any]:
    w = Value(3.0)
    g = J(lambda x: w * x * (1.0 + w.grad))
    for _ in range(2):
        y = g(2.0)
        y.backward()
        yield y


def clears_gradient(J: Any) -> Iterator[Any]:
    m = nn.MLP(2, [1], rng=random.Random(0))

    def f(x: Any) -> Any:
        m.zero_grad()
        return m(x)

    yield J(f)([1.0, 2.0])


def looks_at_parents(J: Any) -> Iterator[Any]:
    g, a = J(lambda v: v * (2.0 if v.parents else 3.0)), Value(3.0)
    yield from (g(a), g(a * 2.0))


def writes_into_a_list(J: Any) -> Iterator[Any]:
    def f(state: Any) -> Any:
        state[0] = state[0] + 1.0
        return W * state[0]

    g, s = J(f), [1.0]
    for _ in range(2):
        yield g(s)
    yield s[0]


def writes_into_an_array(J: Any) -> Iterator[Any]:
    def f(a: Any) -> Any:
        a += 1.0
        return W * a[0]

    g, a = J(f), np.zeros(2)
    yield from (g(a), g(a))


def float32(J: Any) -> Iterator[Any]:
    yield J(lambda x: W * (x[0] * x[1]))(np.array([0.1, 0.3], np.float32))


def text_as_key(J: Any) -> Iterator[Any]:
    g = J(lambda x: W * {"1.0": 2.0}.get(repr(x), 1.0))
    yield from (g(1.0), g(2.0))


def divides_by_zero(J: Any) -> Iterator[Any]:
    def f(a: float, b: float) -> Any:
        try:
            return W * (a / b)
        except ZeroDivisionError:
            return W * 0.0

    g = J(f)
    yield from (g(1.0, 2.0), g(1.0, 0.0))


def steps_inside(J: Any) -> Iterator[Any]:
    w = Value(1.0)
    step = jit(lambda x: w * x, nn.optim.SGD([w], lr=0.1))

    def f(x: float) -> Any:
        step(x)
        return w * x

    yield jit(f)(1.0) if J is not None else None


def prints(J: Any) -> Iterator[Any]:
    def f(x: float) -> Any:
        print("here")
        return W * x

    yield J(f)(1.0)


@both
@pytest.mark.parametrize("make", [
    swallows, suppresses, type_of, reads_gradient, clears_gradient, looks_at_parents,
    writes_into_a_list, writes_into_an_array, float32, text_as_key, divides_by_zero,
])  # fmt: skip
def test_what_a_symbol_cannot_show_is_refused(make: Any, backend: str) -> None:
    assert right(make, backend)[-1] == "refused"


def test_a_training_step_inside_of_a_jitted_function_is_refused() -> None:
    with pytest.raises(TraceError, match="training step"):
        list(steps_inside(jit))


def test_a_function_that_prints_is_refused_and_the_trace_prints_nothing(capsys: Any) -> None:
    with pytest.raises(TraceError, match="prints"):
        list(prints(jit))
    assert capsys.readouterr().out == "here\n" * 1  # the one plain run


@both
@pytest.mark.parametrize("f, arguments", [
    (lambda x: W * x * 2.0 if isinstance(x, float) else W * x, (1.5,)),
    (lambda x: W * x * 2.0 if isinstance(x, int) else W * x, (2,)),
    (lambda a, b: a * 2.0 if a is b else a * b, (W, W)),
    (lambda a, b: a * 10.0 if a in b else a, (W, [W, Value(1.0)])),
    (lambda vs: autograd.sum([v * v for v in vs if v.label != "bias"]),
     ([Value(2.0, "weight"), Value(3.0, "bias")],)),
    (lambda x: autograd.sum([v * W for v in [Value(a) for a in x]]), ([1.5, 2.5],)),
    (lambda i: autograd.take([W, W * 2.0, W * 3.0], 2 * i - 1), (1,)),
    (lambda t1, t0: W * (t1 - t0), (1_700_000_000_123_456_889, 1_700_000_000_123_456_789)),
    (lambda x, flag: W * x if flag else -W * x, (1.0, np.bool_(False))),
    (lambda x, mode: W * x if mode is Mode.FAST else -W * x, (1.0, Mode.FAST)),
    (lambda v: v[0] * v[1], (np.array([Value(1.0), Value(2.0)], dtype=object),)),
    (lambda x: W * np.exp(x), (0.5,)),
    (lambda x: W * sum(np.array([1.0, 2.0]) * x), (0.5,)),
    (lambda x: autograd.sum([W * (v - x.mean()) for v in x]), (np.array([1.0, 2.5]),)),
    (lambda x: autograd.grad(lambda v: v * v * W)(W) * x, (2.0,)),
])  # fmt: skip
def test_what_was_refused_without_need(f: Any, arguments: Any, backend: str) -> None:
    assert jit(f, backend=backend)(*arguments).data == pytest.approx(f(*arguments).data, rel=1e-14)


def test_identity_that_was_seen_is_a_guard() -> None:
    a, b = Value(2.0), Value(3.0)
    rates = {a: 0.5, b: 0.25}
    f = jit(lambda v: v * rates[v])
    assert [f(v).data for v in (a, b, a)] == [1.0, 0.75, 1.0]
    assert f.stats["programs"] == 2
    same = jit(lambda u, v: u * 2.0 if u is v else u * v)
    assert [same(a, v).data for v in (a, b, a)] == [4.0, 6.0, 4.0]


# --- frozen and stale ----------------------------------------------------------------------------


class Counts:
    """Changes itself in ways that are hard to see."""

    def __init__(self, how: str) -> None:
        self.how, self.log, self.state, self.t = how, [], {"t": 0}, np.float64(1.0)
        self.frozen, self.flag, self.ticks = Frozen(0), None, itertools.cycle([1.0, 2.0])
        self.items = [iter([1.0, 2.0, 3.0, 4.0])]

    def __call__(self, x: float) -> Any:
        return W * x * getattr(self, self.how)()

    def rebuilt(self) -> Any:
        self.log = [*self.log, 0]
        return len(self.log)

    def grown(self) -> Any:
        self.log.append(Value(1.0))
        return len(self.log)

    def replaced(self) -> Any:
        self.state = {"t": self.state["t"] + 1}
        return self.state["t"]

    def scalar(self) -> Any:
        self.t = self.t * 0.9
        return float(self.t)

    def immutable(self) -> Any:
        self.frozen = dataclasses.replace(self.frozen, t=self.frozen.t + 1)
        return self.frozen.t

    def toggled(self) -> Any:
        self.flag = [1] if self.flag is None else None
        return 1.0 if self.flag else -1.0

    def attribute(self) -> Any:
        return next(self.ticks)

    def item(self) -> Any:
        return next(self.items[0])


@dataclasses.dataclass(frozen=True)
class Frozen:
    t: int


@both
@pytest.mark.parametrize("how", [
    "rebuilt", "grown", "replaced", "scalar", "immutable", "toggled", "attribute", "item",
])  # fmt: skip
def test_what_changes_whenever_it_runs_is_refused_and_put_back(how: str, backend: str) -> None:
    counts = Counts(how)
    before = [counts.log, counts.state, counts.t, counts.frozen, counts.flag]
    with pytest.raises(TraceError):
        jit(counts, backend=backend)(1.0)
    after = [counts.log, counts.state, counts.t, counts.frozen, counts.flag]
    assert all(a is b for a, b in zip(before, after))
    assert counts.log == []


def test_a_refusal_leaves_iterators_random_numbers_and_gradients_as_they_were() -> None:
    counts, rng, w = Counts("attribute"), random.Random(3), Value(2.0)
    w.grad = 5.0
    state, everywhere = rng.getstate(), random.getstate()

    def f(x: float) -> Any:
        return w * x * rng.random() * random.random() * np.random.random() * counts.attribute()

    numbers = np.random.get_state()[1].tolist()
    with pytest.raises(TraceError):
        jit(f)(1.0)
    assert (w.data, w.grad) == (2.0, 5.0)
    assert (rng.getstate(), random.getstate()) == (state, everywhere)
    assert np.random.get_state()[1].tolist() == numbers


def test_ctrl_c_in_a_trace_leaves_everything_as_it_was() -> None:
    log: list[Any] = []

    def f(x: Any) -> Any:
        log.append(x)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jit(f)(1.0)
    assert log == []
    assert Value(1.0).data == 1.0


os.environ["GLASSGRAD_TEST"] = "1.0"


@pytest.mark.parametrize("read", [
    lambda: np.random.default_rng().normal(),
    lambda: random.Random().random(),
    time.perf_counter,
    lambda: int.from_bytes(os.urandom(4), "big"),
])  # fmt: skip
def test_what_changes_by_itself_is_refused(read: Any) -> None:
    f = jit(lambda x: W * x * read())
    with pytest.raises(TraceError):
        [f(1.0) for _ in range(2)]


def test_an_audit_finds_what_nobody_watches(tmp_path: Any) -> None:
    path = tmp_path / "scale.txt"

    def f(x: float) -> Any:
        return W * x * float(path.read_text()) * float(os.environ["GLASSGRAD_TEST"])

    path.write_text("2.0")
    g = jit(f)
    assert [g(1.0).data for _ in range(6)] == [6.0] * 6
    assert g.stats["audits"] == 2  # at the 2nd and the 4th call
    path.write_text("5.0")
    assert g(1.0).data == 6.0
    with pytest.raises(TraceError, match=r"gives 15.*test_unseen.py, line \d+, in f"):
        g(1.0)
    assert g(1.0).data == 15.0  # its program has gone


LATER: Any


def changes(J: Any, how: str) -> Iterator[Any]:
    """A function, called before and after something that it reads has changed."""
    rate = types.ModuleType("rate")
    rate.inner = types.ModuleType("inner")  # type: ignore[attr-defined]
    rate.inner.SCALE = rate.SCALE = 2.0  # type: ignore[attr-defined]
    a, b, view = array.array("d", [2.0]), bytearray([2]), {"a": 2.0}
    variable = contextvars.ContextVar("rate", default=2.0)
    holder, config, slot = SimpleNamespace(s=2.0), Config("a", 2.0), Slotted()
    parent, boxed = weakref.ref(slot), Attributed(a=1.0)
    steps: dict[str, Any] = {"double": lambda v: v * 2.0, "add": lambda v: v + 1.0}
    number: Any = 2
    reads: dict[str, Callable[[], Any]] = {
        "module": lambda: rate.SCALE,
        "dotted": lambda: rate.inner.SCALE,
        "by name": lambda: getattr(rate, "SCALE"),  # noqa: B009
        "array": lambda: a[0],
        "bytes": lambda: b[0],
        "view": lambda: sum(view.values()),
        "variable": lambda: variable.get(),
        "attribute": lambda: holder.s,
        "own ==": lambda: config.s,
        "slot": lambda: parent().s,  # type: ignore[union-attr]
        "subclass": lambda: boxed.scale,
        "order": lambda: functools.reduce(lambda v, s: s(v), steps.values(), 1.0),
        "type": lambda: 2.0 if isinstance(number, int) else 5.0,
    }
    read = reads[how]
    g = J(lambda x: W * x * read())
    yield g(1.5)
    rate.SCALE = rate.inner.SCALE = a[0] = view["a"] = holder.s = slot.s = boxed.scale = 5.0  # type: ignore[attr-defined]
    b[0], config, number = 5, Config("a", 5.0), 2.0
    variable.set(5.0)
    steps["double"] = steps.pop("double")
    yield g(1.5)


class Config:
    def __init__(self, name: str, s: float) -> None:
        self.name, self.s = name, s

    def __eq__(self, other: Any) -> bool:
        return bool(self.name == other.name)

    __hash__ = None  # type: ignore[assignment]


class Slotted:
    __slots__ = ("__weakref__", "s")

    def __init__(self) -> None:
        self.s = 2.0


class Attributed(dict):  # type: ignore[type-arg]
    scale = 2.0


@both
@pytest.mark.parametrize("how", [
    "module", "dotted", "by name", "array", "bytes", "view", "variable", "attribute", "own ==",
    "slot", "subclass", "order", "type",
])  # fmt: skip
def test_what_is_read_is_not_stale(how: str, backend: str) -> None:
    def make(J: Any) -> Iterator[Any]:
        return changes(J, how)

    assert "refused" not in right(make, backend)


@both
def test_static_arguments_are_compared_by_content(backend: str) -> None:
    v, config, names = Value(0.5), {"act": "tanh"}, ["a"]
    table = {"a": v, "b": v * 2.0}
    f = jit(lambda c, x: getattr(v * x, c["act"])(), backend=backend)
    g = jit(lambda names, t: autograd.sum([t[n] * 2.0 for n in names]), backend=backend)
    assert f(config, 2.0).data == math.tanh(1.0)
    assert g(names, table).data == 1.0
    config["act"] = "exp"
    names.append("b")
    assert f(config, 2.0).data == pytest.approx(math.exp(1.0))
    assert g(names, table).data == 3.0
    assert f({"act": "exp"}, 2.0).data == pytest.approx(math.exp(1.0))
    assert f.stats["programs"] == 2


def test_an_optimizer_read_in_the_loss_is_watched() -> None:
    w = Value(1.0)
    optimizer = nn.optim.SGD([w], lr=0.1)
    scaled = jit(lambda x: w * x * optimizer.lr, optimizer)
    losses = []
    for optimizer.lr in (0.1, 0.1, 0.1, 0.5):
        losses.append(scaled(1.0) / w.data)
    assert losses[-1] > 4 * losses[0]
    annealed = jit(lambda x: w * x * min(1.0, optimizer.steps / 40), optimizer)
    with pytest.raises(TraceError, match="steps"):
        [annealed(1.0) for _ in range(3)]


def test_other_threads_read_and_train_while_one_traces() -> None:
    sys.setswitchinterval(1e-5)
    errors: list[str] = []
    done = threading.Event()

    def eager() -> None:
        while not done.is_set():
            try:
                y = (Value(2.0) * 3.0 + 1.0).tanh()
                y.backward()
                y.data  # noqa: B018
            except Exception as error:
                errors.append(repr(error))

    def train(k: int) -> None:
        m = nn.MLP(2, [4, 1], rng=random.Random(k))
        step = jit(lambda m, xs: nn.mse_loss([m(x) for x in xs], [0.0] * len(xs)),
                   nn.optim.SGD(m.parameters(), lr=0.01))  # fmt: skip
        try:
            for n in range(1, 5):
                step(m, [[0.1, 0.2]] * n)
        except Exception as error:
            errors.append(repr(error))

    reader = threading.Thread(target=eager)
    trainers = [threading.Thread(target=train, args=(k,)) for k in range(4)]
    for thread in (reader, *trainers):
        thread.start()
    for thread in trainers:
        thread.join()
    done.set()
    reader.join()
    sys.setswitchinterval(0.005)
    assert errors == []
    assert Value(1.0).data == 1.0


def test_no_grad_and_detach_inside() -> None:
    w = Value(3.0)

    def f(x: float) -> Any:
        with no_grad():
            fixed = w * x
        return fixed * w + (w * x).detach() * w

    y = jit(f)(2.0)
    y.backward()
    assert (y.data, w.grad) == (36.0, 12.0)


@both
def test_a_model_that_is_gone_takes_its_programs_along(backend: str) -> None:
    compiled = jit(lambda m, x: m(x) * 2.0, backend=backend)
    models = [nn.MLP(2, [2, 1], rng=random.Random(k)) for k in range(3)]
    for m in models:
        compiled(m, [0.5, 1.0])
    alive = [weakref.ref(m) for m in models]
    assert compiled.stats["programs"] == 3
    del models, m
    gc.collect()
    assert [ref() for ref in alive] == [None] * 3
    assert compiled.stats["programs"] == 0


@both
def test_several_results_have_their_own_gradients(backend: str) -> None:
    w = Value(3.0)
    f = jit(lambda x: (w * x, [w * w, {"sum": w + x}]), backend=backend)
    for _ in range(2):
        a, (b, rest) = f(2.0)
        assert (a.data, b.data, rest["sum"].data) == (6.0, 9.0, 5.0)
        w.grad = 0.0
        (a * 10.0 + b).backward()
        assert w.grad == 26.0


@both
def test_results_can_be_copied_with_their_model(backend: str) -> None:
    model = nn.MLP(2, [3, 1], rng=random.Random(0))
    result = jit(lambda m, x: m(x) * 2.0, backend=backend)(model, [0.5, 1.0])
    twin, copied = copy.deepcopy((model, result))
    copied.backward()
    (model([0.5, 1.0]) * 2.0).backward()
    wanted = [p.grad for p in model.parameters()]
    assert [p.grad for p in twin.parameters()] == pytest.approx(wanted, rel=1e-12)
    model.zero_grad()
    result.backward()
    assert [p.grad for p in model.parameters()] == pytest.approx(wanted, rel=1e-12)
