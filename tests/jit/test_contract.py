"""What a jitted function promises: inputs, caching, live parameters, errors, source."""

import copy
import functools
import math
import pickle
import random
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import autograd
import nn
from autograd import Value, jit, no_grad
from autograd.jit import TraceError
from autograd.runtime.calls import KEPT
from tests.jit import programs

np = pytest.importorskip("numpy")
both = pytest.mark.parametrize("backend", ["numpy", "python"])
XS, YS = [[0.5, -1.0], [1.5, 0.25], [-0.5, 2.0]], [0, 2, 1]


def loss(model: Any, xs: Any, ys: Any) -> Value:
    return nn.cross_entropy([model(x) for x in xs], ys)


def model_of(seed: int = 0) -> nn.MLP:
    return nn.MLP(2, [4, 3], rng=random.Random(seed))


def gradients(model: Any) -> list[float]:
    return [p.grad for p in model.parameters()]


@both
def test_new_data_and_targets_run_the_same_program(backend: str) -> None:
    model, compiled = model_of(), jit(loss, backend=backend)
    for shift, ys in ((0.0, YS), (1.0, [1, 1, 0]), (-2.0, [2, 2, 2])):
        xs = [[x + shift for x in row] for row in XS]
        assert compiled(model, xs, ys).data == pytest.approx(loss(model, xs, ys).data, rel=1e-12)
        arrays = compiled(model, np.array(xs), np.array(ys))
        assert arrays.data == pytest.approx(loss(model, xs, ys).data, rel=1e-12)
    assert compiled.stats["programs"] == 2  # one for lists, one for arrays
    compiled(model, XS[:2], YS[:2])
    assert compiled.stats["programs"] == 3  # another shape


@both
def test_backward_accumulates_as_the_eager_one_does(backend: str) -> None:
    model, compiled = model_of(), jit(loss, backend=backend)
    loss(model, XS, YS).backward()
    once = gradients(model)
    compiled(model, XS, YS).backward()
    assert gradients(model) == pytest.approx([2 * g for g in once], rel=1e-12)
    model.zero_grad()
    twice = compiled(model, XS, YS)
    twice.backward()
    twice.backward()
    assert gradients(model) == pytest.approx([2 * g for g in once], rel=1e-12)


@both
def test_results_are_values_like_any_other(backend: str) -> None:
    model, compiled = model_of(), jit(loss, backend=backend)
    w = Value(3.0)

    def mixed(f: Any) -> list[float]:
        model.zero_grad()
        w.grad = 0.0
        a, b = f(model, XS, YS), f(model, [[2 * x for x in row] for row in XS], YS)
        (w * a * a + b + model.parameters()[0] ** 2).backward()
        return [a.data, b.data, w.grad, *gradients(model)]

    eager = mixed(loss)
    assert mixed(compiled) == pytest.approx(eager, rel=1e-12)


@both
def test_gradient_flows_on_through_values_among_the_arguments(backend: str) -> None:
    f = jit(lambda xs, k: autograd.sum([x * x * k for x in xs]), backend=backend)
    a, b = Value(2.0), Value(3.0)
    for _ in range(2):
        a.grad = b.grad = 0.0
        f([a * b, b, a + b], 2.0).backward()  # 2 (a²b² + b² + (a + b)²)
        assert (a.grad, b.grad) == (4 * 2 * 9 + 4 * 5, 4 * 4 * 3 + 4 * 3 + 4 * 5)


@both
def test_an_old_result_keeps_its_gradient(backend: str) -> None:
    """As in the eager engine, partials belong to the moment of the call."""
    model, compiled = model_of(), jit(loss, backend=backend)
    loss(model, XS, YS).backward()
    wanted = gradients(model)
    model.zero_grad()
    result = compiled(model, XS, YS)
    compiled(model, XS, [0, 0, 0])
    for p in model.parameters():
        p.data = 7.0
    result.backward()
    assert gradients(model) == pytest.approx(wanted, rel=1e-12)


@both
def test_an_array_that_changes_after_the_call_does_not_change_its_gradient(backend: str) -> None:
    model, xs = model_of(), np.array(XS)
    loss(model, XS, YS).backward()
    wanted = gradients(model)
    model.zero_grad()
    compiled = jit(loss, backend=backend)
    compiled(model, xs, YS)
    result = compiled(model, xs, YS)  # the first call takes another way
    xs *= 7.0
    result.backward()
    assert gradients(model) == pytest.approx(wanted, rel=1e-12)


@both
@pytest.mark.parametrize("make", [
    lambda ps: nn.optim.SGD(ps, lr=0.1),
    lambda ps: nn.optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    lambda ps: nn.optim.RMSprop(ps, lr=0.01),
    lambda ps: nn.optim.Adam(ps, lr=0.05),
    lambda ps: nn.optim.AdamW(ps, lr=0.05),
    lambda ps: nn.optim.Adagrad(ps, lr=0.1, lr_decay=0.1, weight_decay=0.01),
])  # fmt: skip
def test_steps_are_those_of_the_optimizer(make: Any, backend: str) -> None:
    a, b = model_of(), model_of()
    eager, other = make(a.parameters()), make(b.parameters())
    step = jit(loss, optimizer=other, backend=backend)
    for i in range(6):
        eager.lr = other.lr = 0.05 / (i + 1)  # what schedules do
        value = loss(a, XS, YS)
        eager.zero_grad()
        value.backward()
        eager.step()
        if i == 3:  # an eager step in between
            other.zero_grad()
            loss(b, XS, YS).backward()
            other.step()
        else:
            assert step(b, XS, YS) == pytest.approx(value.data, rel=1e-10)
        assert gradients(b) == pytest.approx(gradients(a), rel=1e-9, abs=1e-12)
        data = [p.data for p in b.parameters()]
        assert data == pytest.approx([p.data for p in a.parameters()], rel=1e-9, abs=1e-12)
    assert step.stats["programs"] == 1
    assert backend == "python" or "def update(pieces, lr, steps):" in step.source


def test_batches_of_two_sizes_share_the_memory_of_the_optimizer() -> None:
    a, b = model_of(), model_of()
    eager, other = nn.optim.Adam(a.parameters(), lr=0.1), nn.optim.Adam(b.parameters(), lr=0.1)
    step, rules = jit(loss, other), set()
    for i in range(6):
        xs, ys = XS[: 3 - i % 2], YS[: 3 - i % 2]
        value = loss(a, xs, ys)
        eager.zero_grad()
        value.backward()
        eager.step()
        assert step(b, xs, ys) == pytest.approx(value.data, rel=1e-10)
        rules.add(id(step.latest.rule))
    assert len(rules) == 2  # neither is made anew when the other has made a step


@both
def test_clipping_is_that_of_nn(backend: str) -> None:
    for how, clip in (
        ("clip_norm", nn.optim.clip_grad_norm),
        ("clip_value", nn.optim.clip_grad_value),
    ):
        a, b = model_of(), model_of()
        value = loss(a, XS, YS)
        value.backward()
        clip(a.parameters(), 0.01)
        nn.optim.SGD(a.parameters(), lr=1.0).step()
        jit(loss, nn.optim.SGD(b.parameters(), lr=1.0), backend=backend, **{how: 0.01})(b, XS, YS)
        data = [p.data for p in b.parameters()]
        assert data == pytest.approx([p.data for p in a.parameters()], rel=1e-12)


def test_parameters_can_be_written_copied_and_pickled() -> None:
    model, compiled = model_of(), jit(loss)
    before = compiled(model, XS, YS).data
    p = model.parameters()[0]
    p.data += 1.0
    after = compiled(model, XS, YS).data
    assert after == pytest.approx(loss(model, XS, YS).data, rel=1e-12)
    assert after != before
    assert isinstance(p, Value)
    for twin in (copy.deepcopy(p), pickle.loads(pickle.dumps(p)), copy.copy(p)):
        assert type(twin) is Value
        assert (twin.data, twin.grad) == (p.data, p.grad)
        twin.data = 0.0
        assert p.data != 0.0
    other = copy.deepcopy(model)
    assert loss(other, XS, YS).data == pytest.approx(after, rel=1e-12)


def test_models_that_meet_share_their_memory_and_stay_right() -> None:
    a, b = model_of(1), model_of(2)
    fa, fb = jit(loss), jit(loss)
    fa(a, XS, YS)
    fb(b, XS, YS)
    both_models = jit(lambda a, b, xs, ys: loss(a, xs, ys) * loss(b, xs, ys))
    for _ in range(2):
        for f, args in ((fa, (a,)), (fb, (b,)), (both_models, (a, b))):
            f.fn(*args, XS, YS).backward()
            wanted = [gradients(m) for m in (a, b)]
            a.zero_grad()
            b.zero_grad()
            f(*args, XS, YS).backward()
            for found, g in zip((a, b), wanted):
                assert gradients(found) == pytest.approx(g, rel=1e-10, abs=1e-14)
            a.zero_grad()
            b.zero_grad()
        a.parameters()[3].data = 0.5


def test_a_result_from_before_its_models_met_others_still_reaches_them() -> None:
    a, b = model_of(1), model_of(2)
    loss(b, XS, YS).backward()
    wanted = gradients(b)
    b.zero_grad()
    jit(loss)(a, XS, YS)
    old = jit(loss)(b, XS, YS)
    jit(lambda a, b: loss(a, XS, YS) + loss(b, XS, YS))(a, b)
    old.backward()
    assert gradients(b) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("kind", [nn.optim.SGD, nn.optim.Adam])
def test_an_optimizer_of_some_parameters_here_and_there(kind: Any) -> None:
    a, b = model_of(), model_of()
    eager, other = [kind(m.parameters()[1::2], lr=0.1) for m in (a, b)]
    jit(loss)(b, XS, YS)
    step = jit(loss, other)
    for _ in range(3):
        eager.zero_grad()
        loss(a, XS, YS).backward()
        eager.step()
        step(b, XS, YS)
    assert gradients(b) == pytest.approx(gradients(a), rel=1e-9, abs=1e-12)  # others accumulate
    data = [p.data for p in b.parameters()]
    assert data == pytest.approx([p.data for p in a.parameters()], rel=1e-9)


def test_no_grad_gives_a_leaf() -> None:
    compiled = jit(loss)
    with no_grad():
        result = compiled(model_of(), XS, YS)
    assert result.parents == ()
    assert result.data == pytest.approx(loss(model_of(), XS, YS).data)


@both
def test_dropout_draws_afresh_and_modes_are_seen(backend: str) -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            self.drop, self.out = nn.Dropout(0.5, rng=random.Random(0)), nn.Neuron(8, "tanh")

        def forward(self, xs: Any) -> Any:
            return self.out(self.drop(xs))

    model = Noisy()
    f = jit(lambda m, xs: m(xs) + sum(w * w for w in m.parameters()), backend=backend)
    xs = [1.0] * 8
    assert len({f(model, xs).data for _ in range(20)}) > 3
    model.eval()
    assert len({f(model, xs).data for _ in range(5)}) == 1
    assert f(model, xs).data == pytest.approx(f.fn(model, xs).data)
    model.train()
    model.drop.p = 0.0
    assert f(model, xs).data == pytest.approx(f.fn(model, xs).data)


@both
def test_closures_globals_and_attributes_are_not_frozen(backend: str) -> None:
    scale, weights = 2.0, [Value(1.0), Value(2.0)]

    def f(x: float) -> Any:
        return weights[0] * x * scale + weights[1]

    g = jit(f, backend=backend)
    assert g(3.0).data == f(3.0).data
    scale = 5.0
    assert g(3.0).data == f(3.0).data
    weights[0] = Value(-1.0)
    assert g(3.0).data == f(3.0).data
    weights[1].data = 4.0
    assert g(3.0).data == f(3.0).data


@both
def test_arrays_and_long_lists_of_a_closure_are_not_frozen(backend: str) -> None:
    v, row, table, long = Value(2.0), np.array([1.0, 2.0]), {"a": np.array([3.0])}, [1.0] * 30_000

    def f() -> Any:
        return v * row[0] + v * table["a"][0] * sum(long)

    g = jit(f, backend=backend)
    assert g().data == f().data
    for change in (row, table["a"], long):
        change[0] = 10.0
        assert g().data == f().data


COUNT, ITEMS = 0, iter([1.0, 2.0])
DRAW, UNSEEDED, LEGACY = random.Random(0), random.SystemRandom(), np.random.RandomState(0)
BOUND = random.Random(1).random


def counting(v: Any, rng: Any) -> Any:
    global COUNT
    COUNT += 1
    return v * COUNT


class Counting:
    n = 0

    def __call__(self, v: Any, rng: Any) -> Any:
        self.n += 1
        return v * self.n


@both
@pytest.mark.parametrize("f", [
    counting,
    Counting(),
    lambda v, rng: v * DRAW.random(),
    lambda v, rng: v * UNSEEDED.random(),
    lambda v, rng: v * LEGACY.rand(),
    lambda v, rng: v * BOUND(),
    lambda v, rng: v * rng.random(),
    lambda v, rng: v * np.random.random(),
    lambda v, rng: v * next(ITEMS),
])  # fmt: skip
def test_what_changes_at_each_call_is_refused(f: Any, backend: str) -> None:
    with pytest.raises(TraceError, match="pass"):
        jit(f, backend=backend)(Value(1.0), np.random.default_rng(0))
    with pytest.raises(TraceError, match="`rng` gives another item"):
        jit(lambda v, rng: v * next(rng), backend=backend)(Value(1.0), iter([1.0]))


@both
def test_arguments_are_told_apart_by_order_layout_and_kind(backend: str) -> None:
    w = Value(2.0)

    def same(f: Any, *calls: Any) -> None:
        compiled = jit(f, backend=backend)
        for arguments in calls:
            assert compiled(*arguments).data == f(*arguments).data

    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    same(lambda x: w * x[0, 1] + x[1, 0] * w * w, (a.T,), (10.0 * a.T,), (a,))
    same(lambda d: w * d["a"] + 10 * d["b"], ({"a": 1.0, "b": 2.0},), ({"b": 2.0, "a": 1.0},))
    same(lambda d: w * d["a"], ({"a": 1.0},), ({"a": 2.0},))
    same(lambda d: w * d["a"], (OrderedDict(a=1.0),), (OrderedDict(a=2.0),))
    same(lambda p: w * p.x, (Point(1.0, 2.0),), (Point(3.0, 4.0),))
    same(lambda rows: autograd.sum([w * v * v for v in rows[0] + rows[1]]),
         (a.tolist(),), (list(a),))  # fmt: skip
    same(lambda x, x_i: autograd.take([w, w * x_i, w * 3.0], x), (1, 5.0), (2, 5.0))
    same(lambda x, V_x: w * V_x * x[0] * x[1], ([3.0, Value(4.0)], 7.0), ([1.0, Value(2.0)], 3.0))
    same(lambda v1, g0: (w * v1) * (w * g0) * v1, (3.0, 4.0), (5.0, 6.0))


class Point(NamedTuple):
    x: float
    y: float


@both
def test_what_a_class_a_helper_or_a_container_holds_is_not_frozen(
    backend: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(programs, "STRENGTH", 1.0, raising=False)
    w, queue = Value(2.0), deque([1.0, 2.0])

    class Slots:
        __slots__ = ("s",)

    class Model:
        scale = 2.0

        def __call__(self, x: float) -> Any:
            return helper(x) * self.scale

    class Config:
        strength = 1.0

    def helper(x: float) -> Any:
        strength = Config.strength * programs.STRENGTH
        return w * x * FACTOR[0] * slots.s * sum(queue) * strength * helper.times  # type: ignore[attr-defined]

    helper.times = 1.0  # type: ignore[attr-defined]
    model, slots = Model(), Slots()
    slots.s = 1.0
    f = functools.partial(lambda m, inner, x: m(x) + inner(x), model, jit(lambda x: w * FACTOR[0]))
    compiled = jit(f, backend=backend)

    def changes() -> Iterator[None]:
        yield
        Model.scale = 3.0
        yield
        Config.strength = 2.0
        yield
        monkeypatch.setattr(programs, "STRENGTH", 3.0)
        yield
        helper.times = 4.0  # type: ignore[attr-defined]
        yield
        FACTOR[0] = 5.0
        yield
        slots.s = 7.0
        yield
        queue.append(4.0)
        yield
        Model.__call__ = lambda self, x: w * x  # type: ignore[method-assign]
        yield

    for _ in changes():
        assert compiled(3.0).data == f(3.0).data
        assert compiled(4.0).data == f(4.0).data


FACTOR = [1.0]


@both
def test_an_attribute_called_mask_belongs_to_the_user(backend: str) -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            self.layer, self.mask = nn.Layer(2, 1, "linear"), [1.0, 0.0]

        def forward(self, x: Any) -> Any:
            return self.layer([a * b for a, b in zip(x, self.mask)])

    model = Masked()
    compiled = jit(lambda model, x: model(x), backend=backend)
    assert compiled(model, [1.0, 2.0]).data == model([1.0, 2.0]).data
    assert model.mask == [1.0, 0.0]


def test_a_value_that_was_computed_before_is_refused() -> None:
    p = Value(2.0)
    q = p * p
    with pytest.raises(TraceError, match="pass it as an argument"):
        jit(lambda x: q * x + p)(3.0)
    jit(lambda q, x: q * x + p)(q, 3.0).backward()
    assert p.grad == 13.0


@both
@pytest.mark.parametrize("look", [
    lambda v, x, i: v * {0: 3.0, 1: 5.0}.get(i, 1.0),
    lambda v, x, i: v * (2.0 if i in {0, 1} else 1.0),
    lambda v, x, i: v * len({i, x}),
    lambda v, x, i: v * len(str(x)),
])  # fmt: skip
def test_sets_and_keys_of_arguments_are_refused(look: Any, backend: str) -> None:
    with pytest.raises(TraceError, match="jit"):
        jit(look, backend=backend)(Value(1.0), 1.0, 1)


@both
def test_a_trainer_that_holds_its_optimizer_traces_once(backend: str) -> None:
    class Trainer:
        def __init__(self) -> None:
            self.model = model_of()
            self.optimizer = nn.optim.SGD(self.model.parameters(), lr=0.1)
            self.step = jit(self.loss, self.optimizer, backend=backend)

        def loss(self, xs: Any, ys: Any) -> Any:
            return loss(self.model, xs, ys)

    trainer = Trainer()
    losses = [trainer.step(XS, YS) for _ in range(5)]
    assert sorted(losses, reverse=True) == losses
    assert trainer.step.stats["programs"] == 1


@both
def test_who_makes_it_trace_again_and_again_is_told_why(backend: str) -> None:
    class Trainer:
        epoch = 0

        def __init__(self) -> None:
            self.model = model_of()

        def loss(self, xs: Any) -> Any:
            return nn.mse_loss(self.model(xs), [0.0, 1.0, 2.0])

    trainer = Trainer()
    compiled = jit(trainer.loss, backend=backend)
    with pytest.warns(UserWarning, match="change of epoch"):
        for trainer.epoch in range(12):
            compiled(XS[0])


class Rule(nn.optim.Optimizer):
    """Rules that are more than arithmetic: each is selected by its name."""

    def __init__(self, params: Any, rule: str) -> None:
        self.memory = ("before",)
        super().__init__(params, 0.1)
        self.rule, self.betas, self.rng = rule, [0.9], random.Random(1)

    def update(self, p: Any, g: Any, before: Any) -> Any:
        if self.rule == "equal" and g == 0:
            return p, before
        if self.rule == "first" and self.steps == 1:
            return p - 2.0 * self.lr * g, g
        if self.rule == "sign":
            return p - self.lr * ((g > 0) - (g < 0)), before
        if self.rule == "noise":
            return p - self.lr * g + 0.01 * self.rng.gauss(0, 1), before
        if self.rule == "remember":
            return p - self.lr * (g + 0.1 * before), p
        return p - self.lr * (g + self.betas[0] * before), g


class Clamped(nn.optim.SGD):
    def step(self) -> None:
        super().step()
        for p in self.params:
            p.data = max(-0.1, min(0.1, p.data))


@pytest.mark.parametrize("rule", ["equal", "first", "sign", "noise", "remember", "betas", "fewer"])
def test_a_rule_of_ones_own_makes_the_steps_that_it_makes_eagerly(rule: str) -> None:
    a, b = model_of(), model_of()
    ours, theirs = Rule(a.parameters(), rule), Rule(b.parameters(), rule)
    step = jit(loss, ours)
    for k in range(4):
        if k == 2:
            ours.betas[0] = theirs.betas[0] = 0.5
        if k == 2 and rule == "fewer":
            for optimizer in (ours, theirs):
                optimizer.params = optimizer.params[:5]
                optimizer.state = {"before": list(optimizer.state["before"])[:5]}
        value = loss(b, XS, YS)
        b.zero_grad()
        value.backward()
        theirs.step()
        assert step(a, XS, YS) == pytest.approx(value.data, rel=1e-12)
    assert [p.data for p in a.parameters()] == pytest.approx([p.data for p in b.parameters()])


def test_a_step_of_ones_own_is_called() -> None:
    model = model_of()
    jit(loss, Clamped(model.parameters(), lr=0.1))(model, XS, YS)
    assert all(abs(p.data) <= 0.1 for p in model.parameters())


def test_a_gradient_function_goes_through_a_jitted_one() -> None:
    model = model_of()
    f = jit(lambda x: nn.mse_loss(model([x, 1.0]), [0.0, 1.0, 2.0]))
    assert autograd.grad(f)(0.5) == pytest.approx(autograd.grad(f.fn)(0.5))


def test_a_subclass_of_value_is_refused_and_stays_as_it_was() -> None:
    class Weight(Value):
        pass

    w, v = Weight(2.0), Value(1.0)
    with pytest.raises(TraceError, match="Weight"):
        jit(lambda x: w * v * x)(1.0)
    assert (w.data, v.data, type(w)) == (2.0, 1.0, Weight)


def test_flags_and_lists_that_change_at_each_call_are_refused() -> None:
    flags, log, w = {"flip": False}, [0], Value(1.0)

    def flip(x: float) -> Any:
        flags["flip"] = not flags["flip"]
        return w * x if flags["flip"] else -w * x

    def count(x: float) -> Any:
        log.append(0)
        return w * len(log)

    for f in (flip, count):
        with pytest.raises(TraceError, match="whenever it runs"):
            jit(f)(1.0)


def test_what_is_computed_once_is_no_counter() -> None:
    class Lazy:
        size = 0

        def __call__(self, v: Any) -> Any:
            if not self.size:
                self.size = 3
            return v * self.size

    assert jit(Lazy())(Value(2.0)).data == 6.0


def test_methods_keywords_dicts_and_arrays() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = Value(2.0)

        def parameters(self) -> list[Value]:
            return [self.w]

        def loss(self, batch: Any, *, power: float = 2.0) -> Any:
            return autograd.sum([(self.w * x - y) ** power for x, y in zip(batch["x"], batch["y"])])

    model = Model()
    compiled = jit(model.loss)
    for power in (2.0, 3.0):
        batch = {"x": np.array([1.0, 2.0, power]), "y": [1.0, 0.0, 5.0]}
        assert compiled(batch, power=power).data == pytest.approx(
            model.loss(batch, power=power).data
        )
    assert compiled.stats["programs"] == 1


@both
@pytest.mark.parametrize("look", [
    lambda v, x, i: v if v > 0 else -v,
    lambda v, x, i: v if x else -v,
    lambda v, x, i: v * v.data,
    lambda v, x, i: v * float(x),
    lambda v, x, i: v * round(x),
    lambda v, x, i: v * [1, 2, 3][i],
    lambda v, x, i: v * {0: 1.0}.get(int(i), 2.0),
    lambda v, x, i: v * (1.0 if x == 1.0 else 2.0),
    lambda v, x, i: v * len(range(i)),
    lambda v, x, i: v * max(x, 2.0),
    lambda v, x, i: v * (x // 2),
    lambda v, x, i: v * len(f"{v:.3f}"),
    lambda v, x, i: v * random.random(),
    lambda v, x, i: None,
])  # fmt: skip
def test_looking_at_a_number_raises_and_teaches(look: Any, backend: str) -> None:
    with pytest.raises(TraceError) as error:
        jit(look, backend=backend)(Value(1.0), 1.0, 1)
    assert "jit" in str(error.value)
    assert Value(2.0).data == 2.0  # all is as before


def test_reading_parameters_of_a_closure_raises() -> None:
    w = Value(2.0)
    with pytest.raises(TraceError, match="line"):
        jit(lambda x: w * w.data * x)(1.0)
    jit(lambda x: w * x)(1.0)  # now it lives in a store
    with pytest.raises(TraceError, match="line"):
        jit(lambda x: w * w.data * x)(1.0)


@both
def test_an_index_out_of_range_raises_as_take_does(backend: str) -> None:
    f = jit(lambda ws, i: autograd.take(ws, i), backend=backend)
    ws = [Value(1.0), Value(2.0)]
    assert f(ws, 1).data == 2.0
    for bad in (2, -1):
        with pytest.raises(IndexError, match=f"index {bad} is out of range: there are 2 values"):
            f(ws, bad)
    assert f(ws, 0).data == 1.0


def test_arguments_may_be_called_what_the_program_calls_its_variables() -> None:
    def f(m1: Any, sum1: float, i1: int, g_mul1: list[float]) -> Value:
        a = m1[0] * sum1 + m1[1] * g_mul1[0]
        return a * autograd.take(m1, i1) + autograd.sum([w * g for w, g in zip(m1, g_mul1)])

    compiled = jit(f)
    for i in (0, 1):
        m1 = [Value(2.0), Value(3.0)]
        twins = [Value(2.0), Value(3.0)]
        f(twins, 4.0, i, [0.5, 0.25]).backward()
        result = compiled(m1, 4.0, i, [0.5, 0.25])
        result.backward()
        assert result.data == f(twins, 4.0, i, [0.5, 0.25]).data
        assert [w.grad for w in m1] == [w.grad for w in twins]


def test_zeros_of_both_signs_are_two_constants() -> None:
    f = jit(lambda x: autograd.sum([x / 0.0, x / -0.0, 3.0 * x]))
    assert math.isnan(f(Value(1.0)).data)  # inf - inf, not inf + inf


def test_a_leaf_or_a_constant_as_the_result() -> None:
    w = Value(2.0)
    result = jit(lambda: w)()
    result.backward()
    assert (result.data, w.grad) == (2.0, 1.0)
    a = Value(5.0)
    jit(lambda v: v)(a * 3).backward()
    assert a.grad == 3.0


def test_the_source_of_a_dense_net_can_be_read() -> None:
    compiled = jit(loss)
    compiled(model_of(), XS, YS)
    lines = compiled.source.splitlines()
    assert len(lines) < 60
    assert any("xs_1 @ w1.T" in line for line in lines)
    assert any("# Layer(2, 4, relu)" in line for line in lines)
    assert compiled.stats["kinds"] < 12


def test_fifty_steps_stay_with_the_eager_engine() -> None:
    a, b = model_of(), model_of()
    eager = nn.optim.SGD(a.parameters(), lr=0.1)
    step = jit(loss, nn.optim.SGD(b.parameters(), lr=0.1))
    for _ in range(50):
        value = loss(a, XS, YS)
        eager.zero_grad()
        value.backward()
        eager.step()
        assert step(b, XS, YS) == pytest.approx(value.data, rel=1e-9)


def test_a_picture_shows_the_kinds_as_boxes() -> None:
    compiled = jit(loss)
    compiled(model_of(), XS, YS)
    drawing = autograd.draw(compiled)
    assert drawing.dot.count("[id=n") > 8
    assert "12 scalar nodes" in drawing.dot  # three examples through four neurons
    assert sum(box.nodes for box in compiled.boxes) <= compiled.stats["nodes"]


def trained_in_both_ways(kind: Any) -> tuple[Any, Any]:
    """An optimizer of that class after eager steps, and one after as many jitted ones."""
    a, b = model_of(), model_of()
    eager, other = kind(a.parameters(), 0.1), kind(b.parameters(), 0.1)
    step = jit(loss, optimizer=other)
    for _ in range(3):
        eager.zero_grad()
        loss(a, XS, YS).backward()
        eager.step()
        step(b, XS, YS)
    data = [p.data for p in b.parameters()]
    assert data == pytest.approx([p.data for p in a.parameters()], rel=1e-9)
    return eager, other


def test_an_optimizer_with_other_functions_in_its_rule_works_too() -> None:
    class Signs(nn.optim.Optimizer):
        memory = ("largest",)

        def update(self, p: Any, g: Any, *state: Any) -> Any:
            return p - self.lr * np.sign(g), np.maximum(state[0], abs(g))

    eager, other = trained_in_both_ways(Signs)
    assert other.state["largest"] == pytest.approx(eager.state["largest"], rel=1e-9)


def test_a_rule_that_remembers_a_plain_number_works_too() -> None:
    class Once(nn.optim.Optimizer):
        memory = ("seen",)

        def update(self, p: Any, g: Any, *state: Any) -> Any:
            return p - self.lr * g * (1.0 - state[0]), 1.0

    trained_in_both_ways(Once)


def test_a_static_argument_that_always_changes_does_not_fill_the_memory() -> None:
    compiled = jit(lambda w, name: w * len(name))
    w = Value(2.0)
    with pytest.warns(UserWarning, match="compiled this function 20 times"):
        for i in range(KEPT + 6):
            assert compiled(w, "x" * (i + 1)).data == 2.0 * (i + 1)
    assert compiled.stats["programs"] == KEPT
    assert compiled(w, "x").data == 2.0


def test_trace_error_is_found_at_every_door_and_the_old_package_names_the_new_one() -> None:
    from autograd.compiler.trace import TraceError as defined

    assert autograd.TraceError is TraceError is defined
    assert autograd.jit.TraceError is defined  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="autograd.compiler"):
        exec("from autograd.jit import trace")
