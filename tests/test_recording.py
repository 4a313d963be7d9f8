"""no_grad, enable_grad, detect_anomaly: each thread's own affair, each task's, and over in time."""

import asyncio
import contextvars
import gc
import inspect
import re
import threading
from functools import partial
from pathlib import Path

import pytest

import autograd
import nn
from autograd import AnomalyError, Value, detect_anomaly, enable_grad, grad, no_grad
from autograd import value as engine
from autograd.recording import current_recorder, recording

SWITCHES = [no_grad, detect_anomaly, enable_grad]


@pytest.fixture(autouse=True)
def nothing_is_left_switched():
    yield
    gc.collect()
    assert engine.recorder is None
    assert current_recorder() is None


def records():
    """Whether an op records its parents here and now."""
    x = Value(3.0)
    return (x * x).parents == (x, x) and autograd.dot([x], [x]).op == "dot" and bool((-x).parents)


def in_thread(f, *args):
    """f(*args) in a thread of its own, and what it returned."""
    answer = []
    thread = threading.Thread(target=lambda: answer.append(f(*args)))
    thread.start()
    thread.join(10)
    return answer[0]


# --- threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_block_in_one_thread_leaves_another_alone(switch):
    begun, done = threading.Event(), threading.Event()

    def other():
        with switch():
            begun.set()
            done.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    begun.wait(10)
    w = Value(2.0)
    (w * w - autograd.dot([w], [3.0])).backward()
    infinite = Value(0.0).log()
    infinite.backward()
    done.set()
    thread.join(10)
    assert w.grad == 1.0
    assert infinite.parents


def test_blocks_of_two_threads_that_overlap_end_one_by_one():
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    seen = {}

    def first():
        with no_grad():
            first_in.set()
            second_in.wait(10)
        seen["first, after its block"] = records()
        first_out.set()

    def second():
        first_in.wait(10)
        with no_grad():
            second_in.set()
            first_out.wait(10)
            seen["second, in its block"] = records()
        seen["second, after its block"] = records()

    threads = [threading.Thread(target=f) for f in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == {
        "first, after its block": True,
        "second, in its block": False,
        "second, after its block": True,
    }


def test_many_threads_that_train_and_evaluate_at_once_get_the_numbers_of_one():
    def train(rounds):
        w = Value(1.0)
        for _ in range(rounds):
            w.grad = 0.0
            loss = (w * 3.0 - 1.0) ** 2 + w / 7.0
            loss.backward()
            w.data -= 0.01 * w.grad
            with no_grad():
                assert (w * 2.0).parents == ()
        return w.data

    expected, answers = train(200), []
    threads = [threading.Thread(target=lambda: answers.append(train(200))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [expected] * 4


def test_a_thread_with_a_copy_of_the_context_is_inside_too():
    with no_grad():
        context = contextvars.copy_context()
        assert in_thread(records) is True
        assert in_thread(context.run, records) is False
    assert in_thread(context.run, records) is True  # the block that it was copied in is over


def test_one_object_serves_several_threads():
    block, begun, done = no_grad(), threading.Event(), threading.Event()

    def other():
        with block:
            begun.set()
            done.wait(10)
            return records()

    thread = threading.Thread(target=other)
    thread.start()
    begun.wait(10)
    with block:
        assert not records()
    assert records()
    done.set()
    thread.join(10)


def test_differentiating_in_one_thread_does_not_make_another_nest():
    begun, done = threading.Event(), threading.Event()

    def slow(x):
        begun.set()
        done.wait(10)
        return x * x

    thread = threading.Thread(target=lambda: grad(slow)(1.0))
    thread.start()
    begun.wait(10)
    answer = grad(lambda x: x * x)(3.0)
    done.set()
    thread.join(10)
    assert type(answer) is float


# --- tasks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("switch", SWITCHES)
def test_tasks_that_take_turns_do_not_switch_each_other(switch):
    async def task(before, inside):
        await asyncio.sleep(before)
        with switch():
            await asyncio.sleep(inside)
            here = current_recorder()
        return here, records()

    async def main():
        watched = asyncio.gather(task(0, 0.02), task(0.01, 0.03))
        await asyncio.sleep(0.015)
        between = records(), Value(0.0).log().data
        return between, await watched

    (recorded, data), tasks = asyncio.run(main())
    assert recorded and data == -float("inf")
    with switch():
        inside = current_recorder()
    assert tasks == [(inside, True), (inside, True)]
    assert records()


def test_a_task_started_inside_is_inside_until_the_block_is_over():
    async def main():
        go = asyncio.Event()

        async def task():
            first = records()
            await go.wait()
            return first, records()

        with no_grad():
            started = asyncio.create_task(task())
            to_thread = await asyncio.to_thread(records)
            await asyncio.sleep(0)
        go.set()
        return to_thread, await started

    assert asyncio.run(main()) == (False, (False, True))


# --- the order of leaving -------------------------------------------------------------------------


def test_blocks_may_be_left_in_another_order():
    outer, inner = no_grad(), enable_grad()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__()
    assert records()
    inner.__exit__()
    assert records()
    outer, inner = no_grad(), no_grad()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__()
    assert not records()
    inner.__exit__()
    assert records()


def test_a_block_may_be_left_in_another_thread_or_context():
    for leave in (in_thread, contextvars.copy_context().run):
        block = no_grad()
        block.__enter__()
        leave(block.__exit__)
        assert records()


def test_a_generator_that_is_forgotten_inside_a_block_ends_it():
    def forgotten():
        with no_grad():
            yield 1

    generator = forgotten()
    next(generator)
    assert not records()  # the block is open as long as the generator waits inside
    del generator
    gc.collect()
    assert records()


def test_one_object_can_be_entered_again_and_inside_itself():
    block = no_grad()
    for _ in range(2):
        with block:
            with block:
                assert not records()
            assert not records()
        assert records()


def test_an_error_or_an_interrupt_ends_the_block():
    for error in (KeyError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), no_grad():
            raise error
        assert records()


# --- as decorators --------------------------------------------------------------------------------


@pytest.mark.parametrize("decorator", [no_grad, no_grad()], ids=["bare", "called"])
def test_a_function_keeps_its_name_and_runs_inside(decorator):
    @decorator
    def evaluate(x, *, twice=False):
        "What it does."
        return records(), x, twice

    assert evaluate(1, twice=True) == (False, 1, True)
    assert (evaluate.__name__, evaluate.__doc__) == ("evaluate", "What it does.")
    assert records()


@pytest.mark.parametrize("decorator", [no_grad, no_grad()], ids=["bare", "called"])
def test_a_generator_is_inside_at_each_turn_and_its_user_is_not(decorator):
    log = []

    @decorator
    def turns():
        try:
            got = yield records()
            log.append((got, records()))
            try:
                yield records()
            except KeyError:
                log.append(("thrown", records()))
            yield records()
        finally:
            log.append(("closed", records()))
        return "the end"

    assert inspect.isgeneratorfunction(turns)
    generator = turns()
    assert next(generator) is False
    assert records()
    assert generator.send("sent") is False
    assert records()
    assert generator.throw(KeyError()) is False
    assert records()
    generator.close()
    assert log == [("sent", False), ("thrown", False), ("closed", False)]
    with pytest.raises(StopIteration) as end:
        generator = turns()
        while True:
            next(generator)
    assert end.value.value == "the end"


@pytest.mark.parametrize("decorator", [no_grad, no_grad()], ids=["bare", "called"])
def test_an_async_function_is_inside_and_whoever_runs_meanwhile_is_not(decorator):
    @decorator
    async def evaluate():
        first = records()
        await asyncio.sleep(0.01)
        with pytest.raises(KeyError):
            await failing()
        return first, records()

    async def failing():
        await asyncio.sleep(0)
        raise KeyError

    async def main():
        coroutine = evaluate()
        waiting = asyncio.ensure_future(coroutine)
        await asyncio.sleep(0)
        return records(), await waiting

    assert inspect.iscoroutinefunction(evaluate)
    assert asyncio.run(main()) == (True, (False, False))


def test_an_async_function_that_no_event_loop_runs_is_inside_at_its_turns_only():
    class Pause:
        def __await__(self):
            yield "paused"

    @no_grad()
    async def evaluate():
        await Pause()
        return records()

    coroutine = evaluate()
    assert coroutine.send(None) == "paused"
    assert records()
    with pytest.raises(StopIteration) as end:
        coroutine.send(None)
    assert end.value.value is False


@pytest.mark.parametrize("decorator", [no_grad, no_grad()], ids=["bare", "called"])
def test_an_async_generator_is_inside_at_each_turn_and_its_user_is_not(decorator):
    log = []

    @decorator
    async def turns():
        try:
            await asyncio.sleep(0)
            got = yield records()
            log.append((got, records()))
            try:
                yield records()
            except KeyError:
                log.append(("thrown", records()))
            yield records()
        finally:
            await asyncio.sleep(0)
            log.append(("closed", records()))

    async def main():
        generator = turns()
        inside = [await anext(generator), await generator.asend("sent")]
        outside = records()
        inside.append(await generator.athrow(KeyError()))
        await generator.aclose()
        return inside, outside, [inside async for inside in turns()]

    assert inspect.isasyncgenfunction(turns)
    assert asyncio.run(main()) == ([False] * 3, True, [False] * 3)
    assert log[:3] == [("sent", False), ("thrown", False), ("closed", False)]


@pytest.mark.parametrize("decorator", [no_grad, no_grad()], ids=["bare", "called"])
def test_of_a_class_every_method_is_inside(decorator):
    @decorator
    class Evaluation:
        name = "it is no function and stays"

        def __init__(self):
            self.made_inside = not records()

        def method(self):
            return records()

        @property
        def value(self):
            return records()

        @staticmethod
        def static():
            return records()

        @classmethod
        def of_class(cls):
            return cls.__name__, records()

        def turns(self):
            yield records()

    e = Evaluation()
    assert isinstance(Evaluation, type) and e.name == "it is no function and stays"
    assert e.made_inside
    assert [e.method(), e.value, e.static(), *e.turns()] == [False] * 4
    assert Evaluation.of_class() == ("Evaluation", False)
    assert records()


def test_a_decorated_static_method_partial_or_model_runs_inside():
    class Holder:
        @no_grad()
        @staticmethod
        def static():
            return records()

        @no_grad
        @classmethod
        def of_class(cls):
            return records()

    assert Holder.static() is Holder.of_class() is False
    assert no_grad(partial(records))() is False
    model = nn.MLP(2, [1])
    assert no_grad(model)([1.0, 2.0]).parents == ()
    assert model([1.0, 2.0]).parents != ()


def test_enable_grad_records_inside_no_grad():
    with no_grad():
        with enable_grad():
            assert records()
        assert enable_grad(records)() is True
        assert not records()


def test_detect_anomaly_decorates_too():
    @detect_anomaly
    def bad():
        return Value(0.0).log()

    with pytest.raises(AnomalyError, match="log"):
        bad()
    assert Value(0.0).log().data == -float("inf")


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("wrong", [True, 3.0, [Value(1.0)]])
def test_what_can_not_be_decorated_is_refused_with_the_line_to_write(switch, wrong):
    with pytest.raises(TypeError, match="with no_grad"):
        switch(wrong)


# --- recorders of one's own -----------------------------------------------------------------------


def test_the_innermost_recorder_records():
    seen = []

    def spy(op, parents):
        seen.append(op.name)
        return engine.record(op, parents)

    x = Value(2.0)
    with recording(spy):
        y = x * x + x
        with no_grad():
            x.exp()
        with recording(None):
            x.tanh()
    assert seen == ["mul", "add"]
    y.backward()
    assert x.grad == 5.0


# --- the page about it ----------------------------------------------------------------------------


def test_the_example_in_the_docs_prints_what_stands_beside_it(capsys):
    page = (Path(__file__).parent.parent / "docs/threads.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(code, {})
    assert capsys.readouterr().out.split() == re.findall(r"print\(.*\)  # (\S+)", code)
