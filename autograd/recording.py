"""Who records what an op computes: of each thread and each async task its own affair.

`+` and `*` look at one global only, `autograd.value.recorder`. It is None as long as no thread
or task has anything special in mind. While any has, it holds `_Dispatcher`, which asks the
`ContextVar` below what is meant *here*; for everybody else it records as ever.

A block knows the one around it, and leaving a block marks it as over, wherever that happens: in
another order, in another thread, or by the garbage collector that ends a forgotten generator.
So whatever happens, when all blocks are over, recording is back.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial, wraps
from threading import RLock
from typing import Any, TypeAlias, TypeVar, overload

from autograd import value as engine
from autograd.ops import Op
from autograd.value import Value, compute_only

Recorder: TypeAlias = Callable[[Op, tuple[Value, ...]], Value]
Check: TypeAlias = Callable[[Value], None]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(eq=False)
class _Block:
    """One block that has been entered. own: who records inside (None: as usual). check: what to
    call with the root after a `backward()` inside. outer: the block around it."""

    own: Recorder | None
    check: Check | None
    outer: "_Block | None"
    over: bool = False


_innermost: ContextVar[_Block | None] = ContextVar("autograd.recording", default=None)
_entered: set[_Block] = set()  # those of all threads and tasks that are not over
_lock = RLock()  # reentrant: the garbage collector may end a block while another is entered


def _blocks() -> Iterator[_Block]:
    """The blocks that we are inside of, the innermost first."""
    block = _innermost.get()
    while block is not None:
        if not block.over:
            yield block
        block = block.outer


def current_recorder() -> Recorder | None:
    """Who records in this thread or task; None: nobody in particular, it is as usual."""
    block = next(_blocks(), None)
    return block.own if block else None


def outer_recorder() -> Recorder | None:
    """Who would record here without the innermost block: what its own recorder may hand on to."""
    blocks = _blocks()
    next(blocks, None)
    block = next(blocks, None)
    return block.own if block else None


class _Dispatcher:
    """What `autograd.value.recorder` is while any thread or task is inside a block."""

    own = staticmethod(current_recorder)

    def __call__(self, op: Op, parents: tuple[Value, ...]) -> Value:
        record = current_recorder() or engine.record
        return record(op, parents)

    def check(self, root: Value) -> None:
        for block in _blocks():
            if block.check is not None:
                block.check(root)


_dispatcher = _Dispatcher()


class recording:
    """A block inside which `own` records instead of `node`: in this thread or task alone, and in
    those that are started inside with a copy of its context (as `asyncio` does it).

    own: called with an op and its parents, returns the Value; None: recording is as usual, even
    inside of `no_grad`. check: called with the root after each `backward()` inside.
    One object can be entered again and again, in several threads too. As a decorator:

    - a function runs inside of the block;
    - so does a generator, an async function or an async generator, each time it goes on, but not
      whoever runs while it waits;
    - of a class, every method, property, ... that it defines itself is decorated.
    """

    def __init__(self, own: Recorder | None, check: Check | None = None) -> None:
        self.own, self.check = own, check
        self.entered: list[_Block] = []

    def __enter__(self) -> None:
        outer = next(_blocks(), None)
        # A tracer (autograd.jit) goes on recording inside of no_grad, only without gradients.
        tracer: Any = outer and outer.own
        own = tracer.within(self.own) if hasattr(tracer, "within") else self.own
        block = _Block(own, self.check, outer)
        with _lock:
            self.entered.append(block)
            _entered.add(block)
            engine.recorder = _dispatcher
        _innermost.set(block)

    def __exit__(self, *error: object) -> None:
        here = [block for block in _blocks() if block in self.entered]
        with _lock:
            block = here[0] if here else self.entered[-1]  # else: left in another context
            block.over = True
            self.entered.remove(block)
            _entered.remove(block)
            engine.recorder = _dispatcher if _entered else None
        _innermost.set(next(_blocks(), None))

    def __call__(self, function: F) -> F:
        decorated: F = _decorated(self, function)
        return decorated


@overload
def no_grad() -> recording: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: Any = None) -> Any:
    """Inside, ops compute but record nothing: each result is a leaf.

        with no_grad():
            accuracy = evaluate(model)

    Also a decorator, `@no_grad()` or `@no_grad`: see `recording`, there too for what "inside"
    means to threads and tasks. `grad` and its relatives differentiate even inside.
    """
    block = recording(compute_only)
    return block if function is None else block(function)


@overload
def enable_grad() -> recording: ...
@overload
def enable_grad(function: F) -> F: ...
def enable_grad(function: Any = None) -> Any:
    """Inside, ops record as usual, even within `no_grad`. Used like it, as a decorator too."""
    block = recording(None)
    return block if function is None else block(function)


# --- as decorators --------------------------------------------------------------------------------


def _decorated(block: recording, f: Any) -> Any:
    """`f` with `block` around each time that its code runs."""
    if isinstance(f, type):
        return _decorated_class(block, f)
    if isinstance(f, staticmethod | classmethod):
        return type(f)(_decorated(block, f.__func__))
    if isinstance(f, property):
        get, put, delete = [f and _decorated(block, f) for f in (f.fget, f.fset, f.fdel)]
        return property(get, put, delete, f.__doc__)
    if not callable(f):
        raise TypeError(
            f"what is decorated must be a function or a class, but this is of type "
            f"{type(f).__name__}: {f!r:.60}. A block of code takes a `with` line and no argument, "
            "as in `with no_grad():`."
        )
    for is_kind, wrapper in _WRAPPERS:
        if is_kind(f) or is_kind(getattr(f, "__call__", None)):  # noqa: B004  (not: is it callable)
            return wraps(f)(wrapper(block, f))
    return wraps(f)(_function(block, f))


def _decorated_class(block: recording, cls: type) -> type:
    for name, member in list(vars(cls).items()):
        if inspect.isfunction(member) or isinstance(member, staticmethod | classmethod | property):
            setattr(cls, name, _decorated(block, member))
    return cls


def _function(block: recording, f: Callable[..., Any]) -> Callable[..., Any]:
    def inside(*args: Any, **kwargs: Any) -> Any:
        with block:
            return f(*args, **kwargs)

    return inside


def _generator(block: recording, f: Callable[..., Any]) -> Callable[..., Any]:
    def inside(*args: Any, **kwargs: Any) -> Any:
        return (yield from _turns(block, f(*args, **kwargs)))

    return inside


def _coroutine(block: recording, f: Callable[..., Any]) -> Callable[..., Any]:
    async def inside(*args: Any, **kwargs: Any) -> Any:
        return await _Awaited(block, f(*args, **kwargs))

    return inside


def _async_generator(block: recording, f: Callable[..., Any]) -> Callable[..., Any]:
    async def inside(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = f(*args, **kwargs)
        turn = generator.asend(None)
        while True:
            try:
                item = await _Awaited(block, turn)
            except StopAsyncIteration:
                return
            try:
                answer = yield item
            except GeneratorExit:
                await _Awaited(block, generator.aclose())
                raise
            except BaseException as error:
                turn = generator.athrow(error)
            else:
                turn = generator.asend(answer)

    return inside


_WRAPPERS: list[tuple[Callable[[Any], bool], Callable[..., Callable[..., Any]]]] = [
    (inspect.isgeneratorfunction, _generator),
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isasyncgenfunction, _async_generator),
]


class _Awaited:
    """What an async function waits for, with `block` around each of its turns."""

    def __init__(self, block: recording, awaitable: Awaitable[Any]) -> None:
        self.block, self.awaitable = block, awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        return _turns(self.block, self.awaitable.__await__())


def _turns(block: recording, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """`generator`, with `block` around each of its turns, not around the waits between them."""
    turn = partial(next, generator)
    while True:
        with block:
            try:
                item = turn()
            except StopIteration as end:
                return end.value
        try:
            answer = yield item
        except GeneratorExit:
            with block:
                generator.close()
            raise
        except BaseException as error:
            turn = partial(generator.throw, error)
        else:
            turn = partial(generator.send, answer)
